//! "Did you mean": the nearest of some known names.

/// The candidate nearest to `word`, if one is near enough to be worth saying.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters = word.chars().count();
    // With as many changes as it has letters, every word is near every other.
    let allowed = (letters / 3).clamp(1, 3).min(letters.saturating_sub(1));
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_word_and_nonsense_finds_none() {
        let tasks = ["extract_data", "train_model", "evaluate"];
        assert_eq!(nearest("trian_model", tasks), Some("train_model"));
        assert_eq!(nearest("evalute", tasks), Some("evaluate"));
        assert_eq!(nearest("deploy", tasks), None);
        assert_eq!(nearest("q", ["n"]), None, "nothing of the word is left");
        assert_eq!(nearest("", ["n"]), None);
    }
}
