//! Shows what somebody should read: why a task waits, what is wrong with a file. Scrolls.

use super::{Dialog, placed};
use crate::{
    model::{Diagnostics, Severity, Why, WhyMark},
    runtime::failure::FailureCard,
    stdx::size,
    tui::{
        actions::{Action, Context},
        keymap::shown_key,
        panes, text,
        theme::Theme,
        views::Intent,
        world::World,
    },
};
use ratatui::{Frame, layout::Rect, text::Line};

/// Lines to read.
#[derive(Debug, Clone)]
pub struct Report {
    title: String,
    lines: Vec<(String, &'static str)>,
    top: usize,
}

impl Report {
    /// The answer to "why".
    pub fn why(why: &Why) -> Self {
        let mut lines = vec![(why.state.replace('_', " "), "title"), (String::new(), "fg")];
        lines.extend(why.lines.iter().map(|line| {
            let (mark, token) = match line.mark {
                WhyMark::Met => ('✓', "ok"),
                WhyMark::Waiting => ('◌', "state.queued"),
                WhyMark::Failed => ('✗', "error"),
                WhyMark::Note => ('·', "fg"),
            };
            (format!("{mark} {}", line.text), token)
        }));
        Self { title: format!("Why?  {}", why.about), lines, top: 0 }
    }

    /// What is wrong with a file.
    pub fn diagnostics(title: String, diagnostics: &Diagnostics) -> Self {
        let mut lines = Vec::new();
        for diagnostic in &diagnostics.0 {
            let token = match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Info => "info",
            };
            let shown = diagnostic.to_string();
            lines.extend(shown.lines().enumerate().map(|(at, line)| (line.to_owned(), if at == 0 { token } else { "fg" })));
            lines.push((String::new(), "fg"));
        }
        if lines.is_empty() {
            lines.push(("nothing is wrong with it".to_owned(), "ok"));
        }
        Self { title, lines, top: 0 }
    }

    /// What is known of a failure, and which keys help.
    pub fn failure(card: &FailureCard) -> Self {
        let peak = card.usage.and_then(|usage| usage.peak());
        let peak = peak.map(|peak| format!(" · {} of memory at its peak", size::short(peak))).unwrap_or_default();
        let attempts = format!("{} of {}{peak}", text::count(card.attempts.0, "attempt"), card.attempts.1);
        let mut lines = vec![(card.cause.clone(), "error"), (attempts, "fg.muted")];
        let mut part = |title: String, token: &'static str, content: Vec<String>| {
            if !content.is_empty() {
                lines.extend([(String::new(), "fg"), (title, "title")]);
                lines.extend(content.into_iter().map(|line| (format!("  {line}"), token)));
            }
        };
        if let Some(good) = &card.since_good {
            let differences = good.differences.iter().map(|d| format!("{}: {} → {}", d.what, d.was, d.is)).collect();
            part(format!("Different from run {}, which succeeded", good.number), "warning", differences);
        }
        let not_passed = if card.not_passed.is_empty() { Vec::new() } else { vec![card.not_passed.join(", ")] };
        part("Set in this terminal, but not passed to tasks (see [engine] pass_env in flowyard.toml)".to_owned(), "warning", not_passed);
        part("Last lines".to_owned(), "fg", card.log.clone());
        let key = |action: Action, what: &str| format!("{} {what}", shown_key(action));
        // Lines of their own, so that no key is broken from what it does.
        let again = [key(Action::Retry, "tries it again"), key(Action::RetryFrom, "it and everything downstream")];
        let or = [key(Action::Skip, "goes on without it"), key(Action::Open, "reads the log"), key(Action::Why, "says why")];
        part("Then, in the run".to_owned(), "fg.muted", vec![again.join(" · "), or.join(" · ")]);
        Self { title: format!("Failure of {}", card.task), lines, top: 0 }
    }

    /// A message that is too long to pass by.
    pub fn message(title: String, message: &str) -> Self {
        Self { title, lines: message.lines().map(|line| (line.to_owned(), "fg")).collect(), top: 0 }
    }

    /// The lines, broken to the width; continued ones are indented like a mark.
    fn wrapped(&self, width: usize) -> Vec<(String, &'static str)> {
        let wrap = |(line, token): &(String, &'static str)| {
            let parts = text::wrap(&text::safe(line), width.saturating_sub(2));
            let token = *token;
            let indent = |(at, part): (usize, String)| (if at == 0 { part } else { format!("  {part}") }, token);
            parts.into_iter().enumerate().map(indent).collect::<Vec<_>>()
        };
        self.lines.iter().flat_map(wrap).collect()
    }

    fn outer(&self, area: Rect) -> Rect {
        let widest = self.lines.iter().map(|(line, _)| text::width(line)).max().unwrap_or(0).max(text::width(&self.title) + 8);
        let width = widest.clamp(40, 96) + 2;
        let room = usize::from(placed(area, width, 1).width).saturating_sub(4);
        placed(area, width, self.wrapped(room).len() + 2)
    }

    fn scroll(&mut self, lines: isize, world: &World) {
        let outer = self.outer(Rect::new(0, 0, world.size.0, world.size.1));
        let shown = usize::from(outer.height.saturating_sub(4));
        let all = self.wrapped(usize::from(outer.width).saturating_sub(4)).len();
        self.top = self.top.saturating_add_signed(lines).min(all.saturating_sub(shown));
    }
}

impl Dialog for Report {
    fn context(&self) -> Context {
        Context::Dialog
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::DialogClose]
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Intent> {
        match action {
            Action::DialogUp => self.scroll(-1, world),
            Action::DialogDown => self.scroll(1, world),
            Action::DialogPageUp => self.scroll(-10, world),
            Action::DialogPageDown => self.scroll(10, world),
            Action::DialogClose => return vec![Intent::CloseDialog],
            _ => {}
        }
        Vec::new()
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, _world: &World, theme: &Theme) {
        let outer = self.outer(area);
        let inner = panes::popup(frame, outer, &self.title, "Esc closes", theme);
        let content = Rect { y: inner.y + 1, height: inner.height.saturating_sub(2), ..inner };
        let wrapped = self.wrapped(usize::from(inner.width));
        let below = wrapped.len().saturating_sub(self.top + usize::from(content.height));
        let lines = wrapped.into_iter().skip(self.top).map(|(line, token)| Line::styled(line, theme.style(token)));
        panes::lines(frame, content, lines);
        if below > 0 {
            let last = Rect { y: inner.bottom().saturating_sub(1), height: 1, ..inner };
            panes::lines(frame, last, [Line::styled(format!("↓ {below} more"), theme.style("fg.muted"))]);
        }
    }
}
