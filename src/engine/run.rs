//! One run in memory: its rows, its graph, and the only functions that change a state.

use super::{
    Effect,
    transitions::{self, Cause},
};
use crate::{
    model::{
        AttemptKey, AttemptState, Graph, Reason, RunState, Task, TaskId, TaskState,
        record::{ArtifactRecord, AttemptRecord, Change, LoadedRun, RunRecord, TaskRecord, What},
    },
    stdx::time::Timestamp,
};
use chrono::TimeDelta;
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

/// A run that is open, or that a command is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its row.
    pub record: RunRecord,
    /// Who waits for whom, by position.
    pub graph: Graph,
    /// Its task instances by position; shared with the changes that are about to be committed.
    pub tasks: Vec<Arc<TaskRecord>>,
    /// Open attempts by position of their task.
    pub attempts: HashMap<usize, AttemptRecord>,
    /// Artifacts that its tasks hold, by id.
    pub artifacts: HashMap<String, ArtifactRecord>,
    /// Task instances that are not over.
    pub(super) open_tasks: usize,
    positions: HashMap<TaskId, usize>,
    /// The latest end of an attempt that this engine has heard of.
    pub(super) last_end: Option<Timestamp>,
    /// What starts because of the command that can be taken back, by position; made when it is first asked for.
    pub(super) follows: Option<BTreeSet<usize>>,
}

/// What is due at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wake {
    /// The run's deadline.
    Deadline,
    /// The task at this position goes on waiting no longer.
    Task(usize),
}

/// What one step of the engine collects.
pub(super) struct Out<'a> {
    pub now: Timestamp,
    pub by: &'a str,
    pub cause: Cause,
    pub effects: Vec<Effect>,
    /// Positions that became ready for a slot.
    pub queued: Vec<usize>,
    /// What waits for a time.
    pub wakes: Vec<(Timestamp, Wake)>,
    /// Positions whose attempts are over.
    pub freed: Vec<usize>,
    /// Positions whose attempts have begun.
    pub begun: Vec<usize>,
    /// When the attempt ended whose end this follows from.
    pub ended: Option<Timestamp>,
}

impl<'a> Out<'a> {
    pub fn new(now: Timestamp, by: &'a str, cause: Cause) -> Self {
        Self {
            now,
            by,
            cause,
            effects: Vec::new(),
            queued: Vec::new(),
            wakes: Vec::new(),
            freed: Vec::new(),
            begun: Vec::new(),
            ended: None,
        }
    }

    pub fn commit(&mut self, what: What) {
        self.effects.push(Effect::Commit(Change { at: self.now, by: self.by.to_owned(), what }));
    }
}

impl Run {
    /// A run that does not exist yet: all of its tasks pending. `None` if the definition has a cycle, which its reader refuses.
    pub(super) fn create(record: RunRecord, out: &mut Out<'_>) -> Option<Self> {
        let graph = Graph::of(&record.definition).ok()?;
        let tasks: Vec<Arc<TaskRecord>> = TaskRecord::all_pending(&record).map(Arc::new).collect();
        out.commit(What::Run { from: None, record: Box::new(record.clone()) });
        for task in &tasks {
            out.commit(What::Task { from: None, record: Arc::clone(task) });
        }
        let (open_tasks, positions) = (tasks.len(), positions(&tasks));
        Some(Self {
            record,
            graph,
            tasks,
            attempts: HashMap::new(),
            artifacts: HashMap::new(),
            open_tasks,
            positions,
            last_end: None,
            follows: None,
        })
    }

    /// A run as an earlier engine left it in the tables.
    pub fn restore(loaded: LoadedRun) -> Option<Self> {
        let graph = Graph::of(&loaded.run.definition).ok()?;
        let position = |attempt: &AttemptRecord| loaded.tasks.iter().position(|task| task.key == attempt.key.task);
        let attempts = loaded.open_attempts.iter().filter_map(|a| Some((position(a)?, a.clone()))).collect();
        let open_tasks = loaded.tasks.iter().filter(|task| !task.state.is_terminal()).count();
        let artifacts = loaded.artifacts.into_iter().map(|artifact| (artifact.id.clone(), artifact)).collect();
        let positions = positions(&loaded.tasks);
        Some(Self {
            record: loaded.run,
            graph,
            tasks: loaded.tasks,
            attempts,
            artifacts,
            open_tasks,
            positions,
            last_end: None,
            follows: None,
        })
    }

    /// The definition of the task at `position`.
    pub fn task_def(&self, position: usize) -> &Task {
        &self.record.definition.tasks[position]
    }

    /// The position of a task instance.
    pub fn position(&self, task: &TaskId) -> Option<usize> {
        self.positions.get(task).copied()
    }

    /// The task instance at `position`, to be changed; a change that is not committed yet keeps what it was.
    pub(super) fn task_mut(&mut self, position: usize) -> &mut TaskRecord {
        Arc::make_mut(&mut self.tasks[position])
    }

    /// The key of the open attempt at `position`.
    pub(super) fn open_attempt(&self, position: usize) -> Option<AttemptKey> {
        self.attempts.get(&position).map(|attempt| attempt.key.clone())
    }

    /// Moves a task instance; `edit` sets what belongs to the new state. An illegal move is a bug and stops the program.
    pub(super) fn set_task(&mut self, position: usize, to: TaskState, out: &mut Out<'_>, edit: impl FnOnce(&mut TaskRecord)) {
        let record = Arc::make_mut(&mut self.tasks[position]);
        let from = record.state;
        assert!(transitions::task(Some(from), to, out.cause), "illegal transition of {}: {from} → {to}", record.key.entity());
        record.state = to;
        record.reason = None;
        record.message = None;
        record.retry_at = None;
        record.cancel_requested = false;
        record.queued_at = (to == TaskState::Queued).then_some(out.now);
        edit(record);
        self.open_tasks = self.open_tasks + usize::from(!to.is_terminal()) - usize::from(!from.is_terminal());
        out.commit(What::Task { from: Some(from), record: Arc::clone(&self.tasks[position]) });
        if to == TaskState::Queued {
            out.queued.push(position);
        }
    }

    /// Moves a task instance with a reason and its sentence.
    pub(super) fn end_task(&mut self, position: usize, to: TaskState, reason: Reason, message: impl Into<String>, out: &mut Out<'_>) {
        let message = message.into();
        self.set_task(position, to, out, |record| {
            record.reason = Some(reason);
            record.message = (!message.is_empty()).then_some(message);
        });
    }

    /// Moves the run.
    pub(super) fn set_run(&mut self, to: RunState, out: &mut Out<'_>) {
        let from = self.record.state;
        assert!(transitions::run(Some(from), to, out.cause), "illegal transition of run/{}: {from} → {to}", self.record.run_id);
        self.record.state = to;
        // Where an attempt ended it, that is when: an engine may hear of it much later.
        let ended = out.ended.unwrap_or(out.now).max(self.record.started_at.unwrap_or_default());
        self.record.ended_at = to.is_terminal().then_some(ended);
        if to.is_terminal() {
            self.record.deadline = None;
            // Whoever makes it go on again wants that it goes on.
            self.record.paused = false;
        }
        out.commit(What::Run { from: Some(from), record: Box::new(self.record.clone()) });
    }

    /// Begins an attempt: its intent is committed, then it is started.
    pub(super) fn begin_attempt(&mut self, position: usize, executor: &str, gpus: Vec<u32>, out: &mut Out<'_>) {
        let attempt = self.tasks[position].last_attempt + 1;
        let key = AttemptKey { task: self.tasks[position].key.clone(), attempt };
        let record = AttemptRecord::starting(key.clone(), executor, gpus, out.now);
        self.attempts.insert(position, record.clone());
        if self.record.started_at.is_none() {
            self.record.started_at = Some(out.now);
        }
        self.forget_undo(position, out);
        let is_timed = self.record.deadline.is_none() && self.record.definition.run_timeout.is_some();
        if let Some(timeout) = self.record.definition.run_timeout.filter(|_| is_timed) {
            let deadline = after(out.now, timeout);
            self.record.deadline = Some(deadline);
            out.wakes.push((deadline, Wake::Deadline));
        }
        if self.record.state == RunState::Queued {
            self.set_run(RunState::Running, out);
        } else if is_timed {
            out.commit(What::Note(Box::new(self.record.clone())));
        }
        self.set_task(position, TaskState::Running, out, |task| task.last_attempt = attempt);
        out.commit(What::Attempt { from: None, record: Box::new(record) });
        out.effects.push(Effect::Start(key));
    }

    /// Moves the open attempt at `position`; a terminal state also frees its slot.
    pub(super) fn set_attempt(&mut self, position: usize, to: AttemptState, out: &mut Out<'_>, edit: impl FnOnce(&mut AttemptRecord)) {
        let Some(record) = self.attempts.get_mut(&position) else { return };
        let from = record.state;
        assert!(transitions::attempt(Some(from), to), "illegal transition of {}: {from} → {to}", record.key.entity());
        record.state = to;
        edit(record);
        let after = record.clone();
        if to.is_terminal() {
            self.attempts.remove(&position);
            out.freed.push(position);
        }
        out.commit(What::Attempt { from: Some(from), record: Box::new(after) });
    }

    /// If every task instance is over, so is the run; its state is that of all of them, not of the last ones.
    pub(super) fn settle(&mut self, out: &mut Out<'_>) {
        if self.open_tasks > 0 || self.record.state.is_terminal() {
            return;
        }
        let well = self.tasks.iter().all(|task| matches!(task.state, TaskState::Success | TaskState::Skipped));
        let to = match self.record.state {
            RunState::Canceling => RunState::Canceled,
            _ if well => RunState::Success,
            _ => RunState::Failed,
        };
        self.set_run(to, out);
    }
}

/// The time that much later, or the end of all time.
pub(super) fn after(now: Timestamp, delay: Duration) -> Timestamp {
    TimeDelta::from_std(delay).ok().and_then(|delay| now.checked_add_signed(delay)).unwrap_or(Timestamp::MAX_UTC)
}

fn positions(tasks: &[Arc<TaskRecord>]) -> HashMap<TaskId, usize> {
    tasks.iter().map(|task| (task.key.task.clone(), task.position)).collect()
}
