//! Asks before something is done that cannot be taken back. Enter is always the safe answer.

use super::{Dialog, placed};
use crate::tui::{
    actions::{Action, Context},
    keymap::shown_key,
    panes, text,
    theme::Theme,
    views::Intent,
    world::{Ask, World},
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

/// One thing that can be done.
#[derive(Debug, Clone)]
pub struct Choice {
    /// The action whose key does it.
    pub action: Action,
    /// What it says.
    pub label: String,
    /// What is asked then.
    pub ask: Ask,
}

/// A question.
#[derive(Debug, Clone)]
pub struct Confirm {
    title: String,
    lines: Vec<String>,
    safe: &'static str,
    choices: Vec<Choice>,
}

impl Confirm {
    /// Asks `title`, says in `lines` what will happen; `safe` leaves everything as it is.
    pub const fn new(title: String, lines: Vec<String>, safe: &'static str, choices: Vec<Choice>) -> Self {
        Self { title, lines, safe, choices }
    }

    fn buttons(&self, theme: &Theme) -> Line<'static> {
        let mut spans = vec![Span::styled(format!(" {} ", self.safe), theme.style("selection")), Span::raw("   ")];
        for choice in &self.choices {
            spans.push(Span::styled(format!("[ {}", shown_key(choice.action)), theme.style("hint.key")));
            spans.push(Span::styled(format!("  {} ]   ", text::safe(&choice.label)), theme.style("fg")));
        }
        Line::from(spans)
    }
}

impl Dialog for Confirm {
    fn context(&self) -> Context {
        Context::Confirm
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::No, Action::Yes]
    }

    fn act(&mut self, action: Action, _world: &World) -> Vec<Intent> {
        let chosen = self.choices.iter().find(|choice| choice.action == action);
        match (chosen, action) {
            (Some(choice), _) => vec![Intent::CloseDialog, Intent::Ask(choice.ask.clone())],
            (None, Action::No) => vec![Intent::CloseDialog],
            _ => Vec::new(),
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, _world: &World, theme: &Theme) {
        let buttons = self.buttons(theme);
        let widest = self.lines.iter().map(|line| text::width(line)).max().unwrap_or(0).max(buttons.width()).max(48);
        let outer = placed(area, widest, self.lines.len() + 5);
        let inner = panes::popup(frame, outer, &self.title, "", theme);
        let width = usize::from(inner.width);
        let mut lines = vec![Line::raw("")];
        lines.extend(self.lines.iter().map(|line| Line::styled(text::cut(&text::safe(line), width), theme.style("fg"))));
        lines.extend([Line::raw(""), buttons]);
        lines.push(Line::raw(""));
        lines.push(Line::styled(text::cut("Enter changes nothing", width), theme.style("fg.muted")));
        panes::lines(frame, inner, lines);
    }
}
