//! What a message says of notifications: looked up when it is sent, from what is recorded then. Logs are masked before they are
//! written, so what is quoted from them is as well.

use crate::{
    model::{NotificationRow, Occasion, RunSnapshot, RunState, TaskSnapshot},
    notifiers::message::{LOG_LINES, Message, Other, Run, Trouble},
    runtime::{cause, clock, failure},
    stdx::{duration, words::quoted},
    store::{Reader, StoreError},
};
use std::path::Path;

/// The message for notifications of one pile, oldest first, of what happened so many `times` in all. It is about the last; the others
/// are named. Nothing is said of nothing.
pub(super) fn message(rows: &[NotificationRow], times: usize, reader: &Reader, workspace: &Path) -> Result<Option<Message>, StoreError> {
    let Some((last, others)) = rows.split_last() else { return Ok(None) };
    let snapshot = last.run_id.as_ref().map(|run| reader.run(run)).transpose()?.flatten();
    let mut message = Message {
        id: format!("{}-{}", last.id, last.created_at.timestamp_micros()),
        occasion: Some(last.occasion),
        pipeline: last.pipeline.clone(),
        run: snapshot.as_ref().map(run),
        at: last.created_at,
        note: note(last),
        times: last.times,
        others: Vec::new(),
        more: times.saturating_sub(last.times),
        since: others.first().map_or(last.created_at, |first| first.created_at),
        trouble: None,
        other_tasks: 0,
        commands: Vec::new(),
        workspace: workspace.display().to_string(),
    };
    for row in others {
        message.others.push(Other { said: name(row, reader)?, times: row.times });
    }
    if let Some(snapshot) = &snapshot {
        let tasks = troubled(last, snapshot);
        message.other_tasks = tasks.len().saturating_sub(1);
        message.trouble = tasks.first().map(|task| trouble(task));
        message.commands = commands(last, snapshot, tasks.first().copied(), workspace);
    }
    Ok(Some(message))
}

fn note(row: &NotificationRow) -> String {
    match row.occasion {
        Occasion::Approval => format!("a person must decide: {}", row.note),
        _ => row.note.clone(),
    }
}

fn name(row: &NotificationRow, reader: &Reader) -> Result<String, StoreError> {
    let number = row.run_id.as_ref().map(|run| reader.number_of(run)).transpose()?.flatten();
    let run = number.map(|number| format!("{}#{number}", row.pipeline)).unwrap_or_default();
    Ok([run, note(row)].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": "))
}

fn run(snapshot: &RunSnapshot) -> Run {
    let run = &snapshot.run;
    let from = run.started_at.unwrap_or(run.created_at);
    let took = (run.ended_at.unwrap_or_else(clock::now) - from).to_std().unwrap_or_default();
    Run { id: run.run_id.clone(), number: run.number, state: run.state, took: duration::short(took) }
}

/// The tasks that went wrong, the first of them first; of a retry the one it is about.
fn troubled<'a>(row: &NotificationRow, snapshot: &'a RunSnapshot) -> Vec<&'a TaskSnapshot> {
    let mut tasks: Vec<&TaskSnapshot> = match row.occasion {
        Occasion::Failure | Occasion::Watched => snapshot.tasks.iter().filter(|task| failure::is_failure(task)).collect(),
        Occasion::Retry => {
            let retried = row.about.rsplit_once('/').map_or("", |(task, _)| task);
            snapshot.tasks.iter().filter(|task| task_name(task) == retried).collect()
        }
        _ => Vec::new(),
    };
    tasks.sort_by_key(|task| task.last_attempt().and_then(|attempt| attempt.ended_at));
    tasks
}

fn task_name(task: &TaskSnapshot) -> String {
    task.map_index.map_or_else(|| task.task.to_string(), |index| format!("{}[{index}]", task.task))
}

fn trouble(task: &TaskSnapshot) -> Trouble {
    let last = task.attempts.iter().rev().find(|attempt| attempt.ended_at.is_some());
    let log = last.and_then(|attempt| attempt.stdout.parent()).map(failure::tail).unwrap_or_default();
    Trouble {
        task: task_name(task),
        cause: cause::cause(task).or_else(|| last.and_then(cause::attempt_cause)).unwrap_or_else(|| task.state.to_string()),
        attempts: task.attempts.len(),
        log: log.into_iter().rev().take(LOG_LINES).rev().collect(),
    }
}

/// What shows more, and what a person can do.
fn commands(row: &NotificationRow, snapshot: &RunSnapshot, task: Option<&TaskSnapshot>, workspace: &Path) -> Vec<String> {
    let run = &snapshot.run.run_id;
    let mut commands = vec![format!("show {run}")];
    if let Some(task) = task.map(task_name) {
        commands.push(format!("logs {run} {}", quoted(&task)));
    }
    match row.occasion {
        Occasion::Approval => commands.extend(row.note.split(", ").map(|task| format!("approve {run} {}", quoted(task)))),
        Occasion::Failure => commands.push(format!("retry {run} --failed")),
        Occasion::Watched if snapshot.run.state == RunState::Failed => commands.push(format!("retry {run} --failed")),
        Occasion::Deadline => commands.push(format!("why {run}")),
        Occasion::Recovery | Occasion::Success | Occasion::Retry | Occasion::Missed | Occasion::Watched | Occasion::Drift => {}
    }
    let workspace = quoted(&workspace.display().to_string());
    commands.into_iter().map(|command| format!("flowyard --workspace {workspace} {command}")).collect()
}
