//! Which logical dates a backfill has, and which of them get a run. Pure: what has run and what time it is are arguments.

use super::clock::Policy;
use crate::{
    model::{
        BackfillItem, BackfillRequest, BackfillState, DataInterval, ItemState, MOST_DATES, Pipeline, Progress, Reprocess, RunId, RunState,
        TriggerId,
    },
    stdx::{
        suggest,
        time::{Timestamp, rfc3339},
        timetable::{Line, Timetable},
    },
};
use chrono::TimeDelta;
use std::{collections::BTreeMap, time::Duration};

/// What a pipeline without a trigger of the clock goes by, counted from midnight in UTC.
const DAILY: Duration = Duration::from_secs(24 * 3_600);

/// The newest run of each logical date that has one.
pub type Newest = BTreeMap<Timestamp, (RunId, RunState)>;

/// The logical dates of a stretch.
#[derive(Debug, Clone, PartialEq)]
pub struct Dates {
    /// The trigger whose times they are; none for a pipeline without one that goes by the clock.
    pub trigger: Option<TriggerId>,
    /// What they go by: `cron 0 2 * * *`.
    pub text: String,
    /// Name of the time zone in which that is read.
    pub timezone: String,
    /// Oldest first, each with what its run stands for.
    pub all: Vec<(Timestamp, DataInterval)>,
    /// How many of the stretch have not come yet, and are left out.
    pub later: u64,
}

/// The dates that a request is about.
///
/// # Errors
/// Why there are none, or too many, or nobody can tell which are meant; and what to do.
pub fn dates(pipeline: &Pipeline, request: &BackfillRequest, now: Timestamp) -> Result<Dates, String> {
    let (trigger, text, timetable) = clock(pipeline, request.trigger.as_ref())?;
    let (from, to) = (request.from.first(timetable.zone), request.to.last(timetable.zone));
    if from > to {
        return Err(format!("the stretch from {} to {} ends before it begins", request.from, request.to));
    }
    let (before, until) = (from - TimeDelta::microseconds(1), to.min(now));
    let count = timetable.count(before, until);
    if count > MOST_DATES {
        return Err(format!(
            "{text} has {count} dates from {} to {}, and one backfill has at most {MOST_DATES}\nhint: ask for a shorter stretch; another can follow it",
            request.from, request.to
        ));
    }
    let later = timetable.count(before.max(now), to);
    let all: Vec<_> = timetable
        .between(before, until)
        .map(|tick| {
            let (start, end) = timetable.interval(tick.at);
            (tick.at, DataInterval { start, end })
        })
        .collect();
    if all.is_empty() {
        return Err(nothing(&text, request, &timetable, later));
    }
    Ok(Dates { trigger, text, timezone: timetable.zone.name().to_owned(), all, later })
}

fn nothing(text: &str, request: &BackfillRequest, timetable: &Timetable, later: u64) -> String {
    let stretch = format!("from {} to {}", request.from, request.to);
    let ends = [("start_date", timetable.start), ("end_date", timetable.end)];
    let ends: Vec<String> = ends.iter().filter_map(|(name, at)| at.map(|at| format!("its {name} is {}", rfc3339(at)))).collect();
    match (later, ends.is_empty()) {
        (1.., _) => format!("no date {stretch} has come yet ({text})"),
        (0, true) => format!("{text} has no date {stretch}"),
        (0, false) => format!("{text} has no date {stretch}: {}", ends.join(", ")),
    }
}

/// The clock that the dates go by.
fn clock(pipeline: &Pipeline, asked: Option<&TriggerId>) -> Result<(Option<TriggerId>, String, Timetable), String> {
    let clocks: Vec<_> = pipeline.triggers.iter().filter_map(|def| Some((def, Policy::of(&pipeline.id, def)?))).collect();
    let ids = || clocks.iter().map(|(def, _)| def.id.as_str());
    let listed = || ids().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
    let chosen = match (asked, clocks.as_slice()) {
        (Some(id), _) => {
            let known = || match suggest::nearest(id.as_str(), ids()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if clocks.is_empty() => "it has none: leave --trigger out, and it has a date every day at 00:00 UTC".to_owned(),
                None => format!("it has {}", listed()),
            };
            let found = clocks.iter().find(|(def, _)| def.id == *id);
            Some(found.ok_or_else(|| format!("{} has no trigger `{id}` that goes by the clock\nhint: {}", pipeline.id, known()))?)
        }
        (None, []) => None,
        (None, [one]) => Some(one),
        (None, _) => {
            return Err(format!(
                "{} has several triggers that go by the clock, and each has dates of its own\nhint: name one with --trigger: {}",
                pipeline.id,
                listed()
            ));
        }
    };
    match chosen {
        Some((def, policy)) => Ok((Some(def.id.clone()), format!("{} {}", def.kind.word(), def.text), policy.timetable.clone())),
        None => Ok((None, "every day at 00:00 UTC".to_owned(), Timetable::new(Line::Every(DAILY)))),
    }
}

/// What would become of each date, in the order in which runs are made.
pub fn items(dates: &Dates, request: &BackfillRequest, newest: &Newest) -> Vec<BackfillItem> {
    let mut all: Vec<&(Timestamp, DataInterval)> = dates.all.iter().collect();
    if request.reverse {
        all.reverse();
    }
    let item = |(position, (date, interval)): (usize, &(Timestamp, DataInterval))| {
        let found = newest.get(date);
        let (state, why) = match hindrance(request.reprocess, found) {
            Some(why) => (ItemState::Skipped, Some(why)),
            None => (ItemState::Pending, found.map(|found| format!("again: {}", told(found)))),
        };
        let position = u32::try_from(position).unwrap_or(u32::MAX);
        BackfillItem { position, logical_date: *date, data_interval: *interval, state, run: None, why }
    };
    all.into_iter().enumerate().map(item).collect()
}

/// Why a date gets no run, given the newest one that it has.
pub fn hindrance(reprocess: Reprocess, newest: Option<&(RunId, RunState)>) -> Option<String> {
    let newest = newest?;
    let is_done = match reprocess {
        Reprocess::None => true,
        Reprocess::Failed => newest.1 != RunState::Failed,
        Reprocess::All => false,
    };
    is_done.then(|| told(newest))
}

fn told((run, state): &(RunId, RunState)) -> String {
    let what = match state {
        RunState::Success => "succeeded",
        RunState::Failed => "failed",
        RunState::Canceled => "was canceled",
        RunState::Queued | RunState::Running | RunState::Canceling => "is open",
    };
    format!("{what} as run {run}")
}

/// Whether another run of it may be made.
pub const fn has_room(state: BackfillState, progress: Progress, max_active: u32) -> bool {
    state.makes_runs() && progress.pending > 0 && progress.running < max_active
}

/// How a backfill ends, once nothing of it is left.
pub const fn end(state: BackfillState, progress: Progress) -> Option<BackfillState> {
    let is_over = progress.running == 0 && (progress.pending == 0 || matches!(state, BackfillState::Canceling));
    match state {
        _ if !is_over => None,
        BackfillState::Canceling => Some(BackfillState::Canceled),
        BackfillState::Queued | BackfillState::Running | BackfillState::Paused if progress.failed + progress.canceled > 0 => {
            Some(BackfillState::Failed)
        }
        BackfillState::Queued | BackfillState::Running | BackfillState::Paused => Some(BackfillState::Success),
        BackfillState::Success | BackfillState::Failed | BackfillState::Canceled => None,
    }
}

#[cfg(test)]
mod tests;
