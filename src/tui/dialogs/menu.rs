//! A short list of things that can be done to a run or a task. The first line, where one stands, changes nothing.

use super::{
    Dialog,
    chooser::{Answer, Chooser},
    confirm::Confirm,
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
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

/// One thing that can be done, or why it cannot.
#[derive(Debug, Clone)]
pub struct Item {
    /// What it says.
    pub label: String,
    /// What is asked before; or the reason why it is not possible now.
    pub ask: Result<Confirm, String>,
}

/// The list.
#[derive(Debug, Clone)]
pub struct Menu {
    title: String,
    items: Vec<Item>,
    /// Line 0 changes nothing.
    list: Chooser,
}

impl Menu {
    /// A list with that title.
    pub fn new(title: String, items: Vec<Item>) -> Self {
        Self { title, list: Chooser::new(items.len() + 1), items }
    }

    fn choose(&self, line: usize) -> Vec<Intent> {
        let Some(item) = line.checked_sub(1).and_then(|at| self.items.get(at)) else { return vec![Intent::CloseDialog] };
        match &item.ask {
            Ok(confirm) => vec![Intent::CloseDialog, Intent::Show(Box::new(confirm.clone()))],
            Err(_) => Vec::new(),
        }
    }
}

impl Dialog for Menu {
    fn context(&self) -> Context {
        Context::Menu
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::MenuChoose, Action::MenuLeave]
    }

    fn act(&mut self, action: Action, _world: &World) -> Vec<Intent> {
        match self.list.act(action, self.list.lines()) {
            Answer::Chosen(line) => self.choose(line),
            Answer::Left => vec![Intent::CloseDialog],
            Answer::Moved | Answer::Other => Vec::new(),
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, _world: &World, theme: &Theme) {
        let outer = placed(area, 66, self.items.len() + 4);
        let inner = panes::popup(frame, outer, &self.title, "", theme);
        let muted = theme.style("fg.muted");
        let name = self.items.iter().map(|item| text::width(&item.label)).max().unwrap_or(0).min(40);
        let room = usize::from(inner.width).saturating_sub(name + 4);
        let rows = Rect { y: inner.y + 1, height: inner.height.saturating_sub(3), ..inner };
        self.list.draw(frame, rows, theme, |line| {
            let Some(item) = line.checked_sub(1).and_then(|at| self.items.get(at)) else {
                return Line::styled(" Leave everything as it is", theme.style("fg"));
            };
            let label = text::left(&text::safe(&item.label), name);
            match &item.ask {
                Ok(_) => Line::styled(format!(" {label}"), theme.style("fg")),
                Err(why) => Line::from(vec![
                    Span::styled(format!(" {label}  "), muted),
                    Span::styled(text::cut(&text::safe(&format!("({why})")), room), muted),
                ]),
            }
        });
        let last = Rect { y: inner.bottom().saturating_sub(1), height: 1, ..inner };
        let keys = format!(" {} chooses and asks first, {} leaves", shown_key(Action::MenuChoose), shown_key(Action::MenuLeave));
        panes::lines(frame, last, [Line::styled(keys, muted)]);
    }
}
