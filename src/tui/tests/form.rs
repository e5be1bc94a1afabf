//! The form that starts a run.

use super::*;
use crate::model::{PipelineRow, RunRow, Secret, Secrets};

fn def(name: &str, group: &str, kind: ParamType, default: Option<serde_json::Value>, about: &str) -> ParamDef {
    ParamDef { description: about.into(), group: group.into(), ..ParamDef::new(name, kind, default) }
}

fn choice(choices: &[&str]) -> ParamType {
    ParamType::Choice { choices: choices.iter().map(|choice| (*choice).to_owned()).collect() }
}

fn secret(variable: &str) -> ParamType {
    ParamType::Secret { variable: variable.into() }
}

fn pipeline(params: Vec<ParamDef>) -> Pipeline {
    let task = |id: &str| Task::new(id.into(), crate::model::Action::Argv { argv: vec!["true".into()] });
    Pipeline { params, ..Pipeline::new("ml_training".into(), vec![task("a"), task("b")]) }
}

/// A param of every kind.
fn every_kind() -> Vec<ParamDef> {
    vec![
        def("data", "", ParamType::Path, None, "folder of the rows"),
        def("epochs", "Training", ParamType::Int { min: Some(1), max: Some(500) }, Some(json!(50)), "how often the data is seen"),
        def("lr", "Training", ParamType::Float { min: Some(0.0), max: None }, Some(json!(0.02)), ""),
        def("optimizer", "Training", choice(&["adam", "sgd", "rmsprop"]), Some(json!("adam")), ""),
        def("push", "Delivery", ParamType::Bool, Some(json!(true)), "deploy if the gate passes"),
        def("run_date", "Delivery", ParamType::Date, Some(json!("2026-11-22")), ""),
        def("api_token", "Delivery", secret("API_TOKEN"), None, "of the registry"),
        def("hub_token", "Delivery", secret("HUB_TOKEN"), None, ""),
    ]
}

fn last() -> RunRow {
    let params = json!({"data": "data/rows", "epochs": 80, "lr": 0.02, "optimizer": "sgd", "push": true});
    RunRow { params: params.as_object().unwrap().clone(), ..fixtures::run_row(12, crate::model::RunState::Success) }
}

fn opened(size: (u16, u16), params: Vec<ParamDef>, last: Option<RunRow>) -> App {
    let mut app = home(size);
    let secrets = Secrets::from([("hub_token".to_owned(), Secret::new("in the shell"))]);
    let defined = Defined { pipeline: Some(pipeline(params)), found: Diagnostics::default(), last, secrets };
    tell(&mut app, Msg::Definition("ml_training".into(), Purpose::Trigger, Ok(Box::new(defined))));
    app
}

fn form(size: (u16, u16)) -> App {
    opened(size, every_kind(), Some(last()))
}

#[test]
fn every_kind_of_param_has_its_field() {
    pictures("trigger", form);
    picture("trigger", (60, 15), form);
}

#[test]
fn what_is_wrong_stands_under_its_field_and_nothing_is_sent() {
    let wrong = |size| {
        let mut app = form(size);
        type_text(&mut app, "data/rows");
        press(&mut app, "tab tab");
        type_text(&mut app, "0.o1");
        press(&mut app, "tab tab tab");
        type_text(&mut app, "22.11.2026");
        press(&mut app, "tab");
        type_text(&mut app, "short");
        press(&mut app, "ctrl-s");
        app
    };
    pictures("trigger_wrong", wrong);
    let app = wrong((120, 35));
    let shown = screen(&app);
    assert!(shown.contains("3 problems") && shown.contains("✗ not a number: \"0.o1\"") && !shown.contains("short "), "{shown}");
    assert!(!app.asks.iter().any(|ask| matches!(ask, Ask::Start(_))));
}

#[test]
fn what_is_filled_in_stands_on_the_command_line_and_secrets_do_not() {
    let filled = |size| {
        let mut app = form(size);
        press(&mut app, "ctrl-r tab tab tab right tab space tab tab");
        type_text(&mut app, "hunter2-long");
        app
    };
    pictures("trigger_filled", filled);
    let mut app = filled((120, 35));
    assert!(!screen(&app).contains("hunter2"));
    press(&mut app, "ctrl-y");
    let line = "API_TOKEN=\"$API_TOKEN\" flowyard run ml_training -p data=data/rows -p epochs=80 -p optimizer=rmsprop -p push=false";
    assert!(app.take_chores().contains(&Chore::Copy(line.to_owned())));
    press(&mut app, "ctrl-s");
    let start = app.take_asks().into_iter().find_map(|ask| if let Ask::Start(start) = ask { Some(start) } else { None }).unwrap();
    assert_eq!(start.secrets, Secrets::from([("api_token".to_owned(), Secret::new("hunter2-long"))]));
    press(&mut app, "!");
    assert!(!screen(&app).contains("hunter2"), "{}", screen(&app));
}

#[test]
fn what_has_the_keys_what_is_wrong_and_what_is_only_said_differ_in_style() {
    for size in SIZES {
        let mut app = form(size);
        press(&mut app, "tab");
        type_text(&mut app, "501");
        press(&mut app, "tab tab");
        picture_styles("trigger", size, &app);
    }
}

#[test]
fn a_click_goes_to_a_field_changes_a_choice_and_presses_the_button() {
    let mut app = form((120, 35));
    foundations::click(&mut app, "rmsprop");
    assert!(screen(&app).contains("> optimizer") && screen(&app).contains("< adam >"), "{}", screen(&app));
    foundations::click(&mut app, "rmsprop");
    assert!(screen(&app).contains("< sgd >"), "{}", screen(&app));
    foundations::click(&mut app, "Start the run");
    assert!(screen(&app).contains("2 problems") && screen(&app).contains("> data"), "{}", screen(&app));
}

#[test]
fn a_form_that_was_typed_in_is_not_left_by_one_key() {
    let asked = |size| {
        let mut app = form(size);
        type_text(&mut app, "data/rows");
        press(&mut app, "esc");
        app
    };
    pictures("trigger_leaving", asked);
    let mut app = asked((120, 35));
    press(&mut app, "esc");
    assert!(!screen(&app).contains("Start the run"));
    let mut app = form((120, 35));
    press(&mut app, "esc");
    assert!(!screen(&app).contains("Start the run"));
}

#[test]
fn a_pipeline_without_params_needs_one_key_more() {
    pictures("trigger_none", |size| {
        let mut app = opened(size, Vec::new(), None);
        let row = |row: PipelineRow| PipelineRow { paused: true, triggers: vec!["cron 0 2 * * *".into()], ..row };
        app.world.pipelines = app.world.pipelines.take().map(|rows| rows.into_iter().map(row).collect());
        app
    });
    let mut app = opened((80, 24), Vec::new(), None);
    press(&mut app, "ctrl-r");
    assert!(screen(&app).contains("Ctrl-R: ml_training has not run yet"), "{}", screen(&app));
    press(&mut app, "enter");
    assert!(app.asks.iter().any(|ask| matches!(ask, Ask::Start(_))));
}

#[test]
fn of_many_params_those_near_the_keys_are_seen() {
    let many = |keys: usize| {
        move |size| {
            let params = (0..60).map(|n| {
                let group = ["", "Reading", "Training", "Delivery"][n / 15];
                def(&format!("param_{n:02}"), group, ParamType::Int { min: Some(0), max: None }, Some(json!(n)), "one of many")
            });
            let mut app = opened(size, params.collect(), None);
            press(&mut app, &"tab ".repeat(keys));
            app
        }
    };
    pictures("trigger_many", many(0));
    pictures("trigger_many_further", many(31));
    picture("trigger_many_further", (60, 15), many(31));
    for keys in 0..=60 {
        let shown = screen(&many(keys)((60, 15)));
        let wanted = if keys < 60 { format!("> param_{keys:02}") } else { ">  Start the run".to_owned() };
        assert!(shown.contains(&wanted), "{wanted}\n{shown}");
    }
}

#[test]
fn long_and_hostile_texts_stay_in_their_places() {
    let evil = "\x1b]0;owned\x07\u{202e}abc\u{200b}";
    let hostile = move |size| {
        let many: Vec<String> = (0..40).map(|n| format!("choice number {n} {evil}")).collect();
        let params = vec![
            def("text", evil, ParamType::String, Some(json!(format!("{evil} {}", "long ".repeat(200)))), evil),
            def("choice", evil, ParamType::Choice { choices: many }, None, &"what it is for, at length, ".repeat(20)),
            def("wide", "", ParamType::String, Some(json!("数据".repeat(60))), "数据 数据"),
            def(&"n".repeat(64), "", ParamType::Bool, None, ""),
        ];
        let mut app = opened(size, params, None);
        press(&mut app, "tab tab");
        type_text(&mut app, &"0123456789".repeat(30));
        press(&mut app, "tab right right");
        app
    };
    pictures("trigger_hostile", hostile);
    for size in [(120, 35), (80, 24), (60, 15)] {
        let shown = screen(&hostile(size));
        assert!(shown.chars().all(|c| c == '\n' || !c.is_control()) && !shown.contains(['\u{202e}', '\u{200b}']), "{shown}");
    }
}

#[test]
fn every_size_is_drawn() {
    for width in (1..130).step_by(7) {
        for height in 1..40 {
            drawn(&form((width, height)));
        }
    }
}
