//! What can be done to runs and tasks, when it cannot and why, and what is asked before it is done.

use super::{
    actions::Action,
    dialogs::{
        confirm::{Choice, Confirm},
        menu::{Item, Menu},
        note::Note,
        report::Report,
    },
    text,
    views::Intent,
    world::{Ask, Purpose, RunData},
};
use crate::model::{ClearScope, Command, MarkedAs, PipelineId, PipelineRow, RunId, RunRow, RunState, TaskId, TaskSnapshot, TaskState};
use std::collections::BTreeMap;

/// Whether an action is possible for a run as such: from a list of runs or pipelines.
///
/// # Errors
/// The reason why not.
pub fn possible_for_run(action: Action, run: Option<(RunState, u64)>) -> Result<(), String> {
    let Some((state, number)) = run else {
        return Err("no run is selected".to_owned());
    };
    match action {
        Action::Watch if state.is_terminal() => Err(format!("nothing to watch (run {number} is over)")),
        Action::Cancel if state.is_terminal() => Err("nothing to cancel (run finished)".to_owned()),
        Action::Cancel if state == RunState::Canceling => Err("nothing to cancel (run is being canceled)".to_owned()),
        Action::Retry if !matches!(state, RunState::Failed | RunState::Canceled) => {
            Err(format!("nothing to retry (run {number} is {})", state.word()))
        }
        Action::Skip | Action::RetryFrom | Action::Approve | Action::More => Err("open the run and select a task first".to_owned()),
        _ => Ok(()),
    }
}

/// Whether an action is possible for a task of a run.
///
/// # Errors
/// The reason why not.
pub fn possible_for_task(action: Action, data: &RunData, task: Option<&TaskSnapshot>) -> Result<(), String> {
    let Some(run) = data.state() else {
        return Err(format!("this pipeline never ran ({} starts a run)", super::keymap::shown_key(Action::Trigger)));
    };
    match (action, &data.run) {
        (Action::Pause | Action::Undo, Some(run)) => return possible_for_row(action, run),
        (Action::Approve, _) => return awaiting(data, task).map(|_| ()).ok_or_else(|| "no task waits for approval".to_owned()),
        _ => {}
    }
    if matches!(action, Action::Cancel | Action::Watch) {
        return possible_for_run(action, data.run.as_ref().map(|run| (run.state, run.number)));
    }
    let Some(task) = task else { return Err("no task is selected".to_owned()) };
    let state = task.state.word().replace('_', " ");
    match action {
        Action::Retry | Action::RetryFrom | Action::Skip if run == RunState::Canceling => Err("the run is being canceled".to_owned()),
        Action::Retry | Action::RetryFrom if !task.state.is_terminal() => Err(format!("nothing to retry (task is {state})")),
        Action::Retry if matches!(task.state, TaskState::Success) => {
            Err(format!("nothing to retry (task succeeded; {} runs it again)", super::keymap::shown_key(Action::RetryFrom)))
        }
        // Looked for only where something runs at all: this is asked for each frame.
        Action::RetryFrom if data.tally().count(TaskState::Running) > 0 => {
            data.position(&task.task).map_or(Ok(()), |at| forgotten(data, at, BELOW).map(|_| ()))
        }
        Action::Skip if matches!(task.state, TaskState::Success | TaskState::Skipped) => Err(format!("nothing to skip (task is {state})")),
        Action::Skip if task.state == TaskState::Running => Err("nothing to skip (task is running; cancel it first)".to_owned()),
        _ => Ok(()),
    }
}

/// What a verb wants done about the selected task of a run that is looked at.
pub fn for_task(action: Action, data: &RunData, selected: usize) -> Vec<Intent> {
    if action == Action::Trigger {
        return vec![Intent::Ask(Ask::Definition { pipeline: data.pipeline.to_string(), purpose: Purpose::Trigger })];
    }
    let (Some(run), Some(task)) = (&data.run, data.tasks.get(selected)) else { return Vec::new() };
    let id = run.run_id.clone();
    match action {
        Action::Retry => vec![retry(id, Some(task.task.clone()))],
        Action::RetryFrom => ask_retry_from(data, run, selected).map(|dialog| Intent::Show(Box::new(dialog))).into_iter().collect(),
        Action::Skip => vec![skip(id, task.task.clone())],
        Action::Cancel => vec![Intent::Show(Box::new(ask_cancel(data, run, Some(selected))))],
        Action::Approve => ask_approval(data, run, selected).map(|note| Intent::Show(Box::new(note))).into_iter().collect(),
        Action::Undo => ask_undo(run).map(|dialog| Intent::Show(Box::new(dialog))).into_iter().collect(),
        Action::More => more(data, run, selected).map(|menu| Intent::Show(Box::new(menu))).into_iter().collect(),
        Action::Failure => failure(data, selected)
            .and_then(|at| Some((at, data.card(data.tasks.get(at)?)?)))
            .map(|(at, card)| vec![Intent::Choose(at), Intent::Show(Box::new(Report::failure(card)))])
            .unwrap_or_default(),
        Action::Pause => vec![pause_run(run)],
        Action::Watch => vec![watch(id, run.watched)],
        Action::Why => vec![Intent::Ask(Ask::Why { run: id, task: Some(task.task.clone()) })],
        _ => Vec::new(),
    }
}

/// The task whose failure is meant: the selected one, or for one that was not run the nearest above it that failed.
pub fn failure(data: &RunData, selected: usize) -> Option<usize> {
    let (mut seen, mut at) = (vec![selected], 0);
    while let Some(&task) = seen.get(at) {
        let found = data.tasks.get(task)?;
        if data.card(found).is_some() {
            return Some(task);
        }
        if found.state == TaskState::UpstreamFailed {
            let above = data.graph.upstream.get(task).into_iter().flatten();
            let new: Vec<usize> = above.copied().filter(|up| !seen.contains(up)).collect();
            seen.extend(new);
        }
        at += 1;
    }
    None
}

/// Whether a run can be paused, or something about it taken back.
///
/// # Errors
/// The reason why not.
pub fn possible_for_row(action: Action, run: &RunRow) -> Result<(), String> {
    match action {
        Action::Undo if run.undo.is_none() => Err(format!("nothing to take back (run {})", run.number)),
        Action::Pause if run.state.is_terminal() && !run.paused => Err("nothing to pause (run finished)".to_owned()),
        _ => Ok(()),
    }
}

/// Pauses a run, or ends its pause.
pub fn pause_run(run: &RunRow) -> Intent {
    send(Command::PauseRun { run: run.run_id.clone(), paused: !run.paused })
}

/// Whether the triggers of a pipeline can be turned on or off.
///
/// # Errors
/// It has none that could be turned on.
pub fn can_pause_pipeline(row: &PipelineRow) -> Result<(), String> {
    if row.triggers.is_empty() && row.paused && row.error.is_none() {
        return Err(format!("{} has no triggers to turn on", row.pipeline));
    }
    Ok(())
}

/// Has the end of a run told, or no more.
pub fn watch(run: RunId, watched: bool) -> Intent {
    send(Command::WatchRun { run, watched: !watched })
}

/// Turns the triggers of a pipeline off; or on, after it was looked what that would start if its file has any.
pub fn pause_pipeline(pipeline: PipelineId, paused: bool, has_triggers: bool) -> Intent {
    if paused && has_triggers {
        return Intent::Ask(Ask::TurnOn(pipeline));
    }
    send(Command::PausePipeline { pipeline, paused: !paused, env: BTreeMap::new(), make_up: None })
}

/// Asks before the last command about a run is taken back.
pub fn ask_undo(run: &RunRow) -> Option<Confirm> {
    let word = run.undo.as_ref()?.replace('_', " ");
    let lines = vec![
        format!("The last command about run {} was: {word}.", run.number),
        "This takes it back; nothing that followed from it has started.".to_owned(),
    ];
    let yes = Choice { action: Action::Yes, label: "Take it back".into(), ask: Ask::Send(Command::Undo { run: run.run_id.clone() }) };
    Some(Confirm::new(format!("Undo {word}?"), lines, "Leave as it is", vec![yes]))
}

/// The task that waits for a person: the selected one, else the first of the run.
fn awaiting<'a>(data: &'a RunData, selected: Option<&'a TaskSnapshot>) -> Option<&'a TaskSnapshot> {
    let waits = |task: &&TaskSnapshot| task.state == TaskState::AwaitingApproval;
    let first = || data.tally().states.iter().position(|&state| state == TaskState::AwaitingApproval);
    selected.filter(waits).or_else(|| data.tasks.get(first()?))
}

/// Asks whether a task may start that waits for a person.
pub fn ask_approval(data: &RunData, run: &RunRow, selected: usize) -> Option<Note> {
    let task = awaiting(data, data.tasks.get(selected))?;
    let (id, name) = (run.run_id.clone(), task.task.clone());
    let mut lines = vec![format!("{name} of run {} waits for a person.", run.number)];
    lines.extend(task.message.clone());
    lines.push("Approved, it starts. Rejected, it fails.".to_owned());
    let choices = vec![
        ("Approve", Command::Approve { run: id.clone(), task: name.clone() }),
        ("Reject", Command::Reject { run: id, task: name.clone() }),
    ];
    Some(Note::new(format!("Approve {name}?"), lines, choices))
}

/// What else can be done to a task and its run; each asks first.
pub fn more(data: &RunData, run: &RunRow, selected: usize) -> Option<Menu> {
    let task = data.tasks.get(selected)?;
    let (id, name) = (&run.run_id, &task.task);
    let ask = |title: String, says: String, label: &str, command: Command| {
        let yes = Choice { action: Action::Yes, label: label.to_owned(), ask: Ask::Send(command) };
        Confirm::new(title, vec![says], "Leave as it is", vec![yes])
    };
    let clear = |label: &str, scope: ClearScope| {
        let command = Command::Clear { run: id.clone(), task: Some(name.clone()), scope };
        let asks = forgotten(data, selected, scope).map(|forgotten| {
            // What only waits is cleared with the others, and has no result yet.
            let results: Vec<usize> = forgotten.into_iter().filter(|&at| data.tasks[at].state.is_terminal()).collect();
            let says = match results[..] {
                [] => "This puts it back to its beginning; it has no result yet.".to_owned(),
                [one] => format!("This forgets the result of {}, so that it runs again.", data.tasks[one].task),
                _ => format!("This forgets the results of {}, so that they run again.", text::count(results.len(), "task")),
            };
            ask(format!("{label}?"), says, "Clear", command)
        });
        Item { label: label.to_owned(), ask: asks }
    };
    let mark = |verdict: MarkedAs, says: &str| {
        let word = if verdict == MarkedAs::Success { "success" } else { "failed" };
        let command = Command::Mark { run: id.clone(), task: name.clone(), verdict };
        Item {
            label: format!("Mark as {word}"),
            ask: Ok(ask(format!("Mark {name} as {word}?"), says.to_owned(), &format!("Mark as {word}"), command)),
        }
    };
    let resume = if run.state.is_terminal() {
        let says = "What did not succeed runs; what succeeded stays.".to_owned();
        Ok(ask(format!("Resume run {}?", run.number), says, "Resume", Command::Resume { run: id.clone() }))
    } else {
        Err("the run is not over".to_owned())
    };
    let items = vec![
        clear("Clear it", ClearScope::default()),
        clear("Clear it and downstream", BELOW),
        clear("Clear it and upstream", ClearScope { upstream: true, ..ClearScope::default() }),
        clear("Clear what failed, with downstream", ClearScope { failed_only: true, ..BELOW }),
        Item { label: "Resume the run".to_owned(), ask: resume },
        mark(MarkedAs::Success, "What needs it goes on, whatever its attempts did."),
        mark(MarkedAs::Failed, "What needs it does not run, whatever its attempts did."),
    ];
    Some(Menu::new(format!("More: {name}"), items))
}

/// Retries one task, or every failed task of a run.
pub fn retry(run: RunId, task: Option<TaskId>) -> Intent {
    send(Command::Retry { run, task, downstream: false })
}

/// Skips a task.
pub fn skip(run: RunId, task: TaskId) -> Intent {
    send(Command::Skip { run, task })
}

const fn send(command: Command) -> Intent {
    Intent::Ask(Ask::Send(command))
}

/// Asks before everything downstream runs again.
pub fn ask_retry_from(data: &RunData, run: &RunRow, position: usize) -> Option<Confirm> {
    let task = data.tasks.get(position)?;
    let again = forgotten(data, position, BELOW).ok()?;
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
    let yes = Choice { action: Action::Yes, label: "Run them again".into(), ask: Ask::Send(command) };
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
        choices.push(Choice { action: Action::Other, label: format!("Only {}", task.task), ask: Ask::Send(command) });
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
    Choice { action: Action::Yes, label: "Cancel the run".into(), ask: Ask::Send(Command::Cancel { run: run.clone(), task: None }) }
}

/// More tasks are only counted.
const MOST_NAMED: usize = 6;

fn named(task: &TaskSnapshot) -> String {
    format!("  {} {}", super::panes::tasks::look(task).glyph, task.task)
}

const BELOW: ClearScope = ClearScope { downstream: true, upstream: false, failed_only: false };

/// What is cleared with a task, as the engine will see it; or why it will refuse.
fn forgotten(data: &RunData, position: usize, scope: ClearScope) -> Result<Vec<usize>, String> {
    let standing = |at: usize| (data.tasks[at].state, data.tasks[at].reason);
    scope.forgotten(&data.graph, Some(position), standing).map_err(|why| why.words(|at| data.tasks[at].task.clone()))
}
