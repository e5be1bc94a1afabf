//! Where attempts run. An executor starts, finds again and ends attempts; what it learns it tells as notices.

pub mod local;
pub mod shim;

use crate::model::{AttemptKey, Reason, Ticket, Verdict};
use std::{path::PathBuf, sync::Arc};

/// What an executor tells about an attempt; each is true when it is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// The proof that it began exists.
    Began {
        /// Which attempt.
        key: AttemptKey,
        /// Microseconds since 1970 when the program was started.
        at_micros: i64,
    },
    /// It is over and the verdict is known.
    Ended {
        /// Which attempt.
        key: AttemptKey,
        /// How.
        verdict: Verdict,
    },
    /// The system had no room for another process. The attempt is fenced: it did not begin, and never will.
    NotNow {
        /// Which attempt.
        key: AttemptKey,
        /// The system's words.
        why: String,
    },
    /// It is over and nobody can know how: `never_begun`, `shim_died`, `reboot`.
    Lost {
        /// Which attempt.
        key: AttemptKey,
        /// Why nobody knows.
        reason: Reason,
    },
}

/// Where notices go; called from a thread of the executor's.
pub type Sink = Arc<dyn Fn(Notice) + Send + Sync>;

/// Every executor, by the name that attempts keep; each file of this folder has its entry.
pub const ALL: &[&str] = &[local::NAME];

/// One way to run attempts.
pub trait Executor: Send + Sync {
    /// Its name in attempts: `local`.
    fn name(&self) -> &'static str;
    /// Starts an attempt whose intent is committed. Never blocks for the attempt; all that follows comes as notices.
    fn start(&self, ticket: Ticket);
    /// Takes up an attempt that an earlier engine started; what became of it comes as notices.
    fn adopt(&self, key: AttemptKey, folder: PathBuf);
    /// Ends an attempt: TERM, the ticket's grace, KILL, then everything below it. Its end comes as a notice.
    fn cancel(&self, key: &AttemptKey, folder: PathBuf);
}
