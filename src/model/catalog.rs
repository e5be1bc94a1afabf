//! Which built-in components exist, as a value: the reader of files learns it without knowing the components.

use serde::Serialize;

/// Every component's signature.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Catalog {
    /// In the order of registration.
    pub components: Vec<ComponentSignature>,
}

impl Catalog {
    /// The component of that name.
    pub fn get(&self, name: &str) -> Option<&ComponentSignature> {
        self.components.iter().find(|component| component.name == name)
    }
}

/// What a component reads, writes and takes.
#[derive(Debug, Clone, Serialize)]
pub struct ComponentSignature {
    /// As written in `component = "…"`.
    pub name: &'static str,
    /// One line for help.
    pub summary: &'static str,
    /// Artifacts it reads.
    pub inputs: Vec<PortSignature>,
    /// Artifacts it writes.
    pub outputs: Vec<PortSignature>,
    /// What `with` may hold.
    pub args: Vec<ArgSignature>,
    /// Metrics it records, as far as they are known beforehand.
    pub metrics: Vec<&'static str>,
    /// Output parameters it hands on.
    pub output_parameters: Vec<&'static str>,
}

/// A typed artifact that a component reads or writes.
#[derive(Debug, Clone, Serialize)]
pub struct PortSignature {
    /// The name of the input or output.
    pub name: &'static str,
    /// The artifact type.
    pub artifact_type: &'static str,
    /// Whether the task must connect it.
    pub required: bool,
}

/// One argument of `with`.
#[derive(Debug, Clone, Serialize)]
pub struct ArgSignature {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: ArgKind,
    /// Whether it must be given.
    pub required: bool,
    /// One line for help, with the unit and the default.
    pub help: &'static str,
}

/// What an argument holds. A text that is only a template (`"{{ params.x }}"`) is checked after rendering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ArgKind {
    /// Text.
    String,
    /// Whole number.
    Int,
    /// Number.
    Float,
    /// `true` or `false`.
    Bool,
    /// List of texts.
    Strings,
    /// A table or a list of tables, checked by the component itself.
    Any,
}
