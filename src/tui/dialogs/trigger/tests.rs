use super::*;
use crate::{
    model::{Diagnostics, ParamType, Pipeline, Secret},
    tui::fixtures,
};
use serde_json::json;

fn secret() -> ParamType {
    ParamType::Secret { variable: "API_TOKEN".into() }
}

fn form_of(params: Vec<ParamDef>) -> Trigger {
    let pipeline = Pipeline { params, ..Pipeline::new("churn".into(), Vec::new()) };
    let last = RunRow {
        params: json!({"epochs": 80, "gone": 1}).as_object().unwrap().clone(),
        ..fixtures::run_row(3, crate::model::RunState::Success)
    };
    Trigger::new(Defined { pipeline: Some(pipeline), found: Diagnostics::default(), last: Some(last), secrets: Secrets::new() }).unwrap()
}

fn form() -> Trigger {
    form_of(vec![
        ParamDef::new("epochs", ParamType::Int { min: Some(1), max: Some(500) }, Some(json!(50))),
        ParamDef::new("lr", ParamType::Float { min: None, max: None }, None),
    ])
}

fn paste(form: &mut Trigger, text: &str) {
    form.typed(Typed::Text(text.into()), &World::default());
}

fn sent(intents: &[Intent]) -> Option<&Start> {
    intents.iter().find_map(|intent| match intent {
        Intent::Ask(Ask::Start(start)) => Some(&**start),
        _ => None,
    })
}

#[test]
fn nothing_is_sent_while_a_field_is_wrong_and_that_field_gets_the_keys() {
    let mut form = form();
    assert!(form.submit().is_empty());
    assert_eq!((form.at, form.problems()), (1, 1));
    paste(&mut form, "0.o1");
    assert!(form.submit().is_empty());
    assert_eq!(form.fields[1].error.as_deref(), Some("not a number: \"0.o1\""));
}

#[test]
fn what_is_as_it_was_is_not_given() {
    let mut form = form();
    form.at = 1;
    paste(&mut form, "0.5");
    let intents = form.submit();
    assert_eq!(sent(&intents).unwrap().request.params, BTreeMap::from([("lr".to_owned(), json!("0.5"))]));
    assert_eq!(form.command_line(), "flowyard run churn -p lr=0.5");
}

#[test]
fn what_is_wrong_is_said_while_it_is_typed_and_goes_when_it_is_mended() {
    let mut form = form();
    paste(&mut form, "501");
    assert_eq!(form.fields[0].error.as_deref(), Some("is at most 500, and 501 is more"));
    form.fields[0].enter();
    paste(&mut form, "500");
    assert_eq!(form.fields[0].error, None);
}

#[test]
fn a_choice_is_made_by_arrows_space_and_first_letters() {
    let choices = ["adam", "sgd", "rmsprop"].map(str::to_owned).to_vec();
    let mut form = form_of(vec![
        ParamDef::new("optimizer", ParamType::Choice { choices }, Some(json!("sgd"))),
        ParamDef::new("push", ParamType::Bool, None),
    ]);
    let world = World::default();
    form.act(Action::FormForward, &world);
    assert_eq!(form.fields[0].text(), "rmsprop");
    form.act(Action::FormForward, &world);
    assert_eq!(form.fields[0].text(), "adam");
    form.typed(Typed::Key(crossterm::event::KeyEvent::from(crossterm::event::KeyCode::Char('S'))), &world);
    assert_eq!((form.fields[0].text().as_str(), form.fields[0].is_changed()), ("sgd", false));
    form.at = 1;
    assert!(form.submit().is_empty() && form.at == 1);
    form.act(Action::FormForward, &world);
    assert_eq!(form.command_line(), "flowyard run churn -p push=true");
}

#[test]
fn the_values_of_the_last_run_are_taken_and_given_back() {
    let mut form = form();
    form.act(Action::FormLast, &World::default());
    assert_eq!((form.fields[0].text().as_str(), form.fields[1].text().as_str()), ("80", ""));
    assert_eq!(form.command_line(), "flowyard run churn -p epochs=80");
    form.act(Action::FormLast, &World::default());
    assert_eq!(form.command_line(), "flowyard run churn");
}

#[test]
fn a_secret_travels_beside_the_request_and_is_on_no_line() {
    let mut form = form_of(vec![ParamDef::new("api-token", secret(), None)]);
    assert!(form.submit().is_empty());
    assert!(form.fields[0].error.as_deref().is_some_and(|error| error.contains("export API_TOKEN")));
    paste(&mut form, "hunter2-long\nsecond line\n");
    let line = form.command_line();
    let intents = form.submit();
    let start = sent(&intents).unwrap();
    assert_eq!(start.secrets["api-token"], Secret::new("hunter2-long\nsecond line"));
    assert_eq!(line, "API_TOKEN=\"$API_TOKEN\" flowyard run churn");
    let told = format!("{form:?} {start:?}");
    assert!(start.request.params.is_empty() && !told.contains("hunter2") && !told.contains("second line"), "{told}");
}

#[test]
fn leaving_asks_only_where_something_was_typed() {
    let world = World::default();
    let leave = |form: &mut Trigger| form.act(Action::FormLeave, &world).len();
    assert_eq!(leave(&mut form()), 1);
    let mut form = form();
    paste(&mut form, "7");
    assert_eq!(leave(&mut form), 0);
    paste(&mut form, "8");
    assert_eq!((leave(&mut form), leave(&mut form)), (0, 1));
}

#[test]
fn params_of_a_group_stand_together() {
    let def = |name: &str, group: &str| ParamDef { group: group.into(), ..ParamDef::new(name, ParamType::Bool, Some(json!(true))) };
    let form = form_of(vec![def("a", "x"), def("b", ""), def("c", "y"), def("d", "x")]);
    let names: Vec<&str> = form.fields.iter().map(|field| field.def.name.as_str()).collect();
    assert_eq!(names, ["b", "a", "d", "c"]);
}
