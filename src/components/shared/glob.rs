//! Finds files by a pattern: `*` and `?` within a name, `**` for any number of folders.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The files below `base` whose path matches `pattern`, sorted. Names that begin with a dot are left out unless the pattern begins so.
///
/// # Errors
/// A folder that can not be read; a folder that is not there has no files.
pub fn files(base: &Path, pattern: &str) -> io::Result<Vec<PathBuf>> {
    let segments: Vec<&str> = pattern.split('/').filter(|segment| !segment.is_empty() && *segment != ".").collect();
    let mut found = Vec::new();
    descend(base, &segments, &mut found)?;
    found.sort();
    found.dedup();
    Ok(found)
}

fn descend(folder: &Path, segments: &[&str], found: &mut Vec<PathBuf>) -> io::Result<()> {
    let Some((first, rest)) = segments.split_first() else { return Ok(()) };
    if *first == "**" {
        descend(folder, rest, found)?;
    }
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let hidden = name.starts_with('.') && !first.starts_with('.');
        if hidden {
            continue;
        }
        if *first == "**" {
            // A linked folder is not followed here: a link to a parent would never end.
            if path.is_dir() && !path.is_symlink() {
                descend(&path, segments, found)?;
            }
        } else if name_matches(first, &name) {
            if rest.is_empty() {
                if path.is_file() {
                    found.push(path);
                }
            } else if path.is_dir() {
                descend(&path, rest, found)?;
            }
        }
    }
    Ok(())
}

fn name_matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == '?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                // Let the last star take one character more; without a star nothing helps.
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                p = at + 1;
                n = taken + 1;
            }
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_match_within_a_name() {
        for (pattern, name, matches) in [
            ("flights_*.csv.gz", "flights_2013_01.csv.gz", true),
            ("flights_*.csv.gz", "flights_2013_01.csv", false),
            ("*", "a", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b", "xaxxbab", true),
            ("*a*b", "xaxxba", false),
        ] {
            assert_eq!(name_matches(pattern, name), matches, "{pattern} {name}");
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
        assert_eq!(names("x/*.csv"), ["x/c.csv"]);
        assert_eq!(names("**/*.csv"), ["a.csv", "b.csv", "x/c.csv", "x/y/d.csv"]);
        assert!(names("nowhere/*.csv").is_empty());
    }
}
