//! `flowyard notifications`: who was told what, and what became of it.

use super::{
    Failure,
    context::{Access, Context, cut},
    term::{Cell, Style, table},
    text::{moment, run_name},
};
use crate::{
    model::{NotificationRow, NotificationState, PipelineId},
    runtime::{Handle, RunFilter},
    stdx::time::rfc3339,
};
use serde_json::{Value, json};

/// List who was told what, newest first, and what became of it
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  flowyard notifications\n  flowyard notifications ml_training --limit 5 --json")]
pub struct Args {
    /// Only of this pipeline
    pipeline: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Lists.
pub fn main(args: &Args, context: &Context) -> Result<u8, Failure> {
    let handle = context.handle(Access::Look)?;
    let pipeline = args.pipeline.as_deref().map(PipelineId::from);
    let mut rows = handle.notifications(pipeline.as_ref(), 0, args.limit.saturating_add(1))?;
    let more = cut(&mut rows, args.limit);
    if args.json {
        context.json(&rows.iter().map(as_json).collect::<Vec<_>>())?;
    } else if rows.is_empty() {
        context.note("nobody was told anything; [notify] of a pipeline or of flowyard.toml says who is told of what");
    } else {
        let lines = rows.iter().map(|row| line(row, &handle)).collect::<Result<Vec<_>, Failure>>()?;
        context.print(&table(&context.out, &["ID", "STATE", "AT", "WHAT", "RUN", "TO", "CAME TO"], &lines))?;
        context.note_more(more);
    }
    Ok(0)
}

/// The address of a webhook lets others write to it, so only its host is told here, too.
fn as_json(row: &NotificationRow) -> Value {
    json!({
        "id": row.id, "occasion": row.occasion, "pipeline": row.pipeline, "run_id": row.run_id, "about": row.about, "note": row.note, "times": row.times,
        "channel": row.channel.to_string(), "created_at": rfc3339(row.created_at), "due_at": rfc3339(row.due_at), "state": row.state,
        "attempts": row.attempts, "ended_at": row.ended_at.map(rfc3339), "detail": row.detail, "told_with": row.told_with,
    })
}

fn line(row: &NotificationRow, handle: &Handle) -> Result<Vec<Cell>, Failure> {
    let run = match &row.run_id {
        Some(id) => handle.runs(&RunFilter { upto: Some(id.clone()), limit: 1, ..RunFilter::default() })?.first().map(run_name),
        None => None,
    };
    let token = match row.state {
        NotificationState::Sent => "state.success",
        NotificationState::GaveUp => "state.failed",
        NotificationState::Pending if row.attempts > 0 => "warning",
        NotificationState::Pending => "state.queued",
    };
    let again = || format!("tried {}, again at {}", times(row.attempts), moment(row.due_at));
    let came_to = match (row.state, &row.detail) {
        (NotificationState::Pending, None) => format!("is sent at {}", moment(row.due_at)),
        (NotificationState::Pending, Some(why)) => format!("{why} ({})", again()),
        (_, detail) => detail.clone().unwrap_or_default(),
    };
    let came_to = row.told_with.map_or_else(|| came_to.clone(), |other| format!("told with {other}; {came_to}"));
    Ok(vec![
        Cell::from(row.id.to_string()),
        Cell::styled(row.state.word(), Style::bold(token)),
        Cell::from(moment(row.created_at)),
        Cell::from(if row.times > 1 { format!("{} ×{}", row.occasion, row.times) } else { row.occasion.to_string() }),
        Cell::from(run.unwrap_or_else(|| row.pipeline.to_string())),
        Cell::from(row.channel.to_string()),
        Cell::styled(came_to.replace('\n', "; "), Style::dim()),
    ])
}

fn times(number: u32) -> String {
    if number == 1 { "once".to_owned() } else { format!("{number} times") }
}
