//! The rules of a good theme: text that can be read, states that can be told apart by everyone. Numbers, and what falls short.

use super::{
    color,
    measure::{self, Rgb, Vision},
    source::Source,
    tokens::{self, TOKENS},
};
use crate::model::state::{CACHED_LOOK, TaskState};
use ratatui::style::Color;

/// Least contrast of text with its ground.
pub const ON_GROUND: f64 = 4.5;
/// Least contrast of text on the selected line.
pub const ON_SELECTION: f64 = 3.0;
/// Least distance of the colours of two states.
pub const APART: f64 = 10.0;

/// A pair of states, and how far apart they are for whom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// Tokens of both.
    pub tokens: (&'static str, &'static str),
    /// For whose eyes it is the least.
    pub vision: Vision,
    /// How far.
    pub distance: f64,
}

/// What was measured of a theme.
#[derive(Debug, Clone, Default)]
pub struct Measures {
    /// Each token with its contrast on its ground, where both colours are known.
    pub on_ground: Vec<(&'static str, f64)>,
    /// Each token with its contrast on the selected line.
    pub on_selection: Vec<(&'static str, f64)>,
    /// Every pair of states at its worst.
    pub pairs: Vec<Pair>,
}

impl Measures {
    /// Measures a theme. Colours that the terminal decides (`default`, `ansi:N`) cannot be measured and are left out.
    pub fn of(source: &Source) -> Self {
        let rgb = |color: Option<Color>| color.and_then(known);
        let (ground, selected) = (rgb(source.look("bg").fg), rgb(source.look("selection.bg").fg));
        let (mut on_ground, mut on_selection) = (Vec::new(), Vec::new());
        let read = TOKENS.iter().filter(|token| !tokens::LINES.contains(token) && !tokens::GROUNDS.contains(token));
        for token in read {
            let look = source.look(token);
            let Some(fg) = rgb(look.fg.or(source.look("fg").fg)) else { continue };
            if let Some(behind) = look.bg.map_or(ground, |bg| rgb(Some(bg))) {
                on_ground.push((*token, measure::contrast(fg, behind)));
            }
            if let (Some(selected), None) = (selected, look.bg) {
                on_selection.push((*token, measure::contrast(fg, selected)));
            }
        }
        Self { on_ground, on_selection, pairs: pairs(source) }
    }

    /// The token that reads worst on its ground.
    pub fn faintest(&self) -> Option<(&'static str, f64)> {
        least(&self.on_ground)
    }

    /// The token that reads worst on the selected line.
    pub fn faintest_selected(&self) -> Option<(&'static str, f64)> {
        least(&self.on_selection)
    }

    /// The two states that are most alike.
    pub fn closest(&self) -> Option<Pair> {
        self.pairs.iter().copied().min_by(|a, b| a.distance.total_cmp(&b.distance))
    }

    /// A line for each rule that is broken.
    pub fn complaints(&self) -> Vec<String> {
        let faint = |found: &[(&'static str, f64)], least: f64, place: &str| {
            let bad = found.iter().filter(|(_, contrast)| *contrast < least);
            bad.map(|(token, contrast)| format!("`{token}` has a contrast of {contrast:.1} {place}, less than {least}")).collect::<Vec<_>>()
        };
        let mut all = faint(&self.on_ground, ON_GROUND, "on its ground");
        all.extend(faint(&self.on_selection, ON_SELECTION, "on `selection.bg`"));
        let mut near: Vec<_> = self.pairs.iter().filter(|pair| pair.distance < APART).collect();
        near.sort_by(|a, b| a.distance.total_cmp(&b.distance));
        all.extend(near.iter().map(|pair| {
            let (a, b) = pair.tokens;
            format!("`{a}` and `{b}` are {:.1} apart for {} vision, less than {APART}", pair.distance, pair.vision.word())
        }));
        all
    }
}

fn least(found: &[(&'static str, f64)]) -> Option<(&'static str, f64)> {
    found.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1))
}

/// The 24 bits of a colour, where they do not depend on the terminal's own palette.
fn known(color: Color) -> Option<Rgb> {
    match color {
        Color::Rgb(r, g, b) => Some((r, g, b)),
        Color::Indexed(index) if index >= 16 => Some(color::palette(index)),
        _ => None,
    }
}

fn pairs(source: &Source) -> Vec<Pair> {
    let states: Vec<(&'static str, Rgb)> = TaskState::ALL
        .iter()
        .map(|state| state.look().token)
        .chain([CACHED_LOOK.token])
        .filter_map(|token| Some((token, known(source.look(token).fg?)?)))
        .collect();
    let mut pairs = Vec::new();
    for (at, (a, one)) in states.iter().enumerate() {
        for (b, other) in &states[..at] {
            let worst = Vision::ALL.into_iter().map(|vision| (measure::distance(*one, *other, vision), vision));
            if let Some((distance, vision)) = worst.min_by(|a, b| a.0.total_cmp(&b.0)) {
                pairs.push(Pair { tokens: (b, a), vision, distance });
            }
        }
    }
    pairs
}
