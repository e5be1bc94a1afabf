//! One stream of a log: bytes become lines, whole characters stay whole, and what is gone is said in its place.

use super::{CHUNK, LogLine, MAX_LINE, Stream, cut, open_if_there};
use crate::{
    executors::shim::log_cap::Cut,
    stdx::{size, time::Timestamp},
};
use std::{fs::File, io, os::unix::fs::FileExt, path::PathBuf};

/// One stream, read once from front to back.
pub struct Tail {
    pub stream: Stream,
    path: PathBuf,
    file: Option<File>,
    /// Offset of the next byte to read.
    pub at: u64,
    /// What is gone of it, as far as that was looked up.
    cut: Option<Cut>,
    /// The line that has no end yet.
    pub partial: Vec<u8>,
    pub partial_at: Option<Timestamp>,
}

impl Tail {
    pub fn new(stream: Stream, path: PathBuf) -> Self {
        Self { stream, path, file: None, at: 0, cut: None, partial: Vec::new(), partial_at: None }
    }

    fn file(&mut self) -> io::Result<Option<&File>> {
        if self.file.is_none() {
            self.file = open_if_there(&self.path)?;
        }
        Ok(self.file.as_ref())
    }

    /// Looks up again what is gone.
    fn look_for_cut(&mut self) {
        self.cut = cut(&self.path, self.stream);
    }

    /// The bytes from `from` that are neither gone nor after what is gone, at most `length`.
    fn whole(&self, from: u64, length: u64) -> u64 {
        self.cut.filter(|cut| from < cut.end).map_or(length, |cut| length.min(cut.start.saturating_sub(from)))
    }

    /// Goes over what is gone, if that is next, and leaves a word about it.
    fn skip_cut(&mut self, at: Option<Timestamp>, lines: &mut Vec<LogLine>) -> bool {
        let Some(cut) = self.cut.filter(|cut| (cut.start..cut.end).contains(&self.at)) else { return false };
        lines.extend(self.finish());
        let text = format!("[flowyard: {} are left out here: the log is longer than [engine] max_log]", size::short(cut.end - self.at));
        lines.push(LogLine { at, stream: self.stream, text });
        self.at = cut.end;
        true
    }

    pub fn unread(&mut self) -> io::Result<u64> {
        let at = self.at;
        Ok(self.file()?.map(File::metadata).transpose()?.map_or(0, |m| m.len().saturating_sub(at)))
    }

    /// Starts at the first line that begins at or after `offset`, or within a line that has no end yet; says where.
    pub fn start_at(&mut self, offset: u64) -> io::Result<u64> {
        self.at = offset;
        if offset == 0 {
            return Ok(0);
        }
        self.look_for_cut();
        let (from, gone) = (offset - 1, self.cut);
        if gone.is_some_and(|cut| (cut.start..cut.end).contains(&from)) {
            return Ok(offset);
        }
        let until = gone.filter(|cut| from < cut.start).map_or(u64::MAX, |cut| cut.start);
        let Some(file) = self.file()? else { return Ok(0) };
        let (mut buffer, mut from) = (vec![0; CHUNK], from);
        let mut start = None;
        loop {
            if from >= until {
                start = Some(until);
                break;
            }
            let length = file.read_at(&mut buffer[..(until - from).min(CHUNK as u64) as usize], from)?;
            if length == 0 {
                break;
            }
            if let Some(newline) = buffer[..length].iter().position(|b| *b == b'\n') {
                start = Some(from + newline as u64 + 1);
                break;
            }
            from += length as u64;
        }
        let length = file.read_at(&mut buffer[..4], offset)?;
        let broken = buffer[..length].iter().take_while(|b| is_continuation(**b)).count() as u64;
        self.at = start.unwrap_or(offset + broken);
        Ok(self.at)
    }

    pub fn read_to(&mut self, end: u64, at: Option<Timestamp>, lines: &mut Vec<LogLine>, budget: &mut u64) -> io::Result<()> {
        let mut buffer = [0; CHUNK];
        while self.at < end && *budget > 0 {
            if self.skip_cut(at, lines) {
                continue;
            }
            let from = self.at;
            let wanted = self.whole(from, (end - from).min(*budget).min(CHUNK as u64)) as usize;
            let Some(file) = self.file()? else { return Ok(()) };
            let length = file.read_at(&mut buffer[..wanted], from)?;
            if length == 0 {
                return Ok(());
            }
            // It is written down what goes before it goes: who sees the hole finds the word about it.
            if buffer[..length].contains(&0) {
                self.look_for_cut();
                if self.whole(from, length as u64) < length as u64 {
                    continue;
                }
            }
            self.at += length as u64;
            *budget -= length as u64;
            self.split(&buffer[..length], at, lines);
        }
        Ok(())
    }

    fn split(&mut self, bytes: &[u8], at: Option<Timestamp>, lines: &mut Vec<LogLine>) {
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            self.partial.extend_from_slice(piece);
            self.partial_at = at;
            if piece.ends_with(b"\n") {
                self.partial.pop();
                if self.partial.ends_with(b"\r") {
                    self.partial.pop();
                }
                lines.push(self.line(self.partial.len()));
            } else if self.partial.len() >= MAX_LINE {
                lines.push(self.line(whole_characters(&self.partial)));
            }
        }
    }

    /// Takes the first `length` bytes of the unfinished line as a line.
    fn line(&mut self, length: usize) -> LogLine {
        let text = String::from_utf8_lossy(&self.partial[..length]).into_owned();
        self.partial.drain(..length);
        LogLine { at: self.partial_at, stream: self.stream, text }
    }

    pub fn finish(&mut self) -> Option<LogLine> {
        (!self.partial.is_empty()).then(|| self.line(self.partial.len()))
    }
}

/// How much of `bytes` ends with a whole character, as far as it is UTF-8 at all.
fn whole_characters(bytes: &[u8]) -> usize {
    let last = bytes.iter().rev().take(4).position(|b| !is_continuation(*b));
    let Some(tail) = last.map(|back| back + 1) else { return bytes.len() };
    let wanted = match bytes[bytes.len() - tail] {
        0xf0..=0xf7 => 4,
        0xe0..=0xef => 3,
        0xc0..=0xdf => 2,
        _ => 1,
    };
    if tail < wanted { bytes.len() - tail } else { bytes.len() }
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}
