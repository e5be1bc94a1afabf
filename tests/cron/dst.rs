//! The nights on which clocks change, by hand: each policy in zones with gaps of an hour, of half an hour, at midnight, and of a whole day.

use flowyard::stdx::{
    cron::Cron,
    time::{Timestamp, parse_date, rfc3339},
    timetable::{DstGap, DstNote, DstOverlap, Line, Timetable},
    zone::Zone,
};
use std::time::Duration;

fn table(zone: &str, line: &str, gap: DstGap, overlap: DstOverlap) -> Timetable {
    let zone: Zone = zone.parse().unwrap();
    Timetable { zone, gap, overlap, ..Timetable::new(Line::Cron(Cron::parse(line).unwrap())) }
}

fn at(text: &str) -> Timestamp {
    parse_date(text).unwrap()
}

/// The firings of a night, as the clock on the wall shows them with its offset, and the notes: `>` moved, `1` and `2` passes.
fn night(zone: &str, line: &str, gap: DstGap, overlap: DstOverlap, from: &str, to: &str) -> String {
    let table = table(zone, line, gap, overlap);
    let (from, to) = (at(from), at(to));
    let ticks: Vec<_> = table.between(from, to).collect();
    let backwards: Vec<_> = std::iter::successors(table.before(to + chrono::TimeDelta::seconds(1)), |tick| table.before(tick.at))
        .take_while(|tick| tick.at > from)
        .collect();
    assert!(ticks.iter().eq(backwards.iter().rev()), "{line} in {zone}: {ticks:?} forwards, {backwards:?} backwards");
    assert_eq!(table.count(from, to), ticks.len() as u64, "{line} in {zone}");
    let shown = ticks.iter().map(|tick| {
        let wall = tick.at.with_timezone(&table.zone).format("%d %H:%M%:z");
        let note = match tick.note {
            None => "",
            Some(DstNote::MovedOutOfGap) => ">",
            Some(DstNote::FirstPass) => "1",
            Some(DstNote::SecondPass) => "2",
        };
        format!("{note}{wall}")
    });
    shown.collect::<Vec<_>>().join(", ")
}

use DstGap::{Shift, Skip};
use DstOverlap::{Both, First, Second};

#[test]
fn a_gap_moves_fixed_hours_to_its_end_or_drops_them() {
    for (zone, line, gap, from, to, expected) in [
        ("Europe/Berlin", "30 2 * * *", Shift, "2026-03-28", "2026-03-30T01:00:00Z", "28 02:30+01:00, >29 03:00+02:00, 30 02:30+02:00"),
        ("Europe/Berlin", "30 2 * * *", Skip, "2026-03-28", "2026-03-30T01:00:00Z", "28 02:30+01:00, 30 02:30+02:00"),
        ("Europe/Berlin", "0,20,40 2 * * *", Shift, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", ">29 03:00+02:00"),
        ("Europe/Berlin", "0,30 2,3 * * *", Shift, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", "29 03:00+02:00, 29 03:30+02:00"),
        ("America/New_York", "15 2 * * *", Shift, "2026-03-07T12:00:00Z", "2026-03-09T12:00:00Z", ">08 03:00-04:00, 09 02:15-04:00"),
        ("America/New_York", "15 2 * * *", Skip, "2026-03-07T12:00:00Z", "2026-03-09T12:00:00Z", "09 02:15-04:00"),
        // Half an hour: 02:00 becomes 02:30.
        ("Australia/Lord_Howe", "10,40 2 * * *", Shift, "2026-10-03", "2026-10-04", ">04 02:30+11:00, 04 02:40+11:00"),
        ("Australia/Lord_Howe", "10,40 2 * * *", Skip, "2026-10-03", "2026-10-04", "04 02:40+11:00"),
        // The day begins at one o'clock.
        ("America/Sao_Paulo", "0 0 * * *", Shift, "2018-11-03", "2018-11-05T12:00:00Z", "03 00:00-03:00, >04 01:00-02:00, 05 00:00-02:00"),
        ("America/Sao_Paulo", "0 0 * * *", Skip, "2018-11-03", "2018-11-05T12:00:00Z", "03 00:00-03:00, 05 00:00-02:00"),
        // There was no 30 December.
        ("Pacific/Apia", "0 6 * * *", Shift, "2011-12-29", "2011-12-31T12:00:00Z", "29 06:00-10:00, >31 00:00+14:00, 31 06:00+14:00"),
        ("Pacific/Apia", "0 6 * * *", Skip, "2011-12-29", "2011-12-31T12:00:00Z", "29 06:00-10:00, 31 06:00+14:00"),
    ] {
        assert_eq!(night(zone, line, gap, First, from, to), expected, "{line} in {zone}, {gap}");
    }
}

#[test]
fn an_overlap_fires_fixed_hours_in_the_passes_asked_for() {
    for (zone, line, overlap, from, to, expected) in [
        ("Europe/Berlin", "30 2 * * *", First, "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z", "125 02:30+02:00, 26 02:30+01:00"),
        ("Europe/Berlin", "30 2 * * *", Second, "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z", "225 02:30+01:00, 26 02:30+01:00"),
        ("Europe/Berlin", "30 2 * * *", Both, "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", "125 02:30+02:00, 225 02:30+01:00"),
        (
            "Europe/Berlin",
            "0,30 1-3 * * *",
            Both,
            "2026-10-24T12:00:00Z",
            "2026-10-25T12:00:00Z",
            "25 01:00+02:00, 25 01:30+02:00, 125 02:00+02:00, 125 02:30+02:00, 225 02:00+01:00, 225 02:30+01:00, 25 03:00+01:00, 25 03:30+01:00",
        ),
        ("America/New_York", "30 1 * * *", First, "2026-11-01", "2026-11-01T12:00:00Z", "101 01:30-04:00"),
        ("America/New_York", "30 1 * * *", Second, "2026-11-01", "2026-11-01T12:00:00Z", "201 01:30-05:00"),
        // Half an hour: 02:00 becomes 01:30.
        ("Australia/Lord_Howe", "0,45 1 * * *", First, "2026-04-04", "2026-04-05", "05 01:00+11:00, 105 01:45+11:00"),
        ("Australia/Lord_Howe", "0,45 1 * * *", Second, "2026-04-04", "2026-04-05", "05 01:00+11:00, 205 01:45+10:30"),
        ("Australia/Lord_Howe", "0,45 1 * * *", Both, "2026-04-04", "2026-04-05", "05 01:00+11:00, 105 01:45+11:00, 205 01:45+10:30"),
        ("America/Sao_Paulo", "30 23 * * *", Both, "2018-02-17T12:00:00Z", "2018-02-18T12:00:00Z", "117 23:30-02:00, 217 23:30-03:00"),
    ] {
        assert_eq!(night(zone, line, Shift, overlap, from, to), expected, "{line} in {zone}, {overlap}");
    }
}

#[test]
fn a_wildcard_hour_follows_elapsed_time_whatever_the_policies() {
    for (gap, overlap) in [(Shift, First), (Skip, Second), (Shift, Both)] {
        for (zone, from, to) in [
            ("Europe/Berlin", "2026-03-28T20:00:00Z", "2026-03-29T06:00:00Z"),
            ("Europe/Berlin", "2026-10-24T20:00:00Z", "2026-10-25T06:00:00Z"),
            ("America/New_York", "2026-03-08T00:00:00Z", "2026-03-08T12:00:00Z"),
            ("America/New_York", "2026-11-01T00:00:00Z", "2026-11-01T12:00:00Z"),
            ("Australia/Lord_Howe", "2026-10-03T10:00:00Z", "2026-10-03T20:00:00Z"),
            ("Australia/Lord_Howe", "2026-04-04T10:00:00Z", "2026-04-04T20:00:00Z"),
            ("America/Sao_Paulo", "2018-11-03T20:00:00Z", "2018-11-04T10:00:00Z"),
            ("Pacific/Apia", "2011-12-30T04:00:00Z", "2011-12-30T18:00:00Z"),
        ] {
            let table = table(zone, "*/15 * * * *", gap, overlap);
            let ticks: Vec<_> = table.between(at(from), at(to)).map(|tick| tick.at).collect();
            assert_eq!(ticks.len() as u64, table.count(at(from), at(to)));
            assert_eq!(ticks.len() as i64, (at(to) - at(from)).num_minutes() / 15, "{zone}");
            assert!(ticks.windows(2).all(|pair| pair[1] - pair[0] == chrono::TimeDelta::minutes(15)), "{zone}: {ticks:?}");
        }
    }
    let hourly = |from, to| night("Europe/Berlin", "0 */2 * * *", Shift, First, from, to);
    assert_eq!(hourly("2026-03-28T22:00:00Z", "2026-03-29T02:00:00Z"), "29 00:00+01:00, 29 04:00+02:00");
    assert_eq!(hourly("2026-10-24T22:00:00Z", "2026-10-25T03:00:00Z"), "125 02:00+02:00, 225 02:00+01:00, 25 04:00+01:00");
}

#[test]
fn an_interval_is_elapsed_time_from_its_start() {
    let every = |start: Option<&str>| Timetable {
        start: start.map(at),
        zone: "Europe/Berlin".parse().unwrap(),
        ..Timetable::new(Line::Every(Duration::from_secs(5_400)))
    };
    let fires = |table: &Timetable, from: &str, to: &str| {
        table.between(at(from), at(to)).map(|tick| rfc3339(tick.at)[11..16].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(fires(&every(None), "2026-03-29T00:00:00Z", "2026-03-29T04:30:00Z"), ["01:30", "03:00", "04:30"]);
    assert_eq!(fires(&every(Some("2026-03-29T01:00:00Z")), "2026-03-28", "2026-03-29T04:30:00Z"), ["01:00", "02:30", "04:00"]);
    let table = every(Some("2026-03-29T01:00:00Z"));
    assert_eq!(table.before(at("2026-03-29T01:00:00Z")), None);
    assert_eq!(table.interval(at("2026-03-29T01:00:00Z")), (at("2026-03-28T23:30:00Z"), at("2026-03-29T01:00:00Z")));
    assert_eq!(table.count(at("2020-01-01"), at("2026-03-29T04:30:00Z")), 3);
}

#[test]
fn first_and_last_day_belong_to_the_time_table() {
    let table = Timetable {
        start: Some(at("2026-01-02T02:00:00Z")),
        end: Some(at("2026-01-04T02:00:00Z")),
        ..table("UTC", "0 2 * * *", Shift, First)
    };
    let fires: Vec<_> = table.between(at("2025-01-01"), at("2027-01-01")).map(|tick| rfc3339(tick.at)[..10].to_owned()).collect();
    assert_eq!(fires, ["2026-01-02", "2026-01-03", "2026-01-04"]);
    assert_eq!(table.before(at("2027-01-01")).map(|tick| tick.at), table.end);
    assert_eq!(table.after(at("2026-01-04T02:00:00Z")), None);
    assert_eq!(table.interval(at("2026-01-02T02:00:00Z")), (at("2026-01-01T02:00:00Z"), at("2026-01-02T02:00:00Z")));
}

#[test]
fn rare_lines_and_long_times_have_their_answers() {
    let leap = table("Europe/Berlin", "0 0 29 2 *", Shift, First);
    assert_eq!(leap.after(at("2096-03-01")), None, "2100 is no leap year");
    assert_eq!(leap.after(at("2026-01-01")).unwrap().at, at("2028-02-28T23:00:00Z"));
    assert_eq!(leap.before(at("2026-01-01")).unwrap().at, at("2024-02-28T23:00:00Z"));
    let minutes = table("America/New_York", "* * * * *", Shift, First);
    assert_eq!(minutes.count(at("2020-01-01"), at("2026-01-01")), 2_192 * 1_440, "six years, minute by minute");
}
