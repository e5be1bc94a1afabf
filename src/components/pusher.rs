//! `pusher`: copies a model with its scores to the next numbered version and makes it the served one.

use super::{
    Component,
    evaluator::Evaluation,
    shared::{
        args::{self, Args},
        model, report, versions,
    },
};
use crate::model::{ArgKind, ComponentSignature, Job};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{fs, path::Path};

/// Deploys a model into a versioned folder.
pub struct Pusher;

impl Component for Pusher {
    fn signature(&self) -> ComponentSignature {
        ComponentSignature {
            name: "pusher",
            summary: "Copies a model and its scores to the next numbered version and switches the link `current` to it",
            inputs: vec![args::port("model", "Model"), args::port("evaluation", "Evaluation")],
            outputs: vec![args::port("pushed_model", "PushedModel")],
            args: vec![args::required("base_directory", ArgKind::String, "Folder of the versions, relative to the workspace")],
            metrics: vec!["version"],
            output_parameters: vec!["version", "path"],
        }
    }

    fn run(&self, job: &Job) -> Result<()> {
        let args = Args::of(job, &self.signature().args)?;
        let (name, base) = args.path("base_directory", None)?.context("`with.base_directory` is missing: where do the versions go?")?;
        let model = args::input(job, "model")?;
        let evaluation: Evaluation = report::read_json(args::input(job, "evaluation")?, "evaluation")?;
        let hash = model::hash(model)?;
        if evaluation.model != hash {
            bail!("the evaluation is of another model ({} instead of {hash}): connect the model that was evaluated", evaluation.model);
        }
        let added = versions::add(&base, |folder| fill(folder, model, &evaluation))?;
        let destination = format!("{}/{}", name.trim_end_matches('/'), added.version);
        let was = added.previous.map_or_else(|| "nothing was served before".to_owned(), |version| format!("before: version {version}"));
        println!("{destination} is served now ({was})");
        let pushed =
            PushedModel { destination, version: added.version, previous: added.previous, model: hash, run_id: job.run_id.to_string() };
        report::write_json(args::output(job, "pushed_model")?, &pushed)?;
        report::metrics(job, &json!({ "progress": 1.0, "version": pushed.version }))?;
        report::output_parameter(job, "version", &pushed.version.to_string())?;
        report::output_parameter(job, "path", &pushed.destination)
    }
}

/// The document of the output `pushed_model`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushedModel {
    /// The version's folder, relative to the workspace.
    pub destination: String,
    /// Its number.
    pub version: u64,
    /// What was served before.
    pub previous: Option<u64>,
    /// blake3 of the model.
    pub model: String,
    /// The run that pushed it.
    pub run_id: String,
}

fn fill(folder: &Path, model: &Path, evaluation: &Evaluation) -> Result<()> {
    if model.is_dir() {
        copy_folder(model, folder)?;
    } else {
        copy(model, &folder.join("model.json"))?;
    }
    report::write_json(&folder.join(versions::METRICS), evaluation)
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let path = entry?.path();
        let Some(name) = path.file_name() else { continue };
        let target = to.join(name);
        if path.is_dir() {
            fs::create_dir(&target).with_context(|| format!("cannot make {}", target.display()))?;
            copy_folder(&path, &target)?;
        } else {
            copy(&path, &target)?;
        }
    }
    Ok(())
}

// The bytes alone: an artifact may be read-only, its copy must not keep others from replacing it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let copied = fs::File::open(from).and_then(|mut source| std::io::copy(&mut source, &mut fs::File::create(to)?));
    copied.with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::shared::{fixture::Bench, scores::Scores};
    use std::path::PathBuf;

    fn evaluation(model: &Path) -> Evaluation {
        Evaluation {
            model: model::hash(model).unwrap(),
            label: "delay > 15".to_owned(),
            run_id: "r".to_owned(),
            split: "eval".to_owned(),
            split_blake3: String::new(),
            rows: 10,
            dropped: 0,
            scores: Scores { auc: 0.75, accuracy: 0.8, logloss: 0.4, majority: 0.7 },
        }
    }

    fn model(bench: &Bench, text: &str) -> (PathBuf, PathBuf) {
        bench.write("m/model.json", text);
        let (model, scores) = (bench.workspace().join("m"), bench.workspace().join("evaluation.json"));
        report::write_json(&scores, &evaluation(&model)).unwrap();
        (model, scores)
    }

    #[test]
    fn the_model_and_its_scores_are_served_under_the_next_version() {
        let bench = Bench::empty();
        for text in ["{\"v\":1}", "{\"v\":2}"] {
            let (model, scores) = model(&bench, text);
            let job = bench.job_with(&[("model", &model), ("evaluation", &scores)], json!({ "base_directory": "models/x" }));
            Pusher.run(&job).unwrap();
            let current = bench.workspace().join("models/x/current");
            assert_eq!(fs::read_to_string(current.join("model.json")).unwrap(), text);
            let kept: Evaluation = report::read_json(&current.join("metrics.json"), "scores").unwrap();
            assert_eq!(kept, evaluation(&model));
            let pushed: PushedModel = report::read_json(&job.outputs["pushed_model"].path, "pushed model").unwrap();
            assert_eq!(pushed.destination, format!("models/x/{}", pushed.version));
        }
        assert_eq!(bench.output_parameters(), ["version=1", "path=models/x/1", "version=2", "path=models/x/2"]);
    }

    #[test]
    fn scores_of_another_model_deploy_nothing() {
        let bench = Bench::empty();
        let (model, scores) = model(&bench, "{}");
        fs::write(model.join("model.json"), "{ }").unwrap();
        let job = bench.job_with(&[("model", &model), ("evaluation", &scores)], json!({ "base_directory": "models/x" }));
        let error = Pusher.run(&job).unwrap_err().to_string();
        assert!(error.contains("the evaluation is of another model"), "{error}");
        assert!(!bench.workspace().join("models").exists());
    }
}
