//! What may follow the first of two keys, shown to whoever waits.

use super::{
    actions::Context,
    keymap::{self, shown},
    list, panes, text,
    theme::Theme,
};
use crate::stdx::time::Timestamp;
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Clear,
};

/// After so long it is shown.
pub const PATIENCE: chrono::Duration = chrono::Duration::milliseconds(400);

/// The first of two keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Which.
    pub key: String,
    /// When it was pressed.
    pub since: Timestamp,
    /// Whether what may follow is shown.
    pub shown: bool,
}

/// No continuation gets less room.
const CELL: usize = 44;

/// Draws the continuations above the last line; what does nothing here is dim.
pub fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    pending: &Pending,
    contexts: &[Context],
    possible: impl Fn(keymap::Bound) -> bool,
    theme: &Theme,
) {
    let next = keymap::in_effect().continuations(contexts, &pending.key);
    let width = usize::from(area.width).saturating_sub(3);
    let columns = (width / CELL).max(1);
    let what_width = (width / columns).saturating_sub(10);
    let rows = next.len().div_ceil(columns).max(1);
    let height = u16::try_from(rows + 2).unwrap_or(area.height).min(area.height);
    let place = Rect { y: area.bottom().saturating_sub(height + 1), height, ..area };
    frame.render_widget(Clear, place);
    frame.buffer_mut().set_style(place, theme.base());
    let inner = panes::framed(frame, place, &format!("{}…", shown(&pending.key)), "Esc forgets it", true, theme);
    let lines = (0..rows).map(|row| {
        let cells = (0..columns).filter_map(|column| next.get(column * rows + row)).flat_map(|(key, entry)| {
            let token = if possible(entry.bound) { "fg" } else { "fg.muted" };
            let what = text::left(&text::safe(&entry.description), what_width);
            [
                Span::styled(format!(" {} ", text::right(&shown(key), 6)), theme.style("hint.key")),
                Span::styled(format!("{what}  "), theme.style(token)),
            ]
        });
        Line::from(cells.collect::<Vec<_>>())
    });
    list::draw(frame, inner, lines, None, theme);
}
