//! A log on the disk as a book: any page of it at once, wherever it is and however long it is, without all of it in memory.
//!
//! A sparse index is made some bytes at a time ([`LogBook::index_some`]), what is looked for is counted per block of it
//! ([`LogBook::count_some`]); a page is read from the nearest block. Of one log the end can be read before the index is there.

mod blocks;
mod cursor;
mod page;
mod query;
mod source;
mod tally;
#[cfg(test)]
mod tests;

pub use page::{Anchor, Page, Row, RowKind};
pub use query::{Keep, Level, Query, colour_length, last_drawn};
pub use tally::{Found, Hunt, Prey, Tally, Wanted};

use blocks::Blocks;
use cursor::{Cursor, EVERYTHING, Limits, Met, Walker};
use source::Source;
use std::{io, ops::ControlFlow, path::PathBuf};

/// Of several logs that grow: an entry of the index is waited for this long, in microseconds, before later ones are taken.
const LATE: i64 = 300_000;

/// The log of one attempt, or of several in the order of time.
#[derive(Debug)]
pub struct LogBook {
    sources: Vec<Source>,
    blocks: Blocks,
    /// How far the index reaches.
    indexed: Cursor,
    limits: Limits,
    /// Counts how often the index was begun anew.
    edition: u32,
}

impl LogBook {
    /// Of the attempts in those folders. Files that do not exist yet are waited for.
    pub fn new(folders: &[PathBuf]) -> Self {
        Self::over(folders, Blocks::new(folders.len()))
    }

    fn over(folders: &[PathBuf], blocks: Blocks) -> Self {
        let sources: Vec<_> = folders.iter().map(|folder| Source::new(folder)).collect();
        Self { indexed: Cursor::start(sources.len()), blocks, sources, limits: EVERYTHING, edition: 0 }
    }

    /// Looks how much there is; true if that is more or other than before. `live`: more may come; it is `now`, in
    /// microseconds since 1970.
    ///
    /// # Errors
    /// What the file system says.
    pub fn look(&mut self, live: bool, now: i64) -> io::Result<bool> {
        let before = self.bytes();
        let mut cut = false;
        for source in &mut self.sources {
            cut |= source.look()?;
        }
        let horizon = if live && self.sources.len() > 1 { now - LATE } else { i64::MAX };
        self.limits = Limits { horizon, uncovered: !live };
        let shorter = self.bytes() < self.indexed.place();
        if cut || shorter {
            self.blocks = Blocks::new(self.sources.len());
            self.indexed = Cursor::start(self.sources.len());
            self.edition += 1;
        }
        Ok(cut || self.bytes() != before)
    }

    /// Bytes of all of it, what was cut out included.
    pub fn bytes(&self) -> u64 {
        self.sources.iter().map(Source::length).sum()
    }

    /// Bytes that the index covers.
    pub fn indexed(&self) -> u64 {
        self.indexed.place()
    }

    /// Lines that the index covers.
    pub const fn lines(&self) -> u64 {
        self.indexed.lines
    }

    /// Makes the index of about so many bytes more; false if it covers everything that is sure.
    ///
    /// # Errors
    /// What the file system says.
    pub fn index_some(&mut self, budget: u64) -> io::Result<bool> {
        let mut walker = Walker::new(&self.sources, std::mem::take(&mut self.indexed), self.limits);
        let blocks = &mut self.blocks;
        let left = walker.skim(budget, &mut |cursor| blocks.offer(cursor));
        self.indexed = walker.cursor;
        Ok(left? == 0)
    }

    /// Bytes of memory that the index takes.
    pub const fn index_memory(&self) -> usize {
        self.blocks.memory()
    }

    /// Where a block ends; the last one has no end.
    fn end_of(&self, block: usize) -> u64 {
        if block + 1 < self.blocks.len() { self.blocks.place(block + 1) } else { u64::MAX }
    }

    /// Meets the lines of a block.
    fn walk_block(&self, block: usize, visit: &mut impl FnMut(Met<'_>) -> ControlFlow<()>) -> io::Result<ControlFlow<()>> {
        Walker::new(&self.sources, self.blocks.cursor(block), EVERYTHING).walk(self.end_of(block), visit)
    }

    /// The bytes of a block, if they are whole lines of one stream.
    fn bytes_of(&self, block: usize, bytes: &mut Vec<u8>) -> io::Result<bool> {
        if block + 1 >= self.blocks.len() {
            return Ok(false);
        }
        let (from, to) = (self.blocks.cursor(block), self.blocks.cursor(block + 1));
        let mut moved = (0..from.streams.len()).filter(|stream| from.streams[*stream].at != to.streams[*stream].at);
        let (Some(stream), None) = (moved.next(), moved.next()) else { return Ok(false) };
        let file = &self.sources[stream / 2].streams[stream % 2];
        let (begin, end) = (from.streams[stream], to.streams[stream]);
        let is_whole = begin.at == begin.start && end.at == end.start && end.at - begin.at <= source::CHUNK as u64;
        if !is_whole || file.cut.is_some_and(|cut| begin.at < cut.end && cut.start < end.at) {
            return Ok(false);
        }
        file.read(begin.at, end.at, bytes)?;
        Ok(bytes.len() as u64 == end.at - begin.at)
    }

    /// Writes every line that is shown into `out`, as it was written by its task.
    ///
    /// # Errors
    /// What the file system says.
    pub fn save(&self, keep: &Keep, range: std::ops::RangeInclusive<u64>, out: &mut impl io::Write) -> io::Result<u64> {
        let (mut saved, mut failed) = (0, None);
        for block in self.blocks.find(*range.start())..self.blocks.len() {
            let mut sieve = query::Sieve::new(keep);
            let _ = self.walk_block(block, &mut |met| {
                let Some(bytes) = met.what.bytes() else { return ControlFlow::Continue(()) };
                if met.end > *range.end() {
                    return ControlFlow::Break(());
                }
                if sieve.keeps(bytes) && range.contains(&met.end) {
                    let ending: &[u8] = if matches!(met.what, cursor::What::Line(_)) { b"\n" } else { b"" };
                    if let Err(error) = out.write_all(bytes).and_then(|()| out.write_all(ending)) {
                        failed = Some(error);
                        return ControlFlow::Break(());
                    }
                    saved += u64::from(!ending.is_empty() || matches!(met.what, cursor::What::Open(_)));
                }
                ControlFlow::Continue(())
            })?;
            if let Some(error) = failed {
                return Err(error);
            }
            if self.end_of(block) > *range.end() {
                break;
            }
        }
        out.flush()?;
        Ok(saved)
    }
}
