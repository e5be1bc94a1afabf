//! A run as a picture that is redrawn in place on a terminal, with the tail of a running task's log.

use super::{
    follow::{End, Face, Key},
    frame::{Extras, frame, task_line},
    lines::closing,
    tty::Keys,
};
use crate::{
    cli::{
        context::Context,
        log_line,
        logs::folder,
        term::{Cell, render, size},
        text::task_name,
    },
    model::{JournalEntry, Pipeline, RunSnapshot, TaskState},
    runtime::{Handle, clock, logs::LogReader},
};
use std::{
    collections::{BTreeMap, VecDeque},
    io::{self, Write},
    path::PathBuf,
};
use unicode_width::UnicodeWidthStr;

/// Lines of the running task's log under its line.
const TAIL: usize = 5;
/// As much of a log's end as those lines may need.
const TAIL_BYTES: u64 = 8 * 1024;

const HIDE_CURSOR: &str = "\x1b[?25l";
const SHOW_CURSOR: &str = "\x1b[?25h";
const CLEAR_BELOW: &str = "\r\x1b[J";

/// The log of the task that is shown.
struct Tail {
    folder: PathBuf,
    reader: LogReader,
    lines: VecDeque<String>,
}

/// The live view. Between two pictures the cursor stands on the picture's first line, so that the next one lands there
/// whatever a resize did to the lines below.
pub struct Live<'a> {
    context: &'a Context,
    keys: Keys,
    tail: Option<Tail>,
    last: Option<RunSnapshot>,
    canceling: bool,
    drawn: bool,
}

impl<'a> Live<'a> {
    /// Takes the keyboard; draws nothing yet.
    pub fn new(context: &'a Context, _pipeline: Pipeline) -> Self {
        Self { context, keys: Keys::take(), tail: None, last: None, canceling: false, drawn: false }
    }

    /// The log of the task that started last among those that run.
    fn follow_log(&mut self, run: &RunSnapshot) -> Option<(usize, Vec<String>)> {
        let running = run.tasks.iter().enumerate().filter(|(_, task)| task.state == TaskState::Running);
        let (position, task) = running.max_by_key(|(_, task)| task.span().map(|(from, _)| from))?;
        let folder = folder(task.last_attempt()?);
        if self.tail.as_ref().is_none_or(|tail| tail.folder != folder) {
            let reader = LogReader::open(&folder, Some(TAIL_BYTES)).ok()?;
            self.tail = Some(Tail { folder, reader, lines: VecDeque::new() });
        }
        let tail = self.tail.as_mut()?;
        for line in tail.reader.poll().unwrap_or_default() {
            let shown = log_line::show(&line.text, false);
            if !shown.trim().is_empty() {
                tail.lines.push_back(shown);
            }
        }
        tail.lines.drain(..tail.lines.len().saturating_sub(TAIL));
        Some((position, tail.lines.iter().cloned().collect()))
    }

    fn draw(&mut self, run: &RunSnapshot, handle: &Handle) {
        let tail = self.follow_log(run);
        let running = run.tasks.iter().enumerate().filter(|(_, task)| task.state == TaskState::Running);
        let progress: BTreeMap<usize, f64> =
            running.filter_map(|(i, task)| Some((i, handle.progress(&task.last_attempt()?.stdout)?))).collect();
        let extras = Extras { progress: &progress, tail, canceling: self.canceling, keys: self.keys.are_taken() };
        let (columns, rows) = size();
        // One column and one row stay free: writing into the last cell wraps or scrolls on some terminals.
        let lines = frame(run, &extras, &self.context.out, clock::now(), rows.saturating_sub(1).max(1));
        let mut picture = String::from(if self.drawn { CLEAR_BELOW } else { HIDE_CURSOR });
        let shown: Vec<String> = lines.iter().map(|line| render(&self.context.out, line, columns.saturating_sub(1))).collect();
        picture.push_str(&shown.join("\r\n"));
        picture.push('\r');
        if shown.len() > 1 {
            picture.push_str(&format!("\x1b[{}A", shown.len() - 1));
        }
        self.drawn = true;
        put(&picture);
    }

    /// Takes the picture away and shows the cursor.
    fn clear(&mut self) {
        if std::mem::replace(&mut self.drawn, false) {
            put(&format!("{CLEAR_BELOW}{SHOW_CURSOR}"));
        }
    }

    fn say(&self, cells: &[Cell]) {
        put(&(render(&self.context.out, cells, usize::MAX) + "\n"));
    }
}

/// In one write, so that a picture is never seen half drawn.
fn put(text: &str) {
    let mut out = io::stdout().lock();
    // A terminal that went away is told by SIGHUP; the run still has a result.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

impl Face for Live<'_> {
    fn update(&mut self, run: &RunSnapshot, _: &[JournalEntry], handle: &Handle) {
        self.draw(run, handle);
        self.last = Some(run.clone());
    }

    fn key(&mut self) -> Option<Key> {
        self.keys.pressed().iter().any(|key| matches!(key, b'd' | b'D')).then_some(Key::Detach)
    }

    fn canceling(&mut self) {
        self.canceling = true;
    }

    fn around_stop(&mut self, stop: &mut dyn FnMut()) {
        self.clear();
        self.keys.give_back();
        stop();
        self.keys = Keys::take();
    }

    fn finish(&mut self, end: &End<'_>) {
        self.clear();
        self.keys.give_back();
        if let End::Over { run, .. } = end {
            let width = run.tasks.iter().map(|task| task_name(task).width()).max().unwrap_or(0).min(40);
            let columns = size().0.saturating_sub(1);
            for task in &run.tasks {
                let line = task_line(task, None, width, &self.context.out, clock::now());
                put(&(render(&self.context.out, &line, columns) + "\n"));
            }
            put("\n");
        }
        for line in closing(end, self.context) {
            self.say(&line);
        }
    }
}

impl Drop for Live<'_> {
    fn drop(&mut self) {
        self.clear();
    }
}
