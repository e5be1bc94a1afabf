//! The program on a real terminal: keys in, the screen read back.

use super::{PATIENCE, Yard, lossy, process_state};
use assert_cmd::cargo::cargo_bin;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::{
    io::{Read, Write},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

pub struct Terminal {
    pub screen: vt100::Parser,
    /// Everything that was written, control sequences included.
    pub written: Vec<u8>,
    keys: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    pty: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
}

const fn size((columns, rows): (u16, u16)) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

impl Terminal {
    /// The program in this workspace, on a terminal of this many columns and rows.
    pub fn open(yard: &Yard, (columns, rows): (u16, u16), arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let pair = native_pty_system().openpty(size((columns, rows))).unwrap();
        let mut command = CommandBuilder::new(cargo_bin("flowyard"));
        command.args(arguments);
        command.cwd(yard.path());
        command.env_clear();
        for (name, value) in yard.environment() {
            command.env(name, value);
        }
        for (name, value) in [("TERM", "xterm-256color"), ("COLORTERM", "truecolor")].iter().chain(environment) {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 65_536];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self { screen: vt100::Parser::new(rows, columns, 1_000), written: Vec::new(), keys, output, pty: pair.master, child }
    }

    /// What stands on the screen, as far as it was read.
    pub fn text(&self) -> String {
        self.screen.screen().contents()
    }

    /// Types keys; `\r` is Enter, `\x1b` is Esc.
    pub fn press(&mut self, keys: &str) -> &mut Self {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
        self
    }

    pub fn pid(&self) -> nix::unistd::Pid {
        nix::unistd::Pid::from_raw(i32::try_from(self.child.process_id().unwrap()).unwrap())
    }

    pub fn is_stopped(&self) -> bool {
        process_state(self.pid().as_raw()) == Some('T')
    }

    pub fn resize(&mut self, (columns, rows): (u16, u16)) {
        self.screen.screen_mut().set_size(rows, columns);
        self.pty.resize(size((columns, rows))).unwrap();
    }

    pub fn cursor_is_hidden(&self) -> bool {
        self.screen.screen().hide_cursor()
    }

    /// [`Self::written`] as text.
    pub fn raw(&self) -> String {
        lossy(&self.written)
    }

    fn take(&mut self, bytes: &[u8]) {
        self.screen.process(bytes);
        self.written.extend_from_slice(bytes);
    }

    /// Reads until the screen is so.
    pub fn until(&mut self, what: &str, is_so: impl Fn(&str) -> bool) -> &mut Self {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(&self.text()) {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(bytes) = self.output.recv_timeout(left) else { panic!("never seen: {what}\n{}", self.text()) };
            self.take(&bytes);
        }
        self
    }

    pub fn sees(&mut self, text: &str) -> &mut Self {
        self.until(text, |screen| screen.contains(text))
    }

    pub fn misses(&mut self, text: &str) -> &mut Self {
        self.until(&format!("no {text}"), |screen| !screen.contains(text))
    }

    /// Reads until these bytes have been written.
    pub fn writes(&mut self, wanted: &[u8]) -> &mut Self {
        let deadline = Instant::now() + PATIENCE;
        while !self.written.windows(wanted.len()).any(|bytes| bytes == wanted) {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(bytes) = self.output.recv_timeout(left) else { panic!("never written: {}\n{}", lossy(wanted), self.text()) };
            self.take(&bytes);
        }
        self
    }

    /// Whether nothing at all is written for a while.
    pub fn is_quiet_for(&mut self, time: Duration) -> bool {
        matches!(self.output.recv_timeout(time), Err(RecvTimeoutError::Timeout))
    }

    /// Reads to the end; the exit code.
    pub fn end(&mut self) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.output.recv_timeout(Duration::from_millis(20)) {
                Ok(bytes) => self.take(&bytes),
                Err(RecvTimeoutError::Disconnected) => return self.child.wait().unwrap().exit_code(),
                Err(RecvTimeoutError::Timeout) => {
                    // Should something else keep the terminal open, the program's own end counts, once all is read.
                    if let Some(status) = self.child.try_wait().unwrap() {
                        while let Ok(bytes) = self.output.recv_timeout(Duration::from_secs(2)) {
                            self.take(&bytes);
                        }
                        return status.exit_code();
                    }
                    assert!(Instant::now() < deadline, "does not end:\n{}", self.text());
                }
            }
        }
    }

    /// As [`Self::end`], and the terminal is as it was.
    pub fn ends(&mut self) -> u32 {
        let code = self.end();
        let screen = self.screen.screen();
        assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste(), "the terminal was not given back");
        code
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
