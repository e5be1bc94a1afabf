//! Takes the terminal and gives it back: on leaving, on a panic, when suspended.

use super::backend::Quiet;
use crossterm::{
    cursor,
    event::{DisableBracketedPaste, EnableBracketedPaste},
    execute,
    style::force_color_output,
    terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};
use ratatui::Terminal;
use std::{
    io::{self, stdout},
    sync::atomic::{AtomicBool, Ordering},
};

/// Whether the terminal is ours, so that it is given back once.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal while it is ours.
pub struct Screen {
    /// What is drawn on.
    pub terminal: Terminal<Quiet>,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn take() -> io::Result<Self> {
        // Without colours our theme names none; crossterm's own way would cancel bold and reverse with them.
        force_color_output(true);
        restore_on_panic();
        enter()?;
        let terminal = Terminal::new(Quiet::new())?;
        Ok(Self { terminal })
    }

    /// Gives the terminal away while something is done, and takes it again.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn lend<T>(&mut self, act: impl FnOnce() -> T) -> io::Result<T> {
        give_back();
        let done = act();
        enter()?;
        self.terminal.clear()?;
        Ok(done)
    }

    /// Stops this program as the shell's Ctrl-Z does, and takes the terminal again when it goes on.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn suspend(&mut self) -> io::Result<()> {
        let stop = || nix::sys::signal::raise(nix::sys::signal::Signal::SIGTSTP);
        self.lend(stop)?.map_err(io::Error::from)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)
}

/// Gives the terminal back as it was; what it says is of no use any more.
fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(stdout(), DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
        let _ = disable_raw_mode();
    }
}

/// A panic of the thread that draws gives the terminal back before it prints. Panics of other threads are messages.
fn restore_on_panic() {
    let drawing = std::thread::current().id();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().id() == drawing {
            give_back();
            before(panic);
        } else {
            tracing::error!("{panic}");
        }
    }));
}
