//! Everything the database says of a run, as the text of its `run.json`, row by row: neither the definition nor the rows of a
//! run of 10,000 tasks are ever in memory as a whole.

use super::{
    open::StoreError,
    read::Reader,
    rows::{self, run_defined_by},
};
use crate::model::{
    Pipeline, RunId,
    record::{Archive, RunRecord},
};
use rusqlite::{Connection, OptionalExtension, Row};
use serde::{
    Serialize, Serializer,
    ser::{Error, SerializeMap, SerializeStruct},
};
use serde_json::{Value, value::RawValue};
use std::{io, sync::Arc};

impl Reader {
    /// Writes what [`Archive`] reads of a run, up to the entry `last_seq` of the journal; nothing if there is no such run.
    ///
    /// # Errors
    /// What SQLite says; within, what `out` says.
    pub fn write_archive(&self, id: &RunId, last_seq: i64, out: impl io::Write) -> Result<io::Result<()>, StoreError> {
        self.read(|db| {
            let sql = format!("SELECT {}, {} FROM runs WHERE run_id = ?1", rows::RUN, rows::LOADED);
            let found = db.prepare_cached(&sql)?.query_row([id.as_str()], |row| {
                let nothing = Arc::new(Pipeline::new("".into(), Vec::new()));
                let number = row.get::<_, i64>(1)?.unsigned_abs();
                Ok((number, Run { record: run_defined_by(row, nothing)?, definition: rows::json(row, rows::AFTER_RUN)? }))
            });
            let Some((number, run)) = found.optional()? else { return Ok(Ok(())) };
            Ok(serde_json::to_writer(out, &Whole { db, last_seq, number, run }).map_err(Into::into))
        })
    }
}

/// Serialises as [`Archive`] does.
struct Whole<'a> {
    db: &'a Connection,
    last_seq: i64,
    number: u64,
    run: Run,
}

impl Serialize for Whole<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let of_run = |columns, from| format!("SELECT {columns} FROM {from}");
        let tasks = of_run(rows::TASK, "task_instances WHERE run_id = ?1 ORDER BY position, map_index");
        let mut fields = serializer.serialize_struct("Archive", 7)?;
        fields.serialize_field("format", &Archive::FORMAT)?;
        fields.serialize_field("last_seq", &self.last_seq)?;
        fields.serialize_field("number", &self.number)?;
        fields.serialize_field("run", &self.run)?;
        fields.serialize_field("tasks", &self.rows(&tasks, rows::task))?;
        fields.serialize_field("attempts", &self.rows(&of_run(rows::ATTEMPT, "attempts WHERE run_id = ?1"), rows::attempt))?;
        fields.serialize_field("artifacts", &self.rows(&of_run(rows::ARTIFACT, "artifacts WHERE run_id = ?1"), rows::artifact))?;
        fields.end()
    }
}

impl Whole<'_> {
    const fn rows<'a, T>(&'a self, sql: &'a str, read: fn(&Row<'_>) -> rusqlite::Result<T>) -> Rows<'a, T> {
        Rows { db: self.db, run: &self.run.record.run_id, sql, read }
    }
}

/// A run whose definition stays the text it is.
struct Run {
    record: RunRecord,
    definition: Box<RawValue>,
}

impl Serialize for Run {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Ok(Value::Object(record)) = serde_json::to_value(&self.record) else { return Err(S::Error::custom("a run is no object")) };
        let mut map = serializer.serialize_map(Some(record.len()))?;
        for (key, value) in &record {
            match key.as_str() {
                "definition" => map.serialize_entry(key, &self.definition)?,
                _ => map.serialize_entry(key, value)?,
            }
        }
        map.end()
    }
}

/// A list of what a query finds.
struct Rows<'a, T> {
    db: &'a Connection,
    run: &'a RunId,
    sql: &'a str,
    read: fn(&Row<'_>) -> rusqlite::Result<T>,
}

impl<T: Serialize> Serialize for Rows<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut statement = self.db.prepare_cached(self.sql).map_err(S::Error::custom)?;
        let found = statement.query_map([self.run.as_str()], |row| (self.read)(row)).map_err(S::Error::custom)?;
        let mut error = None;
        let whole = serializer.collect_seq(found.map_while(|row| row.map_err(|e| error = Some(e)).ok()))?;
        error.map_or(Ok(whole), |error| Err(S::Error::custom(error)))
    }
}
