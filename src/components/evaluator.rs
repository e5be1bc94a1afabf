//! `evaluator`: scores a model on rows it never saw, beside the scores kept with the deployed model.

use super::{
    Component,
    shared::{
        args::{self, Args},
        dataset::Dataset,
        model::{self, Model},
        report,
        rule::Labeled,
        scores::Scores,
        versions,
    },
};
use crate::model::{ArgKind, ComponentSignature, Job};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{io, path::Path};

/// Scores a model on a split it was not trained on.
pub struct Evaluator;

impl Component for Evaluator {
    fn signature(&self) -> ComponentSignature {
        ComponentSignature {
            name: "evaluator",
            summary: "Scores a model on a held-out split: AUC, accuracy, logloss; beside those of the deployed model",
            inputs: vec![args::port("examples", "Dataset"), args::port("model", "Model")],
            outputs: vec![args::port("evaluation", "Evaluation")],
            args: vec![
                args::optional("split", ArgKind::String, "The split to score on; default: eval"),
                args::optional(
                    "baseline",
                    ArgKind::String,
                    "Folder of the deployed model, such as models/x/current; it need not exist yet",
                ),
            ],
            metrics: vec![
                "rows",
                "auc",
                "accuracy",
                "logloss",
                "majority",
                "baseline_version",
                "baseline_auc",
                "baseline_accuracy",
                "baseline_logloss",
            ],
            output_parameters: vec![],
        }
    }

    fn run(&self, job: &Job) -> Result<()> {
        let args = Args::of(job, &self.signature().args)?;
        let split = args.get::<String>("split")?.unwrap_or_else(|| "eval".to_owned());
        let baseline = args.path("baseline", None)?;
        let evaluation = evaluate(job, &split)?;
        tell(&evaluation);
        let mut metrics = json!({ "progress": 1.0, "rows": evaluation.rows });
        for (name, value) in named(&evaluation.scores) {
            metrics[name] = json!(value);
        }
        metrics["majority"] = json!(evaluation.scores.majority);
        if let Some((name, folder)) = baseline {
            compare(&evaluation, &name, &folder, &mut metrics)?;
        }
        report::metrics(job, &metrics)?;
        report::write_json(args::output(job, "evaluation")?, &evaluation)
    }
}

/// The document of the output `evaluation`, kept as `metrics.json` beside a deployed model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// blake3 of the model that was scored.
    pub model: String,
    /// What it answers.
    pub label: String,
    /// The run that scored it.
    pub run_id: String,
    /// The split it was scored on.
    pub split: String,
    /// blake3 of the split's rows.
    pub split_blake3: String,
    /// Rows that were scored.
    pub rows: usize,
    /// Rows without a label, left out.
    pub dropped: u64,
    /// How good it is.
    #[serde(flatten)]
    pub scores: Scores,
}

fn evaluate(job: &Job, split: &str) -> Result<Evaluation> {
    let path = args::input(job, "model")?;
    let model = Model::load(path)?;
    let dataset = Dataset::open(args::input(job, "examples")?)?;
    let split = dataset.split(split)?;
    if split.blake3 == model.trained_on.blake3 {
        bail!("the model was trained on the very rows of split `{}`: scores on them say nothing about new rows", split.name);
    }
    let read = Labeled::read(&dataset, &split.name, &model.label)?;
    if read.dropped > 0 {
        println!("{} rows of split `{}` are left out: `{}` has no value there", read.dropped, split.name, model.label.column);
    }
    let scores = Scores::of(&read.labels, &model.predict(&dataset, &read.rows)?);
    Ok(Evaluation {
        model: model::hash(path)?,
        label: model.label.to_string(),
        run_id: job.run_id.to_string(),
        split: split.name.clone(),
        split_blake3: split.blake3.clone(),
        rows: read.rows.len(),
        dropped: read.dropped,
        scores,
    })
}

fn named(scores: &Scores) -> [(&'static str, f64); 3] {
    [("auc", scores.auc), ("accuracy", scores.accuracy), ("logloss", scores.logloss)]
}

fn tell(evaluation: &Evaluation) {
    let Scores { auc, accuracy, logloss, majority } = evaluation.scores;
    println!("{} rows of split `{}`: AUC {auc:.4}, logloss {logloss:.4}", evaluation.rows, evaluation.split);
    println!("accuracy {accuracy:.4}; always giving the more frequent answer has {majority:.4}");
}

// The scores are those kept with the deployed model: measured when it was deployed, on the rows of that time.
fn compare(new: &Evaluation, name: &str, folder: &Path, metrics: &mut serde_json::Value) -> Result<()> {
    let Some(version) = deployed_version(name, folder)? else {
        println!("no model is deployed at {name} yet: nothing to compare with");
        return Ok(());
    };
    let old: Evaluation = report::read_json(&folder.join(versions::METRICS), "scores of the deployed model")?;
    if let Some(number) = version {
        metrics["baseline_version"] = json!(number);
    }
    let shown = version.map_or_else(|| name.to_owned(), |number| format!("version {number}"));
    if old.label != new.label {
        println!("the deployed model answers `{}`, not `{}`: its scores are not comparable", old.label, new.label);
    }
    if old.split_blake3 != new.split_blake3 {
        println!("{shown} was scored on other rows ({} rows then, {} now)", old.rows, new.rows);
    }
    for ((score, now), (_, then)) in named(&new.scores).into_iter().zip(named(&old.scores)) {
        println!("{score}: {then:.4} ({shown}) -> {now:.4} ({:+.4})", now - then);
        metrics[format!("baseline_{score}")] = json!(then);
    }
    Ok(())
}

// `None`: nothing is there. `Some(None)`: a folder that is not one of numbered versions.
fn deployed_version(name: &str, folder: &Path) -> Result<Option<Option<u64>>> {
    match folder.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot look at the deployed model {name}")),
        Ok(_) => {}
    }
    let real = folder.canonicalize().with_context(|| format!("{name} leads nowhere: remove the link, or point it at a version"))?;
    Ok(Some(real.file_name().and_then(|version| version.to_str()).and_then(|version| version.parse().ok())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::{shared::fixture::Bench, trainer::Trainer};
    use std::{fs, path::PathBuf};

    fn trained(bench: &Bench) -> (PathBuf, PathBuf) {
        bench.csv("a.csv", 900, 1);
        let folder = bench.dataset("a.csv");
        let label = json!({ "column": "delay", "greater_than": 15 });
        let job = bench.job_on(&folder, json!({ "label": label, "features": ["hour"], "categories": ["carrier"], "rounds": 10 }));
        Trainer.run(&job).unwrap();
        (folder, job.outputs["model"].path.clone())
    }

    fn evaluated(bench: &Bench, with: serde_json::Value) -> Result<(Evaluation, serde_json::Value)> {
        let (folder, model) = trained(bench);
        let job = bench.job_with(&[("examples", &folder), ("model", &model)], with);
        Evaluator.run(&job)?;
        let evaluation = report::read_json(&job.outputs["evaluation"].path, "evaluation")?;
        Ok((evaluation, bench.metrics().pop().unwrap()))
    }

    #[test]
    fn without_a_deployed_model_there_is_no_baseline_metric() {
        let bench = Bench::empty();
        let (evaluation, metrics) = evaluated(&bench, json!({ "baseline": "models/x/current" })).unwrap();
        assert!(evaluation.scores.auc > 0.7, "{evaluation:?}");
        assert_eq!(metrics["auc"], json!(evaluation.scores.auc));
        assert!(metrics.get("baseline_auc").is_none());
    }

    #[test]
    fn the_scores_kept_beside_the_deployed_model_become_baseline_metrics() {
        let bench = Bench::empty();
        let (mut kept, _) = evaluated(&bench, json!({})).unwrap();
        kept.scores.auc = 0.625;
        let folder = bench.workspace().join("models/x");
        fs::create_dir_all(folder.join("4")).unwrap();
        report::write_json(&folder.join("4").join(versions::METRICS), &kept).unwrap();
        std::os::unix::fs::symlink("4", folder.join("current")).unwrap();
        let (_, metrics) = evaluated(&bench, json!({ "baseline": "models/x/current" })).unwrap();
        assert_eq!((&metrics["baseline_auc"], &metrics["baseline_version"]), (&json!(0.625), &json!(4)));
        assert_eq!(metrics["baseline_logloss"], metrics["logloss"]);
    }

    #[test]
    fn a_deployed_model_whose_scores_are_gone_is_an_error_not_a_pass() {
        let bench = Bench::empty();
        let folder = bench.workspace().join("models/x");
        fs::create_dir_all(folder.join("4")).unwrap();
        std::os::unix::fs::symlink("4", folder.join("current")).unwrap();
        let error = evaluated(&bench, json!({ "baseline": "models/x/current" })).unwrap_err().to_string();
        assert!(error.contains("scores of the deployed model") && error.contains("metrics.json"), "{error}");
        fs::remove_dir(folder.join("4")).unwrap();
        let error = evaluated(&bench, json!({ "baseline": "models/x/current" })).unwrap_err().to_string();
        assert!(error.contains("leads nowhere"), "{error}");
    }

    #[test]
    fn the_rows_it_was_trained_on_can_not_judge_a_model() {
        let bench = Bench::empty();
        let error = evaluated(&bench, json!({ "split": "train" })).unwrap_err().to_string();
        assert!(error.contains("trained on the very rows of split `train`"), "{error}");
    }
}
