//! Reads the log of an attempt: both streams, in the order of `log.index`.
//!
//! The index says how long both streams were at some moments. What came between two of them is shown as all of standard
//! output, then all of standard error: more is not known. Bytes that the index does not cover are given 200 ms to be
//! covered, and are shown without a time then. Where a log was cut because it was too long, one line says how much is gone.

// Only for how long bytes wait for the index.
#![allow(clippy::disallowed_methods)]

mod index;
mod tail;
#[cfg(test)]
mod tests;

use crate::{
    executors::shim::{
        log_cap::{self, Cut},
        log_index::Entry,
    },
    model::AttemptFiles,
    stdx::time::{self, Timestamp},
};
use index::Index;
use std::{
    fs::File,
    io,
    path::Path,
    time::{Duration, Instant},
};
use tail::Tail;

/// How long bytes wait for the index.
const PATIENCE: Duration = Duration::from_millis(200);
/// A line without an end is shown as one when it is so long.
const MAX_LINE: usize = 1024 * 1024;
/// Bytes read by one [`LogReader::poll`], so that a long log does not have to fit into memory.
const MAX_POLL: u64 = 8 * 1024 * 1024;
const CHUNK: usize = 64 * 1024;

/// Which stream a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// One line of a log. The text is foreign: make it safe before it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When it was written, as exactly as `log.index` knows (0.1 s).
    pub at: Option<Timestamp>,
    /// Where it was written.
    pub stream: Stream,
    /// Without its line end; invalid UTF-8 replaced.
    pub text: String,
}

/// Follows the log of one attempt from disk.
pub struct LogReader {
    stdout: Tail,
    stderr: Tail,
    index: Index,
    skipped: u64,
    uncovered_since: Option<Instant>,
}

impl LogReader {
    /// Opens the log of an attempt whose folder is `folder`, starting at most `tail_bytes` before its end (`None`: from its start).
    /// Files that do not exist yet are waited for.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(folder: &Path, tail_bytes: Option<u64>) -> io::Result<Self> {
        let files = AttemptFiles::new(folder);
        let mut reader = Self {
            stdout: Tail::new(Stream::Stdout, files.stdout()),
            stderr: Tail::new(Stream::Stderr, files.stderr()),
            index: Index::new(files.log_index()),
            skipped: 0,
            uncovered_since: None,
        };
        if let Some(tail_bytes) = tail_bytes {
            reader.skip_to_tail(tail_bytes)?;
        }
        Ok(reader)
    }

    /// Bytes left out before the first line.
    pub fn skipped_bytes(&self) -> u64 {
        self.skipped
    }

    /// Bytes written that were not read yet.
    ///
    /// # Errors
    /// What the file system says.
    pub fn behind(&mut self) -> io::Result<u64> {
        Ok(self.stdout.unread()? + self.stderr.unread()?)
    }

    /// Complete lines that came since the last call, in order. Of a long log only so much at once as fits into memory
    /// easily: the next call goes on.
    ///
    /// # Errors
    /// What the file system says.
    pub fn poll(&mut self) -> io::Result<Vec<LogLine>> {
        self.poll_at(Instant::now())
    }

    /// What was read of a line that has no end yet: a prompt, or a progress bar that is drawn over itself.
    pub fn unfinished(&self) -> Option<LogLine> {
        let open = [&self.stdout, &self.stderr].into_iter().filter(|tail| !tail.partial.is_empty());
        let tail = open.max_by_key(|tail| tail.partial_at)?;
        let shown = tail.partial.strip_suffix(b"\r").unwrap_or(&tail.partial);
        let start = shown.iter().rposition(|byte| *byte == b'\r').map_or(0, |cr| cr + 1);
        let text = String::from_utf8_lossy(&shown[start..]).into_owned();
        Some(LogLine { at: tail.partial_at, stream: tail.stream, text })
    }

    /// The unfinished last lines: what a task that ended without a newline wrote last. Also all that was not polled yet.
    pub fn rest(&mut self) -> Vec<LogLine> {
        let (mut lines, mut budget) = (Vec::new(), u64::MAX);
        // A log that cannot be read any more has no rest.
        let _ = self.take_covered(&mut lines, &mut budget).and_then(|_| self.take_uncovered(&mut lines, &mut budget));
        lines.extend(self.stdout.finish());
        lines.extend(self.stderr.finish());
        lines
    }

    fn poll_at(&mut self, now: Instant) -> io::Result<Vec<LogLine>> {
        let (mut lines, mut budget) = (Vec::new(), MAX_POLL);
        let covered = self.take_covered(&mut lines, &mut budget)?;
        let is_uncovered = budget > 0 && (self.stdout.unread()? > 0 || self.stderr.unread()? > 0);
        self.uncovered_since = match self.uncovered_since {
            _ if !is_uncovered => None,
            Some(since) if !covered => Some(since),
            _ => Some(now),
        };
        if self.uncovered_since.is_some_and(|since| now.duration_since(since) >= PATIENCE) {
            self.take_uncovered(&mut lines, &mut budget)?;
        }
        Ok(lines)
    }

    /// Reads what the index covers; true if it covered anything new.
    fn take_covered(&mut self, lines: &mut Vec<LogLine>, budget: &mut u64) -> io::Result<bool> {
        let mut any = false;
        while let Some(entry) = self.index.current()? {
            let at = Some(time::from_micros(entry.micros));
            self.stdout.read_to(entry.stdout, at, lines, budget)?;
            self.stderr.read_to(entry.stderr, at, lines, budget)?;
            if *budget == 0 {
                return Ok(true);
            }
            any = true;
            self.index.advance();
        }
        Ok(any)
    }

    fn take_uncovered(&mut self, lines: &mut Vec<LogLine>, budget: &mut u64) -> io::Result<()> {
        for tail in [&mut self.stdout, &mut self.stderr] {
            let end = tail.at + tail.unread()?;
            tail.read_to(end, None, lines, budget)?;
        }
        Ok(())
    }

    /// Leaves out what comes first in the order of the index, and from there the broken line.
    fn skip_to_tail(&mut self, tail_bytes: u64) -> io::Result<()> {
        let end = Entry { micros: 0, stdout: self.stdout.unread()?, stderr: self.stderr.unread()? };
        let mut excess = (end.stdout + end.stderr).saturating_sub(tail_bytes);
        if excess == 0 {
            return Ok(());
        }
        let known = self.index.start_near(excess)?;
        let (mut stdout, mut stderr) = (known.stdout.min(end.stdout), known.stderr.min(end.stderr));
        excess -= (stdout + stderr).min(excess);
        while excess > 0 {
            let next = self.index.current()?;
            let to = next.unwrap_or(end);
            let skip = to.stdout.saturating_sub(stdout).min(excess);
            (stdout, excess) = (stdout + skip, excess - skip);
            let skip = to.stderr.saturating_sub(stderr).min(excess);
            (stderr, excess) = (stderr + skip, excess - skip);
            if next.is_none() {
                break;
            }
            if excess > 0 {
                self.index.advance();
            }
        }
        self.skipped = self.stdout.start_at(stdout)? + self.stderr.start_at(stderr)?;
        Ok(())
    }
}

/// What is gone of a stream whose log is at `path`.
pub fn cut(path: &Path, stream: Stream) -> Option<Cut> {
    let cuts = log_cap::read(path.parent()?);
    match stream {
        Stream::Stdout => cuts.stdout,
        Stream::Stderr => cuts.stderr,
    }
    .filter(|cut| cut.start < cut.end)
}

fn open_if_there(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
