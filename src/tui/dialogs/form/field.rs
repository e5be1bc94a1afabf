//! One field of a form: what is typed or chosen, what is wrong with it, what of it is sent.

use crate::{
    model::{ParamDef, ParamType, Secret},
    tui::{input::TextField, views::Typed},
};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::Value;

/// Checks a text beyond what its type says.
pub type Check = fn(&str) -> Result<(), String>;

/// A param, or what is like one, and its value.
#[derive(Debug)]
pub struct Field {
    /// What it takes.
    pub def: ParamDef,
    /// Where its value is typed or chosen.
    pub editor: Editor,
    /// What is wrong with the value, once that is worth saying.
    pub error: Option<String>,
    /// Its value in the last run.
    pub last: Option<Value>,
    /// The secret is in the environment, so that none need be typed.
    pub is_provided: bool,
    initial: String,
    check: Option<Check>,
    /// What was typed to find a choice.
    sought: String,
}

/// How a value is given.
#[derive(Debug)]
pub enum Editor {
    /// It is typed.
    Text(Box<TextField>),
    /// It is one of [`Field::options`]; none at first where there is no default.
    Pick(Option<usize>),
    /// It is typed and not shown.
    Hidden(Hidden),
}

/// A secret while it is typed: at its end only, and as pasted, line ends included.
#[derive(Default)]
pub struct Hidden(String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(crate::model::secret::MASK)
    }
}

impl Hidden {
    /// How many characters it has.
    pub fn length(&self) -> usize {
        self.0.chars().count()
    }

    fn typed(&mut self, input: Typed) {
        match input {
            Typed::Text(text) => self.0.push_str(text.trim_end_matches(['\r', '\n'])),
            Typed::Key(KeyEvent { code: KeyCode::Backspace, .. }) => drop(self.0.pop()),
            Typed::Key(KeyEvent { code: KeyCode::Char(c), modifiers, .. })
                if !modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) =>
            {
                self.0.push(c);
            }
            Typed::Key(_) => {}
        }
    }
}

impl Field {
    /// With the default in it.
    pub fn new(def: &ParamDef) -> Self {
        let editor = match &def.kind {
            ParamType::Bool | ParamType::Choice { .. } => Editor::Pick(None),
            ParamType::Secret { .. } => Editor::Hidden(Hidden::default()),
            _ => Editor::Text(Box::new(TextField::new(""))),
        };
        let mut field = Self {
            def: def.clone(),
            editor,
            error: None,
            last: None,
            is_provided: false,
            initial: String::new(),
            check: None,
            sought: String::new(),
        };
        if let Some(default) = &def.default {
            field.put(&plain(default));
        }
        // As the field has it: a line end in a default cannot stand in one line.
        field.initial = field.text();
        field
    }

    /// With its value in the last run, and whether the secret is in the environment.
    pub fn offered(self, last: Option<Value>, is_provided: bool) -> Self {
        Self { last, is_provided, ..self }
    }

    /// Checked beyond what its type says.
    pub fn checked(self, check: Check) -> Self {
        Self { check: Some(check), ..self }
    }

    /// What can be chosen.
    pub fn options(&self) -> Vec<&str> {
        match &self.def.kind {
            ParamType::Choice { choices } => choices.iter().map(String::as_str).collect(),
            ParamType::Bool => vec!["true", "false"],
            _ => Vec::new(),
        }
    }

    fn put(&mut self, text: &str) {
        let chosen = self.options().iter().position(|option| *option == text);
        match &mut self.editor {
            Editor::Text(input) => **input = TextField::new(text),
            Editor::Pick(at) => *at = chosen.or(*at),
            Editor::Hidden(_) => {}
        }
    }

    /// What it holds; of a secret nothing.
    pub fn text(&self) -> String {
        match &self.editor {
            Editor::Text(input) => input.text().to_owned(),
            Editor::Pick(at) => at.and_then(|at| self.options().get(at).map(|option| (*option).to_owned())).unwrap_or_default(),
            Editor::Hidden(_) => String::new(),
        }
    }

    /// Whether something else than at first is in it.
    pub fn is_changed(&self) -> bool {
        match &self.editor {
            Editor::Hidden(hidden) => hidden.length() > 0,
            _ => self.text() != self.initial,
        }
    }

    /// What is sent: nothing, if it is as it was, or empty where no text makes no sense.
    pub fn given(&self) -> Option<String> {
        let may_be_empty = matches!(self.def.kind, ParamType::String);
        let text = self.text();
        (!self.def.is_secret() && self.is_changed() && (may_be_empty || !text.trim().is_empty())).then_some(text)
    }

    /// The secret that was typed.
    pub fn secret(&self) -> Option<Secret> {
        match &self.editor {
            Editor::Hidden(hidden) if hidden.length() > 0 => Some(Secret::new(hidden.0.clone())),
            _ => None,
        }
    }

    /// Whether the file says what it is for.
    pub fn is_told(&self) -> bool {
        !self.def.description.is_empty()
    }

    /// Whether a person must give a value.
    pub fn is_needed(&self) -> bool {
        self.def.default.is_none() && !self.is_provided
    }

    /// What is typed next takes the place of what is there.
    pub fn enter(&mut self) {
        self.sought.clear();
        if let Editor::Text(input) = &mut self.editor {
            input.select();
        }
    }

    /// A key that is no command, or pasted text.
    pub fn typed(&mut self, input: Typed) {
        match (&mut self.editor, input) {
            (Editor::Text(field), input) => field.typed(input),
            (Editor::Hidden(hidden), input) => hidden.typed(input),
            (Editor::Pick(_), Typed::Key(KeyEvent { code: KeyCode::Char(' '), .. })) => self.step(true),
            (Editor::Pick(_), Typed::Key(KeyEvent { code: KeyCode::Char(c), .. })) => self.seek(c),
            (Editor::Pick(_), _) => {}
        }
        self.look();
    }

    /// To the next or previous choice; in a text, the cursor to the right or left.
    pub fn step(&mut self, forward: bool) {
        let count = self.options().len();
        self.sought.clear();
        match &mut self.editor {
            Editor::Text(input) => input.typed(Typed::Key(KeyEvent::from(if forward { KeyCode::Right } else { KeyCode::Left }))),
            Editor::Pick(at) => {
                *at = match (*at, forward) {
                    (None, true) => Some(0),
                    (None, false) => count.checked_sub(1),
                    (Some(at), true) => Some((at + 1) % count.max(1)),
                    (Some(at), false) => Some((at + count - 1) % count.max(1)),
                };
                self.look();
            }
            Editor::Hidden(_) => {}
        }
    }

    /// To the next choice that begins with what is typed; where none does, with the letter alone.
    fn seek(&mut self, letter: char) {
        let Editor::Pick(at) = self.editor else { return };
        let options: Vec<String> = self.options().into_iter().map(str::to_lowercase).collect();
        let longer = format!("{}{}", self.sought, letter.to_lowercase());
        let next =
            |from: usize, start: &str| (from..options.len()).chain(0..from.min(options.len())).find(|at| options[*at].starts_with(start));
        // What is chosen may be meant still while more of it is typed.
        let found = match next(at.unwrap_or(0) + usize::from(self.sought.is_empty() && at.is_some()), &longer) {
            Some(found) => Some((found, longer)),
            None => {
                let letter = letter.to_lowercase().to_string();
                next(at.map_or(0, |at| at + 1), &letter).map(|found| (found, letter))
            }
        };
        if let Some((found, sought)) = found {
            (self.editor, self.sought) = (Editor::Pick(Some(found)), sought);
        }
    }

    /// Takes away what was typed; what was chosen becomes the default again.
    pub fn erase(&mut self) {
        match &mut self.editor {
            Editor::Text(input) => **input = TextField::new(""),
            Editor::Hidden(hidden) => *hidden = Hidden::default(),
            Editor::Pick(_) => self.reset(),
        }
        self.look();
    }

    /// As at first.
    pub fn reset(&mut self) {
        let initial = std::mem::take(&mut self.initial);
        if let Editor::Pick(at) = &mut self.editor {
            *at = None;
        }
        self.put(&initial);
        (self.initial, self.error) = (initial, None);
    }

    /// Takes the value of the last run, if there is one.
    pub fn take_last(&mut self) {
        if let Some(value) = self.last.clone() {
            self.put(&plain(&value));
            self.look();
        }
    }

    /// Says what is wrong while it is typed. That a value is missing, or a secret not long enough yet, is said when one is done.
    fn look(&mut self) {
        if self.given().is_some() || self.error.is_some() {
            self.check();
        }
    }

    /// Says what is wrong now.
    pub fn check(&mut self) {
        self.error = match (&self.def.kind, self.given(), self.secret()) {
            (_, Some(text), _) => self.fault(&text),
            (_, None, Some(secret)) => self.def.fits_secret(&secret).err(),
            (_, None, None) if !self.is_needed() => None,
            (ParamType::Secret { variable }, ..) => Some(format!("a value is needed; or export {variable} before flowyard is started")),
            _ => Some("a value is needed: there is no default".to_owned()),
        };
    }

    fn fault(&self, text: &str) -> Option<String> {
        let is_number = matches!(self.def.kind, ParamType::Int { .. } | ParamType::Float { .. });
        if is_number && text.trim().parse::<f64>().is_err() {
            return Some(format!("not a number: \"{text}\""));
        }
        self.def.fitting(&Value::from(text)).err().or_else(|| self.check?(text).err())
    }

    /// What it takes, beside the field: `int 1…500`.
    pub fn kind(&self) -> String {
        fn bounds<T: std::fmt::Display>(name: &str, min: Option<&T>, max: Option<&T>) -> String {
            match (min, max) {
                (Some(min), Some(max)) => format!("{name} {min}…{max}"),
                (Some(min), None) => format!("{name} ≥ {min}"),
                (None, Some(max)) => format!("{name} ≤ {max}"),
                (None, None) => name.to_owned(),
            }
        }
        match &self.def.kind {
            ParamType::Int { min, max } => bounds("int", min.as_ref(), max.as_ref()),
            ParamType::Float { min, max } => bounds("float", min.as_ref(), max.as_ref()),
            ParamType::Bool => "true or false".to_owned(),
            ParamType::String => "text".to_owned(),
            ParamType::Date => "date".to_owned(),
            ParamType::Path => "path".to_owned(),
            ParamType::Choice { choices } => match self.editor {
                Editor::Pick(Some(at)) => format!("choice {} of {}", at + 1, choices.len()),
                _ => format!("choice of {}", choices.len()),
            },
            ParamType::Secret { .. } => "secret, kept nowhere".to_owned(),
        }
    }
}

/// The text that gives a value when it is typed.
pub fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
