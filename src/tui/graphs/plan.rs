//! Which things of a structure are drawn: tasks, folded groups, or the surroundings of one task.

use super::{Wish, structure::Structure};
use crate::tui::graph::{Flow, Shape};

/// One thing that is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A task, by position.
    Task(usize),
    /// A folded group, by number.
    Group(usize),
}

/// What is drawn, and which thing stands for which task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The things, in order of declaration of their first tasks.
    pub nodes: Vec<Node>,
    /// For each task, the thing that stands for it; `None` if it is out of focus.
    pub node_of: Vec<Option<usize>>,
    /// For each thing, those it waits for.
    pub upstream: Vec<Vec<usize>>,
}

impl Plan {
    /// What a wish makes of a structure.
    pub fn of(structure: &Structure, wish: &Wish) -> Self {
        let seen = match wish.focus {
            Some(focus) => structure.around(focus.task, focus.hops),
            None => (0..structure.names.len()).collect(),
        };
        let folded = |group: usize| structure.groups[group].mapped || wish.focus.is_none() && wish.folded.contains(&group);
        let mut plan = Self { node_of: vec![None; structure.names.len()], ..Self::default() };
        let mut stands = vec![None; structure.groups.len()];
        for &task in &seen {
            let node = match structure.group_of[task].filter(|&group| folded(group)) {
                Some(group) => *stands[group].get_or_insert_with(|| plan.add(Node::Group(group))),
                None => plan.add(Node::Task(task)),
            };
            plan.node_of[task] = Some(node);
        }
        for &task in &seen {
            let Some(node) = plan.node_of[task] else { continue };
            let ups: Vec<usize> = structure.upstream[task].iter().filter_map(|&up| plan.node_of[up]).filter(|&up| up != node).collect();
            plan.upstream[node].extend(ups);
        }
        for ups in &mut plan.upstream {
            ups.sort_unstable();
            ups.dedup();
        }
        plan
    }

    fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.upstream.push(Vec::new());
        self.nodes.len() - 1
    }

    /// What the drawing needs to know of it.
    pub fn shape(&self, structure: &Structure, level: super::Level, flow: Flow) -> Shape {
        let longest = self.longest(structure);
        let width = |node: &Node| u16::try_from(level.width(node, structure, longest) + 2 * level.pad(flow)).unwrap_or(u16::MAX);
        Shape { widths: self.nodes.iter().map(width).collect(), upstream: self.upstream.clone() }
    }

    /// Columns of the longest name.
    pub fn longest(&self, structure: &Structure) -> usize {
        self.nodes.iter().map(|node| node.name(structure).len()).max().unwrap_or(0)
    }
}

impl Node {
    /// What it is called.
    pub fn name<'a>(&self, structure: &'a Structure) -> &'a str {
        match self {
            Self::Task(task) => structure.names[*task].as_str(),
            Self::Group(group) => &structure.groups[*group].name,
        }
    }

    /// Positions of the tasks it stands for.
    pub fn members<'a>(&'a self, structure: &'a Structure) -> &'a [usize] {
        match self {
            Self::Task(task) => std::slice::from_ref(task),
            Self::Group(group) => &structure.groups[*group].members,
        }
    }
}
