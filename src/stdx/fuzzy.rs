//! How well a few typed letters fit a text: all of them in order, the better the closer together and at beginnings of words.

/// Points for a letter that follows the one before it.
const NEXT: i32 = 8;
/// Points for a letter that begins a word.
const BEGINS: i32 = 6;
/// Points for any letter.
const LETTER: i32 = 2;
/// Points lost for each letter between two that fit, up to a bound.
const GAP: i32 = 1;
const LARGEST_GAP: i32 = 4;

/// The points of a text, and the places of its letters that fit; `None` if some letter is missing. Capitals count only where
/// the query has some. Blanks in the query part words, each of which must fit.
pub fn score(query: &str, text: &str) -> Option<(i32, Vec<usize>)> {
    let exact = query.chars().any(char::is_uppercase);
    let fold = |c: char| if exact { c } else { c.to_lowercase().next().unwrap_or(c) };
    let letters: Vec<char> = text.chars().map(fold).collect();
    let mut points = -i32::try_from(letters.len().min(100)).unwrap_or(100) / 10;
    let mut places = Vec::new();
    for word in query.split_whitespace() {
        let word: Vec<char> = word.chars().map(fold).collect();
        let (gained, found) = best(&word, &letters)?;
        points += gained;
        places.extend(found);
    }
    places.sort_unstable();
    places.dedup();
    Some((points, places))
}

/// The best of all ways to find the letters in order.
fn best(word: &[char], letters: &[char]) -> Option<(i32, Vec<usize>)> {
    // For each letter of the text: the best points of a way whose last letter is there, and the letter before it.
    let mut ways: Vec<Vec<Option<(i32, usize)>>> = Vec::with_capacity(word.len());
    for (at, wanted) in word.iter().enumerate() {
        let mut row = vec![None; letters.len()];
        for (place, _) in letters.iter().enumerate().filter(|(_, letter)| *letter == wanted) {
            let own = LETTER + if begins_word(letters, place) { BEGINS } else { 0 };
            row[place] = match at.checked_sub(1).map(|before| &ways[before]) {
                None => Some((own, place)),
                Some(before) => {
                    (0..place).filter_map(|from| Some((before[from]?.0 + own + closeness(place - from), from))).max_by_key(|way| way.0)
                }
            };
        }
        ways.push(row);
    }
    let last = ways.last()?;
    let (mut place, points) = last.iter().enumerate().filter_map(|(at, way)| Some((at, (*way)?.0))).max_by_key(|(_, points)| *points)?;
    let mut places = Vec::with_capacity(word.len());
    for row in ways.iter().rev() {
        places.push(place);
        place = row[place]?.1;
    }
    Some((points, places))
}

fn closeness(distance: usize) -> i32 {
    if distance == 1 { NEXT } else { -(GAP * i32::try_from(distance).unwrap_or(LARGEST_GAP)).min(LARGEST_GAP) }
}

fn begins_word(letters: &[char], at: usize) -> bool {
    at == 0 || !letters[at - 1].is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order<'a>(query: &str, texts: &[&'a str]) -> Vec<&'a str> {
        let mut found: Vec<_> = texts.iter().filter_map(|text| Some((score(query, text)?.0, *text))).collect();
        found.sort_by_key(|(points, _)| -points);
        found.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn letters_together_and_at_beginnings_fit_better() {
        assert_eq!(order("ret", &["interpret", "a great deal", "Retry the task"]), ["Retry the task", "interpret", "a great deal"]);
        assert_eq!(order("mt", &["comet", "ml_training"]), ["ml_training", "comet"]);
        assert_eq!(order("xyz", &["Retry"]), [""; 0]);
    }

    #[test]
    fn words_may_come_in_any_order_and_capitals_count_where_they_are_typed() {
        assert!(score("run cancel", "Cancel the run").is_some());
        assert!(score("CANCEL", "Cancel the run").is_none() && score("cancel", "CANCEL").is_some());
        assert_eq!(score("", "anything").map(|(_, places)| places), Some(vec![]));
        assert_eq!(score("try", "Retry").map(|(_, places)| places), Some(vec![2, 3, 4]));
    }
}
