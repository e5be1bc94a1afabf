//! Whether a value is one that a param takes. Both the reader of files and the start of a run ask.

use super::{
    ParamDef, ParamType, did_you_mean,
    secret::{self, Secret},
};
use crate::stdx::{ids::as_identifier, time::parse_date};
use serde_json::Value;

impl ParamDef {
    /// `value` as the declared type; a text is read as that type, as a command line gives it.
    ///
    /// # Errors
    /// A sentence that names the param, the value and what was expected.
    pub fn typed(&self, value: &Value) -> Result<Value, String> {
        self.fitting(value).map_err(|fault| format!("param `{}` {fault}", self.name))
    }

    /// As [`Self::typed`], for where the param's name stands already.
    ///
    /// # Errors
    /// What is wrong: a sentence that wants the param before it.
    pub fn fitting(&self, value: &Value) -> Result<Value, String> {
        let expected = |what: &str| Err(format!("takes {what}, not {}", shown(value)));
        match &self.kind {
            ParamType::Int { min, max } => match as_int(value) {
                Some(number) => within(number, *min, *max).map(Value::from),
                None => expected("a whole number"),
            },
            ParamType::Float { min, max } => match as_float(value) {
                Some(number) => within(number, *min, *max).map(Value::from),
                None => expected("a number"),
            },
            ParamType::Bool => match value {
                Value::Bool(_) => Ok(value.clone()),
                Value::String(text) if text == "true" => Ok(true.into()),
                Value::String(text) if text == "false" => Ok(false.into()),
                _ => expected("true or false"),
            },
            ParamType::String => text(value).map(Value::from),
            ParamType::Path => match text(value)? {
                "" => Err("takes a path, and this is empty".to_owned()),
                path => Ok(path.into()),
            },
            ParamType::Date => match value.as_str().map(|text| parse_date(text.trim())) {
                Some(Ok(_)) => Ok(value.as_str().map(str::trim).into()),
                _ => expected("a date such as 2024-01-31"),
            },
            ParamType::Choice { choices } => match value.as_str() {
                Some(text) if choices.iter().any(|choice| choice == text) => Ok(value.clone()),
                Some(text) => {
                    let hint = did_you_mean(text, choices.iter().map(String::as_str)).map(|hint| format!("; {hint}")).unwrap_or_default();
                    Err(format!("takes one of {}, not {}{hint}", choices.join(", "), shown(value)))
                }
                None => expected(&format!("one of {}", choices.join(", "))),
            },
            // Its value is not among the values of the params, and is shown in no message.
            ParamType::Secret { .. } => Err("is a secret, whose value would be written down here".to_owned()),
        }
    }

    /// Whether a secret can be handed to a task and hidden in what it prints.
    ///
    /// # Errors
    /// What is wrong, without the value.
    pub fn fits_secret(&self, secret: &Secret) -> Result<(), String> {
        let value = secret.reveal();
        if value.contains('\0') {
            return Err("holds a NUL byte, which no program can be given".to_owned());
        }
        match value.trim().chars().count() {
            length if length < secret::SHORTEST => {
                Err(format!("has {length} characters; fewer than {} cannot be hidden in logs", secret::SHORTEST))
            }
            _ if value.len() > LONGEST_SECRET => Err(format!("is longer than {} KiB", LONGEST_SECRET / 1024)),
            _ => Ok(()),
        }
    }

    /// The variable in which tasks find its value.
    pub fn task_variable(&self) -> String {
        format!("FLOWYARD_PARAM_{}", as_identifier(&self.name).to_uppercase())
    }
}

/// A secret has to fit into one variable of an environment.
const LONGEST_SECRET: usize = 32 * 1024;

fn text(value: &Value) -> Result<&str, String> {
    match value {
        Value::String(text) if text.contains('\0') => Err("holds a NUL byte, which no program can be given".to_owned()),
        Value::String(text) => Ok(text),
        _ => Err(format!("takes a text, not {}", shown(value))),
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 60 {
        format!("{}…", text.chars().take(60).collect::<String>())
    } else {
        format!("`{}`", text.trim_matches('"'))
    }
}

fn as_int(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn as_float(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number: &f64| number.is_finite())
}

fn within<T: PartialOrd + std::fmt::Display + Copy>(number: T, min: Option<T>, max: Option<T>) -> Result<T, String> {
    match (min, max) {
        (Some(min), _) if number < min => Err(format!("is at least {min}, and {number} is less")),
        (_, Some(max)) if number > max => Err(format!("is at most {max}, and {number} is more")),
        _ => Ok(number),
    }
}
