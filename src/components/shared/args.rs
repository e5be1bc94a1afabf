//! Reads the arguments of `with`: names, types and paths, each error with the argument's name.

use crate::{
    model::{ArgKind, ArgSignature, Job, PortSignature},
    stdx::suggest,
};
use anyhow::{Context, Result, anyhow, bail};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::{Component, Path, PathBuf};

/// An argument that must be given.
pub const fn required(name: &'static str, kind: ArgKind, help: &'static str) -> ArgSignature {
    ArgSignature { name, kind, required: true, help }
}

/// An argument that may be left out.
pub const fn optional(name: &'static str, kind: ArgKind, help: &'static str) -> ArgSignature {
    ArgSignature { name, kind, required: false, help }
}

/// A port that must be connected.
pub const fn port(name: &'static str, artifact_type: &'static str) -> PortSignature {
    PortSignature { name, artifact_type, required: true }
}

/// The arguments of a job.
#[derive(Debug, Clone, Copy)]
pub struct Args<'a> {
    job: &'a Job,
}

impl<'a> Args<'a> {
    /// The arguments of `job`, none of which is unknown to `signature`.
    ///
    /// # Errors
    /// The first unknown argument, with the nearest known one.
    pub fn of(job: &'a Job, signature: &[ArgSignature]) -> Result<Self> {
        for name in job.with.keys() {
            if signature.iter().any(|arg| arg.name == name) {
                continue;
            }
            let near = suggest::nearest(name, signature.iter().map(|arg| arg.name));
            let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            bail!("`with.{name}` is not an argument of this component{hint}");
        }
        Ok(Self { job })
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        self.job.with.get(name).filter(|value| !value.is_null())
    }

    /// Any type that can be read from the value.
    ///
    /// # Errors
    /// What the value is instead.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        self.value(name)
            .map(|value| serde_json::from_value(value.clone()).with_context(|| format!("`with.{name}` = {value} can not be used")))
            .transpose()
    }

    /// As [`Self::get`], and it must be there.
    ///
    /// # Errors
    /// It is missing, or of another type.
    pub fn need<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        self.get(name)?.with_context(|| format!("`with.{name}` is missing"))
    }

    /// A whole number; a text that holds one is taken too, since templates may render to text.
    ///
    /// # Errors
    /// The value is no whole number, or below `min`.
    pub fn int(&self, name: &str, default: u64, min: u64) -> Result<u64> {
        let Some(value) = self.value(name) else { return Ok(default) };
        let number = match value {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_u64(),
        };
        match number {
            Some(number) if number >= min => Ok(number),
            _ => bail!("`with.{name}` = {value} must be a whole number of at least {min}"),
        }
    }

    /// A number; a text that holds one is taken too.
    ///
    /// # Errors
    /// The value is no finite number.
    pub fn float(&self, name: &str, default: f64) -> Result<f64> {
        let Some(value) = self.value(name) else { return Ok(default) };
        let number = match value {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_f64(),
        };
        number.filter(|number: &f64| number.is_finite()).ok_or_else(|| anyhow!("`with.{name}` = {value} must be a number"))
    }

    /// A path below the workspace: as written, and absolute.
    ///
    /// # Errors
    /// It is absolute or leads out of the workspace.
    pub fn path(&self, name: &str, default: Option<&str>) -> Result<Option<(String, PathBuf)>> {
        let Some(text) = self.get::<String>(name)?.or_else(|| default.map(str::to_owned)) else { return Ok(None) };
        let inside = Path::new(&text).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !inside || text.is_empty() {
            bail!("`with.{name}` = \"{text}\" must be a path below the workspace, without `..`; a link there may point elsewhere");
        }
        let absolute = self.job.workspace.join(&text);
        Ok(Some((text, absolute)))
    }
}

/// Where the job's input `name` is.
///
/// # Errors
/// It is not connected.
pub fn input<'a>(job: &'a Job, name: &str) -> Result<&'a Path> {
    let input =
        job.inputs.get(name).with_context(|| format!("the input `{name}` is not connected: write `inputs.{name} = \"TASK.OUTPUT\"`"))?;
    Ok(&input.path)
}

/// Where the job's output `name` goes.
///
/// # Errors
/// It is not declared.
pub fn output<'a>(job: &'a Job, name: &str) -> Result<&'a Path> {
    let output = job.outputs.get(name).with_context(|| format!("the output `{name}` is not declared by the task"))?;
    Ok(&output.path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::shared::fixture::Bench;
    use serde_json::json;

    const SIGNATURE: &[ArgSignature] = &[optional("rounds", ArgKind::Int, ""), optional("base", ArgKind::String, "")];

    #[test]
    fn numbers_are_taken_from_texts_because_templates_may_render_to_text() {
        let bench = Bench::empty();
        let job = bench.job(json!({ "rounds": "12" }));
        assert_eq!(Args::of(&job, SIGNATURE).unwrap().int("rounds", 1, 1).unwrap(), 12);
        let job = bench.job(json!({ "rounds": "many" }));
        let error = Args::of(&job, SIGNATURE).unwrap().int("rounds", 1, 1).unwrap_err().to_string();
        assert_eq!(error, "`with.rounds` = \"many\" must be a whole number of at least 1");
    }

    #[test]
    fn an_unknown_argument_is_refused_with_the_nearest_one() {
        let bench = Bench::empty();
        let job = bench.job(json!({ "roundz": 3 }));
        let error = Args::of(&job, SIGNATURE).unwrap_err().to_string();
        assert!(error.contains("did you mean `rounds`?"), "{error}");
    }

    #[test]
    fn a_path_never_leaves_the_workspace() {
        let bench = Bench::empty();
        for bad in ["/etc", "../x", "a/../../x", ""] {
            let job = bench.job(json!({ "base": bad }));
            let error = Args::of(&job, SIGNATURE).unwrap().path("base", None).unwrap_err().to_string();
            assert!(error.contains("below the workspace"), "{bad}: {error}");
        }
        let job = bench.job(json!({ "base": "models/x" }));
        let (text, absolute) = Args::of(&job, SIGNATURE).unwrap().path("base", None).unwrap().unwrap();
        assert_eq!((text.as_str(), absolute), ("models/x", job.workspace.join("models/x")));
    }
}
