//! The bell of the terminals that look at the workspace, and a word on their desktop where they can show one.
//!
//! Nothing is sent: a screen that is open hears of every notification, and rings by itself with [`ring`].

use super::{Failure, Means, Message, Notifier};
use crate::stdx::sanitize;

/// `bell`.
pub struct Bell;

impl Notifier for Bell {
    fn kind(&self) -> &'static str {
        "bell"
    }

    fn send(&self, _: &str, _: &Message, means: &Means<'_>) -> Result<String, Failure> {
        Ok(match means.listeners {
            0 => "no client was attached; screens that are open ring when they see it".to_owned(),
            1 => "heard by 1 client".to_owned(),
            many => format!("heard by {many} clients"),
        })
    }
}

/// What is known of a terminal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terminal {
    /// `TERM`.
    pub term: String,
    /// `TERM_PROGRAM`; what is inside tmux or on another machine does not hear of the outermost one.
    pub program: String,
    /// `TMUX` is set.
    pub in_tmux: bool,
}

impl Terminal {
    /// What the variables of this process say.
    pub fn from_environment() -> Self {
        let variable = |name: &str| std::env::var(name).unwrap_or_default();
        Self { term: variable("TERM"), program: variable("TERM_PROGRAM"), in_tmux: std::env::var_os("TMUX").is_some() }
    }
}

/// The bytes that ring, and show a word where that is known to be harmless. Nothing of `text` is active in them.
pub fn ring(text: &str, terminal: &Terminal) -> Vec<u8> {
    // A terminal takes a semicolon for the end of a part, and a number before one for another wish, such as a progress bar.
    let word: String = sanitize::line(text).chars().map(|c| if c == ';' { ',' } else { c }).take(200).collect();
    let in_screen = !terminal.in_tmux && terminal.term.starts_with("screen");
    let wish = match terminal.term.as_str() {
        "" | "dumb" | "linux" => return b"\x07".to_vec(),
        term if ["rxvt", "foot", "vte"].iter().any(|name| term.starts_with(name)) => format!("\x1b]777;notify;flowyard;{word}\x1b\\"),
        _ if terminal.program == "vscode" => format!("\x1b]777;notify;flowyard;{word}\x1b\\"),
        _ => format!("\x1b]9;flowyard: {word}\x1b\\"),
    };
    let wrapped = if terminal.in_tmux {
        // It lets through what it is told to (`allow-passthrough`), each ESC in it twice.
        format!("\x1bPtmux;{}\x1b\\", wish.replace('\x1b', "\x1b\x1b"))
    } else if in_screen {
        // It ends what it lets through at the first ST, so the wish ends with BEL.
        format!("\x1bP{}\x1b\\", wish.replace("\x1b\\", "\x07"))
    } else {
        wish
    };
    // Both of them understand the bell itself.
    [wrapped.as_bytes(), b"\x07"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rings(term: &str, in_tmux: bool, text: &str) -> String {
        let terminal = Terminal { term: term.to_owned(), program: String::new(), in_tmux };
        String::from_utf8(ring(text, &terminal)).unwrap()
    }

    #[test]
    fn each_terminal_is_told_in_its_own_way_and_rings() {
        assert_eq!(rings("xterm-256color", false, "churn#1 failed"), "\x1b]9;flowyard: churn#1 failed\x1b\\\x07");
        assert_eq!(rings("foot", false, "x"), "\x1b]777;notify;flowyard;x\x1b\\\x07");
        assert_eq!(rings("linux", false, "x"), "\x07");
        assert_eq!(rings("tmux-256color", true, "x"), "\x1bPtmux;\x1b\x1b]9;flowyard: x\x1b\x1b\\\x1b\\\x07");
        assert_eq!(rings("screen.xterm", false, "x"), "\x1bP\x1b]9;flowyard: x\x07\x1b\\\x07");
    }

    #[test]
    fn a_text_cannot_ask_the_terminal_for_anything() {
        let told = rings("xterm", false, "4;1;50\x1b\\\x1b]0;title\x07\n");
        assert_eq!(told, "\x1b]9;flowyard: 4,1,50␛\\␛]0,title^G␊\x1b\\\x07");
    }
}
