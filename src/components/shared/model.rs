//! The `Model` artifact: a folder with `model.json`, which holds all that is needed to use the model again.

use super::{
    boost,
    dataset::Dataset,
    encode::{self, Feature},
    report,
    rule::LabelRule,
};
use anyhow::{Context, Result, bail};
use csv::StringRecord;
use forust_ml::GradientBooster;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Version of the document's format.
pub const FORMAT: u32 = 1;

/// A trained model with everything around it.
#[derive(Serialize, Deserialize)]
pub struct Model {
    /// Version of this document's format.
    pub format: u32,
    /// How it was trained: `gbdt`.
    pub algorithm: String,
    /// What it answers.
    pub label: LabelRule,
    /// What it is asked with, in order.
    pub features: Vec<Feature>,
    /// Texts that mean "no value".
    pub missing: Vec<String>,
    /// How it was trained.
    pub settings: boost::Settings,
    /// What it was trained on.
    pub trained_on: TrainedOn,
    /// Scores on the rows held back while training.
    pub metrics: BTreeMap<String, f64>,
    /// The trees.
    pub booster: GradientBooster,
}

/// What a model was trained on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainedOn {
    /// The split.
    pub split: String,
    /// Rows that trained it.
    pub rows: usize,
    /// Rows held back for progress.
    pub held_back: usize,
    /// blake3 of the split's rows.
    pub blake3: String,
}

/// The document within the model's folder; `path` may be the document itself.
pub fn doc_file(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("model.json") } else { path.to_owned() }
}

/// blake3 of a model's document: what tells one model from another.
///
/// # Errors
/// It can not be read.
pub fn hash(path: &Path) -> Result<String> {
    let file = doc_file(path);
    let bytes = std::fs::read(&file).with_context(|| format!("cannot read the model {}", file.display()))?;
    Ok(blake3::hash(&bytes).to_hex().to_string())
}

impl Model {
    /// Loads a model from its folder or its document.
    ///
    /// # Errors
    /// It can not be read, or is of a format this program does not know.
    pub fn load(path: &Path) -> Result<Self> {
        let model: Self = report::read_json(&doc_file(path), "model")?;
        if model.format != FORMAT {
            bail!("{} has the model format {}, but this program knows only {FORMAT}", path.display(), model.format);
        }
        Ok(model)
    }

    /// Writes the model into `folder`, which is made.
    ///
    /// # Errors
    /// What the file system says.
    pub fn save(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let path = folder.join("model.json");
        let mut text = serde_json::to_vec(self)?;
        text.push(b'\n');
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// The probability of yes for each of `rows`, which have the columns of `dataset`.
    ///
    /// # Errors
    /// A column the model needs is missing, or a text that should be a number is none.
    pub fn predict(&self, dataset: &Dataset, rows: &[StringRecord]) -> Result<Vec<f64>> {
        let numbers = encode::encode(dataset, &self.features, rows)?;
        Ok(boost::predict(&self.booster, &numbers))
    }
}
