//! How many colours the terminal has, and the nearest of those it has.

use ratatui::style::Color;

/// How many colours may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// 24 bits.
    True,
    /// The palette of 256.
    Indexed,
    /// The terminal's own sixteen.
    Ansi,
    /// None: bold, dim, underline and reverse carry the meaning.
    Mono,
}

/// What the person asked for with `--color` or the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorChoice {
    /// As the environment says.
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
    /// `COLORFGBG`.
    pub colorfgbg: String,
    /// The first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set.
    pub locale: String,
}

impl Environment {
    /// Reads them with `get`.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let of = |name: &str| get(name).unwrap_or_default();
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().map(|name| of(name)).find(|value| !value.is_empty()).unwrap_or_default();
        Self { no_color: of("NO_COLOR"), colorterm: of("COLORTERM"), term: of("TERM"), colorfgbg: of("COLORFGBG"), locale }
    }

    /// How many colours to use.
    pub fn depth(&self, choice: ColorChoice) -> Depth {
        match choice {
            ColorChoice::Never => Depth::Mono,
            ColorChoice::Ansi => Depth::Ansi,
            ColorChoice::Indexed => Depth::Indexed,
            ColorChoice::True => Depth::True,
            ColorChoice::Auto if !self.no_color.is_empty() => Depth::Mono,
            ColorChoice::Auto if matches!(self.colorterm.as_str(), "truecolor" | "24bit") || self.term.ends_with("-direct") => Depth::True,
            ColorChoice::Auto if self.term.contains("256color") => Depth::Indexed,
            ColorChoice::Auto => Depth::Ansi,
        }
    }

    /// Whether only ASCII can be shown: the locale is not UTF-8, or it is the Linux console.
    pub fn ascii_only(&self) -> bool {
        let locale = self.locale.to_ascii_lowercase();
        self.term == "linux" || !(locale.contains("utf-8") || locale.contains("utf8"))
    }

    /// Whether the terminal says that its background is light.
    pub fn is_light(&self) -> bool {
        self.colorfgbg.rsplit(';').next().is_some_and(|background| matches!(background, "7" | "15"))
    }
}

/// The nearest colour that a terminal of that depth can show.
pub fn quantise(color: Color, depth: Depth) -> Color {
    match (color, depth) {
        (_, Depth::Mono) => Color::Reset,
        (Color::Rgb(r, g, b), Depth::Indexed) => Color::Indexed(nearest(r, g, b, 16..=255)),
        (Color::Rgb(r, g, b), Depth::Ansi) => Color::Indexed(nearest(r, g, b, 0..=15)),
        (Color::Indexed(i), Depth::Ansi) if i > 15 => {
            let (r, g, b) = palette(i);
            Color::Indexed(nearest(r, g, b, 0..=15))
        }
        (color, _) => color,
    }
}

fn nearest(r: u8, g: u8, b: u8, among: std::ops::RangeInclusive<u8>) -> u8 {
    let distance = |i: u8| {
        let (pr, pg, pb) = palette(i);
        let square = |a: u8, b: u8| (i32::from(a) - i32::from(b)).pow(2);
        2 * square(r, pr) + 4 * square(g, pg) + 3 * square(b, pb)
    };
    among.min_by_key(|&i| distance(i)).unwrap_or(7)
}

/// The usual colours of the 256: sixteen of the terminal, a cube, a ramp of greys.
pub fn palette(index: u8) -> (u8, u8, u8) {
    const ANSI: [(u8, u8, u8); 16] = [
        (0, 0, 0),
        (205, 0, 0),
        (0, 205, 0),
        (205, 205, 0),
        (0, 0, 238),
        (205, 0, 205),
        (0, 205, 205),
        (229, 229, 229),
        (127, 127, 127),
        (255, 0, 0),
        (0, 255, 0),
        (255, 255, 0),
        (92, 92, 255),
        (255, 0, 255),
        (0, 255, 255),
        (255, 255, 255),
    ];
    let step = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
    match index {
        0..16 => ANSI[usize::from(index)],
        16..232 => (step((index - 16) / 36), step((index - 16) / 6 % 6), step((index - 16) % 6)),
        _ => {
            let grey = 8 + 10 * (index - 232);
            (grey, grey, grey)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        Environment::read(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn the_environment_tells_how_many_colours_there_are() {
        let depth = |pairs: &[(&str, &str)]| environment(pairs).depth(ColorChoice::Auto);
        assert_eq!(depth(&[("COLORTERM", "truecolor"), ("TERM", "xterm")]), Depth::True);
        assert_eq!(depth(&[("TERM", "tmux-256color")]), Depth::Indexed);
        assert_eq!(depth(&[("TERM", "vt100")]), Depth::Ansi);
        assert_eq!(depth(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")]), Depth::Mono);
        assert_eq!(environment(&[("NO_COLOR", "1")]).depth(ColorChoice::True), Depth::True);
    }

    #[test]
    fn only_utf8_locales_get_more_than_ascii() {
        assert!(!environment(&[("LANG", "C.UTF-8")]).ascii_only());
        assert!(environment(&[("LC_ALL", "C"), ("LANG", "C.UTF-8")]).ascii_only());
        assert!(environment(&[("LANG", "C.UTF-8"), ("TERM", "linux")]).ascii_only());
        assert!(environment(&[("COLORFGBG", "0;15")]).is_light());
    }

    #[test]
    fn colours_become_the_nearest_that_the_terminal_has() {
        assert_eq!(quantise(Color::Rgb(255, 0, 0), Depth::Indexed), Color::Indexed(196));
        assert_eq!(quantise(Color::Rgb(250, 5, 5), Depth::Ansi), Color::Indexed(9));
        assert_eq!(quantise(Color::Rgb(1, 2, 3), Depth::True), Color::Rgb(1, 2, 3));
        assert_eq!(quantise(Color::Indexed(3), Depth::Mono), Color::Reset);
    }
}
