//! Pages of long lists, read through the runtime's handle: by key, never whole, a little at a time where little is found.

use super::{
    grid::{GridAsk, GridData, arranged},
    query::Query,
    runs::{Edge, KEYS, RunLine, RunPage, RunsAsk, state_of},
    schedule::{self, Past, Schedule, TriggerKey, TurnOn},
};
use crate::{
    model::{Catchup, PipelineId},
    runtime::{
        FiringQuery, Handle, RunFilter, RuntimeError, clock,
        scheduler::outlook::{TriggerRow, TriggerState},
    },
    stdx::time::Timestamp,
};

/// Runs that are read at once when a filter may leave few of them.
const STRIDE: usize = 500;
/// After this long what was found is told; the rest is looked for when it is asked for.
const PATIENCE: chrono::Duration = chrono::Duration::milliseconds(40);

/// A page of runs that meet a filter.
///
/// # Errors
/// The database cannot be read.
pub fn runs(handle: &Handle, ask: &RunsAsk) -> Result<RunPage, RuntimeError> {
    let query = Query::parse(&ask.filter, KEYS, clock::now());
    let stride = if query.is_empty() { ask.limit } else { STRIDE };
    let measured = query.asks_for("metric.");
    let until = clock::now() + PATIENCE;
    let mut filter = RunFilter { pipeline: ask.pipeline.clone(), limit: stride, ..at_edge(&ask.edge) };
    (filter.since, filter.state) = (query.since(), query.only("state").and_then(state_of));
    let (mut lines, mut next) = (Vec::new(), None);
    loop {
        let mut read = handle.runs(&filter)?;
        if ask.edge.ascends() {
            read.reverse();
        }
        let ended = read.len() < stride;
        let last = read.last().map(|run| run.run_id.clone());
        let found = read.into_iter().map(|run| RunLine { run, metrics: serde_json::Map::new() }).collect();
        let found = if measured { with_metrics(handle, found)? } else { found };
        lines.extend(found.into_iter().filter(|line| query.keeps(line)));
        if lines.len() > ask.limit || (lines.len() == ask.limit && !ended) {
            lines.truncate(ask.limit);
            next = lines.last().map(|line| line.run.run_id.clone());
        } else if !ended {
            next = last;
        }
        if ended || lines.len() >= ask.limit || clock::now() >= until {
            break;
        }
        let Some(beyond) = next.take() else { break };
        (filter.upto, filter.before, filter.after) = (None, None, None);
        *(if ask.edge.ascends() { &mut filter.after } else { &mut filter.before }) = Some(beyond);
    }
    if !measured {
        lines = with_metrics(handle, lines)?;
    }
    if ask.edge.ascends() {
        lines.reverse();
    }
    Ok(RunPage { lines, next })
}

fn at_edge(edge: &Edge) -> RunFilter {
    let filter = RunFilter { oldest: edge.ascends(), ..RunFilter::default() };
    match edge {
        Edge::Newest | Edge::Front | Edge::Oldest => filter,
        Edge::Older(run) => RunFilter { before: Some(run.clone()), ..filter },
        Edge::Newer(run) => RunFilter { after: Some(run.clone()), ..filter },
        Edge::Upto(run) | Edge::At(run) => RunFilter { upto: Some(run.clone()), ..filter },
    }
}

fn with_metrics(handle: &Handle, mut lines: Vec<RunLine>) -> Result<Vec<RunLine>, RuntimeError> {
    let ids: Vec<_> = lines.iter().map(|line| line.run.run_id.clone()).collect();
    for (line, metrics) in lines.iter_mut().zip(handle.metrics(&ids)?) {
        line.metrics = metrics;
    }
    Ok(lines)
}

/// A page of runs by tasks: only the tasks that are looked at.
///
/// # Errors
/// The database cannot be read.
pub fn grid(handle: &Handle, ask: &GridAsk) -> Result<GridData, RuntimeError> {
    let of = |edge: &Edge, limit| RunFilter { pipeline: Some(ask.pipeline.clone()), limit, ..at_edge(edge) };
    let mut runs = handle.runs(&of(&ask.edge, ask.runs + 1))?;
    if ask.edge.ascends() && runs.len() <= ask.runs && !matches!(ask.edge, Edge::Oldest) {
        // Fewer newer ones than a page has: the newest page, so that it is full.
        runs = handle.runs(&of(&Edge::Newest, ask.runs + 1))?;
    } else if ask.edge.ascends() && runs.len() > ask.runs {
        runs.remove(0);
    }
    runs.truncate(ask.runs);
    let beyond = |edge: Edge| handle.runs(&of(&edge, 1)).map(|runs| !runs.is_empty());
    let older = runs.last().map(|run| beyond(Edge::Older(run.run_id.clone()))).transpose()?.unwrap_or(false);
    let newer = runs.first().map(|run| beyond(Edge::Newer(run.run_id.clone()))).transpose()?.unwrap_or(false);
    let newest_first: Vec<_> = runs.iter().map(|run| run.run_id.clone()).collect();
    let (tasks, groups) = arranged(handle.grid_tasks(&newest_first)?);
    runs.reverse();
    let ids: Vec<_> = runs.iter().map(|run| run.run_id.clone()).collect();
    let states = handle.task_states(&ids, &tasks)?;
    let places: Vec<usize> = ask.tasks.iter().copied().filter(|&place| place < tasks.len()).collect();
    let names: Vec<_> = places.iter().map(|&place| tasks[place].clone()).collect();
    let cells = places.into_iter().zip(handle.grid(&ids, &names)?).collect();
    Ok(GridData { pipeline: ask.pipeline.clone(), runs, tasks, groups, states, cells, older, newer })
}
/// What starts runs by itself, with the past of one trigger: the one that is meant, else the first.
///
/// # Errors
/// A file or the database cannot be read.
pub fn schedule(handle: &Handle, about: Option<&TriggerKey>, now: Timestamp) -> Result<Schedule, RuntimeError> {
    let mut found = Schedule::new(handle.outlook(None, schedule::NEXT)?);
    found.past = found.find(about).map(|row| past(handle, row, now)).transpose()?;
    Ok(found)
}

fn past(handle: &Handle, row: &TriggerRow, now: Timestamp) -> Result<Past, RuntimeError> {
    let query = FiringQuery { pipeline: Some(&row.pipeline), trigger: Some(&row.def.id), limit: schedule::PAST, ..FiringQuery::default() };
    let fires = handle.firings(&query)?;
    let days = handle.firing_days(row, schedule::first_day(now.date_naive()), 7 * schedule::WEEKS)?;
    let names = handle.run_names(fires.iter().filter_map(|fire| fire.run.as_ref()))?;
    Ok(Past { of: schedule::key(row), days, fires, names })
}

/// What a trigger sees now.
pub fn sight(handle: &Handle, key: &TriggerKey) -> Result<TriggerState, RuntimeError> {
    let states = handle.trigger_states(&handle.outlook(Some(key.0.as_str()), 1)?)?;
    let gone = || RuntimeError::Usage(format!("{} has no trigger {} any more", key.0, key.1));
    states.into_iter().find(|state| state.row.def.id == key.1).ok_or_else(gone)
}

/// What turning the triggers of a pipeline on would start.
///
/// # Errors
/// A file or the database cannot be read.
pub fn turn_on(handle: &Handle, pipeline: &PipelineId) -> Result<TurnOn, RuntimeError> {
    let preview = |catchup| handle.preview_unpause(pipeline.as_str(), Some(catchup));
    Ok(TurnOn { pipeline: pipeline.clone(), latest: preview(Catchup::Latest)?, all: preview(Catchup::All)? })
}
