//! Begins a workspace: writes the first pipeline files into a folder, all of them or none, and never over another.

use super::{
    RuntimeError,
    workspace::{self, words},
};
use crate::{spec::starter::NewFile, stdx::sanitize};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Where a workspace can be begun: the folder that was named, or this one if it is in no other.
///
/// # Errors
/// There is no such folder, or one above it is a workspace already.
pub fn folder(start: &Path, explicit: Option<&Path>) -> Result<PathBuf, RuntimeError> {
    let named = explicit.map_or_else(|| start.to_owned(), |folder| start.join(folder));
    let folder =
        fs::canonicalize(&named).and_then(|folder| if folder.is_dir() { Ok(folder) } else { Err(io::ErrorKind::NotADirectory.into()) });
    let folder = folder.map_err(|error| {
        RuntimeError::Usage(format!(
            "the folder {} cannot be used: {}; make the folder first, or name another",
            show(&named),
            words(&error)
        ))
    })?;
    let above = if explicit.is_none() { workspace::upward(&folder)?.filter(|above| *above != folder) } else { None };
    match above {
        None => Ok(folder),
        Some(above) => Err(RuntimeError::Refused(format!(
            "{} is within the workspace {}; go there to add to it, or begin another one here with --workspace .",
            show(&folder),
            show(&above)
        ))),
    }
}

/// Why nothing can be written into a folder, without trying; `None` if it looks as if it could.
pub fn obstacle(folder: &Path) -> Option<RuntimeError> {
    if let Err(error) = workspace::must_be_ours(folder, "the folder", ELSEWHERE) {
        return Some(error);
    }
    let writable = nix::unistd::access(folder, nix::unistd::AccessFlags::W_OK | nix::unistd::AccessFlags::X_OK);
    writable.err().map(|error| refused(folder, &error.into()))
}

/// Writes the files into `folder`, whole or not at all.
///
/// # Errors
/// A file is there already (exit 3), the folder is another user's (2), or the system says no (74): nothing was changed then.
pub fn write(folder: &Path, files: &[NewFile]) -> Result<(), RuntimeError> {
    if let Some(obstacle) = obstacle(folder) {
        return Err(obstacle);
    }
    let taken: Vec<&str> =
        files.iter().filter(|file| folder.join(&file.path).symlink_metadata().is_ok()).map(|file| file.path.as_str()).collect();
    if !taken.is_empty() {
        return Err(there_already(folder, &taken));
    }
    let mut made = Made::default();
    for file in files {
        made.write(folder, file)?;
    }
    made.keep();
    Ok(())
}

/// Makes a folder for what need not last, where this one cannot be written: in memory if there is such a place, else among the
/// temporary files. Nobody else can look into it or guess its name.
///
/// # Errors
/// There is no room for it anywhere.
pub fn spare_folder() -> Result<PathBuf, RuntimeError> {
    let in_memory = std::env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let places: Vec<PathBuf> = in_memory.into_iter().filter(|folder| obstacle(folder).is_none()).chain([std::env::temp_dir()]).collect();
    let mut refusal = None;
    for place in &places {
        match nix::unistd::mkdtemp(&place.join("flowyard-demo-XXXXXX")) {
            Ok(folder) => return Ok(folder),
            Err(error) => refusal = Some(refused(place, &error.into())),
        }
    }
    Err(refusal.unwrap_or_else(|| RuntimeError::Io(format!("there is no place for temporary files; {ELSEWHERE}"))))
}

const ELSEWHERE: &str = "go to a folder of your own, or name one with --workspace DIR";

/// What was made so far; unmade when dropped, unless it is to be kept.
#[derive(Default)]
struct Made {
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Made {
    fn write(&mut self, folder: &Path, file: &NewFile) -> Result<(), RuntimeError> {
        let path = folder.join(&file.path);
        let parent = path.parent().unwrap_or(folder);
        self.folder(parent).map_err(|error| refused(parent, &error))?;
        // Not through a link, and not into a file that came meanwhile.
        let opened = OpenOptions::new().write(true).create_new(true).open(&path);
        let mut opened = opened.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => there_already(folder, &[&file.path]),
            _ => refused(&path, &error),
        })?;
        self.files.push(path.clone());
        opened.write_all(file.text.as_bytes()).map_err(|error| refused(&path, &error))
    }

    fn folder(&mut self, folder: &Path) -> io::Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        if let Some(parent) = folder.parent() {
            self.folder(parent)?;
        }
        fs::create_dir(folder)?;
        self.folders.push(folder.to_owned());
        Ok(())
    }

    fn keep(mut self) {
        self.files.clear();
        self.folders.clear();
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for file in self.files.drain(..).rev() {
            let _ = fs::remove_file(file);
        }
        for folder in self.folders.drain(..).rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}

fn there_already(folder: &Path, files: &[&str]) -> RuntimeError {
    RuntimeError::Refused(format!(
        "{} {} in {} already, and nothing is written over a file; choose another name, or move it away",
        files.join(", "),
        if files.len() == 1 { "is" } else { "are" },
        show(folder)
    ))
}

fn refused(path: &Path, error: &io::Error) -> RuntimeError {
    let next = match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => format!("the disk is read-only; {ELSEWHERE}"),
        io::ErrorKind::StorageFull => "the disk is full; make room".to_owned(),
        _ => format!("mend the rights of the folder, {ELSEWHERE}"),
    };
    RuntimeError::Io(format!("cannot write in {}: {}; {next}; nothing was changed", show(path), words(error)))
}

fn show(path: &Path) -> String {
    sanitize::line(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str]) -> Vec<NewFile> {
        names.iter().map(|name| NewFile { path: (*name).to_owned(), text: "[tasks.a]\nrun = \"true\"\n" }).collect()
    }

    fn everything_in(folder: &Path) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        found.sort();
        found
    }

    #[test]
    fn what_is_there_already_is_left_as_it_is_and_nothing_else_is_written() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("pipelines")).unwrap();
        fs::write(folder.path().join("pipelines/b.toml"), "mine").unwrap();
        let error = write(folder.path(), &files(&["pipelines/a.toml", "pipelines/b.toml"])).unwrap_err();
        assert_eq!(error.exit_code(), 3);
        assert!(error.to_string().contains("pipelines/b.toml is in "), "{error}");
        assert_eq!(everything_in(&folder.path().join("pipelines")), [folder.path().join("pipelines/b.toml")]);
        assert_eq!(fs::read_to_string(folder.path().join("pipelines/b.toml")).unwrap(), "mine");
    }

    #[test]
    fn what_cannot_be_written_whole_leaves_no_part_behind() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("taken"), "a file where a folder is wanted").unwrap();
        assert!(write(folder.path(), &files(&["pipelines/a.toml", "taken/b.toml"])).is_err());
        assert_eq!(everything_in(folder.path()), [folder.path().join("taken")]);
        write(folder.path(), &files(&["pipelines/a.toml", "pipelines/b.toml"])).unwrap();
        assert_eq!(everything_in(&folder.path().join("pipelines")).len(), 2);
    }

    #[test]
    fn a_link_that_leads_nowhere_is_not_written_through() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("pipelines")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), folder.path().join("pipelines/a.toml")).unwrap();
        assert!(write(folder.path(), &files(&["pipelines/a.toml"])).is_err());
        assert!(!folder.path().join("elsewhere").exists());
    }
}
