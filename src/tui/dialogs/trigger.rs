//! Starts a run: a field for each param, checked before anything is sent.

use super::{
    Dialog,
    form::{Check, Filled, Form},
    placed,
};
use crate::{
    model::{Command, ParamDef, PipelineId, TriggerRequest},
    stdx::words,
    tui::{
        actions::{Action, Context},
        panes, text,
        theme::Theme,
        views::{Intent, Typed},
        world::{Ask, World},
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
}

/// Starts a run with these params; without any, as the file says.
pub fn started(pipeline: PipelineId, params: BTreeMap<String, serde_json::Value>) -> Command {
    Command::Trigger(TriggerRequest { pipeline, params, env: BTreeMap::new(), logical_date: None, idempotency_key: None })
}

impl Trigger {
    /// A form for a pipeline's params.
    pub fn new(pipeline: PipelineId, tasks: usize, params: &[ParamDef], check: Check) -> Self {
        Self { pipeline, tasks, form: Form::new(params, check) }
    }

    fn command(&self) -> Command {
        started(self.pipeline.clone(), self.form.given().map(|(name, text)| (name.to_owned(), text.into())).collect())
    }

    /// The same as a command line.
    fn command_line(&self) -> String {
        let given = self.form.given().map(|(name, text)| format!(" -p {name}={}", words::quoted(text)));
        format!("flowyard run {}{}", self.pipeline, given.collect::<String>())
    }
}

impl Dialog for Trigger {
    fn context(&self) -> Context {
        Context::Form
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::FormNext, Action::FormSubmit, Action::FormLeave]
    }

    fn act(&mut self, action: Action, _world: &World) -> Vec<Intent> {
        match self.form.act(action) {
            Filled::Not => Vec::new(),
            Filled::Left => vec![Intent::CloseDialog],
            Filled::Well => vec![Intent::CloseDialog, Intent::Ask(Ask::Send(self.command()))],
        }
    }

    fn typed(&mut self, input: Typed, _world: &World) -> Vec<Intent> {
        self.form.typed(input);
        Vec::new()
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, _world: &World, theme: &Theme) {
        let errors = self.form.problems();
        let outer = placed(area, 76, self.form.lines() + 7);
        let right = if errors > 0 { text::count(errors, "problem") } else { String::new() };
        let inner = panes::popup(frame, outer, &format!("Trigger {}", self.pipeline), &right, theme);
        let sum = format!("{} · {}", text::count(self.tasks, "task"), self.command_line());
        self.form.draw(frame, inner, "Start the run", &sum, theme);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ParamType;
    use serde_json::json;

    #[test]
    fn what_is_as_it_was_is_not_given() {
        let def = |name: &str, kind, default| ParamDef { name: name.into(), kind, default, description: String::new() };
        let params = [
            def("epochs", ParamType::Int { min: Some(1), max: Some(500) }, Some(json!(50))),
            def("lr", ParamType::Float { min: None, max: None }, None),
        ];
        let mut form = Trigger::new("churn".into(), 5, &params, |_, _| Ok(()));
        form.act(Action::FormNext, &World::default());
        form.typed(Typed::Text("0.5".into()), &World::default());
        let intents = form.act(Action::FormSubmit, &World::default());
        let sent = intents.iter().find_map(|intent| match intent {
            Intent::Ask(Ask::Send(Command::Trigger(request))) => Some(request),
            _ => None,
        });
        assert_eq!(sent.unwrap().params, BTreeMap::from([("lr".to_owned(), json!("0.5"))]));
        assert_eq!(form.command_line(), "flowyard run churn -p lr=0.5");
    }
}
