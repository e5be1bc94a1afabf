//! The only door for clients: reads the database read-only, sends commands to the engine.

use crate::model::{
    Diagnostics, JournalEntry, Pipeline, PipelineId, PipelineRow, Reply, Request, RunId, RunRow, RunSnapshot, RunState, TaskId, Why,
};
use std::{path::Path, path::PathBuf, time::Duration};

/// How to attach to a workspace.
#[derive(Debug, Clone)]
pub struct Attach {
    /// The workspace and its state folder.
    pub place: super::workspace::Place,
    /// Look, never act, never start an engine.
    pub read_only: bool,
    /// Run the engine inside this process.
    pub in_process: bool,
    /// Who asks, for the journal: `user@host (cli)`.
    pub by: String,
}

/// What can go wrong between a client and its workspace; each knows its exit code.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// Unknown id, invalid file, no workspace (exit 2).
    #[error("{0}")]
    Usage(String),
    /// Not possible now (exit 3).
    #[error("{0}")]
    Refused(String),
    /// The database is newer than this program, or not ours (exit 65).
    #[error("{0}")]
    Foreign(String),
    /// The engine cannot be reached (exit 69).
    #[error("{0}")]
    Unreachable(String),
    /// The system said no (exit 74).
    #[error("{0}")]
    Io(String),
    /// Another engine owns the workspace (exit 75).
    #[error("{0}")]
    Owned(String),
}

impl RuntimeError {
    /// The exit code of the contract.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Refused(_) => 3,
            Self::Foreign(_) => 65,
            Self::Unreachable(_) => 69,
            Self::Io(_) => 74,
            Self::Owned(_) => 75,
        }
    }
}

/// Which runs to list.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// Only of this pipeline.
    pub pipeline: Option<PipelineId>,
    /// Only in this state.
    pub state: Option<RunState>,
    /// Only those created at or after.
    pub since: Option<crate::stdx::time::Timestamp>,
    /// Only those older than this id: the next page.
    pub before: Option<RunId>,
    /// At most so many, newest first.
    pub limit: usize,
}

/// What is known of the engine process.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct EngineStatus {
    /// Its process id.
    pub pid: u32,
    /// The program's version.
    pub version: String,
    /// When it started.
    #[serde(with = "crate::stdx::time::serde_rfc3339")]
    pub started_at: crate::stdx::time::Timestamp,
    /// Runs that are not over.
    pub open_runs: usize,
    /// Attempts that are open, and how many may be.
    pub slots: (usize, usize),
    /// Clients attached.
    pub clients: usize,
}

/// A client's view of one workspace. Every call blocks only for a read of the database or one answer of the engine;
/// a TUI calls it from a thread of its own. Cheap to open twice.
pub struct Handle {}

impl Handle {
    /// Opens the workspace. Starts an engine if a run is open and nobody runs it, unless `read_only`.
    ///
    /// # Errors
    /// See [`RuntimeError`].
    pub fn attach(_attach: Attach) -> Result<Self, RuntimeError> {
        todo!()
    }
    /// The workspace folder.
    pub fn workspace(&self) -> &Path {
        todo!()
    }
    /// The state folder.
    pub fn state_dir(&self) -> &Path {
        todo!()
    }
    /// Every pipeline of the workspace, broken files included, in order of name.
    pub fn pipelines(&self) -> Result<Vec<PipelineRow>, RuntimeError> {
        todo!()
    }
    /// Reads the file of a pipeline now: id, or path of a file.
    pub fn definition(&self, _pipeline: &str) -> Result<(Option<Pipeline>, Diagnostics), RuntimeError> {
        todo!()
    }
    /// The definition that a run keeps.
    pub fn run_definition(&self, _run: &RunId) -> Result<Pipeline, RuntimeError> {
        todo!()
    }
    /// Runs, newest first.
    pub fn runs(&self, _filter: &RunFilter) -> Result<Vec<RunRow>, RuntimeError> {
        todo!()
    }
    /// The run meant by an id, `latest` or `latest:PIPELINE`.
    pub fn find_run(&self, _selector: &str) -> Result<RunId, RuntimeError> {
        todo!()
    }
    /// One run with its tasks and attempts.
    pub fn run(&self, _run: &RunId) -> Result<RunSnapshot, RuntimeError> {
        todo!()
    }
    /// The journal after `after`, oldest first; of one run if asked.
    pub fn journal(&self, _run: Option<&RunId>, _after: i64, _limit: usize) -> Result<Vec<JournalEntry>, RuntimeError> {
        todo!()
    }
    /// Why a task or a run is as it is.
    pub fn why(&self, _run: &RunId, _task: Option<&TaskId>) -> Result<Why, RuntimeError> {
        todo!()
    }
    /// The newest sequence number of the journal.
    pub fn last_seq(&self) -> Result<i64, RuntimeError> {
        todo!()
    }
    /// Sends a command, starting an engine if none is there; the answer comes after the commit.
    pub fn send(&mut self, _request: Request) -> Result<Reply, RuntimeError> {
        todo!()
    }
    /// Waits until something changed, at most `timeout`; true if it did. Keeps this client attached to the engine.
    pub fn wait_for_change(&mut self, _timeout: Duration) -> Result<bool, RuntimeError> {
        todo!()
    }
    /// The engine that owns the workspace; never starts one.
    pub fn engine_status(&self) -> Result<Option<EngineStatus>, RuntimeError> {
        todo!()
    }
    /// Asks the engine to leave; running tasks go on.
    pub fn stop_engine(&self) -> Result<(), RuntimeError> {
        todo!()
    }
    /// The last known progress of a running task, 0 to 1, from the key `progress` of its live metrics.
    pub fn progress(&self, _stdout: &Path) -> Option<f64> {
        todo!()
    }
    /// The folder of the program's own log.
    pub fn own_logs(&self) -> PathBuf {
        todo!()
    }
}
