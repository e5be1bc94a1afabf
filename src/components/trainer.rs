//! `trainer`: trains a yes-or-no classifier on a split, tells how it goes, and writes a model that can be used again.

use super::{
    Component,
    shared::{
        args::{self, Args},
        boost::{self, Round, Sample, Settings},
        dataset::Dataset,
        encode::{self, Encoding, Feature},
        model::{FORMAT, Model, TrainedOn},
        report,
        rule::{LabelRule, Labeled},
        scores::{Scores, logloss},
    },
};
use crate::model::{ArgKind, ComponentSignature, Job};
use anyhow::{Result, bail};
use csv::StringRecord;
use serde_json::json;
use std::collections::BTreeMap;

/// Every how many rows one is held back from training, to measure progress on.
const HELD_BACK_EVERY: usize = 10;

/// How many lines of metrics a training writes at most.
const LINES: usize = 50;

/// Trains a yes-or-no classifier.
pub struct Trainer;

impl Component for Trainer {
    fn signature(&self) -> ComponentSignature {
        ComponentSignature {
            name: "trainer",
            summary: "Trains a yes-or-no classifier by gradient boosting, seeded, with live metrics",
            inputs: vec![args::port("examples", "Dataset")],
            outputs: vec![args::port("model", "Model")],
            args: vec![
                args::optional("algorithm", ArgKind::String, "Only \"gbdt\" so far; default: gbdt"),
                args::required("label", ArgKind::Any, "{ column, and one of greater_than, less_than, equals }: the question to answer"),
                args::optional("features", ArgKind::Strings, "Columns of numbers"),
                args::optional("categories", ArgKind::Strings, "Columns of texts; each text becomes its share of yes on the training rows"),
                args::optional("weekday", ArgKind::Strings, "Three columns with year, month and day: adds the feature `weekday`"),
                args::optional("split", ArgKind::String, "The split to train on; default: train"),
                args::optional("rounds", ArgKind::Int, "How many trees; default: 100"),
                args::optional("max_depth", ArgKind::Int, "How deep a tree may be; default: 6"),
                args::optional("learning_rate", ArgKind::Float, "How much of each tree is taken; default: 0.1"),
                args::optional("subsample", ArgKind::Float, "Share of the rows each tree sees; default: 0.8"),
                args::optional("seed", ArgKind::Int, "Of everything that is random; default: 0"),
            ],
            metrics: vec!["logloss", "train_logloss", "auc"],
            output_parameters: vec!["rows"],
        }
    }

    fn run(&self, job: &Job) -> Result<()> {
        let plan = Plan::of(job, &self.signature())?;
        let dataset = Dataset::open(args::input(job, "examples")?)?;
        let model = train(job, &plan, &dataset)?;
        model.save(args::output(job, "model")?)?;
        report::output_parameter(job, "rows", &model.trained_on.rows.to_string())
    }
}

struct Plan {
    label: LabelRule,
    features: Vec<String>,
    categories: Vec<String>,
    weekday: Option<[String; 3]>,
    split: String,
    settings: Settings,
}

impl Plan {
    fn of(job: &Job, signature: &ComponentSignature) -> Result<Self> {
        let args = Args::of(job, &signature.args)?;
        let algorithm = args.get::<String>("algorithm")?.unwrap_or_else(|| "gbdt".to_owned());
        if algorithm != "gbdt" {
            bail!("`with.algorithm` = \"{algorithm}\" is not known; there is: gbdt");
        }
        let plan = Self {
            label: args.need("label")?,
            features: args.get("features")?.unwrap_or_default(),
            categories: args.get("categories")?.unwrap_or_default(),
            weekday: args.get("weekday")?,
            split: args.get("split")?.unwrap_or_else(|| "train".to_owned()),
            settings: settings(&args)?,
        };
        plan.check()?;
        Ok(plan)
    }

    fn check(&self) -> Result<()> {
        let columns: Vec<&String> = self.features.iter().chain(&self.categories).collect();
        if columns.is_empty() && self.weekday.is_none() {
            bail!("there is nothing to learn from: name columns in `with.features` or `with.categories`");
        }
        for (index, column) in columns.iter().enumerate() {
            if **column == self.label.column {
                bail!("`{column}` is the label's column: a model that is told the answer learns nothing else");
            }
            if columns[..index].contains(column) {
                bail!("`{column}` is named twice in `with.features` and `with.categories`");
            }
        }
        Ok(())
    }

    // Whatever is learned here is learned from the training rows alone.
    fn learn_features(&self, dataset: &Dataset, rows: &[StringRecord], labels: &[f64]) -> Result<Vec<Feature>> {
        let mut features: Vec<Feature> =
            self.features.iter().map(|name| Feature { name: name.clone(), encoding: Encoding::Number }).collect();
        for name in &self.categories {
            let index = dataset.column(name)?;
            let encoding = Encoding::learn_category(rows.iter().map(|row| encode::value(dataset, row, index)), labels);
            features.push(Feature { name: name.clone(), encoding });
        }
        if let Some(columns) = &self.weekday {
            features.push(Feature { name: "weekday".to_owned(), encoding: Encoding::Weekday { columns: columns.clone() } });
        }
        Ok(features)
    }
}

fn settings(args: &Args<'_>) -> Result<Settings> {
    let (learning_rate, subsample) = (args.float("learning_rate", 0.1)?, args.float("subsample", 0.8)?);
    for (name, value) in [("learning_rate", learning_rate), ("subsample", subsample)] {
        if value <= 0.0 || value > 1.0 {
            bail!("`with.{name}` = {value} must be above 0 and at most 1");
        }
    }
    Ok(Settings {
        rounds: args.int("rounds", 100, 1)? as usize,
        max_depth: args.int("max_depth", 6, 1)? as usize,
        learning_rate: learning_rate as f32,
        subsample,
        seed: args.int("seed", 0, 0)?,
    })
}

fn train(job: &Job, plan: &Plan, dataset: &Dataset) -> Result<Model> {
    let read = Labeled::read(dataset, &plan.split, &plan.label)?;
    tell_rows(plan, &read);
    let (rows, labels, held_rows, held_labels) = hold_back(&read);
    let yes: f64 = labels.iter().sum();
    if yes == 0.0 || yes == labels.len() as f64 {
        bail!("{yes} of the {} rows to train on answer yes to `{}`: too few to learn from", labels.len(), plan.label);
    }
    let features = plan.learn_features(dataset, &rows, &labels)?;
    let numbers = encode::encode(dataset, &features, &rows)?;
    let held_numbers = encode::encode(dataset, &features, &held_rows)?;
    println!(
        "training on {} rows with {} features; {} rows are held back to measure progress",
        rows.len(),
        features.len(),
        held_rows.len()
    );
    let sample = Sample { numbers: &numbers, labels: &labels };
    let held = Sample { numbers: &held_numbers, labels: &held_labels };
    let mut metrics = BTreeMap::new();
    let booster = boost::train(plan.settings, sample, held, |round| {
        let due = round.number % plan.settings.rounds.div_ceil(LINES) == 0 || round.number == plan.settings.rounds;
        if due {
            metrics = tell_round(job, plan.settings.rounds, &round, &labels, &held_labels)?;
        }
        Ok(())
    })?;
    let split = dataset.split(&plan.split)?;
    Ok(Model {
        format: FORMAT,
        algorithm: "gbdt".to_owned(),
        label: plan.label.clone(),
        features,
        missing: dataset.doc.missing.clone(),
        settings: plan.settings,
        trained_on: TrainedOn { split: split.name.clone(), rows: rows.len(), held_back: held_rows.len(), blake3: split.blake3.clone() },
        metrics,
        booster,
    })
}

fn tell_rows(plan: &Plan, read: &Labeled) {
    if read.dropped > 0 {
        println!("{} rows of split `{}` are left out: `{}` has no value there", read.dropped, plan.split, plan.label.column);
    }
    let yes = read.positives();
    println!("{}: {yes} of {} rows ({:.1} %)", plan.label, read.rows.len(), 100.0 * yes as f64 / read.rows.len() as f64);
}

fn hold_back(read: &Labeled) -> (Vec<StringRecord>, Vec<f64>, Vec<StringRecord>, Vec<f64>) {
    let (mut rows, mut labels, mut held_rows, mut held_labels) = (vec![], vec![], vec![], vec![]);
    for (index, (row, label)) in read.rows.iter().zip(&read.labels).enumerate() {
        let held = index % HELD_BACK_EVERY == HELD_BACK_EVERY - 1;
        let (to, labels) = if held { (&mut held_rows, &mut held_labels) } else { (&mut rows, &mut labels) };
        to.push(row.clone());
        labels.push(*label);
    }
    (rows, labels, held_rows, held_labels)
}

fn tell_round(job: &Job, rounds: usize, round: &Round<'_>, labels: &[f64], held_labels: &[f64]) -> Result<BTreeMap<String, f64>> {
    let mut metrics = BTreeMap::from([("train_logloss".to_owned(), logloss(labels, &round.train()))]);
    let mut line = json!({ "step": round.number, "progress": round.number as f64 / rounds as f64 });
    // A handful of rows may hold none back, or only one label; then there is no AUC, and nothing is made up.
    if !held_labels.is_empty() {
        let scores = Scores::of(held_labels, &round.held_back());
        metrics.insert("logloss".to_owned(), scores.logloss);
        if scores.auc.is_finite() {
            metrics.insert("auc".to_owned(), scores.auc);
        }
    }
    for (name, value) in &metrics {
        line[name] = json!(value);
    }
    report::metrics(job, &line)?;
    let values: Vec<String> = metrics.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
    println!("round {}/{rounds}: {}", round.number, values.join(", "));
    Ok(metrics)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::shared::fixture::Bench;
    use std::fs;

    fn with(seed: u64) -> serde_json::Value {
        json!({
            "label": { "column": "delay", "greater_than": 15 },
            "features": ["hour", "weight"], "categories": ["carrier"], "rounds": 20, "max_depth": 3, "seed": seed,
        })
    }

    #[test]
    fn a_saved_model_gives_the_same_probabilities_when_loaded() {
        let bench = Bench::empty();
        bench.csv("a.csv", 600, 1);
        let folder = bench.dataset("a.csv");
        let job = bench.job_on(&folder, with(7));
        let dataset = Dataset::open(&folder).unwrap();
        let plan = Plan::of(&job, &Trainer.signature()).unwrap();
        let model = train(&job, &plan, &dataset).unwrap();
        let rows = dataset.read("eval").unwrap();
        let before = model.predict(&dataset, &rows).unwrap();
        let saved = &job.outputs["model"].path;
        model.save(saved).unwrap();
        let after = Model::load(saved).unwrap().predict(&dataset, &rows).unwrap();
        assert_eq!(before, after);
        assert!(before.iter().all(|p| (0.0..=1.0).contains(p)));
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
        let bench = Bench::empty();
        bench.csv("a.csv", 600, 1);
        let folder = bench.dataset("a.csv");
        let bytes = |seed| {
            let job = bench.job_on(&folder, with(seed));
            Trainer.run(&job).unwrap();
            fs::read(job.outputs["model"].path.join("model.json")).unwrap()
        };
        let first = bytes(7);
        assert!(first == bytes(7), "the same seed gave another model");
        assert!(first != bytes(8), "another seed gave the same model");
    }

    #[test]
    fn probabilities_are_those_of_yes_and_better_than_chance() {
        let bench = Bench::empty();
        bench.csv("a.csv", 2000, 1);
        let folder = bench.dataset("a.csv");
        let job = bench.job_on(&folder, with(1));
        Trainer.run(&job).unwrap();
        let (dataset, model) = (Dataset::open(&folder).unwrap(), Model::load(&job.outputs["model"].path).unwrap());
        let eval = Labeled::read(&dataset, "eval", &model.label).unwrap();
        let scores = Scores::of(&eval.labels, &model.predict(&dataset, &eval.rows).unwrap());
        assert!(scores.auc > 0.8, "{scores:?}");
    }

    #[test]
    fn progress_and_loss_are_told_while_training() {
        let bench = Bench::empty();
        bench.csv("a.csv", 600, 1);
        Trainer.run(&bench.job_on(&bench.dataset("a.csv"), with(1))).unwrap();
        let lines = bench.metrics();
        let progress: Vec<f64> = lines.iter().filter_map(|line| line["progress"].as_f64()).collect();
        assert_eq!(progress.len(), 20);
        assert!(progress.is_sorted() && progress.last() == Some(&1.0));
        let loss = |line: &serde_json::Value| line["train_logloss"].as_f64().unwrap();
        assert!(loss(lines.last().unwrap()) < loss(&lines[0]));
    }

    #[test]
    fn a_handful_of_rows_trains_without_made_up_scores() {
        let bench = Bench::empty();
        let rows: String = (0..12).map(|row| format!("{row},{}\n", if row % 2 == 0 { 30 } else { 0 })).collect();
        bench.write("a.csv", &format!("hour,delay\n{rows}"));
        let with = json!({ "label": { "column": "delay", "greater_than": 15 }, "features": ["hour"], "rounds": 2 });
        Trainer.run(&bench.job_on(&bench.dataset("a.csv"), with)).unwrap();
        let line = bench.metrics().pop().unwrap();
        assert!(line["train_logloss"].is_number() && line.get("logloss").is_none(), "{line}");
    }

    #[test]
    fn a_share_so_small_that_rounds_see_no_row_still_trains() {
        let bench = Bench::empty();
        bench.csv("a.csv", 60, 1);
        let mut with = with(1);
        with["subsample"] = json!(0.0001);
        let job = bench.job_on(&bench.dataset("a.csv"), with);
        Trainer.run(&job).unwrap();
        let dataset = Dataset::open(&bench.dataset("a.csv")).unwrap();
        let model = Model::load(&job.outputs["model"].path).unwrap();
        let probabilities = model.predict(&dataset, &dataset.read("eval").unwrap()).unwrap();
        assert!(probabilities.iter().all(|p| (0.0..=1.0).contains(p)), "{probabilities:?}");
    }

    #[test]
    fn an_infinite_number_is_refused_and_a_missing_one_is_not() {
        let bench = Bench::empty();
        let train = |hour: &str| {
            let rows: String = (0..90).map(|row| format!("{row},{}\n", if row % 2 == 0 { 30 } else { 0 })).collect();
            bench.write("a.csv", &format!("hour,delay\n{rows}{hour},30\n{hour},0\n{hour},31\n{hour},1\n"));
            let with = json!({ "label": { "column": "delay", "greater_than": 15 }, "features": ["hour"], "rounds": 2 });
            Trainer.run(&bench.job_on(&bench.dataset("a.csv"), with))
        };
        train("NA").unwrap();
        let error = format!("{:#}", train("1e999").unwrap_err());
        assert!(error.contains("`hour` = \"1e999\" is not a finite number"), "{error}");
    }

    #[test]
    fn what_can_not_be_learned_is_refused_by_name() {
        let bench = Bench::empty();
        bench.csv("a.csv", 60, 1);
        let folder = bench.dataset("a.csv");
        let error = |with: serde_json::Value| format!("{:#}", Trainer.run(&bench.job_on(&folder, with)).unwrap_err());
        let label = json!({ "column": "delay", "greater_than": 15 });
        for (with, part) in [
            (json!({ "label": label, "features": ["hour", "delay"] }), "`delay` is the label's column"),
            (json!({ "label": label, "features": ["hou"] }), "column `hou` is missing in a.csv"),
            (json!({ "label": label, "features": ["carrier"] }), "belongs in `with.categories`"),
            (json!({ "label": label }), "nothing to learn from"),
            (json!({ "label": { "column": "delay", "greater_than": 1e9 }, "features": ["hour"] }), "the same for all"),
            (json!({ "label": { "column": "delay" }, "features": ["hour"] }), "exactly one of"),
            (json!({ "label": label, "features": ["hour"], "subsample": 0 }), "`with.subsample` = 0 must be above 0"),
            (json!({ "label": label, "features": ["hour"], "algorithm": "magic" }), "there is: gbdt"),
        ] {
            let text = error(with);
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
