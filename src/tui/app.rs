//! The whole interactive face as one piece of state: a message in, questions out; drawing only reads.

use super::{
    actions::{self, Action, Context},
    begin::Begun,
    command_line,
    dialogs::{Dialog, help::Help, messages::Messages, palette::Palette},
    handing::copied,
    keymap::{self, Bound, Meaning},
    looks::Looks,
    pointer::Click,
    programs::Program,
    screen,
    theme::Theme,
    travel,
    views::{Intent, Place, Typed, View, home::HomeView},
    which_key::{self, Pending},
    world::{Ask, Msg, Toast, Tone, World},
};
use crate::{config::keymap::UserCommand, stdx::time::Timestamp};
use crossterm::event::KeyEvent;
use ratatui::Frame;
use std::{collections::HashMap, time::Duration};

/// What only the loop can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chore {
    /// Draw everything anew.
    Redraw,
    /// Write the name of the theme into the settings.
    KeepTheme(String),
    /// Give the terminal back to the shell until it is called again.
    Suspend,
    /// Put a text into the clipboard.
    Copy(String),
    /// Ring, and show a word on the desktop.
    Ring(String),
    /// Give the terminal to a program.
    Start(Program),
    /// Ask the terminal for what the pointer does, or not any more.
    Mouse(bool),
}

/// What can be started from here.
#[derive(Debug, Clone, Default)]
pub struct Programs {
    /// This program on the same workspace, to be followed by a subcommand.
    pub own: Vec<String>,
    /// Those of the user.
    pub commands: Vec<UserCommand>,
}

/// The state of the interactive face.
pub struct App {
    /// What is known.
    pub world: World,
    /// What can be started from here.
    pub programs: Programs,
    pub(super) theme: Theme,
    /// Which theme is on, and why.
    pub looks: Looks,
    pub(super) views: Vec<Box<dyn View>>,
    pub(super) dialogs: Vec<Box<dyn Dialog>>,
    /// The first of two keys.
    pending: Option<Pending>,
    /// What was chosen by name, newest first.
    pub(super) chosen: Vec<String>,
    /// Only the pane that has the keys is shown.
    pub(super) zoomed: bool,
    /// Whether the pointer is ours.
    mouse: bool,
    /// The last click.
    pub(super) clicked: Option<Click>,
    /// Lines of a log are chosen by the pointer, whose button is down.
    pub(super) choosing: bool,
    /// How often the key of an action was told to whoever used it without.
    told: HashMap<Action, u8>,
    pub(super) asks: Vec<Ask>,
    pub(super) chores: Vec<Chore>,
    /// The views are those of the last time, and nothing of them was seen yet.
    pub(super) returning: bool,
    /// Since when something is to be kept that is not yet.
    pub(super) unkept_since: Option<Timestamp>,
    exit: Option<Result<u8, String>>,
    /// Where to go on instead.
    pub(super) moved: Option<Begun>,
    dirty: bool,
    ticked: Timestamp,
}

/// Messages at the top right: at most so many, so long.
const MAX_TOASTS: usize = 3;
/// So many things that were chosen by name are remembered.
const MOST_RECENT: usize = 30;
/// So often the key of an action is told to whoever uses it without.
const TIMES_TOLD: u8 = 3;
/// Actions that the program itself does, wherever one is.
const EVERYWHERE: &[Action] = &[
    Action::Help,
    Action::Palette,
    Action::Messages,
    Action::ListKeys,
    Action::Zoom,
    Action::Mouse,
    Action::Redraw,
    Action::Suspend,
    Action::Close,
    Action::Quit,
    Action::PlacePipelines,
    Action::PlaceRuns,
    Action::PlaceSchedule,
    Action::PlaceResources,
    Action::Workspace,
    Action::NewestRun,
    Action::SettingsTheme,
];
const SHORT_TOAST: i64 = 5;
const LONG_TOAST: i64 = 15;

impl App {
    /// At home, knowing nothing yet.
    pub fn new(world: World, theme: Theme) -> Self {
        let mut app = Self {
            ticked: world.now,
            world,
            programs: Programs::default(),
            theme,
            looks: Looks::default(),
            views: Vec::new(),
            dialogs: Vec::new(),
            pending: None,
            chosen: Vec::new(),
            told: HashMap::new(),
            zoomed: false,
            mouse: true,
            clicked: None,
            choosing: false,
            asks: Vec::new(),
            chores: Vec::new(),
            returning: false,
            unkept_since: None,
            exit: None,
            moved: None,
            dirty: true,
        };
        app.open(Box::new(HomeView::default()));
        app
    }

    /// Takes a message.
    pub fn handle(&mut self, msg: Msg, now: Timestamp) {
        self.world.now = now;
        if matches!(msg, Msg::Key(_) | Msg::Paste(_) | Msg::Mouse(_)) {
            self.touched();
        }
        match msg {
            Msg::Key(key) => self.key(key),
            Msg::Paste(text) => self.typed(Typed::Text(text)),
            Msg::Ground(rgb) => self.ground_said(rgb),
            Msg::ThemesChanged => self.themes_changed(),
            Msg::Mouse(event) => self.pointed(event),
            Msg::Note(text) => self.note(text),
            Msg::Resize => {}
            Msg::Changed => return self.ask_again(),
            Msg::Signal(number) => self.exit = Some(Ok(128 + u8::try_from(number).unwrap_or(0))),
            Msg::Fatal(message) => self.exit = Some(Err(message)),
            other => {
                self.dirty |= self.heard(other);
                return;
            }
        }
        self.dirty = true;
    }

    pub(super) fn arrived(&mut self) {
        let intents = self.views.last_mut().map(|view| view.arrived(&self.world)).unwrap_or_default();
        self.carry_out(intents);
    }

    /// Where keys mean something now.
    pub(super) fn contexts(&self) -> Vec<Context> {
        match (self.dialogs.last(), self.views.last()) {
            (Some(dialog), _) => vec![dialog.context()],
            (None, Some(view)) => view.contexts(),
            (None, None) => vec![Context::Global],
        }
    }

    fn key(&mut self, key: KeyEvent) {
        let pending = self.pending.take().map(|pending| pending.key);
        let name = keymap::key_name(&key);
        match keymap::in_effect().meaning(&self.contexts(), pending.as_deref(), &key) {
            Meaning::Bound(bound) => self.carry_out(vec![Intent::bound(bound)]),
            Meaning::Prefix => self.pending = Some(Pending { key: name, since: self.world.now, shown: false }),
            Meaning::Text => self.typed(Typed::Key(key)),
            Meaning::Nothing if pending.is_some() && name == "esc" => {}
            Meaning::Nothing => {
                let name = pending.map(|first| format!("{first} ")).unwrap_or_default() + &name;
                if name != "other" && self.dialogs.is_empty() {
                    let help = keymap::shown_key(Action::Help);
                    self.show(Tone::Note, format!("{}: does nothing here ({help} lists the keys)", keymap::shown(&name)));
                }
            }
        }
    }

    /// The first of two keys, if its continuations are shown.
    pub(super) fn waiting(&self) -> Option<&Pending> {
        self.pending.as_ref().filter(|pending| pending.shown)
    }

    fn typed(&mut self, input: Typed) {
        let intents = match (self.dialogs.last_mut(), self.views.last_mut()) {
            (Some(dialog), _) => dialog.typed(input, &self.world),
            (None, Some(view)) if view.contexts().iter().any(|context| context.types()) => view.typed(input, &self.world),
            _ => Vec::new(),
        };
        self.carry_out(intents);
    }

    pub(super) fn act(&mut self, action: Action) {
        match action {
            Action::Quit => self.exit = Some(Ok(0)),
            Action::Suspend => self.chores.push(Chore::Suspend),
            Action::Redraw => self.chores.push(Chore::Redraw),
            _ if !self.dialogs.is_empty() => {
                let intents = self.dialogs.last_mut().map(|dialog| dialog.act(action, &self.world)).unwrap_or_default();
                self.carry_out(intents);
            }
            Action::Close if self.views.len() > 1 => self.back(),
            Action::Close => self.exit = Some(Ok(0)),
            Action::PlacePipelines => self.go(Place::Pipelines),
            Action::PlaceRuns => self.go(Place::Runs),
            Action::PlaceSchedule => self.go(Place::Schedule),
            Action::PlaceResources => self.go(Place::Resources),
            Action::Help | Action::ListKeys => self.help(),
            Action::SettingsTheme => self.pick_theme(),
            Action::Workspace => self.ask(Ask::Workspaces),
            Action::Backfill => match self.selected().pipeline {
                Some(pipeline) => self.ask(Ask::Backfills { pipeline, open: true }),
                None => self.say(Tone::Note, format!("{}: no pipeline is selected", keymap::shown_key(action))),
            },
            Action::Logs | Action::NewestRun | Action::FirstFailed => self.go_to(action),
            Action::Palette => self.palette(),
            Action::Zoom => self.zoom(),
            Action::Mouse => self.turn_mouse(),
            Action::Messages => {
                self.world.record.unseen = 0;
                self.dialogs.push(Box::new(Messages::said()));
            }
            Action::Shell => self.start(self.shell(), &keymap::shown_key(action)),
            Action::EditExternal => self.start(self.editor(), &keymap::shown_key(action)),
            Action::CopyLine | Action::CopyAll | Action::CopyMarkdown | Action::CopyId | Action::CopyPath | Action::CopyCli => {
                self.copy_selected(action);
            }
            _ => self.act_in_view(action),
        }
    }

    fn act_in_view(&mut self, action: Action) {
        let Some(view) = self.views.last_mut() else { return };
        match possible(view.as_ref(), action, &self.world) {
            Ok(()) => {
                if let (Some(coach), Some(_)) = (&mut self.world.coach, view.coached()) {
                    coach.did(action);
                }
                let intents = view.act(action, &self.world);
                self.carry_out(intents);
            }
            Err(why) => self.say(Tone::Note, format!("{}: {why}", keymap::shown_key(action))),
        }
    }

    /// Whether something bound to a key does something where one is.
    pub(super) fn allowed(&self, bound: Bound) -> Result<(), String> {
        let Some(view) = self.views.last() else { return Ok(()) };
        match bound {
            Bound::Action(action) if EVERYWHERE.contains(&action) => Ok(()),
            Bound::Action(action) => possible(view.as_ref(), action, &self.world),
            Bound::Program(at) => self.user_program(at).map(|_| ()),
        }
    }

    fn help(&mut self) {
        let Some(view) = self.views.last() else { return };
        let help = Help::new(&view.contexts(), |bound| self.allowed(bound));
        self.dialogs.push(Box::new(help));
    }

    fn zoom(&mut self) {
        self.zoomed = !self.zoomed;
        if let Some(view) = self.views.last_mut() {
            view.zoom(self.zoomed);
        }
        self.arrived();
    }

    fn turn_mouse(&mut self) {
        self.mouse = !self.mouse;
        self.chores.push(Chore::Mouse(self.mouse));
        let key = keymap::shown_key(Action::Mouse);
        let words = if self.mouse { "mouse on" } else { "mouse off: the terminal selects text" };
        self.say(Tone::Note, format!("{words} ({key} turns it {})", if self.mouse { "off" } else { "on" }));
    }

    fn palette(&mut self) {
        let Some(view) = self.views.last() else { return };
        let (themes, allowed) = (self.looks.library.names(), |bound| self.allowed(bound));
        let palette = Palette::new(&view.contexts(), allowed, &self.world, &themes, &self.chosen);
        self.dialogs.push(Box::new(palette));
    }

    /// Remembers what was chosen by name, and tells its key the first times.
    fn was_chosen(&mut self, name: String, bound: Option<Bound>) {
        self.chosen.retain(|known| *known != name);
        self.chosen.insert(0, name);
        self.chosen.truncate(MOST_RECENT);
        let Some(bound) = bound else { return };
        if let Bound::Action(action) = bound {
            self.tell_key(action);
        }
        self.carry_out(vec![Intent::bound(bound)]);
    }

    /// Whoever used an action without its key is told the key, the first times.
    pub(super) fn tell_key(&mut self, action: Action) {
        let (key, hint) = (keymap::shown_key(action), actions::binding(action).hint);
        let told = self.told.entry(action).or_default();
        if *told < TIMES_TOLD && !key.is_empty() && !hint.is_empty() {
            *told += 1;
            self.say(Tone::Note, format!("{key} {hint} · change keys with {}", keymap::shown_key(Action::ListKeys)));
        }
    }

    pub(super) fn carry_out(&mut self, intents: Vec<Intent>) {
        for intent in intents {
            match intent {
                Intent::Open(view) => self.open(view),
                Intent::Back => self.back(),
                Intent::Go(place) => self.go(place),
                Intent::Show(dialog) => self.dialogs.push(dialog),
                Intent::CloseDialog => drop(self.dialogs.pop()),
                Intent::Ask(ask) => self.ask(ask),
                Intent::Choose(task) => self.choose(task),
                Intent::Say(tone, text) => self.say(tone, text),
                Intent::Do(action) => self.act(action),
                Intent::Chosen { name, bound } => self.was_chosen(name, bound),
                Intent::Program(at) => {
                    let name = self.programs.commands.get(at).and_then(|command| command.run.first()).cloned().unwrap_or_default();
                    self.start(self.user_program(at), &name);
                }
                Intent::Copy(text) => self.copy(text),
                Intent::Wear(theme) => self.theme = *theme,
                Intent::KeepTheme(name) => self.keep_theme(name),
                Intent::KeepLogPlace(key, position) => drop(self.world.log_places.insert(key, position)),
                Intent::Columns(of, columns) => drop(self.world.columns.insert(of, columns)),
            }
        }
    }

    fn choose(&mut self, task: usize) {
        let intents = self.views.last_mut().map(|view| view.choose(task, &self.world)).unwrap_or_default();
        self.carry_out(intents);
    }

    pub(super) fn ask(&mut self, ask: Ask) {
        let line = match &ask {
            Ask::Start(start) => Some(command_line::start(start)),
            Ask::StartBackfill(start) => Some(command_line::start_backfill(start)),
            Ask::Send(command) => Some(command_line::of(command, None)),
            Ask::SendNoted(command, note) => Some(command_line::of(command, Some(note))),
            _ => None,
        };
        if let Some(line) = line {
            self.world.record.begin(self.world.now, line);
        }
        self.asks.push(ask);
    }

    /// Something worth knowing from the start.
    pub fn note(&mut self, text: String) {
        self.say(Tone::Note, text);
    }

    pub(super) fn say(&mut self, tone: Tone, text: String) {
        let text = text.trim_end().replace("\n  hint: ", "; ").replace("\nhint: ", "; ").replace('\n', " · ");
        self.world.record.say(self.world.now, tone, &text);
        self.show(tone, text);
    }

    /// Shows what passes by and is not worth being kept, such as that a key was mistyped.
    fn show(&mut self, tone: Tone, text: String) {
        let seconds = if tone == Tone::Bad { LONG_TOAST } else { SHORT_TOAST };
        let until = self.world.now + chrono::Duration::seconds(seconds);
        self.world.toasts.retain(|toast| toast.text != text);
        self.world.toasts.push(Toast { tone, text, until });
        let extra = self.world.toasts.len().saturating_sub(MAX_TOASTS);
        self.world.toasts.drain(..extra);
        self.dirty = true;
    }

    /// Lets time pass: old messages go, what moves by itself is read again each second.
    pub fn tick(&mut self, now: Timestamp) {
        self.keep_if_due(now);
        let before = self.world.toasts.len();
        self.world.toasts.retain(|toast| toast.until > now);
        let live = self.is_live() && (now - self.ticked).num_milliseconds() >= 1_000;
        if live {
            self.ticked = now;
            if self.views.last().is_some_and(|view| view.changes_with_time()) {
                self.ask_again();
            }
        }
        let unveiled = match &mut self.pending {
            Some(pending) if !pending.shown && now >= pending.since + which_key::PATIENCE => replace(&mut pending.shown, true),
            _ => false,
        };
        if live || unveiled || before != self.world.toasts.len() {
            self.world.now = now;
            self.dirty = true;
        }
    }

    fn is_live(&self) -> bool {
        self.views.last().is_some_and(|view| view.is_live(&self.world))
    }

    /// When time must pass next, if nothing comes before.
    pub fn next_tick(&self, now: Timestamp) -> Option<Duration> {
        let toasts = self.world.toasts.iter().map(|toast| toast.until);
        let live = self.is_live().then(|| self.ticked + chrono::Duration::seconds(1));
        let veiled = self.pending.as_ref().filter(|pending| !pending.shown).map(|pending| pending.since + which_key::PATIENCE);
        toasts.chain(live).chain(veiled).chain(self.keeps_at()).min().map(|at| (at - now).to_std().unwrap_or_default())
    }

    /// What is to be asked of the threads that may wait.
    pub fn take_asks(&mut self) -> Vec<Ask> {
        std::mem::take(&mut self.asks)
    }

    /// What only the loop can do.
    pub fn take_chores(&mut self) -> Vec<Chore> {
        std::mem::take(&mut self.chores)
    }

    /// Whether and how to leave: an exit code, or what went wrong.
    pub fn exit(&self) -> Option<Result<u8, String>> {
        self.exit.clone()
    }

    /// Whether something is to be drawn.
    pub const fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// It was drawn.
    pub const fn drawn(&mut self) {
        self.dirty = false;
    }

    /// The terminal has that size.
    pub fn resize(&mut self, size: (u16, u16)) {
        if self.world.size != size {
            self.world.size = size;
            self.arrived();
            self.dirty = true;
        }
    }

    /// Actions for the footer: possible ones only.
    pub(super) fn hints(&self) -> Vec<(Action, String, &'static str)> {
        let hint = |action: &Action| (*action, keymap::shown_key(*action), actions::binding(*action).hint);
        if let Some(dialog) = self.dialogs.last() {
            return dialog.hints().iter().map(hint).collect();
        }
        let Some(view) = self.views.last() else { return Vec::new() };
        let allowed = |action: &&Action| possible(view.as_ref(), **action, &self.world).is_ok();
        let mut hints: Vec<_> = view.hints().iter().filter(allowed).map(hint).collect();
        if !view.contexts().iter().any(|context| context.types()) {
            hints.push(hint(&Action::Help));
            let close = if self.views.len() > 1 { "back" } else { actions::binding(Action::Close).hint };
            hints.push((Action::Close, keymap::shown_key(Action::Close), close));
        }
        hints
    }

    /// Draws everything.
    pub fn draw(&self, frame: &mut Frame<'_>) {
        screen::draw(self, frame);
    }
}

/// Whether an action can be done now, in a view.
fn possible(view: &dyn View, action: Action, world: &World) -> Result<(), String> {
    let copies =
        matches!(action, Action::CopyLine | Action::CopyAll | Action::CopyMarkdown | Action::CopyId | Action::CopyPath | Action::CopyCli);
    match action {
        Action::Shell if view.selected(world).attempt.is_none() => return Err("no attempt is selected".to_owned()),
        Action::Shell if world.read_only => return Err("looking only (--read-only)".to_owned()),
        Action::Shell => return Ok(()),
        Action::Logs => return travel::log(view, world).map(|_| ()),
        Action::FirstFailed => return travel::first_failed(view, world).map(|_| ()),
        Action::EditExternal | Action::Backfill => {
            return view.selected(world).pipeline.map(|_| ()).ok_or_else(|| "no pipeline is selected".to_owned());
        }
        _ => {}
    }
    if copies {
        return copied(view, action, world).map(|_| ()).ok_or_else(|| "nothing to copy here".to_owned());
    }
    let changes = matches!(
        action,
        Action::Trigger
            | Action::Retry
            | Action::RetryFrom
            | Action::Skip
            | Action::Cancel
            | Action::Approve
            | Action::Pause
            | Action::Watch
            | Action::Undo
            | Action::More
    );
    match view.possible(action, world) {
        Ok(()) if changes && world.read_only => Err("looking only (--read-only)".to_owned()),
        other => other,
    }
}

/// Puts a value in its place; true if it is another.
pub(super) fn replace<T: PartialEq>(place: &mut T, value: T) -> bool {
    let changed = *place != value;
    *place = value;
    changed
}
