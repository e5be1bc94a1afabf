//! Undo: the last command about a run is taken back, while nothing that followed from it has started.

use super::{
    super::run::{Out, Run, Wake},
    Answer,
};
use crate::{
    model::{
        Command, RunState, TaskState,
        record::{TaskRecord, Undo, What},
    },
    stdx::time::Timestamp,
};
use std::sync::Arc;

/// A run as it was before a command.
pub(super) struct Before {
    command: Option<String>,
    paused: bool,
    run_state: RunState,
    ended_at: Option<Timestamp>,
    tasks: Vec<Arc<TaskRecord>>,
}

impl Before {
    /// Remembers what `command` may change, if it can be taken back. `None` if it leaves everything that can be as it is.
    pub fn of(run: &Run, command: &Command) -> Option<Self> {
        let can_be_undone = match command {
            Command::Retry { .. }
            | Command::Skip { .. }
            | Command::Clear { .. }
            | Command::Resume { .. }
            | Command::Mark { .. }
            | Command::PauseRun { .. }
            | Command::Approve { .. }
            | Command::Reject { .. } => true,
            Command::WatchRun { .. } => return None,
            // A process that was told to end does not come back.
            Command::Cancel { .. }
            | Command::Undo { .. }
            | Command::Trigger(_)
            | Command::PausePipeline { .. }
            | Command::Backfill(_)
            | Command::PauseBackfill { .. }
            | Command::CancelBackfill { .. } => false,
        };
        Some(Self {
            command: can_be_undone.then(|| command.word().to_owned()),
            paused: run.record.paused,
            run_state: run.record.state,
            ended_at: run.record.ended_at,
            tasks: if can_be_undone { run.tasks.clone() } else { Vec::new() },
        })
    }

    /// Keeps with the run how it is taken back, or that nothing can be.
    pub fn keep(self, run: &mut Run, out: &mut Out<'_>) {
        let undo = self.command.map(|command| {
            let changed = self.tasks.into_iter().filter(|old| run.tasks[old.position] != *old);
            Box::new(Undo {
                command,
                paused: self.paused,
                run_state: self.run_state,
                ended_at: self.ended_at,
                before: changed.map(|task| TaskRecord::clone(&task)).collect(),
            })
        });
        if undo.is_some() || run.record.undo.is_some() {
            run.record.undo = undo;
            run.follows = None;
            out.commit(What::Note(Box::new(run.record.clone())));
        }
    }
}

/// Why there is no undo.
const NOTHING: &str = "nothing to undo: no command about this run can be taken back, or a task has started because of it";

impl Run {
    /// Where an attempt begins because of the last command, that can be taken back no longer.
    pub(in crate::engine) fn forget_undo(&mut self, position: usize, out: &mut Out<'_>) {
        let Some(undo) = &self.record.undo else { return };
        let (graph, before) = (&self.graph, &undo.before);
        let follows = self.follows.get_or_insert_with(|| before.iter().flat_map(|old| graph.with_downstream(old.position)).collect());
        if follows.contains(&position) {
            self.record.undo = None;
            self.follows = None;
            out.commit(What::Note(Box::new(self.record.clone())));
        }
    }

    pub(super) fn undo(&mut self, out: &mut Out<'_>) -> Answer {
        let Some(undo) = self.record.undo.take() else {
            return Err(NOTHING.to_owned());
        };
        if self.record.state == RunState::Canceling {
            self.record.undo = Some(undo);
            return Err("the run is being canceled; wait for its end".to_owned());
        }
        let reopens = undo.before.iter().any(|old| !old.state.is_terminal());
        if self.record.state.is_terminal() && (reopens || self.record.state != undo.run_state) {
            self.set_run(RunState::Running, out);
        }
        for old in &undo.before {
            self.put_back(old, out);
        }
        self.record.paused = undo.paused;
        self.record.undo = None;
        if self.record.state.is_terminal() {
            self.record.ended_at = undo.ended_at.or(self.record.ended_at);
        }
        out.commit(What::Note(Box::new(self.record.clone())));
        out.ended = undo.ended_at;
        if self.open_tasks == 0 && undo.run_state.is_terminal() && !self.record.state.is_terminal() {
            self.set_run(undo.run_state, out);
        }
        let order = self.graph.order.clone();
        self.reconsider(order, out);
        Ok(format!("{} is taken back", undo.command.replace('_', " ")))
    }

    fn put_back(&mut self, old: &TaskRecord, out: &mut Out<'_>) {
        if self.tasks[old.position].state == old.state {
            self.tasks[old.position] = Arc::new(old.clone());
            out.commit(What::Wish(Arc::clone(&self.tasks[old.position])));
            return;
        }
        self.set_task(old.position, old.state, out, |task| *task = old.clone());
        if let (TaskState::UpForRetry, Some(at)) = (old.state, old.retry_at) {
            out.wakes.push((at, Wake::Task(old.position)));
        }
    }
}
