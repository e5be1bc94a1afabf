//! Reads the log of an attempt: both streams, in the order of `log.index`.

use crate::stdx::time::Timestamp;
use std::{io, path::Path};

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
pub struct LogReader {}

impl LogReader {
    /// Opens the log of an attempt whose folder is `folder`, starting at most `tail_bytes` before its end (`None`: from its start).
    /// Files that do not exist yet are waited for.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(_folder: &Path, _tail_bytes: Option<u64>) -> io::Result<Self> {
        todo!()
    }
    /// Bytes left out before the first line.
    pub fn skipped_bytes(&self) -> u64 {
        todo!()
    }
    /// Complete lines that came since the last call, in order.
    ///
    /// # Errors
    /// What the file system says.
    pub fn poll(&mut self) -> io::Result<Vec<LogLine>> {
        todo!()
    }
    /// The unfinished last lines: what a task that ended without a newline wrote last.
    pub fn rest(&mut self) -> Vec<LogLine> {
        todo!()
    }
}
