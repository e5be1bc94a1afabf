//! Clear and resume: results are forgotten, or the rest of an ended run is done.

use super::{
    super::run::{Out, Run},
    Answer,
};
use crate::{
    engine::machine::counted,
    model::{ClearScope, RunState, TaskState, did_not_succeed},
};

impl Run {
    /// Forgets the results of a task, or of all, and of what `scope` names with it. Gives how many run again.
    pub(super) fn clear(&mut self, position: Option<usize>, scope: ClearScope, out: &mut Out<'_>) -> Result<usize, String> {
        let standing = |at: usize| (self.tasks[at].state, self.tasks[at].reason);
        let forgotten = scope.forgotten(&self.graph, position, standing).map_err(|why| why.sentence(|at| self.id(at)))?;
        self.reopen(out)?;
        for &at in &forgotten {
            self.forget(at, out);
        }
        self.hold_back_below(&forgotten, out);
        // Not only what was cleared: the rule of one that was held back may let it start all the same.
        self.reconsider(self.graph.order.clone(), out);
        Ok(forgotten.len())
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
        let again: Vec<usize> =
            self.graph.order.iter().copied().filter(|&at| did_not_succeed(self.tasks[at].state, self.tasks[at].reason)).collect();
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
