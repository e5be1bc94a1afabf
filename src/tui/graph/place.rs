//! The column of each vertex: near the middle of its neighbours, in order, never overlapping, long lines straight.

use super::layers::{Layered, Lists};

const SWEEPS: usize = 12;
/// Long lines are pulled straight before pills are centred.
const DUMMY_WEIGHT: f64 = 4.0;

/// The middle column of each vertex.
pub fn columns(layered: &Layered) -> Vec<usize> {
    let mut column = vec![0_i64; layered.width.len()];
    for layer in &layered.layers {
        let mut at = 0;
        for (place, &vertex) in layer.iter().enumerate() {
            if place > 0 {
                at += apart(layered, layer[place - 1], vertex);
            }
            column[vertex] = at;
        }
    }
    let mut wishes = Vec::new();
    for sweep in 0..SWEEPS {
        let last = layered.layers.len().saturating_sub(1);
        for step in 0..layered.layers.len() {
            let (layer, first, second) =
                if sweep % 2 == 0 { (step, &layered.up, &layered.down) } else { (last - step, &layered.down, &layered.up) };
            let layer = &layered.layers[layer];
            wishes.clear();
            wishes.extend(
                layer.iter().map(|&v| median(v, first, &column).or_else(|| median(v, second, &column)).unwrap_or(column[v] as f64)),
            );
            project(layered, layer, &wishes, &mut column);
        }
    }
    let left = |v: usize| column[v] - layered.before(v) as i64;
    let least = layered.layers.iter().filter_map(|layer| layer.first()).map(|&v| left(v)).min().unwrap_or(0);
    column.iter().map(|at| usize::try_from(at - least).unwrap_or(0)).collect()
}

/// Columns between the middles of two neighbours in a layer.
fn apart(layered: &Layered, a: usize, b: usize) -> i64 {
    let gap = if layered.is_task(a) || layered.is_task(b) { layered.gaps.0 } else { layered.gaps.1 };
    (layered.width[a] - layered.before(a) + gap + layered.before(b)) as i64
}

fn median(vertex: usize, neighbours: &Lists, column: &[i64]) -> Option<f64> {
    let near = neighbours.of(vertex);
    match near.len() {
        0 => None,
        1 => near.last().map(|v| column[v] as f64),
        count => {
            let mut around: Vec<i64> = near.map(|v| column[v]).collect();
            around.sort_unstable();
            Some((around[(count - 1) / 2] + around[count / 2]) as f64 / 2.0)
        }
    }
}

/// The columns nearest to the wishes, by least squares, that keep order and distance: pool adjacent violators.
fn project(layered: &Layered, layer: &[usize], wishes: &[f64], column: &mut [i64]) {
    // With the distances taken out, "in order and apart" becomes "never falling".
    struct Pool {
        sum: f64,
        weight: f64,
        count: usize,
    }
    let mut pools: Vec<Pool> = Vec::with_capacity(layer.len());
    let mut offset = 0;
    for (place, &vertex) in layer.iter().enumerate() {
        if place > 0 {
            offset += apart(layered, layer[place - 1], vertex);
        }
        let weight = if layered.is_task(vertex) { 1.0 } else { DUMMY_WEIGHT };
        let mut pool = Pool { sum: (wishes[place] - offset as f64) * weight, weight, count: 1 };
        while let Some(before) = pools.last() {
            if before.sum / before.weight <= pool.sum / pool.weight {
                break;
            }
            pool = Pool { sum: before.sum + pool.sum, weight: before.weight + pool.weight, count: before.count + pool.count };
            pools.pop();
        }
        pools.push(pool);
    }
    let (mut place, mut offset) = (0, 0);
    for pool in pools {
        let base = (pool.sum / pool.weight).round() as i64;
        for _ in 0..pool.count {
            if place > 0 {
                offset += apart(layered, layer[place - 1], layer[place]);
            }
            column[layer[place]] = base + offset;
            place += 1;
        }
    }
}
