//! Themes: from meaning (`state.failed`) to looks. Views name tokens, never colours.

pub mod check;
pub mod color;
pub mod detect;
pub mod library;
pub mod look;
pub mod measure;
pub mod report;
pub mod source;
pub mod tokens;

pub use library::Library;
pub use source::{Borders, Variant};
pub use tokens::TOKENS;

use color::Depth;
use look::Look;
use ratatui::{
    style::{Color, Modifier, Style},
    symbols::border,
    widgets::BorderType,
};
use source::Source;
use std::collections::BTreeMap;

/// Every theme that comes with the program: name and text. Automatic choices first, then those that people ask for by name.
pub const BUILTIN: &[(&str, &str)] = &[
    ("default-dark", include_str!("../../../themes/default-dark.toml")),
    ("default-light", include_str!("../../../themes/default-light.toml")),
    ("high-contrast-dark", include_str!("../../../themes/high-contrast-dark.toml")),
    ("high-contrast-light", include_str!("../../../themes/high-contrast-light.toml")),
    ("cb-safe-dark", include_str!("../../../themes/cb-safe-dark.toml")),
    ("cb-safe-light", include_str!("../../../themes/cb-safe-light.toml")),
    ("ansi16", include_str!("../../../themes/ansi16.toml")),
    ("mono", include_str!("../../../themes/mono.toml")),
    ("catppuccin-mocha", include_str!("../../../themes/catppuccin-mocha.toml")),
    ("catppuccin-latte", include_str!("../../../themes/catppuccin-latte.toml")),
    ("gruvbox-dark", include_str!("../../../themes/gruvbox-dark.toml")),
    ("nord", include_str!("../../../themes/nord.toml")),
];

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// How many colours.
    pub depth: Depth,
    /// Which characters.
    pub glyphs: Glyphs,
}

/// Which characters may be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyphs {
    /// All.
    Unicode,
    /// None that a terminal for East Asian texts shows twice as wide.
    Narrow,
    /// ASCII alone.
    Ascii,
}

/// How tokens look on this terminal.
#[derive(Debug, Clone)]
pub struct Theme {
    /// Its name.
    pub name: String,
    /// What the terminal can show.
    pub screen: Screen,
    /// Whether it is light or dark.
    pub variant: Variant,
    /// Panes have no frames: only one is shown.
    pub frameless: bool,
    borders: Borders,
    styles: BTreeMap<&'static str, Style>,
}

impl Theme {
    /// What a theme that was read comes to on this terminal.
    pub fn new(name: &str, source: &Source, screen: Screen) -> Self {
        let ground = source.look("bg").fg;
        let fg = source.look("fg");
        let styles = TOKENS.iter().map(|token| (*token, styled(token, source.look(token), &fg, ground, screen.depth))).collect();
        let borders = if screen.glyphs == Glyphs::Unicode { source.borders() } else { Borders::Ascii };
        Self { name: name.to_owned(), screen, variant: source.variant(), frameless: false, borders, styles }
    }

    /// The same, with panes that have no frames.
    pub fn without_frames(&self) -> Self {
        Self { frameless: true, ..self.clone() }
    }

    /// How a token looks; an unknown one like its parent along the dots, at last like `fg`.
    pub fn style(&self, token: &str) -> Style {
        let mut at = Some(token);
        while let Some(name) = at {
            if let Some(style) = self.styles.get(name) {
                return *style;
            }
            at = tokens::parent(name);
        }
        Style::default()
    }

    /// The nearest colour that the terminal has.
    pub fn quantised(&self, colour: Color) -> Color {
        color::quantise(colour, self.screen.depth)
    }

    /// What every cell has before anything is drawn: foreground and background.
    pub fn base(&self) -> Style {
        let mut style = self.style("fg");
        style.bg = self.style("bg").fg;
        style
    }

    /// Whether lines and arrows are drawn with ASCII characters.
    pub fn ascii(&self) -> bool {
        self.screen.glyphs != Glyphs::Unicode
    }

    /// The characters of a frame, and of its upper edge.
    pub fn border(&self, focused: bool) -> (border::Set<'static>, &'static str) {
        match self.borders {
            Borders::Ascii if focused => (ASCII_FOCUSED, "="),
            Borders::Ascii => (ASCII_BORDER, "-"),
            Borders::Heavy => (BorderType::Thick.to_border_set(), "━"),
            _ if focused => (BorderType::Thick.to_border_set(), "━"),
            Borders::Rounded => (BorderType::Rounded.to_border_set(), "─"),
            Borders::Plain => (BorderType::Plain.to_border_set(), "─"),
        }
    }
}

const ASCII_BORDER: border::Set<'static> = border::Set {
    top_left: ".",
    top_right: ".",
    bottom_left: "'",
    bottom_right: "'",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

const ASCII_FOCUSED: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    horizontal_top: "=",
    horizontal_bottom: "=",
    ..ASCII_BORDER
};

/// A look with the colours that the terminal has.
fn styled(token: &str, look: Look, fg: &Look, ground: Option<Color>, depth: Depth) -> Style {
    let mark = |attributes: Modifier| {
        let seen = attributes.intersects(Modifier::REVERSED | Modifier::UNDERLINED) || !tokens::MARKS.contains(&token);
        if seen { attributes } else { attributes | Modifier::REVERSED }
    };
    if depth == Depth::Mono {
        return Style::default().add_modifier(mark(look.mono.unwrap_or_else(|| attributes_without_colour(token))));
    }
    let shown = |color: Color| color::quantise(color, depth);
    let with_ansi = |look: &Look| if depth == Depth::Ansi { look.ansi.or(look.fg.map(shown)) } else { look.fg.map(shown) };
    let mut style = Style { fg: with_ansi(&look), bg: look.bg.map(shown), ..Style::default() };
    // Few colours can make two of them one: then a mark is reversed, and a text is like any other.
    if style.bg.is_some() && look.bg != ground && style.bg == ground.map(shown) {
        (style.fg, style.bg) = (None, None);
        return style.add_modifier(mark(look.attributes));
    }
    let behind = style.bg.or(ground.map(shown));
    if style.fg.is_some() && style.fg != Some(Color::Reset) && style.fg == behind && look.fg != ground {
        style.fg = with_ansi(fg);
    }
    style.add_modifier(if style.bg.is_some() { look.attributes } else { mark(look.attributes) })
}

/// Without colours, attributes tell apart what must be told apart: as the shipped theme without colours has it.
fn attributes_without_colour(token: &str) -> Modifier {
    static MONO: std::sync::LazyLock<Source> = std::sync::LazyLock::new(|| library::builtin("mono").unwrap_or_default());
    MONO.look(token).attributes
}

#[cfg(test)]
mod tests;
