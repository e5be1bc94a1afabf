//! The order within each layer: few crossings, and where it makes no difference the order of declaration.

use super::layers::{Layered, Lists};

const SWEEPS: usize = 24;

/// Fills `layers` with an order: by depth-first search in declaration order, then improved by alternating sweeps; the
/// order with the fewest crossings is kept.
pub fn reduce_crossings(layered: &mut Layered) {
    layered.layers = first_order(layered);
    let mut position = vec![0_u32; layered.width.len()];
    number(&layered.layers, &mut position);
    let mut order = layered.layers.clone();
    let mut best = crossings(&order, &layered.down, &position);
    let mut still = 0;
    for sweep in 0..SWEEPS {
        if best == 0 || still == 4 {
            break;
        }
        let median = sweep % 4 >= 2;
        let changed = if sweep % 2 == 0 {
            (1..order.len()).fold(false, |changed, at| sort_layer(&mut order[at], &layered.up, &mut position, median) | changed)
        } else {
            (0..order.len().saturating_sub(1))
                .rev()
                .fold(false, |changed, at| sort_layer(&mut order[at], &layered.down, &mut position, median) | changed)
        };
        // Four sweeps are one of each kind: if none of them moves anything, none ever will.
        still = if changed { 0 } else { still + 1 };
        let now = crossings(&order, &layered.down, &position);
        if now < best {
            best = now;
            layered.layers.clone_from(&order);
        }
    }
}

fn first_order(layered: &Layered) -> Vec<Vec<usize>> {
    let mut layers = vec![Vec::new(); layered.layer.iter().max().map_or(0, |deepest| deepest + 1)];
    let mut seen = vec![false; layered.width.len()];
    for &task in &layered.isolated {
        seen[task] = true;
    }
    for root in 0..layered.tasks {
        if !layered.upstream[root].is_empty() {
            continue;
        }
        let mut open = vec![root];
        while let Some(vertex) = open.pop() {
            if !std::mem::replace(&mut seen[vertex], true) {
                layers[layered.layer[vertex]].push(vertex);
                open.extend(layered.down.of(vertex).rev());
            }
        }
    }
    layers.retain(|layer: &Vec<usize>| !layer.is_empty());
    layers
}

fn number(order: &[Vec<usize>], position: &mut [u32]) {
    for layer in order {
        for (at, &vertex) in layer.iter().enumerate() {
            position[vertex] = at as u32;
        }
    }
}

/// Sorts one layer by where its neighbours stand; a vertex without neighbours keeps its place's number. Tells of a change.
fn sort_layer(layer: &mut [usize], neighbours: &Lists, position: &mut [u32], median: bool) -> bool {
    let mut around: Vec<u32> = Vec::new();
    let mut keyed: Vec<(f64, usize)> = layer
        .iter()
        .map(|&vertex| {
            around.clear();
            around.extend(neighbours.of(vertex).map(|near| position[near]));
            (wish(&mut around, median).unwrap_or(f64::from(position[vertex])), vertex)
        })
        .collect();
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut changed = false;
    for (at, &(_, vertex)) in keyed.iter().enumerate() {
        changed |= layer[at] != vertex;
        layer[at] = vertex;
        position[vertex] = at as u32;
    }
    changed
}

fn wish(around: &mut [u32], median: bool) -> Option<f64> {
    if around.is_empty() {
        return None;
    }
    if !median {
        return Some(around.iter().map(|&at| f64::from(at)).sum::<f64>() / around.len() as f64);
    }
    around.sort_unstable();
    let (low, high) = (around[(around.len() - 1) / 2], around[around.len() / 2]);
    Some(f64::from(low + high) / 2.0)
}

/// Crossings of all neighbouring layers: inversions among the edges, counted with a Fenwick tree.
pub fn crossings(order: &[Vec<usize>], down: &Lists, position: &[u32]) -> u64 {
    let mut total = 0;
    let mut ends: Vec<u32> = Vec::new();
    let mut tree: Vec<u32> = Vec::new();
    for (layer, below) in order.iter().zip(order.iter().skip(1)) {
        ends.clear();
        for &vertex in layer {
            let from = ends.len();
            ends.extend(down.of(vertex).map(|near| position[near]));
            ends[from..].sort_unstable();
        }
        tree.clear();
        tree.resize(below.len() + 1, 0);
        for (already, &end) in ends.iter().enumerate() {
            let mut not_right = 0;
            let mut at = end as usize + 1;
            while at > 0 {
                not_right += tree[at];
                at &= at - 1;
            }
            total += already as u64 - u64::from(not_right);
            let mut at = end as usize + 1;
            while at < tree.len() {
                tree[at] += 1;
                at += at & at.wrapping_neg();
            }
        }
    }
    total
}
