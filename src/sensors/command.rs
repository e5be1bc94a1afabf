//! A script that says by its exit code whether it is time.

use super::Look;
use crate::stdx::{duration, process_tree};
use anyhow::{Context, Result, bail};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};
use std::{
    ffi::OsString,
    process::{Child, Command, ExitStatus},
    time::{Duration, Instant},
};

/// What a shell answers where the program is not there, or is none.
const NO_PROGRAM: [i32; 2] = [126, 127];

/// Runs the script once; what it prints is the task's log.
///
/// # Errors
/// It cannot be run: that is no answer, and waiting does not mend it.
pub fn look(command: &[OsString], timeout: Duration) -> Result<Look> {
    let Some(status) = run(command, timeout)? else {
        let why = format!("the command was ended: it took longer than its look_timeout of {}", duration::exact(timeout));
        return Ok(Look::NotYet(why));
    };
    Ok(match status.code() {
        Some(0) => Look::Met("the command succeeded".to_owned(), Default::default()),
        Some(code) if NO_PROGRAM.contains(&code) => bail!("the command cannot be run (exit code {code})"),
        Some(code) => Look::NotYet(format!("the command ended with exit code {code}")),
        None => Look::NotYet(format!("the command was ended ({status})")),
    })
}

/// Asks our own program for a new version of an asset; it writes down what is handed on.
///
/// # Errors
/// It cannot be run.
pub fn look_at_asset(command: &[OsString], asset: &str, timeout: Duration) -> Result<Look> {
    let Some(status) = run(command, timeout)? else {
        return Ok(Look::NotYet(format!("the history did not answer within {}", duration::exact(timeout))));
    };
    Ok(match status.code() {
        Some(0) => Look::Met(format!("{asset} has a new version"), Default::default()),
        Some(1) => Look::NotYet(format!("no new version of {asset}")),
        _ => Look::NotYet(format!("the history could not be asked ({status})")),
    })
}

/// How it ended; `None` if it had to be ended, with all that it started.
fn run(command: &[OsString], timeout: Duration) -> Result<Option<ExitStatus>> {
    let (program, arguments) = command.split_first().context("there is no command")?;
    let mut child = Command::new(program).args(arguments).spawn().with_context(|| format!("cannot start {}", program.display()))?;
    let is_over = ends_within(&child, timeout);
    if !is_over {
        // Whoever is below this process was started by a look.
        process_tree::kill_below(nix::unistd::getpid().as_raw());
    }
    let status = child.wait().context("the command was lost")?;
    reap();
    Ok(is_over.then_some(status))
}

fn ends_within(child: &Child, timeout: Duration) -> bool {
    // Without a handle on it, it is waited for however long it takes.
    let Some(Ok(handle)) = Pid::from_raw(child.id() as i32).map(|pid| pidfd_open(pid, PidfdFlags::empty())) else { return true };
    let deadline = Instant::now() + timeout;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let patience = Timespec::try_from(left).unwrap_or_default();
        match poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&patience)) {
            Ok(0) if left.is_zero() => return false,
            Ok(ended) if ended > 0 => return true,
            // A signal, or a little too early.
            _ => {}
        }
    }
}

/// Those whose parents ended before them have become children of this process.
fn reap() {
    use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
    while waitpid(None, Some(WaitPidFlag::WNOHANG)).is_ok_and(|status| status != WaitStatus::StillAlive) {}
}
