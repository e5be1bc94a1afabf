//! Texts in cells: made safe, cut and padded to a width that the terminal agrees with.

use super::theme::Glyphs;
use crate::stdx::{duration, sanitize, time::Timestamp};
use ratatui::buffer::Buffer;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Foreign text on one line, with colour sequences dropped and everything else that is active made visible.
pub fn safe(text: &str) -> String {
    if text.contains('\x1b') { sanitize::line(&without_colours(text)) } else { sanitize::line(text) }
}

/// Drops `ESC [ … m`, the sequences that only colour text.
fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("\x1b[") {
        let parameters = &rest[start + 2..];
        let end = parameters.find(|c: char| !(c.is_ascii_digit() || c == ';' || c == ':')).unwrap_or(parameters.len());
        let (before, sequence) = rest.split_at(start);
        plain.push_str(before);
        if parameters[end..].starts_with('m') {
            rest = &parameters[end + 1..];
        } else {
            plain.push('\x1b');
            rest = &sequence[1..];
        }
    }
    plain.push_str(rest);
    plain
}

/// How many columns a text takes.
pub fn width(text: &str) -> usize {
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// At most `columns` of it; what is cut ends with `…`.
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut kept = take(text, columns.saturating_sub(1)).to_owned();
    if columns > 0 {
        kept.push('…');
    }
    kept
}

/// The longest beginning that fits.
pub fn take(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += grapheme.width();
        if used > columns {
            return &text[..at];
        }
    }
    text
}

/// What is left after the first `columns`.
pub fn skip(text: &str, columns: usize) -> &str {
    &text[take(text, columns).len()..]
}

/// Exactly `columns`, to the left.
pub fn left(text: &str, columns: usize) -> String {
    let kept = cut(text, columns);
    let gap = columns.saturating_sub(width(&kept));
    kept + &" ".repeat(gap)
}

/// Exactly `columns`, to the right.
pub fn right(text: &str, columns: usize) -> String {
    let kept = cut(text, columns);
    " ".repeat(columns.saturating_sub(width(&kept))) + &kept
}

/// Breaks a text into lines of at most `columns`, at spaces where there are any.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut rest = paragraph;
        while width(rest) > columns {
            let fits = take(rest, columns);
            let fits = if fits.is_empty() { rest.graphemes(true).next().unwrap_or(rest) } else { fits };
            let at = fits.rfind(' ').filter(|at| *at > 0 && fits[..*at].trim().len() * 3 > fits.len()).unwrap_or(fits.len());
            lines.push(rest[..at].to_owned());
            rest = rest[at..].trim_start_matches(' ');
        }
        lines.push(rest.to_owned());
    }
    lines
}

/// How long it took from `start` to `end` or now.
pub fn took(start: Option<Timestamp>, end: Option<Timestamp>, now: Timestamp) -> String {
    match start {
        Some(start) => duration::short((end.unwrap_or(now) - start).to_std().unwrap_or_default()),
        None => "-".to_owned(),
    }
}

/// How long ago: `12s ago`, `3m ago`, `5h ago`, `2d ago`.
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    format!("{} ago", age(at, now))
}

/// How long it is since then: `12s`, `3m`, `5h`, `2d`.
pub fn age(at: Timestamp, now: Timestamp) -> String {
    match (now - at).num_seconds().max(0) {
        s @ 0..60 => format!("{s}s"),
        s @ 60..3_600 => format!("{}m", s / 60),
        s @ 3_600..86_400 => format!("{}h", s / 3_600),
        s => format!("{}d", s / 86_400),
    }
}

/// `one task`, `3 tasks`.
pub fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// The last guard before the terminal: no cell holds anything that could act on it, and none what the terminal cannot show in
/// the cells that it has.
pub fn guard(buffer: &mut Buffer, glyphs: Glyphs) {
    for cell in &mut buffer.content {
        let symbol = cell.symbol();
        if symbol.len() == 1 && symbol.is_ascii() && !symbol.as_bytes()[0].is_ascii_control() {
            continue;
        }
        if sanitize::line(symbol) != symbol {
            cell.set_symbol("?");
        } else if !fits(symbol, glyphs) {
            let stand_in = symbol.chars().next().map_or(' ', ascii_of);
            cell.set_char(stand_in);
        }
    }
}

fn fits(symbol: &str, glyphs: Glyphs) -> bool {
    match glyphs {
        Glyphs::Unicode => true,
        Glyphs::Narrow => symbol.width_cjk() == symbol.width(),
        Glyphs::Ascii => symbol.is_ascii(),
    }
}

/// Stands at a run whose end is told.
pub const WATCHED: char = '♪';

/// What stands for a character where only ASCII can be shown.
fn ascii_of(c: char) -> char {
    use crate::model::{TaskState, state::CACHED_LOOK};
    let looks = TaskState::ALL.iter().map(|state| state.look()).chain([CACHED_LOOK]);
    if let Some(look) = looks.into_iter().find(|look| look.glyph == c) {
        return look.ascii;
    }
    match c {
        '─' | '╌' | '┄' => '-',
        '━' => '=',
        '│' | '┃' | '┊' | '▌' | '▐' | '▏' | '‖' => '|',
        '╭' | '╮' | '┌' | '┐' => '.',
        '╰' | '╯' | '└' | '┘' => '\'',
        '├' | '┤' | '┬' | '┴' | '┼' | '┏' | '┓' | '┗' | '┛' => '+',
        '…' | '⋯' => '~',
        '×' => 'x',
        WATCHED => '*',
        '⊞' => '#',
        '⊟' => '=',
        '·' => '.',
        '●' => 'o',
        '±' => '*',
        '▾' | '↓' => 'v',
        '↑' => '^',
        '←' => '<',
        '→' | '▸' | '↪' => '>',
        '◂' => '<',
        '▴' => '^',
        '█' | '▓' => '#',
        '␛' => '^',
        '▁' | '▂' | '▃' => '_',
        '▄' | '▅' | '▆' | '▇' => '=',
        '▒' => '%',
        '░' => '.',
        '–' | '—' => '-',
        '≥' => '>',
        '≤' => '<',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_dropped_and_everything_else_becomes_visible() {
        assert_eq!(safe("\x1b[31mred\x1b[0m \x1b[38;5;3mx"), "red x");
        assert_eq!(safe("\x1b[2Jgone\x1b]0;title\x07"), "␛[2Jgone␛]0;title^G");
        assert_eq!(safe("end\x1b["), "end␛[");
    }

    #[test]
    fn a_cut_text_says_so_and_never_splits_a_wide_character() {
        assert_eq!(left("extract", 10), "extract   ");
        assert_eq!(left("extract_data", 8), "extract…");
        assert_eq!(right("1m04s", 7), "  1m04s");
        assert_eq!(left("数据数据", 4), "数… ");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn long_texts_break_at_spaces() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("a\n\nb", 4), ["a", "", "b"]);
    }

    #[test]
    fn the_guard_lets_nothing_active_through() {
        let mut buffer = Buffer::with_lines(["ab ✓─c"]);
        buffer[(0, 0)].set_symbol("\x1b");
        buffer[(1, 0)].set_symbol("\u{202e}");
        guard(&mut buffer, Glyphs::Unicode);
        assert_eq!(buffer, {
            let mut b = Buffer::with_lines(["?? ✓─c"]);
            b.set_style(b.area, ratatui::style::Style::default());
            b
        });
        guard(&mut buffer, Glyphs::Narrow);
        let symbols = |buffer: &Buffer| buffer.content.iter().map(|c| c.symbol().to_owned()).collect::<String>();
        assert_eq!(symbols(&buffer), "?? ✓-c");
        guard(&mut buffer, Glyphs::Ascii);
        assert_eq!(symbols(&buffer), "?? +-c");
    }
}
