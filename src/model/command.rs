//! What a client may ask of the engine, and what it is answered.

use super::{Diagnostics, PipelineId, RunId, TaskId};
use crate::stdx::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A command with who asks and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// What to do.
    pub command: Command,
    /// Who asks: `user@host (cli)`.
    pub by: String,
    /// Why, if the person said so.
    pub reason: Option<String>,
}

/// The closed list of what clients may ask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Start a run.
    Trigger(TriggerRequest),
    /// A new attempt of a task that ended; revives what was `upstream_failed` below it.
    Retry {
        /// The run.
        run: RunId,
        /// The task; `None` is every failed, lost or canceled task of the run.
        task: Option<TaskId>,
        /// Also forget everything downstream, so that it runs again.
        downstream: bool,
    },
    /// Do not run this task; what waits for it goes on.
    Skip {
        /// The run.
        run: RunId,
        /// The task.
        task: TaskId,
    },
    /// Stop a run, or one task of it.
    Cancel {
        /// The run.
        run: RunId,
        /// The task; `None` is the run.
        task: Option<TaskId>,
    },
}

impl Command {
    /// The word for the journal.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Trigger(_) => "trigger",
            Self::Retry { downstream: false, .. } => "retry",
            Self::Retry { downstream: true, .. } => "retry_from_here",
            Self::Skip { .. } => "skip",
            Self::Cancel { .. } => "cancel",
        }
    }
}

/// What a new run needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TriggerRequest {
    /// The pipeline: the engine reads its file itself.
    pub pipeline: PipelineId,
    /// Values as given, by name: texts from a command line, or typed values from a form or a file.
    #[serde(default)]
    pub params: BTreeMap<String, serde_json::Value>,
    /// The client's environment, already filtered by `pass_env`.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// The time the run stands for; now, if nothing is said.
    #[serde(default)]
    pub logical_date: Option<Timestamp>,
}

/// The answer, given after the commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// It is done and committed.
    Done {
        /// What was done, for the person.
        message: String,
        /// The run it was about.
        run: Option<RunId>,
    },
    /// Not possible now (exit 3).
    Refused {
        /// Why, and what to do.
        why: String,
    },
    /// The request itself is wrong: unknown id, bad params, an invalid file (exit 2).
    Invalid {
        /// What is wrong.
        message: String,
        /// The findings, when a file is wrong.
        #[serde(default)]
        diagnostics: Diagnostics,
    },
    /// The engine could not write it down (exit 74).
    Failed {
        /// What the system said.
        message: String,
    },
}
