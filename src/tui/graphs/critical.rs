//! The critical path of a run: the chain of tasks that decides when it ends.

use super::Structure;
use crate::{model::TaskState, stdx::time::Timestamp, tui::tally::Tally};

/// Positions along the path that takes longest, first to last, and how long it takes in milliseconds.
///
/// What is over took what it took; what runs has taken what it has; what did not start yet is expected to take what half of
/// the tasks of this run that are over took.
pub fn critical_path(structure: &Structure, tally: &Tally, now: Timestamp) -> (Vec<usize>, i64) {
    let expected = |at: usize| {
        let took = tally.spent[at].until(now);
        match tally.states[at] {
            TaskState::Pending | TaskState::Queued | TaskState::AwaitingApproval | TaskState::UpForRetry => took.unwrap_or(tally.usual),
            TaskState::Running => took.unwrap_or(0).max(tally.usual),
            _ => took.unwrap_or(0),
        }
    };
    let count = tally.states.len();
    let mut until = vec![0_i64; count];
    let mut from: Vec<Option<usize>> = vec![None; count];
    for &at in &structure.order {
        // Of equals, the one that was declared first.
        from[at] = structure.upstream[at].iter().copied().rev().max_by_key(|&up| until[up]);
        until[at] = from[at].map_or(0, |up| until[up]) + expected(at);
    }
    let Some(mut last) = (0..count).rev().max_by_key(|&at| until[at]) else { return (Vec::new(), 0) };
    let total = until[last];
    let mut path = vec![last];
    while let Some(up) = from[last].filter(|_| path.len() <= count) {
        path.push(up);
        last = up;
    }
    path.reverse();
    (path, total)
}
