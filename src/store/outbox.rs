//! The outbox: who is to be told what, and what became of it. Rows are made in the transaction of what they tell of.

use super::{open::StoreError, read::Reader, rows, write::Writer};
use crate::{
    model::{
        Channel, Notification, NotificationRow, NotificationState, Pending, Pile, PipelineId, RunId, RunState, Told, Waiting,
        record::RunRecord,
    },
    stdx::time::{Timestamp, from_micros, to_micros},
};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use std::time::Duration;

/// So many notifications are kept, beside those that wait.
const KEPT: i64 = 10_000;

pub(super) fn write(db: &Transaction<'_>, new: &Notification, at: Timestamp) -> rusqlite::Result<()> {
    let made = db
        .prepare_cached(
            "INSERT OR IGNORE INTO notifications (occasion, pipeline, run_id, about, note, times, channel, created_at, due_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            new.pile.occasion.word(),
            new.pile.pipeline.as_str(),
            new.run_id.as_ref().map(RunId::as_str),
            new.about,
            new.note,
            i64::try_from(new.times).unwrap_or(i64::MAX),
            new.pile.channel.text(),
            to_micros(at),
            to_micros(new.due_at),
        ])?;
    if made > 0 {
        db.prepare_cached("DELETE FROM notifications WHERE id <= ?1 AND state != 'pending'")?.execute([db.last_insert_rowid() - KEPT])?;
    }
    Ok(())
}

/// All that was in one message came to the same.
pub(super) fn write_told(db: &Transaction<'_>, told: &Told, at: Timestamp) -> rusqlite::Result<()> {
    let ended = (told.state != NotificationState::Pending).then(|| to_micros(at));
    db.prepare_cached(
        "UPDATE notifications SET state = ?5, attempts = attempts + 1, due_at = ?6, ended_at = ?7, detail = ?8, told_with = iif(id = ?4, NULL, ?4)
         WHERE channel = ?1 AND pipeline = ?2 AND occasion = ?3 AND state = 'pending' AND id <= ?4",
    )?
    .execute(params![
        told.pile.channel.text(),
        told.pile.pipeline.as_str(),
        told.pile.occasion.word(),
        told.upto,
        told.state.word(),
        to_micros(told.due_at),
        ended,
        told.detail,
    ])?;
    Ok(())
}

/// How the last run of a pipeline ended, of those that succeeded or failed.
pub(super) fn write_verdict(db: &Transaction<'_>, run: &RunRecord) -> rusqlite::Result<()> {
    if matches!(run.state, RunState::Success | RunState::Failed) {
        db.prepare_cached("INSERT INTO verdicts (pipeline, state) VALUES (?1, ?2) ON CONFLICT (pipeline) DO UPDATE SET state = ?2")?
            .execute([run.definition.id.as_str(), run.state.word()])?;
    }
    Ok(())
}

impl Writer {
    /// How the last run of a pipeline ended, of those that succeeded or failed.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn verdict(&self, pipeline: &PipelineId) -> Result<Option<RunState>, StoreError> {
        self.read(|db| {
            db.prepare_cached("SELECT state FROM verdicts WHERE pipeline = ?1")?
                .query_row([pipeline.as_str()], |row| rows::word(row, 0))
                .optional()
        })
    }

    /// How long the last runs of a pipeline took that succeeded, from when they were asked for; at most `most`.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn durations(&self, pipeline: &PipelineId, most: usize) -> Result<Vec<Duration>, StoreError> {
        let took = |row: &Row<'_>| Ok(Duration::from_micros(u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0)));
        // A pipeline that never succeeds is not searched to its first run.
        let sql = "SELECT ended_at - created_at FROM (SELECT state, created_at, ended_at FROM runs WHERE pipeline = ?1 ORDER BY run_id DESC LIMIT 200)
                   WHERE state = 'success' AND ended_at IS NOT NULL LIMIT ?2";
        self.read(|db| db.prepare_cached(sql)?.query_map(params![pipeline.as_str(), most as i64], took)?.collect())
    }

    /// Everything that waits to be told.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn waiting(&self) -> Result<Vec<Waiting>, StoreError> {
        self.read(|db| {
            db.prepare(
                "SELECT channel, pipeline, occasion, count(*), max(attempts), max(due_at), min(created_at) FROM notifications
                 WHERE state = 'pending' GROUP BY channel, pipeline, occasion",
            )?
            .query_map([], |row| {
                Ok(Waiting {
                    pile: pile(row)?,
                    count: counted(row, 3)?,
                    attempts: row.get(4)?,
                    due_at: rows::time(row, 5)?,
                    since: rows::time(row, 6)?,
                })
            })?
            .collect()
        })
    }

    /// When the last message of each pile was due, of those after `after`.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn last_told(&self, after: Timestamp) -> Result<Vec<(Pile, Timestamp)>, StoreError> {
        self.read(|db| {
            db.prepare(
                "SELECT channel, pipeline, occasion, max(due_at) FROM notifications WHERE due_at > ?1 AND state = 'sent'
                 GROUP BY channel, pipeline, occasion",
            )?
            .query_map([to_micros(after)], |row| Ok((pile(row)?, from_micros(row.get(3)?))))?
            .collect()
        })
    }
}

impl Reader {
    /// What waits in a pile, the newest `most` of it.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn pile(&self, pile: &Pile, most: usize) -> Result<Pending, StoreError> {
        let these = "channel = ?1 AND pipeline = ?2 AND occasion = ?3 AND state = 'pending'";
        let names = [pile.channel.text(), pile.pipeline.as_str(), pile.occasion.word()];
        self.read(|db| {
            let (count, times) = db
                .prepare_cached(&format!("SELECT count(*), coalesce(sum(times), 0) FROM notifications WHERE {these}"))?
                .query_row(names, |row| Ok((counted(row, 0)?, counted(row, 1)?)))?;
            let mut newest: Vec<NotificationRow> = db
                .prepare_cached(&format!("SELECT {NOTIFICATION} FROM notifications WHERE {these} ORDER BY id DESC LIMIT {most}"))?
                .query_map(names, notification)?
                .collect::<rusqlite::Result<_>>()?;
            newest.reverse();
            Ok(Pending { newest, count, times })
        })
    }

    /// Notifications newer than `after`, the newest `most` of them, newest first; of one pipeline if asked.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn notifications(&self, pipeline: Option<&PipelineId>, after: i64, most: usize) -> Result<Vec<NotificationRow>, StoreError> {
        let sql =
            format!("SELECT {NOTIFICATION} FROM notifications WHERE id > ?1 AND (?2 IS NULL OR pipeline = ?2) ORDER BY id DESC LIMIT ?3");
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.read(|db| db.prepare_cached(&sql)?.query_map(params![after, pipeline.map(PipelineId::as_str), most], notification)?.collect())
    }
}

const NOTIFICATION: &str =
    "id, occasion, pipeline, run_id, about, note, channel, created_at, due_at, state, attempts, ended_at, detail, told_with, times";

fn notification(row: &Row<'_>) -> rusqlite::Result<NotificationRow> {
    Ok(NotificationRow {
        id: row.get(0)?,
        occasion: rows::word(row, 1)?,
        pipeline: row.get::<_, String>(2)?.into(),
        run_id: row.get::<_, Option<String>>(3)?.map(RunId::from),
        about: row.get(4)?,
        note: row.get(5)?,
        channel: Channel::kept(row.get(6)?),
        created_at: rows::time(row, 7)?,
        due_at: rows::time(row, 8)?,
        state: rows::word(row, 9)?,
        attempts: row.get(10)?,
        ended_at: row.get::<_, Option<i64>>(11)?.map(from_micros),
        detail: row.get(12)?,
        told_with: row.get(13)?,
        times: counted(row, 14)?,
    })
}

fn counted(row: &Row<'_>, column: usize) -> rusqlite::Result<usize> {
    Ok(usize::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
}

fn pile(row: &Row<'_>) -> rusqlite::Result<Pile> {
    Ok(Pile { channel: Channel::kept(row.get(0)?), pipeline: row.get::<_, String>(1)?.into(), occasion: rows::word(row, 2)? })
}
