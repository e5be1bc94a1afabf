//! Names that are also ids: what may be one, newtypes around one, and time-sortable random ids.

/// Longest id that a pipeline file may give to a task, param, output or metric.
pub const MAX_ID: usize = 64;

/// Whether `text` may be an id: `[A-Za-z_][A-Za-z0-9_-]{0,63}`.
///
/// Ids become folder names, environment variables and CEL names, so nothing else is let in.
pub fn is_valid(text: &str) -> bool {
    let mut bytes = text.bytes();
    let starts_well = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    starts_well && text.len() <= MAX_ID && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// The id as CEL, templates and environment variables see it: `-` reads as `_`.
pub fn as_identifier(id: &str) -> String {
    id.replace('-', "_")
}

/// A [ULID](https://github.com/ulid/spec) in lower case: 48 bits of milliseconds, then 80 random bits.
///
/// Sorting the text sorts by time. `random` is an argument because this layer has no generator.
pub fn ulid(unix_millis: u64, random: u128) -> String {
    const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let bits = (u128::from(unix_millis) << 80) | (random & ((1 << 80) - 1));
    (0..26).rev().map(|digit| char::from(CROCKFORD[(bits >> (5 * digit)) as usize & 31])).collect()
}

/// Whether `text` has the form of [`ulid`].
pub fn is_ulid(text: &str) -> bool {
    text.len() == 26 && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
}

/// Declares a newtype around a shared string: cheap to clone, transparent in JSON.
#[macro_export]
macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// The text of the id.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }
        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Self(<String as serde::Deserialize>::deserialize(deserializer)?.into()))
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_what_the_shell_cel_and_a_folder_can_all_spell() {
        for good in ["a", "_x", "train_model", "train-model", "A9", &"x".repeat(64)] {
            assert!(is_valid(good), "{good}");
        }
        for bad in ["", "9a", "-a", "a.b", "a/b", "ä", "a b", &"x".repeat(65)] {
            assert!(!is_valid(bad), "{bad}");
        }
    }

    #[test]
    fn ulids_sort_by_time_whatever_the_random_part() {
        assert!(ulid(1, u128::MAX) < ulid(2, 0));
        assert_eq!(ulid(0, 0), "0".repeat(26));
        assert_eq!(ulid(1_469_918_176_385, 0).get(..10), Some("01aryz6s41"));
    }
}
