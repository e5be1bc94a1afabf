use super::*;
use crate::{
    model::{Catchup, Clock, TriggerDef, TriggerKind},
    stdx::time::parse_date,
};

fn at(text: &str) -> Timestamp {
    parse_date(text).unwrap()
}

fn cron(id: &str, line: &str, clock: Clock) -> TriggerDef {
    let kind = TriggerKind::Cron { line: line.to_owned(), clock };
    TriggerDef { id: id.into(), kind, text: line.to_owned(), overlap: crate::model::Overlap::Skip, cooldown: None }
}

fn berlin() -> Clock {
    Clock { timezone: "Europe/Berlin".to_owned(), catchup: Catchup::None, ..Clock::default() }
}

fn pipeline(triggers: Vec<TriggerDef>) -> Pipeline {
    Pipeline { triggers, ..Pipeline::new("churn".into(), Vec::new()) }
}

fn asked(from: &str, to: &str) -> BackfillRequest {
    BackfillRequest::new("b".into(), "churn".into(), from.parse().unwrap(), to.parse().unwrap())
}

fn listed(dates: &Dates) -> Vec<String> {
    dates.all.iter().map(|(at, _)| at.format("%m-%d %H:%M").to_string()).collect()
}

const NOW: &str = "2025-01-01";

#[test]
fn both_days_belong_to_the_stretch_and_are_days_of_the_triggers_zone() {
    let nightly = pipeline(vec![cron("nightly", "0 0 * * *", berlin())]);
    let found = dates(&nightly, &asked("2024-01-01", "2024-01-03"), at(NOW)).unwrap();
    assert_eq!(listed(&found), ["12-31 23:00", "01-01 23:00", "01-02 23:00"], "midnights in Berlin");
    assert_eq!((found.trigger, found.text.as_str(), found.later), (Some("nightly".into()), "cron 0 0 * * *", 0));
    assert_eq!(found.all[0].1, DataInterval { start: at("2023-12-30T23:00:00Z"), end: at("2023-12-31T23:00:00Z") });
    let moments = dates(&nightly, &asked("2024-01-01T23:00:00Z", "2024-01-02T23:00:00Z"), at(NOW)).unwrap();
    assert_eq!(listed(&moments), ["01-01 23:00", "01-02 23:00"], "both moments belong to it");
}

#[test]
fn nights_on_which_clocks_change_have_their_dates_once() {
    let nightly = pipeline(vec![cron("nightly", "30 2 * * *", berlin())]);
    let of = |day: &str| listed(&dates(&nightly, &asked(day, day), at(NOW)).unwrap());
    assert_eq!(of("2024-03-31"), ["03-31 01:00"], "out of the gap");
    assert_eq!(of("2024-10-27"), ["10-27 00:30"], "the first pass");
}

#[test]
fn what_has_not_come_yet_is_left_out_and_counted() {
    let nightly = pipeline(vec![cron("nightly", "0 2 * * *", Clock::default())]);
    let found = dates(&nightly, &asked("2024-12-30", "2025-01-03"), at("2025-01-01T02:00:00Z")).unwrap();
    assert_eq!((listed(&found).len(), found.later), (3, 2));
    assert!(dates(&nightly, &asked("2026-01-01", "2026-01-03"), at(NOW)).unwrap_err().contains("has come yet"));
}

#[test]
fn a_pipeline_without_a_clock_has_a_date_every_day() {
    let found = dates(&pipeline(Vec::new()), &asked("2024-02-28", "2024-03-01"), at(NOW)).unwrap();
    assert_eq!(listed(&found), ["02-28 00:00", "02-29 00:00", "03-01 00:00"]);
    assert_eq!((found.trigger, found.timezone.as_str()), (None, "UTC"));
}

#[test]
fn of_several_clocks_one_must_be_named() {
    let two = pipeline(vec![cron("nightly", "0 2 * * *", Clock::default()), cron("weekly", "0 6 * * 1", Clock::default())]);
    let request = asked("2024-01-01", "2024-01-14");
    let refused = dates(&two, &request, at(NOW)).unwrap_err();
    assert!(refused.contains("--trigger: `nightly`, `weekly`"), "{refused}");
    let named = |id: &str| dates(&two, &BackfillRequest { trigger: Some(id.into()), ..request.clone() }, at(NOW));
    assert_eq!(listed(&named("weekly").unwrap()), ["01-01 06:00", "01-08 06:00"]);
    assert!(named("weakly").unwrap_err().contains("did you mean `weekly`?"));
}

#[test]
fn an_empty_a_reversed_and_an_endless_stretch_are_refused_with_the_reason() {
    let clock = Clock { start_date: Some(at("2024-06-01")), ..Clock::default() };
    let wrong =
        |line: &str, from: &str, to: &str| dates(&pipeline(vec![cron("t", line, clock.clone())]), &asked(from, to), at(NOW)).unwrap_err();
    assert!(wrong("0 2 * * *", "2024-01-01", "2024-01-31").contains("its start_date is 2024-06-01"));
    assert!(wrong("0 2 * * *", "2024-07-02", "2024-07-01").contains("ends before it begins"));
    assert!(wrong("0 0 31 * *", "2024-07-01", "2024-07-30").contains("no date"));
    let many = wrong("* * * * *", "2024-07-01", "2024-12-31");
    assert!(many.contains("264960 dates") && many.contains("at most 10000"), "{many}");
}

#[test]
fn which_dates_get_a_run_follows_from_the_newest_that_they_have() {
    let daily = dates(&pipeline(Vec::new()), &asked("2024-01-01", "2024-01-05"), at(NOW)).unwrap();
    let newest: Newest =
        [("2024-01-02", "r2", RunState::Success), ("2024-01-03", "r3", RunState::Failed), ("2024-01-04", "r4", RunState::Running)]
            .map(|(date, run, state)| (at(date), (run.into(), state)))
            .into();
    let days = |reprocess, reverse| {
        let request = BackfillRequest { reprocess, reverse, ..asked("2024-01-01", "2024-01-05") };
        let items = items(&daily, &request, &newest);
        assert!(items.iter().enumerate().all(|(place, item)| item.position as usize == place));
        let pending = items.iter().filter(|item| item.state == ItemState::Pending);
        pending.map(|item| item.logical_date.format("%d").to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(days(Reprocess::None, false), "01 05");
    assert_eq!(days(Reprocess::Failed, false), "01 03 05");
    assert_eq!(days(Reprocess::All, false), "01 02 03 04 05");
    assert_eq!(days(Reprocess::Failed, true), "05 03 01");
    let why: Vec<_> = items(&daily, &asked("2024-01-01", "2024-01-05"), &newest).into_iter().filter_map(|item| item.why).collect();
    assert_eq!(why, ["succeeded as run r2", "failed as run r3", "is open as run r4"]);
}

#[test]
fn runs_are_made_while_there_is_room_and_the_end_is_that_of_the_runs() {
    use BackfillState::*;
    let progress = |pending, running, success, failed| Progress { pending, running, success, failed, ..Progress::default() };
    for (state, progress, room, ended) in [
        (Queued, progress(2, 0, 0, 0), true, None),
        (Running, progress(1, 1, 0, 0), true, None),
        (Running, progress(1, 2, 0, 0), false, None),
        (Paused, progress(1, 0, 1, 0), false, None),
        (Paused, progress(0, 0, 1, 0), false, Some(Success)),
        (Running, progress(0, 0, 2, 0), false, Some(Success)),
        (Running, progress(0, 1, 1, 0), false, None),
        (Running, progress(0, 0, 1, 1), false, Some(Failed)),
        (Running, Progress { canceled: 1, ..progress(0, 0, 1, 0) }, false, Some(Failed)),
        (Canceling, progress(0, 1, 1, 0), false, None),
        (Canceling, Progress { canceled: 2, ..progress(0, 0, 1, 0) }, false, Some(Canceled)),
        (Failed, progress(0, 0, 1, 1), false, None),
    ] {
        assert_eq!((has_room(state, progress, 2), end(state, progress)), (room, ended), "{state} {progress:?}");
    }
}
