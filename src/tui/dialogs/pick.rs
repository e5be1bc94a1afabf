//! A short list of tasks to go to.

use super::{
    Dialog,
    chooser::{Answer, Chooser},
    placed,
};
use crate::tui::{
    actions::{Action, Context},
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
    list: Chooser,
}

impl Pick {
    /// Of these tasks, by position.
    pub fn new(title: String, tasks: Vec<usize>) -> Self {
        Self { title, list: Chooser::new(tasks.len()), tasks }
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
        match self.list.act(action, self.height()) {
            Answer::Chosen(line) => vec![Intent::CloseDialog, Intent::Choose(self.tasks[line])],
            Answer::Left => vec![Intent::CloseDialog],
            Answer::Moved | Answer::Other => Vec::new(),
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, world: &World, theme: &Theme) {
        let outer = placed(area, 48, self.height());
        let right = text::count(self.tasks.len(), "task");
        let inner = panes::popup(frame, outer, &self.title, &right, theme);
        self.list.draw(frame, inner, theme, |line| {
            let Some(task) = world.run.as_ref().and_then(|run| run.tasks.get(self.tasks[line])) else { return Line::default() };
            let look = tasks::look(task);
            Line::from(vec![
                Span::styled(format!(" {} {:<4} ", look.glyph, look.code), theme.style(look.token)),
                Span::styled(tasks::name(task), theme.style("fg")),
            ])
        });
    }
}
