//! What several components need: arguments, reports, data sets, models, scores, versions. Knows nothing of any one component.

pub mod args;
pub mod boost;
pub mod csv_files;
pub mod dataset;
pub mod encode;
pub mod model;
pub mod report;
pub mod rule;
pub mod scores;
pub mod versions;

#[cfg(test)]
pub mod fixture;
