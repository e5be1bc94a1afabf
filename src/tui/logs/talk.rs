//! What a screen asks about a log, and what it is told.

use super::entry::Entry;
use crate::{
    runtime::book::{Anchor, Found, Level},
    tui::world::{LogKey, LogTarget},
};
use serde::{Deserialize, Serialize};
use std::{ops::RangeInclusive, path::PathBuf, sync::Arc};

/// How many logs can be on the screen at once.
pub const SLOTS: usize = 2;

/// Parts of a log of which is told whether there is an error.
pub const PARTS: usize = 240;

/// What of a log is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRequest {
    /// Where on the screen it is.
    pub slot: usize,
    /// The attempts: one, or several in the order of time.
    pub targets: Vec<LogTarget>,
    /// Around which line.
    pub anchor: Anchor,
    /// Lines before it.
    pub before: usize,
    /// Lines from there on.
    pub after: usize,
    /// Which lines are shown.
    pub sieve: Sieve,
    /// What is searched; nothing if empty.
    pub search: String,
    /// A line to look for.
    pub hunt: Option<HuntRequest>,
}

/// Which lines are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sieve {
    /// Only lines that are so bad.
    pub level: Level,
    /// Only lines that have it; with `!` before it, that have it not.
    pub filter: String,
}

impl Sieve {
    /// Whether it lets everything through.
    pub fn is_all(&self) -> bool {
        self.level == Level::Debug && self.filter.is_empty()
    }
}

/// A line that is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HuntRequest {
    /// Counted up, so that none is done twice.
    pub number: u32,
    /// An error; else what is searched, around the end.
    pub errors: bool,
    /// From which line.
    pub from: u64,
    /// Downwards.
    pub forward: bool,
    /// That line counts too.
    pub inclusive: bool,
}

/// How many lines were counted, and whether all were looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Lines.
    pub lines: u64,
    /// It will not become more by itself.
    pub done: bool,
}

/// What is told of a log.
#[derive(Debug, Clone)]
pub struct LogAnswer {
    /// Where on the screen it was asked.
    pub slot: usize,
    /// Of which attempts.
    pub keys: Vec<LogKey>,
    /// Around which line.
    pub anchor: Anchor,
    /// Which lines are shown.
    pub sieve: Sieve,
    /// The lines.
    pub entries: Vec<Entry>,
    /// No line is shown before them.
    pub from_start: bool,
    /// No line is shown after them.
    pub to_end: bool,
    /// Lines that the index covers.
    pub lines: u64,
    /// Bytes that there are, and bytes that the index covers.
    pub bytes: (u64, u64),
    /// The index covers everything that is sure.
    pub indexed: bool,
    /// Lines that are shown, if not all are.
    pub shown: Option<Counted>,
    /// What was searched, and how many of the lines that are shown have it.
    pub matches: Option<(String, Counted)>,
    /// How many lines have it whether they are shown or not; `None` if all are shown.
    pub anywhere: Option<Counted>,
    /// In which of [`PARTS`] equal parts of it there is an error, as far as that is known.
    pub errors: Arc<[bool]>,
    /// The how manieth of them was found last.
    pub rank: Option<u64>,
    /// What the hunt of that number came to.
    pub hunt: Option<(u32, Found)>,
    /// Nothing more will come.
    pub ended: bool,
    /// Why it cannot be read.
    pub trouble: Option<String>,
    /// Shared with who sent it, who sends no more than this unasked until it is gone.
    pub under_way: Arc<()>,
}

/// A part of a log that is to be copied or saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPart {
    /// The attempts.
    pub targets: Vec<LogTarget>,
    /// Which lines of it.
    pub sieve: Sieve,
    /// From which line to which.
    pub range: RangeInclusive<u64>,
    /// Where to; `None` is the clipboard.
    pub file: Option<PathBuf>,
}
