//! Backfills, and what became of each of their dates.

use super::{
    open::StoreError,
    read::Reader,
    rows,
    write::{Writer, json},
};
use crate::{
    model::{
        BackfillId, BackfillItem, BackfillRecord, BackfillRequest, BackfillRow, BackfillSnapshot, BackfillState, Bound, DataInterval,
        ItemState, PipelineId, Progress, RunId, RunState, TriggerId,
    },
    stdx::time::{Timestamp, to_micros},
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params, types::Type};
use std::collections::BTreeMap;

const BACKFILL: &str = "backfill, pipeline, trigger, first, last, reprocess, max_active, reverse, params, env, text, timezone, state, why, created_by, created_at, ended_at";
const ITEM: &str = "position, logical_date, interval_start, interval_end, state, run_id, why";
const OPEN: &str = "state IN ('queued', 'running', 'paused', 'canceling')";

/// A date is as its run is, where that is still there: after a backfill is over, a person may have tried a run of it again.
const STATE: &str =
    "CASE WHEN r.state IS NULL THEN i.state WHEN r.state IN ('queued', 'running', 'canceling') THEN 'running' ELSE r.state END";

pub(super) fn write(db: &Transaction<'_>, backfill: &BackfillRecord, is_new: bool) -> rusqlite::Result<()> {
    if !is_new {
        return db
            .prepare_cached("UPDATE backfills SET state = ?2, why = ?3, ended_at = ?4 WHERE backfill = ?1")?
            .execute(params![backfill.id().as_str(), backfill.state.word(), backfill.why, backfill.ended_at.map(to_micros)])
            .and_then(one);
    }
    let asked = &backfill.request;
    db.prepare_cached(&format!(
        "INSERT INTO backfills ({BACKFILL}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)"
    ))?
    .execute(params![
        asked.id.as_str(),
        asked.pipeline.as_str(),
        asked.trigger.as_ref().map(TriggerId::as_str),
        asked.from.to_string(),
        asked.to.to_string(),
        asked.reprocess.word(),
        asked.max_active,
        asked.reverse,
        json(&asked.params)?,
        json(&asked.env)?,
        backfill.text,
        backfill.timezone,
        backfill.state.word(),
        backfill.why,
        backfill.by,
        to_micros(backfill.created_at),
        backfill.ended_at.map(to_micros),
    ])?;
    Ok(())
}

pub(super) fn write_items(db: &Transaction<'_>, backfill: &BackfillId, items: &[BackfillItem]) -> rusqlite::Result<()> {
    let mut insert =
        db.prepare_cached(&format!("INSERT INTO backfill_items (backfill, {ITEM}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"))?;
    for item in items {
        insert.execute(params![
            backfill.as_str(),
            item.position,
            to_micros(item.logical_date),
            to_micros(item.data_interval.start),
            to_micros(item.data_interval.end),
            item.state.word(),
            item.run.as_ref().map(RunId::as_str),
            item.why,
        ])?;
    }
    Ok(())
}

/// A date that has a run keeps it: another one for it would be a second time.
pub(super) fn write_item(db: &Transaction<'_>, backfill: &BackfillId, item: &BackfillItem) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE backfill_items SET state = ?3, run_id = ?4, why = ?5
         WHERE backfill = ?1 AND position = ?2 AND (run_id IS NULL OR run_id = ?4)",
    )?
    .execute(params![backfill.as_str(), item.position, item.state.word(), item.run.as_ref().map(RunId::as_str), item.why])
    .and_then(one)
}

/// An update that finds no row is a bug, and stops the program as every illegal transition does.
fn one(changed: usize) -> rusqlite::Result<()> {
    if changed == 1 { Ok(()) } else { Err(rusqlite::Error::StatementChangedRows(changed)) }
}

fn bound(row: &Row<'_>, column: usize) -> rusqlite::Result<Bound> {
    let text: String = row.get(column)?;
    text.parse().map_err(|error: String| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into()))
}

fn backfill(row: &Row<'_>) -> rusqlite::Result<BackfillRecord> {
    let request = BackfillRequest {
        id: row.get::<_, String>(0)?.into(),
        pipeline: row.get::<_, String>(1)?.into(),
        trigger: row.get::<_, Option<String>>(2)?.map(TriggerId::from),
        from: bound(row, 3)?,
        to: bound(row, 4)?,
        reprocess: rows::word(row, 5)?,
        max_active: row.get(6)?,
        reverse: row.get(7)?,
        params: rows::json(row, 8)?,
        env: rows::json(row, 9)?,
    };
    Ok(BackfillRecord {
        request,
        text: row.get(10)?,
        timezone: row.get(11)?,
        state: rows::word::<BackfillState>(row, 12)?,
        why: row.get(13)?,
        by: row.get(14)?,
        created_at: rows::time(row, 15)?,
        ended_at: rows::optional_time(row, 16)?,
    })
}

fn item(row: &Row<'_>) -> rusqlite::Result<BackfillItem> {
    Ok(BackfillItem {
        position: row.get(0)?,
        logical_date: rows::time(row, 1)?,
        data_interval: DataInterval { start: rows::time(row, 2)?, end: rows::time(row, 3)? },
        state: rows::word(row, 4)?,
        run: row.get::<_, Option<String>>(5)?.map(RunId::from),
        why: row.get(6)?,
    })
}

fn joined(columns: &str, rest: &str) -> String {
    format!("SELECT {columns} FROM backfill_items i LEFT JOIN runs r ON r.run_id = i.run_id WHERE i.backfill = ?1 {rest}")
}

fn with_items(db: &Connection, id: &BackfillId) -> rusqlite::Result<Option<BackfillSnapshot>> {
    let sql = format!("SELECT {BACKFILL} FROM backfills WHERE backfill = ?1");
    let Some(backfill) = db.prepare_cached(&sql)?.query_row([id.as_str()], backfill).optional()? else { return Ok(None) };
    let items: Vec<BackfillItem> = db
        .prepare_cached(&joined(
            &format!("i.position, i.logical_date, i.interval_start, i.interval_end, {STATE}, i.run_id, i.why"),
            "ORDER BY i.position",
        ))?
        .query_map([id.as_str()], item)?
        .collect::<rusqlite::Result<_>>()?;
    let progress = items.iter().map(|item| item.state).collect();
    Ok(Some(BackfillSnapshot { row: BackfillRow { backfill, progress }, items }))
}

fn progress(db: &Connection, id: &BackfillId) -> rusqlite::Result<Progress> {
    let mut progress = Progress::default();
    let counts = joined(&format!("{STATE} AS s, count(*)"), "GROUP BY s");
    let mut statement = db.prepare_cached(&counts)?;
    let mut found = statement.query([id.as_str()])?;
    while let Some(row) = found.next()? {
        progress.count(rows::word::<ItemState>(row, 0)?, row.get(1)?);
    }
    Ok(progress)
}

fn newest_runs(
    db: &Connection,
    pipeline: &PipelineId,
    from: Timestamp,
    to: Timestamp,
) -> rusqlite::Result<BTreeMap<Timestamp, (RunId, RunState)>> {
    // Rows come oldest first, so that the newest run of a date is the one that stays.
    db.prepare_cached(
        "SELECT logical_date, run_id, state FROM runs WHERE pipeline = ?1 AND logical_date BETWEEN ?2 AND ?3 ORDER BY logical_date, run_id",
    )?
    .query_map(params![pipeline.as_str(), to_micros(from), to_micros(to)], |row| {
        Ok((rows::time(row, 0)?, (RunId::from(row.get::<_, String>(1)?), rows::word(row, 2)?)))
    })?
    .collect()
}

impl Writer {
    /// Whether there is a backfill of that id.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn backfill(&self, id: &BackfillId) -> Result<Option<BackfillSnapshot>, StoreError> {
        self.read(|db| with_items(db, id))
    }

    /// Every backfill that is not over, oldest first, with its dates.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn open_backfills(&self) -> Result<Vec<BackfillSnapshot>, StoreError> {
        self.read(|db| {
            let ids: Vec<BackfillId> = db
                .prepare(&format!("SELECT backfill FROM backfills WHERE {OPEN} ORDER BY backfill"))?
                .query_map([], |row| Ok(row.get::<_, String>(0)?.into()))?
                .collect::<rusqlite::Result<_>>()?;
            ids.iter().filter_map(|id| with_items(db, id).transpose()).collect()
        })
    }

    /// The newest run of each logical date of a pipeline in a stretch, both ends included.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn newest_runs(
        &self,
        pipeline: &PipelineId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<BTreeMap<Timestamp, (RunId, RunState)>, StoreError> {
        self.read(|db| newest_runs(db, pipeline, from, to))
    }
}

impl Reader {
    /// How many backfills make runs, so that somebody must.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn working_backfills(&self) -> Result<usize, StoreError> {
        let count: i64 =
            self.read(|db| db.query_row("SELECT count(*) FROM backfills WHERE state IN ('queued', 'running')", [], |row| row.get(0)))?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    /// Backfills with their progress, newest first; only those that are not over, if asked.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn backfills(&self, pipeline: Option<&PipelineId>, only_open: bool, limit: usize) -> Result<Vec<BackfillRow>, StoreError> {
        let condition = if only_open { OPEN } else { "TRUE" };
        let sql =
            format!("SELECT {BACKFILL} FROM backfills WHERE (?1 IS NULL OR pipeline = ?1) AND {condition} ORDER BY backfill DESC LIMIT ?2");
        self.read(|db| {
            let found: Vec<BackfillRecord> = db
                .prepare_cached(&sql)?
                .query_map(params![pipeline.map(PipelineId::as_str), i64::try_from(limit).unwrap_or(i64::MAX)], backfill)?
                .collect::<rusqlite::Result<_>>()?;
            found.into_iter().map(|backfill| Ok(BackfillRow { progress: progress(db, backfill.id())?, backfill })).collect()
        })
    }

    /// One backfill with its dates.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn backfill(&self, id: &BackfillId) -> Result<Option<BackfillSnapshot>, StoreError> {
        self.read(|db| with_items(db, id))
    }

    /// Ids of backfills that start with `prefix`, at most two: enough to know whether it is unique.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn backfills_with_prefix(&self, prefix: &str) -> Result<Vec<BackfillId>, StoreError> {
        self.read(|db| {
            db.prepare_cached("SELECT backfill FROM backfills WHERE backfill >= ?1 AND backfill < ?1 || '~' ORDER BY backfill LIMIT 2")?
                .query_map([prefix], |row| Ok(row.get::<_, String>(0)?.into()))?
                .collect()
        })
    }

    /// The newest run of each logical date of a pipeline in a stretch, both ends included.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn newest_runs(
        &self,
        pipeline: &PipelineId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<BTreeMap<Timestamp, (RunId, RunState)>, StoreError> {
        self.read(|db| newest_runs(db, pipeline, from, to))
    }
}
