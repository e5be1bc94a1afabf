//! Signals while a run is followed: noted when they come, acted upon between two looks.

use nix::libc::{SIGHUP, SIGINT, SIGTERM, SIGTSTP};
use signal_hook::flag;
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// What somebody wants of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Ctrl-C: cancel the run.
    Cancel,
    /// TERM or HUP, by number: leave, and let the run go on.
    Leave(u8),
    /// Ctrl-Z: stop this process until it is continued.
    Stop,
}

/// Flags that the signal handlers raise.
pub struct Signals {
    flags: Vec<(Wish, Arc<AtomicBool>)>,
}

impl Signals {
    /// Listens from now on.
    pub fn listen() -> io::Result<Self> {
        let wishes = [(SIGINT, Wish::Cancel), (SIGTERM, Wish::Leave(15)), (SIGHUP, Wish::Leave(1)), (SIGTSTP, Wish::Stop)];
        let mut flags = Vec::new();
        for (signal, wish) in wishes {
            let raised = Arc::new(AtomicBool::new(false));
            flag::register(signal, Arc::clone(&raised))?;
            flags.push((wish, raised));
        }
        Ok(Self { flags })
    }

    /// The next wish that has not been answered.
    pub fn next(&self) -> Option<Wish> {
        self.flags.iter().find(|(_, raised)| raised.swap(false, Ordering::SeqCst)).map(|(wish, _)| *wish)
    }
}

/// Stops this process as the terminal's Ctrl-Z would; returns when it is continued.
pub fn stop() {
    // The default action cannot fail for a signal that exists.
    let _ = signal_hook::low_level::emulate_default_handler(SIGTSTP);
}
