//! The nearest of the colours that a terminal has.

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

impl Depth {
    /// In words.
    pub const fn word(self) -> &'static str {
        match self {
            Self::True => "24 bit",
            Self::Indexed => "256",
            Self::Ansi => "16",
            Self::Mono => "none",
        }
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

    #[test]
    fn colours_become_the_nearest_that_the_terminal_has() {
        assert_eq!(quantise(Color::Rgb(255, 0, 0), Depth::Indexed), Color::Indexed(196));
        assert_eq!(quantise(Color::Rgb(250, 5, 5), Depth::Ansi), Color::Indexed(9));
        assert_eq!(quantise(Color::Rgb(1, 2, 3), Depth::True), Color::Rgb(1, 2, 3));
        assert_eq!(quantise(Color::Indexed(3), Depth::Mono), Color::Reset);
    }
}
