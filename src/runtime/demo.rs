//! Takes the demo away again: its file, and the history if nothing but the demo is in it.

use super::{
    Attach, Handle, RunFilter, RuntimeError, client, remembered,
    serve::own,
    workspace::{self, PIPELINES, Place, words},
};
use crate::{
    model::RunRow,
    spec::starter::{DEMO, NewFile},
    stdx::sanitize,
};
use std::{fs, io, path::Path};

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// Everything is as it was before the demo.
    Whole,
    /// The file is gone; the history holds other runs too, and stays.
    File,
}

/// More runs than this are nobody's first steps.
const MOST_RUNS: usize = 1_000;

/// Removes the demo.
///
/// # Errors
/// There is none (exit 2), it was changed or a run of it is open (3), or the system says no (74).
pub fn remove(place: &Place) -> Result<Removed, RuntimeError> {
    let files = DEMO.files(DEMO.name).map_err(RuntimeError::Usage)?;
    files.iter().try_for_each(|file| must_be_as_written(place, file))?;
    let runs = runs(place)?;
    if let Some(open) = runs.iter().find(|run| run.pipeline.as_str() == DEMO.name && !run.state.is_terminal()) {
        return Err(RuntimeError::Refused(format!(
            "run {} of the demo is not over; cancel it first: flowyard cancel {}",
            open.number, open.run_id
        )));
    }
    let state = &place.state_dir;
    let all_ours = state.exists() && *state == place.workspace.join(workspace::STATE) && only_the_demo(&runs);
    if !all_ours {
        remove_files(place, &files)?;
        if state.exists() {
            return Ok(Removed::File);
        }
        forget(place);
        return Ok(Removed::Whole);
    }
    client::stop(state)?;
    let lock = own(state)?;
    // Nobody starts a run any more; one that came meanwhile stays, and so does the history.
    if !only_the_demo(&self::runs(place)?) {
        return Err(RuntimeError::Refused("something was started meanwhile; nothing was removed".to_owned()));
    }
    // Renamed first, so that no half of a history is ever taken for one; the file goes last, so that its end is the end of it all.
    let going = state.with_extension("removed");
    if going.is_dir() {
        fs::remove_dir_all(&going).map_err(|error| cannot(&going, &error))?;
    }
    fs::rename(state, &going).and_then(|()| fs::remove_dir_all(&going)).map_err(|error| cannot(state, &error))?;
    remove_files(place, &files)?;
    drop(lock);
    forget(place);
    Ok(Removed::Whole)
}

/// That there was a workspace, and how a person left its views, goes with it.
pub fn forget(place: &Place) {
    if let Some(home) = remembered::home() {
        // A list that cannot be written names a folder that has nothing to show: no harm.
        let _ = remembered::forget(&home, &place.workspace);
    }
}

fn only_the_demo(runs: &[RunRow]) -> bool {
    runs.len() < MOST_RUNS && runs.iter().all(|run| run.pipeline.as_str() == DEMO.name && run.state.is_terminal())
}

fn runs(place: &Place) -> Result<Vec<RunRow>, RuntimeError> {
    let look = Attach { place: place.clone(), read_only: true, in_process: false, by: String::new() };
    Handle::attach(look)?.runs(&RunFilter { limit: MOST_RUNS, ..RunFilter::default() })
}

fn must_be_as_written(place: &Place, file: &NewFile) -> Result<(), RuntimeError> {
    let path = place.workspace.join(&file.path);
    match fs::read(&path) {
        Ok(text) if text == file.text.as_bytes() => Ok(()),
        Ok(_) => Err(RuntimeError::Refused(format!("{} was changed and is yours now; remove it yourself if it is to go", show(&path)))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(RuntimeError::Usage(format!("the demo is not here: there is no {}", show(&path))))
        }
        Err(error) => Err(cannot(&path, &error)),
    }
}

fn remove_files(place: &Place, files: &[NewFile]) -> Result<(), RuntimeError> {
    for file in files {
        let path = place.workspace.join(&file.path);
        fs::remove_file(&path).map_err(|error| cannot(&path, &error))?;
    }
    // Only if nothing else is in it.
    let _ = fs::remove_dir(place.workspace.join(PIPELINES));
    Ok(())
}

fn cannot(path: &Path, error: &io::Error) -> RuntimeError {
    RuntimeError::Io(format!("cannot remove {}: {}", show(path), words(error)))
}

fn show(path: &Path) -> String {
    sanitize::line(&path.to_string_lossy())
}
