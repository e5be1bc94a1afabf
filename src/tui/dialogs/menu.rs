//! A short list of things that can be done to a run or a task. The first line, where one stands, changes nothing.

use super::{Dialog, confirm::Confirm, placed};
use crate::tui::{
    actions::{Action, Context},
    keymap::shown_key,
    list, panes, text,
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
    /// 0 is the line that changes nothing.
    at: usize,
}

impl Menu {
    /// A list with that title.
    pub const fn new(title: String, items: Vec<Item>) -> Self {
        Self { title, items, at: 0 }
    }

    fn choose(&self) -> Vec<Intent> {
        let Some(item) = self.at.checked_sub(1).and_then(|at| self.items.get(at)) else { return vec![Intent::CloseDialog] };
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
        let lines = self.items.len() + 1;
        match action {
            Action::MenuUp => self.at = (self.at + lines - 1) % lines,
            Action::MenuDown => self.at = (self.at + 1) % lines,
            Action::MenuChoose => return self.choose(),
            Action::MenuLeave => return vec![Intent::CloseDialog],
            _ => {}
        }
        Vec::new()
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, _world: &World, theme: &Theme) {
        let outer = placed(area, 66, self.items.len() + 5);
        let inner = panes::popup(frame, outer, &self.title, "", theme);
        let muted = theme.style("fg.muted");
        let name = self.items.iter().map(|item| text::width(&item.label)).max().unwrap_or(0).min(40);
        let room = usize::from(inner.width).saturating_sub(name + 4);
        let mut lines = vec![Line::styled(" Leave everything as it is", theme.style("fg"))];
        lines.extend(self.items.iter().map(|item| {
            let label = text::left(&text::safe(&item.label), name);
            match &item.ask {
                Ok(_) => Line::styled(format!(" {label}"), theme.style("fg")),
                Err(why) => Line::from(vec![
                    Span::styled(format!(" {label}  "), muted),
                    Span::styled(text::cut(&text::safe(&format!("({why})")), room), muted),
                ]),
            }
        }));
        let rows = Rect { y: inner.y + 1, height: inner.height.saturating_sub(3), ..inner };
        list::draw(frame, rows, lines, Some((self.at, "selection")), theme);
        let last = Rect { y: inner.bottom().saturating_sub(1), height: 1, ..inner };
        let keys = format!(" {} chooses and asks first, {} leaves", shown_key(Action::MenuChoose), shown_key(Action::MenuLeave));
        panes::lines(frame, last, [Line::styled(keys, muted)]);
    }
}
