//! Gradient boosting round by round, so that progress can be told while it happens. Trees, bins and gradients are the library's.

use super::encode::Numbers;
use anyhow::{Context, Result};
use forust_ml::{
    GradientBooster, Matrix,
    binning::{BinnedData, bin_matrix},
    constraints::ConstraintMap,
    gradientbooster::GrowPolicy,
    objective::{LogLoss, ObjectiveFunction},
    sampler::SampleMethod,
    splitter::MissingImputerSplitter,
    tree::Tree,
};
use serde::{Deserialize, Serialize};

/// What training can be told.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// How many trees.
    pub rounds: usize,
    /// How deep a tree may be.
    pub max_depth: usize,
    /// How much of each tree is taken.
    pub learning_rate: f32,
    /// Share of the rows that each tree sees.
    pub subsample: f64,
    /// Of everything that is random.
    pub seed: u64,
}

/// Numbers and labels of some rows.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// What is known of each row.
    pub numbers: &'a Numbers,
    /// 1 for yes, 0 for no.
    pub labels: &'a [f64],
}

impl Sample<'_> {
    fn matrix(&self) -> Matrix<'_, f64> {
        Matrix::new(&self.numbers.data, self.numbers.rows, self.numbers.columns)
    }
}

/// Where training is, after a round.
#[derive(Debug, Clone, Copy)]
pub struct Round<'a> {
    /// Counted from 1.
    pub number: usize,
    train_odds: &'a [f64],
    held_back_odds: &'a [f64],
}

impl Round<'_> {
    /// Probabilities of the training rows.
    pub fn train(&self) -> Vec<f64> {
        probabilities(self.train_odds)
    }

    /// Probabilities of the rows held back.
    pub fn held_back(&self) -> Vec<f64> {
        probabilities(self.held_back_odds)
    }
}

/// Trains on `train`; after each round `told` learns how it goes, also on `held_back`, which training never sees.
///
/// # Errors
/// What the library or `told` says.
pub fn train(
    settings: Settings,
    train: Sample<'_>,
    held_back: Sample<'_>,
    mut told: impl FnMut(Round<'_>) -> Result<()>,
) -> Result<GradientBooster> {
    let mut booster = booster(settings);
    let weights = vec![1.0; train.labels.len()];
    let (matrix, held_back_matrix) = (train.matrix(), held_back.matrix());
    let binned = bin_matrix(&matrix, &weights, booster.nbins, booster.missing).context("the numbers can not be put into bins")?;
    let grower = Grower { settings, splitter: splitter(&booster), binned: &binned, rows: matrix.rows, columns: (0..matrix.cols).collect() };
    booster.base_score = LogLoss::calc_init(train.labels, &weights);
    let mut odds = vec![booster.base_score; matrix.rows];
    let mut held_back_odds = vec![booster.base_score; held_back_matrix.rows];
    for number in 1..=settings.rounds {
        let (gradients, hessians) = LogLoss::calc_grad_hess(train.labels, &odds, &weights);
        let tree = grower.grow(number, &gradients, &hessians);
        add(&mut odds, &tree, &matrix);
        add(&mut held_back_odds, &tree, &held_back_matrix);
        booster.trees.push(tree);
        told(Round { number, train_odds: &odds, held_back_odds: &held_back_odds })?;
    }
    Ok(booster)
}

/// The probability of yes for each row.
pub fn predict(booster: &GradientBooster, numbers: &Numbers) -> Vec<f64> {
    probabilities(&booster.predict(&Matrix::new(&numbers.data, numbers.rows, numbers.columns), true))
}

fn probabilities(log_odds: &[f64]) -> Vec<f64> {
    log_odds.iter().map(|odds| 1.0 / (1.0 + (-odds).exp())).collect()
}

fn add(odds: &mut [f64], tree: &Tree, matrix: &Matrix<'_, f64>) {
    for (odds, more) in odds.iter_mut().zip(tree.predict(matrix, true, &f64::NAN)) {
        *odds += more;
    }
}

fn booster(settings: Settings) -> GradientBooster {
    let mut booster = GradientBooster::default();
    booster.iterations = settings.rounds;
    booster.max_depth = settings.max_depth;
    booster.learning_rate = settings.learning_rate;
    booster.subsample = settings.subsample as f32;
    booster.seed = settings.seed;
    booster.initialize_base_score = false;
    booster
}

fn splitter(booster: &GradientBooster) -> MissingImputerSplitter {
    MissingImputerSplitter {
        l1: booster.l1,
        l2: booster.l2,
        max_delta_step: booster.max_delta_step,
        gamma: booster.gamma,
        min_leaf_weight: booster.min_leaf_weight,
        learning_rate: booster.learning_rate,
        allow_missing_splits: booster.allow_missing_splits,
        constraints_map: ConstraintMap::new(),
    }
}

struct Grower<'a> {
    settings: Settings,
    splitter: MissingImputerSplitter,
    binned: &'a BinnedData<f64>,
    rows: usize,
    columns: Vec<usize>,
}

impl Grower<'_> {
    fn grow(&self, round: usize, gradients: &[f32], hessians: &[f32]) -> Tree {
        let bins = Matrix::new(&self.binned.binned_data, self.rows, self.columns.len());
        let (rows, method) = self.rows_of(round);
        let mut tree = Tree::new();
        tree.fit(
            &bins,
            rows,
            &self.columns,
            &self.binned.cuts,
            gradients,
            hessians,
            &self.splitter,
            usize::MAX,
            self.settings.max_depth,
            true,
            &method,
            &GrowPolicy::DepthWise,
        );
        tree
    }

    // Which rows a round sees depends on seed, round and row alone, so that the same seed gives the same model everywhere.
    fn rows_of(&self, round: usize) -> (Vec<usize>, SampleMethod) {
        if self.settings.subsample >= 1.0 {
            return ((0..self.rows).collect(), SampleMethod::None);
        }
        let start = mix(self.settings.seed ^ mix(round as u64));
        let chance = |row: usize| (mix(start ^ row as u64) >> 11) as f64 / (1u64 << 53) as f64;
        ((0..self.rows).filter(|&row| chance(row) < self.settings.subsample).collect(), SampleMethod::Random)
    }
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
