//! What the engine decided and the store writes: whole rows, each with the transition that made it.

use super::{
    AttemptKey, AttemptState, BackfillId, BackfillItem, BackfillRecord, BackfillState, Firing, GateLine, GitState, Named, Origin, Params,
    Pipeline, PipelineSwitch, Reason, RunId, RunState, RunType, TaskKey, TaskState, TriggerRecord,
};
use crate::stdx::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// A run as the database keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Its id.
    pub run_id: RunId,
    /// The definition it keeps.
    #[serde(with = "crate::stdx::shared")]
    pub definition: Arc<Pipeline>,
    /// How far it is.
    pub state: RunState,
    /// What created it.
    pub run_type: RunType,
    /// Who created it.
    pub by: String,
    /// The time it stands for.
    pub logical_date: Timestamp,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When its first attempt was committed.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Values of its params.
    pub params: Params,
    /// The commit it was started from.
    pub git: GitState,
    /// The environment of whoever started it, filtered; shared because every attempt reads it.
    #[serde(with = "crate::stdx::shared")]
    pub env: Arc<BTreeMap<String, String>>,
    /// It starts no further attempts until somebody says so.
    pub paused: bool,
    /// People are told when it ends.
    #[serde(default)]
    pub watched: bool,
    /// The key by which its sender asks for it again.
    pub idempotency_key: Option<String>,
    /// How the last command about it is taken back.
    pub undo: Option<Box<Undo>>,
    /// The run before it, if a task of it looks back (`depends_on_past`).
    pub past: Option<RunId>,
    /// When `run_timeout` ends it; set with its first attempt, and again with the first after it was reopened.
    pub deadline: Option<Timestamp>,
    /// What started it, where nobody asked for it.
    #[serde(default)]
    pub origin: Option<Box<Origin>>,
}

/// What a command changed, so that it can be taken back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Undo {
    /// The command's word.
    pub command: String,
    /// Whether the run was paused before.
    pub paused: bool,
    /// The state of the run before.
    pub run_state: RunState,
    /// When the run had ended before.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// The task instances that it changed, as they were before.
    pub before: Vec<TaskRecord>,
}

/// A task instance as the database keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// Which one.
    pub key: TaskKey,
    /// Its position in the definition.
    pub position: usize,
    /// How far it is.
    pub state: TaskState,
    /// Why.
    pub reason: Option<Reason>,
    /// The reason in a sentence.
    pub message: Option<String>,
    /// Counts from 1 how often its result was forgotten.
    pub generation: u32,
    /// The number of the last attempt; 0 before the first.
    pub last_attempt: u32,
    /// Attempts up to this number do not count against `retries`.
    pub forgiven: u32,
    /// How many attempts in a row never began.
    pub never_begun: u32,
    /// When the next attempt is due, between two attempts.
    pub retry_at: Option<Timestamp>,
    /// A person asked to end its open attempt.
    pub cancel_requested: bool,
    /// Artifact ids by output name.
    pub outputs: Named,
    /// Small values handed on.
    pub output_parameters: Named,
    /// Last value of each metric.
    pub metrics: Named,
    /// Each gate with what was measured.
    pub gates: Vec<GateLine>,
    /// When it began to wait for a slot or a resource.
    pub queued_at: Option<Timestamp>,
    /// Who let it start, or marked it, and what they wrote.
    pub decision: Option<Box<Decision>>,
}

impl TaskRecord {
    /// The task instances of a run that does not exist yet.
    pub fn all_pending(run: &RunRecord) -> impl Iterator<Item = Self> + '_ {
        let fresh = |(position, task): (usize, &super::Task)| Self {
            key: TaskKey::new(run.run_id.clone(), task.id.clone()),
            position,
            state: TaskState::Pending,
            reason: None,
            message: None,
            generation: 1,
            last_attempt: 0,
            forgiven: 0,
            never_begun: 0,
            retry_at: None,
            cancel_requested: false,
            outputs: Named::default(),
            output_parameters: Named::default(),
            metrics: Named::default(),
            gates: Vec::new(),
            queued_at: None,
            decision: None,
        };
        run.definition.tasks.iter().enumerate().map(fresh)
    }
}

impl AttemptRecord {
    /// An attempt whose intent is about to be committed.
    pub fn starting(key: AttemptKey, executor: &str, gpus: Vec<u32>, now: Timestamp) -> Self {
        Self {
            key,
            state: AttemptState::Starting,
            reason: None,
            exit_code: None,
            signal: None,
            created_at: now,
            started_at: None,
            ended_at: None,
            executor: executor.to_owned(),
            usage: None,
            gpus,
        }
    }
}

/// Everything the database says of a run: the content of `run.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Archive {
    /// Version of this record.
    pub format: u32,
    /// The newest entry of the journal when it was written.
    pub last_seq: i64,
    /// The number it has for people; older files do not tell that of an open one.
    #[serde(default)]
    pub number: Option<u64>,
    /// The run.
    pub run: RunRecord,
    /// Its task instances; none while it is open.
    pub tasks: Vec<TaskRecord>,
    /// All its attempts; none while it is open.
    pub attempts: Vec<AttemptRecord>,
    /// Its artifacts; none while it is open.
    pub artifacts: Vec<ArtifactRecord>,
}

impl Archive {
    /// The version that is written.
    pub const FORMAT: u32 = 1;

    /// A run that has begun: its tasks and attempts are told by their folders.
    pub const fn begun(run: RunRecord, number: Option<u64>, last_seq: i64) -> Self {
        Self { format: Self::FORMAT, last_seq, number, run, tasks: Vec::new(), attempts: Vec::new(), artifacts: Vec::new() }
    }
}

/// What a person decided about a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The command's word: `approve`, `mark_success`, …
    pub command: String,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why, if they said so.
    pub note: Option<String>,
}

/// An attempt as the database keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// Which one.
    pub key: AttemptKey,
    /// How far it is.
    pub state: AttemptState,
    /// Why it ended so.
    pub reason: Option<Reason>,
    /// 0 to 255.
    pub exit_code: Option<i32>,
    /// The number of the signal that ended it.
    pub signal: Option<i32>,
    /// When its intent was committed.
    pub created_at: Timestamp,
    /// When the program was started.
    pub started_at: Option<Timestamp>,
    /// When everything of it was over.
    pub ended_at: Option<Timestamp>,
    /// Where it ran.
    pub executor: String,
    /// What it took of the machine, once it is over.
    pub usage: Option<super::Usage>,
    /// Indices of the GPUs that were leased to it.
    pub gpus: Vec<u32>,
}

/// A concrete output of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactRecord {
    /// Its id.
    pub id: String,
    /// Its type, such as `Model`.
    pub artifact_type: String,
    /// Absolute path of its bytes.
    pub uri: String,
    /// blake3 of a file, or of the sorted list of a folder, in hex.
    pub hash: String,
    /// Bytes.
    pub size: u64,
    /// The output's name.
    pub name: String,
    /// Who made it.
    pub producer: AttemptKey,
    /// When it was published.
    pub created_at: Timestamp,
    /// The asset that it is a version of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset: Option<String>,
}

/// One thing to commit. Everything but an artifact also becomes one entry of the journal, in the same transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// When it was decided.
    pub at: Timestamp,
    /// Who decided: `engine`, or `user@host (cli)`.
    pub by: String,
    /// What changes.
    pub what: What,
}

/// The row to write, and the state before it.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A run appears or changes its state.
    Run {
        /// Its state before; `None` when it appears.
        from: Option<RunState>,
        /// Its row after.
        record: Box<RunRecord>,
    },
    /// A task instance appears or changes its state.
    Task {
        /// Its state before; `None` when it appears.
        from: Option<TaskState>,
        /// Its row after.
        record: Arc<TaskRecord>,
    },
    /// An attempt appears or changes its state.
    Attempt {
        /// Its state before; `None` when it appears.
        from: Option<AttemptState>,
        /// Its row after.
        record: Box<AttemptRecord>,
    },
    /// A task instance's row changes, but not its state: a wish to end its attempt. Not in the journal; the command is.
    Wish(Arc<TaskRecord>),
    /// A run's row changes, but not its state: a pause, or what can be taken back. Not in the journal; the command is.
    Note(Box<RunRecord>),
    /// An artifact was published.
    Artifact(Box<ArtifactRecord>),
    /// Somebody is to be told something. Not in the journal; what it tells of is.
    Notification(Box<super::Notification>),
    /// Somebody was told something, or could not be. Not in the journal.
    Told(Box<super::Told>),
    /// A command was accepted.
    Command {
        /// What it is about.
        entity: String,
        /// Its word.
        command: String,
        /// The person's reason.
        reason: Option<String>,
    },
    /// The triggers of a pipeline were turned off or on.
    Pipeline {
        /// Which.
        pipeline: super::PipelineId,
        /// Whether they were off; `None` before anybody said so, which is off too.
        from: Option<bool>,
        /// How they are now.
        switch: Box<PipelineSwitch>,
    },
    /// A trigger fired, and this became of it.
    Firing(Box<Firing>),
    /// A trigger is known, or saw something new. Not in the journal.
    Trigger(Box<TriggerRecord>),
    /// A backfill appears or changes its state.
    Backfill {
        /// Its state before; `None` when it appears.
        from: Option<BackfillState>,
        /// Its row after.
        record: Box<BackfillRecord>,
    },
    /// The logical dates of a backfill that appears. Not in the journal; the backfill is.
    BackfillItems(BackfillId, Vec<BackfillItem>),
    /// One of them went on. Not in the journal; its run is.
    BackfillItem(BackfillId, Box<BackfillItem>),
    /// The engine process changed: `engine/<start>`.
    Engine {
        /// The start it is about.
        start: String,
        /// Its state before.
        from: Option<&'static str>,
        /// Its state after.
        to: &'static str,
    },
}

/// An open run with everything a new engine must know.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedRun {
    /// The run.
    pub run: RunRecord,
    /// Its task instances, in order of position.
    pub tasks: Vec<Arc<TaskRecord>>,
    /// Attempts that are not over.
    pub open_attempts: Vec<AttemptRecord>,
    /// Every artifact its tasks hold, by id.
    pub artifacts: Vec<ArtifactRecord>,
}
