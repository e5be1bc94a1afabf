//! A line of a log, ready to be drawn in any theme.

use super::ansi::{self, Run};
use crate::{
    runtime::{
        book::{Level, Row, RowKind},
        logs::Stream,
    },
    stdx::{size, time::Timestamp},
    tui::text,
};

/// One line, safe to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name in its log.
    pub end: u64,
    /// Line ends before it, if that is known already.
    pub lines: Option<u64>,
    /// Lines before it that are not shown.
    pub hidden: u64,
    /// When it was written.
    pub at: Option<Timestamp>,
    /// Which of the attempts wrote it.
    pub source: usize,
    /// The level that it names, or that its stream stands for.
    pub level: Level,
    /// What it is.
    pub kind: Kind,
    /// The text.
    pub text: String,
    /// Columns of the text.
    pub width: usize,
    /// Parts of the text that its task coloured.
    pub runs: Vec<Run>,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A line, or the last piece of a long one.
    Line,
    /// A piece of a long line, which goes on.
    Piece,
    /// What has no end yet.
    Open,
    /// A word about what is gone.
    Cut,
    /// Only that lines are hidden after the last one that is shown.
    Rest,
}

impl Entry {
    /// The theme token of its colour.
    pub const fn token(&self) -> &'static str {
        match (self.kind, self.level) {
            (Kind::Cut | Kind::Rest, _) => "fg.muted",
            (_, Level::Error) => "log.error",
            (_, Level::Warn) => "log.warn",
            (_, Level::Info) => "log.info",
            (_, Level::Debug) => "log.debug",
        }
    }
}

impl From<&Row> for Entry {
    fn from(row: &Row) -> Self {
        let (kind, (text, runs)) = match &row.kind {
            RowKind::Line(text) => (Kind::Line, ansi::read(text)),
            RowKind::Piece(text) => (Kind::Piece, ansi::read(text)),
            RowKind::Open(text) => (Kind::Open, ansi::read(text)),
            RowKind::Cut(bytes) => {
                let words = format!("-- {} were cut out here: the log is longer than [engine] max_log --", size::short(*bytes));
                (Kind::Cut, (words, Vec::new()))
            }
        };
        let unnamed = if row.stream == Stream::Stderr { Level::Warn } else { Level::Info };
        let level = Level::of(text.as_bytes()).unwrap_or(unnamed);
        let width = if text.is_ascii() { text.len() } else { text::width(&text) };
        Self { end: row.end, lines: row.lines, hidden: 0, at: row.at, source: row.source, level, kind, text, width, runs }
    }
}

/// The lines of a page of which all are shown.
pub fn entries(rows: &[Row]) -> Vec<Entry> {
    rows.iter().map(Entry::from).collect()
}

/// The lines of a page of which some are hidden. `total`: lines of the whole log, if the page reaches to its end.
pub fn sieved(rows: &[Row], total: Option<u64>) -> Vec<Entry> {
    let mut entries = entries(rows);
    let mut passed: Option<u64> = None;
    for entry in &mut entries {
        if let (Some(passed), Some(lines)) = (passed, entry.lines) {
            entry.hidden = lines.saturating_sub(passed);
        }
        passed = entry.lines.map(|lines| lines + u64::from(entry.kind == Kind::Line));
    }
    if let (Some(total), Some(passed), Some(last)) = (total, passed, entries.last())
        && total > passed
    {
        let rest = Entry {
            end: u64::MAX,
            lines: Some(total),
            hidden: total - passed,
            at: None,
            level: Level::Info,
            kind: Kind::Rest,
            text: String::new(),
            width: 0,
            runs: Vec::new(),
            ..last.clone()
        };
        entries.push(rest);
    }
    entries
}
