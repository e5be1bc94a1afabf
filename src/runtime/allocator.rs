//! How the engine's memory is given back. glibc maps a large block apart and unmaps it when it is freed; but with each such
//! block it raises, up to 32 MiB, the size from which on it does so (mallopt(3), "dynamic mmap threshold"), and what a large
//! run needed for a moment then stays with the engine for weeks. A threshold that is set does not move.

use std::{io, os::unix::process::CommandExt, process::Command};

/// The variable that glibc reads at the start of a process, and its usual first value. Other allocators ignore it.
pub const SETTING: (&str, &str) = ("MALLOC_MMAP_THRESHOLD_", "131072");

/// Makes sure that this process runs with [`SETTING`]: where it does not, the same program takes its place with the same
/// arguments and the same process id. Returns only if that is not needed, or not possible.
pub fn settle() -> Option<io::Error> {
    if std::env::var_os(SETTING.0).is_some() {
        return None;
    }
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    // Not the path of the program: another version may lie there by now.
    Some(Command::new("/proc/self/exe").arg0(name).args(arguments).env(SETTING.0, SETTING.1).exec())
}
