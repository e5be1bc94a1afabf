//! TOML text ↔ model, with places and diagnostics.

pub mod codes;
mod component;
mod control;
pub mod keys;
mod links;
mod notify;
mod params;
mod sensor;
pub mod starter;
mod task;
mod texts;
mod triggers;

use crate::{
    model::{Action, Catalog, Condition, Diagnostics, Graph, ParamDef, Pipeline, PipelineId, Report, Severity},
    stdx::{
        ids,
        toml_tree::{self, Table},
    },
};
use keys::Place;
use std::collections::HashMap;

/// Largest file that is read.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Most tasks in one pipeline.
pub const MAX_TASKS: usize = 10_000;
/// Most params of one pipeline, inputs of one task, outputs of one task.
pub const MAX_NAMES: usize = 1_000;

/// Reads a pipeline file. `file` is how the user would type its path; its stem is the default id.
///
/// Everything wrong with it is found at once; the pipeline is there only if there is no error.
pub fn read(file: &str, text: &str, catalog: &Catalog) -> (Option<Pipeline>, Diagnostics) {
    if text.len() > MAX_BYTES {
        let mut report = Report::new(file, "");
        let message = format!("the file has {} bytes; a pipeline file has at most 4 MiB", text.len());
        report.without_place(Severity::Error, "too-big", message, Some("split it into several pipelines".into()));
        return (None, report.finish());
    }
    let (table, syntax) = toml_tree::parse(text);
    if !syntax.is_empty() {
        return (None, broken(file, text, &table, catalog, syntax));
    }
    let mut report = Report::new(file, text);
    let pipeline = read_table(&table, catalog, &mut report);
    let ok = !report.has_errors();
    (pipeline.filter(|_| ok), report.finish())
}

/// The findings of a file that is not TOML: what TOML says, and of the rest only what a missing piece cannot have caused.
fn broken(file: &str, text: &str, table: &Table, catalog: &Catalog, syntax: Vec<toml_tree::SyntaxError>) -> Diagnostics {
    const LOCAL: [&str; 5] = ["unknown-key", "wrong-type", "bad-duration", "bad-cron", "not-supported-yet"];
    let mut report = Report::new(file, text);
    for error in without_cascade(text, syntax) {
        syntax_error(&mut report, error);
    }
    let mut found = report.finish();
    let mut rest = Report::new(file, text);
    read_table(table, catalog, &mut rest);
    let lines: Vec<usize> = found.0.iter().map(|d| d.line).collect();
    found.0.extend(rest.finish().0.into_iter().filter(|d| LOCAL.contains(&d.code.as_str()) && !lines.contains(&d.line)));
    found.0.sort_by_key(|d| (d.line, d.column));
    found
}

/// A list that is not closed swallows the rest of the file, and every line of it is then wrong: one finding says it all.
fn without_cascade(text: &str, mut errors: Vec<toml_tree::SyntaxError>) -> Vec<toml_tree::SyntaxError> {
    let starts_a_line =
        |at: usize| text.get(..at).is_some_and(|before| before.rsplit('\n').next().is_none_or(|line| line.trim().is_empty()));
    errors.sort_by_key(|error| error.span.start);
    let swallowed =
        errors.iter().position(|e| e.message.starts_with("missing comma between array elements") && starts_a_line(e.span.start));
    if let Some(first) = swallowed {
        errors.truncate(first + 1);
        errors[first].message = "a comma is missing here, or the list before has no `]`".into();
    }
    errors
}

fn syntax_error(report: &mut Report<'_>, error: toml_tree::SyntaxError) {
    if error.message == "duplicate key" {
        let name = report.text().get(error.span.clone()).unwrap_or_default().to_owned();
        let hint = "each task, param and key stands once; merge the two".to_owned();
        report.error("duplicate", error.span, format!("`{name}` is defined twice"), Some(hint));
    } else {
        report.error("syntax", error.span, format!("not valid TOML: {}", error.message), None);
    }
}

fn read_table(table: &Table, catalog: &Catalog, report: &mut Report<'_>) -> Option<Pipeline> {
    keys::check(Place::Pipeline, table, report);
    let id = id(table, report);
    let params = table.table("params").map(|table| params::read(table, report)).unwrap_or_default();
    let mut default_table = table.table("defaults");
    let mut defaults = task::defaults(default_table, report);
    let triggers = triggers::read_triggers(table.list("triggers"), report);
    let notify = table.table("notify").map(|table| notify::read(table, report)).unwrap_or_default();
    let no_tasks = Table::default();
    let task_table = tasks_of(table, report).unwrap_or(&no_tasks);
    if task::too_heavy(&defaults, task_table.0.len(), report) {
        (default_table, defaults) = (None, task::Defaults::default());
    }
    let mut drafts = task::read_all(task_table, &defaults, report);
    component::check(&mut drafts, catalog, report);
    component::check_links(&drafts, catalog, report);
    links::resolve(&mut drafts, report);
    texts::check(&drafts, default_table, &params, catalog, report);

    let text = |key| table.text(key).unwrap_or_default().to_owned();
    let (max_active_runs, max_active_tasks, run_timeout) = control::limits(table, report);
    let pipeline = Pipeline {
        id,
        max_active_runs,
        max_active_tasks,
        run_timeout,
        description: text("description"),
        owner: text("owner"),
        tags: table.list("tags").iter().filter_map(|tag| tag.as_text().map(str::to_owned)).collect(),
        params,
        tasks: drafts.iter().map(|draft| draft.task.clone()).collect(),
        triggers,
        notify,
    };
    let graph = links::check_cycles(&pipeline, &drafts, report)?;
    lint_gates(&pipeline, &graph, &drafts, report);
    lint_waits(&pipeline, &drafts, report);
    triggers::check_loops(table.list("triggers"), &pipeline, report);
    Some(pipeline)
}

fn tasks_of<'t>(table: &'t Table, report: &mut Report<'_>) -> Option<&'t Table> {
    let tasks = table.table("tasks");
    if tasks.is_none_or(|tasks| tasks.0.is_empty()) && table.get("tasks").is_none_or(|node| node.as_table().is_some()) {
        let hint = "add one: [tasks.hello] and below it run = \"echo hello\"".to_owned();
        report.without_place(Severity::Error, "no-tasks", "the file has no task", Some(hint));
    }
    if let Some(entry) = tasks.and_then(|tasks| tasks.0.get(MAX_TASKS)) {
        let message = format!("the file has {} tasks; a pipeline has at most {MAX_TASKS}", tasks.map_or(0, |tasks| tasks.0.len()));
        report.error("too-big", entry.key_span.clone(), message, Some("split it into several pipelines".into()));
        return None;
    }
    tasks
}

fn id(table: &Table, report: &mut Report<'_>) -> PipelineId {
    let stem = std::path::Path::new(report.file()).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    match table.get("id").and_then(|node| node.as_text().map(|text| (node, text))) {
        Some((node, text)) if !ids::is_valid(text) => report.error("bad-id", node.span.clone(), bad_id("pipeline", text), None),
        Some((_, text)) => return text.into(),
        None if !ids::is_valid(&stem) => {
            let hint = "rename the file, or give it an id: id = \"my_pipeline\"".to_owned();
            report.without_place(Severity::Error, "bad-id", bad_id("pipeline", &stem), Some(hint));
        }
        None => {}
    }
    stem.into()
}

fn bad_id(what: &str, text: &str) -> String {
    format!("`{text}` cannot name a {what}: names have letters, digits, `_` and `-`, begin with a letter or `_`, and are at most 64 long")
}

/// Reports names that cannot be ids, and names that CEL and the environment could not tell apart. False if there are too many to go on.
fn check_ids(what: &str, table: &Table, report: &mut Report<'_>) -> bool {
    if let Some(entry) = table.0.get(MAX_NAMES).filter(|_| what != "task") {
        report.error("too-big", entry.key_span.clone(), format!("more than {MAX_NAMES} {what}s in one table"), None);
        return false;
    }
    let mut seen: HashMap<String, &str> = HashMap::new();
    for entry in &table.0 {
        // Params, inputs and outputs become variables of the environment, which are written in capitals.
        let name = ids::as_identifier(&entry.key);
        let name = if what == "task" { name } else { name.to_uppercase() };
        if !ids::is_valid(&entry.key) {
            report.error("bad-id", entry.key_span.clone(), bad_id(what, &entry.key), None);
        } else if let Some(other) = seen.insert(name, &entry.key) {
            let why = if ids::as_identifier(&entry.key) == ids::as_identifier(other) {
                "`-` reads as `_` in expressions and variables"
            } else {
                "variables of the environment are in capitals"
            };
            let message = format!("{what} `{}` and {what} `{other}` are the same name: {why}", entry.key);
            report.error("duplicate", entry.key_span.clone(), message, Some("rename one of them".into()));
        }
    }
    true
}

/// A gate is a question whose answer somebody must wait for.
fn lint_gates(pipeline: &Pipeline, graph: &Graph, drafts: &[task::Draft<'_>], report: &mut Report<'_>) {
    if pipeline.tasks.len() < 2 {
        return;
    }
    for (position, draft) in drafts.iter().enumerate() {
        if let Some(entry) = draft.table.entry("gate").filter(|_| graph.downstream[position].is_empty()) {
            let message = format!("nothing depends on the verdict of the gate of `{}`", draft.task.id);
            let hint = format!("let the task that uses the result wait for it: needs = [\"{}\"]", draft.task.id);
            report.add(Severity::Warning, "idle-gate", entry.key_span.clone(), message, Some(hint));
        }
    }
}

/// What is waited for may never come; a time always does.
fn lint_waits(pipeline: &Pipeline, drafts: &[task::Draft<'_>], report: &mut Report<'_>) {
    for draft in drafts.iter().filter(|draft| draft.task.timeout.is_none() && pipeline.run_timeout.is_none()) {
        let waits = matches!(&draft.task.action, Action::Sensor { sensor } if !matches!(sensor.condition, Condition::Time { .. }));
        if let Some(entry) = draft.table.entry("sensor").filter(|_| waits) {
            let message = format!("`{}` may wait for ever: its sensor has no timeout", draft.task.id);
            let hint = "say how long at most: timeout = \"6h\"".to_owned();
            report.add(Severity::Warning, "endless-wait", entry.key_span.clone(), message, Some(hint));
        }
    }
}

#[cfg(test)]
mod tests;

/// Params by name, for whoever checks texts.
type Params<'a> = &'a [ParamDef];
