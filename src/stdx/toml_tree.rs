//! TOML with places: a tree whose every key and value knows its bytes, in the order of the file.

use std::ops::Range;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Bytes of the file.
pub type Span = Range<usize>;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it stands; a table that no header opens stands where its first key stands.
    pub span: Span,
}

/// A TOML value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `"…"`.
    Text(String),
    /// A 64-bit whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// A date, a time or both, as written.
    Date(String),
    /// `[…]`, or `[[…]]`.
    List(Vec<Node>),
    /// `[…]` headers, dotted keys and `{…}`.
    Table(Table),
}

/// Keys and values in the order of the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table(pub Vec<Entry>);

/// One key and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key, unquoted.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub node: Node,
}

/// What TOML itself says is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// In the parser's words.
    pub message: String,
    /// Where.
    pub span: Span,
}

/// Reads all of `text`; what is broken is told and left out.
pub fn parse(text: &str) -> (Table, Vec<SyntaxError>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut errors: Vec<SyntaxError> = errors
        .into_iter()
        .map(|e| SyntaxError { message: e.message().to_owned(), span: e.span().unwrap_or(text.len()..text.len()) })
        .collect();
    let table = table_of(table.into_inner(), &mut errors);
    (table, errors)
}

fn table_of(table: DeTable<'_>, errors: &mut Vec<SyntaxError>) -> Table {
    let mut entries: Vec<Entry> = table
        .into_iter()
        .map(|(key, value)| {
            let key_span = key.span();
            let mut node = node_of(value, errors);
            if node.span.is_empty() {
                node.span = key_span.clone();
            }
            Entry { key: key.into_inner().into_owned(), key_span, node }
        })
        .collect();
    // The library sorts tables by key; people think in the order in which they wrote.
    entries.sort_by_key(|entry| entry.key_span.start);
    Table(entries)
}

fn node_of(value: Spanned<DeValue<'_>>, errors: &mut Vec<SyntaxError>) -> Node {
    let span = value.span();
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Int(number),
            Err(_) => {
                errors.push(SyntaxError { message: format!("`{number}` does not fit into 64 bits"), span: span.clone() });
                Value::Int(0)
            }
        },
        DeValue::Float(number) => match number.as_str().parse() {
            Ok(number) => Value::Float(number),
            Err(_) => {
                errors.push(SyntaxError { message: format!("`{number}` is not a number"), span: span.clone() });
                Value::Float(0.0)
            }
        },
        DeValue::Boolean(value) => Value::Bool(value),
        DeValue::Datetime(value) => Value::Date(value.to_string()),
        DeValue::Array(list) => Value::List(list.into_iter().map(|node| node_of(node, errors)).collect()),
        DeValue::Table(table) => Value::Table(table_of(table, errors)),
    };
    Node { value, span }
}

impl Table {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.node)
    }
    /// A key with its place and value.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.key == key)
    }
    /// The text of a key, if it holds one.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Node::as_text)
    }
    /// The table of a key, if it holds one.
    pub fn table(&self, key: &str) -> Option<&Table> {
        self.get(key).and_then(Node::as_table)
    }
    /// The elements of a key, if it holds a list.
    pub fn list(&self, key: &str) -> &[Node] {
        self.get(key).map_or(&[], Node::as_list)
    }
}

impl Node {
    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
    /// The table, if it is one.
    pub fn as_table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }
    /// The elements, if it is a list.
    pub fn as_list(&self) -> &[Node] {
        match &self.value {
            Value::List(list) => list,
            _ => &[],
        }
    }
    /// The whole number, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self.value {
            Value::Int(number) => Some(number),
            _ => None,
        }
    }
    /// What it is, in a word with its article.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Text(_) => "a text",
            Value::Int(_) => "a whole number",
            Value::Float(_) => "a number",
            Value::Bool(_) => "true or false",
            Value::Date(_) => "a date",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }
    /// The same value as JSON; dates become texts, and numbers that JSON has not become null.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Text(text) | Value::Date(text) => text.as_str().into(),
            Value::Int(number) => (*number).into(),
            Value::Float(number) => (*number).into(),
            Value::Bool(value) => (*value).into(),
            Value::List(list) => list.iter().map(Node::to_json).collect(),
            Value::Table(table) => serde_json::Value::Object(table.0.iter().map(|e| (e.key.clone(), e.node.to_json())).collect()),
        }
    }
    /// Where byte `offset` of this text stands in the file `source`: quotes and escapes are longer in the file.
    pub fn place_in_text(&self, source: &str, offset: usize) -> usize {
        let raw = source.get(self.span.clone()).unwrap_or_default();
        self.span.start + raw_offset(raw, offset)
    }
}

/// The byte of the quoted `raw` that becomes byte `wanted` of the text it stands for.
fn raw_offset(raw: &str, wanted: usize) -> usize {
    let (quotes, literal) = match raw {
        _ if raw.starts_with("\"\"\"") => (3, false),
        _ if raw.starts_with("'''") => (3, true),
        _ if raw.starts_with('"') => (1, false),
        _ if raw.starts_with('\'') => (1, true),
        _ => return 0,
    };
    let mut at = quotes;
    if quotes == 3 {
        let body = &raw[at..];
        at += if body.starts_with("\r\n") { 2 } else { usize::from(body.starts_with('\n')) };
    }
    let mut made = 0;
    while made < wanted {
        let Some(c) = raw[at..].chars().next() else { return at };
        if c == '\\' && !literal {
            let (length, bytes) = escape(&raw[at..]);
            at += length;
            made += bytes;
        } else {
            at += c.len_utf8();
            made += c.len_utf8();
        }
    }
    // A backslash at the end of a line stands for nothing: the byte meant is behind it.
    while !literal && raw[at..].starts_with('\\') && escape(&raw[at..]).1 == 0 {
        at += escape(&raw[at..]).0;
    }
    at
}

/// How long the escape at the start of `raw` is, and how many bytes it stands for.
fn escape(raw: &str) -> (usize, usize) {
    let digits = |count: usize| {
        let code = raw.get(2..2 + count).and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
        code.map_or((raw.len().min(2), 1), |c| (2 + count, c.len_utf8()))
    };
    match raw[1..].chars().next() {
        Some('x') => digits(2),
        Some('u') => digits(4),
        Some('U') => digits(8),
        Some(c) if c.is_whitespace() => (1 + raw[1..].len() - raw[1..].trim_start().len(), 0),
        Some(c) => (1 + c.len_utf8(), 1),
        None => (1, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_the_order_of_the_file() {
        let (table, errors) = parse("z = 1\na.c = 2\n[m]\nx = 1\n[b]\n");
        assert!(errors.is_empty());
        assert_eq!(table.0.iter().map(|e| e.key.as_str()).collect::<Vec<_>>(), ["z", "a", "m", "b"]);
    }

    #[test]
    fn a_place_in_a_text_is_found_again_behind_quotes_and_escapes() {
        for source in [
            r#"k = "ab\tcX""#,
            r#"k = 'abccX'"#,
            "k = \"\"\"\nabccX\"\"\"",
            "k = '''\r\nabccX'''",
            r#"k = "\u0061bccX""#,
            "k = \"\"\"abcc\\\n   X\"\"\"",
        ] {
            let (table, errors) = parse(source);
            assert!(errors.is_empty(), "{source} {errors:?}");
            let node = table.get("k").unwrap();
            assert_eq!(node.as_text().unwrap().find('X'), Some(4), "{source}");
            assert_eq!(source[node.place_in_text(source, 4)..].chars().next(), Some('X'), "{source}");
        }
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_overflow() {
        for bomb in [
            format!("a = {}", "[".repeat(200_000)),
            format!("{} = 1", vec!["a"; 200_000].join(".")),
            "a = ".to_owned() + &"{b=".repeat(100_000),
        ] {
            assert!(!parse(&bomb).1.is_empty());
        }
    }
}
