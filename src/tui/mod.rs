//! The interactive face: reads through the runtime's handle, sends commands, draws. Knows no SQL and no engine.

pub mod actions;
pub mod app;
mod backend;
pub mod clipboard;
pub mod command_line;
pub mod dialogs;
pub mod graph;
pub mod graphs;
pub mod input;
pub mod list;
pub mod logs;
pub mod panes;
mod screen;
mod terminal;
pub mod text;
pub mod theme;
pub mod timeline;
pub mod verbs;
pub mod views;
mod worker;
pub mod world;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;

use crate::{
    config,
    runtime::{Attach, RuntimeError, clock},
};
use app::{App, Chore};
use std::{
    path::PathBuf,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    time::Duration,
};
use terminal::Screen;
use theme::{
    Theme,
    color::{Depth, Environment},
};
use worker::Offices;
use world::{Msg, World};

pub use theme::color::ColorChoice;

/// How the screens should look.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The name of a theme, from the command line or the configuration.
    pub theme: Option<String>,
    /// How many colours.
    pub color: ColorChoice,
}

/// At most so many frames a second.
const FRAME: Duration = Duration::from_millis(33);

/// Shows the workspace until the person leaves; the exit code is 0, or 128 and the signal that ended it.
///
/// # Errors
/// An unknown theme, a terminal that cannot be used, a fault of a thread.
pub fn run(attach: Attach, options: &Options) -> Result<u8, RuntimeError> {
    let attach = Attach { by: attach.by.replace("(cli)", "(tui)"), ..attach };
    let environment = Environment::read(|name| std::env::var(name).ok());
    let theme = choose_theme(options, &environment)?;
    let (tx, inbox) = channel();
    listen_to_signals(&tx)?;
    let mut screen = Screen::take().map_err(|error| RuntimeError::Io(format!("cannot use the terminal: {error}")))?;
    let size = screen.terminal.size().map_or((80, 24), |size| (size.width, size.height));
    let world = World {
        now: clock::now(),
        size,
        workspace: attach.place.workspace.display().to_string(),
        read_only: attach.read_only,
        ..World::default()
    };
    let ascii = theme.ascii;
    let mut app = App::new(world, theme);
    for notice in &attach.place.notices {
        app.note(notice.clone());
    }
    let offices = Offices::open(&attach, ascii, &tx);
    let left = drive(&mut app, &mut screen, &inbox, &offices);
    drop(screen);
    left
}

fn choose_theme(options: &Options, environment: &Environment) -> Result<Theme, RuntimeError> {
    let depth = environment.depth(options.color);
    let by_itself = match depth {
        Depth::Ansi => "ansi16",
        _ if environment.is_light() => "default-light",
        _ => "default-dark",
    };
    let configured = options.theme.clone().or_else(configured_theme);
    let name = configured.as_deref().unwrap_or(by_itself);
    Theme::builtin(name, depth, environment.ascii_only()).map_err(RuntimeError::Usage)
}

/// `[theme] name` of the user's configuration; a file that cannot be read has none.
fn configured_theme() -> Option<String> {
    let folder = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let folder = folder.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".config")))?;
    let text = std::fs::read_to_string(folder.join("flowyard/config.toml")).ok()?;
    config::read_user("config.toml", &text).0.theme
}

/// A signal is a message like any other, so that the terminal is given back before the program ends.
fn listen_to_signals(tx: &Sender<Msg>) -> Result<(), RuntimeError> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let failed = |error: std::io::Error| RuntimeError::Io(format!("cannot listen to signals: {error}"));
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM]).map_err(failed)?;
    let tx = tx.clone();
    let listen = move || {
        for signal in signals.forever() {
            if tx.send(Msg::Signal(signal)).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("tui-signals".to_owned()).spawn(listen).map_err(failed)?;
    Ok(())
}

/// Takes messages until it is time to leave; draws when there are none, and not when nothing changed.
fn drive(app: &mut App, screen: &mut Screen, inbox: &Receiver<Msg>, offices: &Offices) -> Result<u8, RuntimeError> {
    let io = |error: std::io::Error| RuntimeError::Io(format!("cannot draw on the terminal: {error}"));
    let mut drawn_at = app.world.now - FRAME;
    loop {
        for ask in app.take_asks() {
            offices.ask(ask);
        }
        let now = clock::now();
        let next_frame = (drawn_at + FRAME - now).to_std().unwrap_or_default();
        if app.is_dirty() && next_frame.is_zero() {
            let size = screen.terminal.size().map_err(io)?;
            app.resize((size.width, size.height));
            screen.terminal.draw(|frame| app.draw(frame)).map_err(io)?;
            app.drawn();
            drawn_at = now;
        }
        let frame = app.is_dirty().then_some(next_frame.max(Duration::from_millis(1)));
        let wait = frame.into_iter().chain(app.next_tick(now)).min().unwrap_or(Duration::from_secs(3_600));
        match inbox.recv_timeout(wait) {
            Ok(first) => {
                let mut time = clock::now();
                let enough = time + FRAME;
                for msg in std::iter::once(first).chain(inbox.try_iter()) {
                    app.handle(msg, time);
                    time = clock::now();
                    // However much comes, it is drawn in between.
                    if time >= enough {
                        break;
                    }
                }
            }
            Err(RecvTimeoutError::Timeout) => app.tick(clock::now()),
            Err(RecvTimeoutError::Disconnected) => return Ok(0),
        }
        if let Some(left) = app.exit() {
            return left.map_err(RuntimeError::Io);
        }
        for chore in app.take_chores() {
            match chore {
                Chore::Redraw => screen.terminal.clear().map_err(io)?,
                Chore::Suspend => screen.suspend().map_err(io)?,
                Chore::Copy(text) => clipboard::copy(&text, &mut std::io::stdout()).map_err(io)?,
            }
        }
    }
}
