//! When a task may start and what follows its end: retries, trigger rule, pool, resources. Tasks inherit them from `[defaults]`.

use super::keys::{self, Place};
use crate::{
    model::{Reason, Report, Resources, RetryDelay, RetryOn, Task, TriggerRule, did_you_mean},
    stdx::{
        duration, ids, pattern, size,
        toml_tree::{Node, Table, Value},
    },
};
use std::time::Duration;

/// What a table says of it; `None` where it says nothing.
#[derive(Default, Clone)]
pub(super) struct Control {
    retries: Option<u32>,
    retry_delay: Option<RetryDelay>,
    retry_on: Option<Box<RetryOn>>,
    idempotent: Option<bool>,
    trigger_rule: Option<TriggerRule>,
    pool: Option<String>,
    pool_slots: Option<u32>,
    priority_weight: Option<i64>,
    resources: Option<Resources>,
    depends_on_past: Option<bool>,
}

impl Control {
    /// Reads the keys that `[defaults]` and tasks share.
    pub fn read(table: &Table, report: &mut Report<'_>) -> Self {
        Self {
            retries: count(table, "retries", 1_000, report),
            retry_delay: retry_delay(table, report),
            retry_on: table.table("retry_on").map(|table| Box::new(retry_on(table, report))),
            idempotent: flag(table, "idempotent"),
            trigger_rule: trigger_rule(table, report),
            pool: pool(table, report),
            pool_slots: count(table, "pool_slots", 10_000, report).map(|slots| slots.max(1)),
            priority_weight: table.get("priority_weight").and_then(Node::as_int),
            resources: table.table("resources").map(|table| resources(table, report)),
            depends_on_past: flag(table, "depends_on_past"),
        }
    }

    /// Writes it into a task; where a table says nothing, `defaults` do.
    pub fn apply(self, defaults: &Self, task: &mut Task) {
        let usual = task.clone();
        task.retries = self.retries.or(defaults.retries).unwrap_or(usual.retries);
        task.retry_delay = self.retry_delay.or_else(|| defaults.retry_delay.clone()).unwrap_or(usual.retry_delay);
        task.retry_on = self.retry_on.or_else(|| defaults.retry_on.clone());
        task.idempotent = self.idempotent.or(defaults.idempotent).unwrap_or(usual.idempotent);
        task.trigger_rule = self.trigger_rule.or(defaults.trigger_rule).unwrap_or(usual.trigger_rule);
        task.pool = self.pool.or_else(|| defaults.pool.clone());
        task.pool_slots = self.pool_slots.or(defaults.pool_slots).unwrap_or(usual.pool_slots);
        task.priority_weight = self.priority_weight.or(defaults.priority_weight).unwrap_or(usual.priority_weight);
        task.resources = self.resources.or_else(|| defaults.resources.clone()).unwrap_or(usual.resources);
        task.depends_on_past = self.depends_on_past.or(defaults.depends_on_past).unwrap_or(usual.depends_on_past);
    }
}

/// A key that is `true` or `false`.
pub(super) fn flag(table: &Table, key: &str) -> Option<bool> {
    match table.get(key)?.value {
        Value::Bool(value) => Some(value),
        _ => None,
    }
}

/// A whole number with an upper limit.
pub(super) fn count(table: &Table, key: &str, most: u32, report: &mut Report<'_>) -> Option<u32> {
    let node = table.get(key)?;
    let number = node.as_int().filter(|number| *number >= 0)?;
    match u32::try_from(number).ok().filter(|number| *number <= most) {
        None => {
            report.error("wrong-type", node.span.clone(), format!("`{key}` is at most {most}, not {number}"), None);
            None
        }
        number => number,
    }
}

fn retry_delay(table: &Table, report: &mut Report<'_>) -> Option<RetryDelay> {
    let node = table.get("retry_delay")?;
    let Some(full) = node.as_table() else {
        return super::task::time(table, "retry_delay", report).map(RetryDelay::fixed);
    };
    keys::check(Place::RetryDelay, full, report);
    let mut delay = RetryDelay { factor: 2.0, ..RetryDelay::default() };
    delay.initial = super::task::time(full, "initial", report).unwrap_or(delay.initial);
    delay.factor = number(full, "factor", 1.0..=1_000.0, report).unwrap_or(delay.factor);
    delay.max = super::task::time(full, "max", report);
    delay.jitter = number(full, "jitter", 0.0..=1.0, report).unwrap_or(0.0);
    if let Some((max, node)) = delay.max.zip(full.get("max"))
        && max < delay.initial
    {
        let message = format!("`max` is less than `initial` ({})", duration::short(delay.initial));
        report.error("bad-duration", node.span.clone(), message, None);
    }
    Some(delay)
}

/// A number within a range.
pub(super) fn number(table: &Table, key: &str, range: std::ops::RangeInclusive<f64>, report: &mut Report<'_>) -> Option<f64> {
    let node = table.get(key)?;
    let value = match node.value {
        Value::Int(number) => number as f64,
        Value::Float(number) => number,
        _ => return None,
    };
    if !range.contains(&value) {
        let message = format!("`{key}` is {} to {}, not {value}", range.start(), range.end());
        report.error("wrong-type", node.span.clone(), message, None);
        return None;
    }
    Some(value)
}

fn retry_on(table: &Table, report: &mut Report<'_>) -> RetryOn {
    keys::check(Place::RetryOn, table, report);
    let mut found = RetryOn { exit_codes: numbers(table, "exit_codes", 0..=255, report), ..RetryOn::default() };
    found.signals = numbers(table, "signals", 1..=64, report);
    for node in table.list("reasons") {
        match node.as_text().map(|word| (word, reasons(word))) {
            Some((_, Some(reasons))) => found.reasons.extend(reasons),
            Some((word, None)) => {
                let known: Vec<&str> = RETRIABLE.iter().map(|(word, _)| *word).collect();
                let hint = did_you_mean(word, known.iter().copied()).unwrap_or_else(|| format!("known are {}", known.join(", ")));
                report.error("bad-retry", node.span.clone(), format!("an attempt never ends by `{word}`"), Some(hint));
            }
            None => {}
        }
    }
    if let Some((pattern, node)) = table.get("log").and_then(|node| Some((node.as_text()?, node))) {
        match pattern::compile(pattern) {
            Ok(_) => found.log = Some(pattern.to_owned()),
            Err(why) => report.error("bad-retry", node.span.clone(), format!("`log` is no regular expression: {why}"), None),
        }
    }
    found
}

/// Words of `retry_on.reasons`, and what they stand for.
const RETRIABLE: &[(&str, &[Reason])] = &[
    ("exit_code", &[Reason::ExitCode]),
    ("signal", &[Reason::Signal]),
    ("timeout", &[Reason::Timeout]),
    ("timed_out", &[Reason::Timeout]),
    ("out_of_memory", &[Reason::OutOfMemory]),
    ("spawn_error", &[Reason::SpawnError]),
    ("disk_full", &[Reason::DiskFull]),
    ("output_missing", &[Reason::OutputMissing]),
    ("shim_died", &[Reason::ShimDied]),
    ("reboot", &[Reason::Reboot]),
    ("lost", &[Reason::ShimDied, Reason::Reboot]),
];

fn reasons(word: &str) -> Option<&'static [Reason]> {
    RETRIABLE.iter().find(|(known, _)| *known == word).map(|(_, reasons)| *reasons)
}

fn numbers(table: &Table, key: &str, range: std::ops::RangeInclusive<i64>, report: &mut Report<'_>) -> Vec<i32> {
    let mut found = Vec::new();
    for node in table.list(key) {
        match node.as_int().filter(|number| range.contains(number)) {
            Some(number) => found.extend(i32::try_from(number)),
            None => {
                let message = format!("`{key}` holds whole numbers from {} to {}", range.start(), range.end());
                report.error("wrong-type", node.span.clone(), message, None);
            }
        }
    }
    found
}

fn trigger_rule(table: &Table, report: &mut Report<'_>) -> Option<TriggerRule> {
    let node = table.get("trigger_rule")?;
    let word = node.as_text()?;
    match word.parse() {
        Ok(rule) => Some(rule),
        Err(message) => {
            let near = did_you_mean(word, TriggerRule::ALL.iter().map(|rule| rule.word()));
            report.error("bad-rule", node.span.clone(), message, near);
            None
        }
    }
}

fn pool(table: &Table, report: &mut Report<'_>) -> Option<String> {
    let node = table.get("pool")?;
    let name = node.as_text()?;
    if !ids::is_valid(name) {
        report.error("bad-id", node.span.clone(), format!("`{name}` cannot be the name of a pool"), None);
        return None;
    }
    Some(name.to_owned())
}

fn resources(table: &Table, report: &mut Report<'_>) -> Resources {
    keys::check(Place::Resources, table, report);
    let memory = table.get("memory").and_then(|node| Some((node.as_text()?, node))).and_then(|(text, node)| match size::parse(text) {
        Ok(bytes) => Some(bytes),
        Err(message) => {
            report.error("bad-size", node.span.clone(), message, None);
            None
        }
    });
    Resources { cpu: number(table, "cpu", 0.0..=100_000.0, report), memory, gpu: count(table, "gpu", 1_024, report).unwrap_or(0) }
}

/// Settings of the pipeline itself: `max_active_runs`, `max_active_tasks`, `run_timeout`.
pub(super) fn limits(table: &Table, report: &mut Report<'_>) -> (Option<u32>, Option<u32>, Option<Duration>) {
    let mut at_least_one = |key: &str| {
        let number = count(table, key, 100_000, report)?;
        if number == 0 {
            let span = table.get(key).map_or(0..0, |node| node.span.clone());
            report.error("wrong-type", span, format!("`{key}` is at least 1: with 0 nothing would ever run"), None);
            return None;
        }
        Some(number)
    };
    let (runs, tasks) = (at_least_one("max_active_runs"), at_least_one("max_active_tasks"));
    (runs, tasks, super::task::time(table, "run_timeout", report).filter(|timeout| !timeout.is_zero()))
}
