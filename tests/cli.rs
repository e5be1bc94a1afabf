//! The command line as programs and people use it: the real binary in workspaces of its own.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests wait for the world with deadlines")]

mod support;

#[path = "cli/looking.rs"]
mod looking;

#[path = "cli/acting.rs"]
mod acting;

#[path = "cli/control.rs"]
mod control;

#[path = "cli/beginning.rs"]
mod beginning;

#[path = "cli/mistakes.rs"]
mod mistakes;

#[path = "cli/terminal.rs"]
mod terminal;

#[path = "cli/secrets.rs"]
mod secrets;

#[path = "cli/documents.rs"]
mod documents;

#[path = "cli/backfills.rs"]
mod backfills;
