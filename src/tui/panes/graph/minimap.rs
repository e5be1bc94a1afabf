//! The whole of a drawing in a corner of the pane, where it does not fit: what is seen of it, and where something failed.

use super::canvas::Ink;
use crate::tui::graph::Window;
use ratatui::{
    Frame,
    layout::Rect,
    widgets::{Block, Clear},
};

const WIDTH: u16 = 20;
const HEIGHT: u16 = 6;
/// In a smaller pane it would hide more than it shows.
const LEAST: (u16, u16) = (56, 14);

/// Dots of a braille cell, by column and row.
const DOTS: [[u32; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// Draws it where it covers least.
pub fn draw(frame: &mut Frame<'_>, inner: Rect, window: Window, ink: &Ink<'_>) {
    if inner.width < LEAST.0 || inner.height < LEAST.1 {
        return;
    }
    let theme = ink.theme;
    let area = corner(frame, inner);
    frame.render_widget(Clear, area);
    frame.buffer_mut().set_style(area, theme.base());
    let block = Block::bordered().border_set(theme.border(false).0).border_style(theme.style("border"));
    let map = block.inner(area);
    frame.render_widget(block, area);
    let drawing = &ink.figure.drawing;
    let (columns, rows) = (usize::from(map.width), usize::from(map.height));
    let scale = Scale::of((drawing.width, drawing.height), (columns * 2, rows * 4));
    let mut cells = vec![0_u32; columns * rows];
    let mut failed = vec![false; columns * rows];
    for (at, node) in drawing.nodes.iter().enumerate() {
        let y = scale.row(node.centre());
        let (first, last) = (scale.column(node.x), scale.column((node.x + node.width).saturating_sub(1)));
        for x in first..=last {
            cells[y / 4 * columns + x / 2] |= DOTS[x % 2][y % 4];
        }
        if ink.is_failed(at) {
            failed[y / 4 * columns + first / 2] = true;
        }
    }
    let seen_x = scale.column(window.x) / 2..=scale.column((window.x + window.width).min(drawing.width).saturating_sub(1)) / 2;
    let seen_y = scale.row(window.y) / 4..=scale.row((window.y + window.height).min(drawing.height).saturating_sub(1)) / 4;
    for (at, (dots, failed)) in cells.into_iter().zip(failed).enumerate() {
        let (x, y) = (at % columns, at / columns);
        let seen = seen_x.contains(&x) && seen_y.contains(&y);
        let glyph = match (failed, theme.ascii(), dots) {
            (true, ..) => '✗',
            (false, true, 0) => {
                if seen {
                    ':'
                } else {
                    ' '
                }
            }
            (false, true, _) => {
                if seen {
                    '#'
                } else {
                    '.'
                }
            }
            (false, false, dots) => char::from_u32(0x2800 + dots).unwrap_or(' '),
        };
        let token = if failed {
            "state.failed"
        } else if seen {
            "fg"
        } else {
            "fg.muted"
        };
        let mut style = theme.style(token);
        if seen {
            style = style.patch(theme.style("selection.inactive"));
        }
        let (x, y) = (map.x + x as u16, map.y + y as u16);
        frame.buffer_mut()[(x, y)].set_char(glyph).set_style(style);
    }
}

/// How cells of a drawing become dots. A cell of the terminal is twice as high as wide, a dot is as high as wide.
struct Scale {
    /// Columns of the drawing, or half rows, for each dot.
    size: usize,
    /// Dots there are.
    dots: (usize, usize),
    /// Dots free before the first.
    before: (usize, usize),
}

impl Scale {
    fn of((width, height): (usize, usize), dots: (usize, usize)) -> Self {
        let size = width.div_ceil(dots.0).max((2 * height).div_ceil(dots.1)).max(1);
        let before = (dots.0.saturating_sub(width.div_ceil(size)) / 2, dots.1.saturating_sub((2 * height).div_ceil(size)) / 2);
        Self { size, dots, before }
    }

    fn column(&self, x: usize) -> usize {
        (self.before.0 + x / self.size).min(self.dots.0 - 1)
    }

    fn row(&self, y: usize) -> usize {
        (self.before.1 + 2 * y / self.size).min(self.dots.1 - 1)
    }
}

/// The corner in which the fewest cells say something.
fn corner(frame: &mut Frame<'_>, inner: Rect) -> Rect {
    let (right, bottom) = (inner.right() - WIDTH, inner.bottom() - HEIGHT);
    let corners = [(right, bottom), (right, inner.y), (inner.x, bottom), (inner.x, inner.y)];
    let buffer = frame.buffer_mut();
    let said = |&(x, y): &(u16, u16)| {
        let cells = (y..y + HEIGHT).flat_map(|y| (x..x + WIDTH).map(move |x| (x, y)));
        cells.filter(|&at| buffer[at].symbol() != " ").count()
    };
    let (x, y) = corners.into_iter().min_by_key(said).unwrap_or((right, bottom));
    Rect { x, y, width: WIDTH, height: HEIGHT }
}
