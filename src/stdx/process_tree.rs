//! Who is running, and who started whom, read from `/proc`.

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::{collections::HashSet, fs};

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

/// Ends everybody below a process, also those that are started meanwhile. No stranger is hit, whoever has a pid next.
pub fn kill_below(root: i32) {
    // Who starts others faster than they are ended is left after so many rounds to whoever ends the root.
    for _ in 0..100 {
        let alive: Vec<Stat> = descendants(root).into_iter().filter(Stat::is_alive).collect();
        if alive.is_empty() {
            return;
        }
        alive.iter().for_each(kill);
    }
}

fn kill(process: &Stat) {
    let handle = Pid::from_raw(process.pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
    // Compared after the handle was taken: from here on the pid cannot come back as somebody else under it.
    if let Some(handle) = handle.filter(|_| stat(process.pid).is_some_and(|now| now.start == process.start)) {
        let _ = pidfd_send_signal(&handle, Signal::KILL);
    }
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
}
