//! Help: every action of where one is, generated from the table, with its keys. Typing narrows it, Enter does it.

use super::{
    Dialog,
    chooser::{Answer, Chooser},
    placed,
};
use crate::{
    model::{TaskState, state::CACHED_LOOK},
    tui::{
        actions::{Action, Context},
        input::TextField,
        keymap::{self, Bound, Entry, shown},
        panes, text,
        theme::Theme,
        views::{Intent, Typed},
        world::World,
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

/// The searchable list of actions.
#[derive(Debug, Clone)]
pub struct Help {
    rows: Vec<Row>,
    filter: TextField,
    list: Chooser,
}

#[derive(Debug, Clone)]
struct Row {
    entry: &'static Entry,
    /// Why it does nothing here.
    impossible: Option<String>,
}

impl Help {
    /// What is bound in these contexts; `possible` tells why something does nothing here.
    pub fn new(contexts: &[Context], possible: impl Fn(Bound) -> Result<(), String>) -> Self {
        let mut rows = Vec::new();
        let mut taken: Vec<&str> = Vec::new();
        for context in contexts {
            let here = || keymap::in_effect().of(*context);
            // A key that a nearer context uses cannot be had from a farther one.
            let within_reach = here().filter(|entry| !entry.keys.iter().all(|key| taken.contains(&key.as_str())));
            rows.extend(within_reach.map(|entry| Row { entry, impossible: possible(entry.bound).err() }));
            taken.extend(here().flat_map(|entry| entry.keys.iter().map(String::as_str)));
        }
        Self { list: Chooser::new(rows.len()), rows, filter: TextField::new("") }
    }

    fn found(&self) -> Vec<&Row> {
        let wanted = self.filter.text().to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&wanted);
        let fits = |row: &&Row| has(&row.entry.description) || has(row.entry.name()) || row.entry.keys.contains(&wanted);
        self.rows.iter().filter(|row| wanted.is_empty() || fits(row)).collect()
    }

    fn outer(&self, area: Rect) -> Rect {
        placed(area, 110, self.rows.len() + 9)
    }

    /// Rows of the list: without the filter above it and the legend below it.
    fn height(outer: Rect) -> usize {
        usize::from(outer.height).saturating_sub(9)
    }
}

impl Dialog for Help {
    fn context(&self) -> Context {
        Context::Help
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::HelpRun, Action::HelpClose]
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Intent> {
        let height = Self::height(self.outer(Rect::new(0, 0, world.size.0, world.size.1)));
        match self.list.act(action, height) {
            Answer::Chosen(line) => vec![Intent::CloseDialog, Intent::bound(self.found()[line].entry.bound)],
            Answer::Left => vec![Intent::CloseDialog],
            Answer::Moved | Answer::Other => Vec::new(),
        }
    }

    fn typed(&mut self, input: Typed, _world: &World) -> Vec<Intent> {
        self.filter.typed(input);
        self.list = Chooser::new(self.found().len());
        Vec::new()
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, _world: &World, theme: &Theme) {
        let outer = self.outer(area);
        let inner = panes::popup(frame, outer, "Help", "Esc closes", theme);
        let muted = theme.style("fg.muted");
        let prompt = Rect { height: 1, ..inner };
        panes::lines(frame, prompt, [Line::styled("Type to narrow:", muted)]);
        let field = Rect { x: inner.x + 16, width: inner.width.saturating_sub(16).min(24), ..prompt };
        self.filter.draw(frame, field, true, "input", theme);
        if let Some(why) = self.found().get(self.list.selected()).and_then(|row| row.impossible.as_ref()) {
            let below = Rect { y: inner.y + 1, height: 1, ..inner };
            panes::lines(frame, below, [Line::styled(format!("Not now: {}", text::safe(why)), muted)]);
        }
        let content = Rect { y: inner.y + 2, height: u16::try_from(Self::height(outer)).unwrap_or(0), ..inner };
        self.table(frame, content, theme);
        // What its line had no room for.
        if let Some(row) = self.found().get(self.list.selected()).filter(|row| text::width(&row.entry.description) > room(content)) {
            let below = Rect { y: content.bottom(), height: 1, ..inner };
            panes::lines(frame, below, [Line::styled(text::cut(&row.entry.description, usize::from(inner.width)), theme.style("fg"))]);
        }
        let legend = Rect { y: content.bottom() + 1, height: inner.bottom().saturating_sub(content.bottom() + 1), ..inner };
        let mut below = states(usize::from(inner.width), theme);
        below.push(Line::styled(
            text::cut(
                &format!(
                    "Mouse: click selects, double click opens, the wheel scrolls what is under it; {} turns it off",
                    keymap::shown_key(Action::Mouse)
                ),
                usize::from(inner.width),
            ),
            theme.style("fg.muted"),
        ));
        panes::lines(frame, legend, below);
    }
}

impl Help {
    fn table(&self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let found = self.found();
        if found.is_empty() {
            return panes::lines(frame, area, [Line::styled("nothing here is called so", theme.style("fg.muted"))]);
        }
        let mut group = None;
        self.list.draw(frame, area, theme, |at| {
            let row = found[at];
            let title = if group == Some(row.entry.context) { "" } else { row.entry.context.title() };
            group = Some(row.entry.context);
            let keys: Vec<_> = row.entry.keys.iter().map(|key| shown(key)).collect();
            let token = if row.impossible.is_some() { "fg.muted" } else { "fg" };
            let mut what = row.entry.description.clone();
            if let Some(why) = &row.impossible {
                what = format!("{what} ({})", text::safe(why));
            }
            let (context, key) = columns(area);
            Line::from(vec![
                Span::styled(format!(" {}", text::left(title, context - 1)), theme.style("fg.muted")),
                Span::styled(text::left(&keys.join(" "), key), theme.style("hint.key")),
                Span::styled(format!(" {}", text::left(&what, room(area))), theme.style(token)),
            ])
        });
    }
}

/// Columns of where a key means something, and of the key.
const fn columns(area: Rect) -> (usize, usize) {
    if area.width < 90 { (12, 9) } else { (13, 14) }
}

/// Columns of what it does.
fn room(area: Rect) -> usize {
    let (context, key) = columns(area);
    usize::from(area.width).saturating_sub(context + key + 2)
}

/// What the glyphs and codes of states mean.
fn states(width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let looks = TaskState::ALL.iter().map(|state| (state.look(), state.word())).chain([(CACHED_LOOK, "cached")]);
    let mut lines = vec![Vec::new()];
    let mut used = 0;
    for (look, word) in looks {
        let entry = format!("{} {} {}   ", look.glyph, look.code, word.replace('_', " "));
        if used + text::width(&entry) > width {
            lines.push(Vec::new());
            used = 0;
        }
        used += text::width(&entry);
        let (sign, words) = entry.split_at(look.glyph.len_utf8() + 1 + look.code.len());
        if let Some(last) = lines.last_mut() {
            last.push(Span::styled(sign.to_owned(), theme.style(look.token)));
            last.push(Span::styled(words.to_owned(), theme.style("fg.muted")));
        }
    }
    lines.into_iter().map(Line::from).collect()
}
