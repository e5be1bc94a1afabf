//! Who is running, read from `/proc`, and signals that cannot reach the wrong process.

use super::{
    TOKEN_VARIABLE,
    cgroup::Group,
    files::{Identity, Meta},
};
use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::{
    collections::HashSet,
    ffi::OsStr,
    fs,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::Path,
    time::{Duration, Instant},
};

/// What `/proc/PID/stat` says of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// Its pid.
    pub pid: i32,
    /// `Z` and `X` are dead already.
    pub state: char,
    /// Its parent.
    pub parent: i32,
    /// Its session.
    pub session: i32,
    /// When it started, in clock ticks since boot.
    pub start: u64,
    /// Processor time of it and of those it has waited for, in clock ticks.
    pub cpu_ticks: u64,
    /// Its resident memory, in pages.
    pub resident_pages: u64,
}

impl Stat {
    /// Whether it still runs.
    pub fn is_alive(&self) -> bool {
        !matches!(self.state, 'Z' | 'X')
    }

    /// Who it is, in this boot.
    pub fn identity(&self, boot_id: &str) -> Identity {
        Identity { pid: self.pid, start: self.start, boot_id: boot_id.to_owned() }
    }
}

/// What is known of one process.
pub fn stat(pid: i32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Reads the text of `/proc/PID/stat`. The name of a program may hold spaces and `)`, so the fields begin after the last one.
fn parse_stat(text: &str) -> Option<Stat> {
    let pid = text.split_once(' ')?.0.parse().ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    Some(Stat {
        pid,
        state: fields.first()?.chars().next()?,
        parent: fields.get(1)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        start: fields.get(19)?.parse().ok()?,
        cpu_ticks: fields.get(11..15)?.iter().filter_map(|ticks| ticks.parse::<u64>().ok()).sum(),
        resident_pages: fields.get(21)?.parse().unwrap_or(0),
    })
}

/// Every process that can be seen.
pub fn all() -> Vec<Stat> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| stat(entry.file_name().to_str()?.parse().ok()?)).collect()
}

/// The children of a process, dead ones that nobody waited for included. Quick, and may miss one while others end: to be
/// asked again until there is none.
pub fn children(parent: i32) -> Vec<i32> {
    listed_children(parent).unwrap_or_else(|| all().into_iter().filter(|p| p.parent == parent).map(|p| p.pid).collect())
}

/// Children as the kernel lists them for each thread; `None` where it does not.
fn listed_children(parent: i32) -> Option<Vec<i32>> {
    let threads = fs::read_dir(format!("/proc/{parent}/task")).ok()?;
    let mut found = Vec::new();
    for thread in threads.flatten() {
        match fs::read_to_string(thread.path().join("children")) {
            Ok(text) => found.extend(text.split_ascii_whitespace().filter_map(|pid| pid.parse::<i32>().ok()).filter(|pid| *pid > 1)),
            // A kernel without such lists; a thread that is gone has no children any more.
            Err(_) if thread.path().exists() => return None,
            Err(_) => {}
        }
    }
    Some(found)
}

/// Everybody below a process.
pub fn descendants(root: i32) -> Vec<Stat> {
    if listed_children(root).is_none() {
        return below(root, &all());
    }
    let (mut open, mut seen, mut found) = (children(root), HashSet::from([root]), Vec::new());
    while let Some(pid) = open.pop() {
        if seen.insert(pid)
            && let Some(process) = stat(pid)
        {
            open.extend(listed_children(pid).unwrap_or_default());
            found.push(process);
        }
    }
    found
}

/// The same, found among all processes.
fn below(root: i32, all: &[Stat]) -> Vec<Stat> {
    let (mut known, mut found) = (HashSet::from([root]), Vec::new());
    loop {
        let before = found.len();
        found.extend(all.iter().filter(|p| known.contains(&p.parent) && !known.contains(&p.pid)).cloned());
        if found.len() == before {
            return found;
        }
        known.extend(found[before..].iter().map(|p| p.pid));
    }
}

/// Names this boot of the machine.
pub fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// Who `pid` is now.
pub fn identify(pid: i32, boot_id: &str) -> Option<Identity> {
    stat(pid).map(|stat| stat.identity(boot_id))
}

/// A handle on exactly this process, if it still runs.
pub fn open(who: &Identity) -> Option<OwnedFd> {
    let handle = pidfd_open(Pid::from_raw(who.pid)?, PidfdFlags::empty()).ok()?;
    // Compared after the handle was taken: from here on the pid cannot come back as somebody else under it.
    let now = stat(who.pid)?;
    (now.start == who.start && now.is_alive() && who.boot_id == boot_id()).then_some(handle)
}

/// Sends a signal to exactly this process; false if it is gone.
pub fn signal(who: &Identity, signal: Signal) -> bool {
    open(who).is_some_and(|handle| pidfd_send_signal(&handle, signal).is_ok())
}

/// Kills what is left of an attempt whose shim died, until nothing is found any more. False if something will not go.
///
/// What is left is known by the attempt's control group, if it had one, by its token in the environment, or by being in the
/// shim's session.
pub fn end_leftovers(meta: &Meta, patience: Duration) -> bool {
    if meta.shim.boot_id != boot_id() {
        return true;
    }
    if meta.cgroup.as_ref().is_some_and(|path| !Group::at(path).end()) {
        return false;
    }
    let deadline = Instant::now() + patience;
    loop {
        let left = leftovers(meta);
        if left.is_empty() {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        for one in left {
            let Some(handle) = open(&one.identity(&meta.shim.boot_id)) else { continue };
            let _ = pidfd_send_signal(&handle, Signal::KILL);
            wait_for_end(&handle, deadline);
        }
    }
}

fn wait_for_end(handle: &OwnedFd, deadline: Instant) {
    let left = deadline.saturating_duration_since(Instant::now());
    let left = rustix::event::Timespec::try_from(left).unwrap_or_default();
    let _ = rustix::event::poll(&mut [PollFd::new(handle, PollFlags::IN)], Some(&left));
}

fn leftovers(meta: &Meta) -> Vec<Stat> {
    let processes = all();
    // A session outlives its leader; if somebody else has the leader's pid now, the number proves nothing any more.
    let session_is_ours = processes.iter().all(|p| p.pid != meta.shim.pid || p.start == meta.shim.start);
    let is_left = |p: &Stat| {
        p.is_alive()
            && p.pid != meta.shim.pid
            && p.start >= meta.shim.start
            && match token_of(p.pid) {
                Some(token) => token == meta.token.as_bytes(),
                None => session_is_ours && p.session == meta.shim.pid,
            }
    };
    processes.into_iter().filter(is_left).collect()
}

/// The attempt to which a process belongs, as its environment says.
fn token_of(pid: i32) -> Option<Vec<u8>> {
    variable_of(pid, TOKEN_VARIABLE)
}

/// A variable of the environment that a process was started with.
fn variable_of(pid: i32, name: &str) -> Option<Vec<u8>> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let find = |line: &[u8]| line.strip_prefix(name.as_bytes())?.strip_prefix(b"=").map(<[u8]>::to_vec);
    environment.split(|b| *b == 0).find_map(find)
}

/// Whether a process belongs to an attempt whose folder is below `folder`: it, or one that it descends from, says so.
pub fn is_inside(pid: u32, folder: &Path) -> bool {
    let mut at = i32::try_from(pid).ok();
    for _ in 0..64 {
        let Some(pid) = at.filter(|pid| *pid > 1) else { return false };
        if variable_of(pid, "FLOWYARD_WORK_DIR").is_some_and(|own| Path::new(OsStr::from_bytes(&own)).starts_with(folder)) {
            return true;
        }
        at = stat(pid).map(|process| process.parent);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_with_parentheses_and_spaces_does_not_shift_the_fields() {
        let text = "42 (a) b (c) R) S 7 40 39 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2";
        let expected = Stat { pid: 42, state: 'S', parent: 7, session: 39, start: 987_654, cpu_ticks: 5 + 6 + 7 + 8, resident_pages: 2 };
        assert_eq!(parse_stat(text), Some(expected));
        assert_eq!(parse_stat("42 (x"), None);
    }

    #[test]
    fn those_below_a_process_are_its_children_and_theirs() {
        let process = |pid, parent| Stat { pid, state: 'S', parent, session: 1, start: 1, cpu_ticks: 0, resident_pages: 0 };
        let all = [process(9, 5), process(5, 2), process(3, 1), process(2, 1), process(7, 2), process(1, 0)];
        let mut found: Vec<i32> = below(2, &all).iter().map(|p| p.pid).collect();
        found.sort_unstable();
        assert_eq!(found, [5, 7, 9]);
    }

    #[test]
    fn this_process_is_itself_and_nobody_else_with_its_pid() {
        let me = identify(std::process::id() as i32, &boot_id()).unwrap();
        assert!(open(&me).is_some());
        assert!(open(&Identity { start: me.start + 1, ..me.clone() }).is_none());
        assert!(open(&Identity { boot_id: "another".into(), ..me }).is_none());
    }
}
