//! From a definition to what will be done: values of params, the command line and environment of an attempt.

pub mod launch;
pub mod params;
