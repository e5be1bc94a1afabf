//! Takes the terminal and gives it back: on leaving, on a panic, when suspended.

use super::{
    answers::{self, QUESTION, Reading},
    backend::Quiet,
    theme::measure::Rgb,
};
use crossterm::{
    cursor,
    event::{DisableBracketedPaste, EnableBracketedPaste},
    execute,
    style::{Print, force_color_output},
    terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use ratatui::Terminal;
use std::{
    io::{self, IsTerminal, Write, stdin, stdout},
    os::fd::AsFd,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

/// Whether the terminal is ours, so that it is given back once.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal while it is ours.
pub struct Screen {
    /// What is drawn on.
    pub terminal: Terminal<Quiet>,
    /// Whether the pointer is ours.
    mouse: bool,
}

/// Buttons, movements with a button held, and places beyond column 223; not every movement.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1002l\x1b[?1000l";

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn take() -> io::Result<Self> {
        // Without colours our theme names none; crossterm's own way would cancel bold and reverse with them.
        force_color_output(true);
        restore_on_panic();
        enter(true)?;
        let terminal = Terminal::new(Quiet::new())?;
        Ok(Self { terminal, mouse: true })
    }

    /// Gives the terminal away while something is done, and takes it again.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn lend<T>(&mut self, act: impl FnOnce() -> T) -> io::Result<T> {
        give_back();
        let done = act();
        enter(self.mouse)?;
        self.terminal.clear()?;
        Ok(done)
    }

    /// Asks the terminal for what the pointer does, or not any more.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn use_mouse(&mut self, on: bool) -> io::Result<()> {
        self.mouse = on;
        execute!(stdout(), Print(if on { MOUSE_ON } else { MOUSE_OFF }))
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

/// What the terminal answered, and what else came meanwhile.
#[derive(Debug, Default)]
pub struct Answer {
    /// Its ground.
    pub ground: Option<Rgb>,
    /// Whether everything was answered, so that nothing more will come.
    pub complete: bool,
    /// The beginning of an answer.
    pub begun: String,
    /// What the person typed.
    pub typed: String,
}

/// Asks the terminal for its ground and waits so long at most. Only where standard input is the terminal: nobody else would read
/// the answer, or somebody else would.
///
/// # Errors
/// What the terminal says.
#[allow(clippy::disallowed_methods, reason = "how long to wait, not a time that is recorded")]
pub fn ask_ground(patience: Duration) -> io::Result<Answer> {
    let mut answer = Answer::default();
    let input = stdin();
    if !input.is_terminal() {
        return Ok(Answer { complete: true, ..answer });
    }
    stdout().write_all(QUESTION)?;
    stdout().flush()?;
    let deadline = Instant::now() + patience;
    let mut bytes = Vec::new();
    while !answer.complete {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
        match poll(&mut [PollFd::new(input.as_fd(), PollFlags::POLLIN)], timeout) {
            Err(nix::errno::Errno::EINTR) => continue,
            Err(error) => return Err(error.into()),
            Ok(0) => break,
            Ok(_) => {}
        }
        let mut part = [0; 256];
        let count = rustix::io::read(&input, &mut part)?;
        if count == 0 {
            break;
        }
        bytes.extend_from_slice(&part[..count]);
        answer.take(&mut bytes);
    }
    if !bytes.is_empty() {
        answer.begun = String::from_utf8_lossy(&bytes).into_owned();
    }
    Ok(answer)
}

impl Answer {
    /// Takes what is whole from the beginning of `bytes`.
    fn take(&mut self, bytes: &mut Vec<u8>) {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let mut rest = text.as_str();
        while let Some(first) = rest.chars().next() {
            rest = match answers::read(rest) {
                Reading::Part => break,
                Reading::Ground(ground, length) => {
                    self.ground = ground.or(self.ground);
                    &rest[length..]
                }
                Reading::All(length) => {
                    self.complete = true;
                    &rest[length..]
                }
                Reading::Other => {
                    self.typed.push(first);
                    &rest[first.len_utf8()..]
                }
            };
        }
        *bytes = rest.as_bytes().to_vec();
    }
}

fn enter(mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste, Print(if mouse { MOUSE_ON } else { "" }), cursor::Hide)
}

/// Gives the terminal back as it was; what it says is of no use any more.
fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(stdout(), Print(MOUSE_OFF), DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_comes_in_parts_among_keys_is_put_together() {
        let mut answer = Answer::default();
        let mut bytes = b"j\x1b]11;rgb:ffff/ff".to_vec();
        answer.take(&mut bytes);
        assert_eq!((answer.typed.as_str(), answer.ground), ("j", None));
        bytes.extend_from_slice(b"ff/ffff\x1b\\k\x1b[?62;4c");
        answer.take(&mut bytes);
        assert_eq!((answer.typed.as_str(), answer.ground, answer.complete), ("jk", Some((255, 255, 255)), true));
        assert!(bytes.is_empty());
    }
}
