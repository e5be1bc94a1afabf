//! Which theme is on, and why: the command line, the settings, the terminal's ground.

use super::{
    app::{App, Chore},
    dialogs::themes::ThemePicker,
    theme::{
        Glyphs, Library, Screen, Theme, Variant,
        color::Depth,
        detect::{ColorChoice, Detected, Environment},
        library,
        measure::{self, Rgb},
    },
    world::Tone,
};
use crate::{config::theme::ThemeConfig, model::Report};
use std::path::PathBuf;

/// What told whether the ground is light.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// The terminal itself.
    Said(Rgb),
    /// `COLORFGBG`.
    Variable(Variant),
    /// Nothing.
    Unknown,
}

impl Ground {
    fn variant(self) -> Variant {
        match self {
            // Black text reads better on it than white text does.
            Self::Said(rgb) if measure::contrast(rgb, (0, 0, 0)) > measure::contrast(rgb, (255, 255, 255)) => Variant::Light,
            Self::Said(_) | Self::Unknown => Variant::Dark,
            Self::Variable(variant) => variant,
        }
    }
}

/// Everything that decides how the screens look.
#[derive(Debug, Clone)]
pub struct Looks {
    /// Every theme there is.
    pub library: Library,
    /// What the terminal can show.
    pub detected: Detected,
    /// What is known of its ground.
    pub ground: Ground,
    /// The name that the person gave, on the command line or in the settings.
    named: Option<String>,
    halves: (Option<String>, Option<String>),
    /// What is wrong with `[theme.override]`.
    fault: Option<String>,
}

impl Default for Looks {
    /// As in a terminal of which everything is known.
    fn default() -> Self {
        let screen = Screen { depth: Depth::True, glyphs: Glyphs::Unicode };
        Self {
            library: Library::default(),
            detected: Detected { screen, colors_from: "COLORTERM", glyphs_from: "LANG" },
            ground: Ground::Unknown,
            named: None,
            halves: (None, None),
            fault: None,
        }
    }
}

/// A theme that is always there.
const SAFE: &str = "default-dark";

impl Looks {
    /// As the command line, the settings and the environment say; `folder` holds the user's own themes.
    pub fn new(
        named: Option<String>,
        color: ColorChoice,
        config: &ThemeConfig,
        environment: &Environment,
        folder: Option<PathBuf>,
    ) -> Self {
        let mut report = Report::new("config.toml", "");
        let changes = library::read_changes(&config.changes, &mut report);
        Self {
            library: Library::new(folder, changes),
            detected: environment.detect(color, config),
            ground: environment.variant().map_or(Ground::Unknown, Ground::Variable),
            named: named.or_else(|| config.name.clone()),
            halves: (config.dark.clone(), config.light.clone()),
            fault: report.finish().0.first().map(|fault| format!("[theme.override]: {}", fault.message)),
        }
    }

    /// The person chose that one.
    pub fn choose(&mut self, name: String) {
        self.named = Some(name);
    }

    /// Whether the theme depends on the terminal's ground.
    pub fn needs_ground(&self) -> bool {
        self.named.is_none() && matches!(self.detected.screen.depth, Depth::True | Depth::Indexed)
    }

    /// The name of the theme.
    pub fn name(&self) -> String {
        let (dark, light) = &self.halves;
        let half = |own: &Option<String>, ours: &str| own.clone().unwrap_or_else(|| ours.to_owned());
        match (&self.named, self.detected.screen.depth, self.ground.variant()) {
            (Some(name), ..) => name.clone(),
            (None, Depth::Mono, _) => "mono".to_owned(),
            // The sixteen are the person's own choice, and fit their ground.
            (None, Depth::Ansi, _) => "ansi16".to_owned(),
            (None, _, Variant::Light) => half(light, "default-light"),
            (None, _, Variant::Dark) => half(dark, SAFE),
        }
    }

    /// The theme, and what is to be said about it. One that cannot be read is replaced.
    pub fn theme(&self) -> (Theme, Option<String>) {
        let name = self.name();
        match self.library.theme(&name, self.detected.screen) {
            Ok((theme, faults)) if faults.0.is_empty() => (theme, self.fault.clone()),
            Ok((theme, faults)) => (theme, Some(faulty(&name, faults.0.len()))),
            Err(error) => {
                let (theme, _) = self.library.theme(SAFE, self.detected.screen).unwrap_or_else(|_| self.plain());
                (theme, Some(error.lines().next().unwrap_or_default().to_owned()))
            }
        }
    }

    /// One of them for this terminal.
    ///
    /// # Errors
    /// It is not there or cannot be read.
    pub fn load(&self, name: &str) -> Result<Theme, String> {
        self.library.theme(name, self.detected.screen).map(|(theme, _)| theme)
    }

    /// What the terminal can show: `24 bit colour, dark ground, Unicode`.
    pub fn words(&self) -> String {
        let colours = match self.detected.screen.depth {
            Depth::True => "24 bit colour",
            Depth::Indexed => "256 colours",
            Depth::Ansi => "16 colours",
            Depth::Mono => "no colour",
        };
        let ground = match self.ground {
            // Whatever it is, their own colours fit it.
            _ if matches!(self.detected.screen.depth, Depth::Mono | Depth::Ansi) => "",
            Ground::Unknown => ", ground not known",
            known if known.variant() == Variant::Light => ", light ground",
            _ => ", dark ground",
        };
        let glyphs = if self.detected.screen.glyphs == Glyphs::Ascii { "ASCII" } else { "Unicode" };
        format!("{colours}{ground}, {glyphs}")
    }

    fn plain(&self) -> (Theme, crate::model::Diagnostics) {
        (Theme::new(SAFE, &library::builtin(SAFE).unwrap_or_default(), self.detected.screen), crate::model::Diagnostics::default())
    }
}

impl App {
    /// The terminal told its ground after the first picture was drawn.
    pub(super) fn ground_said(&mut self, rgb: Rgb) {
        self.looks.ground = Ground::Said(rgb);
        self.world.terminal = self.looks.words();
        if self.looks.needs_ground() && self.looks.name() != self.theme.name {
            self.theme = self.looks.theme().0;
        }
    }

    /// A file was saved: what is shown is read again. One that cannot be read leaves everything as it looks.
    pub(super) fn themes_changed(&mut self) {
        match self.looks.library.theme(&self.theme.name, self.looks.detected.screen) {
            Ok((theme, faults)) => {
                if !faults.0.is_empty() {
                    self.say(Tone::Note, faulty(&theme.name, faults.0.len()));
                }
                self.theme = theme;
            }
            Err(error) => self.say(Tone::Bad, error.lines().next().unwrap_or_default().to_owned()),
        }
    }

    pub(super) fn pick_theme(&mut self) {
        let picker = ThemePicker::new(self.looks.clone(), self.theme.clone());
        self.dialogs.push(Box::new(picker));
    }

    /// Shows everything in that theme, also the next time.
    pub(super) fn keep_theme(&mut self, name: String) {
        if self.theme.name != name {
            match self.looks.load(&name) {
                Ok(theme) => self.theme = theme,
                Err(error) => return self.say(Tone::Bad, error.lines().next().unwrap_or_default().to_owned()),
            }
        }
        self.looks.choose(name.clone());
        if self.world.read_only {
            return self.say(Tone::Note, format!("theme {name} until you leave (--read-only writes nothing)"));
        }
        self.say(Tone::Good, format!("theme {name} is kept"));
        self.chores.push(Chore::KeepTheme(name));
    }
}

fn faulty(name: &str, faults: usize) -> String {
    let things = if faults == 1 { "one thing is" } else { "some things are" };
    format!("theme {name}: {things} not in order (flowyard theme --check {name})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(pairs: &[(&str, &str)], config: &ThemeConfig) -> Looks {
        let environment = Environment::read(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()));
        Looks::new(None, ColorChoice::Auto, config, &environment, None)
    }

    #[test]
    fn without_a_name_the_ground_and_the_colours_decide() {
        let name = |pairs: &[(&str, &str)]| looks(pairs, &ThemeConfig::default()).name();
        assert_eq!(name(&[("COLORTERM", "truecolor")]), "default-dark");
        assert_eq!(name(&[("COLORTERM", "truecolor"), ("COLORFGBG", "0;15")]), "default-light");
        assert_eq!(name(&[("TERM", "vt100"), ("COLORFGBG", "0;15")]), "ansi16");
        assert_eq!(name(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")]), "mono");
    }

    #[test]
    fn what_the_terminal_says_goes_before_the_variable() {
        let config = ThemeConfig { light: Some("catppuccin-latte".to_owned()), ..ThemeConfig::default() };
        let mut looks = looks(&[("COLORTERM", "truecolor"), ("COLORFGBG", "15;0")], &config);
        assert!(looks.needs_ground());
        assert_eq!(looks.name(), "default-dark");
        looks.ground = Ground::Said((0xfd, 0xf6, 0xe3));
        assert_eq!(looks.name(), "catppuccin-latte");
        looks.ground = Ground::Said((0, 0x2b, 0x36));
        assert_eq!(looks.name(), "default-dark");
        looks.choose("nord".to_owned());
        assert!(!looks.needs_ground() && looks.name() == "nord");
    }

    #[test]
    fn a_theme_that_is_not_there_is_replaced_and_said() {
        let config = ThemeConfig { name: Some("nrod".to_owned()), ..ThemeConfig::default() };
        let (theme, said) = looks(&[("COLORTERM", "truecolor")], &config).theme();
        assert_eq!(theme.name, "default-dark");
        assert!(said.is_some_and(|said| said.contains("Did you mean `nord`?")));
    }
}
