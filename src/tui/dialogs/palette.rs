//! The palette: actions, pipelines, runs, tasks and themes in one list, found by a few letters. What was used lately comes first; what
//! cannot be done now comes last and says why.

use super::{
    Dialog,
    chooser::{Answer, Chooser},
    placed,
};
use crate::{
    model::PipelineRow,
    stdx::fuzzy,
    tui::{
        actions::{Action, Context},
        input::TextField,
        keymap::{self, Bound, shown},
        panes, text,
        theme::Theme,
        views::{Intent, Typed, log::LogView, run::RunView},
        world::{Subject, World},
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

/// What is done when an item is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// What is bound to its keys.
    Bound(Bound),
    /// A run, or the graph of a pipeline that never ran, is opened.
    Open(Subject),
    /// The log of a task of the run that is looked at is opened.
    Task(Subject, usize),
    /// Everything is shown in that theme.
    Theme(String),
}

/// One thing to choose.
#[derive(Debug, Clone)]
struct Item {
    /// By which it is remembered.
    name: String,
    /// What it says, and what is searched.
    label: String,
    /// Its first key.
    key: String,
    kind: Kind,
    /// Why it cannot be done now.
    impossible: Option<String>,
    /// How lately it was used: 0 is last; `None` is never.
    recent: Option<usize>,
}

impl Item {
    /// Whether that is its name, such as `quit` or `q`, or the word that it begins with.
    fn is_called(&self, typed: &str) -> bool {
        let typed = typed.to_lowercase();
        let is_name = match self.kind {
            Kind::Bound(Bound::Action(Action::Quit)) => self.name.starts_with(&typed),
            _ => self.name == typed,
        };
        let first = self.label.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        !typed.is_empty() && (is_name || first.to_lowercase() == typed)
    }
}

/// The list, and what is typed to narrow it.
#[derive(Debug, Clone)]
pub struct Palette {
    items: Vec<Item>,
    /// The items that fit, best first, each with the places of the letters that fit.
    found: Vec<(usize, Vec<usize>)>,
    field: TextField,
    list: Chooser,
}

impl Palette {
    /// Everything that there is; `possible` tells why an action does nothing here, `recent` what was used, newest first.
    pub fn new(
        contexts: &[Context],
        possible: impl Fn(Bound) -> Result<(), String>,
        world: &World,
        themes: &[String],
        recent: &[String],
    ) -> Self {
        let mut items = actions(contexts, possible);
        items.extend(world.pipelines.iter().flatten().filter(|row| row.error.is_none()).map(pipeline));
        items.extend(runs(world));
        items.extend(tasks(world));
        items.extend(themes.iter().map(|name| theme(name)));
        for item in &mut items {
            item.recent = recent.iter().position(|name| *name == item.name);
        }
        let mut palette = Self { items, found: Vec::new(), field: TextField::new(""), list: Chooser::default() };
        palette.search();
        palette
    }

    /// Finds anew. `@` before the letters keeps only runs, `#` only tasks.
    fn search(&mut self) {
        let typed = self.field.text().trim();
        let (only, query) = match typed.chars().next() {
            Some(sign @ ('@' | '#')) => (Some(sign), &typed[1..]),
            _ => (None, typed),
        };
        let fits = |kind: &Kind| match only {
            Some('@') => matches!(kind, Kind::Open(Subject::Run(_))),
            Some('#') => matches!(kind, Kind::Task(..)),
            _ => true,
        };
        let items = self.items.iter().enumerate().filter(|(_, item)| fits(&item.kind));
        let mut found: Vec<_> = items
            .filter_map(|(at, item)| {
                let named = item.is_called(query);
                let (points, places) = fuzzy::score(query, &item.label).or_else(|| named.then(|| (0, Vec::new())))?;
                Some((!named, item.impossible.is_some(), item.recent.unwrap_or(usize::MAX), -points, at, places))
            })
            .collect();
        if query.is_empty() {
            found.sort_by_key(|(_, impossible, recent, _, at, _)| (*impossible, *recent, *at));
        } else {
            // Letters that are strewn over a text are hardly what was meant where something fits well.
            let best = found.iter().map(|(_, _, _, points, _, _)| -points).max().unwrap_or(0);
            found.retain(|(unnamed, _, _, points, _, _)| !unnamed || -points * 5 >= best * 2);
            // What has the word itself was meant, also where it is not possible now; among what fits alike, what was used lately comes first.
            let strewn = |places: &[usize]| places.windows(2).any(|pair| pair[1] != pair[0] + 1);
            found.sort_by_key(|(unnamed, impossible, recent, points, at, places)| {
                (*unnamed, strewn(places), *impossible, points - i32::from(*recent < 20) * 4, *recent, *at)
            });
        }
        self.found = found.into_iter().map(|(_, _, _, _, at, places)| (at, places)).collect();
        self.list = Chooser::new(self.found.len());
    }

    fn outer(area: Rect) -> Rect {
        let outer = placed(area, 92, 22);
        // Its upper edge stays where it is however much is found.
        Rect { y: (area.y + area.height / 7).min(outer.y), ..outer }
    }

    const fn height(outer: Rect) -> usize {
        outer.height.saturating_sub(6) as usize
    }

    fn choose(&self, line: usize) -> Vec<Intent> {
        let item = &self.items[self.found[line].0];
        let chosen = |bound| Intent::Chosen { name: item.name.clone(), bound };
        match &item.kind {
            Kind::Bound(bound) => vec![Intent::CloseDialog, chosen(Some(*bound))],
            Kind::Open(subject) => vec![Intent::CloseDialog, chosen(None), Intent::Open(Box::new(RunView::new(subject.clone())))],
            Kind::Theme(name) => vec![Intent::CloseDialog, chosen(None), Intent::KeepTheme(name.clone())],
            Kind::Task(subject, at) => {
                vec![Intent::CloseDialog, chosen(None), Intent::Open(Box::new(LogView::new(subject.clone(), *at, None)))]
            }
        }
    }
}

/// Movements are found under the fingers, not by name.
const UNNAMED: &[Action] = &[Action::Up, Action::Down, Action::Left, Action::Right, Action::PageUp, Action::PageDown, Action::Palette];

fn actions(contexts: &[Context], possible: impl Fn(Bound) -> Result<(), String>) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for entry in contexts.iter().flat_map(|context| keymap::in_effect().of(*context)) {
        let kind = Kind::Bound(entry.bound);
        let is_unnamed = matches!(entry.bound, Bound::Action(action) if UNNAMED.contains(&action));
        if is_unnamed || items.iter().any(|item| item.kind == kind) {
            continue;
        }
        let name = match entry.bound {
            Bound::Action(_) => entry.name().to_owned(),
            Bound::Program(_) => entry.description.clone(),
        };
        let key = entry.keys.first().map(|key| shown(key)).unwrap_or_default();
        items.push(Item { name, label: entry.description.clone(), key, kind, impossible: possible(entry.bound).err(), recent: None });
    }
    items
}

fn open(name: String, label: String, subject: Subject) -> Item {
    Item { name, label, key: String::new(), kind: Kind::Open(subject), impossible: None, recent: None }
}

fn theme(name: &str) -> Item {
    let kind = Kind::Theme(name.to_owned());
    Item { name: format!("theme {name}"), label: format!("Theme {name}"), key: String::new(), kind, impossible: None, recent: None }
}

fn pipeline(row: &PipelineRow) -> Item {
    let subject = match &row.last_run {
        Some(run) => Subject::Run(run.run_id.clone()),
        None => Subject::Pipeline(row.pipeline.clone()),
    };
    open(format!("pipeline {}", row.pipeline), format!("Open pipeline {}", row.pipeline), subject)
}

fn runs(world: &World) -> impl Iterator<Item = Item> {
    let rows = world.runs.iter().flat_map(|list| &list.lines).map(|line| &line.run).take(1_000);
    rows.map(|run| {
        let label = format!("Open run {} of {} ({})", run.number, run.pipeline, run.state.word());
        open(format!("run {}", run.run_id), label, Subject::Run(run.run_id.clone()))
    })
}

fn tasks(world: &World) -> impl Iterator<Item = Item> {
    world.run.iter().filter(|data| data.run.is_some()).flat_map(|data| {
        data.tasks.iter().enumerate().map(|(at, task)| Item {
            name: format!("task {}", task.task),
            label: format!("Log of task {}", task.task),
            key: String::new(),
            kind: Kind::Task(data.subject.clone(), at),
            impossible: task.attempts.is_empty().then(|| "no attempt yet, so no log".to_owned()),
            recent: None,
        })
    })
}

impl Dialog for Palette {
    fn context(&self) -> Context {
        Context::Palette
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::PaletteRun, Action::PaletteClose]
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Intent> {
        if action == Action::PaletteErase {
            self.field = TextField::new("");
            self.search();
        }
        let height = Self::height(Self::outer(Rect::new(0, 0, world.size.0, world.size.1)));
        match self.list.act(action, height) {
            Answer::Chosen(line) => self.choose(line),
            Answer::Left => vec![Intent::CloseDialog],
            Answer::Moved | Answer::Other => Vec::new(),
        }
    }

    fn typed(&mut self, input: Typed, _world: &World) -> Vec<Intent> {
        self.field.typed(input);
        self.search();
        Vec::new()
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, _world: &World, theme: &Theme) {
        let outer = Self::outer(area);
        let right = format!("{} of {}", self.found.len(), self.items.len());
        let inner = panes::popup(frame, outer, "Command", &right, theme);
        let muted = theme.style("fg.muted");
        panes::lines(frame, Rect { height: 1, ..inner }, [Line::styled(":", theme.style("hint.key"))]);
        let field = Rect { x: inner.x + 2, width: inner.width.saturating_sub(2), height: 1, ..inner };
        self.field.draw(frame, field, true, "input", theme);
        let content = Rect { y: inner.y + 2, height: u16::try_from(Self::height(outer)).unwrap_or(0), ..inner };
        let below = Rect { y: inner.bottom().saturating_sub(1), height: 1, ..inner };
        panes::lines(frame, below, [Line::styled(text::cut("@ only runs   # only tasks", usize::from(below.width)), muted)]);
        if self.found.is_empty() {
            return panes::lines(frame, content, [Line::styled("nothing is called so", muted)]);
        }
        let width = usize::from(content.width).saturating_sub(1);
        self.list.draw(frame, content, theme, |at| {
            let (item, places) = &self.found[at];
            // The ground of the selection is not that of what fits.
            let fits = if at == self.list.selected() { "accent" } else { "match" };
            line(&self.items[*item], places, fits, width, theme)
        });
    }
}

/// Its key, what it says with the letters that fit, and why it cannot be done now or that it was used lately.
fn line(item: &Item, places: &[usize], fits: &str, width: usize, theme: &Theme) -> Line<'static> {
    const KEY: usize = 9;
    let about = match (&item.impossible, item.recent) {
        (Some(why), _) => text::safe(why),
        (None, Some(_)) => "used lately".to_owned(),
        (None, None) => String::new(),
    };
    let room = width.saturating_sub(KEY + 3);
    let label = text::safe(&item.label);
    let about = text::cut(&about, (room * 2 / 5).max(room.saturating_sub(text::width(&label) + 2)));
    let label_width = if about.is_empty() { room } else { room.saturating_sub(text::width(&about) + 2) };
    let token = if item.impossible.is_some() { "fg.muted" } else { "fg" };
    let label = text::left(&label, label_width);
    let mut spans = vec![Span::styled(format!(" {}  ", text::left(&item.key, KEY)), theme.style("hint.key"))];
    for (at, letter) in label.chars().enumerate() {
        let style = if places.contains(&at) { theme.style(token).patch(theme.style(fits)) } else { theme.style(token) };
        match spans.last_mut() {
            Some(last) if at > 0 && last.style == style => last.content.to_mut().push(letter),
            _ => spans.push(Span::styled(letter.to_string(), style)),
        }
    }
    spans.push(Span::styled(format!("  {about}"), theme.style("fg.muted")));
    Line::from(spans)
}
