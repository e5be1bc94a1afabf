//! What is asked of all tasks of a run at once, counted where nobody waits: a frame of 10,000 tasks must not look at each of them.

use super::{graphs::Structure, panes::tasks};
use crate::{
    model::{TaskSnapshot, TaskState, state::Look},
    stdx::time::Timestamp,
};
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

/// What is known of all tasks of a run at once.
#[derive(Debug)]
pub struct Tally {
    /// Of each task, in the order of their declaration.
    pub states: Vec<TaskState>,
    /// How many tasks look how; only looks that some have.
    pub looks: Vec<(Look, usize)>,
    /// Where a person would look first.
    pub interesting: usize,
    /// All tasks: what needs a person first, then in the order of the graph.
    pub urgent: Vec<usize>,
    /// Of each group, by number.
    pub groups: Vec<Together>,
    /// Groups and tasks of none: those first in which something failed, then in the order of the graph.
    pub blocks: Vec<Block>,
    /// How long each task took.
    pub spent: Vec<Spent>,
    /// What half of the tasks that are over took at most, in milliseconds.
    pub usual: i64,
}

/// The tasks of a group.
#[derive(Debug, Default)]
pub struct Together {
    /// All of them: what needs a person first, then in the order of the graph.
    pub members: Vec<usize>,
    /// How many look how.
    pub looks: Vec<(Look, usize)>,
}

/// What comes one after another in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// A task of no group.
    Alone(usize),
    /// A group, by number.
    Group(usize),
}

/// How long the attempts of a task took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// Milliseconds of those that are over; `None` if none is.
    pub over: Option<i64>,
    /// When the one that runs began.
    pub since: Option<Timestamp>,
}

impl Spent {
    fn of(task: &TaskSnapshot) -> Self {
        let mut spent = Self::default();
        for attempt in &task.attempts {
            match (attempt.started_at, attempt.ended_at) {
                (Some(start), Some(end)) => spent.over = Some(spent.over.unwrap_or(0) + (end - start).num_milliseconds().max(0)),
                (Some(start), None) => spent.since = Some(start),
                (None, _) => {}
            }
        }
        spent
    }

    /// Milliseconds up to now; `None` if it never ran.
    pub fn until(self, now: Timestamp) -> Option<i64> {
        let runs = self.since.map(|since| (now - since).num_milliseconds().max(0));
        match (self.over, runs) {
            (None, None) => None,
            (over, runs) => Some(over.unwrap_or(0) + runs.unwrap_or(0)),
        }
    }
}

/// How much a task needs a person: 0 most.
pub const fn urgency(state: TaskState) -> u8 {
    match state {
        TaskState::Failed | TaskState::Lost => 0,
        TaskState::AwaitingApproval => 1,
        TaskState::UpForRetry => 2,
        TaskState::Running => 3,
        TaskState::UpstreamFailed => 4,
        TaskState::Queued => 5,
        TaskState::Canceled => 6,
        TaskState::Pending => 7,
        TaskState::Skipped => 8,
        TaskState::Success => 9,
    }
}

impl Tally {
    fn new(tasks: &[TaskSnapshot], graph: &Structure) -> Self {
        let states: Vec<TaskState> = tasks.iter().map(|task| task.state).collect();
        let interesting = interesting(&states, &graph.order);
        let mut urgent = graph.order.clone();
        // The sort keeps the order of equals.
        urgent.sort_by_key(|&task| urgency(states[task]));
        let mut groups: Vec<Together> = graph.groups.iter().map(|_| Together::default()).collect();
        for &task in &urgent {
            if let Some(group) = graph.group_of[task] {
                groups[group].members.push(task);
            }
        }
        for group in &mut groups {
            group.looks = tasks::counted(group.members.iter().map(|&at| &tasks[at]));
        }
        let blocks = blocks(&states, &groups, graph);
        let spent: Vec<Spent> = tasks.iter().map(Spent::of).collect();
        let mut over: Vec<i64> = spent.iter().filter(|spent| spent.since.is_none()).filter_map(|spent| spent.over).collect();
        over.sort_unstable();
        let usual = over.get(over.len() / 2).copied().unwrap_or(1);
        Self { looks: tasks::counted(tasks.iter()), interesting, states, urgent, groups, blocks, spent, usual }
    }

    /// How many tasks are in a state.
    pub fn count(&self, state: TaskState) -> usize {
        self.states.iter().filter(|&&known| known == state).count()
    }

    /// Whether a task failed.
    pub fn is_failed(&self, task: usize) -> bool {
        self.states.get(task).is_some_and(|&state| urgency(state) == 0)
    }
}

/// Each group stands where the first of its tasks does.
fn blocks(states: &[TaskState], groups: &[Together], graph: &Structure) -> Vec<Block> {
    let mut seen = vec![false; groups.len()];
    let mut blocks: Vec<(bool, Block)> = Vec::new();
    for &task in &graph.order {
        match graph.group_of[task] {
            None => blocks.push((urgency(states[task]) != 0, Block::Alone(task))),
            Some(group) if !std::mem::replace(&mut seen[group], true) => {
                let calm = groups[group].members.first().is_none_or(|&first| urgency(states[first]) != 0);
                blocks.push((calm, Block::Group(group)));
            }
            Some(_) => {}
        }
    }
    blocks.sort_by_key(|(calm, _)| *calm);
    blocks.into_iter().map(|(_, block)| block).collect()
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
