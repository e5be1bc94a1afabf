//! `flowyard backup`: a copy of the history, whole at one moment.

use super::{
    Failure,
    context::{Access, Context},
};
use std::path::PathBuf;

/// Copy the history into a file, while an engine runs or not
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  flowyard backup\n  flowyard backup /mnt/safe/flowyard.db\n\nTo put one back: stop the engine, copy it over .flowyard/flowyard.db, and remove flowyard.db-wal and -shm. An engine\nstarts on it only if no run began since: the folders of newer runs in .flowyard/runs must be moved away first. Without a copy\nthat is new enough, `flowyard doctor --rebuild` makes all runs again from those folders."
)]
pub struct Args {
    /// Where to [default: backups/ in the state folder]
    file: Option<PathBuf>,
}

/// Copies.
pub fn main(args: &Args, context: &Context) -> Result<u8, Failure> {
    let handle = context.handle(Access::Peek)?;
    let file = match &args.file {
        Some(file) => Some(context.here()?.join(file)),
        None => None,
    };
    let made = handle.backup(file)?;
    context.print(&format!("{}\n", made.display()))?;
    Ok(0)
}
