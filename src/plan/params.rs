//! Values of params: defaults, `-p K=V`, types and ranges.

use crate::{
    model::{ParamDef, Params, did_you_mean},
    stdx::ids::as_identifier,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// Typed values for every param. A given text is read as the declared type; a given JSON value must have it.
///
/// # Errors
/// One sentence for each unknown name (with "did you mean"), missing value, wrong type or value out of range.
pub fn resolve(defs: &[ParamDef], given: &BTreeMap<String, Value>) -> Result<Params, Vec<String>> {
    let (mut values, mut wrong) = (Params::new(), Vec::new());
    let mut given_for: BTreeMap<&str, &Value> = BTreeMap::new();
    for (name, value) in given {
        match defs.iter().find(|def| as_identifier(&def.name) == as_identifier(name)) {
            Some(def) => {
                if given_for.insert(&def.name, value).is_some() {
                    wrong.push(format!("param `{}` is given twice: `-` and `_` are the same in its name", def.name));
                }
            }
            None => wrong.push(unknown(name, defs)),
        }
    }
    for def in defs {
        let result = match (given_for.get(def.name.as_str()), &def.default) {
            (Some(value), _) => def.typed(value),
            (None, Some(default)) => def.typed(default),
            (None, None) => Err(format!("param `{}` has no default and must be given: -p {}=…", def.name, def.name)),
        };
        match result {
            Ok(value) => drop(values.insert(def.name.clone(), value)),
            Err(sentence) => wrong.push(sentence),
        }
    }
    if wrong.is_empty() { Ok(values) } else { Err(wrong) }
}

fn unknown(name: &str, defs: &[ParamDef]) -> String {
    let names: Vec<&str> = defs.iter().map(|def| def.name.as_str()).collect();
    let hint = did_you_mean(name, names.iter().copied()).unwrap_or_else(|| match names.as_slice() {
        [] => "the pipeline has no params".into(),
        names => format!("it has {}", names.join(", ")),
    });
    format!("there is no param `{name}`; {hint}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ParamType;
    use serde_json::json;

    fn defs() -> Vec<ParamDef> {
        let def = |name: &str, kind, default| ParamDef { name: name.into(), kind, default, description: String::new() };
        vec![
            def("epochs", ParamType::Int { min: Some(1), max: Some(100) }, Some(json!(50))),
            def("min-auc", ParamType::Float { min: None, max: Some(1.0) }, Some(json!(0.9))),
            def("fast", ParamType::Bool, Some(json!(false))),
            def("name", ParamType::String, None),
            def("model", ParamType::Choice { choices: vec!["gbdt".into(), "logistic".into()] }, Some(json!("gbdt"))),
        ]
    }

    fn given(pairs: &[(&str, Value)]) -> BTreeMap<String, Value> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    #[test]
    fn texts_are_read_as_the_declared_type() {
        let values = resolve(
            &defs(),
            &given(&[
                ("epochs", json!("5")),
                ("min_auc", json!("1")),
                ("fast", json!("true")),
                ("name", json!("5")),
                ("model", json!("logistic")),
            ]),
        );
        assert_eq!(values.map(Value::Object), Ok(json!({"epochs": 5, "min-auc": 1.0, "fast": true, "name": "5", "model": "logistic"})));
    }

    #[test]
    fn values_of_a_form_must_have_the_type_and_whole_numbers_are_numbers() {
        let values = resolve(&defs(), &given(&[("name", json!("x")), ("min-auc", json!(1))])).unwrap();
        assert_eq!((&values["name"], values["min-auc"].as_f64()), (&json!("x"), Some(1.0)));
        assert_eq!(resolve(&defs(), &given(&[("name", json!(5))])), Err(vec!["param `name` takes a text, not `5`".into()]));
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let wrong = resolve(
            &defs(),
            &given(&[
                ("epoch", json!("5")),
                ("min-auc", json!("2")),
                ("fast", json!("yes")),
                ("epochs", json!("0")),
                ("model", json!("gbd")),
            ]),
        );
        assert_eq!(
            wrong,
            Err(vec![
                "there is no param `epoch`; did you mean `epochs`?".to_owned(),
                "param `epochs` is at least 1, and 0 is less".into(),
                "param `min-auc` is at most 1, and 2 is more".into(),
                "param `fast` takes true or false, not `yes`".into(),
                "param `name` has no default and must be given: -p name=…".into(),
                "param `model` takes one of gbdt, logistic, not `gbd`; did you mean `gbdt`?".into(),
            ])
        );
    }

    #[test]
    fn numbers_that_are_none_are_refused() {
        for value in [json!("NaN"), json!("inf"), json!("1e999"), json!("")] {
            assert!(resolve(&defs(), &given(&[("name", json!("x")), ("min-auc", value)])).is_err());
        }
        assert!(resolve(&defs(), &given(&[("name", json!("x")), ("epochs", json!(1.5))])).is_err());
    }
}
