//! The clients' side of the store: lists and details, read-only.

use super::{
    open::{self, StoreError},
    rows,
};
use crate::{
    model::{
        AttemptFiles, AttemptSnapshot, JournalEntry, OutputDef, Pipeline, PipelineId, RunId, RunRow, RunSnapshot, RunState, TaskSnapshot,
        record::{AttemptRecord, TaskRecord},
    },
    stdx::time::{Timestamp, to_micros},
};
use rusqlite::{Connection, OptionalExtension, ToSql, params};
use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

/// A read-only connection. Each call reads one state of the database.
pub struct Reader {
    pub(super) db: Connection,
    pub(super) path: PathBuf,
    state_dir: PathBuf,
}

/// Which runs to list.
#[derive(Debug, Clone, Default)]
pub struct RunQuery<'a> {
    /// Only of this pipeline.
    pub pipeline: Option<&'a PipelineId>,
    /// Only in this state.
    pub state: Option<RunState>,
    /// Only those created at or after.
    pub since: Option<Timestamp>,
    /// Only those older than this id.
    pub before: Option<&'a RunId>,
    /// Only those newer than this id.
    pub after: Option<&'a RunId>,
    /// Only this id and older ones.
    pub upto: Option<&'a RunId>,
    /// Of more than `limit`, the oldest.
    pub oldest: bool,
    /// At most so many.
    pub limit: usize,
}

impl Reader {
    /// Opens the database of a state folder.
    ///
    /// # Errors
    /// See [`StoreError`]; [`StoreError::Missing`] is an empty history.
    pub fn open(state_dir: &Path) -> Result<Self, StoreError> {
        let path = state_dir.join(super::FILE);
        Ok(Self { db: open::for_reading(&path)?, path, state_dir: state_dir.to_owned() })
    }

    /// One query, or several of the same moment.
    pub(super) fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let fail = StoreError::at(&self.path);
        // One transaction, so that a run and its tasks are of the same moment.
        let transaction = self.db.unchecked_transaction().map_err(&fail)?;
        query(&transaction).map_err(&fail)
    }

    /// The newest sequence number of the journal; 0 before the first entry.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn last_seq(&self) -> Result<i64, StoreError> {
        self.read(|db| db.prepare_cached("SELECT coalesce(max(seq), 0) FROM journal")?.query_row([], |row| row.get(0)))
    }

    /// How many runs are not over.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn open_runs(&self) -> Result<usize, StoreError> {
        let count: i64 = self
            .read(|db| db.query_row("SELECT count(*) FROM runs WHERE state IN ('queued', 'running', 'canceling')", [], |row| row.get(0)))?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    /// The runs of a pipeline that are not over, but for those of backfills, which are no overlap.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn open_runs_of(&self, pipeline: &PipelineId) -> Result<Vec<RunId>, StoreError> {
        let sql = "SELECT run_id FROM runs WHERE pipeline = ?1 AND state IN ('queued', 'running', 'canceling') AND run_type != 'backfill'";
        self.read(|db| db.prepare_cached(sql)?.query_map([pipeline.as_str()], |row| Ok(row.get::<_, String>(0)?.into()))?.collect())
    }

    /// Runs, newest first.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn runs(&self, query: &RunQuery<'_>) -> Result<Vec<RunRow>, StoreError> {
        let (state, since) = (query.state.map(RunState::word), query.since.map(to_micros));
        let (pipeline, before) = (query.pipeline.map(PipelineId::as_str), query.before.map(RunId::as_str));
        let (after, upto) = (query.after.map(RunId::as_str), query.upto.map(RunId::as_str));
        let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
        let asked: [(&str, &str, &dyn ToSql, bool); 6] = [
            (":pipeline", "pipeline = :pipeline", &pipeline, pipeline.is_some()),
            (":state", "state = :state", &state, state.is_some()),
            (":since", "created_at >= :since", &since, since.is_some()),
            (":before", "run_id < :before", &before, before.is_some()),
            (":after", "run_id > :after", &after, after.is_some()),
            (":upto", "run_id <= :upto", &upto, upto.is_some()),
        ];
        let (mut conditions, mut values): (Vec<&str>, Vec<(&str, &dyn ToSql)>) = (vec!["TRUE"], vec![(":limit", &limit)]);
        for (name, condition, value, _) in asked.into_iter().filter(|asked| asked.3) {
            conditions.push(condition);
            values.push((name, value));
        }
        let order = if query.oldest { "ASC" } else { "DESC" };
        let sql = format!("SELECT {} FROM runs WHERE {} ORDER BY run_id {order} LIMIT :limit", rows::RUN, conditions.join(" AND "));
        let mut runs: Vec<RunRow> = self.read(|db| db.prepare_cached(&sql)?.query_map(values.as_slice(), rows::run)?.collect())?;
        if query.oldest {
            runs.reverse();
        }
        Ok(runs)
    }

    /// Ids of runs that start with `prefix`, at most two: enough to know whether it is unique.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn runs_with_prefix(&self, prefix: &str) -> Result<Vec<RunId>, StoreError> {
        self.read(|db| {
            db.prepare_cached("SELECT run_id FROM runs WHERE run_id >= ?1 AND run_id < ?1 || '~' ORDER BY run_id LIMIT 2")?
                .query_map([prefix], |row| Ok(RunId::from(row.get::<_, String>(0)?)))?
                .collect()
        })
    }

    /// The number of a run among those of its pipeline.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn number_of(&self, run: &RunId) -> Result<Option<u64>, StoreError> {
        self.read(|db| {
            let number = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0).map(i64::unsigned_abs);
            db.prepare_cached("SELECT number FROM runs WHERE run_id = ?1")?.query_row([run.as_str()], number).optional()
        })
    }

    /// The run of a pipeline with that number.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn run_numbered(&self, pipeline: &PipelineId, number: u32) -> Result<Option<RunId>, StoreError> {
        self.read(|db| {
            db.prepare_cached("SELECT run_id FROM runs WHERE pipeline = ?1 AND number = ?2")?
                .query_row(rusqlite::params![pipeline.as_str(), number], |row| Ok(RunId::from(row.get::<_, String>(0)?)))
                .optional()
        })
    }

    /// The pipelines whose triggers are on; those of all others are off.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn unpaused(&self) -> Result<HashSet<PipelineId>, StoreError> {
        self.read(|db| {
            db.prepare_cached("SELECT pipeline FROM pipelines WHERE paused = 0")?
                .query_map([], |row| Ok(PipelineId::from(row.get::<_, String>(0)?)))?
                .collect()
        })
    }

    /// The definition that a run keeps.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn definition(&self, run: &RunId) -> Result<Option<Pipeline>, StoreError> {
        self.read(|db| {
            db.prepare_cached("SELECT definition FROM runs WHERE run_id = ?1")?
                .query_row([run.as_str()], |row| rows::json(row, 0))
                .optional()
        })
    }

    /// One run with its tasks and attempts.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn run(&self, id: &RunId) -> Result<Option<RunSnapshot>, StoreError> {
        let loaded = self.read(|db| {
            let sql = format!("SELECT {}, definition FROM runs WHERE run_id = ?1", rows::RUN);
            let with_definition = |row: &rusqlite::Row<'_>| Ok((rows::run(row)?, rows::json::<Pipeline>(row, rows::AFTER_RUN)?));
            let Some((run, definition)) = db.prepare_cached(&sql)?.query_row([id.as_str()], with_definition).optional()? else {
                return Ok(None);
            };
            let tasks: Vec<TaskRecord> = db
                .prepare_cached(&format!("SELECT {} FROM task_instances WHERE run_id = ?1 ORDER BY position, map_index", rows::TASK))?
                .query_map([id.as_str()], rows::task)?
                .collect::<rusqlite::Result<_>>()?;
            let attempts: Vec<AttemptRecord> = db
                .prepare_cached(&format!("SELECT {} FROM attempts WHERE run_id = ?1 ORDER BY task, map_index, attempt", rows::ATTEMPT))?
                .query_map([id.as_str()], rows::attempt)?
                .collect::<rusqlite::Result<_>>()?;
            Ok(Some((run, definition, tasks, attempts)))
        })?;
        let Some((run, definition, tasks, attempts)) = loaded else { return Ok(None) };
        let mut by_task: HashMap<_, Vec<AttemptSnapshot>> = HashMap::new();
        for attempt in attempts {
            by_task.entry(attempt.key.task.clone()).or_default().push(self.attempt(attempt));
        }
        let tasks = tasks.into_iter().map(|task| snapshot(by_task.remove(&task.key).unwrap_or_default(), task, &definition)).collect();
        Ok(Some(RunSnapshot { run, tasks }))
    }

    fn attempt(&self, record: AttemptRecord) -> AttemptSnapshot {
        let files = AttemptFiles::new(self.state_dir.join(record.key.folder()));
        AttemptSnapshot {
            attempt: record.key.attempt,
            state: record.state,
            reason: record.reason,
            exit_code: record.exit_code,
            signal: record.signal,
            started_at: record.started_at,
            ended_at: record.ended_at,
            executor: record.executor,
            created_at: Some(record.created_at),
            usage: record.usage,
            gpus: record.gpus,
            stdout: files.stdout(),
            stderr: files.stderr(),
        }
    }

    /// Runs that are over, oldest first.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn ended_runs(&self) -> Result<Vec<RunRow>, StoreError> {
        let sql = format!("SELECT {} FROM runs WHERE state NOT IN ('queued', 'running', 'canceling') ORDER BY run_id", rows::RUN);
        self.read(|db| db.prepare(&sql)?.query_map([], rows::run)?.collect())
    }

    /// Which of these places of artifacts no run refers to any more.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn unreferenced(&self, uris: &[String]) -> Result<Vec<String>, StoreError> {
        self.read(|db| {
            let mut known = db.prepare("SELECT 1 FROM artifacts WHERE uri = ?1")?;
            let mut free = Vec::new();
            for uri in uris {
                if !known.exists([uri])? {
                    free.push(uri.clone());
                }
            }
            Ok(free)
        })
    }

    /// Places of the artifacts that a run made.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn artifact_uris(&self, run: &RunId) -> Result<Vec<String>, StoreError> {
        self.read(|db| {
            db.prepare_cached("SELECT uri FROM artifacts WHERE run_id = ?1")?.query_map([run.as_str()], |row| row.get(0))?.collect()
        })
    }

    /// Entries after `after`, oldest first.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn journal(&self, run: Option<&RunId>, after: i64, limit: usize) -> Result<Vec<JournalEntry>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let entry = |row: &rusqlite::Row<'_>| {
            Ok(JournalEntry {
                seq: row.get(0)?,
                at: rows::time(row, 1)?,
                entity: row.get(2)?,
                from: row.get(3)?,
                to: row.get(4)?,
                reason: row.get(5)?,
                by: row.get(6)?,
                command: row.get(7)?,
            })
        };
        let columns = "SELECT seq, at, entity, from_state, to_state, reason, by, command FROM journal";
        self.read(|db| match run {
            Some(run) => db
                .prepare_cached(&format!("{columns} WHERE run_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3"))?
                .query_map(params![run.as_str(), after, limit], entry)?
                .collect(),
            None => db
                .prepare_cached(&format!("{columns} WHERE seq > ?1 ORDER BY seq LIMIT ?2"))?
                .query_map(params![after, limit], entry)?
                .collect(),
        })
    }

    /// SQLite's own opinion of the file: empty if it is whole.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn integrity(&self) -> Result<Vec<String>, StoreError> {
        let lines: Vec<String> = self.read(|db| db.prepare("PRAGMA integrity_check(20)")?.query_map([], |row| row.get(0))?.collect())?;
        Ok(lines.into_iter().filter(|line| line != "ok").collect())
    }
}

fn snapshot(attempts: Vec<AttemptSnapshot>, task: TaskRecord, definition: &Pipeline) -> TaskSnapshot {
    let def = definition.tasks.get(task.position);
    let asset = |output: &OutputDef| Some((output.asset.clone()?, task.outputs.get(&output.name)?.as_str()?.to_owned()));
    let assets = def.into_iter().flat_map(|def| &def.outputs).filter_map(asset).collect();
    TaskSnapshot {
        task: task.key.task,
        group: def.and_then(|def| def.group.clone()),
        map_index: task.key.map_index,
        state: task.state,
        cached: false,
        reason: task.reason,
        message: task.message,
        upstream: def.map(|def| def.upstream.clone()).unwrap_or_default(),
        retry_at: task.retry_at,
        queued_at: task.queued_at,
        decision: task.decision.map(|decision| *decision),
        max_attempts: task.forgiven + def.map_or(0, |def| def.retries) + 1,
        attempts,
        outputs: task.outputs.into_map(),
        assets,
        output_parameters: task.output_parameters.into_map(),
        metrics: task.metrics.into_map(),
        gates: task.gates,
    }
}
