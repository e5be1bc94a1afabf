//! The fork, and nothing else: the one place of this program that is allowed `unsafe`.
#![allow(unsafe_code)]

use nix::unistd::{ForkResult, Pid, fork};

/// Runs `child` in a copy of this process, which ends with the code it returns. Gives the copy's pid to the caller.
///
/// # Errors
/// What the system says: too many processes, no memory.
pub fn in_child(child: impl FnOnce() -> i32) -> nix::Result<Pid> {
    // SAFETY: the only caller is the spawner, which has exactly one thread, so no lock and no allocator state can be
    // held by a thread that the copy does not have.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => std::process::exit(child()),
    }
}
