//! What a running attempt tells of itself, read from its folder.

use super::{super::attempts, Handle};
use crate::{
    executors::shim::usage,
    model::{AttemptFiles, Usage},
};
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

/// How much of the end of a metrics file is read for the progress of a running task.
const PROGRESS_TAIL: u64 = 4096;

impl Handle {
    /// The last known progress of a running task, 0 to 1: the key `progress` of its live metrics. `stdout` is that of its attempt.
    pub fn progress(&self, stdout: &Path) -> Option<f64> {
        let tail = metrics_tail(stdout)?;
        tail.lines().rev().find_map(|line| attempts::metric_line(line)?.get("progress")?.as_f64()).map(|p| p.clamp(0.0, 1.0))
    }

    /// What a running sensor waits for, and what its last look found. `stdout` is that of its attempt.
    pub fn last_look(&self, stdout: &Path) -> Option<String> {
        let text = std::fs::read_to_string(AttemptFiles::new(stdout.parent()?).last_look()).ok()?;
        Some(text.trim_end().to_owned()).filter(|text| !text.is_empty())
    }

    /// What the process tree of a running attempt took of the machine when its shim last looked. `stdout` is that of the attempt.
    pub fn usage(&self, stdout: &Path) -> Option<Usage> {
        usage::read(stdout.parent()?)
    }

    /// The newest values of the metrics that a running attempt wrote lately, without its progress.
    pub fn live_metrics(&self, stdout: &Path) -> serde_json::Map<String, serde_json::Value> {
        let mut newest = serde_json::Map::new();
        for values in metrics_tail(stdout).unwrap_or_default().lines().filter_map(attempts::metric_line) {
            newest.extend(values.into_iter().filter(|(name, _)| name != "progress"));
        }
        newest
    }
}

/// The end of the metrics of the attempt whose standard output is there.
fn metrics_tail(stdout: &Path) -> Option<String> {
    let mut file = File::open(AttemptFiles::new(stdout.parent()?).metrics()).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(PROGRESS_TAIL))).ok()?;
    let mut tail = Vec::new();
    file.take(PROGRESS_TAIL).read_to_end(&mut tail).ok()?;
    Some(String::from_utf8_lossy(&tail).into_owned())
}
