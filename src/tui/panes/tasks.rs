//! The tasks of a run as a list, and what is known of the selected one.

use super::framed;
use crate::{
    model::{
        AttemptSnapshot, AttemptState, GateLine, TaskSnapshot, TaskState,
        state::{CACHED_LOOK, Look},
    },
    stdx::{duration, signals::signal_name, size, time::Timestamp},
    tui::{
        actions::Action,
        graphs::{CODE, TIME},
        keymap::shown_key,
        list::{self, ListState},
        text,
        theme::Theme,
        world::RunData,
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

/// How a task instance looks.
pub const fn look(task: &TaskSnapshot) -> Look {
    if task.cached && matches!(task.state, TaskState::Success) { CACHED_LOOK } else { task.state.look() }
}

/// Its name; of a mapped task with the number of the instance.
pub fn name(task: &TaskSnapshot) -> String {
    let name = text::safe(task.task.as_str());
    task.map_index.map_or_else(|| name.clone(), |index| format!("{name}[{index}]"))
}

/// How long its last attempt took, or takes.
pub fn time(task: &TaskSnapshot, now: Timestamp) -> String {
    let (start, end) = task.span().unzip();
    text::took(start, end.flatten(), now)
}

/// How many tasks look how: `✓5 ⊜1 ✗1 ▸1 ◌2`.
pub fn counts(looks: &[(Look, usize)]) -> String {
    let shown: Vec<_> = looks.iter().map(|(look, n)| format!("{}{n}", look.glyph)).collect();
    shown.join(" ")
}

/// How many tasks look how; only looks that some have.
pub fn counted<'a>(tasks: impl Iterator<Item = &'a TaskSnapshot>) -> Vec<(Look, usize)> {
    counted_looks(tasks.map(look))
}

/// The same of looks.
pub fn counted_looks(found: impl Iterator<Item = Look>) -> Vec<(Look, usize)> {
    use TaskState::{AwaitingApproval, Canceled, Failed, Lost, Pending, Queued, Running, Skipped, Success, UpForRetry, UpstreamFailed};
    let order = [Failed, Lost, UpstreamFailed, Canceled, Skipped, AwaitingApproval, UpForRetry, Running, Queued, Pending];
    let looks = [Success.look(), CACHED_LOOK].into_iter().chain(order.into_iter().map(TaskState::look));
    let mut counted: Vec<(Look, usize)> = looks.map(|wanted| (wanted, 0)).collect();
    for found in found {
        if let Some((_, n)) = counted.iter_mut().find(|(wanted, _)| *wanted == found) {
            *n += 1;
        }
    }
    counted.retain(|(_, n)| *n > 0);
    counted
}

/// The list and the detail of the selected task.
#[derive(Debug, Clone, Copy)]
pub struct TasksPane {
    /// Where the list is looked at.
    pub list: ListState,
    /// Whether it has the keys.
    pub focused: bool,
}

impl TasksPane {
    /// Rows of the list when the pane is so large: the detail gets what is left, but something if there is any room.
    pub fn rows(area: Rect, tasks: usize) -> usize {
        let inner = usize::from(area.height.saturating_sub(2));
        let detail = if inner >= 9 { (inner / 2).clamp(4, 12) } else { 0 };
        inner.saturating_sub(detail).min(tasks.max(1))
    }

    /// Draws the pane. `selected` is a position in order of declaration.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, data: &RunData, selected: usize, now: Timestamp, theme: &Theme) {
        let inner = framed(frame, area, "Tasks", &counts(&data.tally().looks), self.focused, theme);
        let height = Self::rows(area, data.tasks.len());
        let window = self.list.window(data.tasks.len(), height);
        let rows = data.graph.order.get(window.clone()).unwrap_or_default();
        let width = usize::from(inner.width).saturating_sub(1);
        let lines = rows.iter().filter_map(|&position| data.tasks.get(position)).map(|task| row(task, width, now, theme));
        let at = rows.iter().position(|&position| position == selected);
        let token = if self.focused { "selection" } else { "selection.inactive" };
        let [list_area, detail_area] = split(inner, height);
        list::draw(frame, list_area, lines, at.map(|at| (at, token)), theme);
        if let Some(task) = data.tasks.get(selected).filter(|_| detail_area.height > 0) {
            let beyond = Line::styled(format!("  {}", self.list.beyond(data.tasks.len(), height)), theme.style("fg.muted"));
            super::lines(frame, Rect { y: list_area.bottom(), height: 1, ..inner }, [beyond]);
            let room = Rect { x: detail_area.x + 1, width: detail_area.width.saturating_sub(2), ..detail_area };
            let mut known = detail(task, data, usize::from(room.width), now, theme);
            if known.len() > usize::from(room.height) {
                known.truncate(usize::from(room.height));
                let last = known.pop().map(|last| shortened(last, usize::from(room.width)));
                known.extend(last);
            }
            super::lines(frame, room, known);
        }
    }
}

/// A line after which there is more than is shown.
fn shortened(line: Line<'static>, width: usize) -> Line<'static> {
    let Line { mut spans, .. } = line;
    if let Some(last) = spans.pop() {
        let room = width.saturating_sub(spans.iter().map(Span::width).sum());
        spans.push(Span::styled(text::cut(&format!("{} …", last.content), room), last.style));
    }
    Line { spans, ..line }
}

fn split(inner: Rect, rows: usize) -> [Rect; 2] {
    let rows = u16::try_from(rows).unwrap_or(u16::MAX).min(inner.height);
    let below = (rows + 1).min(inner.height);
    [Rect { height: rows, ..inner }, Rect { y: inner.y + below, height: inner.height - below, ..inner }]
}

fn row(task: &TaskSnapshot, width: usize, now: Timestamp, theme: &Theme) -> Line<'static> {
    let look = look(task);
    let name = width.saturating_sub(2 + 1 + CODE + 1 + 1 + TIME + 1);
    Line::from(vec![
        Span::styled(format!(" {} {:<CODE$} ", look.glyph, look.code), theme.style(look.token)),
        Span::styled(text::left(&self::name(task), name), theme.style("fg")),
        Span::styled(format!(" {}", text::right(&time(task, now), TIME)), theme.style("fg.muted")),
    ])
}

/// As many attempts are listed, newest first; `(` and `)` walk through the logs of all.
const ATTEMPTS: usize = 4;

/// What is known of a task, most important first, in lines of at most `width`.
pub fn detail(task: &TaskSnapshot, data: &RunData, width: usize, now: Timestamp, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = vec![heading(task, width, theme)];
    let mut say = |content: String, token: &str| {
        let style = theme.style(token);
        lines.extend(text::wrap(&text::safe(&content), width).into_iter().map(|line| Line::styled(line, style)));
    };
    say(summary(task, data, now), "fg.muted");
    if let Some(progress) = data.progress.get(&task.task).filter(|_| task.state == TaskState::Running) {
        say(bar(*progress, width), "state.running");
    }
    if let Some(message) = &task.message {
        say(message.clone(), if task.state == TaskState::Failed { "error" } else { "fg" });
    }
    for attempt in task.attempts.iter().rev().filter(|_| task.attempts.len() > 1).take(ATTEMPTS) {
        say(attempt_line(attempt, now), "fg.muted");
    }
    if let Some(card) = data.card(task) {
        if let Some(peak) = card.usage.and_then(|usage| usage.peak()) {
            say(format!("peak memory {}", size::short(peak)), "fg.muted");
        }
        if let Some(good) = card.since_good.as_ref().filter(|good| !good.differences.is_empty()) {
            let what = good.differences.iter().map(|d| d.what.as_str()).collect::<Vec<_>>().join(", ");
            say(format!("differs from run {}: {what}", good.number), "warning");
        }
        if !card.not_passed.is_empty() {
            say(format!("not passed: {}", card.not_passed.join(", ")), "warning");
        }
        say(format!("{} shows what is known", shown_key(Action::Failure)), "fg.muted");
    }
    let said = |gate: &&GateLine| task.message.as_ref().is_some_and(|message| message.contains(&gate.measured));
    for gate in task.gates.iter().filter(|gate| !said(gate)) {
        let mark = if gate.passed { '✓' } else { '✗' };
        say(format!("{mark} {}", gate.expression), if gate.passed { "ok" } else { "error" });
        say(format!("  {}", gate.measured), "fg.muted");
    }
    if !task.metrics.is_empty() {
        let metrics: Vec<_> = task.metrics.iter().map(|(name, value)| format!("{name} {}", value_text(value))).collect();
        say(metrics.join(" · "), "fg");
    }
    if !task.output_parameters.is_empty() {
        let values: Vec<_> = task.output_parameters.iter().map(|(name, value)| format!("{name}={}", value_text(value))).collect();
        say(format!("out {}", values.join(" ")), "fg.muted");
    }
    lines
}

/// `#2 exit 1 · 4.0s · peak 1.5 GiB · cpu 3.1s`.
fn attempt_line(attempt: &AttemptSnapshot, now: Timestamp) -> String {
    let mut line = format!("#{} {} · {}", attempt.attempt, ending(attempt), text::took(attempt.started_at, attempt.ended_at, now));
    if let Some(usage) = attempt.usage {
        let cpu = duration::short(std::time::Duration::from_millis(usage.cpu_millis));
        let peak = usage.peak().map(|peak| format!(" · peak {}", size::short(peak))).unwrap_or_default();
        line.push_str(&format!("{peak} · cpu {cpu}"));
    }
    line
}

fn heading(task: &TaskSnapshot, width: usize, theme: &Theme) -> Line<'static> {
    let attempts = task.attempts.len();
    let tries = match (attempts, usize::try_from(task.max_attempts).unwrap_or(0)) {
        (0, _) => String::new(),
        (n, most) if n <= most => format!("attempt {n}/{most}"),
        (n, _) => format!("attempt {n}"),
    };
    let name = text::cut(&name(task), width.saturating_sub(tries.len() + 2));
    Line::from(vec![Span::styled(name, theme.style("title")), Span::styled(format!("  {tries}"), theme.style("fg.muted"))])
}

/// One sentence: `exit 1 · 2.9s · local`, or what it waits for.
fn summary(task: &TaskSnapshot, data: &RunData, now: Timestamp) -> String {
    let open: Vec<_> = task
        .upstream
        .iter()
        .filter_map(|id| data.position(id).map(|at| &data.tasks[at]))
        .filter(|up| !matches!(up.state, TaskState::Success | TaskState::Skipped))
        .map(|up| format!("{} {}", look(up).glyph, up.task))
        .collect();
    let mut parts = Vec::new();
    match task.state {
        TaskState::Pending if !open.is_empty() => parts.push(format!("waits for {}", open.join(", "))),
        TaskState::UpstreamFailed if !open.is_empty() => parts.push(format!("not run: {}", open.join(", "))),
        TaskState::Queued => parts.push(format!("in the queue ({} tells what it waits for)", shown_key(Action::Why))),
        TaskState::AwaitingApproval => parts.push(format!("waits for a person: {} approves or rejects it", shown_key(Action::Approve))),
        TaskState::UpForRetry => match task.retry_at {
            Some(at) => parts.push(format!("next attempt at {}", at.format("%H:%M:%SZ"))),
            None => parts.push("next attempt soon".to_owned()),
        },
        _ => {}
    }
    if let Some(attempt) = task.last_attempt() {
        parts.push(ending(attempt));
        parts.push(time(task, now));
        parts.push(attempt.executor.clone());
    }
    if let Some(reason) = task.reason.filter(|_| task.attempts.is_empty()) {
        parts.push(reason.word().replace('_', " "));
    }
    parts.retain(|part| !part.is_empty());
    if parts.is_empty() { task.state.word().replace('_', " ") } else { parts.join(" · ") }
}

/// How an attempt ended: `exit 1`, `signal 9 (SIGKILL)`, `running`.
pub fn ending(attempt: &AttemptSnapshot) -> String {
    match (attempt.exit_code, attempt.signal, attempt.state) {
        (_, _, AttemptState::TimedOut) => "timed out".to_owned(),
        (Some(code), _, _) => format!("exit {code}"),
        (None, Some(signal), _) => format!("signal {}", signal_name(signal)),
        (None, None, state) => match attempt.reason.filter(|_| state.is_terminal()) {
            Some(reason) => reason.word().replace('_', " "),
            None => state.word().replace('_', " "),
        },
    }
}

fn bar(progress: f64, width: usize) -> String {
    let room = width.saturating_sub(6).min(30);
    let part = progress.clamp(0.0, 1.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let (full, percent) = ((part * room as f64).round() as usize, (part * 100.0).floor() as usize);
    format!("{}{} {percent:>3}%", "█".repeat(full), "░".repeat(room - full))
}

/// A value as people read it: numbers short, texts bare.
pub fn value_text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Number(number) if number.is_f64() => {
            let number = number.as_f64().unwrap_or_default();
            if number != 0.0 && number.abs() < 0.001 { format!("{number:.2e}") } else { trimmed(number) }
        }
        other => other.to_string(),
    }
}

fn trimmed(number: f64) -> String {
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_short() {
        assert_eq!(value_text(&json!(0.741_352)), "0.7414");
        assert_eq!(value_text(&json!(0.000_012)), "1.20e-5");
        assert_eq!(value_text(&json!(2.0)), "2");
        assert_eq!(value_text(&json!("text")), "text");
    }

    #[test]
    fn the_bar_never_overflows() {
        assert_eq!(bar(0.5, 16), "█████░░░░░  50%");
        assert_eq!(bar(7.0, 16), "██████████ 100%");
        assert_eq!(bar(f64::NAN, 6), "   0%");
    }
}
