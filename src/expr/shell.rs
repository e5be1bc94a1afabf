//! Quotes values for a shell, and finds where in a script a quoted value would not be protected.
//!
//! A value in single quotes is one word wherever the shell reads plain words, and nowhere else. The scanner follows
//! bash closely enough to know which is which; what it does not understand it calls [`Place::Unclear`], and the value
//! is refused there. Being wrong must only ever mean refusing too much.

use std::ops::Range;

/// `value` as one word of `bash` or `sh`: always in single quotes, so that it is never a keyword, an option list or a pattern.
pub fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// A part of a script in which quoting a value does not protect it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `"…"`.
    DoubleQuotes,
    /// `'…'`.
    SingleQuotes,
    /// `$'…'`.
    AnsiQuotes,
    /// `` `…` ``.
    Backticks,
    /// Between `<<EOF` and `EOF`, or in the word after `<<`.
    HereDocument,
    /// Behind `#`.
    Comment,
    /// `${…}`.
    Expansion,
    /// `((…))`, `$((…))`.
    Arithmetic,
    /// Directly behind `$`: the quotes of the value would become `$'…'`.
    AfterDollar,
    /// Directly behind a backslash, which would take the opening quote.
    AfterBackslash,
    /// Behind something that this scanner cannot follow for certain.
    Unclear,
}

impl Place {
    /// Where that is, to follow "stands".
    pub const fn name(self) -> &'static str {
        match self {
            Self::DoubleQuotes => "inside double quotes",
            Self::SingleQuotes => "inside single quotes",
            Self::AnsiQuotes => "inside `$'…'`",
            Self::Backticks => "inside backticks",
            Self::HereDocument => "inside a here-document",
            Self::Comment => "inside a comment",
            Self::Expansion => "inside `${…}`",
            Self::Arithmetic => "inside `((…))`",
            Self::AfterDollar => "directly behind `$`",
            Self::AfterBackslash => "directly behind a backslash",
            Self::Unclear => "behind shell syntax whose quoting cannot be followed for certain",
        }
    }
}

/// For each of `holes` (in order, not overlapping) the place that forbids it, or `None` where plain words stand.
pub fn places(script: &str, holes: &[Range<usize>]) -> Vec<Option<Place>> {
    let mut scanner = Scanner {
        bytes: script.as_bytes(),
        at: 0,
        holes,
        found: Vec::new(),
        frames: Vec::new(),
        pending: Vec::new(),
        word_start: true,
        word: Vec::new(),
        unclear: false,
    };
    scanner.run();
    scanner.found
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frame {
    /// Inside `(…)` or `$(…)`.
    Sub,
    Double,
    Single,
    Ansi,
    Backtick,
    /// Inside `${…}`; whether double quotes are around it.
    Expansion {
        quoted: bool,
    },
    /// Inside `((…))`, with so many parentheses open.
    Arithmetic {
        open: usize,
    },
}

struct HereDoc {
    delimiter: Vec<u8>,
    strip_tabs: bool,
    literal: bool,
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    holes: &'a [Range<usize>],
    found: Vec<Option<Place>>,
    frames: Vec<Frame>,
    pending: Vec<HereDoc>,
    word_start: bool,
    word: Vec<u8>,
    unclear: bool,
}

impl Scanner<'_> {
    fn run(&mut self) {
        while self.at < self.bytes.len() {
            if self.hole_starts() {
                let place = self.place_here();
                self.take_hole(place);
            } else {
                self.step();
            }
        }
    }

    fn hole_starts(&self) -> bool {
        self.holes.get(self.found.len()).is_some_and(|hole| hole.start <= self.at)
    }

    fn take_hole(&mut self, place: Option<Place>) {
        self.at = self.holes[self.found.len()].end.max(self.at);
        self.found.push(if self.unclear { Some(place.unwrap_or(Place::Unclear)) } else { place });
        self.word_start = false;
        self.word.clear();
    }

    fn place_here(&self) -> Option<Place> {
        let before = self.at.checked_sub(1).and_then(|i| self.bytes.get(i));
        match self.frames.last() {
            Some(Frame::Double) => Some(Place::DoubleQuotes),
            Some(Frame::Single) => Some(Place::SingleQuotes),
            Some(Frame::Ansi) => Some(Place::AnsiQuotes),
            Some(Frame::Backtick) => Some(Place::Backticks),
            Some(Frame::Expansion { .. }) => Some(Place::Expansion),
            Some(Frame::Arithmetic { .. }) => Some(Place::Arithmetic),
            None | Some(Frame::Sub) => (before == Some(&b'$')).then_some(Place::AfterDollar),
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn starts(&self, text: &str) -> bool {
        self.bytes[self.at..].starts_with(text.as_bytes())
    }

    fn push(&mut self, frame: Frame, length: usize) {
        self.frames.push(frame);
        self.at += length;
        self.word_start = true;
        self.word.clear();
    }

    fn pop(&mut self) {
        self.frames.pop();
        self.at += 1;
        self.word_start = false;
        self.word.clear();
    }

    /// Passes a backslash and what it takes; a hole there cannot be protected.
    fn escape(&mut self) {
        self.at += 1;
        if self.hole_starts() {
            self.take_hole(Some(Place::AfterBackslash));
        } else {
            let newline = self.peek(0) == Some(b'\n');
            self.at += 1;
            if !newline {
                self.word_start = false;
                self.word.push(b'\\');
            }
        }
    }

    fn step(&mut self) {
        match self.frames.last().copied() {
            Some(Frame::Single) => self.until(b'\''),
            Some(Frame::Ansi) => self.ansi(),
            Some(Frame::Backtick) => self.until_unescaped(b'`'),
            Some(Frame::Double) => self.double(),
            Some(Frame::Expansion { quoted }) => self.expansion(quoted),
            Some(Frame::Arithmetic { open }) => self.arithmetic(open),
            None | Some(Frame::Sub) => self.command(),
        }
    }

    fn until(&mut self, end: u8) {
        if self.peek(0) == Some(end) { self.pop() } else { self.at += 1 }
    }

    fn until_unescaped(&mut self, end: u8) {
        if self.peek(0) == Some(b'\\') { self.escape() } else { self.until(end) }
    }

    fn ansi(&mut self) {
        // `sh` reads `$'a\'` as a whole text, bash does not: after an escaped quote the two disagree.
        self.unclear |= self.starts(r"\'");
        self.until_unescaped(b'\'');
    }

    fn double(&mut self) {
        match self.peek(0) {
            Some(b'"') => self.pop(),
            Some(b'\\') => self.escape(),
            Some(b'`') => self.push(Frame::Backtick, 1),
            Some(b'$') => self.dollar(true),
            _ => self.at += 1,
        }
    }

    fn expansion(&mut self, quoted: bool) {
        match self.peek(0) {
            Some(b'}') => self.pop(),
            Some(b'\\') => self.escape(),
            Some(b'`') => self.push(Frame::Backtick, 1),
            Some(b'"') => self.push(Frame::Double, 1),
            // Whether a single quote means anything in `"${x…}"` depends on the operator.
            Some(b'\'') if quoted => {
                self.unclear = true;
                self.at += 1;
            }
            Some(b'\'') => self.push(Frame::Single, 1),
            Some(b'$') => self.dollar(quoted),
            _ => self.at += 1,
        }
    }

    fn arithmetic(&mut self, open: usize) {
        let nest = |open| Frame::Arithmetic { open };
        match self.peek(0) {
            Some(b'(') => self.replace(nest(open + 1)),
            Some(b')') if open <= 1 => self.pop(),
            Some(b')') => self.replace(nest(open - 1)),
            Some(b'\\') => self.escape(),
            Some(b'`') => self.push(Frame::Backtick, 1),
            Some(b'"') => self.push(Frame::Double, 1),
            Some(b'\'') => self.push(Frame::Single, 1),
            Some(b'$') => self.dollar(false),
            // `((` may still turn out to be two subshells, where `#` starts a comment and `<<` a here-document.
            Some(b'#' | b';' | b'\n') => {
                self.unclear = true;
                self.at += 1;
            }
            _ => self.at += 1,
        }
    }

    fn replace(&mut self, frame: Frame) {
        self.frames.pop();
        self.push(frame, 1);
    }

    fn dollar(&mut self, quoted: bool) {
        if self.starts("$((") {
            self.push(Frame::Arithmetic { open: 2 }, 3);
        } else if self.starts("$(") {
            self.push(Frame::Sub, 2);
        } else if self.starts("${") && self.holes.get(self.found.len()).is_none_or(|hole| hole.start != self.at + 1) {
            self.push(Frame::Expansion { quoted }, 2);
        } else if !quoted && self.starts("$'") {
            self.push(Frame::Ansi, 2);
        } else {
            self.unclear |= self.starts("$[");
            self.at += 1;
            self.word_start = false;
            // `$#` and `$$` are whole: what follows `$` is not a comment.
            if matches!(self.peek(0), Some(b'#' | b'$')) && !self.hole_starts() {
                self.at += 1;
            }
        }
    }

    fn command(&mut self) {
        let Some(byte) = self.peek(0) else { return };
        match byte {
            b'\\' => self.escape(),
            b'\'' => self.push(Frame::Single, 1),
            b'"' => self.push(Frame::Double, 1),
            b'`' => self.push(Frame::Backtick, 1),
            b'$' => self.dollar(false),
            b'#' if self.word_start => self.comment(),
            b'(' if self.starts("((") => self.push(Frame::Arithmetic { open: 2 }, 2),
            b'(' => self.push(Frame::Sub, 1),
            b')' if self.frames.is_empty() => self.separator(),
            b')' => {
                self.pop();
                self.word_start = true;
            }
            b'<' if self.starts("<<<") => {
                self.at += 3;
                self.word_start = true;
            }
            b'<' if self.starts("<<") => self.here_document(),
            b'\n' => {
                self.separator();
                self.here_bodies();
            }
            b' ' | b'\t' | b'\r' | b';' | b'&' | b'|' | b'<' | b'>' => self.separator(),
            _ => {
                self.word.push(byte);
                self.word_start = false;
                self.at += 1;
            }
        }
    }

    fn separator(&mut self) {
        // Patterns of `case` have closing parentheses without opening ones: within `$(…)` they would end it for us.
        self.unclear |= self.word == b"case" && !self.frames.is_empty();
        self.word.clear();
        self.word_start = true;
        self.at += 1;
    }

    fn comment(&mut self) {
        while self.at < self.bytes.len() && self.bytes[self.at] != b'\n' {
            if self.hole_starts() { self.take_hole(Some(Place::Comment)) } else { self.at += 1 }
        }
    }

    fn here_document(&mut self) {
        self.at += 2;
        let strip_tabs = self.peek(0) == Some(b'-');
        self.at += usize::from(strip_tabs);
        while matches!(self.peek(0), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        let (mut delimiter, mut literal, mut quote) = (Vec::new(), false, None);
        while let Some(byte) = self.peek(0) {
            if self.hole_starts() {
                self.take_hole(Some(Place::HereDocument));
                continue;
            }
            match (quote, byte) {
                (Some(q), b) if b == q => quote = None,
                (Some(_), b) => delimiter.push(b),
                (None, b'\'' | b'"') => (quote, literal) = (Some(byte), true),
                (None, b'\\') => literal = true,
                (None, b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')') => break,
                // `$` and backticks in the delimiter are read by rules of their own.
                (None, b'$' | b'`') => {
                    self.unclear = true;
                    delimiter.push(byte);
                }
                (None, b) => delimiter.push(b),
            }
            self.at += 1;
        }
        self.word_start = true;
        self.pending.push(HereDoc { delimiter, strip_tabs, literal });
    }

    fn here_bodies(&mut self) {
        for document in std::mem::take(&mut self.pending) {
            let mut joined = false;
            while self.at < self.bytes.len() {
                let start = self.at;
                let end = self.bytes[start..].iter().position(|&b| b == b'\n').map_or(self.bytes.len(), |n| start + n);
                while self.at < end {
                    if self.hole_starts() { self.take_hole(Some(Place::HereDocument)) } else { self.at += 1 }
                }
                self.at = self.at.max(end) + 1;
                let line = &self.bytes[start..end];
                let tabs = if document.strip_tabs { line.iter().take_while(|&&b| b == b'\t').count() } else { 0 };
                if !joined && line[tabs..] == document.delimiter[..] {
                    break;
                }
                // A line that ends in a backslash takes the next one along, delimiter or not.
                joined = !document.literal && line.iter().rev().take_while(|&&b| b == b'\\').count() % 2 == 1;
            }
        }
        self.at = self.at.min(self.bytes.len());
        self.word_start = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The place of the one `@@` in a script.
    fn place(script: &str) -> Option<Place> {
        let at = script.find("@@").unwrap();
        places(script, std::slice::from_ref(&(at..at + 2)))[0]
    }

    #[test]
    fn plain_words_may_hold_a_value() {
        for script in [
            "@@",
            "echo @@",
            "echo --name=@@ 'x'",
            "echo \"a\"@@\"b\"",
            "echo 'it'\\''s' @@",
            "echo $(cat @@)",
            "echo \"$(cat @@)\"",
            "echo \"$(echo \"a b\" @@)\" x",
            "echo a#b @@",
            "echo $# @@",
            "echo ${#x} @@",
            "# it's a comment\necho @@",
            "cat <<EOF\nit's\nEOF\necho @@",
            "cat <<-'E F'\n\t'\n\tE F\necho @@",
            "cat <<< @@",
            "cat <<A <<B\nA\n'\nB\necho @@",
            "case x in a) echo @@;; esac",
            "(cd x; ls @@)",
            "x=$((1 + 2)); echo @@",
            "echo `date` @@",
            "echo $'it\\n' @@",
            "echo \\\n@@ # x",
            "echo \\\\ @@",
            "diff <(sort @@) b",
            "echo \\\" @@",
            "(( x = 1 << 2 )) && echo @@",
        ] {
            assert_eq!(place(script), None, "{script}");
        }
    }

    #[test]
    fn every_place_where_quotes_do_not_protect_is_found() {
        for (script, expected) in [
            ("echo \"@@\"", Place::DoubleQuotes),
            ("echo \"a $(date) @@\"", Place::DoubleQuotes),
            ("echo \"$(echo \"@@\")\"", Place::DoubleQuotes),
            ("echo \"`date`@@\"", Place::DoubleQuotes),
            ("echo '@@'", Place::SingleQuotes),
            ("bash -c 'echo @@'", Place::SingleQuotes),
            ("echo \"'\" '@@'", Place::SingleQuotes),
            ("echo $'@@'", Place::AnsiQuotes),
            ("echo `cat @@`", Place::Backticks),
            ("echo \"`cat @@`\"", Place::Backticks),
            ("cat <<EOF\n@@\nEOF", Place::HereDocument),
            ("cat <<'EOF'\n@@\nEOF", Place::HereDocument),
            ("cat <<EOF\nx\\\nEOF\n@@\nEOF", Place::HereDocument),
            ("cat <<-EOF\n  EOF\n@@\nEOF", Place::HereDocument),
            ("cat << @@\n", Place::HereDocument),
            ("$(cat <<EOF\n@@\nEOF\n)", Place::HereDocument),
            ("# @@", Place::Comment),
            ("echo a;# @@", Place::Comment),
            ("echo a \\\n # @@", Place::Comment),
            ("echo ${x:-@@}", Place::Expansion),
            ("echo \"${x:-@@}\"", Place::Expansion),
            ("echo $((1 + @@))", Place::Arithmetic),
            ("(( x = @@ ))", Place::Arithmetic),
            ("echo $@@", Place::AfterDollar),
            ("echo \\@@", Place::AfterBackslash),
            ("echo \"\\@@\"", Place::AfterBackslash),
            ("echo \"$(case x in a) echo \"foo @@\";; esac)\"", Place::Unclear),
            ("echo \"${x#'}\" @@", Place::Unclear),
            ("echo $'a\\'b' @@", Place::Unclear),
            ("echo $[ 1 ] @@", Place::Unclear),
        ] {
            assert_eq!(place(script), Some(expected), "{script}");
        }
    }

    #[test]
    fn quoting_doubles_back_at_each_single_quote() {
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote(""), "''");
    }
}
