//! What the history tells those who wait for it: ends of runs, values of metrics, versions of assets.

use super::{RunId, RunState};
use crate::stdx::time::Timestamp;

/// An end of a run. One that was taken up again ends again.
#[derive(Debug, Clone, PartialEq)]
pub struct EndedRun {
    /// The entry of the journal: a later end has a greater one.
    pub seq: i64,
    /// The run.
    pub run: RunId,
    /// Its number within its pipeline.
    pub number: u64,
    /// How it ended.
    pub state: RunState,
    /// The time it stands for.
    pub logical_date: Timestamp,
}

/// What a metric was in a run that is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The run.
    pub ended: EndedRun,
    /// The value.
    pub value: f64,
}

/// The newest version of an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetVersion {
    /// The asset.
    pub name: String,
    /// The artifact.
    pub artifact: String,
    /// Absolute path of its bytes.
    pub uri: String,
    /// The hash of its content: another one is another version.
    pub hash: String,
    /// The run that made it, as people know it: `ingest#12`.
    pub made_by: String,
}
