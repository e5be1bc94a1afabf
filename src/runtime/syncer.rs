//! Forces to the disk what was committed without waiting for it: within a tenth of a second, on a thread of its own.

use std::{
    fs::File,
    io,
    sync::mpsc::{SyncSender, TrySendError, sync_channel},
    time::Duration,
};

/// How long commits gather before they are synced together.
const GATHER: Duration = Duration::from_millis(80);

/// The thread's other end.
pub struct Syncer(SyncSender<()>);

impl Syncer {
    /// Starts the thread. `log` is what commits are written to; `failed` is told when it cannot be synced, once: after a failed
    /// sync the kernel may have dropped what it could not write, so that a second one would say nothing.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(log: File, failed: impl FnOnce(String) + Send + 'static) -> io::Result<Self> {
        let (wish, wishes) = sync_channel(1);
        std::thread::Builder::new().name("syncer".to_owned()).spawn(move || {
            while wishes.recv().is_ok() {
                std::thread::sleep(GATHER);
                // A commit from here on wishes again.
                if let Err(error) = log.sync_data() {
                    return failed(format!("what was decided could not be forced to the disk: {error}"));
                }
            }
        })?;
        Ok(Self(wish))
    }

    /// Something was committed that is not on the disk yet.
    pub fn soon(&self) {
        match self.0.try_send(()) {
            // One wish is enough for all. A thread that ended has told why.
            Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => {}
        }
    }
}
