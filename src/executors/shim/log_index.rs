//! `log.index`: when how many bytes of each stream were there. The only source of times and of the order between the streams.
//!
//! Format 1, text: the first line is `flowyard log index 1`; each further line is `MICROS STDOUT STDERR`, microseconds
//! since 1970 and the length of both logs then, all decimal, each line only when a length changed. A last line without
//! its line end is not yet written. The shim adds a line at most 10 times a second and one at the end.

use crate::model::AttemptFiles;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::OpenOptionsExt,
    },
    path::PathBuf,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// First line of the file.
pub const HEADER: &str = "flowyard log index 1";

/// Shortest time between two entries.
const REST: Duration = Duration::from_millis(100);

/// A task that is over sooner gets one entry, at its end, and is spared the cost of a watch.
const FIRST: Duration = Duration::from_millis(20);

/// How often lengths are looked at where the system has no watch left to give.
const WITHOUT_WATCH: Duration = Duration::from_millis(500);

/// One line of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Microseconds since 1970.
    pub micros: i64,
    /// Bytes of standard output there then.
    pub stdout: u64,
    /// Bytes of standard error there then.
    pub stderr: u64,
}

/// Reads one line, without its line end; `None` for the first line and for anything else that is no entry.
pub fn parse(line: &str) -> Option<Entry> {
    let mut fields = line.split(' ');
    let entry = Entry { micros: fields.next()?.parse().ok()?, stdout: fields.next()?.parse().ok()?, stderr: fields.next()?.parse().ok()? };
    fields.next().is_none().then_some(entry)
}

enum State {
    /// Not looking yet.
    Fresh,
    /// Woken by the watch.
    Listening(Inotify),
    /// Not looking for a while, whatever comes.
    Resting(Inotify),
    /// There is no watch.
    Blind,
}

/// Writes the index of one attempt, driven by the shim's loop.
pub struct LogIndex {
    files: AttemptFiles,
    stdout: File,
    stderr: File,
    path: PathBuf,
    out: Option<File>,
    last: (u64, u64),
    state: State,
    due: Instant,
}

impl LogIndex {
    /// For logs that are open and empty. Writes nothing yet.
    pub fn new(files: AttemptFiles, stdout: File, stderr: File) -> Self {
        let path = files.log_index();
        Self { files, stdout, stderr, path, out: None, last: (0, 0), state: State::Fresh, due: Instant::now() + FIRST }
    }

    /// When [`Self::tick`] wants to be called whatever happens; `None`: only when [`Self::watch`] is readable.
    pub fn due(&self) -> Option<Instant> {
        (!matches!(self.state, State::Listening(_))).then_some(self.due)
    }

    /// What to wait for.
    pub fn watch(&self) -> Option<BorrowedFd<'_>> {
        match &self.state {
            State::Listening(watch) => Some(watch.as_fd()),
            State::Fresh | State::Resting(_) | State::Blind => None,
        }
    }

    /// The lengths of both streams when they were last looked at.
    pub fn lengths(&self) -> (u64, u64) {
        self.last
    }

    /// Goes on; `woken` when the watch was readable.
    pub fn tick(&mut self, now: Instant, woken: bool) {
        let is_due = now >= self.due;
        self.state = match std::mem::replace(&mut self.state, State::Blind) {
            State::Fresh if is_due => match Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK) {
                Ok(watch) => self.listen(watch, now),
                Err(_) => State::Blind,
            },
            State::Resting(watch) if is_due => self.listen(watch, now),
            State::Listening(watch) if woken => {
                self.record();
                self.due = now + REST;
                State::Resting(watch)
            }
            State::Blind if is_due => {
                self.record();
                self.due = now + WITHOUT_WATCH;
                State::Blind
            }
            other => other,
        };
    }

    /// Each watch fires once: while this rests, a task that writes line by line costs nothing.
    fn listen(&mut self, watch: Inotify, now: Instant) -> State {
        while watch.read_events().is_ok_and(|events| !events.is_empty()) {}
        let once = AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_ONESHOT;
        if [self.files.stdout(), self.files.stderr()].iter().any(|path| watch.add_watch(path, once).is_err()) {
            return State::Blind;
        }
        // Looked at after the watches stand, so that nothing falls between.
        if self.record() {
            self.due = now + REST;
            return State::Resting(watch);
        }
        State::Listening(watch)
    }

    /// Adds an entry if anything came since the last one, and says whether. A full disk loses times, never bytes.
    pub fn record(&mut self) -> bool {
        let length = |file: &File| file.metadata().map_or(0, |m| m.len());
        let now = (length(&self.stdout), length(&self.stderr));
        if now == self.last {
            return false;
        }
        self.last = now;
        let mut line = format!("{} {} {}\n", now_micros(), now.0, now.1);
        if self.out.is_none() {
            self.out = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path).ok();
            line = format!("{HEADER}\n{line}");
        }
        if let Some(out) = &mut self.out {
            let _ = out.write_all(line.as_bytes());
        }
        true
    }
}

/// Microseconds since 1970, now.
pub fn now_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_entries_are_entries() {
        assert_eq!(parse("17 0 25"), Some(Entry { micros: 17, stdout: 0, stderr: 25 }));
        for not in [HEADER, "", "17 0", "17 0 25 1", "17 0 x", "17  25"] {
            assert_eq!(parse(not), None, "{not}");
        }
    }

    #[test]
    fn an_entry_is_added_when_a_length_changed_and_only_then() {
        let folder = tempfile::tempdir().unwrap();
        let files = AttemptFiles::new(folder.path());
        let open = |path: PathBuf| super::super::files::open_log(&path).unwrap();
        let mut stdout = open(files.stdout());
        let mut index = LogIndex::new(files.clone(), open(files.stdout()), open(files.stderr()));
        index.record();
        assert!(!files.log_index().exists());
        stdout.write_all(b"abc\n").unwrap();
        index.record();
        index.record();
        let text = std::fs::read_to_string(files.log_index()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert_eq!(lines[0], HEADER);
        assert_eq!(parse(lines[1]).map(|e| (e.stdout, e.stderr)), Some((4, 0)));
    }
}
