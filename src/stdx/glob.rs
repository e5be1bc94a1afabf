//! Finds files by a pattern: `*` and `?` within a name, `**` for any number of folders.

use ::glob::{MatchOptions, Pattern, glob_with};
use std::{
    io,
    path::{Path, PathBuf},
};

/// A `*` stops at a separator, and a name that begins with a dot is matched by a pattern that begins so, and by no other.
pub const OPTIONS: MatchOptions = MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// The files below `base` whose path matches `pattern`, sorted. Names that begin with a dot are left out unless the pattern begins so.
///
/// # Errors
/// A pattern that is none; a folder that cannot be read. A folder that is not there has no files.
pub fn files(base: &Path, pattern: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = entries(base, pattern)?;
    found.retain(|path| path.is_file());
    Ok(found)
}

/// The same, with folders.
///
/// # Errors
/// See [`files`].
pub fn entries(base: &Path, pattern: &str) -> io::Result<Vec<PathBuf>> {
    let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidInput, why);
    let base = base.to_str().ok_or_else(|| invalid("the folder's name is not UTF-8".to_owned()))?;
    let whole = format!("{}/{pattern}", Pattern::escape(base));
    let entries = glob_with(&whole, OPTIONS).map_err(|error| invalid(format!("`{pattern}` is no pattern: {}", error.msg)))?;
    let mut found = entries.collect::<Result<Vec<PathBuf>, _>>().map_err(io::Error::from)?;
    found.sort();
    Ok(found)
}

/// Whether a path is one that a pattern looks for, or a folder with such below it. A pattern that is none looks for nothing.
pub fn looks_for(pattern: &str, path: &str) -> bool {
    let path = path.trim_start_matches("./").trim_end_matches('/');
    let is_below = pattern.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
    is_below || Pattern::new(pattern).is_ok_and(|pattern| pattern.matches_with(path, OPTIONS))
}

/// The part of a pattern that matches no letter: a range whose ends are the wrong way round, or a choice among separators of folders.
pub fn empty_choice(pattern: &str) -> Option<&str> {
    let mut rest = pattern;
    while let Some(open) = rest.find('[') {
        let inner = &rest[open + 1..];
        let negated = inner.starts_with('!');
        let letters = inner.strip_prefix('!').unwrap_or(inner);
        // A bracket right at the beginning is a letter like any other.
        let first = letters.chars().next().map_or(0, char::len_utf8);
        let close = first + letters.get(first..)?.find(']')?;
        let whole = &rest[open..rest.len() - letters.len() + close + 1];
        if !negated && !matches_some(&letters[..close]) {
            return Some(whole);
        }
        rest = &letters[close + 1..];
    }
    None
}

/// Whether any letter of a name is among those between brackets.
fn matches_some(letters: &str) -> bool {
    let letters: Vec<char> = letters.chars().collect();
    let (mut at, mut some) = (0, false);
    while at < letters.len() {
        match letters[at..] {
            [from, '-', to, ..] => {
                some |= from <= to && (from, to) != ('/', '/');
                at += 3;
            }
            [letter, ..] => {
                some |= letter != '/';
                at += 1;
            }
            [] => break,
        }
    }
    some
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_choice_that_no_letter_meets_is_found() {
        for (pattern, found) in [
            ("[a-z]*.csv", None),
            ("[!z-a]", None),
            ("[]a]/[!]]", None),
            ("[a-]", None),
            ("[z-a0]", None),
            ("x/[z-a].csv", Some("[z-a]")),
            ("[ab][9-0]", Some("[9-0]")),
            ("a[/]b", Some("[/]")),
            ("é[ü-à]", Some("[ü-à]")),
        ] {
            assert_eq!(empty_choice(pattern), found, "{pattern}");
        }
    }

    #[test]
    fn a_pattern_looks_for_a_file_and_for_what_is_in_a_folder() {
        for (pattern, path, looks) in [
            ("out/*.csv", "out/a.csv", true),
            ("out/*.csv", "./out/a.csv", true),
            ("out/*.csv", "out/", true),
            ("out/*.csv", "ou", false),
            ("out/*.csv", "out/x/a.csv", false),
            ("out/**/*.csv", "out/x/a.csv", true),
            ("[", "[", false),
        ] {
            assert_eq!(looks_for(pattern, path), looks, "{pattern} {path}");
        }
    }

    #[test]
    fn files_are_found_in_folders_and_sorted() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["b.csv", "a.csv", ".hidden.csv", "x/c.csv", "x/y/d.csv", "x/e.txt"] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let names = |pattern: &str| -> Vec<String> {
            let found = files(folder.path(), pattern).unwrap();
            found.iter().map(|path| path.strip_prefix(folder.path()).unwrap().display().to_string()).collect()
        };
        assert_eq!(names("*.csv"), ["a.csv", "b.csv"]);
        assert_eq!(names("?.csv"), ["a.csv", "b.csv"]);
        assert_eq!(names("x/*.csv"), ["x/c.csv"]);
        assert_eq!(names("**/*.csv"), ["a.csv", "b.csv", "x/c.csv", "x/y/d.csv"]);
        assert!(names("nowhere/*.csv").is_empty());
        assert!(files(folder.path(), "a**").unwrap_err().to_string().contains("`a**`"));
    }
}
