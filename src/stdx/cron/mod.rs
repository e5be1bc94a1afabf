//! A line of Unix cron, and the moments on the clock on the wall at which it fires. Knows no time zones.

mod fields;
mod words;

pub use fields::CronError;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike, Utc};
use cron::Schedule;
use fields::{Fields, Set};
use std::{fmt, str::FromStr};

/// Five fields of Unix cron, or a word such as `@daily`.
///
/// Weekday 1 is Monday, 0 and 7 are Sunday. If days of month and of week are both restricted, either is enough.
#[derive(Debug, Clone)]
pub struct Cron {
    text: String,
    fields: Fields,
    /// It fires when any of them does.
    parts: Vec<Schedule>,
}

impl Cron {
    /// Reads a line.
    ///
    /// # Errors
    /// The first thing that is wrong in each field, with its place.
    pub fn parse(line: &str) -> Result<Self, Vec<CronError>> {
        let fields = Fields::parse(line)?;
        let parts = quartz(&fields)
            .iter()
            .map(|part| Schedule::from_str(part))
            .collect::<Result<_, _>>()
            .map_err(|error| vec![CronError { span: 0..line.len(), message: error.to_string(), hint: None }])?;
        Ok(Self { text: line.to_owned(), fields, parts })
    }

    /// The line in words, such as `at 06:00 on Mondays`.
    pub fn words(&self) -> String {
        words::of(&self.fields)
    }

    /// Whether the hour field begins with `*`: such a line fires whenever the clock on the wall shows one of its times, also where that clock
    /// is put forward or back.
    pub const fn is_every_hour(&self) -> bool {
        self.fields.wildcard_hour
    }

    /// Whether it fires at this moment.
    pub fn matches(&self, at: NaiveDateTime) -> bool {
        at.second() == 0
            && at.nanosecond() == 0
            && self.fields.hours.has(at.hour())
            && self.fields.minutes.has(at.minute())
            && self.on_day(at.date())
    }

    /// Whether it fires on this day.
    pub fn on_day(&self, day: NaiveDate) -> bool {
        self.fields.on_day(day.month(), day.day(), day.weekday().num_days_from_sunday())
    }

    /// How often it fires on a day on which it does.
    pub const fn times_a_day(&self) -> u32 {
        self.fields.hours.len() * self.fields.minutes.len()
    }

    /// The first moment after `at`, looked for until the end of the year 2100.
    pub fn next(&self, at: NaiveDateTime) -> Option<NaiveDateTime> {
        // Mostly the day is the same, and the sets tell it at once; the crate looks through the calendar.
        let today = self.fields.later(at.hour(), at.minute()).filter(|_| self.on_day(at.date()));
        match today.and_then(|(hour, minute)| at.date().and_hms_opt(hour, minute, 0)) {
            None => self.parts.iter().filter_map(|part| part.after(&as_utc(at)).next()).min().map(|next| next.naive_utc()),
            found => found,
        }
    }

    /// The last moment before `at`, looked for until the beginning of the year 1970.
    pub fn previous(&self, at: NaiveDateTime) -> Option<NaiveDateTime> {
        // A minute that has begun lies before.
        let minute = at.minute() + u32::from(at.second() > 0 || at.nanosecond() > 0);
        let today = self.fields.earlier(at.hour(), minute).filter(|_| self.on_day(at.date()));
        match today.and_then(|(hour, minute)| at.date().and_hms_opt(hour, minute, 0)) {
            None => self.parts.iter().filter_map(|part| part.after(&as_utc(at)).next_back()).max().map(|previous| previous.naive_utc()),
            found => found,
        }
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Cron {}

/// The clock on the wall as the crate wants it: in a zone without changes.
fn as_utc(at: NaiveDateTime) -> DateTime<Utc> {
    at.and_utc()
}

/// What fires as these fields do, in the dialect of the crate: Quartz, with seconds in front, days of week by name (1 would be Sunday), and
/// both day fields narrowing each other down, so that "either" takes two lines.
fn quartz(fields: &Fields) -> Vec<String> {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    let list = |set: Set, all: u32| match set.len() {
        n if n == all => "*".to_owned(),
        _ => set.iter().map(|number| number.to_string()).collect::<Vec<_>>().join(","),
    };
    let names = || match fields.weekdays.len() {
        7 => "*".to_owned(),
        _ => fields.weekdays.iter().map(|day| DAYS[day as usize]).collect::<Vec<_>>().join(","),
    };
    let line = |days: String, weekdays: String| {
        format!("0 {} {} {days} {} {weekdays} *", list(fields.minutes, 60), list(fields.hours, 24), list(fields.months, 12))
    };
    if fields.either_day {
        vec![line(list(fields.days, 31), "*".into()), line("*".into(), names())]
    } else {
        vec![line(list(fields.days, 31), names())]
    }
}
