//! Answers of the terminal among the keys: what its ground is (OSC 11), and that it has answered everything (DA1).
//!
//! An answer that comes late must never be taken for keys. The library that reads keys knows DA1 and keeps it to itself, but takes
//! OSC for Alt-] and text.

use super::theme::measure::Rgb;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Asks for the ground and then for something that every terminal answers, so that no answer to the first is an answer too.
pub const QUESTION: &[u8] = b"\x1b]11;?\x1b\\\x1b[c";

/// What stands at the beginning of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Something else.
    Other,
    /// The beginning of an answer.
    Part,
    /// The ground, in so many bytes; `None` if it is said in a way that we do not know.
    Ground(Option<Rgb>, usize),
    /// Everything was answered, in so many bytes.
    All(usize),
}

/// A longer answer is none.
const LONGEST: usize = 64;

/// Reads the beginning of `text`.
pub fn read(text: &str) -> Reading {
    let (ground, all) = ("\x1b]11;", "\x1b[?");
    if ground.starts_with(text) || all.starts_with(text) {
        return Reading::Part;
    }
    if let Some(rest) = text.strip_prefix(ground) {
        let value = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '/' | '?'))).map_or(rest, |end| &rest[..end]);
        let after = &rest[value.len()..];
        let end = ["\x07", "\x1b\\"].into_iter().find(|end| after.starts_with(end));
        return match end {
            Some(end) => Reading::Ground(rgb(value), ground.len() + value.len() + end.len()),
            None if (after.is_empty() || after == "\x1b") && text.len() < LONGEST => Reading::Part,
            None => Reading::Other,
        };
    }
    if let Some(rest) = text.strip_prefix(all) {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == ';')).unwrap_or(rest.len());
        return match rest[digits..].chars().next() {
            Some('c') => Reading::All(all.len() + digits + 1),
            None if text.len() < LONGEST => Reading::Part,
            _ => Reading::Other,
        };
    }
    Reading::Other
}

/// `rgb:1414/1616/1b1b`, or `rgba:` with one more, each part of one to four digits.
fn rgb(value: &str) -> Option<Rgb> {
    let parts = value.strip_prefix("rgb:").or_else(|| value.strip_prefix("rgba:"))?;
    let mut parts = parts.split('/').map(|part| {
        let number = u32::from_str_radix(part, 16).ok().filter(|_| (1..=4).contains(&part.len()))?;
        let most = 16_u32.pow(u32::try_from(part.len()).ok()?) - 1;
        u8::try_from((number * 255 + most / 2) / most).ok()
    });
    Some((parts.next()??, parts.next()??, parts.next()??))
}

/// Keys and the answers among them, told apart.
#[derive(Debug, Default)]
pub struct Sieve {
    /// Whether an answer may still come.
    awaiting: bool,
    text: String,
    held: Vec<KeyEvent>,
}

/// What a key was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sifted {
    /// Keys of the person.
    Keys(Vec<KeyEvent>),
    /// The terminal's ground.
    Ground(Rgb),
}

impl Sieve {
    /// Expects an answer of which `begun` has come.
    pub fn expecting(begun: String) -> Self {
        Self { awaiting: true, text: begun, held: Vec::new() }
    }

    /// Whether keys are held back that may be an answer.
    pub fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// No more comes at once: what was held back are keys.
    pub fn release(&mut self) -> Vec<KeyEvent> {
        self.text.clear();
        std::mem::take(&mut self.held)
    }

    /// No answer is expected any more.
    pub fn give_up(&mut self) {
        self.awaiting = false;
    }

    /// Takes a key.
    pub fn take(&mut self, key: KeyEvent) -> Sifted {
        if !self.awaiting {
            return Sifted::Keys(vec![key]);
        }
        let Some(written) = written(&key) else { return Sifted::Keys(self.and(key)) };
        self.text.push_str(&written);
        match read(&self.text) {
            Reading::Part => {
                self.held.push(key);
                Sifted::Keys(Vec::new())
            }
            Reading::Ground(ground, _) => {
                self.release();
                self.awaiting = false;
                ground.map_or(Sifted::Keys(Vec::new()), Sifted::Ground)
            }
            Reading::All(_) => {
                self.release();
                Sifted::Keys(Vec::new())
            }
            // What was held back was none; this key may begin one.
            Reading::Other if self.holds() => {
                let mut keys = self.release();
                match self.take(key) {
                    Sifted::Keys(more) => keys.extend(more),
                    Sifted::Ground(_) => {}
                }
                Sifted::Keys(keys)
            }
            Reading::Other => Sifted::Keys(self.and(key)),
        }
    }

    fn and(&mut self, key: KeyEvent) -> Vec<KeyEvent> {
        let mut keys = self.release();
        keys.push(key);
        keys
    }
}

/// The bytes that a key was made of, if they can be part of an answer.
fn written(key: &KeyEvent) -> Option<String> {
    let held = key.modifiers - KeyModifiers::SHIFT;
    match key.code {
        KeyCode::Esc if held.is_empty() => Some("\x1b".to_owned()),
        KeyCode::Char(c) if held.is_empty() => Some(c.to_string()),
        KeyCode::Char(c) if held == KeyModifiers::ALT => Some(format!("\x1b{c}")),
        KeyCode::Char('g') if held == KeyModifiers::CONTROL => Some("\x07".to_owned()),
        _ => None,
    }
}

/// Keys that were typed while the terminal was asked. Those that no single byte tells are dropped.
pub fn keys(typed: &str) -> Vec<KeyEvent> {
    let mut keys = Vec::new();
    let mut rest = typed.chars().peekable();
    while let Some(c) = rest.next() {
        let plain = |code| KeyEvent::new(code, KeyModifiers::NONE);
        match c {
            '\x1b' if rest.peek() == Some(&'[') => while rest.next().is_some_and(|c| !(c.is_ascii_alphabetic() || c == '~')) {},
            '\x1b' => keys.push(plain(KeyCode::Esc)),
            '\r' | '\n' => keys.push(plain(KeyCode::Enter)),
            '\t' => keys.push(plain(KeyCode::Tab)),
            '\x7f' | '\x08' => keys.push(plain(KeyCode::Backspace)),
            '\x01'..='\x1a' => keys.push(KeyEvent::new(KeyCode::Char(char::from(c as u8 + b'a' - 1)), KeyModifiers::CONTROL)),
            c if c.is_control() => {}
            c => keys.push(plain(KeyCode::Char(c))),
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(c: char) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)
    }

    fn escaped(c: char) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(c), KeyModifiers::ALT)
    }

    const ESC: KeyEvent = KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE);

    #[test]
    fn answers_are_read_in_the_forms_that_terminals_have() {
        let dark = Some((0x14, 0x16, 0x1b));
        assert_eq!(read("\x1b]11;rgb:1414/1616/1b1b\x1b\\x"), Reading::Ground(dark, 25));
        assert_eq!(read("\x1b]11;rgb:14/16/1b\x07"), Reading::Ground(dark, 18));
        assert_eq!(read("\x1b]11;rgba:ffff/ffff/ffff/ffff\x07"), Reading::Ground(Some((255, 255, 255)), 30));
        assert_eq!(read("\x1b]11;what\x07"), Reading::Ground(None, 10));
        assert_eq!(read("\x1b[?62;4c"), Reading::All(8));
        for part in ["\x1b", "\x1b]", "\x1b]11;rgb:14", "\x1b]11;rgb:14/16/1b\x1b", "\x1b[?6"] {
            assert_eq!(read(part), Reading::Part, "{part:?}");
        }
        for other in ["]", "\x1b]1x", "\x1b[A", "\x1b[?25h", "j"] {
            assert_eq!(read(other), Reading::Other, "{other:?}");
        }
    }

    #[test]
    fn a_late_answer_becomes_no_key_however_it_is_cut() {
        let whole: Vec<_> = [escaped(']')].into_iter().chain("11;rgb:ff/ff/f0".chars().map(plain)).chain([escaped('\\')]).collect();
        let cut: Vec<_> = [ESC].into_iter().chain("]11;rgb:ff/ff/f0".chars().map(plain)).chain([ESC, plain('\\')]).collect();
        for answer in [whole, cut] {
            let mut sieve = Sieve::expecting(String::new());
            let found: Vec<_> = answer.into_iter().map(|key| sieve.take(key)).filter(|found| *found != Sifted::Keys(Vec::new())).collect();
            assert_eq!(found, [Sifted::Ground((255, 255, 0xf0))]);
            assert_eq!(sieve.take(plain('q')), Sifted::Keys(vec![plain('q')]));
        }
        let mut sieve = Sieve::expecting("\x1b]11;rgb:0".to_owned());
        let rest = "0/00/00".chars().map(plain).chain([KeyEvent::new(KeyCode::Char('g'), KeyModifiers::CONTROL)]);
        let found: Vec<_> = rest.map(|key| sieve.take(key)).collect();
        assert_eq!(found.last(), Some(&Sifted::Ground((0, 0, 0))));
    }

    #[test]
    fn keys_that_only_look_like_an_answer_are_keys() {
        let mut sieve = Sieve::expecting(String::new());
        let mut seen = Vec::new();
        for key in [plain('j'), ESC, plain(']'), plain('1'), plain('q'), ESC] {
            let Sifted::Keys(keys) = sieve.take(key) else { panic!("no answer came") };
            seen.extend(keys);
        }
        assert!(sieve.holds());
        seen.extend(sieve.release());
        assert_eq!(seen, [plain('j'), ESC, plain(']'), plain('1'), plain('q'), ESC]);
        sieve.give_up();
        assert_eq!(sieve.take(ESC), Sifted::Keys(vec![ESC]));
    }

    #[test]
    fn what_was_typed_meanwhile_is_kept() {
        let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(keys("j\x1b[A\r\x03"), [plain('j'), KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE), ctrl_c]);
    }
}
