//! `flowyard doctor --rebuild`: makes history again from the folders of the runs.

use super::{
    RuntimeError, archive, clock,
    serve::own,
    switches::{self, Switches},
    workspace::{self, Place},
};
use crate::{
    executors::shim::standing::{self, Standing},
    model::{
        AttemptKey, AttemptState, Durability, End, Firing, Outcome, PipelineId, PipelineSwitch, Reason, RunState, RunType, TaskState,
        TriggerId, TriggerRecord, Verdict,
        record::{Archive, AttemptRecord, Change, RunRecord, TaskRecord, What},
    },
    stdx::time::{Timestamp, from_micros},
    store::{self, Writer},
};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Who decided, in the journal that is made again.
pub const DOCTOR: &str = "doctor";

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Rebuilt {
    /// Runs that are over and were brought back as they ended.
    pub ended: usize,
    /// Runs that were open: the next engine takes up their attempts and goes on.
    pub open: usize,
    /// Folders that could not be read, with the reason.
    pub unreadable: Vec<String>,
    /// Fires of triggers that started one of these runs.
    pub fires: usize,
    /// Pipelines whose triggers had been on; they are off now.
    pub turned_off: Vec<PipelineId>,
    /// Backfills that made some of these runs, and are gone.
    pub backfills: BTreeSet<String>,
    /// Where the old database was moved, if there was one.
    pub moved: Option<PathBuf>,
}

/// Moves the database aside and makes another from the folders of the runs.
///
/// # Errors
/// An engine owns the workspace; what the system or the database says.
pub fn rebuild(place: &Place) -> Result<Rebuilt, RuntimeError> {
    workspace::prepare(place)?;
    let _lock = own(&place.state_dir)?;
    let path = place.state_dir.join(store::FILE);
    may_replace(&place.state_dir)?;
    let mut done = Rebuilt { moved: move_aside(&path)?, ..Rebuilt::default() };
    let mut store = Writer::open(&path, Durability::Strict)?;
    let mut fired = Fired::default();
    for folder in archive::folders(&place.state_dir) {
        match archive::read(&folder) {
            Ok(kept) => {
                let (is_over, run) = (kept.run.state.is_terminal(), kept.run.clone());
                let number = kept.number;
                let mut all = changes(&place.state_dir, kept);
                all.extend(fired.by(&run));
                done.backfills.extend(run.origin.as_ref().and_then(|origin| origin.backfill.clone()));
                let (seq, _) = store.commit(&all)?;
                if let Some(number) = number {
                    store.set_number(&run.run_id, number)?;
                }
                // Its numbers are those of the new journal from here on.
                archive::keep(&place.state_dir, &run, seq)?;
                *if is_over { &mut done.ended } else { &mut done.open } += 1;
            }
            Err(why) => done.unreadable.push(why),
        }
    }
    done.fires = fired.0.len();
    let mut before = switches::read(&place.state_dir);
    // Where that was never written down, what fired was on.
    for (pipeline, ..) in &fired.0 {
        before.entry(pipeline.clone()).or_insert(true);
    }
    store.commit(&all_off(&before, clock::now()))?;
    done.turned_off = before.into_iter().filter_map(|(pipeline, on)| on.then_some(pipeline)).collect();
    Ok(done)
}

/// Fires that were brought back, each once: by pipeline, trigger and logical date.
#[derive(Default)]
struct Fired(BTreeSet<(PipelineId, TriggerId, Timestamp)>);

impl Fired {
    /// The fire that started a run, if one did, so that its date does not fall due again; and what was known of the trigger.
    fn by(&mut self, run: &RunRecord) -> Vec<Change> {
        let Some(origin) = run.origin.as_ref().filter(|origin| origin.backfill.is_none()) else { return Vec::new() };
        let Some(trigger) = &origin.trigger else { return Vec::new() };
        let pipeline = run.definition.id.clone();
        // A date fires twice where a clock was wrong and somebody said so.
        if !self.0.insert((pipeline.clone(), trigger.clone(), run.logical_date)) {
            return Vec::new();
        }
        // With another line in the file it is another trigger. What others saw last is gone: they start from what there is.
        let line = (run.run_type == RunType::Scheduled).then(|| origin.reason.clone().into());
        let known = TriggerRecord { pipeline: pipeline.clone(), trigger: trigger.clone(), since: run.logical_date, memory: line };
        let firing = Firing {
            pipeline,
            trigger: trigger.clone(),
            logical_date: run.logical_date,
            decided_at: run.created_at,
            outcome: Outcome::Started,
            run: Some(run.run_id.clone()),
            why: origin.reason.clone(),
            count: 1,
            first: None,
        };
        let by_doctor = |what| Change { at: run.created_at, by: DOCTOR.to_owned(), what };
        [What::Trigger(Box::new(known)), What::Firing(Box::new(firing))].map(by_doctor).into()
    }
}

/// Turns off what was on: what fell due meanwhile is for a person to decide, who is asked when they turn it on.
fn all_off(before: &Switches, now: Timestamp) -> Vec<Change> {
    let said = |pipeline: &PipelineId, from: Option<bool>, paused: bool| {
        let switch = Box::new(PipelineSwitch { paused, ..PipelineSwitch::default() });
        Change { at: now, by: DOCTOR.to_owned(), what: What::Pipeline { pipeline: pipeline.clone(), from, switch } }
    };
    let of_one = |(pipeline, on): (&PipelineId, &bool)| match on {
        true => vec![said(pipeline, None, false), said(pipeline, Some(false), true)],
        false => vec![said(pipeline, None, true)],
    };
    before.iter().flat_map(of_one).collect()
}

/// Whether the database may be replaced: one of a newer version is not damaged, and not for us to move away.
///
/// # Errors
/// It is newer.
pub fn may_replace(state_dir: &Path) -> Result<(), RuntimeError> {
    match store::Reader::open(state_dir) {
        Err(error @ store::StoreError::Newer { .. }) => Err(error.into()),
        _ => Ok(()),
    }
}

/// With its log and shared memory, which are parts of it.
fn move_aside(path: &Path) -> Result<Option<PathBuf>, RuntimeError> {
    let stamp = clock::now().format("%Y%m%dT%H%M%S%.3f");
    let mut aside = None;
    for suffix in ["", "-wal", "-shm"] {
        let named = |path: &Path, more: &str| PathBuf::from(format!("{}{more}{suffix}", path.display()));
        let (from, to) = (named(path, ""), named(path, &format!(".before-{stamp}")));
        match fs::rename(&from, &to) {
            Ok(()) if suffix.is_empty() => aside = Some(to),
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(RuntimeError::Io(format!("{} cannot be moved aside: {error}", from.display()))),
        }
    }
    Ok(aside)
}

/// Everything that is known of a run, with a chain of legal transitions that leads there.
fn changes(state_dir: &Path, kept: Archive) -> Vec<Change> {
    let is_over = kept.run.state.is_terminal();
    let (tasks, attempts) = if is_over { (kept.tasks, kept.attempts) } else { from_folders(state_dir, &kept.run) };
    let mut out = Out { at: kept.run.created_at, changes: Vec::new() };
    let run = RunRecord { undo: None, ..kept.run };
    let began = !attempts.is_empty();
    let mut states = vec![RunState::Queued];
    states.extend((began || matches!(run.state, RunState::Running | RunState::Canceling)).then_some(RunState::Running));
    states.extend((is_over && run.state != RunState::Queued).then_some(run.state));
    // First the rows in their first states, because others refer to them; then each to its end.
    out.run(&run, None, states[0]);
    let paths: Vec<Vec<TaskState>> = tasks.iter().map(path_to).collect();
    for (task, path) in tasks.iter().zip(&paths) {
        out.task(task, None, path[0]);
    }
    if let Some(running) = states.get(1) {
        out.run(&run, Some(states[0]), *running);
    }
    for (task, path) in tasks.iter().zip(&paths) {
        for step in path.windows(2) {
            out.task(task, Some(step[0]), step[1]);
        }
    }
    for attempt in attempts {
        out.attempt(&attempt);
    }
    for artifact in kept.artifacts {
        out.push(What::Artifact(Box::new(artifact)));
    }
    if let Some(last) = states.get(2) {
        out.run(&run, Some(states[1]), *last);
    }
    out.changes
}

/// The legal way from nothing to the state of a task.
fn path_to(task: &TaskRecord) -> Vec<TaskState> {
    use TaskState::*;
    let mut path = vec![Pending];
    match (task.state, task.last_attempt) {
        (Pending, _) => {}
        (Running | UpForRetry | Lost, _) | (Success | Failed | Canceled, 1..) => path.extend([Queued, Running]),
        _ => {}
    }
    if path.last() != Some(&task.state) {
        path.push(task.state);
    }
    path
}

struct Out {
    at: Timestamp,
    changes: Vec<Change>,
}

impl Out {
    fn push(&mut self, what: What) {
        self.changes.push(Change { at: self.at, by: DOCTOR.to_owned(), what });
    }

    fn run(&mut self, run: &RunRecord, from: Option<RunState>, to: RunState) {
        self.push(What::Run { from, record: Box::new(RunRecord { state: to, ..run.clone() }) });
    }

    fn task(&mut self, task: &TaskRecord, from: Option<TaskState>, to: TaskState) {
        self.push(What::Task { from, record: Arc::new(TaskRecord { state: to, ..task.clone() }) });
    }

    fn attempt(&mut self, attempt: &AttemptRecord) {
        let first = AttemptRecord { state: AttemptState::Starting, ..attempt.clone() };
        self.push(What::Attempt { from: None, record: Box::new(first) });
        if attempt.state != AttemptState::Starting {
            self.push(What::Attempt { from: Some(AttemptState::Starting), record: Box::new(attempt.clone()) });
        }
    }
}

/// The tasks of a run that was open, as their attempts' folders tell: what has none did not begin. The last attempt of each is left
/// open, so that the next engine takes it up as it would after a crash.
fn from_folders(state_dir: &Path, run: &RunRecord) -> (Vec<TaskRecord>, Vec<AttemptRecord>) {
    let (mut tasks, mut attempts) = (Vec::new(), Vec::new());
    for mut task in TaskRecord::all_pending(run) {
        let found = attempts_of(state_dir, &task);
        let last = found.last().copied().unwrap_or(0);
        for number in found {
            let key = AttemptKey { task: task.key.clone(), attempt: number };
            let open = AttemptRecord::starting(key, "local", Vec::new(), run.created_at);
            attempts.push(if number == last { open } else { ended(state_dir, open) });
        }
        if last > 0 {
            task.state = TaskState::Running;
            task.last_attempt = last;
        }
        tasks.push(task);
    }
    (tasks, attempts)
}

fn attempts_of(state_dir: &Path, task: &TaskRecord) -> Vec<u32> {
    let first = AttemptKey { task: task.key.clone(), attempt: 1 }.folder();
    let folder = state_dir.join(first.parent().unwrap_or(&first));
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    found.sort_unstable();
    found
}

/// An earlier attempt, by its verdict.
fn ended(state_dir: &Path, attempt: AttemptRecord) -> AttemptRecord {
    match standing::of(&state_dir.join(attempt.key.folder())) {
        Standing::Ended(verdict) => by_verdict(attempt, &verdict),
        Standing::Lost(reason) => AttemptRecord { state: AttemptState::Lost, reason: Some(reason), ..attempt },
        Standing::Alive { .. } | Standing::Unclear => {
            AttemptRecord { state: AttemptState::Lost, reason: Some(Reason::ShimDied), ..attempt }
        }
    }
}

fn by_verdict(attempt: AttemptRecord, verdict: &Verdict) -> AttemptRecord {
    let (state, reason, exit_code, signal) = match &verdict.end {
        End::Exited { code: 0 } => (AttemptState::Success, None, Some(0), None),
        End::Exited { code } => (AttemptState::Failed, Some(Reason::ExitCode), Some(*code), None),
        End::Signaled { signal } => (AttemptState::Failed, Some(Reason::Signal), None, Some(*signal)),
        End::TimedOut { code, signal } => (AttemptState::TimedOut, Some(Reason::Timeout), *code, *signal),
        End::Canceled { code, signal } => (AttemptState::Canceled, Some(Reason::Canceled), *code, *signal),
        End::SpawnError { .. } => (AttemptState::Failed, Some(Reason::SpawnError), None, None),
        End::DiskFull { .. } => (AttemptState::Failed, Some(Reason::DiskFull), None, None),
    };
    AttemptRecord {
        state,
        reason,
        exit_code,
        signal,
        started_at: Some(from_micros(verdict.started_at_micros)),
        ended_at: Some(from_micros(verdict.ended_at_micros)),
        usage: verdict.usage,
        ..attempt
    }
}
