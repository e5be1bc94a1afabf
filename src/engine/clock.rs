//! The machine's clock was set. A back-off of ten seconds, a run's time limit and the patience of a task in the queue are lengths
//! of time: what is still to come moves with the clock. What was recorded stays as it was read.

use super::{
    Effect,
    machine::{ENGINE, Engine},
    queue::Queue,
    run::{Out, Run},
    transitions::Cause,
};
use crate::{
    model::{TaskState, record::What},
    stdx::time::Timestamp,
};
use chrono::TimeDelta;
use std::sync::Arc;

impl Engine {
    /// Moves every time that is waited for by as much as the clock was moved.
    pub(super) fn clock_was_set(&mut self, by: TimeDelta, now: Timestamp) -> Vec<Effect> {
        self.wakes = std::mem::take(&mut self.wakes).into_iter().map(|(at, run, wake)| (at + by, run, wake)).collect();
        self.queue.clock_was_set(by);
        let mut out = Out::new(now, ENGINE, Cause::Engine);
        self.runs.values_mut().for_each(|run| run.clock_was_set(by, &mut out));
        out.effects
    }
}

impl Run {
    fn clock_was_set(&mut self, by: TimeDelta, out: &mut Out<'_>) {
        if let Some(deadline) = &mut self.record.deadline {
            *deadline += by;
            out.commit(What::Note(Box::new(self.record.clone())));
        }
        for task in &mut self.tasks {
            if !matches!(task.state, TaskState::Queued | TaskState::UpForRetry) {
                continue;
            }
            let record = Arc::make_mut(task);
            for time in [&mut record.retry_at, &mut record.queued_at].into_iter().flatten() {
                *time += by;
            }
            out.commit(What::Wish(Arc::clone(task)));
        }
    }
}

impl Queue {
    fn clock_was_set(&mut self, by: TimeDelta) {
        self.delayed.values_mut().for_each(|(at, ..)| *at += by);
    }
}
