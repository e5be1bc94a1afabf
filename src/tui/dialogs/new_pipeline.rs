//! A pipeline of one's own: its name, what to copy from, and where; what would be written is shown before it is.

use super::{
    Dialog,
    form::{Around, Field, Filled, Form},
};
use crate::{
    model::{ParamDef, ParamType},
    spec::starter::{NewFile, Starter, TEMPLATES},
    tui::{
        actions::{Action, Context},
        begin::{Choice, Then},
        theme::Theme,
        views::{Intent, Typed},
        world::{Ask, World},
    },
};
use ratatui::{Frame, layout::Rect};

const NAME: &str = "name";
const TEMPLATE: &str = "template";
const FOLDER: &str = "folder";

/// The form with three questions.
#[derive(Debug)]
pub struct NewPipeline {
    form: Form,
}

impl NewPipeline {
    /// In that folder, unless another is typed.
    pub fn new(folder: &str) -> Self {
        let field = |name: &str, kind, default: &str, about: &str| {
            Field::new(&ParamDef { description: about.to_owned(), ..ParamDef::new(name, kind, Some(default.into())) })
        };
        let templates = TEMPLATES.iter().map(|starter| starter.name.to_owned()).collect();
        let fields = [
            field(NAME, ParamType::String, "first", "also the name of its file").checked(check_name),
            field(TEMPLATE, ParamType::Choice { choices: templates }, TEMPLATES[0].name, "what to copy from"),
            field(FOLDER, ParamType::String, folder, "the workspace; it must be there"),
        ];
        Self { form: Form::new(fields.into()) }
    }

    fn files(&self) -> Result<Vec<NewFile>, String> {
        starter(&self.form.text(TEMPLATE))?.files(self.form.text(NAME).trim())
    }

    fn chosen(&self) -> Vec<Intent> {
        let Ok(files) = self.files() else { return Vec::new() };
        let (folder, pipeline) = (Some(self.form.text(FOLDER)), self.form.text(NAME).trim().into());
        vec![Intent::CloseDialog, Intent::Ask(Ask::Begin(Choice::Write { folder, files, pipeline, then: Then::Select }))]
    }

    /// What pressing the button comes to.
    fn sum(&self) -> String {
        let written = |files: Vec<NewFile>| files.iter().map(NewFile::in_words).collect::<Vec<_>>().join(", ");
        match (self.files(), starter(&self.form.text(TEMPLATE))) {
            (Ok(files), Ok(starter)) => format!("writes {} · {}", written(files), starter.about),
            (Err(why), _) | (_, Err(why)) => why,
        }
    }
}

fn starter(name: &str) -> Result<Starter, String> {
    Starter::named(name.trim()).ok_or_else(|| format!("there is no template `{}`", name.trim()))
}

fn check_name(typed: &str) -> Result<(), String> {
    TEMPLATES[0].files(typed.trim()).map(drop)
}

impl Dialog for NewPipeline {
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
            Filled::Well => self.chosen(),
        }
    }

    fn typed(&mut self, input: Typed, _world: &World) -> Vec<Intent> {
        self.form.typed(input);
        Vec::new()
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, _world: &World, theme: &Theme) {
        let around = Around { title: "New pipeline", empty: "", label: "Write the file", note: &self.sum(), command: "" };
        self.form.draw(frame, area, &around, theme);
    }
}
