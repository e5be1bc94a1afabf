//! `when` and gates.

use super::Scope;
use crate::model::GateLine;

/// Whether `expression` holds.
///
/// # Errors
/// A sentence that names what is missing or of the wrong type.
pub fn condition(_expression: &str, _scope: &Scope) -> Result<bool, String> {
    todo!()
}

/// Evaluates one gate expression; a metric it names that is missing or not finite rejects it, whatever stands around.
pub fn gate(_expression: &str, _scope: &Scope) -> GateLine {
    todo!()
}
