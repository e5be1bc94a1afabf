//! The files of one log as they were when last looked at: two streams, the index of times, what was cut out.

use crate::{
    executors::shim::{
        log_cap::{self, Cut},
        log_index::{self, Entry},
    },
    model::AttemptFiles,
};
use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

/// Bytes read at once.
pub const CHUNK: usize = 256 * 1024;

/// One stream of one log.
#[derive(Debug)]
pub struct StreamFile {
    path: PathBuf,
    file: Option<File>,
    /// How long it was.
    pub length: u64,
    /// What is gone of it.
    pub cut: Option<Cut>,
}

impl StreamFile {
    const fn new(path: PathBuf) -> Self {
        Self { path, file: None, length: 0, cut: None }
    }

    fn look(&mut self) -> io::Result<()> {
        if self.file.is_none() {
            self.file = open_if_there(&self.path)?;
        }
        self.length = self.file.as_ref().map(File::metadata).transpose()?.map_or(0, |m| m.len());
        Ok(())
    }

    /// Fills `bytes` with what there is from `from`; at most [`CHUNK`], and nothing after `to`.
    pub fn read(&self, from: u64, to: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
        let wanted = usize::try_from(to.min(self.length).saturating_sub(from)).unwrap_or(CHUNK).min(CHUNK);
        bytes.resize(wanted, 0);
        let mut got = 0;
        while let Some(file) = self.file.as_ref().filter(|_| got < wanted) {
            match file.read_at(&mut bytes[got..], from + got as u64)? {
                0 => break,
                more => got += more,
            }
        }
        bytes.truncate(got);
        Ok(())
    }
}

/// The files of one attempt.
#[derive(Debug)]
pub struct Source {
    folder: PathBuf,
    /// Standard output and standard error.
    pub streams: [StreamFile; 2],
    index: PathBuf,
    index_file: Option<File>,
    index_length: u64,
}

impl Source {
    /// Of the attempt in that folder. Files that do not exist yet are empty.
    pub fn new(folder: &Path) -> Self {
        let files = AttemptFiles::new(folder);
        Self {
            folder: folder.to_owned(),
            streams: [StreamFile::new(files.stdout()), StreamFile::new(files.stderr())],
            index: files.log_index(),
            index_file: None,
            index_length: 0,
        }
    }

    /// Looks how long everything is now; true if what is gone of it is not what was gone before.
    pub fn look(&mut self) -> io::Result<bool> {
        // The index first: what it covers is there.
        if self.index_file.is_none() {
            self.index_file = open_if_there(&self.index)?;
        }
        self.index_length = self.index_file.as_ref().map(File::metadata).transpose()?.map_or(0, |m| m.len());
        for stream in &mut self.streams {
            stream.look()?;
        }
        let cuts = log_cap::read(&self.folder);
        let mut changed = false;
        for (stream, cut) in self.streams.iter_mut().zip([cuts.stdout, cuts.stderr]) {
            let cut = cut.filter(|cut| cut.start < cut.end);
            changed |= stream.cut != cut;
            stream.cut = cut;
        }
        Ok(changed)
    }

    /// Bytes of both streams.
    pub fn length(&self) -> u64 {
        self.streams[0].length + self.streams[1].length
    }

    /// The entry that begins at `at` or after, and where the next one begins.
    fn entry_at(&self, at: u64, window: &mut IndexWindow) -> io::Result<Option<(Entry, u64)>> {
        let mut at = at;
        loop {
            let Some(line) = window.line(self.index_file.as_ref(), at, self.index_length)? else { return Ok(None) };
            let next = at + line.len() as u64 + 1;
            if let Some(entry) = std::str::from_utf8(line).ok().and_then(log_index::parse) {
                return Ok(Some((entry, next)));
            }
            at = next;
        }
    }

    /// Where in the index the first entry is that covers more than `bytes` of the log, and the one before it.
    pub fn search_index(&self, bytes: u64) -> io::Result<(u64, Option<Entry>)> {
        let mut window = IndexWindow::default();
        let (mut low, mut high) = (0, self.index_length);
        // `low` is where a line begins whose predecessors cover at most `bytes`.
        let mut before = None;
        while high > low + 1 {
            let middle = low + (high - low) / 2;
            let Some(begin) = window.next_line(self.index_file.as_ref(), middle, self.index_length)?.filter(|begin| *begin < high) else {
                high = middle;
                continue;
            };
            match self.entry_at(begin, &mut window)? {
                Some((entry, next)) if entry.stdout + entry.stderr <= bytes => (low, before) = (next, Some(entry)),
                _ => high = middle,
            }
        }
        while let Some((entry, next)) = self.entry_at(low, &mut window)? {
            if entry.stdout + entry.stderr > bytes {
                break;
            }
            (low, before) = (next, Some(entry));
        }
        Ok((low, before))
    }
}

/// A part of the index that was read.
#[derive(Debug, Default)]
struct IndexWindow {
    from: u64,
    bytes: Vec<u8>,
}

/// Bytes of the index that are read at once. A line of it has at most 62.
const INDEX_WINDOW: u64 = 16 * 1024;

impl IndexWindow {
    /// The whole line that begins at `at`, without its end.
    fn line(&mut self, file: Option<&File>, at: u64, length: u64) -> io::Result<Option<&[u8]>> {
        if self.find(at).is_none() {
            self.read(file, at, length)?;
        }
        Ok(self.find(at).map(|(start, end)| &self.bytes[start..end]))
    }

    fn find(&self, at: u64) -> Option<(usize, usize)> {
        let start = usize::try_from(at.checked_sub(self.from)?).ok().filter(|start| *start < self.bytes.len())?;
        let end = memchr::memchr(b'\n', &self.bytes[start..])?;
        Some((start, start + end))
    }

    /// Where the first line begins that begins after `at`.
    fn next_line(&mut self, file: Option<&File>, at: u64, length: u64) -> io::Result<Option<u64>> {
        Ok(self.line(file, at, length)?.map(|line| at + line.len() as u64 + 1))
    }

    fn read(&mut self, file: Option<&File>, at: u64, length: u64) -> io::Result<()> {
        let wanted = length.saturating_sub(at).min(INDEX_WINDOW) as usize;
        self.from = at;
        self.bytes.resize(wanted, 0);
        let got = match file {
            Some(file) if wanted > 0 => file.read_at(&mut self.bytes, at)?,
            _ => 0,
        };
        self.bytes.truncate(got);
        Ok(())
    }
}

/// The index of one source, entry by entry.
#[derive(Debug, Default)]
pub struct Entries {
    /// Where the current entry begins, or the next one if there is none yet.
    pub at: u64,
    current: Option<(Entry, u64)>,
    window: IndexWindow,
}

impl Entries {
    /// From there on.
    pub fn new(at: u64) -> Self {
        Self { at, ..Self::default() }
    }

    /// The current entry, if it is written already.
    pub fn current(&mut self, source: &Source) -> io::Result<Option<Entry>> {
        if self.current.is_none() {
            self.current = source.entry_at(self.at, &mut self.window)?;
        }
        Ok(self.current.map(|(entry, _)| entry))
    }

    /// Goes on to the next.
    pub const fn advance(&mut self) {
        if let Some((_, next)) = self.current.take() {
            self.at = next;
        }
    }
}

fn open_if_there(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
