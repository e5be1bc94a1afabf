//! TOML text ↔ model, with places and diagnostics.

use crate::model::{Catalog, Diagnostics, Pipeline};

/// Reads a pipeline file. `file` is how the user would type its path; its stem is the default id.
///
/// Everything wrong with it is found at once; the pipeline is there only if there is no error.
pub fn read(_file: &str, _text: &str, _catalog: &Catalog) -> (Option<Pipeline>, Diagnostics) {
    todo!()
}
