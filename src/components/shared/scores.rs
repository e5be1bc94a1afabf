//! How good probabilities are: AUC, logarithmic loss, accuracy.

use serde::{Deserialize, Serialize};

/// The scores of a yes-or-no classifier on some rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Area under the ROC curve.
    pub auc: f64,
    /// Share of rows whose probability is on the label's side of one half.
    pub accuracy: f64,
    /// Mean logarithmic loss.
    pub logloss: f64,
    /// Share of the more frequent label: the accuracy of a model that always says the same.
    pub majority: f64,
}

impl Scores {
    /// Scores `probabilities` against `labels` (0 or 1), both not empty and of the same length.
    pub fn of(labels: &[f64], probabilities: &[f64]) -> Self {
        let rows = labels.len() as f64;
        let right = labels.iter().zip(probabilities).filter(|(label, p)| (**p >= 0.5) == (**label > 0.5)).count();
        let yes: f64 = labels.iter().sum();
        Self {
            auc: auc(labels, probabilities),
            accuracy: right as f64 / rows,
            logloss: logloss(labels, probabilities),
            majority: yes.max(rows - yes) / rows,
        }
    }
}

/// Area under the ROC curve, by ranks: with R the sum of the ranks of the n₁ positive rows among all, equal scores
/// sharing their mean rank, `(R − n₁(n₁ + 1)/2) / (n₁ n₀)`. This is the Mann–Whitney U statistic over n₁ n₀
/// (Hanley and McNeil, Radiology 143, 1982; Fawcett, Pattern Recognition Letters 27, 2006). NaN if one label is absent.
pub fn auc(labels: &[f64], scores: &[f64]) -> f64 {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_unstable_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let (mut rank_sum, mut at) = (0.0, 0);
    for ties in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        let mean_rank = at as f64 + (ties.len() as f64 + 1.0) / 2.0;
        rank_sum += mean_rank * ties.iter().map(|&row| labels[row]).sum::<f64>();
        at += ties.len();
    }
    let positives: f64 = labels.iter().sum();
    let negatives = labels.len() as f64 - positives;
    (rank_sum - positives * (positives + 1.0) / 2.0) / (positives * negatives)
}

/// Mean of `−(y ln p + (1 − y) ln(1 − p))` (Bishop, Pattern Recognition and Machine Learning, eq. 4.90, per row),
/// with p kept within 1e-15 of 0 and 1, so that one sure mistake is not infinite.
pub fn logloss(labels: &[f64], probabilities: &[f64]) -> f64 {
    let loss = |(y, p): (&f64, &f64)| {
        let p = p.clamp(1e-15, 1.0 - 1e-15);
        -(y * p.ln() + (1.0 - y) * (1.0 - p).ln())
    };
    labels.iter().zip(probabilities).map(loss).sum::<f64>() / labels.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auc_is_the_share_of_pairs_in_the_right_order() {
        // Pairs (positive, negative): 0.35 > 0.1, 0.35 < 0.4, 0.8 > 0.1, 0.8 > 0.4.
        assert_eq!(auc(&[0.0, 0.0, 1.0, 1.0], &[0.1, 0.4, 0.35, 0.8]), 0.75);
        assert_eq!(auc(&[0.0, 1.0], &[0.2, 0.9]), 1.0);
        assert_eq!(auc(&[0.0, 1.0], &[0.9, 0.2]), 0.0);
    }

    #[test]
    fn equal_scores_count_half() {
        // Positives 0.5, 0.5, 0.9; negatives 0.5, 0.1: pairs ½ 1, ½ 1, 1 1 = 5 of 6.
        let auc = auc(&[1.0, 0.0, 1.0, 0.0, 1.0], &[0.5, 0.5, 0.5, 0.1, 0.9]);
        assert!((auc - 5.0 / 6.0).abs() < 1e-12, "{auc}");
        assert_eq!(super::auc(&[1.0, 0.0, 1.0, 0.0], &[0.3; 4]), 0.5);
    }

    #[test]
    fn logloss_and_accuracy_are_as_computed_by_hand() {
        let scores = Scores::of(&[1.0, 0.0, 0.0], &[0.8, 0.4, 0.6]);
        let expected = -(0.8f64.ln() + 0.6f64.ln() + 0.4f64.ln()) / 3.0;
        assert!((scores.logloss - expected).abs() < 1e-12);
        assert!((scores.accuracy - 2.0 / 3.0).abs() < 1e-12);
        assert!((scores.majority - 2.0 / 3.0).abs() < 1e-12);
        assert!(logloss(&[1.0], &[0.0]).is_finite());
    }
}
