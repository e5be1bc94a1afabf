//! Keeps head and tail of a log that grows too long, by giving the middle of the file back to the disk. Offsets stay.
//!
//! `log.cut` says which bytes of each stream are gone. It is written before they go, so nobody takes a hole for output.

use super::slot;
use crate::model::AttemptFiles;
use rustix::fs::{FallocateFlags, fallocate};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

/// Most bytes that are given up or kept beyond the limit so that a cut falls between two lines.
const TO_LINE_END: usize = 64 * 1024;

/// Bytes of one stream that are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// The first one.
    pub start: u64,
    /// The first one that is there again.
    pub end: u64,
}

impl Cut {
    /// How many.
    pub fn bytes(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }
}

/// Content of `log.cut`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cuts {
    /// Of standard output.
    pub stdout: Option<Cut>,
    /// Of standard error.
    pub stderr: Option<Cut>,
}

/// What is gone of the log of the attempt in `folder`.
pub fn read(folder: &Path) -> Cuts {
    slot::read(&AttemptFiles::new(folder).log_cut()).unwrap_or_default()
}

/// Says what is gone of the log of the attempt in `folder`.
///
/// # Errors
/// What the file system says.
pub fn write(folder: &Path, cuts: &Cuts) -> std::io::Result<()> {
    slot::write(&slot::create(&AttemptFiles::new(folder).log_cut())?, cuts)
}

/// Caps the logs of one attempt, driven by the shim's loop.
pub struct LogCap {
    max: u64,
    path: PathBuf,
    record: Option<File>,
    cuts: Cuts,
    stdout: Stream,
    stderr: Stream,
}

struct Stream {
    /// Open for writing: a hole is a change.
    log: File,
    path: PathBuf,
}

impl LogCap {
    /// For logs that are open; each may keep `max` bytes.
    pub fn new(files: &AttemptFiles, max: u64, stdout: File, stderr: File) -> Self {
        Self {
            max,
            path: files.log_cut(),
            record: None,
            cuts: Cuts::default(),
            stdout: Stream { log: stdout, path: files.stdout() },
            stderr: Stream { log: stderr, path: files.stderr() },
        }
    }

    /// Cuts what is too long, now that the streams have these lengths.
    pub fn check(&mut self, stdout: u64, stderr: u64) {
        // The room for the record is taken while there is some: by the time that it is needed the log may have filled the disk.
        if self.record.is_none() && stdout.max(stderr) > self.max / 2 {
            self.record = slot::create(&self.path).ok().filter(|record| slot::write(record, &self.cuts).is_ok());
        }
        let wanted = Cuts {
            stdout: self.stdout.cut(stdout, self.cuts.stdout, self.max),
            stderr: self.stderr.cut(stderr, self.cuts.stderr, self.max),
        };
        let Some(record) = self.record.as_ref().filter(|_| wanted != self.cuts) else { return };
        // What cannot be said is not done: a log that is too long is better than one that looks whole, after a loss of power too.
        match slot::write(record, &wanted).and_then(|()| record.sync_data()) {
            Ok(()) => {
                self.stdout.punch(self.cuts.stdout, wanted.stdout);
                self.stderr.punch(self.cuts.stderr, wanted.stderr);
                self.cuts = wanted;
            }
            // What a failed sync left behind is not known, and asking again does not tell.
            Err(_) => self.max = u64::MAX,
        }
    }
}

impl Stream {
    /// What is to be gone of it: nothing more until an eighth too much is there, so that this is rare.
    fn cut(&self, length: u64, before: Option<Cut>, max: u64) -> Option<Cut> {
        if length.saturating_sub(before.map_or(0, |cut| cut.bytes())) <= max.saturating_add(max / 8) {
            return before;
        }
        let head = max / 4;
        let start = before.map_or_else(|| self.after_last_line(head), |cut| cut.start);
        let end = self.next_line(length.saturating_sub(max - head));
        Some(Cut { start, end: end.max(before.map_or(start, |cut| cut.end)) })
    }

    /// The end of the last line that ends before `offset`, if one does shortly before.
    fn after_last_line(&self, offset: u64) -> u64 {
        let from = offset.saturating_sub(TO_LINE_END as u64);
        let bytes = self.bytes(from, (offset - from) as usize);
        bytes.iter().rposition(|byte| *byte == b'\n').map_or(offset, |at| from + at as u64 + 1)
    }

    /// The beginning of the first line that begins after `offset`, if one does shortly after.
    fn next_line(&self, offset: u64) -> u64 {
        let bytes = self.bytes(offset, TO_LINE_END);
        bytes.iter().position(|byte| *byte == b'\n').map_or(offset, |at| offset + at as u64 + 1)
    }

    fn bytes(&self, from: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        let read = File::open(&self.path).and_then(|file| file.read_at(&mut bytes, from)).unwrap_or(0);
        bytes.truncate(read);
        bytes
    }

    fn punch(&self, before: Option<Cut>, now: Option<Cut>) {
        let Some(cut) = now.filter(|_| before != now) else { return };
        let start = before.map_or(cut.start, |before| before.end);
        // Where the disk has no holes the bytes stay; nobody reads them any more.
        let _ = fallocate(&self.log, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, start, cut.end - start);
    }
}
