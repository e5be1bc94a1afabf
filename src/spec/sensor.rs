//! `sensor` of a task: what it waits for, how often it looks, and that nothing is asked of it that only work has.

use super::{
    control,
    keys::{self, Place},
    task::{check_relative, time},
};
use crate::{
    model::{
        Action, Condition, Pace, Report, Resources, Sensor, Task, did_you_mean,
        sensor::{COMMAND_TIMEOUT, When},
    },
    stdx::{
        duration, glob, ids,
        toml_tree::{Entry, Node, Table},
        zone::{self, Zone},
    },
};
use std::time::Duration;

/// The kinds by their key, and the keys that have a meaning beside it; `soft_fail` has with all.
const KINDS: &[(&str, &[&str])] = &[
    ("file", &["stable", "interval", "factor", "max_interval"]),
    ("command", &["look_timeout", "interval", "factor", "max_interval"]),
    ("time", &["timezone", "offset"]),
    ("asset", &["interval", "factor", "max_interval"]),
    ("http", &["status", "contains", "redirects", "look_timeout", "interval", "factor", "max_interval"]),
];

/// Often enough for anybody who waits for a file, and no burden for the machine.
const SHORTEST: Duration = Duration::from_millis(100);

/// How long one look at an address may take.
const LOOK_TIMEOUT: Duration = Duration::from_secs(30);

/// Reads the table; `None` if what it waits for is not known.
pub(super) fn read(node: &Node, report: &mut Report<'_>) -> Option<Sensor> {
    let table = node.as_table()?;
    keys::check(Place::Sensor, table, report);
    let present: Vec<&Entry> = table.0.iter().filter(|entry| KINDS.iter().any(|(kind, _)| *kind == entry.key)).collect();
    let kind = match present.as_slice() {
        [one] => *one,
        // A key that is unknown was told already, and is probably it.
        [] if table.0.iter().any(|entry| keys::of(Place::Sensor).all(|key| key.name != entry.key)) => return None,
        [] => {
            let kinds: Vec<String> = KINDS.iter().map(|(kind, _)| format!("`{kind}`")).collect();
            let hint = format!("give it one of {}", kinds.join(", "));
            report.error("bad-sensor", node.span.clone(), "the sensor waits for nothing", Some(hint));
            return None;
        }
        [first, second, ..] => {
            let message = format!("the sensor has both `{}` and `{}`", first.key, second.key);
            let hint = "a sensor waits for one thing: write two tasks, and let the next one need both".to_owned();
            report.error("bad-sensor", second.key_span.clone(), message, Some(hint));
            return None;
        }
    };
    let meant = KINDS.iter().find(|(name, _)| *name == kind.key).map_or(&[][..], |(_, keys)| keys);
    let known = |key: &str| key == kind.key || key == "soft_fail" || meant.contains(&key);
    for entry in table.0.iter().filter(|entry| !known(&entry.key) && keys::of(Place::Sensor).any(|key| key.name == entry.key)) {
        let message = format!("`{}` has no meaning for a sensor with `{}`", entry.key, kind.key);
        report.error("bad-sensor", entry.key_span.clone(), message, Some(format!("beside it stand {}", meant.join(", "))));
    }
    let condition = condition(kind, table, report)?;
    Some(Sensor { condition, pace: pace(table, report), soft_fail: control::flag(table, "soft_fail").unwrap_or(false) })
}

fn condition(kind: &Entry, table: &Table, report: &mut Report<'_>) -> Option<Condition> {
    let node = &kind.node;
    let text = node.as_text()?.to_owned();
    if text.trim().is_empty() && kind.key != "file" {
        report.error("bad-sensor", node.span.clone(), format!("`{}` is empty", kind.key), None);
        return None;
    }
    Some(match kind.key.as_str() {
        "file" => {
            check_relative("file", &text, node, report);
            if let Err(error) = ::glob::Pattern::new(&text) {
                report.error("bad-sensor", node.span.clone(), format!("`{text}` is no pattern: {}", error.msg), None);
            } else if let Some(choice) = glob::empty_choice(&text) {
                let hint = Some("a range goes up: `[a-z]`".to_owned());
                report.error("bad-sensor", node.span.clone(), format!("`{text}` matches nothing: no letter is among `{choice}`"), hint);
            }
            Condition::File { pattern: text, stable: time(table, "stable", report) }
        }
        "time" => {
            if let Some(message) = When::parse(&text).err().filter(|_| !text.contains("{{")) {
                report.error("bad-date", node.span.clone(), message, None);
            }
            let offset = time(table, "offset", report).unwrap_or_default();
            Condition::Time { time: text, timezone: timezone(table, report), offset }
        }
        "asset" => {
            if !ids::is_valid(&text) {
                report.error("bad-id", node.span.clone(), format!("`{text}` cannot be the name of an asset"), None);
            }
            Condition::Asset { asset: text }
        }
        "http" => http(text, node, table, report),
        _ => Condition::Command { script: text, look_timeout: at_least_shortest(table, "look_timeout", report).unwrap_or(COMMAND_TIMEOUT) },
    })
}

fn timezone(table: &Table, report: &mut Report<'_>) -> String {
    let zone = table.text("timezone").unwrap_or("UTC");
    if let (Some(node), Err(_)) = (table.get("timezone"), zone.parse::<Zone>()) {
        let hint = did_you_mean(zone, zone::names());
        let hint = hint.unwrap_or_else(|| "use a name such as \"Europe/Berlin\" or \"UTC\"".to_owned());
        report.error("bad-timezone", node.span.clone(), format!("there is no time zone `{zone}`"), Some(hint));
    }
    zone.to_owned()
}

fn http(url: String, node: &Node, table: &Table, report: &mut Report<'_>) -> Condition {
    if !["http://", "https://", "{{"].iter().any(|start| url.starts_with(start)) {
        let hint = "an address begins with https:// or http://".to_owned();
        report.error("bad-sensor", node.span.clone(), format!("`{url}` is no address of the web"), Some(hint));
    }
    let status = control::count(table, "status", 599, report).unwrap_or(200);
    if let Some(node) = table.get("status").filter(|_| status < 200) {
        report.error("bad-sensor", node.span.clone(), format!("an answer never has status {status}"), Some("write 200 to 599".into()));
    }
    Condition::Http {
        url,
        status: u16::try_from(status).unwrap_or(200),
        contains: table.text("contains").map(str::to_owned),
        redirects: control::flag(table, "redirects").unwrap_or(false),
        look_timeout: at_least_shortest(table, "look_timeout", report).unwrap_or(LOOK_TIMEOUT),
    }
}

fn pace(table: &Table, report: &mut Report<'_>) -> Pace {
    let usual = Pace::default();
    let interval = at_least_shortest(table, "interval", report).unwrap_or(usual.interval);
    let max = at_least_shortest(table, "max_interval", report);
    if let Some((max, node)) = max.zip(table.get("max_interval")).filter(|(max, _)| *max < interval) {
        let message = format!("`max_interval` ({}) is less than `interval` ({})", duration::exact(max), duration::exact(interval));
        report.error("bad-duration", node.span.clone(), message, None);
    }
    let factor = control::number(table, "factor", 1.0..=1_000.0, report).unwrap_or(usual.factor);
    Pace { interval, factor, max: max.unwrap_or_else(|| usual.max.max(interval)) }
}

fn at_least_shortest(table: &Table, key: &str, report: &mut Report<'_>) -> Option<Duration> {
    let found = time(table, key, report)?;
    if let Some(node) = table.get(key).filter(|_| found < SHORTEST) {
        let message = format!("`{key}` is at least {}", duration::exact(SHORTEST));
        report.error("bad-duration", node.span.clone(), message, None);
        return None;
    }
    Some(found)
}

/// Takes from a sensor what `[defaults]` mean for tasks that work, and reports what it asks for itself.
pub(super) fn unburden(table: &Table, task: &mut Task, report: &mut Report<'_>) {
    let Action::Sensor { sensor } = &task.action else { return };
    if let Some(entry) = table.entry("resources") {
        let hint = "remove it: a sensor holds no slot, no cpu and no memory; only a `pool` limits how many wait at once".to_owned();
        report.error("bad-sensor", entry.key_span.clone(), "a sensor takes nothing of the machine", Some(hint));
    }
    if !matches!(sensor.condition, Condition::Command { .. }) {
        for output in task.outputs.iter().filter(|output| output.path.is_none()) {
            if let Some(entry) = table.table("outputs").and_then(|outputs| outputs.entry(&output.name)) {
                let message = format!("the sensor writes no output `{}`", output.name);
                let hint = format!("name the file that it waits for: outputs.{} = {{ path = \"…\" }}", output.name);
                report.error("bad-output", entry.key_span.clone(), message, Some(hint));
            }
        }
    }
    task.resources = Resources::default();
    if table.get("pool").is_none() {
        task.pool = None;
    }
}
