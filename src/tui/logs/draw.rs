//! How a log looks: the rows in sight, what is found in them, where one is.

use super::{
    LogPanel,
    entry::{Entry, Kind},
    scroll::{Measure, Spot},
};
use crate::{
    runtime::book::Level,
    tui::{
        hits::{self, Hit},
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

/// `13:50:31.114 `.
const TIME_WIDTH: usize = 13;
/// Most columns of the name of an attempt, where several are shown.
const NAME_WIDTH: usize = 16;
/// Tokens of the names of attempts.
const NAMES: [&str; 6] = ["chart.1", "chart.2", "chart.3", "chart.4", "chart.5", "chart.6"];

impl LogPanel {
    /// How lines are laid out when the log is drawn there.
    pub fn measure(&self, inside: Rect) -> Measure {
        let beside = 2 + self.number_width() + if self.options.times { TIME_WIDTH } else { 0 } + self.name_width();
        let width = usize::from(inside.width).saturating_sub(beside).max(1);
        Measure { height: usize::from(inside.height).max(1), width, wrap: self.options.wrap }
    }

    fn number_width(&self) -> usize {
        if !self.options.numbers {
            return 0;
        }
        let lines = self.told().map_or(0, |told| told.lines);
        lines.max(100).to_string().len() + 1
    }

    fn name_width(&self) -> usize {
        self.names.iter().map(|name| text::width(name) + 1).max().unwrap_or(0).min(NAME_WIDTH)
    }

    /// Draws the rows in sight; how many they are.
    pub fn draw(&self, frame: &mut Frame<'_>, inside: Rect, theme: &Theme) -> u16 {
        let measure = self.measure(inside);
        let rows = measure.in_sight(self.entries(), self.top(measure));
        let mut y = inside.y;
        for spot in &rows {
            let line = self.row(*spot, measure, theme);
            hits::put(Rect { y, height: 1, ..inside }, Hit::LogLine(self.entries()[spot.line].end));
            frame.buffer_mut().set_line(inside.x, y, &line, inside.width.saturating_sub(1));
            if self.selection.is_some_and(|selection| selection.has(self.entries()[spot.line].end)) {
                let row = Rect { y, height: 1, width: inside.width.saturating_sub(1), ..inside };
                frame.buffer_mut().set_style(row, theme.style("selection"));
            }
            y += 1;
        }
        self.draw_bar(frame, inside, &rows, theme);
        y - inside.y
    }

    /// Where in the log the rows in sight are and where there are errors, at the right edge, if not all is in sight.
    fn draw_bar(&self, frame: &mut Frame<'_>, inside: Rect, rows: &[Spot], theme: &Theme) {
        let (Some(told), Some(first), Some(last)) = (self.told(), rows.first(), rows.last()) else { return };
        let page = self.page.as_deref();
        let all_here = page.is_some_and(|page| page.from_start && page.to_end);
        if all_here && first.line == 0 && last.line + 1 == self.entries().len() && first.part == 0 {
            return;
        }
        let height = u64::from(inside.height);
        let total = told.bytes.0.max(1);
        let row_of = |end: u64| (end.min(total) * height.saturating_sub(1) / total).min(height.saturating_sub(1));
        let begin = if self.position.follow { height - 1 } else { row_of(self.entries()[first.line].end) };
        let end = row_of(self.entries()[last.line].end).max(begin);
        for row in 0..inside.height {
            let is_here = (begin..=end).contains(&u64::from(row));
            let part = |row: u16| usize::from(row) * told.errors.len() / usize::from(inside.height);
            let has_error = told.errors.get(part(row)..part(row + 1)).is_some_and(|parts| parts.contains(&true));
            let (symbol, token) = match (is_here, has_error) {
                (true, true) => ("█", "log.error"),
                (true, false) => ("█", "border.focus"),
                (false, true) => ("✗", "log.error"),
                (false, false) => ("░", "border"),
            };
            frame.buffer_mut().set_string(inside.right().saturating_sub(1), inside.y + row, symbol, theme.style(token));
        }
    }

    fn row<'a>(&'a self, spot: Spot, measure: Measure, theme: &Theme) -> Line<'a> {
        let entry = &self.entries()[spot.line];
        let muted = theme.style("fg.muted");
        let margin = " ".repeat(1 + self.number_width());
        if entry.hidden > 0 && spot.part == 0 {
            return Line::styled(format!("{margin}⋯ {} hidden", grouped(entry.hidden)), muted);
        }
        let part = spot.part - usize::from(entry.hidden > 0);
        let first = part == 0;
        let before = spot.line.checked_sub(1).and_then(|before| self.entries().get(before));
        let goes_on = before.is_some_and(|before| before.kind == Kind::Piece && before.source == entry.source);
        let mut spans = vec![self.mark(entry, goes_on || !first, theme)];
        if self.options.numbers {
            let known = entry.lines.filter(|_| first && !goes_on && entry.kind != Kind::Cut);
            let number = known.map(|lines| (lines + 1).to_string()).unwrap_or_default();
            spans.push(Span::styled(format!("{} ", text::right(&number, self.number_width() - 1)), muted));
        }
        if self.options.times {
            let time = entry.at.filter(|_| first).map(|at| at.format("%H:%M:%S%.3f").to_string()).unwrap_or_default();
            spans.push(Span::styled(text::left(&time, TIME_WIDTH), theme.style("log.time")));
        }
        if let Some(width) = self.name_width().checked_sub(1) {
            let name = self.names.get(entry.source).filter(|_| first).map_or("", String::as_str);
            let token = NAMES[entry.source % NAMES.len()];
            spans.push(Span::styled(format!("{} ", text::left(name, width)), theme.style(token)));
        }
        self.text(entry, part, measure, theme, &mut spans);
        Line::from(spans)
    }

    /// What stands before a line: how bad it is, whether it was found, whether it goes on from the row above.
    fn mark(&self, entry: &Entry, goes_on: bool, theme: &Theme) -> Span<'static> {
        if self.current == Some(entry.end) {
            return Span::styled("▐", theme.style("accent"));
        }
        match entry.level {
            _ if goes_on => Span::styled("↪", theme.style("fg.muted")),
            Level::Error => Span::styled("▌", theme.style("log.error")),
            Level::Warn if entry.text.contains("WARN") => Span::styled("▏", theme.style("log.warn")),
            _ => Span::raw(" "),
        }
    }

    fn text<'a>(&self, entry: &'a Entry, part: usize, measure: Measure, theme: &Theme, spans: &mut Vec<Span<'a>>) {
        let from = if measure.wrap { part * measure.width } else { self.position.left };
        let start = bytes_of(entry, 0, from);
        let end = start + bytes_of(entry, start, measure.width);
        let is_cut = !measure.wrap && end < entry.text.len();
        let end = if is_cut { start + bytes_of(entry, start, measure.width.saturating_sub(1)) } else { end };
        self.coloured(entry, start, end, theme, spans);
        if is_cut {
            spans.push(Span::styled("…", theme.style("fg.muted")));
        }
    }

    /// A part of a line, in the colours of its task and with what is searched.
    fn coloured<'a>(&self, entry: &'a Entry, start: usize, end: usize, theme: &Theme, spans: &mut Vec<Span<'a>>) {
        let base = theme.style(entry.token());
        let found = self.query.iter().flat_map(|query| query.places(&entry.text));
        let whole = |at: usize| entry.text.floor_char_boundary(at).clamp(start, end);
        let matches: Vec<_> = found.map(|(from, to)| (whole(from), whole(to))).filter(|(from, to)| from < to).collect();
        let runs: Vec<_> =
            entry.runs.iter().map(|run| (whole(run.start), whole(run.end), run.look)).filter(|(from, to, _)| from < to).collect();
        let mut edges: Vec<usize> = [start, end].into_iter().chain(matches.iter().flat_map(|(from, to)| [*from, *to])).collect();
        edges.extend(runs.iter().flat_map(|(from, to, _)| [*from, *to]));
        edges.sort_unstable();
        edges.dedup();
        let token = if self.current == Some(entry.end) { "match.current" } else { "match" };
        for pair in edges.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            let look = runs.iter().find(|(run_from, run_to, _)| *run_from <= from && to <= *run_to);
            let mut style = look.map_or(base, |(_, _, look)| look.style(base, theme));
            if matches.iter().any(|(match_from, match_to)| *match_from <= from && to <= *match_to) {
                style = Style::default().patch(theme.style(token));
            }
            spans.push(Span::styled(&entry.text[from..to], style));
        }
    }
}

/// How many bytes after `start` take so many columns.
fn bytes_of(entry: &Entry, start: usize, columns: usize) -> usize {
    let rest = &entry.text[start..];
    if entry.width == entry.text.len() && entry.text.is_ascii() { columns.min(rest.len()) } else { text::take(rest, columns).len() }
}

/// A number with a space between each three digits.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(' ');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn long_numbers_are_grouped() {
        assert_eq!([0, 999, 1_000, 18_204, 1_234_567].map(grouped), ["0", "999", "1 000", "18 204", "1 234 567"]);
    }
}
