//! The shipped pipeline `ml_training` on its real data: every component in the file's order, without an engine.

#![allow(clippy::unwrap_used)]

use flowyard::{
    components,
    model::{Job, JobInput, JobOutput, Params},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// The tasks of the file, each run once in a workspace that has the committed data.
struct Story {
    workspace: tempfile::TempDir,
    file: toml::Table,
    params: Params,
}

impl Story {
    fn new(rounds: u64) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let file: toml::Table = fs::read_to_string(root.join("pipelines/ml_training.toml")).unwrap().parse().unwrap();
        let workspace = tempfile::tempdir().unwrap();
        fs::create_dir(workspace.path().join("pipelines")).unwrap();
        std::os::unix::fs::symlink(root.join("pipelines/data"), workspace.path().join("pipelines/data")).unwrap();
        let mut params = Params::new();
        for (name, definition) in file["params"].as_table().unwrap() {
            params.insert(name.clone(), serde_json::to_value(&definition["default"]).unwrap());
        }
        params.insert("rounds".to_owned(), rounds.into());
        Self { workspace, file, params }
    }

    fn task(&self, task: &str) -> &toml::Table {
        self.file["tasks"][task].as_table().unwrap()
    }

    fn folder(&self, round: u32, task: &str) -> PathBuf {
        self.workspace.path().join(format!("run-{round}/{task}"))
    }

    // Whole templates become the params' values, as in a run.
    fn with(&self, task: &str) -> serde_json::Map<String, Value> {
        let mut with = serde_json::to_value(&self.task(task)["with"]).unwrap().as_object().cloned().unwrap();
        for value in with.values_mut() {
            let name = value.as_str().and_then(|text| text.strip_prefix("{{ params.")).and_then(|text| text.strip_suffix(" }}"));
            if let Some(name) = name {
                *value = self.params[name].clone();
            }
        }
        with
    }

    fn run(&self, round: u32, task: &str) -> Value {
        let folder = self.folder(round, task);
        fs::create_dir_all(&folder).unwrap();
        let input = |source: &str| {
            let (task, output) = source.split_once('.').unwrap();
            JobInput { path: self.folder(round, task).join(output), artifact_type: None, artifact: None }
        };
        let table = |key: &str| self.task(task).get(key).and_then(toml::Value::as_table).cloned().unwrap_or_default();
        let inputs = table("inputs").iter().map(|(name, source)| (name.clone(), input(source.as_str().unwrap()))).collect();
        let output =
            |name: &str, kind: &toml::Value| JobOutput { path: folder.join(name), artifact_type: kind.as_str().unwrap().to_owned() };
        let outputs: BTreeMap<String, JobOutput> = table("outputs").iter().map(|(name, kind)| (name.clone(), output(name, kind))).collect();
        let job = Job {
            run_id: format!("run-{round}").into(),
            pipeline: "ml_training".into(),
            task: task.into(),
            attempt: 1,
            workspace: self.workspace.path().to_owned(),
            params: self.params.clone(),
            with: self.with(task),
            inputs,
            outputs,
            metrics_file: folder.join("metrics.jsonl"),
            output_file: folder.join("output.params"),
        };
        let name = self.task(task)["component"].as_str().unwrap();
        let component = components::ALL.iter().find(|component| component.signature().name == name).unwrap();
        component.run(&job).unwrap_or_else(|error| panic!("{task}: {error:#}"));
        let lines = fs::read_to_string(&job.metrics_file).unwrap_or_default();
        lines.lines().last().map_or(Value::Null, |line| serde_json::from_str(line).unwrap())
    }
}

#[test]
fn real_flights_train_a_model_that_is_deployed_and_judges_the_next() {
    let story = Story::new(30);
    story.run(1, "extract_data");
    let output = fs::read_to_string(story.folder(1, "extract_data").join("output.params")).unwrap();
    assert_eq!(output, "rows=81380\npath=pipelines/data\n");
    story.run(1, "validate_data");
    story.run(1, "train_model");
    let first = story.run(1, "evaluate_model");
    let auc = first["auc"].as_f64().unwrap();
    assert!(auc > 0.65, "AUC {auc}");
    assert!(first["accuracy"].as_f64() > first["majority"].as_f64(), "{first}");
    assert!(first.get("baseline_auc").is_none(), "nothing was deployed yet: {first}");
    assert_eq!(story.run(1, "deploy_model")["version"], 1);

    for task in ["extract_data", "validate_data", "train_model"] {
        story.run(2, task);
    }
    let model = |round| fs::read(story.folder(round, "train_model").join("model/model.json")).unwrap();
    assert!(model(1) == model(2), "the same data, params and seed gave another model");
    assert_eq!(story.run(2, "evaluate_model")["baseline_auc"].as_f64(), Some(auc));
    assert_eq!(story.run(2, "deploy_model")["version"], 2);
    let current = story.workspace.path().join("models/flights_late/current");
    assert_eq!(fs::read_link(&current).unwrap(), Path::new("2"));
    assert!(current.join("model.json").is_file() && current.join("metrics.json").is_file());
}

#[test]
fn the_file_connects_and_declares_what_the_components_want() {
    let story = Story::new(1);
    let catalog = components::catalog();
    for (task, body) in story.file["tasks"].as_table().unwrap() {
        let component = catalog.get(body["component"].as_str().unwrap()).unwrap();
        for port in &component.inputs {
            assert!(body["inputs"].get(port.name).is_some(), "{task} does not connect {}", port.name);
        }
        for port in &component.outputs {
            assert_eq!(body["outputs"][port.name].as_str(), Some(port.artifact_type), "{task}");
        }
        let known = |name: &String| component.args.iter().any(|arg| arg.name == name);
        assert!(story.with(task).keys().all(known), "{task} has an unknown argument");
    }
}
