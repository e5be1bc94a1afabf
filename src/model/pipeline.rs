//! The definition of a pipeline, as a file says it and a run keeps it.

use super::{Named, Notify, PipelineId, Reason, Sensor, TaskId, TriggerDef, TriggerRule};
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
    /// Most runs of it that may be open at once; further ones wait.
    #[serde(default)]
    pub max_active_runs: Option<u32>,
    /// Most attempts of one run of it that may be open at once.
    #[serde(default)]
    pub max_active_tasks: Option<u32>,
    /// A run that takes longer, from its first attempt, is ended and fails.
    #[serde(default, with = "crate::stdx::duration::millis::option")]
    pub run_timeout: Option<Duration>,
    /// In order of declaration.
    #[serde(default)]
    pub params: Vec<ParamDef>,
    /// In order of declaration; the order is also that of drawings and lists.
    pub tasks: Vec<Task>,
    /// What starts runs by itself.
    #[serde(default)]
    pub triggers: Vec<TriggerDef>,
    /// Who is told of what, such as `on_failure` → `email:…`.
    #[serde(default)]
    pub notify: Notify,
}

impl Pipeline {
    /// A pipeline of these tasks, with nothing else said.
    pub fn new(id: PipelineId, tasks: Vec<Task>) -> Self {
        Self {
            id,
            description: String::new(),
            owner: String::new(),
            tags: Vec::new(),
            max_active_runs: None,
            max_active_tasks: None,
            run_timeout: None,
            params: Vec::new(),
            tasks,
            triggers: Vec::new(),
            notify: Notify::default(),
        }
    }

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
    /// Heading under which forms show it; empty: none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
}

impl ParamDef {
    /// A param of which nothing is said but what it takes.
    pub fn new(name: &str, kind: ParamType, default: Option<serde_json::Value>) -> Self {
        Self { name: name.to_owned(), kind, default, description: String::new(), group: String::new() }
    }

    /// Whether its value is kept from everybody but the tasks.
    pub const fn is_secret(&self) -> bool {
        matches!(self.kind, ParamType::Secret { .. })
    }
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
    /// A day, `2026-11-22`, or a moment, `2026-11-22T06:00:00Z`.
    Date,
    /// A file or folder, not necessarily there.
    Path,
    /// A text that is written down nowhere.
    Secret {
        /// The variable of the environment that holds it where it is not typed.
        variable: String,
    },
}

/// What is as usual is not written down: the definition of each run is kept, and most tasks say little.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<InputDef>,
    /// What it writes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<OutputDef>,
    /// Additional environment; values are templates.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Folder to start in, relative to the workspace; a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// How often a failed attempt is followed by another.
    #[serde(default, skip_serializing_if = "is_default")]
    pub retries: u32,
    /// Time between a failed attempt and the next.
    #[serde(default, skip_serializing_if = "is_default")]
    pub retry_delay: RetryDelay,
    /// Which ends of an attempt are followed by another; `None` is every exit code, signal, timeout and want of memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_on: Option<Box<RetryOn>>,
    /// It may be repeated where nobody knows how it ended.
    #[serde(default, skip_serializing_if = "is_default")]
    pub idempotent: bool,
    /// After this an attempt is ended.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::stdx::duration::millis::option")]
    pub timeout: Option<Duration>,
    /// Time between TERM and KILL.
    #[serde(with = "crate::stdx::duration::millis")]
    pub grace: Duration,
    /// A file of JSON lines that the task writes, relative to the workspace, read instead of `$FLOWYARD_METRICS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<String>,
    /// CEL expressions over metrics, params and outputs, all of which must be true after the attempt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gate: Vec<String>,
    /// A CEL expression; false skips the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// What must have become of its upstream tasks.
    #[serde(default = "all_success")]
    pub trigger_rule: TriggerRule,
    /// It waits until the same task of the run before succeeded or was skipped.
    #[serde(default, skip_serializing_if = "is_default")]
    pub depends_on_past: bool,
    /// A person must let it start.
    #[serde(default, skip_serializing_if = "is_default")]
    pub approval: bool,
    /// The pool whose slots its attempts take, beside those of the engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// How many slots of its pool an attempt takes.
    #[serde(default = "one")]
    pub pool_slots: u32,
    /// Of two that wait, the heavier starts first.
    #[serde(default, skip_serializing_if = "is_default")]
    pub priority_weight: i64,
    /// What an attempt takes of the machine.
    #[serde(default, skip_serializing_if = "is_default")]
    pub resources: Resources,
    /// It has a folder that is carried from attempt to attempt.
    #[serde(default, skip_serializing_if = "is_default")]
    pub checkpoint: bool,
    /// Tasks of the same group can be shown as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

impl Task {
    /// A task that does `action` and has every setting at its default.
    pub fn new(id: TaskId, action: Action) -> Self {
        Self {
            id,
            action,
            upstream: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            env: BTreeMap::new(),
            cwd: None,
            retries: 0,
            retry_delay: RetryDelay::default(),
            retry_on: None,
            idempotent: false,
            timeout: None,
            grace: DEFAULT_GRACE,
            metrics: None,
            gate: Vec::new(),
            when: None,
            trigger_rule: TriggerRule::AllSuccess,
            depends_on_past: false,
            approval: false,
            pool: None,
            pool_slots: 1,
            priority_weight: 0,
            resources: Resources::default(),
            checkpoint: false,
            group: None,
        }
    }

    /// What it waits for, if waiting is all it does: it takes no slot of the engine then.
    pub fn sensor(&self) -> Option<&Sensor> {
        match &self.action {
            Action::Sensor { sensor } => Some(sensor),
            Action::Run { .. } | Action::Argv { .. } | Action::Component { .. } => None,
        }
    }
}

const fn all_success() -> TriggerRule {
    TriggerRule::AllSuccess
}

const fn one() -> u32 {
    1
}

/// Time between a failed attempt and the next: `initial × factor^(n-1)`, at most `max`, spread by `jitter`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RetryDelay {
    /// After the first failed attempt.
    #[serde(with = "crate::stdx::duration::millis")]
    pub initial: Duration,
    /// By how much it grows from attempt to attempt; 1 is a fixed delay.
    pub factor: f64,
    /// It never grows beyond this.
    #[serde(default, with = "crate::stdx::duration::millis::option")]
    pub max: Option<Duration>,
    /// 0 to 1: the delay is spread evenly between `1 - jitter` and `1 + jitter` of itself.
    #[serde(default)]
    pub jitter: f64,
}

impl RetryDelay {
    /// Always the same.
    pub const fn fixed(initial: Duration) -> Self {
        Self { initial, factor: 1.0, max: None, jitter: 0.0 }
    }
}

impl Default for RetryDelay {
    /// Long enough for a service to come back.
    fn default() -> Self {
        Self::fixed(Duration::from_secs(10))
    }
}

/// Which ends of an attempt are followed by another. One that meets any of the conditions is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RetryOn {
    /// These exit codes.
    #[serde(default)]
    pub exit_codes: Vec<i32>,
    /// These signals, by number.
    #[serde(default)]
    pub signals: Vec<i32>,
    /// These reasons. `shim_died` and `reboot` stand for `lost`.
    #[serde(default)]
    pub reasons: Vec<Reason>,
    /// A regular expression that the last lines of the log match.
    #[serde(default)]
    pub log: Option<String>,
}

/// What an attempt takes of the machine; the engine accounts it, the kernel does not.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Resources {
    /// Processors.
    #[serde(default)]
    pub cpu: Option<f64>,
    /// Bytes of memory.
    #[serde(default)]
    pub memory: Option<u64>,
    /// Whole GPUs, leased to the attempt alone.
    #[serde(default)]
    pub gpu: u32,
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
        with: Named,
    },
    /// Nothing but waiting.
    Sensor {
        /// For what.
        sensor: Box<Sensor>,
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
    /// The name under which triggers of any pipeline wait for new versions of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset: Option<String>,
}
