//! Words of a command line for people to copy.

/// `text` as one word of a shell: as it is where that is safe, else in single quotes.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,+=@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// The words of a line: blanks part them, single and double quotes hold them together, a backslash keeps the next character.
/// `None` if a quote has no end. Nothing else means anything, as no shell is asked.
pub fn split(line: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut letters = line.chars();
    while let Some(c) = letters.next() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().push(letters.next()?),
            (None, _) if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_hold_words_together() {
        let words = |line| split(line).map(|words| words.join("|"));
        for (line, parted) in [
            ("less {log}", Some("less|{log}")),
            ("  a  'b c' \"d \\\" e\" f\\ g ''", Some("a|b c|d \" e|f g|")),
            ("a'b'c", Some("abc")),
            ("$HOME *", Some("$HOME|*")),
            ("", Some("")),
            ("'open", None),
            ("end\\", None),
        ] {
            assert_eq!(words(line).as_deref(), parted, "{line}");
        }
    }

    #[test]
    fn a_word_is_quoted_only_where_it_must_be() {
        assert_eq!(["a/b.c", "", "it's $x"].map(quoted), ["a/b.c", "''", "'it'\\''s $x'"]);
    }
}
