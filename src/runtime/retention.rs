//! Which runs may go, and how they go: `flowyard gc` and `[retention]`.
//!
//! First a run's folder is moved out of `runs/`, then its rows are removed in one transaction, then the folder is deleted. A
//! death in between leaves a folder in `trash/`: the next engine puts it back if the run is still known, and else deletes it. There
//! is never a folder that looks as if the database had lost its run.

use super::{RuntimeError, archive, checkout, workspace::Place};
use crate::{
    model::{PipelineId, Retention, RunId, RunRow, RunState},
    stdx::{atomic, time::Timestamp},
    store::Reader,
};
use serde::Serialize;
use std::{
    collections::{HashMap, HashSet},
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// A run that may go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// Its id.
    pub run_id: RunId,
    /// Its pipeline.
    pub pipeline: PipelineId,
    /// Its display number.
    pub number: u64,
    /// How it ended.
    pub state: RunState,
    /// What its folder holds on the disk, in bytes.
    pub bytes: u64,
}

/// The runs that `policy` names, oldest first.
///
/// # Errors
/// The database cannot be read.
pub fn candidates(state_dir: &Path, policy: &Retention, now: Timestamp) -> Result<Vec<Candidate>, RuntimeError> {
    let runs = Reader::open(state_dir)?.ended_runs()?;
    let bytes: HashMap<RunId, u64> =
        runs.iter().map(|run| (run.run_id.clone(), size_of(&archive::folder(state_dir, &run.run_id)))).collect();
    let gone = choose(&runs, policy, now, |run| bytes.get(run).copied().unwrap_or(0));
    let candidate = |run: RunRow| Candidate {
        bytes: bytes.get(&run.run_id).copied().unwrap_or(0),
        run_id: run.run_id,
        pipeline: run.pipeline,
        number: run.number,
        state: run.state,
    };
    Ok(runs.into_iter().filter(|run| gone.contains(&run.run_id)).map(candidate).collect())
}

/// `runs` are oldest first.
fn choose(runs: &[RunRow], policy: &Retention, now: Timestamp, bytes: impl Fn(&RunId) -> u64) -> HashSet<RunId> {
    let (mut newer, mut kept) = (HashMap::<&PipelineId, u32>::new(), HashSet::<(&PipelineId, bool)>::new());
    let (mut gone, mut free) = (HashSet::new(), Vec::new());
    for run in runs.iter().rev() {
        let newest = kept.insert((&run.pipeline, false));
        let newest_good = run.state == RunState::Success && kept.insert((&run.pipeline, true));
        let rank = newer.entry(&run.pipeline).or_default();
        *rank += 1;
        if newest || newest_good {
            continue;
        }
        free.push(run);
        let age = run.ended_at.and_then(|at| (now - at).to_std().ok()).unwrap_or_default();
        if policy.age.is_some_and(|most| age > most) || policy.count.is_some_and(|most| *rank > most) {
            gone.insert(run.run_id.clone());
        }
    }
    if let Some(most) = policy.bytes {
        let mut total: u64 = runs.iter().filter(|run| !gone.contains(&run.run_id)).map(|run| bytes(&run.run_id)).sum();
        for run in free.iter().rev() {
            if total > most && gone.insert(run.run_id.clone()) {
                total = total.saturating_sub(bytes(&run.run_id));
            }
        }
    }
    gone
}

/// Blocks on the disk: a log with a hole takes less than it is long.
pub fn size_of(path: &Path) -> u64 {
    let Ok(found) = fs::symlink_metadata(path) else { return 0 };
    let below = || fs::read_dir(path).into_iter().flatten().flatten().map(|entry| size_of(&entry.path())).sum::<u64>();
    found.blocks() * 512 + if found.is_dir() { below() } else { 0 }
}

/// Removes runs with their logs and the artifacts that no other run refers to. `forget` removes the rows and tells which runs it
/// knew. Gives the bytes that became free.
///
/// # Errors
/// What the system or the database says.
pub fn remove(
    place: &Place,
    runs: &[RunId],
    forget: impl FnOnce(&[RunId]) -> Result<Vec<RunId>, RuntimeError>,
) -> Result<(Vec<RunId>, u64), RuntimeError> {
    let state_dir = place.state_dir.as_path();
    let trash = state_dir.join("trash");
    let fail = |path: &Path, error: &io::Error| RuntimeError::Io(format!("{}: {error}", path.display()));
    atomic::create_private_dir(&trash).map_err(|error| fail(&trash, &error))?;
    let reader = Reader::open(state_dir)?;
    let mut uris = Vec::new();
    for run in runs {
        uris.extend(reader.artifact_uris(run)?);
        let (from, to) = (archive::folder(state_dir, run), trash.join(run.as_str()));
        match fs::rename(&from, &to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(&from, &error)),
            _ => {}
        }
    }
    let forgotten = forget(runs)?;
    // What the database still has keeps its folder.
    for run in runs.iter().filter(|run| !forgotten.contains(run)) {
        let _ = fs::rename(trash.join(run.as_str()), archive::folder(state_dir, run));
    }
    let objects = state_dir.join("artifacts");
    let free: Vec<PathBuf> = reader.unreferenced(&uris)?.into_iter().map(PathBuf::from).filter(|path| path.starts_with(&objects)).collect();
    let bytes = size_of(&trash) + free.iter().map(|path| size_of(path)).sum::<u64>();
    for path in free {
        delete(&path).map_err(|error| fail(&path, &error))?;
    }
    empty_trash(place).map_err(|error| fail(&trash, &error))?;
    Ok((forgotten, bytes))
}

/// Ends a removal that was cut short: folders of runs that are still known go back, the others are deleted.
///
/// # Errors
/// What the system says.
pub fn finish(place: &Place, is_known: impl Fn(&RunId) -> bool) -> io::Result<()> {
    let state_dir = place.state_dir.as_path();
    for entry in fs::read_dir(state_dir.join("trash")).into_iter().flatten().flatten() {
        let run = RunId::from(entry.file_name().to_string_lossy().into_owned());
        if is_known(&run) {
            fs::rename(entry.path(), archive::folder(state_dir, &run))?;
        }
    }
    empty_trash(place)
}

fn empty_trash(place: &Place) -> io::Result<()> {
    let trash = place.state_dir.join("trash");
    let had_checkout = fs::read_dir(&trash).into_iter().flatten().flatten().any(|run| checkout::is_in(&run.path()));
    delete(&trash)?;
    if had_checkout {
        checkout::prune(place);
    }
    Ok(())
}

fn delete(path: &Path) -> io::Result<()> {
    let gone = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match gone {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{GitState, RunType},
        stdx::time::from_micros,
    };
    use std::time::Duration;

    /// A run that ended on that day.
    fn run(pipeline: &str, day: i64, state: RunState) -> RunRow {
        let at = from_micros(day * 86_400_000_000);
        RunRow {
            run_id: format!("{pipeline}{day:02}").as_str().into(),
            number: day.unsigned_abs(),
            pipeline: pipeline.into(),
            state,
            run_type: RunType::Manual,
            by: "ada".to_owned(),
            logical_date: at,
            created_at: at,
            started_at: Some(at),
            ended_at: Some(at),
            params: Default::default(),
            git: GitState::default(),
            paused: false,
            watched: false,
            undo: None,
            origin: None,
        }
    }

    fn gone(policy: Retention) -> Vec<String> {
        let (good, bad) = (RunState::Success, RunState::Failed);
        let runs = [run("a", 1, good), run("b", 2, bad), run("a", 3, good), run("a", 4, bad), run("a", 5, bad), run("b", 6, good)];
        let mut gone: Vec<String> =
            choose(&runs, &policy, from_micros(10 * 86_400_000_000), |_| 100).iter().map(ToString::to_string).collect();
        gone.sort();
        gone
    }

    #[test]
    fn a_removal_that_was_cut_short_keeps_the_logs_of_a_run_that_is_still_known() {
        let home = tempfile::tempdir().unwrap();
        for run in ["known", "gone"] {
            fs::create_dir_all(home.path().join("trash").join(run)).unwrap();
        }
        fs::create_dir(home.path().join("runs")).unwrap();
        let place = Place {
            workspace: home.path().to_owned(),
            state_dir: home.path().to_owned(),
            config: Default::default(),
            broken: None,
            notices: Vec::new(),
        };
        finish(&place, |run| run.as_str() == "known").unwrap();
        assert!(home.path().join("runs/known").is_dir() && !home.path().join("trash").exists());
    }

    #[test]
    fn runs_go_by_age_count_and_bytes_but_never_the_newest_nor_the_newest_good_one() {
        assert!(gone(Retention::default()).is_empty());
        assert_eq!(gone(Retention { age: Some(Duration::from_secs(0)), ..Retention::default() }), ["a01", "a04", "b02"]);
        assert_eq!(gone(Retention { age: Some(Duration::from_secs(7 * 86_400)), ..Retention::default() }), ["a01", "b02"]);
        assert_eq!(gone(Retention { count: Some(2), ..Retention::default() }), ["a01"]);
        assert_eq!(gone(Retention { bytes: Some(450), ..Retention::default() }), ["a01", "b02"], "the oldest first");
        assert_eq!(gone(Retention { bytes: Some(0), ..Retention::default() }), ["a01", "a04", "b02"]);
    }
}
