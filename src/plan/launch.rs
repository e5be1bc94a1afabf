//! The command line, environment and folder of one attempt.

use crate::{
    expr::Scope,
    model::{AttemptKey, Job, JobInput, Pipeline, Task, Ticket},
    stdx::time::Timestamp,
};
use std::{collections::BTreeMap, path::PathBuf};

/// What is known when an attempt is about to start.
#[derive(Debug, Clone)]
pub struct Launch<'a> {
    /// The run's definition.
    pub pipeline: &'a Pipeline,
    /// The task.
    pub task: &'a Task,
    /// The attempt.
    pub key: AttemptKey,
    /// Counts generations of the task instance from 1; retry keeps it.
    pub generation: u32,
    /// The time the run stands for.
    pub logical_date: Timestamp,
    /// `params`, `tasks`, `run` and `git`; inputs and outputs are filled in by [`ticket`].
    pub scope: Scope,
    /// Artifacts of upstream outputs, by input name.
    pub inputs: BTreeMap<String, JobInput>,
    /// The environment of whoever started the run, filtered.
    pub run_env: &'a BTreeMap<String, String>,
    /// `[env]` of the workspace.
    pub workspace_env: &'a BTreeMap<String, String>,
    /// The workspace, absolute.
    pub workspace: PathBuf,
    /// The attempt's folder, absolute.
    pub folder: PathBuf,
    /// This program, for components.
    pub program: PathBuf,
    /// The shell for `run`: `bash` with `pipefail` if it is there, else `sh`.
    pub shell: Shell,
}

/// Which shell runs `run` scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// `bash -euo pipefail -c`.
    Bash,
    /// `sh -eu -c`.
    Sh,
}

/// What to start, and what to write to `inputs.json` first.
///
/// # Errors
/// A sentence that names the template that cannot be rendered, or the value that is too long.
pub fn ticket(_launch: &Launch<'_>) -> Result<(Ticket, Job), String> {
    todo!()
}
