//! The graph of a run: pills and lines, the part of it that fits.

use super::{super::world::RunData, framed};
use crate::{
    model::{TaskSnapshot, TaskState},
    stdx::time::Timestamp,
    tui::{
        graph::{Direction, Drawing, Window},
        graphs::{CODE, Level, TIME},
        panes::tasks,
        text,
        theme::Theme,
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

/// Where the drawing is looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GraphPane {
    x: usize,
    y: usize,
}

/// The selected task, and whether the pane has the keys.
#[derive(Debug, Clone, Copy)]
pub struct Selection {
    /// Its position, in order of declaration.
    pub task: usize,
    /// Whether keys move it here.
    pub focused: bool,
}

impl GraphPane {
    /// Moves the part that is seen so far that the selected task is in it.
    pub fn reveal(&mut self, data: &RunData, selected: usize, area: Rect) {
        if let Some((_, drawing)) = data.graph.fitting(usize::from(inside(area).width)) {
            let window = self.window(drawing, selected, inside(area));
            *self = Self { x: window.x, y: window.y };
        }
    }

    /// The task that a step leads to.
    pub fn step(data: &RunData, selected: usize, direction: Direction, area: Rect) -> Option<usize> {
        data.graph.fitting(usize::from(inside(area).width))?.1.neighbour(selected, direction)
    }

    /// Draws the pane.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, data: &RunData, selection: Selection, now: Timestamp, theme: &Theme) {
        let Selection { task: selected, focused } = selection;
        let fitting = data.graph.fitting(usize::from(inside(area).width));
        let Some((level, drawing)) = fitting.filter(|(_, drawing)| !drawing.nodes.is_empty()) else {
            framed(frame, area, "Graph", "no tasks", focused, theme);
            return;
        };
        let inner = inside(area);
        let window = self.window(drawing, selected, inner);
        let beyond = beyond(drawing, window);
        let right = if beyond.is_empty() { text::count(data.tasks.len(), "task") } else { beyond };
        framed(frame, area, "Graph", &right, focused, theme);
        let canvas = Canvas { inner: centred(inner, drawing), window };
        canvas.edges(frame, drawing, data, selected, theme);
        for position in drawing.nodes_in(window) {
            let (Some(task), Some(node)) = (data.tasks.get(position), drawing.nodes.get(position)) else { continue };
            let token = (position == selected).then_some(if focused { "selection" } else { "selection.inactive" });
            canvas.pill(
                frame,
                (node.x, node.y),
                &pill(task, level.name_width(task.task.as_str(), data.graph.longest), level, now, theme),
                token,
                theme,
            );
        }
    }

    /// The part that is seen: as before, moved as far as the selected task needs.
    fn window(&self, drawing: &Drawing, selected: usize, inner: Rect) -> Window {
        let (width, height) = (usize::from(inner.width), usize::from(inner.height));
        let mut window = Window { x: self.x, y: self.y, width, height };
        if let Some(node) = drawing.nodes.get(selected) {
            window.x = window.x.max((node.x + node.width).saturating_sub(width)).min(node.x);
            // A row above and below, so that its lines are seen.
            window.y = window.y.max((node.y + 2).saturating_sub(height)).min(node.y.saturating_sub(1));
        }
        window.x = window.x.min(drawing.width.saturating_sub(width));
        window.y = window.y.min(drawing.height.saturating_sub(height));
        window
    }
}

/// Inside the frame, with a free column on both sides.
const fn inside(area: Rect) -> Rect {
    Rect { x: area.x + 2, y: area.y + 1, width: area.width.saturating_sub(4), height: area.height.saturating_sub(2) }
}

/// A drawing that is narrower than the pane stands in its middle.
fn centred(inner: Rect, drawing: &Drawing) -> Rect {
    let spare = usize::from(inner.width).saturating_sub(drawing.width) / 2;
    let spare = u16::try_from(spare).unwrap_or(0);
    Rect { x: inner.x + spare, width: inner.width - spare, ..inner }
}

/// How many tasks are out of sight, by direction.
fn beyond(drawing: &Drawing, window: Window) -> String {
    let count = |out: &dyn Fn(usize, usize, usize) -> bool| drawing.nodes.iter().filter(|n| out(n.x, n.y, n.x + n.width)).count();
    let directions = [
        ("↑", count(&|_, y, _| y < window.y)),
        ("↓", count(&|_, y, _| y >= window.y + window.height)),
        ("←", count(&|x, _, _| x < window.x)),
        ("→", count(&|_, _, end| end > window.x + window.width)),
    ];
    let shown = directions.iter().filter(|(_, n)| *n > 0).map(|(arrow, n)| format!("{arrow}{n}"));
    shown.collect::<Vec<_>>().join(" ")
}

/// What a pill says: glyph, name and, at the full level, code and time.
fn pill(task: &TaskSnapshot, name_width: usize, level: Level, now: Timestamp, theme: &Theme) -> Line<'static> {
    let look = tasks::look(task);
    let style = theme.style(look.token);
    let name = text::left(&text::safe(task.task.as_str()), name_width);
    let mut spans = vec![Span::styled(format!("{} ", look.glyph), style), Span::styled(name, theme.style("fg"))];
    if level.has_fields() {
        spans.push(Span::styled(format!(" {:<CODE$} ", look.code), style));
        spans.push(Span::styled(text::right(&tasks::time(task, now), TIME), theme.style("fg.muted")));
    }
    Line::from(spans)
}

/// The part of the drawing that is seen, and where on the screen.
struct Canvas {
    inner: Rect,
    window: Window,
}

impl Canvas {
    /// The cell on the screen, if it is seen.
    fn at(&self, x: usize, y: usize) -> Option<(u16, u16)> {
        let column = u16::try_from(x.checked_sub(self.window.x)?).ok()?;
        let row = u16::try_from(y.checked_sub(self.window.y)?).ok()?;
        (column < self.inner.width && row < self.inner.height).then(|| (self.inner.x + column, self.inner.y + row))
    }

    fn edges(&self, frame: &mut Frame<'_>, drawing: &Drawing, data: &RunData, selected: usize, theme: &Theme) {
        for cell in drawing.cells_in(self.window) {
            let Some(at) = self.at(cell.x, cell.y) else { continue };
            let focus = cell.sources.contains(&selected);
            let skipped = |source: &usize| data.tasks.get(*source).is_some_and(|task| task.state == TaskState::Skipped);
            let (glyph, token) = match (focus, cell.sources.iter().all(skipped)) {
                (true, _) => (cell.heavy, "edge.focus"),
                (false, true) => (cell.glyph, "edge.dim"),
                (false, false) => (cell.glyph, "edge"),
            };
            frame.buffer_mut()[at].set_char(glyph).set_style(theme.style(token));
        }
    }

    fn pill(&self, frame: &mut Frame<'_>, (x, y): (usize, usize), line: &Line<'_>, token: Option<&str>, theme: &Theme) {
        let hidden = self.window.x.saturating_sub(x);
        let Some((column, row)) = self.at(x.max(self.window.x), y) else { return };
        let mut column = column;
        let mut skip = hidden;
        let start = column;
        for span in &line.spans {
            let content = text::skip(&span.content, skip);
            skip = skip.saturating_sub(text::width(&span.content));
            let room = self.inner.right().saturating_sub(column);
            column = frame.buffer_mut().set_span(column, row, &Span::styled(content, span.style), room).0;
        }
        if let Some(token) = token {
            frame.buffer_mut().set_style(Rect { x: start, y: row, width: column - start, height: 1 }, theme.style(token));
        }
    }
}
