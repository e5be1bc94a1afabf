//! The text of a theme: what it says, what is wrong with it, and what its tokens come to.

use super::{
    look::{self, ANSI_NAMES, ATTRIBUTES, Look},
    tokens::{TOKENS, parent},
};
use crate::{
    model::{Diagnostics, Report, Severity, did_you_mean},
    stdx::toml_tree::{self, Entry, Node, Span, Table, Value},
};
use ratatui::style::Modifier;
use std::collections::{BTreeMap, BTreeSet};

/// Which half of `[theme] auto` may use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Variant {
    /// Light text on a dark ground.
    #[default]
    Dark,
    /// Dark text on a light ground.
    Light,
}

/// What frames are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Borders {
    /// Thin lines with round corners.
    #[default]
    Rounded,
    /// Thin lines.
    Plain,
    /// Thick lines.
    Heavy,
    /// `+`, `-` and `|`.
    Ascii,
}

impl Variant {
    const WORDS: &'static [(&'static str, Self)] = &[("dark", Self::Dark), ("light", Self::Light)];

    /// As a theme writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
        }
    }
}

impl Borders {
    const WORDS: &'static [(&'static str, Self)] =
        &[("rounded", Self::Rounded), ("plain", Self::Plain), ("heavy", Self::Heavy), ("ascii", Self::Ascii)];
}

/// A value as written.
#[derive(Debug, Clone, PartialEq)]
enum Written {
    /// A colour, or the name of a colour or token.
    Reference(String),
    Parts(Parts),
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Parts {
    base: Option<String>,
    fg: Option<String>,
    bg: Option<String>,
    on: Modifier,
    off: Modifier,
    ansi: Option<ratatui::style::Color>,
    mono: Option<Modifier>,
}

#[derive(Debug, Clone, PartialEq)]
struct Token {
    written: Written,
    span: Span,
}

/// A theme as written, with what it inherits.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// `[meta] inherits`.
    pub inherits: Option<String>,
    /// Where that stands.
    pub inherits_span: Span,
    variant: Option<Variant>,
    borders: Option<Borders>,
    palette: BTreeMap<String, String>,
    tokens: BTreeMap<String, Token>,
}

/// References may point to references; more than this is a circle.
const MAX_REFERENCES: usize = 16;

/// A theme is small; a larger file is something else.
const LARGEST: usize = 256 * 1024;

impl Source {
    /// Reads the text of a theme. What is wrong is reported and left out.
    pub fn read(file: &str, text: &str) -> (Self, Diagnostics) {
        let mut report = Report::new(file, text);
        let mut source = Self::default();
        if text.len() > LARGEST {
            report.error("too-big", 0..0, "a theme has at most 256 KiB", None);
            return (source, report.finish());
        }
        let (table, errors) = toml_tree::parse(text);
        for error in errors {
            report.error("syntax", error.span, format!("not valid TOML: {}", error.message), None);
        }
        for entry in &table.0 {
            match (entry.key.as_str(), entry.node.as_table()) {
                ("meta", Some(meta)) => source.read_meta(meta, &mut report),
                ("palette", Some(palette)) => source.read_palette(palette, &mut report),
                ("tokens", Some(tokens)) => source.read_tokens(tokens, "", &mut report),
                ("meta" | "palette" | "tokens", None) => wrong_type(entry, "a table", &mut report),
                (key, _) => unknown("key", entry, ["meta", "palette", "tokens"].into_iter(), key, &mut report),
            }
        }
        (source, report.finish())
    }

    /// Tokens alone, as `[theme.override]` has them.
    pub fn read_override(table: &Table, report: &mut Report<'_>) -> Self {
        let mut source = Self::default();
        source.read_tokens(table, "", report);
        source
    }

    fn read_meta(&mut self, meta: &Table, report: &mut Report<'_>) {
        for entry in &meta.0 {
            let text = entry.node.as_text();
            match (entry.key.as_str(), text) {
                ("name", Some(_)) => {}
                ("inherits", Some(name)) => {
                    self.inherits = Some(name.to_owned());
                    self.inherits_span = entry.node.span.clone();
                }
                ("variant", Some(word)) => self.variant = one_of(Variant::WORDS, word, entry, report),
                ("borders", Some(word)) => self.borders = one_of(Borders::WORDS, word, entry, report),
                ("name" | "inherits" | "variant" | "borders", None) => wrong_type(entry, "a text", report),
                (key, _) => unknown("key", entry, ["name", "variant", "inherits", "borders"].into_iter(), key, report),
            }
        }
    }

    fn read_palette(&mut self, palette: &Table, report: &mut Report<'_>) {
        for entry in &palette.0 {
            match entry.node.as_text() {
                Some(text) => drop(self.palette.insert(entry.key.clone(), text.to_owned())),
                None => wrong_type(entry, "a text", report),
            }
        }
    }

    /// `"state.failed" = …` and `[tokens.state] failed = …` say the same.
    fn read_tokens(&mut self, tokens: &Table, within: &str, report: &mut Report<'_>) {
        for entry in &tokens.0 {
            let name = format!("{within}{}", entry.key);
            let prefix = format!("{name}.");
            let written = match &entry.node.value {
                Value::Text(text) => Written::Reference(text.clone()),
                Value::Table(table) if table.0.iter().any(|part| is_deeper(&prefix, &part.key)) => {
                    self.read_tokens(table, &prefix, report);
                    continue;
                }
                Value::Table(table) => Written::Parts(read_parts(table, report)),
                _ => {
                    wrong_type(entry, "a colour, a name or a table", report);
                    continue;
                }
            };
            if !TOKENS.contains(&name.as_str()) && !TOKENS.iter().any(|token| token.starts_with(&prefix)) {
                unknown("token", entry, TOKENS.iter().copied(), &name, report);
            }
            self.tokens.insert(name, Token { written, span: entry.node.span.clone() });
        }
    }

    /// The same with `over` on top of it.
    pub fn under(mut self, over: Self) -> Self {
        self.variant = over.variant.or(self.variant);
        self.borders = over.borders.or(self.borders);
        self.palette.extend(over.palette);
        self.tokens.extend(over.tokens);
        self.inherits = over.inherits;
        self
    }

    /// Which half of `[theme] auto` may use it.
    pub fn variant(&self) -> Variant {
        self.variant.unwrap_or_default()
    }

    /// What its frames are made of.
    pub fn borders(&self) -> Borders {
        self.borders.unwrap_or_default()
    }

    /// Whether it sets the token itself.
    pub fn sets(&self, token: &str) -> bool {
        self.tokens.contains_key(token)
    }

    /// How a token looks. What cannot be resolved looks like its parent along the dots, at last like `fg`.
    pub fn look(&self, token: &str) -> Look {
        let mut at = Some(token);
        while let Some(name) = at {
            if let Some(look) = self.tokens.get(name).and_then(|found| self.resolve(&found.written, 0).ok()) {
                return look;
            }
            at = parent(name);
        }
        Look::default()
    }

    /// Tokens of `own`, a part of this theme, whose references lead nowhere.
    pub fn check_references(&self, own: &Self, report: &mut Report<'_>) {
        for (name, token) in &own.tokens {
            let Err(wrong) = self.resolve(&token.written, 0) else { continue };
            let hint = match &wrong {
                Wrong::Circle => None,
                Wrong::Nothing(word) => {
                    let names: BTreeSet<&str> =
                        self.palette.keys().chain(self.tokens.keys()).map(String::as_str).chain(TOKENS.iter().copied()).collect();
                    did_you_mean(word, names)
                        .or_else(|| Some("write \"#rrggbb\", \"ansi:2\", \"idx:114\", \"default\" or a name".to_owned()))
                }
            };
            let message = match wrong {
                Wrong::Circle => format!("token `{name}` refers to itself"),
                Wrong::Nothing(word) => format!("`{word}` is no colour and no name of one"),
            };
            report.add(Severity::Error, "unknown-colour", token.span.clone(), message, hint);
        }
    }

    fn resolve(&self, written: &Written, seen: usize) -> Result<Look, Wrong> {
        match written {
            Written::Reference(name) => self.reference(name, seen),
            Written::Parts(parts) => self.parts(parts, seen),
        }
    }

    fn parts(&self, parts: &Parts, seen: usize) -> Result<Look, Wrong> {
        let mut look = parts.base.as_ref().map_or(Ok(Look::default()), |name| self.reference(name, seen))?;
        if let Some(name) = &parts.fg {
            let color = self.reference(name, seen)?;
            (look.fg, look.ansi) = (color.fg, color.ansi);
        }
        if let Some(name) = &parts.bg {
            let ground = self.reference(name, seen)?;
            look.bg = ground.fg.or(ground.bg);
        }
        look.attributes = (look.attributes | parts.on) - parts.off;
        look.ansi = parts.ansi.or(look.ansi);
        look.mono = parts.mono.or(look.mono);
        Ok(look)
    }

    /// A colour, a name of the palette, a token: in this order, so that a palette may have a colour named like a token.
    fn reference(&self, name: &str, seen: usize) -> Result<Look, Wrong> {
        if let Some(color) = look::color(name) {
            return Ok(Look { fg: Some(color), ..Look::default() });
        }
        if seen > MAX_REFERENCES {
            return Err(Wrong::Circle);
        }
        if let Some(text) = self.palette.get(name) {
            return self.reference(text, seen + 1);
        }
        match self.tokens.get(name) {
            Some(token) => self.resolve(&token.written, seen + 1),
            // A token that this theme leaves out looks as it will look.
            None if TOKENS.contains(&name) => parent(name).map_or(Ok(Look::default()), |parent| self.reference(parent, seen + 1)),
            None => Err(Wrong::Nothing(name.to_owned())),
        }
    }
}

/// Why a reference leads nowhere.
enum Wrong {
    Circle,
    Nothing(String),
}

/// Whether a key of a table goes on with the name of a token, rather than with what one looks like.
fn is_deeper(prefix: &str, key: &str) -> bool {
    let name = format!("{prefix}{key}");
    !PARTS.contains(&key)
        && TOKENS.iter().any(|token| token.strip_prefix(&name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

const PARTS: &[&str] = &["fg", "bg", "bold", "dim", "italic", "underline", "reverse", "ref", "ansi", "mono"];

fn read_parts(table: &Table, report: &mut Report<'_>) -> Parts {
    let mut parts = Parts::default();
    for entry in &table.0 {
        let attribute = ATTRIBUTES.iter().find(|(name, _)| *name == entry.key).map(|(_, attribute)| *attribute);
        match (entry.key.as_str(), &entry.node.value) {
            ("fg", Value::Text(text)) => parts.fg = Some(text.clone()),
            ("bg", Value::Text(text)) => parts.bg = Some(text.clone()),
            ("ref", Value::Text(text)) => parts.base = Some(text.clone()),
            ("ansi", _) => parts.ansi = read_ansi(&entry.node, report),
            ("mono", _) => parts.mono = read_mono(&entry.node, report),
            (_, Value::Bool(true)) if attribute.is_some() => parts.on |= attribute.unwrap_or_default(),
            (_, Value::Bool(false)) if attribute.is_some() => parts.off |= attribute.unwrap_or_default(),
            ("fg" | "bg" | "ref", _) => wrong_type(entry, "a text", report),
            (_, _) if attribute.is_some() => wrong_type(entry, "true or false", report),
            (key, _) => unknown("key", entry, PARTS.iter().copied(), key, report),
        }
    }
    parts
}

fn read_ansi(node: &Node, report: &mut Report<'_>) -> Option<ratatui::style::Color> {
    let text = node.as_text().map(str::to_owned).or_else(|| node.as_int().map(|number| number.to_string()));
    let color = text.as_deref().and_then(|text| look::ansi(text.strip_prefix("ansi:").unwrap_or(text)));
    if color.is_none() {
        let hint = text.as_deref().and_then(|text| did_you_mean(text, ANSI_NAMES));
        let hint = hint.or_else(|| Some(format!("one of 0 to 15, {}", ANSI_NAMES.join(", "))));
        report.error("wrong-type", node.span.clone(), "`ansi` takes one of the terminal's sixteen colours", hint);
    }
    color
}

fn read_mono(node: &Node, report: &mut Report<'_>) -> Option<Modifier> {
    let mut all = Modifier::empty();
    if !matches!(node.value, Value::List(_)) {
        report.error("wrong-type", node.span.clone(), format!("`mono` takes a list of attributes, not {}", node.kind()), None);
        return None;
    }
    for item in node.as_list() {
        let word = item.as_text().unwrap_or_default();
        match ATTRIBUTES.iter().find(|(name, _)| *name == word) {
            Some((_, attribute)) => all |= *attribute,
            None => {
                let names = ATTRIBUTES.iter().map(|(name, _)| *name);
                let hint = did_you_mean(word, names).or_else(|| Some("bold, dim, italic, underline or reverse".to_owned()));
                report.error("wrong-type", item.span.clone(), format!("`{word}` is no attribute"), hint);
            }
        }
    }
    Some(all)
}

fn one_of<T: Copy>(words: &[(&'static str, T)], word: &str, entry: &Entry, report: &mut Report<'_>) -> Option<T> {
    let found = words.iter().find(|(known, _)| *known == word).map(|(_, value)| *value);
    if found.is_none() {
        let names = words.iter().map(|(name, _)| *name);
        let listed = format!("one of {}", names.clone().collect::<Vec<_>>().join(", "));
        let hint = did_you_mean(word, names).unwrap_or(listed);
        report.error("wrong-type", entry.node.span.clone(), format!("`{}` cannot be {word:?}", entry.key), Some(hint));
    }
    found
}

fn wrong_type(entry: &Entry, wanted: &str, report: &mut Report<'_>) {
    let message = format!("`{}` takes {wanted}, not {}", entry.key, entry.node.kind());
    report.error("wrong-type", entry.node.span.clone(), message, None);
}

/// Nothing asks for it: most likely a slip, but a theme of another version must still work.
fn unknown(what: &str, entry: &Entry, known: impl Iterator<Item = &'static str>, name: &str, report: &mut Report<'_>) {
    let hint = did_you_mean(name, known);
    report.add(Severity::Warning, &format!("unknown-{what}"), entry.key_span.clone(), format!("unknown {what} `{name}`"), hint);
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::Color;

    fn read(text: &str) -> (Source, String) {
        let (source, mut found) = Source::read("mine.toml", text);
        let mut report = Report::new("mine.toml", text);
        source.check_references(&source, &mut report);
        found.0.extend(report.finish().0);
        (source, found.to_string())
    }

    #[test]
    fn a_value_is_a_colour_a_name_or_a_table() {
        let (theme, found) = read(
            "[palette]\nleaf = \"#102030\"\n[tokens]\nfg = \"leaf\"\naccent = \"ansi:blue\"\n\
             title = { ref = \"accent\", bold = true }\nlink = { ref = \"title\", bold = false, underline = true, fg = \"fg\" }\n\
             match = { fg = \"fg\", bg = \"selection.bg\", ansi = \"red\", mono = [\"reverse\"] }\n\"selection.bg\" = \"idx:7\"\n",
        );
        assert_eq!(found, "");
        let leaf = Some(Color::Rgb(0x10, 0x20, 0x30));
        assert_eq!(theme.look("fg").fg, leaf);
        assert_eq!(theme.look("title").attributes, Modifier::BOLD);
        assert_eq!((theme.look("link").attributes, theme.look("link").fg), (Modifier::UNDERLINED, leaf));
        let found = theme.look("match");
        assert_eq!((found.bg, found.ansi, found.mono), (Some(Color::Indexed(7)), Some(Color::Indexed(1)), Some(Modifier::REVERSED)));
    }

    #[test]
    fn what_is_missing_or_wrong_looks_like_its_parent() {
        let (theme, found) =
            read("[tokens]\nfg = \"#ffffff\"\nstate = \"#00ff00\"\n\"state.failed\" = \"rde\"\n[tokens.log]\nwarn = \"#010203\"\n");
        assert!(found.contains("`rde` is no colour and no name of one") && found.contains("mine.toml:4:18"), "{found}");
        let green = Some(Color::Rgb(0, 255, 0));
        assert_eq!((theme.look("state.failed").fg, theme.look("state.lost").fg), (green, green));
        assert_eq!(theme.look("log.warn").fg, Some(Color::Rgb(1, 2, 3)));
        assert_eq!(theme.look("chart.1").fg, Some(Color::Rgb(255, 255, 255)));
        assert_eq!(theme.look("selection.bg"), Look::default());
    }

    #[test]
    fn slips_are_named_with_what_was_meant() {
        let (_, found) = read(
            "[meta]\nvariant = \"drak\"\nbodres = \"plain\"\n[token]\n[tokens]\n\"state.faild\" = \"#000000\"\nfg = 3\n\
             title = { bold = 1, udnerline = true, ansi = \"rd\", mono = [\"blod\"] }\nok = \"eror\"\nerror = \"info\"\ninfo = \"error\"\n",
        );
        for words in [
            "did you mean `dark`",
            "did you mean `borders`",
            "did you mean `tokens`",
            "did you mean `state.failed`",
            "`fg` takes a colour, a name or a table, not a whole number",
            "`bold` takes true or false",
            "did you mean `underline`",
            "did you mean `red`",
            "did you mean `bold`",
            "did you mean `error`",
            "token `error` refers to itself",
        ] {
            assert!(found.contains(words), "{words}\n{found}");
        }
    }

    #[test]
    fn a_theme_over_another_changes_what_it_names() {
        let (base, _) = read("[meta]\nvariant = \"light\"\n[palette]\nink = \"#000000\"\n[tokens]\nfg = \"ink\"\nok = \"#00ff00\"\n");
        let (over, _) = read("[meta]\nborders = \"heavy\"\n[palette]\nink = \"#111111\"\n[tokens]\nok = \"ink\"\n");
        let both = base.under(over);
        assert_eq!((both.variant(), both.borders()), (Variant::Light, Borders::Heavy));
        let ink = Some(Color::Rgb(0x11, 0x11, 0x11));
        assert_eq!((both.look("fg").fg, both.look("ok").fg), (ink, ink));
    }
}
