//! `when` and gates.
//!
//! The `cel` crate parses and evaluates; it has no checker and keeps whole and decimal numbers apart. So the parsed
//! tree is walked here first: names and types are checked, what could run long is refused, and every number becomes a
//! double, which makes `metrics.auc - 1 > 0` and `params.n > 3` mean what they say.

mod walk;

use super::{Finding, Names, Root, Scope, Use, lookup, names::measured};
use crate::{model::GateLine, stdx::ids::as_identifier};
use cel::{Context, IdedExpr, Value as Cel, objects::Key};
use serde_json::{Map, Value};
use std::{collections::HashMap, sync::Arc};
use walk::Walk;

/// Longest expression. Together with [`DEEPEST`] and the absence of loops it bounds the time of an evaluation.
const LONGEST: usize = 2_000;
/// Deepest nesting of brackets.
const DEEPEST: u16 = 24;
/// Most operators and dots: a chain of them is a tree as deep as the chain is long, and the parser walks it by recursion.
const MOST_OPERATORS: usize = 150;

/// Whether `expression` holds.
///
/// # Errors
/// A sentence that names what is missing or of the wrong type.
pub fn condition(expression: &str, scope: &Scope) -> Result<bool, String> {
    let tree = parse(expression).map_err(|finding| format!("`{expression}`: {}", finding.message))?;
    let walk = Walk::over(&tree, expression, None, Use::When);
    if let Some(finding) = walk.findings.first() {
        return Err(format!("`{expression}`: {}", finding.message));
    }
    evaluate(tree, expression, scope).map_err(|error| {
        let missing: Vec<String> =
            walk.named.iter().filter(|path| find(path, scope).is_none()).map(|path| format!("`{}` has no value", path.join("."))).collect();
        if missing.is_empty() {
            let read = walk.named.iter().filter_map(|path| find(path, scope).map(|value| measured(&path.join("."), value)));
            format!("{error} ({})", read.collect::<Vec<_>>().join(", "))
        } else {
            format!("`{expression}`: {}", missing.join(", "))
        }
    })
}

/// Evaluates one gate expression; a metric it names that is missing or not finite rejects it, whatever stands around.
///
/// The one exception is a metric for which the same expression asks `has(metrics.x)`: it may be missing.
pub fn gate(expression: &str, scope: &Scope) -> GateLine {
    let line = |passed, measured: String| GateLine { expression: expression.to_owned(), passed, measured };
    let tree = match parse(expression) {
        Ok(tree) => tree,
        Err(finding) => return line(false, finding.message),
    };
    let walk = Walk::over(&tree, expression, None, Use::Gate);
    if let Some(finding) = walk.findings.first() {
        return line(false, finding.message.clone());
    }
    let mut measured = Vec::new();
    let mut complete = true;
    for path in &walk.mentioned {
        let (text, good) = measure(path, scope, walk.guarded.contains(path));
        measured.push(text);
        complete &= good;
    }
    let verdict = evaluate(tree, expression, scope);
    if let (true, Err(error)) = (complete, &verdict) {
        measured.push(error.clone());
    }
    line(complete && verdict == Ok(true), measured.join(", "))
}

/// The metrics that `expression` names of its own task, guarded ones left out.
pub fn metrics_named(expression: &str) -> Vec<String> {
    let Ok(tree) = parse(expression) else { return Vec::new() };
    let walk = Walk::over(&tree, expression, None, Use::Gate);
    let own = walk.named.iter().filter(|path| path.len() == 2 && path[0] == Root::Metrics.name() && !walk.guarded.contains(*path));
    own.map(|path| path[1].clone()).collect()
}

/// Everything that can be wrong with an expression before its values are known.
pub fn check(expression: &str, usage: Use, names: &Names<'_>) -> Vec<Finding> {
    match parse(expression) {
        Ok(tree) => Walk::over(&tree, expression, Some(names), usage).findings,
        Err(finding) => vec![finding],
    }
}

fn parse(expression: &str) -> Result<IdedExpr, Finding> {
    if expression.len() > LONGEST {
        return Err(Finding::error("bad-cel", 0..1, format!("the expression is longer than {LONGEST} characters"))
            .hint("compute the value in a task and compare an output parameter or a metric"));
    }
    if expression.trim().is_empty() {
        return Err(Finding::error("bad-cel", 0..expression.len(), "the expression is empty"));
    }
    if let Some(what) = too_tangled(expression) {
        return Err(
            Finding::error("bad-cel", 0..expression.len(), what).hint("split it into several gate expressions, or compute it in a task")
        );
    }
    cel::parser::PrattParser::new().max_recursion_depth(DEEPEST).error_recovery_limit(4).parse(expression).map_err(|errors| {
        let Some(first) = errors.errors.into_iter().next() else {
            return Finding::error("bad-cel", 0..expression.len(), "not an expression");
        };
        let at = offset(expression, first.pos).min(expression.len().saturating_sub(1));
        Finding::error("bad-cel", at..at + 1, format!("not a valid expression: {}", first.msg))
    })
}

/// Why an expression is not even parsed. Brackets and operators within texts count too: nobody needs that many of either.
fn too_tangled(expression: &str) -> Option<&'static str> {
    let (mut depth, mut deepest) = (0usize, 0);
    for byte in expression.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    let operators = expression.bytes().filter(|byte| b"+-*/%<>=!&|?:.,".contains(byte)).count();
    match () {
        () if deepest > usize::from(DEEPEST) => Some("the expression is nested too deeply"),
        () if operators > MOST_OPERATORS => Some("the expression has too many operators"),
        () => None,
    }
}

/// The byte at line and column as the parser counts them.
fn offset(text: &str, (line, column): (isize, isize)) -> usize {
    let line = usize::try_from(line).unwrap_or(1).max(1);
    let before: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let column = usize::try_from(column).unwrap_or(1).saturating_sub(1);
    before + text[before..].chars().take(column).map(char::len_utf8).sum::<usize>()
}

fn evaluate(mut tree: IdedExpr, expression: &str, scope: &Scope) -> Result<bool, String> {
    walk::numbers_to_doubles(&mut tree);
    let mut context = Context::default();
    for root in Root::ALL {
        let mut value = map(scope.root(root));
        if root == Root::Git {
            // Outside a repository there is no branch; that is not an error but a branch unlike any other.
            for name in ["commit", "branch", "dirty"] {
                value.entry(name.into()).or_insert(Cel::Null);
            }
        }
        context.add_variable_from_value(root.name(), Cel::Map(value.into()));
    }
    match Cel::resolve(&tree, &context) {
        Ok(Cel::Bool(verdict)) => Ok(verdict),
        Ok(_) => Err(format!("`{expression}` is not true or false")),
        Err(error) => Err(format!("`{expression}`: {}", said(&error.to_string()))),
    }
}

/// What the library says of values whose types do not go together, in words of ours.
fn said(error: &str) -> String {
    let mixed = error.contains("no matching overload") && error.contains("string") && error.contains("double");
    if mixed { "a text is no number; `int(…)` or `double(…)` makes one of it".to_owned() } else { error.to_owned() }
}

fn map(values: &Map<String, Value>) -> HashMap<Key, Cel> {
    values.iter().map(|(key, value)| (Key::from(as_identifier(key)), to_cel(value))).collect()
}

fn to_cel(value: &Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(value) => Cel::Bool(*value),
        Value::Number(number) => number.as_f64().map_or(Cel::Null, Cel::Float),
        Value::String(text) => Cel::String(Arc::new(text.clone())),
        Value::Array(list) => Cel::List(Arc::new(list.iter().map(to_cel).collect())),
        Value::Object(object) => Cel::Map(map(object).into()),
    }
}

fn find<'a>(path: &[String], scope: &'a Scope) -> Option<&'a Value> {
    let mut found = lookup(scope.root(Root::named(path.first()?)?), path.get(1)?)?;
    for name in &path[2..] {
        found = lookup(found.as_object()?, name)?;
    }
    (!found.is_null()).then_some(found)
}

fn is_metric(path: &[String]) -> bool {
    path[0] == Root::Metrics.name() || (path[0] == Root::Tasks.name() && path.get(2).is_some_and(|p| p == Root::Metrics.name()))
}

/// What is known of one name, and whether the gate may go on.
fn measure(path: &[String], scope: &Scope, guarded: bool) -> (String, bool) {
    let name = path.join(".");
    match find(path, scope) {
        None if is_metric(path) => (format!("{name} is missing"), guarded),
        None => (format!("{name} has no value"), true),
        Some(value) if is_metric(path) && !value.as_f64().is_some_and(f64::is_finite) => (format!("{name} is not finite"), false),
        Some(value) => (measured(&name, value), true),
    }
}

#[cfg(test)]
mod tests;
