//! Going to another workspace, and to where a person would look next.

use super::{failed_run, home, lists::answer, pictures, run};
use crate::{
    runtime::remembered::Recent,
    tui::{
        app::{App, Chore},
        begin::Choice,
        fixtures::{self, press, screen, tell, type_text},
        keeper::Known,
        memory::{Side, Stop},
        world::{Ask, Msg, Subject},
    },
};

const LARGE: (u16, u16) = (120, 35);

fn known() -> Vec<Known> {
    let used = |name: &str, minutes, is_there| Known {
        recent: Recent { workspace: name.into(), state_dir: None, used: fixtures::now() - chrono::Duration::minutes(minutes) },
        is_there,
    };
    let deep = format!("/home/me/{}/churn", ["a", "rather", "long", "way", "down"].map(|part| part.repeat(5)).join("/"));
    vec![
        used("/home/me/taxi", 3, true),
        used("/home/me/flights", 0, true),
        used("/mnt/stick/iris", 180, false),
        used(&deep, 60 * 24 * 9, true),
    ]
}

fn asked(app: &mut App, wanted: impl Fn(&Ask) -> bool) -> Vec<Ask> {
    app.take_asks().into_iter().filter(wanted).collect()
}

fn choosing(size: (u16, u16)) -> App {
    let mut app = home(size);
    press(&mut app, ", w");
    assert_eq!(asked(&mut app, |ask| *ask == Ask::Workspaces).len(), 1);
    tell(&mut app, Msg::Workspaces(known()));
    app
}

#[test]
fn workspaces_are_listed_with_when_they_were_used_and_whether_they_are_there() {
    pictures("workspaces", choosing);
    pictures("workspaces_none", |size| {
        let mut app = home(size);
        tell(&mut app, Msg::Workspaces(Vec::new()));
        app
    });
}

#[test]
fn another_workspace_is_gone_to_and_one_that_is_gone_is_told_and_forgotten() {
    let mut app = choosing(LARGE);
    press(&mut app, "enter");
    let asks = asked(&mut app, |ask| matches!(ask, Ask::Begin(_)));
    assert!(matches!(&asks[..], [Ask::Begin(Choice::Again(recent))] if recent.workspace == *"/home/me/taxi"), "{asks:?}");
    assert!(app.dialogs.is_empty());
    let mut app = choosing(LARGE);
    press(&mut app, "j enter");
    assert!(screen(&app).contains("not there any more (d forgets it)"));
    press(&mut app, "d");
    assert_eq!(asked(&mut app, |ask| matches!(ask, Ask::ForgetWorkspace(_))), [Ask::ForgetWorkspace("/mnt/stick/iris".into())]);
    assert!(!screen(&app).contains("/mnt/stick/iris") && screen(&app).contains("3 workspaces"));
    press(&mut app, "g g d");
    assert!(screen(&app).contains("this workspace is in use"));
    app.world.read_only = true;
    press(&mut app, "j d");
    assert!(screen(&app).contains("looking only") && screen(&app).contains("3 workspaces"));
    press(&mut app, "g g enter");
    assert!(asked(&mut app, |ask| matches!(ask, Ask::Begin(_))).is_empty() && app.dialogs.is_empty());
}

#[test]
fn the_palette_finds_workspaces_and_themes() {
    let mut app = home(LARGE);
    press(&mut app, ":");
    type_text(&mut app, "workspace");
    press(&mut app, "enter");
    assert_eq!(asked(&mut app, |ask| *ask == Ask::Workspaces).len(), 1);
    press(&mut app, ":");
    type_text(&mut app, "theme nord");
    assert!(screen(&app).contains("Theme nord"), "{}", screen(&app));
    press(&mut app, "enter");
    assert_eq!(app.take_chores(), [Chore::KeepTheme("nord".to_owned())]);
    assert_eq!(app.looks.name(), "nord");
    assert_eq!(app.theme.name, "nord");
}

fn newest(pipeline: Option<&str>, failed: bool) -> Ask {
    Ask::Newest { pipeline: pipeline.map(Into::into), failed }
}

fn at(app: &App) -> Option<Stop> {
    app.views.last().and_then(|view| view.stop(&app.world))
}

#[test]
fn the_newest_run_of_the_pipeline_is_gone_to() {
    let mut app = home(LARGE);
    press(&mut app, "j j g r");
    let selected = app.selected().pipeline.unwrap();
    assert_eq!(asked(&mut app, |ask| matches!(ask, Ask::Newest { .. })), [newest(Some(selected.as_str()), false)]);
    tell(&mut app, Msg::Newest(false, Ok(None)));
    assert!(screen(&app).contains("no run yet"));
    tell(&mut app, Msg::Newest(false, Ok(Some("run-9".into()))));
    let run = Some(Stop::Run(Subject::Run("run-9".into())));
    assert_eq!(at(&app), run);
    tell(&mut app, Msg::Newest(false, Ok(Some("run-9".into()))));
    assert!(screen(&app).contains("this is the newest run") && app.views.len() == 2);
}

#[test]
fn what_failed_first_is_gone_to_in_a_run_and_elsewhere_the_newest_run_that_failed() {
    let mut app = failed_run(LARGE);
    press(&mut app, "g g");
    let name = |app: &App| app.selected().task.unwrap();
    let first = name(&app);
    press(&mut app, "g f");
    assert!(name(&app) != first && screen(&app).contains("FAIL"));
    let failed = name(&app);
    press(&mut app, "] ] g f");
    assert_eq!((app.selected().task, at(&app)), (Some(failed), Some(Stop::Run(fixtures::failed().subject))));
    let mut app = run(LARGE, fixtures::running());
    press(&mut app, "g f");
    assert!(screen(&app).contains("no task of this run failed"), "{}", screen(&app));
    let mut app = home(LARGE);
    press(&mut app, "g f");
    assert_eq!(asked(&mut app, |ask| matches!(ask, Ask::Newest { .. })), [newest(None, true)]);
    press(&mut app, "2");
    answer(&mut app);
    press(&mut app, "g f");
    assert_eq!(asked(&mut app, |ask| matches!(ask, Ask::Newest { .. })), [newest(None, true)]);
    tell(&mut app, Msg::Newest(true, Ok(None)));
    assert!(screen(&app).contains("no run failed"));
}

#[test]
fn the_log_is_gone_to_of_a_task_or_of_all_tasks_of_a_run() {
    let mut app = failed_run(LARGE);
    press(&mut app, "g l");
    let task = app.selected().task;
    assert!(task.is_some());
    let shown = |app: &App| if let Some(Stop::Log { sides, .. }) = at(app) { sides } else { panic!("no log") };
    assert!(matches!(&shown(&app)[..], [side] if side.task == task));
    press(&mut app, "g l");
    assert!(screen(&app).contains("this is the log"));
    let mut app = home(LARGE);
    press(&mut app, "j j g l");
    assert_eq!(shown(&app), [Side { task: None, attempt: None }]);
    tell(&mut app, Msg::Run(fixtures::running().subject, Ok(fixtures::running().into())));
    assert!(screen(&app).contains("all tasks"), "{}", screen(&app));
}
