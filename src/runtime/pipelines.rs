//! The pipeline files of a workspace, read and checked; nothing of them is executed.

use super::{
    RuntimeError, circles, definition_file, references,
    workspace::{self, Place},
};
use crate::{
    components,
    model::{Diagnostic, Diagnostics, Pipeline, PipelineId},
    spec,
    stdx::suggest,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// One file of `pipelines/`.
#[derive(Debug, Clone, Serialize, Deserialize)]
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

/// What tells that a file is another one: its inode, length and times of change.
pub type Stamp = (u64, u64, i64, i64);

/// What tells that a file is another one; `None` if it is not there.
pub fn stamp(path: &Path) -> Option<Stamp> {
    let found = fs::metadata(path).ok()?;
    Some((found.ino(), found.len(), found.mtime() * 1_000_000_000 + found.mtime_nsec(), found.ctime() * 1_000_000_000 + found.ctime_nsec()))
}

/// The files as they were read last, for whoever looks again and again: only what changed is read anew.
#[derive(Debug, Default)]
pub struct Shelf(HashMap<PathBuf, (Stamp, Found)>);

impl Shelf {
    /// Every `pipelines/*.toml`, in order of name, broken ones included.
    ///
    /// # Errors
    /// The folder is there and cannot be read.
    pub fn all(&mut self, place: &Place) -> Result<Vec<Found>, RuntimeError> {
        let files = workspace::pipeline_files(&place.workspace)?;
        self.0.retain(|path, _| files.contains(path));
        Ok(agreed(files.into_iter().map(|path| self.read(place, path)).collect()))
    }

    fn read(&mut self, place: &Place, path: PathBuf) -> Found {
        // Looked at before: what is written while it is read is read again the next time.
        let stamp = stamp(&path);
        if let Some((known, found)) = self.0.get(&path)
            && Some(*known) == stamp
        {
            return found.clone();
        }
        let found = read(&path, &name_in(place, &path));
        if let Some(stamp) = stamp {
            self.0.insert(path, (stamp, found.clone()));
        }
        found
    }
}

/// Every `pipelines/*.toml`, in order of name, broken ones included.
///
/// # Errors
/// The folder is there and cannot be read.
fn all(place: &Place) -> Result<Vec<Found>, RuntimeError> {
    Shelf::default().all(place)
}

/// Reads all files of a workspace, each with the name that findings call it by; an id that two of them claim is a finding of the second,
/// and what one waits for and none has is a finding, too.
pub fn read_all(files: impl IntoIterator<Item = (PathBuf, String)>) -> Vec<Found> {
    agreed(files.into_iter().map(|(path, name)| read(&path, &name)).collect())
}

/// The same files, with what is wrong only beside each other.
fn agreed(mut all: Vec<Found>) -> Vec<Found> {
    let mut claimed: BTreeMap<PipelineId, String> = BTreeMap::new();
    for found in all.iter_mut().filter(|found| found.pipeline.is_some()) {
        match claimed.get(&found.id) {
            Some(first) if *first != found.file => {
                let message = format!("the pipeline `{}` is also defined in {first}", found.id);
                let finding = definition_file::finding(&found.file, "duplicate-id", message);
                found
                    .diagnostics
                    .0
                    .push(Diagnostic { hint: Some("give one of them another `id`, or rename its file".to_owned()), ..finding });
                found.pipeline = None;
            }
            _ => drop(claimed.insert(found.id.clone(), found.file.clone())),
        }
    }
    circles::warn(&mut all);
    references::warn(&mut all, &components::catalog());
    all
}

/// Reads one file. One that cannot be read is a finding like any other, so that it does not hide the good ones.
pub fn read(path: &Path, name: &str) -> Found {
    let stem = PipelineId::from(path.file_stem().unwrap_or_default().to_string_lossy().into_owned());
    let (pipeline, diagnostics) = match definition_file::read(path, name) {
        Ok(text) => spec::read(name, &text, &components::catalog()),
        Err(unreadable) => (None, Diagnostics(vec![*unreadable])),
    };
    let id = pipeline.as_ref().map_or(stem, |pipeline| pipeline.id.clone());
    Found { file: name.to_owned(), id, pipeline, diagnostics }
}

fn name_in(place: &Place, path: &Path) -> String {
    path.strip_prefix(&place.workspace).unwrap_or(path).display().to_string()
}

/// The pipeline meant by an id, or by the path of a file in `pipelines/`; `read` reads the file that it probably is.
///
/// # Errors
/// There is none: which there are, and which was probably meant.
pub fn find(place: &Place, name: &str, read: impl Fn(&Path, &str) -> Found) -> Result<Found, RuntimeError> {
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
        if !path.exists() {
            return Err(RuntimeError::Usage(format!("there is no file {name}\nhint: `flowyard list` shows the pipelines")));
        }
        return Ok(read(&path, &name_in(place, &path)));
    }
    // Nearly every id is the stem of its file: try that before reading all of them.
    let likely = place.workspace.join("pipelines").join(format!("{name}.toml"));
    if !name.contains('/') && likely.is_file() {
        let found = read(&likely, &name_in(place, &likely));
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn whoever_looks_again_reads_only_what_changed() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join("pipelines").join(name);
        fs::create_dir(folder.path().join("pipelines")).unwrap();
        let text = |words: &str| format!("description = \"{words}\"\n[tasks.a]\nrun = \"true\"\n");
        fs::write(file("one.toml"), text("first")).unwrap();
        fs::write(file("two.toml"), text("same")).unwrap();
        let place = workspace::find(folder.path(), Some(folder.path()), None).unwrap();
        let mut shelf = Shelf::default();
        let told = |shelf: &mut Shelf| {
            let all = shelf.all(&place).unwrap();
            all.into_iter().map(|found| found.pipeline.map(|pipeline| pipeline.description).unwrap_or_default()).collect::<Vec<_>>()
        };
        assert_eq!(told(&mut shelf), ["first", "same"]);
        // A mark on what is kept tells whether it was read again.
        shelf.0.values_mut().for_each(|(_, found)| found.pipeline.as_mut().unwrap().description.push_str(", kept"));
        fs::write(file("one.toml"), text("other")).unwrap();
        assert_eq!(told(&mut shelf), ["other", "same, kept"]);
        fs::remove_file(file("one.toml")).unwrap();
        assert_eq!(told(&mut shelf), ["same, kept"]);
    }
}
