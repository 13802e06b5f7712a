//! The short text with which another process resumes a wait.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Kind};

/// Names the work that somebody waits for, so that any process can go on waiting.
///
/// ```
/// # fn save(_: String) {}
/// # fn load() -> String { "windlass:incus/launch/1f5be54b?name=web".into() }
/// # fn demo(operation: &windlass::Operation<()>) -> windlass::Result<()> {
/// save(operation.ticket().to_string());
/// // … in another process:
/// let ticket: windlass::Ticket = load().parse()?;
/// # Ok(()) }
/// ```
///
/// A ticket holds no secret. Give it to the client's `resume`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ticket {
    pub(crate) api: String,
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) facts: BTreeMap<String, String>,
}

impl Ticket {
    pub(crate) fn new(api: &str, kind: &str, id: &str) -> Self {
        Self { api: api.to_owned(), kind: kind.to_owned(), id: id.to_owned(), facts: BTreeMap::new() }
    }

    pub(crate) fn with(mut self, key: &str, value: &str) -> Self {
        self.facts.insert(key.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn fact(&self, key: &str) -> Option<&str> {
        self.facts.get(key).map(String::as_str)
    }

    /// The id of the work on its server.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { api, kind, id, facts } = self;
        write!(f, "windlass:{api}/{kind}/{id}")?;
        if facts.is_empty() {
            return Ok(());
        }
        write!(f, "?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(facts).finish())
    }
}

impl FromStr for Ticket {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text.trim()).ok_or_else(|| Error::new(Kind::InvalidInput, "ticket: not a ticket of windlass"))
    }
}

fn parse(text: &str) -> Option<Ticket> {
    let (path, query) =
        text.strip_prefix("windlass:").map(|rest| rest.split_once('?').unwrap_or((rest, "")))?;
    let mut parts = path.split('/');
    let (api, kind, id) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || [api, kind, id].contains(&"") {
        return None;
    }
    let facts = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    Some(Ticket { facts, ..Ticket::new(api, kind, id) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let ticket = Ticket::new("incus", "launch", "1f5b").with("name", "web 1&x=ü").with("project", "a b");
        let text = ticket.to_string();
        assert!(!text.contains(' '), "{text}");
        assert_eq!(text.parse::<Ticket>().ok(), Some(ticket));
        let bare = Ticket::new("incus", "stop", "1");
        assert_eq!(bare.to_string(), "windlass:incus/stop/1");
        assert_eq!(" windlass:incus/stop/1\n".parse::<Ticket>().ok(), Some(bare));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "windlass:",
            "windlass:incus/stop",
            "windlass:incus/stop/",
            "windlass:a/b/c/d",
            "incus/stop/1",
        ] {
            let e = text.parse::<Ticket>().map_err(|e| e.kind());
            assert_eq!(e, Err(Kind::InvalidInput), "{text:?}");
        }
    }
}
