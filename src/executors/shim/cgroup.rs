//! Control groups: where this process is, and a group of its own for an attempt where that right was delegated to us.
//!
//! Moving a process waits for every processor once (8 ms were measured), so only a task that lives for a second is moved.

use super::processes;
use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// A tree that forks while it is moved is followed so many times; who is born inside is inside.
const PASSES: u32 = 10;

/// How long the kernel may take to empty a killed group before it is looked at again later.
const PATIENCE: Duration = Duration::from_secs(2);

/// The folder of the group this process is in: of the hierarchy that has `controller`, or of version 2 if that is empty.
pub fn own(controller: &str) -> Option<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    locate(controller, &groups, &mounts)
}

fn locate(controller: &str, groups: &str, mounts: &str) -> Option<PathBuf> {
    let group = groups.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        controllers.split(',').any(|name| name == controller).then_some(path)
    })?;
    let (root, point) = mounts.lines().find_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        let mut kind = kind.split(' ');
        let (name, options) = (kind.next()?, kind.next_back()?);
        let fits = if controller.is_empty() { name == "cgroup2" } else { name == "cgroup" && options.split(',').any(|o| o == controller) };
        let mut place = place.split(' ').skip(3);
        fits.then_some((place.next()?, place.next()?))
    })?;
    let below = Path::new(group).strip_prefix(root).ok()?;
    Some(Path::new(point).join(below))
}

/// The group below which this process may make others: of version 2, not the machine's root, and ours to write in.
pub fn delegated() -> Option<PathBuf> {
    let own = own("")?;
    let writable = |path: &Path| nix::unistd::access(path, nix::unistd::AccessFlags::W_OK).is_ok();
    // The root of a machine has no events; it belongs to everybody, whoever may write there.
    (own.join("cgroup.events").exists() && writable(&own) && writable(&own.join("cgroup.procs"))).then_some(own)
}

/// The group of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group(PathBuf);

impl Group {
    /// The group at `path`, whether it is there or not.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes a group below `parent` and moves everybody into it who is below `root`.
    ///
    /// # Errors
    /// What the system says; no group is left then.
    pub fn around(root: i32, parent: &Path, name: &str) -> io::Result<Self> {
        let group = Self(parent.join(name));
        fs::create_dir(&group.0)?;
        let mut moved = HashSet::new();
        for _ in 0..PASSES {
            let new: Vec<i32> = processes::descendants(root).iter().map(|p| p.pid).filter(|pid| moved.insert(*pid)).collect();
            if new.is_empty() {
                return Ok(group);
            }
            for pid in new {
                match fs::write(group.0.join("cgroup.procs"), pid.to_string()) {
                    Err(error) if error.raw_os_error() != Some(nix::errno::Errno::ESRCH as i32) => {
                        group.remove();
                        return Err(error);
                    }
                    _ => {}
                }
            }
        }
        Ok(group)
    }

    /// Kills everybody in it at once, those included who are being born.
    pub fn kill(&self) {
        if fs::write(self.0.join("cgroup.kill"), "1").is_ok() {
            return;
        }
        // Before Linux 5.14. Who is in another pid namespace is listed as 0, which would mean ourselves.
        let members = fs::read_to_string(self.0.join("cgroup.procs")).unwrap_or_default();
        for pid in members.lines().filter_map(|pid| pid.parse().ok()).filter(|pid| *pid > 1) {
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
        }
    }

    /// Kills until it is empty, and removes it; false if something in it will not go.
    pub fn end(&self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while !self.is_empty() {
            if Instant::now() > deadline {
                return false;
            }
            self.kill();
            std::thread::sleep(Duration::from_millis(1));
        }
        self.remove();
        true
    }

    fn is_empty(&self) -> bool {
        // One that is not there has nobody in it.
        !fs::read_to_string(self.0.join("cgroup.events")).is_ok_and(|text| text.lines().any(|line| line == "populated 1"))
    }

    /// Removes it, once nobody is in it.
    pub fn remove(&self) {
        let _ = fs::remove_dir(&self.0);
    }

    /// How many of its processes the kernel killed for want of memory; `None` where groups do not account for memory.
    pub fn memory_kills(&self) -> Option<u64> {
        kills(&fs::read_to_string(self.0.join("memory.events")).ok()?)
    }

    /// The most memory it had.
    pub fn peak_memory(&self) -> Option<u64> {
        fs::read_to_string(self.0.join("memory.peak")).ok()?.trim().parse().ok()
    }
}

/// The count in the text of `memory.events`, or of `memory.oom_control` in version 1.
pub fn kills(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "30 25 0:27 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n\
                          31 25 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    #[test]
    fn the_group_of_each_version_is_found_where_it_is_mounted() {
        let groups = "4:memory:/jobs/a\n3:cpu,cpuacct:/\n0::/user.slice/x\n";
        assert_eq!(locate("memory", groups, MOUNTS), Some("/sys/fs/cgroup/memory/jobs/a".into()));
        assert_eq!(locate("", groups, MOUNTS), Some("/sys/fs/cgroup/unified/user.slice/x".into()));
        assert_eq!(locate("pids", groups, MOUNTS), None);
        let inside = "40 1 0:28 /pod/c1 /sys/fs/cgroup ro - cgroup2 cgroup rw,nsdelegate\n";
        assert_eq!(locate("", "0::/pod/c1/s\n", inside), Some("/sys/fs/cgroup/s".into()));
        assert_eq!(locate("", "0::/elsewhere\n", inside), None);
    }

    #[test]
    fn the_kills_of_both_versions_are_read() {
        assert_eq!(kills("low 0\nhigh 3\nmax 9\noom 2\noom_kill 1\noom_group_kill 0\n"), Some(1));
        assert_eq!(kills("oom_kill_disable 0\nunder_oom 0\noom_kill 7\n"), Some(7));
        assert_eq!(kills(""), None);
    }
}
