//! Expressions (CEL) and text templates: checked when a file is read, evaluated later, pure.

pub mod cel;
pub mod template;

use serde_json::{Map, Value};

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
