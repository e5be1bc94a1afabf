//! Themes: from meaning (`state.failed`) to looks. Views name tokens, never colours.

pub mod color;

use crate::stdx::suggest;
use color::Depth;
use ratatui::style::{Color, Modifier, Style};
use std::collections::BTreeMap;

/// Every theme that comes with the program: name and text.
pub const BUILTIN: &[(&str, &str)] = &[
    ("ansi16", include_str!("../../../themes/ansi16.toml")),
    ("default-dark", include_str!("../../../themes/default-dark.toml")),
    ("default-light", include_str!("../../../themes/default-light.toml")),
];

/// Every token that a view may ask for.
pub const TOKENS: &[&str] = &[
    "bg",
    "fg",
    "fg.muted",
    "fg.strong",
    "border",
    "border.focus",
    "title",
    "accent",
    "selection",
    "selection.bg",
    "selection.inactive",
    "match",
    "match.current",
    "cursor",
    "link",
    "hint.key",
    "hint.text",
    "state.pending",
    "state.queued",
    "state.running",
    "state.success",
    "state.cached",
    "state.failed",
    "state.upstream_failed",
    "state.up_for_retry",
    "state.skipped",
    "state.canceled",
    "state.awaiting_approval",
    "state.lost",
    "edge",
    "edge.focus",
    "edge.critical",
    "edge.dim",
    "log.debug",
    "log.info",
    "log.warn",
    "log.error",
    "log.time",
    "warning",
    "error",
    "info",
    "ok",
    "diff.add",
    "diff.del",
    "diff.same",
    "chart.1",
    "chart.2",
    "chart.3",
    "chart.4",
    "chart.5",
    "chart.6",
    "input",
    "input.error",
];

/// How tokens look on this terminal.
#[derive(Debug, Clone)]
pub struct Theme {
    /// Its name.
    pub name: String,
    /// Whether only ASCII is shown.
    pub ascii: bool,
    depth: Depth,
    styles: BTreeMap<String, Style>,
}

impl Theme {
    /// The built-in theme of that name, for a terminal of that depth.
    ///
    /// # Errors
    /// The names there are, if it is none of them; or what is wrong with the file.
    pub fn builtin(name: &str, depth: Depth, ascii: bool) -> Result<Self, String> {
        let text = BUILTIN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text).ok_or_else(|| unknown(name))?;
        Self::read(name, text, depth, ascii)
    }

    /// Reads the text of a theme.
    ///
    /// # Errors
    /// What is wrong, with the token's name.
    pub fn read(name: &str, text: &str, depth: Depth, ascii: bool) -> Result<Self, String> {
        let source = Source::parse(text).map_err(|error| format!("theme `{name}`: {error}"))?;
        let mut styles = BTreeMap::new();
        for token in source.tokens.keys().map(String::as_str).chain(TOKENS.iter().copied()) {
            let style = source.style(token, depth).map_err(|error| format!("theme `{name}`: {error}"))?;
            styles.insert(token.to_owned(), style);
        }
        Ok(Self { name: name.to_owned(), ascii, depth, styles })
    }

    /// How a token looks; an unknown one like its parent along the dots, at last like `fg`.
    pub fn style(&self, token: &str) -> Style {
        let mut at = token;
        loop {
            if let Some(style) = self.styles.get(at) {
                return *style;
            }
            match at.rfind('.') {
                Some(dot) => at = &at[..dot],
                None if at == "fg" => return Style::default(),
                None => at = "fg",
            }
        }
    }

    /// The nearest colour that the terminal has.
    pub fn quantised(&self, colour: Color) -> Color {
        color::quantise(colour, self.depth)
    }

    /// What every cell has before anything is drawn: foreground and background.
    pub fn base(&self) -> Style {
        let mut style = self.style("fg");
        style.bg = self.style("bg").fg;
        style
    }
}

fn unknown(name: &str) -> String {
    let names: Vec<_> = BUILTIN.iter().map(|(name, _)| *name).collect();
    let hint = suggest::nearest(name, names.iter().copied()).map(|near| format!(" Did you mean `{near}`?")).unwrap_or_default();
    format!("there is no theme `{name}`.{hint} Known are {}.", names.join(", "))
}

/// A theme's file: palette and tokens as written.
struct Source {
    palette: BTreeMap<String, String>,
    tokens: BTreeMap<String, toml::Value>,
}

/// References may point to references; more than this is a circle.
const MAX_REFERENCES: usize = 16;

impl Source {
    fn parse(text: &str) -> Result<Self, String> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
        let section = |name: &str| table.get(name).and_then(toml::Value::as_table).cloned().unwrap_or_default();
        let palette = section("palette").into_iter().filter_map(|(k, v)| v.as_str().map(|v| (k, v.to_owned()))).collect();
        Ok(Self { palette, tokens: section("tokens").into_iter().collect() })
    }

    /// The value of a token, or of its parent along the dots, at last of `fg`.
    fn value(&self, token: &str) -> Option<&toml::Value> {
        let mut at = token;
        loop {
            if let Some(value) = self.tokens.get(at) {
                return Some(value);
            }
            match at.rfind('.') {
                Some(dot) => at = &at[..dot],
                None if at == "fg" => return None,
                None => at = "fg",
            }
        }
    }

    fn style(&self, token: &str, depth: Depth) -> Result<Style, String> {
        let mut style = self.value(token).map_or(Ok(Style::default()), |value| self.style_of(token, value, 0))?;
        if depth == Depth::Mono {
            style = Style::default().add_modifier(mono(token, style.add_modifier));
        }
        style.fg = style.fg.map(|c| color::quantise(c, depth));
        style.bg = style.bg.map(|c| color::quantise(c, depth));
        Ok(style)
    }

    fn style_of(&self, token: &str, value: &toml::Value, seen: usize) -> Result<Style, String> {
        match value {
            toml::Value::String(text) => self.reference(token, text, seen),
            toml::Value::Table(table) => self.table(token, table, seen),
            _ => Err(format!("token `{token}` is neither a text nor a table")),
        }
    }

    fn table(&self, token: &str, table: &toml::Table, seen: usize) -> Result<Style, String> {
        let text = |key: &str| table.get(key).and_then(toml::Value::as_str);
        let mut style = match text("fg").or_else(|| text("ref")) {
            Some(name) => self.reference(token, name, seen)?,
            None => Style::default(),
        };
        if let Some(name) = text("bg") {
            style.bg = self.reference(token, name, seen)?.fg;
        }
        for (key, modifier) in MODIFIERS {
            if table.get(*key).and_then(toml::Value::as_bool) == Some(true) {
                style = style.add_modifier(*modifier);
            }
        }
        Ok(style)
    }

    fn reference(&self, token: &str, name: &str, seen: usize) -> Result<Style, String> {
        if let Some(color) = literal(name) {
            return Ok(Style::default().fg(color));
        }
        if seen > MAX_REFERENCES {
            return Err(format!("token `{token}` refers to itself through `{name}`"));
        }
        if let Some(text) = self.palette.get(name) {
            return self.reference(token, text, seen + 1);
        }
        match self.tokens.get(name) {
            Some(value) => self.style_of(token, value, seen + 1),
            None => Err(format!(
                "token `{token}`: `{name}` is no colour; write \"#rrggbb\", \"ansi:N\", \"idx:N\", \"default\" or the name of another token"
            )),
        }
    }
}

const MODIFIERS: &[(&str, Modifier)] = &[
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underline", Modifier::UNDERLINED),
    ("reverse", Modifier::REVERSED),
];

fn literal(text: &str) -> Option<Color> {
    if text == "default" {
        return Some(Color::Reset);
    }
    if let Some(hex) = text.strip_prefix('#') {
        let value = u32::from_str_radix(hex, 16).ok().filter(|_| hex.len() == 6)?;
        let [_, r, g, b] = value.to_be_bytes();
        return Some(Color::Rgb(r, g, b));
    }
    let number = |prefix: &str, max: u8| text.strip_prefix(prefix).and_then(|n| n.parse::<u8>().ok()).filter(|n| *n <= max);
    number("ansi:", 15).or_else(|| number("idx:", 255)).map(Color::Indexed)
}

/// Without colours, attributes tell apart what must be told apart.
fn mono(token: &str, declared: Modifier) -> Modifier {
    match token {
        "selection" | "match" | "cursor" => Modifier::REVERSED,
        "match.current" => Modifier::REVERSED | Modifier::BOLD,
        "selection.inactive" | "input" | "link" => Modifier::UNDERLINED,
        "border.focus" | "title" | "accent" | "fg.strong" | "hint.key" | "state.failed" | "state.running" | "state.lost" | "error"
        | "edge.focus" => Modifier::BOLD,
        "fg.muted" | "edge.dim" | "log.time" | "log.debug" | "state.skipped" | "state.pending" => Modifier::DIM,
        _ => declared - Modifier::REVERSED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{TaskState, state::CACHED_LOOK};

    #[test]
    fn every_theme_sets_every_state_itself_and_resolves_every_token() {
        for (name, text) in BUILTIN {
            let source = Source::parse(text).unwrap();
            for token in TaskState::ALL.iter().map(|state| state.look().token).chain([CACHED_LOOK.token]) {
                assert!(source.tokens.contains_key(token), "{name} leaves {token} to its parent");
            }
            for token in source.tokens.keys() {
                assert!(TOKENS.contains(&token.as_str()), "{name} sets {token}, which nothing asks for");
            }
            for depth in [Depth::True, Depth::Indexed, Depth::Ansi, Depth::Mono] {
                Theme::builtin(name, depth, false).unwrap();
            }
        }
    }

    #[test]
    fn the_default_themes_can_be_read() {
        for name in ["default-dark", "default-light"] {
            let theme = Theme::builtin(name, Depth::True, false).unwrap();
            let base = theme.base();
            let quiet = ["border", "edge", "edge.dim", "bg", "selection.bg"];
            for token in TOKENS.iter().filter(|token| !quiet.contains(token)) {
                let style = theme.style(token);
                let (Some(fg), Some(bg)) = (style.fg.or(base.fg), style.bg.or(base.bg)) else { panic!("{name} {token}") };
                assert!(contrast(fg, bg) >= 4.5, "{name}: {token} has {:.1}", contrast(fg, bg));
                if style.bg.is_none() {
                    let selected = theme.style("selection.bg").fg.unwrap();
                    assert!(contrast(fg, selected) >= 3.0, "{name}: {token} on the selection has {:.1}", contrast(fg, selected));
                }
            }
        }
    }

    fn contrast(a: Color, b: Color) -> f64 {
        let luminance = |color| {
            let Color::Rgb(r, g, b) = color else { panic!("{color:?} is not rgb") };
            let linear = |v: u8| {
                let v = f64::from(v) / 255.0;
                if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn without_colour_the_selection_is_still_seen() {
        let theme = Theme::builtin("default-dark", Depth::Mono, false).unwrap();
        assert!(theme.style("selection").add_modifier.contains(Modifier::REVERSED));
        for token in TOKENS {
            let style = theme.style(token);
            assert!(matches!(style.fg, None | Some(Color::Reset)) && matches!(style.bg, None | Some(Color::Reset)), "{token}");
        }
    }

    #[test]
    fn a_wrong_theme_says_what_is_wrong() {
        assert!(Theme::builtin("default-drak", Depth::True, false).unwrap_err().contains("Did you mean `default-dark`?"));
        let read = |text| Theme::read("mine", text, Depth::True, false).map(|_| ()).unwrap_err();
        assert!(read("[tokens]\nfg = \"#12\"").contains("`fg`"));
        assert!(read("[tokens]\nfg = \"a\"\na = \"fg\"").contains("itself"));
    }
}
