//! What the process tree of an attempt takes of the machine: looked at about once a second by its shim, read by anybody.
//!
//! Memory is the resident memory of all its processes together: what several of them share counts in each. The peak is the most
//! that was seen at once, or what the largest process ever had, or what the control group counted, whichever is more; of a task
//! that is over within its first second it includes the megabytes of the shim in whose place it started.

use super::{processes, slot};
use crate::model::{AttemptFiles, Usage};
use nix::{
    sys::resource::{UsageWho, getrusage},
    unistd::{SysconfVar, sysconf},
};
use std::{
    collections::HashSet,
    fs::{self, File},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Time between two looks. A task that is over sooner is never looked at: the system's own account of it is enough.
const EVERY: Duration = Duration::from_secs(1);

/// A look may take at most this part of the time: a tree of thousands of processes is looked at less often.
const SHARE: u32 = 50;

/// The kernel counts in these for everybody, whatever it does inside.
const MILLIS_PER_TICK: u64 = 10;

/// Looks at one attempt, driven by the shim's loop.
pub struct Meter {
    path: PathBuf,
    out: Option<File>,
    due: Instant,
    last: Usage,
    /// Everybody seen below the shim; of a tree that forks for ever, those seen last.
    seen: HashSet<i32>,
}

/// Most pids that are remembered.
const MOST_SEEN: usize = 10_000;

impl Meter {
    /// For an attempt that starts now. Writes nothing yet.
    pub fn new(files: &AttemptFiles, now: Instant) -> Self {
        Self { path: files.usage(), out: None, due: now + EVERY, last: Usage::default(), seen: HashSet::new() }
    }

    /// When [`Self::tick`] wants to be called.
    pub fn due(&self) -> Instant {
        self.due
    }

    /// Whether a process was seen below the shim.
    pub fn has_seen(&self, pid: i32) -> bool {
        self.seen.contains(&pid)
    }

    /// Looks, if it is time, and says whether it did.
    pub fn tick(&mut self, now: Instant) -> bool {
        if now < self.due {
            return false;
        }
        let below = processes::descendants(nix::unistd::getpid().as_raw());
        let usage = Usage { peak_memory: self.last.peak_memory, ..reaped() };
        let usage = below.iter().fold(usage, add);
        let usage = Usage { peak_memory: usage.peak_memory.max(usage.memory), ..usage };
        self.remember(below.iter().map(|process| process.pid));
        if usage != self.last {
            self.last = usage;
            self.out = self.out.take().or_else(|| slot::create(&self.path).ok());
            // A full disk loses a look, and no more.
            let _ = self.out.as_ref().map(|out| slot::write(out, &usage));
        }
        self.due = now + EVERY.max(now.elapsed() * SHARE);
        true
    }

    fn remember(&mut self, pids: impl Iterator<Item = i32>) {
        if self.seen.len() > MOST_SEEN {
            self.seen.clear();
        }
        self.seen.extend(pids);
    }

    /// What it was in all, once nobody is left. `memory` and `processes` are then 0.
    pub fn total(&self) -> Usage {
        let total = reaped();
        Usage { peak_memory: total.peak_memory.max(self.last.peak_memory), ..total }
    }
}

/// What those took who have ended: the system's account. The peak is that of the largest process, where that is the largest there was:
/// until its program is there, a new process counts with the memory of whoever starts it.
fn reaped() -> Usage {
    let Ok(account) = getrusage(UsageWho::RUSAGE_CHILDREN) else { return Usage::default() };
    let own = getrusage(UsageWho::RUSAGE_SELF).map_or(0, |own| own.max_rss());
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    let millis = |time: nix::sys::time::TimeVal| count(time.tv_sec()) * 1000 + count(time.tv_usec()) / 1000;
    Usage {
        cpu_millis: millis(account.user_time()) + millis(account.system_time()),
        peak_memory: if account.max_rss() > own { count(account.max_rss()) * 1024 } else { 0 },
        // Counted in sectors.
        read_bytes: count(account.block_reads()) * 512,
        written_bytes: count(account.block_writes()) * 512,
        ..Usage::default()
    }
}

fn add(sum: Usage, process: &processes::Stat) -> Usage {
    let (read, written) = bytes(process.pid).unwrap_or_default();
    let page = sysconf(SysconfVar::PAGE_SIZE).ok().flatten().and_then(|size| u64::try_from(size).ok()).unwrap_or(4096);
    Usage {
        cpu_millis: sum.cpu_millis + process.cpu_ticks * MILLIS_PER_TICK,
        memory: sum.memory + process.resident_pages * page,
        peak_memory: sum.peak_memory,
        read_bytes: sum.read_bytes + read,
        written_bytes: sum.written_bytes + written,
        processes: sum.processes + u32::from(process.is_alive()),
    }
}

/// Bytes that a process and those it has waited for read from disks and wrote to them; of another user's, nothing is told.
fn bytes(pid: i32) -> Option<(u64, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    Some((field("read_bytes:")?, field("write_bytes:")?))
}

/// What an attempt that runs took when it was last looked at; `None` before its first second is over.
pub fn read(folder: &Path) -> Option<Usage> {
    slot::read(&AttemptFiles::new(folder).usage())
}
