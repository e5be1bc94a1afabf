//! What the triggers of a workspace will do: for people, read from the files and the tables. It starts nothing.

use super::{Scheduler, events};
use crate::{
    model::{Catchup, DataInterval, Firing, Outcome, Pipeline, PipelineId, PipelineSwitch, RunId, TriggerDef, TriggerId, TriggerKind},
    stdx::{
        duration,
        time::Timestamp,
        timetable::{DstNote, Line},
    },
    store::{FiringCount, KnownTrigger},
    triggers::{
        Kind, Observed,
        clock::{self, Policy},
    },
};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use std::collections::BTreeMap;

/// A fire to come.
#[derive(Debug, Clone, PartialEq)]
pub struct NextFire {
    /// The pipeline.
    pub pipeline: PipelineId,
    /// The trigger of it.
    pub trigger: TriggerId,
    /// When its run starts.
    pub fires_at: Timestamp,
    /// The time that its run stands for; `fires_at` without the spread.
    pub logical_date: Timestamp,
    /// Name of the time zone in which the line is read.
    pub timezone: String,
    /// Its triggers are off, so that it will not fire unless somebody turns them on.
    pub paused: bool,
    /// What a change of the clocks did to it.
    pub note: Option<DstNote>,
    /// What its run is about.
    pub interval: DataInterval,
    /// Times on the wall since the fire before that the clocks leave out, so that nothing fires for them.
    pub left_out: Vec<NaiveDateTime>,
}

impl NextFire {
    /// What is left out before it, in words: a line for each night.
    pub fn left_out_words(&self) -> impl Iterator<Item = String> {
        self.left_out.chunk_by(|a, b| a.date() == b.date()).filter_map(|night| match night {
            [] => None,
            [one] => Some(format!("{} does not exist: left out (dst_gap = skip)", one.format("%-d %b %H:%M"))),
            [first, .., last] => {
                let (first, last) = (first.format("%-d %b %H:%M"), last.format("%H:%M"));
                Some(format!("{first} to {last}, {} times, do not exist: left out (dst_gap = skip)", night.len()))
            }
        })
    }
}

/// Everything that starts runs by itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outlook {
    /// The triggers of the files that are good.
    pub triggers: Vec<TriggerRow>,
    /// Files of which nothing is known.
    pub broken: Vec<Broken>,
}

impl Outlook {
    /// The next fires of all of it, soonest first.
    pub fn fires(&self, most: usize) -> Vec<&NextFire> {
        let mut fires: Vec<&NextFire> = self.triggers.iter().flat_map(|row| &row.next).collect();
        fires.sort_by_key(|fire| (fire.fires_at, &fire.pipeline, &fire.trigger));
        fires.truncate(most);
        fires
    }

    /// Pipelines whose triggers are on and that are in no file any more.
    pub fn gone(&self) -> impl Iterator<Item = &PipelineId> {
        self.broken.iter().filter_map(|broken| broken.gone.as_ref())
    }
}

/// A file that fires nothing, though it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Where it is, or was, relative to the workspace.
    pub file: String,
    /// What is wrong first.
    pub error: String,
    /// The pipeline whose triggers are on, if it is no file any more.
    pub gone: Option<PipelineId>,
}

/// What is to be said of a pipeline whose triggers are on and that is in no file any more.
pub fn vanished(pipeline: &PipelineId) -> String {
    format!(
        "the triggers of `{pipeline}` are on, and no file has it any more: nothing fires; put its file back, or turn them off with `flowyard pause {pipeline}` (under a new name, `flowyard unpause` turns them on)"
    )
}

/// What fell on a day, and what will; days are those of UTC.
#[derive(Debug, Clone, PartialEq)]
pub struct Day {
    /// Which.
    pub date: NaiveDate,
    /// How many fires came to what.
    pub past: BTreeMap<Outcome, u64>,
    /// How many are to come.
    pub planned: u64,
}

/// A trigger as a face shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct TriggerRow {
    /// The pipeline.
    pub pipeline: PipelineId,
    /// Its file, relative to the workspace.
    pub file: String,
    /// As its file has it.
    pub def: TriggerDef,
    /// When it fires, in words.
    pub words: String,
    /// The triggers of the pipeline are off.
    pub paused: bool,
    /// Its next fires, of one that goes by the clock.
    pub next: Vec<NextFire>,
    /// Its last fire is for a time that has not come: the clock was wrong then, and it fires nothing before.
    pub silent_until: Option<Timestamp>,
    /// The last fire, whatever became of it.
    pub last: Option<Firing>,
    /// What an engine that is started now would make of what fell due by the clock, oldest first; nothing if one runs.
    pub fell_due: Vec<Firing>,
}

/// A trigger, and what it sees now.
#[derive(Debug, Clone, PartialEq)]
pub struct TriggerState {
    /// As lists have it.
    pub row: TriggerRow,
    /// Since when it is on.
    pub since: Option<Timestamp>,
    /// Why it would fire now, if it would.
    pub wanted: Option<String>,
    /// When it may fire again.
    pub cooled: Option<Timestamp>,
    /// What it cannot see.
    pub troubles: Vec<String>,
}

impl TriggerState {
    /// What it would do about what there is to see now, given what is kept of it.
    pub fn new(
        row: TriggerRow,
        since: Option<Timestamp>,
        known: Option<&KnownTrigger>,
        observed: Option<&Observed>,
        now: Timestamp,
    ) -> Self {
        let memory = known.and_then(|known| known.record.memory.as_ref());
        let decide = Kind::of(&row.def.kind).decide().filter(|_| !row.paused);
        let seen = decide.zip(observed).map(|(decide, observed)| decide(&row.def, memory, observed)).unwrap_or_default();
        let cooled = events::cooled(&row.def, known.and_then(|known| known.last_started)).filter(|end| *end > now);
        let troubles = observed.map(Observed::troubles).unwrap_or_default();
        Self { since: since.filter(|_| !row.paused), wanted: seen.fire.map(|fire| fire.reason), cooled, troubles, row }
    }
}

/// What turning triggers on would start.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// The trigger.
    pub trigger: TriggerId,
    /// What is shown of it: `cron 0 2 * * *`.
    pub text: String,
    /// So many fires fell due while it was off.
    pub fell_due: u64,
    /// Logical dates of the runs that would be started at once, oldest first.
    pub starts: Vec<Timestamp>,
    /// When it fires next.
    pub next: Option<Timestamp>,
}

/// When the triggers of a pipeline that are on fire next by the clock.
pub fn next(pipeline: &Pipeline, known: &[KnownTrigger], now: Timestamp) -> Option<Timestamp> {
    let fires = pipeline.triggers.iter().filter_map(|def| {
        let last = known.iter().find(|known| known.record.pipeline == pipeline.id && known.record.trigger == def.id);
        let last = last.and_then(|known| known.last);
        next_of(&pipeline.id, def, false, last.map_or(now, |last| last.max(now)), 1).pop().map(|next| next.fires_at)
    });
    fires.min()
}

/// The next fires of one trigger; none of one that does not go by the clock.
pub fn next_of(pipeline: &PipelineId, def: &TriggerDef, paused: bool, after: Timestamp, most: usize) -> Vec<NextFire> {
    let (Some(policy), Some(clock)) = (Policy::of(pipeline, def), def.kind.clock()) else { return Vec::new() };
    let ticks = std::iter::successors(policy.timetable.after(after), |tick| policy.timetable.after(tick.at));
    let mut before = after;
    ticks
        .take(most)
        .map(|tick| NextFire {
            left_out: policy.timetable.left_out(std::mem::replace(&mut before, tick.at), tick.at).collect(),
            pipeline: pipeline.clone(),
            trigger: def.id.clone(),
            fires_at: policy.due_at(tick.at),
            logical_date: tick.at,
            timezone: clock.timezone.clone(),
            paused,
            note: tick.note,
            interval: {
                let (start, end) = policy.timetable.interval(tick.at);
                DataInterval { start, end }
            },
        })
        .collect()
}

/// What an engine that is started now would make of what fell due by the clock, oldest first for each trigger. `open` gives the runs of a
/// pipeline that are not over.
pub fn fell_due<'a>(
    pipelines: impl IntoIterator<Item = &'a Pipeline>,
    switches: &BTreeMap<PipelineId, PipelineSwitch>,
    known: &[KnownTrigger],
    open: impl Fn(&PipelineId) -> Vec<RunId>,
    now: Timestamp,
) -> Vec<Firing> {
    let mut scheduler = Scheduler::new(switches.clone(), known.to_vec());
    scheduler.define(pipelines.into_iter().map(|pipeline| (pipeline.id.clone(), Some(pipeline.triggers.clone()))).collect());
    scheduler.foretell(open, now)
}

/// So many days from a first one on: what `counted` of the trigger's fires came to, and how many are to come after `now`.
pub fn days(row: &TriggerRow, counted: &[FiringCount], first: NaiveDate, many: usize, now: Timestamp) -> Vec<Day> {
    let policy = Policy::of(&row.pipeline, &row.def);
    let to_come = policy.as_ref().filter(|_| !row.paused);
    let dates = first.iter_days().take(many);
    let day = |date: NaiveDate| {
        let begin = date.and_time(NaiveTime::MIN).and_utc();
        let end = begin + TimeDelta::days(1);
        let mut past = BTreeMap::new();
        for count in counted {
            let fell = match (&policy, count.first == count.last) {
                // Several that are one entry fell on the days on which the line has them.
                (Some(policy), false) => {
                    let from = count.first.max(begin) - TimeDelta::microseconds(1);
                    let to = count.last.min(end - TimeDelta::microseconds(1));
                    if from < to { policy.timetable.count(from, to) } else { 0 }
                }
                _ if (begin..end).contains(&count.last) => count.count,
                _ => 0,
            };
            if fell > 0 {
                *past.entry(count.outcome).or_default() += fell;
            }
        }
        let from = now.max(begin - TimeDelta::microseconds(1));
        let planned =
            to_come.map_or(0, |policy| if from < end { policy.timetable.count(from, end - TimeDelta::microseconds(1)) } else { 0 });
        Day { date, past, planned }
    };
    dates.map(day).collect()
}

/// When it fires, in words.
pub fn words(pipeline: &PipelineId, def: &TriggerDef) -> String {
    let zone = |timezone: &str| if timezone == "UTC" { String::new() } else { format!(", {timezone} time") };
    match &def.kind {
        TriggerKind::Cron { clock, .. } | TriggerKind::Every { clock, .. } => {
            match Policy::of(pipeline, def).map(|policy| policy.timetable.line) {
                Some(Line::Cron(cron)) => format!("{}{}", cron.words(), zone(&clock.timezone)),
                Some(Line::Every(interval)) => format!("every {}", duration::exact(interval)),
                None => def.text.clone(),
            }
        }
        TriggerKind::Files { patterns, .. } => format!("when the content of {} changes", patterns.join(", ")),
        TriggerKind::Assets { .. } => format!("when {} has a new version", def.text),
        TriggerKind::Pipeline { pipeline, on } => format!("after a run of {pipeline} ({on})"),
        TriggerKind::Git { .. } => format!("on new commits on {}", def.text),
        TriggerKind::Metric(_) => format!("when {}", def.text),
    }
}

/// What turning the triggers of a pipeline on now would start, if what fell due while they were off is made up for like that.
pub fn preview(
    pipeline: &Pipeline,
    switch: Option<&PipelineSwitch>,
    known: &[KnownTrigger],
    make_up: Option<Catchup>,
    now: Timestamp,
) -> Vec<Preview> {
    let is_off = switch.is_none_or(|switch| switch.paused);
    pipeline.triggers.iter().map(|def| preview_of(&pipeline.id, def, is_off, known, make_up, now)).collect()
}

fn preview_of(
    pipeline: &PipelineId,
    def: &TriggerDef,
    is_off: bool,
    known: &[KnownTrigger],
    make_up: Option<Catchup>,
    now: Timestamp,
) -> Preview {
    let mut preview =
        Preview { trigger: def.id.clone(), text: format!("{} {}", def.kind.word(), def.text), fell_due: 0, starts: Vec::new(), next: None };
    let Some(policy) = Policy::of(pipeline, def) else { return preview };
    preview.next = policy.timetable.after(now).map(|tick| policy.due_at(tick.at));
    let known = known.iter().find(|known| known.record.pipeline == *pipeline && known.record.trigger == def.id);
    // One that was never on starts from now.
    let Some(known) = known.filter(|_| is_off) else { return preview };
    let last = known.last.map_or(known.record.since, |last| last.max(known.record.since));
    preview.fell_due = policy.timetable.count(last, now);
    if let Some(catchup) = make_up.filter(|catchup| *catchup != Catchup::None) {
        let due = clock::decide(&Policy { catchup, ..policy }, last, now).due;
        preview.starts = due.iter().filter(|due| matches!(due.what, clock::What::Fire { .. })).map(|due| due.logical).collect();
    }
    preview
}
