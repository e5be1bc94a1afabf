//! `example_gen`: reads CSV files into a data set, and splits its rows by a hash of their content.

use super::{
    Component,
    shared::{
        args::{self, Args},
        csv_files::CsvFile,
        dataset::{self, DatasetDoc, SourceDoc, SplitDoc},
        report,
    },
};
use crate::{
    model::{ArgKind, ComponentSignature, Job},
    stdx::glob,
};
use anyhow::{Context, Result, bail};
use csv::StringRecord;
use serde::Deserialize;
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Reads CSV files into a data set.
pub struct ExampleGen;

impl Component for ExampleGen {
    fn signature(&self) -> ComponentSignature {
        ComponentSignature {
            name: "example_gen",
            summary: "Reads CSV files (plain or .gz) into a data set split by a hash of each row",
            inputs: vec![],
            outputs: vec![args::port("examples", "Dataset")],
            args: vec![
                args::optional("input_base", ArgKind::String, "Folder to read from, relative to the workspace; default: the workspace"),
                args::required("pattern", ArgKind::String, "Files to read, relative to input_base; `*`, `?` and `**` match"),
                args::optional(
                    "splits",
                    ArgKind::Any,
                    "List of { name, hash_buckets }; default: train 2, eval 1, so that two thirds of the rows train",
                ),
                args::optional("missing", ArgKind::Strings, "Texts that mean \"no value\"; default: \"\" and \"NA\""),
            ],
            metrics: vec!["rows", "files"],
            output_parameters: vec!["rows", "path"],
        }
    }

    fn run(&self, job: &Job) -> Result<()> {
        let request = Request::of(job, &self.signature())?;
        let files = request.files()?;
        let target = args::output(job, "examples")?;
        let doc = extract(job, &request, &files, target)?;
        report::write_json(&dataset::doc_file(target), &doc)?;
        report::output_parameter(job, "rows", &doc.rows.to_string())?;
        report::output_parameter(job, "path", &request.path_of(&doc.sources))?;
        println!("{} rows of {} columns from {} file(s)", doc.rows, doc.columns.len(), files.len());
        Ok(())
    }
}

/// A share of the rows: `hash_buckets` of the sum over all splits.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SplitShare {
    name: String,
    hash_buckets: u64,
}

struct Request {
    base: (String, PathBuf),
    pattern: String,
    splits: Vec<SplitShare>,
    missing: Vec<String>,
}

impl Request {
    fn of(job: &Job, signature: &ComponentSignature) -> Result<Self> {
        let args = Args::of(job, &signature.args)?;
        let base = args.path("input_base", Some("."))?.context("`with.input_base` is missing")?;
        let (pattern, _) = args.path("pattern", None)?.context("`with.pattern` is missing: which files are to be read?")?;
        let share = |name: &str, hash_buckets| SplitShare { name: name.to_owned(), hash_buckets };
        let splits = args.get("splits")?.unwrap_or_else(|| vec![share("train", 2), share("eval", 1)]);
        check_splits(&splits)?;
        let missing = args.get("missing")?.unwrap_or_else(|| vec![String::new(), "NA".to_owned()]);
        Ok(Self { base, pattern, splits, missing })
    }

    fn files(&self) -> Result<Vec<(String, PathBuf)>> {
        let (base, folder) = &self.base;
        let found = glob::files(folder, &self.pattern).with_context(|| format!("cannot look for files in {base}"))?;
        if found.is_empty() {
            let there = if folder.is_dir() { "" } else { ", which does not exist" };
            bail!("no file matches `{}` in the folder `{base}`{there}; both are relative to the workspace", self.pattern);
        }
        Ok(found.into_iter().map(|path| (self.name_of(&path), path)).collect())
    }

    fn name_of(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.base.1).unwrap_or(path);
        Path::new(&self.base.0)
            .join(below)
            .components()
            .skip_while(|part| part.as_os_str() == ".")
            .collect::<PathBuf>()
            .display()
            .to_string()
    }

    // Where the rows came from, since the place of the artifact is not known before it is published.
    fn path_of(&self, sources: &[SourceDoc]) -> String {
        match sources {
            [one] => one.path.clone(),
            _ => self.base.0.clone(),
        }
    }
}

fn check_splits(splits: &[SplitShare]) -> Result<()> {
    if splits.is_empty() {
        bail!("`with.splits` is empty: leave it out for train and eval");
    }
    for (index, split) in splits.iter().enumerate() {
        let plain = !split.name.is_empty() && split.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if !plain {
            bail!("the split name \"{}\" may hold only letters, digits, `_` and `-`", split.name);
        }
        if split.hash_buckets == 0 || split.hash_buckets > 1_000_000 {
            bail!("split `{}` has {} hash_buckets; it needs 1 to 1000000", split.name, split.hash_buckets);
        }
        if splits[..index].iter().any(|other| other.name == split.name) {
            bail!("the split `{}` is declared twice", split.name);
        }
    }
    Ok(())
}

fn extract(job: &Job, request: &Request, files: &[(String, PathBuf)], target: &Path) -> Result<DatasetDoc> {
    let mut doc = DatasetDoc { format: 1, columns: vec![], missing: request.missing.clone(), rows: 0, splits: vec![], sources: vec![] };
    let mut writers: Vec<SplitWriter> = Vec::new();
    let mut record = StringRecord::new();
    for (done, (name, path)) in files.iter().enumerate() {
        let mut file = CsvFile::open(path, name)?;
        if writers.is_empty() {
            doc.columns = file.header().to_vec();
            writers = request.splits.iter().map(|share| SplitWriter::new(target, &share.name, &doc.columns)).collect::<Result<_>>()?;
        } else {
            same_header(&doc.columns, file.header(), &files[0].0, name)?;
        }
        let mut rows = 0;
        while file.next(&mut record)? {
            let hash = row_hash(&record);
            writers[owner(&request.splits, hash)].write(&record, hash)?;
            rows += 1;
        }
        println!("{name}: {rows} rows");
        doc.rows += rows;
        doc.sources.push(SourceDoc { path: name.clone(), rows });
        let progress = (done + 1) as f64 / files.len() as f64;
        report::metrics(job, &json!({ "step": done + 1, "progress": progress, "rows": doc.rows, "files": done + 1 }))?;
    }
    for writer in writers {
        doc.splits.push(writer.finish(doc.rows)?);
    }
    Ok(doc)
}

fn same_header(first: &[String], other: &[String], first_name: &str, other_name: &str) -> Result<()> {
    if let Some(lost) = first.iter().find(|column| !other.contains(column)) {
        bail!("column `{lost}` is missing in {other_name}, but {first_name} has it; it has: {}", other.join(", "));
    }
    if let Some(more) = other.iter().find(|column| !first.contains(column)) {
        bail!("column `{more}` is in {other_name}, but not in {first_name}");
    }
    if first != other {
        bail!("{other_name} has the columns of {first_name} in another order: {}", other.join(", "));
    }
    Ok(())
}

// Each field is preceded by its length, so that no two different rows read alike; quotes and line ends do not count.
fn row_hash(row: &StringRecord) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for field in row {
        hasher.update(&(field.len() as u64).to_le_bytes());
        hasher.update(field.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

// The same row is always in the same split, whatever the order and the number of the other rows.
fn owner(splits: &[SplitShare], hash: [u8; 32]) -> usize {
    let sum: u64 = splits.iter().map(|split| split.hash_buckets).sum();
    let [a, b, c, d, e, f, g, h, ..] = hash;
    let mut bucket = u64::from_be_bytes([a, b, c, d, e, f, g, h]) % sum;
    for (index, split) in splits.iter().enumerate() {
        if bucket < split.hash_buckets {
            return index;
        }
        bucket -= split.hash_buckets;
    }
    splits.len() - 1
}

struct SplitWriter {
    name: String,
    rows: u64,
    hasher: blake3::Hasher,
    writer: csv::Writer<fs::File>,
}

impl SplitWriter {
    fn new(target: &Path, name: &str, columns: &[String]) -> Result<Self> {
        let path = dataset::rows_file(target, name);
        let folder = path.parent().unwrap_or(target);
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let file = fs::File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let mut writer = csv::WriterBuilder::new().buffer_capacity(1 << 16).from_writer(file);
        writer.write_record(columns)?;
        Ok(Self { name: name.to_owned(), rows: 0, hasher: blake3::Hasher::new(), writer })
    }

    fn write(&mut self, row: &StringRecord, hash: [u8; 32]) -> Result<()> {
        self.rows += 1;
        self.hasher.update(&hash);
        self.writer.write_record(row).with_context(|| format!("cannot write split `{}`", self.name))
    }

    fn finish(mut self, all: u64) -> Result<SplitDoc> {
        self.writer.flush().with_context(|| format!("cannot write split `{}`", self.name))?;
        if self.rows == 0 {
            bail!("split `{}` got none of the {all} rows: more rows or more hash_buckets are needed", self.name);
        }
        println!("split {}: {} rows", self.name, self.rows);
        Ok(SplitDoc { name: self.name, rows: self.rows, blake3: self.hasher.finalize().to_hex().to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::shared::{dataset::Dataset, fixture::Bench};

    fn bench() -> Bench {
        let bench = Bench::empty();
        bench.csv("data/a.csv", 60, 1);
        bench.csv("data/b.csv", 40, 2);
        bench
    }

    fn error(bench: &Bench, with: serde_json::Value) -> String {
        ExampleGen.run(&bench.job(with)).unwrap_err().to_string()
    }

    #[test]
    fn rows_are_split_two_to_one_and_each_row_is_in_one_split() {
        let bench = bench();
        let job = bench.job(json!({ "pattern": "data/*.csv" }));
        ExampleGen.run(&job).unwrap();
        let dataset = Dataset::open(&job.outputs["examples"].path).unwrap();
        let (train, eval) = (dataset.read("train").unwrap(), dataset.read("eval").unwrap());
        assert_eq!((train.len() + eval.len(), dataset.doc.rows), (100, 100));
        assert!((50..85).contains(&train.len()), "{}", train.len());
        assert!(train.iter().all(|row| !eval.contains(row)));
        assert_eq!(bench.output_parameters(), ["rows=100", "path=."]);
        assert_eq!(bench.metrics().last().unwrap()["progress"], 1.0);
    }

    #[test]
    fn a_row_keeps_its_split_when_files_are_added() {
        let bench = bench();
        let one = bench.job(json!({ "input_base": "data", "pattern": "a.csv" }));
        ExampleGen.run(&one).unwrap();
        let before = Dataset::open(&one.outputs["examples"].path).unwrap().read("eval").unwrap();
        let both = bench.job(json!({ "input_base": "data", "pattern": "*.csv" }));
        ExampleGen.run(&both).unwrap();
        let after = Dataset::open(&both.outputs["examples"].path).unwrap().read("eval").unwrap();
        assert!(before.iter().all(|row| after.contains(row)));
        assert_eq!(bench.output_parameters(), ["rows=60", "path=data/a.csv", "rows=100", "path=data"]);
    }

    #[test]
    fn no_matching_file_is_told_with_pattern_and_folder() {
        let bench = bench();
        let text = error(&bench, json!({ "input_base": "data", "pattern": "*.parquet" }));
        assert!(text.contains("`*.parquet` in the folder `data`;"), "{text}");
        let text = error(&bench, json!({ "input_base": "dada", "pattern": "*.csv" }));
        assert!(text.contains("`dada`, which does not exist"), "{text}");
    }

    #[test]
    fn a_file_without_a_column_of_the_first_is_told_with_that_column() {
        let bench = bench();
        bench.write("data/c.csv", "hour,weight,carrier\n1,2,AA\n");
        let text = error(&bench, json!({ "input_base": "data", "pattern": "*.csv" }));
        assert!(text.contains("column `delay` is missing in data/c.csv, but data/a.csv has it"), "{text}");
    }

    #[test]
    fn a_ragged_row_and_an_empty_split_fail() {
        let bench = bench();
        bench.write("data/ragged.csv", "a,b\n1,2\n1\n");
        let text = error(&bench, json!({ "pattern": "data/ragged.csv" }));
        assert_eq!(text, "data/ragged.csv:3: 1 fields, but the header has 2");
        bench.write("data/one.csv", "a,b\n1,2\n");
        let text = error(&bench, json!({ "pattern": "data/one.csv" }));
        assert!(text.contains("got none of the 1 rows"), "{text}");
    }

    #[test]
    fn split_names_stay_within_the_data_set() {
        let bench = bench();
        let splits = json!([{ "name": "../x", "hash_buckets": 1 }]);
        let text = error(&bench, json!({ "pattern": "data/a.csv", "splits": splits }));
        assert!(text.contains("\"../x\" may hold only"), "{text}");
    }
}
