//! What every subcommand shares: the global options, the workspace, the way to the engine, the two streams.

use super::{
    Failure,
    term::{Screen, Style},
};
use crate::{
    model::{RunId, RunSnapshot},
    runtime::{
        Attach, Handle,
        workspace::{self, Place},
    },
    stdx::sanitize,
};
use clap::{Args, ValueEnum};
use serde::Serialize;
use std::{
    io::{self, Write},
    path::PathBuf,
};

/// Which colours to use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// As the terminal can; none in a pipe, with `NO_COLOR`, or with `TERM=dumb`.
    #[default]
    Auto,
    /// None.
    Never,
    /// The terminal's own sixteen.
    #[value(name = "16")]
    C16,
    /// The palette of 256.
    #[value(name = "256")]
    C256,
    /// 24 bits.
    True,
}

/// Options of every subcommand.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The workspace [default: found upward from here]
    #[arg(long, global = true, value_name = "DIR")]
    pub workspace: Option<PathBuf>,
    /// Where the state lives [default: .flowyard in the workspace]
    #[arg(long, global = true, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Which colours to use
    #[arg(long, global = true, value_enum, default_value_t, hide_possible_values = true, value_name = "auto|never|16|256|true")]
    pub color: Color,
    /// The theme of the workbench
    #[arg(long, global = true, value_name = "NAME")]
    pub theme: Option<String>,
    /// Look, never act, never start an engine
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Run the engine inside this process
    #[arg(long, global = true)]
    pub in_process: bool,
    /// More detail in the program's own log; twice for still more
    #[arg(short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// How a command looks at the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reads; an open run that nobody runs gets an engine.
    Look,
    /// Sends commands; refused with `--read-only`.
    Act,
    /// Reads, and never starts an engine.
    Peek,
}

/// A folder that a variable names. An empty variable is an unset one, as for the shell; an empty option is a mistake.
fn from_environment(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The global options and the two streams.
pub struct Context {
    /// As given.
    pub global: Global,
    /// Standard output.
    pub out: Screen,
    /// Standard error.
    pub err: Screen,
}

impl Context {
    /// Reads what the terminal can do, and what the environment says where an option does not.
    pub fn new(mut global: Global) -> Self {
        global.workspace = global.workspace.or_else(|| from_environment("FLOWYARD_WORKSPACE"));
        global.state_dir = global.state_dir.or_else(|| from_environment("FLOWYARD_STATE_DIR"));
        Self { out: Screen::stdout(global.color), err: Screen::stderr(global.color), global }
    }

    /// Where the command was given.
    pub fn here(&self) -> Result<PathBuf, Failure> {
        std::env::current_dir().map_err(|error| Failure::Said {
            code: 74,
            message: format!("the current folder cannot be read: {error}; go to another one, or name a workspace with --workspace"),
        })
    }

    /// The workspace's folder, its settings unread.
    pub fn workspace(&self) -> Result<PathBuf, Failure> {
        Ok(workspace::locate(&self.here()?, self.global.workspace.as_deref())?)
    }

    /// The workspace and its state folder, to start something there; says what is worth saying about them.
    pub fn place(&self) -> Result<Place, Failure> {
        Ok(self.noted(workspace::find(&self.here()?, self.global.workspace.as_deref(), self.global.state_dir.as_deref())?))
    }

    /// The same for whoever looks, or ends what runs.
    pub fn place_to_look(&self) -> Result<Place, Failure> {
        Ok(self.noted(workspace::find_to_look(&self.here()?, self.global.workspace.as_deref(), self.global.state_dir.as_deref())?))
    }

    /// The same, or this folder where a workspace can be begun.
    pub fn place_or_vacant(&self) -> Result<Place, Failure> {
        Ok(self.noted(workspace::find_or_begin(&self.here()?, self.global.workspace.as_deref(), self.global.state_dir.as_deref())?))
    }

    fn noted(&self, place: Place) -> Place {
        for notice in &place.notices {
            self.note(notice);
        }
        place
    }

    /// How to attach to a place.
    pub fn attach_to(&self, place: Place, access: Access) -> Result<Attach, Failure> {
        if access == Access::Act && self.global.read_only {
            return Err(Failure::refused("--read-only looks and never acts; leave it out to do this"));
        }
        let read_only = self.global.read_only || access == Access::Peek;
        Ok(Attach { place, read_only, in_process: self.global.in_process, by: who() })
    }

    /// The way to the workspace.
    pub fn handle(&self, access: Access) -> Result<Handle, Failure> {
        let place = self.place_to_look()?;
        if access != Access::Act && self.global.state_dir.is_some() && !place.state_dir.exists() {
            self.note(&format!("there is no folder {} yet; nothing ran there", place.state_dir.display()));
        }
        let handle = Handle::attach(self.attach_to(place, access)?)?;
        // Whoever acts, or asks about the engine itself, is told by the answer.
        if let Some(trouble) = handle.trouble().filter(|_| access == Access::Look) {
            self.note(trouble);
        }
        Ok(handle)
    }

    /// The way to the engine alone, whatever became of its database.
    pub fn engine(&self) -> Result<Handle, Failure> {
        Ok(Handle::to_engine(self.attach_to(self.place_to_look()?, Access::Peek)?))
    }

    /// A handle and the run that was meant.
    pub fn handle_and_run(&self, selector: &str, access: Access) -> Result<(Handle, RunId), Failure> {
        let handle = self.handle(access)?;
        let run = handle.find_run(selector)?;
        Ok((handle, run))
    }

    /// A run with its tasks, for looking.
    pub fn snapshot(&self, selector: &str) -> Result<RunSnapshot, Failure> {
        let (handle, run) = self.handle_and_run(selector, Access::Look)?;
        Ok(handle.run(&run)?)
    }

    /// Text for people on standard output.
    pub fn print(&self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }

    /// One JSON document on standard output.
    pub fn json(&self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
        self.print(&(self.visible_json(&text) + "\n"))
    }

    /// One JSON object on a line of its own.
    pub fn json_line(&self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(io::Error::from)?;
        self.print(&(self.visible_json(&text) + "\n"))
    }

    /// On a terminal, what JSON lets through and a terminal obeys is written as `\u…`: the same document, harmless.
    fn visible_json(&self, text: &str) -> String {
        if self.out.tty { escape_hidden(text) } else { text.to_owned() }
    }

    /// Says that a list was cut, if it was.
    pub fn note_more(&self, more: bool) {
        if more {
            self.note("there are more; --limit N shows as many as you like");
        }
    }

    /// A message that is not the answer.
    pub fn note(&self, message: &str) {
        let label = self.err.paint("note:", Style::bold("accent"));
        let _ = writeln!(io::stderr(), "{label} {}", sanitize::text(message));
    }
}

/// Cuts a list that was asked for one more than is shown; whether there are more.
pub fn cut<T>(rows: &mut Vec<T>, limit: usize) -> bool {
    let more = rows.len() > limit;
    rows.truncate(limit);
    more
}

/// Who asks, for the journal: `user@host (cli)`.
pub fn who() -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten().map(|user| user.name);
    let user = user.or_else(|| std::env::var("USER").ok()).unwrap_or_else(|| nix::unistd::geteuid().to_string());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    sanitize::line(&format!("{user}@{} (cli)", if host.is_empty() { "localhost" } else { host }))
}

fn escape_hidden(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    let (mut one, mut units) = ([0; 4], [0; 2]);
    for c in json.chars() {
        let as_text: &str = c.encode_utf8(&mut one);
        if c == '\n' || sanitize::line(as_text) == as_text {
            safe.push(c);
        } else {
            safe.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_on_a_terminal_is_the_same_document_without_active_characters() {
        let value = serde_json::json!({"a": "x\u{202e}y\u{9b}z\u{e0041} ok ✓"});
        let shown = escape_hidden(&value.to_string());
        assert_eq!(sanitize::line(&shown), shown);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }

    #[test]
    fn who_asks_is_a_user_at_a_host() {
        let who = who();
        assert!(who.contains('@') && who.ends_with(" (cli)"), "{who}");
    }
}
