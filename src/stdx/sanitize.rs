//! Text that is safe to show: nothing a task, a file or a person wrote can reach the terminal as a control sequence.
//!
//! Control characters, escape sequences, bidirectional overrides, zero-width and tag characters become visible
//! stand-ins; more than four combining marks on one character are cut.

use unicode_width::UnicodeWidthChar;

/// Combining marks kept on one character; more is only seen in attacks ("zalgo").
const MAX_MARKS: usize = 4;

/// One line of foreign text with everything invisible or active made visible. Newlines become `␊`, tabs four spaces.
pub fn line(text: &str) -> String {
    // Most of what is printed is plain, and much is printed.
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return text.to_owned();
    }
    let mut safe = String::with_capacity(text.len());
    let mut marks = 0;
    for c in text.chars() {
        match c {
            '\t' => safe.push_str("    "),
            '\n' => safe.push('␊'),
            '\x1b' => safe.push('␛'),
            '\x7f' => safe.push_str("^?"),
            c if (c as u32) < 0x20 => safe.extend(['^', char::from(c as u8 + 0x40)]),
            c if is_hidden(c) => safe.push_str(&format!("<U+{:04X}>", c as u32)),
            c if c.width() == Some(0) => {
                marks += 1;
                if marks <= MAX_MARKS {
                    safe.push(c);
                }
                continue;
            }
            c => safe.push(c),
        }
        marks = 0;
    }
    safe
}

/// Several lines, each made safe by [`line()`]; line ends stay line ends.
pub fn text(text: &str) -> String {
    text.split('\n').map(|l| line(l.strip_suffix('\r').unwrap_or(l))).collect::<Vec<_>>().join("\n")
}

/// C1 controls, bidirectional controls, zero-width, tag and interlinear characters: active or invisible.
fn is_hidden(c: char) -> bool {
    matches!(c as u32,
        0x80..=0x9f | 0xad | 0x61c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f
        | 0xfeff | 0xfff9..=0xfffb | 0xe0000..=0xe007f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_becomes_visible_and_harmless() {
        assert_eq!(line("\x1b[2Jgone"), "␛[2Jgone");
        assert_eq!(line("a\x07b\x7f\u{9b}31m"), "a^Gb^?<U+009B>31m");
        assert_eq!(line("user\u{202e}nimda"), "user<U+202E>nimda");
        assert_eq!(line("z\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}x").chars().count(), 6);
        assert_eq!(line("naïve 数据 ✓"), "naïve 数据 ✓");
        assert_eq!(text("one\r\ntwo\x1b"), "one\ntwo␛");
    }
}
