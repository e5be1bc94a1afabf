//! Takes inputs in, hands effects out: all open runs, the queue for slots, and the times to wake at.

use super::{
    Effect, Input, Report,
    run::{Out, Run},
    transitions::Cause,
};
use crate::{
    model::{AttemptKey, AttemptState, Reason, Reply, ResourcesSnapshot, RunId, RunState, TaskState, record::RunRecord},
    stdx::time::Timestamp,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Who decided, when nobody asked.
pub(super) const ENGINE: &str = "engine";

/// Where attempts run, until there is a choice.
const EXECUTOR: &str = "local";

/// All open runs of one workspace.
#[derive(Debug, Clone, PartialEq)]
pub struct Engine {
    slots: usize,
    pub(super) runs: BTreeMap<RunId, Run>,
    /// Task instances that wait for a slot, in the order in which they became ready.
    queue: VecDeque<(RunId, usize)>,
    wakes: BTreeSet<(Timestamp, RunId, usize)>,
    open_attempts: usize,
    /// Restored, and not looked at since.
    restored: Vec<RunId>,
}

impl Engine {
    /// An engine without runs that opens at most `slots` attempts at once.
    pub fn new(slots: usize) -> Self {
        Self {
            slots: slots.max(1),
            runs: BTreeMap::new(),
            queue: VecDeque::new(),
            wakes: BTreeSet::new(),
            open_attempts: 0,
            restored: Vec::new(),
        }
    }

    /// Takes up a run from the tables: an open one at a start, or one that a command is about to reopen.
    ///
    /// The caller takes up its open attempts; what is waiting goes on by itself at the next [`Input::Tick`].
    pub fn restore(&mut self, run: Run) {
        let id = run.record.run_id.clone();
        self.open_attempts += run.attempts.len();
        for task in &run.tasks {
            match (task.state, task.retry_at) {
                (TaskState::Queued, _) => self.queue.push_back((id.clone(), task.position)),
                (TaskState::UpForRetry, at) => {
                    self.wakes.insert((at.unwrap_or_default(), id.clone(), task.position));
                }
                _ => {}
            }
        }
        self.restored.push(id.clone());
        self.runs.insert(id, run);
    }

    /// The run of that id, if it is open or was just asked about.
    pub fn run(&self, id: &RunId) -> Option<&Run> {
        self.runs.get(id)
    }

    /// Runs that are not over.
    pub fn open_runs(&self) -> usize {
        self.runs.values().filter(|run| !run.record.state.is_terminal()).count()
    }

    /// Attempts that are open, and how many may be.
    pub fn slots(&self) -> (usize, usize) {
        (self.open_attempts, self.slots)
    }

    /// What is shared, who has it, and who waits for what.
    pub fn resources(&self) -> ResourcesSnapshot {
        ResourcesSnapshot { slots: self.slots(), ..ResourcesSnapshot::default() }
    }

    /// When [`Input::Tick`] is due next.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.wakes.first().map(|(at, ..)| *at)
    }

    /// Forgets runs that are over: the tables know them.
    pub fn forget_ended(&mut self) {
        self.runs.retain(|_, run| !run.record.state.is_terminal());
    }

    /// Decides what `input` changes. Commits come before the effects that rely on them.
    pub fn apply(&mut self, input: Input, now: Timestamp) -> Vec<Effect> {
        let mut effects = match input {
            Input::Create(record) => self.create(*record, now),
            Input::Command { command, by, reason } => self.command(&command, &by, reason, now),
            Input::Began { key, at } => self.with_attempt(&key, now, |run, position, out| {
                if run.attempts.get(&position).is_some_and(|attempt| attempt.state == AttemptState::Starting) {
                    run.set_attempt(position, AttemptState::Running, out, |attempt| attempt.started_at = Some(at));
                }
            }),
            Input::Ended { key, report } => {
                self.with_attempt(&key, now, |run, position, out| run.attempt_ended(position, Report::clone(&report), out))
            }
            Input::NotNow { key, .. } => {
                self.with_attempt(&key, now, |run, position, out| run.attempt_lost(position, Reason::NeverBegun, out))
            }
            Input::Lost { key, reason } => self.with_attempt(&key, now, |run, position, out| run.attempt_lost(position, reason, out)),
            Input::Tick => self.tick(now),
        };
        effects.extend(self.allot(now));
        effects
    }

    fn create(&mut self, record: RunRecord, now: Timestamp) -> Vec<Effect> {
        let (id, by) = (record.run_id.clone(), record.by.clone());
        let mut out = Out::new(now, &by, Cause::Engine);
        out.commit(crate::model::record::What::Command { entity: format!("run/{id}"), command: "trigger".to_owned(), reason: None });
        let Some(mut run) = Run::create(record, &mut out) else {
            return vec![Effect::Answer(Reply::Invalid {
                message: "the definition has a cycle".to_owned(),
                diagnostics: Default::default(),
            })];
        };
        out.by = ENGINE;
        let order = run.graph.order.clone();
        run.reconsider(order, &mut out);
        out.effects.push(Effect::Answer(Reply::Done { message: format!("started run {id}"), run: Some(id.clone()) }));
        self.runs.insert(id.clone(), run);
        self.take(&id, out)
    }

    /// Runs `step` on the open attempt `key`; news of an attempt that is over already change nothing.
    fn with_attempt(&mut self, key: &AttemptKey, now: Timestamp, step: impl FnOnce(&mut Run, usize, &mut Out<'_>)) -> Vec<Effect> {
        let Some(run) = self.runs.get_mut(&key.task.run) else { return Vec::new() };
        let Some(position) = run.position(&key.task.task) else { return Vec::new() };
        if run.open_attempt(position).as_ref() != Some(key) {
            return Vec::new();
        }
        let mut out = Out::new(now, ENGINE, Cause::Engine);
        step(run, position, &mut out);
        self.take(&key.task.run, out)
    }

    fn tick(&mut self, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        while let Some((at, id, position)) = self.wakes.pop_first() {
            if at > now {
                self.wakes.insert((at, id, position));
                break;
            }
            let Some(run) = self.runs.get_mut(&id) else { continue };
            // A command may have moved it meanwhile, or moved it and brought it back with another time.
            if run.tasks[position].state == TaskState::UpForRetry && run.tasks[position].retry_at.is_none_or(|at| at <= now) {
                let mut out = Out::new(now, ENGINE, Cause::Engine);
                run.set_task(position, TaskState::Queued, &mut out, |_| {});
                effects.extend(self.take(&id, out));
            }
        }
        // After a restart nothing else would look at a task whose upstream ended in the last moment.
        for id in std::mem::take(&mut self.restored) {
            let Some(run) = self.runs.get_mut(&id).filter(|run| !run.record.state.is_terminal()) else { continue };
            let mut out = Out::new(now, ENGINE, Cause::Engine);
            let order = run.graph.order.clone();
            run.reconsider(order, &mut out);
            effects.extend(self.take(&id, out));
        }
        effects
    }

    /// Gives free slots to those that waited longest.
    fn allot(&mut self, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        while self.open_attempts < self.slots {
            let Some((id, position)) = self.queue.pop_front() else { break };
            let Some(run) = self.runs.get_mut(&id) else { continue };
            if run.tasks[position].state != TaskState::Queued || run.record.state == RunState::Canceling {
                continue;
            }
            let mut out = Out::new(now, ENGINE, Cause::Engine);
            run.begin_attempt(position, EXECUTOR, &mut out);
            self.open_attempts += 1;
            effects.extend(self.take(&id, out));
        }
        effects
    }

    /// A command may have ended a back-off: nobody waits for its time any more.
    pub(super) fn forget_stale_wakes(&mut self, id: &RunId) {
        let Some(run) = self.runs.get(id) else { return };
        self.wakes.retain(|(at, of, position)| of != id || run.tasks[*position].retry_at == Some(*at));
    }

    /// Books what a step collected beside its effects.
    pub(super) fn take(&mut self, id: &RunId, out: Out<'_>) -> Vec<Effect> {
        self.queue.extend(out.queued.into_iter().map(|position| (id.clone(), position)));
        self.wakes.extend(out.wakes.into_iter().map(|(at, position)| (at, id.clone(), position)));
        self.open_attempts = self.open_attempts.saturating_sub(out.freed);
        out.effects
    }
}
