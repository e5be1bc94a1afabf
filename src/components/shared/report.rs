//! What a component tells while it runs and at its end: JSON lines of metrics, output parameters, JSON documents.

use crate::model::Job;
use anyhow::{Context, Result};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
};

/// Appends one line of metrics; `progress` (0 to 1) is the share of the work that is done.
///
/// # Errors
/// What the file system says.
pub fn metrics(job: &Job, values: &Value) -> Result<()> {
    append(&job.metrics_file, &format!("{values}\n"))
}

/// Hands on an output parameter, as one `key=value` line.
///
/// # Errors
/// What the file system says.
pub fn output_parameter(job: &Job, key: &str, value: &str) -> Result<()> {
    append(&job.output_file, &format!("{key}={}\n", value.replace('\n', " ")))
}

// One write a line: a reader never sees half of one.
fn append(path: &Path, line: &str) -> Result<()> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .and_then(|mut file| file.write_all(line.as_bytes()))
        .with_context(|| format!("cannot append to {}", path.display()))
}

/// Writes `document` as JSON, ended by a newline.
///
/// # Errors
/// What the file system says.
pub fn write_json(path: &Path, document: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(document)?;
    text.push('\n');
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Reads a JSON document; `what` says what it should be.
///
/// # Errors
/// It can not be read, or is something else.
pub fn read_json<T: DeserializeOwned>(path: &Path, what: &str) -> Result<T> {
    let text = fs::read(path).with_context(|| format!("cannot read the {what} {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is not the {what} it should be", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::shared::fixture::Bench;

    // A gate compares scores of now with scores that were kept, a tree compares values with thresholds that were kept:
    // one that comes back a hair larger rejects a model that is as good, or sends a row to the other side.
    #[test]
    fn numbers_come_back_as_they_were_written() {
        let bench = Bench::empty();
        let path = bench.workspace().join("numbers.json");
        let numbers: Vec<f64> = (1..20_000).map(|n| f64::from(n).sqrt().fract()).collect();
        write_json(&path, &numbers).unwrap();
        assert!(read_json::<Vec<f64>>(&path, "numbers").unwrap() == numbers, "a number changed");
    }
}
