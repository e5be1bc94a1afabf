//! Keys in, pictures and questions out.
#![allow(clippy::unwrap_used)]

use super::{
    app::{App, Chore},
    fixtures::{self, drawn, press, screen, tell, type_text},
    runs::{Edge, RunLine, RunPage, RunsAsk},
    theme::{Glyphs, color::Depth},
    views,
    world::{Ask, Defined, Msg, Purpose, RunData, Subject, World},
};
use crate::model::{
    Command, Diagnostic, Diagnostics, ParamDef, ParamType, Pipeline, Reply, Severity, Task, TaskState, Why, WhyLine, WhyMark,
};
use crate::stdx::sanitize;
use serde_json::json;
use std::sync::Arc;

mod backfill;
mod control;
mod first_run;
mod form;
mod foundations;
mod graph;
mod grid;
mod lists;
mod log;
mod memory;
mod schedule;
mod states;
mod themes;
mod timeline;
mod workspaces;

const SIZES: [(u16, u16); 2] = [(120, 35), (80, 24)];

/// Draws at both sizes and compares with what was looked at before.
fn pictures(name: &str, make: impl Fn((u16, u16)) -> App) {
    for size in SIZES {
        picture(name, size, &make);
    }
}

fn picture(name: &str, size: (u16, u16), make: impl Fn((u16, u16)) -> App) {
    insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), screen(&make(size)));
}

fn picture_styles(name: &str, size: (u16, u16), app: &App) {
    insta::assert_snapshot!(format!("{name}_styles_{}x{}", size.0, size.1), styled(app));
}

/// Each stretch of equal style with a text in it: row, column, style, text.
fn styled(app: &App) -> String {
    let buffer = drawn(app);
    let mut runs: Vec<(u16, u16, ratatui::style::Style, String)> = Vec::new();
    for y in 0..buffer.area.height {
        for x in 0..buffer.area.width {
            let cell = &buffer[(x, y)];
            match runs.last_mut() {
                Some((row, _, style, text)) if *row == y && *style == cell.style() => text.push_str(cell.symbol()),
                _ => runs.push((y, x, cell.style(), cell.symbol().to_owned())),
            }
        }
    }
    let colour = |colour: Option<ratatui::style::Color>| colour.map_or_else(|| "-".to_owned(), |colour| colour.to_string());
    let line = |(y, x, style, text): &(u16, u16, ratatui::style::Style, String)| {
        let modifiers = format!("{:?}", style.add_modifier);
        format!("{y:2} {x:3} {} on {} {modifiers} {:?}\n", colour(style.fg), colour(style.bg), text.trim_end())
    };
    runs.iter().filter(|(.., text)| text.chars().any(char::is_alphanumeric)).map(line).collect()
}

fn home(size: (u16, u16)) -> App {
    let mut app = fixtures::app(size);
    tell(&mut app, Msg::Engine(super::world::Engine::Up(fixtures::engine())));
    tell(&mut app, Msg::Pipelines(Ok(fixtures::pipelines())));
    app.take_asks();
    app
}

/// The run view of that data, opened from home.
fn run(size: (u16, u16), data: RunData) -> App {
    let mut app = home(size);
    press(&mut app, "j j enter");
    let subject = data.subject.clone();
    app.take_asks();
    show_run(&mut app, subject, data);
    app
}

fn show_run(app: &mut App, subject: Subject, data: RunData) {
    app.views.pop();
    app.views.push(Box::new(views::run::RunView::new(subject.clone())));
    tell(app, Msg::Run(subject, Ok(Arc::new(data))));
}

fn failed_run(size: (u16, u16)) -> App {
    let mut app = run(size, fixtures::failed());
    let lines = ["reading model", "ERROR the gate said no", "auc 0.741 < 0.99"].map(str::to_owned);
    tell(&mut app, fixtures::log_of("evaluate_model", 2, lines, true));
    app
}

fn running_run(size: (u16, u16)) -> App {
    let mut app = run(size, fixtures::running());
    tell(&mut app, fixtures::log("trainer", fixtures::training_lines(120), false));
    app
}

fn full_log(size: (u16, u16)) -> App {
    let mut app = running_run(size);
    press(&mut app, "enter");
    app
}

fn sent(app: &mut App) -> Vec<Command> {
    app.take_asks().into_iter().filter_map(|ask| if let Ask::Send(command) = ask { Some(command) } else { None }).collect()
}

#[test]
fn home_shows_what_needs_a_person_first() {
    pictures("home", home);
}

#[test]
fn home_draws_only_the_lines_in_sight() {
    pictures("home_large", |size| {
        let mut app = fixtures::app(size);
        tell(&mut app, Msg::Pipelines(Ok(fixtures::many_pipelines())));
        press(&mut app, "G");
        app
    });
}

#[test]
fn a_filter_narrows_home_and_esc_widens_it_again() {
    let mut app = home((120, 35));
    press(&mut app, "/");
    type_text(&mut app, "TAXI");
    assert!(screen(&app).contains("1 of 6"));
    picture("home_filter", (120, 35), |_| {
        let mut app = home((120, 35));
        press(&mut app, "/");
        type_text(&mut app, "taxi");
        app
    });
    press(&mut app, "enter");
    assert!(screen(&app).contains("filter: TAXI"));
    press(&mut app, "esc");
    assert!(!screen(&app).contains("filter:") && screen(&app).contains("nightly"));
}

#[test]
fn a_running_run_is_drawn_with_its_log() {
    pictures("run_running", running_run);
}

#[test]
fn a_failed_run_shows_the_gate_and_what_was_measured() {
    pictures("run_failed", failed_run);
}

#[test]
fn a_pipeline_that_never_ran_shows_its_graph() {
    pictures("run_never", |size| run(size, fixtures::never_ran()));
}

#[test]
fn two_hundred_tasks_can_be_walked() {
    pictures("run_large", |size| run(size, fixtures::large()));
    let mut app = run((120, 35), fixtures::large());
    for _ in 0..9 {
        press(&mut app, "j");
    }
    assert!(screen(&app).contains("│> ◌ WAIT task_180"), "{}", screen(&app));
}

#[test]
fn one_pane_at_a_time_in_a_narrow_terminal() {
    picture("run_narrow", (60, 15), running_run);
    picture("run_narrow_tasks", (60, 15), |size| {
        let mut app = running_run(size);
        press(&mut app, "tab");
        app
    });
    picture("home_narrow", (60, 15), home);
    picture("too_small", (40, 10), home);
}

fn history(size: (u16, u16)) -> App {
    let mut app = running_run(size);
    press(&mut app, "[");
    tell(&mut app, fixtures::runs(Some("ml_training"), ""));
    app
}

#[test]
fn history_lists_runs_with_commit_and_params() {
    pictures("history", history);
}

#[test]
fn the_runs_of_all_pipelines_are_a_place() {
    picture("runs", (120, 35), |size| {
        let mut app = home(size);
        press(&mut app, "2");
        tell(&mut app, fixtures::runs(None, ""));
        app
    });
}

#[test]
fn every_view_is_drawn_at_every_size() {
    let mut world = World { now: fixtures::now(), ..World::default() };
    world.pipelines = Some(fixtures::pipelines());
    world.run = Some(Arc::new(fixtures::running()));
    for (name, make) in views::ALL {
        for size in [(120, 35), (80, 24), (79, 24), (60, 15), (59, 15), (1, 1), (300, 90), (99, 15), (100, 16)] {
            let mut app = fixtures::app(size);
            tell(&mut app, Msg::Pipelines(Ok(fixtures::pipelines())));
            tell(&mut app, fixtures::runs(Some("ml_training"), ""));
            app.world.grid = Some(fixtures::grid());
            app.world.run = Some(Arc::new(fixtures::running()));
            let mut view = make(&world).unwrap_or_else(|| panic!("{name}"));
            view.arrived(&app.world);
            app.views.push(view);
            let text = screen(&app);
            assert!(!text.trim().is_empty() || size == (1, 1), "{name} {size:?}");
        }
    }
}

#[test]
fn help_lists_every_action_of_where_one_is() {
    pictures("help", |size| {
        let mut app = failed_run(size);
        press(&mut app, "?");
        app
    });
    let mut app = home((120, 35));
    press(&mut app, "?");
    type_text(&mut app, "start a run");
    press(&mut app, "enter");
    let asked = app.take_asks();
    assert!(asked.iter().any(|ask| matches!(ask, Ask::Definition { purpose: Purpose::Trigger, .. })) || screen(&app).contains("t: "));
}

#[test]
fn cancel_asks_in_numbers_and_enter_is_the_safe_answer() {
    pictures("cancel", |size| {
        let mut app = running_run(size);
        press(&mut app, "x");
        app
    });
    let mut app = running_run((120, 35));
    press(&mut app, "x enter");
    assert_eq!(sent(&mut app), []);
    press(&mut app, "x y");
    assert_eq!(sent(&mut app), [Command::Cancel { run: "run-12".into(), task: None }]);
    press(&mut app, "x o");
    assert_eq!(sent(&mut app), [Command::Cancel { run: "run-12".into(), task: Some("trainer".into()) }]);
}

#[test]
fn a_key_that_does_nothing_here_says_why() {
    let mut app = failed_run((120, 35));
    press(&mut app, "x");
    assert!(screen(&app).contains("x: nothing to cancel (run finished)"), "{}", screen(&app));
    assert_eq!(sent(&mut app), []);
}

#[test]
fn what_is_selected_can_be_copied_as_id_path_and_command_line() {
    let mut app = failed_run((120, 35));
    press(&mut app, "y i y p y c");
    let copied: Vec<_> = app.take_chores();
    let texts = ["run-12", "/state/runs/r/evaluate_model/2", "flowyard logs run-12 evaluate_model --attempt 2"];
    assert_eq!(copied, texts.map(|text| Chore::Copy(text.to_owned())));
    assert!(screen(&app).contains("copied 1 line"), "{}", screen(&app));
    let mut app = fixtures::app((120, 35));
    press(&mut app, "y i");
    assert!(screen(&app).contains("yi: nothing to copy here"), "{}", screen(&app));
}

#[test]
fn without_a_command_to_take_back_undo_says_so() {
    let mut app = failed_run((120, 35));
    press(&mut app, "U");
    assert!(screen(&app).contains("U: nothing to take back"), "{}", screen(&app));
}

#[test]
fn retry_and_skip_go_at_once_and_retry_from_here_asks() {
    let mut app = failed_run((120, 35));
    press(&mut app, "r");
    let retry = |downstream| Command::Retry { run: "run-12".into(), task: Some("evaluate_model".into()), downstream };
    assert_eq!(sent(&mut app), [retry(false)]);
    tell(&mut app, Msg::Reply(retry(false), Ok(Reply::Done { message: "evaluate_model is queued".into(), run: None })));
    assert!(screen(&app).contains("retry queued"), "{}", screen(&app));
    press(&mut app, "s");
    assert_eq!(sent(&mut app), [Command::Skip { run: "run-12".into(), task: "evaluate_model".into() }]);
    press(&mut app, "R");
    assert_eq!(sent(&mut app), []);
    assert!(screen(&app).contains("2 tasks again"), "{}", screen(&app));
    press(&mut app, "y");
    assert_eq!(sent(&mut app), [retry(true)]);
}

#[test]
fn retry_from_here_names_what_runs_again() {
    pictures("retry_from", |size| {
        let mut app = failed_run(size);
        press(&mut app, "R");
        app
    });
}

#[test]
fn why_marks_each_condition() {
    pictures("why", |size| {
        let mut app = running_run(size);
        let line = |mark, text: &str| WhyLine { mark, text: text.into() };
        let lines = vec![
            line(WhyMark::Met, "example_gen succeeded"),
            line(WhyMark::Waiting, "trainer is running for 1m11s"),
            line(WhyMark::Failed, "gate: metrics.auc = 0.741, params.min_auc = 0.99"),
            line(WhyMark::Note, "the run was started by ada@laptop (tui)"),
        ];
        tell(&mut app, Msg::Why(Ok(Why { about: "evaluator of ml_training #12".into(), state: "pending".into(), lines })));
        app
    });
}

#[test]
fn a_broken_file_shows_everything_that_is_wrong_with_it() {
    pictures("diagnostics", |size| {
        let mut app = home(size);
        press(&mut app, "g g enter");
        let finding = |line, message: &str, hint: &str| Diagnostic {
            severity: Severity::Error,
            code: "unknown-key".into(),
            message: message.into(),
            file: "pipelines/broken.toml".into(),
            line,
            column: 1,
            hint: Some(hint.into()),
            source_line: "rum = \"echo hello\"".into(),
            length: 3,
        };
        let found = Diagnostics(vec![
            finding(3, "unknown key `rum` in task `greet`", "did you mean `run`?"),
            finding(9, "task `wave` waits for `gret`, which does not exist", "did you mean `greet`?"),
        ]);
        tell(
            &mut app,
            Msg::Definition(
                "pipelines/broken.toml".into(),
                Purpose::Diagnostics,
                Ok(Box::new(Defined { pipeline: None, found, last: None, secrets: Default::default() })),
            ),
        );
        app
    });
}

#[test]
fn a_started_run_is_opened() {
    let mut app = home((120, 35));
    let data = fixtures::running();
    let command = Command::Trigger(crate::model::TriggerRequest {
        pipeline: "ml_training".into(),
        params: Default::default(),
        env: Default::default(),
        logical_date: None,
        idempotency_key: None,
        watched: false,
    });
    tell(&mut app, Msg::Reply(command, Ok(Reply::Done { message: "run 12 of ml_training started".into(), run: Some("run-12".into()) })));
    assert!(app.take_asks().contains(&Ask::Run(data.subject.clone())));
    tell(&mut app, Msg::Run(data.subject.clone(), Ok(Arc::new(data))));
    assert!(screen(&app).contains("run 12") && screen(&app).contains("trainer"));
    press(&mut app, "esc");
    assert!(screen(&app).contains("PIPELINE"));
}

#[test]
fn the_selection_goes_with_what_happens_until_a_person_chooses() {
    let mut app = running_run((120, 35));
    let asked = app.take_asks();
    assert!(
        asked
            .iter()
            .any(|ask| matches!(ask, Ask::Log(request) if request.targets[0].key.task.as_str() == "trainer" && request.targets[0].live))
    );
    let mut next = fixtures::running();
    next.tasks[6].state = TaskState::Success;
    next.tasks[7] = fixtures::task("evaluator", TaskState::Running, &["trainer"]);
    tell(&mut app, Msg::Run(next.subject.clone(), Ok(Arc::new(next))));
    assert!(screen(&app).contains("Log · evaluator"));
    press(&mut app, "k");
    tell(&mut app, Msg::Run(fixtures::running().subject, Ok(Arc::new(fixtures::running()))));
    assert!(!screen(&app).contains("Log · trainer · attempt 1 ▸ ─") || screen(&app).contains("Log ·"));
}

#[test]
fn nothing_is_drawn_when_nothing_changed() {
    let mut app = home((120, 35));
    app.drawn();
    tell(&mut app, Msg::Pipelines(Ok(fixtures::pipelines())));
    tell(&mut app, Msg::Engine(super::world::Engine::Up(fixtures::engine())));
    tell(&mut app, Msg::Changed);
    assert!(!app.is_dirty());
    app.tick(fixtures::now());
    assert!(!app.is_dirty());
}

#[test]
fn messages_go_by_themselves() {
    let mut app = failed_run((120, 35));
    press(&mut app, "x");
    app.tick(fixtures::now() + chrono::Duration::seconds(1));
    let wait = app.next_tick(fixtures::now()).unwrap();
    assert_eq!(wait.as_secs(), 5);
    app.tick(fixtures::now() + chrono::Duration::seconds(6));
    assert!(!screen(&app).contains("nothing to cancel"));
    assert_eq!(app.next_tick(fixtures::now()), None);
}

#[test]
fn leaving_is_one_key_and_signals_keep_their_number() {
    let mut app = home((120, 35));
    press(&mut app, "q");
    assert_eq!(app.exit(), Some(Ok(0)));
    let mut app = full_log((120, 35));
    press(&mut app, "q q");
    assert_eq!(app.exit(), None);
    press(&mut app, "ctrl-c");
    assert_eq!(app.exit(), Some(Ok(0)));
    let mut app = home((120, 35));
    tell(&mut app, Msg::Signal(15));
    assert_eq!(app.exit(), Some(Ok(143)));
}

#[test]
fn looking_only_changes_nothing() {
    let mut app = running_run((120, 35));
    app.world.read_only = true;
    press(&mut app, "x r s R t");
    assert_eq!(sent(&mut app), []);
    assert!(screen(&app).contains("looking only"));
}

#[test]
fn nothing_hostile_reaches_the_screen() {
    let evil = "\x1b[2J\x1b]0;owned\x07\u{9b}31m\u{202e}abc\u{200b}\u{e0041}\r\n\tz\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}";
    let mut data = fixtures::failed();
    let run_row = data.run.as_mut().unwrap();
    run_row.by = evil.into();
    run_row.params.insert(evil.into(), json!(evil));
    run_row.git.commit = Some(evil.into());
    data.tasks[3].message = Some(evil.repeat(3));
    data.tasks[3].metrics.insert(evil.into(), json!(evil));
    data.tasks[3].gates[0].measured = evil.into();
    let mut rows = fixtures::pipelines();
    for row in &mut rows {
        row.description = evil.into();
        row.owner = evil.into();
        row.triggers = vec![evil.into()];
        row.error = row.error.as_ref().map(|_| evil.into());
    }
    let line = RunLine { run: data.run.clone().unwrap(), metrics: data.tasks[3].metrics.clone() };
    let ask = RunsAsk { pipeline: Some("ml_training".into()), filter: String::new(), edge: Edge::Newest, limit: 1 };
    let runs = Msg::Runs(ask, Ok(RunPage { lines: vec![line], next: None }));
    let mut grid = fixtures::grid();
    grid.tasks[0] = evil.into();
    for run in &mut grid.runs {
        run.params.insert(evil.into(), json!(evil));
    }
    for cell in grid.cells.values_mut().flatten().flatten() {
        cell.message = Some(evil.into());
        cell.metrics.insert(evil.into(), json!(evil));
    }
    rows[5].last_run.as_mut().unwrap().concerns =
        vec![crate::model::Concern { task: evil.into(), map_index: None, state: TaskState::Failed, words: evil.into(), since: None }];
    rows[5].headline = Some(crate::model::Headline { name: evil.into(), value: json!(evil) });
    let mut app = fixtures::app((120, 35));
    app.world.workspace = evil.into();
    tell(&mut app, Msg::Pipelines(Ok(Vec::new())));
    safe(&app);
    tell(&mut app, Msg::Pipelines(Ok(rows)));
    safe(&app);
    press(&mut app, "/");
    tell(&mut app, Msg::Paste(evil.into()));
    safe(&app);
    press(&mut app, "esc");
    show_run(&mut app, data.subject.clone(), data);
    tell(&mut app, fixtures::log_of("evaluate_model", 2, vec![evil.to_owned(); 5], true));
    safe(&app);
    press(&mut app, "w ?");
    safe(&app);
    press(&mut app, "esc ]");
    tell(&mut app, Msg::Grid(Ok(Box::new(grid))));
    safe(&app);
    press(&mut app, "j");
    safe(&app);
    press(&mut app, "] ]");
    tell(&mut app, runs);
    safe(&app);
    press(&mut app, "v");
    safe(&app);
    press(&mut app, "esc");
    tell(&mut app, Msg::Pipelines(Err(evil.into())));
    let why = Why { about: evil.into(), state: evil.into(), lines: vec![WhyLine { mark: WhyMark::Note, text: evil.into() }] };
    tell(&mut app, Msg::Why(Ok(why)));
    safe(&app);
}

fn safe(app: &App) {
    for cell in &drawn(app).content {
        assert_eq!(sanitize::line(cell.symbol()), cell.symbol(), "{:?}", cell.symbol());
    }
}

#[test]
fn only_ascii_is_drawn_where_only_ascii_can_be_shown() {
    let mut app = failed_run((120, 35));
    app.theme = fixtures::theme("default-dark", Depth::True, Glyphs::Ascii);
    assert!(drawn(&app).content.iter().all(|cell| cell.symbol().is_ascii()));
    insta::assert_snapshot!("run_ascii_120x35", screen(&app));
}

#[test]
fn that_an_engine_died_and_another_goes_on_is_said() {
    let mut app = fixtures::app((120, 35));
    tell(&mut app, Msg::Engine(super::world::Engine::Up(fixtures::engine())));
    tell(&mut app, Msg::Engine(super::world::Engine::Up(crate::runtime::EngineStatus { pid: 4712, ..fixtures::engine() })));
    assert!(app.world.toasts.iter().any(|toast| toast.text.contains("engine 4711 ended; engine 4712 goes on")));
    tell(&mut app, Msg::Engine(super::world::Engine::Idle));
    assert!(app.world.toasts.iter().any(|toast| toast.text.contains("engine 4712 ended while a run was open")));
}

#[test]
fn who_only_looks_is_offered_nothing_that_changes_something() {
    let mut app = home((120, 35));
    press(&mut app, "j j");
    assert!(app.hints().iter().any(|(_, key, _)| key == "t"));
    app.world.read_only = true;
    assert!(app.hints().iter().all(|(_, key, _)| key != "t"));
}
