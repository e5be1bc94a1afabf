//! A place in the order of a log, and the way on from it: steps through the streams, and the lines that end on the way.
//!
//! The order is that of `log.index`: each entry is a step through standard output, then one through standard error; of several
//! logs the entry with the earliest time comes first. What no entry covers comes last. A line stands where its end is. The
//! bytes passed of all streams together number every place, so one number says where a line is.

use super::source::{CHUNK, Entries, Source};
use std::{io, ops::ControlFlow};

/// A longer line is broken into pieces of about this many bytes, each shown as a line.
pub const PIECE: u64 = 16 * 1024;

/// How far one stream was read, and where the line begins that has no end yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct At {
    /// Bytes passed.
    pub at: u64,
    /// Where the open line, or piece of one, begins.
    pub start: u64,
}

/// A place between two lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Line ends passed.
    pub lines: u64,
    /// Of each source, where the next entry of its index begins.
    pub index: Vec<u64>,
    /// Of each source two streams.
    pub streams: Vec<At>,
}

impl Cursor {
    /// Before everything.
    pub fn start(sources: usize) -> Self {
        Self { lines: 0, index: vec![0; sources], streams: vec![At::default(); sources * 2] }
    }

    /// The number of the place.
    pub fn place(&self) -> u64 {
        self.streams.iter().map(|stream| stream.at).sum()
    }
}

/// What may be passed.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Entries that are later than this are left for later: of several logs one may still get an earlier one.
    pub horizon: i64,
    /// Whether what no entry covers is passed too.
    pub uncovered: bool,
}

/// Everything that is there.
pub const EVERYTHING: Limits = Limits { horizon: i64::MAX, uncovered: true };

/// A line on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Met<'a> {
    /// The place after it; its name.
    pub end: u64,
    /// Line ends before it.
    pub lines: u64,
    /// Position of the stream among those of all sources.
    pub stream: usize,
    /// When its end was written, in microseconds since 1970.
    pub micros: Option<i64>,
    /// What it is.
    pub what: What<'a>,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What<'a> {
    /// A whole line or its last piece, without its end.
    Line(&'a [u8]),
    /// A piece of a long line that goes on.
    Piece(&'a [u8]),
    /// What has no end yet.
    Open(&'a [u8]),
    /// So many bytes were cut out here.
    Cut(u64),
}

impl<'a> What<'a> {
    /// Its text, if it has one.
    pub const fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Line(bytes) | Self::Piece(bytes) | Self::Open(bytes) => Some(bytes),
            Self::Cut(_) => None,
        }
    }
}

struct Step {
    stream: usize,
    to: u64,
    micros: Option<i64>,
}

/// Goes from a place on, through what was there when the sources were looked at.
pub struct Walker<'a> {
    sources: &'a [Source],
    limits: Limits,
    /// Where it is.
    pub cursor: Cursor,
    entries: Vec<Entries>,
    buffers: Vec<Buffer>,
    /// The open line of each stream.
    open: Vec<Vec<u8>>,
    micros: Vec<Option<i64>>,
}

/// Bytes of a stream that were read.
#[derive(Debug, Clone, Default)]
struct Buffer {
    from: u64,
    bytes: Vec<u8>,
}

impl<'a> Walker<'a> {
    /// From there.
    pub fn new(sources: &'a [Source], cursor: Cursor, limits: Limits) -> Self {
        let entries = cursor.index.iter().map(|at| Entries::new(*at)).collect();
        let count = cursor.streams.len();
        Self {
            sources,
            limits,
            cursor,
            entries,
            buffers: vec![Buffer::default(); count],
            open: vec![Vec::new(); count],
            micros: vec![None; count],
        }
    }

    fn stream(&self, number: usize) -> &'a super::source::StreamFile {
        &self.sources[number / 2].streams[number % 2]
    }

    fn next_step(&mut self) -> io::Result<Option<Step>> {
        let mut earliest: Option<Step> = None;
        for (number, source) in self.sources.iter().enumerate() {
            let [out, err] = [2 * number, 2 * number + 1];
            while let Some(entry) = self.entries[number].current(source)? {
                let ends = [entry.stdout.min(source.streams[0].length), entry.stderr.min(source.streams[1].length)];
                let stream = if self.cursor.streams[out].at < ends[0] { out } else { err };
                let to = ends[stream - out];
                if self.cursor.streams[stream].at >= to {
                    self.entries[number].advance();
                    self.cursor.index[number] = self.entries[number].at;
                    continue;
                }
                let is_first = earliest.as_ref().is_none_or(|step| step.micros.is_some_and(|micros| entry.micros < micros));
                if is_first && entry.micros <= self.limits.horizon {
                    earliest = Some(Step { stream, to, micros: Some(entry.micros) });
                }
                break;
            }
        }
        if earliest.is_some() || !self.limits.uncovered {
            return Ok(earliest);
        }
        let left = (0..self.cursor.streams.len()).find(|stream| self.cursor.streams[*stream].at < self.stream(*stream).length);
        Ok(left.map(|stream| Step { stream, to: self.stream(stream).length, micros: None }))
    }

    /// Where the buffer of that stream has bytes from `at` on; empty if there are none.
    fn buffered(&mut self, stream: usize, at: u64, to: u64) -> io::Result<std::ops::Range<usize>> {
        let file = self.stream(stream);
        let buffer = &mut self.buffers[stream];
        if at < buffer.from || at >= buffer.from + buffer.bytes.len() as u64 {
            buffer.from = at;
            file.read(at, u64::MAX, &mut buffer.bytes)?;
        }
        let start = (at - buffer.from) as usize;
        let end = (to.min(buffer.from + buffer.bytes.len() as u64) - buffer.from) as usize;
        Ok(start.min(end)..end)
    }

    /// Meets every line whose end is at most at `until`, then goes there; at the end of everything also the open lines.
    pub fn walk(&mut self, until: u64, visit: &mut impl FnMut(Met<'_>) -> ControlFlow<()>) -> io::Result<ControlFlow<()>> {
        self.load_open()?;
        while self.cursor.place() < until {
            let Some(step) = self.next_step()? else { return Ok(self.meet_open(visit)) };
            if let Some(flow) = self.pass_cut(&step, visit) {
                if flow.is_break() {
                    return Ok(flow);
                }
                continue;
            }
            if self.pass(&step, until, visit)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Reads again what was passed of the lines without an end.
    fn load_open(&mut self) -> io::Result<()> {
        for number in 0..self.cursor.streams.len() {
            let At { at, start } = self.cursor.streams[number];
            if self.open[number].len() as u64 != at - start {
                let file = self.stream(number);
                file.read(start, at, &mut self.open[number])?;
            }
        }
        Ok(())
    }

    /// Goes over what was cut out, if that is next.
    fn pass_cut(&mut self, step: &Step, visit: &mut impl FnMut(Met<'_>) -> ControlFlow<()>) -> Option<ControlFlow<()>> {
        let number = step.stream;
        let at = self.cursor.streams[number].at;
        let cut = self.stream(number).cut.filter(|cut| (cut.start..cut.end).contains(&at))?;
        let mut flow = ControlFlow::Continue(());
        if !self.open[number].is_empty() {
            let text = std::mem::take(&mut self.open[number]);
            let end = self.cursor.place();
            flow = visit(Met { end, lines: self.cursor.lines, stream: number, micros: step.micros, what: What::Piece(&text) });
        }
        self.cursor.streams[number] = At { at: cut.end, start: cut.end };
        let end = self.cursor.place();
        if flow.is_continue() {
            flow = visit(Met { end, lines: self.cursor.lines, stream: number, micros: step.micros, what: What::Cut(cut.end - at) });
        }
        Some(flow)
    }

    /// Goes on within one step, as far as is in the buffer.
    fn pass(&mut self, step: &Step, until: u64, visit: &mut impl FnMut(Met<'_>) -> ControlFlow<()>) -> io::Result<ControlFlow<()>> {
        let number = step.stream;
        let at = self.cursor.streams[number].at;
        let others = self.cursor.place() - at;
        let to = step.to.min(until - others);
        let to = self.stream(number).cut.filter(|cut| at < cut.start).map_or(to, |cut| to.min(cut.start));
        let range = self.buffered(number, at, to)?;
        if range.is_empty() {
            // It is shorter than it was: nothing to pass.
            self.cursor.streams[number].at = to;
            return Ok(ControlFlow::Continue(()));
        }
        self.micros[number] = step.micros;
        let mut bytes = &self.buffers[number].bytes[range];
        let open = &mut self.open[number];
        while !bytes.is_empty() {
            let At { at, start } = self.cursor.streams[number];
            let room = (start + PIECE + 1 - at) as usize;
            let window = &bytes[..bytes.len().min(room)];
            let (taken, what_is) = match memchr::memchr(b'\n', window) {
                Some(newline) => (newline + 1, Some(true)),
                None if window.len() == room => (room, Some(false)),
                None => (window.len(), None),
            };
            let text: &[u8] = if open.is_empty() {
                &bytes[..taken]
            } else {
                open.extend_from_slice(&bytes[..taken]);
                open
            };
            let end = others + at + taken as u64;
            let lines = self.cursor.lines;
            let stream = &mut self.cursor.streams[number];
            stream.at = at + taken as u64;
            let met = |what| Met { end, lines, stream: number, micros: step.micros, what };
            let flow = match what_is {
                Some(true) => {
                    stream.start = stream.at;
                    self.cursor.lines += 1;
                    let flow = visit(met(What::Line(&text[..text.len() - 1])));
                    open.clear();
                    flow
                }
                Some(false) => {
                    let length = whole_characters(text);
                    stream.start = start + length as u64;
                    let flow = visit(met(What::Piece(&text[..length])));
                    let rest = text[length..].to_vec();
                    *open = rest;
                    flow
                }
                None => {
                    if open.is_empty() {
                        open.extend_from_slice(&bytes[..taken]);
                    }
                    ControlFlow::Continue(())
                }
            };
            if flow.is_break() {
                return Ok(flow);
            }
            bytes = &bytes[taken..];
        }
        Ok(ControlFlow::Continue(()))
    }

    fn meet_open(&self, visit: &mut impl FnMut(Met<'_>) -> ControlFlow<()>) -> ControlFlow<()> {
        let end = self.cursor.place();
        for (number, text) in self.open.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
            let met = Met {
                end: end + 1 + number as u64,
                lines: self.cursor.lines,
                stream: number,
                micros: self.micros[number],
                what: What::Open(text),
            };
            if visit(met).is_break() {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    /// Goes on without looking at lines, only counting them: calls `at_line` now and then, just after the end of one. Stops
    /// after `budget` bytes, or when there is nothing more to pass; says how many bytes are left of the budget.
    pub fn skim(&mut self, budget: u64, at_line: &mut impl FnMut(&Cursor)) -> io::Result<u64> {
        let mut left = budget;
        while left > 0 {
            let Some(step) = self.next_step()? else { break };
            let number = step.stream;
            let file = self.stream(number);
            let at = self.cursor.streams[number].at;
            if let Some(cut) = file.cut.filter(|cut| (cut.start..cut.end).contains(&at)) {
                self.cursor.streams[number] = At { at: cut.end, start: cut.end };
                continue;
            }
            let to = file.cut.filter(|cut| at < cut.start).map_or(step.to, |cut| step.to.min(cut.start));
            let range = self.buffered(number, at, to)?;
            if range.is_empty() {
                self.cursor.streams[number].at = to;
                continue;
            }
            left = left.saturating_sub(range.len() as u64);
            self.count(number, range, at_line);
        }
        Ok(left)
    }

    /// Counts the lines of a part of the buffer. No piece is missed: a line that is too long leaves a part without an end.
    fn count(&mut self, number: usize, range: std::ops::Range<usize>, at_line: &mut impl FnMut(&Cursor)) {
        const PART: usize = 8 * 1024;
        let mut bytes = &self.buffers[number].bytes[range];
        while !bytes.is_empty() {
            let part = &bytes[..bytes.len().min(PART)];
            let At { at, start } = self.cursor.streams[number];
            let first = memchr::memchr(b'\n', part);
            let limit = at + first.unwrap_or(part.len()) as u64;
            if limit - start > PIECE {
                let piece_end = start + PIECE + 1;
                let taken = (piece_end - at) as usize;
                let before = self.tail(number, piece_end, &part[..taken]);
                let whole = whole_characters(&before);
                let start = piece_end - (before.len() - whole) as u64;
                self.cursor.streams[number] = At { at: piece_end, start };
                bytes = &bytes[taken..];
                at_line(&self.cursor);
                continue;
            }
            let end = at + part.len() as u64;
            match first.and(memchr::memrchr(b'\n', part)) {
                Some(last) => {
                    self.cursor.lines += memchr::memchr_iter(b'\n', part).count() as u64;
                    let taken = last + 1;
                    self.cursor.streams[number] = At { at: at + taken as u64, start: at + taken as u64 };
                    bytes = &bytes[taken..];
                    at_line(&self.cursor);
                    // What follows the last end has none.
                    let rest = part.len() - taken;
                    self.cursor.streams[number].at = end;
                    bytes = &bytes[rest..];
                }
                None => {
                    self.cursor.streams[number].at = end;
                    bytes = &bytes[part.len()..];
                }
            }
        }
    }

    /// The last bytes before `end`, enough to see whether a character is whole; `near` are those at hand.
    fn tail(&self, number: usize, end: u64, near: &[u8]) -> Vec<u8> {
        if near.len() >= 5 {
            return near[near.len() - 5..].to_vec();
        }
        let mut bytes = Vec::new();
        // What cannot be read any more is broken anywhere.
        let _ = self.stream(number).read(end.saturating_sub(5), end, &mut bytes);
        bytes
    }
}

/// How much of `bytes` but the last byte ends with a whole character, as far as it is UTF-8 at all.
fn whole_characters(bytes: &[u8]) -> usize {
    let most = bytes.len().saturating_sub(1);
    let begins = |at: &usize| bytes.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80);
    (most.saturating_sub(3)..=most).rev().find(begins).unwrap_or(most)
}

const _: () = assert!(CHUNK as u64 > PIECE);
