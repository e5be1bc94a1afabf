//! How a pipeline is told: its line in the list, and what is known of it.

use crate::{
    model::{BackfillState, OpenBackfill, PipelineRow, RunState, TaskState},
    stdx::{sanitize, time::Timestamp},
    tui::{
        actions::Action,
        keymap::shown_key,
        list,
        panes::{self, tasks::value_text},
        schedule::{moment, until},
        text,
        theme::Theme,
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

/// Glyph, code and token of a pipeline's state.
pub fn state_of(row: &PipelineRow) -> (char, &'static str, &'static str) {
    let is_off = row.paused && !row.triggers.is_empty();
    match &row.last_run {
        _ if row.error.is_some() => ('!', "ERR", "error"),
        Some(run) if run.paused && !run.state.is_terminal() => ('‖', "PAUSE", "warning"),
        Some(run) if is_off && matches!(run.state, RunState::Success | RunState::Canceled) => ('‖', "OFF", "fg.muted"),
        Some(run) => {
            let look = if run.awaiting > 0 { TaskState::AwaitingApproval.look() } else { run.state.look() };
            (look.glyph, look.code, look.token)
        }
        None if is_off => ('‖', "OFF", "fg.muted"),
        None => ('·', "NEW", "accent"),
    }
}

/// The cells of the list's columns.
pub fn line(row: &PipelineRow, fitted: &[(usize, usize)], now: Timestamp, theme: &Theme) -> Line<'static> {
    let (glyph, code, token) = state_of(row);
    let muted = theme.style("fg.muted");
    let last = match (&row.error, &row.last_run) {
        (Some(error), _) => (text::safe(error), theme.style("error")),
        (None, Some(run)) => (last_run(run, now), theme.style("fg")),
        (None, None) => ("never ran".to_owned(), muted),
    };
    let headline = row.headline.as_ref().map(|headline| format!("{} {}", value_text(&headline.value), headline.name));
    let cells = [
        (format!("{glyph} {code}"), theme.style(token)),
        (text::safe(row.pipeline.as_str()), theme.style("fg")),
        (String::new(), Style::default()),
        last,
        (text::safe(&headline.unwrap_or_else(|| "-".to_owned())), theme.style(if row.headline.is_some() { "fg" } else { "fg.muted" })),
        (next(row, now), muted),
    ];
    let mut line = list::row(&cells, fitted);
    if row.error.is_some() {
        let rest = fitted.iter().filter(|(column, _)| *column > 1).map(|(_, width)| width + 1).sum::<usize>();
        line.spans.truncate(4);
        line.spans.push(Span::styled(text::cut(&cells[3].0, rest.saturating_sub(1)), theme.style("error")));
        return line;
    }
    if let Some(at) = fitted.iter().position(|&(column, _)| column == 2) {
        line.spans.splice(2 * at..=2 * at, strip(row, theme));
    }
    line
}

/// The states of the last ten runs, newest right.
fn strip(row: &PipelineRow, theme: &Theme) -> Vec<Span<'static>> {
    let known = row.recent.len().min(10);
    let dots = (known..10).map(|_| Span::styled("·", theme.style("edge.dim")));
    let awaits = row.last_run.as_ref().is_some_and(|run| run.awaiting > 0);
    let looks = row.recent[row.recent.len() - known..].iter().enumerate().map(|(at, state)| {
        let look = if awaits && at + 1 == known { TaskState::AwaitingApproval.look() } else { state.look() };
        Span::styled(look.glyph.to_string(), theme.style(look.token))
    });
    dots.chain(looks).collect()
}

fn last_run(run: &crate::model::LastRun, now: Timestamp) -> String {
    match run.ended_at {
        Some(end) => format!("{:>6}  {}", text::took(Some(run.created_at), Some(end), now), text::ago(end, now)),
        None => {
            let watched = if run.watched { format!(" {}", text::WATCHED) } else { String::new() };
            format!("{:>6}  {}/{}{watched}", text::took(Some(run.created_at), None, now), run.progress.0, run.progress.1)
        }
    }
}

fn next(row: &PipelineRow, now: Timestamp) -> String {
    if let Some(open) = &row.backfill {
        return format!("backfill {}/{}{}", open.progress.over(), open.progress.total(), paused(open));
    }
    match (row.next_fire, row.triggers.first()) {
        (Some(at), _) if (at - now).num_hours() < 24 => format!("{}  {}", until(at, now), at.format("%H:%MZ")),
        (Some(at), _) => at.format("%a %-d %b %H:%MZ").to_string(),
        (None, Some(trigger)) if row.paused => format!("{} (off)", text::safe(trigger)),
        (None, Some(trigger)) => text::safe(trigger),
        (None, None) => "manual".to_owned(),
    }
}

fn paused(open: &OpenBackfill) -> &'static str {
    if open.state == BackfillState::Paused { " (paused)" } else { "" }
}

/// What is known of the selected pipeline.
pub fn about(frame: &mut Frame<'_>, area: Rect, row: &PipelineRow, now: Timestamp, theme: &Theme) {
    let inner = panes::framed(frame, area, row.pipeline.as_str(), &row.file, false, theme);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let width = usize::from(inner.width);
    let muted = theme.style("fg.muted");
    if let Some(error) = &row.error {
        let words = text::wrap(&text::safe(error), width).into_iter().map(|line| Line::styled(line, theme.style("error")));
        let hint = format!("{} shows everything that is wrong with it", shown_key(Action::Open));
        return panes::lines(frame, inner, words.chain([Line::styled(hint, muted)]));
    }
    let mut lines = Vec::new();
    let mut fact = |name: &str, value: Line<'static>| {
        let mut line = value;
        line.spans.insert(0, Span::styled(format!("{name:<9} "), muted));
        lines.push(line);
    };
    let plain = |value: &str| Line::styled(text::cut(&text::safe(value), width.saturating_sub(10)), theme.style("fg"));
    if !row.description.is_empty() {
        // As the command line shows it, with colours visible as what they are.
        fact("about", plain(&sanitize::line(&row.description)));
    }
    if let Some(run) = &row.last_run {
        let look = if run.awaiting > 0 { TaskState::AwaitingApproval.look() } else { run.state.look() };
        fact(
            "run",
            Line::from(vec![
                Span::styled(format!("{}  ", run.number), theme.style("fg")),
                Span::styled(format!("{} {}", look.glyph, look.code), theme.style(look.token)),
                Span::styled(
                    format!("  {} of {}  {}", run.progress.0, text::count(run.progress.1 as usize, "task"), text::ago(run.created_at, now)),
                    muted,
                ),
            ]),
        );
    }
    if let Some(headline) = &row.headline {
        fact("headline", plain(&format!("{} {}", headline.name, value_text(&headline.value))));
    }
    if let Some(open) = &row.backfill {
        fact("backfill", plain(&format!("{}{}  ({})", open.progress.words(), paused(open), open.stretch)));
    }
    let triggers = match (row.triggers.is_empty(), row.paused) {
        (true, _) => format!("none: {} starts a run", shown_key(Action::Trigger)),
        (false, true) => format!("{}  ‖ off: {} turns them on", row.triggers.join(", "), shown_key(Action::Pause)),
        (false, false) => row.triggers.join(", "),
    };
    fact("triggers", plain(&triggers));
    if let Some(at) = row.next_fire {
        fact("next", plain(&format!("{}: {}, {} shows all", until(at, now), moment(at), shown_key(Action::PlaceSchedule))));
    }
    for (name, value) in [("owner", row.owner.clone()), ("tags", row.tags.join(", "))] {
        if !value.is_empty() {
            fact(name, plain(&value));
        }
    }
    panes::lines(frame, inner, lines);
}
