//! Starts a run: a field for each param, checked before anything is sent.

use super::{Dialog, placed};
use crate::{
    model::{Command, ParamDef, ParamType, PipelineId, TriggerRequest},
    plan::params,
    stdx::words,
    tui::{
        actions::{Action, Context},
        input::TextField,
        keymap::shown_key,
        panes,
        panes::tasks::value_text,
        text,
        theme::Theme,
        views::{Intent, Typed},
        world::{Ask, World},
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};
use std::collections::BTreeMap;

/// Checks one param's text. Given from outside, so that the form is tested by itself.
pub type Check = fn(&ParamDef, &str) -> Result<(), String>;

/// A form for the params of a pipeline.
#[derive(Debug)]
pub struct Trigger {
    pipeline: PipelineId,
    tasks: usize,
    fields: Vec<Field>,
    /// The field that is typed in; after the last one comes the button.
    at: usize,
    check: Check,
}

#[derive(Debug)]
struct Field {
    def: ParamDef,
    input: TextField,
    initial: String,
    error: Option<String>,
}

impl Field {
    fn new(def: &ParamDef) -> Self {
        let initial = def.default.as_ref().map(default_text).unwrap_or_default();
        Self { def: def.clone(), input: TextField::new(&initial), initial, error: None }
    }

    /// What is sent: nothing, if it is as it was, or empty where no text makes no sense.
    fn given(&self) -> Option<&str> {
        let text = self.input.text();
        let is_text = matches!(self.def.kind, ParamType::String);
        let untouched = text == self.initial;
        (!untouched && (is_text || !text.trim().is_empty())).then_some(text)
    }

    fn is_missing(&self) -> bool {
        self.given().is_none() && self.def.default.is_none()
    }
}

/// The text that gives a value when it is typed.
fn default_text(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Checks a text as the engine will.
pub fn check(def: &ParamDef, given: &str) -> Result<(), String> {
    let is_number = matches!(def.kind, ParamType::Int { .. } | ParamType::Float { .. });
    if is_number && given.trim().parse::<f64>().is_err() {
        return Err(format!("not a number: \"{given}\""));
    }
    let given = BTreeMap::from([(def.name.clone(), serde_json::Value::String(given.to_owned()))]);
    params::resolve(std::slice::from_ref(def), &given).map(|_| ()).map_err(|errors| errors.join("; "))
}

impl Trigger {
    /// A form for a pipeline's params.
    pub fn new(pipeline: PipelineId, tasks: usize, params: &[ParamDef], check: Check) -> Self {
        let mut form = Self { pipeline, tasks, fields: params.iter().map(Field::new).collect(), at: 0, check };
        form.go(0);
        form
    }

    fn step(&mut self, forward: bool) {
        self.validate(self.at);
        let count = self.fields.len() + 1;
        self.go((self.at + if forward { 1 } else { count - 1 }) % count);
    }

    /// Goes to a field; what is typed there takes the place of what it holds.
    fn go(&mut self, at: usize) {
        self.at = at;
        if let Some(field) = self.fields.get_mut(at) {
            field.input.select();
        }
    }

    fn validate(&mut self, at: usize) {
        let check = self.check;
        if let Some(field) = self.fields.get_mut(at) {
            field.error = match field.given() {
                Some(text) => check(&field.def, text).err(),
                None if field.is_missing() => Some("a value is needed: this param has no default".to_owned()),
                None => None,
            };
        }
    }

    /// Sends the command, or goes to the first field that is wrong.
    fn submit(&mut self) -> Vec<Intent> {
        for at in 0..self.fields.len() {
            self.validate(at);
        }
        if let Some(wrong) = self.fields.iter().position(|field| field.error.is_some()) {
            self.go(wrong);
            return Vec::new();
        }
        let given = self.fields.iter().filter_map(|field| Some((field.def.name.clone(), field.given()?.into())));
        let request = TriggerRequest {
            pipeline: self.pipeline.clone(),
            params: given.collect(),
            env: BTreeMap::new(),
            logical_date: None,
            idempotency_key: None,
        };
        vec![Intent::CloseDialog, Intent::Ask(Ask::Send(Command::Trigger(request)))]
    }

    /// The same as a command line.
    fn command_line(&self) -> String {
        let given =
            self.fields.iter().filter_map(|field| field.given().map(|text| format!(" -p {}={}", field.def.name, words::quoted(text))));
        format!("flowyard run {}{}", self.pipeline, given.collect::<String>())
    }

    fn problems(&self) -> usize {
        self.fields.iter().filter(|field| field.error.is_some()).count()
    }
}

/// The type and its bounds: `int 1…500`.
fn kind(def: &ParamDef) -> String {
    fn bounds<T: std::fmt::Display>(name: &str, min: Option<&T>, max: Option<&T>) -> String {
        match (min, max) {
            (Some(min), Some(max)) => format!("{name} {min}…{max}"),
            (Some(min), None) => format!("{name} ≥ {min}"),
            (None, Some(max)) => format!("{name} ≤ {max}"),
            (None, None) => name.to_owned(),
        }
    }
    match &def.kind {
        ParamType::Int { min, max } => bounds("int", min.as_ref(), max.as_ref()),
        ParamType::Float { min, max } => bounds("float", min.as_ref(), max.as_ref()),
        ParamType::Bool => "true or false".to_owned(),
        ParamType::Date => "date".to_owned(),
        ParamType::Path => "path".to_owned(),
        ParamType::Secret { .. } => "secret".to_owned(),
        ParamType::String => "text".to_owned(),
        ParamType::Choice { choices } => choices.join(" | "),
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
        match action {
            Action::FormNext => self.step(true),
            Action::FormPrevious => self.step(false),
            Action::FormEnter if self.at == self.fields.len() => return self.submit(),
            Action::FormEnter => self.step(true),
            Action::FormErase => {
                if let Some(field) = self.fields.get_mut(self.at) {
                    field.input = TextField::new("");
                }
            }
            Action::FormSubmit => return self.submit(),
            Action::FormLeave => return vec![Intent::CloseDialog],
            _ => {}
        }
        Vec::new()
    }

    fn typed(&mut self, input: Typed, _world: &World) -> Vec<Intent> {
        let at = self.at;
        if let Some(field) = self.fields.get_mut(at) {
            field.input.typed(input);
            if field.error.is_some() {
                self.validate(at);
            }
        }
        Vec::new()
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, _world: &World, theme: &Theme) {
        let errors = self.problems();
        let outer = placed(area, 76, 2 * self.fields.len() + errors + 7);
        let right = if errors > 0 { text::count(errors, "problem") } else { String::new() };
        let inner = panes::popup(frame, outer, &format!("Trigger {}", self.pipeline), &right, theme);
        let form = Rect { y: inner.y + 1, height: inner.height.saturating_sub(6), ..inner };
        self.form(frame, form, theme);
        let below = Rect { y: form.bottom(), height: inner.bottom().saturating_sub(form.bottom()), ..inner };
        let width = usize::from(inner.width);
        let on_button = self.at == self.fields.len();
        let button = Span::styled(" Start the run ", theme.style(if on_button { "selection" } else { "input" }));
        let keys = format!("  {} starts from any field, {} leaves", shown_key(Action::FormSubmit), shown_key(Action::FormLeave));
        let mark = if on_button { "> " } else { "  " };
        panes::lines(
            frame,
            below,
            [
                Line::raw(""),
                Line::from(vec![Span::styled(mark, theme.style("accent")), button, Span::styled(keys, theme.style("fg.muted"))]),
                Line::raw(""),
                Line::styled(
                    text::cut(&format!("{} · {}", text::count(self.tasks, "task"), text::safe(&self.command_line())), width),
                    theme.style("fg.muted"),
                ),
            ],
        );
    }
}

impl Trigger {
    fn form(&self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let muted = theme.style("fg.muted");
        if self.fields.is_empty() {
            return panes::lines(frame, area, [Line::styled("This pipeline has no params.", muted)]);
        }
        let name_width = self.fields.iter().map(|field| field.def.name.len()).max().unwrap_or(0).min(24);
        let room = usize::from(area.width).saturating_sub(name_width + 4);
        let mut y = area.y;
        for (at, field) in self.fields.iter().enumerate().skip(self.first(usize::from(area.height))) {
            if y >= area.bottom() {
                break;
            }
            let focused = at == self.at;
            let name = format!("{}{}", if focused { "> " } else { "  " }, text::left(&text::safe(&field.def.name), name_width));
            let token = if focused { "fg.strong" } else { "fg" };
            frame.buffer_mut().set_span(area.x, y, &Span::styled(name, theme.style(token)), area.width);
            let x = area.x + u16::try_from(name_width + 4).unwrap_or(0);
            let wide = u16::try_from(room.min(28)).unwrap_or(0);
            field.input.draw(frame, Rect { x, y, width: wide, height: 1 }, focused, "input", theme);
            let kind = Span::styled(text::cut(&text::safe(&kind(&field.def)), room.saturating_sub(29)), muted);
            frame.buffer_mut().set_span(x + wide + 1, y, &kind, area.right().saturating_sub(x + wide + 1));
            y += 1;
            for (words, token) in Self::below(field) {
                if y < area.bottom() {
                    let cut = text::cut(&text::safe(&words), room);
                    frame.buffer_mut().set_span(x, y, &Span::styled(cut, theme.style(token)), area.right().saturating_sub(x));
                    y += 1;
                }
            }
        }
    }

    /// What stands under a field: what is wrong, what it is for.
    fn below(field: &Field) -> Vec<(String, &'static str)> {
        let default = field.def.default.as_ref().map(|value| format!("default {}", value_text(value))).unwrap_or_default();
        let about = [field.def.description.clone(), default].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ");
        let error = field.error.as_ref().map(|error| (format!("✗ {error}"), "input.error"));
        error.into_iter().chain([(about, "fg.muted")]).collect()
    }

    /// The first field in sight.
    fn first(&self, height: usize) -> usize {
        let fields = (height / 2).max(1);
        (self.at.min(self.fields.len().saturating_sub(1)) + 1).saturating_sub(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn form() -> Trigger {
        let def = ParamDef::new;
        let number = |_: &ParamDef, text: &str| text.parse::<f64>().map(|_| ()).map_err(|_| format!("not a number: \"{text}\""));
        let params = [
            def("epochs", ParamType::Int { min: Some(1), max: Some(500) }, Some(json!(50))),
            def("lr", ParamType::Float { min: None, max: None }, None),
        ];
        Trigger::new("churn".into(), 5, &params, number)
    }

    fn paste(form: &mut Trigger, text: &str) {
        form.typed(Typed::Text(text.into()), &World::default());
    }

    fn sent(intents: &[Intent]) -> Option<&TriggerRequest> {
        intents.iter().find_map(|intent| match intent {
            Intent::Ask(Ask::Send(Command::Trigger(request))) => Some(request),
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
        let request = sent(&intents).unwrap();
        assert_eq!(request.params, BTreeMap::from([("lr".to_owned(), json!("0.5"))]));
        assert_eq!(form.command_line(), "flowyard run churn -p lr=0.5");
    }
}
