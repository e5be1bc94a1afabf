//! The program's own log: files in `<state>/logs`, never the screen. What tasks write is not its business.

use super::RuntimeError;
use crate::stdx::atomic;
use std::path::Path;
use tracing_appender::{
    non_blocking::{NonBlockingBuilder, WorkerGuard},
    rolling::{RollingFileAppender, Rotation},
};
use tracing_subscriber::EnvFilter;

/// Days that are kept.
const KEPT: usize = 14;
/// Lines that may wait for a slow disk before some are dropped; room for all of them is taken at the start.
const WAITING: usize = 4_096;

/// Keeps the log open; dropping it writes what is still waiting.
#[must_use = "the log ends when this is dropped"]
pub struct OwnLog {
    _guard: WorkerGuard,
}

/// Starts the log of `who` (`engine`, `tui`) in `folder`, one file a day. `verbose` counts `-v`; `FLOWYARD_LOG` may say more precisely.
///
/// # Errors
/// What the file system says.
pub fn start(folder: &Path, who: &str, verbose: u8) -> Result<OwnLog, RuntimeError> {
    let failed =
        |error: &dyn std::fmt::Display| RuntimeError::Io(format!("cannot open the program's own log in {}: {error}", folder.display()));
    atomic::create_private_dir(folder).map_err(|error| failed(&error))?;
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix(who)
        .filename_suffix("log")
        .max_log_files(KEPT)
        .build(folder)
        .map_err(|error| failed(&error))?;
    let (writer, guard) = NonBlockingBuilder::default().buffered_lines_limit(WAITING).finish(appender);
    let level = ["info", "debug", "trace"][usize::from(verbose.min(2))];
    let filter = EnvFilter::try_from_env("FLOWYARD_LOG").unwrap_or_else(|_| EnvFilter::new(format!("warn,flowyard={level}")));
    // A second start in one process, as tests do, keeps the first log.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(false).try_init();
    Ok(OwnLog { _guard: guard })
}
