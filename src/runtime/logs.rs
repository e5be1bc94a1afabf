//! Reads the log of an attempt: both streams, in the order of `log.index`.
//!
//! The index says how long both streams were at some moments. What came between two of them is shown as all of standard
//! output, then all of standard error: more is not known. Bytes that the index does not cover are given 200 ms to be
//! covered, and are shown without a time then. Where a log was cut because it was too long, one line says how much is gone.

// Only for how long bytes wait for the index.
#![allow(clippy::disallowed_methods)]

use crate::{
    executors::shim::{
        log_cap::{self, Cut},
        log_index::{self, Entry},
    },
    model::AttemptFiles,
    stdx::{
        size,
        time::{self, Timestamp},
    },
};
use std::{
    collections::VecDeque,
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

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

/// One stream, read once from front to back.
struct Tail {
    stream: Stream,
    path: PathBuf,
    file: Option<File>,
    /// Offset of the next byte to read.
    at: u64,
    /// What is gone of it, as far as that was looked up.
    cut: Option<Cut>,
    /// The line that has no end yet.
    partial: Vec<u8>,
    partial_at: Option<Timestamp>,
}

impl Tail {
    fn new(stream: Stream, path: PathBuf) -> Self {
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

    fn unread(&mut self) -> io::Result<u64> {
        let at = self.at;
        Ok(self.file()?.map(File::metadata).transpose()?.map_or(0, |m| m.len().saturating_sub(at)))
    }

    /// Starts at the first line that begins at or after `offset`, or within a line that has no end yet; says where.
    fn start_at(&mut self, offset: u64) -> io::Result<u64> {
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

    fn read_to(&mut self, end: u64, at: Option<Timestamp>, lines: &mut Vec<LogLine>, budget: &mut u64) -> io::Result<()> {
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

    fn finish(&mut self) -> Option<LogLine> {
        (!self.partial.is_empty()).then(|| self.line(self.partial.len()))
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

fn open_if_there(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The index, read once from front to back, some entries at a time.
struct Index {
    path: PathBuf,
    file: Option<File>,
    at: u64,
    partial: Vec<u8>,
    entries: VecDeque<Entry>,
}

impl Index {
    fn new(path: PathBuf) -> Self {
        Self { path, file: None, at: 0, partial: Vec::new(), entries: VecDeque::new() }
    }

    /// The first entry that was not advanced over, if there is one already.
    fn current(&mut self) -> io::Result<Option<Entry>> {
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

    fn advance(&mut self) {
        self.entries.pop_front();
    }

    /// Goes on after the last entry, near its end, that covers at most `bytes` of the log; gives that entry. The index of a
    /// long attempt is long, and of its beginning nothing is wanted.
    fn start_near(&mut self, bytes: u64) -> io::Result<Entry> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{fs, fs::OpenOptions, io::Write};

    struct Attempt(tempfile::TempDir);

    impl Attempt {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }
        fn append(path: PathBuf, bytes: &[u8]) {
            OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(bytes).unwrap();
        }
        fn files(&self) -> AttemptFiles {
            AttemptFiles::new(self.0.path())
        }
        fn out(&self, bytes: impl AsRef<[u8]>) -> &Self {
            Self::append(self.files().stdout(), bytes.as_ref());
            self
        }
        fn err(&self, bytes: impl AsRef<[u8]>) -> &Self {
            Self::append(self.files().stderr(), bytes.as_ref());
            self
        }
        fn indexed(&self, micros: i64) -> &Self {
            let length = |path: PathBuf| fs::metadata(path).map_or(0, |m| m.len());
            let (out, err) = (length(self.files().stdout()), length(self.files().stderr()));
            let header = if self.files().log_index().exists() { String::new() } else { format!("{}\n", log_index::HEADER) };
            Self::append(self.files().log_index(), format!("{header}{micros} {out} {err}\n").as_bytes());
            self
        }
        fn reader(&self, tail: Option<u64>) -> LogReader {
            LogReader::open(self.0.path(), tail).unwrap()
        }
    }

    fn texts(lines: &[LogLine]) -> Vec<&str> {
        lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn both_streams_come_in_the_order_of_the_index() {
        let attempt = Attempt::new();
        attempt.out("a\n").indexed(1_000_000).err("b\n").indexed(2_000_000).err("d\n").out("c\n").indexed(3_000_000);
        let lines = attempt.reader(None).poll().unwrap();
        assert_eq!(texts(&lines), ["a", "b", "c", "d"]);
        assert_eq!(lines[1].stream, Stream::Stderr);
        assert_eq!(lines[2].at, Some(time::from_micros(3_000_000)));
    }

    #[test]
    fn files_that_are_not_there_yet_are_waited_for() {
        let attempt = Attempt::new();
        let mut reader = attempt.reader(Some(10));
        assert_eq!(reader.poll().unwrap(), []);
        attempt.out("late\n").indexed(1);
        assert_eq!(texts(&reader.poll().unwrap()), ["late"]);
        assert_eq!(reader.rest(), []);
    }

    #[test]
    fn bytes_the_index_does_not_cover_wait_a_moment_and_come_once() {
        let attempt = Attempt::new();
        attempt.out("a\n");
        let (mut reader, now) = (attempt.reader(None), Instant::now());
        assert_eq!(reader.poll_at(now).unwrap(), []);
        assert_eq!(reader.poll_at(now + PATIENCE / 2).unwrap(), []);
        let lines = reader.poll_at(now + PATIENCE).unwrap();
        assert_eq!((texts(&lines), lines[0].at), (vec!["a"], None));
        attempt.out("b\n").indexed(5);
        assert_eq!(texts(&reader.poll_at(now + PATIENCE).unwrap()), ["b"]);
        assert_eq!(reader.poll_at(now + PATIENCE * 9).unwrap(), []);
    }

    #[test]
    fn a_busy_task_whose_index_follows_never_loses_its_times() {
        let attempt = Attempt::new();
        let (mut reader, mut now) = (attempt.reader(None), Instant::now());
        for micros in 1..20 {
            attempt.out(format!("{micros}\n")).indexed(micros).out(format!("uncovered {micros}\n"));
            now += PATIENCE;
            assert!(reader.poll_at(now).unwrap().iter().all(|line| line.at.is_some()));
        }
    }

    #[test]
    fn a_line_and_a_character_split_between_polls_come_whole() {
        let attempt = Attempt::new();
        let mut reader = attempt.reader(None);
        let text = "naïve 数据 ✓\r\n".as_bytes();
        for (micros, byte) in (1..).zip(text) {
            attempt.out([*byte]).indexed(micros);
            let lines = reader.poll().unwrap();
            assert_eq!(lines.is_empty(), *byte != b'\n');
            if *byte == b'\n' {
                assert_eq!(texts(&lines), ["naïve 数据 ✓"]);
            }
        }
    }

    #[test]
    fn what_has_no_line_end_is_the_rest() {
        let attempt = Attempt::new();
        attempt.out("whole\nhalf").err(b"\xff").indexed(7);
        let mut reader = attempt.reader(None);
        assert_eq!(texts(&reader.poll().unwrap()), ["whole"]);
        assert_eq!(texts(&reader.rest()), ["half", "\u{fffd}"]);
        assert_eq!(reader.rest(), []);
    }

    #[test]
    fn the_rest_holds_everything_when_there_is_no_index() {
        let attempt = Attempt::new();
        attempt.out("a\nb\n").err("c\nd");
        let mut reader = attempt.reader(None);
        let mut lines = reader.poll().unwrap();
        lines.extend(reader.rest());
        assert_eq!(texts(&lines), ["a", "b", "c", "d"]);
    }

    #[test]
    fn a_line_that_never_ends_is_cut_between_characters() {
        let attempt = Attempt::new();
        attempt.out(format!("x{}\nnext\n", "ä".repeat(MAX_LINE))).indexed(1);
        let mut reader = attempt.reader(None);
        let lines = reader.poll().unwrap();
        assert!(lines.len() >= 3);
        assert!(lines.iter().all(|line| line.text.len() <= MAX_LINE + CHUNK && !line.text.contains('\u{fffd}')));
        assert_eq!(lines.iter().map(|line| line.text.len()).sum::<usize>(), 1 + 2 * MAX_LINE + 4);
        assert_eq!(lines.last().unwrap().text, "next");
    }

    #[test]
    fn a_long_log_comes_in_parts_and_whole() {
        let attempt = Attempt::new();
        let line = "z".repeat(999);
        attempt.out(format!("{line}\n").repeat(10_000)).indexed(1).err("last\n").indexed(2);
        let (mut reader, mut count) = (attempt.reader(None), 0);
        let mut polls = 0;
        loop {
            let lines = reader.poll().unwrap();
            if lines.is_empty() {
                break;
            }
            (count, polls) = (count + lines.len(), polls + 1);
        }
        assert_eq!((count, polls), (10_001, 2));
    }

    /// Says that these bytes of standard output are gone, then makes them so.
    fn cut_out(attempt: &Attempt, start: u64, end: u64) {
        log_cap::write(attempt.0.path(), &log_cap::Cuts { stdout: Some(Cut { start, end }), stderr: None }).unwrap();
        let log = OpenOptions::new().write(true).open(attempt.files().stdout()).unwrap();
        log.write_all_at(&vec![0; (end - start) as usize], start).unwrap();
    }

    #[test]
    fn what_is_cut_out_of_a_log_while_it_is_read_is_one_line_that_says_so() {
        let attempt = Attempt::new();
        let mut reader = attempt.reader(None);
        attempt.out("a1\na2\nb1\n").indexed(1);
        assert_eq!(texts(&reader.poll().unwrap()), ["a1", "a2", "b1"]);
        attempt.out("b2\nc1\nc2\n").indexed(2);
        cut_out(&attempt, 6, 12);
        let lines = reader.poll().unwrap();
        assert_eq!(texts(&lines), ["[flowyard: 3 B are left out here: the log is longer than [engine] max_log]", "c1", "c2"]);
        attempt.out("d1\n").indexed(3);
        cut_out(&attempt, 6, 15);
        assert_eq!(texts(&reader.poll().unwrap()), ["d1"]);
        let whole = attempt.reader(None).poll().unwrap();
        assert_eq!(texts(&whole)[..2], ["a1", "a2"]);
        assert_eq!((whole.len(), whole[3].text.as_str()), (5, "c2"));
    }

    #[test]
    fn a_tail_that_begins_in_what_is_gone_says_so_first() {
        let attempt = Attempt::new();
        attempt.out("one\n".repeat(1_000)).indexed(1).out("two\n").indexed(2);
        cut_out(&attempt, 400, 3_996);
        let lines = attempt.reader(Some(100)).poll().unwrap();
        assert!(lines[0].text.contains("are left out here"), "{}", lines[0].text);
        assert_eq!(texts(&lines[1..]), ["one", "two"]);
    }

    /// Zero bytes that a task wrote are its output, whole or beside a cut.
    #[test]
    fn zero_bytes_of_a_task_are_no_cut() {
        let attempt = Attempt::new();
        attempt.out("a\0b\nc\n").indexed(1);
        assert_eq!(texts(&attempt.reader(None).poll().unwrap()), ["a\0b", "c"]);
    }

    #[test]
    fn a_tail_starts_at_a_line_in_the_order_of_the_index() {
        let attempt = Attempt::new();
        for micros in 1..=1_000 {
            attempt.out(format!("out {micros:04}\n")).err(format!("err {micros:04}\n")).indexed(micros);
        }
        let mut reader = attempt.reader(Some(40));
        assert_eq!(reader.skipped_bytes(), 18_000 - 36);
        assert_eq!(texts(&reader.poll().unwrap()), ["out 0999", "err 0999", "out 1000", "err 1000"]);
        attempt.out("new\n").indexed(1_001);
        assert_eq!(texts(&reader.poll().unwrap()), ["new"]);
    }

    #[test]
    fn every_tail_is_the_end_of_the_whole() {
        let attempt = Attempt::new();
        let (mut stdout, mut stderr, mut index, mut all) = (String::new(), String::new(), format!("{}\n", log_index::HEADER), Vec::new());
        for micros in 1..=6_000 {
            stdout += &format!("out {micros}\n");
            stderr += &format!("err {micros}\n");
            index += &format!("{micros} {} {}\n", stdout.len(), stderr.len());
            all.extend([format!("out {micros}"), format!("err {micros}")]);
        }
        attempt.out(&stdout).err(&stderr);
        Attempt::append(attempt.files().log_index(), index.as_bytes());
        let total = (stdout.len() + stderr.len()) as u64;
        for tail in [0, 8, 9, 10, 40, 5_000, 60_000, total - 4, total - 1, total, total + 1] {
            let mut reader = attempt.reader(Some(tail));
            let lines = reader.poll().unwrap();
            assert_eq!(texts(&lines), all[all.len() - lines.len()..], "{tail}");
            let shown: u64 = lines.iter().map(|line| line.text.len() as u64 + 1).sum();
            assert_eq!(reader.skipped_bytes(), total - shown, "{tail}");
            assert!(shown <= tail && shown + 20 > tail.min(total), "{tail}");
        }
    }

    #[test]
    fn a_tail_without_an_index_leaves_out_standard_output_first() {
        let attempt = Attempt::new();
        attempt.out("1\n2\n3\n").err("4\n5\n");
        let mut reader = attempt.reader(Some(7));
        assert_eq!(reader.skipped_bytes(), 4);
        assert_eq!(texts(&reader.rest()), ["3", "4", "5"]);
        assert_eq!(attempt.reader(Some(0)).rest(), []);
        assert_eq!(attempt.reader(Some(100)).skipped_bytes(), 0);
    }

    #[test]
    fn a_tail_within_one_endless_line_shows_its_end() {
        let attempt = Attempt::new();
        attempt.out("ä".repeat(100)).indexed(1);
        let mut reader = attempt.reader(Some(11));
        assert_eq!(texts(&reader.rest()), ["äääää"]);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Out(Vec<u8>),
        Err(Vec<u8>),
        Index,
        Poll,
        PollLater,
    }

    fn step() -> impl Strategy<Value = Step> {
        let bytes = || proptest::collection::vec(proptest::sample::select("aä✓\n\n\r\u{1f600}\u{0}".as_bytes().to_vec()), 0..12);
        prop_oneof![bytes().prop_map(Step::Out), bytes().prop_map(Step::Err), Just(Step::Index), Just(Step::Poll), Just(Step::PollLater)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_byte_is_lost_doubled_or_cut_whenever_it_is_read(steps in proptest::collection::vec(step(), 0..40)) {
            let attempt = Attempt::new();
            let (mut reader, mut now) = (attempt.reader(None), Instant::now());
            let (mut stdout, mut stderr, mut lines) = (Vec::new(), Vec::new(), Vec::new());
            for step in steps {
                match step {
                    Step::Out(bytes) => { attempt.out(&bytes); stdout.extend(bytes); }
                    Step::Err(bytes) => { attempt.err(&bytes); stderr.extend(bytes); }
                    Step::Index => { attempt.indexed(1); }
                    Step::Poll => lines.extend(reader.poll_at(now).unwrap()),
                    Step::PollLater => { now += PATIENCE; lines.extend(reader.poll_at(now).unwrap()); }
                }
            }
            lines.extend(reader.rest());
            for (stream, bytes) in [(Stream::Stdout, stdout), (Stream::Stderr, stderr)] {
                let whole = |line: &[u8]| String::from_utf8_lossy(line.strip_suffix(b"\n").map_or(line, |l| l.strip_suffix(b"\r").unwrap_or(l))).into_owned();
                let expected: Vec<_> = bytes.split_inclusive(|b| *b == b'\n').map(whole).collect();
                let read: Vec<_> = lines.iter().filter(|line| line.stream == stream).map(|line| line.text.clone()).collect();
                prop_assert_eq!(read, expected);
            }
        }
    }
}
