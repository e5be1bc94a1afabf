//! Reads keys, the pointer and pasted text on a thread of its own, which rests while another program has the terminal.

use super::{
    answers::{Sieve, Sifted},
    world::Msg,
};
use crate::{runtime::clock, stdx::time::Timestamp};
use crossterm::event::{Event, KeyEvent, KeyEventKind};
use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::termios::{SetArg, tcgetattr, tcsetattr},
};
use std::{
    fs::File,
    io::{self, IsTerminal, PipeReader, PipeWriter, Read, Write, stdin},
    os::fd::{AsFd, BorrowedFd},
    sync::mpsc::{Receiver, Sender, channel},
    time::Duration,
};

/// The side that tells the thread to rest.
pub struct Keyboard {
    wake: PipeWriter,
    rests: Receiver<()>,
    go_on: Sender<()>,
}

/// The side of the thread.
pub struct Listener {
    woken: PipeReader,
    rest: Sender<()>,
    resume: Receiver<()>,
    sieve: Sieve,
    /// When the terminal was asked something.
    asked: Timestamp,
}

/// How long the thread may take to put the keys down.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a key is held back that may be the beginning of an answer.
const BREATH: Duration = Duration::from_millis(20);

/// A terminal that has not answered for so long does not answer.
const LATEST: chrono::Duration = chrono::Duration::seconds(10);

/// Both sides; `sieve` tells keys from the answers of the terminal.
///
/// # Errors
/// No more files can be opened.
pub fn pair(sieve: Sieve) -> io::Result<(Keyboard, Listener)> {
    let (woken, wake) = io::pipe()?;
    let ((rest, rests), (go_on, resume)) = (channel(), channel());
    Ok((Keyboard { wake, rests, go_on }, Listener { woken, rest, resume, sieve, asked: clock::now() }))
}

impl Keyboard {
    /// Does something while nobody else reads the keys.
    pub fn lend<T>(&mut self, act: impl FnOnce() -> T) -> T {
        let resting = self.wake.write_all(&[0]).is_ok() && self.rests.recv_timeout(PATIENCE).is_ok();
        let done = act();
        if resting {
            let _ = self.go_on.send(());
        }
        done
    }

    /// Ends the thread, so that whoever comes next gets every key.
    pub fn put_down(mut self) {
        let _ = self.wake.write_all(&[0]).is_ok() && self.rests.recv_timeout(PATIENCE).is_ok();
    }
}

/// Makes the terminal say again that there is something to read. crossterm waits for that with edge-triggered epoll, and forgets it where
/// the terminal changed its size in the same moment, or where more came than it reads at once; the key would wait for the next one.
/// Whenever attributes are set, even those it has, Linux wakes who waits for a terminal (`n_tty_set_termios`).
fn rouse(keys: BorrowedFd<'_>) {
    if let Ok(attributes) = tcgetattr(keys) {
        let _ = tcsetattr(keys, SetArg::TCSANOW, &attributes);
    }
    // Whatever else it is, it is not asked for without a rest.
    std::thread::sleep(Duration::from_millis(1));
}

impl Listener {
    /// Reads until there is nothing to come or nobody to tell.
    pub fn listen(mut self, tx: &Sender<Msg>) {
        let (input, terminal) = (stdin(), File::open("/dev/tty"));
        let keys = match &terminal {
            Ok(terminal) if !input.is_terminal() => terminal.as_fd(),
            _ => input.as_fd(),
        };
        while self.wait(keys, tx) {
            match self.pass_on(tx) {
                Some(0) => rouse(keys),
                Some(_) => {}
                None => break,
            }
        }
        let _ = tx.send(Msg::Signal(signal_hook::consts::SIGHUP));
    }

    /// Waits until there is something to read, resting in between if told to; false if the terminal is gone.
    fn wait(&mut self, keys: BorrowedFd<'_>, tx: &Sender<Msg>) -> bool {
        loop {
            let mut watched = [PollFd::new(keys, PollFlags::POLLIN), PollFd::new(self.woken.as_fd(), PollFlags::POLLIN)];
            let most = if self.sieve.holds() { PollTimeout::try_from(BREATH).unwrap_or(PollTimeout::ZERO) } else { PollTimeout::NONE };
            match poll(&mut watched, most) {
                Ok(0) if self.sieve.holds() => {
                    if !self.sieve.release().into_iter().all(|key| tx.send(Msg::Key(key)).is_ok()) {
                        return false;
                    }
                    continue;
                }
                Err(nix::errno::Errno::EINTR) => continue,
                Err(_) => return false,
                Ok(_) => {}
            }
            let [keys_flags, woken] = watched.map(|fd| fd.revents().unwrap_or(PollFlags::empty()));
            if woken.contains(PollFlags::POLLIN) {
                let mut byte = [0];
                let told = self.woken.read_exact(&mut byte).is_ok() && self.rest.send(()).is_ok();
                if !told || self.resume.recv().is_err() {
                    return false;
                }
                continue;
            }
            let ends = PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL;
            return !(keys_flags | woken).intersects(ends);
        }
    }

    /// Hands on what there is to read, and tells how much that was; `None` if the terminal is gone or nobody listens.
    fn pass_on(&mut self, tx: &Sender<Msg>) -> Option<usize> {
        for read in 0.. {
            match crossterm::event::poll(Duration::ZERO) {
                Ok(true) => {}
                Ok(false) => return Some(read),
                Err(_) => return None,
            }
            let msg = match crossterm::event::read() {
                Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => {
                    if !self.sift(key).into_iter().all(|msg| tx.send(msg).is_ok()) {
                        return None;
                    }
                    continue;
                }
                Ok(Event::Mouse(event)) => Msg::Mouse(event),
                Ok(Event::Paste(text)) => Msg::Paste(text),
                Ok(Event::Resize(..)) => Msg::Resize,
                Ok(_) => continue,
                Err(_) => return None,
            };
            if tx.send(msg).is_err() {
                return None;
            }
        }
        None
    }

    fn sift(&mut self, key: KeyEvent) -> Vec<Msg> {
        if clock::now() - self.asked > LATEST && !self.sieve.holds() {
            self.sieve.give_up();
        }
        match self.sieve.take(key) {
            Sifted::Keys(keys) => keys.into_iter().map(Msg::Key).collect(),
            Sifted::Ground(rgb) => vec![Msg::Ground(rgb)],
        }
    }
}
