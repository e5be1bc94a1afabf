//! The definition of a pipeline, as a file says it and a run keeps it.

use super::{PipelineId, TaskId};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// Values of a run's params by name, as JSON values of the declared types.
pub type Params = serde_json::Map<String, serde_json::Value>;

/// A pipeline file, checked: every name resolves, the graph has no cycle, every expression parses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pipeline {
    /// The file's stem, or its `id`.
    pub id: PipelineId,
    /// One line for lists.
    #[serde(default)]
    pub description: String,
    /// Who to ask.
    #[serde(default)]
    pub owner: String,
    /// For filters.
    #[serde(default)]
    pub tags: Vec<String>,
    /// In order of declaration.
    #[serde(default)]
    pub params: Vec<ParamDef>,
    /// In order of declaration; the order is also that of drawings and lists.
    pub tasks: Vec<Task>,
    /// Parsed and checked, not yet acted upon.
    #[serde(default)]
    pub triggers: Vec<TriggerDef>,
    /// Who is told of what, such as `on_failure` → `email:…`; parsed and checked, not yet acted upon.
    #[serde(default)]
    pub notify: BTreeMap<String, Vec<String>>,
}

impl Pipeline {
    /// The task of that id.
    pub fn task(&self, id: &TaskId) -> Option<&Task> {
        self.tasks.iter().find(|task| task.id == *id)
    }
}

/// A value known before the run starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParamDef {
    /// Its name in `{{ params.NAME }}` and `-p NAME=…`.
    pub name: String,
    /// What values it takes.
    pub kind: ParamType,
    /// Used when nothing is given; without it the param must be given.
    pub default: Option<serde_json::Value>,
    /// For forms and help.
    #[serde(default)]
    pub description: String,
}

/// What values a param takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ParamType {
    /// A 64-bit whole number; bounds are inclusive.
    Int {
        /// Smallest allowed value.
        min: Option<i64>,
        /// Largest allowed value.
        max: Option<i64>,
    },
    /// A finite 64-bit float; bounds are inclusive.
    Float {
        /// Smallest allowed value.
        min: Option<f64>,
        /// Largest allowed value.
        max: Option<f64>,
    },
    /// `true` or `false`.
    Bool,
    /// Any text.
    String,
    /// One of some texts.
    Choice {
        /// The texts, in the order of the file.
        choices: Vec<String>,
    },
}

/// A node of the pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its name.
    pub id: TaskId,
    /// What it does.
    pub action: Action,
    /// Every task it waits for, each once: `needs`, then those its inputs come from. Resolved by the reader of the file.
    pub upstream: Vec<TaskId>,
    /// What it reads.
    #[serde(default)]
    pub inputs: Vec<InputDef>,
    /// What it writes.
    #[serde(default)]
    pub outputs: Vec<OutputDef>,
    /// Additional environment; values are templates.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Folder to start in, relative to the workspace; a template.
    #[serde(default)]
    pub cwd: Option<String>,
    /// How often a failed attempt is followed by another.
    #[serde(default)]
    pub retries: u32,
    /// Time between a failed attempt and the next.
    #[serde(with = "crate::stdx::duration::millis")]
    pub retry_delay: Duration,
    /// After this an attempt is ended.
    #[serde(default, with = "crate::stdx::duration::millis::option")]
    pub timeout: Option<Duration>,
    /// Time between TERM and KILL.
    #[serde(with = "crate::stdx::duration::millis")]
    pub grace: Duration,
    /// A file of JSON lines that the task writes, relative to the workspace, read instead of `$FLOWYARD_METRICS`.
    #[serde(default)]
    pub metrics: Option<String>,
    /// CEL expressions over metrics, params and outputs, all of which must be true after the attempt.
    #[serde(default)]
    pub gate: Vec<String>,
    /// A CEL expression; false skips the task.
    #[serde(default)]
    pub when: Option<String>,
}

/// Default time between TERM and KILL.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(10);

/// What a task does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Action {
    /// A shell script, as a template whose values are shell-quoted.
    Run {
        /// The script.
        script: String,
    },
    /// A program and its arguments, each a template; no shell.
    Argv {
        /// Program first.
        argv: Vec<String>,
    },
    /// A built-in component.
    Component {
        /// Its name in the catalog.
        name: String,
        /// Its arguments; texts within are templates.
        with: serde_json::Map<String, serde_json::Value>,
    },
}

/// Something a task reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputDef {
    /// Its name in `{{ inputs.NAME }}`.
    pub name: String,
    /// Where it comes from.
    pub source: InputSource,
}

/// Where an input comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum InputSource {
    /// The output of another task.
    Output {
        /// That task.
        task: TaskId,
        /// Its output's name.
        output: String,
    },
    /// A file or folder, relative to the workspace.
    Path {
        /// A template.
        path: String,
    },
}

/// Something a task writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputDef {
    /// Its name in `{{ outputs.NAME }}`.
    pub name: String,
    /// Artifact type, such as `Dataset` or `Model`.
    #[serde(rename = "type")]
    pub artifact_type: String,
    /// A fixed place relative to the workspace (a template), instead of a staging place of ours.
    #[serde(default)]
    pub path: Option<String>,
}

/// A trigger as declared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TriggerDef {
    /// `cron`, `every`, `files`, …: the key that makes it what it is.
    pub kind: String,
    /// What is shown: `0 2 * * *`.
    pub text: String,
    /// All its keys as declared.
    pub keys: serde_json::Map<String, serde_json::Value>,
}
