//! Clean checkouts of commits: a worktree of git's for a run that wants one, within the run's own folder, and gone with that.

use super::{git, workspace::Place};
use crate::{model::RunId, stdx::atomic};
use std::path::PathBuf;

/// Removes that of a run that was made and is not wanted after all; beside whoever asks, since it may be large.
pub fn forsake(place: &Place, run: &RunId) {
    let folder = place.state_dir.join("runs").join(run.as_str());
    std::thread::spawn(move || {
        if let Err(error) = std::fs::remove_dir_all(&folder) {
            tracing::warn!(folder = %folder.display(), %error, "the checkout of a run that was not started stays");
        }
    });
}

/// Makes one; where it is, or the folder in it that is the workspace.
///
/// # Errors
/// A sentence.
pub fn make(place: &Place, run: &RunId, commit: &str) -> Result<PathBuf, String> {
    let folder = place.state_dir.join("runs").join(run.as_str());
    atomic::create_private_dir(&folder).map_err(|error| format!("cannot make the folder {}: {error}", folder.display()))?;
    let checkout = folder.join("checkout");
    // Those whose folders are gone with their runs.
    let _ = git::ask(&place.workspace, ["worktree", "prune"]);
    let path = checkout.to_string_lossy().into_owned();
    let add = ["worktree", "add", "--detach", "--force", "--quiet", path.as_str(), commit];
    git::ask(&place.workspace, add).map_err(|why| format!("cannot check out {commit}: {why}"))?;
    // The workspace may be a folder within its repository.
    let below = git::ask(&place.workspace, ["rev-parse", "--show-prefix"])?;
    Ok(checkout.join(below.trim_end_matches('\n')).components().collect())
}
