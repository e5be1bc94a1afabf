//! The metadata store: history in SQLite. The only place with SQL.
//!
//! One writer, the engine; readers open the same file read-only. Every transition and its journal entry are one transaction.

mod archive;
mod backfills;
mod backup;
mod grid;
mod open;
mod outbox;
mod overview;
mod past;
mod read;
mod rows;
mod triggers;
mod write;

pub use backup::{copy, keep_copy};
pub use open::{MIN_SQLITE, StoreError, sqlite_version};
pub use overview::Overview;
pub use past::Past;
pub use read::{Reader, RunQuery};
pub use triggers::{FiringCount, FiringQuery, KnownTrigger};
pub use write::Writer;

/// The database's file name in the state folder.
pub const FILE: &str = "flowyard.db";
