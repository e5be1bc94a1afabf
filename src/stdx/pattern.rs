//! Regular expressions that people write over lines of text: `^` and `$` are the ends of a line.

use regex::{Regex, RegexBuilder};

/// Largest compiled expression in bytes: one that a typing error made huge is refused.
const LARGEST: usize = 1 << 20;

/// Compiles `pattern`.
///
/// # Errors
/// What is wrong with it, in one line.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern).size_limit(LARGEST).multi_line(true).build().map_err(|error| {
        let why = error.to_string();
        why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
    })
}
