//! Runs by tasks: what is shown, how one moves, and what is asked for.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    model::{RunState, TaskId},
    tui::grid::GridData,
};
use std::sync::Arc;

fn grid_of(size: (u16, u16), data: GridData) -> App {
    let mut app = running_run(size);
    press(&mut app, "]");
    app.take_asks();
    tell(&mut app, Msg::Grid(Ok(Box::new(data))));
    app
}

pub(super) fn grid(size: (u16, u16)) -> App {
    grid_of(size, fixtures::grid())
}

fn asked(app: &mut App) -> Vec<crate::tui::grid::GridAsk> {
    app.take_asks().into_iter().filter_map(|ask| if let Ask::Grid(ask) = ask { Some(ask) } else { None }).collect()
}

#[test]
fn the_grid_shows_runs_by_tasks() {
    pictures("grid", |size| {
        let mut app = grid(size);
        press(&mut app, "j j j");
        app
    });
}

#[test]
fn a_failed_cell_says_why_and_what_was_different() {
    pictures("grid_failed", |size| {
        let mut app = grid(size);
        press(&mut app, "j j j j h h space");
        app
    });
}

#[test]
fn the_whole_run_is_selected_above_the_first_task() {
    pictures("grid_run", |size| {
        let mut app = grid(size);
        press(&mut app, "j k h");
        app
    });
}

#[test]
fn the_grid_waits_says_what_is_wrong_and_what_to_do() {
    let mut app = running_run((80, 24));
    press(&mut app, "]");
    tell(&mut app, Msg::Grid(Err("the database is locked".into())));
    assert!(screen(&app).contains("the database is locked"));
    let empty = GridData { runs: Vec::new(), tasks: Vec::new(), cells: Vec::new(), older: false, ..fixtures::grid() };
    tell(&mut app, Msg::Grid(Ok(Box::new(empty))));
    assert!(screen(&app).contains("no run yet: t starts one"), "{}", screen(&app));
}

/// Ten thousand tasks, of which a screenful was read.
fn huge() -> GridData {
    let data = fixtures::grid();
    let tasks = (0..10_000).map(|n| TaskId::from(format!("task_{n:04}").as_str())).collect();
    let cells = (0..80).map(|n| data.cells[n % 5].clone()).collect();
    GridData { tasks, cells, ..data }
}

#[test]
fn of_ten_thousand_tasks_only_those_in_sight_are_read() {
    pictures("grid_huge", |size| {
        let mut app = grid_of(size, huge());
        press(&mut app, "j pagedown j");
        app
    });
    let mut app = grid_of((120, 35), huge());
    press(&mut app, "j");
    assert_eq!(asked(&mut app), []);
    press(&mut app, "G");
    let ask = asked(&mut app).pop().unwrap();
    assert!(ask.tasks.contains(&9_999) && ask.tasks.len() < 200, "{ask:?}");
}

#[test]
fn at_the_edge_older_runs_are_asked_for_and_the_selection_enters_them() {
    let mut app = grid((120, 35));
    press(&mut app, "H");
    let oldest = fixtures::grid().runs[0].run_id.clone();
    assert_eq!(asked(&mut app).pop().unwrap().edge, Edge::Older(oldest));
    let mut older = fixtures::grid();
    for run in &mut older.runs {
        (run.run_id, run.number) = (format!("run-{}", run.number - 24).as_str().into(), run.number - 24);
    }
    (older.older, older.newer) = (false, true);
    tell(&mut app, Msg::Grid(Ok(Box::new(older))));
    assert!(screen(&app).contains("Run 190"), "{}", screen(&app));
    press(&mut app, "H");
    assert!(screen(&app).contains("H: these are the oldest runs"), "{}", screen(&app));
    press(&mut app, "L");
    assert_eq!(asked(&mut app).pop().unwrap().edge, Edge::Newer("run-190".into()));
}

#[test]
fn what_comes_does_not_move_the_selection() {
    let mut app = grid((120, 35));
    press(&mut app, "j j h h");
    assert!(screen(&app).contains("Run 212 · validate_data"), "{}", screen(&app));
    let mut next = fixtures::grid();
    let new = crate::model::RunRow { run_id: "run-215".into(), ..fixtures::run_row(215, RunState::Running) };
    next.runs.remove(0);
    next.runs.push(new);
    for line in &mut next.cells {
        line.remove(0);
        line.push(None);
    }
    tell(&mut app, Msg::Grid(Ok(Box::new(next))));
    assert!(screen(&app).contains("Run 212 · validate_data"), "{}", screen(&app));
}

#[test]
fn marks_are_counted_and_cells_can_say_other_things() {
    let mut app = grid((120, 35));
    press(&mut app, "space h space");
    assert!(screen(&app).contains("2 marked") && screen(&app).contains("●"), "{}", screen(&app));
    press(&mut app, "space");
    assert!(screen(&app).contains("1 marked"));
    picture("grid_took", (120, 35), |size| {
        let mut app = grid(size);
        press(&mut app, "v");
        app
    });
    picture("grid_attempts", (120, 35), |size| {
        let mut app = grid(size);
        press(&mut app, "v v");
        app
    });
}

#[test]
fn enter_opens_the_run_with_the_task_selected() {
    let mut app = grid((120, 35));
    press(&mut app, "j j j enter");
    let mut data = fixtures::running();
    data.subject = Subject::Run("run-214".into());
    data.tasks[2].task = "train_model".into();
    data.graph = crate::tui::graphs::Structures::default().of(&data.tasks);
    tell(&mut app, Msg::Run(data.subject.clone(), Ok(Arc::new(data))));
    assert!(screen(&app).contains("> ✓ OK   train_model"), "{}", screen(&app));
    press(&mut app, "esc");
    assert!(screen(&app).contains("Run 214 · train_model"), "{}", screen(&app));
}

#[test]
fn verbs_in_the_grid_are_about_the_selected_task() {
    let mut app = grid((120, 35));
    press(&mut app, "j j j j h h r");
    assert_eq!(sent(&mut app), [Command::Retry { run: "run-212".into(), task: Some("evaluate_model".into()), downstream: false }]);
    press(&mut app, "k k r");
    assert!(screen(&app).contains("r: nothing to retry (task succeeded)"), "{}", screen(&app));
    assert_eq!(sent(&mut app), []);
}
