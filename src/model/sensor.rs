//! What a task waits for that does nothing but wait, and how often it looks.

use crate::stdx::{duration, time, zone::Zone};
use chrono::{NaiveTime, TimeDelta, TimeZone};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The action of a task that waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sensor {
    /// What it waits for.
    pub condition: Condition,
    /// How often it looks.
    pub pace: Pace,
    /// Past its timeout the task is skipped, not failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub soft_fail: bool,
}

impl Sensor {
    /// Under which name a [`Job`](super::Job) has it.
    pub const ARGUMENT: &str = "sensor";
}

/// What must come true. Texts are templates in a definition, and rendered in a [`Job`](super::Job).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Condition {
    /// A file or folder is there.
    File {
        /// Relative to the workspace; may be a pattern.
        pattern: String,
        /// All that match have kept size and time of change for so long.
        #[serde(default, with = "crate::stdx::duration::millis::option")]
        stable: Option<Duration>,
    },
    /// A script ends with code 0.
    Command {
        /// Run as a task's `run` is.
        script: String,
        /// How long one look may take.
        #[serde(default = "command_timeout", with = "crate::stdx::duration::millis")]
        look_timeout: Duration,
    },
    /// It is so late.
    Time {
        /// A time of day, a day, or a moment.
        time: String,
        /// IANA name of the zone of a time that names none.
        timezone: String,
        /// So long after it.
        #[serde(with = "crate::stdx::duration::millis")]
        offset: Duration,
    },
    /// An asset has a version that the same task has not gone on with in another run.
    Asset {
        /// Its name.
        asset: String,
    },
    /// An address of the web gives an answer.
    Http {
        /// The address.
        url: String,
        /// The status that the answer has.
        status: u16,
        /// A text that it holds.
        #[serde(default)]
        contains: Option<String>,
        /// Whether an answer that sends elsewhere is followed.
        #[serde(default)]
        redirects: bool,
        /// How long one look may take.
        #[serde(with = "crate::stdx::duration::millis")]
        look_timeout: Duration,
    },
}

/// How long one look by a program may take, unless the file says.
pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// For definitions that were kept before there was such a key.
const fn command_timeout() -> Duration {
    COMMAND_TIMEOUT
}

/// Output parameters of one that waited for files: the first of them, and how many there are.
pub const FOUND: [&str; 2] = ["path", "count"];

/// Output parameters of one that waited for an asset: the id of the artifact, and where its bytes are.
pub const VERSION: [&str; 2] = ["artifact", "path"];

/// Time between two looks: `interval × factor^n`, at most `max`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    /// After the first look.
    #[serde(with = "crate::stdx::duration::millis")]
    pub interval: Duration,
    /// By how much it grows from look to look; 1 is a fixed interval.
    pub factor: f64,
    /// It never grows beyond this.
    #[serde(with = "crate::stdx::duration::millis")]
    pub max: Duration,
}

impl Default for Pace {
    /// Soon at first, and no burden to anybody when it takes a night.
    fn default() -> Self {
        Self { interval: Duration::from_secs(10), factor: 1.5, max: Duration::from_secs(300) }
    }
}

impl Pace {
    /// How long to wait after the `looks`-th look in a row, counted from 1.
    pub fn after(&self, looks: u32) -> Duration {
        let exponent = i32::try_from(looks.saturating_sub(1)).unwrap_or(i32::MAX);
        let grown = self.interval.as_secs_f64() * self.factor.powi(exponent);
        Duration::try_from_secs_f64(grown.min(self.max.as_secs_f64())).unwrap_or(self.max)
    }
}

impl std::fmt::Display for Condition {
    /// Behind "waits for".
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File { pattern, stable: None } => write!(f, "file {pattern}"),
            Self::File { pattern, stable: Some(stable) } => write!(f, "file {pattern}, unchanged for {}", duration::exact(*stable)),
            Self::Command { script, .. } => {
                let mut lines = script.lines().map(str::trim).filter(|line| !line.is_empty());
                let first = lines.next().unwrap_or_default();
                write!(f, "command `{first}{}`", if lines.next().is_some() { " …" } else { "" })
            }
            Self::Time { time, timezone, offset } => {
                let zone = if time.ends_with('Z') || time.ends_with("}}") { String::new() } else { format!(" {timezone}") };
                let later = if offset.is_zero() { String::new() } else { format!(" and {}", duration::exact(*offset)) };
                write!(f, "{time}{zone}{later}")
            }
            Self::Asset { asset } => write!(f, "a new version of {asset}"),
            Self::Http { url, status, contains, .. } => {
                write!(f, "{url} to answer {status}")?;
                contains.iter().try_for_each(|text| write!(f, " with `{text}`"))
            }
        }
    }
}

/// What a text of `time` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// That time of day, on the day that the run stands for.
    Daily(NaiveTime),
    /// A day or a moment on the clock of the zone.
    Wall(chrono::NaiveDateTime),
    /// A moment.
    Moment(time::Timestamp),
}

impl When {
    /// Reads it.
    ///
    /// # Errors
    /// What it is not, and how one is written.
    pub fn parse(text: &str) -> Result<Self, String> {
        let daily = ["%H:%M", "%H:%M:%S"].iter().find_map(|format| NaiveTime::parse_from_str(text, format).ok());
        let moment = || chrono::DateTime::parse_from_rfc3339(text).ok().map(|at| Self::Moment(at.to_utc()));
        let wall = || time::parse_date(text).ok().map(|at| Self::Wall(at.naive_utc()));
        daily
            .map(Self::Daily)
            .or_else(moment)
            .or_else(wall)
            .ok_or_else(|| format!("`{text}` is no time; write \"06:30\" for that time of day, or \"2024-01-31T06:30:00Z\" for a moment"))
    }

    /// When that is for a run that stands for `logical_date`.
    ///
    /// A time that the clock of the zone leaves out is the first after the gap, and of one that comes twice it is the first.
    pub fn at(self, zone: Zone, logical_date: time::Timestamp) -> time::Timestamp {
        let wall = match self {
            Self::Moment(at) => return at,
            Self::Daily(time) => logical_date.with_timezone(&zone).date_naive().and_time(time),
            Self::Wall(wall) => wall,
        };
        // Samoa once left out a whole day.
        let moment = (0..=24 * 60).find_map(|minutes| zone.from_local_datetime(&(wall + TimeDelta::minutes(minutes))).earliest());
        moment.map_or_else(|| wall.and_utc(), |at| at.to_utc())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_between_looks_grows_to_its_limit_and_stays_there() {
        let seconds = Duration::from_secs;
        let pace = |interval, factor, max| Pace { interval: seconds(interval), factor, max: seconds(max) };
        for (pace, waits) in [
            (Pace::default(), [10.0, 15.0, 22.5, 33.75, 50.625]),
            (pace(30, 1.0, 300), [30.0; 5]),
            (pace(1, 2.0, 5), [1.0, 2.0, 4.0, 5.0, 5.0]),
            (pace(60, 10.0, 60), [60.0; 5]),
        ] {
            let found: Vec<f64> = (1..=5).map(|looks| pace.after(looks).as_secs_f64()).collect();
            assert_eq!(found, waits, "{pace:?}");
            assert_eq!(pace.after(u32::MAX), if pace.factor > 1.0 { pace.max } else { pace.interval });
        }
    }

    #[test]
    fn a_time_of_day_is_that_of_the_day_the_run_stands_for_and_survives_the_nights_when_clocks_change() {
        let berlin = "Europe/Berlin".parse().unwrap();
        for (text, logical_date, at) in [
            ("06:30", "2026-01-01T12:00:00Z", "2026-01-01T05:30:00Z"),
            // In Berlin it is the second already.
            ("06:30", "2026-01-01T23:30:00Z", "2026-01-02T05:30:00Z"),
            // 02:30 does not exist, and comes twice.
            ("02:30", "2026-03-29T12:00:00Z", "2026-03-29T01:00:00Z"),
            ("02:30:15", "2026-10-25T12:00:00Z", "2026-10-25T00:30:15Z"),
            ("2026-07-01T06:00", "2026-01-01T12:00:00Z", "2026-07-01T04:00:00Z"),
            ("2026-07-01", "2026-01-01T12:00:00Z", "2026-06-30T22:00:00Z"),
            ("2026-07-01T06:00:00Z", "2026-01-01T12:00:00Z", "2026-07-01T06:00:00Z"),
        ] {
            let found = When::parse(text).unwrap().at(berlin, logical_date.parse().unwrap());
            assert_eq!(found, at.parse::<time::Timestamp>().unwrap(), "{text} {logical_date}");
        }
        for bad in ["", "25:00", "noon", "6"] {
            assert!(When::parse(bad).is_err(), "{bad}");
        }
    }
}
