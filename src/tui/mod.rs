//! The interactive face.

pub mod graph;
