//! Runs by tasks: one page of runs, and of their tasks those that are looked at. Pure: no terminal, no clock.

use super::runs::Edge;
use crate::{
    model::{GridCell, PipelineId, RunRow, RunType, TaskId},
    stdx::time::Timestamp,
};
use std::{ops::Range, time::Duration};

/// A question for a part of the grid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridAsk {
    /// Of which pipeline.
    pub pipeline: PipelineId,
    /// Where the page of runs begins.
    pub edge: Edge,
    /// At most so many runs.
    pub runs: usize,
    /// Which tasks, by their place in the list of names.
    pub tasks: Range<usize>,
}

/// A page of runs by tasks.
#[derive(Debug, Clone, PartialEq)]
pub struct GridData {
    /// Of which pipeline.
    pub pipeline: PipelineId,
    /// The runs, newest last.
    pub runs: Vec<RunRow>,
    /// The names of all their tasks.
    pub tasks: Vec<TaskId>,
    /// The place of the first task whose cells are here.
    pub first: usize,
    /// For each task from there on, a cell for each run.
    pub cells: Vec<Vec<Option<GridCell>>>,
    /// There are older runs.
    pub older: bool,
    /// There are newer runs.
    pub newer: bool,
}

impl GridData {
    /// The cell of a task in a run, both by place; `None` if the run has no such task, or it was not read.
    pub fn cell(&self, task: usize, run: usize) -> Option<&GridCell> {
        self.cells.get(task.checked_sub(self.first)?)?.get(run)?.as_ref()
    }

    /// Whether the cells of these tasks are here.
    pub fn covers(&self, tasks: &Range<usize>) -> bool {
        tasks.start >= self.first && tasks.end.min(self.tasks.len()) <= self.first + self.cells.len()
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
}
