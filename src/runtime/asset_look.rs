//! One look of a sensor that waits for an asset, in a process of its own: the sensor itself opens no database.

use crate::{
    model::{PipelineId, RunId, TaskId, sensor::VERSION},
    store::{Reader, StoreError},
};
use std::{env, ffi::OsString, fs, path::Path, process::ExitCode};

/// The word by which the program is asked to be that process.
pub const WORD: &str = "__asset";

/// Asks the state folder for an asset on behalf of a task: 0 if there is a version that it has not gone on with in another run,
/// whose id and place are written to `$FLOWYARD_OUTPUT` then; 1 if there is none; 2 if nobody can tell.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<String> = arguments.map(|text| text.to_string_lossy().into_owned()).collect();
    let [state_dir, asset, pipeline, task, run] = arguments.as_slice() else {
        eprintln!("error: {WORD} is asked by a sensor, not by hand");
        return ExitCode::from(2);
    };
    match look(Path::new(state_dir), asset, &pipeline.as_str().into(), &task.as_str().into(), &run.as_str().into()) {
        Ok(Some(values)) => match env::var_os("FLOWYARD_OUTPUT").map(|file| fs::write(file, values)) {
            Some(Ok(())) => ExitCode::SUCCESS,
            Some(Err(error)) => told(&format!("cannot write $FLOWYARD_OUTPUT: {error}")),
            None => told("$FLOWYARD_OUTPUT is not set"),
        },
        Ok(None) => ExitCode::from(1),
        Err(error) => told(&error.to_string()),
    }
}

fn told(error: &str) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(2)
}

fn look(state_dir: &Path, asset: &str, pipeline: &PipelineId, task: &TaskId, run: &RunId) -> Result<Option<String>, StoreError> {
    let reader = Reader::open(state_dir)?;
    let past = reader.past();
    let Some(version) = past.asset(asset)? else { return Ok(None) };
    let known = past.handed_on(pipeline, task, run, VERSION[0])?;
    // Ids are in the order of time.
    let is_new = known.is_none_or(|known| known < version.artifact);
    Ok(is_new.then(|| serde_json::json!({ VERSION[0]: version.artifact, VERSION[1]: version.uri }).to_string()))
}
