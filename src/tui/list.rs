//! Which line of a list is selected, which lines are in sight, and how lines of a table share the width.

use super::{
    hits::{self, Hit},
    text,
    theme::Theme,
};
use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The selected line of a list and the first line in sight.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListState {
    /// The selected line.
    pub selected: usize,
    /// The first line in sight.
    pub offset: usize,
}

impl ListState {
    /// Selects a line of a list that is `len` long and of which `height` lines are in sight.
    pub fn select(&mut self, line: usize, len: usize, height: usize) {
        self.selected = line.min(len.saturating_sub(1));
        self.offset = self.window(len, height).start;
    }

    /// Moves the selection.
    pub fn by(&mut self, lines: isize, len: usize, height: usize) {
        self.select(self.selected.saturating_add_signed(lines), len, height);
    }

    /// Selects a line that stood elsewhere before; what is in sight moves along, so that the person sees it stay.
    pub fn follow(&mut self, line: usize, len: usize, height: usize) {
        let moved = line.cast_signed() - self.selected.cast_signed();
        self.offset = self.offset.saturating_add_signed(moved);
        self.select(line, len, height);
    }

    /// The lines in sight: as before, moved only as far as the selection needs.
    pub fn window(&self, len: usize, height: usize) -> Range<usize> {
        let selected = self.selected.min(len.saturating_sub(1));
        let start = self.offset.min(len.saturating_sub(height)).clamp((selected + 1).saturating_sub(height.max(1)), selected);
        start..(start + height).min(len)
    }

    /// How many lines are above and below those in sight: `▴ 2 ▾ 4 more`, or nothing.
    pub fn beyond(&self, len: usize, height: usize) -> String {
        let window = self.window(len, height);
        let sides = [("▴", window.start), ("▾", len - window.end)];
        let said: Vec<_> = sides.into_iter().filter(|(_, n)| *n > 0).map(|(sign, n)| format!("{sign} {n}")).collect();
        if said.is_empty() { String::new() } else { format!("{} more", said.join(" ")) }
    }
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column<'a> {
    /// Its title.
    pub title: &'a str,
    /// It is never narrower.
    pub width: usize,
    /// It takes what is left over.
    pub grows: bool,
    /// Columns with larger numbers go first when there is no room; 0 stays.
    pub drop: u8,
}

/// Which columns fit, and how wide each is; a space stands between two.
pub fn fit(columns: &[Column<'_>], width: usize) -> Vec<(usize, usize)> {
    let mut kept: Vec<usize> = (0..columns.len()).collect();
    let needed = |kept: &[usize]| kept.iter().map(|&i| columns[i].width + 1).sum::<usize>().saturating_sub(1);
    while needed(&kept) > width {
        let Some(worst) = kept.iter().copied().filter(|&i| columns[i].drop > 0).max_by_key(|&i| columns[i].drop) else { break };
        kept.retain(|&i| i != worst);
    }
    let spare = width.saturating_sub(needed(&kept));
    let growing = kept.iter().filter(|&&i| columns[i].grows).count().max(1);
    kept.into_iter().map(|i| (i, columns[i].width + if columns[i].grows { spare / growing } else { 0 })).collect()
}

/// The titles, in one line.
pub fn header(columns: &[Column<'_>], fitted: &[(usize, usize)], theme: &Theme) -> Line<'static> {
    let titles = fitted.iter().map(|&(i, width)| text::left(columns[i].title, width) + " ");
    Line::styled(titles.collect::<String>(), theme.style("fg.muted"))
}

/// Draws the titles of a table that stands in a pane, after the room of the marks of its lines. How wide each column became, and where its
/// lines stand.
pub fn head(frame: &mut Frame<'_>, inner: Rect, columns: &[Column<'_>], theme: &Theme) -> (Vec<(usize, usize)>, Rect) {
    let fitted = fit(columns, usize::from(inner.width).saturating_sub(3));
    frame.buffer_mut().set_line(inner.x + 2, inner.y, &header(columns, &fitted, theme), inner.width.saturating_sub(2));
    (fitted, Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner })
}

/// Cells of one line, each cut to its column.
pub fn row(cells: &[(String, Style)], fitted: &[(usize, usize)]) -> Line<'static> {
    let spans = fitted.iter().flat_map(|&(i, width)| {
        let (content, style) = &cells[i];
        [Span::styled(text::left(content, width), *style), Span::raw(" ")]
    });
    Line::from(spans.collect::<Vec<_>>())
}

/// Draws lines below each other; the selected one is marked over the whole width.
pub fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    lines: impl IntoIterator<Item = Line<'static>>,
    selected: Option<(usize, &str)>,
    theme: &Theme,
) {
    for (at, (y, line)) in (area.y..area.bottom()).zip(lines).enumerate() {
        frame.buffer_mut().set_line(area.x + 1, y, &line, area.width.saturating_sub(1));
        if let Some((selected, _)) = selected {
            let by = isize::try_from(at).unwrap_or(0) - isize::try_from(selected).unwrap_or(0);
            hits::put(Rect { y, height: 1, ..area }, Hit::Line(by));
        }
    }
    if let Some((at, token)) = selected
        && let Ok(at) = u16::try_from(at)
        && at < area.height
    {
        let line = Rect { y: area.y + at, height: 1, ..area };
        frame.buffer_mut().set_string(area.x, line.y, ">", theme.style("accent"));
        frame.buffer_mut().set_style(line, theme.style(token));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selection_stays_in_sight_and_the_window_moves_no_more_than_needed() {
        let mut list = ListState::default();
        list.by(4, 10, 3);
        assert_eq!((list.selected, list.window(10, 3)), (4, 2..5));
        list.by(-1, 10, 3);
        assert_eq!(list.window(10, 3), 2..5);
        list.by(100, 10, 3);
        assert_eq!((list.selected, list.window(10, 3)), (9, 7..10));
        assert_eq!(list.window(2, 3), 0..2);
        assert_eq!(list.window(0, 3), 0..0);
        assert_eq!(list.window(5, 0).len(), 0);
    }

    #[test]
    fn what_comes_above_the_selection_does_not_move_it_on_the_screen() {
        let mut list = ListState { selected: 7, offset: 5 };
        list.follow(10, 20, 6);
        assert_eq!((list.selected, list.offset), (10, 8));
        list.follow(1, 20, 6);
        assert_eq!((list.selected, list.offset), (1, 0));
    }

    #[test]
    fn columns_go_by_priority_and_are_never_shrunk() {
        let column = |width, grows, drop| Column { title: "", width, grows, drop };
        let columns = [column(6, false, 0), column(10, true, 0), column(8, false, 2), column(8, false, 1)];
        assert_eq!(fit(&columns, 40), [(0, 6), (1, 15), (2, 8), (3, 8)]);
        assert_eq!(fit(&columns, 30), [(0, 6), (1, 14), (3, 8)]);
        assert_eq!(fit(&columns, 20), [(0, 6), (1, 13)]);
        assert_eq!(fit(&columns, 5), [(0, 6), (1, 10)]);
    }
}
