//! Approve, undo, pause, more, resources, failures and attempts: what is asked, and what is sent.
#![allow(clippy::unwrap_used)]

use super::*;

fn awaiting_run(size: (u16, u16)) -> App {
    let mut data = fixtures::running();
    data.tasks[7].state = TaskState::AwaitingApproval;
    data.run.as_mut().unwrap().paused = true;
    data.run.as_mut().unwrap().undo = Some("retry".into());
    run(size, data)
}

#[test]
fn a_person_is_asked_to_approve_with_a_note_and_not_now_is_the_default() {
    pictures("approve", |size| {
        let mut app = awaiting_run(size);
        press(&mut app, "a");
        type_text(&mut app, "looks good");
        app
    });
    let mut app = awaiting_run((120, 35));
    app.take_asks();
    press(&mut app, "a enter");
    assert!(app.take_asks().iter().all(|ask| !matches!(ask, Ask::Send(_) | Ask::SendNoted(..))));
    press(&mut app, "a");
    type_text(&mut app, "fine");
    press(&mut app, "tab enter");
    let approve = Command::Approve { run: "run-12".into(), task: "evaluator".into() };
    assert!(app.take_asks().contains(&Ask::SendNoted(approve, "fine".into())));
    press(&mut app, "a tab tab enter");
    assert_eq!(sent(&mut app), [Command::Reject { run: "run-12".into(), task: "evaluator".into() }]);
}

#[test]
fn undo_says_what_it_takes_back_and_does_it_only_when_told() {
    pictures("undo", |size| {
        let mut app = awaiting_run(size);
        press(&mut app, "U");
        app
    });
    let mut app = awaiting_run((120, 35));
    press(&mut app, "U enter");
    assert_eq!(sent(&mut app), []);
    press(&mut app, "U y");
    assert_eq!(sent(&mut app), [Command::Undo { run: "run-12".into() }]);
    let mut app = running_run((120, 35));
    press(&mut app, "U");
    assert!(screen(&app).contains("nothing to take back"));
}

#[test]
fn the_menu_of_more_changes_nothing_by_itself_and_asks_before_it_does() {
    pictures("more", |size| {
        let mut app = awaiting_run(size);
        press(&mut app, "m j j");
        app
    });
    pictures("more_clear", |size| {
        let mut app = awaiting_run(size);
        press(&mut app, "m j j enter");
        app
    });
    let mut app = awaiting_run((120, 35));
    press(&mut app, "m enter m j enter enter m j j j j j enter esc");
    assert_eq!(sent(&mut app), []);
    let scope = crate::model::ClearScope { downstream: true, ..Default::default() };
    press(&mut app, "m j j enter y");
    assert_eq!(sent(&mut app), [Command::Clear { run: "run-12".into(), task: Some("evaluator".into()), scope }]);
}

#[test]
fn a_run_is_paused_and_goes_on_and_a_pipeline_too() {
    let mut app = running_run((120, 35));
    press(&mut app, "p");
    assert_eq!(sent(&mut app), [Command::PauseRun { run: "run-12".into(), paused: true }]);
    let mut app = awaiting_run((120, 35));
    assert!(screen(&app).contains("‖ PAUSED") && screen(&app).contains("1 to approve"));
    press(&mut app, "p");
    assert_eq!(sent(&mut app), [Command::PauseRun { run: "run-12".into(), paused: false }]);
    let mut app = home((120, 35));
    press(&mut app, "j p");
    assert!(app.take_asks().is_empty() && screen(&app).contains("has no triggers to turn on"));
    press(&mut app, "j p");
    let asked = app.take_asks();
    assert!(asked.iter().any(|ask| matches!(ask, Ask::TurnOn(_) | Ask::Send(Command::PausePipeline { paused: false, .. }))));
}

#[test]
fn the_run_under_the_cursor_is_watched_wherever_it_is_and_shows_it() {
    let watch = |watched| Command::WatchRun { run: "run-12".into(), watched };
    let mut app = running_run((120, 35));
    press(&mut app, "B");
    assert_eq!(sent(&mut app), [watch(true)]);
    pictures("run_watched", |size| {
        let mut app = running_run(size);
        let mut data = fixtures::running();
        data.run.as_mut().unwrap().watched = true;
        tell(&mut app, Msg::Run(data.subject.clone(), Ok(Arc::new(data))));
        app
    });
    let Msg::Runs(_, Ok(page)) = fixtures::runs(Some("ml_training"), "") else { panic!() };
    let open = page.lines.iter().position(|line| !line.run.state.is_terminal());
    let mut app = history((120, 35));
    press(&mut app, &"j ".repeat(open.unwrap_or(0)));
    press(&mut app, "B");
    assert_eq!(sent(&mut app).len(), usize::from(open.is_some()));
    // At home it is the newest run of the pipeline, if that is not over.
    let mut app = home((120, 35));
    let mut rows = app.world.pipelines.clone().unwrap();
    let row = rows.iter_mut().find(|row| row.last_run.as_ref().is_some_and(|run| !run.state.is_terminal())).unwrap();
    let (run, name) = (row.last_run.as_mut().unwrap(), row.pipeline.to_string());
    run.watched = true;
    let id = run.run_id.clone();
    tell(&mut app, Msg::Pipelines(Ok(rows.clone())));
    assert_eq!(screen(&app).lines().filter(|line| line.contains('♪')).count(), 1);
    press(&mut app, "/");
    for key in name.chars() {
        press(&mut app, &key.to_string());
    }
    press(&mut app, "enter B");
    assert_eq!(sent(&mut app), [Command::WatchRun { run: id, watched: false }]);
}

#[test]
fn what_is_shared_runs_and_waits_is_shown_with_its_reasons() {
    let open = |size, found| {
        let mut app = home(size);
        press(&mut app, "6");
        assert!(app.take_asks().contains(&Ask::Resources));
        tell(&mut app, Msg::Resources(Ok(found)));
        app
    };
    pictures("resources", |size| {
        let mut app = open(size, fixtures::resources());
        press(&mut app, "j");
        app
    });
    pictures("resources_idle", |size| open(size, Default::default()));
    pictures("resources_empty", |size| {
        let shared = crate::model::ResourcesSnapshot { running: Vec::new(), queue: Vec::new(), ..fixtures::resources().shared.unwrap() };
        open(size, crate::tui::world::Resources { shared: Some(shared), ..crate::tui::world::Resources::default() })
    });
    pictures("resources_crowded", |size| {
        let mut app = open(size, fixtures::crowded());
        press(&mut app, "pagedown tab j j");
        app
    });
    let mut app = open((120, 35), fixtures::crowded());
    press(&mut app, "j j");
    let mut later = fixtures::crowded();
    later.shared.as_mut().unwrap().queue.remove(0);
    tell(&mut app, Msg::Resources(Ok(later)));
    press(&mut app, "w");
    assert!(app.take_asks().contains(&Ask::Why { run: "run-12".into(), task: Some("trial_002".into()) }));
    let mut app = open((120, 35), fixtures::resources());
    assert!(app.next_tick(fixtures::now()).is_some());
    press(&mut app, "j w");
    assert!(app.take_asks().contains(&Ask::Why { run: "run-12".into(), task: Some("pusher".into()) }));
    let mut app = open((120, 35), Default::default());
    app.tick(fixtures::now() + chrono::Duration::seconds(1));
    assert_eq!(app.next_tick(fixtures::now()), None);
}

#[test]
fn a_failure_is_shown_with_its_cause_what_is_different_and_what_to_do() {
    pictures("failure", |size| {
        let mut app = failed_run(size);
        press(&mut app, "F");
        app
    });
    let mut app = failed_run((120, 35));
    press(&mut app, "k F");
    assert!(screen(&app).contains("did not fail"));
}

#[test]
fn attempts_are_listed_and_their_logs_are_walked_in_the_run() {
    let mut app = failed_run((120, 35));
    assert!(screen(&app).contains("#1 exit"), "{}", screen(&app));
    app.take_asks();
    press(&mut app, "(");
    assert!(app.take_asks().iter().any(|ask| matches!(ask, Ask::Log(request) if request.targets[0].key.attempt == 1)));
    assert!(screen(&app).contains("attempt 1"));
    press(&mut app, "(");
    assert!(screen(&app).contains("this is the first attempt"));
    press(&mut app, ")");
    assert!(app.take_asks().iter().any(|ask| matches!(ask, Ask::Log(request) if request.targets[0].key.attempt == 2)));
}

#[test]
fn what_the_engine_would_refuse_is_not_offered_and_the_reason_stands_beside_it() {
    use crate::tui::{actions::Action, verbs::possible_for_task};
    let data = fixtures::running();
    let busy = data.tasks.iter().position(|task| task.state == TaskState::Running).unwrap();
    let above = data.graph.upstream[busy][0];
    let said = possible_for_task(Action::RetryFrom, &data, data.tasks.get(above)).unwrap_err();
    assert_eq!(said, format!("`{}` is running", data.tasks[busy].task));
}
