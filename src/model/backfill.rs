//! Backfills: runs for a stretch of logical dates, asked for by a person, with a life of their own.

use super::{
    DataInterval, PipelineId, RunId, RunState, TriggerId,
    state::{Look, PAUSED_LOOK},
};
use crate::stdx::{
    time::{Timestamp, parse_date, serde_rfc3339},
    vocabulary::words,
    zone::Zone,
};
use chrono::{NaiveDate, NaiveTime, TimeDelta, TimeZone};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr};

crate::string_id! {
    /// A backfill: a lower-case ULID, as the id of a run.
    BackfillId
}

/// Most logical dates of one backfill.
pub const MOST_DATES: u64 = 10_000;

/// Runs of a backfill that are open at once, unless more are asked for.
pub const DEFAULT_MAX_ACTIVE: u32 = 1;

words! {
    /// What becomes of logical dates that have a run already.
    #[derive(Default)]
    Reprocess, "reprocess" {
        /// They get no further one.
        #[default]
        None = "none",
        /// Those whose newest run failed get another.
        Failed = "failed",
        /// Each gets another.
        All = "all",
    }
}

words! {
    /// How far a backfill is.
    BackfillState, "backfill state" {
        /// It has made no run yet.
        Queued = "queued",
        /// It makes runs.
        Running = "running",
        /// It makes no further runs until somebody says so; open ones go on.
        Paused = "paused",
        /// A person canceled it, and runs of it are still ending.
        Canceling = "canceling",
        /// Every run of it succeeded.
        Success = "success",
        /// A run of it did not succeed.
        Failed = "failed",
        /// A person canceled it.
        Canceled = "canceled",
    }
}

impl BackfillState {
    /// Whether it may become `to`; `None` is "does not exist yet".
    pub const fn may_become(from: Option<Self>, to: Self) -> bool {
        use BackfillState::*;
        match from {
            None => matches!(to, Queued),
            Some(Queued) => matches!(to, Running | Paused | Success | Canceling | Canceled),
            Some(Running) => matches!(to, Paused | Success | Failed | Canceling | Canceled),
            Some(Paused) => matches!(to, Running | Success | Failed | Canceling | Canceled),
            Some(Canceling) => matches!(to, Canceled),
            Some(Success | Failed | Canceled) => false,
        }
    }

    /// Nothing of it will happen any more.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::Canceled)
    }

    /// It makes runs, so that an engine must stay for it.
    pub const fn makes_runs(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }

    /// Looks like the run state it resembles most.
    pub const fn look(self) -> Look {
        match self {
            Self::Queued => RunState::Queued.look(),
            Self::Paused => PAUSED_LOOK,
            Self::Running => RunState::Running.look(),
            Self::Canceling => RunState::Canceling.look(),
            Self::Success => RunState::Success.look(),
            Self::Failed => RunState::Failed.look(),
            Self::Canceled => RunState::Canceled.look(),
        }
    }
}

words! {
    /// What became of one logical date of a backfill.
    ItemState, "state of a date" {
        /// Its run is not made yet.
        Pending = "pending",
        /// Its run is open.
        Running = "running",
        /// Its run succeeded.
        Success = "success",
        /// Its run failed.
        Failed = "failed",
        /// Its run was canceled, or the backfill before it had one.
        Canceled = "canceled",
        /// It has a run already.
        Skipped = "skipped",
    }
}

impl ItemState {
    /// As the run of the date is.
    pub const fn of(run: RunState) -> Self {
        match run {
            RunState::Queued | RunState::Running | RunState::Canceling => Self::Running,
            RunState::Success => Self::Success,
            RunState::Failed => Self::Failed,
            RunState::Canceled => Self::Canceled,
        }
    }

    /// Looks like the task state it resembles most.
    pub const fn look(self) -> Look {
        use super::TaskState;
        match self {
            Self::Pending => TaskState::Pending.look(),
            Self::Running => TaskState::Running.look(),
            Self::Success => TaskState::Success.look(),
            Self::Failed => TaskState::Failed.look(),
            Self::Canceled => TaskState::Canceled.look(),
            Self::Skipped => TaskState::Skipped.look(),
        }
    }
}

/// An end of the stretch, as people type it: both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// A day in the zone of the clock that the dates go by, whole.
    Day(NaiveDate),
    /// A moment.
    At(Timestamp),
}

impl Bound {
    /// The first moment of it.
    pub fn first(self, zone: Zone) -> Timestamp {
        match self {
            Self::Day(day) => begin_of(day, zone),
            Self::At(at) => at,
        }
    }

    /// The last moment of it.
    pub fn last(self, zone: Zone) -> Timestamp {
        match self {
            Self::Day(day) => begin_of(day.succ_opt().unwrap_or(day), zone) - TimeDelta::microseconds(1),
            Self::At(at) => at,
        }
    }
}

/// Midnight, or the first moment of a day whose midnight the clocks leave out.
fn begin_of(day: NaiveDate, zone: Zone) -> Timestamp {
    let midnight = day.and_time(NaiveTime::MIN);
    let quarters = (0..=12).map(|quarter| midnight + TimeDelta::minutes(15 * quarter));
    let first = quarters.filter_map(|wall| zone.from_local_datetime(&wall).earliest()).next();
    first.map_or_else(|| midnight.and_utc(), |at| at.to_utc())
}

impl FromStr for Bound {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            Ok(day) => Ok(Self::Day(day)),
            Err(_) => parse_date(text).map(Self::At),
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => f.pad(&day.format("%Y-%m-%d").to_string()),
            Self::At(at) => f.pad(&at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)),
        }
    }
}

/// What a person asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackfillRequest {
    /// The id that it shall have: asked again, after an engine died before it answered, it is the same one.
    pub id: BackfillId,
    /// The pipeline.
    pub pipeline: PipelineId,
    /// Whose times the dates are; needed only where several triggers of the pipeline go by the clock.
    #[serde(default)]
    pub trigger: Option<TriggerId>,
    /// The first date, or the day of it.
    pub from: Bound,
    /// The last date, or the day of it.
    pub to: Bound,
    /// What becomes of dates that have a run already.
    pub reprocess: Reprocess,
    /// Most runs of it that are open at once.
    pub max_active: u32,
    /// The newest date first.
    pub reverse: bool,
    /// Values of params as given, for each run.
    #[serde(default)]
    pub params: BTreeMap<String, serde_json::Value>,
    /// The client's environment, already filtered by `pass_env`; the runs get it.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

impl BackfillRequest {
    /// A stretch of a pipeline, with nothing else said.
    pub const fn new(id: BackfillId, pipeline: PipelineId, from: Bound, to: Bound) -> Self {
        Self {
            id,
            pipeline,
            trigger: None,
            from,
            to,
            reprocess: Reprocess::None,
            max_active: DEFAULT_MAX_ACTIVE,
            reverse: false,
            params: BTreeMap::new(),
            env: BTreeMap::new(),
        }
    }
}

/// A backfill as the database keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct BackfillRecord {
    /// What was asked for.
    pub request: BackfillRequest,
    /// What the dates go by: `cron 0 2 * * *`.
    pub text: String,
    /// Name of the time zone in which that is read.
    pub timezone: String,
    /// How far it is.
    pub state: BackfillState,
    /// Why it is paused, where the engine did that.
    pub why: Option<String>,
    /// Who asked.
    pub by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

impl BackfillRecord {
    /// Its id.
    pub const fn id(&self) -> &BackfillId {
        &self.request.id
    }

    /// `2024-01-01 to 2024-01-31`.
    pub fn stretch(&self) -> String {
        format!("{} to {}", self.request.from, self.request.to)
    }
}

/// One logical date of a backfill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackfillItem {
    /// Its place in the order in which runs are made, from 0.
    pub position: u32,
    /// The date.
    #[serde(with = "serde_rfc3339")]
    pub logical_date: Timestamp,
    /// What its run stands for.
    pub data_interval: DataInterval,
    /// What became of it.
    pub state: ItemState,
    /// Its run.
    #[serde(rename = "run_id")]
    pub run: Option<RunId>,
    /// Why it has none, or gets another.
    pub why: Option<String>,
}

/// How many dates of a backfill are how far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Their runs are not made yet.
    pub pending: u32,
    /// Their runs are open.
    pub running: u32,
    /// Their runs succeeded.
    pub success: u32,
    /// Their runs failed.
    pub failed: u32,
    /// Their runs were canceled, or never made.
    pub canceled: u32,
    /// They had a run already.
    pub skipped: u32,
}

impl Progress {
    const fn of(&mut self, state: ItemState) -> &mut u32 {
        match state {
            ItemState::Pending => &mut self.pending,
            ItemState::Running => &mut self.running,
            ItemState::Success => &mut self.success,
            ItemState::Failed => &mut self.failed,
            ItemState::Canceled => &mut self.canceled,
            ItemState::Skipped => &mut self.skipped,
        }
    }

    /// So many dates more.
    pub const fn count(&mut self, state: ItemState, number: u32) {
        *self.of(state) += number;
    }

    /// A date goes from one state to another.
    pub const fn moves(&mut self, from: ItemState, to: ItemState) {
        *self.of(from) -= 1;
        *self.of(to) += 1;
    }

    /// Dates that get a run of it.
    pub const fn total(self) -> u32 {
        self.pending + self.running + self.over()
    }

    /// For people: `12 of 31: 1 failed, 11 succeeded`: what is worse comes first.
    pub fn words(self) -> String {
        let parts = [
            (self.failed, "failed"),
            (self.canceled, "canceled"),
            (self.running, "open"),
            (self.success, "succeeded"),
            (self.skipped, "skipped"),
        ];
        let parts: Vec<String> = parts.iter().filter(|(number, _)| *number > 0).map(|(number, word)| format!("{number} {word}")).collect();
        let whole = format!("{} of {}", self.over(), self.total());
        if parts.is_empty() { whole } else { format!("{whole}: {}", parts.join(", ")) }
    }

    /// Those of them that are over.
    pub const fn over(self) -> u32 {
        self.success + self.failed + self.canceled
    }
}

impl FromIterator<ItemState> for Progress {
    fn from_iter<I: IntoIterator<Item = ItemState>>(states: I) -> Self {
        let mut progress = Self::default();
        states.into_iter().for_each(|state| progress.count(state, 1));
        progress
    }
}

/// A backfill for lists.
#[derive(Debug, Clone, PartialEq)]
pub struct BackfillRow {
    /// It.
    pub backfill: BackfillRecord,
    /// How far its dates are.
    pub progress: Progress,
}

/// A backfill that is not over, as the list of pipelines tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenBackfill {
    /// Its id.
    pub backfill: BackfillId,
    /// How far it is.
    pub state: BackfillState,
    /// Its first and last date, as they were asked for.
    pub stretch: String,
    /// How far its dates are.
    pub progress: Progress,
    /// Why it is paused, where the engine did that.
    pub why: Option<String>,
}

impl From<BackfillRow> for OpenBackfill {
    fn from(row: BackfillRow) -> Self {
        let stretch = row.backfill.stretch();
        let BackfillRecord { request, state, why, .. } = row.backfill;
        Self { backfill: request.id, state, stretch, progress: row.progress, why }
    }
}

/// A backfill with its dates.
#[derive(Debug, Clone, PartialEq)]
pub struct BackfillSnapshot {
    /// It.
    pub row: BackfillRow,
    /// Its dates, in the order in which runs are made.
    pub items: Vec<BackfillItem>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stdx::time::rfc3339;

    #[test]
    fn a_backfill_that_is_over_stays_so_and_one_that_is_canceled_ends_canceled() {
        for &from in BackfillState::ALL {
            for &to in BackfillState::ALL {
                let legal = BackfillState::may_become(Some(from), to);
                assert!(!(legal && (from.is_terminal() || from == to || to == BackfillState::Queued)), "{from} → {to}");
                if from == BackfillState::Canceling {
                    assert_eq!(legal, to == BackfillState::Canceled, "{from} → {to}");
                }
            }
            assert_eq!(BackfillState::may_become(None, from), from == BackfillState::Queued);
        }
    }

    #[test]
    fn a_day_is_whole_in_its_zone_also_where_its_midnight_does_not_exist() {
        let day: Bound = "2024-03-31".parse().unwrap();
        let whole = |zone: &str, day: Bound| {
            let zone = zone.parse().unwrap();
            (rfc3339(day.first(zone)), rfc3339(day.last(zone)))
        };
        assert_eq!(whole("UTC", day), ("2024-03-31T00:00:00.000Z".to_owned(), "2024-03-31T23:59:59.999Z".to_owned()));
        // 23 hours long.
        assert_eq!(whole("Europe/Berlin", day), ("2024-03-30T23:00:00.000Z".to_owned(), "2024-03-31T21:59:59.999Z".to_owned()));
        // The clocks of Beirut went from 23:59 of the day before to 01:00.
        assert_eq!(whole("Asia/Beirut", day).0, "2024-03-30T22:00:00.000Z");
        let moment: Bound = "2024-01-31T06:00".parse().unwrap();
        assert_eq!(whole("Europe/Berlin", moment).0, "2024-01-31T06:00:00.000Z");
        assert_eq!((moment.to_string(), day.to_string()), ("2024-01-31T06:00:00Z".to_owned(), "2024-03-31".to_owned()));
        assert!("31.1.2024".parse::<Bound>().is_err());
    }
}
