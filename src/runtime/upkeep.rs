//! What an engine does once a day beside its work: a copy of the history, and the removal of runs that may go.

use super::{RuntimeError, clock, core::Msg, retention, workspace::Place};
use crate::{model::RunId, store};
use chrono::TimeDelta;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc::Sender,
    time::Duration,
};
use tokio::sync::oneshot;

/// The folder of copies, in the state folder.
pub const BACKUPS: &str = "backups";

/// Daily copies that are kept.
const KEPT: usize = 7;

/// How long it is kept what became of a fire, unless `[retention] age` says otherwise: a year, and the same month of the one before.
const FIRES_KEPT: TimeDelta = TimeDelta::days(400);

/// How often it is looked whether a day has passed.
const LOOK: Duration = Duration::from_secs(3_600);

/// Starts the thread. It ends when the engine does, even in the middle: whatever it does is there whole or not at all.
pub fn start(place: &Place, to_core: Sender<Msg>) {
    let place = place.clone();
    let started = std::thread::Builder::new().name("upkeep".to_owned()).spawn(move || {
        loop {
            if let Err(error) = daily(&place, &to_core) {
                tracing::warn!(%error, "the daily upkeep failed; it is tried again in an hour");
            }
            std::thread::sleep(LOOK);
        }
    });
    if let Err(error) = started {
        tracing::warn!(%error, "no daily upkeep");
    }
}

fn daily(place: &Place, to_core: &Sender<Msg>) -> Result<(), RuntimeError> {
    let folder = place.state_dir.join(BACKUPS);
    let today = folder.join(format!("daily-{}.db", clock::now().format("%Y-%m-%d")));
    if today.exists() {
        return Ok(());
    }
    // An engine that left in the middle of a copy left it behind.
    for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if name(&path).starts_with("daily-") && name(&path).ends_with(".tmp") {
            let _ = fs::remove_file(path);
        }
    }
    match store::keep_copy(&place.state_dir.join(store::FILE), &today) {
        // Before the first commit there is nothing to copy.
        Err(store::StoreError::Missing { .. }) => return Ok(()),
        other => other?,
    }
    let copies = copies(&place.state_dir);
    let old = copies.iter().filter(|copy| name(copy).starts_with("daily-")).rev().skip(KEPT);
    for copy in old {
        let _ = fs::remove_file(copy);
    }
    let policy = place.config.retention;
    let age = policy.age.and_then(|age| TimeDelta::from_std(age).ok()).unwrap_or(FIRES_KEPT);
    to_core.send(Msg::ForgetFires(clock::now() - age)).map_err(|_| gone())?;
    if policy.is_set() {
        let runs: Vec<RunId> = retention::candidates(&place.state_dir, &policy, clock::now())?.into_iter().map(|one| one.run_id).collect();
        let gone = retention::remove(place, &runs, |runs| forget(to_core, runs))?;
        tracing::info!(runs = gone.0.len(), bytes = gone.1, "removed what [retention] names");
    }
    Ok(())
}

fn gone() -> RuntimeError {
    RuntimeError::Unreachable("the engine is leaving".to_owned())
}

fn forget(to_core: &Sender<Msg>, runs: &[RunId]) -> Result<Vec<RunId>, RuntimeError> {
    let (answer, wait) = oneshot::channel();
    to_core.send(Msg::Forget { runs: runs.to_vec(), by: "engine".to_owned(), answer }).map_err(|_| gone())?;
    wait.blocking_recv().map_err(|_| gone())?.map_err(RuntimeError::Io)
}

/// The copies of the history that are there, in order of name: daily ones by date.
pub fn copies(state_dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(state_dir.join(BACKUPS)).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| name(path).ends_with(".db")).collect();
    found.sort();
    found
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}
