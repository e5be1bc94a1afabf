//! docs/components.md says of every component what its signature says.

use flowyard::{
    components,
    model::{ArgKind, ComponentSignature, PortSignature},
};
use std::fmt::Write;

fn kind(kind: ArgKind) -> &'static str {
    match kind {
        ArgKind::String => "text",
        ArgKind::Int => "whole number",
        ArgKind::Float => "number",
        ArgKind::Bool => "true or false",
        ArgKind::Strings => "list of texts",
        ArgKind::Any => "table or list of tables",
    }
}

fn ports(ports: &[PortSignature]) -> String {
    let texts: Vec<String> = ports.iter().map(|port| format!("`{}` ({})", port.name, port.artifact_type)).collect();
    or_none(texts)
}

fn names(names: &[&str]) -> String {
    or_none(names.iter().map(|name| format!("`{name}`")).collect())
}

fn or_none(texts: Vec<String>) -> String {
    if texts.is_empty() { "none".to_owned() } else { texts.join(", ") }
}

fn section(component: &ComponentSignature) -> String {
    let mut text = format!("## {}\n\n{}.\n\n", component.name, component.summary);
    let _ = writeln!(text, "Inputs: {}. Outputs: {}.", ports(&component.inputs), ports(&component.outputs));
    let _ = writeln!(text, "Metrics: {}. Output parameters: {}.\n", names(&component.metrics), names(&component.output_parameters));
    text.push_str("| `with` | holds | must be given | meaning |\n|---|---|---|---|\n");
    for arg in &component.args {
        let must = if arg.required { "yes" } else { "no" };
        let _ = writeln!(text, "| `{}` | {} | {must} | {} |", arg.name, kind(arg.kind), arg.help);
    }
    text
}

#[test]
fn every_component_is_described_as_it_is() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/components.md");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lost: Vec<String> = components::catalog().components.iter().map(section).filter(|section| !text.contains(section)).collect();
    assert!(lost.is_empty(), "docs/components.md should hold:\n\n{}", lost.join("\n"));
}
