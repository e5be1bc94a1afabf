//! Whether a line is one of Unix cron: five fields, or a word such as `@daily`.

use crate::model::did_you_mean;
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

const WORDS: [&str; 7] = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

struct Field {
    name: &'static str,
    min: u32,
    max: u32,
    names: &'static [&'static str],
    first_name: u32,
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", min: 0, max: 59, names: &[], first_name: 0 },
    Field { name: "hour", min: 0, max: 23, names: &[], first_name: 0 },
    Field { name: "day of month", min: 1, max: 31, names: &[], first_name: 0 },
    Field { name: "month", min: 1, max: 12, names: &MONTHS, first_name: 1 },
    // 0 and 7 are both Sunday.
    Field { name: "day of week", min: 0, max: 7, names: &DAYS, first_name: 0 },
];

/// Checks a line.
///
/// # Errors
/// The first thing that is wrong in each field.
pub fn check(line: &str) -> Result<(), Vec<CronError>> {
    let whole = 0..line.len();
    if line.trim_start().starts_with('@') {
        let word = line.trim();
        if WORDS.contains(&word) {
            return Ok(());
        }
        let hint = did_you_mean(word, WORDS).unwrap_or_else(|| format!("the words are {}", WORDS.join(", ")));
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
    let (mut wrong, mut sets) = (Vec::new(), Vec::new());
    for (field, (at, part)) in FIELDS.iter().zip(&parts) {
        match field.values(part) {
            Ok(values) => sets.push(values),
            Err((message, hint)) => wrong.push(CronError { span: *at..at + part.len(), message, hint }),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    if parts[4].1.starts_with('*') && !sets[3].iter().any(|month| sets[2].iter().any(|day| *day <= longest(*month))) {
        let span = parts[2].0..parts[3].0 + parts[3].1.len();
        return Err(vec![CronError { span, message: "no such day is in these months, so that it never fires".into(), hint: None }]);
    }
    Ok(())
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

type Wrong = (String, Option<String>);

impl Field {
    fn values(&self, text: &str) -> Result<Vec<u32>, Wrong> {
        let mut values = Vec::new();
        for item in text.split(',') {
            values.extend(self.item(item)?);
        }
        Ok(values)
    }

    fn item(&self, item: &str) -> Result<Vec<u32>, Wrong> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (item, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (self.min, self.max),
            Some((from, to)) => (self.number(from)?, self.number(to)?),
            None => {
                let number = self.number(range)?;
                if step.is_some() {
                    let hint = format!("write `{number}-{}/{}` or `*/{}`", self.max, step.unwrap_or_default(), step.unwrap_or_default());
                    return Err((format!("a step needs a range, and `{range}` is one {}", self.name), Some(hint)));
                }
                (number, number)
            }
        };
        if from > to {
            return Err((
                format!("the range `{range}` of the {} runs backwards", self.name),
                Some(format!("write `{from}-{},{}-{to}`", self.max, self.min)),
            ));
        }
        let step = match step.map(str::parse::<u32>) {
            None => 1,
            Some(Ok(step)) if step >= 1 && step <= self.max => step,
            Some(_) => return Err((format!("the step of the {} in `{item}` is not a number from 1 to {}", self.name, self.max), None)),
        };
        Ok((from..=to).step_by(step as usize).collect())
    }

    fn number(&self, text: &str) -> Result<u32, Wrong> {
        let lower = text.to_ascii_lowercase();
        if let Some(position) = self.names.iter().position(|name| *name == lower) {
            return Ok(self.first_name + u32::try_from(position).unwrap_or_default());
        }
        let expected = || format!("`{text}` is no {}; it is {} to {}", self.name, self.min, self.max);
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
        ] {
            assert_eq!(check(line), Ok(()), "{line}");
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
            ("5/15 * * * *", 0..4, "a step needs a range, and `5` is one minute"),
            ("0 17-9 * * *", 2..6, "the range `17-9` of the hour runs backwards"),
            ("0 0 30 2 *", 4..8, "no such day is in these months, so that it never fires"),
            ("@dayly", 0..6, "cron knows no `@dayly`"),
            ("", 0..0, "a cron line has 5 fields, not 0"),
            ("1,,2 * * * *", 0..4, "`` is no minute; it is 0 to 59"),
        ] {
            let wrong = check(line).unwrap_err();
            assert_eq!((wrong[0].span.clone(), wrong[0].message.as_str()), (at, message), "{line}");
        }
        assert_eq!(check("60 24 * * *").unwrap_err().len(), 2);
    }
}
