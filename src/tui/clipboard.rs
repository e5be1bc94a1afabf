//! Puts a text into the clipboard: the terminal's by OSC 52, which also works over SSH, and the desktop's by a local tool.

use crate::stdx::base64;
use std::{
    env,
    io::{self, Write},
    path::Path,
    process::{Command, Stdio},
    thread,
};

/// What the program stands in, as far as copying is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Around {
    /// A terminal.
    Terminal,
    /// tmux, which hands a wrapped sequence on.
    Tmux,
    /// GNU screen, which hands short wrapped sequences on.
    Screen,
}

impl Around {
    /// As the environment says.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Self {
        let term = var("TERM").unwrap_or_default();
        if var("TMUX").is_some_and(|value| !value.is_empty()) {
            Self::Tmux
        } else if term.starts_with("screen") && var("STY").is_some() {
            Self::Screen
        } else {
            Self::Terminal
        }
    }
}

/// Longest string that GNU screen hands on.
const SCREEN_PART: usize = 240;

/// The sequence that asks the terminal to take the text.
pub fn osc52(text: &str, around: Around) -> String {
    let coded = base64::encode(text.as_bytes());
    match around {
        Around::Terminal => format!("\x1b]52;c;{coded}\x07"),
        // tmux takes the bare sequence itself where `set-clipboard` is on, and hands the wrapped one on where `allow-passthrough` is.
        Around::Tmux => format!("\x1b]52;c;{coded}\x07\x1bPtmux;\x1b\x1b]52;c;{coded}\x07\x1b\\"),
        Around::Screen => {
            let whole = format!("\x1b]52;c;{coded}\x07");
            let parts = whole.as_bytes().chunks(SCREEN_PART).map(|part| format!("\x1bP{}\x1b\\", String::from_utf8_lossy(part)));
            parts.collect()
        }
    }
}

/// Programs that put standard input into the clipboard, and the variable without which each has nothing to talk to.
const TOOLS: &[(&str, &[&str], Option<&str>)] = &[
    ("wl-copy", &[], Some("WAYLAND_DISPLAY")),
    ("xclip", &["-selection", "clipboard"], Some("DISPLAY")),
    ("xsel", &["--clipboard", "--input"], Some("DISPLAY")),
    ("pbcopy", &[], None),
];

/// The first tool that is there and has a desktop to talk to.
fn tool(var: impl Fn(&str) -> Option<String>) -> Option<(&'static str, &'static [&'static str])> {
    let path = var("PATH")?;
    let is_there = |name: &str| env::split_paths(&path).any(|folder| Path::new(&folder).join(name).is_file());
    let usable = |needs: Option<&str>| needs.is_none_or(|name| var(name).is_some_and(|value| !value.is_empty()));
    TOOLS.iter().find(|(name, _, needs)| usable(*needs) && is_there(name)).map(|(name, arguments, _)| (*name, *arguments))
}

/// Copies: writes to the terminal at once, hands the text to a local tool on a thread of its own.
///
/// # Errors
/// The terminal is gone.
pub fn copy(text: &str, out: &mut impl Write) -> io::Result<()> {
    let var = |name: &str| env::var(name).ok();
    if let Some((name, arguments)) = tool(var) {
        let text = text.to_owned();
        let hand_over = move || {
            let child = Command::new(name).args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
            if let Ok(mut child) = child {
                // What the tool does with it cannot be known; the terminal got it in any case.
                let _ = child.stdin.take().map(|mut pipe| pipe.write_all(text.as_bytes()));
                let _ = child.wait();
            }
        };
        let _ = thread::Builder::new().name("tui-copy".to_owned()).spawn(hand_over);
    }
    out.write_all(osc52(text, Around::read(var)).as_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_coded_as_the_terminal_wants_it() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy"), ("✓\n", "4pyTCg==")] {
            assert_eq!(osc52(plain, Around::Terminal), format!("\x1b]52;c;{coded}\x07"));
        }
    }

    #[test]
    fn tmux_and_screen_hand_it_on() {
        assert!(osc52("foo", Around::Tmux).ends_with("\x1bPtmux;\x1b\x1b]52;c;Zm9v\x07\x1b\\"));
        assert_eq!(osc52("foo", Around::Screen), "\x1bP\x1b]52;c;Zm9v\x07\x1b\\");
        let long = osc52(&"x".repeat(1_000), Around::Screen);
        assert!(long.split("\x1b\\").all(|part| part.len() <= SCREEN_PART + 2) && long.matches("\x1bP").count() > 1);
    }

    #[test]
    fn a_tool_is_used_only_with_a_desktop_to_talk_to() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("xclip"), "").unwrap();
        let path = folder.path().display().to_string();
        let with = |display: Option<&str>| {
            let display = display.map(str::to_owned);
            tool(|name| match name {
                "PATH" => Some(path.clone()),
                "DISPLAY" => display.clone(),
                _ => None,
            })
        };
        assert_eq!(with(None), None);
        assert_eq!(with(Some(":0")).map(|(name, _)| name), Some("xclip"));
    }
}
