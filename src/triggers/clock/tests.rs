use super::*;
use crate::stdx::{
    cron::Cron,
    time::parse_date,
    timetable::{Line, Timetable},
};
use proptest::prelude::*;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

fn at(text: &str) -> Timestamp {
    parse_date(text).unwrap()
}

fn policy(line: &str, catchup: Catchup) -> Policy {
    let timetable = Timetable { zone: "Europe/Berlin".parse().unwrap(), ..Timetable::new(Line::Cron(Cron::parse(line).unwrap())) };
    Policy { timetable, catchup, late_window: HOUR, cap: 100, jitter: Duration::ZERO, salt: "churn/nightly".into() }
}

/// A decision in words: `fire 04:00 +30m`, `missed 3 01:00-03:00`.
fn told(decision: &Decision) -> Vec<String> {
    let clock = |at: Timestamp| at.format("%d %H:%M").to_string();
    decision
        .due
        .iter()
        .map(|due| {
            let what = match due.what {
                What::Fire { late } => format!("fire +{}m", late.as_secs() / 60),
                What::Missed(why) => format!("{why:?}"),
                What::OverCap => "OverCap".into(),
            };
            match due.count {
                1 => format!("{what} {}", clock(due.logical)),
                count => format!("{what} {count}: {} to {}", clock(due.first), clock(due.logical)),
            }
        })
        .collect()
}

#[test]
fn what_is_late_but_within_the_window_fires_once_and_older_ones_are_missed() {
    let hourly = policy("0 * * * *", Catchup::None);
    let decide = |now: &str| told(&decide(&hourly, at("2026-06-01T00:00:00Z"), at(now)));
    assert_eq!(decide("2026-06-01T00:59:00Z"), [""; 0]);
    assert_eq!(decide("2026-06-01T01:00:00Z"), ["fire +0m 01 01:00"]);
    assert_eq!(decide("2026-06-01T03:30:00Z"), ["TooLate 01 01:00", "TooLate 01 02:00", "fire +30m 01 03:00"]);
    let daily = policy("0 2 * * *", Catchup::None);
    let missed = super::decide(&daily, at("2026-06-01T00:00:00Z"), at("2026-06-02T02:00:00Z"));
    assert_eq!(told(&missed), ["TooLate 02 00:00"], "two hours are more than the window");
    assert_eq!(missed.wake, Some(at("2026-06-03T00:00:00Z")));
    let often = policy("*/10 * * * *", Catchup::None);
    let often = super::decide(&often, at("2026-06-01T00:00:00Z"), at("2026-06-01T00:25:00Z"));
    assert_eq!(told(&often), ["Superseded 01 00:10", "fire +5m 01 00:20"]);
}

#[test]
fn latest_and_all_make_up_for_what_was_missed() {
    let told = |catchup, cap| {
        let policy = Policy { cap, ..policy("0 2 * * *", catchup) };
        told(&decide(&policy, at("2026-06-01T12:00:00Z"), at("2026-06-06T12:00:00Z")))
    };
    assert_eq!(
        told(Catchup::Latest, 100),
        ["Superseded 02 00:00", "Superseded 03 00:00", "Superseded 04 00:00", "Superseded 05 00:00", "fire +720m 06 00:00"]
    );
    assert_eq!(told(Catchup::All, 100).len(), 5);
    assert!(told(Catchup::All, 100).iter().all(|one| one.starts_with("fire")));
    assert_eq!(told(Catchup::All, 2), ["OverCap 3: 02 00:00 to 04 00:00", "fire +2160m 05 00:00", "fire +720m 06 00:00"]);
    assert_eq!(told(Catchup::All, 0), ["OverCap 5: 02 00:00 to 06 00:00"]);
}

#[test]
fn a_firing_stands_for_the_time_since_the_one_before() {
    let decision = decide(&policy("0 2 * * 1", Catchup::Latest), at("2026-03-28T00:00:00Z"), at("2026-03-30T06:00:00Z"));
    let due = &decision.due[0];
    assert_eq!(due.interval, (at("2026-03-23T01:00:00Z"), at("2026-03-30T00:00:00Z")), "a week less an hour: clocks were put forward");
    assert_eq!(due.logical, due.interval.1);
}

#[test]
fn a_year_of_minutes_without_an_engine_is_few_entries() {
    let decision = decide(&policy("* * * * *", Catchup::None), at("2026-01-01"), at("2027-01-01"));
    assert_eq!(decision.due.len(), MOST_LISTED + 2);
    assert_eq!(decision.due.iter().map(|due| u64::from(due.count)).sum::<u64>(), 365 * 1_440);
    assert_eq!((decision.due[0].first, decision.due[0].interval.0), (at("2026-01-01T00:01:00Z"), at("2026-01-01")));
}

#[test]
fn a_clock_put_back_fires_nothing_again() {
    let hourly = policy("0 * * * *", Catchup::All);
    let decision = decide(&hourly, at("2026-06-01T12:00:00Z"), at("2026-06-01T09:30:00Z"));
    assert_eq!(decision, Decision { due: Vec::new(), wake: Some(at("2026-06-01T13:00:00Z")) });
}

#[test]
fn jitter_moves_the_start_and_not_the_logical_date() {
    let policy = Policy { jitter: 10 * MINUTE, ..policy("0 * * * *", Catchup::None) };
    let day: Vec<Timestamp> = policy.timetable.between(at("2026-06-01"), at("2026-06-02")).map(|tick| tick.at).collect();
    let late: Vec<i64> = day.iter().map(|logical| (policy.due_at(*logical) - *logical).num_seconds()).collect();
    assert!(late.iter().all(|late| (0..600).contains(late)), "{late:?}");
    assert!(late.iter().max().unwrap() - late.iter().min().unwrap() > 120, "spread: {late:?}");
    assert_ne!(policy.due_at(day[0]), Policy { salt: "other".into(), ..policy.clone() }.due_at(day[0]));
    let due_at = policy.due_at(day[0]);
    let before = decide(&policy, at("2026-06-01"), due_at - TimeDelta::microseconds(1));
    assert_eq!(before, Decision { due: Vec::new(), wake: Some(due_at) });
    let then = decide(&policy, at("2026-06-01"), due_at);
    assert_eq!((then.due[0].logical, then.due[0].what), (day[0], What::Fire { late: Duration::ZERO }));
    let longer = Policy { jitter: 1_000 * HOUR, ..policy };
    assert!(day.windows(2).all(|pair| longer.due_at(pair[0]) < longer.due_at(pair[1])), "the order stays");
}

/// An engine with its nights off: asks when it is told to wake, and not while it is down.
fn year(policy: &Policy, downtimes: &[(&str, &str)]) -> Vec<Due> {
    let downtimes: Vec<_> = downtimes.iter().map(|(down, up)| (at(down), at(up))).collect();
    let (mut last, mut now, end) = (at("2026-01-01"), at("2026-01-01"), at("2027-01-01"));
    let mut history: Vec<Due> = Vec::new();
    while now <= end {
        let decision = decide(policy, last, now);
        history.extend(decision.due);
        last = history.last().map_or(last, |due| due.logical);
        now = decision.wake.unwrap();
        while let Some((_, up)) = downtimes.iter().find(|(down, up)| (*down..*up).contains(&now)) {
            now = *up;
        }
    }
    history
}

fn covered(policy: &Policy, history: &[Due]) -> Vec<Timestamp> {
    history
        .iter()
        .flat_map(|due| policy.timetable.between(due.first - TimeDelta::microseconds(1), due.logical).map(|tick| tick.at))
        .collect()
}

#[test]
fn a_simulated_year_decides_each_firing_once_under_each_policy() {
    // Two that overlap, one over the night in which clocks are put forward, one over the night in which they are put back.
    let downtimes = [
        ("2026-02-01T00:30:00Z", "2026-02-08T12:10:00Z"),
        ("2026-02-05T00:00:00Z", "2026-02-09T00:20:00Z"),
        ("2026-03-29T00:30:00Z", "2026-03-29T03:45:00Z"),
        ("2026-10-24T23:30:00Z", "2026-10-25T02:10:00Z"),
    ];
    // 192, 3 and 3 fell due while nobody could start them; after each, the newest was less than an hour old.
    for (catchup, fired, missed, over) in
        [(Catchup::None, 8_760 - 195, 195, 0), (Catchup::Latest, 8_760 - 195, 195, 0), (Catchup::All, 8_760 - 92, 0, 92)]
    {
        let policy = policy("0 * * * *", catchup);
        let history = year(&policy, &downtimes);
        let count = |wanted: fn(&What) -> bool| history.iter().filter(|due| wanted(&due.what)).map(|due| due.count).sum::<u32>();
        let found = (
            count(|what| matches!(what, What::Fire { .. })),
            count(|what| matches!(what, What::Missed(_))),
            count(|what| *what == What::OverCap),
        );
        assert_eq!(found, (fired, missed, over), "{catchup}");
        let all: Vec<Timestamp> = policy.timetable.between(at("2026-01-01"), at("2027-01-01")).map(|tick| tick.at).collect();
        assert_eq!((covered(&policy, &history), all.len()), (all, 8_760), "{catchup}");
    }
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let line = prop_oneof![Just("0 * * * *"), Just("*/10 * * * *"), Just("30 2 * * *"), Just("0,30 1-3 * * *"), Just("0 6 * * 1")];
    let catchup = prop_oneof![Just(Catchup::None), Just(Catchup::Latest), Just(Catchup::All)];
    let every = prop_oneof![3 => Just(None), 1 => (60_u64..90_000).prop_map(Some)];
    (line, catchup, every, 0_u64..20_000, 0_u64..10_000, 0_u32..30).prop_map(|(line, catchup, every, late, jitter, cap)| {
        let mut policy = policy(line, catchup);
        if let Some(seconds) = every {
            policy.timetable.line = Line::Every(Duration::from_secs(seconds));
        }
        Policy { late_window: Duration::from_secs(late), jitter: Duration::from_secs(jitter), cap, ..policy }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Steps of the clock in minutes, forwards, backwards and over downtimes, and how many entries of each decision were recorded before
    /// the engine died.
    #[test]
    fn each_logical_time_is_decided_exactly_once(
        policy in any_policy(),
        begin in 0_i64..400 * 1_440,
        steps in proptest::collection::vec((prop_oneof![4 => 0_i64..120, 2 => 0_i64..20_000, 1 => -5_000_i64..0], 0_usize..80), 1..40),
    ) {
        let start = at("2026-01-01") + TimeDelta::minutes(begin);
        let (mut last, mut now, mut latest) = (start, start, start);
        let mut history: Vec<Due> = Vec::new();
        for (minutes, kept) in steps {
            now += TimeDelta::minutes(minutes);
            latest = latest.max(now);
            let mut decision = decide(&policy, last, now);
            prop_assert!(decision.wake.is_none_or(|wake| wake > now || wake > latest), "it would ask again at once");
            prop_assert!(decision.due.iter().all(|due| policy.due_at(due.logical) <= now), "too early");
            prop_assert!(decision.due.len() <= MOST_LISTED + 32);
            for due in &decision.due {
                prop_assert_eq!(due.interval, (policy.timetable.interval(due.first).0, due.logical));
            }
            if kept < 50 {
                decision.due.truncate(kept);
            }
            history.extend(decision.due);
            last = history.last().map_or(last, |due| due.logical);
        }
        history.extend(decide(&policy, last, latest).due);
        last = history.last().map_or(last, |due| due.logical);
        let all: Vec<Timestamp> = policy.timetable.between(start, latest).map(|tick| tick.at).filter(|logical| policy.due_at(*logical) <= latest).collect();
        prop_assert_eq!(history.iter().map(|due| u64::from(due.count)).sum::<u64>(), all.len() as u64);
        prop_assert_eq!(covered(&policy, &history), all);
        prop_assert!(last <= latest);
    }
}
