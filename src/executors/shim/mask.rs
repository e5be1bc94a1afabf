//! Hides secrets in what a task prints, before it is written: as they are, line by line, and as base64, percent, JSON and
//! hexadecimal encodings have them, also when they come in pieces.

use crate::{
    model::{
        Secrets,
        secret::{MASK, SHORTEST},
    },
    stdx::base64,
};
use aho_corasick::{AhoCorasick, MatchKind};
use std::{collections::BTreeSet, fs, io, path::Path};

/// What is looked for, and what was read and may be the beginning of it.
pub struct Masker {
    forms: Vec<Vec<u8>>,
    longest: usize,
    finder: AhoCorasick,
    held: Vec<u8>,
    /// So many bytes at the start of `held` belong to a secret whose mask is written already.
    covered: usize,
}

impl Masker {
    /// Looks for every form of these values.
    ///
    /// # Errors
    /// They are too many to be looked for.
    pub fn new(secrets: &Secrets) -> Result<Self, String> {
        let forms: Vec<Vec<u8>> = secrets.values().flat_map(|secret| forms(secret.reveal())).collect::<BTreeSet<_>>().into_iter().collect();
        let finder = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&forms).map_err(|error| error.to_string())?;
        Ok(Self { longest: forms.iter().map(Vec::len).max().unwrap_or(0), forms, finder, held: Vec::new(), covered: 0 })
    }

    /// Takes what was read and gives what may be written; what may be the beginning of a secret is held back.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(bytes);
        self.release(self.first_doubtful())
    }

    /// Nothing more comes: gives what was held back.
    pub fn finish(&mut self) -> Vec<u8> {
        self.release(self.held.len())
    }

    /// From here on what is held may be the beginning of a secret.
    fn first_doubtful(&self) -> usize {
        let length = self.held.len();
        let from = length.saturating_sub(self.longest.saturating_sub(1));
        let begins = |at: &usize| {
            let tail = &self.held[*at..];
            self.forms.iter().any(|form| form.len() > tail.len() && form.starts_with(tail))
        };
        (from..length).find(begins).unwrap_or(length)
    }

    /// Gives what stands before `until`, masked. A secret that reaches beyond it is masked once, and its rest not forgotten.
    fn release(&mut self, until: usize) -> Vec<u8> {
        let mut released = Vec::with_capacity(until);
        let mut covered = self.covered;
        for (start, end) in self.hidden().into_iter().take_while(|(start, _)| *start < until) {
            if start >= covered {
                released.extend_from_slice(&self.held[covered..start]);
                released.extend_from_slice(MASK.as_bytes());
            }
            covered = covered.max(end);
        }
        released.extend_from_slice(&self.held[covered.min(until)..until]);
        self.covered = covered.saturating_sub(until);
        self.held.drain(..until);
        released
    }

    /// Where secrets stand in what is held, from left to right, those that overlap as one.
    fn hidden(&self) -> Vec<(usize, usize)> {
        let mut found: Vec<(usize, usize)> =
            self.finder.find_overlapping_iter(&self.held).map(|found| (found.start(), found.end())).collect();
        found.sort_unstable();
        let mut merged: Vec<(usize, usize)> = Vec::new();
        for (start, end) in found {
            match merged.last_mut() {
                Some((_, last)) if start < *last => *last = (*last).max(end),
                _ => merged.push((start, end)),
            }
        }
        merged
    }
}

/// A whole text with the secrets hidden in it.
///
/// # Errors
/// They are too many to be looked for.
pub fn hidden(secrets: &Secrets, text: String) -> Result<String, String> {
    if secrets.is_empty() {
        return Ok(text);
    }
    let mut masker = Masker::new(secrets)?;
    let masked = [masker.feed(text.as_bytes()), masker.finish()].concat();
    Ok(String::from_utf8_lossy(&masked).into_owned())
}

/// Hides the secrets in a file that nobody writes any more, if it is not longer than `most`. What stands in their place is shorter, so
/// it needs no room.
///
/// # Errors
/// It cannot be read or written, or they are too many to be looked for.
pub fn hide_in_file(secrets: &Secrets, path: &Path, most: u64) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() && meta.len() <= most => {}
        _ => return Ok(()),
    }
    let before = String::from_utf8_lossy(&fs::read(path)?).into_owned();
    let after = hidden(secrets, before.clone()).map_err(io::Error::other)?;
    if after == before { Ok(()) } else { fs::write(path, after) }
}

/// Everything that a value may look like. What is shorter than a secret may be is left out: it would hide ordinary words.
fn forms(value: &str) -> BTreeSet<Vec<u8>> {
    let lines = value.lines().map(str::trim);
    let plain: BTreeSet<&str> = [value, value.trim()].into_iter().chain(lines).collect();
    let all = plain.into_iter().filter(|text| text.len() >= SHORTEST).flat_map(|text| {
        let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        let texts = [text.to_owned(), hex.to_uppercase(), hex, percent(text, false), percent(text, true), json(text), ascii_json(text)];
        texts.into_iter().chain(base64_forms(text.as_bytes()))
    });
    all.filter(|form| form.len() >= SHORTEST).map(String::into_bytes).collect()
}

/// The part of its base64 that is the same whatever stands before and after it, for each of the three places at which it can begin.
fn base64_forms(bytes: &[u8]) -> impl Iterator<Item = String> {
    (0..3).flat_map(move |before| {
        let coded = base64::encode(&[&[0].repeat(before), bytes].concat());
        let certain = (before * 8).div_ceil(6)..(before + bytes.len()) * 8 / 6;
        let usual = coded.get(certain).unwrap_or_default().to_owned();
        [usual.replace('+', "-").replace('/', "_"), usual]
    })
}

fn percent(text: &str, small: bool) -> String {
    let coded = |byte: u8| match byte {
        b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ if small => format!("%{byte:02x}"),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(coded).collect()
}

fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// JSON as those write it who keep to ASCII.
fn ascii_json(text: &str) -> String {
    let escaped = |c: char| c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
    json(text).chars().map(|c| if c.is_ascii() { c.to_string() } else { escaped(c) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;
    use proptest::prelude::*;

    fn masker(values: &[&str]) -> Masker {
        Masker::new(&values.iter().map(|value| ((*value).to_owned(), Secret::new(*value))).collect()).unwrap()
    }

    /// What is written when this is read in pieces.
    fn written<'a>(values: &[&str], pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
        let mut masker = masker(values);
        let mut all: Vec<u8> = pieces.into_iter().flat_map(|piece| masker.feed(piece)).collect();
        all.extend(masker.finish());
        String::from_utf8_lossy(&all).into_owned()
    }

    fn whole(values: &[&str], text: &str) -> String {
        written(values, [text.as_bytes()])
    }

    #[test]
    fn a_secret_is_hidden_in_every_form_that_programs_give_it() {
        let secret = "pä55 \"w/ö+rd\"\n";
        let coded = |text: &str| base64::encode(text.as_bytes());
        let hex: String = secret.trim().bytes().map(|byte| format!("{byte:02x}")).collect();
        for form in [
            secret.trim().to_owned(),
            coded(secret.trim()),
            coded(&format!("u:{}", secret.trim())),
            coded(&format!("me:{}:x", secret.trim())).replace('+', "-").replace('/', "_"),
            serde_json::json!({"p": secret.trim()}).to_string(),
            r#""p\u00e455 \"w/\u00f6+rd\"""#.to_owned(),
            "p%C3%A455%20%22w%2F%C3%B6%2Brd%22".to_owned(),
            "p%c3%a455%20%22w%2f%c3%b6%2brd%22".to_owned(),
            hex.to_uppercase(),
            hex,
        ] {
            let shown = whole(&[secret], &format!("before {form} after"));
            assert!(shown.contains(MASK) && shown.starts_with("before ") && shown.ends_with(" after"), "{form}: {shown}");
            assert!(shown.len() < form.len() + 14, "{form}: {shown}");
        }
    }

    #[test]
    fn lines_of_a_secret_are_secrets_and_short_ones_are_words() {
        let key = "-----BEGIN-----\nAbCdEfGhIj\n}\n";
        assert_eq!(whole(&[key], "line AbCdEfGhIj and }"), "line *** and }");
        assert_eq!(whole(&[key], &format!("<{key}>")), "<***>");
    }

    #[test]
    fn secrets_that_overlap_are_hidden_as_one() {
        assert_eq!(whole(&["xxabcabc", "abcabcyy"], "1xxabcabcyy2"), "1***2");
        assert_eq!(whole(&["abcdef", "abcdefgh"], "abcdef abcdefgh abcdefg"), "*** *** ***g");
        assert_eq!(whole(&["abcdef"], "abcdefabcdef"), "******");
        assert!(!whole(&["aaaaaa"], &"a".repeat(1000)).contains('a'));
    }

    #[test]
    fn what_is_no_secret_is_not_held_back() {
        let mut masker = masker(&["hunter2-long"]);
        assert_eq!(masker.feed(b"working... "), b"working... ");
        assert_eq!(masker.feed(b"hunt"), b"");
        assert_eq!(masker.feed(b"ing\n"), b"hunting\n");
        assert!(masker.held.is_empty());
    }

    proptest! {
        #[test]
        fn in_whatever_pieces_it_comes_the_same_is_written(parts in prop::collection::vec("[ab ]{0,6}|abbaab|aabbaab|babbaabab", 0..20), cuts in prop::collection::vec(0_usize..120, 0..20)) {
            let (text, secrets) = (parts.concat(), ["abbaab", "aabbaab", "babbaabab"]);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|pair| text.as_bytes().get(pair[0]..pair[1]).unwrap());
            let shown = written(&secrets, pieces);
            prop_assert_eq!(&shown, &whole(&secrets, &text));
            prop_assert!(!secrets.iter().any(|secret| shown.contains(secret)), "{}", shown);
        }
    }
}
