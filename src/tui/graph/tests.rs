//! Drawings are read back from their characters alone and must say what was declared.

#![allow(clippy::unwrap_used)]

use super::*;
use std::collections::BTreeSet;

/// A drawing printed: lines first, then each pill as a full block of `#`.
fn picture(drawing: &Drawing) -> Vec<Vec<char>> {
    let mut rows = vec![vec![' '; drawing.width]; drawing.height];
    for cell in drawing.cells_in(whole(drawing)) {
        assert_eq!(rows[cell.y][cell.x], ' ', "two cells at {},{}", cell.x, cell.y);
        rows[cell.y][cell.x] = cell.glyph;
    }
    for node in &drawing.nodes {
        for row in &mut rows[node.y..node.y + node.height] {
            for cell in &mut row[node.x..node.x + node.width] {
                assert_eq!(*cell, ' ', "a pill stands on a line or another pill");
                *cell = '#';
            }
        }
    }
    rows
}

fn whole(drawing: &Drawing) -> Window {
    Window { x: 0, y: 0, width: drawing.width, height: drawing.height }
}

fn text(rows: &[Vec<char>]) -> String {
    rows.iter().map(|row| row.iter().collect::<String>().trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// Reads lines as a person does: knows the characters and where pills are, nothing else.
struct Reader<'a> {
    rows: &'a [Vec<char>],
    flow: Flow,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Side {
    Up,
    Down,
    Left,
    Right,
}

impl Reader<'_> {
    fn at(&self, x: isize, y: isize) -> char {
        let row = usize::try_from(y).ok().and_then(|y| self.rows.get(y));
        row.and_then(|row| usize::try_from(x).ok().and_then(|x| row.get(x))).copied().unwrap_or(' ')
    }

    fn has(&self, x: isize, y: isize, side: Side) -> bool {
        match (self.at(x, y), side) {
            ('│' | '├' | '┤' | '┼' | '╯' | '╰' | '┴' | '|' | '\'', Side::Up) => true,
            ('│' | '├' | '┤' | '┼' | '╮' | '╭' | '┬' | '|' | '.', Side::Down) => true,
            ('─' | '┤' | '┴' | '┬' | '┼' | '╯' | '╮' | '-' | '▸' | '>', Side::Left) => true,
            ('─' | '├' | '┴' | '┬' | '┼' | '╰' | '╭' | '-' | '▸' | '>', Side::Right) => true,
            // `+` does not tell its arms, a corner not to which side it turns: what is next to it does.
            ('+', Side::Up) => matches!(self.at(x, y - 1), '|' | '.' | '+' | '#'),
            ('+', Side::Down) => matches!(self.at(x, y + 1), '|' | '\'' | '+' | '#'),
            ('+' | '.' | '\'', Side::Left) => matches!(self.beyond(x, y, -1).1, '-' | '+' | '.' | '\''),
            ('+' | '.' | '\'', Side::Right) => matches!(self.beyond(x, y, 1).1, '-' | '>' | '+' | '.' | '\''),
            _ => false,
        }
    }

    /// The next cell sideways; straight on under lines that cross.
    fn beyond(&self, x: isize, y: isize, step: isize) -> (isize, char) {
        let mut x = x + step;
        while matches!(self.at(x, y), '│' | '|') {
            x += step;
        }
        (x, self.at(x, y))
    }

    /// Every pill cell reached by following lines from below a pill, or from its right side.
    fn reached(&self, from: &Placed) -> BTreeSet<(isize, isize)> {
        let mut open: Vec<(isize, isize, Side)> = Vec::new();
        let (right, bottom) = ((from.x + from.width) as isize, (from.y + from.height) as isize);
        let side: Vec<(isize, isize, Side)> = match self.flow {
            Flow::Down => (from.x as isize..right).map(|x| (x, bottom, Side::Up)).collect(),
            Flow::Right => (from.y as isize..bottom).map(|y| (right, y, Side::Left)).collect(),
        };
        open.extend(side.into_iter().filter(|&(x, y, side)| self.has(x, y, side)));
        let mut seen = BTreeSet::new();
        let mut found = BTreeSet::new();
        while let Some((x, y, came_by)) = open.pop() {
            if self.at(x, y) == '#' {
                found.insert((x, y));
                continue;
            }
            assert!(self.has(x, y, came_by), "a line ends in the void at {x},{y}");
            if !seen.insert((x, y, came_by)) {
                continue;
            }
            // Never against the flow; sideways straight on under lines that cross.
            let turns = |side: Side| came_by != side && self.has(x, y, side);
            let is_bar = matches!(self.at(x, y), '│' | '|');
            if turns(Side::Down) {
                open.push((x, y + 1, Side::Up));
            }
            if turns(Side::Up) && self.flow == Flow::Right {
                open.push((x, y - 1, Side::Down));
            }
            if turns(Side::Left) && !is_bar && self.flow == Flow::Down {
                open.push((self.beyond(x, y, -1).0, y, Side::Right));
            }
            if turns(Side::Right) && !is_bar {
                open.push((self.beyond(x, y, 1).0, y, Side::Left));
            }
        }
        found
    }
}

/// The edges a drawing shows.
fn read_back(drawing: &Drawing) -> BTreeSet<(usize, usize)> {
    let rows = picture(drawing);
    let reader = Reader { rows: &rows, flow: drawing.flow };
    let mut edges = BTreeSet::new();
    for (task, node) in drawing.nodes.iter().enumerate() {
        for (x, y) in reader.reached(node) {
            edges.insert((task, drawing.node_at(x as usize, y as usize).unwrap()));
        }
    }
    edges
}

fn declared(shape: &Shape) -> BTreeSet<(usize, usize)> {
    shape.upstream.iter().enumerate().flat_map(|(task, ups)| ups.iter().map(move |&up| (up, task))).collect()
}

fn check(shape: &Shape) {
    let every = [(Flow::Down, 1), (Flow::Right, 1), (Flow::Down, 4), (Flow::Right, 4)];
    let every = every.iter().flat_map(|&(flow, rows)| [false, true].map(|ascii| Options { ascii, flow, rows }));
    for options in every {
        let drawing = Drawing::layout_with(shape, options);
        let read = std::panic::catch_unwind(|| read_back(&drawing));
        let said = read.as_ref().map_or("the drawing cannot be read".to_owned(), |edges| {
            let declared = declared(shape);
            if *edges == declared {
                let untraced = declared.iter().find(|&&(from, to)| drawing.trace(from, to).is_empty());
                return untraced.map_or_else(String::new, |edge| format!("no cells for {edge:?}"));
            }
            format!(
                "missing {:?}, invented {:?}",
                declared.difference(edges).collect::<Vec<_>>(),
                edges.difference(&declared).collect::<Vec<_>>()
            )
        });
        if !said.is_empty() {
            let shown = std::panic::catch_unwind(|| text(&picture(&drawing))).unwrap_or_default();
            panic!("{options:?}: {said}\n{shape:?}\n{shown}");
        }
    }
}

/// A small generator of numbers, so that the same graphs are drawn everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % sides.max(1) as u64) as usize
    }
}

fn random_shape(dice: &mut Dice) -> Shape {
    let tasks = 1 + dice.roll(32);
    let (most, widest) = (1 + dice.roll(4), [1, 4, 12, 30][dice.roll(4)]);
    let near = if dice.roll(2) == 0 { tasks } else { 6 };
    let upstream = (0..tasks)
        .map(|task| {
            let count = dice.roll(most + 1).min(task);
            (0..count).map(|_| task - 1 - dice.roll(task.min(near))).collect()
        })
        .collect();
    Shape { widths: (0..tasks).map(|_| 1 + dice.roll(widest) as u16).collect(), upstream }
}

/// Six hundred, each drawn in eight ways, or as many as `FLOWYARD_GRAPHS` says, for changes to the router.
#[test]
fn random_drawings_say_what_was_declared() {
    let graphs = std::env::var("FLOWYARD_GRAPHS").ok().and_then(|count| count.parse().ok()).unwrap_or(600);
    for seed in 1..=graphs {
        check(&random_shape(&mut Dice(u64::wrapping_mul(seed, 0x9E37_79B9_7F4A_7C15))));
    }
}

fn even(width: u16, upstream: Vec<Vec<usize>>) -> Shape {
    Shape { widths: vec![width; upstream.len()], upstream }
}

#[test]
fn one_task_and_none_are_drawn() {
    let none = Drawing::layout(&Shape::default());
    assert_eq!((none.width, none.height, none.nodes.len()), (0, 0, 0));
    let one = Drawing::layout(&even(9, vec![vec![]]));
    assert_eq!((one.width, one.height), (9, 1));
    assert_eq!(one.nodes, [Placed { x: 0, y: 0, width: 9, height: 1, layer: 0 }]);
    assert_eq!(one.neighbour(0, Direction::Down), None);
}

#[test]
fn a_chain_is_a_straight_line() {
    let drawing = Drawing::layout(&even(5, vec![vec![], vec![0], vec![1]]));
    assert_eq!(text(&picture(&drawing)), "#####\n  │\n#####\n  │\n#####");
}

#[test]
fn tasks_without_edges_stand_in_rows_below_in_declaration_order() {
    let drawing = Drawing::layout(&even(30, vec![vec![]; 5]));
    let places: Vec<_> = drawing.nodes.iter().map(|node| (node.x, node.y)).collect();
    assert_eq!(places, [(0, 0), (32, 0), (0, 1), (32, 1), (0, 2)]);
    assert_eq!(drawing.neighbour(2, Direction::Up), Some(0));
    assert_eq!(drawing.neighbour(0, Direction::Right), Some(1));
}

#[test]
fn graphs_side_by_side_do_not_touch() {
    check(&even(7, vec![vec![], vec![0], vec![], vec![2], vec![2], vec![], vec![5], vec![6], vec![]]));
}

fn fan(middle: usize) -> Shape {
    let mut upstream = vec![vec![]];
    upstream.extend(vec![vec![0]; middle]);
    upstream.push((1..=middle).collect());
    even(12, upstream)
}

#[test]
fn a_wide_fan_takes_one_row_out_and_one_row_in() {
    assert_eq!(Drawing::layout(&fan(1_000)).height, 5);
    check(&fan(120));
}

#[test]
fn a_full_pill_takes_its_lines_joined_without_inventing_edges() {
    // Nine tasks all lead to two narrow ones, and some elsewhere too.
    let mut upstream = vec![vec![]; 9];
    upstream.extend([(0..9).collect(), (0..8).collect(), vec![1, 9], vec![3, 10]]);
    check(&even(4, upstream));
}

#[test]
fn tasks_that_wait_for_the_same_many_share_one_line() {
    let mut upstream = vec![vec![]; 40];
    upstream.extend(vec![(0..40).collect::<Vec<usize>>(); 30]);
    upstream.push(vec![3, 50]);
    let shape = even(6, upstream);
    check(&shape);
    assert!(Drawing::layout(&shape).height < 20);
    let mut all_to_all = vec![vec![]; 100];
    all_to_all.extend(vec![(0..100).collect::<Vec<usize>>(); 100]);
    assert_eq!(Drawing::layout(&even(6, all_to_all)).height, 3);
}

#[test]
fn doubles_strangers_and_edges_back_are_left_out() {
    let drawing = Drawing::layout(&even(4, vec![vec![2], vec![0, 0, 7], vec![1, 1, 2]]));
    assert_eq!(read_back(&drawing).len(), 2);
}

#[test]
fn a_part_of_the_drawing_is_the_same_as_in_the_whole() {
    for seed in 1..120 {
        let (flow, rows) = [(Flow::Down, 1), (Flow::Right, 1), (Flow::Down, 4), (Flow::Right, 4)][(seed % 4) as usize];
        let drawing = Drawing::layout_with(&random_shape(&mut Dice(seed * 7_919)), Options { ascii: false, flow, rows });
        let all = drawing.cells_in(whole(&drawing));
        let mut dice = Dice(seed);
        let (x, y) = (dice.roll(drawing.width), dice.roll(drawing.height));
        let window = Window { x, y, width: 1 + dice.roll(30), height: 1 + dice.roll(10) };
        let inside = |cell: &&EdgeCell| (x..x + window.width).contains(&cell.x) && (y..y + window.height).contains(&cell.y);
        let expected: Vec<EdgeCell> = all.iter().filter(inside).copied().collect();
        assert_eq!(drawing.cells_in(window), expected);
        for cell in &all {
            assert_eq!(drawing.edge_cell(cell.x, cell.y).as_ref(), Some(cell));
        }
    }
}

#[test]
fn a_cell_names_the_tasks_its_line_comes_from() {
    let drawing = Drawing::layout(&even(5, vec![vec![], vec![], vec![0], vec![1]]));
    let middle = drawing.nodes[1].middle();
    assert_eq!(drawing.edge_cell(middle, 1).unwrap().sources, [1]);
    let fan = Drawing::layout(&even(3, vec![vec![], vec![], vec![], vec![0, 1, 2]]));
    let (first, last) = (fan.nodes[0].middle(), fan.nodes[3].middle());
    assert_eq!(fan.edge_cell(first, 1).unwrap().sources, [0, 1, 2]);
    assert_eq!(fan.edge_cell(last, 1).unwrap().sources, [0, 1, 2]);
}

#[test]
fn the_selection_walks_to_children_first_and_sideways_in_the_layer() {
    // 0 leads to 3, which stands right of 2.
    let drawing = Drawing::layout(&even(10, vec![vec![], vec![], vec![1], vec![0, 1]]));
    assert_eq!(drawing.neighbour(0, Direction::Down), Some(3));
    assert_eq!(drawing.neighbour(3, Direction::Down), None);
    let row: BTreeSet<usize> = [Direction::Left, Direction::Right].iter().filter_map(|&way| drawing.neighbour(2, way)).collect();
    assert_eq!(row, BTreeSet::from([3]));
    assert_eq!(drawing.neighbour(2, Direction::Up), Some(1));
}

fn tfx() -> (Shape, Vec<&'static str>) {
    let pills = vec![
        "✓ example_gen       OK    8.2s",
        "✓ statistics_gen    OK   21.0s",
        "✓ schema_gen        OK    1.1s",
        "✗ example_validator FAIL  2.9s",
        "✓ transform         OK   1m04s",
        "⊜ tuner             HIT      0s",
        "▸ trainer           RUN  6m11s",
        "◌ evaluator         WAIT     -",
        "◌ pusher            WAIT     -",
    ];
    let upstream = vec![vec![], vec![0], vec![1], vec![1, 2], vec![0, 2], vec![4, 2], vec![4, 5, 2], vec![0, 6], vec![6, 7]];
    (Shape { widths: pills.iter().map(|pill| pill.chars().count() as u16).collect(), upstream }, pills)
}

fn with_pills(drawing: &Drawing, pills: &[&str]) -> String {
    let mut rows = picture(drawing);
    for (node, pill) in drawing.nodes.iter().zip(pills) {
        for (at, glyph) in pill.chars().enumerate() {
            rows[node.y][node.x + at] = glyph;
        }
    }
    text(&rows)
}

#[test]
fn the_tfx_pipeline_is_drawn_compactly_and_reads_back() {
    let (shape, pills) = tfx();
    check(&shape);
    insta::assert_snapshot!("tfx", with_pills(&Drawing::layout(&shape), &pills));
    insta::assert_snapshot!("tfx_ascii", with_pills(&Drawing::layout_with(&shape, Options { ascii: true, ..Options::default() }), &pills));
}

#[test]
fn two_lines_that_swap_columns_pass_by_a_knee() {
    use super::tracks::{Net, assign};
    let (wires, tracks) = assign(&[Net { tops: vec![5], bottoms: vec![9] }, Net { tops: vec![9], bottoms: vec![5] }]);
    assert_eq!((wires.len(), tracks), (3, 3));
    let knees: Vec<usize> = wires.iter().filter_map(|wire| wire.knee).map(|(column, _)| column).collect();
    assert!(knees.len() == 2 && knees[0] == knees[1] && ![5, 9].contains(&knees[0]));
}
