//! Values of params: defaults, `-p K=V`, types and ranges; secrets apart from the others.

use crate::{
    model::{ParamDef, ParamType, Params, Secret, Secrets, did_you_mean},
    stdx::ids::as_identifier,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// Typed values for every param but secrets. A given text is read as the declared type; a given JSON value must have it.
///
/// # Errors
/// One sentence for each unknown name (with "did you mean"), missing value, wrong type or value out of range.
pub fn resolve(defs: &[ParamDef], given: &BTreeMap<String, Value>) -> Result<Params, Vec<String>> {
    let (mut values, mut wrong) = (Params::new(), Vec::new());
    let mut given_for: BTreeMap<&str, &Value> = BTreeMap::new();
    for (name, value) in given {
        match named(defs, name) {
            Some(def) => {
                if given_for.insert(&def.name, value).is_some() {
                    wrong.push(format!("param `{}` is given twice: `-` and `_` are the same in its name", def.name));
                }
            }
            None => wrong.push(unknown(name, defs)),
        }
    }
    for def in defs {
        let result = match (&def.kind, given_for.get(def.name.as_str()), &def.default) {
            (ParamType::Secret { variable }, Some(_), _) => Err(format!(
                "param `{}` is a secret, and others can read what stands on a command line or in a file: export {variable}",
                def.name
            )),
            (ParamType::Secret { .. }, None, _) => continue,
            (_, Some(value), _) => def.typed(value),
            (_, None, Some(default)) => def.typed(default),
            (_, None, None) => Err(format!("param `{}` has no default and must be given: -p {}=…", def.name, def.name)),
        };
        match result {
            Ok(value) => drop(values.insert(def.name.clone(), value)),
            Err(sentence) => wrong.push(sentence),
        }
    }
    if wrong.is_empty() { Ok(values) } else { Err(wrong) }
}

/// A value for every secret param: the one that is given, else that of its variable.
///
/// # Errors
/// One sentence for each that is missing or cannot be hidden; no value stands in it.
pub fn secrets(defs: &[ParamDef], given: &Secrets, variable: impl Fn(&str) -> Option<String>) -> Result<Secrets, Vec<String>> {
    let (mut values, mut wrong) = (Secrets::new(), Vec::new());
    for (def, name) in secret_params(defs) {
        match given.get(&def.name).cloned().or_else(|| variable(name).filter(|value| !value.is_empty()).map(Secret::new)) {
            Some(secret) => match def.fits_secret(&secret) {
                Ok(()) => drop(values.insert(def.name.clone(), secret)),
                Err(fault) => wrong.push(format!("param `{}` {fault}", def.name)),
            },
            None => wrong.push(format!("param `{}` is a secret and has no value: export {name} with it, and ask again", def.name)),
        }
    }
    if wrong.is_empty() { Ok(values) } else { Err(wrong) }
}

/// The secrets that are there, for a command about a run that had all of them once.
pub fn known_secrets(defs: &[ParamDef], variable: impl Fn(&str) -> Option<String>) -> Secrets {
    let known = |(def, name): (&ParamDef, &str)| {
        let secret = Secret::new(variable(name)?);
        def.fits_secret(&secret).ok().map(|()| (def.name.clone(), secret))
    };
    secret_params(defs).filter_map(known).collect()
}

/// The secret params, each with its variable.
pub fn secret_params(defs: &[ParamDef]) -> impl Iterator<Item = (&ParamDef, &str)> {
    defs.iter().filter_map(|def| match &def.kind {
        ParamType::Secret { variable } => Some((def, variable.as_str())),
        _ => None,
    })
}

fn named<'d>(defs: &'d [ParamDef], name: &str) -> Option<&'d ParamDef> {
    defs.iter().find(|def| as_identifier(&def.name) == as_identifier(name))
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
    use serde_json::json;

    fn defs() -> Vec<ParamDef> {
        let def = ParamDef::new;
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
    fn each_type_takes_what_it_says_and_nothing_else() {
        let choice = || ParamType::Choice { choices: vec!["a".into(), "b c".into()] };
        let int = |min, max| ParamType::Int { min, max };
        let float = |min, max| ParamType::Float { min, max };
        for (kind, given, wanted) in [
            (int(Some(1), Some(9)), "1", Ok(json!(1))),
            (int(Some(1), Some(9)), " 9 ", Ok(json!(9))),
            (int(Some(1), Some(9)), "10", Err("is at most 9, and 10 is more")),
            (int(Some(1), None), "-3", Err("is at least 1, and -3 is less")),
            (int(None, None), "9223372036854775808", Err("takes a whole number, not `9223372036854775808`")),
            (int(None, None), "1.0", Err("takes a whole number, not `1.0`")),
            (float(Some(0.0), Some(1.0)), "1e-3", Ok(json!(0.001))),
            (float(Some(0.0), Some(1.0)), "1.01", Err("is at most 1, and 1.01 is more")),
            (float(None, None), "0.o1", Err("takes a number, not `0.o1`")),
            (ParamType::Bool, "true", Ok(json!(true))),
            (ParamType::Bool, "True", Err("takes true or false, not `True`")),
            (ParamType::String, "", Ok(json!(""))),
            (ParamType::String, "a\0b", Err("holds a NUL byte, which no program can be given")),
            (choice(), "b c", Ok(json!("b c"))),
            (choice(), "c", Err("takes one of a, b c, not `c`")),
            (ParamType::Date, "2024-02-29", Ok(json!("2024-02-29"))),
            (ParamType::Date, "2024-01-31T06:00:00+02:00", Ok(json!("2024-01-31T06:00:00+02:00"))),
            (ParamType::Date, "2023-02-29", Err("takes a date such as 2024-01-31, not `2023-02-29`")),
            (ParamType::Path, "data/x y.csv", Ok(json!("data/x y.csv"))),
            (ParamType::Path, "", Err("takes a path, and this is empty")),
        ] {
            let def = ParamDef::new("p", kind, None);
            assert_eq!(def.fitting(&json!(given)), wanted.map_err(str::to_owned), "{:?} {given:?}", def.kind);
            let resolved = resolve(std::slice::from_ref(&def), &given_one(given)).map(|mut values| values.remove("p").unwrap());
            assert_eq!(resolved.map_err(|wrong| wrong.join("")), def.typed(&json!(given)));
        }
    }

    fn given_one(value: &str) -> BTreeMap<String, Value> {
        given(&[("p", json!(value))])
    }

    #[test]
    fn a_secret_comes_by_hand_or_from_its_variable_and_is_no_value_of_the_run() {
        let defs = [ParamDef::new("api-token", ParamType::Secret { variable: "API_TOKEN".into() }, None)];
        let shell = |name: &str| (name == "API_TOKEN").then(|| "from the shell".to_owned());
        let typed = Secrets::from([("api-token".to_owned(), Secret::new("typed in"))]);
        assert_eq!(secrets(&defs, &typed, shell).unwrap()["api-token"].reveal(), "typed in");
        assert_eq!(secrets(&defs, &Secrets::new(), shell).unwrap()["api-token"].reveal(), "from the shell");
        assert_eq!(resolve(&defs, &BTreeMap::new()), Ok(Params::new()));
        let missing = secrets(&defs, &Secrets::new(), |_| None).unwrap_err();
        assert_eq!(missing, ["param `api-token` is a secret and has no value: export API_TOKEN with it, and ask again"]);
        let open = resolve(&defs, &given(&[("api_token", json!("hunter2-long"))])).unwrap_err();
        assert!(open[0].contains("export API_TOKEN") && !open[0].contains("hunter2"), "{open:?}");
    }

    #[test]
    fn a_secret_that_cannot_be_hidden_is_refused_and_not_shown() {
        let def = ParamDef::new("t", ParamType::Secret { variable: "T".into() }, None);
        for bad in ["", "      ", "abcde", "abc\0defgh", &"x".repeat(40_000)] {
            let given = Secrets::from([("t".to_owned(), Secret::new(bad))]);
            let wrong = secrets(std::slice::from_ref(&def), &given, |_| None).unwrap_err();
            assert!(wrong[0].starts_with("param `t` ") && (bad.is_empty() || !wrong[0].contains(bad)), "{wrong:?}");
            assert!(known_secrets(std::slice::from_ref(&def), |_| Some(bad.to_owned())).is_empty());
        }
        assert_eq!(format!("{:?}", Secret::new("hunter2-long")), "***");
    }

    #[test]
    fn numbers_that_are_none_are_refused() {
        for value in [json!("NaN"), json!("inf"), json!("1e999"), json!("")] {
            assert!(resolve(&defs(), &given(&[("name", json!("x")), ("min-auc", value)])).is_err());
        }
        assert!(resolve(&defs(), &given(&[("name", json!("x")), ("epochs", json!(1.5))])).is_err());
    }
}
