//! Runs by tasks: what is shown, how one moves, and what is asked for.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    model::{RunState, TaskId},
    tui::grid::GridData,
};
use std::{collections::BTreeMap, sync::Arc};

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
    let (states, cells) = (Vec::new(), BTreeMap::new());
    let empty = GridData { runs: Vec::new(), tasks: Vec::new(), states, cells, older: false, ..fixtures::grid() };
    tell(&mut app, Msg::Grid(Ok(Box::new(empty))));
    assert!(screen(&app).contains("no run yet: t starts one"), "{}", screen(&app));
}

/// Ten thousand tasks, of which a screenful was read.
fn huge() -> GridData {
    let data = fixtures::grid();
    let tasks = (0..10_000).map(|n| TaskId::from(format!("task_{n:04}").as_str())).collect();
    let cells = (0..80).map(|n| (n, data.cells[&(n % 5)].clone())).collect();
    let states = data.states.iter().map(|run| (0..10_000).map(|n| run[n % 5]).collect()).collect();
    GridData { tasks, states, cells, ..data }
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
    for line in next.cells.values_mut() {
        line.remove(0);
        line.push(None);
    }
    next.states.remove(0);
    next.states.push(vec![None; 5]);
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

fn grouped(size: (u16, u16)) -> App {
    grid_of(size, fixtures::grouped_grid())
}

#[test]
fn tasks_of_a_group_stand_below_it_and_it_folds() {
    pictures("grid_groups", |size| {
        let mut app = grouped(size);
        press(&mut app, "h h j j j j");
        app
    });
    pictures("grid_folded", |size| {
        let mut app = grouped(size);
        press(&mut app, "h h j j j j j c");
        app
    });
    let mut app = grouped((120, 35));
    press(&mut app, "j j c");
    assert!(screen(&app).contains("> ⊞ data  2") && !screen(&app).contains("extract_data"), "{}", screen(&app));
    press(&mut app, "c");
    assert!(screen(&app).contains("> ⊟ data  2") && screen(&app).contains("     extract_data"), "{}", screen(&app));
    press(&mut app, "E");
    assert!(!screen(&app).contains("extract_data") && !screen(&app).contains("train_model") && screen(&app).contains("deploy_model"));
    press(&mut app, "E");
    assert!(screen(&app).contains("extract_data") && screen(&app).contains("train_model"));
    press(&mut app, "G c");
    assert!(screen(&app).contains("c: this task is in no group"), "{}", screen(&app));
}

#[test]
fn a_line_of_a_group_opens_the_task_that_a_person_should_see_and_verbs_want_a_task() {
    let mut app = grouped((120, 35));
    press(&mut app, "E h h j j r");
    assert!(screen(&app).contains("r: select a task of the group first"), "{}", screen(&app));
    assert_eq!(sent(&mut app), []);
    press(&mut app, "enter");
    let mut data = fixtures::running();
    data.subject = Subject::Run("run-212".into());
    data.tasks[2].task = "evaluate_model".into();
    tell(&mut app, Msg::Run(data.subject.clone(), Ok(Arc::new(data))));
    assert!(screen(&app).contains("> ✓ OK   evaluate_model"), "{}", screen(&app));
}

#[test]
fn one_goes_from_failure_to_failure() {
    let mut app = grid((120, 35));
    let mut stops = Vec::new();
    for key in ["n", "n", "N", "n", "n", "n", "N"] {
        press(&mut app, key);
        let title = screen(&app).lines().find_map(|line| Some(line.split("╭─ ").nth(1)?.split(" ─").next()?.to_owned()));
        stops.push(title.unwrap());
    }
    let at = |run: u32| format!("Run {run} · evaluate_mod…");
    assert_eq!(stops, [at(212), at(204), at(212), at(204), at(196), at(212), at(196)]);
    let mut app = grouped((120, 35));
    press(&mut app, "E n");
    assert!(screen(&app).contains("Run 212 · model"), "{}", screen(&app));
    press(&mut app, "c n");
    assert!(screen(&app).contains("Run 212 · evaluate_mod…"), "{}", screen(&app));
    let mut calm = fixtures::grid();
    calm.states.iter_mut().flatten().for_each(|state| *state = Some(crate::model::TaskState::Success));
    let mut app = grid_of((120, 35), calm);
    press(&mut app, "n");
    assert!(screen(&app).contains("n: nothing failed in these runs"), "{}", screen(&app));
}

#[test]
fn cells_of_folded_tasks_are_not_read() {
    let groups = (0..100).map(|n| crate::tui::grid::Group { name: format!("part_{n:02}"), tasks: n * 100..(n + 1) * 100 }).collect();
    let mut app = grid_of((120, 35), GridData { groups, cells: BTreeMap::new(), ..huge() });
    assert!(screen(&app).contains("⊞ part_00  100"), "{}", screen(&app));
    assert_eq!(asked(&mut app), []);
    press(&mut app, "j j c");
    let ask = asked(&mut app).pop().unwrap();
    assert!(ask.tasks.first() == Some(&100) && ask.tasks.len() < 100, "{ask:?}");
}
