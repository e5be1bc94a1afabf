//! Bytes of artifacts: checked, hashed, and moved into the content-addressed store, whole or not at all.
//!
//! An object's name is the hash of its content: blake3 of a file; of a folder, blake3 of the sorted list of
//! path, mode, size and hash of the files below it.

use crate::stdx::{atomic, fault};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// An output that a task declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// Its artifact type.
    pub artifact_type: String,
    /// Where the task was to write it, absolute.
    pub path: PathBuf,
    /// It stays where it is, because the file names that place; else it moves into the store.
    pub fixed: bool,
}

/// An output that exists, with its content known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// Its name.
    pub name: String,
    /// Its artifact type.
    pub artifact_type: String,
    /// Where its bytes are, absolute.
    pub uri: PathBuf,
    /// See the module.
    pub hash: String,
    /// Bytes, of all files together.
    pub size: u64,
    /// Where the task wrote it.
    staged: PathBuf,
}

/// The outputs, all published; or a sentence for each that is not there, and nothing published.
pub type Outcome = Result<Vec<Published>, Vec<String>>;

/// Hashes what a task wrote and moves it into the store below `objects`.
///
/// `record` is written before the first rename: whoever comes after a crash finds it and finishes the same renames.
///
/// # Errors
/// What the file system says.
pub fn publish(objects: &Path, record: &Path, wanted: &[Wanted]) -> io::Result<Outcome> {
    let published = match fs::read(record) {
        Ok(bytes) => serde_json::from_slice(&bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => match survey(objects, wanted)? {
            Ok(published) => {
                if !fault::is_on("no-publish-record") {
                    atomic::write(record, &serde_json::to_vec(&published)?)?;
                }
                published
            }
            Err(missing) => return Ok(Err(missing)),
        },
        Err(error) => return Err(error),
    };
    for one in published.iter().filter(|one| one.uri != one.staged) {
        settle(&one.staged, &one.uri)?;
    }
    Ok(Ok(published))
}

/// What is there, with its hashes, and where it will be.
fn survey(objects: &Path, wanted: &[Wanted]) -> io::Result<Outcome> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for one in wanted {
        match fs::symlink_metadata(&one.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                missing.push(format!("output `{}` is missing: nothing was written to {}", one.name, one.path.display()));
            }
            Err(error) => return Err(error),
            Ok(meta) if meta.is_symlink() && !one.fixed => {
                missing.push(format!("output `{}` is a symbolic link; write the file itself to {}", one.name, one.path.display()));
            }
            Ok(_) => {
                let (hash, size) = match hash(&one.path) {
                    Ok(known) => known,
                    Err(error) => {
                        missing.push(format!("output `{}` cannot be read: {error}", one.name));
                        continue;
                    }
                };
                let uri = if one.fixed { one.path.clone() } else { objects.join(&hash[..2]).join(&hash) };
                found.push(Published {
                    name: one.name.clone(),
                    artifact_type: one.artifact_type.clone(),
                    uri,
                    hash,
                    size,
                    staged: one.path.clone(),
                });
            }
        }
    }
    Ok(if missing.is_empty() || fault::is_on("publish-in-part") { Ok(found) } else { Err(missing) })
}

/// Moves one staged output to its place, unless an equal object is there already.
fn settle(staged: &Path, object: &Path) -> io::Result<()> {
    if object.exists() {
        return remove(staged);
    }
    if let Some(parent) = object.parent() {
        atomic::create_private_dir(parent)?;
    }
    open_up(staged)?;
    match fs::rename(staged, object) {
        // Moved by whoever was here before the crash.
        Err(error) if error.kind() == io::ErrorKind::NotFound && object.exists() => Ok(()),
        other => other,
    }
}

/// A folder that its owner may not write in cannot be moved to another parent either.
fn open_up(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() && meta.permissions().mode() & 0o700 != 0o700 => {
            fs::set_permissions(path, fs::Permissions::from_mode(meta.permissions().mode() | 0o700))
        }
        _ => Ok(()),
    }
}

fn open_up_all(folder: &Path) -> io::Result<()> {
    open_up(folder)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_up_all(&entry.path())?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => open_up_all(path).and_then(|()| fs::remove_dir_all(path)),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// The hash (hex) and size of a file or folder; symbolic links below a folder count as the text of their target.
///
/// # Errors
/// What the file system says, with the path; something that is neither file nor folder, which nobody may wait for.
pub fn hash(path: &Path) -> io::Result<(String, u64)> {
    if !fs::metadata(path).map_err(at(path))?.is_dir() {
        return hash_file(path);
    }
    let (mut files, mut size) = (Vec::new(), 0);
    list(path, Path::new(""), &mut files)?;
    files.sort();
    let mut all = blake3::Hasher::new();
    for relative in files {
        let file = path.join(&relative);
        let meta = fs::symlink_metadata(&file)?;
        let (hash, bytes) = if meta.is_symlink() {
            (blake3::hash(fs::read_link(&file)?.as_os_str().as_encoded_bytes()).to_hex().to_string(), 0)
        } else {
            hash_file(&file)?
        };
        size += bytes;
        // NUL cannot stand in a path, so no two lists read the same.
        all.update(relative.as_os_str().as_encoded_bytes());
        all.update(format!("\0{:o}\0{bytes}\0{hash}\n", meta.permissions().mode() & 0o777).as_bytes());
    }
    Ok((all.finalize().to_hex().to_string(), size))
}

fn hash_file(path: &Path) -> io::Result<(String, u64)> {
    // Opening a pipe would wait for its writer.
    if !fs::metadata(path).map_err(at(path))?.is_file() {
        return Err(at(path)(io::Error::other("neither a file nor a folder")));
    }
    let mut hasher = blake3::Hasher::new();
    let size = fs::File::open(path).and_then(|mut file| io::copy(&mut file, &mut hasher)).map_err(at(path))?;
    Ok((hasher.finalize().to_hex().to_string(), size))
}

fn at(path: &Path) -> impl Fn(io::Error) -> io::Error + '_ {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn list(root: &Path, below: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let folder = root.join(below);
    for entry in fs::read_dir(&folder).map_err(at(&folder))? {
        let entry = entry?;
        let relative = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            list(root, &relative, found)?;
        } else {
            found.push(relative);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(name: &str, path: PathBuf, fixed: bool) -> Wanted {
        Wanted { name: name.to_owned(), artifact_type: "Dataset".to_owned(), path, fixed }
    }

    #[test]
    fn outputs_move_into_the_store_under_the_hash_of_their_content() {
        let home = tempfile::tempdir().unwrap();
        let (objects, record, staged) = (home.path().join("artifacts"), home.path().join("published.json"), home.path().join("rows.csv"));
        fs::write(&staged, "a,b\n1,2\n").unwrap();
        let published = publish(&objects, &record, &[wanted("rows", staged.clone(), false)]).unwrap().unwrap();
        assert_eq!(published[0].hash, blake3::hash(b"a,b\n1,2\n").to_hex().to_string());
        assert_eq!(fs::read(&published[0].uri).unwrap(), b"a,b\n1,2\n");
        assert!(!staged.exists());
    }

    #[test]
    fn a_crash_between_the_record_and_a_rename_is_finished_by_whoever_comes_next() {
        let home = tempfile::tempdir().unwrap();
        let (objects, record) = (home.path().join("artifacts"), home.path().join("published.json"));
        let (one, two) = (home.path().join("one"), home.path().join("two"));
        fs::write(&one, "1").unwrap();
        fs::write(&two, "2").unwrap();
        let both = [wanted("one", one.clone(), false), wanted("two", two.clone(), false)];
        let first = publish(&objects, &record, &both).unwrap().unwrap();
        // As if the second rename had not happened.
        fs::rename(&first[1].uri, &two).unwrap();
        assert_eq!(publish(&objects, &record, &both).unwrap().unwrap(), first);
        assert_eq!(fs::read(&first[1].uri).unwrap(), b"2");
    }

    #[test]
    fn a_missing_output_is_named_and_nothing_is_published() {
        let home = tempfile::tempdir().unwrap();
        let there = home.path().join("there");
        fs::write(&there, "x").unwrap();
        let both = [wanted("there", there.clone(), false), wanted("model", home.path().join("model"), false)];
        let missing = publish(&home.path().join("artifacts"), &home.path().join("published.json"), &both).unwrap().unwrap_err();
        assert_eq!(missing.len(), 1);
        assert!(missing[0].contains("`model`"), "{missing:?}");
        assert!(there.exists());
    }

    #[test]
    fn a_pipe_among_the_outputs_is_named_and_not_waited_for() {
        let home = tempfile::tempdir().unwrap();
        let (pipe, folder) = (home.path().join("pipe"), home.path().join("folder"));
        fs::create_dir(&folder).unwrap();
        for path in [&pipe, &folder.join("inner")] {
            nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        }
        let both = [wanted("model", pipe, false), wanted("rows", folder, false)];
        let missing = publish(&home.path().join("artifacts"), &home.path().join("published.json"), &both).unwrap().unwrap_err();
        assert!(missing[0].contains("`model`") && missing[0].contains("pipe: neither a file nor a folder"), "{missing:?}");
        assert!(missing[1].contains("`rows`") && missing[1].contains("inner"), "{missing:?}");
    }

    #[test]
    fn a_folder_that_nobody_may_write_in_is_published_all_the_same_and_twice() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("rows");
        for name in ["first", "second"] {
            fs::create_dir_all(folder.join("below")).unwrap();
            fs::write(folder.join("below/part"), "1").unwrap();
            for path in [folder.join("below"), folder.clone()] {
                fs::set_permissions(path, fs::Permissions::from_mode(0o555)).unwrap();
            }
            let one = [wanted("rows", folder.clone(), false)];
            let published = publish(&home.path().join("artifacts"), &home.path().join(name), &one).unwrap().unwrap();
            assert!(published[0].uri.join("below/part").exists() && !folder.exists());
        }
        open_up_all(home.path()).unwrap();
    }

    #[test]
    fn a_folder_hashes_by_names_modes_and_content() {
        let home = tempfile::tempdir().unwrap();
        let make = |name: &str, content: &str| {
            let folder = home.path().join(name);
            fs::create_dir_all(folder.join("Split-train")).unwrap();
            fs::write(folder.join("Split-train/rows.csv"), content).unwrap();
            hash(&folder).unwrap()
        };
        assert_eq!(make("a", "1"), make("b", "1"));
        assert_ne!(make("c", "2").0, make("d", "1").0);
    }
}
