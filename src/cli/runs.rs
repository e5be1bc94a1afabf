//! `flowyard runs`: runs, newest first.

use super::{
    Failure,
    context::{Access, Context, cut},
    term::{Cell, Style, table},
    text::{moment, parse_since, run_name, span},
};
use crate::{
    model::{PipelineId, RunRow, RunState},
    runtime::{Handle, RunFilter, clock},
    stdx::suggest,
};

/// List runs, newest first
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  flowyard runs ml_training --limit 5\n  flowyard runs --state failed --since 7d")]
pub struct Args {
    /// Only of this pipeline
    pipeline: Option<String>,
    /// Only in this state: queued, running, canceling, success, failed, canceled
    #[arg(long, value_name = "STATE")]
    state: Option<RunState>,
    /// Only those asked for since a date, or so long ago: 2024-01-31, 7d
    #[arg(long, value_name = "D")]
    since: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Lists.
pub fn main(args: &Args, context: &Context) -> Result<u8, Failure> {
    let since = args.since.as_deref().map(|text| parse_since(text, clock::now())).transpose().map_err(Failure::usage)?;
    let handle = context.handle(Access::Look)?;
    let pipeline = args.pipeline.as_deref().map(PipelineId::from);
    let limit = args.limit.saturating_add(1);
    let mut runs = handle.runs(&RunFilter { pipeline: pipeline.clone(), state: args.state, since, limit, ..RunFilter::default() })?;
    let more = cut(&mut runs, args.limit);
    if let (true, Some(id)) = (runs.is_empty(), &pipeline) {
        must_exist(&handle, id)?;
    }
    if args.json {
        context.json(&runs)?;
    } else if runs.is_empty() {
        context.note("no such runs; start one with `flowyard run PIPELINE`");
    } else {
        let lines: Vec<Vec<Cell>> = runs.iter().map(|run| line(run, context)).collect();
        context.print(&table(&context.out, &["RUN", "STATE", "CREATED", "TOOK", "TYPE", "ID", "BY"], &lines))?;
        context.note_more(more);
    }
    Ok(0)
}

/// No runs of a pipeline that nobody knows is a typing error, not an empty history.
pub fn must_exist(handle: &Handle, id: &PipelineId) -> Result<(), Failure> {
    let known = handle.pipelines()?;
    let ever = RunFilter { pipeline: Some(id.clone()), limit: 1, ..RunFilter::default() };
    if known.iter().any(|row| row.pipeline == *id) || !handle.runs(&ever)?.is_empty() {
        return Ok(());
    }
    let near = suggest::nearest(id.as_str(), known.iter().map(|row| row.pipeline.as_str()));
    let hint = near.map_or_else(|| "`flowyard list` shows the pipelines".to_owned(), |near| format!("did you mean `{near}`?"));
    Err(Failure::usage(format!("there is no pipeline `{id}`\n  hint: {hint}")))
}

fn flag(set: bool, says: &'static str) -> &'static str {
    if set { says } else { "" }
}

fn line(run: &RunRow, context: &Context) -> Vec<Cell> {
    vec![
        Cell::from(format!("{}{}{}", run_name(run), flag(run.paused, " (paused)"), flag(run.is_watched(), " (watched)"))),
        context.out.state(run.state.look()),
        Cell::from(moment(run.created_at)),
        Cell::from(span(run.started_at, run.ended_at, clock::now())),
        Cell::from(run.run_type.word()),
        Cell::from(run.run_id.as_str()),
        Cell::styled(&run.by, Style::dim()),
    ]
}
