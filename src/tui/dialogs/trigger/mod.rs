//! Starts a run: a field for each param, checked as it is typed and before anything is sent.

mod draw;
mod field;
#[cfg(test)]
mod tests;

use super::Dialog;
use crate::{
    model::{ParamDef, PipelineId, RunRow, Secrets, TriggerRequest},
    plan::params,
    tui::{
        actions::{Action, Context},
        command_line,
        keymap::shown_key,
        theme::Theme,
        views::{Intent, Typed},
        world::{Ask, Defined, Start, Tone, World},
    },
};
use field::Field;
use ratatui::{Frame, layout::Rect};
use std::collections::BTreeMap;

/// A form for the params of a pipeline.
#[derive(Debug)]
pub struct Trigger {
    pipeline: PipelineId,
    tasks: usize,
    /// Those of a group stand together, those of none first.
    fields: Vec<Field>,
    /// The field that has the keys; after the last one comes the button.
    at: usize,
    /// The newest run, whose values can be taken.
    last: Option<RunRow>,
    /// Its values were taken.
    is_taken: bool,
    /// Somebody wants to leave and was asked whether what was typed may be lost.
    is_leaving: bool,
}

impl Trigger {
    /// A form for what was read of a pipeline; none without a definition.
    pub fn new(defined: Defined) -> Option<Self> {
        let Defined { pipeline, last, secrets, .. } = defined;
        let pipeline = pipeline?;
        let field = |def: &&ParamDef| {
            let value = last.as_ref().and_then(|run| run.params.get(&def.name));
            Field::new(def, value, secrets.contains_key(&def.name))
        };
        let fields = by_group(&pipeline.params).iter().map(field).collect();
        let mut form = Self { pipeline: pipeline.id, tasks: pipeline.tasks.len(), fields, at: 0, last, is_taken: false, is_leaving: false };
        form.go(0);
        Some(form)
    }

    fn step(&mut self, forward: bool) {
        if let Some(field) = self.fields.get_mut(self.at).filter(|field| field.is_changed()) {
            field.check();
        }
        let count = self.fields.len() + 1;
        self.go((self.at + if forward { 1 } else { count - 1 }) % count);
    }

    fn go(&mut self, at: usize) {
        self.at = at;
        if let Some(field) = self.fields.get_mut(at) {
            field.enter();
        }
    }

    /// Sends the command, or goes to the first field that is wrong.
    fn submit(&mut self) -> Vec<Intent> {
        self.fields.iter_mut().for_each(Field::check);
        if let Some(wrong) = self.fields.iter().position(|field| field.error.is_some()) {
            self.go(wrong);
            return Vec::new();
        }
        vec![Intent::CloseDialog, Intent::Ask(Ask::Start(Box::new(self.start())))]
    }

    /// What is sent.
    fn start(&self) -> Start {
        let given = self.fields.iter().filter_map(|field| Some((field.def.name.clone(), field.given()?.into())));
        let request = TriggerRequest {
            pipeline: self.pipeline.clone(),
            params: given.collect(),
            env: BTreeMap::new(),
            logical_date: None,
            idempotency_key: None,
        };
        let secrets: Secrets = self.fields.iter().filter_map(|field| Some((field.def.name.clone(), field.secret()?))).collect();
        let typed = self.fields.iter().map(|field| &field.def).filter(|def| secrets.contains_key(&def.name));
        let variables = typed.flat_map(|def| params::secret_params(std::slice::from_ref(def))).map(|(_, name)| name.to_owned()).collect();
        Start { request, secrets, variables }
    }

    /// What does the same in a shell; no secret stands in it.
    fn command_line(&self) -> String {
        command_line::start(&self.start())
    }

    fn problems(&self) -> usize {
        self.fields.iter().filter(|field| field.error.is_some()).count()
    }

    fn take_last(&mut self) -> Vec<Intent> {
        let again = shown_key(Action::FormLast);
        let words = match (&self.last, self.is_taken) {
            (None, _) => return vec![Intent::Say(Tone::Note, format!("{again}: {} has not run yet", self.pipeline))],
            (Some(run), false) => format!("the values of run {}; {again} again: the defaults", run.number),
            (Some(_), true) => "the defaults".to_owned(),
        };
        self.is_taken = !self.is_taken;
        self.fields.iter_mut().for_each(if self.is_taken { Field::take_last } else { Field::reset });
        self.go(self.at);
        vec![Intent::Say(Tone::Note, words)]
    }

    /// Leaves at once where nothing would be lost, else when it is said twice.
    fn leave(&mut self) -> Vec<Intent> {
        let would_lose = self.fields.iter().any(Field::is_changed);
        if would_lose && !std::mem::replace(&mut self.is_leaving, true) { Vec::new() } else { vec![Intent::CloseDialog] }
    }
}

/// In order of declaration, but the params of a group beside the first of it, and those of none before all.
fn by_group(params: &[ParamDef]) -> Vec<&ParamDef> {
    let first = |def: &ParamDef| params.iter().position(|other| other.group == def.group);
    let mut ordered: Vec<&ParamDef> = params.iter().collect();
    ordered.sort_by_key(|def| (!def.group.is_empty()).then(|| first(def)));
    ordered
}

impl Dialog for Trigger {
    fn context(&self) -> Context {
        Context::Form
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::FormNext, Action::FormLast, Action::FormCopy, Action::FormSubmit, Action::FormLeave]
    }

    fn act(&mut self, action: Action, _world: &World) -> Vec<Intent> {
        if action == Action::FormLeave {
            return self.leave();
        }
        self.is_leaving = false;
        let is_on_button = self.at == self.fields.len();
        match action {
            Action::FormNext => self.step(true),
            Action::FormPrevious => self.step(false),
            Action::FormEnter if is_on_button => return self.submit(),
            Action::FormEnter => self.step(true),
            Action::FormForward | Action::FormBackward => {
                if let Some(field) = self.fields.get_mut(self.at) {
                    field.step(action == Action::FormForward);
                }
            }
            Action::FormErase => {
                if let Some(field) = self.fields.get_mut(self.at) {
                    field.erase();
                }
            }
            Action::FormLast => return self.take_last(),
            Action::FormCopy => return vec![Intent::Copy(self.command_line())],
            Action::FormSubmit => return self.submit(),
            _ => {}
        }
        Vec::new()
    }

    fn typed(&mut self, input: Typed, _world: &World) -> Vec<Intent> {
        self.is_leaving = false;
        if let Some(field) = self.fields.get_mut(self.at) {
            field.typed(input);
        }
        Vec::new()
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, world: &World, theme: &Theme) {
        draw::form(self, frame, area, world, theme);
    }
}
