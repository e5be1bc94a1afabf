//! One walk over a parsed expression: what it names, what types it combines, what is refused.

use super::super::{Finding, Names, Root, Type, Use};
use crate::{model::did_you_mean, stdx::ids::as_identifier};
use cel::{
    IdedExpr,
    common::ast::{CallExpr, Expr, LiteralValue, operators as op},
};
use std::collections::HashSet;

/// Functions that can be called, with the type of what they give.
const FUNCTIONS: &[(&str, Type)] = &[
    ("size", Type::Number),
    ("double", Type::Number),
    ("int", Type::Number),
    ("string", Type::Text),
    ("contains", Type::Bool),
    ("startsWith", Type::Bool),
    ("endsWith", Type::Bool),
    ("matches", Type::Bool),
];
/// Deepest tree that is evaluated: the crate recurses, and a build without optimisation spends much stack on each level.
/// Chains of `&&` and `||` are balanced trees, so that this bounds sums and nesting, not the number of conditions.
const DEEPEST: usize = 40;

/// What an expression is made of.
pub(super) struct Walk<'a> {
    expression: &'a str,
    names: Option<&'a Names<'a>>,
    usage: Use,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// Every path it reads, in order, each once.
    pub named: Vec<Vec<String>>,
    /// Every path it reads or asks for by `has`, in order, each once.
    pub mentioned: Vec<Vec<String>>,
    /// Those it asks for by `has`.
    pub guarded: HashSet<Vec<String>>,
}

impl<'a> Walk<'a> {
    /// Walks the whole tree; without `names` only what needs none is checked.
    pub fn over(tree: &IdedExpr, expression: &'a str, names: Option<&'a Names<'a>>, usage: Use) -> Self {
        let mut walk =
            Self { expression, names, usage, findings: Vec::new(), named: Vec::new(), mentioned: Vec::new(), guarded: HashSet::new() };
        let kind = walk.visit(tree, 0);
        if !matches!(kind, Type::Bool | Type::Any) && walk.findings.is_empty() {
            let finding = Finding::error("cel-type", 0..expression.len(), format!("the expression is {}, not true or false", kind.name()));
            walk.findings.push(finding.hint("compare it with something, such as `metrics.auc >= 0.9`"));
        }
        walk
    }

    fn wrong(&mut self, code: &'static str, near: &str, message: String, hint: Option<String>) -> Type {
        let span = self.expression.find(near).map_or(0..self.expression.len(), |at| at..at + near.len());
        self.findings.push(Finding { hint, ..Finding::error(code, span, message) });
        Type::Any
    }

    fn visit(&mut self, node: &IdedExpr, depth: usize) -> Type {
        if depth > DEEPEST {
            return self.wrong("bad-cel", self.expression, "the expression is nested too deeply".into(), None);
        }
        if let Some(path) = path_of(node) {
            if path.len() > DEEPEST {
                return self.wrong("bad-cel", self.expression, "the expression is nested too deeply".into(), None);
            }
            return self.read(path);
        }
        match &node.expr {
            Expr::Literal(literal) => type_of_literal(literal),
            Expr::Select(select) if select.test => self.has(&select.operand, &select.field),
            Expr::Select(select) => {
                self.visit(&select.operand, depth + 1);
                Type::Any
            }
            Expr::List(list) => {
                for element in &list.elements {
                    self.visit(element, depth + 1);
                }
                Type::List
            }
            Expr::Call(call) => self.call(call, depth + 1),
            Expr::Comprehension(_) => self.refuse("loops such as `exists` and `map` are"),
            Expr::Map(_) | Expr::Struct(_) => self.refuse("maps are"),
            Expr::Ident(_) | Expr::Unspecified => self.refuse("this is"),
        }
    }

    fn refuse(&mut self, what: &str) -> Type {
        let hint = "compute the value in a task and compare an output parameter or a metric";
        self.wrong("bad-cel", self.expression, format!("{what} not supported in conditions"), Some(hint.into()))
    }

    /// A path like `params.x` is read.
    fn read(&mut self, path: Vec<String>) -> Type {
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        let text = parts.join(".");
        let start = self.expression.find(&text).unwrap_or(0);
        let finding = match self.names {
            Some(names) => names.check(&places(&parts, start), self.span_of(&text), self.usage),
            None => whole_map(&parts).then(|| Finding::error("unknown-name", self.span_of(&text), format!("`{text}` alone is no value"))),
        };
        let kind = self.names.map_or(Type::Any, |names| names.type_of(&parts));
        self.findings.extend(finding);
        let path: Vec<String> = path.iter().map(|part| as_identifier(part)).collect();
        remember(&mut self.named, &path);
        remember(&mut self.mentioned, &path);
        kind
    }

    fn span_of(&self, text: &str) -> std::ops::Range<usize> {
        self.expression.find(text).map_or(0..self.expression.len(), |at| at..at + text.len())
    }

    /// `has(path.field)`.
    fn has(&mut self, operand: &IdedExpr, field: &str) -> Type {
        let Some(mut path) = path_of(operand) else {
            return self.wrong("bad-cel", "has", "`has` asks for a name, such as `has(metrics.auc)`".into(), None);
        };
        path.push(as_identifier(field));
        if path.len() > DEEPEST {
            return self.wrong("bad-cel", self.expression, "the expression is nested too deeply".into(), None);
        }
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        let text = parts.join(".");
        let finding = self
            .names
            .and_then(|names| names.check(&places(&parts, self.expression.find(&text).unwrap_or(0)), self.span_of(&text), self.usage));
        self.findings.extend(finding);
        remember(&mut self.mentioned, &path);
        self.guarded.insert(path);
        Type::Bool
    }

    fn call(&mut self, call: &CallExpr, depth: usize) -> Type {
        let kinds: Vec<Type> = call.args.iter().map(|argument| self.visit(argument, depth)).collect();
        let symbol = call.func_name.trim_matches('_').trim_start_matches('@');
        match (call.func_name.as_str(), kinds.as_slice()) {
            (op::LOGICAL_AND | op::LOGICAL_OR | op::LOGICAL_NOT, _) => self.all(&kinds, Type::Bool, symbol, Type::Bool),
            (op::LESS | op::LESS_EQUALS | op::GREATER | op::GREATER_EQUALS, [a, b]) => self.compare(*a, *b, symbol, true),
            (op::EQUALS | op::NOT_EQUALS, [a, b]) => {
                self.check_choice(call);
                self.compare(*a, *b, symbol, false)
            }
            (op::ADD, [Type::Text, _] | [_, Type::Text]) => self.all(&kinds, Type::Text, symbol, Type::Text),
            (op::ADD, [Type::Any, _] | [_, Type::Any]) => Type::Any,
            (op::ADD | op::SUBSTRACT | op::MULTIPLY | op::DIVIDE | op::NEGATE, _) => self.all(&kinds, Type::Number, symbol, Type::Number),
            (op::MODULO, _) => self.wrong("cel-type", "%", "`%` needs whole numbers, and numbers are decimal here".into(), None),
            (op::CONDITIONAL, [condition, yes, no]) => {
                self.all(&[*condition], Type::Bool, "?", Type::Any);
                if yes == no { *yes } else { Type::Any }
            }
            (op::IN, [_, container]) => self.all(&[*container], Type::List, "in", Type::Bool),
            (op::INDEX, _) => Type::Any,
            _ => self.function(call, &kinds, depth),
        }
    }

    fn function(&mut self, call: &CallExpr, arguments: &[Type], depth: usize) -> Type {
        let target = call.target.as_ref().map(|target| self.visit(target, depth));
        let name = call.func_name.as_str();
        let Some((_, gives)) = FUNCTIONS.iter().find(|(known, _)| *known == name) else {
            let hint = did_you_mean(name, FUNCTIONS.iter().map(|(name, _)| *name));
            return self.wrong("unknown-name", name, format!("there is no function `{name}`"), hint);
        };
        if *gives == Type::Bool {
            // `text.contains("x")`: both are texts.
            let all: Vec<Type> = target.into_iter().chain(arguments.iter().copied()).collect();
            return self.all(&all, Type::Text, name, Type::Bool);
        }
        *gives
    }

    /// Every operand must be of one type.
    fn all(&mut self, kinds: &[Type], wanted: Type, symbol: &str, gives: Type) -> Type {
        if let Some(kind) = kinds.iter().find(|kind| **kind != wanted && **kind != Type::Any) {
            return self.wrong(
                "cel-type",
                symbol,
                format!("`{symbol}` works on {}, and here stands {}", plural(wanted), kind.name()),
                None,
            );
        }
        gives
    }

    fn compare(&mut self, a: Type, b: Type, symbol: &str, ordered: bool) -> Type {
        if a != b && a != Type::Any && b != Type::Any {
            let never = if ordered { "which have no order" } else { "which are never equal" };
            return self.wrong("cel-type", symbol, format!("`{symbol}` compares {} with {}, {never}", a.name(), b.name()), None);
        }
        if ordered && [a, b].iter().any(|kind| matches!(kind, Type::Bool | Type::List)) {
            return self.wrong("cel-type", symbol, format!("`{symbol}` cannot order {}", a.name()), None);
        }
        Type::Bool
    }

    /// `params.model == "gdbt"` where `gdbt` is no choice is never true.
    fn check_choice(&mut self, call: &CallExpr) {
        let [a, b] = call.args.as_slice() else { return };
        for (name, value) in [(a, b), (b, a)] {
            let (Some(path), Expr::Literal(LiteralValue::String(text))) = (path_of(name), &value.expr) else { continue };
            let parts: Vec<&str> = path.iter().map(String::as_str).collect();
            let Some(choices) = self.names.and_then(|names| names.choices(&parts)) else { continue };
            if !choices.iter().any(|choice| choice == text.inner()) {
                let hint = did_you_mean(text.inner(), choices.iter().map(String::as_str))
                    .unwrap_or_else(|| format!("its choices are {}", choices.join(", ")));
                let message = format!("`{}` is no choice of `{}`", text.inner(), parts.join("."));
                self.wrong("cel-type", text.inner(), message, Some(hint));
            }
        }
    }
}

const fn plural(kind: Type) -> &'static str {
    match kind {
        Type::Number => "numbers",
        Type::Bool => "true or false",
        Type::Text => "texts",
        Type::List => "lists",
        Type::Any => "values",
    }
}

fn remember(list: &mut Vec<Vec<String>>, path: &[String]) {
    if !list.iter().any(|known| known == path) {
        list.push(path.to_vec());
    }
}

fn whole_map(parts: &[&str]) -> bool {
    match Root::named(parts[0]) {
        Some(Root::Tasks) => parts.len() < 4,
        Some(_) => parts.len() < 2,
        None => false,
    }
}

fn places<'p>(parts: &[&'p str], start: usize) -> Vec<(&'p str, std::ops::Range<usize>)> {
    let mut at = start;
    let mut placed = Vec::new();
    for part in parts {
        placed.push((*part, at..at + part.len()));
        at += part.len() + 1;
    }
    placed
}

fn type_of_literal(literal: &LiteralValue) -> Type {
    match literal {
        LiteralValue::Boolean(_) => Type::Bool,
        LiteralValue::Double(_) | LiteralValue::Int(_) | LiteralValue::UInt(_) => Type::Number,
        LiteralValue::String(_) => Type::Text,
        LiteralValue::Bytes(_) | LiteralValue::Null => Type::Any,
    }
}

/// `a.b.c`, or `a["b"].c`, as names.
fn path_of(node: &IdedExpr) -> Option<Vec<String>> {
    let (mut names, mut at) = (Vec::new(), node);
    loop {
        match &at.expr {
            Expr::Ident(name) => {
                names.push(name.clone());
                names.reverse();
                return Some(names);
            }
            Expr::Select(select) if !select.test => {
                names.push(select.field.clone());
                at = &select.operand;
            }
            Expr::Call(call) if call.func_name == op::INDEX => match call.args.as_slice() {
                [operand, IdedExpr { expr: Expr::Literal(LiteralValue::String(name)), .. }] => {
                    names.push(name.inner().to_owned());
                    at = operand;
                }
                _ => return None,
            },
            _ => return None,
        }
    }
}

/// Makes every number a double, also those that functions count.
pub(super) fn numbers_to_doubles(node: &mut IdedExpr) {
    let id = node.id;
    match &mut node.expr {
        Expr::Literal(literal) => {
            let number = match literal {
                LiteralValue::Int(number) => *number.inner() as f64,
                LiteralValue::UInt(number) => *number.inner() as f64,
                LiteralValue::String(_)
                | LiteralValue::Double(_)
                | LiteralValue::Boolean(_)
                | LiteralValue::Bytes(_)
                | LiteralValue::Null => return,
            };
            *literal = LiteralValue::Double(number.into());
        }
        Expr::Select(select) => {
            select.field = as_identifier(&select.field);
            numbers_to_doubles(&mut select.operand);
        }
        Expr::List(list) => list.elements.iter_mut().for_each(numbers_to_doubles),
        Expr::Call(call) => {
            if let Some(target) = &mut call.target {
                numbers_to_doubles(target);
            }
            let is_index = call.func_name == op::INDEX;
            for (position, argument) in call.args.iter_mut().enumerate() {
                match &mut argument.expr {
                    // Names keep `-` in JSON and have `_` here; positions in lists stay whole.
                    Expr::Literal(LiteralValue::String(name)) if is_index => *name = as_identifier(name.inner()).into(),
                    Expr::Literal(_) if is_index && position == 1 => {}
                    _ => numbers_to_doubles(argument),
                }
            }
            if matches!(call.func_name.as_str(), "size" | "int") {
                let inner = IdedExpr { id, expr: Expr::Call(std::mem::take(call)) };
                node.expr = Expr::Call(CallExpr { func_name: "double".into(), target: None, args: vec![inner] });
            }
        }
        Expr::Ident(_) | Expr::Comprehension(_) | Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {}
    }
}
