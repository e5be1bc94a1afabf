//! One task of one run, as the grid of runs and tasks shows it.

use super::{GateLine, Reason, TaskId, TaskState};
use crate::stdx::time::Timestamp;
use serde_json::{Map, Value};

/// A task of a grid, whichever of its runs have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridTask {
    /// Its name.
    pub task: TaskId,
    /// The group that the pipeline file puts it in.
    pub group: Option<String>,
}

/// A task in a run; of a mapped task all instances together.
#[derive(Debug, Clone, PartialEq)]
pub struct GridCell {
    /// Its place in order of declaration.
    pub position: usize,
    /// Of several instances, the state that a person should see first.
    pub state: TaskState,
    /// How many instances there are.
    pub instances: u32,
    /// How many of them are over.
    pub over: u32,
    /// Why it is in that state.
    pub reason: Option<Reason>,
    /// The reason in a sentence.
    pub message: Option<String>,
    /// The number of its last attempt; 0 if there was none.
    pub attempt: u32,
    /// The exit code of the last attempt.
    pub exit_code: Option<i32>,
    /// When the last attempt began.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// Last value of each metric.
    pub metrics: Map<String, Value>,
    /// Each gate expression with what was measured.
    pub gates: Vec<GateLine>,
}

impl GridCell {
    /// With itself counted among those that are over, if it is.
    #[must_use]
    pub const fn counted(mut self) -> Self {
        self.over = self.state.is_terminal() as u32;
        self
    }

    /// Takes another instance of the same task in: what a person should see first stays, from the first start to the last end.
    pub fn join(&mut self, other: Self) {
        let (instances, over) = (self.instances + other.instances, self.over + other.over);
        let started_at = [self.started_at, other.started_at].into_iter().flatten().min();
        let both = self.ended_at.zip(other.ended_at).map(|(a, b)| a.max(b));
        let ended_at = if over == instances { both.or(self.ended_at).or(other.ended_at) } else { None };
        if urgency(other.state) < urgency(self.state) {
            *self = other;
        }
        (self.instances, self.over, self.started_at, self.ended_at) = (instances, over, started_at, ended_at);
    }
}

/// Of two states the one that a person should see first.
pub fn worst(one: Option<TaskState>, other: TaskState) -> TaskState {
    one.filter(|one| urgency(*one) <= urgency(other)).unwrap_or(other)
}

/// What a person should see first: smaller is sooner.
const fn urgency(state: TaskState) -> u8 {
    match state {
        TaskState::AwaitingApproval => 0,
        TaskState::Failed => 1,
        TaskState::Lost => 2,
        TaskState::UpForRetry => 3,
        TaskState::Running => 4,
        TaskState::Queued => 5,
        TaskState::Pending => 6,
        TaskState::UpstreamFailed => 7,
        TaskState::Canceled => 8,
        TaskState::Skipped => 9,
        TaskState::Success => 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_of_a_mapped_task_are_one_cell_that_shows_the_worst() {
        let at = |second: i64| chrono::DateTime::from_timestamp(second, 0);
        let cell = |state, from, to| {
            let cell = GridCell {
                position: 0,
                state,
                instances: 1,
                over: 0,
                reason: None,
                message: None,
                attempt: 1,
                exit_code: None,
                started_at: at(from),
                ended_at: at(to),
                metrics: Map::new(),
                gates: Vec::new(),
            };
            cell.counted()
        };
        let mut all = cell(TaskState::Success, 10, 20);
        all.join(cell(TaskState::Failed, 5, 8));
        all.join(cell(TaskState::Success, 12, 30));
        assert_eq!((all.state, all.instances, all.over), (TaskState::Failed, 3, 3));
        assert_eq!((all.started_at, all.ended_at), (at(5), at(30)));
        all.join(cell(TaskState::Running, 40, 0));
        assert_eq!((all.state, all.instances, all.over, all.ended_at), (TaskState::Failed, 4, 3, None));
    }
}
