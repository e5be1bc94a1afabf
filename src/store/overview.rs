//! What the list of pipelines says of each: its newest runs, what in them needs a person, the number it is known by.

use super::{Reader, open::StoreError, rows};
use crate::model::{Concern, GateLine, Headline, LastRun, PipelineId, Reason, RunId, RunState};
use rusqlite::{CachedStatement, Connection, Row, params};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// How many runs a pipeline's strip shows.
const STRIP: i64 = 10;
/// How many of a run's task instances are told of.
const CONCERNS: i64 = 3;
/// How many runs are asked for the headline before it is given up.
const HEADLINE_RUNS: usize = 3;

/// What is known of a pipeline that ran.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// The newest run.
    pub last_run: LastRun,
    /// States of the newest ten, newest last.
    pub recent: Vec<RunState>,
    /// The number it is known by.
    pub headline: Option<Headline>,
}

impl Reader {
    /// What is known of each of these pipelines that ever ran.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn overview(&self, pipelines: &[PipelineId]) -> Result<HashMap<PipelineId, Overview>, StoreError> {
        self.read(|db| {
            let mut questions = Questions::prepare(db)?;
            let mut found = HashMap::new();
            for pipeline in pipelines {
                if let Some(overview) = questions.ask(pipeline)? {
                    found.insert(pipeline.clone(), overview);
                }
            }
            Ok(found)
        })
    }
}

struct Questions<'a> {
    newest: CachedStatement<'a>,
    progress: CachedStatement<'a>,
    concerns: CachedStatement<'a>,
    metrics: CachedStatement<'a>,
}

impl<'a> Questions<'a> {
    fn prepare(db: &'a Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            newest: db.prepare_cached(
                "SELECT run_id, number, state, created_at, ended_at, paused, watched FROM runs WHERE pipeline = ?1 ORDER BY run_id DESC LIMIT ?2",
            )?,
            progress: db.prepare_cached(
                "SELECT count(*) FILTER (WHERE state IN ('success', 'failed', 'upstream_failed', 'skipped', 'canceled', 'lost')), count(*),
                        count(*) FILTER (WHERE state = 'awaiting_approval'),
                        count(*) FILTER (WHERE state IN ('failed', 'lost', 'awaiting_approval', 'up_for_retry'))
                 FROM task_instances WHERE run_id = ?1",
            )?,
            concerns: db.prepare_cached(
                "SELECT t.task, t.map_index, t.state, t.message, t.reason, a.exit_code, coalesce(a.ended_at, a.created_at)
                 FROM task_instances t LEFT JOIN attempts a
                   ON a.run_id = t.run_id AND a.task = t.task AND a.map_index = t.map_index AND a.attempt = t.last_attempt
                 WHERE t.run_id = ?1 AND t.state IN ('failed', 'lost', 'awaiting_approval', 'up_for_retry')
                 ORDER BY t.state <> 'awaiting_approval', t.state = 'up_for_retry', t.position, t.map_index LIMIT ?2",
            )?,
            metrics: db
                .prepare_cached("SELECT metrics, gates FROM task_instances WHERE run_id = ?1 AND metrics <> '{}' ORDER BY position")?,
        })
    }

    fn ask(&mut self, pipeline: &PipelineId) -> rusqlite::Result<Option<Overview>> {
        let mut runs: Vec<LastRun> =
            self.newest.query_map(params![pipeline.as_str(), STRIP], bare_run)?.collect::<rusqlite::Result<_>>()?;
        let Some(newest) = runs.first_mut() else { return Ok(None) };
        let counted = |row: &Row<'_>| Ok(((row.get(0)?, row.get(1)?), row.get(2)?, row.get::<_, u32>(3)?));
        let concerned;
        (newest.progress, newest.awaiting, concerned) = self.progress.query_row([newest.run_id.as_str()], counted)?;
        if concerned > 0 {
            newest.concerns =
                self.concerns.query_map(params![newest.run_id.as_str(), CONCERNS], concern)?.collect::<rusqlite::Result<_>>()?;
        }
        let mut headline = None;
        for run in runs.iter().filter(|run| run.state.is_terminal()).take(HEADLINE_RUNS) {
            let measured = |row: &Row<'_>| Ok((rows::json::<Map<String, Value>>(row, 0)?, rows::json::<Vec<GateLine>>(row, 1)?));
            let tasks: Vec<_> = self.metrics.query_map([run.run_id.as_str()], measured)?.collect::<rusqlite::Result<_>>()?;
            headline = Headline::of(&tasks);
            if headline.is_some() {
                break;
            }
        }
        let recent = runs.iter().rev().map(|run| run.state).collect();
        Ok(Some(Overview { last_run: runs.swap_remove(0), recent, headline }))
    }
}

fn bare_run(row: &Row<'_>) -> rusqlite::Result<LastRun> {
    Ok(LastRun {
        run_id: RunId::from(row.get::<_, String>(0)?),
        number: row.get::<_, i64>(1)?.unsigned_abs(),
        state: rows::word(row, 2)?,
        created_at: rows::time(row, 3)?,
        ended_at: rows::optional_time(row, 4)?,
        progress: (0, 0),
        paused: row.get(5)?,
        watched: row.get(6)?,
        awaiting: 0,
        concerns: Vec::new(),
    })
}

fn concern(row: &Row<'_>) -> rusqlite::Result<Concern> {
    let message: Option<String> = row.get(3)?;
    let reason: Option<Reason> = rows::optional_word(row, 4)?;
    let words = match (message, reason, row.get::<_, Option<i32>>(5)?) {
        (Some(message), ..) => message,
        (None, Some(Reason::ExitCode), Some(code)) => format!("exit {code}"),
        (None, Some(reason), _) => reason.word().replace('_', " "),
        (None, None, _) => String::new(),
    };
    Ok(Concern {
        task: row.get::<_, String>(0)?.into(),
        map_index: u32::try_from(row.get::<_, i64>(1)?).ok(),
        state: rows::word(row, 2)?,
        words,
        since: rows::optional_time(row, 6)?,
    })
}
