//! How much history is kept.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Which runs that are over may go. One that any of the limits names goes, but never the newest run of a pipeline, nor its newest
/// one that succeeded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// Those that ended longer ago.
    #[serde(default, with = "crate::stdx::duration::millis::option")]
    pub age: Option<Duration>,
    /// Those beyond so many newer ones of their pipeline.
    pub count: Option<u32>,
    /// The oldest, until the folders of all runs hold no more bytes than this.
    pub bytes: Option<u64>,
}

impl Retention {
    /// Whether it names anything at all.
    pub const fn is_set(&self) -> bool {
        self.age.is_some() || self.count.is_some() || self.bytes.is_some()
    }
}
