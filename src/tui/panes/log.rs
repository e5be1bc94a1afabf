//! The log of an attempt in a frame: the visible lines, where one is, how it ended.

use super::{framed, tasks};
use crate::{
    model::{AttemptSnapshot, TaskSnapshot},
    tui::{
        logs::{LogBuffer, LogScroll},
        text,
        theme::Theme,
        world::{LogKey, LogTarget, RunData},
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

/// The log of an attempt to follow: the one of that number, or the newest.
pub fn target(data: &RunData, task: usize, attempt: Option<u32>) -> Option<LogTarget> {
    let (run, task) = (data.run.as_ref()?, data.tasks.get(task)?);
    let attempt = chosen(task, attempt)?;
    Some(LogTarget {
        key: LogKey { run: run.run_id.clone(), task: task.task.clone(), attempt: attempt.attempt },
        folder: attempt.stdout.parent()?.to_owned(),
        live: !attempt.state.is_terminal(),
    })
}

/// The attempt of that number, or the newest.
pub fn chosen(task: &TaskSnapshot, attempt: Option<u32>) -> Option<&AttemptSnapshot> {
    attempt.and_then(|number| task.attempts.iter().find(|a| a.attempt == number)).or_else(|| task.last_attempt())
}

/// The attempt after or before the one of that number.
pub fn beside(task: &TaskSnapshot, number: u32, forward: bool) -> Option<u32> {
    let at = task.attempts.iter().position(|attempt| attempt.attempt == number)?;
    let at = if forward { at + 1 } else { at.checked_sub(1)? };
    task.attempts.get(at).map(|attempt| attempt.attempt)
}

/// What a log pane shows.
pub struct LogPane<'a> {
    /// The task.
    pub task: Option<&'a TaskSnapshot>,
    /// Which attempt; the newest if not said.
    pub attempt: Option<u32>,
    /// The lines, if they are of that attempt.
    pub log: Option<&'a LogBuffer>,
    /// Where one is in them.
    pub scroll: &'a LogScroll,
    /// Whether it has the keys.
    pub focused: bool,
}

impl LogPane<'_> {
    /// Where the lines are when the pane is there.
    pub const fn inside(area: Rect) -> Rect {
        Rect { x: area.x + 2, y: area.y + 1, width: area.width.saturating_sub(4), height: area.height.saturating_sub(2) }
    }

    /// Draws the pane.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let inner = Self::inside(area);
        framed(frame, area, &self.title(), &self.status(inner), self.focused, theme);
        let Some(log) = self.log.filter(|log| self.is_shown(log)) else {
            let words = if self.task.is_some_and(|task| task.attempts.is_empty()) { "no attempt yet, so no log" } else { "reading…" };
            super::lines(frame, inner, [Line::styled(words, theme.style("fg.muted"))]);
            return;
        };
        self.scroll.draw(frame, inner, log, theme);
        self.end(frame, inner, log, theme);
    }

    fn is_shown(&self, log: &LogBuffer) -> bool {
        let attempt = self.task.and_then(|task| chosen(task, self.attempt)).map(|a| a.attempt);
        self.task.is_some_and(|task| task.task == log.key.task) && attempt == Some(log.key.attempt)
    }

    fn title(&self) -> String {
        let Some(task) = self.task else { return "Log".to_owned() };
        match chosen(task, self.attempt) {
            Some(attempt) => format!("Log · {} · attempt {} {}", task.task, attempt.attempt, attempt.state.look().glyph),
            None => format!("Log · {}", task.task),
        }
    }

    fn status(&self, inner: Rect) -> String {
        let Some(log) = self.log.filter(|log| self.is_shown(log)) else { return String::new() };
        let mut parts = vec![self.scroll.status(log, inner)];
        if self.scroll.wrap {
            parts.push("wrap".to_owned());
        }
        parts.push(text::count(log.end(), "line"));
        if log.skipped > 0 {
            parts.push(format!("{} MiB above", log.skipped.div_ceil(1 << 20)));
        }
        parts.join(" · ")
    }

    /// Below the last line: how the attempt ended, if there is room and nothing more will come.
    fn end(&self, frame: &mut Frame<'_>, inner: Rect, log: &LogBuffer, theme: &Theme) {
        let used = log.end() - log.start();
        let Some(attempt) = self.task.and_then(|task| chosen(task, self.attempt)) else { return };
        let room = usize::from(inner.height);
        let below = Rect { y: inner.y + u16::try_from(used.min(room)).unwrap_or(0), ..inner };
        let below = Rect { height: inner.bottom().saturating_sub(below.y), ..below };
        let line = match (&log.trouble, used) {
            (Some(trouble), _) => Span::styled(format!("cannot be read: {}", text::safe(trouble)), theme.style("error")),
            (None, _) if attempt.state.is_terminal() && log.ended => {
                Span::styled(format!("-- end of attempt {} · {} --", attempt.attempt, tasks::ending(attempt)), theme.style("fg.muted"))
            }
            (None, 0) => Span::styled("nothing written yet", theme.style("fg.muted")),
            _ => return,
        };
        super::lines(frame, below, [Line::from(line)]);
    }
}
