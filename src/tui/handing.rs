//! What is handed to others: texts to the clipboard, the terminal to a program.

use super::{
    actions::Action,
    app::{App, Chore},
    command_line, keymap,
    programs::Program,
    views::{Intent, Selected, View},
    world::{Tone, World},
};
use std::path::PathBuf;

impl App {
    pub(super) fn copy_selected(&mut self, action: Action) {
        let Some(view) = self.views.last() else { return };
        match copied(view.as_ref(), action, &self.world) {
            Some(intent) => self.carry_out(vec![intent]),
            None => self.say(Tone::Note, format!("{}: nothing to copy here", keymap::shown_key(action))),
        }
    }

    pub(super) fn copy(&mut self, text: String) {
        let lines = text.lines().count();
        self.chores.push(Chore::Copy(text));
        self.say(Tone::Good, format!("copied {lines} line{}", if lines == 1 { "" } else { "s" }));
    }

    pub(super) fn selected(&self) -> Selected {
        let mut selected = self.views.last().map(|view| view.selected(&self.world)).unwrap_or_default();
        if selected.file.is_none() {
            let known = self.world.pipelines.iter().flatten().find(|row| Some(&row.pipeline) == selected.pipeline.as_ref());
            selected.file = known.map(|row| row.file.clone());
        }
        selected
    }

    /// A shell where the selected attempt ran.
    pub(super) fn shell(&self) -> Result<Program, String> {
        let Selected { run: Some(run), task: Some(task), attempt: Some((attempt, _)), .. } = self.selected() else {
            return Err("no attempt is selected".to_owned());
        };
        if self.world.read_only {
            return Err("looking only (--read-only)".to_owned());
        }
        let words = ["shell", run.as_str(), task.as_str(), "--attempt", &attempt.to_string()].map(str::to_owned);
        Ok(Program { argv: self.programs.own.iter().cloned().chain(words).collect(), folder: PathBuf::from(&self.world.workspace) })
    }

    pub(super) fn editor(&self) -> Result<Program, String> {
        let file = self.selected().file.ok_or("no pipeline is selected")?;
        Ok(Program::editor(&file, PathBuf::from(&self.world.workspace), |name| std::env::var(name).ok()))
    }

    pub(super) fn user_program(&self, at: usize) -> Result<Program, String> {
        let command = self.programs.commands.get(at).ok_or("no such command")?;
        Program::of_user(command, &self.selected(), PathBuf::from(&self.world.workspace))
    }

    pub(super) fn start(&mut self, program: Result<Program, String>, key: &str) {
        match program {
            Ok(program) => self.chores.push(Chore::Start(program)),
            Err(why) => self.say(Tone::Note, format!("{key}: {why}")),
        }
    }
}

/// What a copying action puts into the clipboard.
pub(super) fn copied(view: &dyn View, action: Action, world: &World) -> Option<Intent> {
    let selected = view.selected(world);
    let id = || selected.run.as_ref().map(ToString::to_string).or_else(|| selected.pipeline.as_ref().map(ToString::to_string));
    let path = || selected.attempt.as_ref().map(|(_, folder)| folder.display().to_string()).or_else(|| selected.file.clone());
    match action {
        Action::CopyId => id().map(Intent::Copy),
        Action::CopyPath => path().map(Intent::Copy),
        Action::CopyCli => command_line::showing(&selected).map(Intent::Copy),
        _ => view.copy(action, world),
    }
}
