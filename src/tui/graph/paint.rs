//! From runs and posts to cells: which arms a cell has, and the glyph that shows them. Where lines of different nets
//! cross, the vertical one is seen and the other passes under it, so a junction always means a real connection.

use super::Window;

/// The directions in which a line leaves a cell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Arms {
    pub up: bool,
    pub down: bool,
    pub left: bool,
    pub right: bool,
    /// It ends here, in the head of an arrow.
    pub head: bool,
}

impl Arms {
    /// The same where the flow goes to the right instead of down.
    pub const fn turned(self) -> Self {
        Self { up: self.left, down: self.right, left: self.up, right: self.down, head: self.head }
    }

    fn index(self) -> usize {
        usize::from(self.up) | usize::from(self.down) << 1 | usize::from(self.left) << 2 | usize::from(self.right) << 3
    }

    /// The plain glyph.
    pub fn glyph(self, ascii: bool) -> char {
        const LIGHT: [char; 16] = [' ', '╵', '╷', '│', '╴', '╯', '╮', '┤', '╶', '╰', '╭', '├', '─', '┴', '┬', '┼'];
        const ASCII: [char; 16] = [' ', '|', '|', '|', '-', '\'', '.', '+', '-', '\'', '.', '+', '-', '+', '+', '+'];
        match (self.head, ascii) {
            (true, true) => '>',
            (true, false) => '▸',
            (false, true) => ASCII[self.index()],
            (false, false) => LIGHT[self.index()],
        }
    }

    /// The heavy glyph.
    pub fn heavy(self, ascii: bool) -> char {
        const HEAVY: [char; 16] = [' ', '╹', '╻', '┃', '╸', '┛', '┓', '┫', '╺', '┗', '┏', '┣', '━', '┻', '┳', '╋'];
        if ascii || self.head { self.glyph(ascii) } else { HEAVY[self.index()] }
    }
}

/// A horizontal stretch of a line, with its end cells.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    pub left: usize,
    pub right: usize,
    pub net: usize,
    pub owner: usize,
}

/// A vertical stretch of a line, rows counted within its channel.
#[derive(Debug, Clone, Copy)]
pub struct Post {
    pub column: usize,
    pub first: usize,
    pub last: usize,
    /// It goes on above its first row, out of the channel.
    pub from_above: bool,
    /// It goes on below its last row.
    pub goes_below: bool,
    pub net: usize,
    pub owner: usize,
}

/// A stretch of a line beside the pills of a layer, rows counted within the layer.
#[derive(Debug, Clone, Copy)]
pub struct Bar {
    pub column: usize,
    pub first: usize,
    pub last: usize,
    /// It ends at a pill in the head of an arrow.
    pub head: bool,
    pub owner: usize,
}

/// A layer's rows and the rows between it and the next. Where the flow goes to the right, rows are columns and columns rows.
#[derive(Debug, Clone, Default)]
pub struct Channel {
    /// The first row of the layer itself.
    pub y: usize,
    /// How many rows the layer takes.
    pub depth: usize,
    /// The row after its last.
    pub end: usize,
    /// Lines that pass or reach the layer's pills, left to right.
    pub bars: Vec<Bar>,
    /// For each row between, its horizontal stretches, left to right.
    pub tracks: Vec<Vec<Run>>,
    /// Vertical stretches, left to right.
    pub posts: Vec<Post>,
}

impl Channel {
    /// Calls `each` with column, arms and owner of every cell of a line in row `y` and the window's columns. Where two lines
    /// cross, the stretch along the layer is seen if `runs_win`, the one across it otherwise.
    pub fn paint_row(&self, y: usize, window: Window, runs_win: bool, mut each: impl FnMut(usize, Arms, usize)) {
        let end = window.x + window.width;
        if y < self.y + self.depth {
            let row = y - self.y;
            let from = self.bars.partition_point(|bar| bar.column < window.x);
            let seen = self.bars[from..].iter().take_while(|bar| bar.column < end);
            for bar in seen.filter(|bar| bar.first <= row && row <= bar.last) {
                let arms = Arms { up: true, down: true, head: bar.head && row == bar.last, ..Arms::default() };
                each(bar.column, arms, bar.owner);
            }
            return;
        }
        let row = y - self.y - self.depth;
        let Some(runs) = self.tracks.get(row) else { return };
        let from = self.posts.partition_point(|post| post.column < window.x);
        let mut posts = self.posts[from..].iter().take_while(|post| post.column < end && window.width > 0).peekable();
        let from = runs.partition_point(|run| run.right < window.x);
        let mut runs = runs[from..].iter().take_while(|run| run.left < end).peekable();
        loop {
            // The next column at which something stands: a post, or the run that is under way.
            let run = runs.peek().copied();
            let next_run = run.map_or(usize::MAX, |run| run.left.max(window.x));
            let next_post = posts.peek().map_or(usize::MAX, |post| post.column);
            if next_post == usize::MAX && next_run == usize::MAX {
                return;
            }
            match run {
                Some(run) if run.left <= next_post => {
                    for column in next_run..=run.right.min(end - 1) {
                        let level = Arms { left: column > run.left, right: column < run.right, ..Arms::default() };
                        match upright(&mut posts, column, row) {
                            Some((arms, net, _)) if net == run.net => {
                                each(column, Arms { left: level.left, right: level.right, ..arms }, run.owner);
                            }
                            Some((arms, _, owner)) if !runs_win => each(column, arms, owner),
                            _ => each(column, level, run.owner),
                        }
                    }
                    runs.next();
                }
                _ => {
                    if let Some((arms, _, owner)) = upright(&mut posts, next_post, row) {
                        each(next_post, arms, owner);
                    }
                }
            }
        }
    }
}

/// The vertical arms at a cell, their net and owner. Takes the posts up to and including `column`.
fn upright<'a>(posts: &mut std::iter::Peekable<impl Iterator<Item = &'a Post>>, column: usize, row: usize) -> Option<(Arms, usize, usize)> {
    let mut found: Option<(Arms, usize, usize)> = None;
    while let Some(post) = posts.next_if(|post| post.column <= column) {
        if post.column < column || row < post.first || row > post.last {
            continue;
        }
        let up = row > post.first || post.from_above;
        let down = row < post.last || post.goes_below;
        let (arms, _, _) = found.get_or_insert((Arms::default(), post.net, post.owner));
        arms.up |= up;
        arms.down |= down;
    }
    found
}
