//! How an attempt stands that somebody else started: read from its folder, and from whether its lock is held.

use super::{
    files::{Identity, ShimFiles},
    processes,
    watch::CANCEL,
};
use crate::{
    model::{Reason, Verdict},
    stdx::fault,
};
use std::{
    fs, io,
    os::{fd::OwnedFd, unix::fs::DirBuilderExt},
    path::Path,
    time::Duration,
};

/// How long what is left of a dead shim's task may take to die before it is looked at again later.
const PATIENCE: Duration = Duration::from_secs(2);

/// How an attempt stands.
#[derive(Debug)]
pub enum Standing {
    /// It is over, and this is the verdict.
    Ended(Verdict),
    /// Its shim lives.
    Alive {
        /// Becomes readable when the shim ends.
        handle: OwnedFd,
    },
    /// It is over, and nobody can know how. Nothing of it runs any more, and nothing ever will.
    Lost(Reason),
    /// Cannot be said just now: the lock is held by somebody who has not signed it yet, or the disk does not take a fence.
    Unclear,
}

/// Finds out how the attempt in `folder` stands; if it is lost, makes sure that it stays so.
pub fn of(folder: &Path) -> Standing {
    let files = ShimFiles::new(folder);
    if let Some(verdict) = files.read_verdict() {
        return Standing::Ended(verdict);
    }
    // Nobody made the folder yet: it must be there to hold a fence.
    if fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).is_err() {
        return Standing::Unclear;
    }
    match files.try_lock() {
        Err(_) => Standing::Unclear,
        Ok(None) => held(&files),
        Ok(Some(_held_until_decided)) => free(&files),
    }
}

fn held(files: &ShimFiles) -> Standing {
    // A lock can outlive its holder for some milliseconds in a child between fork and exec: then nobody answers to the name.
    match files.holder().and_then(|shim| processes::open(&shim)) {
        Some(_) if fault::is_on("silence-is-death") => Standing::Lost(Reason::ShimDied),
        Some(handle) => Standing::Alive { handle },
        None => Standing::Unclear,
    }
}

/// Decided while the lock is held, so that no shim can begin meanwhile.
fn free(files: &ShimFiles) -> Standing {
    if let Some(verdict) = files.read_verdict() {
        return Standing::Ended(verdict);
    }
    if let Some(meta) = files.begun().or_else(|| files.intended()) {
        if meta.shim.boot_id != processes::boot_id() {
            return Standing::Lost(Reason::Reboot);
        }
        if fault::is_on("guess-not-begun") {
            return Standing::Lost(Reason::NeverBegun);
        }
        return if processes::end_leftovers(&meta, PATIENCE) { Standing::Lost(Reason::ShimDied) } else { Standing::Unclear };
    }
    if files.verdict().exists() || files.meta().exists() || files.intent().exists() {
        // Written by something that this program cannot read: it ran, and that is all that is known.
        return Standing::Lost(Reason::ShimDied);
    }
    if fault::is_on("no-fence") {
        return Standing::Lost(Reason::NeverBegun);
    }
    match files.write_fence() {
        Ok(()) => Standing::Lost(Reason::NeverBegun),
        Err(_) => Standing::Unclear,
    }
}

/// When the program was started, if it was.
pub fn began(folder: &Path) -> Option<i64> {
    ShimFiles::new(folder).begun().map(|meta| meta.started_at_micros)
}

/// Whether somebody wanted the attempt to be ended.
pub fn is_cancel_wanted(folder: &Path) -> bool {
    ShimFiles::new(folder).cancel().exists()
}

/// Wants the attempt ended: written down first, so that a shim that is not there yet finds it, then said to one that is.
///
/// # Errors
/// What the file system says; a shim that is there was told all the same.
pub fn cancel(folder: &Path) -> io::Result<()> {
    let files = ShimFiles::new(folder);
    let written = files.write_cancel();
    if let Some(shim) = files.holder().filter(|_| files.read_verdict().is_none()) {
        tell(&shim);
    }
    written
}

fn tell(shim: &Identity) {
    processes::signal(shim, CANCEL);
}
