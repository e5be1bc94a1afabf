//! The timeline: what it shows, and how one gets there and away.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::model::AttemptState;
use std::sync::Arc;

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

pub(super) fn timeline(size: (u16, u16)) -> App {
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

#[test]
fn each_attempt_has_its_line_and_enter_opens_its_log() {
    let mut app = timeline((120, 35));
    let lines = screen(&app);
    assert!(lines.contains("✗ *trainer #1") && lines.contains("▸ *trainer #2"), "{lines}");
    press(&mut app, "k enter");
    let asked = app.take_asks();
    let log = asked.iter().rev().find_map(|ask| if let Ask::Log(request) = ask { Some(request.targets[0].key.attempt) } else { None });
    assert_eq!(log, Some(1), "{asked:?}");
}

#[test]
fn the_timeline_is_zoomed_panned_and_fitted() {
    pictures("timeline_zoomed", |size| {
        let mut app = timeline(size);
        press(&mut app, "+ + h");
        app
    });
    let mut app = timeline((120, 35));
    let whole = screen(&app);
    press(&mut app, "h");
    assert!(screen(&app).contains("h: all of the run is in sight (+ zooms)"), "{}", screen(&app));
    press(&mut app, "+ + l 0");
    app.world.toasts.clear();
    assert_eq!(screen(&app), whole);
}

#[test]
fn only_the_critical_path_is_shown_when_asked() {
    pictures("timeline_critical", |size| {
        let mut app = timeline(size);
        press(&mut app, "C");
        app
    });
    let mut app = timeline((120, 35));
    press(&mut app, "C");
    assert!(!screen(&app).contains("tuner") && screen(&app).contains("trainer #2"), "{}", screen(&app));
    press(&mut app, "C");
    assert!(screen(&app).contains("tuner"));
}

#[test]
fn an_attempt_that_comes_does_not_take_the_selection_of_another() {
    let mut app = timeline((120, 35));
    press(&mut app, "k");
    assert!(screen(&app).contains("> ✗ *trainer #1") || screen(&app).contains(">✗ *trainer #1"), "{}", screen(&app));
    let mut data = retried();
    data.tasks[6].attempts[1].ended_at = Some(fixtures::now());
    data.tasks[6].attempts[1].state = AttemptState::Failed;
    data.tasks[6].attempts.push(fixtures::attempt(3, AttemptState::Running, 1, 0));
    tell(&mut app, Msg::Run(data.subject.clone(), Ok(Arc::new(data))));
    let text = screen(&app);
    let selected = text.lines().find(|line| line.starts_with("┃>")).unwrap_or_default();
    assert!(selected.contains("trainer #1") && text.contains("trainer #3"), "{text}");
}
