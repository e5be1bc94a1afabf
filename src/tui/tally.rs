//! What is asked of all tasks of a run at once, counted where nobody waits: a frame of 10,000 tasks must not look at each of them.

use super::{graphs::Structure, panes::tasks};
use crate::model::{TaskSnapshot, TaskState, state::Look};
use std::sync::OnceLock;

/// The tally of a run, made when it is first asked for.
#[derive(Debug, Default)]
pub struct Tallied(OnceLock<Tally>);

/// A copy may be changed, so it is counted anew.
impl Clone for Tallied {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Tallied {
    /// The tally, which is made of these if it was not yet.
    pub fn of(&self, tasks: &[TaskSnapshot], graph: &Structure) -> &Tally {
        self.0.get_or_init(|| Tally::new(tasks, graph))
    }
}

/// States and counts of the tasks of a run.
#[derive(Debug)]
pub struct Tally {
    /// Of each task, in the order of their declaration.
    pub states: Vec<TaskState>,
    /// How many tasks look how; only looks that some have.
    pub looks: Vec<(Look, usize)>,
    /// Where a person would look first.
    pub interesting: usize,
}

impl Tally {
    fn new(tasks: &[TaskSnapshot], graph: &Structure) -> Self {
        let states: Vec<TaskState> = tasks.iter().map(|task| task.state).collect();
        let interesting = interesting(&states, &graph.order);
        Self { looks: tasks::counted(tasks.iter()), interesting, states }
    }

    /// How many tasks are in a state.
    pub fn count(&self, state: TaskState) -> usize {
        self.states.iter().filter(|&&known| known == state).count()
    }
}

/// What failed, else what waits for a person, what runs, what comes next.
fn interesting(states: &[TaskState], order: &[usize]) -> usize {
    use TaskState::{AwaitingApproval, Failed, Lost, Queued, Running, Success, UpForRetry};
    let first = |wanted: &[TaskState]| order.iter().copied().find(|&at| wanted.contains(&states[at]));
    let last_done = || order.iter().copied().rev().find(|&at| states[at] == Success);
    first(&[Failed, Lost])
        .or_else(|| first(&[AwaitingApproval]))
        .or_else(|| first(&[Running]))
        .or_else(|| first(&[Queued, UpForRetry]))
        .or_else(last_done)
        .or_else(|| order.first().copied())
        .unwrap_or(0)
}
