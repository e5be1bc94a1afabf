//! Rows of the database as records, and back.

use crate::{
    model::{
        AttemptKey, GitState, Pipeline, RunId, TaskId, TaskKey,
        record::{ArtifactRecord, AttemptRecord, RunRecord, TaskRecord},
    },
    stdx::time::{Timestamp, from_micros},
};
use rusqlite::{Row, types::Type};
use serde::de::DeserializeOwned;
use std::{str::FromStr, sync::Arc};

/// The columns of a run in the order that [`run`] reads them.
pub const RUN: &str = "run_id, number, state, run_type, created_by, logical_date, created_at, started_at, ended_at, params, git, pipeline, paused, undo ->> 'command', origin, watched";
/// How many there are: what is selected after them begins here.
pub const AFTER_RUN: usize = 16;
/// What an engine needs of a run beside [`RUN`], in the order that [`loaded_run`] reads them.
pub const LOADED: &str = "definition, env, idempotency_key, undo, past, deadline";
/// The columns of a task instance in the order that [`task`] reads them.
pub const TASK: &str = "run_id, task, map_index, position, state, reason, message, generation, last_attempt, forgiven, never_begun, retry_at, cancel_requested, outputs, output_parameters, metrics, gates, queued_at, decision";
/// The columns of an attempt in the order that [`attempt`] reads them.
pub const ATTEMPT: &str =
    "run_id, task, map_index, attempt, state, reason, exit_code, signal, created_at, started_at, ended_at, executor, usage, gpus";
/// The columns of an artifact in the order that [`artifact`] reads them.
pub const ARTIFACT: &str = "run_id, task, map_index, attempt, id, artifact_type, uri, hash, size, name, created_at, asset";

/// A word of one of our enums.
pub fn word<T: FromStr<Err = String>>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    parse_word(&row.get::<_, String>(column)?, column)
}

/// A word, or nothing.
pub fn optional_word<T: FromStr<Err = String>>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    row.get::<_, Option<String>>(column)?.map(|text| parse_word(&text, column)).transpose()
}

fn parse_word<T: FromStr<Err = String>>(text: &str, column: usize) -> rusqlite::Result<T> {
    text.parse().map_err(|error: String| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into()))
}

/// A JSON document.
pub fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    serde_json::from_str(&row.get::<_, String>(column)?)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

/// A JSON document, or nothing.
pub fn optional_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    match row.get::<_, Option<String>>(column)? {
        Some(_) => json(row, column).map(Some),
        None => Ok(None),
    }
}

/// A point in time.
pub fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    row.get(column).map(from_micros)
}

/// A point in time, or nothing.
pub fn optional_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(from_micros))
}

/// The map index as the database stores it.
pub fn stored_index(map_index: Option<u32>) -> i64 {
    map_index.map_or(-1, i64::from)
}

fn key(row: &Row<'_>) -> rusqlite::Result<TaskKey> {
    let map_index = u32::try_from(row.get::<_, i64>(2)?).ok();
    Ok(TaskKey { run: RunId::from(row.get::<_, String>(0)?), task: TaskId::from(row.get::<_, String>(1)?), map_index })
}

/// A run and its display number, from [`RUN`]; [`LOADED`] follow.
pub fn loaded_run(row: &Row<'_>) -> rusqlite::Result<RunRecord> {
    run_defined_by(row, Arc::new(json(row, AFTER_RUN)?))
}

/// The same with a definition that was read already.
pub fn run_defined_by(row: &Row<'_>, definition: Arc<Pipeline>) -> rusqlite::Result<RunRecord> {
    Ok(RunRecord {
        run_id: RunId::from(row.get::<_, String>(0)?),
        state: word(row, 2)?,
        run_type: word(row, 3)?,
        by: row.get(4)?,
        logical_date: time(row, 5)?,
        created_at: time(row, 6)?,
        started_at: optional_time(row, 7)?,
        ended_at: optional_time(row, 8)?,
        params: json(row, 9)?,
        git: json::<GitState>(row, 10)?,
        definition,
        env: Arc::new(json(row, AFTER_RUN + 1)?),
        paused: row.get(12)?,
        watched: row.get(15)?,
        idempotency_key: row.get(AFTER_RUN + 2)?,
        undo: optional_json(row, AFTER_RUN + 3)?,
        past: row.get::<_, Option<String>>(AFTER_RUN + 4)?.map(RunId::from),
        deadline: optional_time(row, AFTER_RUN + 5)?,
        origin: optional_json(row, 14)?,
    })
}

/// A run for lists, from [`RUN`].
pub fn run(row: &Row<'_>) -> rusqlite::Result<crate::model::RunRow> {
    Ok(crate::model::RunRow {
        run_id: RunId::from(row.get::<_, String>(0)?),
        number: row.get::<_, i64>(1)?.unsigned_abs(),
        state: word(row, 2)?,
        run_type: word(row, 3)?,
        by: row.get(4)?,
        logical_date: time(row, 5)?,
        created_at: time(row, 6)?,
        started_at: optional_time(row, 7)?,
        ended_at: optional_time(row, 8)?,
        params: json(row, 9)?,
        git: json(row, 10)?,
        pipeline: row.get::<_, String>(11)?.into(),
        paused: row.get(12)?,
        watched: row.get(15)?,
        undo: row.get(13)?,
        origin: optional_json(row, 14)?,
    })
}

/// A task instance, from [`TASK`].
pub fn task(row: &Row<'_>) -> rusqlite::Result<TaskRecord> {
    Ok(TaskRecord {
        key: key(row)?,
        position: row.get::<_, i64>(3)?.unsigned_abs() as usize,
        state: word(row, 4)?,
        reason: optional_word(row, 5)?,
        message: row.get(6)?,
        generation: row.get(7)?,
        last_attempt: row.get(8)?,
        forgiven: row.get(9)?,
        never_begun: row.get(10)?,
        retry_at: optional_time(row, 11)?,
        cancel_requested: row.get(12)?,
        outputs: json(row, 13)?,
        output_parameters: json(row, 14)?,
        metrics: json(row, 15)?,
        gates: json(row, 16)?,
        queued_at: optional_time(row, 17)?,
        decision: optional_json(row, 18)?,
    })
}

/// An attempt, from [`ATTEMPT`].
pub fn attempt(row: &Row<'_>) -> rusqlite::Result<AttemptRecord> {
    Ok(AttemptRecord {
        key: AttemptKey { task: key(row)?, attempt: row.get(3)? },
        state: word(row, 4)?,
        reason: optional_word(row, 5)?,
        exit_code: row.get(6)?,
        signal: row.get(7)?,
        created_at: time(row, 8)?,
        started_at: optional_time(row, 9)?,
        ended_at: optional_time(row, 10)?,
        executor: row.get(11)?,
        usage: optional_json(row, 12)?,
        gpus: json(row, 13)?,
    })
}

/// An artifact, from [`ARTIFACT`].
pub fn artifact(row: &Row<'_>) -> rusqlite::Result<ArtifactRecord> {
    Ok(ArtifactRecord {
        producer: AttemptKey { task: key(row)?, attempt: row.get(3)? },
        id: row.get(4)?,
        artifact_type: row.get(5)?,
        uri: row.get(6)?,
        hash: row.get(7)?,
        size: row.get::<_, i64>(8)?.unsigned_abs(),
        name: row.get(9)?,
        created_at: time(row, 10)?,
        asset: row.get(11)?,
    })
}
