//! Which names a text of a task may use, known when the file is read.

use super::{Finding, Root};
use crate::{
    model::{InputDef, OutputDef, ParamDef, ParamType, TaskId, did_you_mean},
    stdx::ids::as_identifier,
};
use std::{collections::HashMap, ops::Range};

/// What kind of text names something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// `{{ … }}`.
    Template,
    /// `when`: before the task's own attempt.
    When,
    /// `gate`: after it.
    Gate,
}

/// What a task offers to those that wait for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskNames {
    /// Declared outputs.
    pub outputs: Vec<String>,
    /// Output parameters; `None` when only the script knows them.
    pub output_parameters: Option<Vec<String>>,
}

/// Everything that the texts of one task may name.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// The task.
    pub task: &'a TaskId,
    /// Of the pipeline.
    pub params: &'a [ParamDef],
    /// Of the task.
    pub inputs: &'a [InputDef],
    /// Of the task.
    pub outputs: &'a [OutputDef],
    /// What the task waits for, directly.
    pub upstream: &'a [TaskId],
    /// Every task of the pipeline, by its id as an identifier.
    pub tasks: &'a HashMap<String, TaskNames>,
}

/// What a name stands for, as far as it is known before the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// A number; whole numbers and decimal ones are not told apart.
    Number,
    /// `true` or `false`.
    Bool,
    /// A text.
    Text,
    /// A list.
    List,
    /// Known only later.
    Any,
}

impl Type {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Bool => "true or false",
            Self::Text => "a text",
            Self::List => "a list",
            Self::Any => "a value",
        }
    }
}

/// Names and where each stands.
pub type Path<'p> = [(&'p str, Range<usize>)];

impl Names<'_> {
    /// What is wrong with a path, if something is.
    pub fn check(&self, path: &Path<'_>, whole: Range<usize>, usage: Use) -> Option<Finding> {
        let (first, first_span) = path.first().cloned()?;
        let Some(root) = Root::named(first) else { return Some(unknown_root(first, first_span, whole)) };
        let Some((name, span)) = path.get(1).cloned() else {
            let message = format!("`{first}` alone is no value");
            return Some(Finding::error("unknown-name", whole, message).hint(format!("name one of them, such as `{first}.NAME`")));
        };
        if let Some(finding) = self.out_of_place(root, &whole, usage) {
            return Some(finding);
        }
        match root {
            Root::Params => known("param", name, span, self.params.iter().map(|p| p.name.as_str()))
                .or_else(|| too_deep(path, 2))
                .or_else(|| self.kept_secret(name, whole)),
            Root::Inputs => {
                known("input of this task", name, span, self.inputs.iter().map(|i| i.name.as_str())).or_else(|| too_deep(path, 2))
            }
            Root::Run => known("value of `run`", name, span, ["id", "logical_date"]).or_else(|| too_deep(path, 2)),
            Root::Git => known("value of `git`", name, span, ["commit", "branch", "dirty"]).or_else(|| too_deep(path, 2)),
            Root::Metrics => too_deep(path, 2),
            Root::Outputs => self.check_own_output(name, span, usage),
            Root::Tasks => self.check_task(path, name, span, whole),
        }
    }

    fn out_of_place(&self, root: Root, whole: &Range<usize>, usage: Use) -> Option<Finding> {
        let (message, hint) = match (usage, root) {
            (Use::Template, Root::Metrics) => {
                ("metrics are known only after the attempt; a template is filled in before it", "use them in `gate`")
            }
            (Use::When, Root::Metrics) => (
                "`when` is asked before the task runs, when it has no metrics yet",
                "name those of an upstream task: `tasks.TASK.metrics.NAME`",
            ),
            (Use::When, Root::Outputs) => (
                "`when` is asked before the task runs, when it has no outputs yet",
                "name those of an upstream task: `tasks.TASK.outputs.NAME`",
            ),
            _ => return None,
        };
        Some(Finding::error("unknown-name", whole.clone(), message).hint(hint))
    }

    /// What a text is filled in with is written down: in the command line, in history, in a gate's verdict.
    fn kept_secret(&self, name: &str, whole: Range<usize>) -> Option<Finding> {
        let param = self.param(name).filter(|param| param.is_secret())?;
        let message = format!("param `{}` is a secret, and what is filled in here would be written down", param.name);
        let hint = format!("the task finds it in `${}`", param.task_variable());
        Some(Finding::error("kept-secret", whole, message).hint(hint))
    }

    fn check_own_output(&self, name: &str, span: Range<usize>, usage: Use) -> Option<Finding> {
        if usage == Use::Template {
            return known("output of this task", name, span, self.outputs.iter().map(|o| o.name.as_str()));
        }
        let own = self.tasks.get(&as_identifier(self.task.as_str()))?.output_parameters.as_ref()?;
        known("output parameter of this task", name, span, own.iter().map(String::as_str))
    }

    fn check_task(&self, path: &Path<'_>, name: &str, span: Range<usize>, whole: Range<usize>) -> Option<Finding> {
        let id = as_identifier(name);
        let Some(task) = self.tasks.get(&id) else {
            let mut candidates: Vec<&str> = self.tasks.keys().map(String::as_str).collect();
            candidates.sort_unstable();
            return known("task", name, span, candidates);
        };
        if !self.upstream.iter().any(|up| same(up.as_str(), name)) {
            let message = format!("task `{}` does not wait for `{name}`, so its values may not be there yet", self.task);
            return Some(Finding::error("not-upstream", whole, message).hint(format!("add \"{name}\" to `needs`")));
        }
        match (path.get(2).map(|(name, _)| *name), path.get(3).cloned()) {
            (Some("outputs"), Some((output, span))) => {
                let parameters = task.output_parameters.as_ref()?;
                known(&format!("output of task `{name}`"), output, span, task.outputs.iter().chain(parameters).map(String::as_str))
            }
            (Some("metrics"), Some(_)) => too_deep(path, 4),
            _ => Some(
                Finding::error("unknown-name", whole, format!("`tasks.{name}` alone is no value"))
                    .hint(format!("name an output, `tasks.{name}.outputs.NAME`, or a metric, `tasks.{name}.metrics.NAME`")),
            ),
        }
    }

    /// What the path stands for.
    pub fn type_of(&self, path: &[&str]) -> Type {
        let Some(root) = path.first().and_then(|first| Root::named(first)) else { return Type::Any };
        match (root, path.get(1)) {
            (Root::Params, Some(name)) => self.param(name).map_or(Type::Any, |param| match param.kind {
                ParamType::Int { .. } | ParamType::Float { .. } => Type::Number,
                ParamType::Bool => Type::Bool,
                ParamType::String | ParamType::Choice { .. } | ParamType::Date | ParamType::Path | ParamType::Secret { .. } => Type::Text,
            }),
            (Root::Metrics, _) => Type::Number,
            (Root::Tasks, _) if path.get(2) == Some(&"metrics") => Type::Number,
            (Root::Git, Some(&"dirty")) => Type::Bool,
            (Root::Git | Root::Run | Root::Inputs, _) => Type::Text,
            _ => Type::Any,
        }
    }

    /// The texts that a choice param may hold.
    pub fn choices(&self, path: &[&str]) -> Option<&[String]> {
        match path {
            ["params", name] => match &self.param(name)?.kind {
                ParamType::Choice { choices } => Some(choices),
                _ => None,
            },
            _ => None,
        }
    }

    fn param(&self, name: &str) -> Option<&ParamDef> {
        self.params.iter().find(|param| same(&param.name, name))
    }
}

/// Whether two names are one: `-` reads as `_`.
fn same(a: &str, b: &str) -> bool {
    let plain = |byte: u8| if byte == b'-' { b'_' } else { byte };
    a.len() == b.len() && a.bytes().map(plain).eq(b.bytes().map(plain))
}

fn known<'a>(what: &str, name: &str, span: Range<usize>, candidates: impl IntoIterator<Item = &'a str>) -> Option<Finding> {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    if candidates.iter().any(|candidate| same(candidate, name)) {
        return None;
    }
    let hint = did_you_mean(name, candidates.iter().copied()).or_else(|| match candidates.as_slice() {
        [] => None,
        few if few.len() <= 6 => Some(format!("there is {}", few.iter().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", "))),
        _ => None,
    });
    Some(Finding { hint, ..Finding::error("unknown-name", span, format!("there is no {what} called `{name}`")) })
}

fn too_deep(path: &Path<'_>, length: usize) -> Option<Finding> {
    let (name, span) = path.get(length).cloned()?;
    let parent = path[..length].iter().map(|(name, _)| *name).collect::<Vec<_>>().join(".");
    Some(Finding::error("unknown-name", span, format!("`{parent}` is one value and has no `{name}` in it")))
}

fn unknown_root(name: &str, span: Range<usize>, whole: Range<usize>) -> Finding {
    if matches!(name, "matrix" | "item" | "args") {
        return Finding::error("not-supported-yet", whole, format!("`{name}` is not supported yet"));
    }
    let all = Root::ALL.iter().map(|root| root.name());
    let hint = did_you_mean(name, all.clone()).unwrap_or_else(|| format!("names begin with {}", all.collect::<Vec<_>>().join(", ")));
    Finding::error("unknown-name", span, format!("unknown name `{name}`")).hint(hint)
}

/// `name = value` of a JSON value, for messages. A text has its quotes: `rows = "3"` is not the number 3.
pub(super) fn measured(name: &str, value: &serde_json::Value) -> String {
    const LONGEST: usize = 200;
    let shown = value.to_string();
    match shown.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{name} = {}…", &shown[..end]),
        None => format!("{name} = {shown}"),
    }
}
