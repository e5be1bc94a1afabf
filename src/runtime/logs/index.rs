//! The index of a log: how long both streams were, and when.

use super::{CHUNK, open_if_there};
use crate::executors::shim::log_index::{self, Entry};
use std::{collections::VecDeque, fs::File, io, os::unix::fs::FileExt, path::PathBuf};

/// The index, read once from front to back, some entries at a time.
pub struct Index {
    path: PathBuf,
    file: Option<File>,
    at: u64,
    partial: Vec<u8>,
    entries: VecDeque<Entry>,
}

impl Index {
    pub fn new(path: PathBuf) -> Self {
        Self { path, file: None, at: 0, partial: Vec::new(), entries: VecDeque::new() }
    }

    /// The first entry that was not advanced over, if there is one already.
    pub fn current(&mut self) -> io::Result<Option<Entry>> {
        if self.file.is_none() {
            self.file = open_if_there(&self.path)?;
        }
        let mut buffer = [0; CHUNK];
        while self.entries.is_empty() {
            let length = self.file.as_ref().map_or(Ok(0), |file| file.read_at(&mut buffer, self.at))?;
            if length == 0 {
                return Ok(None);
            }
            self.at += length as u64;
            self.partial.extend_from_slice(&buffer[..length]);
            let whole = self.partial.iter().rposition(|b| *b == b'\n').map_or(0, |newline| newline + 1);
            let text: Vec<u8> = self.partial.drain(..whole).collect();
            self.entries.extend(String::from_utf8_lossy(&text).lines().filter_map(log_index::parse));
        }
        Ok(self.entries.front().copied())
    }

    pub fn advance(&mut self) {
        self.entries.pop_front();
    }

    /// Goes on after the last entry, near its end, that covers at most `bytes` of the log; gives that entry. The index of a
    /// long attempt is long, and of its beginning nothing is wanted.
    pub fn start_near(&mut self, bytes: u64) -> io::Result<Entry> {
        let nothing = Entry { micros: 0, stdout: 0, stderr: 0 };
        let Some(file) = open_if_there(&self.path)? else { return Ok(nothing) };
        let (length, mut back) = (file.metadata()?.len(), CHUNK as u64);
        loop {
            let from = length.saturating_sub(back);
            let mut text = vec![0; (length - from) as usize];
            file.read_exact_at(&mut text, from)?;
            let whole = if from == 0 { 0 } else { text.iter().position(|b| *b == b'\n').map_or(text.len(), |newline| newline + 1) };
            let (mut at, mut found) = (from + whole as u64, None);
            for line in text[whole..].split_inclusive(|b| *b == b'\n').filter(|line| line.ends_with(b"\n")) {
                if let Some(entry) = log_index::parse(String::from_utf8_lossy(line).trim_end()) {
                    if entry.stdout + entry.stderr > bytes {
                        break;
                    }
                    found = Some((entry, at + line.len() as u64));
                }
                at += line.len() as u64;
            }
            if found.is_some() || from == 0 {
                let (entry, at) = found.unwrap_or((nothing, 0));
                self.at = at;
                return Ok(entry);
            }
            back *= 4;
        }
    }
}
