//! The rule by which a zone changes its clocks each year, such as `CET-1CEST,M3.5.0,M10.5.0/3`: `TZ` of POSIX, with the hours from -167
//! to 167 of RFC 8536.

use super::{Kind, Period};
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Weekday};

/// A rule.
pub(super) struct Rule {
    standard: Kind,
    summer: Option<Summer>,
}

struct Summer {
    kind: Kind,
    begin: Change,
    end: Change,
}

/// When clocks are changed: some seconds after the midnight of a day, as the clock shows before.
struct Change {
    day: Day,
    seconds: i32,
}

enum Day {
    /// The nth of a weekday in a month, the last if there is no nth.
    Weekday { month: u32, nth: u8, weekday: Weekday },
    /// From 1, and 29 February is not counted.
    Of365(u32),
    /// From 0, and 29 February is counted.
    Of366(u32),
}

impl Rule {
    /// Reads one. None if it is none.
    pub fn read(text: &'static str) -> Option<Self> {
        let mut reader = Reader(text);
        let standard = Kind { name: reader.name()?, seconds: -reader.time()? };
        if reader.0.is_empty() {
            return Some(Self { standard, summer: None });
        }
        let name = reader.name()?;
        let seconds = if reader.0.starts_with(',') { standard.seconds + 60 * 60 } else { -reader.time()? };
        let (begin, end) = (reader.change()?, reader.change()?);
        let summer = Some(Summer { kind: Kind { name, seconds }, begin, end });
        reader.0.is_empty().then_some(Self { standard, summer })
    }

    /// What holds at a moment, and how long. None if it is too far away.
    pub fn period(&self, at: i64) -> Option<Period> {
        let Some(summer) = &self.summer else {
            return Some(Period { begin: i64::MIN, end: i64::MAX, kind: self.standard });
        };
        let year = DateTime::from_timestamp(at, 0)?.year();
        // A change may lie a week outside of its year.
        let mut changes = Vec::with_capacity(6);
        for year in year - 1..=year + 1 {
            changes.push((summer.begin.at(year, self.standard)?, summer.kind));
            changes.push((summer.end.at(year, summer.kind)?, self.standard));
        }
        // Stable: where it is summer all year, it ends when it begins again, and that it begins is what holds.
        changes.sort_by_key(|(at, _)| *at);
        let next = changes.partition_point(|(change, _)| *change <= at);
        let (begin, kind) = *changes.get(next.checked_sub(1)?)?;
        Some(Period { begin, end: changes.get(next)?.0, kind })
    }
}

impl Change {
    fn at(&self, year: i32, before: Kind) -> Option<i64> {
        let midnight = self.day.of(year)?.and_time(NaiveTime::MIN).and_utc().timestamp();
        Some(midnight + i64::from(self.seconds) - i64::from(before.seconds))
    }
}

impl Day {
    fn of(&self, year: i32) -> Option<NaiveDate> {
        match *self {
            Self::Weekday { month, nth, weekday } => {
                (1..=nth).rev().find_map(|nth| NaiveDate::from_weekday_of_month_opt(year, month, weekday, nth))
            }
            Self::Of365(day) => {
                let is_after_leap_day = day >= 60 && NaiveDate::from_ymd_opt(year, 2, 29).is_some();
                NaiveDate::from_yo_opt(year, day + u32::from(is_after_leap_day))
            }
            Self::Of366(day) => NaiveDate::from_yo_opt(year, day + 1),
        }
    }
}

/// What is left of a text that is read.
struct Reader(&'static str);

impl Reader {
    /// Takes `mark` if it is next.
    fn eat(&mut self, mark: char) -> Option<()> {
        self.0 = self.0.strip_prefix(mark)?;
        Some(())
    }

    /// As many characters as `is` holds for.
    fn run(&mut self, is: impl Fn(char) -> bool) -> &'static str {
        let end = self.0.find(|character| !is(character)).unwrap_or(self.0.len());
        let (run, rest) = self.0.split_at(end);
        self.0 = rest;
        run
    }

    fn number<N: std::str::FromStr>(&mut self) -> Option<N> {
        self.run(|character| character.is_ascii_digit()).parse().ok()
    }

    /// Letters, or anything between `<` and `>`.
    fn name(&mut self) -> Option<&'static str> {
        if self.eat('<').is_none() {
            return Some(self.run(|character| character.is_ascii_alphabetic())).filter(|name| !name.is_empty());
        }
        let name = self.run(|character| character != '>');
        self.eat('>').map(|()| name)
    }

    /// Hours, minutes and seconds, of which the latter may be left out.
    fn time(&mut self) -> Option<i32> {
        let sign = if self.eat('-').is_some() { -1 } else { 1 };
        let _ = self.eat('+');
        let mut seconds = 60 * 60 * self.number::<i32>()?;
        for unit in [60, 1] {
            if self.eat(':').is_some() {
                seconds += unit * self.number::<i32>()?;
            }
        }
        Some(sign * seconds)
    }

    fn change(&mut self) -> Option<Change> {
        self.eat(',')?;
        let day = if self.eat('M').is_some() {
            let month = self.number()?;
            self.eat('.')?;
            let nth = self.number()?;
            self.eat('.')?;
            let sunday_based: u8 = self.number()?;
            Day::Weekday { month, nth, weekday: Weekday::try_from((sunday_based + 6) % 7).ok()? }
        } else if self.eat('J').is_some() {
            Day::Of365(self.number()?)
        } else {
            Day::Of366(self.number()?)
        };
        let seconds = if self.eat('/').is_some() { self.time()? } else { 2 * 60 * 60 };
        Some(Change { day, seconds })
    }
}
