//! `[theme]` of the user's `config.toml`: which theme, how many colours, which characters, and what of it is changed.

use super::keys::{self, Place};
use crate::{
    model::{Report, did_you_mean},
    stdx::toml_tree::Table,
};
use serde::Serialize;

/// `[theme]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ThemeConfig {
    /// `name`; `None` is as the terminal's background says.
    pub name: Option<String>,
    /// `auto.dark`: the theme for a dark background.
    pub dark: Option<String>,
    /// `auto.light`: the theme for a light one.
    pub light: Option<String>,
    /// `color`: how many colours.
    pub color: Option<ColorDepth>,
    /// `glyphs`: which characters are drawn.
    pub glyphs: Option<GlyphChoice>,
    /// `ambiguous = "wide"`: the terminal shows characters of ambiguous width in two cells, as those for East Asian texts do.
    pub ambiguous_is_wide: bool,
    /// `[theme.override]`: tokens of whichever theme it is.
    pub changes: Table,
}

/// A theme as the command line lists it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ThemeRow {
    /// Its name.
    pub name: String,
    /// `dark`, `light`, or `any` if it has the terminal's own ground.
    pub variant: &'static str,
    /// Its file; none if it comes with the program.
    pub file: Option<String>,
    /// Least contrast of a text with its ground, if that can be measured.
    pub contrast: Option<f64>,
    /// Least contrast of a text on the selected line.
    pub selected: Option<f64>,
    /// Least distance of two states for anyone's eyes, in OKLab times 100.
    pub states: Option<f64>,
}

/// `color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorDepth {
    /// None.
    Never,
    /// The terminal's own sixteen.
    C16,
    /// The palette of 256.
    C256,
    /// 24 bits.
    True,
}

/// `glyphs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GlyphChoice {
    /// Unicode.
    Unicode,
    /// ASCII alone.
    Ascii,
}

/// Reads it. What is wrong is reported and keeps its default.
pub(super) fn read(theme: &Table, report: &mut Report<'_>) -> ThemeConfig {
    keys::check(Place::Theme, theme, report);
    let auto = theme.table("auto").cloned().unwrap_or_default();
    keys::check(Place::Auto, &auto, report);
    let colors = [
        ("auto", None),
        ("never", Some(ColorDepth::Never)),
        ("16", Some(ColorDepth::C16)),
        ("256", Some(ColorDepth::C256)),
        ("true", Some(ColorDepth::True)),
    ];
    let glyphs = [("auto", None), ("unicode", Some(GlyphChoice::Unicode)), ("ascii", Some(GlyphChoice::Ascii))];
    let text = |table: &Table, key: &str| table.text(key).map(str::to_owned);
    ThemeConfig {
        name: text(theme, "name").filter(|name| name != "auto"),
        dark: text(&auto, "dark"),
        light: text(&auto, "light"),
        color: one_of(theme, "color", &colors, report).flatten(),
        glyphs: one_of(theme, "glyphs", &glyphs, report).flatten(),
        ambiguous_is_wide: one_of(theme, "ambiguous", &[("narrow", false), ("wide", true)], report).unwrap_or_default(),
        changes: theme.table("override").cloned().unwrap_or_default(),
    }
}

fn one_of<T: Copy>(table: &Table, key: &str, words: &[(&str, T)], report: &mut Report<'_>) -> Option<T> {
    let node = table.get(key)?;
    let word = node.as_text()?;
    let found = words.iter().find(|(known, _)| *known == word).map(|(_, value)| *value);
    if found.is_none() {
        let names: Vec<_> = words.iter().map(|(name, _)| *name).collect();
        let hint = did_you_mean(word, names.iter().copied()).unwrap_or_else(|| format!("one of {}", names.join(", ")));
        report.error("wrong-type", node.span.clone(), format!("`{key}` cannot be {word:?}"), Some(hint));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::read_user;
    use super::*;

    #[test]
    fn the_theme_is_a_name_or_two_halves_with_changes() {
        let (config, found) = read_user(
            "config.toml",
            "[theme]\nname = \"auto\"\nauto = { dark = \"nord\" }\ncolor = \"256\"\nambiguous = \"wide\"\n[theme.override]\nok = \"#00ff00\"\n",
        );
        assert_eq!(found.to_string(), "");
        let theme = config.theme;
        assert_eq!((theme.name, theme.dark.as_deref(), theme.light), (None, Some("nord"), None));
        assert_eq!((theme.color, theme.glyphs, theme.ambiguous_is_wide), (Some(ColorDepth::C256), None, true));
        assert_eq!(theme.changes.text("ok"), Some("#00ff00"));
    }

    #[test]
    fn slips_in_it_are_told() {
        let (_, found) = read_user("config.toml", "[theme]\ncolor = \"ture\"\nglyphs = 3\n[theme.auto]\ndrak = \"nord\"\n");
        let found = found.to_string();
        for words in ["did you mean `true`?", "`glyphs` takes a text", "did you mean `dark`?"] {
            assert!(found.contains(words), "{words}\n{found}");
        }
    }
}
