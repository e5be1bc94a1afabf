//! What a person finds again: views as they were left, in the same program and in the next one.

use super::{failed_run, grid::grid, home, lists::answer, run, running_run, show_run, timeline::timeline};
use crate::tui::{
    app::App,
    fixtures::{self, press, screen, tell, type_text},
    memory::{Memory, Stop},
    views::run::RunView,
    world::{Ask, Msg, Subject, Tone},
};

const LARGE: (u16, u16) = (120, 35);

/// The program, ended and begun again.
fn begun_again(app: &App) -> App {
    let mut fresh = fixtures::app(app.world.size);
    tell(&mut fresh, Msg::Engine(crate::tui::world::Engine::Up(fixtures::engine())));
    fresh.recall(Memory::read(&app.memory().text()).unwrap());
    fresh
}

fn at_home(app: &App) -> App {
    let mut fresh = begun_again(app);
    tell(&mut fresh, Msg::Pipelines(Ok(fixtures::pipelines())));
    fresh
}

/// The same run is read by the program that was begun again.
fn at_run(app: &App) -> App {
    let mut fresh = at_home(app);
    let data = app.world.run.clone().unwrap();
    tell(&mut fresh, Msg::Run(data.subject.clone(), Ok(data)));
    fresh
}

/// The screen without the messages that pass by.
fn settled(app: &mut App) -> String {
    app.tick(fixtures::now() + chrono::Duration::minutes(1));
    app.world.now = fixtures::now();
    screen(app)
}

#[test]
fn home_is_found_with_its_order_filter_and_selection() {
    let mut app = home(LARGE);
    press(&mut app, "o /");
    type_text(&mut app, "n");
    press(&mut app, "enter j");
    let fresh = at_home(&app);
    assert!(screen(&fresh).contains("sort: name  filter: n"), "{}", screen(&fresh));
    assert_eq!(screen(&fresh), screen(&app));
}

#[test]
fn what_is_selected_is_found_wherever_it_stands_and_what_is_gone_leaves_its_place() {
    let mut app = home(LARGE);
    press(&mut app, "o j j");
    let line = |app: &App| screen(app).lines().position(|line| line.starts_with("┃>"));
    let (before, name) = (line(&app), app.memory());
    let mut rows = fixtures::pipelines();
    rows.sort_by(|a, b| a.pipeline.cmp(&b.pipeline));
    let selected = rows[2].pipeline.clone();
    rows.remove(0);
    let begun = |rows| {
        let mut fresh = begun_again(&app);
        tell(&mut fresh, Msg::Pipelines(Ok(rows)));
        fresh
    };
    assert_eq!(line(&begun(rows.clone())), before.map(|line| line - 1));
    rows.retain(|row| row.pipeline != selected);
    assert_eq!(line(&begun(rows)), before);
    assert!(name.text().contains(selected.as_str()));
}

#[test]
fn a_place_that_is_left_is_found_as_it_was() {
    let mut app = home(LARGE);
    press(&mut app, "2");
    answer(&mut app);
    press(&mut app, "/");
    type_text(&mut app, "state=success");
    press(&mut app, "enter");
    answer(&mut app);
    press(&mut app, "pagedown j");
    answer(&mut app);
    let before = screen(&app);
    press(&mut app, "1 2");
    answer(&mut app);
    assert_eq!(screen(&app), before);
}

#[test]
fn a_run_far_down_the_history_is_found_by_the_next_program() {
    let mut app = home(LARGE);
    press(&mut app, "2");
    answer(&mut app);
    for _ in 0..40 {
        press(&mut app, "pagedown");
        answer(&mut app);
    }
    let number = |app: &App| {
        let screen = screen(app);
        let line = screen.lines().find(|line| line.starts_with("┃>")).unwrap_or_else(|| panic!("{screen}"));
        line[4..].split_whitespace().next().unwrap().to_owned()
    };
    press(&mut app, "k k k");
    let mut fresh = begun_again(&app);
    answer(&mut fresh);
    assert_eq!(number(&fresh), number(&app));
    let lines = |app: &App| screen(app).lines().filter(|line| line.starts_with('┃')).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&fresh), lines(&app));
    press(&mut fresh, "k");
    answer(&mut fresh);
    press(&mut app, "k");
    assert_eq!(number(&fresh), number(&app));
}

#[test]
fn a_graph_is_found_at_its_level_its_way_its_folds_and_its_place() {
    for keys in ["o - -", "E j", "v j j", "f + j", "C tab j j", "+ + H J"] {
        let mut app = run(LARGE, fixtures::thirty());
        press(&mut app, keys);
        let mut fresh = at_run(&app);
        assert_eq!(settled(&mut fresh), settled(&mut app), "{keys}");
    }
}

#[test]
fn one_pane_alone_and_marks_are_found_again() {
    let mut app = run(LARGE, fixtures::thirty());
    press(&mut app, "tab z");
    let alone = settled(&mut app);
    let mut fresh = at_run(&app);
    assert_eq!(settled(&mut fresh), alone);
    press(&mut fresh, "z");
    press(&mut app, "z");
    assert_eq!(settled(&mut fresh), settled(&mut app));
    press(&mut app, "2");
    answer(&mut app);
    press(&mut app, "space space");
    let mut fresh = begun_again(&app);
    answer(&mut fresh);
    assert!(screen(&app).contains("2 marked"));
    assert_eq!(screen(&fresh), screen(&app));
}

#[test]
fn the_other_tabs_and_what_is_shared_are_found_where_one_was_in_them() {
    let mut app = grid(LARGE);
    press(&mut app, "j j j h v space");
    let mut fresh = at_run(&app);
    tell(&mut fresh, Msg::Grid(Ok(Box::new(fixtures::grid()))));
    assert_eq!(settled(&mut fresh), settled(&mut app));
    let mut app = grid(LARGE);
    tell(&mut app, Msg::Grid(Ok(Box::new(fixtures::grouped_grid()))));
    press(&mut app, "j j c");
    let mut fresh = at_run(&app);
    tell(&mut fresh, Msg::Grid(Ok(Box::new(fixtures::grouped_grid()))));
    assert!(screen(&fresh).contains("> ⊞ data"), "{}", screen(&fresh));
    assert_eq!(settled(&mut fresh), settled(&mut app));
    let mut app = timeline(LARGE);
    press(&mut app, "j j k + C");
    let mut fresh = at_run(&app);
    assert_eq!(settled(&mut fresh), settled(&mut app));
    let mut app = home(LARGE);
    press(&mut app, "6");
    tell(&mut app, Msg::Resources(Ok(fixtures::crowded())));
    press(&mut app, "j j tab j");
    let mut fresh = begun_again(&app);
    tell(&mut fresh, Msg::Resources(Ok(fixtures::crowded())));
    assert_eq!(screen(&fresh), screen(&app));
}

#[test]
fn another_run_of_the_pipeline_has_its_graph_the_same_way() {
    let mut app = run(LARGE, fixtures::thirty());
    press(&mut app, "E");
    let folded = screen(&app);
    let mut other = fixtures::thirty();
    other.subject = Subject::Run("run-8".into());
    press(&mut app, "q");
    app.open(Box::new(RunView::new(other.subject.clone())));
    tell(&mut app, Msg::Run(other.subject.clone(), Ok(other.into())));
    assert_eq!(screen(&app), folded);
}

#[test]
fn a_log_is_found_with_its_lines_as_they_were_shown() {
    let mut app = running_run(LARGE);
    press(&mut app, "enter W # g g &");
    type_text(&mut app, "epoch");
    press(&mut app, "enter");
    let fresh = at_run(&app);
    let memory = fresh.memory();
    assert_eq!(memory.trail, app.memory().trail);
    let asked = fresh.asks.iter().rev().find_map(|ask| if let Ask::Log(request) = ask { Some(request) } else { None }).unwrap();
    assert_eq!(asked.sieve.filter, "epoch");
    assert!(asked.anchor != crate::runtime::book::Anchor::End);
    assert!(memory.text().contains("\"wrap\": true") && memory.text().contains("\"numbers\": true"));
}

#[test]
fn two_logs_side_by_side_are_found_with_the_one_that_had_the_keys() {
    let mut app = failed_run(LARGE);
    press(&mut app, "enter | tab");
    let Some(Stop::Log { sides, focus: 0, .. }) = app.memory().trail.pop() else { panic!("no log") };
    assert!(sides.len() == 2 && sides[0].task != sides[1].task);
    let mut fresh = at_run(&app);
    assert_eq!(fresh.memory().trail, app.memory().trail);
    let titles = |app: &App| screen(app).lines().nth(2).unwrap().to_owned();
    assert_eq!(titles(&fresh).matches("Log · ").count(), 2);
    press(&mut fresh, "tab |");
    assert_eq!(titles(&fresh).matches("Log · ").count(), 1);
}

#[test]
fn a_run_that_is_gone_leads_home_and_that_is_said() {
    let app = run(LARGE, fixtures::failed());
    let mut fresh = begun_again(&app);
    let subject = fixtures::failed().subject;
    tell(&mut fresh, Msg::Run(subject, Err("there is no such run".into())));
    tell(&mut fresh, Msg::Pipelines(Ok(fixtures::pipelines())));
    assert!(screen(&fresh).contains("PIPELINE "), "{}", screen(&fresh));
    assert!(fresh.world.toasts.iter().any(|toast| toast.tone == Tone::Note && toast.text.contains("no such run")));
}

#[test]
fn keys_are_kept_a_second_later_together_and_data_alone_is_not() {
    let mut app = home(LARGE);
    let second = |n: i64| fixtures::now() + chrono::Duration::seconds(n);
    let kept = |app: &mut App, at: i64| {
        app.tick(second(at));
        app.take_asks().iter().filter(|ask| matches!(ask, Ask::Remember(_))).count()
    };
    assert_eq!(kept(&mut app, 5), 0);
    press(&mut app, "j j o");
    assert!(app.next_tick(fixtures::now()).is_some_and(|wait| wait <= std::time::Duration::from_secs(1)));
    assert_eq!(kept(&mut app, 0), 0);
    assert_eq!(kept(&mut app, 2), 1);
    assert_eq!(kept(&mut app, 9), 0);
}

#[test]
fn values_of_params_are_not_remembered() {
    let mut app = home(LARGE);
    let mut data = fixtures::failed();
    if let Some(run) = &mut data.run {
        run.params.insert("password".to_owned(), "hunter2".into());
    }
    show_run(&mut app, data.subject.clone(), data);
    press(&mut app, "j tab j enter q ]");
    assert!(!app.memory().text().contains("hunter2"));
}
