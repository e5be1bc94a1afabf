//! Fields that a person fills in, each checked before anything is done.

use crate::{
    model::{ParamDef, ParamType},
    plan::params,
    tui::{actions::Action, input::TextField, keymap::shown_key, panes, panes::tasks::value_text, text, theme::Theme, views::Typed},
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};
use std::collections::BTreeMap;

/// Checks one field's text. Given from outside, so that a form is tested by itself.
pub type Check = fn(&ParamDef, &str) -> Result<(), String>;

/// What a key did to a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filled {
    /// Nothing is to be done yet.
    Not,
    /// Every field is right, and the person wants it done.
    Well,
    /// The person leaves.
    Left,
}

/// Fields, and after the last one the button.
#[derive(Debug)]
pub struct Form {
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

impl Form {
    /// A field for each of these.
    pub fn new(fields: &[ParamDef], check: Check) -> Self {
        let mut form = Self { fields: fields.iter().map(Field::new).collect(), at: 0, check };
        form.go(0);
        form
    }

    /// What was given: names and texts, without what is as it was.
    pub fn given(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().filter_map(|field| Some((field.def.name.as_str(), field.given()?)))
    }

    /// What is typed in a field, as it is.
    pub fn text(&self, name: &str) -> &str {
        self.fields.iter().find(|field| field.def.name == name).map_or("", |field| field.input.text())
    }

    /// How many fields are wrong.
    pub fn problems(&self) -> usize {
        self.fields.iter().filter(|field| field.error.is_some()).count()
    }

    /// How many lines it takes.
    pub fn lines(&self) -> usize {
        2 * self.fields.len() + self.problems()
    }

    /// Does an action of a form.
    pub fn act(&mut self, action: Action) -> Filled {
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
            Action::FormLeave => return Filled::Left,
            _ => {}
        }
        Filled::Not
    }

    /// A key or pasted text for the field that is typed in.
    pub fn typed(&mut self, input: Typed) {
        let at = self.at;
        if let Some(field) = self.fields.get_mut(at) {
            field.input.typed(input);
            if field.error.is_some() {
                self.validate(at);
            }
        }
    }

    /// Well, or it goes to the first field that is wrong.
    fn submit(&mut self) -> Filled {
        for at in 0..self.fields.len() {
            self.validate(at);
        }
        let Some(wrong) = self.fields.iter().position(|field| field.error.is_some()) else { return Filled::Well };
        self.go(wrong);
        Filled::Not
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

    /// Draws the fields, below them the button with its label, and the line that says what it comes to.
    pub fn draw(&self, frame: &mut Frame<'_>, inner: Rect, label: &str, sum: &str, theme: &Theme) {
        let fields = Rect { y: inner.y + 1, height: inner.height.saturating_sub(6), ..inner };
        self.draw_fields(frame, fields, theme);
        let below = Rect { y: fields.bottom(), height: inner.bottom().saturating_sub(fields.bottom()), ..inner };
        let width = usize::from(inner.width);
        let on_button = self.at == self.fields.len();
        let button = Span::styled(format!(" {label} "), theme.style(if on_button { "selection" } else { "input" }));
        let keys = format!("  {} does it from any field, {} leaves", shown_key(Action::FormSubmit), shown_key(Action::FormLeave));
        let mark = if on_button { "> " } else { "  " };
        panes::lines(
            frame,
            below,
            [
                Line::raw(""),
                Line::from(vec![Span::styled(mark, theme.style("accent")), button, Span::styled(keys, theme.style("fg.muted"))]),
                Line::raw(""),
                Line::styled(text::cut(&text::safe(sum), width), theme.style("fg.muted")),
            ],
        );
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
        ParamType::String => "text".to_owned(),
        ParamType::Choice { choices } => choices.join(" | "),
    }
}

impl Form {
    fn draw_fields(&self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
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

    #[test]
    fn a_form_is_filled_well_only_when_every_field_is_right_and_the_wrong_one_gets_the_keys() {
        let def = |name: &str, kind, default| ParamDef { name: name.into(), kind, default, description: String::new() };
        let number = |_: &ParamDef, text: &str| text.parse::<f64>().map(|_| ()).map_err(|_| format!("not a number: \"{text}\""));
        let fields = [
            def("epochs", ParamType::Int { min: Some(1), max: Some(500) }, Some(json!(50))),
            def("lr", ParamType::Float { min: None, max: None }, None),
        ];
        let mut form = Form::new(&fields, number);
        assert_eq!(form.act(Action::FormSubmit), Filled::Not);
        assert_eq!((form.at, form.problems()), (1, 1));
        form.typed(Typed::Text("0.o1".into()));
        assert_eq!(form.act(Action::FormSubmit), Filled::Not);
        assert_eq!(form.fields[1].error.as_deref(), Some("not a number: \"0.o1\""));
        form.act(Action::FormErase);
        form.typed(Typed::Text("0.1".into()));
        assert_eq!(form.act(Action::FormSubmit), Filled::Well);
        assert_eq!(form.given().collect::<Vec<_>>(), [("lr", "0.1")]);
    }
}
