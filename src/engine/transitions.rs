//! Which state may follow which: the one place that says so.

use crate::{
    model::{AttemptState, RunState, TaskState},
    stdx::fault,
};

/// Who causes a transition: terminal states are left only by an explicit command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The engine, following what happened.
    Engine,
    /// A person or program, by command.
    Command,
    /// A person takes a command back: what it changed becomes what it was.
    Undo,
}

/// Whether a task instance may go from one state to another. `None` is "does not exist yet".
pub fn task(from: Option<TaskState>, to: TaskState, cause: Cause) -> bool {
    use TaskState::*;
    let Some(from) = from else { return to == Pending };
    // What runs is moved by its attempt alone, and nobody can make a task run but by starting one.
    let settled = from != to && from != Running && to != Running;
    let by_person = match cause {
        Cause::Engine => false,
        // Clear and retry; skip; mark.
        Cause::Command => settled && matches!(to, Pending | Skipped | Success | Failed),
        Cause::Undo => settled,
    };
    if by_person || from.is_terminal() {
        return by_person;
    }
    matches!(
        (from, to),
        (Pending, Queued | UpstreamFailed | Skipped | Canceled | AwaitingApproval | Failed)
            | (Queued, Running | Skipped | Canceled | Pending | Failed)
            // Back to the queue where the system had no room for another process.
            // Skipped where a sensor that may fail softly waited in vain.
            | (Running, Success | Failed | Canceled | Lost | UpForRetry | Queued | Skipped)
            | (UpForRetry, Queued | Skipped | Canceled)
            | (AwaitingApproval, Queued | Failed | Skipped | Canceled)
    )
}

/// Whether a run may go from one state to another.
pub fn run(from: Option<RunState>, to: RunState, cause: Cause) -> bool {
    use RunState::*;
    let Some(from) = from else { return to == Queued };
    match (from, to) {
        (Queued, Running | Success | Failed | Canceled) => true,
        (Running, Success | Failed | Canceling | Canceled) => true,
        (Canceling, Canceled) => true,
        (Success | Failed | Canceled, Running) => cause != Cause::Engine,
        _ => false,
    }
}

/// Whether an attempt may go from one state to another.
pub fn attempt(from: Option<AttemptState>, to: AttemptState) -> bool {
    use AttemptState::*;
    match from {
        _ if fault::is_on("any-transition") => true,
        None => to == Starting,
        // An attempt can end before its beginning was told: both are told by different files.
        Some(Starting) => to != Starting,
        Some(Running) => to.is_terminal(),
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_task_is_left_only_by_a_person() {
        use TaskState::*;
        for &from in TaskState::ALL {
            for &to in TaskState::ALL {
                let settled = from != to && from != Running && to != Running;
                if from.is_terminal() {
                    assert!(!task(Some(from), to, Cause::Engine), "{from} → {to}");
                    let wanted = settled && matches!(to, Pending | Skipped | Success | Failed);
                    assert_eq!(task(Some(from), to, Cause::Command), wanted, "{from} → {to}");
                }
                if from != Running && to != Running {
                    assert_eq!(task(Some(from), to, Cause::Undo), settled, "{from} → {to}");
                }
            }
            assert!(!task(Some(from), from, Cause::Command), "{from} is not a change");
            assert_eq!(task(None, from, Cause::Engine), from == Pending);
        }
    }

    #[test]
    fn nobody_makes_a_task_run_or_stop_by_saying_so() {
        for &other in TaskState::ALL {
            for cause in [Cause::Command, Cause::Undo] {
                assert_eq!(task(Some(other), TaskState::Running, cause), other == TaskState::Queued, "{other}");
            }
        }
    }

    #[test]
    fn only_a_running_task_ends_by_what_its_attempt_did() {
        for &from in TaskState::ALL {
            for to in [TaskState::Success, TaskState::Lost, TaskState::UpForRetry] {
                assert_eq!(task(Some(from), to, Cause::Engine), from == TaskState::Running, "{from} → {to}");
            }
        }
    }

    #[test]
    fn a_finished_run_goes_on_only_by_command() {
        for &from in RunState::ALL {
            for &to in RunState::ALL {
                if from.is_terminal() {
                    assert!(!run(Some(from), to, Cause::Engine));
                    assert_eq!(run(Some(from), to, Cause::Command), to == RunState::Running);
                }
            }
        }
        assert!(!run(Some(RunState::Canceling), RunState::Success, Cause::Engine), "a run being canceled ends canceled");
    }

    #[test]
    fn an_attempt_never_comes_back() {
        for &from in AttemptState::ALL {
            for &to in AttemptState::ALL {
                let legal = attempt(Some(from), to);
                assert!(!(from.is_terminal() && legal), "{from} → {to}");
                assert!(!(to == AttemptState::Starting && legal), "{from} → {to}");
            }
        }
    }
}
