//! What starts runs by itself: what fires next, what became of past fires, and what turning triggers on would start.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    model::{Catchup, PipelineId},
    runtime::scheduler::outlook::{self, Broken, TriggerState},
    tui::{schedule::Schedule, world::Engine},
};

fn opened(size: (u16, u16), found: Schedule) -> App {
    let mut app = home(size);
    press(&mut app, "5");
    assert!(app.take_asks().contains(&Ask::Schedule(None)));
    tell(&mut app, Msg::Schedule(Ok(Box::new(found))));
    app.take_asks();
    app
}

fn place(size: (u16, u16)) -> App {
    opened(size, fixtures::schedule())
}

/// With the second line selected, whose past was read.
fn nightly(size: (u16, u16)) -> App {
    let mut app = place(size);
    press(&mut app, "j");
    let mut found = fixtures::schedule();
    found.past = Some(fixtures::past(&found.triggers[1]));
    assert_eq!(app.take_asks(), [Ask::Schedule(found.past.as_ref().map(|past| past.of.clone()))]);
    tell(&mut app, Msg::Schedule(Ok(Box::new(found))));
    app
}

#[test]
fn triggers_stand_by_their_next_fire_with_what_became_of_the_last() {
    pictures("schedule", place);
    picture("schedule_narrow", (60, 15), place);
    pictures("schedule_night", nightly);
}

#[test]
fn past_fires_are_walked_and_say_why_they_started_nothing() {
    pictures("schedule_fires", |size| {
        let mut app = place(size);
        press(&mut app, "tab j j");
        app
    });
    picture("schedule_fires_narrow", (60, 15), |size| {
        let mut app = place(size);
        press(&mut app, "tab");
        app
    });
    let mut app = place((120, 35));
    press(&mut app, "tab enter");
    assert!(screen(&app).contains("this fire started no run (w says why)"));
    pictures("schedule_why", |size| {
        let mut app = place(size);
        press(&mut app, "tab j j w");
        app
    });
    press(&mut app, "j w");
    assert!(app.take_asks().contains(&Ask::Why { run: "run-17".into(), task: None }));
    press(&mut app, "enter");
    assert!(app.take_asks().contains(&Ask::Run(Subject::Run("run-17".into()))));
}

#[test]
fn what_a_trigger_cannot_see_is_told_when_somebody_asks_why() {
    pictures("schedule_blind", |size| {
        let mut app = place(size);
        press(&mut app, "j j w");
        let asked = app.take_asks().into_iter().find_map(|ask| if let Ask::Sight(key) = ask { Some(key) } else { None }).unwrap();
        let row = fixtures::schedule().triggers.into_iter().find(|row| row.def.id == asked.1).unwrap();
        let troubles = vec!["data is not there".to_owned()];
        tell(&mut app, Msg::Sight(Ok(Box::new(TriggerState { row, since: None, wanted: None, cooled: None, troubles }))));
        app
    });
}

#[test]
fn a_trigger_leads_to_its_pipeline_and_can_be_started_and_copied() {
    let mut app = place((120, 35));
    press(&mut app, "y y");
    assert!(app.take_chores().iter().any(|chore| matches!(chore, Chore::Copy(text) if text.starts_with("● ON  feature_refresh"))));
    press(&mut app, "y m");
    assert!(app.take_chores().iter().any(|chore| matches!(chore, Chore::Copy(text) if text.lines().count() == 7)));
    press(&mut app, "t");
    assert!(app.take_asks().contains(&Ask::Definition { pipeline: "feature_refresh".into(), purpose: Purpose::Trigger }));
    press(&mut app, "enter");
    assert!(app.take_asks().contains(&Ask::Run(Subject::Pipeline("feature_refresh".into()))));
}

#[test]
fn a_broken_file_is_told_beside_the_triggers_and_opens_what_is_wrong() {
    pictures("schedule_broken", |size| {
        let mut app = place(size);
        press(&mut app, "G");
        app
    });
    let mut app = place((120, 35));
    press(&mut app, "G p");
    assert!(screen(&app).contains("its file has errors"));
    press(&mut app, "enter");
    let wrong = Ask::Definition { pipeline: "pipelines/broken.toml".into(), purpose: Purpose::Diagnostics };
    assert!(app.take_asks().contains(&wrong));
}

#[test]
fn a_pipeline_that_vanished_while_its_triggers_were_on_is_told_and_can_be_turned_off() {
    let mut app = place((120, 35));
    let mut found = fixtures::schedule();
    let gone: PipelineId = "old_name".into();
    found.broken.push(Broken { file: "pipelines/old_name.toml".to_owned(), error: outlook::vanished(&gone), gone: Some(gone.clone()) });
    tell(&mut app, Msg::Schedule(Ok(Box::new(found))));
    press(&mut app, "G");
    assert!(screen(&app).contains("the triggers of `old_name` are on, and no file has it any more"), "{}", screen(&app));
    assert!(screen(&app).contains("p turns its triggers off"), "{}", screen(&app));
    press(&mut app, "enter");
    assert!(screen(&app).contains("its file is gone"), "{}", screen(&app));
    press(&mut app, "p");
    let off = Command::PausePipeline { pipeline: gone, paused: true, env: Default::default(), make_up: None };
    assert!(app.take_asks().contains(&Ask::Send(off)));
}

#[test]
fn triggers_that_are_on_without_an_engine_are_told_loudly() {
    pictures("schedule_deaf", |size| {
        let mut app = opened(size, fixtures::fell_due());
        tell(&mut app, Msg::Engine(Engine::Idle));
        app
    });
    // It is told in every place.
    let mut app = place((120, 35));
    tell(&mut app, Msg::Engine(Engine::Idle));
    let mut rows = fixtures::pipelines();
    (rows[0].paused, rows[0].triggers) = (false, vec!["cron 0 2 * * *".to_owned()]);
    tell(&mut app, Msg::Pipelines(Ok(rows)));
    press(&mut app, "1");
    assert!(screen(&app).contains("✗ no engine: nothing fires"), "{}", screen(&app));
}

#[test]
fn a_night_that_the_clocks_leave_out_stands_among_the_fires_to_come() {
    let app = opened((120, 35), fixtures::leaves_out());
    let shown = screen(&app);
    let line = |what: &str| shown.lines().position(|line| line.contains(what));
    let (before, night, after) =
        (line("Sat 28 Mar 02:30 CET"), line("29 Mar 02:30 does not exist: left out (dst_gap = skip)"), line("Mon 30 Mar"));
    assert!(before.is_some() && before < night && night < after, "{shown}");
}

#[test]
fn two_hundred_triggers_are_walked_and_filtered() {
    pictures("schedule_large", |size| {
        let mut app = opened(size, fixtures::many_triggers());
        press(&mut app, "pagedown j");
        app
    });
    let mut app = opened((120, 35), fixtures::many_triggers());
    press(&mut app, "/");
    type_text(&mut app, "_042");
    assert!(screen(&app).contains("1 of 200"), "{}", screen(&app));
    press(&mut app, "enter");
    assert!(screen(&app).contains("filter: _042"));
    press(&mut app, "esc");
    assert!(!screen(&app).contains("filter:"));
}

#[test]
fn what_is_selected_stays_selected_when_another_fires() {
    let mut app = nightly((120, 35));
    let mut later = fixtures::schedule();
    later.triggers.swap(0, 1);
    tell(&mut app, Msg::Schedule(Ok(Box::new(later))));
    assert!(screen(&app).contains("> ● ON  nightly"), "{}", screen(&app));
}

#[test]
fn turning_on_says_beforehand_which_runs_each_answer_starts_and_none_is_the_default() {
    let asked = |size| {
        let mut app = place(size);
        press(&mut app, "G k p");
        assert!(app.take_asks().contains(&Ask::TurnOn("churn_weekly".into())));
        tell(&mut app, Msg::TurnOn(Ok(Box::new(fixtures::turn_on()))));
        app
    };
    pictures("turn_on", asked);
    pictures("turn_on_all", |size| {
        let mut app = asked(size);
        press(&mut app, "j j");
        app
    });
    let made_up = |keys: &str| {
        let mut app = asked((120, 35));
        press(&mut app, keys);
        sent(&mut app)
    };
    let on = |make_up| {
        vec![Command::PausePipeline { pipeline: "churn_weekly".into(), paused: false, env: std::collections::BTreeMap::new(), make_up }]
    };
    assert_eq!(made_up("enter"), on(None));
    assert_eq!(made_up("j enter"), on(Some(Catchup::Latest)));
    assert_eq!(made_up("j j enter"), on(Some(Catchup::All)));
    assert_eq!(made_up("j j j enter"), []);
    assert_eq!(made_up("esc"), []);
}

#[test]
fn where_nothing_fell_due_turning_on_asks_nothing_and_tells_the_next_fire() {
    let mut app = home((120, 35));
    press(&mut app, "/");
    type_text(&mut app, "nightly");
    press(&mut app, "enter p");
    assert!(app.take_asks().contains(&Ask::TurnOn("nightly".into())));
    let mut found = fixtures::turn_on();
    for one in found.latest.iter_mut().chain(&mut found.all) {
        (one.fell_due, one.starts) = (0, Vec::new());
    }
    tell(&mut app, Msg::TurnOn(Ok(Box::new(found))));
    assert!(matches!(&sent(&mut app)[..], [Command::PausePipeline { paused: false, make_up: None, .. }]));
    assert!(screen(&app).contains("next fire in 1d15h, 2026-03-16 06:00Z"), "{}", screen(&app));
}

#[test]
fn what_was_turned_on_or_off_is_shown_with_the_answer_and_not_before() {
    let mut app = place((120, 35));
    press(&mut app, "p");
    let off = sent(&mut app).remove(0);
    assert!(screen(&app).contains("> ● ON  feature_refresh"));
    let done = |message: &str| Ok(Reply::Done { message: message.into(), run: None });
    tell(&mut app, Msg::Reply(off, done("the triggers of `feature_refresh` are off")));
    assert!(screen(&app).contains("> ‖ OFF feature_refresh"), "{}", screen(&app));
    assert!(app.take_asks().contains(&Ask::Schedule(Some(("feature_refresh".into(), "every-1f0c".into())))));
    let on = |app: &mut App| {
        let command =
            Command::PausePipeline { pipeline: "nightly".into(), paused: false, env: std::collections::BTreeMap::new(), make_up: None };
        tell(app, Msg::Reply(command, done("the triggers of `nightly` are on")));
    };
    let mut rows = fixtures::pipelines();
    let nightly = rows.iter().position(|row| row.pipeline.as_str() == "nightly").unwrap();
    (rows[nightly].paused, rows[nightly].triggers) = (true, vec!["cron 30 2 * * sun".to_owned()]);
    let mut app = fixtures::app((120, 35));
    tell(&mut app, Msg::Pipelines(Ok(rows)));
    let offs = |app: &App| screen(app).matches("‖").count();
    let before = offs(&app);
    on(&mut app);
    assert_eq!(offs(&app), before - 1, "{}", screen(&app));
}

#[test]
fn a_pipeline_without_triggers_has_nothing_to_turn_on() {
    let mut rows = fixtures::pipelines();
    for row in &mut rows {
        (row.paused, row.triggers, row.error) = (true, Vec::new(), None);
    }
    let mut app = fixtures::app((120, 35));
    tell(&mut app, Msg::Pipelines(Ok(rows)));
    press(&mut app, "p");
    assert_eq!(sent(&mut app), []);
    assert!(screen(&app).contains("has no triggers to turn on"), "{}", screen(&app));
}

#[test]
fn time_passes_only_where_seconds_are_told_and_something_fires() {
    let app = place((120, 35));
    assert!(app.next_tick(fixtures::now()).is_some_and(|wait| wait <= std::time::Duration::from_secs(1)));
    let mut counting = place((120, 35));
    counting.tick(fixtures::now() + chrono::Duration::seconds(2));
    assert!(screen(&counting).contains("in 12m47s"), "{}", screen(&counting));
    // The countdown follows from the clock: nothing is read for it.
    assert!(!counting.take_asks().iter().any(|ask| matches!(ask, Ask::Schedule(_))));
    let mut off = fixtures::schedule();
    off.triggers.retain(|row| row.next.first().is_none_or(|next| next.fires_at - fixtures::now() > chrono::Duration::hours(1)));
    let mut app = opened((120, 35), off);
    app.tick(fixtures::now() + chrono::Duration::seconds(30));
    app.tick(fixtures::now() + chrono::Duration::seconds(60));
    assert_eq!(app.next_tick(fixtures::now()), None);
}

#[test]
fn home_and_the_run_tell_when_it_fires_next_and_why_it_ran() {
    let mut rows = fixtures::pipelines();
    rows[4].paused = false;
    rows[4].next_fire = Some("2026-03-15T02:00:00Z".parse().unwrap());
    let mut app = fixtures::app((120, 35));
    tell(&mut app, Msg::Pipelines(Ok(rows)));
    assert!(screen(&app).contains("in 11h57m  02:00Z"), "{}", screen(&app));
    let mut data = fixtures::running();
    let interval =
        crate::model::DataInterval { start: "2026-03-13T02:00:00Z".parse().unwrap(), end: "2026-03-14T02:00:00Z".parse().unwrap() };
    data.run.as_mut().unwrap().origin = Some(Box::new(crate::model::Origin {
        trigger: None,
        backfill: None,
        reason: "cron 0 2 * * *".to_owned(),
        data_interval: Some(interval),
        checkout: Default::default(),
        variables: Default::default(),
    }));
    assert!(screen(&run((120, 35), data.clone())).contains("(2026-03-14 13:56Z, cron 0 2 * * *)"));
    let app = run((180, 35), data);
    assert!(screen(&app).contains("cron 0 2 * * *, data 2026-03-13 02:00Z to 2026-03-14 02:00Z"), "{}", screen(&app));
}
