//! A workspace of its own for a test of a component: small files, jobs, and what was reported.

use crate::components::{Component, example_gen::ExampleGen};
use crate::model::{Job, JobInput, JobOutput};
use serde_json::{Value, json};
use std::{
    cell::Cell,
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

/// A temporary workspace.
pub struct Bench {
    folder: tempfile::TempDir,
    jobs: Cell<u32>,
}

impl Bench {
    /// An empty one.
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), jobs: Cell::new(0) }
    }

    /// Its folder.
    pub fn workspace(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file below the workspace.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.workspace().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A file of `rows` rows with the columns hour, weight, carrier, delay; late in the evening and by carrier B.
    pub fn csv(&self, path: &str, rows: u64, seed: u64) {
        let mut text = "hour,weight,carrier,delay\n".to_owned();
        let mut state = seed;
        for row in 0..rows {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let random = state >> 33;
            let (hour, carrier, noise) = (random % 24, if random & 1024 == 0 { "A" } else { "B" }, (random >> 11) % 20);
            let delay = hour + noise + if carrier == "B" { 5 } else { 0 };
            writeln!(text, "{hour},{row}.{seed},{carrier},{}", i64::try_from(delay).unwrap() - 10).unwrap();
        }
        self.write(path, &text);
    }

    /// A data set made from the file `path`.
    pub fn dataset(&self, path: &str) -> PathBuf {
        let job = self.job(json!({ "pattern": path }));
        ExampleGen.run(&job).unwrap();
        // The reports of making it are not part of what a test looks at.
        let _ = fs::remove_file(&job.metrics_file);
        let _ = fs::remove_file(&job.output_file);
        job.outputs["examples"].path.clone()
    }

    /// A job without inputs.
    pub fn job(&self, with: Value) -> Job {
        self.job_with(&[], with)
    }

    /// A job that reads the data set in `examples`.
    pub fn job_on(&self, examples: &Path, with: Value) -> Job {
        self.job_with(&[("examples", examples)], with)
    }

    /// A job with these inputs, and every output any component writes.
    pub fn job_with(&self, inputs: &[(&str, &Path)], with: Value) -> Job {
        let number = self.jobs.get() + 1;
        self.jobs.set(number);
        let folder = self.workspace().join(format!("job-{number}"));
        fs::create_dir(&folder).unwrap();
        let input = |path: &Path| JobInput { path: path.to_owned(), artifact_type: None, artifact: None };
        let outputs: BTreeMap<String, JobOutput> = ["examples", "anomalies", "model", "evaluation", "pushed_model"]
            .into_iter()
            .map(|name| (name.to_owned(), JobOutput { path: folder.join(name), artifact_type: String::new() }))
            .collect();
        Job {
            run_id: "run".into(),
            pipeline: "pipeline".into(),
            task: "task".into(),
            attempt: 1,
            workspace: self.workspace().to_owned(),
            params: serde_json::Map::new(),
            with: with.as_object().cloned().unwrap(),
            inputs: inputs.iter().map(|(name, path)| ((*name).to_owned(), input(path))).collect(),
            outputs,
            metrics_file: self.workspace().join("metrics.jsonl"),
            output_file: self.workspace().join("output"),
        }
    }

    /// The lines of metrics so far.
    pub fn metrics(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.workspace().join("metrics.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The lines of output parameters so far.
    pub fn output_parameters(&self) -> Vec<String> {
        fs::read_to_string(self.workspace().join("output")).unwrap_or_default().lines().map(str::to_owned).collect()
    }
}
