//! Triggers: whether they are on, what they saw last, and what became of each fire.

use super::{
    open::StoreError,
    read::Reader,
    rows,
    write::{Writer, json, optional_json},
};
use crate::{
    model::{Firing, Outcome, PipelineId, PipelineSwitch, RunId, TriggerId, TriggerRecord},
    stdx::time::{Timestamp, to_micros},
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use std::collections::BTreeMap;

const SWITCH: &str = "pipeline, paused, since, env, make_up";
const FIRING: &str = "pipeline, trigger, logical_date, decided_at, outcome, run_id, why, count, first";

/// A trigger with its newest fires.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownTrigger {
    /// What is kept of it.
    pub record: TriggerRecord,
    /// The logical date of its newest fire, whatever became of it.
    pub last: Option<Timestamp>,
    /// When it started a run last.
    pub last_started: Option<Timestamp>,
}

/// Fires of one day and outcome, or several missed ones that are one entry.
#[derive(Debug, Clone, PartialEq)]
pub struct FiringCount {
    /// The oldest logical date of several that are one entry, else the same as `last`.
    pub first: Timestamp,
    /// The newest logical date.
    pub last: Timestamp,
    /// What became of them.
    pub outcome: Outcome,
    /// How many they are.
    pub count: u64,
}

/// Which fires to list: of one trigger by logical date, else by when they were decided, newest first.
#[derive(Debug, Clone, Default)]
pub struct FiringQuery<'a> {
    /// Only of this pipeline.
    pub pipeline: Option<&'a PipelineId>,
    /// Only of this trigger.
    pub trigger: Option<&'a TriggerId>,
    /// Only with this outcome.
    pub outcome: Option<Outcome>,
    /// Only those whose logical date is at or after.
    pub since: Option<Timestamp>,
    /// At most so many.
    pub limit: usize,
}

pub(super) fn write_switch(db: &Transaction<'_>, pipeline: &PipelineId, switch: &PipelineSwitch) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO pipelines (pipeline, paused, since, env, make_up) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (pipeline) DO UPDATE SET paused = ?2, since = ?3, env = ?4, make_up = ?5",
    )?
    .execute(params![
        pipeline.as_str(),
        switch.paused,
        switch.since.map(to_micros),
        json(&switch.env)?,
        switch.make_up.map(|make_up| make_up.word()),
    ])?;
    if let (false, Some(since)) = (switch.paused, switch.since) {
        // A clock was wrong when they were decided. Whoever turns the triggers on wants them to fire from now on.
        db.prepare_cached("DELETE FROM firings WHERE pipeline = ?1 AND logical_date > ?2")?
            .execute(params![pipeline.as_str(), to_micros(since)])?;
    }
    Ok(())
}

pub(super) fn write_trigger(db: &Transaction<'_>, trigger: &TriggerRecord) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO triggers (pipeline, trigger, since, memory) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (pipeline, trigger) DO UPDATE SET since = ?3, memory = ?4",
    )?
    .execute(params![
        trigger.pipeline.as_str(),
        trigger.trigger.as_str(),
        to_micros(trigger.since),
        optional_json(trigger.memory.as_ref())?
    ])?;
    Ok(())
}

pub(super) fn write_firing(db: &Transaction<'_>, firing: &Firing) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO firings (pipeline, trigger, logical_date, decided_at, outcome, run_id, why, count, first)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        firing.pipeline.as_str(),
        firing.trigger.as_str(),
        to_micros(firing.logical_date),
        to_micros(firing.decided_at),
        firing.outcome.word(),
        firing.run.as_ref().map(RunId::as_str),
        firing.why,
        firing.count,
        firing.first.map(to_micros),
    ])?;
    Ok(())
}

fn switch(row: &Row<'_>) -> rusqlite::Result<(PipelineId, PipelineSwitch)> {
    let found = PipelineSwitch {
        paused: row.get(1)?,
        since: rows::optional_time(row, 2)?,
        env: rows::json(row, 3)?,
        make_up: rows::optional_word(row, 4)?,
    };
    Ok((PipelineId::from(row.get::<_, String>(0)?), found))
}

fn firing(row: &Row<'_>) -> rusqlite::Result<Firing> {
    Ok(Firing {
        pipeline: row.get::<_, String>(0)?.into(),
        trigger: row.get::<_, String>(1)?.into(),
        logical_date: rows::time(row, 2)?,
        decided_at: rows::time(row, 3)?,
        outcome: rows::word(row, 4)?,
        run: row.get::<_, Option<String>>(5)?.map(RunId::from),
        why: row.get(6)?,
        count: row.get(7)?,
        first: rows::optional_time(row, 8)?,
    })
}

fn switches(db: &Connection) -> rusqlite::Result<BTreeMap<PipelineId, PipelineSwitch>> {
    db.prepare_cached(&format!("SELECT {SWITCH} FROM pipelines"))?.query_map([], switch)?.collect()
}

fn known(db: &Connection) -> rusqlite::Result<Vec<KnownTrigger>> {
    let newest = |condition: &str, column: &str| {
        format!("(SELECT max({column}) FROM firings f WHERE f.pipeline = t.pipeline AND f.trigger = t.trigger{condition})")
    };
    let sql = format!(
        "SELECT pipeline, trigger, since, memory, {}, {} FROM triggers t",
        newest("", "logical_date"),
        newest(" AND f.outcome = 'started'", "decided_at")
    );
    let row = |row: &Row<'_>| {
        let record = TriggerRecord {
            pipeline: row.get::<_, String>(0)?.into(),
            trigger: row.get::<_, String>(1)?.into(),
            since: rows::time(row, 2)?,
            memory: rows::optional_json(row, 3)?,
        };
        Ok(KnownTrigger { record, last: rows::optional_time(row, 4)?, last_started: rows::optional_time(row, 5)? })
    };
    db.prepare_cached(&sql)?.query_map([], row)?.collect()
}

impl Writer {
    /// Whether the triggers of a pipeline are off; `None` if nobody ever said so.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn is_paused(&self, pipeline: &PipelineId) -> Result<Option<bool>, StoreError> {
        self.read(|db| {
            db.prepare_cached("SELECT paused FROM pipelines WHERE pipeline = ?1")?
                .query_row([pipeline.as_str()], |row| row.get(0))
                .optional()
        })
    }

    /// Every pipeline about whose triggers somebody said something.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn switches(&self) -> Result<BTreeMap<PipelineId, PipelineSwitch>, StoreError> {
        self.read(switches)
    }

    /// Every trigger that was ever on.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn known_triggers(&self) -> Result<Vec<KnownTrigger>, StoreError> {
        self.read(known)
    }

    /// Forgets fires that were decided before; the newest of each trigger stays, since the next is counted from it.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn forget_firings(&mut self, before: Timestamp) -> Result<usize, StoreError> {
        self.read(|db| {
            db.prepare_cached(
                "DELETE FROM firings WHERE decided_at < ?1 AND logical_date <
                     (SELECT max(logical_date) FROM firings f WHERE f.pipeline = firings.pipeline AND f.trigger = firings.trigger)",
            )?
            .execute([to_micros(before)])
        })
    }
}

impl Reader {
    /// Pipelines whose triggers are off since this one turned them off, who is not the person that had turned them on.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn turned_off_by(&self, by: &str) -> Result<Vec<PipelineId>, StoreError> {
        // Of several rows, `max` names the one whose other columns are given.
        let sql =
            "SELECT substr(entity, 10), by, from_state, to_state, max(seq) FROM journal WHERE entity GLOB 'pipeline/*' GROUP BY entity";
        let off = format!("SELECT * FROM ({sql}) WHERE by = ?1 AND from_state = 'on' AND to_state = 'paused'");
        self.read(|db| db.prepare(&off)?.query_map([by], |row| Ok(PipelineId::from(row.get::<_, String>(0)?)))?.collect())
    }

    /// Every pipeline about whose triggers somebody said something.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn switches(&self) -> Result<BTreeMap<PipelineId, PipelineSwitch>, StoreError> {
        self.read(switches)
    }

    /// Every trigger that was ever on.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn known_triggers(&self) -> Result<Vec<KnownTrigger>, StoreError> {
        self.read(known)
    }

    /// Fires, in the order of the query.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn firings(&self, query: &FiringQuery<'_>) -> Result<Vec<Firing>, StoreError> {
        let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
        let sql = format!(
            "SELECT {FIRING} FROM firings
             WHERE (?1 IS NULL OR pipeline = ?1) AND (?2 IS NULL OR trigger = ?2) AND (?3 IS NULL OR outcome = ?3) AND (?4 IS NULL OR logical_date >= ?4)
             ORDER BY {} DESC LIMIT ?5",
            // Of one pipeline the key gives the order; of all of them the index does.
            if query.trigger.is_some() { "logical_date" } else { "decided_at" }
        );
        let (pipeline, trigger) = (query.pipeline.map(PipelineId::as_str), query.trigger.map(TriggerId::as_str));
        let (outcome, since) = (query.outcome.map(|outcome| outcome.word()), query.since.map(to_micros));
        self.read(|db| db.prepare_cached(&sql)?.query_map(params![pipeline, trigger, outcome, since, limit], firing)?.collect())
    }

    /// The fires of a trigger since then, counted by days of UTC.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn firing_counts(&self, pipeline: &PipelineId, trigger: &TriggerId, since: Timestamp) -> Result<Vec<FiringCount>, StoreError> {
        const DAY: i64 = 86_400_000_000;
        let sql = format!(
            "SELECT coalesce(first, max(logical_date)), max(logical_date), outcome, sum(count) FROM firings
             WHERE pipeline = ?1 AND trigger = ?2 AND logical_date >= ?3
             GROUP BY logical_date / {DAY}, outcome, first"
        );
        let count = |row: &Row<'_>| {
            let count = row.get::<_, i64>(3)?.unsigned_abs();
            Ok(FiringCount { first: rows::time(row, 0)?, last: rows::time(row, 1)?, outcome: rows::word(row, 2)?, count })
        };
        let since = to_micros(since);
        self.read(|db| db.prepare_cached(&sql)?.query_map(params![pipeline.as_str(), trigger.as_str(), since], count)?.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{
            Durability,
            record::{Change, What},
        },
        stdx::time::from_micros,
        store::FILE,
    };

    fn fired(second: i64) -> Firing {
        let at = from_micros(second * 1_000_000);
        Firing {
            pipeline: "p".into(),
            trigger: "t".into(),
            logical_date: at,
            decided_at: at,
            outcome: Outcome::Started,
            run: Some("r".into()),
            why: "every 1s".to_owned(),
            count: 1,
            first: None,
        }
    }

    fn commit(store: &mut Writer, firing: Firing) -> Result<(), StoreError> {
        let change = Change { at: firing.decided_at, by: "scheduler".to_owned(), what: What::Firing(Box::new(firing)) };
        store.commit(&[change]).map(drop)
    }

    #[test]
    fn a_second_fire_for_a_time_is_refused_and_old_ones_are_forgotten_but_the_newest() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Writer::open(&folder.path().join(FILE), Durability::Strict).unwrap();
        for second in 1..=5 {
            commit(&mut store, fired(second)).unwrap();
        }
        assert!(commit(&mut store, fired(3)).is_err());
        let reader = Reader::open(folder.path()).unwrap();
        let kept = || {
            let query = FiringQuery { limit: 10, ..FiringQuery::default() };
            reader.firings(&query).unwrap().iter().map(|firing| firing.logical_date.timestamp()).collect::<Vec<_>>()
        };
        assert_eq!(kept(), [5, 4, 3, 2, 1]);
        store.forget_firings(from_micros(3_000_000)).unwrap();
        assert_eq!(kept(), [5, 4, 3]);
        store.forget_firings(from_micros(60_000_000)).unwrap();
        // The next fire is counted from it.
        assert_eq!(kept(), [5]);
    }
}
