//! Runs by tasks: one page of runs, and of their tasks those that are looked at. Pure: no terminal, no clock.

use super::runs::Edge;
use crate::{
    model::{GridCell, GridTask, PipelineId, RunRow, RunType, TaskId, TaskState, grid::worst},
    stdx::time::Timestamp,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    time::Duration,
};

/// A question for a part of the grid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridAsk {
    /// Of which pipeline.
    pub pipeline: PipelineId,
    /// Where the page of runs begins.
    pub edge: Edge,
    /// At most so many runs.
    pub runs: usize,
    /// The cells of which tasks, by their place in the list of names.
    pub tasks: Vec<usize>,
}

/// Tasks that stand together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// As the pipeline file calls it.
    pub name: String,
    /// Its tasks, by place.
    pub tasks: Range<usize>,
}

/// A line of the grid, by number of the group or place of the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// A group; its tasks follow unless it is folded.
    Group(usize),
    /// A task.
    Task(usize),
}

/// A page of runs by tasks.
#[derive(Debug, Clone, PartialEq)]
pub struct GridData {
    /// Of which pipeline.
    pub pipeline: PipelineId,
    /// The runs, newest last.
    pub runs: Vec<RunRow>,
    /// The names of all their tasks; those of a group stand together.
    pub tasks: Vec<TaskId>,
    /// The groups, as their tasks stand.
    pub groups: Vec<Group>,
    /// For each run the state of each task; `None` if the run has no such task.
    pub states: Vec<Vec<Option<TaskState>>>,
    /// For tasks that are looked at, by place, a cell for each run.
    pub cells: BTreeMap<usize, Vec<Option<GridCell>>>,
    /// There are older runs.
    pub older: bool,
    /// There are newer runs.
    pub newer: bool,
}

impl GridData {
    /// The cell of a task in a run, both by place; `None` if the run has no such task, or it was not read.
    pub fn cell(&self, task: usize, run: usize) -> Option<&GridCell> {
        self.cells.get(&task)?.get(run)?.as_ref()
    }

    /// Its lines, without the tasks of groups that are folded.
    pub fn rows(&self, folded: &BTreeSet<String>) -> Vec<Row> {
        let (mut rows, mut at) = (Vec::with_capacity(self.tasks.len() + self.groups.len()), 0);
        for (number, group) in self.groups.iter().enumerate() {
            rows.extend((at..group.tasks.start).map(Row::Task));
            rows.push(Row::Group(number));
            if !folded.contains(&group.name) {
                rows.extend(group.tasks.clone().map(Row::Task));
            }
            at = group.tasks.end;
        }
        rows.extend((at..self.tasks.len()).map(Row::Task));
        rows
    }

    /// The group of a task, by number.
    pub fn group_of(&self, task: usize) -> Option<usize> {
        let after = self.groups.partition_point(|group| group.tasks.start <= task);
        after.checked_sub(1).filter(|&number| self.groups[number].tasks.contains(&task))
    }

    /// The state of a task in a run, both by place; `None` if the run has no such task.
    pub fn state(&self, task: usize, run: usize) -> Option<TaskState> {
        *self.states.get(run)?.get(task)?
    }

    /// Of a group in a run: the state that a person should see first, and the first task that has it.
    pub fn worst(&self, group: usize, run: usize) -> Option<(TaskState, usize)> {
        let tasks = self.groups.get(group)?.tasks.clone();
        let state = tasks.clone().filter_map(|task| self.state(task, run)).fold(None, |seen, state| Some(worst(seen, state)))?;
        tasks.into_iter().find(|&task| self.state(task, run) == Some(state)).map(|task| (state, task))
    }

    /// Whether something failed there by its own doing, not for what failed before it.
    pub fn failed(&self, row: Row, run: usize) -> bool {
        let failed = |task: usize| matches!(self.state(task, run), Some(TaskState::Failed | TaskState::Lost));
        match row {
            Row::Task(task) => failed(task),
            Row::Group(group) => self.groups.get(group).is_some_and(|group| group.tasks.clone().any(failed)),
        }
    }

    /// The run and line of the next failure, or of the one before: down a run, then down the run before it, and round. A group that
    /// is not folded is not counted besides its tasks.
    pub fn failure(&self, rows: &[Row], from: (usize, Option<usize>), forward: bool) -> Option<(usize, usize)> {
        let opens = |at: usize, group: usize| matches!(rows.get(at + 1), Some(Row::Task(task)) if self.group_of(*task) == Some(group));
        let counts = |at: usize| !matches!(rows[at], Row::Group(group) if opens(at, group));
        let newest_first = (0..self.runs.len()).rev().flat_map(|run| (0..rows.len()).map(move |at| (run, at)));
        let failures: Vec<_> = newest_first.filter(|&(run, at)| counts(at) && self.failed(rows[at], run)).collect();
        // The run as such stands before its first line.
        let place = |run: usize, at: Option<usize>| (self.runs.len() - run, at.map_or(0, |at| at + 1));
        let here = place(from.0, from.1);
        let after = failures.partition_point(|&(run, at)| if forward { place(run, Some(at)) <= here } else { place(run, Some(at)) < here });
        let next = if forward { after } else { after.wrapping_sub(1) };
        failures.get(next).or(if forward { failures.first() } else { failures.last() }).copied()
    }

    /// Whether the cells of these tasks are here.
    pub fn covers(&self, tasks: &[usize]) -> bool {
        tasks.iter().all(|task| self.cells.contains_key(task))
    }

    /// Where the next page begins; `None` if there is none.
    pub fn beyond(&self, older: bool) -> Option<Edge> {
        let (is_more, end) = if older { (self.older, self.runs.first()) } else { (self.newer, self.runs.last()) };
        let id = end.filter(|_| is_more)?.run_id.clone();
        Some(if older { Edge::Older(id) } else { Edge::Newer(id) })
    }

    /// How long each run took, up to now if it is not over; `None` if it never began.
    pub fn durations(&self, now: Timestamp) -> Vec<Option<Duration>> {
        let took = |run: &RunRow| (run.ended_at.unwrap_or(now) - run.started_at?).to_std().ok();
        self.runs.iter().map(took).collect()
    }

    /// How long a task usually took in the runs of this page in which it was over.
    pub fn median(&self, task: usize) -> Option<Duration> {
        let mut all: Vec<_> = (0..self.runs.len()).filter_map(|run| took(self.cell(task, run)?)).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied().filter(|_| all.len() > 1)
    }
}

/// Tasks in the order of the grid: those of a group stand where its first stands.
pub fn arranged(all: Vec<GridTask>) -> (Vec<TaskId>, Vec<Group>) {
    let mut members: BTreeMap<String, Vec<TaskId>> = BTreeMap::new();
    let mut blocks: Vec<Result<TaskId, String>> = Vec::new();
    for GridTask { task, group } in all {
        match group {
            None => blocks.push(Ok(task)),
            Some(name) => {
                let known = members.entry(name.clone()).or_default();
                if known.is_empty() {
                    blocks.push(Err(name));
                }
                known.push(task);
            }
        }
    }
    let (mut tasks, mut groups) = (Vec::new(), Vec::new());
    for block in blocks {
        match block {
            Ok(task) => tasks.push(task),
            Err(name) => {
                let start = tasks.len();
                tasks.extend(members.remove(&name).unwrap_or_default());
                groups.push(Group { name, tasks: start..tasks.len() });
            }
        }
    }
    (tasks, groups)
}

/// How long the last attempt took; `None` if it is not over or never began.
pub fn took(cell: &GridCell) -> Option<Duration> {
    (cell.ended_at? - cell.started_at?).to_std().ok()
}

/// What created a run, in a letter.
pub const fn letter(kind: RunType) -> &'static str {
    match kind {
        RunType::Scheduled => "s",
        RunType::Manual => "m",
        RunType::Asset | RunType::File => "d",
        RunType::Drift => "r",
        RunType::Git => "g",
        RunType::Pipeline => "p",
        RunType::Backfill => "b",
    }
}

/// Eighths of a cell, from the bottom.
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A bar of `height` cells, from the top: `part` of them full, in eighths; whatever is more than nothing can be seen.
pub fn bar(part: f64, height: usize) -> Vec<char> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let eighths = (part.clamp(0.0, 1.0) * (height * 8) as f64).round().max(f64::from(u8::from(part > 0.0))) as usize;
    (0..height).rev().map(|below| EIGHTHS[eighths.saturating_sub(below * 8).min(8)]).collect()
}

/// How much of the longest each one is.
pub fn parts(durations: &[Option<Duration>]) -> Vec<Option<f64>> {
    let most = durations.iter().flatten().max().map_or(0.0, Duration::as_secs_f64);
    let part = |took: &Duration| if most > 0.0 { took.as_secs_f64() / most } else { 1.0 };
    durations.iter().map(|took| took.as_ref().map(part)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_high_as_its_part_and_never_invisible() {
        let drawn = |part| bar(part, 2).into_iter().collect::<String>();
        assert_eq!([0.0, 0.001, 0.5, 0.75, 1.0, 7.0].map(drawn), ["  ", " ▁", " █", "▄█", "██", "██"]);
        assert_eq!(drawn(f64::NAN), "  ");
        assert!(bar(0.5, 0).is_empty());
    }

    #[test]
    fn bars_are_parts_of_the_longest() {
        let second = |n| Some(Duration::from_secs(n));
        assert_eq!(parts(&[second(2), None, second(4)]), [Some(0.5), None, Some(1.0)]);
        assert_eq!(parts(&[second(0)]), [Some(1.0)]);
    }

    #[test]
    fn tasks_of_a_group_stand_where_its_first_stands() {
        let task = |name: &str, group: Option<&str>| GridTask { task: name.into(), group: group.map(str::to_owned) };
        let all = vec![task("a", None), task("b", Some("g")), task("c", None), task("d", Some("g")), task("e", Some("h"))];
        let (tasks, groups) = arranged(all);
        assert_eq!(tasks, ["a", "b", "d", "c", "e"].map(TaskId::from));
        let group = |name: &str, tasks| Group { name: name.to_owned(), tasks };
        assert_eq!(groups, [group("g", 1..3), group("h", 4..5)]);
    }
}
