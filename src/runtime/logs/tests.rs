use super::*;
use crate::executors::shim::{log_cap, log_index};
use proptest::prelude::*;
use std::{fs, fs::OpenOptions, io::Write, os::unix::fs::FileExt, path::PathBuf};

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
