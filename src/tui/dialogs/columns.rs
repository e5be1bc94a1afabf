//! Which columns a list of runs shows: each can be taken in or left out, and the list behind shows it at once.

use super::{
    Dialog,
    chooser::{Answer, Chooser},
    placed,
};
use crate::tui::{
    actions::{Action, Context},
    keymap::shown_key,
    panes, text,
    theme::Theme,
    views::Intent,
    world::World,
};
use ratatui::{Frame, layout::Rect, text::Line};

/// The list of columns.
#[derive(Debug, Clone)]
pub struct Columns {
    /// Of which runs; see [`World::columns`].
    of: String,
    /// Every column there is.
    all: Vec<String>,
    /// Those that are shown, in this order.
    chosen: Vec<String>,
    list: Chooser,
}

impl Columns {
    /// Of those runs.
    pub fn new(of: String, all: Vec<String>, chosen: Vec<String>) -> Self {
        Self { of, list: Chooser::new(all.len()), all, chosen }
    }

    fn toggle(&mut self, line: usize) -> Vec<Intent> {
        let name = &self.all[line];
        match self.chosen.iter().position(|chosen| chosen == name) {
            Some(at) => drop(self.chosen.remove(at)),
            None => self.chosen.push(name.clone()),
        }
        vec![Intent::Columns(self.of.clone(), self.chosen.clone())]
    }

    fn place(&self, screen: Rect) -> Rect {
        placed(screen, 44, self.all.len() + 3)
    }

    fn height(&self, screen: Rect) -> usize {
        usize::from(self.place(screen).height.saturating_sub(5))
    }
}

impl Dialog for Columns {
    fn context(&self) -> Context {
        Context::Menu
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::MenuChoose, Action::MenuLeave]
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Intent> {
        let height = self.height(Rect { x: 0, y: 0, width: world.size.0, height: world.size.1 });
        match self.list.act(action, height) {
            Answer::Chosen(line) => self.toggle(line),
            Answer::Left => vec![Intent::CloseDialog],
            Answer::Moved | Answer::Other => Vec::new(),
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, _world: &World, theme: &Theme) {
        let inner = panes::popup(frame, self.place(area), "Columns", &format!("{} of {}", self.chosen.len(), self.all.len()), theme);
        let height = self.height(area);
        let rows = Rect { y: inner.y + 1, height: u16::try_from(height).unwrap_or(u16::MAX).min(inner.height.saturating_sub(1)), ..inner };
        self.list.draw(frame, rows, theme, |line| {
            let name = &self.all[line];
            let (mark, token) = if self.chosen.contains(name) { ('✓', "fg") } else { (' ', "fg.muted") };
            Line::styled(format!(" {mark} {}", text::safe(name)), theme.style(token))
        });
        let last = Rect { y: inner.bottom().saturating_sub(1), height: 1, ..inner };
        let keys = format!(" {} shows or hides, {} leaves", shown_key(Action::MenuChoose), shown_key(Action::MenuLeave));
        panes::lines(frame, last, [Line::styled(keys, theme.style("fg.muted"))]);
    }
}
