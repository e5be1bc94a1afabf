//! Takes inputs in, hands effects out: all open runs, the queue for slots, and the times to wake at.

use super::{
    Effect, Input, Report,
    queue::{Limits, Queue},
    run::{Out, Run, Wake},
    transitions::Cause,
};
use crate::{
    model::{
        AttemptKey, AttemptState, PipelineId, Reply, ResourcesSnapshot, RunId, RunType, RunningSnapshot, TaskState,
        record::{AttemptRecord, RunRecord},
    },
    stdx::time::Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};

/// Who decided, when nobody asked.
pub(super) const ENGINE: &str = "engine";

/// Where attempts run, until there is a choice.
const EXECUTOR: &str = "local";

/// All open runs of one workspace.
#[derive(Debug, Clone, PartialEq)]
pub struct Engine {
    pub(super) runs: BTreeMap<RunId, Run>,
    /// Task instances that are ready, and what they wait for.
    pub(super) queue: Queue,
    pub(super) wakes: BTreeSet<(Timestamp, RunId, Wake)>,
    /// Restored, and not looked at since.
    restored: Vec<RunId>,
    /// Whether the triggers of a pipeline are off, as far as it was asked; `None` if nobody ever said so.
    pub(super) pauses: BTreeMap<PipelineId, Option<bool>>,
}

/// `1 task runs`, `3 tasks run`.
pub(super) fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

impl Engine {
    /// An engine without runs.
    pub fn new(limits: Limits) -> Self {
        Self {
            runs: BTreeMap::new(),
            queue: Queue::new(Limits { slots: limits.slots.max(1), ..limits }),
            wakes: BTreeSet::new(),
            restored: Vec::new(),
            pauses: BTreeMap::new(),
        }
    }

    /// Takes up a run from the tables: an open one at a start, or one that a command is about to reopen.
    ///
    /// The caller takes up its open attempts; what is waiting goes on by itself at the next [`Input::Tick`].
    pub fn restore(&mut self, run: Run) {
        let id = run.record.run_id.clone();
        for (position, attempt) in &run.attempts {
            self.queue.hold(&run, *position, attempt.gpus.clone());
        }
        let mut ready: Vec<usize> = run.tasks.iter().filter(|task| task.state == TaskState::Queued).map(|task| task.position).collect();
        ready.sort_by_key(|&position| (run.tasks[position].queued_at, position));
        for position in ready {
            self.queue.push(&run, position);
        }
        for task in run.tasks.iter().filter(|task| task.state == TaskState::UpForRetry) {
            self.wakes.insert((task.retry_at.unwrap_or_default(), id.clone(), Wake::Task(task.position)));
        }
        self.wakes.extend(run.record.deadline.map(|at| (at, id.clone(), Wake::Deadline)));
        self.restored.push(id.clone());
        self.runs.insert(id, run);
    }

    /// The run of that id, if it is open or was just asked about.
    pub fn run(&self, id: &RunId) -> Option<&Run> {
        self.runs.get(id)
    }

    /// The run of a pipeline in memory that was asked for with a key.
    pub fn run_with_key(&self, pipeline: &PipelineId, key: &str) -> Option<RunId> {
        let asked = |run: &&Run| run.record.definition.id == *pipeline && run.record.idempotency_key.as_deref() == Some(key);
        self.runs.values().find(asked).map(|run| run.record.run_id.clone())
    }

    /// The run in memory that comes right before another of its pipeline, by logical date and then by age.
    pub fn run_before(&self, record: &RunRecord) -> Option<(Timestamp, RunId)> {
        let place = |record: &RunRecord| (record.logical_date, record.run_id.clone());
        let same = self.runs.values().map(|run| &run.record).filter(|other| other.definition.id == record.definition.id);
        same.map(place).filter(|other| *other < place(record)).max()
    }

    /// Runs that are not over.
    pub fn open_runs(&self) -> usize {
        self.runs.values().filter(|run| !run.record.state.is_terminal()).count()
    }

    /// The runs of a pipeline in memory, oldest first.
    pub fn runs_of(&self, pipeline: &PipelineId) -> impl Iterator<Item = &RunRecord> {
        self.runs.values().map(|run| &run.record).filter(move |run| run.definition.id == *pipeline)
    }

    /// The runs of a pipeline that are not over, oldest first. What a backfill makes up for beside them holds up no fire.
    pub fn open_runs_of(&self, pipeline: &PipelineId) -> Vec<RunId> {
        let open = self.runs_of(pipeline).filter(|run| !run.state.is_terminal() && run.run_type != RunType::Backfill);
        open.map(|run| run.run_id.clone()).collect()
    }

    /// Attempts that are open, and how many may be.
    pub fn slots(&self) -> (usize, usize) {
        self.queue.slots()
    }

    /// What is shared, who has it, and who waits for what.
    pub fn resources(&self, now: Timestamp) -> ResourcesSnapshot {
        let running = |(run, attempt): (&Run, &AttemptRecord)| RunningSnapshot {
            attempt: attempt.key.clone(),
            since: attempt.started_at.unwrap_or(attempt.created_at),
            pool: run.position(&attempt.key.task.task).and_then(|position| run.task_def(position).pool.clone()),
            gpus: attempt.gpus.clone(),
            waits_for: run
                .position(&attempt.key.task.task)
                .and_then(|position| run.task_def(position).sensor())
                .map(|s| s.condition.to_string()),
            folder: attempt.key.folder(),
        };
        let open = self.runs.values().flat_map(|run| run.attempts.values().map(move |attempt| (run, attempt)));
        let mut snapshot = self.queue.snapshot(&self.runs, now);
        snapshot.running = open.map(running).collect();
        snapshot.running.sort_by(|a, b| (a.since, &a.attempt).cmp(&(b.since, &b.attempt)));
        snapshot
    }

    /// Whether anybody waits for a GPU or holds one, so that looking at them is worth it.
    pub fn cares_for_gpus(&self) -> bool {
        self.queue.cares_for_gpus()
    }

    /// What is known of GPUs is too old to lease one by.
    pub fn forget_gpus(&mut self) {
        self.queue.forget_gpus();
    }

    /// When [`Input::Tick`] is due next.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.wakes.first().map(|(at, ..)| *at)
    }

    /// Forgets runs that are over: the tables know them.
    pub fn forget_ended(&mut self) {
        let over: Vec<RunId> =
            self.runs.values().filter(|run| run.record.state.is_terminal()).map(|run| run.record.run_id.clone()).collect();
        if over.is_empty() {
            return;
        }
        for id in over {
            let Some(run) = self.runs.remove(&id) else { continue };
            if self.runs.values().any(|other| other.record.past.as_ref() == Some(&id)) {
                self.queue.remember_past(id, run.tasks.iter().map(|task| (task.key.task.clone(), task.state)).collect());
            }
        }
        self.queue.forget(&self.runs);
    }

    /// Decides what `input` changes. Commits come before the effects that rely on them.
    pub fn apply(&mut self, input: Input, now: Timestamp) -> Vec<Effect> {
        let mut effects = match input {
            Input::Create(record) => self.create(*record, now),
            Input::Command { command, by, reason } => self.command(&command, &by, reason, now),
            Input::Began { key, at } => self.with_attempt(&key, now, |run, position, out| {
                out.begun.push(position);
                if run.attempts.get(&position).is_some_and(|attempt| attempt.state == AttemptState::Starting) {
                    run.set_attempt(position, AttemptState::Running, out, |attempt| attempt.started_at = Some(at));
                }
            }),
            Input::Ended { key, report } => {
                self.with_attempt(&key, now, |run, position, out| run.attempt_ended(position, Report::clone(&report), out))
            }
            Input::NotNow { key, why } => self.not_now(&key, why, now),
            Input::Lost { key, reason } => self.with_attempt(&key, now, |run, position, out| run.attempt_lost(position, reason, out)),
            Input::Gpus(gpus) => {
                self.queue.observe_gpus(gpus);
                Vec::new()
            }
            Input::Past { run, states } => {
                self.queue.remember_past(run, states);
                Vec::new()
            }
            Input::ClockSet(by) => self.clock_was_set(by, now),
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
        while let Some((at, id, wake)) = self.wakes.pop_first() {
            if at > now {
                self.wakes.insert((at, id, wake));
                break;
            }
            let Some(run) = self.runs.get_mut(&id) else { continue };
            let mut out = Out::new(now, ENGINE, Cause::Engine);
            // A command may have moved it meanwhile, or moved it and brought it back with another time.
            match wake {
                Wake::Task(position)
                    if run.tasks[position].state == TaskState::UpForRetry && run.tasks[position].retry_at.is_none_or(|at| at <= now) =>
                {
                    run.set_task(position, TaskState::Queued, &mut out, |_| {});
                }
                Wake::Deadline if run.record.deadline.is_some_and(|at| at <= now) => run.time_out(&mut out),
                _ => continue,
            }
            effects.extend(self.take(&id, out));
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

    /// The system had no room for another process: the attempt never began, and the task waits in the queue.
    fn not_now(&mut self, key: &AttemptKey, why: String, now: Timestamp) -> Vec<Effect> {
        let mut delayed = None;
        let effects = self.with_attempt(key, now, |run, position, out| {
            if run.attempt_not_now(position, out) {
                delayed = Some(position);
            }
        });
        if let Some(position) = delayed {
            let at = self.queue.delay(&key.task.run, position, why, now);
            self.wakes.insert((at, key.task.run.clone(), Wake::Task(position)));
        }
        effects
    }

    /// Starts what may start.
    fn allot(&mut self, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        while let Some(next) = self.queue.next(&self.runs, now) {
            let Some(run) = self.runs.get_mut(&next.run) else { continue };
            let mut out = Out::new(now, ENGINE, Cause::Engine);
            run.begin_attempt(next.position, EXECUTOR, next.gpus.clone(), &mut out);
            self.queue.hold(run, next.position, next.gpus);
            effects.extend(self.take(&next.run, out));
        }
        effects
    }

    /// A command may have ended a back-off, or the run is over: nobody waits for its time any more.
    pub(super) fn forget_stale_wakes(&mut self, id: &RunId) {
        let Some(run) = self.runs.get(id) else { return };
        let queue = &self.queue;
        let waits = |at, wake| match wake {
            Wake::Deadline => run.record.deadline == Some(at),
            Wake::Task(position) => run.tasks[position].retry_at == Some(at) || queue.delayed_until(id, position) == Some(at),
        };
        self.wakes.retain(|(at, of, wake)| of != id || waits(*at, *wake));
    }

    /// Books what a step collected beside its effects.
    pub(super) fn take(&mut self, id: &RunId, out: Out<'_>) -> Vec<Effect> {
        for position in out.freed {
            self.queue.release(id, position);
        }
        for position in out.begun {
            self.queue.has_begun(id, position);
        }
        if let Some(run) = self.runs.get(id) {
            for position in out.queued {
                self.queue.push(run, position);
            }
        }
        self.wakes.extend(out.wakes.into_iter().map(|(at, wake)| (at, id.clone(), wake)));
        if self.runs.get(id).is_some_and(|run| run.record.state.is_terminal()) {
            self.forget_stale_wakes(id);
        }
        out.effects
    }
}
