//! Measures two ways to start a shim: this binary executed again for each attempt, and a resident spawner that forks.
//!
//! `cargo bench --bench spawn -- [ROUNDS]` prints milliseconds per `/bin/true`, from the request until its verdict is in
//! hand, interleaved in one run, with the measuring process small and with 300 MB of heap. `TMPDIR` says on which disk.

#![allow(clippy::disallowed_methods)]

use flowyard::{
    executors::{
        Executor, Notice, Sink,
        local::Local,
        shim::{self, MAX_PACKET, spawner::Order},
    },
    model::{AttemptKey, RunId, TaskId, TaskKey, Ticket},
};
use rustix::{
    fd::OwnedFd,
    net::{AddressFamily, RecvFlags, SocketFlags, SocketType, socketpair},
};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

/// Hidden first argument of the way that executes this binary for each attempt.
const EXECUTED: &str = "__shim-by-exec";
const HEAP: usize = 300 * 1024 * 1024;

fn main() -> ExitCode {
    if let Some(code) = shim::enter() {
        return code;
    }
    if std::env::args().nth(1).as_deref() == Some(EXECUTED) {
        return executed();
    }
    let rounds = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(1_000);
    match measure(rounds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("spawn: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(rounds: u32) -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    println!("{rounds} rounds, /bin/true, ms per task: p50 / p99");
    println!("| heap | posix_spawn and wait, no shim | shim by exec | shim by resident spawner |");
    println!("|---|---|---|---|");
    let ways = Ways::new(folder.path())?;
    let mut number = 0;
    ways.round(&mut number, 50)?;
    println!("| 0 MB | {} |", ways.round(&mut number, rounds)?);
    let heap = vec![1_u8; HEAP];
    println!("| 300 MB | {} |", ways.round(&mut number, rounds)?);
    drop(std::hint::black_box(heap));
    Ok(())
}

/// The ways, side by side.
struct Ways {
    folder: PathBuf,
    local: Local,
    notices: mpsc::Receiver<Notice>,
    ours: OwnedFd,
    theirs: OwnedFd,
}

impl Ways {
    fn new(folder: &Path) -> io::Result<Self> {
        let (sender, notices) = mpsc::channel();
        let sink: Sink = Arc::new(move |notice| drop(sender.send(notice)));
        let local = Local::open(std::env::current_exe()?, sink)?;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        Ok(Self { folder: folder.to_owned(), local, notices, ours, theirs })
    }

    fn round(&self, number: &mut u32, rounds: u32) -> io::Result<String> {
        let (mut plain, mut exec, mut fork) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            plain.push(timed(|| Command::new("/bin/true").status().map(drop))?);
            *number += 2;
            let mut shim = None;
            exec.push(timed(|| self.by_exec(*number).map(|child| shim = Some(child)))?);
            if let Some(mut child) = shim {
                child.wait()?;
            }
            fork.push(timed(|| self.by_spawner(*number + 1))?);
        }
        Ok([plain, exec, fork].map(quantiles).join(" | "))
    }

    fn ticket(&self, number: u32) -> Ticket {
        Ticket {
            key: AttemptKey { task: TaskKey::new(RunId::from("run"), TaskId::from("task")), attempt: number },
            folder: self.folder.join(number.to_string()),
            argv: vec!["/bin/true".into()],
            env: std::env::vars().collect::<BTreeMap<_, _>>(),
            cwd: self.folder.clone(),
            timeout: None,
            grace: Duration::from_secs(1),
            max_log: None,
            secrets: Default::default(),
        }
    }

    /// The ticket goes the same way as to the spawner, over standard input of a new process each time.
    fn by_exec(&self, number: u32) -> io::Result<Child> {
        let ticket = self.ticket(number);
        std::fs::create_dir(&ticket.folder)?;
        Order::new(u64::from(number), &ticket)?.send(&self.ours)?;
        let program = std::env::current_exe()?;
        let stdin = Stdio::from(self.theirs.try_clone()?);
        let child = Command::new(program).arg(EXECUTED).stdin(stdin).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut packet = [0_u8; MAX_PACKET];
        loop {
            let (length, _) = rustix::net::recv(&self.ours, &mut packet, RecvFlags::empty())?;
            if String::from_utf8_lossy(&packet[..length]).contains(r#""ended""#) {
                return Ok(child);
            }
        }
    }

    fn by_spawner(&self, number: u32) -> io::Result<()> {
        self.local.start(self.ticket(number));
        loop {
            match self.notices.recv().map_err(io::Error::other)? {
                Notice::Began { .. } => {}
                Notice::Ended { .. } => return Ok(()),
                Notice::NotNow { why, .. } => return Err(io::Error::other(why)),
                Notice::Lost { reason, .. } => return Err(io::Error::other(format!("lost: {reason:?}"))),
            }
        }
    }
}

/// The process of the first way: one order, one attempt.
fn executed() -> ExitCode {
    let Ok((host, _signals)) = shim::spawner::settle_in() else { return ExitCode::FAILURE };
    match Order::receive(&host.socket) {
        Ok(Some(Ok(order))) => ExitCode::from(shim::run_attempt(order, &host) as u8),
        _ => ExitCode::FAILURE,
    }
}

fn timed(way: impl FnOnce() -> io::Result<()>) -> io::Result<Duration> {
    let start = Instant::now();
    way()?;
    Ok(start.elapsed())
}

fn quantiles(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)].as_secs_f64() * 1_000.0;
    format!("{:.2} / {:.2}", at(50), at(99))
}
