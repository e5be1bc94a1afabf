//! What a run's graph is made of, as long as nobody edits the pipeline: names, who waits for whom, and which tasks belong
//! together. Knows nothing of states.

use crate::model::{Graph, TaskId, TaskSnapshot};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    ops::Deref,
    sync::Arc,
};

/// Tasks that can be shown as one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Group {
    /// Its name: of the pipeline file, or what its tasks' names have in common.
    pub name: String,
    /// Positions of its tasks, in order of declaration.
    pub members: Vec<usize>,
    /// Instances of one mapped task: always shown as one.
    pub mapped: bool,
}

/// The graph of a run, without its states.
#[derive(Debug, Default)]
pub struct Structure {
    /// Names, by position of declaration.
    pub names: Vec<TaskId>,
    /// The position of each name; of instances of a mapped task that of the first.
    pub positions: HashMap<TaskId, usize>,
    /// Who waits for whom, by position.
    pub edges: Graph,
    /// The place of each task in `order`.
    pub rank: Vec<usize>,
    /// Columns of the longest name.
    pub longest: usize,
    /// Tasks that belong together.
    pub groups: Vec<Group>,
    /// The group of each task, if it has one.
    pub group_of: Vec<Option<usize>>,
    /// The groups that are shown as one until somebody wants others.
    pub folded: Arc<BTreeSet<usize>>,
    /// Two structures with the same number are the same.
    pub hash: u64,
}

/// Up to so many tasks and groups are shown one by one, if folding groups can do it.
const DRAWN: usize = 60;

/// Two are the same if their numbers are.
impl PartialEq for Structure {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

impl Deref for Structure {
    type Target = Graph;

    fn deref(&self) -> &Graph {
        &self.edges
    }
}

impl Structure {
    /// Of these tasks, in order of declaration.
    pub fn of(tasks: &[TaskSnapshot]) -> Self {
        let mut positions: HashMap<TaskId, usize> = HashMap::with_capacity(tasks.len());
        for (at, task) in tasks.iter().enumerate() {
            positions.entry(task.task.clone()).or_insert(at);
        }
        let upstream: Vec<Vec<usize>> =
            tasks.iter().map(|task| task.upstream.iter().filter_map(|id| positions.get(id).copied()).collect()).collect();
        let edges = Graph::from_upstream(upstream.clone()).unwrap_or_else(|_| {
            // A file that is being edited: there is no order, so the one of declaration must do.
            let downstream = downstream(&upstream);
            Graph { upstream, downstream, order: (0..tasks.len()).collect() }
        });
        let mut rank = vec![0; tasks.len()];
        for (place, &task) in edges.order.iter().enumerate() {
            rank[task] = place;
        }
        let names: Vec<TaskId> = tasks.iter().map(|task| task.task.clone()).collect();
        let groups = groups(tasks, &depths(&edges.upstream, &edges.order));
        let mut group_of = vec![None; tasks.len()];
        for (number, group) in groups.iter().enumerate() {
            group.members.iter().for_each(|&member| group_of[member] = Some(number));
        }
        let mut hasher = DefaultHasher::new();
        (&names, &edges.upstream, &groups).hash(&mut hasher);
        let longest = names.iter().map(|name| name.as_str().len()).max().unwrap_or(0);
        let folded = Arc::default();
        let mut made = Self { names, positions, edges, rank, longest, groups, group_of, folded, hash: hasher.finish() };
        made.folded = Arc::new(made.folded_to(DRAWN).into_iter().collect());
        made
    }

    /// Groups to be shown as one so that no more than `most` things are left, if that is possible: the largest first, and
    /// those of one size all or none.
    pub fn folded_to(&self, most: usize) -> Vec<usize> {
        let mut left = self.names.len();
        let mut by_size: Vec<usize> = (0..self.groups.len()).collect();
        by_size.sort_by_key(|&group| std::cmp::Reverse(self.groups[group].members.len()));
        let mut folded: Vec<usize> = Vec::new();
        let size = |group: usize| self.groups[group].members.len();
        for group in by_size {
            if left <= most && folded.last().is_none_or(|&last| size(last) > size(group)) {
                break;
            }
            left -= size(group) - 1;
            folded.push(group);
        }
        folded.sort_unstable();
        folded
    }

    /// Tasks at most `hops` edges above or below a task, and itself.
    pub fn around(&self, task: usize, hops: usize) -> Vec<usize> {
        let mut seen = vec![false; self.names.len()];
        seen[task] = true;
        for neighbours in [&self.upstream, &self.downstream] {
            let mut edge = vec![task];
            for _ in 0..hops {
                let next = edge.iter().flat_map(|&at| neighbours[at].iter().copied());
                edge = next.filter(|&at| !std::mem::replace(&mut seen[at], true)).collect();
            }
        }
        (0..seen.len()).filter(|&at| seen[at]).collect()
    }
}

fn downstream(upstream: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut downstream = vec![Vec::new(); upstream.len()];
    for (task, ups) in upstream.iter().enumerate() {
        ups.iter().for_each(|&up| downstream[up].push(task));
    }
    downstream
}

/// The longest way from a source, for each task.
fn depths(upstream: &[Vec<usize>], order: &[usize]) -> Vec<usize> {
    let mut depth = vec![0; upstream.len()];
    for &task in order {
        depth[task] = upstream[task].iter().map(|&up| depth[up] + 1).max().unwrap_or(0);
    }
    depth
}

/// Why tasks belong together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Bond<'a> {
    /// The pipeline file says so.
    Said(&'a str),
    /// Instances of a mapped task.
    Mapped(&'a str),
    /// Names that begin alike, at the same depth.
    Alike(&'a str, usize),
}

fn groups(tasks: &[TaskSnapshot], depth: &[usize]) -> Vec<Group> {
    let mut bonds: BTreeMap<Bond<'_>, Vec<usize>> = BTreeMap::new();
    for (at, task) in tasks.iter().enumerate() {
        let bond = match (task.map_index, &task.group) {
            (Some(_), _) => Bond::Mapped(task.task.as_str()),
            (None, Some(group)) => Bond::Said(group),
            (None, None) => Bond::Alike(prefix(task.task.as_str()), depth[at]),
        };
        bonds.entry(bond).or_default().push(at);
    }
    let made = bonds.into_iter().filter(|(bond, members)| members.len() > 1 || !matches!(bond, Bond::Alike(..)));
    let mut groups: Vec<Group> = made
        .map(|(bond, members)| {
            let name = match &bond {
                Bond::Said(name) => (*name).to_owned(),
                Bond::Mapped(name) => format!("{name}[*]"),
                Bond::Alike(..) => format!("{}*", common(&members.iter().map(|&at| tasks[at].task.as_str()).collect::<Vec<_>>())),
            };
            Group { name, members, mapped: matches!(bond, Bond::Mapped(_)) }
        })
        .collect();
    groups.sort_by_key(|group| group.members[0]);
    let names: Vec<String> = groups.iter().map(|group| group.name.clone()).collect();
    for group in &mut groups {
        // Where several begin alike, each is told by the first and the last of its tasks.
        if let (true, [first, .., last]) = (names.iter().filter(|name| **name == group.name).count() > 1, &group.members[..]) {
            group.name = format!("{}…{}", tasks[*first].task, tasks[*last].task);
        }
    }
    groups
}

/// The beginning of a name up to its first separator or number.
fn prefix(name: &str) -> &str {
    let end = name.find(|c: char| matches!(c, '_' | '-' | '.') || c.is_ascii_digit()).unwrap_or(name.len());
    &name[..end]
}

/// What all names begin with.
fn common<'a>(names: &[&'a str]) -> &'a str {
    let Some((first, rest)) = names.split_first() else { return "" };
    let shared = |other: &&str| first.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let mut end = rest.iter().map(shared).min().unwrap_or(first.len());
    while !first.is_char_boundary(end) {
        end -= 1;
    }
    &first[..end]
}
