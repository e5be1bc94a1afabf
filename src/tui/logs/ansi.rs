//! The colours that a task gave its lines: `ESC [ … m` becomes styles, everything else that is active becomes visible.

use crate::{
    runtime::book::{colour_length, last_drawn},
    tui::{text, theme::Theme},
};
use ratatui::style::{Color, Modifier, Style};

/// How a part of a text looks, as its task wanted it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Look {
    fg: Option<Color>,
    bg: Option<Color>,
    modifiers: Modifier,
}

/// A part of a text that has a look of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Bytes of the text.
    pub start: usize,
    /// The first byte after it.
    pub end: usize,
    /// How it looks.
    pub look: Look,
}

/// A line as it is shown: what a terminal would show of it, safe, and the parts that are coloured.
pub fn read(line: &str) -> (String, Vec<Run>) {
    let last = last_drawn(line.as_bytes());
    let mut rest = &line[(last.as_ptr() as usize - line.as_ptr() as usize)..][..last.len()];
    let (mut shown, mut runs, mut look) = (String::with_capacity(rest.len()), Vec::new(), Look::default());
    while !rest.is_empty() {
        let colour = colour_length(rest.as_bytes());
        if colour > 0 {
            look.apply(&rest[2..colour - 1]);
            rest = &rest[colour..];
            continue;
        }
        let next = rest.match_indices('\x1b').map(|(at, _)| at).find(|at| *at > 0 && colour_length(&rest.as_bytes()[*at..]) > 0);
        let (plain, after) = rest.split_at(next.unwrap_or(rest.len()));
        let start = shown.len();
        shown.push_str(&text::safe(plain));
        if look != Look::default() && shown.len() > start {
            runs.push(Run { start, end: shown.len(), look });
        }
        rest = after;
    }
    (shown, runs)
}

impl Look {
    /// Takes the parameters of one sequence.
    fn apply(&mut self, parameters: &str) {
        let mut numbers = parameters.split([';', ':']).map(|number| if number.is_empty() { Some(0) } else { number.parse::<u16>().ok() });
        while let Some(number) = numbers.next() {
            let Some(number) = number else { continue };
            match number {
                0 => *self = Self::default(),
                1 => self.modifiers |= Modifier::BOLD,
                2 => self.modifiers |= Modifier::DIM,
                3 => self.modifiers |= Modifier::ITALIC,
                4 => self.modifiers |= Modifier::UNDERLINED,
                7 => self.modifiers |= Modifier::REVERSED,
                9 => self.modifiers |= Modifier::CROSSED_OUT,
                22 => self.modifiers -= Modifier::BOLD | Modifier::DIM,
                23 => self.modifiers -= Modifier::ITALIC,
                24 => self.modifiers -= Modifier::UNDERLINED,
                27 => self.modifiers -= Modifier::REVERSED,
                29 => self.modifiers -= Modifier::CROSSED_OUT,
                30..=37 => self.fg = Some(Color::Indexed(low(number - 30))),
                38 => self.fg = extended(&mut numbers).or(self.fg),
                39 => self.fg = None,
                40..=47 => self.bg = Some(Color::Indexed(low(number - 40))),
                48 => self.bg = extended(&mut numbers).or(self.bg),
                49 => self.bg = None,
                90..=97 => self.fg = Some(Color::Indexed(low(number - 82))),
                100..=107 => self.bg = Some(Color::Indexed(low(number - 92))),
                _ => {}
            }
        }
    }

    /// In this theme. The sixteen named colours are those that the theme has for such a meaning, so that they can be read on
    /// its background.
    pub fn style(self, base: Style, theme: &Theme) -> Style {
        let mut style = base.add_modifier(self.modifiers);
        if let Some(fg) = self.fg {
            style.fg = self.colour(fg, theme).or(style.fg);
        }
        if let Some(bg) = self.bg {
            style.bg = self.colour(bg, theme);
            // A colour that is made for the theme's background cannot be read on another.
            if style.bg.is_some() {
                style.fg = self.fg.map(|fg| theme.quantised(fg)).or(theme.base().bg);
            }
        }
        style
    }

    fn colour(self, colour: Color, theme: &Theme) -> Option<Color> {
        const NAMED: [&str; 16] = [
            "fg.muted",
            "error",
            "ok",
            "warning",
            "info",
            "chart.4",
            "chart.5",
            "fg",
            "fg.muted",
            "error",
            "ok",
            "warning",
            "info",
            "chart.4",
            "chart.5",
            "fg.strong",
        ];
        match colour {
            Color::Indexed(number @ 0..16) => theme.style(NAMED[usize::from(number)]).fg,
            other => Some(theme.quantised(other)),
        }
    }
}

fn low(number: u16) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// What follows 38 or 48: `5;N` or `2;R;G;B`.
fn extended(numbers: &mut impl Iterator<Item = Option<u16>>) -> Option<Color> {
    let mut next = || numbers.next().flatten().and_then(|number| u8::try_from(number).ok());
    match next()? {
        5 => Some(Color::Indexed(next()?)),
        2 => Some(Color::Rgb(next()?, next()?, next()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(line: &str) -> Vec<(String, Look)> {
        let (text, runs) = read(line);
        runs.iter().map(|run| (text[run.start..run.end].to_owned(), run.look)).collect()
    }

    #[test]
    fn colours_of_all_depths_are_kept_and_end_where_they_end() {
        let fg = |fg| Look { fg: Some(fg), ..Look::default() };
        let found = looks("a\x1b[31mred\x1b[0m b \x1b[38;5;208mo\x1b[mx\x1b[38;2;1;2;3mt\x1b[39m.\x1b[1;4mu");
        let expected = [
            ("red", fg(Color::Indexed(1))),
            ("o", fg(Color::Indexed(208))),
            ("t", fg(Color::Rgb(1, 2, 3))),
            ("u", Look { modifiers: Modifier::BOLD | Modifier::UNDERLINED, ..Look::default() }),
        ];
        assert_eq!(found, expected.map(|(text, look)| (text.to_owned(), look)));
        assert_eq!(read("a\x1b[31mred\x1b[0m b").0, "ared b");
    }

    #[test]
    fn everything_else_that_is_active_becomes_visible() {
        assert_eq!(read("\x1b[2Jgone\x1b]0;t\x07\x1b[31mx\u{202e}\u{200b}\x08").0, "␛[2Jgone␛]0;t^Gx<U+202E><U+200B>^H");
        assert_eq!(read("\x1b[31").0, "␛[31");
        assert_eq!(read("\x1b\x1b[31mx").0, "␛x");
        assert_eq!(looks("\x1b[99999999;31mx").len(), 1);
    }

    #[test]
    fn a_progress_bar_shows_what_it_drew_last() {
        assert_eq!(read(" 99%\r100%\r").0, "100%");
        assert_eq!(read("\x1b[31m 1%\r\x1b[32m2%").1.len(), 1);
        assert_eq!(read("windows\r").0, "windows");
    }
}
