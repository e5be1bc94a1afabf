//! Whatever is written, in whatever pieces: every page is a part of what a plain reading of everything gives.
#![allow(clippy::unwrap_used)]

use super::{
    blocks::Blocks,
    cursor::{PIECE, What},
    *,
};
use crate::{
    executors::shim::log_cap::{self, Cut, Cuts},
    executors::shim::log_index,
    model::AttemptFiles,
};
use proptest::prelude::*;
use std::{
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
};

/// A line as a plain reading gives it: stream, text, whether it is whole.
type Plain = (usize, Vec<u8>, bool);

#[derive(Debug, Clone)]
enum Wrote {
    Out(Vec<u8>),
    Err(Vec<u8>),
    Index,
}

/// An attempt that is written in a test, and what a plain reading of it gives.
struct Attempt {
    folder: tempfile::TempDir,
    pending: [Vec<u8>; 2],
    open: [Vec<u8>; 2],
    lengths: [u64; 2],
    lines: Vec<Plain>,
    micros: i64,
}

impl Attempt {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            pending: Default::default(),
            open: Default::default(),
            lengths: [0; 2],
            lines: Vec::new(),
            micros: 0,
        }
    }

    fn of(writes: &[Wrote]) -> Self {
        let mut attempt = Self::new();
        for write in writes {
            attempt.write(write);
        }
        attempt.finish();
        attempt
    }

    fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    fn append(path: &Path, bytes: &[u8]) {
        OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(bytes).unwrap();
    }

    fn write(&mut self, write: &Wrote) {
        let files = AttemptFiles::new(self.folder.path());
        match write {
            Wrote::Out(bytes) => self.put(0, &files.stdout(), bytes),
            Wrote::Err(bytes) => self.put(1, &files.stderr(), bytes),
            Wrote::Index => {
                self.micros += 1_000;
                let header = if files.log_index().exists() { String::new() } else { format!("{}\n", log_index::HEADER) };
                let line = format!("{header}{} {} {}\n", self.micros, self.lengths[0], self.lengths[1]);
                Self::append(&files.log_index(), line.as_bytes());
                self.take_pending();
            }
        }
    }

    fn put(&mut self, stream: usize, path: &Path, bytes: &[u8]) {
        Self::append(path, bytes);
        self.pending[stream].extend_from_slice(bytes);
        self.lengths[stream] += bytes.len() as u64;
    }

    fn take_pending(&mut self) {
        for stream in 0..2 {
            for byte in std::mem::take(&mut self.pending[stream]) {
                self.take(stream, byte);
            }
        }
    }

    fn take(&mut self, stream: usize, byte: u8) {
        if byte == b'\n' {
            let line = std::mem::take(&mut self.open[stream]);
            return self.lines.push((stream, line, true));
        }
        let open = &mut self.open[stream];
        open.push(byte);
        if open.len() as u64 == PIECE + 1 {
            let most = open.len() - 1;
            let cut = (most - 3..=most).rev().find(|at| open[*at] & 0xc0 != 0x80).unwrap_or(most);
            let rest = open.split_off(cut);
            let piece = std::mem::replace(open, rest);
            self.lines.push((stream, piece, false));
        }
    }

    fn finish(&mut self) {
        self.take_pending();
        for stream in 0..2 {
            let open = std::mem::take(&mut self.open[stream]);
            if !open.is_empty() {
                self.lines.push((stream, open, false));
            }
        }
    }
}

fn book(folders: &[PathBuf], spacing: u64, max: usize) -> LogBook {
    let mut book = LogBook::over(folders, Blocks::spaced(folders.len(), spacing, max));
    book.look(false, 0).unwrap();
    while book.index_some(1_000).unwrap() {}
    book
}

fn rows(page: &Page) -> Vec<Plain> {
    let row = |row: &Row| (usize::from(row.stream == crate::runtime::logs::Stream::Stderr), row.kind.text().unwrap().as_bytes().to_vec());
    let whole = |row: &Row| matches!(row.kind, RowKind::Line(_));
    page.rows.iter().map(|r| (row(r).0, row(r).1, whole(r))).collect()
}

fn lossy(lines: &[Plain]) -> Vec<Plain> {
    lines.iter().map(|(stream, text, whole)| (*stream, String::from_utf8_lossy(text).into_owned().into_bytes(), *whole)).collect()
}

fn writes() -> impl Strategy<Value = Vec<Wrote>> {
    let short = || proptest::collection::vec(proptest::sample::select("aä✓e\n\n\n\r\x1b\u{1f600}\u{0}".as_bytes().to_vec()), 0..40);
    let long = (1_usize..40_000, proptest::sample::select(vec!["x", "ä", "✓"])).prop_map(|(count, text)| text.repeat(count).into_bytes());
    let write = prop_oneof![
        6 => short().prop_map(Wrote::Out),
        6 => short().prop_map(Wrote::Err),
        1 => long.prop_map(Wrote::Out),
        6 => Just(Wrote::Index),
    ];
    proptest::collection::vec(write, 0..40)
}

fn pattern() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec!["a", "e", "ä✓", "a.*e", "^a", "e$", "^$", "x*", "[ae]+", "a\\s", "\\s", "A", "a\\b"])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_page_is_a_part_of_a_plain_reading(writes in writes(), spacing in 1_u64..3_000, max in 40_usize..4_000, before in 0_usize..6, after in 0_usize..6) {
        let attempt = Attempt::of(&writes);
        let all = lossy(&attempt.lines);
        let book = book(&[attempt.path()], spacing, max);
        let whole = book.page(Anchor::At(0), 0, usize::MAX, &Keep::default(), None).unwrap();
        prop_assert_eq!(rows(&whole), all.clone());
        prop_assert!(whole.to_end);
        prop_assert_eq!(book.lines(), attempt.lines.iter().filter(|line| line.2).count() as u64);
        for (at, row) in whole.rows.iter().enumerate() {
            let page = book.page(Anchor::At(row.end), before, after, &Keep::default(), None).unwrap();
            prop_assert_eq!(rows(&page), all[at.saturating_sub(before)..(at + after).min(all.len())].to_vec());
            let passed = attempt.lines[..at].iter().filter(|line| line.2).count() as u64;
            prop_assert_eq!(row.lines, Some(passed));
        }
        let end = book.page(Anchor::End, before, 5, &Keep::default(), None).unwrap();
        prop_assert_eq!(rows(&end), all[all.len().saturating_sub(before)..].to_vec());
    }

    #[test]
    fn the_end_is_the_same_without_the_index(writes in writes(), before in 1_usize..30) {
        let attempt = Attempt::of(&writes);
        let mut book = LogBook::new(&[attempt.path()]);
        book.look(false, 0).unwrap();
        let gathered = super::page::tests::end_without_index(&book, before);
        // Within a very long line nothing tells where its pieces begin.
        if attempt.lines.iter().all(|line| (line.1.len() as u64) < PIECE / 2) {
            let all = lossy(&attempt.lines);
            prop_assert_eq!(rows(&gathered), all[all.len().saturating_sub(before)..].to_vec());
        }
    }

    #[test]
    fn counts_ranks_and_hunts_agree_with_a_plain_search(writes in writes(), spacing in 1_u64..3_000, pattern in pattern(), keep in proptest::sample::select(vec!["", "e", "!ä"])) {
        let attempt = Attempt::of(&writes);
        let book = book(&[attempt.path()], spacing, 1_000);
        let keep = Keep::new(Level::Debug, keep);
        let query = Query::new(pattern).unwrap();
        let all = book.page(Anchor::At(0), 0, usize::MAX, &Keep::default(), None).unwrap();
        let mut sieve = query::Sieve::new(&keep);
        let text = |line: &Plain| line.1.clone();
        let expected: Vec<u64> = attempt.lines.iter().zip(&all.rows)
            .filter(|(line, _)| sieve.keeps(&text(line)) && query.is_in(&text(line)))
            .map(|(_, row)| row.end).collect();
        let wanted = Wanted { keep, prey: Prey::Query(query) };
        let mut tally = Tally::new(wanted.clone());
        while book.count_some(&mut tally, 50).unwrap() {}
        prop_assert_eq!(tally.sum(), expected.len() as u64);
        let (mut found, mut from) = (Vec::new(), 0);
        loop {
            let mut hunt = Hunt::new(wanted.clone(), from, true, false);
            match book.hunt(&mut hunt, Some(&tally), u64::MAX).unwrap() {
                Found::At(line) => { found.push(line); from = line; }
                other => { prop_assert_eq!(other, Found::Nothing); break; }
            }
        }
        prop_assert_eq!(&found, &expected);
        for (rank, line) in expected.iter().enumerate() {
            prop_assert_eq!(book.rank(&tally, *line).unwrap(), Some(rank as u64 + 1));
        }
        let mut back = Vec::new();
        let mut from = u64::MAX;
        loop {
            let mut hunt = Hunt::new(wanted.clone(), from, false, false);
            let mut result = Found::NotYet;
            while result == Found::NotYet { result = book.hunt(&mut hunt, None, 100).unwrap(); }
            match result {
                Found::At(line) => { back.push(line); from = line; }
                _ => break,
            }
        }
        back.reverse();
        prop_assert_eq!(back, expected);
    }

    #[test]
    fn several_logs_come_in_the_order_of_time(first in writes(), second in writes(), spacing in 1_u64..500) {
        let (one, two) = (Attempt::of(&first), Attempt::of(&second));
        let book = book(&[one.path(), two.path()], spacing, 2_000);
        let page = book.page(Anchor::At(0), 0, usize::MAX, &Keep::default(), None).unwrap();
        for (number, attempt) in [&one, &two].into_iter().enumerate() {
            let own = Page { rows: page.rows.iter().filter(|row| row.source == number).cloned().collect(), ..Page::default() };
            let open = |rows: Vec<Plain>| { let mut rows = rows; rows.sort_by_key(|row| row.0); rows };
            prop_assert_eq!(open(rows(&own)), open(lossy(&attempt.lines)));
        }
        let times: Vec<_> = page.rows.iter().filter(|row| matches!(row.kind, RowKind::Line(_))).filter_map(|row| row.at).collect();
        prop_assert!(times.is_sorted());
        for (at, row) in page.rows.iter().enumerate() {
            let part = book.page(Anchor::At(row.end), 2, 2, &Keep::default(), None).unwrap();
            prop_assert_eq!(&part.rows[..], &page.rows[at.saturating_sub(2)..(at + 2).min(page.rows.len())]);
        }
    }
}

fn lines_of(attempt: &mut Attempt, text: &str) {
    attempt.write(&Wrote::Out(text.as_bytes().to_vec()));
    attempt.write(&Wrote::Index);
}

#[test]
fn a_log_that_grows_is_indexed_further_and_shows_what_is_not_covered_yet() {
    let mut attempt = Attempt::new();
    lines_of(&mut attempt, &"line\n".repeat(100));
    let mut book = LogBook::over(&[attempt.path()], Blocks::spaced(1, 50, 1_000));
    assert!(book.look(true, 0).unwrap());
    while book.index_some(64).unwrap() {}
    assert_eq!((book.lines(), book.indexed()), (100, 500));
    attempt.write(&Wrote::Out(b"more\nope".to_vec()));
    assert!(book.look(true, 0).unwrap() && !book.look(true, 0).unwrap());
    while book.index_some(64).unwrap() {}
    assert_eq!(book.lines(), 100);
    let page = book.page(Anchor::End, 3, 0, &Keep::default(), None).unwrap();
    assert_eq!(
        page.rows.iter().map(|row| row.kind.clone()).collect::<Vec<_>>()[1..],
        [RowKind::Line("more".into()), RowKind::Open("ope".into())]
    );
    assert_eq!(page.rows[1].at, None);
    attempt.write(&Wrote::Out(b"n\n".to_vec()));
    attempt.write(&Wrote::Index);
    book.look(true, 0).unwrap();
    while book.index_some(64).unwrap() {}
    assert_eq!(book.lines(), 102);
}

#[test]
fn what_was_cut_out_is_one_row_that_says_how_much() {
    let mut attempt = Attempt::new();
    lines_of(&mut attempt, &(0..1_000).map(|n| format!("line {n:04}\n")).collect::<String>());
    let mut book = LogBook::over(&[attempt.path()], Blocks::spaced(1, 500, 10_000));
    book.look(true, 0).unwrap();
    while book.index_some(64).unwrap() {}
    log_cap::write(&attempt.path(), &Cuts { stdout: Some(Cut { start: 100, end: 9_900 }), stderr: None }).unwrap();
    assert!(book.look(true, 0).unwrap());
    while book.index_some(64).unwrap() {}
    assert_eq!(book.lines(), 20);
    let page = book.page(Anchor::At(0), 0, 100, &Keep::default(), None).unwrap();
    assert_eq!(page.rows.len(), 21);
    assert_eq!(page.rows[10].kind, RowKind::Cut(9_800));
    assert_eq!(page.rows[11].kind, RowKind::Line("line 0990".into()));
    let back = book.page(Anchor::End, 11, 0, &Keep::default(), None).unwrap();
    assert_eq!(back.rows[..], page.rows[10..]);
}

#[test]
fn an_index_of_a_very_long_log_stays_small() {
    let mut blocks = Blocks::spaced(1, 10, 600);
    for n in 0..100_000_u64 {
        let mut cursor = Cursor::start(1);
        (cursor.lines, cursor.streams[0].at) = (n, n * 10);
        blocks.offer(&cursor);
    }
    assert!(blocks.memory() < 16_000 && blocks.len() > 40, "{} bytes, {} places", blocks.memory(), blocks.len());
    assert_eq!(blocks.place(0), 0);
    assert!((1..blocks.len()).all(|block| blocks.cursor(block).lines * 10 == blocks.place(block)));
}

#[test]
fn a_level_hides_what_is_less_bad_but_not_what_goes_with_a_line() {
    let mut attempt = Attempt::new();
    lines_of(&mut attempt, "INFO a\nWARN b\n  more of b\nDEBUG c\n  more of c\nERROR d\n\tat e\nplain\n");
    let book = book(&[attempt.path()], 1_000, 1_000);
    let shown = |level| {
        let page = book.page(Anchor::At(0), 0, 100, &Keep::new(level, ""), None).unwrap();
        page.rows.iter().map(|row| row.kind.text().unwrap().trim().to_owned()).collect::<Vec<_>>().join(",")
    };
    assert_eq!(shown(Level::Info), "INFO a,WARN b,more of b,ERROR d,at e,plain");
    assert_eq!(shown(Level::Warn), "WARN b,more of b,ERROR d,at e");
    assert_eq!(shown(Level::Error), "ERROR d,at e");
}

#[test]
fn a_query_that_is_no_expression_is_looked_for_as_it_is_written() {
    let is_in = |query: &str, line: &str| Query::new(query).unwrap().is_in(line.as_bytes());
    assert!(is_in("loss (", "the loss (mean)") && is_in("L[0-9]", "L7") && !is_in("L[0-9]", "l7") && is_in("loss", "LOSS"));
    assert!(is_in("red alert", "\x1b[31mred\x1b[0m alert") && is_in("100%", " 50%\r100%\r") && !is_in("50%", " 50%\r100%"));
    assert!(Query::new("").is_none() && !Query::new("a.c").unwrap().is_literal() && Query::new("abc").unwrap().is_literal());
}

#[test]
fn where_errors_are_is_told_by_the_line_or_by_the_block() {
    let line = |n: usize| if n.is_multiple_of(50) && n >= 500 { "ERROR no".to_owned() } else { "INFO  ok".to_owned() };
    let mut attempt = Attempt::new();
    lines_of(&mut attempt, &(0..1_000).map(|n| line(n) + "\n").collect::<String>());
    for spacing in [100, 1_000] {
        let book = book(&[attempt.path()], spacing, 10_000);
        let mut tally = Tally::new(Wanted { keep: Keep::default(), prey: Prey::Error });
        while book.count_some(&mut tally, 100).unwrap() {}
        assert_eq!(tally.sum(), 10);
        assert_eq!(book.spread(&tally, 4).unwrap(), [false, false, true, true], "{spacing}");
    }
}

#[test]
fn what_is_saved_is_what_was_written() {
    let mut attempt = Attempt::new();
    lines_of(&mut attempt, &format!("a\n\x1b[31mb\x1b[0m\nc{}\n", "x".repeat(40_000)));
    attempt.write(&Wrote::Out(b"end".to_vec()));
    let book = book(&[attempt.path()], 1_000, 1_000);
    let mut out = Vec::new();
    assert_eq!(book.save(&Keep::default(), 0..=u64::MAX, &mut out).unwrap(), 4);
    assert_eq!(out, std::fs::read(AttemptFiles::new(attempt.path()).stdout()).unwrap());
    out.clear();
    assert_eq!(book.save(&Keep::new(Level::Debug, "b"), 0..=u64::MAX, &mut out).unwrap(), 1);
    assert_eq!(out, b"\x1b[31mb\x1b[0m\n");
    assert_eq!(What::Line(b"x").bytes(), Some(&b"x"[..]));
}
