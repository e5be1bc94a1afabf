//! The `Dataset` artifact: a folder with one `Split-<name>/rows.csv` a split, and `dataset.json` that says what is in it.

use super::{
    csv_files::{self, CsvFile},
    report,
};
use anyhow::{Context, Result, bail};
use csv::StringRecord;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The document of a data set, `dataset.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetDoc {
    /// Version of this document's format.
    pub format: u32,
    /// Names of the columns, in order.
    pub columns: Vec<String>,
    /// Texts that mean "no value".
    pub missing: Vec<String>,
    /// Rows over all splits.
    pub rows: u64,
    /// In the order of their declaration.
    pub splits: Vec<SplitDoc>,
    /// The files the rows came from, in the order they were read.
    pub sources: Vec<SourceDoc>,
}

/// A part of the rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitDoc {
    /// Its name: `train`.
    pub name: String,
    /// How many rows it has.
    pub rows: u64,
    /// blake3 of its rows.
    pub blake3: String,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceDoc {
    /// Relative to the workspace.
    pub path: String,
    /// How many rows it has.
    pub rows: u64,
}

/// The file of a split within the data set's folder.
pub fn rows_file(folder: &Path, split: &str) -> PathBuf {
    folder.join(format!("Split-{split}")).join("rows.csv")
}

/// The document within the data set's folder.
pub fn doc_file(folder: &Path) -> PathBuf {
    folder.join("dataset.json")
}

/// A data set to read.
#[derive(Debug, Clone)]
pub struct Dataset {
    folder: PathBuf,
    /// What it says of itself.
    pub doc: DatasetDoc,
}

impl Dataset {
    /// Opens the data set in `folder`.
    ///
    /// # Errors
    /// There is none.
    pub fn open(folder: &Path) -> Result<Self> {
        let doc: DatasetDoc = report::read_json(&doc_file(folder), "data set document")?;
        Ok(Self { folder: folder.to_owned(), doc })
    }

    /// What it is called in messages: the files it came from.
    pub fn place(&self) -> String {
        match self.doc.sources.as_slice() {
            [] => self.folder.display().to_string(),
            [one] => one.path.clone(),
            [first, .., last] => format!("{} to {} ({} files)", first.path, last.path, self.doc.sources.len()),
        }
    }

    /// Where `column` stands.
    ///
    /// # Errors
    /// It is not there; the error lists what is.
    pub fn column(&self, column: &str) -> Result<usize> {
        csv_files::column(&self.doc.columns, column, &self.place())
    }

    /// Whether `text` means "no value".
    pub fn is_missing(&self, text: &str) -> bool {
        self.doc.missing.iter().any(|missing| missing == text)
    }

    /// The split of that name.
    ///
    /// # Errors
    /// There is none; the error lists what there is.
    pub fn split(&self, name: &str) -> Result<&SplitDoc> {
        let names = || self.doc.splits.iter().map(|split| split.name.as_str()).collect::<Vec<_>>().join(", ");
        self.doc
            .splits
            .iter()
            .find(|split| split.name == name)
            .with_context(|| format!("there is no split `{name}`; there are: {}", names()))
    }

    /// Calls `each` with every row of the split.
    ///
    /// # Errors
    /// It can not be read, or `each` fails.
    pub fn for_each(&self, split: &str, mut each: impl FnMut(&StringRecord) -> Result<()>) -> Result<()> {
        let expected = self.split(split)?.rows;
        let path = rows_file(&self.folder, split);
        let mut file = CsvFile::open(&path, &path.display().to_string())?;
        if file.header() != self.doc.columns {
            bail!("{} has not the columns that dataset.json names: the data set was changed by hand", path.display());
        }
        let (mut record, mut rows) = (StringRecord::new(), 0);
        while file.next(&mut record)? {
            rows += 1;
            each(&record)?;
        }
        if rows != expected {
            bail!("{} has {rows} rows, but dataset.json says {expected}: the data set was changed by hand", path.display());
        }
        Ok(())
    }

    /// The rows of a split, all of them in memory.
    ///
    /// # Errors
    /// It can not be read.
    pub fn read(&self, split: &str) -> Result<Vec<StringRecord>> {
        let mut rows = Vec::new();
        self.for_each(split, |row| {
            rows.push(row.clone());
            Ok(())
        })?;
        Ok(rows)
    }
}
