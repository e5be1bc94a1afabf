//! What is made for a run of a trigger before there is the run: a clean checkout of its commit, a worktree of git's, and the list of the
//! files that changed. Both lie in the run's own folder, and are gone with that, or if the run comes to nothing.

use super::{archive, git, workspace::Place};
use crate::{
    model::RunId,
    stdx::{atomic, names},
};
use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// The checkout within the folder of a run.
const CHECKOUT: &str = "checkout";
/// The list within the folder of a run.
const CHANGED: &str = "changed_files";
/// So many of the newest folders are looked at when an engine starts: of the fires that the one before it did not live to commit.
const LOOKED_AT: usize = 256;

/// Removes what was made for a run that is not wanted after all; beside whoever asks, since it may be large.
pub fn forsake(place: &Place, run: &RunId) {
    let (place, folder) = (place.clone(), archive::folder(&place.state_dir, run));
    std::thread::spawn(move || remove(&place, &[folder]));
}

/// Removes what an engine made for runs that it did not live to commit.
pub fn clear(place: &Place, is_known: impl Fn(&RunId) -> bool) {
    let entries = fs::read_dir(place.state_dir.join("runs")).into_iter().flatten().flatten();
    let mut runs: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    // An id begins with its time.
    runs.sort_unstable_by(|one, other| other.cmp(one));
    let runs = runs.into_iter().take(LOOKED_AT).map(RunId::from);
    let folders = runs.filter(|run| !is_known(run)).map(|run| archive::folder(&place.state_dir, &run));
    // One with a record was a run once, whatever the database knows.
    let is_ours = |folder: &PathBuf| !archive::is_kept(folder) && [CHECKOUT, CHANGED].iter().any(|name| folder.join(name).exists());
    let left: Vec<PathBuf> = folders.filter(is_ours).collect();
    if !left.is_empty() {
        tracing::info!(folders = left.len(), "removes what was made for runs that were never started");
        remove(place, &left);
    }
}

fn remove(place: &Place, folders: &[PathBuf]) {
    let had_checkout = folders.iter().any(|folder| is_in(folder));
    for folder in folders {
        // One that git was making when it was killed is locked, and not forgotten by itself.
        if is_in(folder) {
            let path = folder.join(CHECKOUT).to_string_lossy().into_owned();
            let _ = git::ask(&place.workspace, ["worktree", "remove", "--force", "--force", path.as_str()]);
        }
        if let Err(error) = fs::remove_dir_all(folder)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(folder = %folder.display(), %error, "what was made for a run that was not started stays");
        }
    }
    if had_checkout {
        prune(place);
    }
}

/// Whether the folder of a run holds a checkout.
pub fn is_in(run_folder: &Path) -> bool {
    run_folder.join(CHECKOUT).exists()
}

/// Lets git forget the checkouts whose folders are gone.
pub fn prune(place: &Place) {
    if let Err(why) = git::ask(&place.workspace, ["worktree", "prune"]) {
        tracing::warn!(%why, "git still lists checkouts that are gone");
    }
}

/// Makes one; where it is, or the folder in it that is the workspace.
///
/// # Errors
/// A sentence.
pub fn make(place: &Place, run: &RunId, commit: &str) -> Result<PathBuf, String> {
    let checkout = folder_of(place, run)?.join(CHECKOUT);
    let path = checkout.to_string_lossy().into_owned();
    let add = ["worktree", "add", "--detach", "--force", "--quiet", path.as_str(), commit];
    git::ask(&place.workspace, add).map_err(|why| format!("cannot check out {commit}: {why}"))?;
    // The workspace may be a folder within its repository.
    let below = git::ask(&place.workspace, ["rev-parse", "--show-prefix"])?;
    Ok(checkout.join(below.trim_end_matches('\n')).components().collect())
}

/// Writes the list of files that changed, each followed by a NUL; where it is.
///
/// # Errors
/// A sentence.
pub fn list(place: &Place, run: &RunId, changed: &[String]) -> Result<PathBuf, String> {
    let path = folder_of(place, run)?.join(CHANGED);
    let bytes: Vec<u8> = changed.iter().flat_map(|name| [names::decode(name).as_bytes(), &[0]].concat()).collect();
    let written = File::create(&path).and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()));
    written.map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    Ok(path)
}

fn folder_of(place: &Place, run: &RunId) -> Result<PathBuf, String> {
    let folder = archive::folder(&place.state_dir, run);
    atomic::create_private_dir(&folder).map_err(|error| format!("cannot make the folder {}: {error}", folder.display()))?;
    Ok(folder)
}
