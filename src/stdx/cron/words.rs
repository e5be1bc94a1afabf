//! A cron line in words. Works on the sets, not on the text, so that what it says is what fires.

use super::fields::{Fields, Set};

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// As many clock times are named one by one; more are told by their hours.
const NAMED_TIMES: u32 = 4;

/// The line in words.
pub(super) fn of(fields: &Fields) -> String {
    let (time, clock_times) = time(fields);
    let days = days(fields);
    match (days.is_empty(), clock_times) {
        (true, true) => format!("{time} every day"),
        (true, false) => time,
        (false, true) if days.starts_with("on ") => format!("{time} {days}"),
        (false, _) => format!("{time}, {days}"),
    }
}

/// The time of day, and whether it is one or a few times on the clock.
fn time(fields: &Fields) -> (String, bool) {
    let (minutes, hours) = (fields.minutes, fields.hours);
    if minutes.len() * hours.len() <= NAMED_TIMES {
        let times = hours.iter().flat_map(|hour| minutes.iter().map(move |minute| format!("{hour:02}:{minute:02}")));
        return (format!("at {}", join(times.collect())), true);
    }
    let text = match (repeats(minutes, 60), repeats(hours, 24)) {
        (Some(1), _) => format!("every minute{}", span(hours)),
        (Some(n), _) => format!("every {n} minutes{}", span(hours)),
        (None, Some(1)) if only(minutes) == Some(0) => "every hour".to_owned(),
        (None, Some(n)) if only(minutes) == Some(0) => format!("every {n} hours"),
        (None, Some(1)) => format!("at {} past every hour", named("minute", minutes)),
        (None, Some(n)) => format!("at {} past every {} hour from 0", named("minute", minutes), ordinal(n)),
        (None, None) => match runs(hours).as_slice() {
            [(from, to)] => format!("at {} past every hour from {from} to {to}", named("minute", minutes)),
            _ => format!("at {} past the hours {}", named("minute", minutes), numbers(hours)),
        },
    };
    (text, false)
}

/// The hours in which something happens again and again.
fn span(hours: Set) -> String {
    match (runs(hours).as_slice(), repeats(hours, 24)) {
        (_, Some(1)) => String::new(),
        (_, Some(n)) => format!(" of every {} hour from 0", ordinal(n)),
        ([(from, to)], _) => format!(" from {from:02}:00 to {to:02}:59"),
        _ => format!(" of the hours {}", numbers(hours)),
    }
}

fn days(fields: &Fields) -> String {
    let (every_day, every_weekday) = (fields.days.len() == 31, fields.weekdays.len() == 7);
    let unrestricted = if fields.either_day { every_day || every_weekday } else { every_day && every_weekday };
    let months = months(fields.months);
    if unrestricted {
        return months;
    }
    if every_weekday && let Some(dates) = dates(fields) {
        return dates;
    }
    let of_month = || format!("on {}{}", named("day", fields.days), if months.is_empty() { " of the month" } else { "" });
    let days = match (fields.either_day, every_weekday) {
        (true, _) => format!("on {} of the month and also {}", named("day", fields.days), weekdays(fields.weekdays)),
        (false, true) => of_month(),
        (false, false) => weekdays(fields.weekdays),
    };
    if months.is_empty() { days } else { format!("{days}, {months}") }
}

/// One day in a few months, as people write dates.
fn dates(fields: &Fields) -> Option<String> {
    let day = only(fields.days)?;
    (fields.months.len() <= 3).then(|| {
        let dates = fields.months.iter().map(|month| format!("{day} {}", MONTHS[month as usize - 1]));
        format!("on {}", join(dates.collect()))
    })
}

fn months(months: Set) -> String {
    let name = |month: u32| MONTHS[month as usize - 1].to_owned();
    match (months.len(), runs(months).as_slice()) {
        (12, _) => String::new(),
        (3.., [(from, to)]) => format!("from {} to {}", name(*from), name(*to)),
        _ => format!("in {}", join(months.iter().map(name).collect())),
    }
}

fn weekdays(days: Set) -> String {
    let name = |day: u32| DAYS[day as usize % 7];
    // Weeks begin on Monday here, and a row of days may run over their end.
    let first = (1..=7).find(|day| days.has(day % 7) && !days.has((day + 6) % 7)).unwrap_or(1);
    let in_a_row = (0..days.len()).all(|n| days.has((first + n) % 7));
    if days.len() >= 3 && in_a_row {
        return format!("{} to {}", name(first), name(first + days.len() - 1));
    }
    format!("on {}", join((1..=7).filter(|day| days.has(day % 7)).map(|day| format!("{}s", name(day))).collect()))
}

fn only(set: Set) -> Option<u32> {
    set.iter().next().filter(|_| set.len() == 1)
}

/// The step from 0 that divides the field evenly, such as the 15 of `*/15`.
fn repeats(set: Set, size: u32) -> Option<u32> {
    let step = size / set.len();
    (set.len() > 1 && set.len() * step == size && set.iter().all(|number| number.is_multiple_of(step))).then_some(step)
}

/// `minute 5`, `minutes 5 and 10`.
fn named(what: &str, set: Set) -> String {
    if set.len() == 1 { format!("{what} {}", numbers(set)) } else { format!("{what}s {}", numbers(set)) }
}

/// `1 to 7 and 15`.
fn numbers(set: Set) -> String {
    let mut parts = Vec::new();
    for (from, to) in runs(set) {
        if to >= from + 2 {
            parts.push(format!("{from} to {to}"));
        } else {
            parts.extend((from..=to).map(|number| number.to_string()));
        }
    }
    join(parts)
}

/// The stretches without a hole.
fn runs(set: Set) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for number in set.iter() {
        match runs.last_mut() {
            Some((_, to)) if *to + 1 == number => *to = number,
            _ => runs.push((number, number)),
        }
    }
    runs
}

fn join(mut parts: Vec<String>) -> String {
    match parts.pop() {
        Some(last) if parts.is_empty() => last,
        Some(last) => format!("{} and {last}", parts.join(", ")),
        None => String::new(),
    }
}

fn ordinal(number: u32) -> String {
    let end = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_in_words() {
        for (line, words) in [
            ("* * * * *", "every minute"),
            ("*/15 * * * *", "every 15 minutes"),
            ("0,30 * * * *", "every 30 minutes"),
            ("@hourly", "every hour"),
            ("0 */2 * * *", "every 2 hours"),
            ("5 */2 * * *", "at minute 5 past every 2nd hour from 0"),
            ("0 6 * * 1", "at 06:00 on Mondays"),
            ("0 2 * * *", "at 02:00 every day"),
            ("0 6,18 * * *", "at 06:00 and 18:00 every day"),
            ("5 9-17 * * mon-fri", "at minute 5 past every hour from 9 to 17, Monday to Friday"),
            ("0 2 * * 1-5", "at 02:00, Monday to Friday"),
            ("0 2 * * fri-mon", "at 02:00, Friday to Monday"),
            ("0 2 * * 6,0", "at 02:00 on Saturdays and Sundays"),
            ("*/10 9-17 * * *", "every 10 minutes from 09:00 to 17:59"),
            ("*/10 22-2 * * *", "every 10 minutes of the hours 0 to 2, 22 and 23"),
            ("*/7 * * * *", "at minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 past every hour"),
            ("0 22-6/3 * * *", "at 02:00, 05:00 and 22:00 every day"),
            ("@monthly", "at 00:00 on day 1 of the month"),
            ("0 0 1,15 * *", "at 00:00 on days 1 and 15 of the month"),
            ("@yearly", "at 00:00 on 1 January"),
            ("0 0 29 2 *", "at 00:00 on 29 February"),
            ("0 0 1,15 6-8 *", "at 00:00 on days 1 and 15, from June to August"),
            ("0 0 * 1,7 *", "at 00:00, in January and July"),
            ("0 0 1 * mon", "at 00:00 on day 1 of the month and also on Mondays"),
            ("0 0 1-31 * mon", "at 00:00 every day"),
            ("30 4 * 2 2,4", "at 04:30 on Tuesdays and Thursdays, in February"),
            ("* 9 * * *", "every minute from 09:00 to 09:59"),
            ("*/15 */6 * * *", "every 15 minutes of every 6th hour from 0"),
        ] {
            assert_eq!(of(&Fields::parse(line).unwrap()), words, "{line}");
        }
    }
}
