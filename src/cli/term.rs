//! What the terminal can show: colours, glyphs, width. Everything else asks here, and a pipe is told nothing but text.

use super::context::Color;
use crate::{
    model::{TaskSnapshot, TaskState, state::CACHED_LOOK, state::Look},
    stdx::sanitize,
};
use std::io::IsTerminal;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How a piece of text stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    token: &'static str,
    bold: bool,
}

impl Style {
    /// As everything else.
    pub const fn plain() -> Self {
        Self { token: "fg", bold: false }
    }
    /// In the colour of a meaning.
    pub const fn of(token: &'static str) -> Self {
        Self { token, bold: false }
    }
    /// In the colour of a meaning, and bold.
    pub const fn bold(token: &'static str) -> Self {
        Self { token, bold: true }
    }
    /// Less important.
    pub const fn dim() -> Self {
        Self { token: "fg.muted", bold: false }
    }

    /// One of the terminal's own sixteen colours, which its user has chosen to be readable.
    fn sgr(self) -> Option<String> {
        let colour = match self.token {
            "state.success" => "32",
            "state.cached" | "accent" => "36",
            "state.running" => "34",
            "state.failed" => "31",
            "state.upstream_failed" | "state.up_for_retry" | "warning" => "33",
            "state.awaiting_approval" | "state.lost" => "35",
            "fg.muted" | "state.pending" | "state.queued" | "state.skipped" | "state.canceled" => "90",
            _ => "",
        };
        match (self.bold, colour) {
            (false, "") => None,
            (true, "") => Some("1".to_owned()),
            (false, colour) => Some(colour.to_owned()),
            (true, colour) => Some(format!("1;{colour}")),
        }
    }
}

/// One output stream and what can be shown on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screen {
    /// A person's terminal, not a pipe or a file.
    pub tty: bool,
    /// The cursor can be moved: a terminal that is not `dumb`.
    pub moves: bool,
    /// Colours are welcome.
    pub colours: bool,
    /// Glyphs beyond ASCII are shown right.
    pub unicode: bool,
}

impl Screen {
    /// What can be shown on standard output.
    pub fn stdout(color: Color) -> Self {
        Self::of(std::io::stdout().is_terminal(), color)
    }

    /// What can be shown on standard error.
    pub fn stderr(color: Color) -> Self {
        Self::of(std::io::stderr().is_terminal(), color)
    }

    fn of(tty: bool, color: Color) -> Self {
        let variable = |name: &str| std::env::var(name).unwrap_or_default();
        let term = variable("TERM");
        let dumb = term == "dumb";
        let colours = match color {
            Color::Never => false,
            Color::Auto => tty && !dumb && variable("NO_COLOR").is_empty(),
            Color::C16 | Color::C256 | Color::True => true,
        };
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().map(|name| variable(name)).find(|value| !value.is_empty()).unwrap_or_default();
        let unicode = is_utf8(&locale) && !dumb && term != "linux";
        Self { tty, moves: tty && !dumb && !term.is_empty(), colours, unicode }
    }

    /// Columns; what is not a terminal has no end.
    pub fn width(&self) -> usize {
        if self.tty { size().0 } else { usize::MAX }
    }

    /// The text in its style, if colours are welcome.
    pub fn paint(&self, text: &str, style: Style) -> String {
        match style.sgr() {
            Some(sgr) if self.colours && !text.is_empty() => format!("\x1b[{sgr}m{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }

    /// One glyph, as the terminal can show it.
    pub const fn glyph(&self, look: Look) -> char {
        if self.unicode { look.glyph } else { look.ascii }
    }

    /// Glyph and code: `✓ OK`.
    pub fn state(&self, look: Look) -> Cell {
        Cell::styled(format!("{} {}", self.glyph(look), look.code), Style::of(look.token))
    }

    /// `…`, or what ASCII has for it.
    pub const fn ellipsis(&self) -> &'static str {
        if self.unicode { "…" } else { "~" }
    }
}

fn is_utf8(locale: &str) -> bool {
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// Columns and rows of the terminal; 80×24 if it does not say.
pub fn size() -> (usize, usize) {
    match crossterm::terminal::size() {
        Ok((columns, rows)) if columns > 0 && rows > 0 => (usize::from(columns), usize::from(rows)),
        _ => (80, 24),
    }
}

/// How a task instance looks: its state, or that it came from the cache.
pub fn task_look(task: &TaskSnapshot) -> Look {
    if task.cached && task.state == TaskState::Success { CACHED_LOOK } else { task.state.look() }
}

/// A piece of text with its style; the text is safe to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Made safe when it came in.
    pub text: String,
    /// How it stands out.
    pub style: Style,
}

impl Cell {
    /// Foreign or own text in a style.
    pub fn styled(text: impl AsRef<str>, style: Style) -> Self {
        Self { text: sanitize::line(text.as_ref()), style }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::styled(text, Style::plain())
    }
}

/// Cells one after another, cut to `width` columns.
pub fn render(screen: &Screen, cells: &[Cell], width: usize) -> String {
    let mut left = width;
    let mut shown = String::new();
    for cell in cells {
        let text = cut(&cell.text, left, screen.ellipsis());
        left -= text.width().min(left);
        shown.push_str(&screen.paint(&text, cell.style));
    }
    shown
}

/// The text, or its beginning and an ellipsis where it is wider than `width` columns.
pub fn cut(text: &str, width: usize, ellipsis: &str) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let Some(room) = width.checked_sub(ellipsis.width()) else { return String::new() };
    let mut used = 0;
    let kept: String = text
        .chars()
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= room
        })
        .collect();
    kept + ellipsis
}

/// Rows under a header, aligned; the last column gives way where the terminal is too narrow, then all lines are cut.
pub fn table(screen: &Screen, header: &[&str], rows: &[Vec<Cell>]) -> String {
    let width_of = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.text.width());
        cells.chain([header[column].width()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width_of).collect();
    let head: Vec<Cell> = header.iter().map(|name| Cell::styled(name, Style::dim())).collect();
    let limit = screen.width();
    std::iter::once(&head).chain(rows).map(|row| render(screen, &padded(row, &widths), limit) + "\n").collect()
}

/// Every cell but the last widened to its column and followed by two blanks.
fn padded(row: &[Cell], widths: &[usize]) -> Vec<Cell> {
    let mut cells = Vec::with_capacity(row.len() * 2);
    for (i, cell) in row.iter().enumerate() {
        cells.push(cell.clone());
        if row[i + 1..].iter().any(|later| !later.text.is_empty()) {
            cells.push(Cell { text: " ".repeat(widths[i] - cell.text.width() + 2), style: Style::plain() });
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIPE: Screen = Screen { tty: false, moves: false, colours: false, unicode: true };

    #[test]
    fn wide_characters_and_long_texts_keep_a_table_aligned_and_inside_its_width() {
        let rows = vec![vec![Cell::from("数据"), Cell::from("x")], vec![Cell::from("abc"), Cell::from("a longer text")]];
        assert_eq!(table(&PIPE, &["NAME", "ABOUT"], &rows), "NAME  ABOUT\n数据  x\nabc   a longer text\n");
        assert_eq!(render(&PIPE, &padded(&rows[1], &[4, 13]), 10), "abc   a l…");
        assert_eq!(cut("数据数据", 4, "…"), "数…");
        assert_eq!(cut("abc", 0, "…"), "");
    }

    #[test]
    fn colour_is_only_where_it_is_welcome() {
        let colourful = Screen { colours: true, ..PIPE };
        assert_eq!(colourful.paint("OK", Style::of("state.success")), "\x1b[32mOK\x1b[0m");
        assert_eq!(PIPE.paint("OK", Style::of("state.success")), "OK");
    }

    #[test]
    fn hostile_names_are_harmless_in_cells() {
        assert_eq!(Cell::from("a\x1b[2J").text, "a␛[2J");
    }
}
