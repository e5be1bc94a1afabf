//! Values by name, where mostly there are none: a run of 10,000 tasks keeps three such lists for each.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use std::{
    ops::{Deref, DerefMut},
    sync::LazyLock,
};

static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

/// A JSON object that takes one word of memory while it is empty.
#[derive(Debug, Clone, Default)]
pub struct Named(Option<Box<Map<String, Value>>>);

impl Named {
    /// The object itself.
    pub fn into_map(self) -> Map<String, Value> {
        self.0.map(|map| *map).unwrap_or_default()
    }
}

impl Deref for Named {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        self.0.as_deref().unwrap_or(&NONE)
    }
}

impl DerefMut for Named {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.0.get_or_insert_default()
    }
}

impl PartialEq for Named {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl From<Map<String, Value>> for Named {
    fn from(map: Map<String, Value>) -> Self {
        Self((!map.is_empty()).then(|| Box::new(map)))
    }
}

impl FromIterator<(String, Value)> for Named {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(pairs: I) -> Self {
        pairs.into_iter().collect::<Map<_, _>>().into()
    }
}

impl Serialize for Named {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(Self::from)
    }
}
