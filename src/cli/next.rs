//! `flowyard next`: when triggers fire next.

use super::{
    Failure,
    context::{Access, Context},
    term::{Cell, Style, table},
    text::moment,
};
use crate::{
    runtime::scheduler::outlook::{NextFire, TriggerRow},
    stdx::time::{in_zone, rfc3339},
};
use serde_json::{Value, json};

/// List the next fires of triggers
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  flowyard next                    of all pipelines\n  flowyard next ml_training -n 5   the next five of one"
)]
pub struct Args {
    /// Only of this pipeline
    pipeline: Option<String>,
    /// At most so many
    #[arg(short, long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    n: u64,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Lists.
pub fn main(args: &Args, context: &Context) -> Result<u8, Failure> {
    let handle = context.handle(Access::Look)?;
    let fires = handle.next_fires(args.pipeline.as_deref(), usize::try_from(args.n).unwrap_or(usize::MAX))?;
    if args.json {
        context.json(&fires.iter().map(as_json).collect::<Vec<_>>())?;
        return Ok(0);
    }
    let triggers = handle.triggers(args.pipeline.as_deref(), 0)?;
    if !fires.is_empty() {
        let lines: Vec<Vec<Cell>> = fires.iter().map(line).collect();
        context.print(&table(&context.out, &["FIRES (UTC)", "FOR, IN ITS ZONE", "PIPELINE", "TRIGGER", "NOTE"], &lines))?;
    }
    let waiting: Vec<&TriggerRow> = triggers.iter().filter(|row| row.def.kind.clock().is_none()).collect();
    for row in &waiting {
        let off = if row.paused { " (off)" } else { "" };
        context.print(&format!("{}: {}{off}\n", row.pipeline, crate::stdx::sanitize::text(&row.words)))?;
    }
    match (triggers.is_empty(), fires.is_empty() && waiting.is_empty()) {
        (true, _) => context.note("no pipeline here has triggers; `[[triggers]]` in a pipeline file starts runs by itself"),
        (false, true) => context.note("nothing will fire any more: every trigger is past its end_date"),
        _ => {}
    }
    for row in &triggers {
        if let Some(until) = row.silent_until {
            context.note(&format!(
                "{} {} is silent until {}: its last fire is for that time, since the clock was wrong when it was decided; `flowyard pause {0}` and `unpause {0}` let it fire from now on",
                row.pipeline, row.def.id, moment(until)
            ));
        }
    }
    let off: std::collections::BTreeSet<&str> = triggers.iter().filter(|row| row.paused).map(|row| row.pipeline.as_str()).collect();
    for pipeline in off {
        context.note(&format!("the triggers of {pipeline} are off; `flowyard unpause {pipeline}` turns them on"));
    }
    Ok(0)
}

fn line(fire: &NextFire) -> Vec<Cell> {
    let mut notes: Vec<&str> = Vec::new();
    notes.extend(fire.paused.then_some("off"));
    notes.extend(fire.note.map(|note| note.words()));
    vec![
        Cell::from(moment(fire.fires_at)),
        Cell::styled(in_zone(fire.logical_date, &fire.timezone), Style::dim()),
        Cell::from(fire.pipeline.as_str()),
        Cell::styled(fire.trigger.as_str(), Style::dim()),
        Cell::from(notes.join(", ")),
    ]
}

fn as_json(fire: &NextFire) -> Value {
    json!({
        "pipeline": fire.pipeline, "trigger": fire.trigger, "fires_at": rfc3339(fire.fires_at), "logical_date": rfc3339(fire.logical_date),
        "timezone": fire.timezone, "paused": fire.paused, "note": fire.note.map(|note| note.words()),
    })
}
