//! Every view when nothing was read yet, when nothing can be read, and when there is nothing to read.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::tui::{grid::GridData, world::Resources};

/// A view as it is when its answer is still awaited, and the answer to its question: one that says why not, and one without anything.
struct Awaited {
    name: &'static str,
    open: fn((u16, u16)) -> App,
    answer: fn(Answer) -> Msg,
}

/// What comes of a question.
#[derive(Clone, Copy)]
enum Answer {
    Trouble,
    Nothing,
}

impl Answer {
    fn of<T>(self, nothing: T) -> Result<T, String> {
        match self {
            Self::Trouble => {
                Err("the history /home/me/flights/.flowyard/history.db is locked by another program\n  hint: end the program \
                                  that holds it; `fuser history.db` names it"
                    .to_owned())
            }
            Self::Nothing => Ok(nothing),
        }
    }
}

const AWAITED: &[Awaited] = &[
    Awaited { name: "home", open: fixtures::app, answer: |answer| Msg::Pipelines(answer.of(Vec::new())) },
    Awaited { name: "run", open: |size| unread(size, ""), answer: run_answer },
    Awaited {
        name: "grid",
        open: |size| unread(size, "]"),
        answer: |answer| {
            let nothing = GridData {
                runs: Vec::new(),
                tasks: Vec::new(),
                cells: std::collections::BTreeMap::new(),
                older: false,
                pipeline: "demo_iris".into(),
                ..fixtures::grid()
            };
            Msg::Grid(answer.of(Box::new(nothing)))
        },
    },
    Awaited {
        name: "timeline",
        open: |size| {
            let mut app = running_run(size);
            press(&mut app, "] ]");
            app.world.run = None;
            app
        },
        answer: |answer| {
            let data = fixtures::queued();
            Msg::Run(data.subject.clone(), answer.of(Arc::new(data)))
        },
    },
    Awaited { name: "history", open: |size| unread(size, "["), answer: |answer| runs_answer(Some("demo_iris"), answer) },
    Awaited { name: "runs", open: |size| unread(size, "2"), answer: |answer| runs_answer(None, answer) },
    Awaited { name: "schedule", open: |size| unread(size, "5"), answer: |answer| Msg::Schedule(answer.of(Box::default())) },
    Awaited { name: "resources", open: |size| unread(size, "6"), answer: |answer| Msg::Resources(answer.of(Resources::default())) },
];

/// Beside the graph of a pipeline that never ran; what those keys open was not read.
fn unread(size: (u16, u16), keys: &str) -> App {
    let mut app = home(size);
    press(&mut app, "/");
    type_text(&mut app, "demo");
    press(&mut app, "enter enter");
    if keys.contains(['[', ']']) {
        let data = fixtures::never_ran();
        tell(&mut app, Msg::Run(data.subject.clone(), Ok(Arc::new(data))));
    }
    press(&mut app, keys);
    app
}

fn run_answer(answer: Answer) -> Msg {
    let data = fixtures::never_ran();
    Msg::Run(data.subject.clone(), answer.of(Arc::new(data)))
}

fn runs_answer(pipeline: Option<&str>, answer: Answer) -> Msg {
    let ask = RunsAsk { pipeline: pipeline.map(Into::into), filter: String::new(), edge: Edge::Newest, limit: crate::tui::runs::PAGE };
    Msg::Runs(ask, answer.of(RunPage { lines: Vec::new(), next: None }))
}

#[test]
fn while_a_view_is_read_it_says_what_is_read() {
    for Awaited { name, open, .. } in AWAITED {
        pictures(&format!("{name}_loading"), open);
    }
}

#[test]
fn what_cannot_be_read_says_why_what_to_do_and_that_it_is_tried_again() {
    for Awaited { name, open, answer } in AWAITED {
        pictures(&format!("{name}_error"), |size| {
            let mut app = open(size);
            tell(&mut app, answer(Answer::Trouble));
            app.tick(fixtures::now() + chrono::Duration::minutes(1));
            app
        });
    }
}

#[test]
fn where_there_is_nothing_a_view_says_what_to_do_next() {
    // Home begins with a welcome, a run has a graph, and who shares nothing is idle: see `welcome`, `graph_empty`, `resources_idle`.
    for Awaited { name, open, answer } in AWAITED.iter().filter(|view| !["home", "run", "resources"].contains(&view.name)) {
        pictures(&format!("{name}_empty"), |size| {
            let mut app = open(size);
            tell(&mut app, answer(Answer::Nothing));
            app
        });
    }
}

#[test]
fn what_is_shown_after_a_failed_read_says_that_it_is_old() {
    let mut app = home((120, 35));
    assert!(!screen(&app).contains("reading fails"));
    tell(&mut app, Msg::Pipelines(Err("the history is locked".to_owned())));
    app.tick(fixtures::now() + chrono::Duration::minutes(1));
    assert!(screen(&app).contains("✗ reading fails") && screen(&app).contains("PIPELINE"), "{}", screen(&app));
    tell(&mut app, Msg::Pipelines(Ok(fixtures::pipelines())));
    assert!(!screen(&app).contains("reading fails"));
}
