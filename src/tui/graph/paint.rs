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
}

impl Arms {
    fn index(self) -> usize {
        usize::from(self.up) | usize::from(self.down) << 1 | usize::from(self.left) << 2 | usize::from(self.right) << 3
    }

    /// The plain glyph.
    pub fn glyph(self, ascii: bool) -> char {
        const LIGHT: [char; 16] = [' ', '╵', '╷', '│', '╴', '╯', '╮', '┤', '╶', '╰', '╭', '├', '─', '┴', '┬', '┼'];
        const ASCII: [char; 16] = [' ', '|', '|', '|', '-', '\'', '.', '+', '-', '\'', '.', '+', '-', '+', '+', '+'];
        if ascii { ASCII[self.index()] } else { LIGHT[self.index()] }
    }

    /// The heavy glyph.
    pub fn heavy(self, ascii: bool) -> char {
        const HEAVY: [char; 16] = [' ', '╹', '╻', '┃', '╸', '┛', '┓', '┫', '╺', '┗', '┏', '┣', '━', '┻', '┳', '╋'];
        if ascii { self.glyph(true) } else { HEAVY[self.index()] }
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

/// A layer's row and the rows between it and the next.
#[derive(Debug, Clone, Default)]
pub struct Channel {
    /// The row of the layer itself.
    pub y: usize,
    /// The row after its last.
    pub end: usize,
    /// Lines that pass the layer's row: column and owner, left to right.
    pub bars: Vec<(usize, usize)>,
    /// For each row between, its horizontal stretches, left to right.
    pub tracks: Vec<Vec<Run>>,
    /// Vertical stretches, left to right.
    pub posts: Vec<Post>,
}

impl Channel {
    /// Calls `each` with column, arms and owner of every cell of a line in row `y` and the window's columns.
    pub fn paint_row(&self, y: usize, window: Window, mut each: impl FnMut(usize, Arms, usize)) {
        let end = window.x + window.width;
        if y == self.y {
            let from = self.bars.partition_point(|&(column, _)| column < window.x);
            for &(column, owner) in self.bars[from..].iter().take_while(|&&(column, _)| column < end) {
                each(column, Arms { up: true, down: true, ..Arms::default() }, owner);
            }
            return;
        }
        let row = y - self.y - 1;
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
                            Some((arms, _, owner)) => each(column, arms, owner),
                            None => each(column, level, run.owner),
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
