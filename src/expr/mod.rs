//! Expressions (CEL) and text templates: checked when a file is read, evaluated later, pure.

pub mod cel;
mod names;
pub mod shell;
pub mod template;

pub use names::{Names, TaskNames, Type, Use};

use crate::{model::Severity, stdx::ids::as_identifier};
use serde_json::{Map, Value};
use std::ops::Range;

/// The values that `when`, gates and templates can name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scope {
    /// `params.NAME`.
    pub params: Map<String, Value>,
    /// `metrics.NAME`: of the task whose gate is asked, else of no task.
    pub metrics: Map<String, Value>,
    /// `outputs.NAME`: output parameters in `when` and gates, paths in templates.
    pub outputs: Map<String, Value>,
    /// `inputs.NAME`: paths.
    pub inputs: Map<String, Value>,
    /// `tasks.TASK.outputs.NAME`: for each upstream task an object `{"outputs": {…}, "metrics": {…}}`.
    pub tasks: Map<String, Value>,
    /// `run.id`, `run.logical_date`.
    pub run: Map<String, Value>,
    /// `git.commit`, `git.branch`, `git.dirty`.
    pub git: Map<String, Value>,
}

impl Scope {
    /// The values below one root.
    pub const fn root(&self, root: Root) -> &Map<String, Value> {
        match root {
            Root::Params => &self.params,
            Root::Metrics => &self.metrics,
            Root::Outputs => &self.outputs,
            Root::Inputs => &self.inputs,
            Root::Tasks => &self.tasks,
            Root::Run => &self.run,
            Root::Git => &self.git,
        }
    }
}

/// The first word of every name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// Values given to the run.
    Params,
    /// What the task measured.
    Metrics,
    /// What the task wrote.
    Outputs,
    /// What the task reads.
    Inputs,
    /// Other tasks.
    Tasks,
    /// The run.
    Run,
    /// The state of the repository.
    Git,
}

impl Root {
    /// All of them.
    pub const ALL: [Self; 7] = [Self::Params, Self::Metrics, Self::Outputs, Self::Inputs, Self::Tasks, Self::Run, Self::Git];

    /// As written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Params => "params",
            Self::Metrics => "metrics",
            Self::Outputs => "outputs",
            Self::Inputs => "inputs",
            Self::Tasks => "tasks",
            Self::Run => "run",
            Self::Git => "git",
        }
    }

    /// The root of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|root| root.name() == name)
    }
}

/// Something wrong within a text; the place is counted in bytes of that text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// A stable name.
    pub code: &'static str,
    /// Where.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl Finding {
    /// A finding without a hint.
    pub fn new(severity: Severity, code: &'static str, span: Range<usize>, message: impl Into<String>) -> Self {
        Self { severity, code, span, message: message.into(), hint: None }
    }
    /// An error without a hint.
    pub fn error(code: &'static str, span: Range<usize>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, span, message)
    }
    /// The same with a hint.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// The value of a name, where `-` reads as `_`.
fn lookup<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let wanted = as_identifier(name);
    map.get(name).or_else(|| map.iter().find(|(key, _)| as_identifier(key) == wanted).map(|(_, value)| value))
}
