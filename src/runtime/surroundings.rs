//! What the machine has that a pipeline may want: cores, memory, devices, programs. Looks, and starts none of them.

use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Programs that a person asks about, each with the name of its file.
const PROGRAMS: &[(&str, &str)] = &[("git", "git"), ("docker", "docker"), ("slurm", "sbatch")];

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// How many threads can run at once.
    pub cores: usize,
    /// Bytes.
    pub memory: Option<u64>,
    /// As the driver lists them.
    pub gpus: usize,
    /// Programs, and whether each is on the path.
    pub programs: Vec<(&'static str, bool)>,
}

impl Surroundings {
    /// As they are now.
    pub fn look() -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        Self {
            cores: cores(),
            memory: memory(),
            gpus: fs::read_dir("/proc/driver/nvidia/gpus").map_or(0, Iterator::count),
            programs: PROGRAMS.iter().map(|(name, file)| (*name, is_on(&path, file))).collect(),
        }
    }
}

/// How many threads can run at once.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// `MemTotal` of `/proc/meminfo`, in bytes.
pub fn memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let kib: u64 = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

fn is_on(path: &OsStr, file: &str) -> bool {
    let runs = |path: PathBuf| fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
    std::env::split_paths(path).filter(|folder| folder.is_absolute()).map(|folder: PathBuf| folder.join(Path::new(file))).any(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_there_if_a_file_on_the_path_can_be_run() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sbatch");
        fs::write(&file, "").unwrap();
        assert!(!is_on(folder.path().as_os_str(), "sbatch"));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(is_on(folder.path().as_os_str(), "sbatch") && !is_on(folder.path().as_os_str(), "git"));
    }
}
