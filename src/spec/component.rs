//! Tasks with a component, against its signature: arguments, inputs, outputs.

use super::task::Draft;
use crate::{
    model::{Action, ArgKind, Catalog, ComponentSignature, OutputDef, Report, did_you_mean},
    stdx::toml_tree::{Entry, Node, Table, Value},
};
use std::collections::HashMap;

/// Checks every component task, and gives it the outputs that its component has without being told.
pub(super) fn check(drafts: &mut [Draft<'_>], catalog: &Catalog, report: &mut Report<'_>) {
    for draft in drafts {
        let Action::Component { name, .. } = &draft.task.action else { continue };
        let Some(signature) = catalog.get(name) else {
            let span = draft.table.get("component").map_or(draft.id_span.clone(), |node| node.span.clone());
            let names = catalog.components.iter().map(|component| component.name);
            let hint = did_you_mean(name, names.clone()).or_else(|| {
                let all: Vec<&str> = names.collect();
                (!all.is_empty()).then(|| format!("components are {}", all.join(", ")))
            });
            report.error("unknown-component", span, format!("there is no component `{name}`"), hint);
            continue;
        };
        check_arguments(draft, signature, report);
        check_inputs(draft, signature, report);
        complete_outputs(draft, signature, report);
    }
}

fn check_arguments(draft: &Draft<'_>, signature: &ComponentSignature, report: &mut Report<'_>) {
    let nothing = Table::default();
    let with = draft.table.table("with").unwrap_or(&nothing);
    for entry in &with.0 {
        match signature.args.iter().find(|argument| argument.name == entry.key) {
            Some(argument) if !fits(argument.kind, &entry.node) => {
                let message =
                    format!("`{}` of `{}` takes {}, not {}", entry.key, signature.name, kind_name(argument.kind), entry.node.kind());
                report.error("bad-argument", entry.node.span.clone(), message, Some(argument.help.to_owned()));
            }
            Some(_) => {}
            None => {
                let names: Vec<&str> = signature.args.iter().map(|argument| argument.name).collect();
                let hint = did_you_mean(&entry.key, names.iter().copied()).unwrap_or_else(|| match names.as_slice() {
                    [] => "it takes none".into(),
                    names => format!("it takes {}", names.join(", ")),
                });
                report.error(
                    "bad-argument",
                    entry.key_span.clone(),
                    format!("component `{}` has no argument `{}`", signature.name, entry.key),
                    Some(hint),
                );
            }
        }
    }
    for argument in signature.args.iter().filter(|argument| argument.required && with.get(argument.name).is_none()) {
        let message = format!("component `{}` needs the argument `{}`", signature.name, argument.name);
        report.error("bad-argument", component_span(draft), message, Some(format!("{}: {}", argument.name, argument.help)));
    }
}

fn component_span(draft: &Draft<'_>) -> std::ops::Range<usize> {
    draft.table.get("component").map_or(draft.id_span.clone(), |node| node.span.clone())
}

fn fits(kind: ArgKind, node: &Node) -> bool {
    let rendered = |node: &Node| node.as_text().is_some_and(|text| text.contains("{{"));
    let is_text = |node: &Node| node.as_text().is_some();
    match kind {
        ArgKind::Any => true,
        ArgKind::String => is_text(node),
        ArgKind::Int => matches!(node.value, Value::Int(_)) || rendered(node),
        ArgKind::Float => matches!(node.value, Value::Int(_) | Value::Float(_)) || rendered(node),
        ArgKind::Bool => matches!(node.value, Value::Bool(_)) || rendered(node),
        ArgKind::Strings => (matches!(node.value, Value::List(_)) && node.as_list().iter().all(is_text)) || rendered(node),
    }
}

const fn kind_name(kind: ArgKind) -> &'static str {
    match kind {
        ArgKind::String => "a text",
        ArgKind::Int => "a whole number",
        ArgKind::Float => "a number",
        ArgKind::Bool => "true or false",
        ArgKind::Strings => "a list of texts",
        ArgKind::Any => "a value",
    }
}

fn check_inputs(draft: &Draft<'_>, signature: &ComponentSignature, report: &mut Report<'_>) {
    let declared: &[Entry] = draft.table.table("inputs").map(|table| table.0.as_slice()).unwrap_or_default();
    for entry in declared.iter().filter(|entry| !signature.inputs.iter().any(|port| port.name == entry.key)) {
        let names: Vec<&str> = signature.inputs.iter().map(|port| port.name).collect();
        let hint = did_you_mean(&entry.key, names.iter().copied()).unwrap_or_else(|| match names.as_slice() {
            [] => "it reads none".into(),
            names => format!("it reads {}", names.join(", ")),
        });
        report.error(
            "bad-input",
            entry.key_span.clone(),
            format!("component `{}` has no input `{}`", signature.name, entry.key),
            Some(hint),
        );
    }
    for port in signature.inputs.iter().filter(|port| port.required && !declared.iter().any(|entry| entry.key == port.name)) {
        let message = format!("component `{}` needs the input `{}`, a {}", signature.name, port.name, port.artifact_type);
        report.error("bad-input", component_span(draft), message, Some(format!("connect it: inputs.{} = \"TASK.OUTPUT\"", port.name)));
    }
}

fn complete_outputs(draft: &mut Draft<'_>, signature: &ComponentSignature, report: &mut Report<'_>) {
    let declared: &[Entry] = draft.table.table("outputs").map(|table| table.0.as_slice()).unwrap_or_default();
    for entry in declared {
        let Some(port) = signature.outputs.iter().find(|port| port.name == entry.key) else {
            let names: Vec<&str> = signature.outputs.iter().map(|port| port.name).collect();
            let hint = did_you_mean(&entry.key, names.iter().copied());
            report.error(
                "bad-output",
                entry.key_span.clone(),
                format!("component `{}` has no output `{}`", signature.name, entry.key),
                hint,
            );
            continue;
        };
        let Some(output) = draft.task.outputs.iter_mut().find(|output| output.name == entry.key) else { continue };
        let says_type = entry.node.as_table().is_none_or(|full| full.get("type").is_some());
        if !says_type {
            port.artifact_type.clone_into(&mut output.artifact_type);
        } else if output.artifact_type != port.artifact_type {
            let message =
                format!("output `{}` of `{}` is a {}, not a {}", port.name, signature.name, port.artifact_type, output.artifact_type);
            report.error(
                "type-mismatch",
                entry.node.span.clone(),
                message,
                Some(format!("write \"{}\", or leave the line out", port.artifact_type)),
            );
        }
    }
    for port in &signature.outputs {
        if !draft.task.outputs.iter().any(|output| output.name == port.name) {
            draft.task.outputs.push(OutputDef {
                name: port.name.into(),
                artifact_type: port.artifact_type.into(),
                path: None,
                asset: None,
            });
        }
    }
}

/// Reports inputs that get an artifact of another type than the component reads.
pub(super) fn check_links(drafts: &[Draft<'_>], catalog: &Catalog, report: &mut Report<'_>) {
    let positions: HashMap<&str, usize> = drafts.iter().enumerate().map(|(position, draft)| (draft.task.id.as_str(), position)).collect();
    for draft in drafts {
        let Action::Component { name, .. } = &draft.task.action else { continue };
        let Some(signature) = catalog.get(name) else { continue };
        for link in &draft.links {
            let Some(port) = signature.inputs.iter().find(|port| port.name == link.input) else { continue };
            let Some(&writer) = positions.get(link.task) else { continue };
            let Some(output) = drafts[writer].task.outputs.iter().find(|output| output.name == link.output) else { continue };
            if output.artifact_type != port.artifact_type {
                let message = format!(
                    "component `{name}` reads a {} as `{}`, and `{}.{}` is a {}",
                    port.artifact_type, port.name, link.task, link.output, output.artifact_type
                );
                report.error(
                    "type-mismatch",
                    link.node.span.clone(),
                    message,
                    Some(format!("connect an output of type {}", port.artifact_type)),
                );
            }
        }
    }
}
