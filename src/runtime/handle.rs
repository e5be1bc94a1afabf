//! The only door for clients: reads the database read-only, sends commands to the engine.

mod backfills;

pub use backfills::BackfillPlan;

use super::{
    RuntimeError, attempts,
    client::{self, Line},
    clock,
    herald::Pulse,
    pipelines, retention,
    scheduler::{
        Sight, history,
        outlook::{self, Day, Outlook, Preview, TriggerRow, TriggerState},
        watch,
    },
    serve, upkeep,
    why::{self, Account},
    wire::{Ask, Tell},
    workspace::Place,
};
use crate::{
    executors::shim::usage,
    model::{
        AttemptFiles, Catchup, Diagnostics, Firing, GridCell, GridTask, JournalEntry, NotificationRow, Pipeline, PipelineId, PipelineRow,
        Reply, Request, ResourcesSnapshot, RunId, RunRow, RunSnapshot, RunState, TaskId, TaskState, Usage, Why,
    },
    plan::params,
    store::{FiringQuery, KnownTrigger, Overview, Reader, RunQuery, StoreError},
};
use chrono::{NaiveDate, NaiveTime};
use std::{
    cell::{OnceCell, RefCell},
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    thread::JoinHandle,
    time::Duration,
};

/// How much of the end of a metrics file is read for the progress of a running task.
const PROGRESS_TAIL: u64 = 4096;

/// After so many task instances were read for their names, further runs are not asked for theirs.
const NAMES: usize = 5_000;

/// How often a command is sent before its sender is told that the engine went away each time.
const SENDS: u32 = 4;

/// How to attach to a workspace.
#[derive(Debug, Clone)]
pub struct Attach {
    /// The workspace and its state folder.
    pub place: Place,
    /// Look, never act, never start an engine.
    pub read_only: bool,
    /// Run the engine inside this process.
    pub in_process: bool,
    /// Who asks, for the journal: `user@host (cli)`.
    pub by: String,
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
    /// Only those newer than this id: the page before.
    pub after: Option<RunId>,
    /// Only this id and older ones: the same page again.
    pub upto: Option<RunId>,
    /// Of more than `limit`, the oldest.
    pub oldest: bool,
    /// At most so many; they come newest first.
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
    /// It stays when it has nothing to do.
    #[serde(default)]
    pub stays: bool,
    /// Notifications that nobody took yet.
    #[serde(default)]
    pub undelivered: usize,
    /// The last heartbeat; none without `[notify] heartbeat`.
    #[serde(default)]
    pub heartbeat: Option<Pulse>,
    /// Triggers that are on: it stays for them, too.
    #[serde(default)]
    pub triggers_on: usize,
    /// When the next of them fires by the clock.
    #[serde(default, with = "crate::stdx::time::serde_rfc3339::option")]
    pub next_fire: Option<crate::stdx::time::Timestamp>,
}

/// A client's view of one workspace. Every call blocks only for a read of the database or one answer of the engine;
/// a TUI calls it from a thread of its own. Cheap to open twice.
pub struct Handle {
    attach: Attach,
    reader: OnceCell<Reader>,
    shelf: RefCell<pipelines::Shelf>,
    line: Option<Line>,
    seen: i64,
    inside: Option<JoinHandle<()>>,
    trouble: Option<String>,
}

impl Handle {
    /// Opens the workspace. Starts an engine if a run is open and nobody runs it, unless `read_only`.
    ///
    /// # Errors
    /// See [`RuntimeError`].
    pub fn attach(attach: Attach) -> Result<Self, RuntimeError> {
        let mut handle = Self::to_engine(attach);
        if handle.attach.in_process {
            handle.start_inside()?;
        } else {
            handle.bring_up_to_date()?;
        }
        match handle.wake_engine() {
            // What was recorded can still be looked at; a command will meet the same trouble, and say it.
            Err(error @ (RuntimeError::Unreachable(_) | RuntimeError::Io(_))) if handle.last_seq().is_ok() => {
                handle.trouble = Some(format!("a run is open and no engine goes on with it: {error}"));
            }
            other => other?,
        }
        handle.seen = handle.last_seq()?;
        Ok(handle)
    }

    /// The way to the engine alone: nothing is read, so that an engine can be reached whose database is gone or damaged.
    pub fn to_engine(attach: Attach) -> Self {
        Self { attach, reader: OnceCell::new(), shelf: RefCell::default(), line: None, seen: 0, inside: None, trouble: None }
    }

    /// Why what is known of open runs may be old: no engine runs or could be started, or it does not answer.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// Viewing starts an engine only where one is missing: a run is open and nobody runs it.
    fn wake_engine(&mut self) -> Result<(), RuntimeError> {
        let open = match self.reader()? {
            Some(reader) => reader.open_runs()? + reader.working_backfills()?,
            None => 0,
        };
        if open == 0 {
            return self.miss_scheduler();
        }
        match self.engine_status() {
            Ok(Some(_)) => {}
            Ok(None) if self.attach.read_only => {
                self.trouble =
                    Some("no engine runs: what is open is shown as it was recorded last, and its tasks may have gone on".to_owned());
            }
            Ok(None) => drop(client::connect_or_start(&self.attach.place, false)?),
            // One that is there and does not answer, or speaks another protocol, is no reason not to look.
            Err(error) => self.trouble = Some(format!("what is open is shown as it was recorded last: {error}")),
        }
        Ok(())
    }

    /// Triggers that are on fire only while an engine runs; one that is started to look at something would be a surprise.
    fn miss_scheduler(&mut self) -> Result<(), RuntimeError> {
        let is_on = self.reader()?.map(Reader::unpaused).transpose()?.is_some_and(|on| !on.is_empty());
        if is_on && matches!(self.engine_status(), Ok(None)) {
            self.trouble = Some("triggers are on and no engine runs: nothing fires until `flowyard engine` does".to_owned());
        }
        Ok(())
    }

    /// A history of an earlier version is brought to this one by an engine, which copies it first; whoever only looks is told how.
    fn bring_up_to_date(&self) -> Result<(), RuntimeError> {
        let is_older = || matches!(Reader::open(&self.attach.place.state_dir), Err(StoreError::Older { .. }));
        if !self.attach.read_only && is_older() {
            client::connect_or_start(&self.attach.place, false)?;
        }
        Ok(())
    }

    fn start_inside(&mut self) -> Result<(), RuntimeError> {
        let place = self.attach.place.clone();
        let (failed, failure) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name("serve".to_owned()).spawn(move || {
            if let Err(error) = serve::serve_inside(&place) {
                let _ = failed.send(error);
            }
        });
        let thread = thread.map_err(|error| RuntimeError::Io(error.to_string()))?;
        loop {
            // Another engine may answer as long as ours waits for the lock. It is not ours to stop, and may be leaving for want
            // of anything to do: then a question every few milliseconds would hold it back.
            let patience = match Line::open(&self.attach.place.state_dir, true)? {
                Some((line, status)) if status.pid == std::process::id() => {
                    (self.line, self.inside) = (Some(line), Some(thread));
                    return Ok(());
                }
                Some(_) => Duration::from_secs(1),
                None => Duration::from_millis(5),
            };
            match failure.recv_timeout(patience) {
                Ok(RuntimeError::Owned(_)) => {
                    return Err(RuntimeError::Owned("another engine owns this workspace; leave --in-process out to use it".to_owned()));
                }
                Ok(error) => return Err(error),
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => {
                    return Err(RuntimeError::Unreachable("the engine inside this process ended at once; see its log".to_owned()));
                }
            }
        }
    }

    /// The database; `None` while nothing ever ran here.
    fn reader(&self) -> Result<Option<&Reader>, RuntimeError> {
        if self.reader.get().is_none() {
            match Reader::open(&self.attach.place.state_dir) {
                Ok(reader) => drop(self.reader.set(reader)),
                Err(StoreError::Missing { .. }) => {
                    self.attach.place.has_no_runs()?;
                    return Ok(None);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.reader.get())
    }

    /// The place this handle is attached to.
    pub fn place(&self) -> &Place {
        &self.attach.place
    }

    /// The workspace folder.
    pub fn workspace(&self) -> &Path {
        &self.attach.place.workspace
    }

    /// The state folder.
    pub fn state_dir(&self) -> &Path {
        &self.attach.place.state_dir
    }

    /// Every pipeline of the workspace, broken files included, in order of name.
    ///
    /// # Errors
    /// A file or the database cannot be read.
    pub fn pipelines(&self) -> Result<Vec<PipelineRow>, RuntimeError> {
        let (all, now) = (self.shelf.borrow_mut().all(&self.attach.place)?, clock::now());
        let triggers = self.reader()?.map(Reader::known_triggers).transpose()?.unwrap_or_default();
        let ids: Vec<PipelineId> = all.iter().map(|found| found.id.clone()).collect();
        let (mut known, unpaused) = match self.reader()? {
            Some(reader) => (reader.overview(&ids)?, reader.unpaused()?),
            None => Default::default(),
        };
        // They come newest first.
        let open = self.backfills(None, true, usize::MAX)?.into_iter().rev();
        let mut open: BTreeMap<_, _> = open.map(|found| (found.backfill.request.pipeline.clone(), found)).collect();
        Ok(all
            .into_iter()
            .map(|found| {
                let overview = known.remove(&found.id);
                let paused = !unpaused.contains(&found.id);
                let backfill = open.remove(&found.id).map(Into::into);
                PipelineRow { backfill, ..row(found, overview, paused, &triggers, now) }
            })
            .collect())
    }

    /// The triggers of every pipeline, or of one, with their next fires, the last, and what fell due while no engine runs.
    ///
    /// # Errors
    /// A file or the database cannot be read; there is no such pipeline.
    pub fn triggers(&self, pipeline: Option<&str>, fires: usize) -> Result<Vec<TriggerRow>, RuntimeError> {
        self.trigger_rows(&self.found(pipeline)?, fires)
    }

    /// Everything that starts runs by itself, or what does so of one pipeline: with so many next fires of each trigger, and the files that
    /// are broken.
    ///
    /// # Errors
    /// A file or the database cannot be read; there is no such pipeline, or its file has errors.
    pub fn outlook(&self, pipeline: Option<&str>, fires: usize) -> Result<Outlook, RuntimeError> {
        let found = self.found(pipeline)?;
        let broken = found.iter().filter_map(|found| Some((found.file.clone(), first_error(found)?))).collect();
        Ok(Outlook { triggers: self.trigger_rows(&found, fires)?, broken })
    }

    /// The file of a pipeline, which must be good; or all of them.
    fn found(&self, pipeline: Option<&str>) -> Result<Vec<pipelines::Found>, RuntimeError> {
        let Some(name) = pipeline else { return self.shelf.borrow_mut().all(&self.attach.place) };
        let found = pipelines::find(&self.attach.place, name, pipelines::read)?;
        if found.pipeline.is_none() || found.diagnostics.has_errors() {
            return Err(RuntimeError::Usage(found.diagnostics.to_string()));
        }
        Ok(vec![found])
    }

    /// What an engine that is started now would make of what fell due; nothing if one runs, or cannot be asked.
    fn fell_due(&self, found: &[pipelines::Found]) -> Result<Vec<Firing>, RuntimeError> {
        let (Some(reader), Ok(None)) = (self.reader()?, self.engine_status()) else { return Ok(Vec::new()) };
        let open = |pipeline: &PipelineId| reader.open_runs_of(pipeline).unwrap_or_default();
        let pipelines = found.iter().filter(|found| !found.diagnostics.has_errors()).filter_map(|found| found.pipeline.as_ref());
        Ok(outlook::fell_due(pipelines, &reader.switches()?, &reader.known_triggers()?, open, clock::now()))
    }

    /// So many days from a first one on: what became of the fires of a trigger, and how many are to come.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn firing_days(&self, row: &TriggerRow, first: NaiveDate, many: usize) -> Result<Vec<Day>, RuntimeError> {
        let since = first.and_time(NaiveTime::MIN).and_utc();
        let counted = self.reader()?.map(|reader| reader.firing_counts(&row.pipeline, &row.def.id, since)).transpose()?;
        Ok(outlook::days(row, &counted.unwrap_or_default(), first, many, clock::now()))
    }

    fn trigger_rows(&self, found: &[pipelines::Found], fires: usize) -> Result<Vec<TriggerRow>, RuntimeError> {
        let now = clock::now();
        let switches = self.reader()?.map(Reader::switches).transpose()?.unwrap_or_default();
        let fell_due = self.fell_due(found)?;
        let mut rows = Vec::new();
        for (found, pipeline) in found.iter().filter_map(|found| Some((found, found.pipeline.as_ref()?))) {
            let paused = switches.get(&pipeline.id).is_none_or(|switch| switch.paused);
            for def in &pipeline.triggers {
                let query = FiringQuery { pipeline: Some(&pipeline.id), trigger: Some(&def.id), limit: 1, ..FiringQuery::default() };
                let last = self.firings(&query)?.pop();
                let silent_until = last.as_ref().map(|last| last.logical_date).filter(|last| !paused && *last > now);
                rows.push(TriggerRow {
                    pipeline: pipeline.id.clone(),
                    file: found.file.clone(),
                    words: outlook::words(&pipeline.id, def),
                    paused,
                    next: outlook::next_of(&pipeline.id, def, paused, silent_until.unwrap_or(now), fires),
                    silent_until,
                    last,
                    fell_due: fell_due.iter().filter(|due| due.pipeline == pipeline.id && due.trigger == def.id).cloned().collect(),
                    def: def.clone(),
                });
            }
        }
        Ok(rows)
    }

    /// The triggers of an outlook, with what each sees now. It looks itself, and starts nothing.
    ///
    /// # Errors
    /// Something cannot be read.
    pub fn trigger_states(&self, outlook: &Outlook) -> Result<Vec<TriggerState>, RuntimeError> {
        let (reader, now) = (self.reader()?, clock::now());
        let switches = reader.map(Reader::switches).transpose()?.unwrap_or_default();
        let known = reader.map(Reader::known_triggers).transpose()?.unwrap_or_default();
        let state = |row: &TriggerRow| {
            let known = known.iter().find(|known| known.record.pipeline == row.pipeline && known.record.trigger == row.def.id);
            let memory = known.and_then(|known| known.record.memory.clone());
            let sight = Sight { key: (row.pipeline.clone(), row.def.id.clone()), kind: row.def.kind.clone(), memory };
            // One that is off starts from what there is when it is turned on: reading all of that now would tell nothing.
            let mut observed = None;
            if !row.paused {
                observed = watch::look_once(&self.place().workspace, &sight.kind, sight.memory.as_ref());
                if let (None, Some(reader)) = (&observed, reader) {
                    observed = history::look(&reader.past(), &sight)?;
                }
            }
            let since = switches.get(&row.pipeline).and_then(|switch| switch.since);
            Ok(TriggerState::new(row.clone(), since, known, observed.as_ref(), now))
        };
        outlook.triggers.iter().map(state).collect()
    }

    /// What became of fires, newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn firings(&self, query: &FiringQuery<'_>) -> Result<Vec<Firing>, RuntimeError> {
        match self.reader()? {
            Some(reader) => Ok(reader.firings(query)?),
            None => Ok(Vec::new()),
        }
    }

    /// What turning the triggers of a pipeline on now would start.
    ///
    /// # Errors
    /// A file or the database cannot be read; there is no such pipeline.
    pub fn preview_unpause(&self, pipeline: &str, make_up: Option<Catchup>) -> Result<Vec<Preview>, RuntimeError> {
        let (switches, known) = match self.reader()? {
            Some(reader) => (reader.switches()?, reader.known_triggers()?),
            None => Default::default(),
        };
        let found = self.defined(pipeline)?;
        Ok(outlook::preview(&found, switches.get(&found.id), &known, make_up, clock::now()))
    }

    /// The definition of a pipeline, which must be good.
    fn defined(&self, name: &str) -> Result<Pipeline, RuntimeError> {
        match self.definition(name)? {
            (Some(pipeline), diagnostics) if !diagnostics.has_errors() => Ok(pipeline),
            (_, diagnostics) => Err(RuntimeError::Usage(diagnostics.to_string())),
        }
    }

    /// Reads the file of a pipeline now: id, or path of a file.
    ///
    /// # Errors
    /// There is no such file, or it cannot be read.
    pub fn definition(&self, pipeline: &str) -> Result<(Option<Pipeline>, Diagnostics), RuntimeError> {
        let found = pipelines::find(&self.attach.place, pipeline, pipelines::read)?;
        Ok((found.pipeline, found.diagnostics))
    }

    /// The tasks of a pipeline that could never start here, and why.
    pub fn never_start(&self, pipeline: &Pipeline) -> Vec<(TaskId, String)> {
        let limits = serve::limits(&self.attach.place);
        pipeline.tasks.iter().flat_map(|task| limits.never(task).into_iter().map(|why| (task.id.clone(), why))).collect()
    }

    /// The definition that a run keeps.
    ///
    /// # Errors
    /// There is no such run.
    pub fn run_definition(&self, run: &RunId) -> Result<Pipeline, RuntimeError> {
        self.history()?.definition(run)?.ok_or_else(|| no_run(run.as_str()))
    }

    fn history(&self) -> Result<&Reader, RuntimeError> {
        self.reader()?.ok_or_else(|| {
            RuntimeError::Usage(
                "nothing ran in this workspace yet\nhint: `flowyard list` shows what can, `flowyard run PIPELINE` runs it".to_owned(),
            )
        })
    }

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
                    let near =
                        crate::stdx::suggest::nearest(pipeline, names()).map(|near| format!("\nhint: did you mean `latest:{near}`?"));
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

    /// The journal after `after`, oldest first; of one run if asked.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn journal(&self, run: Option<&RunId>, after: i64, limit: usize) -> Result<Vec<JournalEntry>, RuntimeError> {
        match self.reader()? {
            Some(reader) => Ok(reader.journal(run, after, limit)?),
            None => Ok(Vec::new()),
        }
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
                let near = crate::stdx::suggest::nearest(id.as_str(), snapshot.tasks.iter().map(|task| task.task.as_str()));
                let hint = near.map(|name| format!("\nhint: did you mean `{name}`?")).unwrap_or_default();
                RuntimeError::Usage(format!("run {run} has no task `{id}`{hint}"))
            }),
        }
    }

    /// The newest sequence number of the journal.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn last_seq(&self) -> Result<i64, RuntimeError> {
        match self.reader()? {
            Some(reader) => Ok(reader.last_seq()?),
            None => Ok(0),
        }
    }

    /// Notifications newer than `after`, the newest `most` of them, newest first; of one pipeline if asked.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn notifications(&self, pipeline: Option<&PipelineId>, after: i64, most: usize) -> Result<Vec<NotificationRow>, RuntimeError> {
        match self.reader()? {
            Some(reader) => Ok(reader.notifications(pipeline, after, most)?),
            None => Ok(Vec::new()),
        }
    }

    /// SQLite's own opinion of the database: empty if it is whole, `None` if there is none yet.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn integrity(&self) -> Result<Option<Vec<String>>, RuntimeError> {
        match self.reader()? {
            Some(reader) => Ok(Some(reader.integrity()?)),
            None => Ok(None),
        }
    }

    /// Sends a command, starting an engine if none is there; the answer comes after the commit.
    ///
    /// # Errors
    /// The engine cannot be reached or started; `Refused` with `read_only`.
    pub fn send(&mut self, mut request: Request) -> Result<Reply, RuntimeError> {
        if self.attach.read_only {
            return Err(RuntimeError::Refused("this program looks only (--read-only); it sends no commands".to_owned()));
        }
        if let (crate::model::Command::Trigger(_), Some(broken)) = (&request.command, &self.attach.place.broken) {
            return Err(RuntimeError::Usage(broken.clone()));
        }
        self.give_secrets_again(&mut request);
        // Asked again, the next engine knows by this id whether the run was started.
        let run = RunId::from(clock::new_id());
        let mut again = SENDS;
        loop {
            let mut line = match self.line.take() {
                Some(line) => line,
                None => client::connect_or_start(&self.attach.place, true)?.0,
            };
            again -= 1;
            match line.command(request.clone(), run.clone()) {
                // The engine this line led to may have left long ago, or died before it answered.
                Err(RuntimeError::Unreachable(_)) if again > 0 => {}
                Err(RuntimeError::Unreachable(why)) => {
                    return Err(RuntimeError::Unreachable(format!("{why}\nhint: `flowyard runs` shows whether it was done all the same")));
                }
                answer => {
                    self.line = Some(line);
                    return answer;
                }
            }
        }
    }

    /// The engine that knew the secrets of a run may be gone; what of them is in the environment goes with every command about it.
    fn give_secrets_again(&self, request: &mut Request) {
        if let crate::model::Command::PauseBackfill { backfill, paused: false } = &request.command {
            request.secrets = self.secrets_of_backfill(backfill);
            return;
        }
        let Some(run) = request.command.subject().map(|(run, _)| run).filter(|_| request.secrets.is_empty()) else { return };
        // A run that does not exist is for the engine to tell.
        if let Ok(Some(definition)) =
            self.reader().and_then(|reader| Ok(reader.map(|reader| reader.definition(run)).transpose()?.flatten()))
        {
            request.secrets = params::known_secrets(&definition.params, |name| std::env::var(name).ok());
        }
    }

    /// Waits until something changed, at most `timeout`; true if it did. Keeps this client attached to the engine.
    ///
    /// # Errors
    /// The engine cannot be reached though a run is open.
    pub fn wait_for_change(&mut self, timeout: Duration) -> Result<bool, RuntimeError> {
        if self.line.is_none() {
            self.listen()?;
        }
        if self.line.is_none() {
            // The last attempt to replace an engine may have failed: while a run is open, somebody must try again.
            self.wake_engine()?;
            self.listen()?;
        }
        let told = match &mut self.line {
            Some(line) => line.wait(timeout),
            None => {
                std::thread::sleep(timeout.min(Duration::from_secs(1)));
                Ok(false)
            }
        };
        match told {
            Ok(told) => {
                let seq = self.last_seq()?;
                Ok(told | (std::mem::replace(&mut self.seen, seq) != seq))
            }
            Err(RuntimeError::Unreachable(_)) => {
                self.line = None;
                self.wake_engine()?;
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    fn listen(&mut self) -> Result<(), RuntimeError> {
        self.line = Line::open(&self.attach.place.state_dir, true)?.map(|(line, _)| line);
        Ok(())
    }

    /// Whether an engine tells this client of changes; else [`Self::wait_for_change`] can only look from time to time.
    pub const fn is_attached(&self) -> bool {
        self.line.is_some()
    }

    /// The engine that owns the workspace; never starts one.
    ///
    /// # Errors
    /// It is there and does not answer.
    pub fn engine_status(&self) -> Result<Option<EngineStatus>, RuntimeError> {
        Ok(Line::glance(&self.attach.place.state_dir)?.map(|(_, status)| status))
    }

    /// What attempts share, who has it, and who waits for what; `None` if no engine runs. Never starts one.
    ///
    /// # Errors
    /// It is there and does not answer.
    pub fn resources(&self) -> Result<Option<ResourcesSnapshot>, RuntimeError> {
        let Some((mut line, _)) = Line::glance(&self.attach.place.state_dir)? else { return Ok(None) };
        match line.ask(&Ask::Resources)? {
            Tell::Resources(found) => Ok(Some(*found)),
            other => Err(RuntimeError::Unreachable(format!("the engine gave an answer to another question: {other:?}"))),
        }
    }

    /// Bytes that are free on the disk of the state folder for this user, and how many it has; `None` if it does not say.
    pub fn disk_space(&self) -> Option<(u64, u64)> {
        let disk = rustix::fs::statvfs(self.state_dir()).or_else(|_| rustix::fs::statvfs(self.workspace())).ok()?;
        Some((disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize))
    }

    /// Copies the history into `file`, which must not be there yet, or into the folder of copies. Gives the copy's place.
    ///
    /// # Errors
    /// There is no history yet; the file is there; what the system says.
    pub fn backup(&self, file: Option<PathBuf>) -> Result<PathBuf, RuntimeError> {
        let history = self.state_dir().join(crate::store::FILE);
        match file {
            Some(file) => crate::store::copy(&history, &file).map(|()| file),
            None => {
                // To the microsecond: each is kept.
                let name = format!("manual-{}.db", clock::now().format("%Y%m%dT%H%M%S%.6f"));
                let file = self.state_dir().join(upkeep::BACKUPS).join(name);
                crate::store::keep_copy(&history, &file).map(|()| file)
            }
        }
        .map_err(RuntimeError::from)
    }

    /// Removes runs that are over, with their logs and the artifacts that only they made. Gives those that are gone, and the bytes
    /// that became free.
    ///
    /// # Errors
    /// The engine cannot be reached; what the system says.
    pub fn forget(&mut self, runs: Vec<RunId>) -> Result<(Vec<RunId>, u64), RuntimeError> {
        const AT_ONCE: usize = 1_000;
        let place = self.attach.place.clone();
        let (mut gone, mut bytes) = (Vec::new(), 0);
        for some in runs.chunks(AT_ONCE) {
            let (mut line, _) = client::connect_or_start(&place, true)?;
            let by = self.attach.by.clone();
            let forget = |runs: &[RunId]| match line.ask(&Ask::Forget { runs: runs.to_vec(), by })? {
                Tell::Forgot { runs } => Ok(runs),
                Tell::Reply(Reply::Failed { message }) => Err(RuntimeError::Io(message)),
                other => Err(RuntimeError::Unreachable(format!("the engine gave an answer to another question: {other:?}"))),
            };
            let (some, freed) = retention::remove(&place.state_dir, some, forget)?;
            gone.extend(some);
            bytes += freed;
        }
        Ok((gone, bytes))
    }

    /// Asks the engine to leave, of whichever version it is, and waits until it is gone; running tasks go on. Its process id;
    /// `None` if there was none.
    ///
    /// # Errors
    /// It does not go.
    pub fn stop_engine(&self) -> Result<Option<u32>, RuntimeError> {
        client::stop(&self.attach.place.state_dir)
    }

    /// Starts the engine of this program in the place of the one that is there; running tasks are handed over.
    ///
    /// # Errors
    /// The old one does not go, or the new one does not come.
    pub fn restart_engine(&self) -> Result<EngineStatus, RuntimeError> {
        // An engine of another version does not tell whether it stays; then the new one leaves when it may, and comes back when asked.
        let stays = self.engine_status().ok().flatten().is_some_and(|status| status.stays);
        self.stop_engine()?;
        let manner = if stays { client::Manner::Stays } else { client::Manner::LeavesWhenIdle };
        Ok(client::connect_or_start_as(&self.attach.place, false, manner)?.1)
    }

    /// The last known progress of a running task, 0 to 1: the key `progress` of its live metrics. `stdout` is that of its attempt.
    pub fn progress(&self, stdout: &Path) -> Option<f64> {
        let tail = metrics_tail(stdout)?;
        tail.lines().rev().find_map(|line| attempts::metric_line(line)?.get("progress")?.as_f64()).map(|p| p.clamp(0.0, 1.0))
    }

    /// What a running sensor waits for, and what its last look found. `stdout` is that of its attempt.
    pub fn last_look(&self, stdout: &Path) -> Option<String> {
        let text = std::fs::read_to_string(AttemptFiles::new(stdout.parent()?).last_look()).ok()?;
        Some(text.trim_end().to_owned()).filter(|text| !text.is_empty())
    }

    /// What the process tree of a running attempt took of the machine when its shim last looked. `stdout` is that of the attempt.
    pub fn usage(&self, stdout: &Path) -> Option<Usage> {
        usage::read(stdout.parent()?)
    }

    /// The newest values of the metrics that a running attempt wrote lately, without its progress.
    pub fn live_metrics(&self, stdout: &Path) -> serde_json::Map<String, serde_json::Value> {
        let mut newest = serde_json::Map::new();
        for values in metrics_tail(stdout).unwrap_or_default().lines().filter_map(attempts::metric_line) {
            newest.extend(values.into_iter().filter(|(name, _)| name != "progress"));
        }
        newest
    }
}

/// The end of the metrics of the attempt whose standard output is there.
fn metrics_tail(stdout: &Path) -> Option<String> {
    let mut file = File::open(AttemptFiles::new(stdout.parent()?).metrics()).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(PROGRESS_TAIL))).ok()?;
    let mut tail = Vec::new();
    file.take(PROGRESS_TAIL).read_to_end(&mut tail).ok()?;
    Some(String::from_utf8_lossy(&tail).into_owned())
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(thread) = self.inside.take() {
            self.line = None;
            let _ = self.stop_engine();
            let _ = thread.join();
        }
    }
}

fn row(
    found: pipelines::Found,
    overview: Option<Overview>,
    paused: bool,
    triggers: &[KnownTrigger],
    now: crate::stdx::time::Timestamp,
) -> PipelineRow {
    let error = first_error(&found);
    // One that is off will not fire.
    let next = found.pipeline.as_ref().filter(|_| !paused).and_then(|pipeline| outlook::next(pipeline, triggers, now));
    let (description, owner, tags, triggers) = match found.pipeline {
        Some(p) => (p.description, p.owner, p.tags, p.triggers.iter().map(|t| format!("{} {}", t.kind.word(), t.text)).collect()),
        None => Default::default(),
    };
    let (last_run, recent, headline) = overview.map_or_else(Default::default, |o| (Some(o.last_run), o.recent, o.headline));
    PipelineRow {
        pipeline: found.id,
        description,
        owner,
        tags,
        paused,
        next_fire: next,
        last_run,
        recent,
        triggers,
        error,
        file: found.file,
        headline,
        backfill: None,
    }
}

/// What is wrong with a file, for one line.
fn first_error(found: &pipelines::Found) -> Option<String> {
    let first = found.diagnostics.0.iter().find(|d| d.severity == crate::model::Severity::Error)?;
    Some(match first.line {
        0 => format!("{}: {}", first.file, first.message),
        line => format!("{}:{line}: {}", first.file, first.message),
    })
}

fn no_run(selector: &str) -> RuntimeError {
    RuntimeError::Usage(format!(
        "there is no run `{selector}`\nhint: `flowyard runs` lists them; `latest` and `latest:PIPELINE` name the newest"
    ))
}
