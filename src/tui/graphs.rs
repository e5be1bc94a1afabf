//! The graph of a run at three levels of detail, laid out once per structure and off the thread that draws.

use super::graph::{Drawing, Options, Shape};
use crate::model::{Graph, TaskId, TaskSnapshot};
use std::{collections::HashMap, sync::Arc};

/// How much a pill says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Glyph, name, code, time, below each other in all pills.
    Full,
    /// The same, each pill as narrow as it can be.
    Snug,
    /// Glyph and name.
    Names,
    /// Glyph and the beginning of the name.
    Cut,
}

impl Level {
    /// Every level, most telling first.
    pub const ALL: [Self; 4] = [Self::Full, Self::Snug, Self::Names, Self::Cut];

    /// How many columns the name gets, when the longest is `longest`.
    pub fn name_width(self, name: &str, longest: usize) -> usize {
        match self {
            Self::Full => longest,
            Self::Snug | Self::Names => name.len(),
            Self::Cut => name.len().min(CUT),
        }
    }

    /// Whether it says code and time.
    pub const fn has_fields(self) -> bool {
        matches!(self, Self::Full | Self::Snug)
    }

    /// How many columns the pill takes.
    fn pill_width(self, name: &str, longest: usize) -> usize {
        let fields = if self.has_fields() { 1 + CODE + 1 + TIME } else { 0 };
        2 + self.name_width(name, longest) + fields
    }
}

/// Columns of a cut name.
const CUT: usize = 10;
/// Columns of a state's code.
pub const CODE: usize = 4;
/// Columns of a duration.
pub const TIME: usize = 6;

/// One drawing for each level.
#[derive(Debug, Default)]
pub struct Levels {
    drawings: Vec<Drawing>,
    /// Positions of the tasks, upstream first; ties in order of declaration.
    pub order: Vec<usize>,
    /// Columns of the longest name.
    pub longest: usize,
}

impl Levels {
    /// Draws a graph at every level.
    fn of(key: &Key, ascii: bool) -> Self {
        let longest = key.names.iter().map(|name| name.as_str().len()).max().unwrap_or(0);
        let draw = |level: Level| {
            let width = |name: &TaskId| u16::try_from(level.pill_width(name.as_str(), longest)).unwrap_or(u16::MAX);
            let widths = key.names.iter().map(width).collect();
            Drawing::layout_with(&Shape { widths, upstream: key.upstream.clone() }, Options { ascii, ..Options::default() })
        };
        let order = Graph::from_upstream(key.upstream.clone()).map_or_else(|_| (0..key.names.len()).collect(), |graph| graph.order);
        Self { drawings: Level::ALL.into_iter().map(draw).collect(), order, longest }
    }

    /// The most telling level whose drawing is at most so wide; if none is, the last.
    pub fn fitting(&self, width: usize) -> Option<(Level, &Drawing)> {
        let levels = || Level::ALL.into_iter().zip(&self.drawings);
        levels().find(|(_, drawing)| drawing.width <= width).or_else(|| levels().next_back())
    }
}

/// What a drawing depends on.
#[derive(Debug, PartialEq, Eq)]
struct Key {
    names: Vec<TaskId>,
    upstream: Vec<Vec<usize>>,
}

/// Keeps the drawings of the last structure.
#[derive(Debug)]
pub struct Drafts {
    ascii: bool,
    last: Option<(Key, Arc<Levels>)>,
}

impl Drafts {
    /// None yet.
    pub const fn new(ascii: bool) -> Self {
        Self { ascii, last: None }
    }

    /// The drawings for these tasks: those of before, if the structure is the same.
    pub fn of(&mut self, tasks: &[TaskSnapshot]) -> Arc<Levels> {
        let position: HashMap<&TaskId, usize> = tasks.iter().enumerate().map(|(i, task)| (&task.task, i)).collect();
        let key = Key {
            names: tasks.iter().map(|task| task.task.clone()).collect(),
            upstream: tasks.iter().map(|task| task.upstream.iter().filter_map(|id| position.get(id).copied()).collect()).collect(),
        };
        if let Some((last, levels)) = &self.last
            && *last == key
        {
            return Arc::clone(levels);
        }
        let levels = Arc::new(Levels::of(&key, self.ascii));
        self.last = Some((key, Arc::clone(&levels)));
        levels
    }
}
