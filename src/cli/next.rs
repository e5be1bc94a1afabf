//! `flowyard next`: when triggers fire next.

use super::{
    Failure,
    context::{Access, Context},
    fires::times,
    term::{Cell, Style, table},
    text::moment,
};
use crate::{
    model::{Firing, Outcome},
    runtime::scheduler::outlook::{self, Broken, NextFire, Outlook, TriggerRow},
    stdx::{
        sanitize,
        time::{in_zone, rfc3339},
    },
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
    let most = usize::try_from(args.n).unwrap_or(usize::MAX);
    let found = handle.outlook(args.pipeline.as_deref(), most)?;
    let fires = found.fires(most);
    note_broken(&found, context);
    for gone in found.gone() {
        context.note(&outlook::vanished(gone));
    }
    if args.json {
        context.json(&fires.into_iter().map(as_json).collect::<Vec<_>>())?;
        return Ok(0);
    }
    if !fires.is_empty() {
        let lines: Vec<Vec<Cell>> = fires.iter().flat_map(|fire| lines(fire)).collect();
        context.print(&table(&context.out, &["FIRES", "FOR, IN ITS ZONE", "PIPELINE", "TRIGGER", "NOTE"], &lines))?;
    }
    let triggers = &found.triggers;
    let waiting: Vec<&TriggerRow> = triggers.iter().filter(|row| row.def.kind.clock().is_none()).collect();
    for row in &waiting {
        let off = if row.paused { " (off)" } else { "" };
        context.print(&format!("{}: {}{off}\n", row.pipeline, sanitize::text(&row.words)))?;
    }
    context.print(&made_up(triggers.iter().flat_map(|row| &row.fell_due)))?;
    match (triggers.is_empty() && found.broken.is_empty(), fires.is_empty() && waiting.is_empty() && !triggers.is_empty()) {
        (true, _) => context.note("no pipeline here has triggers; `[[triggers]]` in a pipeline file starts runs by itself"),
        (false, true) => context.note("nothing will fire any more: every trigger is past its end_date"),
        _ => {}
    }
    for row in triggers {
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

/// A fire, and before it what the clocks leave out.
fn lines(fire: &NextFire) -> Vec<Vec<Cell>> {
    let mut notes: Vec<&str> = Vec::new();
    notes.extend(fire.paused.then_some("off"));
    notes.extend(fire.note.map(|note| note.words()));
    let line = |fires: String, date: Cell, note: String| {
        vec![
            Cell::from(fires),
            date,
            Cell::from(fire.pipeline.as_str()),
            Cell::styled(fire.trigger.as_str(), Style::dim()),
            Cell::from(note),
        ]
    };
    let left_out = fire.left_out_words().map(|words| line("-".to_owned(), Cell::from("-"), words));
    let date = Cell::styled(in_zone(fire.logical_date, &fire.timezone), Style::dim());
    left_out.chain([line(moment(fire.fires_at), date, notes.join(", "))]).collect()
}

/// So many fires are named that an engine would decide about at once.
const NAMED: usize = 20;

/// Which files are wrong, so that nothing of them is in a list.
pub fn note_broken(found: &Outlook, context: &Context) {
    for Broken { error, .. } in found.broken.iter().filter(|broken| broken.gone.is_none()) {
        context.note(&format!("{error}\n  nothing of that file fires; `flowyard check` has all of it"));
    }
}

/// What an engine that is started now makes up for, and what it only tells; nothing where nothing fell due.
pub fn made_up<'a>(fell_due: impl IntoIterator<Item = &'a Firing>) -> String {
    let (started, told): (Vec<&Firing>, Vec<&Firing>) = fell_due.into_iter().partition(|firing| firing.outcome == Outcome::Started);
    if started.is_empty() && told.is_empty() {
        return String::new();
    }
    let runs = match started.len() {
        0 => "starting an engine now makes up for nothing\n".to_owned(),
        1 => "starting an engine now makes up for 1 run:\n".to_owned(),
        many => format!("starting an engine now makes up for {many} runs:\n"),
    };
    let started = listed(&started, |firing| format!("{}  {}  {}", times(firing), firing.pipeline, firing.trigger));
    let only = if told.is_empty() { "" } else { "and tells, without a run:\n" };
    let told =
        listed(&told, |firing| format!("{}  {}  {}  {}: {}", times(firing), firing.pipeline, firing.trigger, firing.outcome, firing.why));
    sanitize::text(&[&runs, &*started, only, &told].concat())
}

fn listed(firings: &[&Firing], words: impl Fn(&Firing) -> String) -> String {
    let more = firings.len().saturating_sub(NAMED);
    let named = firings.iter().take(NAMED).map(|firing| format!("  {}\n", words(firing)));
    named.chain((more > 0).then(|| format!("  and {more} more\n"))).collect()
}

fn as_json(fire: &NextFire) -> Value {
    json!({
        "pipeline": fire.pipeline, "trigger": fire.trigger, "fires_at": rfc3339(fire.fires_at), "logical_date": rfc3339(fire.logical_date),
        "timezone": fire.timezone, "paused": fire.paused, "note": fire.note.map(|note| note.words()),
        "left_out": fire.left_out.iter().map(|wall| wall.format("%Y-%m-%dT%H:%M:%S").to_string()).collect::<Vec<_>>(),
    })
}
