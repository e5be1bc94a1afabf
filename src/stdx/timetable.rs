//! When a clock fires: a cron line in a time zone, or an interval, between a first and a last day. Pure: every moment is an argument.

use super::{
    cron::Cron,
    time::{Timestamp, from_micros, to_micros},
    vocabulary::words,
    zone::Zone,
};
use chrono::{LocalResult, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a clock goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Times on the clock on the wall.
    Cron(Cron),
    /// Elapsed time, counted from [`Timetable::start`], else from 1970 in UTC.
    Every(Duration),
}

words! {
    /// What becomes of a fixed hour that a clock put forward leaves out.
    #[derive(Default)]
    DstGap, "dst_gap" {
        /// It fires at the first instant after the gap, once for all times that fell into it.
        #[default]
        Shift = "shift",
        /// It does not fire.
        Skip = "skip",
    }
}

words! {
    /// What becomes of a fixed hour that a clock put back shows twice.
    #[derive(Default)]
    DstOverlap, "dst_overlap" {
        /// It fires in the first pass.
        #[default]
        First = "first",
        /// It fires in the second pass.
        Second = "second",
        /// It fires in each.
        Both = "both",
    }
}

/// When something fires.
///
/// A cron line with fixed hours follows `gap` and `overlap`. One whose hour field begins with `*` needs no policy: it fires whenever the
/// clock on the wall shows one of its times, in both passes of an overlap, so that `*/15 * * * *` is a quarter of an hour of real time
/// in every night.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timetable {
    /// What it goes by.
    pub line: Line,
    /// Where the clock on the wall hangs. Intervals do not care.
    pub zone: Zone,
    /// Nothing fires before it.
    pub start: Option<Timestamp>,
    /// Nothing fires after it.
    pub end: Option<Timestamp>,
    /// For fixed hours.
    pub gap: DstGap,
    /// For fixed hours.
    pub overlap: DstOverlap,
}

/// One firing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// When.
    pub at: Timestamp,
    /// Whether a change of the clocks has to do with it.
    pub note: Option<DstNote>,
}

/// What a change of the clocks did to a firing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DstNote {
    /// Its time does not exist on this day: this is the first instant after the gap.
    MovedOutOfGap,
    /// Its time exists twice on this day: this is the first.
    FirstPass,
    /// Its time exists twice on this day: this is the second.
    SecondPass,
}

impl DstNote {
    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::MovedOutOfGap => "moved out of a gap",
            Self::FirstPass => "first of two passes",
            Self::SecondPass => "second of two passes",
        }
    }
}

/// Offsets from UTC are smaller than this.
const FARTHEST: TimeDelta = TimeDelta::hours(16);

impl Timetable {
    /// A line in UTC, without a first or last day and with the usual policies.
    pub fn new(line: Line) -> Self {
        Self { line, zone: Zone::UTC, start: None, end: None, gap: DstGap::default(), overlap: DstOverlap::default() }
    }

    /// The first firing after `at`. None once there is none until the year 2100 is over.
    pub fn after(&self, at: Timestamp) -> Option<Tick> {
        let at = self.start.map_or(at, |start| at.max(just_before(start)));
        self.line_after(at).filter(|next| self.end.is_none_or(|end| *next <= end)).map(|at| self.tick(at))
    }

    /// The last firing before `at`.
    pub fn before(&self, at: Timestamp) -> Option<Tick> {
        let at = self.end.map_or(at, |end| at.min(just_after(end)));
        self.line_before(at).filter(|last| self.start.is_none_or(|start| *last >= start)).map(|at| self.tick(at))
    }

    /// The firings after `from` up to and with `to`, oldest first.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Tick> {
        std::iter::successors(self.after(from), |tick| self.after(tick.at)).take_while(move |tick| tick.at <= to)
    }

    /// The times on the wall between `from` and `to` that a clock put forward leaves out, and that fire nothing for it: the line names their
    /// hours, and [`Timetable::gap`] skips. Oldest first.
    pub fn left_out(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = NaiveDateTime> {
        let cron = match &self.line {
            Line::Cron(cron) if self.gap == DstGap::Skip && !cron.is_every_hour() => Some(cron),
            Line::Cron(_) | Line::Every(_) => None,
        };
        let end = self.end.map_or(to, |end| to.min(end));
        let first = self.start.map_or(from, |start| from.max(just_before(start)));
        let walls = cron.into_iter().flat_map(move |cron| std::iter::successors(cron.next(self.wall(first)), |wall| cron.next(*wall)));
        let end = self.wall(end);
        walls.take_while(move |wall| *wall <= end).filter(|wall| self.zone.from_local_datetime(wall) == LocalResult::None)
    }

    /// How many firings [`Timetable::between`] would give, without going through them one by one.
    pub fn count(&self, from: Timestamp, to: Timestamp) -> u64 {
        let from = self.start.map_or(from, |start| from.max(just_before(start)));
        let to = self.end.map_or(to, |end| to.min(end));
        if from >= to {
            return 0;
        }
        match &self.line {
            Line::Cron(cron) => self.count_days(cron, from, to),
            Line::Every(every) => self.beats(*every, from, to),
        }
    }

    /// The data interval of a firing: from the firing before it to it. That one may lie before [`Timetable::start`].
    pub fn interval(&self, at: Timestamp) -> (Timestamp, Timestamp) {
        (self.line_before(at).unwrap_or(at), at)
    }

    /// The first firing after `at`, whatever the first and last day.
    fn line_after(&self, at: Timestamp) -> Option<Timestamp> {
        let cron = match &self.line {
            Line::Cron(cron) => cron,
            Line::Every(every) => return self.beat(*every, at, 1),
        };
        let mut wall = self.wall(at);
        if let LocalResult::Ambiguous(first, second) = self.zone.from_local_datetime(&wall)
            && at < second
        {
            // In the first pass: what the second pass shows again lies ahead, too.
            wall -= second - first;
        }
        let mut best: Option<Timestamp> = None;
        while let Some(next) = cron.next(wall) {
            wall = next;
            let (first, second) = self.fires(cron, next);
            best = [best, first, second].into_iter().flatten().filter(|fire| *fire > at).min();
            if best.is_some() && first.or(second).is_some_and(|fire| fire >= best.unwrap_or(fire)) {
                break;
            }
        }
        best
    }

    /// The last firing before `at`, whatever the first and last day.
    fn line_before(&self, at: Timestamp) -> Option<Timestamp> {
        let cron = match &self.line {
            Line::Cron(cron) => cron,
            Line::Every(every) => return self.beat(*every, just_before(at), 0),
        };
        let mut wall = self.wall(at) + TimeDelta::seconds(1);
        if let LocalResult::Ambiguous(first, second) = self.zone.from_local_datetime(&self.wall(at))
            && at >= second
        {
            // In the second pass: what the first pass has yet to show on the wall lies behind, too.
            wall += second - first;
        }
        let mut best: Option<Timestamp> = None;
        while let Some(previous) = cron.previous(wall) {
            wall = previous;
            let (first, second) = self.fires(cron, previous);
            best = [best, first, second].into_iter().flatten().filter(|fire| *fire < at).max();
            if best.is_some() && second.or(first).is_some_and(|fire| fire <= best.unwrap_or(fire)) {
                break;
            }
        }
        best
    }

    /// When a time on the wall fires: not at all, once, or twice.
    fn fires(&self, cron: &Cron, wall: NaiveDateTime) -> (Option<Timestamp>, Option<Timestamp>) {
        let (gap, overlap) = if cron.is_every_hour() { (DstGap::Skip, DstOverlap::Both) } else { (self.gap, self.overlap) };
        match self.zone.from_local_datetime(&wall) {
            LocalResult::Single(at) => (Some(at.to_utc()), None),
            LocalResult::Ambiguous(first, second) => match overlap {
                DstOverlap::First => (Some(first.to_utc()), None),
                DstOverlap::Second => (Some(second.to_utc()), None),
                DstOverlap::Both => (Some(first.to_utc()), Some(second.to_utc())),
            },
            LocalResult::None => match gap {
                DstGap::Shift => (Some(self.end_of_gap(wall)), None),
                DstGap::Skip => (None, None),
            },
        }
    }

    /// The first instant after the gap that `wall` fell into.
    fn end_of_gap(&self, wall: NaiveDateTime) -> Timestamp {
        let (mut before, mut after) = ((wall - FARTHEST).and_utc().timestamp(), (wall + FARTHEST).and_utc().timestamp());
        while after - before > 1 {
            let middle = before.midpoint(after);
            if self.wall(from_micros(middle * 1_000_000)) < wall {
                before = middle;
            } else {
                after = middle;
            }
        }
        from_micros(after * 1_000_000)
    }

    fn tick(&self, at: Timestamp) -> Tick {
        let Line::Cron(cron) = &self.line else { return Tick { at, note: None } };
        let wall = self.wall(at);
        let note = match self.zone.from_local_datetime(&wall) {
            _ if !cron.matches(wall) => Some(DstNote::MovedOutOfGap),
            LocalResult::Ambiguous(first, _) if at == first => Some(DstNote::FirstPass),
            LocalResult::Ambiguous(..) => Some(DstNote::SecondPass),
            _ => None,
        };
        Tick { at, note }
    }

    /// What the clock on the wall shows.
    fn wall(&self, at: Timestamp) -> NaiveDateTime {
        at.with_timezone(&self.zone).naive_local()
    }

    /// Counts by days: most are like any other, and those on which clocks change are gone through.
    fn count_days(&self, cron: &Cron, from: Timestamp, to: Timestamp) -> u64 {
        let day = TimeDelta::hours(24);
        let (mut at, mut count) = (from, 0);
        // `at` is the last moment of a day wherever that can be had: the first belongs to the day it begins.
        while at < to {
            let begin = self.wall(just_after(at));
            let tomorrow = begin.date().succ_opt().and_then(|day| self.zone.from_local_datetime(&day.and_time(NaiveTime::MIN)).single());
            let next = tomorrow.map(|next| just_before(next.to_utc())).filter(|next| *next > at).unwrap_or(at + day).min(to);
            let even = begin - self.wall(at) == TimeDelta::microseconds(1) && self.wall(next) - self.wall(at) == day;
            let usual = even && begin.time() == NaiveTime::MIN && next - at == day;
            count += match usual {
                true => u64::from(cron.on_day(begin.date())) * u64::from(cron.times_a_day()),
                false => self.between(at, next).count() as u64,
            };
            at = next;
        }
        count
    }

    /// Where an interval is counted from.
    fn origin(&self) -> i64 {
        self.start.map_or(0, to_micros)
    }

    /// The last beat of an interval up to and with `at`, or `later` beats after it.
    fn beat(&self, every: Duration, at: Timestamp, later: i64) -> Option<Timestamp> {
        let every = i64::try_from(every.as_micros()).ok().filter(|every| *every > 0)?;
        let beats = to_micros(at).checked_sub(self.origin())?.div_euclid(every).checked_add(later)?;
        Some(from_micros(beats.checked_mul(every)?.checked_add(self.origin())?))
    }

    fn beats(&self, every: Duration, from: Timestamp, to: Timestamp) -> u64 {
        let number = |at| (to_micros(at) - self.origin()).div_euclid(i64::try_from(every.as_micros()).unwrap_or(i64::MAX).max(1));
        u64::try_from(number(to) - number(from)).unwrap_or_default()
    }
}

/// Moments are kept in microseconds.
fn just_before(at: Timestamp) -> Timestamp {
    at - TimeDelta::microseconds(1)
}

fn just_after(at: Timestamp) -> Timestamp {
    at + TimeDelta::microseconds(1)
}
