//! Whether the kernel ended a process for want of memory. Only what can be shown counts: a signal 9 alone may be anybody's.
//!
//! Shown is it by the kernel's log, which names the process; by the count of such kills in the attempt's own control group;
//! or by that count in the group it shares with others, if the attempt had at least half of the memory there was.

use super::cgroup::{self, Group};
use std::{
    fs::{self, File, OpenOptions},
    io::Read,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

/// The kernel's clock and ours may differ by this.
const SLACK: Duration = Duration::from_secs(1);

/// The pid namespace in which the kernel's log speaks of processes.
const FIRST_NAMESPACE: &str = "pid:[4026531836]";

/// How often the kernel killed for want of memory in the group of this process.
pub struct Kills {
    group: PathBuf,
    counter: File,
}

impl Kills {
    /// Finds the counter. The shims of a spawner share one open file, so that asking costs no more than a read.
    pub fn find() -> Option<Self> {
        let unified = cgroup::own("").map(|group| (group.join("memory.events"), group));
        let old = cgroup::own("memory").map(|group| (group.join("memory.oom_control"), group));
        let open = |(file, group): (PathBuf, PathBuf)| Some(Self { group, counter: File::open(file).ok()? });
        unified.and_then(open).or_else(|| old.and_then(open))
    }

    /// The count now.
    pub fn count(&self) -> Option<u64> {
        let mut text = [0; 512];
        let length = self.counter.read_at(&mut text, 0).ok()?;
        cgroup::kills(&String::from_utf8_lossy(&text[..length]))
    }
}

/// What is known of an attempt that was ended by signal 9, or says so by exit code 137.
pub struct Suspicion<'a> {
    /// The counter and what it said at the start.
    pub kills: Option<(&'a Kills, u64)>,
    /// The attempt's own group.
    pub group: Option<&'a Group>,
    /// The most memory it had.
    pub peak: u64,
    /// For how long it ran.
    pub ran: Duration,
}

impl Suspicion<'_> {
    /// Whether it can be shown; `is_ours` tells whether a pid is or was one of the attempt.
    pub fn is_shown(&self, is_ours: impl Fn(i32) -> bool) -> bool {
        if self.group.and_then(Group::memory_kills).is_some_and(|count| count > 0) {
            return true;
        }
        let shared =
            self.kills.is_some_and(|(kills, before)| kills.count().is_some_and(|now| now > before) && self.peak >= limit(&kills.group) / 2);
        shared || log_names(self.ran, is_ours)
    }
}

/// The least memory that a group, one above it, or the machine allows.
fn limit(group: &Path) -> u64 {
    let of_group = |group: &Path| {
        let read = |name: &str| fs::read_to_string(group.join(name)).ok()?.trim().parse::<u64>().ok();
        read("memory.max").or_else(|| read("memory.limit_in_bytes"))
    };
    group.ancestors().filter_map(of_group).chain(machine()).min().unwrap_or(u64::MAX)
}

fn machine() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let kib = text.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok())?;
    Some(kib * 1024)
}

fn log_names(ran: Duration, is_ours: impl Fn(i32) -> bool) -> bool {
    let speaks_our_pids = fs::read_link("/proc/self/ns/pid").is_ok_and(|name| name.as_os_str() == FIRST_NAMESPACE);
    let uptime = fs::read_to_string("/proc/uptime").ok().and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    let (true, Some(uptime)) = (speaks_our_pids, uptime) else { return false };
    let since = uptime - (ran + SLACK).as_secs_f64();
    let flags = (rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::CLOEXEC).bits();
    let Ok(mut log) = OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open("/dev/kmsg") else { return false };
    let mut record = [0; 8192];
    loop {
        match log.read(&mut record) {
            Ok(length) if length > 0 => {
                let killed = killed(&String::from_utf8_lossy(&record[..length]));
                if killed.is_some_and(|(at, pid)| at >= since && is_ours(pid)) {
                    return true;
                }
            }
            // Records were overwritten while this was reading; the next one is there.
            Err(error) if error.raw_os_error() == Some(nix::errno::Errno::EPIPE as i32) => {}
            _ => return false,
        }
    }
}

/// When, in seconds since boot, which process was killed for want of memory, if a record of the kernel's log says that.
fn killed(record: &str) -> Option<(f64, i32)> {
    let (head, text) = record.split_once(';')?;
    let micros: f64 = head.split(',').nth(2)?.parse().ok()?;
    let (why, rest) = text.split_once("Killed process ")?;
    let pid = rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    why.to_ascii_lowercase().contains("out of memory").then_some((micros / 1e6, pid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_log_says_who_was_killed_for_want_of_memory() {
        let group = "3,915,98765432,-;Memory cgroup out of memory: Killed process 4242 (python3) total-vm:1kB, anon-rss:1kB\n";
        assert_eq!(killed(group), Some((98.765_432, 4242)));
        assert_eq!(killed("3,9,1000000,-;Out of memory: Killed process 7 (x) total-vm"), Some((1.0, 7)));
        assert_eq!(killed("6,9,1000000,-;usb 1-1: new device"), None);
        assert_eq!(killed("6,9,1000000,-;Killed process 7 (x)"), None);
    }

    #[test]
    fn without_evidence_nothing_is_shown() {
        let suspicion = Suspicion { kills: None, group: None, peak: u64::MAX, ran: Duration::from_secs(1) };
        assert!(!suspicion.is_shown(|_| false));
    }
}
