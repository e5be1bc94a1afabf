//! Who belongs to an attempt, and signals that cannot reach the wrong process.

use super::{
    TOKEN_VARIABLE,
    cgroup::Group,
    files::{Identity, Meta},
};
pub use crate::stdx::process_tree::{Stat, all, children, descendants, stat};
use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::{
    ffi::OsStr,
    fs,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::Path,
    time::{Duration, Instant},
};

/// Who a process is, in this boot.
pub fn identity(process: &Stat, boot_id: &str) -> Identity {
    Identity { pid: process.pid, start: process.start, boot_id: boot_id.to_owned() }
}

/// Names this boot of the machine.
pub fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// Who `pid` is now.
pub fn identify(pid: i32, boot_id: &str) -> Option<Identity> {
    stat(pid).map(|stat| identity(&stat, boot_id))
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
            let Some(handle) = open(&identity(&one, &meta.shim.boot_id)) else { continue };
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
    fn this_process_is_itself_and_nobody_else_with_its_pid() {
        let me = identify(std::process::id() as i32, &boot_id()).unwrap();
        assert!(open(&me).is_some());
        assert!(open(&Identity { start: me.start + 1, ..me.clone() }).is_none());
        assert!(open(&Identity { boot_id: "another".into(), ..me }).is_none());
    }
}
