//! Backfills: the form, the list of dates before anything is made, those that are there, and the dates of one.

use super::*;
use crate::{
    model::{
        BackfillItem, BackfillRecord, BackfillRequest, BackfillRow, BackfillSnapshot, BackfillState, Clock, DataInterval, ItemState,
        OpenBackfill, Overlap, PipelineRow, Progress, RunId, Secrets, TriggerDef, TriggerKind,
    },
    runtime::BackfillPlan,
    stdx::time::parse_date,
    tui::world::BackfillData,
};
use chrono::TimeDelta;
use std::collections::BTreeMap;

const TEXT: &str = "cron 0 2 * * * Europe/Berlin";

fn clock(id: &str, line: &str) -> TriggerDef {
    let kind = TriggerKind::Cron { line: line.to_owned(), clock: Clock::default() };
    TriggerDef { id: id.into(), kind, text: line.to_owned(), overlap: Overlap::Skip, cooldown: None }
}

fn defined(triggers: Vec<TriggerDef>) -> Msg {
    let params = vec![ParamDef::new("rounds", ParamType::Int { min: Some(1), max: None }, Some(json!(50)))];
    let pipeline = Pipeline { params, triggers, ..Pipeline::new("churn_weekly".into(), Vec::new()) };
    let defined = Defined { pipeline: Some(pipeline), found: Diagnostics::default(), last: None, secrets: Secrets::new() };
    Msg::Definition("churn_weekly".into(), Purpose::Backfill, Ok(Box::new(defined)))
}

fn form(size: (u16, u16)) -> App {
    let mut app = home(size);
    press(&mut app, "b");
    let asked = app.take_asks();
    let pipeline = asked.into_iter().find_map(|ask| if let Ask::Backfills { pipeline, open: true } = ask { Some(pipeline) } else { None });
    tell(&mut app, Msg::Backfills(pipeline.unwrap(), true, Ok(Vec::new())));
    assert!(app.take_asks().iter().any(|ask| matches!(ask, Ask::Definition { purpose: Purpose::Backfill, .. })), "none yet: a new one");
    tell(&mut app, defined(vec![clock("nightly", "0 2 * * *"), clock("weekly", "0 6 * * 1")]));
    app
}

fn filled(size: (u16, u16)) -> App {
    let mut app = form(size);
    type_text(&mut app, "2024-01-01");
    press(&mut app, "tab");
    type_text(&mut app, "2024-01-31");
    press(&mut app, "tab right tab");
    type_text(&mut app, "4");
    press(&mut app, "tab right tab right tab");
    type_text(&mut app, "80");
    app
}

/// A date every night from the first of January, as they are.
fn items(states: &[ItemState]) -> Vec<BackfillItem> {
    let first = parse_date("2024-01-01T01:00:00Z").unwrap();
    let item = |(position, state): (usize, &ItemState)| {
        let logical_date = first + TimeDelta::days(i64::try_from(position).unwrap());
        let run = match state {
            ItemState::Pending | ItemState::Skipped => None,
            _ => Some(RunId::from(format!("run-{position}"))),
        };
        let why = (*state == ItemState::Skipped).then(|| "succeeded as run 01m8fp5tr9z97t4p67yqb9kryg".to_owned());
        let data_interval = DataInterval { start: logical_date - TimeDelta::days(1), end: logical_date };
        BackfillItem { position: u32::try_from(position).unwrap(), logical_date, data_interval, state: *state, run, why }
    };
    states.iter().enumerate().map(item).collect()
}

fn backfill(id: &str, state: BackfillState, states: &[ItemState]) -> BackfillRow {
    let bound = |text: &str| text.parse().unwrap();
    BackfillRow {
        backfill: BackfillRecord {
            request: BackfillRequest::new(id.into(), "churn_weekly".into(), bound("2024-01-01"), bound("2024-01-31")),
            text: TEXT.to_owned(),
            timezone: "Europe/Berlin".to_owned(),
            state,
            why: (state == BackfillState::Paused).then(|| "pipelines/churn_weekly.toml:3: unknown key `rum`".to_owned()),
            by: "ana@lab (tui)".to_owned(),
            created_at: fixtures::now() - TimeDelta::minutes(9),
            ended_at: None,
        },
        progress: states.iter().copied().collect(),
    }
}

fn half() -> Vec<ItemState> {
    use ItemState::{Failed, Pending, Running, Skipped, Success};
    [vec![Skipped, Success, Success, Failed, Success, Running], vec![Pending; 25]].concat()
}

fn planned(size: (u16, u16)) -> App {
    let mut app = filled(size);
    press(&mut app, "ctrl-s");
    let start = app.take_asks().into_iter().find_map(|ask| if let Ask::PlanBackfill(start) = ask { Some(start) } else { None }).unwrap();
    let mut items = items(&[vec![ItemState::Skipped; 2], vec![ItemState::Pending; 29]].concat());
    items[2].why = Some("again: failed as run 01m8fp5sy7en4f7z10kzy1abcd".to_owned());
    let progress = items.iter().map(|item| item.state).collect();
    let plan = BackfillPlan {
        text: TEXT.to_owned(),
        timezone: "Europe/Berlin".to_owned(),
        items,
        progress,
        later: 3,
        usual: Some(std::time::Duration::from_secs(95)),
    };
    tell(&mut app, Msg::BackfillPlan(start, Ok(plan)));
    app
}

fn listed(size: (u16, u16)) -> App {
    let mut app = home(size);
    let rows = vec![
        backfill("b3", BackfillState::Running, &half()),
        backfill("b2", BackfillState::Paused, &half()),
        backfill("b1", BackfillState::Success, &[ItemState::Success; 31]),
    ];
    tell(&mut app, Msg::Backfills("churn_weekly".into(), true, Ok(rows)));
    app
}

fn dates(size: (u16, u16)) -> App {
    let mut app = home(size);
    let items = items(&half());
    let named = |item: &BackfillItem| Some((item.run.clone()?, format!("churn_weekly #{}", item.position + 40)));
    let names: BTreeMap<_, _> = items.iter().filter_map(named).collect();
    let found = BackfillSnapshot { row: backfill("b3", BackfillState::Running, &half()), items };
    tell(&mut app, Msg::Backfill(true, Ok(Box::new(BackfillData { found, names }))));
    app
}

#[test]
fn a_stretch_of_dates_is_asked_for_and_the_command_line_stands_below() {
    pictures("backfill_form", form);
    pictures("backfill_filled", filled);
    let line = "flowyard backfill churn_weekly --from 2024-01-01 --to 2024-01-31 --trigger nightly --reprocess failed --max-active 4 --reverse -p rounds=80";
    let mut app = filled((120, 35));
    press(&mut app, "ctrl-y");
    assert!(app.take_chores().contains(&Chore::Copy(line.to_owned())), "{}", screen(&app));
}

#[test]
fn the_dates_are_seen_before_anything_is_made_and_leaving_makes_nothing() {
    pictures("backfill_plan", planned);
    let starts = |app: &mut App| app.take_asks().iter().filter(|ask| matches!(ask, Ask::StartBackfill(_))).count();
    let mut app = planned((120, 35));
    press(&mut app, "enter");
    assert_eq!((starts(&mut app), screen(&app).contains("List the dates")), (0, true), "back to the form");
    let mut app = planned((120, 35));
    press(&mut app, "j enter");
    assert_eq!((starts(&mut app), screen(&app).contains("List the dates")), (1, false));
}

#[test]
fn backfills_are_listed_with_their_progress_and_paused_and_canceled() {
    pictures("backfill_list", listed);
    let sent =
        |app: &mut App| app.take_asks().into_iter().filter_map(|ask| if let Ask::Send(command) = ask { Some(command) } else { None });
    let mut app = listed((120, 35));
    press(&mut app, "p");
    assert!(sent(&mut app).eq([Command::PauseBackfill { backfill: "b3".into(), paused: true }]));
    press(&mut app, "j p");
    assert!(sent(&mut app).eq([Command::PauseBackfill { backfill: "b2".into(), paused: false }]));
    press(&mut app, "x");
    assert!(screen(&app).contains("This cancels 1 open run; 25 runs more will not be made."), "{}", screen(&app));
    assert_eq!(sent(&mut app).count(), 0);
    press(&mut app, "y");
    assert!(sent(&mut app).eq([Command::CancelBackfill { backfill: "b2".into() }]));
    press(&mut app, "j x");
    assert!(screen(&app).contains("nothing to cancel (backfill is success)"), "{}", screen(&app));
}

#[test]
fn the_dates_of_a_backfill_go_on_while_one_looks_and_lead_to_their_runs() {
    pictures("backfill_dates", dates);
    let mut app = dates((120, 35));
    tell(&mut app, Msg::Changed);
    assert!(app.take_asks().contains(&Ask::Backfill { backfill: "b3".into(), open: false }));
    press(&mut app, "enter");
    assert!(app.take_asks().contains(&Ask::Run(Subject::Run("run-5".into()))), "the one that runs");
}

#[test]
fn home_tells_of_open_backfills_and_of_one_that_stands_still() {
    let make = |size| {
        let mut app = home(size);
        let mut rows = fixtures::pipelines();
        let of = |state| OpenBackfill::from(backfill("b2", state, &half()));
        let row = rows.iter_mut().find(|row| row.pipeline.as_str() == "churn_weekly").unwrap();
        *row = PipelineRow { backfill: Some(of(BackfillState::Paused)), ..row.clone() };
        rows[0] = PipelineRow { backfill: Some(of(BackfillState::Running)), ..rows[0].clone() };
        tell(&mut app, Msg::Pipelines(Ok(rows)));
        app.take_asks();
        app
    };
    pictures("backfill_home", make);
    let mut app = make((120, 35));
    press(&mut app, "tab G enter");
    assert!(app.take_asks().contains(&Ask::Backfill { backfill: "b2".into(), open: true }), "{}", screen(&app));
}

#[test]
fn an_empty_backfill_has_a_full_bar_and_no_arithmetic_fault() {
    let mut app = home((80, 24));
    let empty = BackfillRow { progress: Progress::default(), ..backfill("b1", BackfillState::Success, &[]) };
    tell(&mut app, Msg::Backfills("churn_weekly".into(), true, Ok(vec![empty])));
    assert!(screen(&app).contains("0 of 0"), "{}", screen(&app));
}
