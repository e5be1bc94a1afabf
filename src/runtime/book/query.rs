//! What is looked for in a log, and which of its lines are shown.

use memchr::{memchr, memchr2};
use regex::bytes::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, sync::LazyLock};

/// How bad a line says that it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Of interest when looking for a fault.
    #[default]
    Debug,
    /// As it should be; lines that do not say are taken for this.
    Info,
    /// Not as it should be.
    Warn,
    /// Something failed.
    Error,
}

/// The words by which lines name their level, the worst first.
const WORDS: &[(&str, Level)] = &[
    ("ERROR", Level::Error),
    ("CRITICAL", Level::Error),
    ("FATAL", Level::Error),
    ("Traceback", Level::Error),
    ("error:", Level::Error),
    ("Error:", Level::Error),
    ("error[", Level::Error),
    ("panicked at", Level::Error),
    ("WARN", Level::Warn),
    ("Warning:", Level::Warn),
    ("warning:", Level::Warn),
    ("INFO", Level::Info),
    ("DEBUG", Level::Debug),
    ("TRACE", Level::Debug),
];

/// Bytes at the beginning of a line in which it may name its level.
const BEGINNING: usize = 64;

static LEVELS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let words: Vec<_> = WORDS.iter().map(|(word, _)| regex::escape(word)).collect();
    Regex::new(&words.join("|")).ok()
});
static ERRORS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let words: Vec<_> = WORDS.iter().filter(|(_, level)| *level == Level::Error).map(|(word, _)| regex::escape(word)).collect();
    Regex::new(&words.join("|")).ok()
});

impl Level {
    /// The level that a line names itself.
    pub fn of(line: &[u8]) -> Option<Self> {
        let beginning = &line[..line.len().min(BEGINNING)];
        let found = LEVELS.as_ref()?.find_iter(beginning).filter_map(|found| {
            let word = found.as_bytes();
            WORDS.iter().find(|(known, _)| known.as_bytes() == word).map(|(_, level)| *level)
        });
        found.max()
    }

    /// Its name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }

    /// The next worse one.
    pub const fn raised(self) -> Option<Self> {
        match self {
            Self::Debug => Some(Self::Info),
            Self::Info => Some(Self::Warn),
            Self::Warn => Some(Self::Error),
            Self::Error => None,
        }
    }

    /// The next better one.
    pub const fn lowered(self) -> Option<Self> {
        match self {
            Self::Debug => None,
            Self::Info => Some(Self::Debug),
            Self::Warn => Some(Self::Info),
            Self::Error => Some(Self::Warn),
        }
    }
}

/// What a terminal would show of a line: without colours, and of what was drawn over itself only the last.
pub fn shown(line: &[u8]) -> Cow<'_, [u8]> {
    let last = last_drawn(line);
    if memchr(0x1b, last).is_none() {
        return Cow::Borrowed(last);
    }
    let mut plain = Vec::with_capacity(last.len());
    let mut rest = last;
    while let Some(at) = memchr(0x1b, rest) {
        plain.extend_from_slice(&rest[..at]);
        let length = colour_length(&rest[at..]);
        plain.extend_from_slice(&rest[at..at + usize::from(length == 0)]);
        rest = &rest[at + length.max(1)..];
    }
    plain.extend_from_slice(rest);
    Cow::Owned(plain)
}

/// Of a line that was drawn over itself, as progress bars are, what was drawn last.
pub fn last_drawn(line: &[u8]) -> &[u8] {
    let line = &line[..line.len() - line.iter().rev().take_while(|byte| **byte == b'\r').count()];
    memchr::memrchr(b'\r', line).map_or(line, |at| &line[at + 1..])
}

/// How long the colour sequence `ESC [ … m` is that `bytes` begins with; 0 if it is none.
pub fn colour_length(bytes: &[u8]) -> usize {
    if !bytes.starts_with(b"\x1b[") {
        return 0;
    }
    let parameters = bytes[2..].iter().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b';' | b':')).count();
    if bytes.get(2 + parameters) == Some(&b'm') { parameters + 3 } else { 0 }
}

/// What is looked for: a regular expression, or a text if it is none. Capitals count only if it has some.
#[derive(Debug, Clone)]
pub struct Query {
    text: String,
    regex: Option<Regex>,
    literal: bool,
}

impl PartialEq for Query {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Query {
    /// Looks for that; `None` if it is nothing.
    pub fn new(text: &str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let build = |pattern: &str| {
            let exact = text.chars().any(char::is_uppercase);
            RegexBuilder::new(pattern).case_insensitive(!exact).size_limit(1 << 20).build().ok()
        };
        let read = build(text);
        let literal = read.is_none() || regex::escape(text) == text;
        Some(Self { text: text.to_owned(), regex: read.or_else(|| build(&regex::escape(text))), literal })
    }

    /// What was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is looked for as it is written.
    pub const fn is_literal(&self) -> bool {
        self.literal
    }

    /// Whether a line has it.
    pub fn is_in(&self, line: &[u8]) -> bool {
        self.regex.as_ref().is_some_and(|regex| regex.is_match(&shown(line)))
    }

    /// Where it is in a text that is shown.
    pub fn places<'a>(&'a self, text: &'a str) -> impl Iterator<Item = (usize, usize)> + 'a {
        let found = self.regex.iter().flat_map(|regex| regex.find_iter(text.as_bytes()));
        found.map(|found| (found.start(), found.end())).filter(|(start, end)| start < end)
    }

    /// How many of the lines in `bytes` have it: all at once, where lines are shown as they are written.
    pub fn count(&self, bytes: &[u8]) -> u64 {
        let Some(regex) = &self.regex else { return 0 };
        let plain = memchr2(0x1b, b'\r', bytes).is_none();
        let anchored = !self.literal && ["^", "$", "\\A", "\\z"].iter().any(|anchor| self.text.contains(anchor));
        let (mut from, mut count) = (0, 0);
        if bytes.is_empty() {
            return 0;
        }
        if !plain || anchored {
            let lines = bytes.strip_suffix(b"\n").unwrap_or(bytes).split(|byte| *byte == b'\n');
            return lines.filter(|line| self.is_in(line)).count() as u64;
        }
        // A match may run over the end of a line: then it is looked for in that line alone.
        while from < bytes.len()
            && let Some(found) = regex.find_at(bytes, from)
        {
            let end = memchr(b'\n', &bytes[found.start()..]).map_or(bytes.len(), |at| found.start() + at);
            let whole = found.end() <= end || {
                let start = memchr::memrchr(b'\n', &bytes[..found.start()]).map_or(0, |at| at + 1);
                regex.is_match(&bytes[start..end])
            };
            count += u64::from(whole);
            from = end + 1;
        }
        count
    }
}

/// Which lines are shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Keep {
    /// Only lines that are so bad.
    pub level: Level,
    /// Only lines that have it, or that have it not.
    pub query: Option<(Query, bool)>,
}

impl Keep {
    /// Lines of that level that have `text`, or with `!` before it have it not.
    pub fn new(level: Level, text: &str) -> Self {
        let (text, wanted) = text.strip_prefix('!').map_or((text, true), |text| (text, false));
        Self { level, query: Query::new(text).map(|query| (query, wanted)) }
    }

    /// Whether all lines are shown.
    pub const fn is_all(&self) -> bool {
        matches!(self.level, Level::Debug) && self.query.is_none()
    }
}

/// Decides line by line what is shown. A line that is indented and names no level goes with the one before.
#[derive(Debug)]
pub struct Sieve<'a> {
    keep: &'a Keep,
    before: bool,
}

impl<'a> Sieve<'a> {
    /// At the beginning of a block, knowing nothing of what was before.
    pub const fn new(keep: &'a Keep) -> Self {
        Self { keep, before: matches!(keep.level, Level::Debug | Level::Info) }
    }

    /// Whether the next line is shown.
    pub fn keeps(&mut self, line: &[u8]) -> bool {
        if self.keep.level > Level::Debug {
            let level = Level::of(line);
            let follows = level.is_none() && matches!(line.first(), Some(b' ' | b'\t'));
            if !follows {
                self.before = level.unwrap_or(Level::Info) >= self.keep.level;
            }
        }
        (self.before || self.keep.level == Level::Debug)
            && self.keep.query.as_ref().is_none_or(|(query, wanted)| query.is_in(line) == *wanted)
    }
}

/// Whether some line in `bytes` may name an error; if not, none does.
pub fn may_have_errors(bytes: &[u8]) -> bool {
    ERRORS.as_ref().is_some_and(|errors| errors.is_match(bytes))
}
