//! The keyboard while a run is followed: single keys without Enter, given back as it was found.

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr},
    unistd::{getpgrp, read, tcgetpgrp},
};
use std::{
    io::{self, IsTerminal},
    os::fd::AsFd,
};

/// Whether this process is in the foreground of its terminal: one in the background must not touch it.
pub fn is_ours() -> bool {
    let stdin = io::stdin();
    !stdin.is_terminal() || tcgetpgrp(&stdin).is_ok_and(|group| group == getpgrp())
}

/// The terminal in single-key mode. Ctrl-C and Ctrl-Z stay signals.
pub struct Keys {
    before: Option<Termios>,
}

impl Keys {
    /// Takes the keyboard, if standard input is a terminal of ours.
    pub fn take() -> Self {
        let stdin = io::stdin();
        if !stdin.is_terminal() || !is_ours() {
            return Self { before: None };
        }
        let before = tcgetattr(&stdin).ok();
        if let Some(before) = &before {
            let mut single = before.clone();
            single.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
            let _ = tcsetattr(&stdin, SetArg::TCSANOW, &single);
        }
        Self { before }
    }

    /// Whether keys can be read at all.
    pub const fn are_taken(&self) -> bool {
        self.before.is_some()
    }

    /// Keys pressed since the last look; never waits.
    pub fn pressed(&self) -> Vec<u8> {
        let stdin = io::stdin();
        let mut keys = Vec::new();
        while self.before.is_some() && is_readable(&stdin) {
            let mut buffer = [0; 64];
            match read(stdin.as_fd(), &mut buffer) {
                Ok(count) if count > 0 => keys.extend_from_slice(&buffer[..count]),
                _ => break,
            }
        }
        keys
    }

    /// Gives the terminal back as it was found.
    pub fn give_back(&mut self) {
        if let Some(before) = self.before.take() {
            // Not in the background: asking the terminal for anything there stops the process.
            if is_ours() {
                let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &before);
            }
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.give_back();
    }
}

fn is_readable(stdin: &io::Stdin) -> bool {
    let mut asked = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
    poll(&mut asked, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}
