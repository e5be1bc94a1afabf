//! `{{ params.x }}` in texts.
