//! What a face remembers for its user from one time to the next: a small text for each workspace, and which workspaces there were.
//! It is in the user's own folder for state and never in the workspace, which may be shared or somebody else's.

use super::RuntimeError;
use crate::stdx::{atomic, sanitize, time::Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

/// Longer texts are none of ours.
const LONGEST: u64 = 4 << 20;

/// The file that holds what is remembered of a workspace.
#[derive(Debug, Clone)]
pub struct Shelf {
    file: PathBuf,
}

impl Shelf {
    /// Of a workspace, below a folder for state (`$XDG_STATE_HOME`, else `~/.local/state`).
    pub fn below(home: &Path, workspace: &Path) -> Self {
        let name = workspace.file_name().map_or_else(|| "root".to_owned(), |name| name.to_string_lossy().into_owned());
        let hash = blake3::hash(workspace.as_os_str().as_encoded_bytes()).to_hex();
        // A name may be as long as a file's can be.
        let name: String = name.chars().take(40).collect();
        Self { file: folder(home).join("views").join(format!("{name}-{}.json", &hash[..12])) }
    }

    /// The text; empty if nothing was remembered.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn read(&self) -> Result<String, RuntimeError> {
        read(&self.file).map_err(|error| RuntimeError::Io(format!("{} cannot be read: {error}", self.shown())))
    }

    /// Puts the text in its place, whole or not at all; of two that write at once, the last one wins.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, text: &str) -> Result<(), RuntimeError> {
        write(&self.file, text).map_err(|error| RuntimeError::Io(format!("{} cannot be written: {error}", self.shown())))
    }

    /// Moves a text that nobody understands out of the way, so that it is not lost; where it is now.
    ///
    /// # Errors
    /// It cannot be moved.
    pub fn set_aside(&self) -> Result<PathBuf, RuntimeError> {
        let aside = self.file.with_extension("json.aside");
        fs::rename(&self.file, &aside).map_err(|error| RuntimeError::Io(format!("{} cannot be moved: {error}", self.shown())))?;
        Ok(aside)
    }

    /// Its name, for people.
    pub fn shown(&self) -> String {
        sanitize::line(&self.file.display().to_string())
    }
}

/// A workspace that was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recent {
    /// Its folder.
    pub workspace: PathBuf,
    /// Where its state is, if that had to be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_dir: Option<PathBuf>,
    /// When it was used last.
    pub used: Timestamp,
}

/// More workspaces are not remembered.
const MOST_RECENT: usize = 30;
/// Lists of another version are not understood.
const VERSION: u64 = 1;

#[derive(Serialize, Deserialize)]
struct List {
    version: u64,
    workspaces: Vec<Recent>,
}

/// The workspaces that were used, lately used first. A list that is not understood is as none.
pub fn recent(home: &Path) -> Vec<Recent> {
    let text = read(&list(home)).unwrap_or_default();
    let known = serde_json::from_str::<List>(&text).ok().filter(|list| list.version == VERSION);
    known.map(|list| list.workspaces).unwrap_or_default()
}

/// Puts a workspace at the head of the list.
///
/// # Errors
/// The list cannot be written.
pub fn remember(home: &Path, used: Recent) -> Result<(), RuntimeError> {
    let mut known = recent(home);
    known.retain(|recent| recent.workspace != used.workspace);
    known.insert(0, used);
    for old in known.drain(MOST_RECENT.min(known.len())..) {
        drop_text(home, &old.workspace);
    }
    write_list(home, known)
}

/// Takes a workspace out of the list, with the text about it; nothing of the workspace itself is touched.
///
/// # Errors
/// The list cannot be written.
pub fn forget(home: &Path, workspace: &Path) -> Result<(), RuntimeError> {
    let mut known = recent(home);
    let before = known.len();
    known.retain(|recent| recent.workspace != workspace);
    drop_text(home, workspace);
    // What was not there makes no list.
    if known.len() == before { Ok(()) } else { write_list(home, known) }
}

/// What nobody asks for any more does not pile up.
fn drop_text(home: &Path, workspace: &Path) {
    let _ = fs::remove_file(Shelf::below(home, workspace).file);
}

fn list(home: &Path) -> PathBuf {
    folder(home).join("workspaces.json")
}

fn write_list(home: &Path, workspaces: Vec<Recent>) -> Result<(), RuntimeError> {
    let (file, text) = (list(home), serde_json::to_string_pretty(&List { version: VERSION, workspaces }).unwrap_or_default());
    let shown = || sanitize::line(&file.display().to_string());
    write(&file, &text).map_err(|error| RuntimeError::Io(format!("{} cannot be written: {error}", shown())))
}

/// The user's folder for state: `$XDG_STATE_HOME`, else `~/.local/state`.
pub fn home() -> Option<PathBuf> {
    use etcetera::BaseStrategy;
    etcetera::choose_base_strategy().ok().and_then(|base| base.state_dir())
}

fn folder(home: &Path) -> PathBuf {
    home.join("flowyard")
}

fn read(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    match File::open(file) {
        Ok(opened) => opened.take(LONGEST).read_to_string(&mut text).map(|_| text).or_else(|error| match error.kind() {
            // Whoever reads it finds that it is damaged.
            io::ErrorKind::InvalidData => Ok("\u{fffd}".to_owned()),
            _ => Err(error),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(text),
        Err(error) => Err(error),
    }
}

fn write(file: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        atomic::create_private_dir(folder)?;
    }
    atomic::write(file, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn each_workspace_has_a_text_that_only_its_user_reads() {
        let home = tempfile::tempdir().unwrap();
        let shelf = |name: &str| Shelf::below(home.path(), Path::new(name));
        let (one, other) = (shelf("/a/flights"), shelf("/b/flights"));
        assert_eq!(one.read().unwrap(), "");
        one.write("first").unwrap();
        one.write("mine").unwrap();
        other.write("other").unwrap();
        assert_eq!((one.read().unwrap(), other.read().unwrap()), ("mine".to_owned(), "other".to_owned()));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&one.file), mode(one.file.parent().unwrap())), (0o600, 0o700));
        assert_eq!(fs::read_dir(one.file.parent().unwrap()).unwrap().count(), 2);
    }

    #[test]
    fn a_text_that_is_set_aside_is_kept_and_one_that_is_no_text_is_told_as_damaged() {
        let home = tempfile::tempdir().unwrap();
        let shelf = Shelf::below(home.path(), Path::new("/a"));
        shelf.write("x").unwrap();
        fs::write(&shelf.file, [0xff, 0xfe]).unwrap();
        assert_eq!(shelf.read().unwrap(), "\u{fffd}");
        let aside = shelf.set_aside().unwrap();
        assert_eq!((fs::read(aside).unwrap(), shelf.read().unwrap()), (vec![0xff, 0xfe], String::new()));
    }

    #[test]
    fn workspaces_are_listed_lately_used_first_each_once_until_they_are_forgotten() {
        let home = tempfile::tempdir().unwrap();
        let used = |name: &str, second| Recent {
            workspace: PathBuf::from(name),
            state_dir: (name == "/b").then(|| PathBuf::from("/state")),
            used: Timestamp::from_timestamp(second, 0).unwrap(),
        };
        assert_eq!(recent(home.path()), []);
        forget(home.path(), Path::new("/a")).unwrap();
        assert!(!list(home.path()).exists());
        for (name, second) in [("/a", 1), ("/b", 2), ("/a", 3)] {
            remember(home.path(), used(name, second)).unwrap();
        }
        assert_eq!(recent(home.path()), [used("/a", 3), used("/b", 2)]);
        let shelf = |name: &str| Shelf::below(home.path(), Path::new(name));
        shelf("/a").write("a").unwrap();
        shelf("/b").write("b").unwrap();
        forget(home.path(), Path::new("/a")).unwrap();
        assert_eq!(recent(home.path()), [used("/b", 2)]);
        assert_eq!((shelf("/a").read().unwrap(), shelf("/b").read().unwrap()), (String::new(), "b".to_owned()));
        for number in 0..MOST_RECENT {
            remember(home.path(), used(&format!("/{number}"), 4)).unwrap();
        }
        assert_eq!(shelf("/b").read().unwrap(), "");
        assert!(recent(home.path()).len() == MOST_RECENT && recent(home.path()).iter().all(|recent| recent.state_dir.is_none()));
        fs::write(list(home.path()), "{\"version\": 2, \"workspaces\": []}").unwrap();
        assert_eq!(recent(home.path()), []);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_an_error_that_names_the_file() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("flowyard"), "a file").unwrap();
        let shelf = Shelf::below(home.path(), Path::new("/a"));
        assert!(shelf.write("x").unwrap_err().to_string().contains("cannot be written"));
    }
}
