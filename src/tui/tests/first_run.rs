//! A folder without pipelines: what is offered, what each choice would write, and how the demo leads on.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    runtime::{surroundings::Surroundings, workspace},
    tui::begin::{self, Begun, Choice, Then},
};

fn welcome(size: (u16, u16)) -> App {
    let mut app = fixtures::app(size);
    app.world.state = "/home/me/flights/.flowyard".into();
    app.world.terminal = "24 bit colour, dark ground, Unicode".into();
    tell(&mut app, Msg::Engine(crate::tui::world::Engine::Idle));
    tell(&mut app, Msg::Pipelines(Ok(Vec::new())));
    let programs = vec![("git", true), ("docker", false), ("slurm", false)];
    tell(&mut app, Msg::Surroundings(Surroundings { cores: 16, memory: Some(128 << 30), gpus: 1, programs }, None));
    app.take_asks();
    app
}

fn begun(app: &mut App) -> Vec<Choice> {
    app.take_asks().into_iter().filter_map(|ask| if let Ask::Begin(choice) = ask { Some(choice) } else { None }).collect()
}

#[test]
fn a_folder_without_pipelines_offers_where_to_begin_and_says_what_it_would_write() {
    pictures("welcome", welcome);
    picture("welcome", (60, 15), welcome);
    pictures("welcome_new", |size| {
        let mut app = welcome(size);
        press(&mut app, "j");
        app
    });
    pictures("welcome_elsewhere", |size| {
        let mut app = welcome(size);
        press(&mut app, "G enter");
        type_text(&mut app, "~/other");
        app
    });
    pictures("new_pipeline", |size| {
        let mut app = welcome(size);
        press(&mut app, "j enter");
        type_text(&mut app, "churn");
        press(&mut app, "tab");
        type_text(&mut app, "tran");
        press(&mut app, "tab");
        app
    });
}

#[test]
fn what_is_wrong_with_a_name_is_said_in_full() {
    pictures("new_pipeline_wrong", |size| {
        let mut app = welcome(size);
        press(&mut app, "j enter");
        type_text(&mut app, "my model");
        press(&mut app, "ctrl-s");
        app
    });
}

#[test]
fn each_choice_asks_for_what_it_said_and_for_nothing_before() {
    let mut app = welcome((120, 35));
    press(&mut app, "j j k k esc t r x s");
    assert_eq!((begun(&mut app), sent(&mut app)), (vec![], vec![]));
    press(&mut app, "enter");
    let choices = begun(&mut app);
    let [Choice::Write { folder, files, pipeline, then: Then::Demonstrate }] = &choices[..] else { panic!("{choices:?}") };
    assert_eq!((folder.as_deref(), pipeline.as_str(), files.len()), (Some("/home/me/flights"), "demo", 1));
    assert!(screen(&app).contains(&files[0].path));
    press(&mut app, "j enter");
    type_text(&mut app, "churn");
    press(&mut app, "tab");
    type_text(&mut app, "train");
    press(&mut app, "ctrl-s");
    let choices = begun(&mut app);
    let [Choice::Write { files, then: Then::Select, .. }] = &choices[..] else { panic!("{choices:?}") };
    assert_eq!(files[0].path, "pipelines/churn.toml");
    press(&mut app, "j enter");
    type_text(&mut app, "../other");
    press(&mut app, "enter");
    assert_eq!(begun(&mut app), [Choice::Open("../other".into())]);
}

#[test]
fn a_name_that_leads_elsewhere_is_refused_under_its_field() {
    let mut app = welcome((120, 35));
    press(&mut app, "j enter");
    type_text(&mut app, "../up");
    press(&mut app, "ctrl-s");
    assert_eq!(begun(&mut app), []);
    assert!(screen(&app).contains("✗ `../up` cannot be the name of a pipeline"), "{}", screen(&app));
}

#[test]
fn who_only_looks_may_go_elsewhere_and_writes_nothing() {
    let mut app = welcome((120, 35));
    app.world.read_only = true;
    press(&mut app, "enter j enter");
    assert!(begun(&mut app).is_empty() && app.dialogs.is_empty());
    assert!(screen(&app).contains("looking only (--read-only)"), "{}", screen(&app));
    press(&mut app, "j enter");
    type_text(&mut app, "/tmp");
    press(&mut app, "enter");
    assert_eq!(begun(&mut app), [Choice::Open("/tmp".into())]);
}

#[test]
fn what_was_refused_is_said_and_the_choice_stays() {
    let mut app = welcome((80, 24));
    press(&mut app, "enter");
    tell(&mut app, Msg::Begun(Err("cannot write in /home/me/flights: permission denied".into())));
    assert!(screen(&app).contains("permission denied"), "{}", screen(&app));
    press(&mut app, "esc");
    assert!(screen(&app).contains("> Try the demo"), "{}", screen(&app));
    assert_eq!(app.take_moved(), None);
}

#[test]
fn where_nothing_can_be_written_that_is_said_and_the_demo_goes_elsewhere() {
    let closed = |size| {
        let mut app = welcome(size);
        app.world.obstacle = Some("cannot write in /home/me/flights: permission denied; mend the rights of the folder".into());
        app
    };
    pictures("welcome_closed", closed);
    let mut app = closed((120, 35));
    press(&mut app, "enter");
    assert!(matches!(&begun(&mut app)[..], [Choice::Write { folder: None, .. }]));
}

#[test]
fn the_demo_is_taken_away_at_home_when_a_person_says_so() {
    let with_demo = |size| {
        let mut app = fixtures::app(size);
        let mut row = fixtures::pipelines().remove(3);
        row.pipeline = "demo".into();
        tell(&mut app, Msg::Pipelines(Ok(vec![row])));
        press(&mut app, "U");
        app
    };
    pictures("demo_remove", with_demo);
    let mut app = with_demo((120, 35));
    press(&mut app, "enter");
    assert_eq!(begun(&mut app), []);
    press(&mut app, "U y");
    assert_eq!(begun(&mut app), [Choice::RemoveDemo]);
    let mut app = home((120, 35));
    press(&mut app, "j j U");
    assert!(screen(&app).contains("U: open the run first"), "{}", screen(&app));
}

fn demonstrated(size: (u16, u16), state: crate::model::RunState, change: impl Fn(&mut RunData)) -> App {
    let folder = tempfile::tempdir().unwrap();
    let place = workspace::find_or_begin(folder.path(), Some(folder.path()), None).unwrap();
    let mut app = fixtures::app(size);
    app.go_on(Begun { place, pipeline: Some(("demo".into(), Then::Demonstrate)), said: "wrote pipelines/demo.toml".into() });
    assert!(matches!(&sent(&mut app)[..], [Command::Trigger(request)] if request.pipeline.as_str() == "demo"));
    let mut data = fixtures::failed();
    data.pipeline = "demo".into();
    let run = data.run.as_mut().unwrap();
    run.pipeline = "demo".into();
    run.state = state;
    change(&mut data);
    app.world.toasts.clear();
    show_run(&mut app, data.subject.clone(), data);
    app
}

#[test]
fn the_demo_is_started_and_its_coach_says_what_can_be_done_until_it_was() {
    use crate::model::RunState::{Failed, Running, Success};
    let mut app = demonstrated((120, 35), Running, |_| {});
    assert!(screen(&app).contains("▸ j k choose a task   Enter opens its log   w tells why"), "{}", screen(&app));
    press(&mut app, "k w esc");
    tell(&mut app, Msg::Why(Err("nothing".into())));
    assert!(screen(&app).contains("─ ▸ Enter opens its log ─"), "{}", screen(&app));
    pictures("coach_failed", |size| demonstrated(size, Failed, |_| {}));
    picture("coach_failed", (60, 15), |size| demonstrated(size, Failed, |_| {}));
    let mut app = demonstrated((120, 35), Failed, |_| {});
    press(&mut app, "enter");
    assert!(screen(&app).contains("▸ Esc goes back"), "{}", screen(&app));
    let mut app = demonstrated((120, 35), Failed, |_| {});
    press(&mut app, "k");
    assert!(screen(&app).contains("evaluate_model failed: j k choose it"), "{}", screen(&app));
    let app = demonstrated((120, 35), Running, |data| data.tasks[3].state = TaskState::AwaitingApproval);
    assert!(screen(&app).contains("waits for you: a approves or rejects"), "{}", screen(&app));
    let app = demonstrated((120, 35), Success, |_| {});
    assert!(screen(&app).contains("▸ Done") && screen(&app).contains("t runs it again"), "{}", screen(&app));
}

#[test]
fn other_pipelines_have_no_coach() {
    let app = demonstrated((120, 35), crate::model::RunState::Failed, |data| data.pipeline = "mine".into());
    assert!(!screen(&app).contains("▸ evaluate_model failed"), "{}", screen(&app));
    assert!(!screen(&failed_run((120, 35))).contains("r retry, F"));
}

#[test]
fn only_broken_files_are_shown_as_such_and_not_as_a_folder_without_pipelines() {
    pictures("home_broken", |size| {
        let mut app = fixtures::app(size);
        tell(&mut app, Msg::Engine(crate::tui::world::Engine::Idle));
        let broken = fixtures::pipelines().into_iter().filter(|row| row.error.is_some()).collect();
        tell(&mut app, Msg::Pipelines(Ok(broken)));
        app
    });
}

#[test]
fn a_folder_is_begun_as_typed_and_stays_as_it_is_where_that_fails() {
    let folder = tempfile::tempdir().unwrap();
    let here = workspace::find_or_begin(folder.path(), None, None).unwrap();
    let files = crate::spec::starter::DEMO.files("demo").unwrap();
    let write =
        |folder: &str| Choice::Write { folder: Some(folder.into()), files: files.clone(), pipeline: "demo".into(), then: Then::Select };
    assert!(begin::carry_out(write("below"), &here).unwrap_err().to_string().contains("make the folder first"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    std::fs::create_dir(folder.path().join("below")).unwrap();
    let begun = begin::carry_out(write("below"), &here).unwrap();
    assert_eq!(begun.place.workspace, here.workspace.join("below"));
    assert_eq!(begin::carry_out(Choice::Open("below".into()), &here).unwrap().place, begun.place);
    assert!(begin::carry_out(write("below"), &here).unwrap_err().to_string().contains("already"));
}
