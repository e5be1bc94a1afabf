//! `[[triggers]]` and `[notify]`: read and checked, so that a file stays true when they come alive.

use super::{
    keys::{self, Place},
    task::time,
};
use crate::{
    model::{Report, Severity, TriggerDef, did_you_mean},
    stdx::{
        cron::Cron,
        toml_tree::{Node, Table},
    },
};
use std::collections::BTreeMap;

/// The keys that make a trigger what it is.
const KINDS: [&str; 8] = ["cron", "every", "files", "assets", "pipeline", "git", "drift", "metric"];
/// Keys that hold one of a few words.
const WORDS: [(&str, &[&str]); 4] = [
    ("catchup", &["none", "latest", "all"]),
    ("overlap", &["skip", "queue", "cancel_previous"]),
    ("mode", &["all", "any"]),
    ("on", &["success", "failed", "any"]),
];

/// Reads `[[triggers]]`.
pub(super) fn read_triggers(list: &[Node], report: &mut Report<'_>) -> Vec<TriggerDef> {
    list.iter().filter_map(|node| read_trigger(node, report)).collect()
}

fn read_trigger(node: &Node, report: &mut Report<'_>) -> Option<TriggerDef> {
    let table = node.as_table()?;
    keys::check(Place::Trigger, table, report);
    check_values(table, report);
    let kinds: Vec<_> = table.0.iter().filter(|entry| KINDS.contains(&entry.key.as_str())).collect();
    let entry = match kinds.as_slice() {
        [one] => *one,
        [] => {
            report.error(
                "bad-trigger",
                node.span.clone(),
                "the trigger does not say what starts runs",
                Some(format!("give it one of {}", KINDS.join(", "))),
            );
            return None;
        }
        [first, second, ..] => {
            let message = format!("the trigger has both `{}` and `{}`", first.key, second.key);
            report.error("bad-trigger", second.key_span.clone(), message, Some("write two [[triggers]]".into()));
            return None;
        }
    };
    let text = match entry.node.as_text() {
        Some(text) => text.to_owned(),
        None => {
            let words: Vec<&str> = entry.node.as_list().iter().filter_map(Node::as_text).collect();
            if words.is_empty() { entry.key.clone() } else { words.join(", ") }
        }
    };
    let message = format!("the trigger {} `{text}` is read and checked, but this version does not start runs by itself", entry.key);
    report.add(Severity::Info, "inactive", entry.key_span.clone(), message, None);
    let keys = table.0.iter().map(|entry| (entry.key.clone(), entry.node.to_json())).collect();
    Some(TriggerDef { kind: entry.key.clone(), text, keys })
}

fn check_values(table: &Table, report: &mut Report<'_>) {
    for key in ["every", "jitter", "debounce", "cooldown"] {
        let found = time(table, key, report);
        if let (Some(node), true) = (table.get(key), key == "every" && found.is_some_and(|every| every.is_zero())) {
            report.error("bad-duration", node.span.clone(), "an interval of zero would never end", None);
        }
    }
    if let Some((node, line)) = texts(table, "cron").next() {
        for error in Cron::parse(line).err().unwrap_or_default() {
            let span = node.place_in_text(report.text(), error.span.start)..node.place_in_text(report.text(), error.span.end);
            report.error("bad-cron", span, error.message, error.hint);
        }
    }
    if let Some((node, name)) = texts(table, "timezone").next()
        && name.parse::<chrono_tz::Tz>().is_err()
    {
        let hint = did_you_mean(name, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()));
        report.error(
            "bad-timezone",
            node.span.clone(),
            format!("there is no time zone `{name}`"),
            hint.or_else(|| Some("use a name such as \"Europe/Berlin\" or \"UTC\"".into())),
        );
    }
    for (key, words) in WORDS {
        if let Some((node, word)) = texts(table, key).next().filter(|(_, word)| !words.contains(word)) {
            let hint = did_you_mean(word, words.iter().copied());
            report.error("bad-trigger", node.span.clone(), format!("`{key}` is {}, not `{word}`", words.join(", ")), hint);
        }
    }
    for key in ["start_date", "end_date"] {
        if let Some(node) = table.get(key) {
            check_date(key, node, report);
        }
    }
}

fn texts<'t>(table: &'t Table, key: &str) -> impl Iterator<Item = (&'t Node, &'t str)> {
    table.get(key).into_iter().filter_map(|node| Some((node, node.as_text()?)))
}

fn check_date(key: &str, node: &Node, report: &mut Report<'_>) {
    let json = node.to_json();
    let Some(text) = json.as_str() else { return };
    let good = text.parse::<chrono::NaiveDate>().is_ok()
        || chrono::DateTime::parse_from_rfc3339(text).is_ok()
        || text.parse::<chrono::NaiveDateTime>().is_ok();
    if !good {
        let hint = "write a day, 2024-01-31, or a time, 2024-01-31T06:00:00Z".to_owned();
        report.error("bad-date", node.span.clone(), format!("`{key}` is not a date: `{text}`"), Some(hint));
    }
}

/// Reads `[notify]`.
pub(super) fn read_notify(table: &Table, report: &mut Report<'_>) -> BTreeMap<String, Vec<String>> {
    keys::check(Place::Notify, table, report);
    let mut notify = BTreeMap::new();
    for entry in table.0.iter().filter(|entry| keys::of(Place::Notify).any(|key| key.name == entry.key)) {
        let nodes: Vec<&Node> = if entry.node.as_text().is_some() { vec![&entry.node] } else { entry.node.as_list().iter().collect() };
        let mut channels = Vec::new();
        for node in nodes {
            let Some(text) = node.as_text() else { continue };
            if let Err((message, hint)) = channel(text) {
                report.error("bad-notify", node.span.clone(), message, Some(hint));
            }
            channels.push(text.to_owned());
        }
        let message = format!("`{}` is read and checked, but this version does not send messages", entry.key);
        report.add(Severity::Info, "inactive", entry.key_span.clone(), message, None);
        notify.insert(entry.key.clone(), channels);
    }
    notify
}

fn channel(text: &str) -> Result<(), (String, String)> {
    const FORMS: &str = "channels are email:ADDRESS, webhook:URL, command:LINE and bell";
    let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
    let good = match kind {
        "email" => rest
            .split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@') && !rest.contains(char::is_whitespace)),
        "webhook" => ["http://", "https://"]
            .iter()
            .any(|scheme| rest.strip_prefix(scheme).is_some_and(|host| !host.is_empty() && !host.starts_with('/'))),
        "command" => !rest.trim().is_empty(),
        "bell" => text == "bell",
        _ => {
            let hint = did_you_mean(kind, ["email", "webhook", "command", "bell"]).unwrap_or_else(|| FORMS.to_owned());
            return Err((format!("there is no channel `{kind}`"), hint));
        }
    };
    if good { Ok(()) } else { Err((format!("`{text}` is not a complete channel"), FORMS.to_owned())) }
}
