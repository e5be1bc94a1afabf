//! What can be done to runs and tasks, when it cannot and why, and what is asked before it is done.

use super::{
    actions::Action,
    dialogs::confirm::{Choice, Confirm},
    text,
    views::Intent,
    world::{Ask, RunData},
};
use crate::model::{Command, Graph, PipelineRow, RunId, RunRow, RunState, TaskId, TaskSnapshot, TaskState};
use std::collections::HashMap;

/// Whether an action is possible for a run as such: from a list of runs or pipelines.
///
/// # Errors
/// The reason why not.
pub fn possible_for_run(action: Action, run: Option<(RunState, u64)>) -> Result<(), String> {
    let Some((state, number)) = run else {
        return Err("no run is selected".to_owned());
    };
    match action {
        Action::Cancel if state.is_terminal() => Err("nothing to cancel (run finished)".to_owned()),
        Action::Cancel if state == RunState::Canceling => Err("nothing to cancel (run is being canceled)".to_owned()),
        Action::Retry if !matches!(state, RunState::Failed | RunState::Canceled) => {
            Err(format!("nothing to retry (run {number} is {})", state.word()))
        }
        Action::Skip | Action::RetryFrom | Action::Approve => Err("open the run and select a task first".to_owned()),
        Action::Undo | Action::Pause => Err("open the run first".to_owned()),
        _ => Ok(()),
    }
}

/// Whether an action is possible for a task of a run.
///
/// # Errors
/// The reason why not.
pub fn possible_for_task(action: Action, data: &RunData, task: Option<&TaskSnapshot>) -> Result<(), String> {
    let Some(run) = data.state() else {
        return Err(format!("this pipeline never ran ({} starts a run)", super::actions::shown_key(Action::Trigger)));
    };
    if action == Action::Cancel {
        return possible_for_run(action, data.run.as_ref().map(|run| (run.state, run.number)));
    }
    if action == Action::Undo && data.run.as_ref().is_none_or(|run| run.undo.is_none()) {
        return Err("nothing to undo".to_owned());
    }
    if action == Action::Pause && run.is_terminal() {
        return Err("nothing to pause (run finished)".to_owned());
    }
    if matches!(action, Action::Undo | Action::Pause) {
        return Ok(());
    }
    let Some(task) = task else { return Err("no task is selected".to_owned()) };
    let state = task.state.word().replace('_', " ");
    match action {
        Action::Retry | Action::RetryFrom | Action::Skip if run == RunState::Canceling => Err("the run is being canceled".to_owned()),
        Action::Retry | Action::RetryFrom if !task.state.is_terminal() => Err(format!("nothing to retry (task is {state})")),
        Action::Retry if matches!(task.state, TaskState::Success) => {
            Err(format!("nothing to retry (task succeeded; {} runs it again)", super::actions::shown_key(Action::RetryFrom)))
        }
        Action::Skip if matches!(task.state, TaskState::Success | TaskState::Skipped) => Err(format!("nothing to skip (task is {state})")),
        Action::Approve if task.state != TaskState::AwaitingApproval => Err(format!("nothing to approve (task is {state})")),
        Action::Skip if task.state == TaskState::Running => Err("nothing to skip (task is running; cancel it first)".to_owned()),
        _ => Ok(()),
    }
}

/// Retries one task, or every failed task of a run.
pub fn retry(run: RunId, task: Option<TaskId>) -> Intent {
    send(Command::Retry { run, task, downstream: false })
}

/// Skips a task.
pub fn skip(run: RunId, task: TaskId) -> Intent {
    send(Command::Skip { run, task })
}

/// Pauses a run, or ends its pause.
pub fn pause_run(run: &RunRow) -> Intent {
    send(Command::PauseRun { run: run.run_id.clone(), paused: !run.paused })
}

/// Turns the triggers of a pipeline off, or on.
pub fn pause_pipeline(row: &PipelineRow) -> Intent {
    send(Command::PausePipeline { pipeline: row.pipeline.clone(), paused: !row.paused })
}

/// Asks before the last command is taken back, naming it.
pub fn ask_undo(run: &RunRow) -> Option<Confirm> {
    let last = run.undo.as_ref()?;
    let lines = vec![format!("The last command about this run was: {}.", last.replace('_', " ")), "This takes it back.".to_owned()];
    let yes = Choice { action: Action::Yes, label: "Take it back".into(), command: Command::Undo { run: run.run_id.clone() } };
    Some(Confirm::new(format!("Undo in run {}?", run.number), lines, "Leave as it is", vec![yes]))
}

/// Asks whether a task that waits for a person may start.
pub fn ask_approve(data: &RunData, run: &RunRow, position: usize) -> Option<Confirm> {
    let task = data.tasks.get(position)?;
    let below = downstream(data, position).len().saturating_sub(1);
    let lines = vec![
        format!("Approved, {} starts; {} downstream can follow.", task.task, text::count(below, "task")),
        "Rejected, it fails, and nothing of it is started.".to_owned(),
    ];
    let (run_id, id) = (run.run_id.clone(), task.task.clone());
    let yes = Command::Approve { run: run_id.clone(), task: id.clone() };
    let no = Command::Reject { run: run_id, task: id };
    let choices = vec![
        Choice { action: Action::Yes, label: "Approve".into(), command: yes },
        Choice { action: Action::Other, label: "Reject".into(), command: no },
    ];
    Some(Confirm::new(format!("Let {} start?", task.task), lines, "Let it wait", choices))
}

const fn send(command: Command) -> Intent {
    Intent::Ask(Ask::Send(command))
}

/// Asks before everything downstream runs again.
pub fn ask_retry_from(data: &RunData, run: &RunRow, position: usize) -> Option<Confirm> {
    let task = data.tasks.get(position)?;
    let again = downstream(data, position);
    let below = again.len().saturating_sub(1);
    let done = again.iter().filter(|&&at| data.tasks[at].state == TaskState::Success).count();
    let mut lines = vec![
        format!("This runs {} again: {}", text::count(again.len(), "task"), task.task),
        format!("and {} downstream. {done} of them had succeeded.", text::count(below, "task")),
        String::new(),
    ];
    lines.extend(again.iter().take(MOST_NAMED).map(|&at| named(&data.tasks[at])));
    if again.len() > MOST_NAMED {
        lines.push(format!("  and {} more", again.len() - MOST_NAMED));
    }
    let command = Command::Retry { run: run.run_id.clone(), task: Some(task.task.clone()), downstream: true };
    let yes = Choice { action: Action::Yes, label: "Run them again".into(), command };
    Some(Confirm::new(format!("Retry from {}?", task.task), lines, "Leave as it is", vec![yes]))
}

/// Asks before a run, or one task of it, is stopped.
pub fn ask_cancel(data: &RunData, run: &RunRow, position: Option<usize>) -> Confirm {
    let running: Vec<_> = data.tasks.iter().filter(|task| task.state == TaskState::Running).collect();
    let waiting = data.tasks.iter().filter(|task| !task.state.is_terminal() && task.state != TaskState::Running).count();
    let mut lines =
        vec![format!("This stops {} and cancels {}.", text::count(running.len(), "running task"), text::count(waiting, "waiting task"))];
    lines.extend(running.iter().take(MOST_NAMED).map(|task| named(task)));
    let mut choices = vec![cancel_run(&run.run_id)];
    let open = position.and_then(|at| data.tasks.get(at)).filter(|task| !task.state.is_terminal());
    if let Some(task) = open {
        let command = Command::Cancel { run: run.run_id.clone(), task: Some(task.task.clone()) };
        choices.push(Choice { action: Action::Other, label: format!("Only {}", task.task), command });
    }
    Confirm::new(format!("Cancel run {}?", run.number), lines, "Keep running", choices)
}

/// Asks before a run is stopped, knowing only how many of its tasks are over.
pub fn ask_cancel_run(run: &RunId, number: u64, progress: Option<(u32, u32)>) -> Confirm {
    let line = match progress {
        Some((over, all)) => {
            format!("This stops the run: {} of {} not over yet.", all.saturating_sub(over), text::count(all as usize, "task"))
        }
        None => "This stops the run and every task of it that is not over.".to_owned(),
    };
    Confirm::new(format!("Cancel run {number}?"), vec![line], "Keep running", vec![cancel_run(run)])
}

fn cancel_run(run: &RunId) -> Choice {
    Choice { action: Action::Yes, label: "Cancel the run".into(), command: Command::Cancel { run: run.clone(), task: None } }
}

/// More tasks are only counted.
const MOST_NAMED: usize = 6;

fn named(task: &TaskSnapshot) -> String {
    format!("  {} {}", super::panes::tasks::look(task).glyph, task.task)
}

/// A task and everything below it, in order.
fn downstream(data: &RunData, position: usize) -> Vec<usize> {
    let at: HashMap<&TaskId, usize> = data.tasks.iter().enumerate().map(|(i, task)| (&task.task, i)).collect();
    let upstream = data.tasks.iter().map(|task| task.upstream.iter().filter_map(|id| at.get(id).copied()).collect()).collect();
    Graph::from_upstream(upstream).map_or_else(|_| vec![position], |graph| graph.with_downstream(position))
}
