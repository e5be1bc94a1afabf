//! Stands between a task that was told secrets and its log: reads what it prints, hides them, writes the rest.
//!
//! Only such a task prints into pipes. They are read until nothing of the task is left, whatever becomes of the log: a full
//! disk must not stop a task.

use super::mask::Masker;
use crate::model::Secrets;
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    pipe::{PipeFlags, pipe_with},
};
use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::OwnedFd,
    thread::{self, JoinHandle},
};

/// Most bytes that are read at once.
const PART: usize = 64 * 1024;

/// The threads that read, one for each stream.
pub struct Pumps {
    threads: Vec<JoinHandle<()>>,
    /// Closed when nothing of the task is left: whoever has got one of the pipes by then keeps nobody waiting.
    over: OwnedFd,
}

/// Where the task is to print instead.
pub struct Ends {
    /// Its standard output.
    pub stdout: File,
    /// Its standard error.
    pub stderr: File,
}

impl Pumps {
    /// Starts one for each log.
    ///
    /// # Errors
    /// No room for pipes or threads, or secrets that cannot be looked for.
    pub fn start(secrets: &Secrets, stdout: &File, stderr: &File) -> io::Result<(Self, Ends)> {
        let (waits, over) = pipe_with(PipeFlags::CLOEXEC)?;
        let mut pumps = Self { threads: Vec::new(), over };
        let ends = Ends { stdout: pumps.add(secrets, stdout, &waits)?, stderr: pumps.add(secrets, stderr, &waits)? };
        Ok((pumps, ends))
    }

    fn add(&mut self, secrets: &Secrets, log: &File, over: &OwnedFd) -> io::Result<File> {
        let (from, to) = pipe_with(PipeFlags::CLOEXEC)?;
        rustix::io::ioctl_fionbio(&from, true)?;
        let pump = Pump {
            masker: Masker::new(secrets).map_err(io::Error::other)?,
            from: from.into(),
            over: over.try_clone()?,
            log: log.try_clone()?,
        };
        self.threads.push(thread::Builder::new().name("flowyard-pump".to_owned()).spawn(move || pump.run())?);
        Ok(to.into())
    }

    /// Waits until everything that was printed is in the logs. Nothing of the task may be left.
    pub fn finish(self) {
        drop(self.over);
        for thread in self.threads {
            let _ = thread.join();
        }
    }
}

struct Pump {
    masker: Masker,
    from: File,
    over: OwnedFd,
    log: File,
}

impl Pump {
    fn run(mut self) {
        let mut part = vec![0; PART];
        loop {
            match self.from.read(&mut part) {
                Ok(0) => break,
                Ok(length) => {
                    let masked = self.masker.feed(&part[..length]);
                    let _ = self.log.write_all(&masked);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && self.wait() => {}
                Err(_) => break,
            }
        }
        let rest = self.masker.finish();
        let _ = self.log.write_all(&rest);
    }

    /// Waits for more; false if nothing comes any more.
    fn wait(&self) -> bool {
        loop {
            let mut waiting = [PollFd::new(&self.from, PollFlags::IN), PollFd::new(&self.over, PollFlags::IN)];
            match poll(&mut waiting, None) {
                Err(Errno::INTR) => {}
                Err(_) => return false,
                // What was printed before the end is there to be read.
                Ok(_) => return !waiting[0].revents().is_empty(),
            }
        }
    }
}
