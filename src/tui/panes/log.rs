//! A log in a frame: whose it is, what of it is hidden, the visible lines, where one is, how its attempt ended.

use super::{framed, tasks};
use crate::{
    model::{AttemptSnapshot, TaskSnapshot},
    runtime::book::Level,
    tui::{
        logs::{LogPanel, grouped, talk::LogAnswer},
        text,
        theme::Theme,
        world::{LogKey, LogTarget, RunData},
    },
};
use ratatui::{Frame, layout::Rect, text::Line};

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

/// Most attempts whose logs are shown as one: each has three files open.
const MOST_ATTEMPTS: usize = 100;

/// The logs of all attempts of a run, the newest if there are too many, in the order in which they began; and their names.
pub fn all_targets(data: &RunData) -> (Vec<LogTarget>, Vec<String>) {
    let attempts = data.tasks.iter().enumerate().flat_map(|(at, task)| task.attempts.iter().map(move |attempt| (at, task, attempt)));
    let mut attempts: Vec<_> = attempts.collect();
    attempts.sort_by_key(|(_, _, attempt)| attempt.created_at.or(attempt.started_at));
    let newest = attempts.split_off(attempts.len().saturating_sub(MOST_ATTEMPTS));
    let name = |task: &TaskSnapshot, attempt: u32| {
        let name = text::safe(task.task.as_str());
        if attempt > 1 { format!("{}#{attempt}", text::cut(&name, 11)) } else { name }
    };
    newest.iter().filter_map(|(at, task, attempt)| Some((target(data, *at, Some(attempt.attempt))?, name(task, attempt.attempt)))).unzip()
}

/// What a log pane shows.
pub struct LogPane<'a> {
    /// The task; `None`: all of the run.
    pub task: Option<&'a TaskSnapshot>,
    /// Which attempt; the newest if not said.
    pub attempt: Option<u32>,
    /// The log.
    pub panel: &'a LogPanel,
    /// Whether it has the keys.
    pub focused: bool,
}

impl LogPane<'_> {
    /// Where the lines are when the pane is there.
    pub const fn inside(area: Rect) -> Rect {
        Rect { x: area.x + 1, y: area.y + 1, width: area.width.saturating_sub(2), height: area.height.saturating_sub(2) }
    }

    /// Draws the pane.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let inner = Self::inside(area);
        framed(frame, area, &self.title(), &self.status(inner), self.focused, theme);
        let words = Rect { x: inner.x + 1, width: inner.width.saturating_sub(1), ..inner };
        let Some(told) = self.panel.told() else {
            let nothing = if self.panel.names.is_empty() { self.task.is_some_and(|task| task.attempts.is_empty()) } else { false };
            let text = if nothing { "no attempt yet, so no log" } else { "reading…" };
            return super::lines(frame, words, [Line::styled(text, theme.style("fg.muted"))]);
        };
        let used = self.panel.draw(frame, inner, theme);
        let below = Rect { y: words.y + used, height: words.height.saturating_sub(used), ..words };
        if let Some(line) = self.last_words(told, used > 0) {
            super::lines(frame, below, [Line::styled(line, theme.style(if told.trouble.is_some() { "error" } else { "fg.muted" }))]);
        }
    }

    fn title(&self) -> String {
        let mut parts = vec!["Log".to_owned()];
        match self.task {
            Some(task) => {
                parts.push(task.task.to_string());
                parts.extend(
                    chosen(task, self.attempt).map(|attempt| format!("attempt {} {}", attempt.attempt, attempt.state.look().glyph)),
                );
            }
            None => parts.push(format!("all tasks · {}", text::count(self.panel.names.len(), "attempt"))),
        }
        let sieve = &self.panel.sieve;
        if sieve.level > Level::Debug {
            parts.push(format!("min {}", sieve.level.word()));
        }
        if !sieve.filter.is_empty() {
            parts.push(format!("filter: {}", text::cut(&text::safe(&sieve.filter), 24)));
        }
        parts.extend(self.panel.told().and_then(hidden));
        parts.join(" · ")
    }

    fn status(&self, inner: Rect) -> String {
        let Some(told) = self.panel.told() else { return String::new() };
        let mut parts = vec![self.panel.mode(self.panel.measure(inner))];
        if self.panel.options.wrap {
            parts.push("wrap".to_owned());
        }
        if self.panel.position.left > 0 && !self.panel.options.wrap {
            parts.push(format!("column {}", self.panel.position.left + 1));
        }
        if told.indexed {
            parts.push(format!("{} line{}", grouped(told.lines), if told.lines == 1 { "" } else { "s" }));
        } else if told.trouble.is_none() {
            parts.push(percent(told));
        }
        parts.join(" · ")
    }

    /// Below the last line: how the attempt ended, why nothing can be read, or that nothing is there.
    fn last_words(&self, told: &LogAnswer, any: bool) -> Option<String> {
        if let Some(trouble) = &told.trouble {
            return Some(format!("cannot be read: {}", text::safe(trouble)));
        }
        let attempt = self.task.and_then(|task| chosen(task, self.attempt));
        match attempt {
            _ if !any && !told.indexed => Some(percent(told)),
            _ if !any && !told.sieve.is_all() && told.lines > 0 => {
                Some("no line passes: < lowers the level, & changes the filter".to_owned())
            }
            Some(attempt) if told.ended && told.to_end && attempt.state.is_terminal() => {
                // A log that was cleaned up is as empty as one that never was.
                let empty = if told.bytes.0 == 0 { " · its log is empty, or was cleaned up" } else { "" };
                Some(format!("-- end of attempt {} · {}{empty} --", attempt.attempt, tasks::ending(attempt)))
            }
            _ if !any => Some("nothing written yet".to_owned()),
            _ => None,
        }
    }
}

/// How far the index is.
fn percent(told: &LogAnswer) -> String {
    let (all, indexed) = told.bytes;
    format!("reading… {} %", indexed.min(all) * 100 / all.max(1))
}

/// How many lines are not shown.
fn hidden(told: &LogAnswer) -> Option<String> {
    let shown = told.shown?;
    if !shown.done {
        return Some("counting…".to_owned());
    }
    Some(format!("{} hidden", grouped(told.lines.saturating_sub(shown.lines))))
}
