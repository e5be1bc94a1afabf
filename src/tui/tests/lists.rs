//! Home and history: order, filters, pages, columns, and a selection that stays.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::model::{PipelineRow, RunRow, RunState};

fn troubled(size: (u16, u16)) -> App {
    let mut app = fixtures::app(size);
    tell(&mut app, Msg::Engine(super::super::world::Engine::Up(fixtures::engine())));
    tell(&mut app, Msg::Pipelines(Ok(fixtures::troubled_pipelines())));
    app.take_asks();
    app
}

/// Names of pipelines from the top of the list.
fn order(app: &App) -> Vec<String> {
    let names: Vec<String> = app.world.pipelines.iter().flatten().map(|row| row.pipeline.to_string()).collect();
    let lines = screen(app);
    let lines = lines.lines().skip(4).take_while(|line| !line.contains('┗'));
    lines.filter_map(|line| names.iter().find(|name| line.contains(name.as_str())).cloned()).collect()
}

#[test]
fn home_on_a_bad_morning() {
    pictures("home_troubled", troubled);
}

#[test]
fn what_waits_for_a_person_comes_before_what_failed_and_what_runs() {
    let mut app = troubled((120, 35));
    assert_eq!(order(&app), ["churn_weekly", "broken", "tfx_taxi", "ml_training", "demo_iris", "drift_monitor", "nightly"]);
    press(&mut app, "o");
    assert!(screen(&app).contains("sort: name"));
    assert_eq!(order(&app)[..2], ["broken", "churn_weekly"]);
}

#[test]
fn the_list_of_what_needs_a_person_leads_to_the_task() {
    pictures("home_attention", |size| {
        let mut app = troubled(size);
        press(&mut app, "tab j");
        app
    });
    let mut app = troubled((120, 35));
    press(&mut app, "tab j enter");
    let asked = app.take_asks();
    assert!(asked.contains(&Ask::Run(Subject::Run("run-tfx_taxi".into()))), "{asked:?}");
    press(&mut app, "esc esc");
    assert!(screen(&app).contains("Needs attention"));
}

#[test]
fn home_is_filtered_by_state_owner_and_pattern_and_says_what_it_does_not_understand() {
    for (typed, kept) in [
        ("state=failed", vec!["tfx_taxi"]),
        ("state=new,off", vec!["demo_iris", "drift_monitor", "nightly"]),
        ("^ml_", vec!["ml_training"]),
        ("!ml_ !state=new state!=off", vec!["churn_weekly", "broken", "tfx_taxi"]),
        ("owner=nobody", vec![]),
    ] {
        let mut app = troubled((120, 35));
        press(&mut app, "/");
        type_text(&mut app, typed);
        assert_eq!(order(&app), kept, "{typed}");
    }
    pictures("home_filter_wrong", |size| {
        let mut app = troubled(size);
        press(&mut app, "/");
        type_text(&mut app, "stat=failed");
        app
    });
}

#[test]
fn a_thousand_pipelines_keep_the_selected_one_in_its_place() {
    let row = |n: usize| {
        let mut row = fixtures::many_pipelines().swap_remove(0);
        row.pipeline = format!("pipeline_{n:04}").as_str().into();
        row
    };
    let rows: Vec<PipelineRow> = (1..1_001).map(row).collect();
    let mut app = fixtures::app((120, 35));
    tell(&mut app, Msg::Pipelines(Ok(rows.clone())));
    press(&mut app, "pagedown pagedown j");
    let before = screen(&app);
    let line = |text: &str| text.lines().position(|line| line.starts_with("┃>")).unwrap();
    let name = before.lines().nth(line(&before)).unwrap().to_owned();
    let mut more = rows;
    more.push(row(0));
    tell(&mut app, Msg::Pipelines(Ok(more)));
    let after = screen(&app);
    assert_eq!((line(&after), after.lines().nth(line(&after)).unwrap()), (line(&before), name.as_str()));
}

fn history_of(size: (u16, u16)) -> App {
    history(size)
}

#[test]
fn history_is_filtered_off_the_thread_that_draws() {
    let mut app = history_of((120, 35));
    app.take_asks();
    press(&mut app, "/");
    type_text(&mut app, "state=failed");
    let asked = app.take_asks();
    let Some(Ask::Runs(last)) = asked.last() else { panic!("{asked:?}") };
    assert_eq!((last.filter.as_str(), &last.edge), ("state=failed", &Edge::Newest));
    assert!(screen(&app).contains("looking…"), "{}", screen(&app));
    let Msg::Runs(_, Ok(mut page)) = fixtures::runs(Some("ml_training"), "state=failed") else { panic!() };
    page.lines.retain(|line| line.run.state == RunState::Failed);
    tell(&mut app, Msg::Runs(last.clone(), Ok(page)));
    assert!(screen(&app).contains("1 found"), "{}", screen(&app));
    press(&mut app, "enter");
    assert!(screen(&app).contains("filter: state=failed"), "{}", screen(&app));
    press(&mut app, "esc");
    let asked = app.take_asks();
    assert!(matches!(asked.last(), Some(Ask::Runs(ask)) if ask.filter.is_empty()), "{asked:?}");
}

#[test]
fn history_in_its_states() {
    pictures("history_filter", |size| {
        let mut app = history_of(size);
        press(&mut app, "space j space /");
        type_text(&mut app, "state=faild lr");
        app
    });
    let mut app = running_run((80, 24));
    press(&mut app, "[");
    assert!(screen(&app).contains("reading the runs…"));
    let ask = RunsAsk { pipeline: Some("ml_training".into()), filter: String::new(), edge: Edge::Newest, limit: 200 };
    tell(&mut app, Msg::Runs(ask.clone(), Err("the database is locked".into())));
    assert!(screen(&app).contains("the database is locked"));
    tell(&mut app, Msg::Runs(ask, Ok(RunPage { lines: Vec::new(), next: None })));
    assert!(screen(&app).contains("no run yet: t starts one"), "{}", screen(&app));
}

#[test]
fn marks_are_counted() {
    let mut app = history_of((120, 35));
    press(&mut app, "space space");
    assert!(screen(&app).contains("2 marked"), "{}", screen(&app));
    press(&mut app, "k space");
    assert!(screen(&app).contains("1 marked"), "{}", screen(&app));
}

#[test]
fn columns_are_chosen_and_remembered() {
    pictures("history_columns", |size| {
        let mut app = history_of(size);
        press(&mut app, "v j enter");
        app
    });
    let mut app = history_of((120, 35));
    assert!(screen(&app).contains("auc") && screen(&app).contains("TOOK"));
    press(&mut app, "v j j enter esc");
    assert!(!screen(&app).contains("TOOK"), "{}", screen(&app));
    press(&mut app, "esc [");
    assert!(!screen(&app).contains("TOOK") && screen(&app).contains("STARTED"), "{}", screen(&app));
}

/// A page of runs of all pipelines.
fn page(numbers: std::ops::RangeInclusive<u64>, more: bool) -> RunPage {
    let run = |number: u64| RunRow { run_id: id(number), ..fixtures::run_row(number, RunState::Success) };
    let lines: Vec<_> = numbers.rev().map(|number| RunLine { run: run(number), metrics: serde_json::Map::new() }).collect();
    let next = lines.last().map(|line| line.run.run_id.clone()).filter(|_| more);
    RunPage { lines, next }
}

fn id(number: u64) -> crate::model::RunId {
    format!("run-{number:07}").as_str().into()
}

/// Answers every question for runs as a history of a million would.
pub(super) fn answer(app: &mut App) {
    for _ in 0..10 {
        let asks: Vec<_> = app.take_asks().into_iter().filter_map(|ask| if let Ask::Runs(ask) = ask { Some(ask) } else { None }).collect();
        if asks.is_empty() {
            return;
        }
        for ask in asks {
            let number = |id: &crate::model::RunId| id.as_str()[4..].parse::<u64>().unwrap();
            let limit = ask.limit as u64;
            let (from, to) = match &ask.edge {
                Edge::Newest | Edge::Front => (1_000_001 - limit, 1_000_000),
                Edge::Oldest => (1, limit),
                Edge::Older(id) => (number(id).saturating_sub(limit).max(1), number(id) - 1),
                Edge::Newer(id) => (number(id) + 1, (number(id) + limit).min(1_000_000)),
                Edge::Upto(id) | Edge::At(id) => ((number(id) + 1).saturating_sub(limit).max(1), number(id)),
            };
            let mut page = page(from..=to, from > 1);
            if ask.edge.ascends() {
                page.next = page.lines.first().map(|line| line.run.run_id.clone()).filter(|_| to < 1_000_000);
            }
            tell(app, Msg::Runs(ask, Ok(page)));
        }
    }
}

#[test]
fn one_walks_through_a_million_runs_by_pages_and_jumps_to_their_end_and_back() {
    let mut app = home((120, 35));
    press(&mut app, "2");
    answer(&mut app);
    for _ in 0..60 {
        press(&mut app, "pagedown");
        answer(&mut app);
    }
    let number = |app: &App| {
        let text = screen(app);
        let line = text.lines().find(|line| line.starts_with("┃>")).unwrap_or_else(|| panic!("{text}")).to_owned();
        line.trim_start_matches("┃>").split_whitespace().next().unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(number(&app), 1_000_000 - 60 * 28);
    assert!(app.world.runs.as_ref().unwrap().lines.len() <= crate::tui::runs::KEPT);
    press(&mut app, "G");
    answer(&mut app);
    assert_eq!(number(&app), 1);
    for _ in 0..30 {
        press(&mut app, "pageup");
        answer(&mut app);
    }
    assert_eq!(number(&app), 1 + 30 * 28);
    press(&mut app, "g g");
    answer(&mut app);
    assert_eq!(number(&app), 1_000_000);
    pictures("runs_huge", |size| {
        let mut app = home(size);
        press(&mut app, "2");
        answer(&mut app);
        press(&mut app, "pagedown pagedown");
        app
    });
}

#[test]
fn runs_that_come_do_not_move_the_selected_one() {
    let mut app = home((120, 35));
    press(&mut app, "2");
    let ask = RunsAsk { pipeline: None, filter: String::new(), edge: Edge::Newest, limit: 200 };
    tell(&mut app, Msg::Runs(ask.clone(), Ok(page(1..=100, false))));
    press(&mut app, "pagedown pagedown");
    let selected = |app: &App| {
        let text = screen(app);
        let at = text.lines().position(|line| line.starts_with("┃>")).unwrap();
        (at, text.lines().nth(at).unwrap().to_owned())
    };
    let before = selected(&app);
    tell(&mut app, Msg::Runs(ask, Ok(page(1..=103, false))));
    assert_eq!(selected(&app), before);
}
