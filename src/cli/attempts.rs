//! `flowyard attempts`: every try of every task of a run.

use super::{
    Failure,
    context::Context,
    term::{Cell, Style, table},
    text::{attempt_cause, moment, span, task_name},
};
use crate::{
    model::{AttemptSnapshot, TaskId, TaskSnapshot},
    runtime::clock,
    stdx::{duration, size},
};
use std::time::Duration;

/// List the attempts of a run
#[derive(clap::Args)]
#[command(after_help = "Example:\n  flowyard attempts latest")]
pub struct Args {
    /// An id, the beginning of one, `latest`, `latest:PIPELINE` or `PIPELINE#N`
    run: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// An attempt and whose it is.
#[derive(serde::Serialize)]
struct Row<'a> {
    task: &'a TaskId,
    map_index: Option<u32>,
    #[serde(flatten)]
    attempt: &'a AttemptSnapshot,
}

/// Lists.
pub fn main(args: &Args, context: &Context) -> Result<u8, Failure> {
    let run = context.snapshot(&args.run)?;
    let attempts: Vec<(&TaskSnapshot, &AttemptSnapshot)> =
        run.tasks.iter().flat_map(|task| task.attempts.iter().map(move |attempt| (task, attempt))).collect();
    if args.json {
        let rows: Vec<Row<'_>> =
            attempts.iter().map(|(task, attempt)| Row { task: &task.task, map_index: task.map_index, attempt }).collect();
        context.json(&rows)?;
        return Ok(0);
    }
    let lines: Vec<Vec<Cell>> = attempts.iter().map(|(task, attempt)| line(task, attempt, context)).collect();
    context.print(&table(&context.out, &["TASK", "ATTEMPT", "STATE", "STARTED", "TOOK", "CPU", "PEAK", "GPU", "RESULT"], &lines))?;
    Ok(0)
}

fn line(task: &TaskSnapshot, attempt: &AttemptSnapshot, context: &Context) -> Vec<Cell> {
    let ended = attempt.ended_at.or_else(|| attempt.state.is_terminal().then_some(attempt.started_at).flatten());
    vec![
        Cell::from(task_name(task)),
        Cell::from(attempt.attempt.to_string()),
        context.out.state(attempt.state.look()),
        Cell::from(attempt.started_at.map(moment).unwrap_or_default()),
        Cell::from(span(attempt.started_at, ended, clock::now())),
        Cell::from(attempt.usage.map(|usage| duration::short(Duration::from_millis(usage.cpu_millis))).unwrap_or_default()),
        Cell::from(attempt.usage.and_then(|usage| usage.peak()).map(size::short).unwrap_or_default()),
        Cell::styled(attempt.gpus.iter().map(u32::to_string).collect::<Vec<_>>().join(","), Style::dim()),
        Cell::from(attempt_cause(attempt).unwrap_or_default()),
    ]
}
