//! `flowyard backfills`: backfills with their progress, newest first.

use super::{
    Failure,
    backfill::told,
    context::{Access, Context, cut},
    term::{Cell, Style, table},
    text::moment,
};
use crate::model::{BackfillRow, PipelineId};

/// List backfills with their progress, newest first
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  flowyard backfills\n  flowyard backfills churn --open")]
pub struct Args {
    /// Only of this pipeline
    pipeline: Option<String>,
    /// Only those that are not over
    #[arg(long)]
    open: bool,
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
    let mut rows = handle.backfills(args.pipeline.as_deref().map(PipelineId::from).as_ref(), args.open, args.limit.saturating_add(1))?;
    let more = cut(&mut rows, args.limit);
    if args.json {
        context.json(&rows.iter().map(told::row_json).collect::<Vec<_>>())?;
    } else if rows.is_empty() {
        context.note("no such backfills; `flowyard backfill PIPELINE --from D --to D` starts one");
    } else {
        let lines: Vec<Vec<Cell>> = rows.iter().map(|row| line(row, context)).collect();
        context.print(&table(&context.out, &["PIPELINE", "STATE", "DATES", "PROGRESS", "CREATED", "ID", "BY"], &lines))?;
        context.note_more(more);
    }
    Ok(0)
}

fn line(row: &BackfillRow, context: &Context) -> Vec<Cell> {
    let backfill = &row.backfill;
    vec![
        Cell::from(backfill.request.pipeline.as_str()),
        context.out.state(backfill.state.look()),
        Cell::from(backfill.stretch()),
        Cell::from(row.progress.words()),
        Cell::from(moment(backfill.created_at)),
        Cell::from(backfill.id().as_str()),
        Cell::styled(&backfill.by, Style::dim()),
    ]
}
