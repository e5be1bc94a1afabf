//! Who reads the logs that are on the screen: answers at once with a page, then goes on to index and to count, some
//! milliseconds at a time, so that no question waits.

use super::{
    entry,
    talk::{Counted, HuntRequest, LogAnswer, LogPart, LogRequest, PARTS, SLOTS, Sieve},
};
use crate::{
    runtime::book::{Found, Hunt, Keep, LogBook, Page, Prey, Query, Tally, Wanted},
    stdx::time::{self, Timestamp},
    tui::text,
};
use std::{
    fs::OpenOptions,
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    sync::Arc,
};

/// Bytes that are indexed or looked through before it is seen whether something was asked.
const SLICE: u64 = 8 << 20;
/// Milliseconds between two looks at a log that grows, and between two answers nobody asked for.
const GLANCE: i64 = 100;
/// An index that is so far behind is waited for before a page is read that cannot do without.
const NEAR: u64 = 16 << 20;
/// Most bytes that are copied.
const MAX_COPY: usize = 1 << 20;

/// What there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Business {
    /// Nothing, until something is asked.
    None,
    /// To look now and then whether a log has grown.
    Growing,
    /// To go on at once.
    Work,
}

/// The logs on the screen.
#[derive(Debug, Default)]
pub struct Desk {
    slots: [Option<Slot>; SLOTS],
}

impl Desk {
    /// Takes a question.
    pub fn ask(&mut self, request: LogRequest) {
        let Some(place) = self.slots.get_mut(request.slot) else { return };
        match place {
            Some(slot) if slot.is_of(&request) => slot.take(request),
            _ => *place = Some(Slot::new(request)),
        }
    }

    /// Forgets the log there.
    pub fn close(&mut self, slot: usize) {
        if let Some(place) = self.slots.get_mut(slot) {
            *place = None;
        }
    }

    /// Works for some milliseconds; answers through `send`.
    pub fn work(&mut self, now: Timestamp, send: &mut impl FnMut(LogAnswer)) -> Business {
        self.slots.iter_mut().flatten().map(|slot| slot.work(now, send)).max().unwrap_or(Business::None)
    }
}

#[derive(Debug)]
struct Slot {
    request: LogRequest,
    book: LogBook,
    keep: Keep,
    /// Counts what is shown, if not all is.
    shown: Option<Counter>,
    /// Counts what is searched.
    matches: Option<Counter>,
    /// Counts the same in lines that are not shown too, if some are not.
    anywhere: Option<Counter>,
    /// Counts errors, all of them.
    errors: Counter,
    /// Where they are.
    spread: Arc<[bool]>,
    hunt: Option<(HuntRequest, Hunt, bool)>,
    found: Option<(u32, Found)>,
    /// The match that was found last.
    current: Option<u64>,
    page: Page,
    indexed: bool,
    /// The page is to be read again; somebody waits for it.
    wanted: bool,
    /// Something else than the page is new.
    news: bool,
    /// There is something new on the disk.
    grown: bool,
    looked: Option<Timestamp>,
    sent: Option<Timestamp>,
    ended: bool,
    trouble: Option<String>,
    under_way: Arc<()>,
}

#[derive(Debug)]
struct Counter {
    tally: Tally,
    done: bool,
}

impl Counter {
    fn new(wanted: Wanted) -> Self {
        Self { tally: Tally::new(wanted), done: false }
    }

    fn counted(&self) -> Counted {
        Counted { lines: self.tally.sum(), done: self.done }
    }
}

impl Slot {
    fn new(request: LogRequest) -> Self {
        let folders: Vec<_> = request.targets.iter().map(|target| target.folder.clone()).collect();
        let mut slot = Self {
            book: LogBook::new(&folders),
            keep: Keep::default(),
            shown: None,
            matches: None,
            anywhere: None,
            errors: Counter::new(Wanted { keep: Keep::default(), prey: Prey::Error }),
            spread: Arc::from([]),
            hunt: None,
            found: None,
            current: None,
            page: Page::default(),
            indexed: false,
            wanted: true,
            news: false,
            grown: false,
            looked: None,
            sent: None,
            ended: false,
            trouble: None,
            under_way: Arc::default(),
            request: request.clone(),
        };
        slot.sieve();
        slot.start_hunt(request.hunt);
        slot
    }

    /// Whether it is about the same log; one that has ended in between is.
    fn is_of(&self, request: &LogRequest) -> bool {
        let keys = |request: &LogRequest| request.targets.iter().map(|target| target.folder.clone()).collect::<Vec<PathBuf>>();
        keys(&self.request) == keys(request)
    }

    fn take(&mut self, request: LogRequest) {
        let before = std::mem::replace(&mut self.request, request);
        if before.targets != self.request.targets {
            (self.ended, self.looked) = (false, None);
        }
        if before.sieve != self.request.sieve || before.search != self.request.search {
            self.sieve();
        }
        if before.hunt != self.request.hunt {
            self.start_hunt(self.request.hunt);
        }
        self.wanted = true;
    }

    /// Counts anew what is shown and what is searched, if that is something else now.
    fn sieve(&mut self) {
        self.keep = Keep::new(self.request.sieve.level, &self.request.sieve.filter);
        let shown = Wanted { keep: self.keep.clone(), prey: Prey::Any };
        if self.shown.as_ref().map(|counter| counter.tally.wanted()) != Some(&shown) {
            self.shown = (!self.keep.is_all()).then(|| Counter::new(shown));
        }
        let anywhere = if self.keep.is_all() { None } else { self.searched_in(Keep::default()) };
        if self.anywhere.as_ref().map(|counter| counter.tally.wanted()) != anywhere.as_ref() {
            self.anywhere = anywhere.map(Counter::new);
        }
        let matches = self.searched_in(self.keep.clone());
        if self.matches.as_ref().map(|counter| counter.tally.wanted()) != matches.as_ref() {
            self.current = None;
            self.matches = matches.map(Counter::new);
        }
    }

    fn searched_in(&self, keep: Keep) -> Option<Wanted> {
        let query = Query::new(&self.request.search)?;
        Some(Wanted { keep, prey: Prey::Query(query) })
    }

    fn start_hunt(&mut self, request: Option<HuntRequest>) {
        self.hunt = request.and_then(|request| {
            let wanted =
                if request.errors { Wanted { keep: self.keep.clone(), prey: Prey::Error } } else { self.searched_in(self.keep.clone())? };
            Some((request, Hunt::new(wanted, request.from, request.forward, request.inclusive), !request.errors))
        });
    }

    fn work(&mut self, now: Timestamp, send: &mut impl FnMut(LogAnswer)) -> Business {
        match self.work_or_fail(now, send) {
            Ok(business) => business,
            Err(error) => {
                let error = error.to_string();
                let known = self.trouble.as_ref() == Some(&error);
                self.trouble = Some(error);
                if !known || self.wanted {
                    self.wanted = false;
                    self.answer(now, send);
                }
                Business::Growing
            }
        }
    }

    fn work_or_fail(&mut self, now: Timestamp, send: &mut impl FnMut(LogAnswer)) -> io::Result<Business> {
        self.look(now)?;
        if self.wanted && self.can_read() {
            self.turn()?;
            self.wanted = false;
            self.answer(now, send);
            return Ok(Business::Work);
        }
        if self.advance()? {
            let due = self.sent.is_none_or(|sent| (now - sent).num_milliseconds() >= GLANCE);
            if due && self.is_free() {
                self.turn_if_older()?;
                self.answer(now, send);
            }
            return Ok(Business::Work);
        }
        if (self.news || self.grown) && self.is_free() {
            self.turn_if_older()?;
            self.answer(now, send);
        }
        Ok(if self.ended && !self.news && !self.grown { Business::None } else { Business::Growing })
    }

    /// Whether the last answer was taken.
    fn is_free(&self) -> bool {
        Arc::strong_count(&self.under_way) == 1
    }

    fn look(&mut self, now: Timestamp) -> io::Result<()> {
        if self.ended || self.looked.is_some_and(|at| (now - at).num_milliseconds() < GLANCE) {
            return Ok(());
        }
        let live = self.request.targets.iter().any(|target| target.live);
        let grown = self.book.look(live, time::to_micros(now))?;
        if grown || self.looked.is_none() || !live {
            self.indexed = false;
            for counter in [&mut self.shown, &mut self.matches, &mut self.anywhere].into_iter().flatten().chain([&mut self.errors]) {
                counter.done = false;
            }
        }
        if live && self.request.targets.len() > 1 {
            // What was too fresh to be put in order is not any more.
            self.indexed = false;
        }
        self.grown |= grown && self.looked.is_some();
        self.news |= self.looked.is_none() || !live;
        self.looked = Some(now);
        self.ended = !live;
        self.trouble = None;
        Ok(())
    }

    /// Whether a page can be read without looking through much.
    fn can_read(&self) -> bool {
        let alone = self.request.targets.len() == 1 && self.keep.is_all();
        alone || self.indexed || self.book.bytes() - self.book.indexed() < NEAR
    }

    /// Reads the page again if what is on the disk, or what is known of it, is newer.
    fn turn_if_older(&mut self) -> io::Result<()> {
        let unnumbered = || self.page.rows.iter().any(|row| row.lines.is_none());
        if self.can_read() && (self.grown || !self.keep.is_all() || unnumbered()) { self.turn() } else { Ok(()) }
    }

    fn turn(&mut self) -> io::Result<()> {
        let tally = self.shown.as_ref().map(|counter| &counter.tally);
        let request = &self.request;
        self.page = self.book.page(request.anchor, request.before, request.after, &self.keep, tally)?;
        self.grown = false;
        Ok(())
    }

    /// Does some of what there is to do; false if there is nothing.
    fn advance(&mut self) -> io::Result<bool> {
        if !self.indexed {
            self.indexed = !self.book.index_some(SLICE)?;
            self.news |= self.indexed;
            return Ok(true);
        }
        if let Some((request, hunt, around)) = &mut self.hunt {
            let tally = self.matches.as_ref().filter(|_| !request.errors).map(|counter| &counter.tally);
            match self.book.hunt(hunt, tally, SLICE)? {
                Found::NotYet => {}
                Found::Nothing if *around => {
                    let end = if request.forward { 0 } else { u64::MAX };
                    let wanted = self.matches.as_ref().map(|counter| counter.tally.wanted().clone()).unwrap_or_default();
                    *hunt = Hunt::new(wanted, end, request.forward, true);
                    *around = false;
                }
                found => {
                    if let (Found::At(line), false) = (found, request.errors) {
                        self.current = Some(line);
                    }
                    self.found = Some((request.number, found));
                    (self.hunt, self.news) = (None, true);
                }
            }
            return Ok(true);
        }
        let mut counters = [&mut self.shown, &mut self.matches, &mut self.anywhere].into_iter().flatten();
        if let Some(counter) = counters.find(|counter| !counter.done) {
            counter.done = !self.book.count_some(&mut counter.tally, SLICE)?;
            self.news |= counter.done;
            return Ok(true);
        }
        if self.errors.done {
            return Ok(false);
        }
        self.errors.done = !self.book.count_some(&mut self.errors.tally, SLICE)?;
        if self.errors.done {
            let spread = self.book.spread(&self.errors.tally, PARTS)?;
            self.news |= *self.spread != *spread;
            self.spread = spread.into();
        }
        Ok(true)
    }

    fn answer(&mut self, now: Timestamp, send: &mut impl FnMut(LogAnswer)) {
        let rank = self.current.zip(self.matches.as_ref()).and_then(|(line, counter)| self.book.rank(&counter.tally, line).ok().flatten());
        self.news = false;
        self.sent = Some(now);
        send(LogAnswer {
            slot: self.request.slot,
            keys: self.request.targets.iter().map(|target| target.key.clone()).collect(),
            anchor: self.request.anchor,
            sieve: self.request.sieve.clone(),
            entries: if self.keep.is_all() {
                entry::entries(&self.page.rows)
            } else {
                entry::sieved(&self.page.rows, self.page.to_end.then_some(self.book.lines()))
            },
            from_start: self.page.from_start,
            to_end: self.page.to_end,
            lines: self.book.lines(),
            bytes: (self.book.bytes(), self.book.indexed()),
            indexed: self.indexed,
            shown: self.shown.as_ref().map(Counter::counted),
            matches: self.matches.as_ref().map(|counter| (self.request.search.clone(), counter.counted())),
            anywhere: self.anywhere.as_ref().map(Counter::counted),
            rank,
            errors: Arc::clone(&self.spread),
            hunt: self.found,
            ended: self.ended,
            trouble: self.trouble.clone(),
            under_way: Arc::clone(&self.under_way),
        });
    }
}

/// Reads a part of a log and hands it over: the text and its lines for the clipboard, or where it was written.
///
/// # Errors
/// What the file system says, or that the file is there already.
pub fn hand_over(part: &LogPart, now: Timestamp) -> Result<Handed, String> {
    let folders: Vec<_> = part.targets.iter().map(|target| target.folder.clone()).collect();
    let mut book = LogBook::new(&folders);
    let Sieve { level, filter } = &part.sieve;
    let keep = Keep::new(*level, filter);
    let mut index = || -> io::Result<()> {
        book.look(part.targets.iter().any(|target| target.live), time::to_micros(now))?;
        while book.index_some(SLICE)? {}
        Ok(())
    };
    index().map_err(|error| format!("the log cannot be read: {error}"))?;
    let Some(path) = &part.file else {
        let mut out = Capped(Vec::new());
        let saved = book.save(&keep, part.range.clone(), &mut out);
        let whole = saved.is_ok();
        let raw = String::from_utf8_lossy(&out.0).into_owned();
        let lines: Vec<_> = raw.lines().map(|line| super::ansi::read(line).0).collect();
        return Ok(Handed::Text { text: lines.join("\n"), whole });
    };
    let shown = text::safe(&path.display().to_string());
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => format!("{shown} is there already; nothing was written: choose another name"),
        _ => format!("cannot write {shown}: {error}"),
    })?;
    let lines =
        book.save(&keep, part.range.clone(), &mut BufWriter::new(file)).map_err(|error| format!("cannot write {shown}: {error}"))?;
    Ok(Handed::Saved { lines, path: shown })
}

/// What became of a part of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handed {
    /// To be copied.
    Text {
        /// The lines.
        text: String,
        /// It is all of it.
        whole: bool,
    },
    /// Written into a file.
    Saved {
        /// How many.
        lines: u64,
        /// Where.
        path: String,
    },
}

/// Takes so many bytes and no more.
struct Capped(Vec<u8>);

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = MAX_COPY - self.0.len();
        if room == 0 && !bytes.is_empty() {
            return Err(io::Error::other("enough"));
        }
        let taken = room.min(bytes.len());
        self.0.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::AttemptFiles,
        runtime::book::Anchor,
        tui::world::{LogKey, LogTarget},
    };
    use std::path::Path;

    fn request(folder: &Path) -> LogRequest {
        let key = LogKey { run: "run-1".into(), task: "talk".into(), attempt: 1 };
        LogRequest {
            slot: 0,
            targets: vec![LogTarget { key, folder: folder.to_owned(), live: true }],
            anchor: Anchor::End,
            before: 10,
            after: 0,
            sieve: Sieve::default(),
            search: String::new(),
            hunt: None,
        }
    }

    fn append(folder: &Path, lines: std::ops::Range<usize>) {
        let open = |path| OpenOptions::new().append(true).create(true).open(path).unwrap();
        let files = AttemptFiles::new(folder);
        let (mut log, mut index) = (open(files.stdout()), open(files.log_index()));
        for line in lines {
            writeln!(log, "line {line}").unwrap();
        }
        writeln!(index, "1 {} 0", log.metadata().unwrap().len()).unwrap();
    }

    /// Works until there is nothing to do at once.
    fn work(desk: &mut Desk, now: Timestamp) -> Vec<LogAnswer> {
        let mut answers = Vec::new();
        while desk.work(now, &mut |answer| answers.push(answer)) == Business::Work {}
        answers
    }

    #[test]
    fn a_log_that_grows_all_the_time_is_shown_to_its_end_and_no_answer_is_sent_before_the_last_was_taken() {
        let folder = tempfile::tempdir().unwrap();
        append(folder.path(), 0..10);
        let mut desk = Desk::default();
        desk.ask(request(folder.path()));
        let mut now = Timestamp::default();
        let mut taken = work(&mut desk, now);
        for n in 1..20 {
            append(folder.path(), n * 10..n * 10 + 10);
            now += chrono::Duration::milliseconds(GLANCE);
            let next = work(&mut desk, now);
            assert!(next.is_empty(), "{n}");
            drop(taken);
            taken = work(&mut desk, now);
            let last = taken.last().unwrap();
            assert_eq!(last.entries.last().unwrap().text, format!("line {}", n * 10 + 9));
            assert_eq!(last.lines, n as u64 * 10 + 10);
        }
    }

    #[test]
    fn the_end_is_told_before_anything_is_indexed() {
        let folder = tempfile::tempdir().unwrap();
        append(folder.path(), 0..600_000);
        let mut desk = Desk::default();
        desk.ask(request(folder.path()));
        let mut answers = Vec::new();
        assert_eq!(desk.work(Timestamp::default(), &mut |answer| answers.push(answer)), Business::Work);
        assert_eq!((answers[0].entries.last().unwrap().text.as_str(), answers[0].lines), ("line 599999", 0));
        drop(answers);
        let last = work(&mut desk, Timestamp::default() + chrono::Duration::seconds(1)).pop().unwrap();
        assert_eq!((last.lines, last.entries.last().unwrap().lines), (600_000, Some(599_999)));
    }
}
