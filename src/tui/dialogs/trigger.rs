//! Starts a run: a field for each param, what the last run had, and what does the same in a shell.

use super::{
    Dialog,
    form::{Around, Field, Filled, Form},
};
use crate::{
    model::{Command, ParamDef, PipelineId, RunRow, Secrets, TriggerRequest},
    plan::params,
    tui::{
        actions::{Action, Context},
        command_line,
        keymap::shown_key,
        text,
        theme::Theme,
        views::{Intent, Typed},
        world::{Ask, Defined, Start, Tone, World},
    },
};
use ratatui::{Frame, layout::Rect};
use std::collections::BTreeMap;

/// A form for the params of a pipeline.
#[derive(Debug)]
pub struct Trigger {
    pipeline: PipelineId,
    tasks: usize,
    form: Form,
    /// The newest run, whose values can be taken.
    last: Option<RunRow>,
    /// Its values were taken.
    is_taken: bool,
}

/// Starts a run with these params; without any, as the file says.
pub fn started(pipeline: PipelineId, params: BTreeMap<String, serde_json::Value>) -> Command {
    Command::Trigger(request(pipeline, params))
}

fn request(pipeline: PipelineId, params: BTreeMap<String, serde_json::Value>) -> TriggerRequest {
    TriggerRequest { pipeline, params, env: BTreeMap::new(), logical_date: None, idempotency_key: None, watched: false }
}

impl Trigger {
    /// A form for what was read of a pipeline; none without a definition.
    pub fn new(defined: Defined) -> Option<Self> {
        let Defined { pipeline, last, secrets, .. } = defined;
        let pipeline = pipeline?;
        let field = |def: &ParamDef| {
            let last = last.as_ref().and_then(|run| run.params.get(&def.name).cloned());
            Field::new(def).offered(last, secrets.contains_key(&def.name))
        };
        let form = Form::new(pipeline.params.iter().map(field).collect());
        Some(Self { pipeline: pipeline.id, tasks: pipeline.tasks.len(), form, last, is_taken: false })
    }

    /// What is sent.
    fn start(&self) -> Start {
        let fields = self.form.fields();
        let given = fields.iter().filter_map(|field| Some((field.def.name.clone(), field.given()?.into())));
        let secrets: Secrets = fields.iter().filter_map(|field| Some((field.def.name.clone(), field.secret()?))).collect();
        let typed = fields.iter().map(|field| &field.def).filter(|def| secrets.contains_key(&def.name));
        let variables = typed.flat_map(|def| params::secret_params(std::slice::from_ref(def))).map(|(_, name)| name.to_owned()).collect();
        Start { request: request(self.pipeline.clone(), given.collect()), secrets, variables }
    }

    /// What does the same in a shell; no secret stands in it.
    fn command_line(&self) -> String {
        command_line::start(&self.start())
    }

    fn take_last(&mut self) -> Vec<Intent> {
        let again = shown_key(Action::FormLast);
        let words = match (&self.last, self.is_taken) {
            (None, _) => return vec![Intent::Say(Tone::Note, format!("{again}: {} has not run yet", self.pipeline))],
            (Some(run), false) => format!("the values of run {}; {again} again: the defaults", run.number),
            (Some(_), true) => "the defaults".to_owned(),
        };
        self.is_taken = !self.is_taken;
        self.form.each(if self.is_taken { Field::take_last } else { Field::reset });
        vec![Intent::Say(Tone::Note, words)]
    }

    /// What is good to know before it is started.
    fn note(&self, world: &World) -> String {
        let last = self.last.as_ref().map(|run| match (run.started_at, run.ended_at) {
            (Some(_), Some(_)) => format!("run {} took {}", run.number, text::took(run.started_at, run.ended_at, world.now)),
            _ => format!("run {} is {}", run.number, run.state.word()),
        });
        let row = world.pipelines.iter().flatten().find(|row| row.pipeline == self.pipeline);
        let off = row.is_some_and(|row| row.paused && !row.triggers.is_empty());
        let parts = [
            self.form.fields().iter().any(Field::is_needed).then(|| "* needs a value".to_owned()),
            Some(text::count(self.tasks, "task")),
            last,
            off.then(|| "triggers are off, this run starts".to_owned()),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }
}

impl Dialog for Trigger {
    fn context(&self) -> Context {
        Context::Form
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::FormNext, Action::FormLast, Action::FormCopy, Action::FormSubmit, Action::FormLeave]
    }

    fn act(&mut self, action: Action, _world: &World) -> Vec<Intent> {
        match (self.form.act(action), action) {
            (Filled::Left, _) => vec![Intent::CloseDialog],
            (Filled::Well, _) => vec![Intent::CloseDialog, Intent::Ask(Ask::Start(Box::new(self.start())))],
            (Filled::Not, Action::FormLast) => self.take_last(),
            (Filled::Not, Action::FormCopy) => vec![Intent::Copy(self.command_line())],
            (Filled::Not, _) => Vec::new(),
        }
    }

    fn typed(&mut self, input: Typed, _world: &World) -> Vec<Intent> {
        self.form.typed(input);
        Vec::new()
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, world: &World, theme: &Theme) {
        let around = Around {
            title: &format!("Trigger {}", self.pipeline),
            empty: "This pipeline has no params.",
            label: "Start the run",
            note: &self.note(world),
            command: &self.command_line(),
        };
        self.form.draw(frame, area, &around, theme);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Diagnostics, ParamType, Pipeline, RunState, Secret},
        tui::fixtures,
    };
    use serde_json::json;

    fn form_of(params: Vec<ParamDef>) -> Trigger {
        let pipeline = Pipeline { params, ..Pipeline::new("churn".into(), Vec::new()) };
        let params = json!({"epochs": 80, "gone": 1}).as_object().unwrap().clone();
        let last = RunRow { params, ..fixtures::run_row(3, RunState::Success) };
        let defined = Defined { pipeline: Some(pipeline), found: Diagnostics::default(), last: Some(last), secrets: Secrets::new() };
        Trigger::new(defined).unwrap()
    }

    fn form() -> Trigger {
        form_of(vec![
            ParamDef::new("epochs", ParamType::Int { min: Some(1), max: Some(500) }, Some(json!(50))),
            ParamDef::new("lr", ParamType::Float { min: None, max: None }, None),
        ])
    }

    fn act(form: &mut Trigger, action: Action) -> Option<Start> {
        let intents = form.act(action, &World::default());
        intents.into_iter().find_map(|intent| if let Intent::Ask(Ask::Start(start)) = intent { Some(*start) } else { None })
    }

    fn paste(form: &mut Trigger, text: &str) {
        form.typed(Typed::Text(text.into()), &World::default());
    }

    #[test]
    fn what_is_as_it_was_is_not_given() {
        let mut form = form();
        act(&mut form, Action::FormNext);
        paste(&mut form, "0.5");
        let start = act(&mut form, Action::FormSubmit).unwrap();
        assert_eq!(start.request.params, BTreeMap::from([("lr".to_owned(), json!("0.5"))]));
        assert_eq!(form.command_line(), "flowyard run churn -p lr=0.5");
    }

    #[test]
    fn the_values_of_the_last_run_are_taken_and_given_back() {
        let mut form = form();
        act(&mut form, Action::FormLast);
        assert_eq!((form.form.text("epochs"), form.form.text("lr")), ("80".to_owned(), String::new()));
        assert_eq!(form.command_line(), "flowyard run churn -p epochs=80");
        act(&mut form, Action::FormLast);
        assert_eq!(form.command_line(), "flowyard run churn");
    }

    #[test]
    fn a_secret_travels_beside_the_request_and_is_on_no_line() {
        let mut form = form_of(vec![ParamDef::new("api-token", ParamType::Secret { variable: "API_TOKEN".into() }, None)]);
        assert!(act(&mut form, Action::FormSubmit).is_none());
        let error = form.form.fields()[0].error.clone();
        assert!(error.as_deref().is_some_and(|error| error.contains("export API_TOKEN")), "{error:?}");
        paste(&mut form, "hunter2-long\nsecond line\n");
        let line = form.command_line();
        let start = act(&mut form, Action::FormSubmit).unwrap();
        assert_eq!(start.secrets["api-token"], Secret::new("hunter2-long\nsecond line"));
        assert_eq!(line, "API_TOKEN=\"$API_TOKEN\" flowyard run churn");
        let told = format!("{form:?} {start:?}");
        assert!(start.request.params.is_empty() && !told.contains("hunter2") && !told.contains("second line"), "{told}");
    }
}
