//! What the environment tells of the terminal: how many colours, which characters, and whether its ground is light.

use super::{Glyphs, Screen, color::Depth, source::Variant};
use crate::config::theme::{ColorDepth, GlyphChoice, ThemeConfig};

/// What the person asked for with `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorChoice {
    /// As the configuration or the environment says.
    #[default]
    Auto,
    /// No colour.
    Never,
    /// Sixteen.
    Ansi,
    /// 256.
    Indexed,
    /// 24 bits.
    True,
}

/// The environment variables that tell what the terminal can do.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `NO_COLOR`.
    pub no_color: String,
    /// `COLORTERM`.
    pub colorterm: String,
    /// `TERM`.
    pub term: String,
    /// `TERM_PROGRAM`.
    pub term_program: String,
    /// `COLORFGBG`.
    pub colorfgbg: String,
    /// The first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set.
    pub locale: String,
    /// Whether the terminal is at the other end of a network.
    pub remote: bool,
}

/// What was found, and what told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detected {
    /// What can be shown.
    pub screen: Screen,
    /// What told how many colours there are.
    pub colors_from: &'static str,
    /// What told which characters there are.
    pub glyphs_from: &'static str,
}

impl Environment {
    /// Reads them with `get`.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let of = |name: &str| get(name).unwrap_or_default();
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().map(|name| of(name)).find(|value| !value.is_empty()).unwrap_or_default();
        let remote = ["SSH_CONNECTION", "SSH_TTY"].iter().any(|name| !of(name).is_empty());
        Self {
            no_color: of("NO_COLOR"),
            colorterm: of("COLORTERM"),
            term: of("TERM"),
            term_program: of("TERM_PROGRAM"),
            colorfgbg: of("COLORFGBG"),
            locale,
            remote,
        }
    }

    /// What can be shown: as the command line says, else the settings, else the variables.
    pub fn detect(&self, choice: ColorChoice, config: &ThemeConfig) -> Detected {
        let (depth, colors_from) = self.depth(choice, config);
        let (glyphs, glyphs_from) = self.glyphs(config);
        Detected { screen: Screen { depth, glyphs }, colors_from, glyphs_from }
    }

    fn depth(&self, choice: ColorChoice, config: &ThemeConfig) -> (Depth, &'static str) {
        let asked = match choice {
            ColorChoice::Auto => None,
            ColorChoice::Never => Some(Depth::Mono),
            ColorChoice::Ansi => Some(Depth::Ansi),
            ColorChoice::Indexed => Some(Depth::Indexed),
            ColorChoice::True => Some(Depth::True),
        };
        let configured = config.color.map(|color| match color {
            ColorDepth::Never => Depth::Mono,
            ColorDepth::C16 => Depth::Ansi,
            ColorDepth::C256 => Depth::Indexed,
            ColorDepth::True => Depth::True,
        });
        if let Some(depth) = asked {
            return (depth, "--color");
        }
        if let Some(depth) = configured {
            return (depth, "config.toml");
        }
        if !self.no_color.is_empty() {
            return (Depth::Mono, "NO_COLOR");
        }
        // Terminal.app takes 24 bits for something else, and a shell's settings may claim them for every terminal.
        if self.term_program == "Apple_Terminal" {
            return (Depth::Indexed, "TERM_PROGRAM");
        }
        if matches!(self.colorterm.as_str(), "truecolor" | "24bit") {
            return (Depth::True, "COLORTERM");
        }
        let depth = match self.term.as_str() {
            term if term.ends_with("-direct") => Depth::True,
            term if term.ends_with("256color") => Depth::Indexed,
            _ => Depth::Ansi,
        };
        (depth, "TERM")
    }

    fn glyphs(&self, config: &ThemeConfig) -> (Glyphs, &'static str) {
        let locale = self.locale.to_ascii_lowercase();
        match config.glyphs {
            Some(GlyphChoice::Ascii) => (Glyphs::Ascii, "config.toml"),
            Some(GlyphChoice::Unicode) if config.ambiguous_is_wide => (Glyphs::Narrow, "config.toml"),
            Some(GlyphChoice::Unicode) => (Glyphs::Unicode, "config.toml"),
            None if self.term == "linux" => (Glyphs::Ascii, "TERM"),
            None if !(locale.contains("utf-8") || locale.contains("utf8")) => (Glyphs::Ascii, "LC_ALL, LC_CTYPE, LANG"),
            None if config.ambiguous_is_wide => (Glyphs::Narrow, "config.toml"),
            None => (Glyphs::Unicode, "LC_ALL, LC_CTYPE, LANG"),
        }
    }

    /// What `COLORFGBG` says of the ground.
    pub fn variant(&self) -> Option<Variant> {
        let ground: u8 = self.colorfgbg.rsplit(';').next()?.parse().ok()?;
        Some(if matches!(ground, 7 | 15) { Variant::Light } else { Variant::Dark })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        Environment::read(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    fn detected(pairs: &[(&str, &str)], choice: ColorChoice, config: &ThemeConfig) -> Screen {
        environment(pairs).detect(choice, config).screen
    }

    #[test]
    fn the_environment_tells_how_many_colours_there_are() {
        let depth = |pairs: &[(&str, &str)]| detected(pairs, ColorChoice::Auto, &ThemeConfig::default()).depth;
        assert_eq!(depth(&[("COLORTERM", "truecolor"), ("TERM", "xterm")]), Depth::True);
        assert_eq!(depth(&[("COLORTERM", "24bit")]), Depth::True);
        assert_eq!(depth(&[("TERM", "xterm-direct")]), Depth::True);
        assert_eq!(depth(&[("TERM", "tmux-256color")]), Depth::Indexed);
        assert_eq!(depth(&[("TERM", "vt100")]), Depth::Ansi);
        assert_eq!(depth(&[("TERM_PROGRAM", "Apple_Terminal"), ("COLORTERM", "truecolor")]), Depth::Indexed);
        assert_eq!(depth(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")]), Depth::Mono);
        assert_eq!(depth(&[("NO_COLOR", ""), ("COLORTERM", "truecolor")]), Depth::True);
    }

    #[test]
    fn the_command_line_goes_before_the_settings_and_both_before_the_environment() {
        let no_color = [("NO_COLOR", "1")];
        let config = ThemeConfig { color: Some(ColorDepth::C256), ..ThemeConfig::default() };
        assert_eq!(detected(&no_color, ColorChoice::True, &config).depth, Depth::True);
        assert_eq!(detected(&no_color, ColorChoice::Auto, &config).depth, Depth::Indexed);
        assert_eq!(environment(&no_color).detect(ColorChoice::Auto, &config).colors_from, "config.toml");
    }

    #[test]
    fn only_utf8_locales_get_more_than_ascii() {
        let glyphs = |pairs: &[(&str, &str)], config: &ThemeConfig| detected(pairs, ColorChoice::Auto, config).glyphs;
        let plain = ThemeConfig::default();
        assert_eq!(glyphs(&[("LANG", "C.UTF-8")], &plain), Glyphs::Unicode);
        assert_eq!(glyphs(&[("LC_ALL", "C"), ("LANG", "C.UTF-8")], &plain), Glyphs::Ascii);
        assert_eq!(glyphs(&[("LANG", "C.UTF-8"), ("TERM", "linux")], &plain), Glyphs::Ascii);
        let wide = ThemeConfig { ambiguous_is_wide: true, ..ThemeConfig::default() };
        assert_eq!(glyphs(&[("LANG", "ja_JP.utf8")], &wide), Glyphs::Narrow);
        let ascii = ThemeConfig { glyphs: Some(GlyphChoice::Ascii), ..ThemeConfig::default() };
        assert_eq!(glyphs(&[("LANG", "C.UTF-8")], &ascii), Glyphs::Ascii);
    }

    #[test]
    fn the_ground_may_be_told_by_a_variable() {
        let variant = |value| environment(&[("COLORFGBG", value)]).variant();
        assert_eq!((variant("0;15"), variant("15;default;0"), variant("")), (Some(Variant::Light), Some(Variant::Dark), None));
    }
}
