//! The engine's side of the store: commits what was decided, and loads what is open.

use super::{
    backfills,
    open::{self, StoreError},
    outbox, rows, triggers,
};
use crate::{
    model::{
        Durability, PipelineId, RunId,
        record::{ArtifactRecord, AttemptRecord, Change, LoadedRun, RunRecord, TaskRecord, What},
    },
    stdx::{
        fault,
        time::{Timestamp, to_micros},
    },
};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The one writing connection.
pub struct Writer {
    pub(super) db: Connection,
    pub(super) path: PathBuf,
    durability: Durability,
    /// Whether the connection syncs with each commit now.
    syncs: bool,
}

impl Writer {
    /// Opens the database, making or migrating it as needed.
    ///
    /// # Errors
    /// See [`StoreError`]; a foreign or newer file is left as it is.
    pub fn open(path: &Path, durability: Durability) -> Result<Self, StoreError> {
        let mut writer = Self { db: open::for_writing(path)?, path: path.to_owned(), durability, syncs: false };
        writer.sync_commits(true)?;
        Ok(writer)
    }

    /// `FULL` syncs the log of SQLite at the end of a transaction, with everything that was written to it before.
    fn sync_commits(&mut self, sync: bool) -> Result<(), StoreError> {
        if self.syncs != sync {
            self.db.pragma_update(None, "synchronous", if sync { "FULL" } else { "NORMAL" }).map_err(StoreError::at(&self.path))?;
            self.syncs = sync;
        }
        Ok(())
    }

    /// The log that the database is written to first, to be synced beside the commits that are not.
    ///
    /// # Errors
    /// What the system says.
    pub fn log(&self) -> Result<File, StoreError> {
        let path = open::beside(&self.path, "-wal");
        File::open(&path).map_err(|source| StoreError::Io { path, source })
    }

    /// Writes all changes and their journal entries in one transaction. Returns the newest sequence number, and whether the
    /// changes are safe from a loss of power already: always with [`Durability::Strict`].
    ///
    /// # Errors
    /// Nothing of the batch is written then, and the caller must not act on any of it.
    pub fn commit(&mut self, changes: &[Change]) -> Result<(i64, bool), StoreError> {
        let sync = self.durability == Durability::Strict || changes.iter().any(is_told);
        self.sync_commits(sync)?;
        let fail = StoreError::at(&self.path);
        let mut transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&fail)?;
        for change in changes {
            write(&transaction, change).map_err(&fail)?;
            if fault::is_on("commit-in-parts") {
                transaction.commit().map_err(&fail)?;
                transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&fail)?;
            }
        }
        let seq = last_seq(&transaction).map_err(&fail)?;
        transaction.commit().map_err(&fail)?;
        Ok((seq, sync))
    }

    /// Gives a run the number by which people know it: they go on where runs before it were removed.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn set_number(&mut self, run: &RunId, number: u64) -> Result<(), StoreError> {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        let set = self.db.execute("UPDATE runs SET number = ?2 WHERE run_id = ?1", rusqlite::params![run.as_str(), number]);
        set.map(drop).map_err(StoreError::at(&self.path))
    }

    /// The newest sequence number of the journal; 0 before the first entry.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn last_seq(&self) -> Result<i64, StoreError> {
        last_seq(&self.db).map_err(StoreError::at(&self.path))
    }

    /// Forgets runs that are over, with all that belongs to them, in one transaction; an entry of the journal says so. Gives
    /// those that were there.
    ///
    /// # Errors
    /// Nothing is forgotten then.
    pub fn forget(&mut self, runs: &[RunId], at: Timestamp, by: &str) -> Result<Vec<RunId>, StoreError> {
        self.sync_commits(true)?;
        let fail = StoreError::at(&self.path);
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&fail)?;
        let mut forgotten = Vec::new();
        for run in runs {
            if forget(&transaction, run).map_err(&fail)? {
                let what = What::Command { entity: format!("run/{run}"), command: "gc".to_owned(), reason: None };
                write(&transaction, &Change { at, by: by.to_owned(), what }).map_err(&fail)?;
                forgotten.push(run.clone());
            }
        }
        transaction.commit().map_err(&fail)?;
        Ok(forgotten)
    }

    /// Every run that is not over, oldest first.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn open_runs(&self) -> Result<Vec<LoadedRun>, StoreError> {
        let fail = StoreError::at(&self.path);
        let ids = || -> rusqlite::Result<Vec<String>> {
            let mut statement =
                self.db.prepare("SELECT run_id FROM runs WHERE state IN ('queued', 'running', 'canceling') ORDER BY run_id")?;
            statement.query_map([], |row| row.get(0))?.collect()
        };
        let ids = ids().map_err(&fail)?;
        ids.into_iter().filter_map(|id| self.load(&id.into()).transpose()).collect()
    }

    /// One run with all that a command about it needs.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn load(&self, id: &RunId) -> Result<Option<LoadedRun>, StoreError> {
        self.load_rows(id).map_err(StoreError::at(&self.path))
    }

    /// Whether there is a run of that id.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn has_run(&self, id: &RunId) -> Result<bool, StoreError> {
        let found = || self.db.prepare_cached("SELECT 1 FROM runs WHERE run_id = ?1")?.exists([id.as_str()]);
        found().map_err(StoreError::at(&self.path))
    }

    /// The run of a pipeline that was asked for with a key.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn run_by_key(&self, pipeline: &PipelineId, key: &str) -> Result<Option<RunId>, StoreError> {
        let found = || {
            self.db
                .prepare_cached("SELECT run_id FROM runs WHERE pipeline = ?1 AND idempotency_key = ?2")?
                .query_row([pipeline.as_str(), key], |row| Ok(RunId::from(row.get::<_, String>(0)?)))
                .optional()
        };
        found().map_err(StoreError::at(&self.path))
    }

    /// The run of a pipeline that comes right before another by logical date, and among equals by age.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn run_before(&self, run: &RunRecord) -> Result<Option<(Timestamp, RunId)>, StoreError> {
        let found = || {
            self.db
                .prepare_cached(
                    "SELECT logical_date, run_id FROM runs WHERE pipeline = ?1 AND (logical_date, run_id) < (?2, ?3)
                     ORDER BY logical_date DESC, run_id DESC LIMIT 1",
                )?
                .query_row(params![run.definition.id.as_str(), to_micros(run.logical_date), run.run_id.as_str()], |row| {
                    Ok((rows::time(row, 0)?, RunId::from(row.get::<_, String>(1)?)))
                })
                .optional()
        };
        found().map_err(StoreError::at(&self.path))
    }

    /// One query.
    pub(super) fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        query(&self.db).map_err(StoreError::at(&self.path))
    }

    fn load_rows(&self, id: &RunId) -> rusqlite::Result<Option<LoadedRun>> {
        let sql = format!("SELECT {}, {} FROM runs WHERE run_id = ?1", rows::RUN, rows::LOADED);
        let Some(run) = self.db.query_row(&sql, [id.as_str()], rows::loaded_run).optional()? else { return Ok(None) };
        let many = |sql: String| self.db.prepare(&sql);
        let tasks = many(format!("SELECT {} FROM task_instances WHERE run_id = ?1 ORDER BY position, map_index", rows::TASK))?
            .query_map([id.as_str()], |row| rows::task(row).map(Arc::new))?
            .collect::<rusqlite::Result<_>>()?;
        let open_attempts = many(format!("SELECT {} FROM attempts WHERE run_id = ?1 AND state IN ('starting', 'running')", rows::ATTEMPT))?
            .query_map([id.as_str()], rows::attempt)?
            .collect::<rusqlite::Result<_>>()?;
        let artifacts = many(format!("SELECT {} FROM artifacts WHERE run_id = ?1", rows::ARTIFACT))?
            .query_map([id.as_str()], rows::artifact)?
            .collect::<rusqlite::Result<_>>()?;
        Ok(Some(LoadedRun { run, tasks, open_attempts, artifacts }))
    }
}

/// Removes the rows of a run that is over; false if there is none.
fn forget(db: &Transaction<'_>, run: &RunId) -> rusqlite::Result<bool> {
    let over = "SELECT 1 FROM runs WHERE run_id = ?1 AND state NOT IN ('queued', 'running', 'canceling')";
    if !db.prepare_cached(over)?.exists([run.as_str()])? {
        return Ok(false);
    }
    // What refers to others goes first.
    for table in ["artifacts", "attempts", "task_instances", "journal", "notifications", "runs"] {
        db.prepare_cached(&format!("DELETE FROM {table} WHERE run_id = ?1"))?.execute([run.as_str()])?;
    }
    Ok(true)
}

/// Whether somebody relies on it outside: whoever gave a command, reads an artifact, or hears that a run is over.
fn is_told(change: &Change) -> bool {
    match &change.what {
        What::Command { .. }
        | What::Artifact(_)
        | What::Pipeline { .. }
        | What::Engine { .. }
        | What::Firing(_)
        | What::Backfill { .. } => true,
        What::Run { record, .. } => record.state.is_terminal(),
        What::Task { .. }
        | What::Attempt { .. }
        | What::Wish(_)
        | What::Note(_)
        | What::Trigger(_)
        | What::Notification(_)
        | What::Told(_) => false,
        // Its run is made in the same transaction, or is over.
        What::BackfillItems(..) | What::BackfillItem(..) => true,
    }
}

fn last_seq(db: &Connection) -> rusqlite::Result<i64> {
    db.prepare_cached("SELECT coalesce(max(seq), 0) FROM journal")?.query_row([], |row| row.get(0))
}

/// The columns of a journal entry that depend on what changed.
struct Entry<'a> {
    entity: String,
    from: Option<&'a str>,
    to: Option<&'a str>,
    reason: Option<&'a str>,
    command: Option<&'a str>,
    run: Option<&'a str>,
}

impl<'a> Entry<'a> {
    /// A link in the chain of one entity.
    const fn transition(entity: String, run: &'a str, from: Option<&'a str>, to: &'a str, reason: Option<&'a str>) -> Self {
        Self { entity, from, to: Some(to), reason, command: None, run: Some(run) }
    }
}

fn write(db: &Transaction<'_>, change: &Change) -> rusqlite::Result<()> {
    let entry = match &change.what {
        What::Run { from, record } => {
            write_run(db, record, from.is_none())?;
            outbox::write_verdict(db, record)?;
            let id = record.run_id.as_str();
            Entry::transition(format!("run/{id}"), id, from.map(|s| s.word()), record.state.word(), None)
        }
        What::Task { from, record } => {
            write_task(db, record)?;
            let (from, reason) = (from.map(|s| s.word()), record.reason.map(|r| r.word()));
            Entry::transition(record.key.entity(), record.key.run.as_str(), from, record.state.word(), reason)
        }
        What::Attempt { from, record } => {
            write_attempt(db, record)?;
            if from.is_none() && fault::is_on("no-journal-entry") {
                return Ok(());
            }
            let (from, reason) = (from.map(|s| s.word()), record.reason.map(|r| r.word()));
            Entry::transition(record.key.entity(), record.key.task.run.as_str(), from, record.state.word(), reason)
        }
        What::Wish(record) => return write_task(db, record),
        What::Note(record) => return write_run(db, record, false),
        What::Artifact(record) => return write_artifact(db, record),
        What::Notification(notification) => return outbox::write(db, notification, change.at),
        What::Told(told) => return outbox::write_told(db, told, change.at),
        What::Command { entity, command, reason } => Entry {
            entity: entity.clone(),
            from: None,
            to: None,
            reason: reason.as_deref(),
            command: Some(command),
            run: entity.split('/').nth(1),
        },
        What::Pipeline { pipeline, from, switch } => {
            triggers::write_switch(db, pipeline, switch)?;
            let word = |paused: bool| if paused { "paused" } else { "on" };
            Entry {
                entity: format!("pipeline/{pipeline}"),
                from: from.map(word),
                to: Some(word(switch.paused)),
                reason: None,
                command: None,
                run: None,
            }
        }
        What::Firing(firing) => {
            triggers::write_firing(db, firing)?;
            Entry {
                entity: format!("trigger/{}/{}", firing.pipeline, firing.trigger),
                from: None,
                to: None,
                reason: Some(&firing.why),
                command: Some(firing.outcome.word()),
                run: firing.run.as_ref().map(RunId::as_str),
            }
        }
        What::Trigger(trigger) => return triggers::write_trigger(db, trigger),
        What::Backfill { from, record } => {
            backfills::write(db, record, from.is_none())?;
            Entry {
                entity: format!("backfill/{}", record.id()),
                from: from.map(|state| state.word()),
                to: Some(record.state.word()),
                reason: record.why.as_deref(),
                command: None,
                run: None,
            }
        }
        What::BackfillItems(backfill, items) => return backfills::write_items(db, backfill, items),
        What::BackfillItem(backfill, item) => return backfills::write_item(db, backfill, item),
        What::Engine { start, from, to } => {
            Entry { entity: format!("engine/{start}"), from: *from, to: Some(to), reason: None, command: None, run: None }
        }
    };
    db.prepare_cached(
        "INSERT INTO journal (at, entity, from_state, to_state, reason, by, command, run_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![to_micros(change.at), entry.entity, entry.from, entry.to, entry.reason, change.by, entry.command, entry.run])?;
    Ok(())
}

fn write_run(db: &Transaction<'_>, run: &RunRecord, is_new: bool) -> rusqlite::Result<()> {
    if !is_new {
        db.prepare_cached(
            "UPDATE runs SET state = ?2, started_at = ?3, ended_at = ?4, paused = ?5, undo = ?6, deadline = ?7, watched = ?8 WHERE run_id = ?1",
        )?
        .execute(params![
            run.run_id.as_str(),
            run.state.word(),
            run.started_at.map(to_micros),
            run.ended_at.map(to_micros),
            run.paused,
            optional_json(run.undo.as_ref())?,
            run.deadline.map(to_micros),
            run.watched,
        ])?;
        return Ok(());
    }
    db.prepare_cached(
        "INSERT INTO runs (run_id, pipeline, number, state, run_type, created_by, logical_date, created_at, started_at, ended_at, params, git, env, definition,
                           paused, idempotency_key, undo, past, deadline, origin, watched)
         VALUES (?1, ?2, (SELECT coalesce(max(number), 0) + 1 FROM runs WHERE pipeline = ?2), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
    )?
    .execute(params![
        run.run_id.as_str(),
        run.definition.id.as_str(),
        run.state.word(),
        run.run_type.word(),
        run.by,
        to_micros(run.logical_date),
        to_micros(run.created_at),
        run.started_at.map(to_micros),
        run.ended_at.map(to_micros),
        json(&run.params)?,
        json(&run.git)?,
        json(&*run.env)?,
        json(&*run.definition)?,
        run.paused,
        run.idempotency_key,
        optional_json(run.undo.as_ref())?,
        run.past.as_ref().map(RunId::as_str),
        run.deadline.map(to_micros),
        optional_json(run.origin.as_ref())?,
        run.watched,
    ])?;
    Ok(())
}

/// A JSON text as an SQL value.
pub(super) fn json(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// The same for what may be absent.
pub(super) fn optional_json(value: Option<&impl serde::Serialize>) -> rusqlite::Result<Option<String>> {
    value.map(json).transpose()
}

fn write_task(db: &Transaction<'_>, task: &TaskRecord) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO task_instances (run_id, position, task, map_index, state, reason, message, generation, last_attempt, forgiven, never_begun, retry_at,
                                     cancel_requested, outputs, output_parameters, metrics, gates, queued_at, decision)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)
         ON CONFLICT (run_id, task, map_index) DO UPDATE SET state = ?5, reason = ?6, message = ?7, generation = ?8, last_attempt = ?9, forgiven = ?10,
             never_begun = ?11, retry_at = ?12, cancel_requested = ?13, outputs = ?14, output_parameters = ?15, metrics = ?16, gates = ?17,
             queued_at = ?18, decision = ?19",
    )?
    .execute(params![
        task.key.run.as_str(),
        task.position as i64,
        task.key.task.as_str(),
        rows::stored_index(task.key.map_index),
        task.state.word(),
        task.reason.map(|r| r.word()),
        task.message,
        task.generation,
        task.last_attempt,
        task.forgiven,
        task.never_begun,
        task.retry_at.map(to_micros),
        task.cancel_requested,
        json(&task.outputs)?,
        json(&task.output_parameters)?,
        json(&task.metrics)?,
        json(&task.gates)?,
        task.queued_at.map(to_micros),
        optional_json(task.decision.as_ref())?,
    ])?;
    Ok(())
}

fn write_attempt(db: &Transaction<'_>, attempt: &AttemptRecord) -> rusqlite::Result<()> {
    let key = &attempt.key;
    db.prepare_cached(
        "INSERT INTO attempts (run_id, task, map_index, attempt, state, reason, exit_code, signal, created_at, started_at, ended_at, executor, usage,
                               gpus)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
         ON CONFLICT (run_id, task, map_index, attempt) DO UPDATE SET state = ?5, reason = ?6, exit_code = ?7, signal = ?8, started_at = ?10, ended_at = ?11,
             usage = ?13",
    )?
    .execute(params![
        key.task.run.as_str(),
        key.task.task.as_str(),
        rows::stored_index(key.task.map_index),
        key.attempt,
        attempt.state.word(),
        attempt.reason.map(|r| r.word()),
        attempt.exit_code,
        attempt.signal,
        to_micros(attempt.created_at),
        attempt.started_at.map(to_micros),
        attempt.ended_at.map(to_micros),
        attempt.executor,
        optional_json(attempt.usage.as_ref())?,
        json(&attempt.gpus)?,
    ])?;
    Ok(())
}

fn write_artifact(db: &Transaction<'_>, artifact: &ArtifactRecord) -> rusqlite::Result<()> {
    let key = &artifact.producer;
    db.prepare_cached(
        "INSERT INTO artifacts (id, artifact_type, uri, hash, size, name, run_id, task, map_index, attempt, created_at, asset)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?
    .execute(params![
        artifact.id,
        artifact.artifact_type,
        artifact.uri,
        artifact.hash,
        i64::try_from(artifact.size).unwrap_or(i64::MAX),
        artifact.name,
        key.task.run.as_str(),
        key.task.task.as_str(),
        rows::stored_index(key.task.map_index),
        key.attempt,
        to_micros(artifact.created_at),
        artifact.asset,
    ])?;
    Ok(())
}
