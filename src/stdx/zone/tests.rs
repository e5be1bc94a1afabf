use super::{Zone, file::Table, names, rule::Rule};
use chrono::{DateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::{OffsetName, TZ_VARIANTS};

fn at(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text).unwrap().timestamp()
}

#[test]
fn every_zone_has_a_name_of_its_own_and_can_be_read() {
    for name in names() {
        let zone: Zone = name.parse().unwrap();
        assert_eq!((zone.name(), zone.to_string().as_str()), (name, name));
        let table = Table::open(zone.file).unwrap();
        for year in ["1600", "1900", "1970", "2024", "2038", "2200", "9000"] {
            assert!(table.period(at(&format!("{year}-06-01T00:00:00Z"))).is_some(), "{name} in {year}");
        }
    }
}

#[test]
fn a_name_is_known_as_it_is_written() {
    assert_eq!("europe/berlin".parse::<Zone>().unwrap_err().to_string(), "there is no time zone `europe/berlin`");
    assert!("Europe/Atlantis".parse::<Zone>().is_err());
    assert!("".parse::<Zone>().is_err());
}

#[test]
fn utc_is_the_same_with_and_without_its_file() {
    let read: Zone = "UTC".parse().unwrap();
    assert_eq!(read, Zone::UTC);
    for zone in [read, Zone::UTC] {
        let period = zone.period(at("2024-06-01T00:00:00Z"));
        assert_eq!((period.begin, period.end, period.kind.seconds, period.kind.name), (i64::MIN, i64::MAX, 0, "UTC"));
    }
}

/// The changes of a zone's clocks, with the time between two bounds.
fn changes(zone: Zone, from: i64, to: i64) -> Vec<i64> {
    std::iter::successors(Some(zone.period(from).end), |end| Some(zone.period(*end).end)).take_while(|end| *end < to).collect()
}

/// Zones of which the other library, whose database is older, knows something else of the years since 1976.
const CORRECTED: &[&str] = &[
    "Africa/Casablanca",
    "Africa/El_Aaiun",
    "America/Bogota",
    "America/Edmonton",
    "America/Inuvik",
    "America/Rainy_River",
    "America/Vancouver",
    "America/Winnipeg",
    "America/Yellowknife",
    "Asia/Tehran",
    "Canada/Central",
    "Canada/Mountain",
    "Canada/Pacific",
    "Europe/Chisinau",
    "Europe/Tiraspol",
    "Iran",
];

#[test]
fn another_library_knows_the_same_clocks() {
    let (from, to) = (at("1976-01-01T00:00:00Z"), at("2045-01-01T00:00:00Z"));
    let mut seen = 0;
    for theirs in TZ_VARIANTS {
        let ours: Zone = theirs.name().parse().unwrap();
        if CORRECTED.contains(&ours.name()) {
            continue;
        }
        for change in changes(ours, from, to) {
            for moment in [change - 1, change, change + 40 * 86_400] {
                let utc = DateTime::from_timestamp(moment, 0).unwrap().naive_utc();
                let (mine, other) = (ours.offset_from_utc_datetime(&utc), theirs.offset_from_utc_datetime(&utc));
                assert_eq!(mine.fix(), other.fix(), "{ours} at {utc}");
                // Where a zone has no name but a number, the other library has none.
                assert!(other.abbreviation().is_none_or(|name| name == mine.to_string()), "{ours} at {utc}: {mine}");
            }
            // An hour before to an hour after, as the clock shows before and after: through a gap, and through both passes of an overlap.
            for minutes in (-180..=180).step_by(30) {
                let wall = DateTime::from_timestamp(change, 0).unwrap().with_timezone(&ours).naive_local() + TimeDelta::minutes(minutes);
                let mine = ours.from_local_datetime(&wall).map(|at| at.to_utc());
                assert_eq!(mine, theirs.from_local_datetime(&wall).map(|at| at.to_utc()), "{ours} when clocks show {wall}");
                seen += 1;
            }
        }
    }
    assert!(seen > 50_000, "{seen} moments were looked at");
}

#[test]
fn before_the_first_change_it_is_the_time_of_the_place_itself() {
    let berlin: Zone = "Europe/Berlin".parse().unwrap();
    let offset = berlin.offset_from_utc_datetime(&DateTime::from_timestamp(at("1800-01-01T00:00:00Z"), 0).unwrap().naive_utc());
    assert_eq!((offset.fix().local_minus_utc(), offset.to_string().as_str()), (53 * 60 + 28, "LMT"));
}

/// The days of 2024, a leap year, and the year after on which clocks change, in UTC.
fn days(rule: &'static str) -> Vec<String> {
    let rule = Rule::read(rule).unwrap();
    let (from, to) = (at("2024-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z"));
    let ends = std::iter::successors(Some(rule.period(from).unwrap().end), |end| Some(rule.period(*end).unwrap().end));
    ends.take_while(|end| *end < to).map(|end| DateTime::from_timestamp(end, 0).unwrap().format("%F %R").to_string()).collect()
}

#[test]
fn a_rule_names_days_in_three_ways_and_hours_beyond_the_day() {
    let cases = [
        ("CET-1CEST,M3.5.0,M10.5.0/3", ["2024-03-31 01:00", "2024-10-27 01:00", "2025-03-30 01:00", "2025-10-26 01:00"]),
        ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", ["2024-03-31 01:00", "2024-10-27 01:00", "2025-03-30 01:00", "2025-10-26 01:00"]),
        ("EET-2EEST,M4.5.5/0,M10.5.4/24", ["2024-04-25 22:00", "2024-10-31 21:00", "2025-04-24 22:00", "2025-10-30 21:00"]),
        ("AAA0BBB,J60,J300", ["2024-03-01 02:00", "2024-10-27 01:00", "2025-03-01 02:00", "2025-10-27 01:00"]),
    ];
    for (rule, expected) in &cases {
        assert_eq!(days(rule), expected, "{rule}");
    }
    assert_eq!(days("AAA0BBB,59/0:30,299/1:30:30"), ["2024-02-29 00:30", "2024-10-26 00:30", "2025-03-01 00:30", "2025-10-27 00:30"]);
}

#[test]
fn where_it_is_summer_all_year_it_stays_so() {
    let rule = Rule::read("XXX3EDT4,0/0,J365/23").unwrap();
    for moment in ["2024-01-01T02:59:59Z", "2024-01-01T03:00:00Z", "2024-07-01T00:00:00Z", "2024-12-31T23:59:59Z"] {
        assert_eq!(rule.period(at(moment)).unwrap().kind.name, "EDT", "{moment}");
    }
}

#[test]
fn what_is_no_rule_is_none() {
    for text in ["", "C", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,M10.5.0/3,", "<CET-1", "CET-1CEST,M3.5,M10.5.0"] {
        assert!(Rule::read(text).is_none(), "{text}");
    }
}
