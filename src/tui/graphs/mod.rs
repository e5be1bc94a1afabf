//! The graph of a run at its levels of detail: what is drawn, how large, and where. Laid out off the thread that draws,
//! from the structure alone, so that nothing moves while a run goes on.

mod critical;
mod plan;
mod structure;
#[cfg(test)]
mod tests;

use super::graph::{Drawing, Flow, Options};
use crate::model::TaskSnapshot;
pub use critical::critical_path;
pub use plan::{Node, Plan};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, sync::Arc};
pub use structure::{Group, Structure};

/// How much is said of each task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// A box: glyph and name, below it code and time.
    Box,
    /// Glyph, name, code, time, below each other in all pills.
    Full,
    /// The same, each pill as narrow as it can be.
    Snug,
    /// Glyph and name.
    Names,
    /// Glyph and the beginning of the name.
    Cut,
    /// Only the glyph.
    Glyph,
}

/// Columns of a cut name.
const CUT: usize = 8;
/// Columns of a state's code.
pub const CODE: usize = 4;
/// Columns of a duration.
pub const TIME: usize = 6;
/// Columns of the counts of a group: four states.
const STATES: usize = 4;
/// Rows of a box.
const BOX: u16 = 4;

impl Level {
    /// Every level, most telling first.
    pub const ALL: [Self; 6] = [Self::Box, Self::Full, Self::Snug, Self::Names, Self::Cut, Self::Glyph];

    /// What it is called in the title of the pane.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Box => "boxes",
            Self::Full | Self::Snug => "pills",
            Self::Names => "names",
            Self::Cut => "short names",
            Self::Glyph => "glyphs",
        }
    }

    /// The next more, or less, telling level.
    pub fn beside(self, more: bool) -> Option<Self> {
        let at = Self::ALL.iter().position(|level| *level == self)?;
        let at = if more { at.checked_sub(1)? } else { at + 1 };
        Self::ALL.get(at).copied()
    }

    /// Columns that a name gets, when the longest of all is `longest`.
    pub fn name_width(self, name: &str, longest: usize) -> usize {
        match self {
            Self::Full => longest,
            Self::Box | Self::Snug | Self::Names => name.len(),
            Self::Cut => name.len().min(CUT),
            Self::Glyph => 0,
        }
    }

    /// Whether it says code and time, or how many tasks of a group are how.
    pub const fn has_fields(self) -> bool {
        matches!(self, Self::Box | Self::Full | Self::Snug)
    }

    /// Columns that a thing takes.
    fn width(self, node: &Node, structure: &Structure, longest: usize) -> usize {
        let name = self.name_width(node.name(structure), longest);
        let fields = match node {
            Node::Task(_) => CODE + 1 + TIME,
            Node::Group(_) => counts_width(node.members(structure).len()),
        };
        match self {
            // Two columns on each side are frame.
            Self::Box => 4 + (2 + name).max(if matches!(node, Node::Task(_)) { fields + 2 } else { fields }),
            Self::Full | Self::Snug => 2 + name + 1 + fields,
            Self::Names | Self::Cut => 2 + name + self.count_width(node, structure),
            Self::Glyph => 1,
        }
    }

    /// Columns for how many tasks a group has, where nothing else is told of it.
    fn count_width(self, node: &Node, structure: &Structure) -> usize {
        match node {
            Node::Group(_) if matches!(self, Self::Names | Self::Cut) => 2 + node.members(structure).len().to_string().len(),
            _ => 0,
        }
    }

    /// Free columns at both ends of a pill: lines that come from the side do not touch what it says.
    pub const fn pad(self, flow: Flow) -> usize {
        match (self, flow) {
            (Self::Box, _) | (_, Flow::Down) => 0,
            (_, Flow::Right) => 1,
        }
    }

    const fn rows(self) -> u16 {
        match self {
            Self::Box => BOX,
            _ => 1,
        }
    }
}

/// Columns for how many tasks of a group are how: `7 tasks  ✓3 ▸1 ⊜2 ◌1`.
pub fn counts_width(members: usize) -> usize {
    let digits = members.to_string().len();
    digits + " tasks  ".len() + STATES * (digits + 2) - 1
}

/// The surroundings of one task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Focus {
    /// Whose.
    pub task: usize,
    /// At most so many edges away.
    pub hops: usize,
}

/// How a person wants to see a graph.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// Groups that are shown as one.
    pub folded: Arc<BTreeSet<usize>>,
    /// Only the surroundings of one task.
    pub focus: Option<Focus>,
    /// That level; `None` is the most telling that fits.
    pub level: Option<Level>,
    /// That way; `None` is what fits at a better level, down if both do.
    pub flow: Option<Flow>,
    /// Columns and rows there are.
    pub room: (u16, u16),
}

/// A graph, laid out as wished.
#[derive(Debug)]
pub struct Figure {
    /// The structure it was made of.
    pub structure: Arc<Structure>,
    /// The wish it follows.
    pub wish: Wish,
    /// What is drawn.
    pub plan: Arc<Plan>,
    /// At which level.
    pub level: Level,
    /// Where everything stands.
    pub drawing: Arc<Drawing>,
    /// Columns of the longest name.
    pub longest: usize,
}

impl Figure {
    /// Whether all of it can be seen at once.
    pub fn fits(&self) -> bool {
        fits(&self.drawing, self.wish.room)
    }

    /// The thing that stands for a task.
    pub fn node(&self, task: usize) -> Option<usize> {
        self.plan.node_of.get(task).copied().flatten()
    }
}

fn fits(drawing: &Drawing, (width, height): (u16, u16)) -> bool {
    drawing.width <= usize::from(width) && drawing.height <= usize::from(height)
}

/// Beyond so many things, only one level is tried: nothing would fit, and each layout takes its time.
const TRIED: usize = 1_000;
/// So many layouts are kept.
const KEPT: usize = 24;

/// Reads the structure of runs; keeps the one of before as long as it is the same.
#[derive(Debug, Default)]
pub struct Structures {
    last: Option<Arc<Structure>>,
}

impl Structures {
    /// The structure of these tasks.
    pub fn of(&mut self, tasks: &[TaskSnapshot]) -> Arc<Structure> {
        let structure = Structure::of(tasks);
        match &self.last {
            Some(last) if **last == structure => Arc::clone(last),
            _ => Arc::clone(self.last.insert(Arc::new(structure))),
        }
    }
}

/// What a layout depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    structure: u64,
    folded: Arc<BTreeSet<usize>>,
    focus: Option<Focus>,
    level: Level,
    flow: Flow,
}

/// Lays out, and keeps the last layouts.
#[derive(Debug)]
pub struct Drafts {
    ascii: bool,
    kept: Vec<(Key, Arc<Drawing>)>,
}

impl Drafts {
    /// Nothing laid out yet.
    pub const fn new(ascii: bool) -> Self {
        Self { ascii, kept: Vec::new() }
    }

    /// Lays a structure out as wished.
    pub fn figure(&mut self, structure: &Arc<Structure>, wish: &Wish) -> Figure {
        let plan = Arc::new(Plan::of(structure, wish));
        let (level, drawing) = self.choose(structure, wish, &plan);
        let longest = plan.longest(structure);
        Figure { structure: Arc::clone(structure), wish: wish.clone(), plan, level, drawing, longest }
    }

    fn choose(&mut self, structure: &Structure, wish: &Wish, plan: &Plan) -> (Level, Arc<Drawing>) {
        let is_large = plan.nodes.len() > TRIED;
        let levels: Vec<Level> = match wish.level {
            Some(level) => vec![level],
            None if is_large => vec![Level::Names],
            // Glyphs without names tell too little; whoever wants them asks.
            None => Level::ALL.into_iter().filter(|level| *level != Level::Glyph).collect(),
        };
        let flows = match wish.flow {
            Some(flow) => vec![flow],
            None if is_large => vec![Flow::Down],
            None => vec![Flow::Down, Flow::Right],
        };
        for &level in &levels {
            for &flow in &flows {
                let drawing = self.draw(structure, wish, plan, level, flow);
                if fits(&drawing, wish.room) {
                    return (level, drawing);
                }
            }
        }
        // Nothing fits: pills that are seen in their whole width, or else names, and one scrolls.
        let flow = flows[0];
        let scrolled = [Level::Full, Level::Snug, Level::Names, Level::Cut].into_iter().filter(|level| levels.contains(level));
        for level in scrolled {
            let drawing = self.draw(structure, wish, plan, level, flow);
            if drawing.width <= usize::from(wish.room.0) {
                return (level, drawing);
            }
        }
        let level = if levels.contains(&Level::Names) { Level::Names } else { levels[0] };
        (level, self.draw(structure, wish, plan, level, flow))
    }

    fn draw(&mut self, structure: &Structure, wish: &Wish, plan: &Plan, level: Level, flow: Flow) -> Arc<Drawing> {
        let key = Key { structure: structure.hash, folded: wish.folded.clone(), focus: wish.focus, level, flow };
        if let Some(at) = self.kept.iter().position(|(kept, _)| *kept == key) {
            // The one that was used last goes last.
            let kept = self.kept.remove(at);
            let drawing = Arc::clone(&kept.1);
            self.kept.push(kept);
            return drawing;
        }
        let options = Options { ascii: self.ascii, flow, rows: level.rows() };
        let drawing = Arc::new(Drawing::layout_with(&plan.shape(structure, level, flow), options));
        if self.kept.len() == KEPT {
            self.kept.remove(0);
        }
        self.kept.push((key, Arc::clone(&drawing)));
        drawing
    }
}
