//! `flowyard show`: one run with its tasks.

use super::{
    Failure,
    context::{Access, Context},
    run::card,
    term::{Cell, Style, render, table, task_look},
    text::{cause, elapsed, moment, run_name, span, task_name, time_of_day},
};
use crate::{
    model::{GitState, RunSnapshot, TaskId, TaskSnapshot, TaskState, Wait},
    runtime::{Handle, clock, user},
    stdx::{duration, time::Timestamp},
};
use serde_json::Value;
use std::{collections::HashMap, time::Duration};

/// Show a run: its state, params, tasks, attempts and metrics
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  flowyard show latest\n  flowyard show latest:ml_training --json")]
pub struct Args {
    /// An id, the beginning of one, `latest`, `latest:PIPELINE` or `PIPELINE#N`
    run: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Shows.
pub fn main(args: &Args, context: &Context) -> Result<u8, Failure> {
    let (handle, id) = context.handle_and_run(&args.run, Access::Look)?;
    let run = handle.run(&id)?;
    if args.json {
        context.json(&run)?;
        return Ok(0);
    }
    let waits = waits(&handle, &run);
    let mut text = describe(&run, &waits, context);
    let (_, env_not_passed) = user::environment(&handle.place().config.pass_env);
    let cards = handle.failure_cards(&run, &env_not_passed, card::CARDS)?;
    for card in &cards {
        text.push('\n');
        for line in card::lines(card, &context.out) {
            text.push_str(&(render(&context.out, &line, usize::MAX) + "\n"));
        }
    }
    if let Some(untold) = card::untold(&run, &cards) {
        text.push_str(&format!("\n{untold}\n"));
    }
    context.print(&text)?;
    Ok(0)
}

/// What each task in the queue waits for, as far as the engine tells.
fn waits(handle: &Handle, run: &RunSnapshot) -> HashMap<TaskId, String> {
    if !run.tasks.iter().any(|task| task.state == TaskState::Queued) {
        return HashMap::new();
    }
    let queue = handle.resources().ok().flatten().map(|found| found.queue).unwrap_or_default();
    let of_run = queue.into_iter().filter(|entry| entry.task.run == run.run.run_id);
    of_run.map(|entry| (entry.task.task, entry.waits.iter().map(Wait::to_string).collect::<Vec<_>>().join("; "))).collect()
}

fn describe(run: &RunSnapshot, waits: &HashMap<TaskId, String>, context: &Context) -> String {
    let (screen, row) = (&context.out, &run.run);
    let title = [Cell::styled(run_name(row), Style::bold("fg")), Cell::from("  "), screen.state(row.state.look())];
    let mut shown = render(screen, &title, screen.width()) + "\n";
    let mut fact = |name: &str, value: String| {
        if !value.is_empty() {
            let cells = [Cell::styled(format!("  {name:<13}"), Style::dim()), Cell::from(value)];
            shown.push_str(&(render(screen, &cells, screen.width()) + "\n"));
        }
    };
    fact("run", row.run_id.to_string());
    fact("by", format!("{} ({})", row.by, row.run_type));
    fact("because", row.origin.as_ref().map(|origin| origin.reason.clone()).unwrap_or_default());
    fact("logical date", moment(row.logical_date));
    let interval = row.origin.as_ref().and_then(|origin| origin.data_interval);
    fact("data from", interval.map(|interval| format!("{} to {}", moment(interval.start), moment(interval.end))).unwrap_or_default());
    fact("created", moment(row.created_at));
    fact("started", row.started_at.map(moment).unwrap_or_default());
    fact("ended", row.ended_at.map(moment).unwrap_or_default());
    fact("watched", if row.is_watched() { "people are told when it ends".to_owned() } else { String::new() });
    fact("paused", if row.paused { "no further attempt starts".to_owned() } else { String::new() });
    fact(
        "undo",
        row.undo
            .as_ref()
            .map(|word| {
                format!("`flowyard undo {}` takes {} back, until something starts because of it", row.run_id, word.replace('_', " "))
            })
            .unwrap_or_default(),
    );
    fact("took", took(run));
    fact("params", pairs(&row.params));
    fact("git", git(&row.git));
    shown.push('\n');
    let lines: Vec<Vec<Cell>> = run.tasks.iter().map(|task| line(task, run.run.run_id.as_str(), waits.get(&task.task), context)).collect();
    shown.push_str(&table(screen, &["STATE", "TASK", "ATTEMPTS", "TOOK", "RESULT"], &lines));
    for task in &run.tasks {
        for gate in &task.gates {
            let mark = if gate.passed { ("passed", "state.success") } else { ("rejected", "state.failed") };
            let text = format!("gate of {}: {}  ({})  ", task_name(task), gate.expression, gate.measured);
            shown.push_str(&(render(screen, &[Cell::from(text), Cell::styled(mark.0, Style::of(mark.1))], screen.width()) + "\n"));
        }
    }
    shown
}

/// From its beginning to its end; and for how long of that something ran, where it stood still between: it ended and went on, was
/// paused, or waited for a person or for what others had.
fn took(run: &RunSnapshot) -> String {
    let whole = span(run.run.started_at, run.run.ended_at, clock::now());
    let (Some(started), Some(ended)) = (run.run.started_at, run.run.ended_at) else { return whole };
    let attempts = run.tasks.iter().flat_map(|task| &task.attempts);
    let worked = worked(attempts.filter_map(|attempt| attempt.started_at.zip(attempt.ended_at)).collect());
    if elapsed(started, ended).saturating_sub(worked) < STOOD_STILL {
        whole
    } else {
        format!("{whole}, something ran for {} of it", duration::short(worked))
    }
}

/// What is less is the pace of the engine.
const STOOD_STILL: Duration = Duration::from_secs(1);

/// How long at least one attempt ran.
fn worked(mut spans: Vec<(Timestamp, Timestamp)>) -> Duration {
    spans.sort_unstable();
    let (mut sum, mut until) = (Duration::ZERO, None);
    for (from, to) in spans {
        sum += elapsed(until.map_or(from, |until| from.max(until)), to);
        until = until.max(Some(to));
    }
    sum
}

fn line(task: &TaskSnapshot, run: &str, waits: Option<&String>, context: &Context) -> Vec<Cell> {
    let (started, ended) = task.span().map_or((None, None), |(from, to)| (Some(from), to));
    let result = cause(task).unwrap_or_else(|| {
        let parts = [decided(task), pairs(&task.metrics), pairs(&task.output_parameters)];
        parts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("  ")
    });
    let result = match (task.state, task.retry_at) {
        (TaskState::UpForRetry, Some(at)) => format!("{result}; tried again at {}", time_of_day(at)),
        (TaskState::Queued, _) => waits.cloned().unwrap_or(result),
        (TaskState::AwaitingApproval, _) => format!("a person must decide: flowyard approve {run} {}, or reject", task_name(task)),
        _ => result,
    };
    vec![
        context.out.state(task_look(task)),
        Cell::from(task_name(task)),
        Cell::from(if task.attempts.is_empty() { String::new() } else { task.attempts.len().to_string() }),
        Cell::from(span(started, ended, clock::now())),
        Cell::from(result),
    ]
}

/// What a person decided about a task.
fn decided(task: &TaskSnapshot) -> String {
    let Some(decision) = &task.decision else { return String::new() };
    let note = decision.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
    format!("{} by {} at {}{note}", decision.command.replace('_', " "), decision.by, moment(decision.at))
}

/// `rows=120 path="…"`.
fn pairs(map: &serde_json::Map<String, Value>) -> String {
    map.iter().map(|(name, value)| format!("{name}={}", short(value))).collect::<Vec<_>>().join(" ")
}

/// Longest value in a line for people; `--json` has every value whole.
const LONGEST_VALUE: usize = 120;

fn short(value: &Value) -> String {
    let whole = as_text(value);
    match whole.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}... ({} bytes)", &whole[..end], whole.len()),
        None => whole,
    }
}

fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => format!("{float:.4}").trim_end_matches('0').trim_end_matches('.').to_owned(),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

fn git(git: &GitState) -> String {
    let Some(commit) = &git.commit else { return String::new() };
    let branch = git.branch.as_deref().map(|branch| format!(" on {branch}")).unwrap_or_default();
    let dirty = if git.dirty == Some(true) { ", with uncommitted changes" } else { "" };
    format!("{}{branch}{dirty}", commit.get(..12).unwrap_or(commit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ran_side_by_side_counts_once_and_what_stood_still_not_at_all() {
        let at = |second: i64| crate::stdx::time::from_micros(second * 1_000_000);
        let spans = vec![(at(30), at(32)), (at(0), at(5)), (at(1), at(3)), (at(4), at(7))];
        assert_eq!(worked(spans), Duration::from_secs(9));
    }
}
