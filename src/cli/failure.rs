//! What can go wrong in a command, and the one door through which it is said.

use super::{context::Context, term::Style};
use crate::{
    model::{Diagnostics, Severity},
    runtime::RuntimeError,
    stdx::sanitize,
};
use std::io::{self, Write};

/// Why a command ended otherwise than well.
#[derive(Debug)]
pub enum Failure {
    /// Something to say, with its exit code.
    Said {
        /// The exit code of the contract.
        code: u8,
        /// What, where, why, and what to do next.
        message: String,
    },
    /// A file is wrong (exit 2).
    File(Diagnostics),
    /// The reader of our output left. Not an error.
    ReaderLeft,
}

impl Failure {
    /// The exit code of what is not possible now.
    pub const REFUSED: u8 = 3;

    /// Wrong usage or an unknown id.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Said { code: 2, message: message.into() }
    }
    /// Not possible now.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::Said { code: Self::REFUSED, message: message.into() }
    }
}

impl From<RuntimeError> for Failure {
    fn from(error: RuntimeError) -> Self {
        Self::Said { code: error.exit_code(), message: error.to_string() }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderLeft,
            _ => Self::Said { code: 74, message: error.to_string() },
        }
    }
}

/// Says on stderr why a command failed, once, and gives its exit code.
pub fn report_error(failure: &Failure, context: &Context) -> u8 {
    match failure {
        Failure::ReaderLeft => 0,
        Failure::Said { code, message } => {
            let label = context.err.paint("error:", Style::bold("state.failed"));
            let _ = writeln!(io::stderr(), "{label} {}", sanitize::text(message.trim_end()));
            *code
        }
        Failure::File(diagnostics) => {
            report_findings(diagnostics, context);
            2
        }
    }
}

/// Shows findings on stderr.
pub fn report_findings(diagnostics: &Diagnostics, context: &Context) {
    let _ = io::stderr().write_all(findings(diagnostics, &context.err).as_bytes());
}

/// Findings as people read them: place, sentence, the line with carets, hint.
pub fn findings(diagnostics: &Diagnostics, screen: &super::term::Screen) -> String {
    let mut shown = String::new();
    for diagnostic in &diagnostics.0 {
        let token = match diagnostic.severity {
            Severity::Error => "state.failed",
            Severity::Warning => "warning",
            Severity::Info => "accent",
        };
        let text = sanitize::text(&diagnostic.to_string());
        for (i, line) in text.trim_end().lines().enumerate() {
            let style = match i {
                0 => Style::bold(token),
                _ if is_carets(line) => Style::of(token),
                _ => Style::plain(),
            };
            shown.push_str(&screen.paint(line, style));
            shown.push('\n');
        }
    }
    shown
}

fn is_carets(line: &str) -> bool {
    line.split_once('|').is_some_and(|(left, right)| left.trim().is_empty() && right.trim_start().starts_with('^'))
}
