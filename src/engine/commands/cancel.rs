//! Ending what runs, by a person or because its run took too long.

use super::Answer;
use crate::{
    engine::{
        Effect,
        run::{Out, Run},
    },
    model::{Reason, RunState, TaskState, record::What},
    stdx::duration,
};
use std::sync::Arc;

impl Run {
    pub(super) fn cancel(&mut self, out: &mut Out<'_>) -> Answer {
        match self.record.state {
            state if state.is_terminal() => return Err(format!("nothing to cancel (the run ended as {state})")),
            RunState::Canceling => return Err("it is being canceled already; its attempts are still ending".to_owned()),
            _ => {}
        }
        for position in 0..self.tasks.len() {
            match self.tasks[position].state {
                TaskState::Running => self.request_cancel(position, out),
                state if !state.is_terminal() => self.end_task(position, TaskState::Canceled, Reason::RunCanceled, "", out),
                _ => {}
            }
        }
        if self.attempts.is_empty() {
            self.set_run(RunState::Canceled, out);
            return Ok("the run is canceled".to_owned());
        }
        self.set_run(RunState::Canceling, out);
        Ok(format!("canceling: {} running {} ending", self.attempts.len(), if self.attempts.len() == 1 { "task is" } else { "tasks are" }))
    }

    pub(super) fn cancel_task(&mut self, position: usize, out: &mut Out<'_>) -> Answer {
        let id = self.tasks[position].key.task.clone();
        match self.tasks[position].state {
            TaskState::Running if self.tasks[position].cancel_requested => Err(format!("`{id}` is being canceled already")),
            TaskState::Running => {
                self.request_cancel(position, out);
                Ok(format!("canceling `{id}`"))
            }
            state if state.is_terminal() => Err(format!("nothing to cancel (`{id}` ended as {state})")),
            _ => {
                self.end_task(position, TaskState::Canceled, Reason::ByPerson, "", out);
                let below = self.graph.downstream[position].clone();
                self.reconsider(below, out);
                Ok(format!("`{id}` is canceled"))
            }
        }
    }

    /// Ends a run that took longer than its `run_timeout`: what runs is ended, what waits does not start, and the run fails.
    pub(in crate::engine) fn time_out(&mut self, out: &mut Out<'_>) {
        self.record.deadline = None;
        out.commit(What::Note(Box::new(self.record.clone())));
        let timeout = self.record.definition.run_timeout.unwrap_or_default();
        let message = format!("the run took longer than its run_timeout ({})", duration::short(timeout));
        for position in 0..self.tasks.len() {
            match self.tasks[position].state {
                TaskState::Running if !self.tasks[position].cancel_requested => {
                    // Kept until the attempt is over: then it says why it was ended.
                    let task = self.task_mut(position);
                    task.reason = Some(Reason::Timeout);
                    task.message = Some(message.clone());
                    self.request_cancel(position, out);
                }
                state if state != TaskState::Running && !state.is_terminal() => {
                    self.end_task(position, TaskState::Canceled, Reason::Timeout, message.clone(), out);
                }
                _ => {}
            }
        }
        self.settle(out);
    }

    /// The wish is committed, so that an engine that starts later still ends the attempt.
    fn request_cancel(&mut self, position: usize, out: &mut Out<'_>) {
        let Some(key) = self.open_attempt(position) else { return };
        self.task_mut(position).cancel_requested = true;
        out.commit(What::Wish(Arc::clone(&self.tasks[position])));
        out.effects.push(Effect::Cancel(key));
    }
}
