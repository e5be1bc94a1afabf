//! `flowyard fires`: what became of the fires of triggers.

use super::{
    Failure,
    context::{Access, Context, cut},
    runs::must_exist,
    term::{Cell, Style, table},
    text::{moment, parse_since},
};
use crate::{
    model::{Firing, Outcome, PipelineId},
    runtime::{FiringQuery, clock},
};

/// List past fires of triggers, newest first, and what became of each
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  flowyard fires ml_training\n  flowyard fires --outcome missed --since 7d")]
pub struct Args {
    /// Only of this pipeline
    pipeline: Option<String>,
    /// Only with this outcome: started, skipped, missed, over_cap, failed
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<Outcome>,
    /// Only those for a date and later, or so long ago: 2024-01-31, 7d
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
    let query =
        FiringQuery { pipeline: pipeline.as_ref(), trigger: None, outcome: args.outcome, since, limit: args.limit.saturating_add(1) };
    let mut fires = handle.firings(&query)?;
    let more = cut(&mut fires, args.limit);
    if let (true, Some(id)) = (fires.is_empty(), &pipeline) {
        must_exist(&handle, id)?;
    }
    if args.json {
        context.json(&fires)?;
    } else if fires.is_empty() {
        context.note("no such fires; `flowyard next` shows what will fire");
    } else {
        let lines: Vec<Vec<Cell>> = fires.iter().map(line).collect();
        context.print(&table(&context.out, &["FOR", "PIPELINE", "TRIGGER", "OUTCOME", "RUN", "WHY"], &lines))?;
        context.note_more(more);
    }
    Ok(0)
}

fn line(fire: &Firing) -> Vec<Cell> {
    let style = match fire.outcome {
        Outcome::Started => Style::of("state.success"),
        Outcome::Skipped => Style::dim(),
        Outcome::Missed | Outcome::OverCap | Outcome::Failed => Style::of("state.failed"),
    };
    vec![
        Cell::from(times(fire)),
        Cell::from(fire.pipeline.as_str()),
        Cell::styled(fire.trigger.as_str(), Style::dim()),
        Cell::styled(fire.outcome.word(), style),
        Cell::from(fire.run.as_ref().map(|run| run.to_string()).unwrap_or_default()),
        Cell::styled(&fire.why, Style::dim()),
    ]
}

/// What a fire stands for: a time, or the first and the last of several.
pub fn times(fire: &Firing) -> String {
    match fire.first {
        Some(first) => format!("{} … {}", moment(first), moment(fire.logical_date)),
        None => moment(fire.logical_date),
    }
}
