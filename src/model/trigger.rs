//! What starts runs by itself: triggers as declared, and what became of each time they fired.

use super::{PipelineId, RunId};
pub use crate::stdx::timetable::{DstGap, DstOverlap};

use crate::stdx::{time::Timestamp, vocabulary::words};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf, time::Duration};

crate::string_id! {
    /// A trigger within its pipeline: its `id`, else its kind and a hash of what makes it fire.
    TriggerId
}

/// The time within which a fire that fell due while no engine ran still happens, if its own interval is not shorter.
pub const DEFAULT_LATE_WINDOW: Duration = Duration::from_secs(3_600);

/// How long files must be quiet before they start a run.
pub const DEFAULT_DEBOUNCE: Duration = Duration::from_secs(2);

/// How long files that are quiet wait at most for others that are not, unless ten times their debounce is longer.
pub const DEFAULT_DEBOUNCE_MAX: Duration = Duration::from_secs(30);

/// For definitions that were kept before there was such a key.
const fn debounce_max() -> Duration {
    DEFAULT_DEBOUNCE_MAX
}

/// Most missed fires that `catchup = "all"` makes up for.
pub const DEFAULT_MAX_CATCHUP: u32 = 100;

words! {
    /// What becomes of fires that fell due while nobody could start them.
    Catchup, "catchup" {
        /// The newest still happens if it is not older than the late window; older ones are told and left.
        None = "none",
        /// The newest happens, however old it is.
        Latest = "latest",
        /// Each happens, oldest first, up to a cap.
        All = "all",
    }
}

words! {
    /// What becomes of a fire while a run of the pipeline is open.
    Overlap, "overlap" {
        /// It starts nothing.
        Skip = "skip",
        /// Its run waits until the runs before it are over.
        Queue = "queue",
        /// The open runs are canceled, and its run starts.
        CancelPrevious = "cancel_previous",
    }
}

words! {
    /// How many of the named assets must be new.
    AssetMode, "mode" {
        /// Each of them, since the last run.
        All = "all",
        /// One of them.
        Any = "any",
    }
}

words! {
    /// Which ends of another pipeline's run start one.
    RunEnd, "on" {
        /// It succeeded.
        Success = "success",
        /// It failed.
        Failed = "failed",
        /// It ended, however, but was not canceled.
        Any = "any",
    }
}

/// A trigger as declared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TriggerDef {
    /// Which one.
    pub id: TriggerId,
    /// What makes it fire.
    pub kind: TriggerKind,
    /// What is shown after the kind: `0 2 * * *`.
    pub text: String,
    /// What becomes of a fire while a run is open.
    pub overlap: Overlap,
    /// Shortest time between two runs that it starts.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::stdx::duration::millis::option")]
    pub cooldown: Option<Duration>,
}

/// What makes a trigger fire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TriggerKind {
    /// A line of Unix cron.
    Cron {
        /// The line.
        line: String,
        /// When it holds, and what becomes of missed fires.
        clock: Clock,
    },
    /// A fixed interval.
    Every {
        /// Its length.
        #[serde(with = "crate::stdx::duration::millis")]
        interval: Duration,
        /// When it holds, and what becomes of missed fires.
        clock: Clock,
    },
    /// The content of files changed.
    Files {
        /// Patterns, relative to the workspace.
        patterns: Vec<String>,
        /// How long they must be quiet.
        #[serde(with = "crate::stdx::duration::millis")]
        debounce: Duration,
        /// How long after its change a quiet one waits at most for others that are not.
        #[serde(default = "debounce_max", with = "crate::stdx::duration::millis")]
        debounce_max: Duration,
    },
    /// Named assets got a new version.
    Assets {
        /// Their names.
        names: Vec<String>,
        /// How many of them.
        mode: AssetMode,
    },
    /// A run of another pipeline ended.
    Pipeline {
        /// The other pipeline.
        pipeline: PipelineId,
        /// How its run must have ended.
        on: RunEnd,
    },
    /// A branch got new commits.
    Git {
        /// Names or patterns of branches; none is every branch.
        branches: Vec<String>,
        /// Patterns of files, one of which a commit must have changed; none is every file.
        paths: Vec<String>,
        /// Run in a clean checkout of that commit instead of the workspace.
        checkout: bool,
    },
    /// A metric of the last runs meets a rule.
    Metric(MetricRule),
}

/// When a trigger of the clock holds, and what becomes of missed fires.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clock {
    /// Name of the time zone in which the line is read.
    pub timezone: String,
    /// Nothing before this.
    pub start_date: Option<Timestamp>,
    /// Nothing after this.
    pub end_date: Option<Timestamp>,
    /// What becomes of missed fires.
    pub catchup: Catchup,
    /// Most missed fires that are made up for.
    pub max_catchup: u32,
    /// How old a fire may be that still happens under `catchup = "none"`.
    #[serde(with = "crate::stdx::duration::millis")]
    pub late_window: Duration,
    /// Fires at a time that is left out.
    pub dst_gap: DstGap,
    /// Fires at a time that comes twice.
    pub dst_overlap: DstOverlap,
    /// Starts are spread over this time, each fire always by the same part of it.
    #[serde(with = "crate::stdx::duration::millis")]
    pub jitter: Duration,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            timezone: "UTC".to_owned(),
            start_date: None,
            end_date: None,
            catchup: Catchup::None,
            max_catchup: DEFAULT_MAX_CATCHUP,
            late_window: DEFAULT_LATE_WINDOW,
            dst_gap: DstGap::Shift,
            dst_overlap: DstOverlap::First,
            jitter: Duration::ZERO,
        }
    }
}

/// `accuracy < 0.9`, over the last runs of a pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricRule {
    /// The metric's name, of any task or of the one named before a dot: `evaluate_model.accuracy`.
    pub metric: String,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub bound: f64,
    /// The pipeline whose runs are looked at; `None` is the one that the trigger belongs to.
    pub of: Option<PipelineId>,
    /// So many runs in a row must meet it.
    pub runs: u32,
}

words! {
    /// How a metric is compared with a bound.
    Comparison, "comparison" {
        /// Less.
        Less = "<",
        /// Less, or the same.
        AtMost = "<=",
        /// More.
        More = ">",
        /// More, or the same.
        AtLeast = ">=",
    }
}

impl Comparison {
    /// Whether it holds.
    pub fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Less => value < bound,
            Self::AtMost => value <= bound,
            Self::More => value > bound,
            Self::AtLeast => value >= bound,
        }
    }
}

impl TriggerKind {
    /// The key that makes it what it is, as in the file.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Cron { .. } => "cron",
            Self::Every { .. } => "every",
            Self::Files { .. } => "files",
            Self::Assets { .. } => "assets",
            Self::Pipeline { .. } => "pipeline",
            Self::Git { .. } => "git",
            Self::Metric(_) => "metric",
        }
    }

    /// When it holds, for one of the clock.
    pub const fn clock(&self) -> Option<&Clock> {
        match self {
            Self::Cron { clock, .. } | Self::Every { clock, .. } => Some(clock),
            _ => None,
        }
    }
}

/// What started a run that no person asked for, kept with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// The trigger; `None` for a backfill without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<TriggerId>,
    /// The backfill it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backfill: Option<String>,
    /// Why, in a sentence: `cron 0 2 * * * (Europe/Berlin)`.
    pub reason: String,
    /// What the run stands for: from the fire before to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_interval: Option<DataInterval>,
    /// The folder in which its tasks start instead of the workspace, absolute: a checkout of the commit that started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkout: Option<PathBuf>,
    /// What is handed to its tasks, as `FLOWYARD_TRIGGER_<NAME>`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
}

/// The time whose data a run is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataInterval {
    /// With this moment.
    #[serde(with = "crate::stdx::time::serde_rfc3339")]
    pub start: Timestamp,
    /// Without this one.
    #[serde(with = "crate::stdx::time::serde_rfc3339")]
    pub end: Timestamp,
}

words! {
    /// What became of a fire.
    Outcome, "outcome" {
        /// It started a run.
        Started = "started",
        /// A run was open, or the last one too short ago.
        Skipped = "skipped",
        /// It fell due while nobody could start it, and is not made up for.
        Missed = "missed",
        /// More were missed than are made up for.
        OverCap = "over_cap",
        /// Its run could not be made: the file is wrong.
        Failed = "failed",
    }
}

/// A fire of a trigger, as the database keeps it. No two have the same pipeline, trigger and logical date.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Firing {
    /// The pipeline.
    pub pipeline: PipelineId,
    /// The trigger of it.
    pub trigger: TriggerId,
    /// The time that it stands for; of several missed ones the newest.
    #[serde(with = "crate::stdx::time::serde_rfc3339")]
    pub logical_date: Timestamp,
    /// When it was decided.
    #[serde(with = "crate::stdx::time::serde_rfc3339")]
    pub decided_at: Timestamp,
    /// What became of it.
    pub outcome: Outcome,
    /// The run that it started.
    pub run: Option<RunId>,
    /// Why it started none, or what made it fire.
    pub why: String,
    /// How many fires this stands for: 1, or more missed ones from `first` on.
    pub count: u32,
    /// The oldest of several missed ones.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::stdx::time::serde_rfc3339::option")]
    pub first: Option<Timestamp>,
}

/// What the database keeps of a trigger beside its fires.
#[derive(Debug, Clone, PartialEq)]
pub struct TriggerRecord {
    /// The pipeline.
    pub pipeline: PipelineId,
    /// The trigger of it.
    pub trigger: TriggerId,
    /// It fires for what falls due, or changes, after this.
    pub since: Timestamp,
    /// What it saw last: what a later look is compared with. Its form is the trigger's own.
    pub memory: Option<serde_json::Value>,
}

/// Since when the triggers of a pipeline are on, and for whom.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PipelineSwitch {
    /// They are off.
    pub paused: bool,
    /// When they were turned on last.
    pub since: Option<Timestamp>,
    /// The environment of whoever turned them on, filtered; their runs get it.
    pub env: BTreeMap<String, String>,
    /// What becomes of fires that fell due while they were off; without it, nothing.
    pub make_up: Option<Catchup>,
}
