//! What became of the fires of a trigger: counted by days in a calendar, and the last ones each with its reason.

use crate::{
    model::{Firing, Outcome},
    runtime::scheduler::outlook::Day,
    stdx::time::Timestamp,
    tui::{
        list::{self, Column, ListState},
        panes,
        schedule::{self, Past, look, moment},
        text,
        theme::Theme,
    },
};
use chrono::{Datelike, NaiveDate};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

const COLUMNS: &[Column<'_>] = &[
    Column { title: "FOR", width: 17, grows: false, drop: 0 },
    Column { title: "OUTCOME", width: 14, grows: false, drop: 0 },
    Column { title: "RUN", width: 6, grows: false, drop: 0 },
    Column { title: "WHY", width: 12, grows: true, drop: 1 },
];

/// Lines for what is to be read of the selected fire.
const READ: u16 = 2;
/// Worst first: what a day with little room shows.
const WORST_FIRST: [Outcome; 5] = [Outcome::Failed, Outcome::Missed, Outcome::OverCap, Outcome::Skipped, Outcome::Started];

/// Where the parts of the pane are.
struct Layout {
    weeks: usize,
    list: Rect,
    read: Rect,
}

/// The calendar takes its heading, its weeks and a line of sums, as far as that leaves a few lines for the list.
fn layout(inner: Rect, focused: bool) -> Layout {
    let weeks = usize::from(inner.height.saturating_sub(8)).min(schedule::WEEKS);
    let calendar = if weeks == 0 { 0 } else { u16::try_from(weeks + 2).unwrap_or(0) };
    let read = if focused && inner.height >= calendar + READ + 3 { READ } else { 0 };
    let below = Rect { y: inner.y + calendar, height: inner.height - calendar, ..inner };
    let list = Rect { height: below.height - read, ..below };
    Layout { weeks, list, read: Rect { y: list.bottom(), height: read, ..below } }
}

/// Rows of the list.
pub fn rows(area: Rect, focused: bool) -> usize {
    let inner = Rect { height: area.height.saturating_sub(2), width: area.width.saturating_sub(2), ..area };
    usize::from(layout(inner, focused).list.height.saturating_sub(1))
}

/// Draws the pane; `past` is of the selected trigger, or was not read yet.
pub fn draw(frame: &mut Frame<'_>, area: Rect, past: Option<&Past>, at: ListState, focused: bool, now: Timestamp, theme: &Theme) {
    let right = past.and_then(|past| Some(range(past.days.first()?.date, past.days.last()?.date))).unwrap_or_default();
    let inner = panes::framed(frame, area, "Past fires", &right, focused, theme);
    let muted = theme.style("fg.muted");
    let Some(past) = past else { return panes::lines(frame, inner, [Line::styled("  reading what became of its fires…", muted)]) };
    let layout = layout(inner, focused);
    if layout.weeks > 0 {
        calendar(frame, inner, &past.days[past.days.len().saturating_sub(7 * layout.weeks)..], now, theme);
    }
    fires(frame, layout.list, past, at, focused, theme);
    if let Some(fire) = past.fires.get(at.selected).filter(|_| layout.read.height > 0) {
        let words = text::wrap(&text::safe(&schedule::fire_words(fire, now)), usize::from(layout.read.width).saturating_sub(2));
        let read = Rect { x: layout.read.x + 1, width: layout.read.width.saturating_sub(2), ..layout.read };
        panes::lines(frame, read, words.into_iter().map(|line| Line::styled(line, muted)));
    }
}

fn range(first: NaiveDate, last: NaiveDate) -> String {
    format!("{} – {}, days of UTC", first.format("%-d %b"), last.format("%-d %b"))
}

/// A line for each week, and below them how many fires came to what.
fn calendar(frame: &mut Frame<'_>, inner: Rect, days: &[Day], now: Timestamp, theme: &Theme) {
    let width = usize::from(inner.width).saturating_sub(1) / 7;
    let heads = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].map(|day| text::left(&format!("  {day}"), width));
    let mut lines = vec![Line::styled(format!(" {}", heads.concat()), theme.style("fg.muted"))];
    for week in days.chunks(7) {
        let cells = week.iter().flat_map(|day| cell(day, now.date_naive(), width, theme));
        lines.push(Line::from(std::iter::once(Span::raw(" ")).chain(cells).collect::<Vec<_>>()));
    }
    lines.push(sums(days, usize::from(inner.width), theme));
    panes::lines(frame, inner, lines);
}

/// The number of the day, and as much of what fell on it as there is room for, worst first.
fn cell(day: &Day, today: NaiveDate, width: usize, theme: &Theme) -> Vec<Span<'static>> {
    let is_today = day.date == today;
    let number = if is_today { theme.style("accent") } else { theme.style("fg.muted") };
    let mut spans = vec![Span::styled(format!("{}{:>2} ", if is_today { '>' } else { ' ' }, day.date.day()), number)];
    let mut used = 4;
    let mut add = |glyph: char, count: u64, token: &str| {
        let words = format!("{glyph}{}", short(count));
        if used + text::width(&words) < width {
            used += text::width(&words);
            spans.push(Span::styled(words, theme.style(token)));
        }
    };
    for outcome in WORST_FIRST {
        let (glyph, _, token) = look(outcome);
        if let Some(&count) = day.past.get(&outcome) {
            add(glyph, count, token);
        }
    }
    if day.planned > 0 {
        add('◌', day.planned, "fg.muted");
    }
    spans.push(Span::raw(" ".repeat(width.saturating_sub(used))));
    spans
}

/// At most four characters.
fn short(count: u64) -> String {
    match count {
        0..1_000 => count.to_string(),
        _ => format!("{}k", (count / 1_000).min(999)),
    }
}

fn sums(days: &[Day], width: usize, theme: &Theme) -> Line<'static> {
    let mut spans = vec![Span::raw(" ")];
    for outcome in WORST_FIRST.into_iter().rev() {
        let count: u64 = days.iter().filter_map(|day| day.past.get(&outcome)).sum();
        let (glyph, word, token) = look(outcome);
        if count > 0 {
            spans.push(Span::styled(format!("{glyph}{count} {word}  "), theme.style(token)));
        }
    }
    if spans.len() == 1 {
        spans.push(Span::styled(" no fire in this time", theme.style("fg.muted")));
    }
    let mut line = Line::from(spans);
    if days.iter().any(|day| day.planned > 0) && line.width() + 9 <= width {
        line.push_span(Span::styled("◌ to come", theme.style("fg.muted")));
    }
    line
}

fn fires(frame: &mut Frame<'_>, area: Rect, past: &Past, at: ListState, focused: bool, theme: &Theme) {
    let muted = theme.style("fg.muted");
    if past.fires.is_empty() {
        return panes::lines(frame, area, [Line::styled("  it never fired", muted)]);
    }
    let fitted = list::fit(COLUMNS, usize::from(area.width).saturating_sub(3));
    frame.buffer_mut().set_line(area.x + 2, area.y, &list::header(COLUMNS, &fitted, theme), area.width.saturating_sub(2));
    let content = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let window = at.window(past.fires.len(), usize::from(content.height));
    let line = |fire: &Firing| {
        let (glyph, word, token) = look(fire.outcome);
        let many = if fire.count > 1 { format!(" ×{}", fire.count) } else { String::new() };
        let run = fire.run.as_ref().map(|run| past.names.get(run).map_or(run.as_str(), |name| name.rsplit(' ').next().unwrap_or(name)));
        let cells = [
            (moment(fire.logical_date), theme.style("fg")),
            (format!("{glyph} {word}{many}"), theme.style(token)),
            (text::safe(run.unwrap_or("-")), theme.style("fg")),
            (text::safe(&fire.why), muted),
        ];
        let mut line = list::row(&cells, &fitted);
        line.spans.insert(0, Span::raw(" "));
        line
    };
    let selected = focused.then_some((at.selected.saturating_sub(window.start), "selection"));
    list::draw(frame, content, past.fires[window].iter().map(line), selected, theme);
}
