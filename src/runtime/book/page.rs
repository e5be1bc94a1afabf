//! Pages: the lines around a place, as they are shown.

use super::{
    LogBook,
    cursor::{At, Cursor, EVERYTHING, Met, Walker, What},
    query::{Keep, Sieve},
    tally::Tally,
};
use crate::{
    runtime::logs::Stream,
    stdx::time::{self, Timestamp},
};
use std::{collections::VecDeque, io, ops::ControlFlow};

/// Around which line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The end of everything.
    End,
    /// The line of that name, or the next one that is shown.
    At(u64),
}

/// One line as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its name: the place after it.
    pub end: u64,
    /// Line ends before it, if that is known already.
    pub lines: Option<u64>,
    /// When it was written.
    pub at: Option<Timestamp>,
    /// Which of the attempts wrote it.
    pub source: usize,
    /// Where.
    pub stream: Stream,
    /// What it is.
    pub kind: RowKind,
}

/// What a row is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowKind {
    /// A line or the last piece of one; invalid UTF-8 replaced. The text is foreign: make it safe before it is shown.
    Line(String),
    /// A piece of a long line, which goes on in the next row.
    Piece(String),
    /// What has no end yet.
    Open(String),
    /// So many bytes were cut out here.
    Cut(u64),
}

impl RowKind {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Line(text) | Self::Piece(text) | Self::Open(text) => Some(text),
            Self::Cut(_) => None,
        }
    }
}

/// Lines in order, with nothing shown between them left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The lines.
    pub rows: Vec<Row>,
    /// No line is shown before them.
    pub from_start: bool,
    /// No line is shown after them.
    pub to_end: bool,
}

/// What is looked through at most, of lines that are not shown, for one page.
const PATIENCE: u64 = 8 << 20;
/// An index that is so far behind is not waited for.
const NEAR: u64 = 2 << 20;
/// Bytes before a place that are read first, where there is no index.
const GUESS: u64 = 64 << 10;
/// Bytes before a place that are read at most, where there is no index.
const MOST: u64 = 1 << 20;

impl LogBook {
    /// At most `before` lines before a place and `after` from there on. `tally` knows how many lines of each block are shown.
    ///
    /// # Errors
    /// What the file system says.
    pub fn page(&self, anchor: Anchor, before: usize, after: usize, keep: &Keep, tally: Option<&Tally>) -> io::Result<Page> {
        let place = match anchor {
            Anchor::End => u64::MAX,
            Anchor::At(place) => place,
        };
        let at = place.min(self.bytes());
        let block = self.blocks.find(at.saturating_sub(1));
        let mut gathered = Gathered { before, after, place, earlier: VecDeque::new(), later: Vec::new() };
        if self.sources.len() == 1 && keep.is_all() && at - self.blocks.place(block) > NEAR {
            return self.page_without_index(at, gathered);
        }
        let mut left = PATIENCE;
        let (mut last, mut flow) = (block, ControlFlow::Continue(()));
        while flow.is_continue() && last < self.blocks.len() {
            if last == block || tally.is_none_or(|tally| tally.may_have(last)) {
                let known = gathered.later.len();
                flow = self.gather(last, keep, &mut gathered)?;
                left = if gathered.later.len() > known { PATIENCE } else { left.saturating_sub(self.length_of(last)) };
                if left == 0 {
                    break;
                }
            }
            last += 1;
        }
        let to_end = flow.is_continue() && last >= self.blocks.len();
        let mut rows = Vec::from(std::mem::take(&mut gathered.earlier));
        let mut from_start = block == 0 && rows.len() < before;
        let mut first = block;
        left = PATIENCE;
        while rows.len() < before && first > 0 {
            first -= 1;
            if tally.is_some_and(|tally| !tally.may_have(first)) {
                from_start = first == 0;
                continue;
            }
            let mut part = Gathered { before: before - rows.len(), after: 0, place: u64::MAX, earlier: VecDeque::new(), later: Vec::new() };
            let _ = self.gather(first, keep, &mut part)?;
            from_start = first == 0 && part.earlier.len() < part.before;
            left = if part.earlier.is_empty() { left.saturating_sub(self.length_of(first)) } else { PATIENCE };
            part.earlier.extend(rows);
            rows = Vec::from(part.earlier);
            if left == 0 {
                break;
            }
        }
        rows.append(&mut gathered.later);
        Ok(Page { rows, from_start, to_end })
    }

    fn length_of(&self, block: usize) -> u64 {
        self.end_of(block).min(self.bytes()).saturating_sub(self.blocks.place(block))
    }

    fn gather(&self, block: usize, keep: &Keep, gathered: &mut Gathered) -> io::Result<ControlFlow<()>> {
        let mut sieve = Sieve::new(keep);
        let all = keep.is_all();
        self.walk_block(block, &mut |met| {
            let kept = all || met.what.bytes().is_none_or(|bytes| sieve.keeps(bytes));
            if kept { gathered.take(&met, true) } else { ControlFlow::Continue(()) }
        })
    }

    /// Reads some bytes before the place, and more until there are enough lines or the index is met.
    fn page_without_index(&self, at: u64, gathered: Gathered) -> io::Result<Page> {
        let mut back = GUESS;
        loop {
            let mut attempt = gathered.clone();
            let cursor = self.seek(at.saturating_sub(back))?;
            let known = cursor.place();
            let flow = Walker::new(&self.sources, cursor, EVERYTHING).walk(u64::MAX, &mut |met| attempt.take(&met, false))?;
            if attempt.earlier.len() >= attempt.before || known == 0 || back >= MOST {
                let from_start = known == 0 && attempt.earlier.len() < attempt.before;
                let mut rows = Vec::from(attempt.earlier);
                rows.append(&mut attempt.later);
                return Ok(Page { rows, from_start, to_end: flow.is_continue() });
            }
            back *= 4;
        }
    }

    /// A place at the beginning of a line, about there, of one log; how many lines are before it is not known.
    fn seek(&self, place: u64) -> io::Result<Cursor> {
        let source = &self.sources[0];
        let (index, before) = source.search_index(place)?;
        let mut left = place;
        let mut ats = [0, 0];
        if let Some(before) = before {
            ats = [before.stdout, before.stderr];
            left -= (before.stdout + before.stderr).min(left);
        }
        for (at, stream) in ats.iter_mut().zip(&source.streams) {
            *at = (*at).min(stream.length);
            let more = left.min(stream.length - *at);
            // Of the entry that reaches over the place, or of what no entry covers, standard output comes first.
            *at += more;
            left -= more;
        }
        let mut streams = Vec::new();
        for (stream, at) in source.streams.iter().zip(ats) {
            let at = stream.cut.filter(|cut| (cut.start..cut.end).contains(&at)).map_or(at, |cut| cut.start);
            let mut bytes = Vec::new();
            let from = at.saturating_sub(super::cursor::PIECE);
            stream.read(from, at, &mut bytes)?;
            let start = memchr::memrchr(b'\n', &bytes).map_or(from, |newline| from + newline as u64 + 1);
            streams.push(At { at, start });
        }
        Ok(Cursor { lines: 0, index: vec![index], streams })
    }
}

/// Rows around a place while they are gathered.
#[derive(Clone)]
struct Gathered {
    before: usize,
    after: usize,
    place: u64,
    earlier: VecDeque<Row>,
    later: Vec<Row>,
}

impl Gathered {
    fn take(&mut self, met: &Met<'_>, numbered: bool) -> ControlFlow<()> {
        if met.end < self.place {
            if self.earlier.len() == self.before {
                self.earlier.pop_front();
            }
            if self.before > 0 {
                self.earlier.push_back(row(met, numbered));
            }
            return ControlFlow::Continue(());
        }
        if self.later.len() == self.after {
            return ControlFlow::Break(());
        }
        self.later.push(row(met, numbered));
        ControlFlow::Continue(())
    }
}

fn row(met: &Met<'_>, numbered: bool) -> Row {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Row {
        end: met.end,
        lines: numbered.then_some(met.lines),
        at: met.micros.map(time::from_micros),
        source: met.stream / 2,
        stream: if met.stream.is_multiple_of(2) { Stream::Stdout } else { Stream::Stderr },
        kind: match met.what {
            What::Line(bytes) => RowKind::Line(text(bytes)),
            What::Piece(bytes) => RowKind::Piece(text(bytes)),
            What::Open(bytes) => RowKind::Open(text(bytes)),
            What::Cut(bytes) => RowKind::Cut(bytes),
        },
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The last lines, read as if nothing were indexed.
    #[allow(clippy::unwrap_used)]
    pub fn end_without_index(book: &LogBook, before: usize) -> Page {
        let gathered = Gathered { before, after: 0, place: u64::MAX, earlier: VecDeque::new(), later: Vec::new() };
        book.page_without_index(book.bytes(), gathered).unwrap()
    }
}
