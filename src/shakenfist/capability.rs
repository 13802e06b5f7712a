//! What a server can do, by its own words.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;

use super::ShakenFist;
use crate::error::{Error, ErrorKind};

/// The words with which a server tells what it can do, as `instance-execute`.
///
/// Vendor's page: <https://shakenfist.com/developer_guide/api_reference/>
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities(BTreeSet<String>);

impl Capabilities {
    /// Whether this word is among them.
    pub fn has(&self, word: &str) -> bool {
        self.0.contains(word)
    }

    /// All of them, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The page is a list of `topic: word, word` in HTML.
    fn read(page: &str) -> Self {
        let items = page.split("<li>").skip(1).filter_map(|item| item.split('<').next());
        let words = items.filter_map(|item| item.split_once(':')).flat_map(|(_, words)| words.split(','));
        Self(words.map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect())
    }
}

impl ShakenFist {
    /// What the server can do; asked for once, then remembered.
    ///
    /// Calls that a server lacks fail with [`ErrorKind::Unsupported`] before they are sent.
    pub async fn capabilities(&self) -> Result<&Capabilities, Error> {
        self.0.capabilities.get_or_try_init(|| self.read_capabilities()).await
    }

    async fn read_capabilities(&self) -> Result<Capabilities, Error> {
        const MOST: usize = 256 * 1024;
        let mut page = self.open().root().send().await?;
        let mut text = Vec::new();
        let read = async {
            while let Some(piece) = page.try_next().await? {
                text.extend_from_slice(&piece);
                if text.len() > MOST {
                    break;
                }
            }
            Ok::<_, Error>(())
        };
        let limit = std::time::Duration::from_secs(30);
        match tokio::time::timeout(limit, read).await {
            Ok(Ok(())) => Ok(Capabilities::read(&String::from_utf8_lossy(&text))),
            Ok(Err(e)) => Err(e),
            Err(_) => Err(page.facts().bad_reply("the list of capabilities doesn't end")),
        }
    }

    /// Fails unless the server has this capability. A page without any list tells nothing, so nothing is refused.
    pub(super) async fn require(&self, operation: &'static str, word: &str, what: &str) -> Result<(), Error> {
        let known = self.capabilities().await?;
        if known.0.is_empty() || known.has(word) {
            return Ok(());
        }
        let message = format!("this server can't {what}: it has no capability {word:?}");
        Err(self.label(operation, "").on(Error::new(ErrorKind::Unsupported, message)))
    }

    pub(super) async fn can(&self, word: &str) -> bool {
        self.capabilities().await.is_ok_and(|known| known.has(word))
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
