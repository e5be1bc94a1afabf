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
use forust_ml::{GradientBooster, tree::Tree};
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

/// Whether every row finds a leaf: the library follows a tree without looking, over its end or round in circles.
fn leads_to_leaves(tree: &Tree, features: usize) -> bool {
    let leads_on = |at: usize, child: usize| child > at && child < tree.nodes.len();
    !tree.nodes.is_empty()
        && tree.nodes.iter().enumerate().all(|(at, node)| {
            let mut children = [node.left_child, node.right_child, node.missing_node].into_iter();
            node.is_leaf || (node.split_feature < features && children.all(|child| leads_on(at, child)))
        })
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
        if let Some(number) = model.booster.trees.iter().position(|tree| !leads_to_leaves(tree, model.features.len())) {
            bail!("tree {} of {} leads nowhere: the model was changed by hand; train it again", number + 1, path.display());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::{Component, shared::fixture::Bench, trainer::Trainer};
    use serde_json::{Value, json};

    fn trained(bench: &Bench) -> PathBuf {
        bench.csv("a.csv", 300, 1);
        let folder = bench.dataset("a.csv");
        let label = json!({ "column": "delay", "greater_than": 15 });
        let job = bench.job_on(&folder, json!({ "label": label, "features": ["hour"], "categories": ["carrier"], "rounds": 3 }));
        Trainer.run(&job).unwrap();
        job.outputs["model"].path.clone()
    }

    #[test]
    fn a_model_changed_by_hand_is_refused_before_it_is_asked() {
        let bench = Bench::empty();
        let folder = trained(&bench);
        Model::load(&folder).unwrap();
        let text = std::fs::read_to_string(folder.join("model.json")).unwrap();
        let changes: [fn(&mut Value); 4] = [
            |model| model["features"] = json!([]),
            |model| model["booster"]["trees"][1]["nodes"] = json!([]),
            |model| model["booster"]["trees"][1]["nodes"][0]["left_child"] = json!(0),
            |model| model["booster"]["trees"][1]["nodes"][0]["missing_node"] = json!(9_999),
        ];
        for change in changes {
            let mut model: Value = serde_json::from_str(&text).unwrap();
            change(&mut model);
            std::fs::write(folder.join("model.json"), model.to_string()).unwrap();
            let error = Model::load(&folder).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains("leads nowhere: the model was changed by hand"), "{error}");
        }
    }
}
