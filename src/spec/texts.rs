//! Templates and conditions of every task: names, types, quoting.

use super::{
    Params,
    task::{Draft, gate_nodes},
};
use crate::{
    expr::{
        Finding, Names, TaskNames, Use, cel,
        template::{self, Style},
    },
    model::{Action, Catalog, Condition, Report, Severity, did_you_mean, sensor},
    stdx::{
        ids::as_identifier,
        toml_tree::{Node, Table, Value},
    },
};
use std::collections::HashMap;

/// Checks every text of every task.
pub(super) fn check(drafts: &[Draft<'_>], defaults: Option<&Table>, params: Params<'_>, catalog: &Catalog, report: &mut Report<'_>) {
    let tasks = names_of_tasks(drafts, catalog);
    for draft in drafts {
        let task = &draft.task;
        let names = Names { task: &task.id, params, inputs: &task.inputs, outputs: &task.outputs, upstream: &task.upstream, tasks: &tasks };
        check_action(draft, &names, report);
        check_paths(draft, &names, report);
        check_surroundings(draft, defaults, &names, report);
        check_conditions(draft, &names, catalog, report);
    }
}

fn names_of_tasks(drafts: &[Draft<'_>], catalog: &Catalog) -> HashMap<String, TaskNames> {
    let names = drafts.iter().map(|draft| {
        let output_parameters = match &draft.task.action {
            Action::Component { name, .. } => {
                catalog.get(name).map(|c| c.output_parameters.iter().map(|name| (*name).to_owned()).collect())
            }
            Action::Sensor { sensor } => match &sensor.condition {
                // Its script may write any.
                Condition::Command { .. } => None,
                Condition::File { .. } => Some(sensor::FOUND.map(str::to_owned).into()),
                Condition::Asset { .. } => Some(sensor::VERSION.map(str::to_owned).into()),
                Condition::Time { .. } | Condition::Http { .. } => Some(Vec::new()),
            },
            Action::Run { .. } | Action::Argv { .. } => None,
        };
        let outputs = draft.task.outputs.iter().map(|output| output.name.clone()).collect();
        (as_identifier(draft.task.id.as_str()), TaskNames { outputs, output_parameters })
    });
    names.collect()
}

fn check_action(draft: &Draft<'_>, names: &Names<'_>, report: &mut Report<'_>) {
    match &draft.task.action {
        Action::Run { .. } => {
            if let Some(node) = draft.table.get("run") {
                text(node, Style::Shell, names, report);
            }
        }
        Action::Argv { .. } => draft.table.list("argv").iter().for_each(|node| text(node, Style::Plain, names, report)),
        Action::Component { .. } => {
            if let Some(node) = draft.table.get("with") {
                texts_within(node, names, report);
            }
        }
        Action::Sensor { .. } => {
            for entry in draft.table.table("sensor").map(|table| table.0.as_slice()).unwrap_or_default() {
                text(&entry.node, if entry.key == "command" { Style::Shell } else { Style::Plain }, names, report);
            }
        }
    }
}

fn texts_within(node: &Node, names: &Names<'_>, report: &mut Report<'_>) {
    match &node.value {
        Value::Text(_) => text(node, Style::Plain, names, report),
        Value::List(list) => list.iter().for_each(|node| texts_within(node, names, report)),
        Value::Table(table) => table.0.iter().for_each(|entry| texts_within(&entry.node, names, report)),
        Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Date(_) => {}
    }
}

fn check_paths(draft: &Draft<'_>, names: &Names<'_>, report: &mut Report<'_>) {
    // Inputs are found before outputs, and both before anything else: a path can name only what is there already.
    let for_inputs = Names { inputs: &[], outputs: &[], ..*names };
    let for_outputs = Names { outputs: &[], ..*names };
    for (key, names) in [("inputs", for_inputs), ("outputs", for_outputs)] {
        for entry in draft.table.table(key).map(|table| table.0.as_slice()).unwrap_or_default() {
            if let Some(path) = entry.node.as_table().and_then(|full| full.get("path")) {
                text(path, Style::Plain, &names, report);
            }
        }
    }
    if let Some(node) = draft.table.get("metrics").filter(|node| node.as_text().is_some_and(|text| text.contains("{{"))) {
        report.error("bad-template", node.span.clone(), "`metrics` is a plain path, without `{{ }}`", None);
    }
}

fn check_surroundings(draft: &Draft<'_>, defaults: Option<&Table>, names: &Names<'_>, report: &mut Report<'_>) {
    let own_env = draft.table.table("env");
    let inherited = defaults.and_then(|defaults| defaults.table("env")).map(|env| env.0.as_slice()).unwrap_or_default();
    let inherited = inherited.iter().filter(|entry| own_env.is_none_or(|own| own.get(&entry.key).is_none()));
    for entry in own_env.map(|env| env.0.as_slice()).unwrap_or_default().iter().chain(inherited) {
        text(&entry.node, Style::Plain, names, report);
    }
    if let Some(cwd) = draft.table.get("cwd").or_else(|| defaults.and_then(|defaults| defaults.get("cwd"))) {
        text(cwd, Style::Plain, names, report);
    }
}

fn check_conditions(draft: &Draft<'_>, names: &Names<'_>, catalog: &Catalog, report: &mut Report<'_>) {
    for node in gate_nodes(draft.table) {
        condition(node, Use::Gate, names, report);
        check_metrics(draft, node, catalog, report);
    }
    if let Some(node) = draft.table.get("when") {
        condition(node, Use::When, names, report);
    }
}

fn text(node: &Node, style: Style, names: &Names<'_>, report: &mut Report<'_>) {
    let Some(text) = node.as_text().filter(|text| text.contains("{{") && !report.is_full()) else { return };
    add(node, template::check(text, style, names), report);
}

fn condition(node: &Node, usage: Use, names: &Names<'_>, report: &mut Report<'_>) {
    let Some(text) = node.as_text().filter(|_| !report.is_full()) else { return };
    add(node, cel::check(text, usage, names), report);
}

fn add(node: &Node, findings: Vec<Finding>, report: &mut Report<'_>) {
    for finding in findings {
        // Places in a long text are counted from its start: a flood of findings must not make that a flood of work.
        let span = if report.is_full() {
            node.span.clone()
        } else {
            node.place_in_text(report.text(), finding.span.start)..node.place_in_text(report.text(), finding.span.end)
        };
        report.add(finding.severity, finding.code, span, finding.message, finding.hint);
    }
}

/// A component says beforehand which metrics it records; one that it does not mention is probably a typo.
fn check_metrics(draft: &Draft<'_>, node: &Node, catalog: &Catalog, report: &mut Report<'_>) {
    let Action::Component { name, .. } = &draft.task.action else { return };
    let (Some(signature), Some(text)) = (catalog.get(name), node.as_text()) else { return };
    if signature.metrics.is_empty() {
        return;
    }
    for metric in cel::metrics_named(text) {
        if !signature.metrics.iter().any(|known| as_identifier(known) == metric) {
            let hint = did_you_mean(&metric, signature.metrics.iter().copied())
                .unwrap_or_else(|| format!("it records {}", signature.metrics.join(", ")));
            let at = text.find(&metric).unwrap_or(0);
            let span = node.place_in_text(report.text(), at)..node.place_in_text(report.text(), at + metric.len());
            let message = format!("component `{name}` is not known to record the metric `{metric}`; a gate fails when it is missing");
            report.add(Severity::Warning, "unknown-metric", span, message, Some(hint));
        }
    }
}
