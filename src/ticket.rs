//! The text with which another process resumes a wait.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer};
use serde::{Serialize, Serializer};

use crate::error::{Error, ErrorKind};
use crate::place::{CERTIFICATE, Place};

/// A name for work in progress, with which any process can resume the wait.
///
/// ```
/// # fn save(_: String) {}
/// # fn load() -> String { "windlass:incus/launch/1f5be54b?at=https%3A%2F%2Fincus%3A8443&in=project%3Adefault".into() }
/// # fn demo(operation: &windlass::Operation<()>) -> windlass::Result<()> {
/// save(operation.ticket().to_string());
/// // … in another process:
/// let ticket: windlass::Ticket = load().parse()?;
/// # Ok(()) }
/// ```
///
/// Pass it to the client's `resume`. The text is one line of at most 64 KiB, and holds no secret.
///
/// # Which server
///
/// A ticket names the server, and the part of it: the project, the namespace, the organization or the account. A client
/// of another server or part refuses it with [`ErrorKind::InvalidInput`]. Otherwise a wait for a deletion could look in
/// the wrong place, find nothing, and report success.
///
/// An Incus server is named by its certificate if the client knows it: the certificate is pinned, or the client asked
/// for it when it connected. Such a ticket is valid at every address of the server; a client that doesn't know the
/// certificate asks for it first. All other servers are named by their address. For a unix socket or a loopback
/// address, the name includes a digest of this machine's id and host name, because the same address leads elsewhere on
/// another machine.
///
/// An account is named by a digest of its key, so a new key of the same account refuses tickets of the old one. On
/// Koyeb, name the organization, and the key doesn't matter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ticket {
    pub(crate) api: String,
    pub(crate) kind: String,
    pub(crate) id: String,
    server: String,
    scope: String,
    pub(crate) facts: BTreeMap<String, String>,
}

/// Whether a client can use a ticket.
pub(crate) enum Fits {
    Yes,
    /// Only if its server has the certificate with this SHA-256, which has to be asked for.
    #[allow(dead_code)] // only Incus has such servers
    IfItIs(String),
}

/// The keys for the server and the scope.
const AT: &str = "at";
const IN: &str = "in";

impl Ticket {
    /// The longest text of a ticket.
    const LONGEST: usize = 64 << 10;

    pub(crate) fn new(api: &str, kind: &str, id: &str) -> Self {
        let (api, kind, id) = (api.to_owned(), kind.to_owned(), id.to_owned());
        Self { api, kind, id, server: String::new(), scope: String::new(), facts: BTreeMap::new() }
    }

    pub(crate) fn with(mut self, key: &str, value: &str) -> Self {
        self.facts.insert(key.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn at(self, place: &Place) -> Self {
        Self { server: place.server.name(), scope: place.scope.clone(), ..self }
    }

    /// The name of what is waited for, or the id of the work.
    pub(crate) fn object(&self) -> &str {
        self.fact("name").unwrap_or(&self.id)
    }

    pub(crate) fn fact(&self, key: &str) -> Option<&str> {
        self.facts.get(key).map(String::as_str)
    }

    /// The id of the work on the server.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The API: `incus`, `koyeb`, `lambda-cloud` or `shakenfist`.
    pub fn api(&self) -> &str {
        &self.api
    }

    /// The server: `sha256:` and the fingerprint of its certificate, or its address.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The part of the server, for example `project:blue` or `namespace:demo`.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// Checks that the ticket belongs to `place`.
    pub(crate) fn fits(&self, place: &Place) -> Result<Fits, Error> {
        if self.api != place.api {
            return Err(foreign("the API", &self.api, place.api));
        }
        let fits = self.fits_server(place).ok_or_else(|| self.is_of_another(&place.server.name()))?;
        if self.scope != place.scope {
            return Err(foreign("the scope", &self.scope, &place.scope));
        }
        Ok(fits)
    }

    /// Like [`fits`](Self::fits), if the certificate can't be asked for.
    #[allow(dead_code)] // only Incus has certificates to ask for
    pub(crate) fn check(&self, place: &Place) -> Result<(), Error> {
        match self.fits(place)? {
            Fits::Yes => Ok(()),
            Fits::IfItIs(_) => Err(self.is_of_another(&place.server.name())),
        }
    }

    /// The error for a client of another server.
    pub(crate) fn is_of_another(&self, server: &str) -> Error {
        foreign("the server", &self.server, server)
    }

    fn fits_server(&self, place: &Place) -> Option<Fits> {
        let server = &place.server;
        if self.server == server.name() || self.server == server.address_name() {
            return Some(Fits::Yes);
        }
        let fingerprint = self.server.strip_prefix(CERTIFICATE)?;
        (!server.is_certain()).then(|| Fits::IfItIs(fingerprint.to_owned()))
    }
}

fn foreign(what: &str, own: &str, ours: &str) -> Error {
    Error::invalid("ticket", format!("belongs to {what} {own:?}, but this client uses {ours:?}"))
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { api, kind, id, server, scope, facts } = self;
        let escape = |part: &str| form_urlencoded::byte_serialize(part.as_bytes()).collect::<String>();
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair(AT, server).append_pair(IN, scope).extend_pairs(facts);
        let text = format!("windlass:{}/{}/{}?{}", escape(api), escape(kind), escape(id), query.finish());
        // No real id is that long. Without one, the text doesn't parse as a ticket.
        let text = if text.len() > Self::LONGEST { "windlass:" } else { &text };
        f.write_str(text)
    }
}

impl FromStr for Ticket {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text.trim())
            .ok_or_else(|| Error::new(ErrorKind::InvalidInput, "ticket: not a ticket of windlass"))
    }
}

/// As its text.
impl Serialize for Ticket {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ticket {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|e: Error| de::Error::custom(e.message()))
    }
}

fn parse(text: &str) -> Option<Ticket> {
    if text.len() > Ticket::LONGEST {
        return None;
    }
    let (path, query) = text.strip_prefix("windlass:")?.split_once('?')?;
    let mut parts = path.split('/').map(unescaped);
    let (api, kind, id) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() {
        return None;
    }
    let mut facts: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let (server, scope) = (facts.remove(AT)?, facts.remove(IN)?);
    if server.is_empty() || scope.is_empty() {
        return None;
    }
    Some(Ticket { api, kind, id, server, scope, facts })
}

/// Decodes a part of the path. `None` if it holds characters that should have been escaped.
fn unescaped(part: &str) -> Option<String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"*-._+%".contains(&byte);
    if part.is_empty() || !part.bytes().all(allowed) {
        return None;
    }
    form_urlencoded::parse(part.as_bytes()).next().map(|(text, _)| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Server;

    fn place(address: &str, scope: &str) -> Place {
        let url = reqwest::Url::parse(address).unwrap_or_else(|e| unreachable!("{e}"));
        Place { api: "incus", server: Server::at(&url), scope: scope.to_owned() }
    }

    fn here() -> Place {
        place("https://a:8443", "project:default")
    }

    #[test]
    fn a_ticket_can_be_stored_with_other_data() {
        let ticket = Ticket::new("incus", "launch", "1").at(&place("https://a:8443", "project:default"));
        let stored = serde_json::to_string(&ticket).unwrap_or_default();
        assert_eq!(stored, format!("\"{ticket}\""));
        assert_eq!(serde_json::from_str::<Ticket>(&stored).ok(), Some(ticket));
        assert!(serde_json::from_str::<Ticket>("\"windlass:\"").is_err());
    }

    #[test]
    fn text_and_back() {
        let ticket =
            Ticket::new("incus", "launch", "1f5b").at(&here()).with("name", "web 1&x=ü").with("to", "a b");
        let text = ticket.to_string();
        assert!(!text.contains(' '), "{text}");
        assert_eq!(text.parse::<Ticket>().ok(), Some(ticket));
        let bare = Ticket::new("incus", "stop", "1").at(&here());
        assert_eq!(bare.to_string(), "windlass:incus/stop/1?at=https%3A%2F%2Fa%3A8443&in=project%3Adefault");
        assert_eq!(format!(" {bare}\n").parse::<Ticket>().ok(), Some(bare));
    }

    #[test]
    fn it_is_one_line_whatever_the_id() {
        for id in [
            "a/b",
            "a\r\nb",
            "a?b",
            "a#b",
            "ü\u{202e}",
            " ",
            "%",
            "%2F",
            "a+b",
            "a&b=c",
            "\0\u{1b}[31m",
            "..",
            "?",
        ] {
            let ticket = Ticket::new("incus", "stop", id).at(&here());
            let text = ticket.to_string();
            assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text}");
            assert_eq!(text.parse::<Ticket>().map_err(|e| e.kind()), Ok(ticket), "{id:?}");
        }
    }

    #[test]
    fn an_endless_id_makes_no_endless_text() {
        let text = Ticket::new("incus", "stop", &"a".repeat(1 << 20)).at(&here()).to_string();
        assert!(text.len() <= Ticket::LONGEST);
        assert!(text.parse::<Ticket>().is_err());
        let long = format!("windlass:incus/stop/1?at=a&in=b&name={}", "a".repeat(1 << 20));
        assert!(long.parse::<Ticket>().is_err());
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "windlass:",
            "windlass:incus/stop",
            "windlass:incus/stop/?at=a&in=b",
            "windlass:a/b/c/d?at=a&in=b",
            "incus/stop/1?at=a&in=b",
            // Without a server.
            "windlass:incus/stop/1",
            "windlass:incus/stop/1?name=web",
            "windlass:incus/stop/1?at=&in=project:default",
            "windlass:incus/stop/a=b?at=a&in=b",
            "windlass:incus/stop/\u{202e}?at=a&in=b",
        ] {
            let e = text.parse::<Ticket>().map_err(|e| e.kind());
            assert_eq!(e, Err(ErrorKind::InvalidInput), "{text:?}");
        }
    }

    #[test]
    fn it_fits_its_own_place_alone() {
        let ticket = Ticket::new("incus", "delete", "1").at(&here());
        assert!(matches!(ticket.fits(&here()), Ok(Fits::Yes)));
        for (other, named) in [
            (place("https://b:8443", "project:default"), "https://a:8443"),
            (place("https://a:8443", "project:blue"), "project:default"),
            (Place { api: "koyeb", ..here() }, "incus"),
        ] {
            let e = ticket.fits(&other).err().map(|e| (e.kind(), e.to_string().contains(named)));
            assert_eq!(e, Some((ErrorKind::InvalidInput, true)), "{other:?}");
        }
    }

    #[cfg(feature = "incus")]
    #[test]
    fn a_certificate_counts_at_any_address_and_is_asked_for_where_it_is_not_known() {
        let pinned =
            |place: Place, sha256: &str| Place { server: place.server.known_by(sha256.to_owned()), ..place };
        let elsewhere = || place("https://b:8443", "project:default");
        let ticket = Ticket::new("incus", "delete", "1").at(&pinned(here(), "ab"));
        assert!(matches!(ticket.fits(&pinned(elsewhere(), "ab")), Ok(Fits::Yes)));
        assert!(ticket.fits(&pinned(here(), "cd")).is_err());
        assert!(matches!(ticket.fits(&elsewhere()), Ok(Fits::IfItIs(sha256)) if sha256 == "ab"));
        let by_address = Ticket::new("incus", "delete", "1").at(&here());
        assert!(matches!(by_address.fits(&pinned(here(), "ab")), Ok(Fits::Yes)));
        assert!(by_address.fits(&pinned(elsewhere(), "ab")).is_err());
    }
}
