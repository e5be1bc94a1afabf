//! How one token looks on any terminal, before it is known how many colours there are.

use ratatui::style::{Color, Modifier};

/// Colours and attributes, with what stands in where there are sixteen colours or none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Look {
    /// The colour of the text.
    pub fg: Option<Color>,
    /// The colour behind it.
    pub bg: Option<Color>,
    /// Bold and the like.
    pub attributes: Modifier,
    /// The colour of the text where there are sixteen.
    pub ansi: Option<Color>,
    /// The attributes where there is no colour.
    pub mono: Option<Modifier>,
}

/// Attributes as a theme names them.
pub const ATTRIBUTES: &[(&str, Modifier)] = &[
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underline", Modifier::UNDERLINED),
    ("reverse", Modifier::REVERSED),
];

/// The sixteen colours of every terminal, by number.
pub const ANSI_NAMES: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

/// A colour that needs no other name: `"#rrggbb"`, `"ansi:2"`, `"idx:114"`, `"default"`.
pub fn color(text: &str) -> Option<Color> {
    if text == "default" {
        return Some(Color::Reset);
    }
    if let Some(hex) = text.strip_prefix('#') {
        let is_hex = hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit());
        let value = u32::from_str_radix(hex, 16).ok().filter(|_| is_hex)?;
        let [_, r, g, b] = value.to_be_bytes();
        return Some(Color::Rgb(r, g, b));
    }
    if let Some(name) = text.strip_prefix("ansi:") {
        return ansi(name);
    }
    text.strip_prefix("idx:").and_then(|n| n.parse().ok()).map(Color::Indexed)
}

/// One of the sixteen, by number or name.
pub fn ansi(text: &str) -> Option<Color> {
    let number = text.parse::<u8>().ok().filter(|n| *n < 16);
    let named = || ANSI_NAMES.iter().position(|name| *name == text).and_then(|at| u8::try_from(at).ok());
    number.or_else(named).map(Color::Indexed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_written_in_four_ways() {
        assert_eq!(color("#0a0B0c"), Some(Color::Rgb(10, 11, 12)));
        assert_eq!((color("ansi:2"), color("ansi:bright-red")), (Some(Color::Indexed(2)), Some(Color::Indexed(9))));
        assert_eq!((color("idx:114"), color("default")), (Some(Color::Indexed(114)), Some(Color::Reset)));
        for wrong in ["#12", "#+12345", "ansi:16", "ansi:pink", "idx:256", "red", ""] {
            assert_eq!(color(wrong), None, "{wrong}");
        }
    }
}
