//! The shape of a pipeline: who waits for whom, by position in its list of tasks.

use super::{Pipeline, TaskId};
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::HashMap;

/// Edges and an order that respects them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    /// For each task, the positions of those it waits for.
    pub upstream: Vec<Vec<usize>>,
    /// For each task, the positions of those that wait for it.
    pub downstream: Vec<Vec<usize>>,
    /// Every position, upstream first; ties in order of declaration.
    pub order: Vec<usize>,
}

/// The ids along a cycle; the first stands again at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle(pub Vec<TaskId>);

impl Graph {
    /// The graph of a pipeline. Names of `upstream` that are no tasks are left out: the reader of files reports them.
    ///
    /// # Errors
    /// The first cycle, in order.
    pub fn of(pipeline: &Pipeline) -> Result<Self, Cycle> {
        let position: HashMap<&TaskId, usize> = pipeline.tasks.iter().enumerate().map(|(i, task)| (&task.id, i)).collect();
        let edges: Vec<Vec<usize>> =
            pipeline.tasks.iter().map(|task| task.upstream.iter().filter_map(|id| position.get(id).copied()).collect()).collect();
        Self::from_upstream(edges).map_err(|cycle| Cycle(cycle.into_iter().map(|i| pipeline.tasks[i].id.clone()).collect()))
    }

    /// The graph of `upstream[task] = positions it waits for`.
    ///
    /// # Errors
    /// The positions along a cycle; the first stands again at the end.
    pub fn from_upstream(upstream: Vec<Vec<usize>>) -> Result<Self, Vec<usize>> {
        let mut downstream = vec![Vec::new(); upstream.len()];
        for (task, ups) in upstream.iter().enumerate() {
            for &up in ups {
                downstream[up].push(task);
            }
        }
        let mut waits: Vec<usize> = upstream.iter().map(Vec::len).collect();
        let mut ready: std::collections::BTreeSet<usize> = (0..waits.len()).filter(|&i| waits[i] == 0).collect();
        let mut order = Vec::with_capacity(waits.len());
        while let Some(next) = ready.pop_first() {
            order.push(next);
            for &down in &downstream[next] {
                waits[down] -= 1;
                if waits[down] == 0 {
                    ready.insert(down);
                }
            }
        }
        if order.len() < upstream.len() { Err(find_cycle(&upstream)) } else { Ok(Self { upstream, downstream, order }) }
    }

    /// `from` and everything below it, in order.
    pub fn with_downstream(&self, from: usize) -> Vec<usize> {
        let mut seen = vec![false; self.order.len()];
        seen[from] = true;
        for &task in &self.order {
            if self.upstream[task].iter().any(|&up| seen[up]) {
                seen[task] = true;
            }
        }
        self.order.iter().copied().filter(|&task| seen[task]).collect()
    }

    /// `from` and everything above it, in order.
    pub fn with_upstream(&self, from: usize) -> Vec<usize> {
        let mut seen = vec![false; self.order.len()];
        seen[from] = true;
        for &task in self.order.iter().rev() {
            if self.downstream[task].iter().any(|&down| seen[down]) {
                seen[task] = true;
            }
        }
        self.order.iter().copied().filter(|&task| seen[task]).collect()
    }
}

/// One cycle, along the edges "must run before", within a strongly connected component.
fn find_cycle(upstream: &[Vec<usize>]) -> Vec<usize> {
    let mut graph = DiGraph::<(), ()>::new();
    let nodes: Vec<NodeIndex> = upstream.iter().map(|_| graph.add_node(())).collect();
    for (task, ups) in upstream.iter().enumerate() {
        for &up in ups {
            graph.add_edge(nodes[up], nodes[task], ());
        }
    }
    // Kosaraju's walk keeps its own stack: Tarjan's recurses, and a ring of ten thousand tasks would end the program.
    let tangled = petgraph::algo::kosaraju_scc(&graph)
        .into_iter()
        .filter(|component| component.len() > 1 || graph.contains_edge(component[0], component[0]))
        .min_by_key(|component| component.iter().min().copied());
    let Some(component) = tangled else { return Vec::new() };
    let start = component.iter().min().copied().unwrap_or(component[0]);
    let members: std::collections::HashSet<NodeIndex> = component.iter().copied().collect();
    let mut path = vec![start.index()];
    let mut at = start;
    loop {
        let inside = |n: &NodeIndex| members.contains(n);
        let onward: Vec<NodeIndex> = graph.neighbors(at).filter(inside).collect();
        if onward.contains(&start) {
            path.push(start.index());
            return path;
        }
        // A component is strongly connected, so walking on must meet a node again; the cycle is from there.
        let Some(next) = onward.iter().copied().min() else { return path };
        if let Some(again) = path.iter().position(|&n| n == next.index()) {
            path.drain(..again);
            path.push(next.index());
            return path;
        }
        path.push(next.index());
        at = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_respects_edges_and_keeps_the_declaration_at_ties() {
        let graph = Graph::from_upstream(vec![vec![2], vec![], vec![], vec![0, 1]]).unwrap();
        assert_eq!(graph.order, [1, 2, 0, 3]);
        assert_eq!(graph.with_downstream(2), [2, 0, 3]);
    }

    #[test]
    fn a_cycle_is_told_in_order_from_its_first_task() {
        assert_eq!(Graph::from_upstream(vec![vec![], vec![3], vec![1], vec![2]]), Err(vec![1, 2, 3, 1]));
        assert_eq!(Graph::from_upstream(vec![vec![0]]), Err(vec![0, 0]));
    }
}
