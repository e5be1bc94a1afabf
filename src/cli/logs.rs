//! `flowyard logs`: what a task wrote.

use super::{
    Failure,
    context::{Access, Context},
    log_line,
    pace::Look,
    text,
};
use crate::{
    model::{AttemptSnapshot, RunId, TaskId, TaskSnapshot},
    runtime::{
        Handle,
        logs::{self, LogLine, LogReader, Stream},
    },
};
use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// How often a log that is being followed is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Print the log of a task
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  flowyard logs latest train_model --follow\n  flowyard logs latest train_model --attempt 1 --stderr\n  flowyard logs latest train_model --raw > train.log"
)]
pub struct Args {
    /// An id, the beginning of one, `latest`, `latest:PIPELINE` or `PIPELINE#N`
    run: String,
    /// The task
    task: String,
    /// Which attempt [default: the newest]
    #[arg(long, value_name = "N")]
    attempt: Option<u32>,
    /// Go on until the attempt ends
    #[arg(long, short)]
    follow: bool,
    /// Only standard error
    #[arg(long, conflicts_with = "stdout")]
    stderr: bool,
    /// Only standard output
    #[arg(long)]
    stdout: bool,
    /// One stream, byte for byte: standard output unless --stderr
    #[arg(long)]
    raw: bool,
}

/// Prints.
pub fn main(args: &Args, context: &Context) -> Result<u8, Failure> {
    let (handle, run) = context.handle_and_run(&args.run, Access::Look)?;
    let snapshot = handle.run(&run)?;
    let task = text::find_task(&snapshot, &args.task)?;
    let mut watch = Watch { handle, run, task: task.task.clone(), map_index: task.map_index, wanted: args.attempt };
    let Some(attempt) = watch.first(task, args.follow)? else {
        return Err(Failure::refused(nothing_yet(task, args)));
    };
    watch.wanted = Some(attempt.attempt);
    let folder = folder(&attempt);
    if attempt.state.is_terminal() && attempt.started_at.is_some() && !folder.is_dir() {
        let message = format!(
            "the log of attempt {} of `{}` is gone: {} is not there\nhint: the folders of runs are removed by `flowyard gc` together with their history; this one was removed by somebody else",
            attempt.attempt,
            task.task,
            folder.display()
        );
        return Err(Failure::Said { code: 74, message });
    }
    if args.raw {
        raw(args, &mut watch, &attempt)?
    } else {
        merged(args, context, &mut watch, &attempt)?
    }
    Ok(0)
}

fn nothing_yet(task: &TaskSnapshot, args: &Args) -> String {
    match args.attempt {
        Some(number) if !task.attempts.is_empty() => {
            format!("`{}` has no attempt {number}; it has had {}", task.task, task.attempts.len())
        }
        _ => {
            let next = if task.state.is_terminal() { "flowyard why tells the reason" } else { "add --follow to wait for it" };
            format!("`{}` has no log: it is {} and has had no attempt; {next}", task.task, task.state)
        }
    }
}

/// One attempt, looked at again and again.
struct Watch {
    handle: Handle,
    run: RunId,
    task: TaskId,
    map_index: Option<u32>,
    wanted: Option<u32>,
}

impl Watch {
    fn pick(&self, task: &TaskSnapshot) -> Option<AttemptSnapshot> {
        match self.wanted {
            Some(number) => task.attempts.iter().find(|attempt| attempt.attempt == number).cloned(),
            None => task.last_attempt().cloned(),
        }
    }

    /// The attempt, waited for if it may still come.
    fn first(&mut self, task: &TaskSnapshot, follow: bool) -> Result<Option<AttemptSnapshot>, Failure> {
        let mut found = (self.pick(task), task.state.is_terminal());
        while follow && matches!(found, (None, false)) {
            self.wait();
            let look = Look::begin();
            found = self.look()?;
            look.rest();
        }
        Ok(found.0)
    }

    fn look(&self) -> Result<(Option<AttemptSnapshot>, bool), Failure> {
        let run = self.handle.run(&self.run)?;
        let task = run.tasks.iter().find(|task| task.task == self.task && task.map_index == self.map_index);
        Ok(task.map_or((None, true), |task| (self.pick(task), task.state.is_terminal())))
    }

    fn has_ended(&self) -> Result<bool, Failure> {
        let look = Look::begin();
        let ended = self.look()?.0.is_none_or(|attempt| attempt.state.is_terminal());
        if !ended {
            look.rest();
        }
        Ok(ended)
    }

    fn wait(&mut self) {
        // Without an engine there is nobody to tell of changes, and the log is still there to be read.
        if self.handle.wait_for_change(LOOK).is_err() {
            std::thread::sleep(LOOK);
        }
    }
}

fn merged(args: &Args, context: &Context, watch: &mut Watch, attempt: &AttemptSnapshot) -> Result<(), Failure> {
    let mut reader = LogReader::open(&folder(attempt), None)?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut ended = false;
    loop {
        // Asked before reading: what was written before the end is then read after it.
        ended = ended || !args.follow || watch.has_ended()?;
        // A long log comes in parts: only an empty part says that there is no more now.
        let lines = reader.poll()?;
        let more = !lines.is_empty();
        write_lines(&mut out, lines, args, context)?;
        if more {
            continue;
        }
        if ended {
            write_lines(&mut out, reader.rest(), args, context)?;
            return Ok(());
        }
        watch.wait();
    }
}

fn write_lines(out: &mut impl Write, lines: Vec<LogLine>, args: &Args, context: &Context) -> io::Result<()> {
    for line in lines {
        let wanted = match line.stream {
            Stream::Stdout => !args.stderr,
            Stream::Stderr => !args.stdout,
        };
        if wanted {
            let text = if context.out.tty { log_line::show(&line.text, context.out.colours) } else { line.text };
            writeln!(out, "{text}")?;
        }
    }
    out.flush()
}

fn raw(args: &Args, watch: &mut Watch, attempt: &AttemptSnapshot) -> Result<(), Failure> {
    let (path, stream) = if args.stderr { (&attempt.stderr, Stream::Stderr) } else { (&attempt.stdout, Stream::Stdout) };
    let mut copy = Copy { path, stream, position: 0, dropped: 0 };
    let mut out = io::stdout().lock();
    loop {
        let ended = !args.follow || watch.has_ended()?;
        let copied = copy.all(&mut out)?;
        if ended {
            break;
        }
        if copied == 0 {
            watch.wait();
        }
    }
    if copy.dropped > 0 {
        eprintln!("note: {} bytes in the middle of this log are left out: it grew longer than [engine] max_log", copy.dropped);
    }
    Ok(())
}

/// A log that is copied byte for byte, without what is gone of it.
struct Copy<'a> {
    path: &'a Path,
    stream: Stream,
    position: u64,
    dropped: u64,
}

impl Copy<'_> {
    /// What there is after the position; a file that is not there yet holds nothing.
    fn all(&mut self, out: &mut impl Write) -> io::Result<u64> {
        let file = match File::open(self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(error),
        };
        let (mut buffer, mut copied) = ([0; 64 * 1024], 0);
        loop {
            let read = file.read_at(&mut buffer, self.position)?;
            // Looked up after reading: what goes is written down before it goes.
            let cut = logs::cut(self.path, self.stream).filter(|cut| self.position < cut.end);
            let whole = cut.map_or(read as u64, |cut| (read as u64).min(cut.start.saturating_sub(self.position))) as usize;
            out.write_all(&buffer[..whole])?;
            self.position += whole as u64;
            copied += whole as u64;
            match cut.filter(|cut| self.position >= cut.start) {
                Some(cut) => {
                    self.dropped += cut.end - self.position;
                    self.position = cut.end;
                }
                None if read == 0 => {
                    out.flush()?;
                    return Ok(copied);
                }
                None => {}
            }
        }
    }
}

/// The folder of an attempt: both streams lie in it.
pub fn folder(attempt: &AttemptSnapshot) -> PathBuf {
    attempt.stdout.parent().map(Path::to_owned).unwrap_or_default()
}
