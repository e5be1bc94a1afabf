//! Copies of the database, whole at one moment, made while it is in use.

use super::open::{self, StoreError};
use rusqlite::{Connection, MAIN_DB};
use std::{fs, io, os::unix::fs::PermissionsExt, path::Path};

/// Copies the database `from` to the file `to`, which is there whole or not at all. An older copy of that name is replaced.
///
/// # Errors
/// See [`StoreError`]; [`StoreError::Missing`] if there is nothing to copy.
pub fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    copy_of(&open::for_reading(from)?, to)
}

pub(super) fn copy_of(db: &Connection, to: &Path) -> Result<(), StoreError> {
    let io = |source: io::Error| StoreError::Io { path: to.to_owned(), source };
    if let Some(folder) = to.parent() {
        crate::stdx::atomic::create_private_dir(folder).map_err(io)?;
    }
    let temporary = open::beside(to, &format!(".{}.tmp", std::process::id()));
    let made = crate::stdx::atomic::create_private(&temporary).map_err(io).and_then(|file| {
        db.backup(MAIN_DB, &temporary, None::<fn(rusqlite::backup::Progress)>).map_err(StoreError::at(to))?;
        // Whoever leans on a copy leans on it after a loss of power.
        file.sync_all().map_err(io)?;
        fs::set_permissions(&temporary, fs::Permissions::from_mode(0o600)).map_err(io)?;
        fs::rename(&temporary, to).map_err(io)
    });
    if made.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    made
}
