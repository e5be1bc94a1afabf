//! What runs outside the engine: a resident spawner that forks one shim per attempt, and what shim and engine tell each other.
//!
//! The spawner is this program, started again once with a hidden argument. It has one thread and little memory, so that
//! forking it is cheap, and a fork needs no `exec` of this large binary. Each fork becomes the shim of one attempt: it
//! outlives the engine and the spawner, and what it writes into the attempt's folder ([`files`]) is the truth about it.

// Here the times of an attempt are made: the engine is told them.
#![allow(clippy::disallowed_methods)]

mod attempt;
pub mod cgroup;
pub mod files;
mod fork;
pub mod log_cap;
pub mod log_index;
pub mod mask;
mod memory;
pub mod processes;
mod pumps;
mod slot;
pub mod spawner;
pub mod standing;
mod task;
pub mod usage;
mod watch;

pub use attempt::{Host, run as run_attempt};

use crate::model::Verdict;
use serde::{Deserialize, Serialize};
use std::process::ExitCode;

/// The hidden first argument. Its number is the version of the packets: a binary that was replaced under a running
/// engine does not know the argument and ends at once, and the engine says so.
pub const ARGUMENT: &str = "__spawner-2";

/// The variable by which every process of an attempt is known, whatever its parent has become.
pub const TOKEN_VARIABLE: &str = "FLOWYARD_ATTEMPT_TOKEN";

/// Becomes the spawner if this process was started as one. To be called first in `main`, before any thread exists.
pub fn enter() -> Option<ExitCode> {
    let first = std::env::args_os().nth(1)?;
    (first == ARGUMENT).then(spawner::main)
}

/// What a shim or its spawner tells the engine, one packet each, as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "snake_case")]
pub enum Told {
    /// `meta` exists.
    Began {
        /// The order's number.
        id: u64,
        /// Microseconds since 1970 when the program was started.
        at_micros: i64,
    },
    /// The verdict exists, or there was no room for one and nothing was started.
    Ended {
        /// The order's number.
        id: u64,
        /// How.
        verdict: Verdict,
    },
    /// There was no room for another process or file. Nothing was started, and as this attempt nothing will be.
    NotNow {
        /// The order's number.
        id: u64,
        /// What could not be done, and the system's words.
        why: String,
    },
    /// The shim is gone without having told an end: its folder has the answer.
    Gone {
        /// The order's number.
        id: u64,
    },
}

/// Whether an error is about something that comes back by itself: room for a process or an open file, memory.
pub fn may_pass(error: &std::io::Error) -> bool {
    use nix::errno::Errno;
    let code = error.raw_os_error().map(Errno::from_raw);
    matches!(code, Some(Errno::EAGAIN | Errno::ENOMEM | Errno::EMFILE | Errno::ENFILE))
}

/// Longest packet from a shim or a spawner.
pub const MAX_PACKET: usize = 16 * 1024;
