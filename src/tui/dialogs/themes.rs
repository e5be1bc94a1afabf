//! Choosing a theme: everything is seen in it at once, with what was measured of it and what the terminal can show.

use super::{
    Dialog,
    chooser::{Answer, Chooser},
};
use crate::{
    model::{
        TaskState,
        state::{CACHED_LOOK, Look},
    },
    tui::{
        actions::{Action, Context},
        looks::{Ground, Looks},
        panes, text,
        theme::{Glyphs, Theme, check::Measures, color::Depth, report::has_ground, source::Source},
        views::Intent,
        world::World,
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

/// The list of themes. It stands at the right, so that the view is seen beside it.
#[derive(Debug)]
pub struct ThemePicker {
    looks: Looks,
    entries: Vec<Entry>,
    list: Chooser,
    /// What is put back by leaving.
    before: Theme,
    facts: Vec<(&'static str, String)>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    /// For which ground, and whether it is the user's own.
    kind: String,
}

const WIDTH: u16 = 46;
/// So many themes are seen, whatever else is not.
const LEAST: u16 = 7;

impl ThemePicker {
    /// At the theme that is on.
    pub fn new(looks: Looks, before: Theme) -> Self {
        let entries: Vec<Entry> = looks
            .library
            .names()
            .into_iter()
            .map(|name| {
                let own = if looks.library.file(&name).is_some() { ", yours" } else { "" };
                let kind = looks.library.find(&name).map_or("cannot be read", |found| kind(&found.source));
                Entry { kind: format!("{kind}{own}"), name }
            })
            .collect();
        let at = entries.iter().position(|entry| entry.name == before.name).unwrap_or(0);
        let mut picker = Self { looks, list: Chooser::new(entries.len()).at(at), entries, before, facts: Vec::new() };
        picker.measure();
        picker
    }

    fn current(&self) -> Option<&Entry> {
        self.entries.get(self.list.selected())
    }

    /// Shows everything in the theme that is selected now.
    fn try_on(&mut self) -> Vec<Intent> {
        self.measure();
        let shown = self.current().map(|entry| self.looks.load(&entry.name));
        match shown {
            Some(Ok(theme)) => vec![Intent::Wear(Box::new(theme))],
            Some(Err(error)) => {
                self.facts = vec![("broken", error.lines().next().unwrap_or_default().to_owned())];
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    fn measure(&mut self) {
        let found = self.current().and_then(|entry| self.looks.library.find(&entry.name).ok());
        let mut facts = found.map(|found| measured(&Measures::of(&found.source))).unwrap_or_default();
        facts.extend(detected(&self.looks));
        self.facts = facts;
    }
}

fn kind(source: &Source) -> &'static str {
    if has_ground(source) { source.variant().word() } else { "any ground" }
}

fn measured(measures: &Measures) -> Vec<(&'static str, String)> {
    let (Some(faintest), Some(selected)) = (measures.faintest(), measures.faintest_selected()) else {
        return vec![("contrast", "that of the terminal's own colours".to_owned())];
    };
    let closest = measures.closest().map(|pair| {
        let short = |token: &'static str| token.trim_start_matches("state.");
        format!("{:.0}  {}, {}", pair.distance, short(pair.tokens.0), short(pair.tokens.1))
    });
    vec![
        ("contrast", format!("{:.1}  {}", faintest.1, faintest.0)),
        ("selected", format!("{:.1}  {}", selected.1, selected.0)),
        ("states", closest.unwrap_or_default()),
    ]
}

fn detected(looks: &Looks) -> Vec<(&'static str, String)> {
    let screen = looks.detected.screen;
    let glyphs = match screen.glyphs {
        Glyphs::Unicode => "Unicode",
        Glyphs::Narrow => "none of two cells",
        Glyphs::Ascii => "ASCII",
    };
    let ground = match looks.ground {
        Ground::Said((r, g, b)) => format!("#{r:02x}{g:02x}{b:02x}  said by the terminal"),
        Ground::Variable(variant) => format!("{}  COLORFGBG", variant.word()),
        Ground::Unknown if screen.depth == Depth::Mono || screen.depth == Depth::Ansi => "the terminal's own".to_owned(),
        Ground::Unknown => "not known".to_owned(),
    };
    vec![
        ("colours", format!("{}  {}", screen.depth.word(), looks.detected.colors_from)),
        ("glyphs", format!("{glyphs}  {}", looks.detected.glyphs_from)),
        ("ground", ground),
    ]
}

impl Dialog for ThemePicker {
    fn context(&self) -> Context {
        Context::Menu
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::MenuChoose, Action::MenuLeave]
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Intent> {
        let (width, height) = world.size;
        let below = self.below(usize::from(WIDTH.min(width).saturating_sub(4)), &self.before).len();
        let (outer, fits) = self.layout(Rect { x: 0, y: 0, width, height }, below);
        match self.list.act(action, usize::from(outer.height.saturating_sub(2 + fits))) {
            Answer::Moved => self.try_on(),
            Answer::Chosen(line) => {
                let name = self.entries.get(line).map(|entry| entry.name.clone()).filter(|name| self.looks.load(name).is_ok());
                name.map_or_else(Vec::new, |name| vec![Intent::CloseDialog, Intent::KeepTheme(name)])
            }
            Answer::Left => vec![Intent::CloseDialog, Intent::Wear(Box::new(self.before.clone()))],
            Answer::Other => Vec::new(),
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, _world: &World, theme: &Theme) {
        let width = usize::from(WIDTH.min(area.width).saturating_sub(4));
        let below = self.below(width, theme);
        let (outer, fits) = self.layout(area, below.len());
        let height = usize::from(outer.height.saturating_sub(2 + fits));
        let inner = panes::popup(frame, outer, "Theme", &self.list.beyond(height), theme);
        let rows = Rect { height: inner.height.saturating_sub(fits), ..inner };
        self.list.draw(frame, rows, theme, |line| {
            let entry = &self.entries[line];
            Line::from(vec![
                Span::styled(format!(" {}", text::left(&text::safe(&entry.name), 24)), theme.style("fg")),
                Span::styled(format!(" {}", entry.kind), theme.style("fg.muted")),
            ])
        });
        panes::lines(frame, Rect { y: rows.bottom(), height: fits, ..inner }, below);
    }
}

impl ThemePicker {
    /// What stands below the list, most telling first.
    fn below(&self, width: usize, theme: &Theme) -> Vec<Line<'static>> {
        let mut lines = vec![Line::raw("")];
        lines.extend(samples(width, theme));
        lines.push(Line::raw(""));
        let room = width.saturating_sub(11);
        lines.extend(self.facts.iter().map(|(name, fact)| {
            let name = Span::styled(format!(" {name:<9} "), theme.style("fg.muted"));
            Line::from(vec![name, Span::styled(text::cut(&text::safe(fact), room), theme.style("fg"))])
        }));
        lines
    }

    /// Where the dialog stands, and how many of the lines below the list fit.
    fn layout(&self, area: Rect, below: usize) -> (Rect, u16) {
        let cells = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        let width = WIDTH.min(area.width);
        let height = cells(self.entries.len() + below + 2).min(area.height.saturating_sub(3));
        let outer = Rect { x: area.right() - width, y: area.y + 2, width, height };
        let room = height.saturating_sub(2).saturating_sub(LEAST.min(cells(self.entries.len())));
        (outer, room.min(cells(below)))
    }
}

/// Every state as it looks, in as many lines as it takes.
fn samples(width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let looks = TaskState::ALL.iter().map(|state| state.look()).chain([CACHED_LOOK]);
    let looks: Vec<Look> = looks.collect();
    let sample = |look: &Look| Span::styled(format!(" {} {:<5}", look.glyph, look.code), theme.style(look.token));
    looks.chunks((width / 8).max(1)).map(|some| Line::from(some.iter().map(sample).collect::<Vec<_>>())).collect()
}
