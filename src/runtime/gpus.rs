//! Which GPUs there are and who else uses them: `nvidia-smi`, asked beside the engine and only while a task cares.

use super::clock;
use crate::{
    executors::shim::processes,
    model::{ForeignProcess, GpuSnapshot, GpusSeen},
    stdx::time::Timestamp,
};
use std::{
    collections::BTreeMap,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// How old what is known may become while a task waits for a GPU or holds one.
const FRESH: chrono::TimeDelta = chrono::TimeDelta::seconds(5);

/// How long `nvidia-smi` may take; with a broken driver it never ends.
const PATIENCE: Duration = Duration::from_secs(20);

/// When to look, and where.
#[derive(Debug)]
pub struct Watch {
    listed: Option<Vec<u32>>,
    state_dir: PathBuf,
    looking: bool,
    next: Option<Timestamp>,
}

impl Watch {
    /// `listed` is `[engine] gpus`: only these are used, and they are used even where `nvidia-smi` is missing.
    pub const fn new(listed: Option<Vec<u32>>, state_dir: PathBuf) -> Self {
        Self { listed, state_dir, looking: false, next: None }
    }

    /// When to look next; `None` while nobody cares or somebody is looking.
    pub fn due(&self, somebody_cares: bool) -> Option<Timestamp> {
        (somebody_cares && !self.looking).then(|| self.next.unwrap_or_default())
    }

    /// Looks on a thread of its own, and hands what it found to `tell`.
    pub fn look(&mut self, tell: impl FnOnce(GpusSeen) + Send + 'static) {
        let (listed, state_dir) = (self.listed.clone(), self.state_dir.clone());
        let looks = std::thread::Builder::new().name("gpus".to_owned()).spawn(move || tell(look(listed.as_deref(), &state_dir)));
        self.looking = looks.is_ok();
        if let Err(error) = looks {
            tracing::warn!(%error, "cannot look for GPUs");
            self.next = Some(clock::now() + FRESH);
        }
    }

    /// The clock was set forward by this, or back.
    pub fn clock_was_set(&mut self, by: chrono::TimeDelta) {
        self.next = self.next.map(|at| at + by);
    }

    /// Nobody cares any more; true if what is known should be forgotten, because it gets old.
    pub fn rest(&mut self) -> bool {
        self.next.take().is_some()
    }

    /// What was asked for has come.
    pub fn has_looked(&mut self) {
        self.looking = false;
        self.next = Some(clock::now() + FRESH);
    }
}

/// The devices that may be used. What `nvidia-smi` cannot say is left out; without it there are those that are listed.
fn look(listed: Option<&[u32]>, state_dir: &Path) -> GpusSeen {
    let (found, trouble) = match devices(ask) {
        Ok(found) => (found, None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (Vec::new(), None),
        Err(error) => {
            tracing::warn!(%error, "nvidia-smi cannot be asked for GPUs");
            (Vec::new(), Some(format!("nvidia-smi failed: {error}")))
        }
    };
    let name_user = |pid: u32| match processes::is_inside(pid, state_dir) {
        true => None,
        false => Some(ForeignProcess { pid, user: user_of(pid) }),
    };
    GpusSeen { devices: choose(listed, found, name_user), trouble }
}

/// A device as `nvidia-smi` tells it.
#[derive(Debug, PartialEq, Eq)]
struct Device {
    index: u32,
    name: String,
    pids: Vec<u32>,
}

fn choose(listed: Option<&[u32]>, found: Vec<Device>, foreign: impl Fn(u32) -> Option<ForeignProcess>) -> Vec<GpuSnapshot> {
    let mut by_index: BTreeMap<u32, GpuSnapshot> = listed.into_iter().flatten().map(|&index| (index, unnamed(index))).collect();
    for device in found {
        if listed.is_none_or(|listed| listed.contains(&device.index)) {
            let foreign = device.pids.iter().find_map(|pid| foreign(*pid));
            by_index.insert(device.index, GpuSnapshot { name: device.name, foreign, ..unnamed(device.index) });
        }
    }
    by_index.into_values().collect()
}

const fn unnamed(index: u32) -> GpuSnapshot {
    GpuSnapshot { index, name: String::new(), leased_to: None, foreign: None }
}

/// Asks twice: for the devices, and for the processes that compute on them.
fn devices(ask: impl Fn(&[&str]) -> io::Result<String>) -> io::Result<Vec<Device>> {
    let told = ask(&["--query-gpu=index,uuid,name", "--format=csv,noheader"])?;
    let mut devices: Vec<(String, Device)> = told.lines().filter_map(device).collect();
    if let (true, Some(line)) = (devices.is_empty(), told.lines().find(|line| !line.trim().is_empty())) {
        return Err(io::Error::other(format!("it said `{}`", crate::stdx::sanitize::line(line))));
    }
    for line in ask(&["--query-compute-apps=gpu_uuid,pid", "--format=csv,noheader"])?.lines() {
        let Some((uuid, pid)) = line.split_once(',') else { continue };
        let device = devices.iter_mut().find(|(known, _)| known == uuid.trim());
        if let (Some((_, device)), Ok(pid)) = (device, pid.trim().parse()) {
            device.pids.push(pid);
        }
    }
    Ok(devices.into_iter().map(|(_, device)| device).collect())
}

fn device(line: &str) -> Option<(String, Device)> {
    let mut fields = line.splitn(3, ',').map(str::trim);
    let (index, uuid, name) = (fields.next()?.parse().ok()?, fields.next()?.to_owned(), fields.next()?.to_owned());
    Some((uuid, Device { index, name, pids: Vec::new() }))
}

#[allow(clippy::disallowed_methods, reason = "a deadline of the shell around the engine, not a time that is recorded")]
fn ask(arguments: &[&str]) -> io::Result<String> {
    let mut child = Command::new("nvidia-smi").args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let deadline = Instant::now() + PATIENCE;
    // What it says fits into a pipe: nobody has to read while it runs.
    let status = loop {
        match child.try_wait()? {
            Some(status) => break status,
            None if Instant::now() > deadline => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} s", PATIENCE.as_secs())));
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let mut text = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_string(&mut text)?;
    }
    if status.success() { Ok(text) } else { Err(io::Error::other(format!("{status}: {}", text.trim()))) }
}

fn user_of(pid: u32) -> String {
    let Ok(meta) = std::fs::metadata(format!("/proc/{pid}")) else { return "somebody outside".to_owned() };
    let name = nix::unistd::User::from_uid(meta.uid().into()).ok().flatten().map(|user| user.name);
    name.unwrap_or_else(|| format!("uid {}", meta.uid()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(arguments: &[&str]) -> io::Result<String> {
        Ok(match arguments[0] {
            "--query-gpu=index,uuid,name" => "0, GPU-aa, NVIDIA A100-SXM4-40GB\n1, GPU-bb, NVIDIA A100-SXM4-40GB\nnoise\n",
            _ => "GPU-bb, 41\nGPU-bb, 42\nGPU-zz, 7\nGPU-aa, [N/A]\n",
        }
        .to_owned())
    }

    #[test]
    fn devices_are_read_with_the_processes_on_them() {
        let found = devices(answers).unwrap();
        let told: Vec<_> = found.iter().map(|d| (d.index, d.name.as_str(), d.pids.as_slice())).collect();
        assert_eq!(told, [(0, "NVIDIA A100-SXM4-40GB", &[][..]), (1, "NVIDIA A100-SXM4-40GB", &[41, 42][..])]);
    }

    #[test]
    fn only_listed_devices_are_used_and_a_process_of_ours_makes_none_foreign() {
        let foreign = |pid: u32| (pid == 42).then(|| ForeignProcess { pid, user: "ada".to_owned() });
        let all = choose(None, devices(answers).unwrap(), foreign);
        assert_eq!(all.iter().map(|g| (g.index, g.foreign.as_ref().map(|f| f.pid))).collect::<Vec<_>>(), [(0, None), (1, Some(42))]);
        let some = choose(Some(&[1, 3]), devices(answers).unwrap(), |_| None);
        assert_eq!(some.iter().map(|g| (g.index, g.name.is_empty())).collect::<Vec<_>>(), [(1, false), (3, true)]);
    }
}
