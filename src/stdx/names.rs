//! Names of files as texts, whatever bytes they have: a byte that is no UTF-8 becomes a NUL, which no name holds, and its two digits.

use std::{
    borrow::Cow,
    ffi::{OsStr, OsString},
    fmt::Write,
    os::unix::ffi::{OsStrExt, OsStringExt},
};

/// What stands before the digits of a byte.
const MARK: char = '\0';

/// The text that stands for a name or path; itself where it is UTF-8.
pub fn encode(name: &OsStr) -> String {
    let mut text = String::with_capacity(name.len());
    for chunk in name.as_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // A text takes everything.
            let _ = write!(text, "{MARK}{byte:02x}");
        }
    }
    text
}

/// The name that a text stands for.
pub fn decode(text: &str) -> OsString {
    let mut parts = text.split(MARK);
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend_from_slice(&part.as_bytes()[2..]);
            }
            None => bytes.extend_from_slice(part.as_bytes()),
        }
    }
    OsString::from_vec(bytes)
}

/// For people: such a byte as `\xe9`.
pub fn shown(text: &str) -> Cow<'_, str> {
    if text.contains(MARK) { Cow::Owned(text.replace(MARK, "\\x")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_comes_back_and_bytes_that_are_no_letters_can_be_read() {
        for (bytes, text, read) in [
            (&b"data/a b.csv"[..], "data/a b.csv", "data/a b.csv"),
            ("é\n".as_bytes(), "é\n", "é\n"),
            (b"caf\xe9.csv", "caf\0e9.csv", "caf\\xe9.csv"),
            (b"\xff\xfe", "\0ff\0fe", "\\xff\\xfe"),
            (b"a\\xe9", "a\\xe9", "a\\xe9"),
        ] {
            let name = OsStr::from_bytes(bytes);
            assert_eq!((encode(name).as_str(), shown(&encode(name)).as_ref()), (text, read));
            assert_eq!(decode(&encode(name)), name);
        }
    }
}
