//! `flowyard triggers`: what starts runs, what it saw last, and what would fire now.

use super::{
    Failure,
    context::{Access, Context},
    next,
    text::moment,
};
use crate::{
    model::{Firing, PipelineId},
    runtime::scheduler::outlook::{self, TriggerState},
    stdx::{sanitize, time::rfc3339},
};
use serde_json::{Value, json};

/// Show what starts runs, and what would fire now
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  flowyard triggers                of all pipelines\n  flowyard triggers ml_training    of one\n\nIt looks at files, branches and the history itself, and starts nothing."
)]
pub struct Args {
    /// Only of this pipeline
    pipeline: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Shows.
pub fn main(args: &Args, context: &Context) -> Result<u8, Failure> {
    let handle = context.handle(Access::Look)?;
    let found = handle.outlook(args.pipeline.as_deref(), 1)?;
    let states = handle.trigger_states(&found)?;
    next::note_broken(&found, context);
    if args.json {
        context.json(&states.iter().map(as_json).chain(found.gone().map(gone_as_json)).collect::<Vec<_>>())?;
        return Ok(0);
    }
    for gone in found.gone() {
        context.print(&sanitize::text(&format!("{gone}  on, but gone\n  trouble    {}\n", outlook::vanished(gone))))?;
    }
    for state in &states {
        context.print(&sanitize::text(&told(state)))?;
    }
    if states.is_empty() && found.broken.is_empty() {
        context.note("no pipeline here has triggers; `[[triggers]]` in a pipeline file starts runs by itself");
    }
    Ok(0)
}

fn told(state: &TriggerState) -> String {
    let row = &state.row;
    let since = state.since.map(|since| format!(" since {}", moment(since))).unwrap_or_default();
    let switch = if row.paused { "off".to_owned() } else { format!("on{since}") };
    let mut text = format!("{}  {}  {switch}\n  {}\n", row.pipeline, row.def.id, row.words);
    let last = row.last.as_ref().map_or_else(|| "never".to_owned(), fire);
    text.push_str(&format!("  last fire  {last}\n"));
    text.push_str(&format!("  now        {}\n", now(state)));
    for trouble in &state.troubles {
        text.push_str(&format!("  trouble    {trouble}\n"));
    }
    next::made_up(&row.fell_due).lines().for_each(|line| text.push_str(&format!("  {line}\n")));
    text
}

fn fire(firing: &Firing) -> String {
    let run = firing.run.as_ref().map(|run| format!(" {run}")).unwrap_or_default();
    format!("{} {}{run}: {}", moment(firing.decided_at), firing.outcome, firing.why)
}

fn now(state: &TriggerState) -> String {
    let row = &state.row;
    if row.paused {
        return format!("nothing fires; `flowyard unpause {}` turns it on", row.pipeline);
    }
    if row.def.kind.clock().is_some() {
        return row.next.first().map_or_else(|| "nothing will fire any more".to_owned(), |next| format!("fires {}", moment(next.fires_at)));
    }
    match (&state.wanted, state.cooled) {
        (None, _) => "nothing new".to_owned(),
        (Some(reason), None) => format!("{reason}: would fire"),
        (Some(reason), Some(at)) => format!("{reason}: would fire {}, when the cooldown is over", moment(at)),
    }
}

/// It has no trigger that could be told of, and something is wrong.
fn gone_as_json(pipeline: &PipelineId) -> Value {
    json!({
        "pipeline": pipeline, "trigger": null, "kind": null, "text": null, "words": null, "on": true, "since": null, "last": null,
        "would_fire": null, "cooldown_until": null, "next_fire": null, "troubles": [outlook::vanished(pipeline)],
    })
}

fn as_json(state: &TriggerState) -> Value {
    let row = &state.row;
    json!({
        "pipeline": row.pipeline, "trigger": row.def.id, "kind": row.def.kind.word(), "text": row.def.text, "words": row.words,
        "on": !row.paused, "since": state.since.map(rfc3339), "last": row.last, "would_fire": state.wanted,
        "cooldown_until": state.cooled.map(rfc3339), "next_fire": row.next.first().map(|next| rfc3339(next.fires_at)),
        "troubles": state.troubles, "fell_due": row.fell_due,
    })
}
