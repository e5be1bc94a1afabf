//! What is known of a trigger: when it fires in words, its rules, and its next fires, with the nights on which clocks change.

use crate::{
    model::{TriggerDef, TriggerKind},
    runtime::scheduler::outlook::{NextFire, TriggerRow},
    stdx::{duration, time::Timestamp, zone::Zone},
    tui::{
        actions::Action,
        keymap::shown_key,
        panes,
        schedule::{fell_due_words, moment, until},
        text,
        theme::Theme,
    },
};
use chrono::Timelike;
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

/// Columns for the names of facts.
const NAME: usize = 9;

/// Draws the pane.
pub fn draw(frame: &mut Frame<'_>, area: Rect, row: &TriggerRow, now: Timestamp, theme: &Theme) {
    let inner = panes::framed(frame, area, row.pipeline.as_str(), row.def.id.as_str(), false, theme);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let width = usize::from(inner.width);
    let mut lines = Vec::new();
    let fell_due = fell_due_words(row).map(|words| ("engine", words, "warning"));
    for (name, value, token) in facts(row, now).into_iter().chain(fell_due) {
        let parts = text::wrap(&text::safe(&value), width.saturating_sub(NAME + 1));
        for (at, part) in parts.into_iter().enumerate() {
            let name = if at == 0 { name } else { "" };
            lines.push(Line::from(vec![
                Span::styled(text::left(name, NAME + 1), theme.style("fg.muted")),
                Span::styled(part, theme.style(token)),
            ]));
        }
    }
    let room = usize::from(inner.height).saturating_sub(lines.len());
    lines.extend(next(row, now, width, theme).into_iter().take(room));
    panes::lines(frame, inner, lines);
}

/// Name, value and token.
fn facts(row: &TriggerRow, now: Timestamp) -> Vec<(&'static str, String, &'static str)> {
    let TriggerDef { kind, overlap, cooldown, .. } = &row.def;
    let mut facts = vec![("when", row.words.clone(), "fg.strong")];
    let mut fact = |name, value: String| facts.push((name, value, "fg"));
    if row.paused {
        fact("state", format!("‖ off: {} turns the triggers of this pipeline on", shown_key(Action::Pause)));
    }
    if let Some(clock) = kind.clock() {
        if let (TriggerKind::Cron { .. }, Ok(zone)) = (kind, clock.timezone.parse::<Zone>()) {
            let there = now.with_timezone(&zone).format("%H:%M %Z");
            fact("zone", if clock.timezone == "UTC" { "UTC".to_owned() } else { format!("{} (now {there})", clock.timezone) });
        }
        if let Some(next) = row.next.first() {
            let long = (next.interval.end - next.interval.start).to_std().unwrap_or_default();
            fact("data", format!("{} to {}, {}", moment(next.interval.start), moment(next.interval.end), duration::exact(long)));
        }
        let missed = match clock.catchup {
            crate::model::Catchup::None => format!("none: only the newest, up to {} late", duration::exact(clock.late_window)),
            crate::model::Catchup::Latest => "latest: the newest, however late".to_owned(),
            crate::model::Catchup::All => format!("all: each, at most {}", clock.max_catchup),
        };
        fact("catchup", missed);
        if matches!(kind, TriggerKind::Cron { .. }) && clock.timezone != "UTC" {
            fact("clocks", format!("dst_gap {} · dst_overlap {}", clock.dst_gap, clock.dst_overlap));
        }
        let bounds = [("from", clock.start_date), ("until", clock.end_date)];
        bounds.into_iter().filter_map(|(name, at)| Some((name, at?))).for_each(|(name, at)| fact(name, moment(at)));
        if !clock.jitter.is_zero() {
            fact("jitter", format!("up to {}", duration::exact(clock.jitter)));
        }
    }
    fact("overlap", format!("{overlap}: {}", overlap_words(*overlap)));
    if let Some(cooldown) = cooldown {
        fact("cooldown", format!("{} between two runs", duration::exact(*cooldown)));
    }
    facts
}

const fn overlap_words(overlap: crate::model::Overlap) -> &'static str {
    match overlap {
        crate::model::Overlap::Skip => "while a run is open it starts none",
        crate::model::Overlap::Queue => "its run waits for the one before",
        crate::model::Overlap::CancelPrevious => "it cancels the open run",
    }
}

/// The fires to come, each with the time on the wall; a sign where a change of the clocks did something to one.
fn next(row: &TriggerRow, now: Timestamp, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let muted = theme.style("fg.muted");
    if row.def.kind.clock().is_none() {
        return Vec::new();
    }
    if row.next.is_empty() {
        return vec![Line::raw(""), Line::styled("it fires no more: its end_date is over", muted)];
    }
    let title = if row.paused { "Next fires, once it is on" } else { "Next fires" };
    let mut lines = vec![Line::raw(""), Line::styled(title, theme.style("title"))];
    lines.extend(row.next.iter().flat_map(|fire| {
        let mut spans = vec![
            Span::styled(text::left(&until(fire.fires_at, now), 11), theme.style(if row.paused { "fg.muted" } else { "fg" })),
            Span::styled(text::left(&wall(fire), 23), theme.style("fg")),
        ];
        let rest = width.saturating_sub(34);
        match fire.note {
            Some(note) => spans.push(Span::styled(text::cut(&format!("± {}", note.words()), rest), theme.style("warning"))),
            None if fire.timezone == "UTC" => {}
            None => spans.push(Span::styled(text::cut(&moment(fire.fires_at), rest), muted)),
        }
        let left_out = fire.left_out_words().map(|words| Line::styled(text::cut(&format!("- {words}"), width), theme.style("warning")));
        left_out.chain([Line::from(spans)]).collect::<Vec<_>>()
    }));
    lines
}

/// What the clock on the wall shows then.
fn wall(fire: &NextFire) -> String {
    let zone = fire.timezone.parse::<Zone>().unwrap_or(Zone::UTC);
    let format = if fire.fires_at.second() == 0 { "%a %-d %b %H:%M %Z" } else { "%a %-d %H:%M:%S %Z" };
    fire.fires_at.with_timezone(&zone).format(format).to_string()
}
