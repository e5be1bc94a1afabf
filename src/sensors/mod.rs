//! The process of a task that waits: looks, says what is still missing, sleeps, and looks again. It ends when the condition is met.
//!
//! Whoever started it bounds the wait, cancels it, and keeps its log. It polls: a file may lie where no kernel tells of changes,
//! and a look every few minutes costs nothing.

#![allow(clippy::disallowed_methods, reason = "waiting for the world is all that it does")]

mod command;
mod file;
mod http;

use crate::{
    model::{AttemptFiles, Condition, Job, Sensor, sensor::COMMAND_TIMEOUT},
    stdx::{duration, sanitize, time},
};
use anyhow::{Context, Result};
use std::{
    ffi::OsString,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

/// The variable that holds the path of what the task is told.
const INPUTS_FILE: &str = "FLOWYARD_INPUTS_FILE";

/// The clock may be set, and a machine may sleep: who waits for a time looks at it so often.
const NAP: Duration = Duration::from_secs(30);

/// What a look found.
enum Look {
    /// The condition is met; what is told of it, and what is handed on.
    Met(String, serde_json::Map<String, serde_json::Value>),
    /// It is not, and why.
    NotYet(String),
    /// It will be after so long, if nothing changes.
    Soon(String, Duration),
}

/// The whole of a sensor's process; `command` is the script's shell with its arguments, for a sensor that runs one.
///
/// An error is printed to standard error with its causes; the code is 1 then, else 0.
pub fn main(command: impl Iterator<Item = OsString>) -> ExitCode {
    match wait(&command.collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn wait(command: &[OsString]) -> Result<()> {
    let job = job()?;
    let sensor = job.with.get(Sensor::ARGUMENT).cloned().context("the job is not that of a sensor")?;
    let Sensor { condition, pace, .. } = serde_json::from_value(sensor).context("what it waits for cannot be read")?;
    let told = Told::new(&job, &condition)?;
    // What a command leaves behind can be ended only by whoever it falls to.
    let _ = nix::sys::prctl::set_child_subreaper(true);
    let mut file = file::Memory::default();
    let mut in_vain = 0;
    loop {
        let look = match &condition {
            Condition::File { pattern, stable } => file.look(&job.workspace, pattern, *stable, Instant::now())?,
            Condition::Command { look_timeout, .. } => command::look(command, *look_timeout)?,
            Condition::Asset { asset } => command::look_at_asset(command, asset, COMMAND_TIMEOUT)?,
            Condition::Time { time, .. } => until(time::parse_date(time).map_err(anyhow::Error::msg)?),
            Condition::Http { url, status, contains, redirects, look_timeout } => http::look(&http::Question {
                url,
                status: *status,
                contains: contains.as_deref(),
                redirects: *redirects,
                timeout: *look_timeout,
            })?,
        };
        let (why, rest) = match look {
            Look::Met(how, handed_on) => {
                say(&how)?;
                return hand_on(&job, &handed_on);
            }
            Look::NotYet(why) => {
                in_vain += 1;
                (why, pace.after(in_vain))
            }
            Look::Soon(why, rest) => {
                in_vain = 0;
                (why, rest)
            }
        };
        told.not_yet(&why, rest)?;
        thread::sleep(rest);
    }
}

/// What is told of a wait: a line of the log for each look, and the last of them where whoever asks finds it.
struct Told {
    waits_for: String,
    last_look: PathBuf,
}

impl Told {
    fn new(job: &Job, condition: &Condition) -> io::Result<Self> {
        let folder = job.output_file.parent().unwrap_or(Path::new("."));
        let told = Self { waits_for: format!("waits for {condition}"), last_look: AttemptFiles::new(folder).last_look() };
        say(&told.waits_for)?;
        told.keep(&told.waits_for);
        Ok(told)
    }

    fn not_yet(&self, why: &str, rest: Duration) -> io::Result<()> {
        say(&format!("not yet: {why}; next look in {}", duration::exact(rest)))?;
        let next = chrono::Utc::now() + rest;
        let next = next.format(if rest < Duration::from_secs(86_400) { "%H:%M:%SZ" } else { "%Y-%m-%d %H:%MZ" });
        self.keep(&format!("{} (not yet: {why}; next look at {next})", self.waits_for));
        Ok(())
    }

    /// It is for people alone: a disk that is full for a while ends no wait.
    fn keep(&self, text: &str) {
        let _ = fs::write(&self.last_look, sanitize::line(text));
    }
}

fn job() -> Result<Job> {
    let file = std::env::var_os(INPUTS_FILE).with_context(|| format!("{INPUTS_FILE} is not set: a sensor is started by the engine"))?;
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read the job from {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not a job", file.display()))
}

/// A line of the log. Nobody is left to wait for where nobody reads it.
fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", sanitize::line(line))?;
    out.flush()
}

fn hand_on(job: &Job, values: &serde_json::Map<String, serde_json::Value>) -> Result<()> {
    if values.is_empty() {
        return Ok(());
    }
    let file = &job.output_file;
    fs::write(file, serde_json::to_vec(values)?).with_context(|| format!("cannot write {}", file.display()))
}

/// Sleeps until a moment on the clock.
fn until(at: time::Timestamp) -> Look {
    loop {
        match (at - chrono::Utc::now()).to_std().unwrap_or_default() {
            Duration::ZERO => return Look::Met("it is so late".to_owned(), Default::default()),
            left => thread::sleep(left.min(NAP)),
        }
    }
}
