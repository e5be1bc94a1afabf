//! Copies of the database, whole at one moment, made while it is in use.

use super::open::{self, StoreError};
use rusqlite::{Connection, MAIN_DB};
use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    io::Errno,
};
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

/// Copies the database `from` to a new file `to`, which is there whole or not at all. Nothing is written over, and no folder made: what
/// a person names by mistake may be a pipeline, a history in use, or a disk that is not mounted.
///
/// # Errors
/// See [`StoreError`]; [`StoreError::Missing`] if there is nothing to copy, [`StoreError::Taken`] if `to` is there.
pub fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    let db = open::for_reading(from)?;
    let taken = || StoreError::Taken { path: to.to_owned() };
    if to.symlink_metadata().is_ok() {
        return Err(taken());
    }
    written(&db, to, |made| match renameat_with(CWD, made, CWD, to, RenameFlags::NOREPLACE) {
        // Some file systems cannot; it was looked at above.
        Err(Errno::INVAL | Errno::NOSYS) => fs::rename(made, to).map_err(StoreError::io(to)),
        Err(Errno::EXIST) => Err(taken()),
        other => other.map_err(|errno| StoreError::io(to)(errno.into())),
    })
}

/// The same into a folder of ours, which is made. An older copy of that name is replaced.
///
/// # Errors
/// See [`StoreError`].
pub fn keep_copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    keep_copy_of(&open::for_reading(from)?, to)
}

pub(super) fn keep_copy_of(db: &Connection, to: &Path) -> Result<(), StoreError> {
    if let Some(folder) = to.parent() {
        crate::stdx::atomic::create_private_dir(folder).map_err(StoreError::io(to))?;
    }
    written(db, to, |made| fs::rename(made, to).map_err(StoreError::io(to)))
}

/// Writes a copy beside `to`, for `place` to give it its name.
fn written(db: &Connection, to: &Path, place: impl FnOnce(&Path) -> Result<(), StoreError>) -> Result<(), StoreError> {
    let io = StoreError::io(to);
    let temporary = open::beside(to, &format!(".{}.tmp", std::process::id()));
    let made = crate::stdx::atomic::create_private(&temporary).map_err(&io).and_then(|file| {
        db.backup(MAIN_DB, &temporary, None::<fn(rusqlite::backup::Progress)>).map_err(StoreError::at(to))?;
        // Whoever leans on a copy leans on it after a loss of power.
        file.sync_all().map_err(&io)?;
        fs::set_permissions(&temporary, fs::Permissions::from_mode(0o600)).map_err(&io)?;
        place(&temporary)
    });
    if made.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    made
}
