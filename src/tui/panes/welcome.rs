//! What a folder without pipelines offers: the demo, a pipeline of one's own, another folder. Says what each would write.

use crate::{
    runtime::surroundings::Surroundings,
    spec::starter::{DEMO, NewFile, TEMPLATES},
    stdx::size,
    tui::{
        actions::{Action, Context},
        begin::{Choice, Then},
        dialogs::new_pipeline::NewPipeline,
        input::Filter,
        keymap::shown_key,
        list, panes, text,
        theme::Theme,
        views::{Intent, Typed},
        world::{Ask, World},
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

/// What is offered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Offer {
    #[default]
    Demo,
    New,
    Elsewhere,
}

const OFFERS: [Offer; 3] = [Offer::Demo, Offer::New, Offer::Elsewhere];

/// The list of what is offered, and the folder that is typed.
#[derive(Debug, Default)]
pub struct Welcome {
    at: Offer,
    typed: Filter,
}

impl Offer {
    const fn title(self) -> &'static str {
        match self {
            Self::Demo => "Try the demo",
            Self::New => "New pipeline…",
            Self::Elsewhere => "Open another folder…",
        }
    }

    fn about(self) -> String {
        match self {
            Self::Demo => DEMO.about.to_owned(),
            Self::New => format!("from a template: {}", TEMPLATES.iter().map(|starter| starter.name).collect::<Vec<_>>().join(", ")),
            Self::Elsewhere => String::new(),
        }
    }

    /// What choosing it comes to.
    fn comes_to(self, world: &World) -> String {
        match self {
            Self::Demo => {
                let files = DEMO.files(DEMO.name).unwrap_or_default();
                let files = files.iter().map(NewFile::in_words).collect::<Vec<_>>().join(", ");
                format!("{files}, {}", if world.obstacle.is_some() { "in a temporary folder" } else { "and starts it" })
            }
            Self::New => "pipelines/NAME.toml, after three questions".to_owned(),
            Self::Elsewhere => "nothing".to_owned(),
        }
    }

    const fn writes(self) -> bool {
        matches!(self, Self::Demo | Self::New)
    }
}

impl Welcome {
    /// Whether a path is being typed.
    pub const fn is_typing(&self) -> bool {
        self.typed.is_typing()
    }

    /// Which keys mean something.
    pub fn contexts(&self) -> Vec<Context> {
        if self.is_typing() { vec![Context::Prompt] } else { vec![Context::List, Context::Global] }
    }

    /// Actions for the footer.
    pub const fn hints(&self) -> &'static [Action] {
        if self.is_typing() { &[Action::PromptDone, Action::PromptClear] } else { &[Action::Open, Action::SettingsTheme, Action::Mouse] }
    }

    /// Why an action does nothing here.
    ///
    /// # Errors
    /// The reason, for the person.
    pub fn possible(&self, action: Action, world: &World) -> Result<(), String> {
        match action {
            Action::Open if world.read_only && self.at.writes() => Err("looking only (--read-only)".into()),
            Action::Open | Action::Up | Action::Down | Action::Top | Action::Bottom | Action::PageUp | Action::PageDown => Ok(()),
            Action::PromptDone | Action::PromptClear | Action::PromptErase => Ok(()),
            Action::Back => Err(format!("this is the beginning ({} leaves)", shown_key(Action::Close))),
            _ => Err("there is no pipeline yet".into()),
        }
    }

    /// Does an action that is possible.
    pub fn act(&mut self, action: Action, world: &World) -> Vec<Intent> {
        let at = OFFERS.iter().position(|offer| *offer == self.at).unwrap_or(0);
        let chosen = match action {
            Action::Up => at.saturating_sub(1),
            Action::Down => (at + 1).min(OFFERS.len() - 1),
            Action::Top | Action::PageUp => 0,
            Action::Bottom | Action::PageDown => OFFERS.len() - 1,
            Action::Open => return self.open(world),
            Action::PromptDone => return self.go_there(),
            Action::PromptClear => {
                self.typed.clear();
                at
            }
            Action::PromptErase => {
                self.typed.erase();
                at
            }
            _ => at,
        };
        self.at = OFFERS[chosen];
        Vec::new()
    }

    fn open(&mut self, world: &World) -> Vec<Intent> {
        match self.at {
            Offer::Demo => {
                let files = DEMO.files(DEMO.name).unwrap_or_default();
                let folder = world.obstacle.is_none().then(|| world.workspace.clone());
                let pipeline = DEMO.name.into();
                vec![Intent::Ask(Ask::Begin(Choice::Write { folder, files, pipeline, then: Then::Demonstrate }))]
            }
            Offer::New => vec![Intent::Show(Box::new(NewPipeline::new(&world.workspace)))],
            Offer::Elsewhere => {
                self.typed.start();
                Vec::new()
            }
        }
    }

    fn go_there(&mut self) -> Vec<Intent> {
        let typed = self.typed.text().trim().to_owned();
        if typed.is_empty() {
            self.typed.clear();
            return Vec::new();
        }
        // It stays, so that a mistake in it can be mended.
        vec![Intent::Ask(Ask::Begin(Choice::Open(typed)))]
    }

    /// A key or pasted text for the path.
    pub fn typed(&mut self, input: Typed) {
        self.typed.typed(input);
    }

    /// Draws it in the middle of `area`; what is less telling goes first where there is no room.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, world: &World, theme: &Theme) {
        let width = area.width.saturating_sub(4).min(86);
        let inside = usize::from(width).saturating_sub(4);
        let mut below = self.below(inside, world, theme);
        let facts = facts(inside, world, theme);
        let roomy = usize::from(area.height) >= 2 + 4 + OFFERS.len() + below.len() + facts.len() + 3;
        if roomy {
            below.extend(facts);
            below.push(Line::raw(""));
        }
        let mut promise = vec![Span::styled(" Nothing is written until you choose.", theme.style("fg.strong"))];
        if self.at == Offer::Demo && inside >= 70 {
            promise.push(Span::styled(format!(" {} takes the demo away.", shown_key(Action::Undo)), theme.style("fg.muted")));
        }
        below.push(Line::from(promise));
        let top = usize::from(roomy);
        let height = |lines: usize| u16::try_from(lines).unwrap_or(u16::MAX);
        let outer = panes::centred(area, width, height(2 + 2 * top + 2 + OFFERS.len() + 1 + below.len()));
        let inner = panes::framed(frame, outer, "Welcome", "", true, theme);
        let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
        let from = |y: usize| Rect { y: inner.y + height(y).min(inner.height), height: inner.height.saturating_sub(height(y)), ..inner };
        panes::lines(frame, from(top), [title(inside, world, theme)]);
        let offers = Rect { height: height(OFFERS.len()).min(from(top + 2).height), ..from(top + 2) };
        let selected = OFFERS.iter().position(|offer| *offer == self.at).unwrap_or(0);
        list::draw(frame, offers, OFFERS.iter().map(|offer| line_of(*offer, inside, theme)), Some((selected, "selection")), theme);
        if self.is_typing() {
            let before = height(title_column(inside) + 1);
            let field = Rect { x: offers.x + before, y: offers.y + 2, width: offers.width.saturating_sub(before), height: 1 };
            self.typed.draw_after("", frame, field, theme);
        }
        panes::lines(frame, from(top + 2 + OFFERS.len() + 1), below);
    }

    /// What the selected offer writes.
    fn below(&self, width: usize, world: &World, theme: &Theme) -> Vec<Line<'static>> {
        let mut lines = vec![fact("Writes", &self.at.comes_to(world), width, theme)];
        if let Some(obstacle) = &world.obstacle {
            lines.push(fact("Not here", obstacle.split(';').next().unwrap_or_default(), width, theme));
        } else if self.at.writes() {
            lines.push(fact("Data is kept in", &world.state, width, theme));
        }
        lines.push(Line::raw(""));
        lines
    }
}

fn title(width: usize, world: &World, theme: &Theme) -> Line<'static> {
    let head = " No pipelines found in this folder:  ";
    let folder = text::safe(&format!("{}/pipelines", world.workspace));
    let excess = (text::width(&folder) + head.len()).saturating_sub(width);
    // The end of a path tells more than its beginning.
    let folder = if excess > 0 { format!("…{}", text::skip(&folder, excess + 1)) } else { folder };
    Line::from(vec![Span::styled(head, theme.style("fg")), Span::styled(folder, theme.style("fg.strong"))])
}

/// How wide the titles are.
const fn title_column(width: usize) -> usize {
    if width >= 80 { 25 } else { 23 }
}

fn line_of(offer: Offer, width: usize, theme: &Theme) -> Line<'static> {
    let column = title_column(width);
    let about = text::cut(&offer.about(), width.saturating_sub(column + 1));
    Line::from(vec![
        Span::styled(text::left(&format!(" {}", offer.title()), column), theme.style("fg")),
        Span::styled(about, theme.style("fg.muted")),
    ])
}

/// What was found, so that trust begins with it.
fn facts(width: usize, world: &World, theme: &Theme) -> Vec<Line<'static>> {
    let settings = [(Action::SettingsTheme, "theme"), (Action::Mouse, "mouse off"), (Action::Help, "every key")];
    let keys: Vec<_> = settings.iter().map(|(action, what)| format!("{} {what}", shown_key(*action))).collect();
    vec![
        fact("This machine", &world.surroundings.as_ref().map(machine).unwrap_or_default(), width, theme),
        fact("Terminal", &world.terminal, width, theme),
        fact("Looks wrong?", &keys.join("   "), width, theme),
    ]
}

fn fact(name: &str, value: &str, width: usize, theme: &Theme) -> Line<'static> {
    let column = if width >= 80 { 26 } else { 18 };
    let name = Span::styled(text::left(&format!(" {name}"), column), theme.style("fg.muted"));
    Line::from(vec![name, Span::styled(text::cut(&text::safe(value), width.saturating_sub(column)), theme.style("fg"))])
}

/// `2 cores, 8.0 GiB, no GPU · git: yes · docker: no`.
fn machine(found: &Surroundings) -> String {
    let memory = found.memory.map(|bytes| format!(", {}", size::short(bytes))).unwrap_or_default();
    let gpus = match found.gpus {
        0 => "no GPU".to_owned(),
        n => text::count(n, "GPU"),
    };
    let named =
        |wanted: bool| found.programs.iter().filter(|(_, there)| *there == wanted).map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let there = Some(named(true)).filter(|names| !names.is_empty()).map(|names| format!(" · {names}"));
    let missing = Some(named(false)).filter(|names| !names.is_empty()).map(|names| format!(" · no {names}"));
    let programs = there.into_iter().chain(missing).collect::<String>();
    format!("{}{memory}, {gpus}{programs}", text::count(found.cores, "core"))
}
