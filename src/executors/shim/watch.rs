//! Stays with a started program until nothing is left of it: its time limit, its cancelling, and the end of its whole tree.

use super::{
    Host, Told,
    cgroup::Group,
    files::{Meta, ShimFiles},
    log_cap::LogCap,
    log_index::LogIndex,
    memory::Suspicion,
    processes,
    pumps::Pumps,
    usage::Meter,
};
use crate::{
    model::{End, Usage},
    stdx::fault,
};
use nix::{
    sys::{
        signal::{SigSet, Signal, kill, killpg},
        signalfd::{SfdFlags, SignalFd},
    },
    unistd::Pid,
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{WaitOptions, WaitStatus, wait},
};
use std::{
    os::fd::AsFd,
    time::{Duration, Instant},
};

/// The signal that tells a shim to cancel. Not TERM: at shutdown everybody gets that, and nobody has canceled anything.
pub const CANCEL: rustix::process::Signal = rustix::process::Signal::USR1;

/// What is left below a task that ended by itself may finish by itself for so long: a `tee` that drains its pipe.
const LINGER: Duration = Duration::from_secs(1);

/// How often what is left is looked for again while it is being killed, or the engine told again.
const AGAIN: Duration = Duration::from_millis(20);

/// Why a task is being ended.
#[derive(Clone, Copy)]
pub enum Cause {
    /// It ran too long.
    Timeout,
    /// It was said to.
    Cancel,
}

/// How far the end of an attempt has come.
#[derive(Clone, Copy)]
pub enum Phase {
    /// The program runs.
    Running,
    /// The program is over; what it left behind may finish until then.
    Lingering(Instant),
    /// TERM was sent, to the task's group or to all that is left of it; KILL follows then.
    Ending {
        /// When KILL follows.
        kill_at: Instant,
        /// Whether what had left the task's group was told too.
        told_all: bool,
    },
    /// KILL is sent until nobody is left.
    Killing,
}

/// What is known when nothing is left of a program.
pub struct Ended {
    /// How the program ended.
    pub end: End,
    /// The kernel ended it for want of memory, and that can be shown.
    pub out_of_memory: bool,
    /// What the whole tree took, if a program was started.
    pub usage: Option<Usage>,
}

impl From<End> for Ended {
    fn from(end: End) -> Self {
        Self { end, out_of_memory: false, usage: None }
    }
}

/// A started program and all that it leaves below this process.
pub struct Watch<'a> {
    /// The program's process, which leads a group of its own.
    pub pid: Pid,
    /// How long TERM has before KILL follows.
    pub grace: Duration,
    /// When it was started.
    pub began: Instant,
    /// When it is ended if it has not ended by itself.
    pub timeout_at: Option<Instant>,
    /// How far its end has come.
    pub phase: Phase,
    /// How the program itself ended, once it has.
    pub status: Option<WaitStatus>,
    /// Why it is being ended, if it is.
    pub cause: Option<Cause>,
    /// Whether it was said to cancel.
    pub cancel: bool,
    /// Knows when which line was written.
    pub index: Option<LogIndex>,
    /// Keeps the log short, if it is to be.
    pub cap: Option<LogCap>,
    /// They hide secrets in what it prints, if it was told some.
    pub pumps: Option<Pumps>,
    /// Knows what the tree takes.
    pub meter: Meter,
    /// How many processes had been killed for want of memory when it began.
    pub kills_before: Option<u64>,
    /// The control group of its own, once it has one.
    pub group: Option<Group>,
    /// What the engine had no room to hear yet.
    pub untold: Option<Told>,
    /// What the shim has from its spawner.
    pub host: &'a Host,
    /// Where the proof of its beginning lies.
    pub files: &'a ShimFiles,
    /// That proof.
    pub meta: &'a Meta,
}

impl Watch<'_> {
    /// Returns when no process is left below this one.
    pub fn until_nothing_is_left(mut self) -> Ended {
        let signals = SignalFd::with_flags(&SigSet::all(), SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).ok();
        while self.reap() {
            self.step(Instant::now());
            self.wait(signals.as_ref());
        }
        if let Some(pumps) = self.pumps.take() {
            pumps.finish();
        }
        if let Some(index) = &mut self.index {
            index.record();
        }
        self.cap_log();
        self.ended()
    }

    /// Takes every end that there is; false when there is nobody left below this process.
    fn reap(&mut self) -> bool {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(None) => return true,
                Ok(Some((pid, status))) if pid.as_raw_pid() == self.pid.as_raw() => self.status = Some(status),
                Ok(Some(_)) | Err(Errno::INTR) => {}
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
            if let Some(group) = &self.group {
                group.kill();
            }
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

    /// TERM only to direct children, whose pids cannot come back as strangers: nobody else can reap them. KILL to the whole
    /// tree by handles, since who forks for ever would stay a generation ahead.
    fn signal_children(&self, signal: Signal) {
        let me = nix::unistd::getpid().as_raw();
        for child in processes::children(me) {
            let _ = kill(Pid::from_raw(child), signal);
            if signal == Signal::SIGTERM {
                let _ = kill(Pid::from_raw(child), Signal::SIGCONT);
            }
        }
        if signal == Signal::SIGKILL {
            for process in processes::descendants(me) {
                processes::signal(&processes::identity(&process, &self.host.boot_id), rustix::process::Signal::KILL);
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
        self.cap_log();
        if self.meter.tick(Instant::now()) && self.group.is_none() {
            self.group = self.take_group();
        }
        if let Some(told) = &self.untold
            && told.send(&self.host.socket) != Err(Errno::AGAIN)
        {
            self.untold = None;
        }
    }

    fn cap_log(&mut self) {
        if let (Some(cap), Some(index)) = (&mut self.cap, &self.index) {
            let (stdout, stderr) = index.lengths();
            cap.check(stdout, stderr);
        }
    }

    /// A control group of its own, where we may make one, and said in `meta` so that a later engine can end it too.
    fn take_group(&self) -> Option<Group> {
        let name = format!("flowyard-{}", self.meta.token);
        let group = Group::around(nix::unistd::getpid().as_raw(), self.host.delegated.as_ref()?, &name).ok()?;
        // Without that word it still serves as long as this process lives.
        let _ = self.files.replace_meta(&Meta { cgroup: Some(group.path().to_owned()), ..self.meta.clone() });
        Some(group)
    }

    fn next_due(&self, now: Instant) -> Option<Instant> {
        let phase = match self.phase {
            Phase::Running => self.timeout_at,
            Phase::Lingering(until) | Phase::Ending { kill_at: until, .. } => Some(until),
            Phase::Killing => Some(now + AGAIN),
        };
        let untold = self.untold.as_ref().map(|_| now + AGAIN);
        [phase, untold, Some(self.meter.due()), self.index.as_ref().and_then(LogIndex::due)].into_iter().flatten().min()
    }

    fn ended(&self) -> Ended {
        let mut usage = self.meter.total();
        if let Some(peak) = self.group.as_ref().and_then(Group::peak_memory) {
            usage.peak_memory = usage.peak_memory.max(peak);
        }
        let out_of_memory = self.is_out_of_memory(usage.peak_memory);
        if let Some(group) = &self.group {
            group.remove();
        }
        Ended { end: self.end(), out_of_memory, usage: Some(usage) }
    }

    /// A shell whose program was killed by signal 9 exits with 137.
    fn is_out_of_memory(&self, peak: u64) -> bool {
        let (code, signal) = self.code_and_signal();
        if self.cause.is_some() || !(code == Some(128 + 9) || signal == Some(9)) {
            return false;
        }
        let kills = self.host.kills.as_ref().zip(self.kills_before);
        let suspicion = Suspicion { kills, group: self.group.as_ref(), peak, ran: self.began.elapsed() };
        suspicion.is_shown(|pid| pid == self.pid.as_raw() || self.meter.has_seen(pid))
    }

    /// Every number is told as it was, those of real-time signals too.
    fn code_and_signal(&self) -> (Option<i32>, Option<i32>) {
        (self.status.and_then(WaitStatus::exit_status), self.status.and_then(WaitStatus::terminating_signal))
    }

    fn end(&self) -> End {
        let (code, signal) = self.code_and_signal();
        match (self.cause, code, signal) {
            (Some(Cause::Timeout), ..) => End::TimedOut { code, signal },
            (Some(Cause::Cancel), ..) => End::Canceled { code, signal },
            (None, Some(code), _) if fault::is_on("round-exit-codes") => End::Exited { code: i32::from(code != 0) },
            (None, Some(code), _) => End::Exited { code },
            (None, None, signal) => End::Signaled { signal: signal.unwrap_or_default() },
        }
    }
}

/// So far in the future, or as far as the clock goes.
fn far(now: Instant, by: Duration) -> Instant {
    now.checked_add(by).unwrap_or(now + Duration::from_secs(86_400 * 365))
}
