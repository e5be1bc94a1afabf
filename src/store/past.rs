//! What triggers look at in the history. Whoever asks, the engine or a face, gets the same answer.

use super::{open::StoreError, read::Reader, rows, write::Writer};
use crate::model::{AssetVersion, EndedRun, Measured, Named, PipelineId, RunId, RunState, TaskId};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::path::Path;

/// Ends of runs in the journal: in the words of the index that holds them.
const ENDS: &str = "j.entity GLOB 'run/*' AND j.to_state IN ('success', 'failed', 'canceled')";
const END: &str = "j.seq, r.run_id, r.number, j.to_state, r.logical_date";

/// Runs that are looked through for a metric: one that none of them has is not there.
const MOST_RUNS: usize = 1_000;

/// The history, as it is now.
pub struct Past<'a> {
    pub(super) db: &'a Connection,
    pub(super) path: &'a Path,
}

impl Past<'_> {
    fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        query(self.db).map_err(StoreError::at(self.path))
    }

    /// The newest entry of the journal; 0 before the first.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn last_seq(&self) -> Result<i64, StoreError> {
        self.read(|db| db.prepare_cached("SELECT coalesce(max(seq), 0) FROM journal")?.query_row([], |row| row.get(0)))
    }

    /// The ends of a pipeline's runs after an entry of the journal, oldest first.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn ends(&self, pipeline: &PipelineId, after: i64, most: usize) -> Result<Vec<EndedRun>, StoreError> {
        let sql = format!(
            "SELECT {END} FROM journal j JOIN runs r USING (run_id) WHERE {ENDS} AND j.seq > ?1 AND r.pipeline = ?2 ORDER BY j.seq LIMIT ?3"
        );
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.read(|db| db.prepare_cached(&sql)?.query_map(params![after, pipeline.as_str(), most], ended)?.collect())
    }

    /// A metric, `accuracy` or `evaluate_model.accuracy`, in the newest runs of a pipeline that are over and have it; newest first.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn measured(&self, pipeline: &PipelineId, metric: &str, most: usize) -> Result<Vec<Measured>, StoreError> {
        let sql = format!(
            "SELECT {END} FROM runs r JOIN journal j USING (run_id) WHERE r.pipeline = ?1 AND {ENDS} AND r.state IN ('success', 'failed')
             AND j.seq = (SELECT max(seq) FROM journal WHERE run_id = r.run_id AND to_state = r.state AND entity = 'run/' || r.run_id)
             ORDER BY r.run_id DESC LIMIT ?2"
        );
        self.read(|db| {
            let mut runs = db.prepare_cached(&sql)?;
            let mut runs = runs.query(params![pipeline.as_str(), i64::try_from(MOST_RUNS).unwrap_or(i64::MAX)])?;
            let mut found = Vec::new();
            while let (Some(row), true) = (runs.next()?, found.len() < most) {
                let ended = ended(row)?;
                if let Some(value) = value(db, &ended.run, metric)? {
                    found.push(Measured { ended, value });
                }
            }
            Ok(found)
        })
    }

    /// The greatest value of an output parameter that a task handed on in runs of its pipeline other than this one.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn handed_on(&self, pipeline: &PipelineId, task: &TaskId, but: &RunId, name: &str) -> Result<Option<String>, StoreError> {
        let of =
            params![pipeline.as_str(), task.as_str(), but.as_str(), format!("$.\"{name}\""), i64::try_from(MOST_RUNS).unwrap_or(i64::MAX)];
        self.read(|db| {
            db.prepare_cached(
                "SELECT max(value) FROM (
                     SELECT json_extract(t.output_parameters, ?4) AS value FROM runs r JOIN task_instances t USING (run_id)
                     WHERE r.pipeline = ?1 AND t.task = ?2 AND r.run_id <> ?3 AND t.state = 'success' ORDER BY r.run_id DESC LIMIT ?5)",
            )?
            .query_row(of, |row| row.get(0))
        })
    }

    /// The newest version of an asset, if it ever had one that is still known.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn asset(&self, name: &str) -> Result<Option<AssetVersion>, StoreError> {
        let version = |row: &Row<'_>| {
            let (pipeline, number): (String, i64) = (row.get(3)?, row.get(4)?);
            let (artifact, uri, hash) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(AssetVersion { name: name.to_owned(), artifact, uri, hash, made_by: format!("{pipeline}#{number}") })
        };
        self.read(|db| {
            db.prepare_cached(
                "SELECT a.id, a.uri, a.hash, r.pipeline, r.number FROM artifacts a JOIN runs r USING (run_id)
                 WHERE a.asset = ?1 ORDER BY a.asset, a.id DESC LIMIT 1",
            )?
            .query_row([name], version)
            .optional()
        })
    }
}

fn ended(row: &Row<'_>) -> rusqlite::Result<EndedRun> {
    let state: RunState = rows::word(row, 3)?;
    let run = RunId::from(row.get::<_, String>(1)?);
    Ok(EndedRun { seq: row.get(0)?, run, number: row.get::<_, i64>(2)?.unsigned_abs(), state, logical_date: rows::time(row, 4)? })
}

/// Of several tasks that have the metric, the last in the file has the last word.
fn value(db: &Connection, run: &RunId, metric: &str) -> rusqlite::Result<Option<f64>> {
    let (task, name) = metric.split_once('.').map_or((None, metric), |(task, name)| (Some(task), name));
    let mut tasks = db.prepare_cached(
        "SELECT metrics FROM task_instances WHERE run_id = ?1 AND (?2 IS NULL OR task = ?2) ORDER BY position DESC, map_index DESC",
    )?;
    let mut tasks = tasks.query(params![run.as_str(), task])?;
    while let Some(row) = tasks.next()? {
        let metrics: Named = rows::json(row, 0)?;
        if let Some(value) = metrics.get(name).and_then(serde_json::Value::as_f64) {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

impl Writer {
    /// What was committed.
    pub fn past(&self) -> Past<'_> {
        Past { db: &self.db, path: &self.path }
    }
}

impl Reader {
    /// What was committed.
    pub fn past(&self) -> Past<'_> {
        Past { db: &self.db, path: &self.path }
    }
}
