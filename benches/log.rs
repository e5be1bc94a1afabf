//! How long a log of a gigabyte takes: its end shown, its index, a search, beside `wc -l` and `rg -c` (or `grep -c`); and how
//! much memory the index takes.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a measurement asks for the clock, and one that cannot go on stops")]

use flowyard::runtime::book::{Anchor, Found, Hunt, Keep, Level, LogBook, Prey, Query, Tally, Wanted};
use std::{
    fs,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

/// What the desk does at once.
const SLICE: u64 = 8 << 20;

fn main() {
    let megabytes = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(1_000_usize);
    println!("{megabytes} MB each; milliseconds, median of five; the file is in the page cache");
    println!(
        "{:<22}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>11}",
        "log",
        "end",
        "index",
        "wc -l",
        "search",
        "any case",
        "errors",
        rg_name(),
        "index kB"
    );
    for (name, line) in [("lines of 100 bytes", 100), ("lines of 6 bytes", 6), ("lines of 5 MB", 5_000_000), ("one line", usize::MAX)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stdout.log");
        write(&path, megabytes * 1_000_000, line);
        let folders = [folder.path().to_owned()];
        let end = median(|| {
            let mut book = LogBook::new(&folders);
            book.look(false, 0).unwrap();
            assert!(!book.page(Anchor::End, 120, 0, &Keep::default(), None).unwrap().rows.is_empty());
        });
        let mut memory = 0;
        let (mut index, mut wc) = (Vec::new(), Vec::new());
        for _ in 0..5 {
            index.push(took(|| memory = indexed(&folders).index_memory()));
            wc.push(took(|| run(Command::new("wc").arg("-l"), &path)));
        }
        let book = indexed(&folders);
        let (mut search, mut any_case, mut errors, mut rg) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..5 {
            search.push(took(|| count(&book, "Needle 77")));
            any_case.push(took(|| count(&book, "needle 77")));
            errors.push(took(|| hunt(&book)));
            rg.push(took(|| run(&mut grep("Needle 77"), &path)));
        }
        println!(
            "{name:<22}{end:>9.1}{:>9.1}{:>9.1}{:>9.1}{:>9.1}{:>9.1}{:>9.1}{:>11}",
            middle(index),
            middle(wc),
            middle(search),
            middle(any_case),
            middle(errors),
            middle(rg),
            memory / 1_000
        );
    }
    println!("peak memory of this process: {} MB", peak());
}

/// A log of lines of about that length; one line in a thousand has what is searched.
fn write(path: &Path, bytes: usize, line: usize) {
    const MORE: &[u8] = b"abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789";
    let mut out = BufWriter::with_capacity(1 << 20, fs::File::create(path).unwrap());
    let (mut written, mut number) = (0, 0_usize);
    while written < bytes {
        let length = line.min(bytes - written);
        let beginning = match length {
            0..20 => format!("{:05}", number % 100_000),
            _ if number.is_multiple_of(1_000) => format!("INFO  step {number}: Needle 77 was found "),
            _ => format!("INFO  step {number}: loss 0.4123 lr 0.001 "),
        };
        out.write_all(beginning.as_bytes()).unwrap();
        let mut room = length.saturating_sub(beginning.len() + 1);
        written += beginning.len() + room + 1;
        while room > 0 {
            let more = room.min(MORE.len());
            out.write_all(&MORE[..more]).unwrap();
            room -= more;
        }
        out.write_all(b"\n").unwrap();
        number += 1;
    }
    out.flush().unwrap();
}

fn indexed(folders: &[PathBuf]) -> LogBook {
    let mut book = LogBook::new(folders);
    book.look(false, 0).unwrap();
    while book.index_some(SLICE).unwrap() {}
    book
}

fn count(book: &LogBook, text: &str) {
    let query = Query::new(text).unwrap();
    let mut tally = Tally::new(Wanted { keep: Keep::default(), prey: Prey::Query(query) });
    while book.count_some(&mut tally, SLICE).unwrap() {}
    std::hint::black_box(tally.sum());
}

/// Looks for an error from the beginning; there is none.
fn hunt(book: &LogBook) {
    let mut hunt = Hunt::new(Wanted { keep: Keep::new(Level::Debug, ""), prey: Prey::Error }, 0, true, true);
    while book.hunt(&mut hunt, None, SLICE).unwrap() == Found::NotYet {}
}

fn has_rg() -> bool {
    Command::new("rg").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

fn rg_name() -> &'static str {
    if has_rg() { "rg -c" } else { "grep -c" }
}

fn grep(text: &str) -> Command {
    let has_rg = has_rg();
    let mut command = Command::new(if has_rg { "rg" } else { "grep" });
    command.args(["-c", "-F", text]);
    if !has_rg {
        command.env("LC_ALL", "C");
    }
    command
}

fn run(command: &mut Command, path: &Path) {
    // Not into nothing: `grep` would stop at the first match.
    command.arg(path).output().unwrap();
}

fn took(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1_000.0
}

fn median(mut work: impl FnMut()) -> f64 {
    middle((0..5).map(|_| took(&mut work)).collect())
}

fn middle(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The most memory that this process had, in megabytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or(0) / 1_000
}
