//! Backfills in words, in tables and as JSON.

use super::super::{
    Failure,
    context::Context,
    term::{Cell, Style, render, table},
    text::moment,
};
use crate::{
    model::{BackfillId, BackfillItem, BackfillRequest, BackfillRow, BackfillSnapshot, ItemState, Progress, Reprocess, RunId},
    runtime::{BackfillPlan, Handle},
    stdx::{
        duration, sanitize,
        time::{in_zone, rfc3339},
    },
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A line of what would be done.
pub fn planned(item: &BackfillItem, timezone: &str) -> Vec<Cell> {
    let what = match (item.state, &item.why) {
        (ItemState::Skipped, Some(why)) => Cell::styled(format!("skip: {why}"), Style::dim()),
        (_, Some(why)) => Cell::from(format!("run {why}")),
        (_, None) => Cell::from("run"),
    };
    vec![Cell::from(in_zone(item.logical_date, timezone)), Cell::styled(in_zone(item.data_interval.start, timezone), Style::dim()), what]
}

/// How much would be done.
pub fn summary(plan: &BackfillPlan, asked: &BackfillRequest) -> String {
    let Progress { pending, skipped, .. } = plan.progress;
    let mut text = format!("{}: {}, {} at a time", plan.text, counted(pending, "run", "runs"), asked.max_active.min(pending.max(1)));
    if skipped > 0 {
        let further = match asked.reprocess {
            Reprocess::None => " (--reprocess failed or all gives them another run)",
            Reprocess::Failed => " (--reprocess all gives them another run)",
            Reprocess::All => "",
        };
        text.push_str(&format!("; {} skipped{further}", counted(skipped, "date", "dates")));
    }
    if plan.later > 0 {
        text.push_str(&format!("; {} not come yet", counted(u32::try_from(plan.later).unwrap_or(u32::MAX), "date has", "dates have")));
    }
    if pending > 0 {
        text.push_str(&match plan.estimate(asked.max_active) {
            Some(time) => format!("; about {} if each takes as long as usual", duration::short(time)),
            None => "; nobody knows how long: no run of it has succeeded yet".to_owned(),
        });
    }
    text
}

/// `1 run`, `3 runs`.
pub fn counted(number: u32, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A date and its run, for programs.
pub fn item_json(item: &BackfillItem) -> Value {
    json!({
        "logical_date": rfc3339(item.logical_date),
        "data_interval": { "start": rfc3339(item.data_interval.start), "end": rfc3339(item.data_interval.end) },
        "state": item.state, "run_id": item.run, "why": item.why,
    })
}

/// A backfill, for programs.
pub fn row_json(row: &BackfillRow) -> Value {
    let (backfill, asked) = (&row.backfill, &row.backfill.request);
    json!({
        "backfill": asked.id, "pipeline": asked.pipeline, "state": backfill.state, "why": backfill.why, "trigger": asked.trigger,
        "text": backfill.text, "timezone": backfill.timezone, "from": asked.from.to_string(), "to": asked.to.to_string(),
        "reprocess": asked.reprocess, "max_active": asked.max_active, "reverse": asked.reverse, "params": asked.params,
        "by": backfill.by, "created_at": rfc3339(backfill.created_at), "ended_at": backfill.ended_at.map(rfc3339),
        "progress": row.progress,
    })
}

/// A backfill with its dates, for programs.
pub fn snapshot_json(found: &BackfillSnapshot) -> Value {
    let mut whole = row_json(&found.row);
    whole["dates"] = found.items.iter().map(item_json).collect();
    whole
}

/// Shows one with its dates.
pub fn whole(handle: &Handle, id: &BackfillId, as_json: bool, context: &Context) -> Result<u8, Failure> {
    let found = handle.backfill(id)?;
    if as_json {
        context.json(&snapshot_json(&found))?;
        return Ok(0);
    }
    let (backfill, asked) = (&found.row.backfill, &found.row.backfill.request);
    let mut shown = String::new();
    let mut fact = |name: &str, value: Cell| {
        let cells = [Cell::styled(format!("{name:<10}"), Style::dim()), value];
        shown.push_str(&(render(&context.out, &cells, context.out.width()) + "\n"));
    };
    fact("backfill", Cell::from(asked.id.as_str()));
    fact("pipeline", Cell::from(asked.pipeline.as_str()));
    fact("state", context.out.state(backfill.state.look()));
    if let Some(why) = &backfill.why {
        fact("because", Cell::from(why));
    }
    fact("dates", Cell::from(format!("{} ({})", backfill.stretch(), backfill.text)));
    fact("progress", Cell::from(found.row.progress.words()));
    fact("at once", Cell::from(asked.max_active.to_string()));
    if !asked.params.is_empty() {
        let params: Vec<String> = asked
            .params
            .iter()
            .map(|(name, value)| format!("{name}={}", value.as_str().map_or_else(|| value.to_string(), Into::into)))
            .collect();
        fact("params", Cell::from(params.join(" ")));
    }
    fact("by", Cell::from(format!("{}, {}", backfill.by, moment(backfill.created_at))));
    if let Some(ended) = backfill.ended_at {
        fact("ended", Cell::from(moment(ended)));
    }
    context.print(&shown)?;
    let names = handle.run_names(found.items.iter().filter_map(|item| item.run.as_ref()))?;
    let lines: Vec<Vec<Cell>> = found.items.iter().map(|item| line(item, &backfill.timezone, &names, context)).collect();
    context.print(&format!("\n{}", table(&context.out, &["LOGICAL DATE", "STATE", "RUN", "ID", "NOTE"], &lines)))?;
    Ok(0)
}

/// A date and what became of it.
pub fn line(item: &BackfillItem, timezone: &str, names: &BTreeMap<RunId, String>, context: &Context) -> Vec<Cell> {
    let name = item.run.as_ref().map(|run| names.get(run).cloned().unwrap_or_else(|| "(removed)".to_owned()));
    vec![
        Cell::from(in_zone(item.logical_date, timezone)),
        context.out.state(item.state.look()),
        Cell::from(name.unwrap_or_default()),
        Cell::from(item.run.as_ref().map(|run| run.to_string()).unwrap_or_default()),
        Cell::styled(sanitize::line(item.why.as_deref().unwrap_or_default()), Style::dim()),
    ]
}
