//! Words of a command line for people to copy.

/// `text` as one word of a shell: as it is where that is safe, else in single quotes.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,+=@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_only_where_it_must_be() {
        assert_eq!(["a/b.c", "", "it's $x"].map(quoted), ["a/b.c", "''", "'it'\\''s $x'"]);
    }
}
