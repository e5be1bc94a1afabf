//! What clients read: rows and details as the CLI prints them in JSON and the TUI draws them.

use super::{AttemptState, PipelineId, Reason, RunId, RunState, RunType, TaskId, TaskState};
use crate::stdx::time::{Timestamp, serde_rfc3339};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};

/// The commit a run was started from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitState {
    /// Full hash; null outside a repository or before the first commit.
    pub commit: Option<String>,
    /// Branch; null when detached.
    pub branch: Option<String>,
    /// Whether tracked files differ from the commit; null when unknown.
    pub dirty: Option<bool>,
}

/// One run, without its tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRow {
    /// Its id.
    pub run_id: RunId,
    /// Counted per pipeline from 1, for people.
    pub number: u64,
    /// Its pipeline.
    pub pipeline: PipelineId,
    /// How far it is.
    pub state: RunState,
    /// What created it.
    pub run_type: RunType,
    /// Who created it.
    pub by: String,
    /// The time it stands for.
    #[serde(with = "serde_rfc3339")]
    pub logical_date: Timestamp,
    /// When it was asked for.
    #[serde(with = "serde_rfc3339")]
    pub created_at: Timestamp,
    /// When its first attempt was committed.
    #[serde(with = "serde_rfc3339::option")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(with = "serde_rfc3339::option")]
    pub ended_at: Option<Timestamp>,
    /// Values of its params.
    pub params: super::Params,
    /// The commit it was started from.
    pub git: GitState,
    /// It starts no further attempts until somebody says so.
    #[serde(default)]
    pub paused: bool,
    /// People are told when it ends.
    #[serde(default)]
    pub watched: bool,
    /// The command that can be taken back, in a word.
    #[serde(default)]
    pub undo: Option<String>,
    /// What started it, where nobody asked for it.
    #[serde(default)]
    pub origin: Option<Box<super::Origin>>,
}

impl RunRow {
    /// Whether its end is still to come, and is told.
    pub const fn is_watched(&self) -> bool {
        self.watched && !self.state.is_terminal()
    }
}

/// One run with everything about its tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSnapshot {
    /// The run.
    #[serde(flatten)]
    pub run: RunRow,
    /// Its tasks, in order of declaration.
    pub tasks: Vec<TaskSnapshot>,
}

impl RunSnapshot {
    /// The task of that id.
    pub fn task(&self, id: &TaskId) -> Option<&TaskSnapshot> {
        self.tasks.iter().find(|task| task.task == *id)
    }
}

/// One task instance with its attempts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskSnapshot {
    /// The task.
    pub task: TaskId,
    /// Tasks of the same group can be shown as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Which mapped instance.
    pub map_index: Option<u32>,
    /// How far it is.
    pub state: TaskState,
    /// Success without an attempt.
    pub cached: bool,
    /// Why it is in that state, if there is something to say.
    pub reason: Option<Reason>,
    /// The reason in a sentence: the gate's measured value, the missing output, the system's words.
    pub message: Option<String>,
    /// What it waits for.
    pub upstream: Vec<TaskId>,
    /// When the next attempt is due, between two attempts.
    #[serde(with = "serde_rfc3339::option")]
    pub retry_at: Option<Timestamp>,
    /// When it began to wait for a slot or a resource.
    #[serde(default, with = "serde_rfc3339::option")]
    pub queued_at: Option<Timestamp>,
    /// What a person decided about it.
    #[serde(default)]
    pub decision: Option<super::record::Decision>,
    /// How many attempts it may use in all: retries + 1.
    pub max_attempts: u32,
    /// Its attempts, oldest first.
    pub attempts: Vec<AttemptSnapshot>,
    /// Artifact ids by output name.
    pub outputs: serde_json::Map<String, serde_json::Value>,
    /// Artifact ids by the name of the asset that each is a version of.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub assets: BTreeMap<String, String>,
    /// Small values it handed on.
    pub output_parameters: serde_json::Map<String, serde_json::Value>,
    /// Last value of each metric.
    pub metrics: serde_json::Map<String, serde_json::Value>,
    /// Each gate expression with what was measured.
    pub gates: Vec<GateLine>,
}

impl TaskSnapshot {
    /// The newest attempt.
    pub fn last_attempt(&self) -> Option<&AttemptSnapshot> {
        self.attempts.last()
    }

    /// When the current or last attempt began and, if it is over, ended.
    pub fn span(&self) -> Option<(Timestamp, Option<Timestamp>)> {
        self.last_attempt().and_then(|attempt| attempt.started_at.map(|at| (at, attempt.ended_at)))
    }
}

/// One gate expression after it was evaluated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateLine {
    /// The CEL expression.
    pub expression: String,
    /// Whether it held.
    pub passed: bool,
    /// The measured values: `metrics.auc = 0.741, params.min_auc = 0.99`, or what is missing.
    pub measured: String,
}

/// One try of a task instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptSnapshot {
    /// Counted from 1.
    pub attempt: u32,
    /// How far it is.
    pub state: AttemptState,
    /// Why it ended so.
    pub reason: Option<Reason>,
    /// 0 to 255; null while open, and on a signal.
    pub exit_code: Option<i32>,
    /// The number of the signal that ended it.
    pub signal: Option<i32>,
    /// When the program was started.
    #[serde(with = "serde_rfc3339::option")]
    pub started_at: Option<Timestamp>,
    /// When everything of it was over.
    #[serde(with = "serde_rfc3339::option")]
    pub ended_at: Option<Timestamp>,
    /// Where it ran.
    pub executor: String,
    /// When its intent was committed.
    #[serde(default, with = "serde_rfc3339::option")]
    pub created_at: Option<Timestamp>,
    /// What it took of the machine, once it is over.
    #[serde(default)]
    pub usage: Option<super::Usage>,
    /// Indices of the GPUs that were leased to it.
    #[serde(default)]
    pub gpus: Vec<u32>,
    /// Absolute path of its standard output.
    pub stdout: PathBuf,
    /// Absolute path of its standard error.
    pub stderr: PathBuf,
}

/// One line of the list of pipelines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PipelineRow {
    /// Its id.
    pub pipeline: PipelineId,
    /// One line about it.
    pub description: String,
    /// Who to ask.
    pub owner: String,
    /// For filters.
    pub tags: Vec<String>,
    /// Its triggers are off; always so until they are turned on.
    pub paused: bool,
    /// When it starts by itself next.
    #[serde(with = "serde_rfc3339::option")]
    pub next_fire: Option<Timestamp>,
    /// The newest run.
    pub last_run: Option<LastRun>,
    /// States of the newest ten runs, newest last.
    pub recent: Vec<RunState>,
    /// Its triggers in words, such as `cron 0 2 * * *`.
    pub triggers: Vec<String>,
    /// The first error of its file; it cannot run then.
    pub error: Option<String>,
    /// Its file, relative to the workspace.
    pub file: String,
    /// The number it is known by.
    #[serde(default)]
    pub headline: Option<Headline>,
    /// Its newest backfill that is not over.
    #[serde(default)]
    pub backfill: Option<super::OpenBackfill>,
}

/// The number a pipeline is known by, from its newest run that has one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Headline {
    /// The metric.
    pub name: String,
    /// Its value.
    pub value: serde_json::Value,
}

impl Headline {
    /// Of the metrics and gates of a run's tasks, in order of declaration: the first metric that a gate asks for, since the
    /// pipeline stands or falls by it; else the first of the last task that has any.
    pub fn of(tasks: &[(serde_json::Map<String, serde_json::Value>, Vec<GateLine>)]) -> Option<Self> {
        let headline = |(name, value): (&String, &serde_json::Value)| Self { name: name.clone(), value: value.clone() };
        let asked = |metrics: &serde_json::Map<String, serde_json::Value>, gate: &GateLine| {
            let names = gate.expression.split("metrics.").skip(1);
            let names = names.map(|rest| rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default());
            names.filter_map(|name| metrics.get_key_value(name)).map(headline).next()
        };
        let gated = tasks.iter().find_map(|(metrics, gates)| gates.iter().find_map(|gate| asked(metrics, gate)));
        gated.or_else(|| tasks.iter().rev().find_map(|(metrics, _)| metrics.iter().next()).map(headline))
    }
}

/// Something of a run that a person should know: it failed, it waits for a person, or it will be tried again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Concern {
    /// The task.
    pub task: TaskId,
    /// Which mapped instance.
    pub map_index: Option<u32>,
    /// How far it is.
    pub state: TaskState,
    /// What is said of it, in a few words; may be empty.
    pub words: String,
    /// Since when.
    #[serde(with = "serde_rfc3339::option")]
    pub since: Option<Timestamp>,
}

/// The newest run of a pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastRun {
    /// Its id.
    pub run_id: RunId,
    /// Counted per pipeline from 1.
    pub number: u64,
    /// How far it is.
    pub state: RunState,
    /// When it was asked for.
    #[serde(with = "serde_rfc3339")]
    pub created_at: Timestamp,
    /// When it ended.
    #[serde(with = "serde_rfc3339::option")]
    pub ended_at: Option<Timestamp>,
    /// Task instances that are over, and all of them.
    pub progress: (u32, u32),
    /// It starts no further attempts until somebody says so.
    #[serde(default)]
    pub paused: bool,
    /// People are told when it ends.
    #[serde(default)]
    pub watched: bool,
    /// Task instances that wait for a person's approval.
    #[serde(default)]
    pub awaiting: u32,
    /// The first few of its task instances that a person should know of.
    #[serde(default)]
    pub concerns: Vec<Concern>,
}

/// Why a task or a run is as it is, line by line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Why {
    /// The question: `train_model of ml_training #12`.
    pub about: String,
    /// The state in a word.
    pub state: String,
    /// The answer, most important first.
    pub lines: Vec<WhyLine>,
}

/// One condition or fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyLine {
    /// Whether it holds.
    pub mark: WhyMark,
    /// In words.
    pub text: String,
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhyMark {
    /// Fulfilled.
    Met,
    /// Not yet.
    Waiting,
    /// Will not be, without a person.
    Failed,
    /// A fact.
    Note,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_headline_is_what_a_gate_asks_for_else_the_first_metric_of_the_last_task() {
        let metrics = |value: serde_json::Value| value.as_object().cloned().unwrap_or_default();
        let gate = |expression: &str| GateLine { expression: expression.into(), passed: true, measured: String::new() };
        let train = (metrics(json!({"loss": 0.2})), vec![]);
        let test = (metrics(json!({"rows": 7, "auc": 0.9})), vec![gate("params.x > 1"), gate("metrics.auc >= 0.8")]);
        let name = |tasks: &[_]| Headline::of(tasks).map(|headline| headline.name);
        assert_eq!(name(&[train.clone(), test.clone(), train.clone()]).as_deref(), Some("auc"));
        assert_eq!(name(&[(test.0, vec![]), train]).as_deref(), Some("loss"));
        assert_eq!(name(&[(metrics(json!({})), vec![gate("metrics.auc > 0")])]), None);
    }
}
