//! What starts runs by itself, as it is told: in which order triggers stand, when they fire, and what became of it.

use super::{text, world::Ask};
use crate::{
    model::{Catchup, Command, Firing, Outcome, PipelineId, RunId, TriggerId},
    runtime::scheduler::outlook::{Broken, Day, NextFire, Outlook, Preview, TriggerRow, TriggerState},
    stdx::time::Timestamp,
};
use chrono::{Datelike, NaiveDate, Timelike};
use std::collections::BTreeMap;

/// Fires to come of each trigger that are read.
pub const NEXT: usize = 12;
/// Past fires of the selected trigger that are read.
pub const PAST: usize = 40;
/// Weeks of the calendar.
pub const WEEKS: usize = 5;

/// Which trigger.
pub type TriggerKey = (PipelineId, TriggerId);

/// Everything that starts runs by itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schedule {
    /// In order: those that are on before those that are off, those that go by the clock before others, soonest first.
    pub triggers: Vec<TriggerRow>,
    /// Files of which nothing is known.
    pub broken: Vec<Broken>,
    /// What became of the fires of one of them.
    pub past: Option<Past>,
}

/// What became of the fires of a trigger.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// Which.
    pub of: TriggerKey,
    /// The days of whole weeks, Monday first; the last week is this one.
    pub days: Vec<Day>,
    /// Newest first.
    pub fires: Vec<Firing>,
    /// What people call the runs of those.
    pub names: BTreeMap<RunId, String>,
}

impl Schedule {
    /// In order.
    pub fn new(outlook: Outlook) -> Self {
        let mut schedule = Self { triggers: outlook.triggers, broken: outlook.broken, past: None };
        schedule.arrange();
        schedule
    }

    fn arrange(&mut self) {
        let rank = |row: &TriggerRow| {
            let next = row.next.first().map(|next| next.fires_at);
            (row.paused, next.is_none(), next, key(row))
        };
        self.triggers.sort_by_cached_key(rank);
    }

    /// The triggers of a pipeline were turned on or off.
    pub fn turned(&mut self, pipeline: &PipelineId, paused: bool) {
        for row in self.triggers.iter_mut().filter(|row| row.pipeline == *pipeline) {
            row.paused = paused;
            row.next.iter_mut().for_each(|next| next.paused = paused);
            row.fell_due.clear();
        }
        self.arrange();
    }

    /// The trigger that is meant; the first if none is, or it is not there any more.
    pub fn find(&self, wanted: Option<&TriggerKey>) -> Option<&TriggerRow> {
        let found = wanted.and_then(|wanted| self.triggers.iter().find(|row| key(row) == *wanted));
        found.or_else(|| self.triggers.first())
    }

    /// How many runs an engine that is started now makes at once.
    pub fn made_up(&self) -> usize {
        self.triggers.iter().flat_map(|row| &row.fell_due).filter(|firing| firing.outcome == Outcome::Started).count()
    }

    /// Those that are on.
    pub fn on(&self) -> impl Iterator<Item = &TriggerRow> {
        self.triggers.iter().filter(|row| !row.paused)
    }

    /// The next fire of all.
    pub fn next(&self) -> Option<&NextFire> {
        self.on().filter_map(|row| row.next.first()).min_by_key(|next| next.fires_at)
    }
}

/// So many runs are named that an engine makes at once.
const NAMED: usize = 3;

/// What an engine that is started now makes of what fell due of a trigger; nothing if nothing did.
pub fn fell_due_words(row: &TriggerRow) -> Option<String> {
    let (started, told): (Vec<&Firing>, Vec<&Firing>) = row.fell_due.iter().partition(|firing| firing.outcome == Outcome::Started);
    let named: Vec<String> = started.iter().take(NAMED).map(|firing| moment(firing.logical_date)).collect();
    let runs = match started.len() {
        0 => "nothing".to_owned(),
        many @ 1..=NAMED => format!("{}: {}", text::count(many, "run"), named.join(", ")),
        many => format!("{many} runs: {} and {} more", named.join(", "), many - NAMED),
    };
    let mut others: BTreeMap<Outcome, u64> = BTreeMap::new();
    for firing in &told {
        *others.entry(firing.outcome).or_default() += u64::from(firing.count);
    }
    let others: Vec<String> = others.into_iter().map(|(outcome, count)| format!("{count} {}", look(outcome).1)).collect();
    let others = if others.is_empty() { String::new() } else { format!("; only told: {}", others.join(", ")) };
    (!started.is_empty() || !told.is_empty()).then(|| format!("starting one now makes up for {runs}{others}"))
}

/// Which trigger that is.
pub fn key(row: &TriggerRow) -> TriggerKey {
    (row.pipeline.clone(), row.def.id.clone())
}

/// The first day of the calendar.
pub fn first_day(today: NaiveDate) -> NaiveDate {
    let back = u64::from(today.weekday().num_days_from_monday()) + 7 * (WEEKS as u64 - 1);
    today - chrono::Days::new(back)
}

/// Glyph, word and token of what became of a fire.
pub const fn look(outcome: Outcome) -> (char, &'static str, &'static str) {
    match outcome {
        Outcome::Started => ('▸', "started", "ok"),
        Outcome::Skipped => ('↷', "skipped", "state.skipped"),
        Outcome::Missed => ('!', "missed", "warning"),
        Outcome::OverCap => ('!', "over the cap", "warning"),
        Outcome::Failed => ('✗', "failed", "state.failed"),
    }
}

/// How long until then: `in 21m49s`, `in 11h57m`, `in 3d04h`.
pub fn until(at: Timestamp, now: Timestamp) -> String {
    match (at - now).num_seconds() {
        s if s <= 0 => "now".to_owned(),
        s @ 1..60 => format!("in {s}s"),
        s @ 60..3_600 => format!("in {}m{:02}s", s / 60, s % 60),
        s @ 3_600..86_400 => format!("in {}h{:02}m", s / 3_600, s % 3_600 / 60),
        s => format!("in {}d{:02}h", s / 86_400, s % 86_400 / 3_600),
    }
}

/// A moment as every list has it: to the minute, and to the second where it is none.
pub fn moment(at: Timestamp) -> String {
    at.format(if at.second() == 0 { "%Y-%m-%d %H:%MZ" } else { "%m-%d %H:%M:%SZ" }).to_string()
}

/// What turning the triggers of a pipeline on would start.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnOn {
    /// The pipeline.
    pub pipeline: PipelineId,
    /// If the newest that fell due while they were off is made up for.
    pub latest: Vec<Preview>,
    /// If all of it is.
    pub all: Vec<Preview>,
}

impl TurnOn {
    /// Whether there is something to choose.
    pub fn asks(&self) -> bool {
        runs(&self.latest) + runs(&self.all) > 0
    }

    /// Turns them on.
    pub fn command(&self, make_up: Option<Catchup>) -> Ask {
        Ask::Send(Command::PausePipeline { pipeline: self.pipeline.clone(), paused: false, env: BTreeMap::new(), make_up })
    }

    /// When the first of them fires once they are on.
    pub fn next_words(&self, now: Timestamp) -> String {
        match self.latest.iter().filter_map(|one| one.next).min() {
            Some(next) => format!("{}: next fire {}, {}", self.pipeline, until(next, now), moment(next)),
            None if self.latest.is_empty() => format!("{}: no triggers yet; those that its file gets will be on", self.pipeline),
            None => format!("{}: no next fire by the clock; it fires when something happens", self.pipeline),
        }
    }
}

/// How many runs that would start.
pub fn runs(previews: &[Preview]) -> usize {
    previews.iter().map(|one| one.starts.len()).sum()
}

/// What stands over the answer to why a trigger fires, or did not.
pub fn why_title(row: &TriggerRow) -> String {
    format!("Why?  {} {}", row.pipeline, row.def.kind.word())
}

/// What a trigger sees now, and what it cannot see, line by line.
pub fn sight_words(state: &TriggerState, now: Timestamp) -> Vec<String> {
    let mut lines: Vec<String> = state.troubles.iter().map(|trouble| format!("✗ it cannot see what it waits for: {trouble}")).collect();
    match (&state.wanted, state.cooled) {
        (Some(reason), Some(end)) => {
            lines.push(format!("◌ it has something to fire for, and its cooldown ends {}: {reason}", until(end, now)))
        }
        (Some(reason), None) => lines.push(format!("▸ it fires now: {reason}")),
        (None, _) if lines.is_empty() => lines.push("· nothing of what it waits for is new".to_owned()),
        (None, _) => {}
    }
    lines
}

/// Why a trigger fires, or did not, line by line.
pub fn why(row: &TriggerRow, engine_runs: bool, now: Timestamp) -> Vec<String> {
    let mut lines = vec![row.words.clone()];
    if row.paused {
        lines.push("· the triggers of this pipeline are off, so it fires nothing".to_owned());
    } else if !engine_runs {
        lines.push("✗ no engine runs, so nothing fires".to_owned());
        lines.extend(fell_due_words(row).map(|words| format!("· {words}")));
    }
    match row.next.first() {
        Some(next) if row.paused => {
            lines.push(format!("· were they on, it would fire {}: {}", until(next.fires_at, now), moment(next.fires_at)))
        }
        Some(next) => lines.push(format!("◌ it fires {}: {}", until(next.fires_at, now), moment(next.fires_at))),
        None if row.def.kind.clock().is_some() => lines.push("· it fires no more: its end_date is over".to_owned()),
        None => {}
    }
    match &row.last {
        Some(fire) => lines.push(fire_words(fire, now)),
        None => lines.push("· it never fired".to_owned()),
    }
    lines
}

/// What became of a fire, in a sentence.
pub fn fire_words(fire: &Firing, now: Timestamp) -> String {
    let (glyph, word, _) = look(fire.outcome);
    let about = match fire.first {
        Some(first) => format!("the {} fires from {} to {} were", fire.count, moment(first), moment(fire.logical_date)),
        None if fire.outcome == Outcome::Started => format!("the fire for {}", moment(fire.logical_date)),
        None if fire.outcome == Outcome::Failed => format!("the fire for {}", moment(fire.logical_date)),
        None => format!("the fire for {} was", moment(fire.logical_date)),
    };
    let word = if fire.outcome == Outcome::Started { "started a run" } else { word };
    let why = if fire.why.is_empty() { String::new() } else { format!(": {}", fire.why) };
    format!("{glyph} {about} {word}{why} ({})", text::ago(fire.decided_at, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_until_a_fire_is_told_as_exactly_as_it_matters() {
        let now: Timestamp = "2026-03-14T14:02:11Z".parse().unwrap();
        let told = |seconds| until(now + chrono::Duration::seconds(seconds), now);
        assert_eq!([told(-3), told(9), told(1_309), told(43_020)], ["now", "in 9s", "in 21m49s", "in 11h57m"]);
        assert_eq!(told(3 * 86_400 + 14_400), "in 3d04h");
    }

    #[test]
    fn the_calendar_begins_on_a_monday_and_ends_with_this_week() {
        for day in 9..16 {
            let today = NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
            assert_eq!(first_day(today), NaiveDate::from_ymd_opt(2026, 2, 9).unwrap());
        }
    }
}
