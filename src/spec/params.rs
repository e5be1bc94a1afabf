//! `[params]`: short and full form.

use super::keys::{self, Place};
use crate::{
    model::{ParamDef, ParamType, Report, did_you_mean},
    stdx::{
        ids,
        toml_tree::{Entry, Node, Table, Value},
    },
};

const TYPES: [&str; 8] = ["int", "float", "bool", "string", "choice", "date", "path", "secret"];

/// Reads `[params]`.
pub(super) fn read(table: &Table, report: &mut Report<'_>) -> Vec<ParamDef> {
    if !super::check_ids("param", table, report) {
        return Vec::new();
    }
    table.0.iter().filter(|entry| ids::is_valid(&entry.key)).filter_map(|entry| read_one(entry, report)).collect()
}

fn read_one(entry: &Entry, report: &mut Report<'_>) -> Option<ParamDef> {
    let short = |kind| Some(ParamDef::new(&entry.key, kind, Some(entry.node.to_json())));
    match &entry.node.value {
        Value::Int(_) => short(ParamType::Int { min: None, max: None }),
        Value::Float(number) if number.is_finite() => short(ParamType::Float { min: None, max: None }),
        Value::Bool(_) => short(ParamType::Bool),
        Value::Text(_) => short(ParamType::String),
        Value::Date(_) => {
            let param = ParamDef::new(&entry.key, ParamType::Date, None);
            Some(ParamDef { default: default(&param, &entry.node, report), ..param })
        }
        Value::Table(table) => read_full(entry, table, report),
        Value::Float(_) => {
            report.error(
                "bad-param",
                entry.node.span.clone(),
                format!("the default of param `{}` is not a finite number", entry.key),
                None,
            );
            None
        }
        Value::List(_) => {
            let message = format!("param `{}` takes a number, a text, a date, true or false, or a table, not a list", entry.key);
            report.error("wrong-type", entry.node.span.clone(), message, None);
            None
        }
    }
}

fn read_full(entry: &Entry, table: &Table, report: &mut Report<'_>) -> Option<ParamDef> {
    keys::check(Place::Param, table, report);
    let kind = kind(entry, table, report)?;
    let mut param = ParamDef::new(&entry.key, kind, None);
    param.description = table.text("description").unwrap_or_default().to_owned();
    param.group = table.text("group").unwrap_or_default().trim().to_owned();
    match (table.entry("default"), &param.kind) {
        (Some(entry), ParamType::Secret { variable }) => {
            let hint = format!("remove it; whoever starts a run gives the value, or the variable {variable} holds it");
            report.error("bad-param", entry.key_span.clone(), "a secret in the file would be none", Some(hint));
        }
        // The param exists, whatever is wrong with its default: whoever names it is not to be told otherwise.
        (Some(entry), _) => param.default = default(&param, &entry.node, report),
        (None, _) => {}
    }
    Some(param)
}

fn default(param: &ParamDef, node: &Node, report: &mut Report<'_>) -> Option<serde_json::Value> {
    let value = node.to_json();
    // A quoted number is a text: only the command line may leave the type to the declaration.
    let quoted = value.is_string() && matches!(param.kind, ParamType::Int { .. } | ParamType::Float { .. } | ParamType::Bool);
    let result = if quoted { Err(mismatch(param, node)) } else { param.typed(&value) };
    result.map_err(|message| report.error("bad-param", node.span.clone(), message, None)).ok()
}

fn mismatch(param: &ParamDef, node: &Node) -> String {
    let wanted = match param.kind {
        ParamType::Int { .. } => "a whole number",
        ParamType::Float { .. } => "a number",
        ParamType::Bool => "true or false",
        _ => "a text",
    };
    format!("the default of param `{}` must be {wanted}, not {}", param.name, node.kind())
}

fn kind(entry: &Entry, table: &Table, report: &mut Report<'_>) -> Option<ParamType> {
    let name = match (table.get("type"), table.get("default")) {
        (Some(node), _) => match node.as_text() {
            Some(name) if TYPES.contains(&name) => name,
            Some(name) => {
                let hint = did_you_mean(name, TYPES).unwrap_or_else(|| format!("types are {}", TYPES.join(", ")));
                report.error("bad-param", node.span.clone(), format!("there is no type `{name}`"), Some(hint));
                return None;
            }
            None => return None,
        },
        (None, _) if table.get("choices").is_some() => "choice",
        (None, Some(default)) => match default.value {
            Value::Int(_) => "int",
            Value::Float(_) => "float",
            Value::Bool(_) => "bool",
            Value::Date(_) => "date",
            _ => "string",
        },
        (None, None) => {
            let message = format!("param `{}` has neither `type` nor `default`", entry.key);
            report.error("bad-param", entry.key_span.clone(), message, Some(format!("write {} = {{ type = \"int\" }}", entry.key)));
            return None;
        }
    };
    check_keys_fit(name, table, report);
    match name {
        "int" => int_bounds(table, report),
        "float" => float_bounds(table, report),
        "bool" => Some(ParamType::Bool),
        "choice" => choices(entry, table, report),
        "date" => Some(ParamType::Date),
        "path" => Some(ParamType::Path),
        "secret" => Some(ParamType::Secret { variable: variable(entry, table, report) }),
        _ => Some(ParamType::String),
    }
}

fn check_keys_fit(kind: &str, table: &Table, report: &mut Report<'_>) {
    for (key, kinds) in [("min", "int or float"), ("max", "int or float"), ("choices", "choice"), ("env", "secret")] {
        if let Some(entry) = table.entry(key)
            && !kinds.split(" or ").any(|fits| fits == kind)
        {
            report.error(
                "bad-param",
                entry.key_span.clone(),
                format!("`{key}` belongs to params of type {kinds}, and this is {kind}"),
                None,
            );
        }
    }
}

fn int_bounds(table: &Table, report: &mut Report<'_>) -> Option<ParamType> {
    for key in ["min", "max"] {
        if let Some(node) = table.get(key)
            && matches!(node.value, Value::Float(_))
        {
            report.error("bad-param", node.span.clone(), format!("`{key}` of an int param is a whole number"), None);
        }
    }
    let (min, max) = (table.get("min").and_then(Node::as_int), table.get("max").and_then(Node::as_int));
    check_order(min.zip(max).is_some_and(|(min, max)| min > max), table, report);
    Some(ParamType::Int { min, max })
}

fn float_bounds(table: &Table, report: &mut Report<'_>) -> Option<ParamType> {
    let bound = |key| table.get(key).and_then(|node: &Node| node.to_json().as_f64());
    let (min, max) = (bound("min"), bound("max"));
    check_order(min.zip(max).is_some_and(|(min, max)| min > max), table, report);
    Some(ParamType::Float { min, max })
}

fn check_order(wrong: bool, table: &Table, report: &mut Report<'_>) {
    if let Some(node) = table.get("min").filter(|_| wrong) {
        report.error("bad-param", node.span.clone(), "`min` is greater than `max`, so that no value is allowed", None);
    }
}

fn choices(entry: &Entry, table: &Table, report: &mut Report<'_>) -> Option<ParamType> {
    let choices: Vec<String> = table.list("choices").iter().filter_map(Node::as_text).map(str::to_owned).collect();
    if choices.is_empty() {
        let place = table.entry("choices").map_or(entry.key_span.clone(), |choices| choices.node.span.clone());
        report.error(
            "bad-param",
            place,
            format!("param `{}` of type choice needs `choices`", entry.key),
            Some("list them: choices = [\"a\", \"b\"]".into()),
        );
        return None;
    }
    let twice = table
        .list("choices")
        .iter()
        .enumerate()
        .find(|(at, node)| node.as_text().is_some_and(|text| choices[..*at].iter().any(|c| c == text)));
    if let Some((_, node)) = twice {
        report.error("duplicate", node.span.clone(), format!("`{}` stands twice in `choices`", node.as_text().unwrap_or_default()), None);
    }
    Some(ParamType::Choice { choices })
}

/// The variable that holds a secret: the one that `env` names, or the param's name in capitals.
fn variable(entry: &Entry, table: &Table, report: &mut Report<'_>) -> String {
    let usual = ids::as_identifier(&entry.key).to_uppercase();
    let Some(node) = table.get("env") else { return usual };
    let Some(name) = node.as_text() else { return usual };
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(good) || name.starts_with(|c: char| c.is_ascii_digit()) {
        let message = format!("`{name}` cannot be the name of a variable");
        report.error("bad-param", node.span.clone(), message, Some(format!("write letters, digits and `_`, such as env = \"{usual}\"")));
        return usual;
    }
    if name.starts_with("FLOWYARD_") {
        let message = "variables that begin with FLOWYARD_ are flowyard's own";
        report.error("bad-param", node.span.clone(), message, Some(format!("take another one, such as env = \"{usual}\"")));
        return usual;
    }
    name.to_owned()
}
