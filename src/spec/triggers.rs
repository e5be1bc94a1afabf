//! `[[triggers]]`: what starts runs by itself, read into what the scheduler works with.

use super::{
    keys::{self, Place},
    task::time,
};
use crate::{
    model::{
        AssetMode, Catchup, Clock, Comparison, MetricRule, Overlap, Pipeline, PipelineId, Report, RunEnd, Severity, TriggerDef, TriggerId,
        TriggerKind, did_you_mean,
        trigger::{DEFAULT_DEBOUNCE, DEFAULT_DEBOUNCE_MAX, DEFAULT_LATE_WINDOW, DEFAULT_MAX_CATCHUP, DstGap, DstOverlap},
    },
    stdx::{
        cron::Cron,
        duration, glob, ids,
        time::{Timestamp, parse_date},
        toml_tree::{Entry, Node, Table, Value},
        zone::{self, Zone},
    },
};
use chrono::TimeDelta;
use std::{collections::BTreeMap, str::FromStr, time::Duration};

/// The keys that make a trigger what it is, and those that only it has.
const KINDS: [(&str, &[&str]); 8] = [
    ("cron", CLOCK),
    ("every", CLOCK),
    ("files", &["debounce", "debounce_max"]),
    ("assets", &["mode"]),
    ("pipeline", &["on"]),
    ("git", &[]),
    ("metric", &["of", "runs"]),
    ("drift", &["of", "runs"]),
];

const CLOCK: &[&str] = &["timezone", "start_date", "end_date", "catchup", "max_catchup", "late_window", "dst_gap", "dst_overlap", "jitter"];

/// Most missed fires that a file may want to be made up for: all of them are decided at once.
const MOST_CATCHUP: u32 = 10_000;

/// Reads `[[triggers]]`.
pub(super) fn read_triggers(list: &[Node], report: &mut Report<'_>) -> Vec<TriggerDef> {
    let mut known: BTreeMap<TriggerId, ()> = BTreeMap::new();
    let mut triggers = Vec::new();
    for node in list {
        let Some(trigger) = read_trigger(node, report) else { continue };
        if known.insert(trigger.id.clone(), ()).is_some() {
            let message = format!("two triggers have the id `{}`", trigger.id);
            report.error("duplicate-id", node.span.clone(), message, Some("give one of them an `id` of its own".into()));
            continue;
        }
        triggers.push(trigger);
    }
    triggers
}

/// A pipeline that is started by its own end, or by what it makes, would never come to rest.
pub(super) fn check_loops(list: &[Node], pipeline: &Pipeline, report: &mut Report<'_>) {
    let unset: Vec<&str> =
        pipeline.params.iter().filter(|param| param.default.is_none() && !param.is_secret()).map(|param| param.name.as_str()).collect();
    if let (Some(first), [param, ..]) = (list.first(), &unset[..]) {
        let message = format!("no fire can start a run: the param `{param}` has no default, and nobody is there to give it");
        report.add(Severity::Warning, "bad-trigger", first.span.clone(), message, Some("give it a default".to_owned()));
    }
    let outputs = || pipeline.tasks.iter().flat_map(|task| &task.outputs);
    let own: Vec<&str> = outputs().filter_map(|output| output.asset.as_deref()).collect();
    let written: Vec<&str> = outputs().filter_map(|output| output.path.as_deref()).collect();
    for table in list.iter().filter_map(Node::as_table) {
        if let Some(node) = table.get("pipeline").filter(|node| node.as_text() == Some(pipeline.id.as_str())) {
            let hint = Some("name another pipeline".to_owned());
            report.error("trigger-loop", node.span.clone(), "the end of each run would start another one", hint);
        }
        for (node, name) in table.get("assets").map(texts).unwrap_or_default().into_iter().filter(|(_, name)| own.contains(name)) {
            let message = format!("`{name}` is made by this pipeline itself: each run would start another one");
            report.error("trigger-loop", node.span.clone(), message, Some("wait for it in another pipeline".to_owned()));
        }
        for (node, pattern) in table.get("files").map(texts).unwrap_or_default() {
            let Some(path) = written.iter().find(|path| glob::looks_for(pattern, path)) else { continue };
            let message = format!("this pipeline itself writes `{path}`: a run that changes it would start another one");
            report.error("trigger-loop", node.span.clone(), message, Some("name files that it does not write".to_owned()));
        }
    }
}

fn read_trigger(node: &Node, report: &mut Report<'_>) -> Option<TriggerDef> {
    let table = node.as_table()?;
    keys::check(Place::Trigger, table, report);
    let kinds: Vec<&Entry> = table.0.iter().filter(|entry| KINDS.iter().any(|(kind, _)| *kind == entry.key)).collect();
    let entry = match kinds.as_slice() {
        [one] => *one,
        [] => {
            let kinds = KINDS.map(|(kind, _)| kind).join(", ");
            report.error(
                "bad-trigger",
                node.span.clone(),
                "the trigger does not say what starts runs",
                Some(format!("give it one of {kinds}")),
            );
            return None;
        }
        [first, second, ..] => {
            let message = format!("the trigger has both `{}` and `{}`", first.key, second.key);
            report.error("bad-trigger", second.key_span.clone(), message, Some("write two [[triggers]]".into()));
            return None;
        }
    };
    check_keys(&entry.key, table, report);
    let cooldown = time(table, "cooldown", report);
    let kind = read_kind(entry, table, report)?;
    // Another time will come; what changed will not change again.
    let usual = if kind.clock().is_some() { Overlap::Skip } else { Overlap::Queue };
    let overlap = word(table, "overlap", usual, report);
    let text = text_of(&kind);
    let id = match table.get("id").and_then(|node| Some((node, node.as_text()?))) {
        None => TriggerId::from(format!("{}-{}", kind.word(), short_hash(&kind))),
        Some((_, id)) if ids::is_valid(id) => TriggerId::from(id),
        Some((node, id)) => {
            let hint = "an id has letters, digits, `_` and `-`, and begins with a letter".to_owned();
            report.error("bad-id", node.span.clone(), format!("`{id}` cannot be the id of a trigger"), Some(hint));
            return None;
        }
    };
    Some(TriggerDef { id, kind, text, overlap, cooldown })
}

/// A key that belongs to triggers of another kind says nothing here, so it is refused.
fn check_keys(kind: &str, table: &Table, report: &mut Report<'_>) {
    let own = KINDS.iter().find(|(name, _)| *name == kind).map_or(&[][..], |(_, own)| own);
    for entry in &table.0 {
        let owners: Vec<&str> = KINDS.iter().filter(|(_, keys)| keys.contains(&entry.key.as_str())).map(|(kind, _)| *kind).collect();
        if !owners.is_empty() && !own.contains(&entry.key.as_str()) {
            let message = format!("`{}` says nothing of a `{kind}` trigger", entry.key);
            report.error("bad-trigger", entry.key_span.clone(), message, Some(format!("it belongs to {}", owners.join(", "))));
        }
    }
}

fn read_kind(entry: &Entry, table: &Table, report: &mut Report<'_>) -> Option<TriggerKind> {
    let node = &entry.node;
    match entry.key.as_str() {
        "cron" => {
            let line = node.as_text()?;
            for error in Cron::parse(line).err().unwrap_or_default() {
                let span = node.place_in_text(report.text(), error.span.start)..node.place_in_text(report.text(), error.span.end);
                report.error("bad-cron", span, error.message, error.hint);
            }
            Some(TriggerKind::Cron { line: line.trim().to_owned(), clock: clock(table, report) })
        }
        "every" => {
            let clock = clock(table, report);
            let interval = time(table, "every", report)?;
            if interval < Duration::from_secs(1) {
                report.error("bad-duration", node.span.clone(), "an interval is one second or more", None);
            }
            Some(TriggerKind::Every { interval, clock })
        }
        "files" => {
            let debounce = time(table, "debounce", report).unwrap_or(DEFAULT_DEBOUNCE);
            let debounce_max = time(table, "debounce_max", report);
            if let Some((node, _)) = table.get("debounce_max").zip(debounce_max.filter(|most| *most < debounce)) {
                let message = "`debounce_max` is shorter than `debounce`, so that nothing would ever be quiet";
                report.error("bad-duration", node.span.clone(), message, None);
            }
            let debounce_max = debounce_max.unwrap_or_else(|| DEFAULT_DEBOUNCE_MAX.max(debounce.saturating_mul(10)));
            Some(TriggerKind::Files { patterns: patterns(node, report), debounce, debounce_max })
        }
        "assets" => Some(TriggerKind::Assets { names: names(node, "assets", report), mode: word(table, "mode", AssetMode::All, report) }),
        "pipeline" => {
            let pipeline = PipelineId::from(node.as_text()?);
            Some(TriggerKind::Pipeline { pipeline, on: word(table, "on", RunEnd::Success, report) })
        }
        "git" => {
            let table = node.as_table()?;
            keys::check(Place::Git, table, report);
            let list = |key: &str, report: &mut Report<'_>| table.get(key).map(|node| patterns(node, report)).unwrap_or_default();
            let checkout = matches!(table.get("checkout").map(|node| &node.value), Some(Value::Bool(true)));
            Some(TriggerKind::Git { branches: list("branches", report), paths: list("paths", report), checkout })
        }
        "metric" => metric(node, table, report).map(TriggerKind::Metric),
        _ => {
            let hint = "`metric = \"accuracy < 0.9\"` starts runs by a rule over metrics".to_owned();
            report.error("not-supported-yet", entry.key_span.clone(), "`drift` is not supported yet", Some(hint));
            None
        }
    }
}

fn clock(table: &Table, report: &mut Report<'_>) -> Clock {
    let timezone = table.text("timezone").unwrap_or("UTC").to_owned();
    if let (Some(node), Err(_)) = (table.get("timezone"), timezone.parse::<Zone>()) {
        let hint = did_you_mean(&timezone, zone::names());
        let usual = || Some("use a name such as \"Europe/Berlin\" or \"UTC\"".into());
        report.error("bad-timezone", node.span.clone(), format!("there is no time zone `{timezone}`"), hint.or_else(usual));
    }
    let zone = timezone.parse().unwrap_or(Zone::UTC);
    let max_catchup = table.get("max_catchup").and_then(Node::as_int).and_then(|most| u32::try_from(most).ok());
    if let (Some(node), Some(0)) = (table.get("max_catchup"), max_catchup) {
        let hint = Some("`catchup = \"none\"` makes up for nothing".into());
        report.error("bad-trigger", node.span.clone(), "`max_catchup` is 1 or more", hint);
    }
    if let Some(node) =
        table.get("max_catchup").filter(|node| node.as_int().is_some() && max_catchup.is_none_or(|most| most > MOST_CATCHUP))
    {
        let hint = Some("`flowyard backfill` makes up for more, and can be paused".into());
        report.error("bad-trigger", node.span.clone(), format!("`max_catchup` is at most {MOST_CATCHUP}"), hint);
    }
    let (start_date, end_date) = (date(table, "start_date", zone, report), date(table, "end_date", zone, report));
    if let (Some(start), Some(end), Some(node)) = (start_date, end_date, table.get("end_date"))
        && end < start
    {
        report.error("bad-date", node.span.clone(), "`end_date` is before `start_date`, so that it never fires", None);
    }
    Clock {
        timezone,
        start_date,
        end_date,
        catchup: word(table, "catchup", Catchup::None, report),
        max_catchup: max_catchup.unwrap_or(DEFAULT_MAX_CATCHUP),
        late_window: time(table, "late_window", report).unwrap_or(DEFAULT_LATE_WINDOW),
        dst_gap: word(table, "dst_gap", DstGap::Shift, report),
        dst_overlap: word(table, "dst_overlap", DstOverlap::First, report),
        jitter: time(table, "jitter", report).unwrap_or_default(),
    }
}

/// A day is its midnight in the zone of the trigger, but as an end the whole day; a time without a zone is one of that zone.
fn date(table: &Table, key: &str, zone: Zone, report: &mut Report<'_>) -> Option<Timestamp> {
    let node = table.get(key)?;
    let json = node.to_json();
    let text = json.as_str()?;
    match parse_date(text) {
        Ok(at) if chrono::DateTime::parse_from_rfc3339(text).is_ok() => Some(at),
        Ok(at) => {
            let is_last_day = key == "end_date" && text.parse::<chrono::NaiveDate>().is_ok();
            let at = if is_last_day { at + TimeDelta::days(1) } else { at };
            // A time that a change of the clocks leaves out is the next one that there is.
            let there = |half_hours: i64| (at + TimeDelta::minutes(30 * half_hours)).naive_utc().and_local_timezone(zone).earliest();
            let local = (0..=48).find_map(there).map_or(at, |local| local.to_utc());
            Some(if is_last_day { local - TimeDelta::microseconds(1) } else { local })
        }
        Err(_) => {
            let hint = "write a day, 2024-01-31, or a time, 2024-01-31T06:00:00Z".to_owned();
            report.error("bad-date", node.span.clone(), format!("`{key}` is not a date: `{text}`"), Some(hint));
            None
        }
    }
}

/// One of a few words.
fn word<T: FromStr<Err = String> + Copy>(table: &Table, key: &str, default: T, report: &mut Report<'_>) -> T {
    let Some((node, text)) = table.get(key).and_then(|node| Some((node, node.as_text()?))) else { return default };
    text.parse().unwrap_or_else(|error: String| {
        let words = error.split_once("known are ").map(|(_, words)| words.to_owned()).unwrap_or_default();
        let hint = did_you_mean(text, words.split(", "));
        report.error("bad-trigger", node.span.clone(), format!("`{key}` is {words}, not `{text}`"), hint);
        default
    })
}

/// A text, or a list of texts.
fn texts(node: &Node) -> Vec<(&Node, &str)> {
    let nodes: Vec<&Node> = if node.as_text().is_some() { vec![node] } else { node.as_list().iter().collect() };
    nodes.into_iter().filter_map(|node| Some((node, node.as_text()?))).collect()
}

fn patterns(node: &Node, report: &mut Report<'_>) -> Vec<String> {
    let found = texts(node);
    if found.is_empty() {
        report.error("bad-trigger", node.span.clone(), "an empty list matches nothing", None);
    }
    for (node, text) in &found {
        if let Some((why, hint)) = nothing(text) {
            report.error("bad-trigger", node.span.clone(), format!("`{text}` {why}"), hint);
            continue;
        }
        if text.contains('{') {
            let hint = "write two patterns in a list".to_owned();
            let message = format!("`{text}`: braces are letters of a name here, not a choice");
            report.add(Severity::Warning, "bad-trigger", node.span.clone(), message, Some(hint));
        }
        // A pattern that leads out of the workspace would make the pipeline mean something else on another machine.
        if text.starts_with('/') || text.split('/').any(|part| part == "..") {
            let hint = "patterns are relative to the workspace and stay in it".to_owned();
            report.error("bad-trigger", node.span.clone(), format!("`{text}` leads out of the workspace"), Some(hint));
        } else if let Err(error) = ::glob::Pattern::new(text) {
            report.error("bad-trigger", node.span.clone(), format!("`{text}` is not a pattern: {}", error.msg), None);
        }
    }
    found.into_iter().map(|(_, text)| text.to_owned()).collect()
}

/// Why a pattern matches nothing whatever is there, and what to write instead.
fn nothing(text: &str) -> Option<(String, Option<String>)> {
    let is_plain = |part: &&str| !part.is_empty() && *part != ".";
    let why = match text {
        text if text.trim().is_empty() => "is empty and matches nothing",
        text if text.ends_with('/') || text == "." => "is a folder; write a pattern of its files, such as data/**",
        text if text.starts_with('~') => "is no path below the workspace: `~` stands for nothing here",
        text if text.starts_with('!') => {
            let hint = "name what counts; `?` stands for the `!` of a name that begins so".to_owned();
            return Some(("leaves nothing out: `!` at the beginning is a letter of the name here, not a \"no\"".to_owned(), Some(hint)));
        }
        text if !text.starts_with('/') && !text.split('/').all(|part| is_plain(&part)) => {
            let hint = format!("write `{}`", text.split('/').filter(is_plain).collect::<Vec<_>>().join("/"));
            return Some(("matches nothing: no folder has an empty name, or is called `.`".to_owned(), Some(hint)));
        }
        text => {
            let choice = glob::empty_choice(text)?;
            return Some((format!("matches nothing: no letter is among `{choice}`"), Some("a range goes up: `[a-z]`".to_owned())));
        }
    };
    Some((why.to_owned(), None))
}

fn names(node: &Node, key: &str, report: &mut Report<'_>) -> Vec<String> {
    let found = texts(node);
    if found.is_empty() {
        report.error("bad-trigger", node.span.clone(), format!("`{key}` names none"), None);
    }
    found.into_iter().map(|(_, text)| text.to_owned()).collect()
}

/// `accuracy < 0.9` or `evaluate_model.accuracy < 0.9`.
fn metric(node: &Node, table: &Table, report: &mut Report<'_>) -> Option<MetricRule> {
    let text = node.as_text()?;
    let parts: Vec<&str> = text.split_whitespace().collect();
    let rule = match parts.as_slice() {
        [metric, comparison, bound] => comparison
            .parse::<Comparison>()
            .ok()
            .zip(bound.parse::<f64>().ok().filter(|bound| bound.is_finite()))
            .filter(|_| metric.split('.').count() <= 2 && metric.split('.').all(ids::is_valid))
            .map(|(comparison, bound)| ((*metric).to_owned(), comparison, bound)),
        _ => None,
    };
    let Some((metric, comparison, bound)) = rule else {
        let hint = "write a metric, one of < <= > >= and a number: `accuracy < 0.9`, `evaluate_model.accuracy < 0.9`".to_owned();
        report.error("bad-trigger", node.span.clone(), format!("`{text}` is not a rule over a metric"), Some(hint));
        return None;
    };
    let runs = table.get("runs").and_then(Node::as_int).map_or(1, |runs| u32::try_from(runs).unwrap_or(0));
    if let (Some(node), 0 | 101..) = (table.get("runs"), runs) {
        report.error("bad-trigger", node.span.clone(), "`runs` is 1 to 100", None);
    }
    Some(MetricRule { metric, comparison, bound, of: table.text("of").map(PipelineId::from), runs })
}

fn text_of(kind: &TriggerKind) -> String {
    let zone = |clock: &Clock| if clock.timezone == "UTC" { String::new() } else { format!(" {}", clock.timezone) };
    match kind {
        TriggerKind::Cron { line, clock } => format!("{line}{}", zone(clock)),
        TriggerKind::Every { interval, .. } => duration::exact(*interval),
        TriggerKind::Files { patterns, .. } => patterns.join(", "),
        TriggerKind::Assets { names, mode } => names.join(if *mode == AssetMode::All { " and " } else { " or " }),
        TriggerKind::Pipeline { pipeline, on } => format!("{pipeline} {on}"),
        TriggerKind::Git { branches, paths, .. } => {
            let branches = if branches.is_empty() { "any branch".to_owned() } else { branches.join(", ") };
            if paths.is_empty() { branches } else { format!("{branches}: {}", paths.join(", ")) }
        }
        TriggerKind::Metric(rule) => {
            let of = rule.of.as_ref().map(|of| format!(" of {of}")).unwrap_or_default();
            let runs = if rule.runs > 1 { format!(" in {} runs", rule.runs) } else { String::new() };
            format!("{} {} {}{of}{runs}", rule.metric, rule.comparison, rule.bound)
        }
    }
}

/// Of what makes it fire alone: another late window or overlap is the same trigger still, another zone is another.
fn short_hash(kind: &TriggerKind) -> String {
    let text = match kind {
        TriggerKind::Cron { line, clock } => format!("{} {}", line.split_whitespace().collect::<Vec<_>>().join(" "), clock.timezone),
        TriggerKind::Every { interval, clock } => format!("{} {:?}", interval.as_millis(), clock.start_date),
        other => text_of(other),
    };
    // FNV-1a: short, stable over versions, and nobody gains by a collision but two triggers that `check` then tells apart.
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{:08x}", (hash ^ (hash >> 32)) & 0xffff_ffff)
}
