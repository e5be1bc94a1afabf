//! Which results a clear forgets, and when it cannot: asked by the engine before it does it, and by whoever offers it.

use super::{ClearScope, Graph, Reason, TaskState};
use std::collections::BTreeSet;

/// Why nothing can be cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotForgotten {
    /// The task at this position runs.
    Running(usize),
    /// Only what failed was to be cleared, and nothing did.
    NothingFailed,
    /// Nothing of it has ended or waits for its start.
    NothingEnded,
}

impl NotForgotten {
    /// In a few words; `name` tells what the task at a position is called.
    pub fn words<N: std::fmt::Display>(self, name: impl FnOnce(usize) -> N) -> String {
        match self {
            Self::Running(position) => format!("`{}` is running", name(position)),
            Self::NothingFailed => "nothing of it failed".to_owned(),
            Self::NothingEnded => "nothing of it has ended".to_owned(),
        }
    }

    /// In a sentence that says what to do.
    pub fn sentence<N: std::fmt::Display>(self, name: impl FnOnce(usize) -> N) -> String {
        match self {
            Self::Running(_) => format!("{}; cancel it or wait for its end first", self.words(name)),
            Self::NothingFailed | Self::NothingEnded => format!("there is no result to forget: {}", self.words(name)),
        }
    }
}

impl ClearScope {
    /// The positions that are cleared with one, or of a whole run, upstream first. `standing` tells how the task at a position
    /// stands.
    ///
    /// # Errors
    /// Something of it runs, or there is nothing to forget.
    pub fn forgotten(
        self,
        graph: &Graph,
        position: Option<usize>,
        standing: impl Fn(usize) -> (TaskState, Option<Reason>),
    ) -> Result<Vec<usize>, NotForgotten> {
        let chosen = self.chosen(graph, position);
        if let Some(&busy) = chosen.iter().find(|&&at| standing(at).0 == TaskState::Running) {
            return Err(NotForgotten::Running(busy));
        }
        let is_wanted = |at: usize| {
            let (state, reason) = standing(at);
            if self.failed_only { did_not_succeed(state, reason) } else { state != TaskState::Pending }
        };
        let wanted: Vec<usize> = chosen.into_iter().filter(|&at| is_wanted(at)).collect();
        match (wanted.is_empty(), self.failed_only) {
            (false, _) => Ok(wanted),
            (true, true) => Err(NotForgotten::NothingFailed),
            (true, false) => Err(NotForgotten::NothingEnded),
        }
    }

    fn chosen(self, graph: &Graph, position: Option<usize>) -> Vec<usize> {
        let Some(position) = position else { return graph.order.clone() };
        let mut chosen = BTreeSet::from([position]);
        if self.downstream {
            chosen.extend(graph.with_downstream(position));
        }
        if self.upstream {
            chosen.extend(graph.with_upstream(position));
        }
        graph.order.iter().copied().filter(|at| chosen.contains(at)).collect()
    }
}

/// Whether a task failed, was lost or was canceled, or could not run because of one that did.
pub fn did_not_succeed(state: TaskState, reason: Option<Reason>) -> bool {
    match state {
        TaskState::Failed | TaskState::Lost | TaskState::Canceled | TaskState::UpstreamFailed => true,
        TaskState::Skipped => matches!(reason, Some(Reason::TriggerRule | Reason::InputMissing | Reason::RunCanceled)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use TaskState::*;

    #[test]
    fn a_clear_takes_what_its_scope_names_and_says_why_it_cannot() {
        // 0 → 1 → 2, and 3 beside them.
        let graph = Graph::from_upstream(vec![vec![], vec![0], vec![1], vec![]]).unwrap();
        let scope = |downstream, upstream, failed_only| ClearScope { downstream, upstream, failed_only };
        let alone = scope(false, false, false);
        let below = scope(true, false, false);
        for (states, position, scope, wanted) in [
            ([Success, Success, Success, Running], Some(1), alone, Ok(vec![1])),
            ([Success, Success, Success, Running], Some(1), below, Ok(vec![1, 2])),
            ([Success, Success, Success, Running], Some(1), scope(false, true, false), Ok(vec![0, 1])),
            ([Success, Success, Success, Running], None, alone, Err(NotForgotten::Running(3))),
            ([Success, Success, Running, Success], Some(0), below, Err(NotForgotten::Running(2))),
            ([Success, Success, Pending, Success], Some(0), below, Ok(vec![0, 1])),
            ([Success, Pending, Pending, Success], Some(1), below, Err(NotForgotten::NothingEnded)),
            ([Success, Success, Success, Success], None, scope(false, false, true), Err(NotForgotten::NothingFailed)),
            ([Success, Failed, UpstreamFailed, Success], None, scope(false, false, true), Ok(vec![1, 2])),
        ] {
            assert_eq!(scope.forgotten(&graph, position, |at| (states[at], None)), wanted, "{states:?} {position:?} {scope:?}");
        }
    }
}
