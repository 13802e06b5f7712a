//! Reads one YAML document, into a tree or into a type of yours.
//!
//! What it refuses, quickly and with the line: text above [`MAX_BYTES`], nesting below [`MAX_DEPTH`], aliases that copy
//! more than [`MAX_COPIED`], a key that comes twice, a second document, tags other than `!!str`. Words and numbers are read
//! as YAML 1.2 says: `yes` is text.
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

/// A node, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Yaml {
    /// The line it begins in, from 1.
    pub line: usize,
    /// The line of the key that it is the value of, from 1; where it has none, the line it begins in.
    pub key_line: usize,
    /// What it is.
    pub node: Node,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "YAML has no others")]
pub enum Node {
    /// A scalar.
    Scalar {
        /// Its text, without quotes and escapes.
        text: String,
        /// Whether it stands without quotes, so that `12` is a number and `null` nothing.
        plain: bool,
    },
    /// A sequence.
    List(Vec<Yaml>),
    /// A mapping, in the document's order. Each key is there once.
    Map(Vec<(String, Yaml)>),
}

impl Yaml {
    /// As a value of a type, as [`from_str`] reads it.
    ///
    /// # Errors
    ///
    /// It doesn't fit the type.
    pub fn decode<T: serde::de::DeserializeOwned>(self) -> Result<T, Error> {
        T::deserialize(self)
    }

    /// The member of a mapping.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries()?.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The members of a mapping; `None` if it isn't one.
    pub fn entries(&self) -> Option<&[(String, Self)]> {
        match &self.node {
            Node::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The members of a sequence; `None` if it isn't one.
    pub fn items(&self) -> Option<&[Self]> {
        match &self.node {
            Node::List(items) => Some(items),
            _ => None,
        }
    }

    /// The text of a scalar that isn't `null`.
    pub fn text(&self) -> Option<&str> {
        match &self.node {
            Node::Scalar { text, plain } if !(*plain && scalar::is_null(text)) => Some(text),
            _ => None,
        }
    }
}

/// Reads a document into a type. Where text is expected, any scalar will do: `12` as well as `"12"`.
///
/// # Errors
///
/// The document breaks a rule of YAML or of this crate, or doesn't fit the type.
pub fn from_str<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Error> {
    read(text)?.decode()
}
