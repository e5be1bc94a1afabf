//! The interactive face: reads through the runtime's handle, sends commands, draws. Knows no SQL and no engine.

pub mod actions;
mod answers;
pub mod app;
mod backend;
pub mod begin;
pub mod clipboard;
pub mod coach;
pub mod columns;
pub mod command_line;
pub mod dialogs;
pub mod graph;
pub mod graphs;
pub mod grid;
mod handing;
mod heard;
pub mod hits;
pub mod input;
pub mod keeper;
mod keyboard;
pub mod keymap;
pub mod list;
pub mod load;
pub mod logs;
pub mod looks;
pub mod memory;
pub mod news;
mod pace;
pub mod pages;
pub mod panes;
mod pointer;
pub mod programs;
pub mod query;
pub mod record;
mod remember;
pub mod runs;
pub mod schedule;
mod screen;
pub mod tabs;
pub mod tally;
mod terminal;
pub mod text;
pub mod theme;
pub mod timeline;
mod travel;
pub mod verbs;
pub mod views;
mod watch;
mod which_key;
mod worker;
pub mod world;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;

use crate::{
    config::{UserConfig, keymap as user_keys},
    runtime::{Attach, RuntimeError, clock, demo, herald::bell, user},
};
use answers::Sieve;
use app::{App, Chore, Programs};
use begin::Begun;
use keeper::Keeper;
use keyboard::Keyboard;
use looks::{Ground, Looks};
use pace::Pace;
use programs::Lent;
use std::sync::atomic::Ordering;
use std::{
    io::Write,
    path::Path,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    time::Duration,
};
use terminal::Screen;
use theme::detect::Environment;
use worker::Offices;
use world::{Msg, World};

pub use theme::detect::ColorChoice;

/// How the screens should look.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The name of a theme, from the command line.
    pub theme: Option<String>,
    /// The user's settings.
    pub config: UserConfig,
    /// How many colours.
    pub color: ColorChoice,
}

/// Messages are taken for so long before what they changed is drawn.
const BATCH: Duration = Duration::from_millis(10);

/// Shows the workspace until the person leaves; the exit code is 0, or 128 and the signal that ended it.
///
/// # Errors
/// An unknown theme, a terminal that cannot be used, a fault of a thread.
pub fn run(attach: Attach, options: &Options) -> Result<u8, RuntimeError> {
    let environment = Environment::read(|name| std::env::var(name).ok());
    let mut looks = looks(options, &environment)?;
    keymap::install(keymap::Keymap::new(&options.config));
    let mut screen = Screen::take().map_err(cannot_use)?;
    let mut attach = Attach { by: attach.by.replace("(cli)", "(tui)"), ..attach };
    let mut begun = None;
    loop {
        match sit(&attach, begun.take(), &mut screen, &mut looks, &environment, options)? {
            Left::With(code) => return Ok(code),
            Left::For(next) => {
                attach.place = next.place.clone();
                begun = Some(*next);
            }
        }
    }
}

/// How a workspace is left.
enum Left {
    /// The program ends with that code.
    With(u8),
    /// Another one is opened, or the same one now that there is something in it.
    For(Box<Begun>),
}

fn cannot_use(error: std::io::Error) -> RuntimeError {
    RuntimeError::Io(format!("cannot use the terminal: {error}"))
}

/// Shows one workspace. What listens and reads for it ends with it, so that nothing of it is heard in the next.
fn sit(
    attach: &Attach,
    begun: Option<Begun>,
    screen: &mut Screen,
    looks: &mut Looks,
    environment: &Environment,
    options: &Options,
) -> Result<Left, RuntimeError> {
    let (tx, inbox) = channel();
    let lent = Lent::default();
    let _listening = listen_to_signals(&tx, &lent)?;
    let sieve = ask(looks, environment, &tx).map_err(cannot_use)?;
    let size = screen.terminal.size().map_or((80, 24), |size| (size.width, size.height));
    let world = World {
        now: clock::now(),
        size,
        workspace: attach.place.workspace.display().to_string(),
        state: attach.place.state_dir.display().to_string(),
        read_only: attach.read_only,
        terminal: looks.words(),
        ..World::default()
    };
    let (theme, fault) = looks.theme();
    let ascii = theme.ascii();
    let mut app = App::new(world, theme);
    app.looks = looks.clone();
    fault.into_iter().for_each(|fault| app.note(fault));
    app.programs = Programs { own: own_command(attach), commands: options.config.commands.clone() };
    for notice in &attach.place.notices {
        app.note(notice.clone());
    }
    let faults = user_keys::check("config.toml", "", &options.config, &keymap::rows());
    if faults.has_errors() {
        app.note("some of your keys are not in order: `flowyard keys --check` tells which".to_owned());
    }
    let (memory, fault) = keeper::recall(&attach.place.workspace);
    fault.into_iter().for_each(|fault| app.note(fault));
    app.recall(memory);
    if let Some(begun) = begun {
        app.go_on(begun);
    }
    // Before there is anything to do, nothing is written: no engine inside this process, and nothing to be found again.
    let vacant = begin::is_vacant(&attach.place);
    let keeper = Keeper::open(&attach.place, attach.read_only || vacant, &tx);
    let offices = Offices::open(&Attach { in_process: attach.in_process && !vacant, ..attach.clone() }, ascii, keeper, &tx);
    let (keyboard, listener) = keyboard::pair(sieve).map_err(|error| RuntimeError::Io(format!("cannot listen to keys: {error}")))?;
    worker::spawn("tui-keys", &tx, |tx| listener.listen(tx));
    watch::themes(user::folder(), &tx);
    let mut desk = Desk { screen, keyboard, lent };
    let left = drive(&mut app, &mut desk, &inbox, &offices);
    offices.close(app.memory());
    if !vacant && begin::is_vacant(&attach.place) {
        demo::forget(&attach.place);
    }
    desk.keyboard.put_down();
    *looks = app.looks;
    left
}

/// How everything is to look, as far as it is known before the terminal is asked.
fn looks(options: &Options, environment: &Environment) -> Result<Looks, RuntimeError> {
    let looks = Looks::new(options.theme.clone(), options.color, &options.config.theme, environment, user::themes());
    // What the command line says is said now; a fault in the settings must not keep anybody out.
    if let Some(name) = &options.theme {
        looks.load(name).map_err(RuntimeError::Usage)?;
    }
    Ok(looks)
}

/// A terminal on this machine answers at once. One that does not is drawn on meanwhile: a late answer changes the theme.
const PATIENCE: Duration = Duration::from_millis(30);
/// Over a network an answer takes longer, and drawing twice shows more.
const REMOTE_PATIENCE: Duration = Duration::from_millis(600);

/// Asks the terminal for its ground, if that matters; what tells late answers from keys.
fn ask(looks: &mut Looks, environment: &Environment, tx: &Sender<Msg>) -> std::io::Result<Sieve> {
    if !looks.needs_ground() {
        return Ok(Sieve::default());
    }
    let answer = terminal::ask_ground(if environment.remote { REMOTE_PATIENCE } else { PATIENCE })?;
    if let Some(rgb) = answer.ground {
        looks.ground = Ground::Said(rgb);
    }
    for key in answers::keys(&answer.typed) {
        let _ = tx.send(Msg::Key(key));
    }
    Ok(if answer.complete { Sieve::default() } else { Sieve::expecting(answer.begun) })
}

/// This program on the same workspace, to be followed by a subcommand.
fn own_command(attach: &Attach) -> Vec<String> {
    let text = |path: &Path| path.display().to_string();
    let own = std::env::current_exe().map_or_else(|_| "flowyard".to_owned(), |path| text(&path));
    let place = &attach.place;
    vec![own, "--workspace".to_owned(), text(&place.workspace), "--state-dir".to_owned(), text(&place.state_dir)]
}

/// What the loop works at: the screen, the keys, and whether both are lent to another program.
struct Desk<'a> {
    screen: &'a mut Screen,
    keyboard: Keyboard,
    lent: Lent,
}

impl Desk<'_> {
    /// Does what only the loop can do; what is to be said about it.
    fn carry_out(&mut self, chore: &Chore) -> std::io::Result<Option<String>> {
        match chore {
            Chore::Redraw => self.screen.terminal.clear()?,
            Chore::Suspend => self.screen.suspend()?,
            Chore::Ring(text) => {
                let mut out = std::io::stdout();
                out.write_all(&bell::ring(text, &bell::Terminal::from_environment())).and_then(|()| out.flush())?;
            }
            Chore::Copy(text) => clipboard::copy(text, &mut std::io::stdout())?,
            Chore::KeepTheme(name) => return Ok(user::keep_theme(name).err().map(|error| error.to_string())),
            Chore::Mouse(on) => self.screen.use_mouse(*on)?,
            Chore::Start(program) => return programs::start(program, self.screen, &mut self.keyboard, &self.lent),
        }
        Ok(None)
    }
}

/// A signal is a message like any other, so that the terminal is given back before the program ends. Ctrl-C typed to a program
/// that was lent the terminal is not meant for us, though it reaches us.
fn listen_to_signals(tx: &Sender<Msg>, lent: &Lent) -> Result<Listening, RuntimeError> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGWINCH};
    let failed = |error: std::io::Error| RuntimeError::Io(format!("cannot listen to signals: {error}"));
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM, SIGWINCH]).map_err(failed)?;
    let listening = Listening(signals.handle());
    let (tx, lent) = (tx.clone(), Lent::clone(lent));
    let listen = move || {
        for signal in signals.forever() {
            let msg = match signal {
                SIGWINCH => Msg::Resize,
                SIGINT if lent.load(Ordering::SeqCst) => continue,
                other => Msg::Signal(other),
            };
            if tx.send(msg).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("tui-signals".to_owned()).spawn(listen).map_err(failed)?;
    Ok(listening)
}

/// Signals are heard until this is dropped.
struct Listening(signal_hook::iterator::Handle);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Takes messages until it is time to leave; draws when there are none, and not when nothing changed.
fn drive(app: &mut App, desk: &mut Desk<'_>, inbox: &Receiver<Msg>, offices: &Offices) -> Result<Left, RuntimeError> {
    let io = |error: std::io::Error| RuntimeError::Io(format!("cannot draw on the terminal: {error}"));
    let mut pace = Pace::new(app.world.now);
    loop {
        for ask in app.take_asks() {
            offices.ask(ask);
        }
        let now = clock::now();
        let next_frame = pace.wait(now);
        if app.is_dirty() && next_frame.is_zero() {
            let size = desk.screen.terminal.size().map_err(io)?;
            app.resize((size.width, size.height));
            desk.screen.terminal.draw(|frame| app.draw(frame)).map_err(io)?;
            app.drawn();
            pace.drawn(now);
        }
        let frame = app.is_dirty().then_some(next_frame.max(Duration::from_millis(1)));
        let wait = frame.into_iter().chain(app.next_tick(now)).min().unwrap_or(Duration::from_secs(3_600));
        match inbox.recv_timeout(wait) {
            Ok(first) => {
                let mut time = clock::now();
                let enough = time + BATCH;
                for msg in std::iter::once(first).chain(inbox.try_iter()) {
                    if matches!(msg, Msg::Key(_) | Msg::Mouse(_) | Msg::Paste(_) | Msg::Resize) {
                        pace.pressed(time);
                    }
                    app.handle(msg, time);
                    time = clock::now();
                    // However much comes, it is drawn in between.
                    if time >= enough {
                        break;
                    }
                }
            }
            Err(RecvTimeoutError::Timeout) => app.tick(clock::now()),
            Err(RecvTimeoutError::Disconnected) => return Ok(Left::With(0)),
        }
        if let Some(left) = app.exit() {
            return left.map(Left::With).map_err(RuntimeError::Io);
        }
        if let Some(begun) = app.take_moved() {
            return Ok(Left::For(Box::new(begun)));
        }
        for chore in app.take_chores() {
            if let Some(trouble) = desk.carry_out(&chore).map_err(io)? {
                app.complain(trouble);
            }
        }
    }
}
