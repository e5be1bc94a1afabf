//! Serialises what is behind an `Arc` as the thing itself.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;

/// The thing itself.
///
/// # Errors
/// What its own serialisation says.
pub fn serialize<T: Serialize, S: Serializer>(value: &Arc<T>, serializer: S) -> Result<S::Ok, S::Error> {
    T::serialize(value, serializer)
}

/// A thing that nobody shares yet.
///
/// # Errors
/// What its own deserialisation says.
pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<T>, D::Error> {
    T::deserialize(deserializer).map(Arc::new)
}
