//! Runs as clients see them: which there are, how each went and why, and many of them side by side.

use super::{
    super::{
        RuntimeError,
        why::{self, Account},
    },
    Handle,
};
use crate::{
    model::{GridCell, GridTask, Pipeline, PipelineId, RunId, RunRow, RunSnapshot, RunState, TaskId, TaskState, Why},
    stdx::{suggest, time::Timestamp},
    store::{Reader, RunQuery},
};
use std::collections::BTreeMap;

/// After so many task instances were read for their names, further runs are not asked for theirs.
const NAMES: usize = 5_000;

/// Which runs to list.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// Only of this pipeline.
    pub pipeline: Option<PipelineId>,
    /// Only in this state.
    pub state: Option<RunState>,
    /// Only those created at or after.
    pub since: Option<Timestamp>,
    /// Only those older than this id: the next page.
    pub before: Option<RunId>,
    /// Only those newer than this id: the page before.
    pub after: Option<RunId>,
    /// Only this id and older ones: the same page again.
    pub upto: Option<RunId>,
    /// Of more than `limit`, the oldest.
    pub oldest: bool,
    /// At most so many; they come newest first.
    pub limit: usize,
}

impl Handle {
    /// Runs, newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRow>, RuntimeError> {
        let Some(reader) = self.reader()? else { return Ok(Vec::new()) };
        let query = RunQuery {
            pipeline: filter.pipeline.as_ref(),
            state: filter.state,
            since: filter.since,
            before: filter.before.as_ref(),
            after: filter.after.as_ref(),
            upto: filter.upto.as_ref(),
            oldest: filter.oldest,
            limit: filter.limit,
        };
        Ok(reader.runs(&query)?)
    }

    /// What people call these runs: the pipeline and the number. One that is not there has no name.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn run_names<'a>(&self, runs: impl IntoIterator<Item = &'a RunId>) -> Result<BTreeMap<RunId, String>, RuntimeError> {
        let mut names = BTreeMap::new();
        for id in runs {
            if names.contains_key(id) {
                continue;
            }
            let found = self.runs(&RunFilter { upto: Some(id.clone()), limit: 1, ..RunFilter::default() })?;
            if let Some(run) = found.first().filter(|run| run.run_id == *id) {
                names.insert(id.clone(), format!("{} #{}", run.pipeline, run.number));
            }
        }
        Ok(names)
    }

    /// The run meant by an id, the beginning of one, `latest`, `latest:PIPELINE` or `PIPELINE#N`.
    ///
    /// # Errors
    /// There is none, or several.
    pub fn find_run(&self, selector: &str) -> Result<RunId, RuntimeError> {
        let history = self.history()?;
        let newest = |pipeline: Option<PipelineId>| -> Result<Option<RunId>, RuntimeError> {
            let runs = history.runs(&RunQuery { pipeline: pipeline.as_ref(), limit: 1, ..RunQuery::default() })?;
            Ok(runs.into_iter().next().map(|run| run.run_id))
        };
        if selector == "latest" {
            return newest(None)?.ok_or_else(|| no_run(selector));
        }
        if let Some(pipeline) = selector.strip_prefix("latest:") {
            if let Some(run) = newest(Some(pipeline.into()))? {
                return Ok(run);
            }
            let known = self.pipelines()?;
            let names = || known.iter().map(|row| row.pipeline.as_str());
            return Err(RuntimeError::Usage(match names().any(|name| name == pipeline) {
                true => format!("pipeline `{pipeline}` has no run yet\nhint: `flowyard run {pipeline}` starts one"),
                false => {
                    let near = suggest::nearest(pipeline, names()).map(|near| format!("\nhint: did you mean `latest:{near}`?"));
                    format!("there is no pipeline `{pipeline}`{}", near.unwrap_or_else(|| "\nhint: `flowyard list` shows them".to_owned()))
                }
            }));
        }
        if let Some((pipeline, number)) = selector.split_once('#') {
            let found = number.parse().ok().map(|number| history.run_numbered(&pipeline.trim().into(), number)).transpose()?.flatten();
            return found.ok_or_else(|| no_run(selector));
        }
        let mut found = history.runs_with_prefix(&selector.to_ascii_lowercase())?;
        match found.len() {
            1 if !selector.is_empty() => Ok(found.swap_remove(0)),
            2 => Err(RuntimeError::Usage(format!(
                "several runs start with `{selector}`; write more of the id\nhint: `flowyard runs` lists them"
            ))),
            _ => Err(no_run(selector)),
        }
    }

    /// One run with its tasks and attempts.
    ///
    /// # Errors
    /// There is no such run.
    pub fn run(&self, run: &RunId) -> Result<RunSnapshot, RuntimeError> {
        self.history()?.run(run)?.ok_or_else(|| no_run(run.as_str()))
    }

    /// The definition that a run keeps.
    ///
    /// # Errors
    /// There is no such run.
    pub fn run_definition(&self, run: &RunId) -> Result<Pipeline, RuntimeError> {
        self.history()?.definition(run)?.ok_or_else(|| no_run(run.as_str()))
    }

    /// Why a task or a run is as it is.
    ///
    /// # Errors
    /// There is no such run or task.
    pub fn why(&self, run: &RunId, task: Option<&TaskId>) -> Result<Why, RuntimeError> {
        let mut snapshot = self.run(run)?;
        for task in snapshot.tasks.iter_mut().filter(|task| task.state == TaskState::Running) {
            task.message = task.last_attempt().and_then(|attempt| self.last_look(&attempt.stdout)).or(task.message.take());
        }
        let definition = self.run_definition(run)?;
        // Only an open run waits for anything.
        let asked = if snapshot.run.state.is_terminal() { Ok(None) } else { self.resources() };
        let account = match &asked {
            Ok(Some(shared)) => Account::Of(shared),
            Ok(None) => Account::NoEngine,
            // What is recorded is told all the same.
            Err(_) => Account::Silent,
        };
        match task {
            None => Ok(why::run(&snapshot, account)),
            Some(id) => why::task(&snapshot, &definition, id, account).ok_or_else(|| {
                let near = suggest::nearest(id.as_str(), snapshot.tasks.iter().map(|task| task.task.as_str()));
                let hint = near.map(|name| format!("\nhint: did you mean `{name}`?")).unwrap_or_default();
                RuntimeError::Usage(format!("run {run} has no task `{id}`{hint}"))
            }),
        }
    }

    /// The metrics of each of these runs, of all its tasks together.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn metrics(&self, runs: &[RunId]) -> Result<Vec<serde_json::Map<String, serde_json::Value>>, RuntimeError> {
        match self.reader()? {
            Some(reader) => Ok(reader.metrics(runs)?),
            None => Ok(vec![serde_json::Map::new(); runs.len()]),
        }
    }

    /// The tasks of these runs with their groups, in order of declaration, those of the first run first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn grid_tasks(&self, runs: &[RunId]) -> Result<Vec<GridTask>, RuntimeError> {
        match self.reader()? {
            Some(reader) => Ok(reader.grid_tasks(runs, NAMES)?),
            None => Ok(Vec::new()),
        }
    }

    /// The state of each of these tasks in each of these runs, a line for each run.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn task_states(&self, runs: &[RunId], tasks: &[TaskId]) -> Result<Vec<Vec<Option<TaskState>>>, RuntimeError> {
        match self.reader()? {
            Some(reader) => Ok(reader.task_states(runs, tasks)?),
            None => Ok(Vec::new()),
        }
    }

    /// What became of these tasks in these runs: for each task, a cell for each run.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn grid(&self, runs: &[RunId], tasks: &[TaskId]) -> Result<Vec<Vec<Option<GridCell>>>, RuntimeError> {
        match self.reader()? {
            Some(reader) => Ok(reader.grid(runs, tasks)?),
            None => Ok(Vec::new()),
        }
    }

    fn history(&self) -> Result<&Reader, RuntimeError> {
        self.reader()?.ok_or_else(|| {
            RuntimeError::Usage(
                "nothing ran in this workspace yet\nhint: `flowyard list` shows what can, `flowyard run PIPELINE` runs it".to_owned(),
            )
        })
    }
}

fn no_run(selector: &str) -> RuntimeError {
    RuntimeError::Usage(format!(
        "there is no run `{selector}`\nhint: `flowyard runs` lists them; `latest` and `latest:PIPELINE` name the newest"
    ))
}
