//! Asks a person to decide, with room for a note. The first button changes nothing.

use super::{Dialog, placed};
use crate::{
    model::Command,
    tui::{
        actions::{Action, Context},
        input::TextField,
        keymap::shown_key,
        panes, text,
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

/// A question with a note.
#[derive(Debug)]
pub struct Note {
    title: String,
    lines: Vec<String>,
    note: TextField,
    /// After the one that changes nothing.
    choices: Vec<(&'static str, Command)>,
    at: usize,
    /// Somebody was told that the note would be lost.
    warned: bool,
}

impl Note {
    /// Asks `title` and says `lines`; the commands are given with the note.
    pub fn new(title: String, lines: Vec<String>, choices: Vec<(&'static str, Command)>) -> Self {
        Self { title, lines, note: TextField::new(""), choices, at: 0, warned: false }
    }

    /// Leaves it; a note that was typed is thrown away only the second time.
    fn leave(&mut self) -> Vec<Intent> {
        if self.note.text().trim().is_empty() || std::mem::replace(&mut self.warned, true) { vec![Intent::CloseDialog] } else { Vec::new() }
    }

    fn done(&mut self) -> Vec<Intent> {
        let Some((_, command)) = self.at.checked_sub(1).and_then(|at| self.choices.get(at)) else { return self.leave() };
        let note = self.note.text().trim().to_owned();
        let ask = if note.is_empty() { Ask::Send(command.clone()) } else { Ask::SendNoted(command.clone(), note) };
        vec![Intent::CloseDialog, Intent::Ask(ask)]
    }
}

impl Dialog for Note {
    fn context(&self) -> Context {
        Context::Note
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::NoteNext, Action::NoteDone, Action::NoteLeave]
    }

    fn act(&mut self, action: Action, _world: &World) -> Vec<Intent> {
        let buttons = self.choices.len() + 1;
        match action {
            Action::NoteNext => self.at = (self.at + 1) % buttons,
            Action::NotePrevious => self.at = (self.at + buttons - 1) % buttons,
            Action::NoteErase => self.note = TextField::new(""),
            Action::NoteDone => return self.done(),
            Action::NoteLeave => return self.leave(),
            _ => {}
        }
        Vec::new()
    }

    fn typed(&mut self, input: Typed, _world: &World) -> Vec<Intent> {
        self.note.typed(input);
        self.warned = false;
        Vec::new()
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, _world: &World, theme: &Theme) {
        let outer = placed(area, 64, self.lines.len() + 8);
        let inner = panes::popup(frame, outer, &self.title, "", theme);
        let width = usize::from(inner.width);
        let muted = theme.style("fg.muted");
        let mut lines = vec![Line::raw("")];
        lines.extend(self.lines.iter().map(|line| Line::styled(text::cut(&text::safe(line), width), theme.style("fg"))));
        lines.extend([Line::raw(""), Line::styled("Note", muted), Line::raw("")]);
        let field = u16::try_from(lines.len() - 2).unwrap_or(0);
        let labels = std::iter::once("Not now").chain(self.choices.iter().map(|(label, _)| *label));
        let button = |(at, label): (usize, &str)| {
            let token = if at == self.at { "selection" } else { "input" };
            [Span::styled(format!(" {label} "), theme.style(token)), Span::raw("   ")]
        };
        lines.push(Line::from(labels.enumerate().flat_map(button).collect::<Vec<_>>()));
        lines.push(Line::raw(""));
        let (next, leave) = (shown_key(Action::NoteNext), shown_key(Action::NoteLeave));
        let (keys, style) = if self.warned {
            (format!("{next} goes to a button; {leave} again throws the note away"), theme.style("warning"))
        } else {
            (format!("{next} goes to the next button, {} presses it", shown_key(Action::NoteDone)), muted)
        };
        lines.push(Line::styled(text::cut(&keys, width), style));
        panes::lines(frame, inner, lines);
        let room = Rect { x: inner.x + 6, y: inner.y + field, width: inner.width.saturating_sub(6), height: 1 };
        if room.y < inner.bottom() {
            self.note.draw(frame, room, true, "input", theme);
        }
    }
}
