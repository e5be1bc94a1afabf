//! What the pointer does: every click is an action that a key could do as well, found in the table of what was drawn where.

use super::{
    actions::{Action, Context},
    app::App,
    hits::{self, Hit},
    views::Intent,
};
use crate::stdx::time::Timestamp;
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

/// Two clicks so close together are one double click.
const DOUBLE: chrono::Duration = chrono::Duration::milliseconds(400);
/// So many lines a step of the wheel goes.
const WHEEL: usize = 3;

/// Where and when the last click was.
pub type Click = (u16, u16, Timestamp);

impl App {
    /// The pointer did something.
    pub(super) fn pointed(&mut self, event: MouseEvent) {
        let (column, row) = (event.column, event.row);
        match event.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                let now = self.world.now;
                let before = self.clicked.replace((column, row, now));
                let double = before.is_some_and(|(x, y, at)| (x, y) == (column, row) && now - at <= DOUBLE);
                self.click(column, row, double);
            }
            MouseEventKind::Drag(MouseButton::Left) => self.drag(column, row),
            // What was chosen by the pointer is copied when it lets go.
            MouseEventKind::Up(MouseButton::Left) if std::mem::take(&mut self.choosing) => self.act(Action::CopyLine),
            MouseEventKind::ScrollUp => self.wheel(column, row, false),
            MouseEventKind::ScrollDown => self.wheel(column, row, true),
            _ => {}
        }
    }

    fn click(&mut self, column: u16, row: u16, double: bool) {
        let Some(hit) = hits::at(column, row).first().copied() else { return };
        match hit {
            Hit::Act(action) => {
                self.tell_key(action);
                self.act(action);
            }
            Hit::Place(place) => self.carry_out(vec![Intent::Go(place)]),
            Hit::Depth(depth) => {
                while self.views.len() > depth + 1 {
                    self.carry_out(vec![Intent::Back]);
                }
            }
            Hit::Tab(by) => self.repeat(if by < 0 { Action::PreviousTab } else { Action::NextTab }, by.unsigned_abs()),
            Hit::Task(task) => {
                self.focus(column, row);
                let intents = self.views.last_mut().map(|view| view.choose(task, &self.world)).unwrap_or_default();
                self.carry_out(intents);
                if double {
                    self.act(self.opening());
                }
            }
            Hit::Line(_) | Hit::LogLine(_) | Hit::Pane(_) => {
                self.focus(column, row);
                if let Hit::Line(by) = hit {
                    let (up, down) = self.steps();
                    self.repeat(if by < 0 { up } else { down }, by.unsigned_abs());
                }
                if double {
                    self.act(self.opening());
                }
            }
        }
    }

    /// What is held by the button comes along: a graph is moved, lines of a log are chosen.
    fn drag(&mut self, column: u16, row: u16) {
        let Some((x, y, at)) = self.clicked else { return };
        let Some(view) = self.views.last_mut().filter(|_| self.dialogs.is_empty()) else { return };
        let by = (i32::from(column) - i32::from(x), i32::from(row) - i32::from(y));
        let line = |column, row| {
            hits::at(column, row).into_iter().find_map(|hit| match hit {
                Hit::LogLine(end) => Some(end),
                _ => None,
            })
        };
        match (line(x, y), line(column, row)) {
            (Some(from), Some(to)) => {
                view.choose_lines(from, to);
                self.choosing = true;
            }
            // The next step goes from here; where it began counts for lines alone.
            (None, _) if view.drag(by, &self.world) => self.clicked = Some((column, row, at)),
            _ => {}
        }
    }

    /// Scrolls what is under the pointer; the keys stay where they are.
    fn wheel(&mut self, column: u16, row: u16, down: bool) {
        let there = self.focus(column, row);
        let (up, down_) = self.steps();
        self.repeat(if down { down_ } else { up }, WHEEL);
        self.repeat(Action::PreviousPane, there);
    }

    /// Gives the keys to the pane that is there; how many panes on that was.
    fn focus(&mut self, column: u16, row: u16) -> usize {
        let panes = self.views.last().map_or(1, |view| view.panes());
        let steps = match hits::panes(column, row) {
            (Some(to), Some(from)) if self.dialogs.is_empty() && to < panes && from < panes => (to + panes - from) % panes,
            _ => 0,
        };
        self.repeat(Action::NextPane, steps);
        steps
    }

    fn repeat(&mut self, action: Action, times: usize) {
        for _ in 0..times {
            self.act(action);
        }
    }

    /// Up and down, as they are called where one is.
    fn steps(&self) -> (Action, Action) {
        match self.dialogs.last().map(|dialog| dialog.context()) {
            None => (Action::Up, Action::Down),
            Some(Context::Menu) => (Action::MenuUp, Action::MenuDown),
            Some(Context::Help) => (Action::HelpUp, Action::HelpDown),
            Some(Context::Palette) => (Action::PaletteUp, Action::PaletteDown),
            Some(Context::Form) => (Action::FormPrevious, Action::FormNext),
            Some(Context::Note) => (Action::NotePrevious, Action::NoteNext),
            Some(_) => (Action::DialogUp, Action::DialogDown),
        }
    }

    /// What Enter does on a line.
    fn opening(&self) -> Action {
        match self.dialogs.last().map(|dialog| dialog.context()) {
            None => Action::Open,
            Some(Context::Menu) => Action::MenuChoose,
            Some(Context::Help) => Action::HelpRun,
            Some(Context::Palette) => Action::PaletteRun,
            Some(_) => Action::Redraw,
        }
    }
}
