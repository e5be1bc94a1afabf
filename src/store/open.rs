//! Opening a database: is it ours, is it of our version, may we read it; and the migrations.

use super::backup;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// "flyd" in ASCII: marks a database as ours.
const APPLICATION_ID: i32 = 0x666c_7964;

/// Each step brings the database from the version of its position to the next.
const MIGRATIONS: &[&str] =
    &[include_str!("schema.sql"), include_str!("schema_2.sql"), include_str!("schema_3.sql"), include_str!("schema_4.sql")];

/// SQLite before this can corrupt a database in WAL mode.
pub const MIN_SQLITE: i32 = 3_051_003;

/// The version of the SQLite that is built in, as `3051003` for 3.51.3.
pub fn sqlite_version() -> i32 {
    rusqlite::version_number()
}

/// The pages in the log, 16 MB, at which a commit also brings them to the database. That takes two syncs, so on a slow disk it should
/// meet less than one commit in a hundred.
const CHECKPOINT_PAGES: i32 = 4_000;

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It was written by a later version.
    #[error(
        "{path} has version {found}, and this program knows versions up to {known}; it was left untouched\nhint: use the flowyard that wrote it, or a newer one"
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: usize,
        /// Ours.
        known: usize,
    },
    /// It was written by an earlier version, and no engine of this one has opened it yet.
    #[error(
        "{path} has version {found}, and this program reads version {known}\nhint: `flowyard engine --exit-when-idle` brings it up to date, after a copy of it was made"
    )]
    Older {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: usize,
        /// Ours.
        known: usize,
    },
    /// It is a database of another program, or no database.
    #[error(
        "{path} is not a flowyard database; it was left untouched\nhint: move it away, or choose another state folder with --state-dir"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// There is none yet.
    #[error("there is no history yet: {path} does not exist")]
    Missing {
        /// Where it would be.
        path: PathBuf,
    },
    /// What a copy would be written over.
    #[error(
        "{path} is there already, and nothing is written over\nhint: choose another name, such as `flowyard backup history-$(date +%F).db`"
    )]
    Taken {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be made or opened.
    #[error("{path}: {source}")]
    Io {
        /// The database.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// SQLite or the system said no.
    #[error("{path}: {source}")]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

impl StoreError {
    pub(super) fn io(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    pub(super) fn at(path: &Path) -> impl Fn(rusqlite::Error) -> Self + '_ {
        move |source| match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::Foreign { path: path.to_owned() },
            _ => Self::Sqlite { path: path.to_owned(), source },
        }
    }
}

/// Opens for writing, making and migrating the database as needed.
pub(super) fn for_writing(path: &Path) -> Result<Connection, StoreError> {
    let fail = StoreError::at(path);
    // Made by us first, for this user only; SQLite gives its WAL the same rights.
    let made = fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    made.map_err(|source| StoreError::Io { path: path.to_owned(), source })?;
    let mut db = Connection::open(path).map_err(&fail)?;
    let version = version_of(&db, path)?;
    if version == 0 {
        let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(&fail)?;
        if tables > 0 {
            return Err(StoreError::Foreign { path: path.to_owned() });
        }
    }
    db.pragma_update(None, "journal_mode", "WAL").map_err(&fail)?;
    db.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES).map_err(&fail)?;
    db.pragma_update(None, "foreign_keys", true).map_err(&fail)?;
    db.busy_timeout(std::time::Duration::from_secs(5)).map_err(&fail)?;
    db.set_prepared_statement_cache_capacity(64);
    migrate(&mut db, version, path)?;
    Ok(db)
}

/// Brings the database to our version, after a copy of it was made. All steps are one transaction: an engine that dies on the way
/// leaves no version between, which no reader knows.
fn migrate(db: &mut Connection, version: usize, path: &Path) -> Result<(), StoreError> {
    let fail = StoreError::at(path);
    if version == MIGRATIONS.len() {
        return Ok(());
    }
    if version > 0 {
        backup::keep_copy_of(db, &path.with_file_name("backups").join(format!("before-version-{}.db", version + 1)))?;
    }
    let transaction = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(&fail)?;
    for sql in &MIGRATIONS[version..] {
        transaction.execute_batch(sql).map_err(&fail)?;
    }
    transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64).map_err(&fail)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(&fail)?;
    transaction.commit().map_err(&fail)
}

/// Opens for reading only; never makes or changes anything but SQLite's own shared memory beside it.
pub(super) fn for_reading(path: &Path) -> Result<Connection, StoreError> {
    if !path.exists() {
        return Err(StoreError::Missing { path: path.to_owned() });
    }
    let fail = StoreError::at(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let checked = |db: rusqlite::Result<Connection>| -> Result<Connection, StoreError> {
        let db = db.map_err(&fail)?;
        db.busy_timeout(std::time::Duration::from_secs(5)).map_err(&fail)?;
        match version_of(&db, path)? {
            // Made by an engine that died, or is, before its first commit.
            0 => Err(StoreError::Missing { path: path.to_owned() }),
            found if found < MIGRATIONS.len() => Err(StoreError::Older { path: path.to_owned(), found, known: MIGRATIONS.len() }),
            _ => Ok(db),
        }
    };
    match checked(Connection::open_with_flags(path, flags)) {
        // On a read-only disk SQLite cannot make its shared memory.
        Err(StoreError::Sqlite { source, .. }) if source.sqlite_error_code() == Some(ErrorCode::CannotOpen) => {
            if beside(path, "-wal").exists() {
                copied_apart(path, |copy| checked(Connection::open_with_flags(copy, flags)))
            } else {
                // Without a log beside it, the file alone is everything, and nobody can change it.
                checked(Connection::open_with_flags(immutable(path), flags | OpenFlags::SQLITE_OPEN_URI))
            }
        }
        // An engine died while it made the file: nothing was ever committed, and the next engine clears up.
        Err(StoreError::Sqlite { source, .. }) if wants_rollback(&source) && path.metadata().is_ok_and(|file| file.len() <= ONE_PAGE) => {
            Err(StoreError::Missing { path: path.to_owned() })
        }
        other => other,
    }
}

/// Opens a copy of the database and its log in a temporary folder of this user's alone. Its files have no names any more when this
/// returns, and no room is taken when it is closed.
fn copied_apart(path: &Path, open: impl FnOnce(&Path) -> Result<Connection, StoreError>) -> Result<Connection, StoreError> {
    let folder = temporary_folder().map_err(|source| StoreError::Io { path: std::env::temp_dir(), source })?;
    let copy = folder.join(super::FILE);
    let copied = fs::copy(path, &copy).and_then(|_| fs::copy(beside(path, "-wal"), beside(&copy, "-wal")));
    let opened = copied.map_err(|source| StoreError::Io { path: copy.clone(), source }).and_then(|_| open(&copy));
    // A folder that stays is of no harm and says what it is.
    let _ = fs::remove_dir_all(&folder);
    opened
}

/// A new folder that only this user can enter; one that is there already may be somebody else's.
fn temporary_folder() -> io::Result<PathBuf> {
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for n in 0..100 {
        let folder = std::env::temp_dir().join(format!("flowyard-read-{}-{n}", std::process::id()));
        match fs::DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

/// The size of the file when its mode is set, before anything is in it.
const ONE_PAGE: u64 = 4096;

/// Whether a journal of the kind is beside the file that only who may write can bring to an end. With a log there is none.
fn wants_rollback(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_READONLY_ROLLBACK)
}

/// The path of a file that SQLite keeps beside the database.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The URI of a database that nobody can change: <https://sqlite.org/uri.html>.
fn immutable(path: &Path) -> String {
    let escaped = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{escaped}?immutable=1")
}

/// The schema version, after checking whose it is.
fn version_of(db: &Connection, path: &Path) -> Result<usize, StoreError> {
    let fail = StoreError::at(path);
    let application: i32 = db.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(&fail)?;
    let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(&fail)?;
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    if application != APPLICATION_ID && (application != 0 || version != 0) {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    if version > MIGRATIONS.len() {
        return Err(StoreError::Newer { path: path.to_owned(), found: version, known: MIGRATIONS.len() });
    }
    Ok(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_sqlite_does_not_corrupt_wal_databases() {
        assert!(sqlite_version() >= MIN_SQLITE, "{}", sqlite_version());
    }

    #[test]
    fn a_database_of_an_earlier_version_is_copied_before_it_is_migrated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flowyard.db");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(MIGRATIONS[0]).unwrap();
        old.execute_batch(&format!("PRAGMA user_version = 1; PRAGMA application_id = {APPLICATION_ID}")).unwrap();
        drop(old);
        assert_eq!(version_of(&for_writing(&path).unwrap(), &path).unwrap(), MIGRATIONS.len());
        let copy = folder.path().join("backups/before-version-2.db");
        assert_eq!(version_of(&Connection::open(&copy).unwrap(), &copy).unwrap(), 1);
    }

    #[test]
    fn a_database_whose_making_was_cut_short_is_no_history_yet() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flowyard.db");
        // The header of a journal as https://sqlite.org/fileformat.html#the_rollback_journal has it: no page, none before.
        let mut journal = vec![0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
        journal.extend([0_u32, 0, 0, 512, 4096].map(u32::to_be_bytes).concat());
        journal.resize(512, 0);
        fs::write(beside(&path, "-journal"), journal).unwrap();
        fs::write(&path, [0; 4096]).unwrap();
        let error = for_reading(&path).map(drop).unwrap_err();
        assert!(matches!(error, StoreError::Missing { .. }), "{error}");
    }

    #[test]
    fn a_path_with_letters_that_mean_something_in_a_uri_is_the_same_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("50% #1?.db");
        drop(for_writing(&path).unwrap());
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let db = Connection::open_with_flags(immutable(&path), flags).unwrap();
        assert_eq!(version_of(&db, &path).unwrap(), MIGRATIONS.len());
    }

    #[test]
    fn a_database_of_another_program_or_a_later_version_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let foreign = folder.path().join("foreign.db");
        Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE t (x); PRAGMA user_version = 3").unwrap();
        let newer = folder.path().join("newer.db");
        for_writing(&newer).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let text = folder.path().join("text.db");
        std::fs::write(&text, "this is not a database, but it is long enough to look like a file with a header").unwrap();
        for (path, wanted) in [(&foreign, "not a flowyard database"), (&newer, "version 99"), (&text, "not a flowyard database")] {
            let before = std::fs::read(path).unwrap();
            for error in [for_writing(path).map(drop), for_reading(path).map(drop)] {
                let error = error.unwrap_err().to_string();
                assert!(error.contains(wanted), "{error}");
            }
            assert_eq!(std::fs::read(path).unwrap(), before);
        }
    }
}
