//! Bytes of artifacts.
