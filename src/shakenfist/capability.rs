//! What a server can do, in its own words.

use std::collections::BTreeSet;

use serde::Serialize;

/// What a server can do, in its own words, for example `instance-execute`. From
/// [`ShakenFist::capabilities`](super::ShakenFist::capabilities).
///
/// Vendor's page: <https://shakenfist.com/developer_guide/api_reference/>
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Capabilities(BTreeSet<String>);

impl Capabilities {
    /// Whether a server said nothing of what it can do.
    pub(super) fn is_unknown(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the server has this capability.
    pub fn has(&self, word: &str) -> bool {
        self.0.contains(word)
    }

    /// All of them, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The page is a list of `topic: word, word` in HTML.
    pub(super) fn read(page: &str) -> Self {
        let items = page.split("<li>").skip(1).filter_map(|item| item.split('<').next());
        let words = items.filter_map(|item| item.split_once(':')).flat_map(|(_, words)| words.split(','));
        Self(words.map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_whole() {
        let page = "<p>Machine searchable API capabilities:</p><ul><li>admin: cluster-cacert</li>\
                    <li>agent-operations: instance-agentoperations-all, x</li><li>networks: a, b<li>nodes: c</li></ul>";
        let known = Capabilities::read(page);
        assert_eq!(
            known.iter().collect::<Vec<_>>(),
            ["a", "b", "c", "cluster-cacert", "instance-agentoperations-all", "x"]
        );
        // The vendor's client looks for substrings, and would find this one.
        assert!(!known.has("instance-agentoperations"));
        assert_eq!(Capabilities::read("<html>welcome to nginx</html>"), Capabilities::default());
    }
}
