//! A short list of tasks to go to.

use super::{Dialog, placed};
use crate::tui::{
    actions::{Action, Context},
    list::{self, ListState},
    panes,
    panes::tasks,
    text,
    theme::Theme,
    views::Intent,
    world::World,
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

/// Rows of the list at most.
const ROWS: usize = 16;

/// The list.
#[derive(Debug, Clone)]
pub struct Pick {
    title: String,
    /// Positions of the tasks.
    tasks: Vec<usize>,
    list: ListState,
}

impl Pick {
    /// Of these tasks, by position.
    pub fn new(title: String, tasks: Vec<usize>) -> Self {
        Self { title, tasks, list: ListState::default() }
    }

    fn height(&self) -> usize {
        self.tasks.len().min(ROWS)
    }
}

impl Dialog for Pick {
    fn context(&self) -> Context {
        Context::Menu
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::MenuChoose, Action::MenuLeave]
    }

    fn act(&mut self, action: Action, _world: &World) -> Vec<Intent> {
        match action {
            Action::MenuUp => self.list.by(-1, self.tasks.len(), self.height()),
            Action::MenuDown => self.list.by(1, self.tasks.len(), self.height()),
            Action::MenuChoose => {
                let chosen = self.tasks.get(self.list.selected).copied().map(Intent::Choose);
                return std::iter::once(Intent::CloseDialog).chain(chosen).collect();
            }
            Action::MenuLeave => return vec![Intent::CloseDialog],
            _ => {}
        }
        Vec::new()
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, world: &World, theme: &Theme) {
        let outer = placed(area, 48, self.height());
        let right = text::count(self.tasks.len(), "task");
        let inner = panes::popup(frame, outer, &self.title, &right, theme);
        let window = self.list.window(self.tasks.len(), usize::from(inner.height));
        let at = self.list.selected.saturating_sub(window.start);
        let tasks = self.tasks[window].iter().filter_map(|&at| world.run.as_ref()?.tasks.get(at));
        let lines = tasks.map(|task| {
            let look = tasks::look(task);
            Line::from(vec![
                Span::styled(format!(" {} {:<4} ", look.glyph, look.code), theme.style(look.token)),
                Span::styled(tasks::name(task), theme.style("fg")),
            ])
        });
        list::draw(frame, inner, lines, Some((at, "selection")), theme);
    }
}
