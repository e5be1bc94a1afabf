//! The same nights by walking: every real minute is gone through with an eye on the clock on the wall, which needs no arithmetic with zones.

use chrono::{NaiveDateTime, TimeDelta};
use flowyard::stdx::{
    cron::Cron,
    time::{Timestamp, parse_date},
    timetable::{DstGap, DstOverlap, Line, Timetable},
    zone::Zone,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Shifts of half an hour, an hour, two and a day, at midnight, at a minute past it, at noon of UTC, and Ramadan.
const ZONES: [&str; 12] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Asia/Beirut",
    "Pacific/Apia",
    "Antarctica/Troll",
    "Africa/Casablanca",
    "America/St_Johns",
    "Europe/Dublin",
    "Asia/Tehran",
    "Atlantic/Azores",
];

fn wall(zone: Zone, at: Timestamp) -> NaiveDateTime {
    at.with_timezone(&zone).naive_local()
}

/// The beginning of the first day after `at` in UTC on which clocks change.
fn next_change(zone: Zone, at: Timestamp) -> Option<Timestamp> {
    let day = TimeDelta::days(1);
    let offset = |at: Timestamp| wall(zone, at) - at.naive_utc();
    std::iter::successors(Some(at), |at| Some(*at + day)).take(800).find(|at| offset(*at) != offset(*at + day))
}

/// What fires from `from` to `to`, which are more than a day from every change outside; and what does not because clocks leave it out, each
/// with the moment at which they do.
fn walked(table: &Timetable, cron: &Cron, from: Timestamp, to: Timestamp) -> (BTreeSet<Timestamp>, Vec<(Timestamp, NaiveDateTime)>) {
    let minute = TimeDelta::minutes(1);
    let mut shown: BTreeMap<NaiveDateTime, Vec<Timestamp>> = BTreeMap::new();
    let (mut fires, mut without) = (BTreeSet::new(), Vec::new());
    let mut at = from;
    while at <= to {
        let now = wall(table.zone, at);
        shown.entry(now).or_default().push(at);
        let mut left_out = wall(table.zone, at - minute) + minute;
        while left_out < now {
            match table.gap {
                _ if !cron.matches(left_out) || cron.is_every_hour() => {}
                DstGap::Shift => drop(fires.insert(at)),
                DstGap::Skip => without.push((at, left_out)),
            }
            left_out += minute;
        }
        at += minute;
    }
    for (_, passes) in shown.iter().filter(|(wall, _)| cron.matches(**wall)) {
        match table.overlap {
            _ if cron.is_every_hour() => fires.extend(passes),
            DstOverlap::First => fires.extend(passes.first()),
            DstOverlap::Second => fires.extend(passes.last()),
            DstOverlap::Both => fires.extend(passes),
        }
    }
    (fires, without)
}

fn field(max: u32) -> impl Strategy<Value = String> {
    prop_oneof![
        Just("*".to_owned()),
        (0..=max).prop_map(|n| n.to_string()),
        (0..=max, 0..=max).prop_map(|(a, b)| format!("{a},{b}")),
        (0..=max, 0..=max).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        (1..=max / 2).prop_map(|step| format!("*/{step}")),
    ]
}

/// Clocks mostly change in the first hours of a day.
fn hours() -> impl Strategy<Value = String> {
    prop_oneof![2 => field(4), 1 => field(23)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nights_of_change_fire_as_they_do_for_one_who_walks_through_them(
        zone in proptest::sample::select(&ZONES[..]),
        line in (field(59), hours()).prop_map(|(minutes, hours)| format!("{minutes} {hours} * * *")),
        gap in proptest::sample::select(DstGap::ALL),
        overlap in proptest::sample::select(DstOverlap::ALL),
        days in 0_i64..40 * 365,
        begin in 0_i64..1_440,
    ) {
        let zone: Zone = zone.parse().unwrap();
        let Some(change) = next_change(zone, parse_date("1990-01-01").unwrap() + TimeDelta::days(days)) else { return Ok(()) };
        let cron = Cron::parse(&line).unwrap();
        let table = Timetable { zone, gap, overlap, ..Timetable::new(Line::Cron(cron.clone())) };
        let (from, to) = (change - TimeDelta::minutes(begin), change + TimeDelta::days(2));
        let (walked, without) = walked(&table, &cron, from - TimeDelta::days(2), to + TimeDelta::days(2));
        let walked: Vec<Timestamp> = walked.into_iter().filter(|at| *at > from && *at <= to).collect();
        let without: Vec<NaiveDateTime> = without.into_iter().filter(|(at, _)| *at > from && *at <= to).map(|(_, wall)| wall).collect();
        prop_assert_eq!(table.left_out(from, to).collect::<Vec<_>>(), without, "{} in {}, {}", line, zone, gap);
        let forwards: Vec<Timestamp> = table.between(from, to).map(|tick| tick.at).collect();
        prop_assert_eq!(&forwards, &walked, "{} in {}, {}, {}", line, zone, gap, overlap);
        let back = std::iter::successors(table.before(to + TimeDelta::microseconds(1)), |tick| table.before(tick.at));
        let mut backwards: Vec<Timestamp> = back.map(|tick| tick.at).take_while(|at| *at > from).collect();
        backwards.reverse();
        prop_assert_eq!(&backwards, &walked, "backwards: {} in {}, {}, {}", line, zone, gap, overlap);
        prop_assert_eq!(table.count(from, to), walked.len() as u64, "{} in {}, {}, {}", line, zone, gap, overlap);
    }
}
