//! The language of filters: `state=failed since=7d param.lr<0.1 !nightly`. Text in, verdicts out: no terminal, no clock.
//!
//! Every term must hold. A bare word is looked for as a regular expression, whatever its capitals; `!` before a term turns it
//! around; quotes keep spaces together. Which keys there are, a view says in a table of [`Key`].

use crate::stdx::{duration, suggest, time::Timestamp};
use chrono::NaiveDate;
use regex::{Regex, RegexBuilder};

/// A key that can be compared.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name; one that ends with `.` is the beginning of many.
    pub name: &'static str,
    /// What it is compared with.
    pub kind: Kind,
}

/// What a key is compared with.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Any word or number.
    Any,
    /// One of these words.
    Choice(fn() -> Vec<&'static str>),
    /// A length of time, such as `5m`.
    Span,
    /// Not before that time: a date, or how long ago.
    Since,
    /// Before that time.
    Before,
}

/// A value of a line.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A word.
    Text(String),
    /// A number.
    Number(f64),
}

/// What can be asked of a line of a list.
pub trait Subject {
    /// The texts in which a bare word is looked for.
    fn texts(&self) -> Vec<String>;
    /// The values of a key; several if any of them will do, none if it has none.
    fn values(&self, key: &str) -> Vec<Value>;
    /// When it was, for `since` and `before`.
    fn at(&self) -> Option<Timestamp>;
}

/// What a filter asks, read once.
#[derive(Debug, Clone, Default)]
pub struct Query {
    terms: Vec<Term>,
    /// What in the text could not be understood; those terms are left out.
    pub problems: Vec<String>,
}

#[derive(Debug, Clone)]
struct Term {
    inverse: bool,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    Text(Regex),
    Compare { key: String, op: Op, wanted: Vec<Value> },
    Like { key: String, pattern: Regex },
    Since(Timestamp),
    Before(Timestamp),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Is,
    IsNot,
    Less,
    AtMost,
    More,
    AtLeast,
    Like,
}

/// Longer ones first, so that `<=` is not read as `<`.
const OPS: &[(&str, Op)] =
    &[("!=", Op::IsNot), ("<=", Op::AtMost), (">=", Op::AtLeast), ("=", Op::Is), ("<", Op::Less), (">", Op::More), ("~", Op::Like)];

impl Query {
    /// Reads what was typed; `now` is what ages are counted from.
    pub fn parse(text: &str, keys: &[Key], now: Timestamp) -> Self {
        let mut query = Self::default();
        for word in words(text) {
            let (inverse, bare) = match word.strip_prefix('!') {
                Some(rest) if !rest.is_empty() => (true, rest),
                _ => (false, word.as_str()),
            };
            match test(bare, keys, now) {
                Ok(test) => query.terms.push(Term { inverse, test }),
                Err(problem) => query.problems.push(problem),
            }
        }
        query
    }

    /// Whether it keeps everything.
    pub const fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether a line meets every term.
    pub fn keeps(&self, line: &impl Subject) -> bool {
        self.terms.iter().all(|term| term.test.holds(line) != term.inverse)
    }

    /// The time before which nothing is kept, so that nobody needs to look there.
    pub fn since(&self) -> Option<Timestamp> {
        let times = self.terms.iter().filter_map(|term| match (&term.test, term.inverse) {
            (Test::Since(at), false) | (Test::Before(at), true) => Some(*at),
            _ => None,
        });
        times.max()
    }

    /// The one word that a key must be, if a term says so.
    pub fn only(&self, wanted_key: &str) -> Option<&str> {
        self.terms.iter().find_map(|term| match &term.test {
            Test::Compare { key, op: Op::Is, wanted } if key == wanted_key && !term.inverse => match wanted.as_slice() {
                [Value::Text(word)] => Some(word.as_str()),
                _ => None,
            },
            _ => None,
        })
    }

    /// Whether a term asks for a key that begins so.
    pub fn asks_for(&self, beginning: &str) -> bool {
        self.terms.iter().any(|term| match &term.test {
            Test::Compare { key, .. } | Test::Like { key, .. } => key.starts_with(beginning),
            Test::Text(_) | Test::Since(_) | Test::Before(_) => false,
        })
    }
}

impl Test {
    fn holds(&self, line: &impl Subject) -> bool {
        match self {
            Self::Text(pattern) => line.texts().iter().any(|text| pattern.is_match(text)),
            Self::Like { key, pattern } => line.values(key).iter().any(|value| pattern.is_match(&value.to_text())),
            Self::Compare { key, op: Op::IsNot, wanted } => !line.values(key).iter().any(|value| compare(Op::Is, value, wanted)),
            Self::Compare { key, op, wanted } => line.values(key).iter().any(|value| compare(*op, value, wanted)),
            Self::Since(from) => line.at().is_some_and(|at| at >= *from),
            Self::Before(until) => line.at().is_some_and(|at| at < *until),
        }
    }
}

impl Value {
    /// As it is typed.
    fn to_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
        }
    }

    /// Of a param or a metric.
    pub fn of(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Number(number) => Self::Number(number.as_f64().unwrap_or(f64::NAN)),
            serde_json::Value::String(text) => Self::Text(text.clone()),
            other => Self::Text(other.to_string()),
        }
    }
}

fn compare(op: Op, value: &Value, wanted: &[Value]) -> bool {
    wanted.iter().any(|wanted| match (value, wanted) {
        (Value::Number(is), Value::Number(than)) => match op {
            Op::Less => is < than,
            Op::AtMost => is <= than,
            Op::More => is > than,
            Op::AtLeast => is >= than,
            Op::Is | Op::IsNot | Op::Like => (is - than).abs() <= f64::EPSILON * is.abs().max(than.abs()),
        },
        (value, wanted) => op == Op::Is && value.to_text().eq_ignore_ascii_case(&wanted.to_text()),
    })
}

/// One term without its `!`.
fn test(word: &str, keys: &[Key], now: Timestamp) -> Result<Test, String> {
    let Some((name, op, value)) = split(word) else { return pattern(word).map(Test::Text) };
    let known = |key: &&Key| match key.name.ends_with('.') {
        true => name.len() > key.name.len() && name.starts_with(key.name),
        false => key.name == name,
    };
    let Some(key) = keys.iter().find(known) else {
        let names: Vec<_> = keys.iter().map(|key| key.name).collect();
        let hint = suggest::nearest(name, names.iter().copied())
            .map_or_else(|| format!("known are {}", names.join(" ")), |near| format!("did you mean `{near}`?"));
        return Err(format!("unknown key `{name}`: {hint}"));
    };
    if value.is_empty() {
        return Err(format!("`{name}` of what?"));
    }
    let key_name = name.to_owned();
    match key.kind {
        Kind::Since | Kind::Before if op != Op::Is => Err(format!("write `{name}=7d` or `{name}=2026-03-14`")),
        Kind::Since => time(value, now).map(Test::Since),
        Kind::Before => time(value, now).map(Test::Before),
        _ if op == Op::Like => pattern(value).map(|pattern| Test::Like { key: key_name, pattern }),
        kind => {
            let ordered = !matches!(op, Op::Is | Op::IsNot);
            let wanted = value.split(',').map(|one| wanted(one, kind, ordered)).collect::<Result<Vec<_>, _>>()?;
            Ok(Test::Compare { key: key_name, op, wanted })
        }
    }
}

/// `key`, operator and value, if it looks like that.
fn split(word: &str) -> Option<(&str, Op, &str)> {
    let end = word.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.' || c == '-'))?;
    let (name, rest) = word.split_at(end);
    let (sign, op) = OPS.iter().find(|(sign, _)| rest.starts_with(sign))?;
    (!name.is_empty()).then_some((name, *op, &rest[sign.len()..]))
}

fn wanted(one: &str, kind: Kind, ordered: bool) -> Result<Value, String> {
    match kind {
        Kind::Span => duration::parse(one).map(|span| Value::Number(span.as_secs_f64())),
        Kind::Choice(words) => {
            let words = words();
            match words.iter().find(|word| word.eq_ignore_ascii_case(one)) {
                Some(word) => Ok(Value::Text((*word).to_owned())),
                None => {
                    let near = suggest::nearest(one, words.iter().copied());
                    let hint = near.map_or_else(|| format!("known are {}", words.join(" ")), |near| format!("did you mean `{near}`?"));
                    Err(format!("unknown word `{one}`: {hint}"))
                }
            }
        }
        Kind::Any | Kind::Since | Kind::Before => match one.parse::<f64>() {
            Ok(number) => Ok(Value::Number(number)),
            Err(_) if ordered => Err(format!("not a number: {one:?}")),
            Err(_) => Ok(Value::Text(one.to_owned())),
        },
    }
}

/// How long ago, or a date.
fn time(value: &str, now: Timestamp) -> Result<Timestamp, String> {
    if let Ok(date) = value.parse::<NaiveDate>() {
        return Ok(date.and_time(chrono::NaiveTime::MIN).and_utc());
    }
    let ago = duration::parse(value).map_err(|_| format!("`{value}` is neither an age, such as 7d, nor a date, such as 2026-03-14"))?;
    Ok(now - chrono::Duration::from_std(ago).unwrap_or_default())
}

/// A regular expression; what is none is looked for as it stands.
fn pattern(text: &str) -> Result<Regex, String> {
    let build = |source: &str| RegexBuilder::new(source).case_insensitive(true).size_limit(1 << 20).build();
    build(text)
        .or_else(|_| build(&regex::escape(text)))
        .map_err(|_| format!("`{}…` is too long", text.chars().take(20).collect::<String>()))
}

/// Words at spaces; `"…"` keeps spaces together.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted) = (String::new(), false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const KEYS: &[Key] = &[
        Key { name: "state", kind: Kind::Choice(|| vec!["success", "failed", "canceled"]) },
        Key { name: "since", kind: Kind::Since },
        Key { name: "before", kind: Kind::Before },
        Key { name: "took", kind: Kind::Span },
        Key { name: "owner", kind: Kind::Any },
        Key { name: "param.", kind: Kind::Any },
    ];

    struct Run {
        name: &'static str,
        state: &'static str,
        age: i64,
        lr: Option<f64>,
    }

    const RUN: Run = Run { name: "ml_training", state: "failed", age: 3, lr: Some(0.05) };

    impl Subject for Run {
        fn texts(&self) -> Vec<String> {
            vec![self.name.to_owned(), "ada@laptop".to_owned()]
        }
        fn values(&self, key: &str) -> Vec<Value> {
            match key {
                "state" => vec![Value::Text(self.state.to_owned())],
                "took" => vec![Value::Number(90.0)],
                "owner" => vec![Value::Text("ml team".to_owned())],
                "param.lr" => self.lr.map(Value::Number).into_iter().collect(),
                _ => Vec::new(),
            }
        }
        fn at(&self) -> Option<Timestamp> {
            Some(now() - chrono::Duration::days(self.age))
        }
    }

    fn now() -> Timestamp {
        "2026-03-14T12:00:00Z".parse().unwrap()
    }

    fn keeps(text: &str) -> bool {
        let query = Query::parse(text, KEYS, now());
        assert_eq!(query.problems, [""; 0], "{text}");
        query.keeps(&RUN)
    }

    #[test]
    fn every_term_must_hold() {
        for (text, kept) in [
            ("", true),
            ("TRAIN", true),
            ("ml_.*ing$ laptop", true),
            ("^training", false),
            ("nothing", false),
            ("!nothing", true),
            ("!train", false),
            ("state=failed", true),
            ("state=success,FAILED", true),
            ("state!=failed", false),
            ("!state=failed", false),
            ("since=7d", true),
            ("since=2d", false),
            ("since=2026-03-11", true),
            ("since=2026-03-12", false),
            ("before=2d", true),
            ("!since=2d", true),
            ("took>1m", true),
            ("took<=1m30s", true),
            ("took>2m", false),
            ("param.lr<0.1", true),
            ("param.lr>=0.1", false),
            ("param.lr=0.05", true),
            ("param.lr=0.05,0.1", true),
            ("param.depth<3", false),
            ("param.depth!=3", true),
            ("owner=\"ml team\"", true),
            ("owner~^ML", true),
            ("owner~^team", false),
            ("state=failed since=7d param.lr<0.1 train", true),
            ("state=failed since=7d param.lr<0.01 train", false),
        ] {
            assert_eq!(keeps(text), kept, "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_said_and_left_out() {
        for (text, problem) in [
            ("stat=failed", "unknown key `stat`: did you mean `state`?"),
            ("colour=red", "unknown key `colour`: known are state since before took owner param."),
            ("state=faild", "unknown word `faild`: did you mean `failed`?"),
            ("param.lr<much", "not a number: \"much\""),
            ("param.=3", "unknown key `param.`"),
            ("since=soon", "`soon` is neither an age, such as 7d, nor a date, such as 2026-03-14"),
            ("since<7d", "write `since=7d` or `since=2026-03-14`"),
            ("took>5", "`5` is not a duration"),
            ("owner=", "`owner` of what?"),
        ] {
            let query = Query::parse(&format!("{text} train"), KEYS, now());
            assert!(query.problems.len() == 1 && query.problems[0].starts_with(problem), "{text}: {:?}", query.problems);
            assert!(query.keeps(&RUN), "{text}");
        }
    }

    #[test]
    fn what_is_no_regular_expression_is_looked_for_as_it_stands() {
        let named = |name| Run { name, ..RUN };
        let keeps = |text, name| Query::parse(text, KEYS, now()).keeps(&named(name));
        assert!(keeps("f(", "f(x)") && !keeps("f(", "fx"));
        assert!(keeps("*", "a*b") && !keeps("*", "ab"));
        assert!(keeps("!", "wow!") && !keeps("!", "wow"));
    }

    #[test]
    fn a_query_says_where_nobody_needs_to_look() {
        let query = |text: &str| Query::parse(text, KEYS, now());
        assert_eq!(query("since=2d since=5d").since(), Some(now() - chrono::Duration::days(2)));
        assert_eq!(query("!since=2d").since(), None);
        assert_eq!(query("state=failed").only("state"), Some("failed"));
        assert_eq!((query("state=failed,success").only("state"), query("!state=failed").only("state")), (None, None));
        assert!(query("param.lr<1").asks_for("param.") && !query("param").asks_for("param."));
        assert!(query("  ").is_empty());
    }
}
