//! The graph pane: its pictures, and moves as keys in and selected task out.

use super::{picture, pictures, run, running_run};
use crate::model::TaskState;
use crate::tui::{
    app::App,
    fixtures::{self, drawn, press, screen, type_text},
    theme::{Glyphs, color::Depth},
    world::{Msg, RunData},
};
use std::sync::Arc;

const LARGE: (u16, u16) = (120, 35);

fn after(keys: &str, data: RunData) -> impl Fn((u16, u16)) -> App {
    let keys = keys.to_owned();
    move |size| {
        let mut app = run(size, data.clone());
        press(&mut app, &keys);
        app
    }
}

/// The selected task, as the list beside the graph shows it.
fn selected(app: &App) -> String {
    let screen = screen(app);
    let line = screen.lines().find_map(|line| line.split_once("│> ")).unwrap_or_else(|| panic!("nothing selected:\n{screen}")).1;
    line.split_whitespace().nth(2).unwrap().trim_end_matches('…').to_owned()
}

#[test]
fn thirty_tasks_are_drawn() {
    pictures("graph_thirty", after("", fixtures::thirty()));
}

#[test]
fn folded_groups_say_how_their_tasks_are() {
    pictures("graph_folded", after("E", fixtures::thirty()));
    let mut app = run(LARGE, fixtures::thirty());
    press(&mut app, "E E");
    assert_eq!(screen(&app), screen(&run(LARGE, fixtures::thirty())));
}

#[test]
fn one_group_is_folded_and_unfolded_by_the_same_key() {
    let mut app = run(LARGE, fixtures::thirty());
    press(&mut app, "g g");
    let before = screen(&app);
    press(&mut app, "g g c");
    assert!(screen(&app).contains("⊞"), "{}", screen(&app));
    press(&mut app, "c");
    assert_eq!(screen(&app), before);
}

#[test]
fn focus_leaves_only_what_is_near() {
    pictures("graph_focus", after("f", fixtures::thirty()));
    let mut app = run(LARGE, fixtures::thirty());
    press(&mut app, "f");
    assert!(screen(&app).contains("2 hops: "), "{}", screen(&app));
    press(&mut app, "+");
    assert!(screen(&app).contains("3 hops: "));
    press(&mut app, "- -");
    assert!(screen(&app).contains("1 hop: "));
    press(&mut app, "-");
    assert!(screen(&app).contains("-: one edge away is the least"));
    press(&mut app, "esc");
    assert!(!screen(&app).contains("hop: ") && screen(&app).contains("Graph"));
}

#[test]
fn the_critical_path_is_heavy_and_starred() {
    pictures("graph_critical", |size| {
        let mut app = running_run(size);
        press(&mut app, "C");
        app
    });
}

#[test]
fn two_thousand_tasks_are_a_tree_with_failures_first() {
    pictures("graph_tree", after("", fixtures::two_thousand()));
    picture("graph_table", LARGE, after("v", fixtures::two_thousand()));
    picture("graph_tree_focus", LARGE, after("f", fixtures::two_thousand()));
    picture("graph_two_thousand", LARGE, after("v v", fixtures::two_thousand()));
}

#[test]
fn a_group_of_the_tree_opens_in_place() {
    let mut app = run(LARGE, fixtures::two_thousand());
    assert!(screen(&app).contains("more"), "{}", screen(&app));
    press(&mut app, "c");
    assert!(screen(&app).contains("⊟ load_*"), "{}", screen(&app));
}

#[test]
fn a_graph_turns_and_tells_more_or_less() {
    picture("graph_right", LARGE, after("o", fixtures::failed()));
    picture("graph_boxes_right", (160, 40), after("0", fixtures::failed()));
    picture("graph_glyphs", (80, 24), after("- - - -", fixtures::thirty()));
    picture("graph_boxes", LARGE, after("+ + + +", fixtures::running()));
}

#[test]
fn instances_of_a_mapped_task_are_one() {
    picture("graph_mapped", LARGE, after("", fixtures::mapped()));
}

#[test]
fn a_pipeline_without_tasks_says_so() {
    pictures("graph_empty", after("", fixtures::empty()));
}

#[test]
fn a_graph_is_drawn_in_ascii_and_without_colours() {
    for data in [fixtures::running(), fixtures::thirty(), fixtures::two_thousand(), fixtures::mapped()] {
        for keys in ["", "C", "o", "f", "E", "v", "v v", "+ +"] {
            let mut app = fixtures::app((80, 24));
            app.theme = fixtures::theme("default-dark", Depth::Mono, Glyphs::Ascii);
            app.world.size = (80, 24);
            super::show_run(&mut app, data.subject.clone(), data.clone());
            press(&mut app, keys);
            let buffer = drawn(&app);
            for cell in &buffer.content {
                assert!(cell.symbol().is_ascii(), "{keys}: {:?}\n{}", cell.symbol(), screen(&app));
                let bare = [cell.fg, cell.bg].iter().all(|colour| *colour == ratatui::style::Color::Reset);
                assert!(bare, "{keys}: a colour at {:?}", cell.symbol());
            }
        }
    }
    picture("graph_ascii", LARGE, |size| {
        let mut app = fixtures::app(size);
        app.theme = fixtures::theme("default-dark", Depth::True, Glyphs::Ascii);
        let data = fixtures::running();
        super::show_run(&mut app, data.subject.clone(), data);
        app
    });
}

#[test]
fn moves_follow_the_drawing() {
    // From example_gen, the first task of the TFX pipeline.
    for (keys, task) in [
        ("j", "statistics_gen"),
        ("j j", "schema_gen"),
        ("j j j", "example_validator"),
        ("j j j h", "transform"),
        ("j j j h l", "example_validator"),
        ("j j j h j", "tuner"),
        ("j j j k", "schema_gen"),
        ("G", "pusher"),
        ("G k", "evaluator"),
        ("G k k", "trainer"),
        ("h", "example_gen"),
        ("k", "example_gen"),
    ] {
        let mut app = running_run(LARGE);
        press(&mut app, "g g");
        press(&mut app, keys);
        assert_eq!(selected(&app), task, "{keys}");
    }
}

#[test]
fn moves_turn_with_the_drawing() {
    for (keys, task) in [("l", "statistics_gen"), ("l l", "schema_gen"), ("l h", "example_gen")] {
        let mut app = running_run(LARGE);
        press(&mut app, "o g g");
        press(&mut app, keys);
        assert_eq!(selected(&app), task, "{keys}");
    }
}

#[test]
fn one_goes_to_what_a_task_waits_for_and_chooses_where_there_are_several() {
    let mut app = running_run(LARGE);
    press(&mut app, "g g g u");
    assert!(screen(&app).contains("gu: it waits for no task"), "{}", screen(&app));
    press(&mut app, "G g u");
    assert!(screen(&app).contains("pusher waits for"), "{}", screen(&app));
    press(&mut app, "j enter");
    assert_eq!(selected(&app), "evaluator");
    press(&mut app, "g d");
    assert_eq!(selected(&app), "pusher");
}

#[test]
fn a_search_selects_what_has_it_and_goes_round() {
    let mut app = run(LARGE, fixtures::thirty());
    press(&mut app, "g g /");
    type_text(&mut app, "train_");
    assert_eq!(selected(&app), "train_gbm");
    press(&mut app, "enter n");
    assert_eq!(selected(&app), "train_mlp");
    press(&mut app, "n n n");
    assert_eq!(selected(&app), "train_gbm");
    press(&mut app, "N");
    assert_eq!(selected(&app), "train_linear");
    press(&mut app, "esc n");
    assert!(screen(&app).contains("n: nothing is searched for"));
}

#[test]
fn panning_leaves_the_selection_where_it_is_until_that_moves() {
    let mut app = run((80, 24), fixtures::thirty());
    press(&mut app, "g g");
    let before = screen(&app);
    press(&mut app, "J J");
    assert_ne!(screen(&app), before);
    assert!(!screen(&app).lines().take(14).any(|line| line.chars().take(45).collect::<String>().contains("ingest_orders")));
    assert_eq!(selected(&app), "ingest_orders");
    press(&mut app, "J K K K");
    press(&mut app, "j k");
    assert_eq!(selected(&app), "ingest_orders");
}

#[test]
fn nothing_moves_when_states_change() {
    let places = |app: &App| {
        let screen = screen(app);
        let names = fixtures::thirty().tasks.into_iter().map(|task| task.task.as_str().to_owned());
        let place = |name: String| {
            screen
                .lines()
                .take(20)
                .skip(2)
                .position(|line| line.chars().take(83).collect::<String>().contains(&name))
                .map(|row| (name, row))
        };
        names.filter_map(place).collect::<Vec<_>>()
    };
    let mut app = run(LARGE, fixtures::thirty());
    press(&mut app, "g g");
    let (before, figure) = (places(&app), app.world.figure.clone().unwrap());
    let mut data = fixtures::thirty();
    for task in &mut data.tasks {
        let done = fixtures::task(task.task.as_str(), TaskState::Failed, &[]);
        (task.state, task.attempts) = (done.state, done.attempts);
    }
    fixtures::tell(&mut app, Msg::Run(data.subject.clone(), Ok(Arc::new(data))));
    assert!(!before.is_empty());
    assert_eq!(places(&app), before);
    assert!(std::sync::Arc::ptr_eq(&figure, app.world.figure.as_ref().unwrap()), "it was laid out anew");
}

#[test]
fn the_selected_task_is_the_same_in_every_form() {
    let mut app = run(LARGE, fixtures::failed());
    press(&mut app, "g g j");
    let chosen = |app: &App| {
        let screen = screen(app);
        let line = screen.lines().find(|line| line.contains("│> ")).unwrap().to_owned();
        line.split("│> ").nth(1).unwrap().split_whitespace().nth(2).unwrap().to_owned()
    };
    let task = chosen(&app);
    for _ in ["tree", "table"] {
        press(&mut app, "v");
        let marked = screen(&app).lines().find(|line| line.starts_with("┃>")).unwrap_or_default().to_owned();
        assert!(marked.contains(&task) && chosen(&app) == task, "{task} in {}", screen(&app));
    }
}
