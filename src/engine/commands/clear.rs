//! Clear and resume: results are forgotten, or the rest of an ended run is done.

use super::{
    super::run::{Out, Run},
    Answer,
};
use crate::{
    engine::machine::counted,
    model::{ClearScope, Reason, RunState, TaskState},
};

impl Run {
    /// Forgets the results of a task, or of all, and of what `scope` names with it. Gives how many run again.
    pub(super) fn clear(&mut self, position: Option<usize>, scope: ClearScope, out: &mut Out<'_>) -> Result<usize, String> {
        let chosen: Vec<usize> = self.graph.order.iter().copied().filter(|&at| self.is_in(at, position, scope)).collect();
        if let Some(&busy) = chosen.iter().find(|&&at| self.tasks[at].state == TaskState::Running) {
            return Err(format!("`{}` is running; cancel it or wait for its end first", self.id(busy)));
        }
        let wanted = |at: usize| if scope.failed_only { self.did_not_succeed(at) } else { self.tasks[at].state != TaskState::Pending };
        let forgotten: Vec<usize> = chosen.into_iter().filter(|&at| wanted(at)).collect();
        if forgotten.is_empty() {
            let none = if scope.failed_only { "nothing of it failed" } else { "nothing of it has ended" };
            return Err(format!("there is no result to forget: {none}"));
        }
        self.reopen(out)?;
        for &at in &forgotten {
            self.forget(at, out);
        }
        self.hold_back_below(&forgotten, out);
        // Not only what was cleared: the rule of one that was held back may let it start all the same.
        self.reconsider(self.graph.order.clone(), out);
        Ok(forgotten.len())
    }

    fn is_in(&self, at: usize, position: Option<usize>, scope: ClearScope) -> bool {
        let Some(position) = position else { return true };
        at == position
            || scope.downstream && self.graph.with_downstream(position).contains(&at)
            || scope.upstream && self.graph.with_downstream(at).contains(&position)
    }

    fn did_not_succeed(&self, at: usize) -> bool {
        let task = &self.tasks[at];
        match task.state {
            TaskState::Failed | TaskState::Lost | TaskState::Canceled | TaskState::UpstreamFailed => true,
            TaskState::Skipped => matches!(task.reason, Some(Reason::TriggerRule | Reason::InputMissing | Reason::RunCanceled)),
            _ => false,
        }
    }

    /// A new generation: what runs next is another piece of work.
    fn forget(&mut self, at: usize, out: &mut Out<'_>) {
        let task = self.task_mut(at);
        task.generation += 1;
        task.outputs.clear();
        task.output_parameters.clear();
        task.metrics.clear();
        task.gates.clear();
        task.decision = None;
        self.reset(at, out);
    }

    /// What is ready below a cleared task must not start before that has run again.
    fn hold_back_below(&mut self, cleared: &[usize], out: &mut Out<'_>) {
        let below: Vec<usize> = cleared.iter().flat_map(|&at| &self.graph.downstream[at]).copied().collect();
        for at in below {
            if matches!(self.tasks[at].state, TaskState::Queued | TaskState::AwaitingApproval) {
                self.set_task(at, TaskState::Pending, out, |_| {});
            }
        }
    }

    /// Goes on with a run that ended: what did not succeed runs, what succeeded stays.
    pub(super) fn resume(&mut self, out: &mut Out<'_>) -> Answer {
        match self.record.state {
            RunState::Success => return Err("nothing to resume (the run succeeded; `clear` makes it run again)".to_owned()),
            RunState::Canceling => return Err("the run is being canceled; wait for its end".to_owned()),
            state if !state.is_terminal() => return Err(format!("nothing to resume (the run is {state})")),
            _ => {}
        }
        let again: Vec<usize> = self.graph.order.iter().copied().filter(|&at| self.did_not_succeed(at)).collect();
        if again.is_empty() {
            return Err("nothing to resume (every task succeeded or was skipped)".to_owned());
        }
        self.reopen(out)?;
        for &at in &again {
            self.reset(at, out);
        }
        self.reconsider(again.iter().copied(), out);
        let stay = self.tasks.len() - again.len();
        Ok(format!("resumed: {}, {stay} stay as they are", counted(again.len(), "task runs", "tasks run")))
    }
}
