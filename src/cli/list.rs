//! `flowyard list`: the pipelines of the workspace.

use super::{
    Failure,
    context::{Access, Context},
    term::{Cell, Style, table},
    text::moment,
};
use crate::model::PipelineRow;
use serde_json::{Value, json};

/// List the pipelines of the workspace
#[derive(clap::Args)]
#[command(after_help = "Example:\n  flowyard list")]
pub struct Args {
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Lists.
pub fn main(args: &Args, context: &Context) -> Result<u8, Failure> {
    let handle = context.handle(Access::Look)?;
    let rows = handle.pipelines()?;
    if args.json {
        context.json(&rows.iter().map(as_json).collect::<Vec<_>>())?;
        return Ok(0);
    }
    if rows.is_empty() {
        context.note(&format!("no pipelines in {}; `flowyard init` writes one to copy from", handle.workspace().display()));
        return Ok(0);
    }
    let lines: Vec<Vec<Cell>> = rows.iter().map(|row| line(row, context)).collect();
    context.print(&table(&context.out, &["PIPELINE", "LAST RUN", "AT", "TRIGGERS", "NEXT", "OWNER", "ABOUT"], &lines))?;
    Ok(0)
}

fn line(row: &PipelineRow, context: &Context) -> Vec<Cell> {
    let (last, at) = match &row.last_run {
        Some(run) => (context.out.state(run.state.look()), moment(run.created_at)),
        None => (Cell::styled("never", Style::dim()), String::new()),
    };
    let triggers = match (row.triggers.is_empty(), row.paused) {
        (true, _) => String::new(),
        (false, true) => format!("{} (off)", row.triggers.join(", ")),
        (false, false) => row.triggers.join(", "),
    };
    let about = match &row.error {
        Some(error) => Cell::styled(format!("cannot run: {error}"), Style::of("state.failed")),
        None => Cell::from(&row.description),
    };
    vec![
        Cell::from(row.pipeline.as_str()),
        last,
        Cell::styled(at, Style::dim()),
        Cell::from(triggers),
        Cell::from(row.next_fire.map(moment).unwrap_or_default()),
        Cell::from(&row.owner),
        about,
    ]
}

fn as_json(row: &PipelineRow) -> Value {
    let last_run = row.last_run.as_ref().map(|run| json!({ "run_id": run.run_id, "state": run.state, "number": run.number }));
    json!({
        "pipeline": row.pipeline, "description": row.description, "owner": row.owner, "tags": row.tags, "paused": row.paused,
        "next_fire": row.next_fire.map(crate::stdx::time::rfc3339), "last_run": last_run, "file": row.file, "error": row.error,
        "triggers": row.triggers,
    })
}
