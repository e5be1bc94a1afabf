//! The timeline: what it shows, and how one gets there and away.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::model::AttemptState;

/// Tasks one after the other; one was retried after a back-off and waited in the queue before.
fn retried() -> RunData {
    let mut data = fixtures::running();
    let took = [(360, 40), (318, 30), (286, 8), (276, 12), (274, 60)];
    for (task, (began, took)) in data.tasks.iter_mut().zip(took) {
        task.attempts = vec![fixtures::attempt(1, AttemptState::Success, began, took)];
    }
    data.tasks[5].attempts.clear();
    let tries = vec![fixtures::attempt(1, AttemptState::Failed, 190, 40), fixtures::attempt(2, AttemptState::Running, 90, 0)];
    data.tasks[6].attempts = tries;
    data.tasks[6].attempts[0].created_at = Some(fixtures::now() - chrono::Duration::seconds(212));
    data
}

fn timeline(size: (u16, u16)) -> App {
    let mut app = run(size, retried());
    press(&mut app, "] ]");
    app
}

#[test]
fn the_timeline_shows_waits_attempts_and_the_critical_path() {
    pictures("timeline", timeline);
}

#[test]
fn the_timeline_of_many_tasks_is_scrolled() {
    pictures("timeline_large", |size| {
        let mut app = run(size, fixtures::large());
        press(&mut app, "] ] g g pagedown j");
        app
    });
}

#[test]
fn tabs_go_from_the_graph_to_the_history_and_around() {
    let mut app = running_run((120, 35));
    for (key, tabs) in [
        ("]", "Graph [Grid] Timeline History"),
        ("]", "Graph Grid [Timeline] History"),
        ("]", "Graph Grid Timeline [History]"),
        ("]", "[Graph] Grid Timeline History"),
        ("[", "Graph Grid Timeline [History]"),
        ("[", "Graph Grid [Timeline] History"),
        ("[", "Graph [Grid] Timeline History"),
        ("[", "[Graph] Grid Timeline History"),
    ] {
        press(&mut app, key);
        assert!(screen(&app).contains(tabs), "{key} {tabs}\n{}", screen(&app));
    }
}

#[test]
fn verbs_in_the_timeline_are_about_the_selected_task() {
    let mut app = timeline((120, 35));
    press(&mut app, "x o");
    assert_eq!(sent(&mut app), [Command::Cancel { run: "run-12".into(), task: Some("trainer".into()) }]);
    press(&mut app, "j enter");
    assert!(screen(&app).contains("Enter: no attempt yet, so no log"), "{}", screen(&app));
}
