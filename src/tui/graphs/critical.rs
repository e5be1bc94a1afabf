//! The critical path of a run: the chain of tasks that decides when it ends.

use super::Structure;
use crate::{
    model::{TaskSnapshot, TaskState},
    stdx::time::Timestamp,
};

/// Positions along the path that takes longest, first to last, and how long it takes in milliseconds.
///
/// What is over took what it took; what runs has taken what it has; what did not start yet is expected to take what half of
/// the tasks of this run took.
pub fn critical_path(structure: &Structure, tasks: &[TaskSnapshot], now: Timestamp) -> (Vec<usize>, i64) {
    let took: Vec<Option<i64>> = tasks.iter().map(|task| took(task, now)).collect();
    let mut known: Vec<i64> = took.iter().copied().flatten().collect();
    known.sort_unstable();
    let usual = known.get(known.len() / 2).copied().unwrap_or(1);
    let expected = |at: usize| match tasks[at].state {
        TaskState::Pending | TaskState::Queued | TaskState::AwaitingApproval | TaskState::UpForRetry => took[at].unwrap_or(usual),
        TaskState::Running => took[at].unwrap_or(0).max(usual),
        _ => took[at].unwrap_or(0),
    };
    let mut until = vec![0_i64; tasks.len()];
    let mut from: Vec<Option<usize>> = vec![None; tasks.len()];
    for &at in &structure.order {
        // Of equals, the one that was declared first.
        from[at] = structure.upstream[at].iter().copied().rev().max_by_key(|&up| until[up]);
        until[at] = from[at].map_or(0, |up| until[up]) + expected(at);
    }
    let Some(mut last) = (0..tasks.len()).rev().max_by_key(|&at| until[at]) else { return (Vec::new(), 0) };
    let total = until[last];
    let mut path = vec![last];
    while let Some(up) = from[last].filter(|_| path.len() <= tasks.len()) {
        path.push(up);
        last = up;
    }
    path.reverse();
    (path, total)
}

/// How long all attempts of a task took, or take.
fn took(task: &TaskSnapshot, now: Timestamp) -> Option<i64> {
    let spans = task.attempts.iter().filter_map(|attempt| Some((attempt.ended_at.unwrap_or(now) - attempt.started_at?).num_milliseconds()));
    let (sum, count) = spans.fold((0, 0), |(sum, count), millis| (sum + millis.max(0), count + 1));
    (count > 0).then_some(sum)
}
