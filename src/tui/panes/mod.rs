//! Framed parts of a view that show one thing.

pub mod absent;
pub mod attention;
pub mod fires;
pub mod graph;
pub mod log;
pub mod pipelines;
pub mod tasks;
pub mod trigger;
pub mod welcome;

use super::{
    hits::{self, Hit},
    input::Filter,
    text,
    theme::Theme,
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::{Block, Clear},
};

/// Draws the frame of a pane and returns what is inside.
pub fn framed(frame: &mut Frame<'_>, area: Rect, title: &str, right: &str, focused: bool, theme: &Theme) -> Rect {
    hits::put(area, Hit::Pane(focused));
    if theme.frameless {
        let inner = Block::bordered().inner(area);
        let words = format!("{title}  {right}");
        let line = Rect { x: inner.x + 1, width: inner.width.saturating_sub(1), height: area.height.min(1), ..area };
        lines(frame, line, [Line::styled(text::cut(&text::safe(words.trim()), usize::from(line.width)), theme.style("fg.muted"))]);
        return inner;
    }
    let (set, edge) = theme.border(focused);
    let token = if focused { "border.focus" } else { "border" };
    let width = usize::from(area.width).saturating_sub(6);
    // What stands at the right may have half of it, and what a short title leaves.
    let title = text::safe(title);
    let right = text::cut(&text::safe(right), (width / 2).max(width.saturating_sub(text::width(&title) + 3)));
    let title = text::cut(&title, width.saturating_sub(text::width(&right) + 3));
    let style = theme.style(if focused { "title" } else { "fg.muted" });
    let mut block = Block::bordered().border_set(set).border_style(theme.style(token));
    let edge = Span::styled(edge, theme.style(token));
    if !title.is_empty() {
        block = block.title(Line::from(vec![edge.clone(), Span::styled(format!(" {title} "), style)]));
    }
    if !right.is_empty() {
        let right = Span::styled(format!(" {right} "), theme.style("fg.muted"));
        block = block.title(Line::from(vec![right, edge]).right_aligned());
    }
    let inner = block.inner(area);
    frame.render_widget(block, area);
    inner
}

/// Draws the frame of a dialog over what was there and returns what is inside, a column free on both sides.
pub fn popup(frame: &mut Frame<'_>, area: Rect, title: &str, right: &str, theme: &Theme) -> Rect {
    frame.render_widget(Clear, area);
    frame.buffer_mut().set_style(area, theme.base());
    let inner = framed(frame, area, title, right, true, theme);
    Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }
}

/// A rectangle of at most that size in the middle.
pub fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

/// Draws lines from the top; what does not fit is not drawn.
pub fn lines<'a>(frame: &mut Frame<'_>, area: Rect, lines: impl IntoIterator<Item = Line<'a>>) {
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        frame.buffer_mut().set_line(area.x, y, &line, area.width);
    }
}

/// Draws a filter that is being typed over the lower edge of a pane, and beside it what of it is not understood.
pub fn filter(frame: &mut Frame<'_>, pane: Rect, filter: &Filter, problems: &[String], theme: &Theme) {
    if !filter.is_typing() {
        return;
    }
    let width = pane.width.saturating_sub(4);
    let line = Rect { x: pane.x + 2, y: pane.bottom().saturating_sub(1), width, height: 1 };
    frame.render_widget(Clear, line);
    frame.buffer_mut().set_style(line, theme.base());
    let typed = if problems.is_empty() { width.min(60) } else { (width / 3).min(40) };
    filter.draw(frame, Rect { width: typed, ..line }, theme);
    if let Some(problem) = problems.first() {
        let rest = Rect { x: line.x + typed, width: width - typed, ..line };
        lines(
            frame,
            rest,
            [Line::styled(
                format!(" {} ", text::cut(&text::safe(problem), usize::from(rest.width).saturating_sub(2))),
                theme.style("error"),
            )],
        );
    }
}
