//! `example_validator`: refuses a data set with too few rows, without a column, or with a column that is empty.

use super::{
    Component,
    shared::{
        args::{self, Args},
        dataset::Dataset,
        report,
    },
};
use crate::model::{ArgKind, ComponentSignature, Job};
use anyhow::{Result, bail};
use serde::Serialize;
use serde_json::json;

/// Refuses a data set that is not fit to be trained on.
pub struct ExampleValidator;

impl Component for ExampleValidator {
    fn signature(&self) -> ComponentSignature {
        ComponentSignature {
            name: "example_validator",
            summary: "Fails on too few rows, on a missing column, and on a column without any value",
            inputs: vec![args::port("examples", "Dataset")],
            outputs: vec![args::port("anomalies", "Anomalies")],
            args: vec![
                args::optional("min_rows", ArgKind::Int, "Fewest rows over all splits; default: 1"),
                args::optional("columns", ArgKind::Strings, "Columns that must be there with a value; default: those that are there"),
            ],
            metrics: vec!["rows", "anomalies"],
            output_parameters: vec![],
        }
    }

    fn run(&self, job: &Job) -> Result<()> {
        let args = Args::of(job, &self.signature().args)?;
        let min_rows = args.int("min_rows", 1, 0)?;
        let dataset = Dataset::open(args::input(job, "examples")?)?;
        let columns: Vec<String> = args.get("columns")?.unwrap_or_else(|| dataset.doc.columns.clone());
        println!("{} rows in {}", dataset.doc.rows, dataset.place());
        let found = Anomaly::all_in(&dataset, min_rows, &columns)?;
        report::metrics(job, &json!({ "progress": 1.0, "rows": dataset.doc.rows, "anomalies": found.len() }))?;
        // The report is there also when the task fails, so that it can be read.
        let report = Anomalies { blessed: found.is_empty(), rows: dataset.doc.rows, anomalies: found };
        report::write_json(args::output(job, "anomalies")?, &report)?;
        verdict(&report)
    }
}

/// The document of the output `anomalies`.
#[derive(Debug, Serialize)]
struct Anomalies {
    blessed: bool,
    rows: u64,
    anomalies: Vec<Anomaly>,
}

#[derive(Debug, Serialize)]
struct Anomaly {
    feature: Option<String>,
    #[serde(rename = "type")]
    kind: &'static str,
    description: String,
    severity: &'static str,
}

impl Anomaly {
    fn new(feature: Option<&str>, kind: &'static str, description: String) -> Self {
        Self { feature: feature.map(str::to_owned), kind, description, severity: "error" }
    }

    fn all_in(dataset: &Dataset, min_rows: u64, columns: &[String]) -> Result<Vec<Self>> {
        let rows = dataset.doc.rows;
        let mut found = Vec::new();
        if rows < min_rows {
            found.push(Self::new(None, "DATASET_LOW_NUM_EXAMPLES", format!("{rows} rows, but min_rows is {min_rows}")));
        }
        let values = count_values(dataset)?;
        for column in columns {
            match dataset.column(column) {
                Err(missing) => found.push(Self::new(Some(column), "SCHEMA_MISSING_COLUMN", missing.to_string())),
                Ok(index) if values[index] == 0 => {
                    let description = format!("`{column}` has no value in any of {rows} rows");
                    found.push(Self::new(Some(column), "FEATURE_TYPE_NOT_PRESENT", description));
                }
                Ok(index) => tell_missing(column, rows, rows - values[index]),
            }
        }
        Ok(found)
    }
}

fn tell_missing(column: &str, rows: u64, missing: u64) {
    if missing > 0 {
        println!("{column}: {missing} of {rows} rows have no value ({:.2} %)", 100.0 * missing as f64 / rows as f64);
    }
}

fn count_values(dataset: &Dataset) -> Result<Vec<u64>> {
    let mut values = vec![0; dataset.doc.columns.len()];
    for split in &dataset.doc.splits {
        dataset.for_each(&split.name, |row| {
            for (count, text) in values.iter_mut().zip(row) {
                *count += u64::from(!dataset.is_missing(text));
            }
            Ok(())
        })?;
    }
    Ok(values)
}

fn verdict(report: &Anomalies) -> Result<()> {
    match report.anomalies.as_slice() {
        [] => {
            println!("no anomaly");
            Ok(())
        }
        [one] => bail!("{}", one.description),
        several => {
            let all: Vec<&str> = several.iter().map(|anomaly| anomaly.description.as_str()).collect();
            bail!("{} anomalies: {}", several.len(), all.join("; "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::shared::fixture::Bench;

    fn validate(bench: &Bench, with: serde_json::Value) -> Result<()> {
        ExampleValidator.run(&bench.job_on(&bench.dataset("a.csv"), with))
    }

    #[test]
    fn a_good_data_set_passes_and_its_report_says_so() {
        let bench = Bench::empty();
        bench.csv("a.csv", 100, 1);
        let job = bench.job_on(&bench.dataset("a.csv"), json!({ "min_rows": 100, "columns": ["hour", "delay"] }));
        ExampleValidator.run(&job).unwrap();
        let report: serde_json::Value = report::read_json(&job.outputs["anomalies"].path, "report").unwrap();
        assert_eq!((&report["blessed"], &report["rows"]), (&json!(true), &json!(100)));
    }

    #[test]
    fn too_few_rows_are_told_with_both_numbers() {
        let bench = Bench::empty();
        bench.csv("a.csv", 12, 1);
        let error = validate(&bench, json!({ "min_rows": "1000" })).unwrap_err().to_string();
        assert_eq!(error, "12 rows, but min_rows is 1000");
    }

    #[test]
    fn a_missing_column_is_told_with_file_and_columns() {
        let bench = Bench::empty();
        bench.csv("a.csv", 30, 1);
        let error = validate(&bench, json!({ "columns": ["hour", "delai"] })).unwrap_err().to_string();
        assert_eq!(error, "column `delai` is missing in a.csv; it has: hour, weight, carrier, delay; did you mean `delay`?");
    }

    #[test]
    fn a_column_without_any_value_is_told_with_the_number_of_rows() {
        let bench = Bench::empty();
        bench.write("a.csv", &format!("hour,delay\n{}", (0..30).map(|row| format!("{row},NA\n")).collect::<String>()));
        let error = validate(&bench, json!({})).unwrap_err().to_string();
        assert_eq!(error, "`delay` has no value in any of 30 rows");
    }

    #[test]
    fn all_anomalies_are_told_at_once_and_reported_before_the_failure() {
        let bench = Bench::empty();
        bench.csv("a.csv", 30, 1);
        let job = bench.job_on(&bench.dataset("a.csv"), json!({ "min_rows": 31, "columns": ["x", "y"] }));
        let error = ExampleValidator.run(&job).unwrap_err().to_string();
        assert!(error.starts_with("3 anomalies: 30 rows") && error.contains("`x`") && error.contains("`y`"), "{error}");
        let report: serde_json::Value = report::read_json(&job.outputs["anomalies"].path, "report").unwrap();
        assert_eq!(report["anomalies"].as_array().unwrap().len(), 3);
    }
}
