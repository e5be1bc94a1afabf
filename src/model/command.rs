//! What a client may ask of the engine, and what it is answered.

use super::{BackfillId, BackfillRequest, Catchup, Diagnostics, PipelineId, RunId, Secrets, TaskId};
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
    /// Values of secret params of the run, by name; kept in the engine's memory and nowhere else.
    #[serde(default, skip_serializing_if = "Secrets::is_empty")]
    pub secrets: Secrets,
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
    /// Forget the result of tasks, so that they run again.
    Clear {
        /// The run.
        run: RunId,
        /// The task; `None` is every task of the run.
        task: Option<TaskId>,
        /// Which others with it.
        scope: ClearScope,
    },
    /// Go on with a run that ended: what did not succeed runs, what succeeded stays.
    Resume {
        /// The run.
        run: RunId,
    },
    /// Say how a task ended, whatever its attempts did.
    Mark {
        /// The run.
        run: RunId,
        /// The task.
        task: TaskId,
        /// As what.
        verdict: MarkedAs,
    },
    /// Start no further attempts of a run, or start them again.
    PauseRun {
        /// The run.
        run: RunId,
        /// Pause it, or end its pause.
        paused: bool,
    },
    /// Tell people when a run ends, whatever is said for its pipeline; or do not.
    WatchRun {
        /// The run.
        run: RunId,
        /// Tell them, or not.
        watched: bool,
    },
    /// Stop the triggers of a pipeline, or turn them on. Manual and open runs are not concerned.
    PausePipeline {
        /// The pipeline.
        pipeline: PipelineId,
        /// Off, or on.
        paused: bool,
        /// The client's environment, already filtered by `pass_env`: the runs that the triggers start get it.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        env: BTreeMap<String, String>,
        /// What becomes of fires that fell due while they were off; without it, nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        make_up: Option<Catchup>,
    },
    /// Let a task that waits for a person start.
    Approve {
        /// The run.
        run: RunId,
        /// The task.
        task: TaskId,
    },
    /// Do not let a task that waits for a person start: it fails.
    Reject {
        /// The run.
        run: RunId,
        /// The task.
        task: TaskId,
    },
    /// Make runs for a stretch of logical dates.
    Backfill(Box<BackfillRequest>),
    /// Make no further runs of a backfill, or go on with it. Its open runs are not concerned.
    PauseBackfill {
        /// The backfill.
        backfill: BackfillId,
        /// Pause it, or end its pause.
        paused: bool,
    },
    /// Cancel the open runs of a backfill, and make no further ones.
    CancelBackfill {
        /// The backfill.
        backfill: BackfillId,
    },
    /// Take the last command about a run back, while nothing that followed from it has started.
    Undo {
        /// The run.
        run: RunId,
    },
}

/// Which tasks are cleared with one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClearScope {
    /// Everything below it.
    pub downstream: bool,
    /// Everything above it.
    pub upstream: bool,
    /// Of all these only what failed, was lost or canceled, and what could not run because of it.
    pub failed_only: bool,
}

/// As what a person marks a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkedAs {
    /// Its downstream goes on.
    Success,
    /// Its downstream does not run.
    Failed,
}

impl Command {
    /// The word for the journal.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Trigger(_) => "trigger",
            Self::Retry { downstream: false, .. } => "retry",
            Self::Retry { downstream: true, .. } => "retry_from_here",
            Self::Skip { .. } => "skip",
            Self::Cancel { .. } | Self::CancelBackfill { .. } => "cancel",
            Self::Clear { .. } => "clear",
            Self::Resume { .. } => "resume",
            Self::Mark { verdict: MarkedAs::Success, .. } => "mark_success",
            Self::Mark { verdict: MarkedAs::Failed, .. } => "mark_failed",
            Self::Backfill(_) => "backfill",
            Self::PauseRun { paused: true, .. } | Self::PausePipeline { paused: true, .. } | Self::PauseBackfill { paused: true, .. } => {
                "pause"
            }
            Self::PauseRun { paused: false, .. }
            | Self::PausePipeline { paused: false, .. }
            | Self::PauseBackfill { paused: false, .. } => "unpause",
            Self::WatchRun { watched: true, .. } => "watch",
            Self::WatchRun { watched: false, .. } => "unwatch",
            Self::Approve { .. } => "approve",
            Self::Reject { .. } => "reject",
            Self::Undo { .. } => "undo",
        }
    }

    /// The run it is about, and the task of it; `None` for what creates runs, or concerns a pipeline or a backfill.
    pub fn subject(&self) -> Option<(&RunId, Option<&TaskId>)> {
        match self {
            Self::Trigger(_)
            | Self::PausePipeline { .. }
            | Self::Backfill(_)
            | Self::PauseBackfill { .. }
            | Self::CancelBackfill { .. } => None,
            Self::Retry { run, task, .. } | Self::Cancel { run, task } | Self::Clear { run, task, .. } => Some((run, task.as_ref())),
            Self::Skip { run, task } | Self::Mark { run, task, .. } | Self::Approve { run, task } | Self::Reject { run, task } => {
                Some((run, Some(task)))
            }
            Self::Resume { run } | Self::PauseRun { run, .. } | Self::WatchRun { run, .. } | Self::Undo { run } => Some((run, None)),
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
    /// Asked again with the same key, it gives the run that the first one made, and starts nothing.
    #[serde(default)]
    pub idempotency_key: Option<String>,
    /// People are told when it ends.
    #[serde(default)]
    pub watched: bool,
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
