//! The shim: the life of one attempt, from the lock to the verdict. Needs nobody: engine and spawner may die meanwhile.

use super::{
    Told,
    files::{self, FORMAT, Meta, ShimFiles},
    log_index::{LogIndex, now_micros},
    processes,
    spawner::Order,
    task,
};
use crate::model::{AttemptFiles, End, Ticket, Verdict};
use nix::{
    errno::Errno,
    sys::{
        signal::{SigSet, Signal, kill, killpg},
        signalfd::{SfdFlags, SignalFd},
        stat::{Mode, umask},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::{
    fs::File,
    io::{self, Read},
    os::fd::{AsFd, OwnedFd},
    time::{Duration, Instant},
};

/// What a shim has from its spawner.
pub struct Host {
    /// To the engine; shared by all shims of a spawner.
    pub socket: OwnedFd,
    /// Names this boot.
    pub boot_id: String,
    /// The user's umask, which is the task's; the shim's own is 077.
    pub umask: Mode,
}

/// The signal that tells a shim to cancel. Not TERM: at shutdown everybody gets that, and nobody has canceled anything.
pub const CANCEL: rustix::process::Signal = rustix::process::Signal::USR1;

/// Exit code of a shim that told or wrote an end.
const DONE: i32 = 0;
/// Exit code of a shim that has no say about its attempt: it is another one's, or over.
const NOT_MINE: i32 = 3;

/// What is left below a task that ended by itself may finish by itself for so long: a `tee` that drains its pipe.
const LINGER: Duration = Duration::from_secs(1);

/// How often what is left is looked for again while it is being killed, or the engine told again.
const AGAIN: Duration = Duration::from_millis(20);

/// Runs one attempt in this process and gives the code to exit with.
pub fn run(order: Order, host: &Host) -> i32 {
    // TERM too: at shutdown everybody gets it, the task as well, and somebody must live to tell how that ended.
    let _ = SigSet::all().thread_block();
    let _ = nix::unistd::setsid();
    let _ = nix::sys::prctl::set_child_subreaper(true);
    let _ = nix::sys::prctl::set_name(c"flowyard-shim");
    let id = order.id();
    let Ok(ticket) = order.ticket() else { return NOT_MINE };
    let shim = Shim { id, files: ShimFiles::new(&ticket.folder), ticket, host };
    match shim.prepare() {
        Ok(None) => NOT_MINE,
        Ok(Some(ready)) => shim.live(ready),
        Err(error) => shim.refuse(&error),
    }
}

struct Shim<'a> {
    id: u64,
    files: ShimFiles,
    ticket: Ticket,
    host: &'a Host,
}

/// All that must be there before the program may be started.
struct Ready {
    _lock: File,
    room: File,
    intent: File,
    stdout: File,
    stderr: File,
    meta: Meta,
}

impl Shim<'_> {
    fn prepare(&self) -> io::Result<Option<Ready>> {
        let Some(lock) = self.files.try_lock()? else { return Ok(None) };
        if self.files.is_used() {
            return Ok(None);
        }
        let me = processes::identify(nix::unistd::getpid().as_raw(), &self.host.boot_id).ok_or(io::ErrorKind::NotFound)?;
        self.files.sign_lock(&lock, &me)?;
        let room = self.files.reserve_verdict()?;
        let logs = AttemptFiles::new(&self.ticket.folder);
        let (stdout, stderr) = (files::open_log(&logs.stdout())?, files::open_log(&logs.stderr())?);
        let meta = Meta { format: FORMAT, shim: me, token: new_token()?, task: None, started_at_micros: now_micros() };
        let intent = self.files.write_intent(&meta)?;
        Ok(Some(Ready { _lock: lock, room, intent, stdout, stderr, meta }))
    }

    /// Nothing ran, and there may be no room to write that down. The engine is told; one that was not there to hear it
    /// finds an attempt that has not begun.
    fn refuse(&self, error: &io::Error) -> i32 {
        self.files.withdraw_intent();
        self.files.release_verdict();
        let message = format!("cannot prepare the folder `{}`: {}", self.ticket.folder.display(), task::words(error));
        let end = if files::is_full(error) { End::DiskFull { message } } else { End::SpawnError { message } };
        let now = now_micros();
        let verdict = Verdict::new(end, now, now);
        Told::Ended { id: self.id, verdict }.send_surely(&self.host.socket);
        DONE
    }

    fn live(&self, mut ready: Ready) -> i32 {
        // After the lock was signed: an engine that cancels writes the file first and looks for the signature then.
        if self.files.cancel().exists() {
            self.files.withdraw_intent();
            return self.conclude(&ready, End::Canceled { code: None, signal: None });
        }
        ready.meta.started_at_micros = now_micros();
        umask(self.host.umask);
        let started = task::start(&self.ticket, &ready.meta.token, &ready.stdout, &ready.stderr);
        umask(Mode::from_bits_truncate(0o077));
        let pid = match started {
            Ok(pid) => pid,
            Err(message) => {
                self.files.withdraw_intent();
                return self.conclude(&ready, End::SpawnError { message });
            }
        };
        ready.meta.task = processes::identify(pid.as_raw(), &self.host.boot_id);
        let end = match self.files.confirm(&ready.intent, &ready.meta) {
            Ok(()) => self.watch(&ready, pid),
            // Cannot be promised to be known by a later engine, so it may not go on.
            Err(error) => {
                let _ = killpg(pid, Signal::SIGKILL);
                self.watch(&ready, pid);
                End::SpawnError { message: format!("cannot write `{}`: {}", self.files.meta().display(), task::words(&error)) }
            }
        };
        self.conclude(&ready, end)
    }

    fn watch(&self, ready: &Ready, pid: Pid) -> End {
        let began = Told::Began { id: self.id, at_micros: ready.meta.started_at_micros };
        let untold = (began.send(&self.host.socket) == Err(rustix::io::Errno::AGAIN)).then_some(began);
        let logs = AttemptFiles::new(&self.ticket.folder);
        let index = ready.stdout.try_clone().and_then(|stdout| Ok(LogIndex::new(logs, stdout, ready.stderr.try_clone()?))).ok();
        let now = Instant::now();
        let watch = Watch {
            pid,
            grace: self.ticket.grace,
            timeout_at: self.ticket.timeout.and_then(|timeout| now.checked_add(timeout)),
            phase: Phase::Running,
            status: None,
            cause: None,
            cancel: false,
            index,
            untold,
            socket: &self.host.socket,
        };
        watch.until_nothing_is_left()
    }

    fn conclude(&self, ready: &Ready, end: End) -> i32 {
        let verdict = Verdict::new(end, ready.meta.started_at_micros, now_micros());
        // If even the reserved room fails, the truth is told while somebody listens, and lost otherwise.
        let _ = self.files.write_verdict(&ready.room, &verdict);
        Told::Ended { id: self.id, verdict }.send_surely(&self.host.socket);
        DONE
    }
}

fn new_token() -> io::Result<String> {
    let mut random = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut random)?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Why a task is being ended.
#[derive(Clone, Copy)]
enum Cause {
    Timeout,
    Cancel,
}

/// How far the end of an attempt has come.
#[derive(Clone, Copy)]
enum Phase {
    Running,
    /// The program is over; what it left behind may finish until then.
    Lingering(Instant),
    /// TERM was sent, to the task's group or to all that is left of it; KILL follows then.
    Ending {
        kill_at: Instant,
        told_all: bool,
    },
    Killing,
}

struct Watch<'a> {
    pid: Pid,
    grace: Duration,
    timeout_at: Option<Instant>,
    phase: Phase,
    status: Option<WaitStatus>,
    cause: Option<Cause>,
    cancel: bool,
    index: Option<LogIndex>,
    untold: Option<Told>,
    socket: &'a OwnedFd,
}

impl Watch<'_> {
    fn until_nothing_is_left(mut self) -> End {
        let signals = SignalFd::with_flags(&SigSet::all(), SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).ok();
        while self.reap() {
            self.step(Instant::now());
            self.wait(signals.as_ref());
        }
        if let Some(index) = &mut self.index {
            index.record();
        }
        self.end()
    }

    /// Takes every end that there is; false when there is nobody left below this process.
    fn reap(&mut self) -> bool {
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) => return true,
                Ok(status) if status.pid() == Some(self.pid) => self.status = Some(status),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => return false,
            }
        }
    }

    fn step(&mut self, now: Instant) {
        match self.phase {
            Phase::Running if self.status.is_some() => self.phase = Phase::Lingering(now + LINGER),
            Phase::Running if self.cancel => self.terminate(Cause::Cancel, now),
            Phase::Running if self.timeout_at.is_some_and(|at| now >= at) => self.terminate(Cause::Timeout, now),
            Phase::Lingering(until) if self.cancel || now >= until => {
                self.signal_children(Signal::SIGTERM);
                self.phase = Phase::Ending { kill_at: far(now, self.grace), told_all: true };
            }
            Phase::Ending { kill_at, .. } if now >= kill_at => self.phase = Phase::Killing,
            // The program went on TERM; what had left its group has not heard of it.
            Phase::Ending { kill_at, told_all: false } if self.status.is_some() => {
                self.signal_children(Signal::SIGTERM);
                self.phase = Phase::Ending { kill_at, told_all: true };
            }
            Phase::Running | Phase::Lingering(_) | Phase::Ending { .. } | Phase::Killing => {}
        }
        if matches!(self.phase, Phase::Killing) {
            if self.status.is_none() {
                let _ = killpg(self.pid, Signal::SIGKILL);
            }
            self.signal_children(Signal::SIGKILL);
        }
    }

    fn terminate(&mut self, cause: Cause, now: Instant) {
        self.cause = Some(cause);
        let _ = killpg(self.pid, Signal::SIGTERM);
        // A stopped process does not see the TERM before it goes on.
        let _ = killpg(self.pid, Signal::SIGCONT);
        self.phase = if self.grace.is_zero() { Phase::Killing } else { Phase::Ending { kill_at: far(now, self.grace), told_all: false } };
    }

    /// Only direct children: nobody else can reap them, so their pids cannot have come back as strangers. What is below
    /// them becomes a direct child when they are gone.
    fn signal_children(&self, signal: Signal) {
        for child in processes::children(nix::unistd::getpid().as_raw()) {
            let _ = kill(Pid::from_raw(child), signal);
            if signal == Signal::SIGTERM {
                let _ = kill(Pid::from_raw(child), Signal::SIGCONT);
            }
        }
    }

    fn wait(&mut self, signals: Option<&SignalFd>) {
        let now = Instant::now();
        let left = self.next_due(now).map(|at| at.saturating_duration_since(now));
        let timeout = left.map(|left| Timespec::try_from(left).unwrap_or(Timespec { tv_sec: 3600, tv_nsec: 0 }));
        let watch = self.index.as_ref().and_then(LogIndex::watch);
        let mut waiting: Vec<PollFd<'_>> = Vec::with_capacity(2);
        waiting.extend(signals.map(|signals| PollFd::from_borrowed_fd(signals.as_fd(), PollFlags::IN)));
        waiting.extend(watch.map(|watch| PollFd::from_borrowed_fd(watch, PollFlags::IN)));
        let _ = poll(&mut waiting, timeout.as_ref());
        let woken = watch.is_some() && waiting.last().is_some_and(|fd| !fd.revents().is_empty());
        drop(waiting);
        while let Some(Ok(Some(signal))) = signals.map(SignalFd::read_signal) {
            self.cancel |= signal.ssi_signo == CANCEL.as_raw() as u32;
        }
        if let Some(index) = &mut self.index {
            index.tick(Instant::now(), woken);
        }
        if let Some(told) = &self.untold
            && told.send(self.socket) != Err(rustix::io::Errno::AGAIN)
        {
            self.untold = None;
        }
    }

    fn next_due(&self, now: Instant) -> Option<Instant> {
        let phase = match self.phase {
            Phase::Running => self.timeout_at,
            Phase::Lingering(until) | Phase::Ending { kill_at: until, .. } => Some(until),
            Phase::Killing => Some(now + AGAIN),
        };
        let untold = self.untold.as_ref().map(|_| now + AGAIN);
        [phase, untold, self.index.as_ref().and_then(LogIndex::due)].into_iter().flatten().min()
    }

    fn end(&self) -> End {
        let (code, signal) = match self.status {
            Some(WaitStatus::Exited(_, code)) => (Some(code), None),
            Some(WaitStatus::Signaled(_, signal, _)) => (None, Some(signal as i32)),
            _ => (None, None),
        };
        match (self.cause, code, signal) {
            (Some(Cause::Timeout), ..) => End::TimedOut { code, signal },
            (Some(Cause::Cancel), ..) => End::Canceled { code, signal },
            (None, Some(code), _) => End::Exited { code },
            (None, None, signal) => End::Signaled { signal: signal.unwrap_or_default() },
        }
    }
}

/// So far in the future, or as far as the clock goes.
fn far(now: Instant, by: Duration) -> Instant {
    now.checked_add(by).unwrap_or(now + Duration::from_secs(86_400 * 365))
}
