//! A client's line to the engine: finds it, starts it if it must, asks and listens.

use super::{
    EngineStatus, RuntimeError, allocator,
    wire::{self, Ask, PROTOCOL, Tell},
    workspace::{self, Place},
};
use crate::executors::shim::spawner;
use crate::model::{Reply, Request, RunId};
use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::Path,
    process::{Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// How long a start of the engine may take before the client gives up.
const START_PATIENCE: Duration = Duration::from_secs(10);

/// How long an engine may take to answer the first line of a connection.
const HELLO_PATIENCE: Duration = Duration::from_secs(10);

/// The same where nothing is asked of it.
const GLANCE_PATIENCE: Duration = Duration::from_secs(2);

/// How many engines may be killed while they start before that is said to the person.
const MAX_KILLED: u32 = 3;

/// How long an answer may take; a commit on a slow disk is much faster than this.
const ANSWER_PATIENCE: Duration = Duration::from_secs(60);

/// A connection that said hello.
pub struct Line {
    stream: BufReader<UnixStream>,
    pending: Vec<u8>,
    /// Something changed since this was last asked.
    changed: bool,
}

impl Line {
    /// Connects to the engine of a state folder; `None` if there is none.
    ///
    /// # Errors
    /// An engine that speaks another protocol, or does not answer.
    pub fn open(state_dir: &Path, attach: bool) -> Result<Option<(Self, EngineStatus)>, RuntimeError> {
        Self::open_within(state_dir, attach, HELLO_PATIENCE)
    }

    /// The same for somebody who only looks: what is recorded can be shown without the engine, so it is not waited for long.
    ///
    /// # Errors
    /// See [`Self::open`].
    pub fn glance(state_dir: &Path) -> Result<Option<(Self, EngineStatus)>, RuntimeError> {
        Self::open_within(state_dir, false, GLANCE_PATIENCE)
    }

    fn open_within(state_dir: &Path, attach: bool, patience: Duration) -> Result<Option<(Self, EngineStatus)>, RuntimeError> {
        let Some(mut line) = Self::reach(state_dir)? else { return Ok(None) };
        let hello = Ask::Hello { protocol: PROTOCOL, version: env!("CARGO_PKG_VERSION").to_owned(), attach };
        // It may be leaving in this very moment: then it is as if there were none.
        if line.stream.get_mut().write_all(&wire::line(&hello)?).is_err() {
            return Ok(None);
        }
        let deadline = now() + patience;
        loop {
            match line.next(deadline) {
                Ok(Some(Tell::Status(status))) => return Ok(Some((line, status))),
                Ok(Some(Tell::Changed { .. })) => line.changed = true,
                Ok(Some(Tell::Refused { why })) => return Err(RuntimeError::Unreachable(why)),
                Ok(Some(other)) => return Err(unexpected(&other)),
                Ok(None) => return Err(line.silent(patience)),
                Err(_) => return Ok(None),
            }
        }
    }

    /// A connection on which nothing was said yet; `None` if there is no engine.
    fn reach(state_dir: &Path) -> Result<Option<Self>, RuntimeError> {
        let Ok((_folder, path)) = wire::socket_path(state_dir) else { return Ok(None) };
        match UnixStream::connect(path) {
            Ok(stream) => Ok(Some(Self { stream: BufReader::new(stream), pending: Vec::new(), changed: false })),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => Ok(None),
            Err(error) => Err(RuntimeError::Unreachable(format!("the engine cannot be reached: {error}"))),
        }
    }

    /// The process at the other end, as the kernel knows it; 0 if it does not.
    fn pid(&self) -> i32 {
        nix::sys::socket::getsockopt(self.stream.get_ref(), nix::sys::socket::sockopt::PeerCredentials).map_or(0, |peer| peer.pid())
    }

    /// Somebody owns the workspace and says nothing: stopped by a signal, out of file descriptors, or its disk hangs.
    fn silent(&self, patience: Duration) -> RuntimeError {
        let pid = self.pid();
        RuntimeError::Unreachable(format!(
            "the engine (pid {pid}) did not answer within {} s\nhint: {}; `kill {pid}` ends it, and running tasks go on",
            patience.as_secs(),
            why_silent(&pid.to_string()).unwrap_or_else(|| format!("if it was stopped, `kill -CONT {pid}` lets it go on"))
        ))
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// The engine went away or does not answer.
    pub fn ask(&mut self, ask: &Ask) -> Result<Tell, RuntimeError> {
        self.stream.get_mut().write_all(&wire::line(ask)?).map_err(|error| gone(&error))?;
        let deadline = now() + ANSWER_PATIENCE;
        loop {
            match self.next(deadline)? {
                Some(Tell::Changed { .. }) => self.changed = true,
                Some(answer) => return Ok(answer),
                None => return Err(RuntimeError::Unreachable(format!("the engine did not answer within {} s", ANSWER_PATIENCE.as_secs()))),
            }
        }
    }

    /// Sends a command; the answer comes after the commit. A new run gets the id `run`.
    ///
    /// # Errors
    /// The engine went away or does not answer.
    pub fn command(&mut self, request: Request, run: RunId) -> Result<Reply, RuntimeError> {
        match self.ask(&Ask::Command { request: Box::new(request), run })? {
            Tell::Reply(reply) => Ok(reply),
            Tell::Refused { why } => Err(RuntimeError::Unreachable(why)),
            other => Err(unexpected(&other)),
        }
    }

    /// Waits for a change, at most so long.
    ///
    /// # Errors
    /// The engine went away.
    pub fn wait(&mut self, timeout: Duration) -> Result<bool, RuntimeError> {
        if std::mem::take(&mut self.changed) {
            return Ok(true);
        }
        match self.next(now() + timeout)? {
            Some(Tell::Changed { .. }) => Ok(true),
            Some(Tell::Refused { why }) => Err(RuntimeError::Unreachable(why)),
            Some(_) | None => Ok(false),
        }
    }

    /// The next line, or nothing until the deadline.
    fn next(&mut self, deadline: Instant) -> Result<Option<Tell>, RuntimeError> {
        loop {
            let left = deadline.saturating_duration_since(now());
            if left.is_zero() && self.stream.buffer().is_empty() {
                return Ok(None);
            }
            self.stream.get_mut().set_read_timeout(Some(left.max(Duration::from_millis(1)))).map_err(|error| gone(&error))?;
            match self.stream.read_until(b'\n', &mut self.pending) {
                Ok(_) if self.pending.ends_with(b"\n") => {
                    let tell = serde_json::from_slice(&self.pending)
                        .map_err(|error| RuntimeError::Unreachable(format!("the engine said something unknown: {error}")));
                    self.pending.clear();
                    return tell.map(Some);
                }
                Ok(_) => return Err(gone(&io::ErrorKind::UnexpectedEof.into())),
                // What was read of the line so far stays in `pending`.
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted) => {}
                Err(error) => return Err(gone(&error)),
            }
        }
    }
}

fn gone(error: &io::Error) -> RuntimeError {
    RuntimeError::Unreachable(format!("the engine went away: {error}"))
}

fn unexpected(tell: &Tell) -> RuntimeError {
    RuntimeError::Unreachable(format!("the engine gave an answer to another question: {tell:?}"))
}

#[allow(clippy::disallowed_methods, reason = "deadlines of the shell around the engine, not times that are recorded")]
fn now() -> Instant {
    Instant::now()
}

/// Asks the engine of a state folder to leave and waits until it is gone; running tasks go on. Its process id; `None` if there is none.
///
/// It is asked without a hello, so that an engine of another protocol goes too: that is how a new version takes over.
///
/// # Errors
/// It does not go.
pub fn stop(state_dir: &Path) -> Result<Option<u32>, RuntimeError> {
    let Some(mut line) = Line::reach(state_dir)? else { return Ok(None) };
    let pid = line.pid();
    if line.stream.get_mut().write_all(&wire::line(&Ask::Stop)?).is_err() {
        return Ok(None);
    }
    let deadline = now() + ANSWER_PATIENCE;
    // Its end of the line closes when it is gone.
    loop {
        match line.next(deadline) {
            Ok(Some(Tell::Refused { why })) => return Err(RuntimeError::Unreachable(format!("the engine refused to stop: {why}"))),
            Ok(Some(_)) => {}
            Ok(None) => return Err(line.silent(ANSWER_PATIENCE)),
            Err(_) => return Ok(u32::try_from(pid).ok()),
        }
    }
}

/// When an engine that is started leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// When it has nothing to do.
    LeavesWhenIdle,
    /// When it is asked to.
    Stays,
}

/// Connects to the engine, starting one if there is none.
///
/// # Errors
/// It cannot be started, with its own words; see [`Line::open`].
pub fn connect_or_start(place: &Place, attach: bool) -> Result<(Line, EngineStatus), RuntimeError> {
    connect_or_start_as(place, attach, Manner::LeavesWhenIdle)
}

/// Connects to the engine, starting one in that manner if there is none.
///
/// # Errors
/// See [`connect_or_start`].
pub fn connect_or_start_as(place: &Place, attach: bool, manner: Manner) -> Result<(Line, EngineStatus), RuntimeError> {
    if let Some(connected) = Line::open(&place.state_dir, attach)? {
        return Ok(connected);
    }
    workspace::prepare(place)?;
    let words = place.logs().join("engine.err");
    let mut child = spawn(place, &words, manner)?;
    let mut killed = 0;
    let deadline = now() + START_PATIENCE;
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(connected) = Line::open(&place.state_dir, attach)? {
            // Nobody waits for it any more: it belongs to no client.
            return Ok(connected);
        }
        if let Ok(Some(status)) = child.try_wait() {
            killed += u32::from(status.code().is_none());
            // Another client's engine may have won the race; then it answers soon. One that was killed had done nothing yet.
            if status.code() != Some(75) && (status.code().is_some() || killed > MAX_KILLED) {
                let said = fs::read_to_string(&words).unwrap_or_default();
                return Err(could_not_start(status, said.trim(), &words));
            }
            child = spawn(place, &words, manner)?;
        }
        if now() > deadline {
            return Err(RuntimeError::Unreachable(format!(
                "the engine did not start within {} s\nhint: run `flowyard engine` in another terminal to see why",
                START_PATIENCE.as_secs()
            )));
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// Its own words; where it found no room for them, that is the likely reason.
fn could_not_start(status: ExitStatus, said: &str, words: &Path) -> RuntimeError {
    let look = "hint: `--read-only` looks at what is recorded without an engine";
    match (status.code(), said) {
        (Some(65), _) => RuntimeError::Foreign(said.to_owned()),
        (Some(_), "") => RuntimeError::Io(format!(
            "the engine could not start ({status}), and could not write why to {}: is that disk full?\n{look}; `flowyard engine` says why",
            words.display()
        )),
        (_, "") => RuntimeError::Io(format!("the engine could not start ({status})\n{look}")),
        _ => RuntimeError::Io(format!("the engine could not start ({status}): {said}\n{look}")),
    }
}

/// What the kernel says of an engine that does not answer.
fn why_silent(pid: &str) -> Option<String> {
    let said = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let limits = said("limits");
    let most: usize = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_whitespace().next()?.parse().ok()?;
    let open = fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
    (open >= most).then(|| {
        format!("it has {open} files open and may have {most}; it goes on when it may open more (`prlimit --pid {pid} --nofile=4096:`)")
    })
}

fn spawn(place: &Place, words: &Path, manner: Manner) -> Result<std::process::Child, RuntimeError> {
    let fail = |error: io::Error| RuntimeError::Unreachable(format!("the engine cannot be started: {error}"));
    if let Some(folder) = words.parent() {
        crate::stdx::atomic::create_private_dir(folder).map_err(fail)?;
    }
    let program = std::env::current_exe().unwrap_or_default();
    Command::new(spawner::still_there(&program))
        .arg("--workspace")
        .arg(&place.workspace)
        .arg("--state-dir")
        .arg(&place.state_dir)
        .args(["engine", "--detached"])
        .env(allocator::SETTING.0, allocator::SETTING.1)
        .args((manner == Manner::LeavesWhenIdle).then_some("--exit-when-idle"))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(crate::stdx::atomic::create_private(words).map_err(fail)?)
        .spawn()
        .map_err(fail)
}
