//! The one clock: every layer below and every face above is told the time from here.

use crate::stdx::time::Timestamp;

/// The time now.
pub fn now() -> Timestamp {
    chrono::Utc::now()
}
