//! Whether a value is one that a param takes. Both the reader of files and the start of a run ask.

use super::{ParamDef, ParamType, did_you_mean};
use serde_json::Value;

impl ParamDef {
    /// `value` as the declared type; a text is read as that type, as a command line gives it.
    ///
    /// # Errors
    /// A sentence that names the param, the value and what was expected.
    pub fn typed(&self, value: &Value) -> Result<Value, String> {
        typed(&self.name, &self.kind, value)
    }
}

fn typed(name: &str, kind: &ParamType, value: &Value) -> Result<Value, String> {
    let expected = |what: &str| Err(format!("param `{name}` takes {what}, not {}", shown(value)));
    match kind {
        ParamType::Int { min, max } => match as_int(value) {
            Some(number) => within(name, number, *min, *max).map(Value::from),
            None => expected("a whole number"),
        },
        ParamType::Float { min, max } => match as_float(value) {
            Some(number) => within(name, number, *min, *max).map(Value::from),
            None => expected("a number"),
        },
        ParamType::Bool => match value {
            Value::Bool(_) => Ok(value.clone()),
            Value::String(text) if text == "true" => Ok(true.into()),
            Value::String(text) if text == "false" => Ok(false.into()),
            _ => expected("true or false"),
        },
        ParamType::String => match value {
            Value::String(text) if text.contains('\0') => {
                Err(format!("the value of param `{name}` holds a NUL byte, which no program can be given"))
            }
            Value::String(_) => Ok(value.clone()),
            _ => expected("a text"),
        },
        ParamType::Choice { choices } => match value.as_str() {
            Some(text) if choices.iter().any(|choice| choice == text) => Ok(value.clone()),
            Some(text) => {
                let hint = did_you_mean(text, choices.iter().map(String::as_str)).map(|hint| format!("; {hint}")).unwrap_or_default();
                Err(format!("param `{name}` takes one of {}, not `{text}`{hint}", choices.join(", ")))
            }
            None => expected(&format!("one of {}", choices.join(", "))),
        },
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

fn within<T: PartialOrd + std::fmt::Display + Copy>(name: &str, number: T, min: Option<T>, max: Option<T>) -> Result<T, String> {
    match (min, max) {
        (Some(min), _) if number < min => Err(format!("param `{name}` is at least {min}, and {number} is less")),
        (_, Some(max)) if number > max => Err(format!("param `{name}` is at most {max}, and {number} is more")),
        _ => Ok(number),
    }
}
