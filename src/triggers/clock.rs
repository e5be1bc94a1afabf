//! Which firings of a clock are due, and what becomes of those that nobody could start. The newest firing that is known and the present are
//! arguments: what was missed follows from them, not from timers.

use super::{Kind, Looks};
use crate::{
    model::{Catchup, PipelineId, RunType, TriggerDef, TriggerKind},
    stdx::{
        cron::Cron,
        time::Timestamp,
        timetable::{Line, Timetable},
    },
};
use chrono::TimeDelta;
use std::time::Duration;

/// `cron = "0 2 * * *"`, `every = "15m"`.
pub const KIND: Kind = Kind { keys: &["cron", "every"], run_type: RunType::Scheduled, looks: Looks::AtClock };

/// So many missed firings are told one by one; the older ones become one entry, so that a year without an engine is no flood.
pub const MOST_LISTED: usize = 50;

/// How a trigger of the clock fires.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// When.
    pub timetable: Timetable,
    /// What becomes of firings that were missed.
    pub catchup: Catchup,
    /// How late a firing may still happen under `catchup = "none"`, if its own interval is not shorter.
    pub late_window: Duration,
    /// Most firings that `catchup = "all"` makes up for at once: the newest ones.
    pub cap: u32,
    /// Firings are spread over this time, each always by the same part of it, and never past the next one.
    pub jitter: Duration,
    /// What tells this trigger's spread from that of others: its pipeline and id.
    pub salt: String,
}

/// What is due, and when to ask again.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decision {
    /// Oldest first. Together the entries stand for every logical time since the last one, each once: recorded in this order, they may be cut
    /// off anywhere, and the next decision goes on from there.
    pub due: Vec<Due>,
    /// When the next firing is due, if there is one.
    pub wake: Option<Timestamp>,
}

/// A firing, or several that share their fate.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    /// The time it stands for; of several the newest.
    pub logical: Timestamp,
    /// From the firing before it (before the oldest of several) to it.
    pub interval: (Timestamp, Timestamp),
    /// The oldest of several, else the same as `logical`.
    pub first: Timestamp,
    /// How many logical times it stands for.
    pub count: u32,
    /// What becomes of it.
    pub what: What,
}

/// What becomes of a firing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It happens.
    Fire {
        /// So long after it was due.
        late: Duration,
    },
    /// It does not happen.
    Missed(Why),
    /// It would be made up for, but too many are.
    OverCap,
}

/// Why a missed firing does not happen any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It is older than the late window.
    TooLate,
    /// A newer one happens in its place.
    Superseded,
}

/// What is due at `now`, if `last` is the newest logical time that was decided, or the moment since which the trigger is on.
///
/// A clock that was put back makes nothing due until it has passed `last` again; one that was put forward makes what it left out missed.
pub fn decide(policy: &Policy, last: Timestamp, now: Timestamp) -> Decision {
    let Some(newest) = policy.newest_due(now).filter(|newest| *newest > last) else {
        return Decision { due: Vec::new(), wake: policy.wake(last) };
    };
    let (fire, listed) = match policy.catchup {
        Catchup::None => (usize::from(policy.lateness(newest, now) <= policy.window(newest)), MOST_LISTED),
        Catchup::Latest => (1, MOST_LISTED),
        Catchup::All => (usize::try_from(policy.cap).unwrap_or(usize::MAX), 0),
    };
    let mut due = policy.each(last, newest, fire.saturating_add(listed));
    let fired_from = due.len().saturating_sub(fire);
    for (position, one) in due.iter_mut().enumerate() {
        one.what = match position < fired_from {
            true => policy.missed(one.logical, now),
            false => What::Fire { late: policy.lateness(one.logical, now) },
        };
    }
    due.splice(0..0, policy.rest(last, newest, &due, now));
    Decision { due, wake: policy.wake(newest) }
}

impl Policy {
    /// How a trigger of a pipeline fires; `None` if it does not go by the clock.
    pub fn of(pipeline: &PipelineId, def: &TriggerDef) -> Option<Self> {
        let (line, clock) = match &def.kind {
            TriggerKind::Cron { line, clock } => (Line::Cron(Cron::parse(line).ok()?), clock),
            TriggerKind::Every { interval, clock } => (Line::Every(*interval), clock),
            _ => return None,
        };
        Some(Self {
            timetable: Timetable {
                line,
                zone: clock.timezone.parse().ok()?,
                start: clock.start_date,
                end: clock.end_date,
                gap: clock.dst_gap,
                overlap: clock.dst_overlap,
            },
            catchup: clock.catchup,
            late_window: clock.late_window,
            cap: clock.max_catchup,
            jitter: clock.jitter,
            salt: format!("{pipeline}/{}", def.id),
        })
    }

    /// The newest logical time whose moment has come.
    fn newest_due(&self, now: Timestamp) -> Option<Timestamp> {
        let newest = self.timetable.before(now + TimeDelta::microseconds(1))?.at;
        // Its spread ends before the next one, so that at most one is still waiting.
        if self.due_at(newest) <= now { Some(newest) } else { self.timetable.before(newest).map(|tick| tick.at) }
    }

    /// When the first firing after `last` is due.
    fn wake(&self, last: Timestamp) -> Option<Timestamp> {
        self.timetable.after(last).map(|tick| self.due_at(tick.at))
    }

    /// When a logical time happens.
    pub fn due_at(&self, logical: Timestamp) -> Timestamp {
        if self.jitter.is_zero() {
            return logical;
        }
        let jitter = micros(self.jitter);
        let room = self.timetable.after(logical).map_or(jitter, |next| (next.at - logical).num_microseconds().unwrap_or(jitter));
        let most = u64::try_from(jitter.min(room)).unwrap_or_default().max(1);
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.salt.as_bytes()).update(&logical.timestamp_micros().to_le_bytes());
        let mut bytes = [0; 8];
        hasher.finalize_xof().fill(&mut bytes);
        logical + TimeDelta::microseconds(i64::try_from(u64::from_le_bytes(bytes) % most).unwrap_or_default())
    }

    fn lateness(&self, logical: Timestamp, now: Timestamp) -> Duration {
        (now - self.due_at(logical)).to_std().unwrap_or_default()
    }

    /// How late this firing may be: not as late as the next one.
    fn window(&self, logical: Timestamp) -> Duration {
        let next = self.timetable.after(logical).map(|next| next.at - logical);
        let own = next.unwrap_or_else(|| logical - self.timetable.interval(logical).0);
        self.late_window.min(own.to_std().unwrap_or_default())
    }

    fn missed(&self, logical: Timestamp, now: Timestamp) -> What {
        let in_time = self.catchup == Catchup::Latest || self.lateness(logical, now) <= self.late_window;
        What::Missed(if in_time { Why::Superseded } else { Why::TooLate })
    }

    /// The newest `most` firings after `last` up to and with `newest`, oldest first.
    fn each(&self, last: Timestamp, newest: Timestamp, most: usize) -> Vec<Due> {
        let back = std::iter::successors(Some(newest), |at| self.timetable.before(*at).map(|tick| tick.at));
        let mut due: Vec<Due> = back
            .take_while(|at| *at > last)
            .take(most)
            .map(|at| Due { logical: at, interval: self.timetable.interval(at), first: at, count: 1, what: What::OverCap })
            .collect();
        due.reverse();
        due
    }

    /// Those before the ones in `due`, as one entry.
    fn rest(&self, last: Timestamp, newest: Timestamp, due: &[Due], now: Timestamp) -> Option<Due> {
        let logical = match due.first() {
            Some(oldest) => self.timetable.before(oldest.logical)?.at,
            None => newest,
        };
        if logical <= last {
            return None;
        }
        let first = self.timetable.after(last)?.at;
        let what = if self.catchup == Catchup::All { What::OverCap } else { self.missed(logical, now) };
        let count = u32::try_from(self.timetable.count(last, logical)).unwrap_or(u32::MAX);
        Some(Due { logical, interval: (self.timetable.interval(first).0, logical), first, count, what })
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
