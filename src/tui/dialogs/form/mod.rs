//! Fields that a person fills in, each checked while it is typed and all of them before anything is done.

mod draw;
mod field;

pub use draw::{Around, shell_lines};
pub use field::Field;

use crate::tui::{actions::Action, theme::Theme, views::Typed};
use ratatui::{Frame, layout::Rect};

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
    /// The field that has the keys; after the last one comes the button.
    at: usize,
    /// Somebody wants to leave and was asked whether what was typed may be lost.
    is_leaving: bool,
}

impl Form {
    /// With these fields: those of a group stand together, those of none first.
    pub fn new(fields: Vec<Field>) -> Self {
        let mut form = Self { fields: by_group(fields), at: 0, is_leaving: false };
        form.go(0);
        form
    }

    /// The fields, as they are shown.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// What a field holds.
    pub fn text(&self, name: &str) -> String {
        self.fields.iter().find(|field| field.def.name == name).map(Field::text).unwrap_or_default()
    }

    /// Changes every field; the keys stay where they are.
    pub fn each(&mut self, change: impl FnMut(&mut Field)) {
        self.fields.iter_mut().for_each(change);
        self.go(self.at);
    }

    /// How many fields are wrong.
    pub fn problems(&self) -> usize {
        self.fields.iter().filter(|field| field.error.is_some()).count()
    }

    /// Does an action of a form.
    pub fn act(&mut self, action: Action) -> Filled {
        if action == Action::FormLeave {
            return self.leave();
        }
        self.is_leaving = false;
        let is_on_button = self.at == self.fields.len();
        match (action, self.fields.get_mut(self.at)) {
            (Action::FormNext, _) => self.step(true),
            (Action::FormPrevious, _) => self.step(false),
            (Action::FormEnter, _) if !is_on_button => self.step(true),
            (Action::FormEnter | Action::FormSubmit, _) => return self.submit(),
            (Action::FormForward | Action::FormBackward, Some(field)) => field.step(action == Action::FormForward),
            (Action::FormErase, Some(field)) => field.erase(),
            _ => {}
        }
        Filled::Not
    }

    /// A key or pasted text for the field that has the keys.
    pub fn typed(&mut self, input: Typed) {
        self.is_leaving = false;
        if let Some(field) = self.fields.get_mut(self.at) {
            field.typed(input);
        }
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

    /// Well, or it goes to the first field that is wrong.
    fn submit(&mut self) -> Filled {
        self.fields.iter_mut().for_each(Field::check);
        let Some(wrong) = self.fields.iter().position(|field| field.error.is_some()) else { return Filled::Well };
        self.go(wrong);
        Filled::Not
    }

    /// Leaves at once where nothing would be lost, else when it is said twice.
    fn leave(&mut self) -> Filled {
        let would_lose = self.fields.iter().any(Field::is_changed);
        if would_lose && !std::mem::replace(&mut self.is_leaving, true) { Filled::Not } else { Filled::Left }
    }

    /// Draws it in the middle of the screen.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, around: &Around<'_>, theme: &Theme) {
        draw::form(self, frame, area, around, theme);
    }
}

/// As they come, but those of a group beside the first of it, and those of none before all.
fn by_group(mut fields: Vec<Field>) -> Vec<Field> {
    let groups: Vec<String> = fields.iter().map(|field| field.def.group.clone()).collect();
    fields.sort_by_key(|field| (!field.def.group.is_empty()).then(|| groups.iter().position(|group| *group == field.def.group)));
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ParamDef, ParamType};
    use crossterm::event::{KeyCode, KeyEvent};
    use serde_json::json;

    fn form() -> Form {
        let fields = [
            ParamDef::new("epochs", ParamType::Int { min: Some(1), max: Some(500) }, Some(json!(50))),
            ParamDef::new("lr", ParamType::Float { min: None, max: None }, None),
        ];
        Form::new(fields.iter().map(Field::new).collect())
    }

    fn paste(form: &mut Form, text: &str) {
        form.typed(Typed::Text(text.into()));
    }

    #[test]
    fn a_form_is_filled_well_only_when_every_field_is_right_and_the_wrong_one_gets_the_keys() {
        let mut form = form();
        assert_eq!(form.act(Action::FormSubmit), Filled::Not);
        assert_eq!((form.at, form.problems()), (1, 1));
        paste(&mut form, "0.o1");
        assert_eq!(form.act(Action::FormSubmit), Filled::Not);
        assert_eq!(form.fields[1].error.as_deref(), Some("not a number: \"0.o1\""));
        form.act(Action::FormErase);
        paste(&mut form, "0.1");
        assert_eq!(form.act(Action::FormSubmit), Filled::Well);
        assert_eq!((form.fields[0].given(), form.fields[1].given()), (None, Some("0.1".to_owned())));
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
        let choices = ["adam", "sgd", "rmsprop", "radam"].map(str::to_owned).to_vec();
        let fields =
            [ParamDef::new("optimizer", ParamType::Choice { choices }, Some(json!("sgd"))), ParamDef::new("push", ParamType::Bool, None)];
        let mut form = Form::new(fields.iter().map(Field::new).collect());
        let key = |form: &mut Form, c| {
            form.typed(Typed::Key(KeyEvent::from(KeyCode::Char(c))));
            form.fields[0].text()
        };
        assert_eq!(
            ["R", "A", "s", " ", "r", "r"].map(|c| key(&mut form, c.chars().next().unwrap())).join(" "),
            "rmsprop radam sgd rmsprop radam rmsprop"
        );
        form.act(Action::FormBackward);
        assert_eq!((form.fields[0].text().as_str(), form.fields[0].is_changed()), ("sgd", false));
        form.at = 1;
        assert_eq!((form.act(Action::FormSubmit), form.at), (Filled::Not, 1));
        form.act(Action::FormForward);
        assert_eq!(form.fields[1].given().as_deref(), Some("true"));
    }

    #[test]
    fn leaving_asks_only_where_something_was_typed() {
        assert_eq!(form().act(Action::FormLeave), Filled::Left);
        let mut form = form();
        paste(&mut form, "7");
        assert_eq!(form.act(Action::FormLeave), Filled::Not);
        paste(&mut form, "8");
        assert_eq!([Action::FormLeave; 2].map(|leave| form.act(leave)), [Filled::Not, Filled::Left]);
    }

    #[test]
    fn fields_of_a_group_stand_together() {
        let def = |name: &str, group: &str| ParamDef { group: group.into(), ..ParamDef::new(name, ParamType::Bool, Some(json!(true))) };
        let form = Form::new([def("a", "x"), def("b", ""), def("c", "y"), def("d", "x")].iter().map(Field::new).collect());
        let names: Vec<&str> = form.fields.iter().map(|field| field.def.name.as_str()).collect();
        assert_eq!(names, ["b", "a", "d", "c"]);
    }
}
