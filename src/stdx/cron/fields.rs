//! The five fields of a cron line: text to sets of numbers, with every mistake in its place.

use crate::stdx::suggest::nearest;
use std::ops::Range;

/// What is wrong with a cron line, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronError {
    /// Bytes of the line.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

/// The words that stand for a whole line.
const WORDS: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Some numbers from 0 to 63.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Set(u64);

impl Set {
    pub(super) fn add(&mut self, number: u32) {
        self.0 |= 1 << number;
    }

    pub(super) const fn has(self, number: u32) -> bool {
        self.0 >> number & 1 == 1
    }

    pub(super) const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// The smallest that is not below `number`.
    pub(super) fn first_from(self, number: u32) -> Option<u32> {
        let rest = self.0 >> number;
        (rest != 0).then(|| number + rest.trailing_zeros())
    }

    /// The largest below `number`.
    pub(super) fn last_below(self, number: u32) -> Option<u32> {
        (self.0 & ((1 << number) - 1)).checked_ilog2()
    }

    pub(super) fn iter(self) -> impl Iterator<Item = u32> + Clone {
        (0..64).filter(move |number| self.has(*number))
    }
}

impl FromIterator<u32> for Set {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        let mut set = Self::default();
        numbers.into_iter().for_each(|number| set.add(number));
        set
    }
}

/// What the fields of a line say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) minutes: Set,
    pub(super) hours: Set,
    pub(super) days: Set,
    pub(super) months: Set,
    /// 0 is Sunday; a 7 in the text became 0.
    pub(super) weekdays: Set,
    /// Days of month and of week are both restricted: either is enough.
    pub(super) either_day: bool,
    /// The hour field begins with `*`.
    pub(super) wildcard_hour: bool,
}

struct Field {
    name: &'static str,
    min: u32,
    /// The highest number that may be written.
    max: u32,
    /// The highest number there is: a written 7 for Sunday is a 0.
    last: u32,
    names: &'static [&'static str],
    first_name: u32,
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", min: 0, max: 59, last: 59, names: &[], first_name: 0 },
    Field { name: "hour", min: 0, max: 23, last: 23, names: &[], first_name: 0 },
    Field { name: "day of month", min: 1, max: 31, last: 31, names: &[], first_name: 0 },
    Field { name: "month", min: 1, max: 12, last: 12, names: &MONTHS, first_name: 1 },
    // 0 and 7 are both Sunday.
    Field { name: "day of week", min: 0, max: 7, last: 6, names: &DAYS, first_name: 0 },
];

impl Fields {
    /// Reads a line.
    ///
    /// # Errors
    /// The first thing that is wrong in each field.
    pub(super) fn parse(line: &str) -> Result<Self, Vec<CronError>> {
        let whole = 0..line.len();
        if line.trim_start().starts_with('@') {
            let word = line.trim();
            if let Some((_, fields)) = WORDS.iter().find(|(known, _)| *known == word) {
                return Self::parse(fields);
            }
            let words = || WORDS.iter().map(|(word, _)| *word);
            let hint = did_you_mean(word, words()).unwrap_or_else(|| format!("the words are {}", words().collect::<Vec<_>>().join(", ")));
            return Err(vec![CronError { span: whole, message: format!("cron knows no `{word}`"), hint: Some(hint) }]);
        }
        let parts = split(line);
        if parts.len() != FIELDS.len() {
            let hint = match parts.len() {
                6 | 7 => "there are no seconds and no years here: minute, hour, day of month, month, day of week",
                _ => "write minute, hour, day of month, month, day of week, such as `0 2 * * *`",
            };
            return Err(vec![CronError {
                span: whole,
                message: format!("a cron line has 5 fields, not {}", parts.len()),
                hint: Some(hint.into()),
            }]);
        }
        let (mut wrong, mut sets) = (Vec::new(), [Set::default(); 5]);
        for ((field, (at, part)), set) in FIELDS.iter().zip(&parts).zip(&mut sets) {
            match field.values(part) {
                Ok(values) => *set = values,
                Err((message, hint)) => wrong.push(CronError { span: *at..at + part.len(), message, hint }),
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let [minutes, hours, days, months, weekdays] = sets;
        let (day_text, weekday_text) = (parts[2].1, parts[4].1);
        let either_day = restricts(day_text, days.len() == 31, weekday_text) && restricts(weekday_text, weekdays.len() == 7, day_text);
        let fields = Self { minutes, hours, days, months, weekdays, either_day, wildcard_hour: parts[1].1.starts_with('*') };
        if !either_day && !months.iter().any(|month| days.iter().any(|day| day <= longest(month))) {
            let span = parts[2].0..parts[3].0 + parts[3].1.len();
            return Err(vec![CronError { span, message: "no such day is in these months, so that it never fires".into(), hint: None }]);
        }
        Ok(fields)
    }

    /// The first hour and minute after a time of day.
    pub(super) fn later(&self, hour: u32, minute: u32) -> Option<(u32, u32)> {
        let this_hour = self.minutes.first_from(minute + 1).filter(|_| self.hours.has(hour)).map(|minute| (hour, minute));
        this_hour.or_else(|| self.hours.first_from(hour + 1).zip(self.minutes.first_from(0)))
    }

    /// The last hour and minute before a time of day.
    pub(super) fn earlier(&self, hour: u32, minute: u32) -> Option<(u32, u32)> {
        let this_hour = self.minutes.last_below(minute).filter(|_| self.hours.has(hour)).map(|minute| (hour, minute));
        this_hour.or_else(|| self.hours.last_below(hour).zip(self.minutes.last_below(60)))
    }

    /// Whether the line fires on this day.
    pub(super) const fn on_day(&self, month: u32, day: u32, weekday: u32) -> bool {
        let (by_day, by_weekday) = (self.days.has(day), self.weekdays.has(weekday));
        self.months.has(month) && if self.either_day { by_day || by_weekday } else { by_day && by_weekday }
    }
}

/// Whether a day field narrows the days down, as croniter sees it (Unix cron itself knows only `*` and "anything else"): a bare `*` does not;
/// a full set such as `1-31` or `*/1` does, unless the other day field has a star.
fn restricts(text: &str, full: bool, other: &str) -> bool {
    !(text.split(',').any(|item| item == "*") || full && other.contains('*'))
}

const fn longest(month: u32) -> u32 {
    match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn split(line: &str) -> Vec<(usize, &str)> {
    let start = line.as_ptr() as usize;
    line.split_ascii_whitespace().map(|part| (part.as_ptr() as usize - start, part)).collect()
}

fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, candidates).map(|name| format!("did you mean `{name}`?"))
}

type Wrong = (String, Option<String>);

impl Field {
    fn values(&self, text: &str) -> Result<Set, Wrong> {
        let mut set = Set::default();
        for item in text.split(',') {
            self.item(item)?.into_iter().for_each(|number| set.add(number));
        }
        Ok(set)
    }

    fn item(&self, item: &str) -> Result<Vec<u32>, Wrong> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (item, None),
        };
        let written = match range.split_once('-') {
            _ if range == "*" => (self.min, self.last),
            Some((from, to)) => (self.number(from)?, self.number(to)?),
            None => {
                let number = self.number(range)?;
                // A start with a step goes on to the end of the field.
                if step.is_some() { (self.fold(number), self.last) } else { (number, number) }
            }
        };
        let step = match step.map(str::parse::<u32>) {
            None => 1,
            Some(Ok(step)) if step >= 1 && step <= self.max => step,
            Some(_) => return Err((format!("the step of the {} in `{item}` is not a number from 1 to {}", self.name, self.max), None)),
        };
        Ok(self.spread(written, step))
    }

    /// The numbers of a range that is as it was written.
    fn spread(&self, written: (u32, u32), step: u32) -> Vec<u32> {
        let (from, to) = (self.fold(written.0), self.fold(written.1));
        if from == to {
            // From Sunday to Sunday is a week; every other such range is one number.
            let whole = written.0 != written.1;
            return if whole { (self.min..=self.last).step_by(step as usize).collect() } else { vec![from] };
        }
        if from < to {
            return (from..=to).step_by(step as usize).collect();
        }
        let mut numbers: Vec<u32> = (from..=self.last).step_by(step as usize).collect();
        let rest = self.last - (from + (self.last - from) / step * step);
        // Where a step crosses the end of the field Unix cron is silent; croniter's count is taken, so that a line means here what it means
        // in Airflow: one number later than one would count, unless the step lands exactly on the first.
        let skipped = if step > rest + 1 { step - rest } else { 0 };
        numbers.extend((self.min + skipped..=to).step_by(step as usize));
        numbers
    }

    /// The other number of Sunday becomes its first.
    const fn fold(&self, number: u32) -> u32 {
        if number > self.last { self.min } else { number }
    }

    fn number(&self, text: &str) -> Result<u32, Wrong> {
        let lower = text.to_ascii_lowercase();
        if let Some(position) = self.names.iter().position(|name| *name == lower) {
            return Ok(self.first_name + u32::try_from(position).unwrap_or_default());
        }
        let expected = || format!("`{text}` is no {}; it is {} to {}", self.name, self.min, self.max);
        if text.is_empty() {
            let hint = "a range is `1-5`, a list `1,3,5`, a step `*/2`".to_owned();
            return Err((format!("a {} is missing", self.name), Some(hint)));
        }
        match text.parse::<u32>() {
            Ok(number) if !text.starts_with('+') && (self.min..=self.max).contains(&number) => Ok(number),
            Ok(_) => Err((expected(), None)),
            Err(_) if text.contains(['?', 'L', 'W', '#']) => {
                Err((expected(), Some("`?`, `L`, `W` and `#` belong to another dialect; this is Unix cron".into())))
            }
            Err(_) => Err((expected(), did_you_mean(&lower, self.names.iter().copied()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_unix_cron_are_good() {
        for line in [
            "0 2 * * *",
            "*/15 * * * *",
            "0 9-17/2 * * mon-fri",
            "0 0 1,15 JAN,jul 0",
            "5 4 * * 7",
            "@daily",
            "@hourly",
            "  0   2 * * *  ",
            "0 0 29 2 *",
            "0 0 31 2 1",
            "5/15 * * * *",
            "0 17-9 * * fri-mon",
        ] {
            assert!(Fields::parse(line).is_ok(), "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_field() {
        for (line, at, message) in [
            ("60 2 * * *", 0..2, "`60` is no minute; it is 0 to 59"),
            ("0 24 * * *", 2..4, "`24` is no hour; it is 0 to 23"),
            ("0 2 0 * *", 4..5, "`0` is no day of month; it is 1 to 31"),
            ("0 2 * jam *", 6..9, "`jam` is no month; it is 1 to 12"),
            ("0 2 * * 8", 8..9, "`8` is no day of week; it is 0 to 7"),
            ("0 2 * *", 0..7, "a cron line has 5 fields, not 4"),
            ("0 0 2 * * *", 0..11, "a cron line has 5 fields, not 6"),
            ("0 2 ? * *", 4..5, "`?` is no day of month; it is 1 to 31"),
            ("*/0 * * * *", 0..3, "the step of the minute in `*/0` is not a number from 1 to 59"),
            ("0 0 30 2 *", 4..8, "no such day is in these months, so that it never fires"),
            ("@dayly", 0..6, "cron knows no `@dayly`"),
            ("", 0..0, "a cron line has 5 fields, not 0"),
            ("1,,2 * * * *", 0..4, "a minute is missing"),
        ] {
            let wrong = Fields::parse(line).unwrap_err();
            assert_eq!((wrong[0].span.clone(), wrong[0].message.as_str()), (at, message), "{line}");
        }
        assert_eq!(Fields::parse("60 24 * * *").unwrap_err().len(), 2);
    }

    #[test]
    fn ranges_wrap_and_sunday_has_two_numbers() {
        let hours = |text: &str| Fields::parse(&format!("0 {text} * * *")).unwrap().hours;
        let weekdays = |text: &str| Fields::parse(&format!("0 0 * * {text}")).unwrap().weekdays;
        let set = |numbers: &[u32]| numbers.iter().copied().collect::<Set>();
        assert_eq!(hours("22-2"), set(&[22, 23, 0, 1, 2]));
        assert_eq!(hours("22-6/2"), set(&[22, 0, 2, 4, 6]));
        assert_eq!(hours("22-6/3"), set(&[22, 2, 5]), "as croniter counts");
        assert_eq!(hours("5/9"), set(&[5, 14, 23]));
        assert_eq!(hours("9-9"), set(&[9]));
        assert_eq!(weekdays("fri-mon"), set(&[5, 6, 0, 1]));
        assert_eq!(weekdays("1-7/2"), set(&[1, 3, 5, 0]));
        assert_eq!(weekdays("2-7/2"), set(&[2, 4, 6]));
        assert_eq!(weekdays("0-7"), set(&[0, 1, 2, 3, 4, 5, 6]));
        assert_eq!(weekdays("7"), set(&[0]));
        assert_eq!(weekdays("7-2"), set(&[0, 1, 2]));
        assert_eq!(weekdays("7/2"), set(&[0, 2, 4, 6]));
    }

    #[test]
    fn two_restricted_day_fields_are_either_or() {
        let either = |days: &str, weekdays: &str| Fields::parse(&format!("0 0 {days} * {weekdays}")).unwrap().either_day;
        assert!(either("1", "mon"));
        assert!(either("*/2", "mon"), "a step restricts");
        assert!(either("1-31", "mon"), "and so does a full range");
        assert!(!either("*", "mon"));
        assert!(!either("1", "*"));
        assert!(!either("1-31", "*/2"), "except beside a star");
    }
}
