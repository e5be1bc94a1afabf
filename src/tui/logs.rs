//! The lines of one log, where one is in it, and what is searched in it.

use super::{
    text,
    theme::Theme,
    world::{LogBatch, LogKey},
};
use crate::{
    runtime::logs::{LogLine, Stream},
    stdx::time::Timestamp,
};
use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};
use std::collections::VecDeque;

/// Lines kept; older ones are dropped and said to be.
const MAX_LINES: usize = 200_000;
/// Bytes of text kept.
const MAX_BYTES: usize = 64 << 20;
/// A longer line is cut.
const MAX_LINE: usize = 20_000;

/// One line, safe to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When it was written.
    pub at: Option<Timestamp>,
    /// The theme token of its colour.
    pub token: &'static str,
    /// The text.
    pub text: String,
}

/// The lines of one attempt that are kept.
#[derive(Debug)]
pub struct LogBuffer {
    /// Whose.
    pub key: LogKey,
    /// Nothing more will come.
    pub ended: bool,
    /// Why it cannot be read.
    pub trouble: Option<String>,
    /// Bytes left out before the first line.
    pub skipped: u64,
    lines: VecDeque<Entry>,
    /// The last line, while it has no end.
    unfinished: Option<Entry>,
    dropped: usize,
    bytes: usize,
}

impl LogBuffer {
    /// An empty one.
    pub const fn new(key: LogKey) -> Self {
        Self { key, ended: false, trouble: None, skipped: 0, lines: VecDeque::new(), unfinished: None, dropped: 0, bytes: 0 }
    }

    /// Takes what came.
    pub fn take(&mut self, batch: LogBatch) {
        self.ended = batch.ended;
        self.trouble = batch.trouble;
        self.skipped = self.skipped.max(batch.skipped);
        self.unfinished = batch.unfinished.as_ref().map(entry);
        for line in &batch.lines {
            let entry = entry(line);
            self.bytes += entry.text.len();
            self.lines.push_back(entry);
        }
        while self.lines.len() > MAX_LINES || (self.bytes > MAX_BYTES && self.lines.len() > 1) {
            self.bytes -= self.lines.pop_front().map_or(0, |line| line.text.len());
            self.dropped += 1;
        }
    }

    /// The number of the first line kept, counted from 0.
    pub const fn start(&self) -> usize {
        self.dropped
    }

    /// The number after the last line.
    pub fn end(&self) -> usize {
        self.whole() + usize::from(self.unfinished.is_some())
    }

    /// The number after the last line that will not change any more.
    fn whole(&self) -> usize {
        self.dropped + self.lines.len()
    }

    /// The line of that number.
    pub fn line(&self, number: usize) -> Option<&Entry> {
        let at = number.checked_sub(self.dropped)?;
        if at == self.lines.len() { self.unfinished.as_ref() } else { self.lines.get(at) }
    }
}

/// A line as it is shown: of what was drawn over itself, as progress bars are, only what a terminal would show last.
fn entry(line: &LogLine) -> Entry {
    let last = line.text.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default();
    let safe =
        if last.len() > MAX_LINE { text::safe(&last.chars().take(MAX_LINE).chain(['…']).collect::<String>()) } else { text::safe(last) };
    Entry { at: line.at, token: token(&safe, line.stream), text: safe }
}

/// The colour of a line: the level it names itself, if it does.
fn token(text: &str, stream: Stream) -> &'static str {
    const LEVELS: &[(&str, &str)] = &[
        ("ERROR", "log.error"),
        ("CRITICAL", "log.error"),
        ("FATAL", "log.error"),
        ("Traceback", "log.error"),
        ("error:", "log.error"),
        ("WARN", "log.warn"),
        ("warning:", "log.warn"),
        ("INFO", "log.info"),
        ("DEBUG", "log.debug"),
        ("TRACE", "log.debug"),
    ];
    let beginning = &text[..text.floor_char_boundary(48)];
    let named = LEVELS.iter().find(|(word, _)| beginning.contains(word)).map(|(_, token)| *token);
    named.unwrap_or(if stream == Stream::Stderr { "log.warn" } else { "log.info" })
}

/// Where one is in a log, kept while lines come.
#[derive(Debug, Clone)]
pub struct LogScroll {
    /// Shows the end, whatever comes.
    pub follow: bool,
    /// The first line shown while not following.
    pub top: usize,
    /// Columns scrolled to the right.
    pub left: usize,
    /// Breaks long lines.
    pub wrap: bool,
    /// Shows when each line was written.
    pub times: bool,
    /// What is searched.
    pub search: Option<Search>,
}

impl Default for LogScroll {
    fn default() -> Self {
        Self { follow: true, top: 0, left: 0, wrap: false, times: true, search: None }
    }
}

/// A line, or a part of a wrapped one.
struct Row {
    line: usize,
    /// Columns of the line before this part.
    from: usize,
}

impl LogScroll {
    /// Moves by lines; upwards it stops following.
    pub fn by(&mut self, lines: isize, log: &LogBuffer, area: Rect) {
        let last = self.last_top(log, area);
        let top = self.first(log, area);
        if lines < 0 && top > log.start() {
            self.follow = false;
        }
        if !self.follow {
            self.top = top.saturating_add_signed(lines).clamp(log.start(), last.max(log.start()));
        }
    }

    /// To the first line.
    pub fn to_top(&mut self, log: &LogBuffer) {
        self.follow = false;
        self.top = log.start();
    }

    /// To the end, and follows it.
    pub const fn to_bottom(&mut self) {
        self.follow = true;
    }

    /// Stays where it is, or follows.
    pub fn toggle_follow(&mut self, log: &LogBuffer, area: Rect) {
        self.top = self.first(log, area);
        self.follow = !self.follow;
    }

    /// Sideways by columns.
    pub fn sideways(&mut self, columns: isize) {
        self.left = self.left.saturating_add_signed(columns);
    }

    /// Shows a line, in the middle if it was not seen.
    pub fn show(&mut self, line: usize, log: &LogBuffer, area: Rect) {
        let first = self.first(log, area);
        let height = usize::from(area.height);
        self.follow = false;
        self.top = if (first..first + height).contains(&line) { first } else { line.saturating_sub(height / 2) };
        self.top = self.top.clamp(log.start(), self.last_top(log, area).max(log.start()));
    }

    /// `FOLLOW`, or `PAUSED N new below`.
    pub fn status(&self, log: &LogBuffer, area: Rect) -> String {
        if self.follow {
            return "FOLLOW".to_owned();
        }
        let shown_to = self.rows(log, area).last().map_or(0, |row| row.line + 1);
        format!("PAUSED {} new below", log.end().saturating_sub(shown_to))
    }

    /// The first line in sight.
    pub fn position(&self, log: &LogBuffer, area: Rect) -> usize {
        self.first(log, area)
    }

    fn first(&self, log: &LogBuffer, area: Rect) -> usize {
        let last = self.last_top(log, area);
        if self.follow { last } else { self.top.clamp(log.start(), last.max(log.start())) }
    }

    /// The first line of the last page.
    fn last_top(&self, log: &LogBuffer, area: Rect) -> usize {
        let height = usize::from(area.height).max(1);
        if !self.wrap {
            return log.end().saturating_sub(height).max(log.start());
        }
        let (mut left, mut top) = (height, log.end());
        while top > log.start() {
            let rows = self.parts(log, top - 1, area);
            if rows > left {
                break;
            }
            left -= rows;
            top -= 1;
        }
        top.min(log.end().saturating_sub(1)).max(log.start())
    }

    fn text_width(&self, area: Rect) -> usize {
        usize::from(area.width).saturating_sub(if self.times { TIME_WIDTH } else { 0 }).max(1)
    }

    fn parts(&self, log: &LogBuffer, line: usize, area: Rect) -> usize {
        log.line(line).map_or(1, |entry| text::width(&entry.text).div_ceil(self.text_width(area)).max(1))
    }

    fn rows(&self, log: &LogBuffer, area: Rect) -> Vec<Row> {
        let height = usize::from(area.height);
        let mut rows = Vec::with_capacity(height);
        for line in self.first(log, area)..log.end() {
            let parts = if self.wrap { self.parts(log, line, area) } else { 1 };
            rows.extend((0..parts).map(|part| Row { line, from: part * self.text_width(area) }));
            if rows.len() >= height {
                break;
            }
        }
        rows.truncate(height);
        rows
    }

    /// Draws the visible lines.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, log: &LogBuffer, theme: &Theme) {
        for (y, row) in self.rows(log, area).iter().enumerate() {
            let Some(entry) = log.line(row.line) else { continue };
            let line = self.drawn(entry, row, area, theme);
            let at = u16::try_from(y).map_or(area.bottom(), |y| area.y + y);
            frame.buffer_mut().set_line(area.x, at, &line, area.width);
        }
    }

    fn drawn<'a>(&self, entry: &'a Entry, row: &Row, area: Rect, theme: &Theme) -> Line<'a> {
        let mut spans = Vec::new();
        if self.times {
            let time = entry.at.filter(|_| row.from == 0).map(|at| at.format("%H:%M:%S%.3f").to_string()).unwrap_or_default();
            spans.push(Span::styled(text::left(&time, TIME_WIDTH), theme.style("log.time")));
        }
        let width = self.text_width(area);
        let from = if self.wrap { row.from } else { self.left };
        let rest = text::skip(&entry.text, from);
        let visible = text::take(rest, width);
        let cut = !self.wrap && visible.len() < rest.len();
        let visible = if cut { text::take(rest, width.saturating_sub(1)) } else { visible };
        let style = theme.style(entry.token);
        match &self.search {
            Some(search) => spans.extend(search.highlighted(visible, row.line, style, theme)),
            None => spans.push(Span::styled(visible, style)),
        }
        if cut {
            spans.push(Span::styled("…", theme.style("fg.muted")));
        }
        Line::from(spans)
    }
}

/// `13:50:31.114 `.
const TIME_WIDTH: usize = 13;

/// What is searched, and which lines have it.
#[derive(Debug, Clone, Default)]
pub struct Search {
    query: String,
    matches: Vec<usize>,
    current: usize,
    seen: usize,
}

impl Search {
    /// Starts a search.
    pub fn new(query: &str) -> Self {
        Self { query: query.to_owned(), ..Self::default() }
    }

    /// Looks at the lines that it has not seen yet.
    pub fn update(&mut self, log: &LogBuffer) {
        self.matches.retain(|line| *line >= log.start());
        for number in self.seen.max(log.start())..log.whole() {
            let found = log.line(number).is_some_and(|entry| self.find(&entry.text).is_some());
            if found {
                self.matches.push(number);
            }
        }
        self.seen = log.whole();
        self.current = self.current.min(self.matches.len().saturating_sub(1));
    }

    /// Chooses the first match at or after a line, or the last before it.
    pub fn choose_from(&mut self, line: usize) {
        let after = self.matches.partition_point(|found| *found < line);
        self.current = if after < self.matches.len() { after } else { self.matches.len().saturating_sub(1) };
    }

    /// The next match, around the end.
    pub fn step(&mut self, by: isize) {
        let count = self.matches.len();
        if count > 0 {
            self.current = (self.current + count).saturating_add_signed(by) % count;
        }
    }

    /// The line of the current match.
    pub fn line(&self) -> Option<usize> {
        self.matches.get(self.current).copied()
    }

    /// `match K of N`, or that there is none.
    pub fn status(&self) -> String {
        match self.matches.len() {
            0 => format!("no match for \"{}\"", text::safe(&self.query)),
            n => format!("match {} of {n}", self.current + 1),
        }
    }

    /// Where the query begins and ends in a text; capitals count only if the query has some.
    fn find(&self, text: &str) -> Option<(usize, usize)> {
        if self.query.is_empty() {
            return None;
        }
        if self.query.chars().any(char::is_uppercase) {
            return text.find(&self.query).map(|at| (at, at + self.query.len()));
        }
        let mut starts = text.char_indices().map(|(at, _)| at);
        starts.find_map(|at| matches_ignoring_case(&text[at..], &self.query).map(|length| (at, at + length)))
    }

    fn highlighted<'a>(&self, text: &'a str, line: usize, style: Style, theme: &Theme) -> Vec<Span<'a>> {
        let is_current = self.line() == Some(line);
        let highlight = style.patch(theme.style(if is_current { "match.current" } else { "match" }));
        let mut spans = Vec::new();
        let mut rest = text;
        while let Some((start, end)) = self.find(rest) {
            spans.push(Span::styled(&rest[..start], style));
            spans.push(Span::styled(&rest[start..end], highlight));
            rest = &rest[end..];
        }
        spans.push(Span::styled(rest, style));
        spans
    }
}

/// How many bytes of `text` spell `query`, which has no capitals.
fn matches_ignoring_case(text: &str, query: &str) -> Option<usize> {
    let mut length = 0;
    let mut chars = text.chars();
    for wanted in query.chars() {
        let c = chars.next()?;
        if c != wanted && !c.to_lowercase().eq(std::iter::once(wanted)) {
            return None;
        }
        length += c.len_utf8();
    }
    Some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(lines: &[&str]) -> LogBuffer {
        let key = LogKey { run: "r".into(), task: "t".into(), attempt: 1 };
        let mut log = LogBuffer::new(key.clone());
        log.take(batch(&key, lines));
        log
    }

    fn batch(key: &LogKey, lines: &[&str]) -> LogBatch {
        let lines = lines.iter().map(|text| LogLine { at: None, stream: Stream::Stdout, text: (*text).to_owned() }).collect();
        LogBatch {
            key: key.clone(),
            fresh: false,
            skipped: 0,
            lines,
            unfinished: None,
            ended: false,
            trouble: None,
            under_way: std::sync::Arc::default(),
        }
    }

    const AREA: Rect = Rect { x: 0, y: 0, width: 23, height: 2 };

    #[test]
    fn a_progress_bar_shows_what_it_drew_last_while_it_has_no_end_and_after() {
        let mut log = log(&["start", " 99%\r100%\r"]);
        assert_eq!((log.line(1).unwrap().text.as_str(), log.end()), ("100%", 2));
        let key = log.key.clone();
        let open = LogLine { at: None, stream: Stream::Stderr, text: "epoch 2:  7%".into() };
        log.take(LogBatch { unfinished: Some(open), ..batch(&key, &[]) });
        assert_eq!((log.line(2).unwrap().text.as_str(), log.end()), ("epoch 2:  7%", 3));
        let mut search = Search::new("epoch");
        search.update(&log);
        log.take(batch(&key, &["epoch 2: 100%"]));
        search.update(&log);
        assert_eq!((log.end(), search.status().as_str()), (3, "match 1 of 1"));
    }

    #[test]
    fn following_shows_the_end_and_scrolling_up_pauses_where_it_is() {
        let mut log = log(&["a", "b", "c", "d"]);
        let mut scroll = LogScroll::default();
        assert_eq!((scroll.first(&log, AREA), scroll.status(&log, AREA).as_str()), (2, "FOLLOW"));
        scroll.by(-1, &log, AREA);
        assert_eq!((scroll.first(&log, AREA), scroll.status(&log, AREA).as_str()), (1, "PAUSED 1 new below"));
        let key = log.key.clone();
        log.take(batch(&key, &["e", "f"]));
        assert_eq!((scroll.first(&log, AREA), scroll.status(&log, AREA).as_str()), (1, "PAUSED 3 new below"));
        scroll.to_bottom();
        assert_eq!((scroll.first(&log, AREA), scroll.status(&log, AREA).as_str()), (4, "FOLLOW"));
    }

    #[test]
    fn a_log_that_fits_cannot_be_scrolled_out_of_sight() {
        let log = log(&["only"]);
        let mut scroll = LogScroll::default();
        scroll.by(-5, &log, AREA);
        assert!(scroll.follow);
        scroll.to_top(&log);
        scroll.by(5, &log, AREA);
        assert_eq!(scroll.first(&log, AREA), 0);
    }

    #[test]
    fn wrapped_lines_take_the_rows_they_need() {
        let log = log(&["short", "0123456789abcdefghijklmno"]);
        let scroll = LogScroll { wrap: true, ..LogScroll::default() };
        let parts: Vec<_> = scroll.rows(&log, Rect { height: 5, ..AREA }).iter().map(|row| (row.line, row.from)).collect();
        assert_eq!(parts, [(0, 0), (1, 0), (1, 10), (1, 20)]);
    }

    #[test]
    fn a_search_finds_counts_and_goes_around() {
        let log = log(&["one Tips", "two", "three tips", "tips"]);
        let mut search = Search::new("tips");
        search.update(&log);
        assert_eq!(search.status(), "match 1 of 3");
        search.step(-1);
        assert_eq!((search.line(), search.status().as_str()), (Some(3), "match 3 of 3"));
        search.step(1);
        assert_eq!(search.line(), Some(0));
        let mut exact = Search::new("Tips");
        exact.update(&log);
        assert_eq!(exact.status(), "match 1 of 1");
        let mut none = Search::new("zzz");
        none.update(&log);
        assert_eq!(none.status(), "no match for \"zzz\"");
    }

    #[test]
    fn nothing_active_is_kept() {
        let log = log(&["\x1b[2J\u{9b}2J\u{202e}x\x1b[31mred"]);
        assert_eq!(log.line(0).unwrap().text, "␛[2J<U+009B>2J<U+202E>xred");
    }
}
