//! A line of a task's log on a terminal: its colours kept, everything else that a terminal would obey made visible.

use crate::stdx::sanitize;

/// The line, safe to show. Colours and emphasis (SGR) stay if `colours`, else they are left out; no other sequence passes.
pub fn show(line: &str, colours: bool) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut coloured = false;
    let mut rest = last_overwrite(line);
    while let Some(at) = rest.find('\x1b') {
        shown.push_str(&sanitize::line(&rest[..at]));
        rest = &rest[at..];
        match sgr(rest) {
            Some((parameters, after)) => {
                if colours && is_harmless(parameters) {
                    shown.push_str(&format!("\x1b[{parameters}m"));
                    coloured = true;
                }
                rest = after;
            }
            None => {
                shown.push('␛');
                rest = &rest[1..];
            }
        }
    }
    shown.push_str(&sanitize::line(rest));
    if coloured {
        shown.push_str("\x1b[0m");
    }
    shown
}

/// A progress bar rewrites its line after each carriage return: the last writing is what a terminal would show.
fn last_overwrite(line: &str) -> &str {
    let line = line.trim_end_matches('\r');
    line.rsplit('\r').next().unwrap_or(line)
}

/// The parameters of an SGR sequence at the start of `text`, and what follows it.
fn sgr(text: &str) -> Option<(&str, &str)> {
    let body = text.strip_prefix("\x1b[")?;
    let end = body.find(|c: char| !(c.is_ascii_digit() || c == ';' || c == ':'))?;
    body[end..].strip_prefix('m').map(|after| (&body[..end], after))
}

/// No concealing and no blinking; nothing absurdly long.
fn is_harmless(parameters: &str) -> bool {
    let mut numbers = parameters.split([';', ':']).map(|number| number.parse::<u16>().unwrap_or(0));
    while let Some(number) = numbers.next() {
        match number {
            5 | 6 | 8 => return false,
            38 | 48 | 58 => match numbers.next() {
                Some(5) => drop(numbers.next()),
                Some(2) => drop(numbers.nth(2)),
                _ => return false,
            },
            _ => {}
        }
    }
    parameters.len() <= 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_stay_and_end_with_their_line() {
        assert_eq!(show("\x1b[31mbad\x1b[0m", true), "\x1b[31mbad\x1b[0m\x1b[0m");
        assert_eq!(show("\x1b[38;5;8mgrey", true), "\x1b[38;5;8mgrey\x1b[0m");
        assert_eq!(show("\x1b[1;31mbad\x1b[0m", false), "bad");
    }

    #[test]
    fn nothing_else_passes() {
        assert_eq!(show("\x1b[2J\x1b]0;title\x07", true), "␛[2J␛]0;title^G");
        assert_eq!(show("\x1b[8mhidden", true), "hidden");
        assert_eq!(show("\x1b[31", true), "␛[31");
        assert_eq!(show("\x1b", true), "␛");
    }

    #[test]
    fn a_progress_bar_is_shown_as_it_ended() {
        assert_eq!(show("10%\r50%\r100%\r", false), "100%");
    }
}
