//! What croniter and croner say of the same lines.

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use flowyard::stdx::cron::Cron;
use proptest::prelude::*;

/// Written by `tests/cron/generate`.
const TABLE: &str = include_str!("croniter.tsv");

#[test]
fn four_thousand_random_lines_fire_as_in_croniter() {
    let (mut lines, mut wrong) = (0, Vec::new());
    for row in TABLE.lines().filter(|row| !row.starts_with('#')) {
        let [line, start, after, before] = row.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let start: NaiveDateTime = start.parse().unwrap();
        let cron = Cron::parse(line).unwrap_or_else(|error| panic!("{line}: {error:?}"));
        let ours = |step: fn(&Cron, NaiveDateTime) -> Option<NaiveDateTime>, theirs: &str| {
            let fires = std::iter::successors(step(&cron, start), |at| step(&cron, *at)).take(theirs.split(' ').count());
            fires.map(|at| at.format("%Y-%m-%dT%H:%M:%S").to_string()).collect::<Vec<_>>().join(" ")
        };
        for (step, theirs) in [(Cron::next as fn(&Cron, NaiveDateTime) -> _, after), (Cron::previous, before)] {
            let ours = ours(step, theirs);
            if ours != theirs {
                wrong.push(format!("{line} from {start}\n  ours   {ours}\n  theirs {theirs}"));
            }
        }
        lines += 1;
    }
    assert!(wrong.is_empty(), "{} of {lines} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(lines >= 3_000, "{lines}");
}

#[test]
fn where_croniter_leaves_unix_cron_we_stay() {
    // `5-5` is the number 5. To croniter it is the whole field, as `Jan-Jan` once was to somebody.
    assert_eq!(Cron::parse("5-5 * * * *").unwrap().words(), Cron::parse("5 * * * *").unwrap().words());
}

/// One item of a field, in the part of the language that croner reads as Unix cron does.
///
/// Left out, because croner differs: ranges that wrap and a start with a step such as `5/15`, which it refuses.
fn item(min: u32, max: u32) -> impl Strategy<Value = String> {
    prop_oneof![
        (min..=max).prop_map(|n| n.to_string()),
        (min..=max, min..=max).prop_map(move |(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        (min..=max, min..=max, 2..=max).prop_map(move |(a, b, step)| format!("{}-{}/{step}", a.min(b), a.max(b))),
        (2..=max).prop_map(|step| format!("*/{step}")),
    ]
}

fn field(min: u32, max: u32) -> impl Strategy<Value = String> {
    prop_oneof![Just("*".to_owned()), proptest::collection::vec(item(min, max), 1..3).prop_map(|items| items.join(","))]
}

fn moment() -> impl Strategy<Value = NaiveDateTime> {
    let first = NaiveDate::from_ymd_opt(1990, 1, 1).unwrap().and_time(Default::default());
    (0..80 * 365 * 86_400_i64).prop_map(move |seconds| first + TimeDelta::seconds(seconds))
}

fn line() -> impl Strategy<Value = String> {
    (field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7))
        .prop_map(|(minute, hour, day, month, weekday)| format!("{minute} {hour} {day} {month} {weekday}"))
}

/// Whether a day field names every day without being a star, such as `1-31` or `0-6`. Beside `*/3` in the other field that is a star to us
/// and to croniter, so that every third day is left; croner takes either field and fires every day.
fn names_every_day(line: &str) -> bool {
    let fields: Vec<&str> = line.split(' ').collect();
    let every_day = |line: String| {
        let cron = Cron::parse(&line).unwrap();
        NaiveDate::from_ymd_opt(2026, 1, 1).unwrap().iter_days().take(31).all(|day| cron.on_day(day))
    };
    fields[2] != "*" && every_day(format!("0 0 {} * *", fields[2])) || fields[4] != "*" && every_day(format!("0 0 * * {}", fields[4]))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn croner_agrees(line in line(), start in moment()) {
        let Ok(ours) = Cron::parse(&line) else { return Ok(()) };
        prop_assume!(!names_every_day(&line));
        let theirs: croner::Cron = line.parse().unwrap();
        prop_assert_eq!(ours.next(start), theirs.find_next_occurrence(&start, false).ok(), "{} after {}", line, start);
        prop_assert_eq!(ours.previous(start), theirs.find_previous_occurrence(&start, false).ok(), "{} before {}", line, start);
    }

    #[test]
    fn next_and_previous_and_matches_tell_the_same_story(line in line(), start in moment()) {
        let Ok(cron) = Cron::parse(&line) else { return Ok(()) };
        let Some(next) = cron.next(start) else { return Ok(()) };
        prop_assert!(cron.matches(next) && next > start);
        prop_assert!(!cron.words().is_empty());
        let previous = cron.previous(next);
        prop_assert!(previous.is_none_or(|previous| previous <= start && cron.next(previous) == Some(next)), "{previous:?} {next}");
    }
}
