//! Values of params as the command line gives them: `-p K=V` and a file.

use super::Failure;
use serde_json::Value;
use std::{collections::BTreeMap, path::Path};

/// Values by name; those of the command line win over those of the file.
pub fn params(pairs: &[String], file: Option<&Path>) -> Result<BTreeMap<String, Value>, Failure> {
    let mut given = file.map_or_else(|| Ok(BTreeMap::new()), from_file)?;
    for pair in pairs {
        let Some((name, value)) = pair.split_once('=').filter(|(name, _)| !name.trim().is_empty()) else {
            return Err(Failure::usage(format!("-p {pair}: a param is given as NAME=VALUE")));
        };
        given.insert(name.trim().to_owned(), Value::String(value.to_owned()));
    }
    Ok(given)
}

fn from_file(path: &Path) -> Result<BTreeMap<String, Value>, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| Failure::usage(format!("--params-file {shown} cannot be read: {error}")))?;
    parse(&text).map_err(|error| Failure::usage(format!("--params-file {shown}: {error}")))
}

/// A JSON object if it begins like one, else TOML.
fn parse(text: &str) -> Result<BTreeMap<String, Value>, String> {
    if text.trim_start().starts_with(['{', '[']) && serde_json::from_str::<Value>(text).is_ok_and(|value| !value.is_object()) {
        return Err("a JSON object of names and values is expected".to_owned());
    }
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"));
    }
    let table: toml::Table = toml::from_str(text).map_err(|error| format!("not TOML: {}", error.to_string().trim_end()))?;
    serde_json::to_value(table).and_then(serde_json::from_value).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_file_is_toml_or_json_and_the_command_line_wins() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("a.toml", "rounds = 5\nlabel = \"late\"\n"), ("a.json", "{\"rounds\": 5, \"label\": \"late\"}")] {
            let file = folder.path().join(name);
            std::fs::write(&file, text).unwrap();
            let given = params(&["rounds=7".to_owned()], Some(&file)).unwrap();
            assert_eq!(given, BTreeMap::from([("label".to_owned(), json!("late")), ("rounds".to_owned(), json!("7"))]));
        }
    }

    #[test]
    fn what_is_no_pair_and_what_is_no_table_is_said() {
        let said = |result: Result<_, Failure>| match result {
            Err(Failure::Said { code: 2, message }) => message,
            other => panic!("{other:?}"),
        };
        assert!(said(params(&["rounds".to_owned()], None)).contains("NAME=VALUE"));
        assert!(said(params(&["=5".to_owned()], None)).contains("NAME=VALUE"));
        assert!(said(params(&[], Some(Path::new("/nowhere/p.toml")))).contains("cannot be read"));
        assert!(parse("[1, 2]").unwrap_err().contains("object"));
        assert!(parse("rounds = ").unwrap_err().contains("not TOML"));
    }
}
