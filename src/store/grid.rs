//! Parts of many runs at once: their tasks by name, what became of some of them, and what they measured.

use super::{Reader, open::StoreError, rows};
use crate::{
    model::{GridCell, GridTask, RunId, TaskId, TaskState, grid::worst},
    stdx::time::Timestamp,
};
use rusqlite::{Row, params};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};

/// What is read of a definition: the groups of its tasks.
#[derive(Deserialize)]
struct Groups {
    tasks: Vec<Grouped>,
}

#[derive(Deserialize)]
struct Grouped {
    group: Option<String>,
}

impl Reader {
    /// The tasks of these runs in order of declaration, each with its group: those of the first, then what the others have besides.
    /// When `most` rows were read, the rest is not asked: runs of one pipeline differ little, and a run may have very many tasks.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn grid_tasks(&self, runs: &[RunId], most: usize) -> Result<Vec<GridTask>, StoreError> {
        self.read(|db| {
            let mut of_run = db.prepare_cached(
                "SELECT task, min(position) FROM task_instances WHERE run_id = ?1 GROUP BY task ORDER BY min(position), task",
            )?;
            let mut defined = db.prepare_cached("SELECT definition FROM runs WHERE run_id = ?1")?;
            let (mut all, mut seen, mut read) = (Vec::new(), HashSet::new(), 0);
            for run in runs {
                let named = |row: &Row<'_>| Ok((TaskId::from(row.get::<_, String>(0)?), row.get::<_, i64>(1)?.unsigned_abs() as usize));
                let tasks: Vec<(TaskId, usize)> = of_run.query_map([run.as_str()], named)?.collect::<rusqlite::Result<_>>()?;
                read += tasks.len();
                let mut new = tasks.into_iter().filter(|(task, _)| seen.insert(task.clone())).peekable();
                if new.peek().is_some() {
                    let mut groups: Groups = defined.query_row([run.as_str()], |row| rows::json(row, 0))?;
                    let mut group = |at: usize| groups.tasks.get_mut(at).and_then(|task| task.group.take());
                    all.extend(new.map(|(task, at)| GridTask { task, group: group(at) }));
                }
                if read >= most {
                    break;
                }
            }
            Ok(all)
        })
    }

    /// The state of each of these tasks in each of these runs: a line for each run; `None` where the run had no such task.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn task_states(&self, runs: &[RunId], tasks: &[TaskId]) -> Result<Vec<Vec<Option<TaskState>>>, StoreError> {
        let places: HashMap<&str, usize> = tasks.iter().enumerate().map(|(at, task)| (task.as_str(), at)).collect();
        self.read(|db| {
            let mut of_run = db.prepare_cached("SELECT task, state FROM task_instances WHERE run_id = ?1")?;
            let mut lines = Vec::with_capacity(runs.len());
            for run in runs {
                let mut line: Vec<Option<TaskState>> = vec![None; tasks.len()];
                let mut found = of_run.query([run.as_str()])?;
                while let Some(row) = found.next()? {
                    if let Some(&at) = places.get(row.get_ref(0)?.as_str()?) {
                        line[at] = Some(worst(line[at], rows::word(row, 1)?));
                    }
                }
                lines.push(line);
            }
            Ok(lines)
        })
    }

    /// What became of these tasks in these runs: for each task, a cell for each run; `None` where the run had no such task.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn grid(&self, runs: &[RunId], tasks: &[TaskId]) -> Result<Vec<Vec<Option<GridCell>>>, StoreError> {
        self.read(|db| {
            let mut of_task = db.prepare_cached(
                "SELECT t.position, t.state, t.reason, t.message, t.last_attempt, t.metrics, t.gates, a.exit_code, a.started_at, a.ended_at
                 FROM task_instances t LEFT JOIN attempts a
                   ON a.run_id = t.run_id AND a.task = t.task AND a.map_index = t.map_index AND a.attempt = t.last_attempt
                 WHERE t.run_id = ?1 AND t.task = ?2 ORDER BY t.map_index",
            )?;
            let mut lines = Vec::with_capacity(tasks.len());
            for task in tasks {
                let mut line = Vec::with_capacity(runs.len());
                for run in runs {
                    let mut cell: Option<GridCell> = None;
                    for instance in of_task.query_map(params![run.as_str(), task.as_str()], cell_of)? {
                        let instance = instance?;
                        match &mut cell {
                            Some(whole) => whole.join(instance),
                            None => cell = Some(instance),
                        }
                    }
                    line.push(cell);
                }
                lines.push(line);
            }
            Ok(lines)
        })
    }

    /// The metrics of each of these runs: of all its tasks together, the later task's value where two have the same.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn metrics(&self, runs: &[RunId]) -> Result<Vec<Map<String, Value>>, StoreError> {
        self.read(|db| {
            let mut of_run =
                db.prepare_cached("SELECT metrics FROM task_instances WHERE run_id = ?1 AND metrics <> '{}' ORDER BY position")?;
            let mut all = Vec::with_capacity(runs.len());
            for run in runs {
                let mut merged = Map::new();
                for metrics in of_run.query_map([run.as_str()], |row| rows::json::<Map<String, Value>>(row, 0))? {
                    merged.extend(metrics?);
                }
                all.push(merged);
            }
            Ok(all)
        })
    }
}

fn cell_of(row: &Row<'_>) -> rusqlite::Result<GridCell> {
    let started: Option<Timestamp> = rows::optional_time(row, 8)?;
    Ok(GridCell {
        position: row.get::<_, i64>(0)?.unsigned_abs() as usize,
        state: rows::word(row, 1)?,
        instances: 1,
        over: 0,
        reason: rows::optional_word(row, 2)?,
        message: row.get(3)?,
        attempt: row.get(4)?,
        exit_code: row.get(7)?,
        started_at: started,
        ended_at: rows::optional_time(row, 9)?,
        metrics: rows::json(row, 5)?,
        gates: rows::json(row, 6)?,
    }
    .counted())
}
