//! Finds files by a pattern: `*` and `?` within a name, `**` for any number of folders.

use ::glob::{MatchOptions, Pattern, glob_with};
use std::{
    io,
    path::{Path, PathBuf},
};

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
    let options = MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };
    let whole = format!("{}/{pattern}", Pattern::escape(base));
    let entries = glob_with(&whole, options).map_err(|error| invalid(format!("`{pattern}` is no pattern: {}", error.msg)))?;
    let mut found = entries.collect::<Result<Vec<PathBuf>, _>>().map_err(io::Error::from)?;
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

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
