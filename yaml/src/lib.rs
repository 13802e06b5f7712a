//! Reads one YAML document, into a tree or into a type.
//!
//! These are refused quickly, with their line: text above [`MAX_BYTES`], nesting below [`MAX_DEPTH`], aliases that copy
//! more than [`MAX_COPIED`], duplicate keys, a second document, and tags other than `!!str`. Plain scalars have the
//! meaning of YAML 1.2: `yes` is text.
//!
//! ```
//! let remotes: std::collections::BTreeMap<String, String> = windlass_yaml::from_str("local: unix://\n")?;
//! assert_eq!(remotes["local"], "unix://");
//!
//! let error = windlass_yaml::from_str::<bool>("\n\nmaybe").unwrap_err();
//! assert_eq!(error.to_string(), "line 3: invalid type: string \"maybe\", expected a boolean");
//! # Ok::<(), windlass_yaml::Error>(())
//! ```

mod decode;
mod error;
mod read;
mod scalar;

pub use error::Error;
pub use read::{MAX_BYTES, MAX_COPIED, MAX_DEPTH, read};

/// A node and its position.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Yaml {
    /// The line where it begins, from 1.
    pub line: usize,
    /// The line of its key, from 1. Without a key, the line where it begins.
    pub key_line: usize,
    /// Its content.
    pub node: Node,
}

/// The content of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "YAML has no others")]
pub enum Node {
    /// A scalar.
    Scalar {
        /// The text, without quotes and escapes.
        text: String,
        /// Whether it has no quotes, so that `12` is a number and `null` is null.
        plain: bool,
    },
    /// A sequence.
    List(Vec<Yaml>),
    /// A mapping, in document order. Keys are unique.
    Map(Vec<(String, Yaml)>),
}

impl Yaml {
    /// Deserializes the node, like [`from_str`].
    ///
    /// # Errors
    ///
    /// If the node doesn't fit the type.
    pub fn decode<T: serde::de::DeserializeOwned>(self) -> Result<T, Error> {
        T::deserialize(self)
    }

    /// A member of a mapping.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries()?.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The members of a mapping. `None` if it isn't one.
    pub fn entries(&self) -> Option<&[(String, Self)]> {
        match &self.node {
            Node::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The items of a sequence. `None` if it isn't one.
    pub fn items(&self) -> Option<&[Self]> {
        match &self.node {
            Node::List(items) => Some(items),
            _ => None,
        }
    }

    /// The text of a scalar. `None` for `null`.
    pub fn text(&self) -> Option<&str> {
        match &self.node {
            Node::Scalar { text, plain } if !(*plain && scalar::is_null(text)) => Some(text),
            _ => None,
        }
    }
}

/// Reads a document into a type. A text field accepts any scalar: `12` as well as `"12"`.
///
/// # Errors
///
/// If the document violates YAML or the limits of this crate, or doesn't fit the type.
pub fn from_str<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Error> {
    read(text)?.decode()
}
