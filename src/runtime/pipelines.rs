//! The pipeline files of a workspace, read and checked; nothing of them is executed.

use super::{RuntimeError, workspace::Place};
use crate::{
    components,
    model::{Diagnostics, Pipeline, PipelineId},
    spec,
    stdx::suggest,
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// One file of `pipelines/`.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its path relative to the workspace.
    pub file: String,
    /// The id it has, or would have if it were whole: its stem.
    pub id: PipelineId,
    /// What it defines, if nothing is wrong with it.
    pub pipeline: Option<Pipeline>,
    /// What was found in it.
    pub diagnostics: Diagnostics,
}

/// Every `pipelines/*.toml`, in order of name, broken ones included.
///
/// # Errors
/// The folder is there and cannot be read.
pub fn all(place: &Place) -> Result<Vec<Found>, RuntimeError> {
    files(place)?.into_iter().map(|path| read(place, &path)).collect()
}

fn files(place: &Place) -> Result<Vec<PathBuf>, RuntimeError> {
    let folder = place.workspace.join("pipelines");
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(RuntimeError::Io(format!("{} cannot be read: {error}", folder.display()))),
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "toml") && path.is_file())
        .collect();
    files.sort();
    Ok(files)
}

/// Reads one file.
///
/// # Errors
/// It is not there, or cannot be read.
pub fn read(place: &Place, path: &Path) -> Result<Found, RuntimeError> {
    let file = path.strip_prefix(&place.workspace).unwrap_or(path).display().to_string();
    let bytes = fs::read(path).map_err(|error| RuntimeError::Usage(format!("{file} cannot be read: {error}")))?;
    let (pipeline, diagnostics) = spec::read(&file, &String::from_utf8_lossy(&bytes), &components::catalog());
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let id = pipeline.as_ref().map_or_else(|| PipelineId::from(stem), |pipeline| pipeline.id.clone());
    Ok(Found { file, id, pipeline, diagnostics })
}

/// The pipeline meant by an id, or by the path of a file in `pipelines/`.
///
/// # Errors
/// There is none: which there are, and which was probably meant.
pub fn find(place: &Place, name: &str) -> Result<Found, RuntimeError> {
    let given = Path::new(name);
    if given.extension().is_some_and(|e| e == "toml") {
        let below_workspace = place.workspace.join(given);
        let path = if given.is_absolute() || (!below_workspace.exists() && given.exists()) {
            fs::canonicalize(given).unwrap_or(given.into())
        } else {
            below_workspace
        };
        if !path.starts_with(place.workspace.join("pipelines")) {
            return Err(RuntimeError::Usage(format!(
                "{name} is not in {}; only pipelines of the workspace can run",
                place.workspace.join("pipelines").display()
            )));
        }
        return read(place, &path);
    }
    // Nearly every id is the stem of its file: try that before reading all of them.
    let likely = place.workspace.join("pipelines").join(format!("{name}.toml"));
    if !name.contains('/') && likely.is_file() {
        let found = read(place, &likely)?;
        if found.id.as_str() == name {
            return Ok(found);
        }
    }
    let all = all(place)?;
    if let Some(found) = all.iter().find(|found| found.id.as_str() == name) {
        return Ok(found.clone());
    }
    let hint = match suggest::nearest(name, all.iter().map(|found| found.id.as_str())) {
        Some(near) => format!("did you mean `{near}`?"),
        None if all.is_empty() => format!("{} holds no pipeline yet", place.workspace.join("pipelines").display()),
        None => format!("there are {}", all.iter().map(|found| format!("`{}`", found.id)).collect::<Vec<_>>().join(", ")),
    };
    Err(RuntimeError::Usage(format!("there is no pipeline `{name}`\nhint: {hint}")))
}
