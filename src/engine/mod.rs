//! The pure state machine: `apply(input, now)` decides what happens to runs, task instances and attempts.
//!
//! It reads no clock and touches no file: the runtime commits the changes it returns, then carries out the rest.

mod clock;
mod commands;
mod machine;
mod outcome;
mod queue;
mod readiness;
mod retries;
mod rules;
mod run;
pub mod transitions;

#[cfg(test)]
mod story;

pub use machine::Engine;
pub use queue::{Limits, RESERVE_AFTER};
pub use run::Run;

use crate::model::{
    AttemptKey, Command, GpusSeen, Reason, Reply, RunId, TaskId, TaskState, Verdict,
    record::{ArtifactRecord, Change, RunRecord},
};
use crate::stdx::time::Timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What the world tells the engine.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A person or program asks for a run, already resolved from its file.
    Create(Box<RunRecord>),
    /// A person or program asks for something else.
    Command {
        /// What.
        command: Command,
        /// Who.
        by: String,
        /// Why, in their words.
        reason: Option<String>,
    },
    /// The proof that an attempt began exists.
    Began {
        /// Which attempt.
        key: AttemptKey,
        /// When.
        at: Timestamp,
    },
    /// An attempt is over, and this is what it left.
    Ended {
        /// Which attempt.
        key: AttemptKey,
        /// What it left.
        report: Box<Report>,
    },
    /// The system had no room for another process; the attempt is fenced and never begins.
    NotNow {
        /// Which attempt.
        key: AttemptKey,
        /// The system's words.
        why: String,
    },
    /// An attempt is over and nobody can know how.
    Lost {
        /// Which attempt.
        key: AttemptKey,
        /// Why nobody knows.
        reason: Reason,
    },
    /// Which GPUs there are, and who else is on them.
    Gpus(GpusSeen),
    /// How the tasks of an ended run stand, that an open one looks back to.
    Past {
        /// The ended run.
        run: RunId,
        /// Its tasks.
        states: BTreeMap<TaskId, TaskState>,
    },
    /// The clock of the machine was set forward by this, or back.
    ClockSet(chrono::TimeDelta),
    /// Time has passed: back-offs may be due.
    Tick,
}

/// What an attempt left, read and published by the runtime.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// How the program ended.
    pub verdict: Verdict,
    /// What it wrote to `$FLOWYARD_OUTPUT`.
    pub output_parameters: Map<String, Value>,
    /// The last value of each metric.
    pub metrics: Map<String, Value>,
    /// Its outputs, published.
    pub artifacts: Vec<ArtifactRecord>,
    /// What should be there and is not, or cannot be read, in sentences.
    pub missing: Vec<String>,
    /// Its outputs are there and could not be published for want of room, in a sentence.
    pub no_room: Option<String>,
    /// The last bytes of its log, of both streams one after the other, if its policy of retries asks for them.
    pub log_tail: Option<String>,
}

impl Report {
    /// An end that left nothing.
    pub fn of(verdict: Verdict) -> Self {
        Self {
            verdict,
            output_parameters: Map::new(),
            metrics: Map::new(),
            artifacts: Vec::new(),
            missing: Vec::new(),
            no_room: None,
            log_tail: None,
        }
    }
}

/// What the engine wants of the runtime.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Commit this, with all other changes of the batch, before anything else is done.
    Commit(Change),
    /// Start this attempt.
    Start(AttemptKey),
    /// End this attempt.
    Cancel(AttemptKey),
    /// Answer the command.
    Answer(Reply),
}
