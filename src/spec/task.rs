//! `[defaults]` and `[tasks.NAME]`: each task by itself, before names are resolved.

use super::{
    control::{self, Control},
    keys::{self, Place},
    sensor,
};
use crate::{
    model::{Action, InputDef, InputSource, OutputDef, Report, Severity, Task, TaskId, pipeline::DEFAULT_GRACE},
    stdx::{
        duration, ids,
        toml_tree::{Entry, Node, Table, Value},
    },
};
use std::{collections::BTreeMap, time::Duration};

/// Most bytes of texts that all tasks together inherit: a small file must not become a definition of gigabytes.
const MAX_INHERITED: usize = 64 * 1024 * 1024;

/// A task while the file is read: what it is, and where it says so.
pub(super) struct Draft<'t> {
    /// The task as far as it is known.
    pub task: Task,
    /// Where its name stands.
    pub id_span: std::ops::Range<usize>,
    /// Its keys.
    pub table: &'t Table,
    /// What `needs` names, and where.
    pub needs: Vec<(&'t str, &'t Node)>,
    /// Inputs as `task.output`, not yet resolved.
    pub links: Vec<Link<'t>>,
}

/// `inputs.NAME = "task.output"`.
pub(super) struct Link<'t> {
    /// The input's name.
    pub input: &'t str,
    /// The text.
    pub node: &'t Node,
    /// Before the dot.
    pub task: &'t str,
    /// Behind it.
    pub output: &'t str,
}

/// What tasks inherit.
#[derive(Default)]
pub(super) struct Defaults {
    control: Control,
    timeout: Option<Duration>,
    grace: Option<Duration>,
    env: BTreeMap<String, String>,
    cwd: Option<String>,
}

/// Reads `[defaults]`.
pub(super) fn defaults(table: Option<&Table>, report: &mut Report<'_>) -> Defaults {
    let Some(table) = table else { return Defaults::default() };
    keys::check(Place::Defaults, table, report);
    settings(table, report)
}

fn settings(table: &Table, report: &mut Report<'_>) -> Defaults {
    Defaults {
        control: Control::read(table, report),
        timeout: time(table, "timeout", report).filter(|timeout| {
            if timeout.is_zero()
                && let Some(node) = table.get("timeout")
            {
                report.error(
                    "bad-duration",
                    node.span.clone(),
                    "a timeout of zero ends every attempt at once",
                    Some("leave it out for no timeout".into()),
                );
            }
            !timeout.is_zero()
        }),
        grace: time(table, "grace", report),
        env: env(table, report),
        cwd: table.text("cwd").map(str::to_owned),
    }
}

/// The duration of a key.
pub(super) fn time(table: &Table, key: &str, report: &mut Report<'_>) -> Option<Duration> {
    let node = table.get(key)?;
    match duration::parse(node.as_text()?) {
        Ok(time) => Some(time),
        Err(message) => {
            report.error("bad-duration", node.span.clone(), message, None);
            None
        }
    }
}

fn env(table: &Table, report: &mut Report<'_>) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    for entry in table.table("env").map(|table| table.0.as_slice()).unwrap_or_default() {
        let text = match &entry.node.value {
            Value::Text(text) => text.clone(),
            Value::Int(_) | Value::Float(_) | Value::Bool(_) => entry.node.to_json().to_string(),
            Value::Date(_) | Value::List(_) | Value::Table(_) => {
                report.error(
                    "wrong-type",
                    entry.node.span.clone(),
                    format!("variable `{}` takes a text, not {}", entry.key, entry.node.kind()),
                    None,
                );
                continue;
            }
        };
        if entry.key.is_empty() || entry.key.contains(['=', '\0']) {
            report.error("bad-id", entry.key_span.clone(), format!("`{}` cannot name a variable of the environment", entry.key), None);
        } else if entry.key.starts_with("FLOWYARD_") {
            let hint = "variables that begin with FLOWYARD_ are set by flowyard".to_owned();
            report.error("bad-id", entry.key_span.clone(), format!("`{}` cannot be set", entry.key), Some(hint));
        } else {
            env.insert(entry.key.clone(), text);
        }
    }
    env
}

/// Reports defaults that would make `tasks` tasks too big; such defaults must not be used.
pub(super) fn too_heavy(defaults: &Defaults, tasks: usize, report: &mut Report<'_>) -> bool {
    let variables = defaults.env.iter().map(|(name, value)| name.len() + value.len() + 1).sum::<usize>();
    let inherited = variables + defaults.cwd.as_ref().map_or(0, String::len);
    let heavy = inherited.saturating_mul(tasks) > MAX_INHERITED;
    if heavy {
        let message = format!("`[defaults]` holds {inherited} bytes of texts for each of {tasks} tasks, which is too much");
        report.without_place(Severity::Error, "too-big", message, Some("move long texts into a file".into()));
    }
    heavy
}

/// Reads every task.
pub(super) fn read_all<'t>(table: &'t Table, defaults: &Defaults, report: &mut Report<'_>) -> Vec<Draft<'t>> {
    super::check_ids("task", table, report);
    table.0.iter().filter_map(|entry| read_one(entry, defaults, report)).collect()
}

fn read_one<'t>(entry: &'t Entry, defaults: &Defaults, report: &mut Report<'_>) -> Option<Draft<'t>> {
    let Some(table) = entry.node.as_table() else {
        let hint = format!("write [tasks.{}] and its keys below", entry.key);
        report.error(
            "wrong-type",
            entry.node.span.clone(),
            format!("task `{}` is a table, not {}", entry.key, entry.node.kind()),
            Some(hint),
        );
        return None;
    };
    keys::check(Place::Task, table, report);
    let own = settings(table, report);
    let mut env = defaults.env.clone();
    env.extend(own.env);
    let (inputs, links) = inputs(table, report);
    let mut task = Task {
        inputs,
        outputs: outputs(table, report),
        env,
        cwd: own.cwd.or_else(|| defaults.cwd.clone()),
        timeout: own.timeout.or(defaults.timeout),
        grace: own.grace.or(defaults.grace).unwrap_or(DEFAULT_GRACE),
        metrics: metrics(table, report),
        gate: gates(table),
        when: table.text("when").map(str::to_owned),
        approval: control::flag(table, "approval").unwrap_or(false),
        checkpoint: control::flag(table, "checkpoint").unwrap_or(false),
        group: group(table, report),
        ..Task::new(TaskId::from(entry.key.as_str()), action(entry, table, report))
    };
    own.control.apply(&defaults.control, &mut task);
    sensor::unburden(table, &mut task, report);
    let needs = table.list("needs").iter().filter_map(|node| node.as_text().map(|text| (text, node))).collect();
    Some(Draft { task, id_span: entry.key_span.clone(), table, needs, links })
}

fn group(table: &Table, report: &mut Report<'_>) -> Option<String> {
    let node = table.get("group")?;
    let name = node.as_text()?;
    if !ids::is_valid(name) {
        report.error("bad-id", node.span.clone(), format!("`{name}` cannot be the name of a group"), None);
        return None;
    }
    Some(name.to_owned())
}

/// The elements of `gate`, which may be one text or several.
pub(super) fn gate_nodes(table: &Table) -> Vec<&Node> {
    match table.get("gate") {
        Some(node) if node.as_text().is_some() => vec![node],
        Some(node) => node.as_list().iter().collect(),
        None => Vec::new(),
    }
}

fn gates(table: &Table) -> Vec<String> {
    gate_nodes(table).into_iter().filter_map(Node::as_text).map(str::to_owned).collect()
}

fn metrics(table: &Table, report: &mut Report<'_>) -> Option<String> {
    let node = table.get("metrics")?;
    let text = node.as_text()?;
    check_relative("metrics", text, node, report);
    Some(text.to_owned())
}

/// A pipeline holds nothing of one machine, and writes nothing outside its workspace.
pub(super) fn check_relative(key: &str, path: &str, node: &Node, report: &mut Report<'_>) {
    if path.is_empty() {
        report.error("bad-path", node.span.clone(), format!("`{key}` is empty"), None);
    } else if path.starts_with('/') || path.split('/').any(|part| part == "..") {
        let hint = "paths of a pipeline are relative to the workspace and stay in it".to_owned();
        report.error("bad-path", node.span.clone(), format!("`{key}` leaves the workspace: `{path}`"), Some(hint));
    }
}

fn action(entry: &Entry, table: &Table, report: &mut Report<'_>) -> Action {
    let present: Vec<&Entry> =
        table.0.iter().filter(|entry| matches!(entry.key.as_str(), "run" | "argv" | "component" | "sensor")).collect();
    let elsewhere = ["python", "pipeline", "template"].iter().any(|key| table.get(key).is_some());
    match present.as_slice() {
        [] if !elsewhere => {
            let message = format!("task `{}` does nothing", entry.key);
            report.error("no-action", entry.key_span.clone(), message, Some("give it `run`, `argv`, `component` or `sensor`".into()));
        }
        [first, second, ..] => {
            let message = format!("task `{}` has both `{}` and `{}`", entry.key, first.key, second.key);
            report.error("no-action", second.key_span.clone(), message, Some("a task does one thing: remove one of them".into()));
        }
        _ => {}
    }
    if let Some(with) = table.entry("with").filter(|_| table.get("component").is_none()) {
        report.error("no-action", with.key_span.clone(), "`with` belongs to `component`, which this task does not have", None);
    }
    if let Some(name) = table.text("component") {
        let with = table.get("with").map(Node::to_json).and_then(|with| with.as_object().cloned()).unwrap_or_default();
        return Action::Component { name: name.to_owned(), with: with.into() };
    }
    if let Some(sensor) = table.get("sensor").and_then(|node| sensor::read(node, report)) {
        return Action::Sensor { sensor: Box::new(sensor) };
    }
    if let Some(node) = table.get("argv") {
        let argv: Vec<String> = node.as_list().iter().filter_map(Node::as_text).map(str::to_owned).collect();
        if argv.first().is_none_or(|program| program.trim().is_empty()) && matches!(node.value, Value::List(_)) {
            report.error(
                "no-action",
                node.span.clone(),
                "`argv` names no program",
                Some("write argv = [\"program\", \"argument\"]".into()),
            );
        }
        return Action::Argv { argv };
    }
    let script = table.text("run").unwrap_or_default().to_owned();
    if let Some(node) = table.get("run").filter(|node| node.as_text().is_some_and(|text| text.trim().is_empty())) {
        report.error("no-action", node.span.clone(), "`run` is empty", None);
    }
    if let Some(node) = table.get("run").filter(|_| script.contains('\0')) {
        report.error("bad-template", node.span.clone(), "`run` holds a NUL character, which no command line can", None);
    }
    Action::Run { script }
}

fn inputs<'t>(table: &'t Table, report: &mut Report<'_>) -> (Vec<InputDef>, Vec<Link<'t>>) {
    let (mut inputs, mut links) = (Vec::new(), Vec::new());
    let Some(table) = table.table("inputs") else { return (inputs, links) };
    if !super::check_ids("input", table, report) {
        return (inputs, links);
    }
    for entry in &table.0 {
        let source = match &entry.node.value {
            Value::Text(text) => {
                let Some((task, output)) = text.split_once('.') else {
                    let message = format!("input `{}` reads `{text}`, which is not TASK.OUTPUT", entry.key);
                    let hint = format!("write {} = \"task.output\", or {} = {{ path = \"{text}\" }} for a file", entry.key, entry.key);
                    report.error("bad-input", entry.node.span.clone(), message, Some(hint));
                    continue;
                };
                links.push(Link { input: &entry.key, node: &entry.node, task, output });
                InputSource::Output { task: task.into(), output: output.to_owned() }
            }
            Value::Table(full) => {
                keys::check(Place::Input, full, report);
                let Some(path) = full.text("path") else {
                    if full.0.is_empty() {
                        report.error("bad-input", entry.node.span.clone(), format!("input `{}` names no `path`", entry.key), None);
                    }
                    continue;
                };
                if path.is_empty() {
                    report.error("bad-path", entry.node.span.clone(), format!("the path of input `{}` is empty", entry.key), None);
                }
                InputSource::Path { path: path.to_owned() }
            }
            _ => {
                let message = format!("input `{}` takes \"task.output\" or {{ path = \"…\" }}, not {}", entry.key, entry.node.kind());
                report.error("wrong-type", entry.node.span.clone(), message, None);
                continue;
            }
        };
        inputs.push(InputDef { name: entry.key.clone(), source });
    }
    (inputs, links)
}

fn outputs(table: &Table, report: &mut Report<'_>) -> Vec<OutputDef> {
    let Some(table) = table.table("outputs") else { return Vec::new() };
    if !super::check_ids("output", table, report) {
        return Vec::new();
    }
    table.0.iter().filter(|entry| ids::is_valid(&entry.key)).filter_map(|entry| output(entry, report)).collect()
}

fn output(entry: &Entry, report: &mut Report<'_>) -> Option<OutputDef> {
    let mut asset = None;
    let (artifact_type, path, place) = match &entry.node.value {
        Value::Text(text) => (text.as_str(), None, &entry.node),
        Value::Table(full) => {
            keys::check(Place::Output, full, report);
            if let Some((path, node)) = full.get("path").and_then(|node| Some((node.as_text()?, node))) {
                check_relative(&format!("outputs.{}.path", entry.key), path, node, report);
            }
            asset = asset_name(full, report);
            (full.text("type").unwrap_or("File"), full.text("path"), full.get("type").unwrap_or(&entry.node))
        }
        _ => {
            let message = format!("output `{}` takes a type or {{ type = \"…\", path = \"…\" }}, not {}", entry.key, entry.node.kind());
            report.error("wrong-type", entry.node.span.clone(), message, None);
            return None;
        }
    };
    if !ids::is_valid(artifact_type) {
        let hint = format!("write {} = \"Dataset\", or {} = {{ path = \"…\" }} for a place", entry.key, entry.key);
        report.error("bad-output", place.span.clone(), format!("`{artifact_type}` is not the name of an artifact type"), Some(hint));
        return None;
    }
    Some(OutputDef { name: entry.key.clone(), artifact_type: artifact_type.to_owned(), path: path.map(str::to_owned), asset })
}

/// It becomes the name of a variable for those that wait for it.
fn asset_name(output: &Table, report: &mut Report<'_>) -> Option<String> {
    let (node, name) = output.get("asset").and_then(|node| Some((node, node.as_text()?)))?;
    if ids::is_valid(name) {
        return Some(name.to_owned());
    }
    let hint = "a name has letters, digits, `_` and `-`, and begins with a letter".to_owned();
    report.error("bad-id", node.span.clone(), format!("`{name}` cannot be the name of an asset"), Some(hint));
    None
}
