//! Decoding answers: the functions that generated calls name.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::failure::{Answer, undecodable, without};
use super::received::{Content, Received};
use super::stream::ByteStream;
use super::upgrade::Upgraded;
use crate::error::Error;

impl Received {
    /// A JSON document.
    pub(crate) fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        let body = self.whole();
        serde_json::from_slice(body).map_err(|e| self.facts.error(undecodable(body, &e)))
    }

    /// The member of the envelope that holds the data.
    pub(crate) fn member<T: DeserializeOwned>(self) -> Result<T, Error> {
        let found = self.opened::<T>()?;
        found.ok_or_else(|| self.facts.error(without(self.facts.endpoint.envelope, self.whole())))
    }

    /// Like `member`, for a member that may be missing.
    #[allow(dead_code)] // not every API has such a one
    pub(crate) fn member_if_any<T: DeserializeOwned>(self) -> Result<Option<T>, Error> {
        self.opened()
    }

    /// Like `member`, for a member whose absence means that it is empty.
    pub(crate) fn member_or_empty<T: DeserializeOwned + Default>(self) -> Result<T, Error> {
        Ok(self.opened()?.unwrap_or_default())
    }

    /// A map of lists, each of which may be null.
    #[allow(dead_code)] // as above
    pub(crate) fn member_of_lists<T: DeserializeOwned>(self) -> Result<BTreeMap<String, Vec<T>>, Error> {
        let lists: BTreeMap<String, Option<Vec<T>>> = self.opened()?.unwrap_or_default();
        Ok(lists.into_iter().map(|(key, list)| (key, list.unwrap_or_default())).collect())
    }

    /// An envelope without data.
    #[allow(dead_code)] // as above
    pub(crate) fn nothing(self) -> Result<(), Error> {
        self.opened::<IgnoredAny>().map(drop)
    }

    /// An answer without a body.
    #[allow(dead_code, clippy::unnecessary_wraps)] // as above; one shape for all of them
    pub(crate) fn empty(self) -> Result<(), Error> {
        Ok(())
    }

    /// Bytes as a stream.
    pub(crate) fn bytes(self) -> Result<ByteStream, Error> {
        match self.content {
            Content::Open(response) => Ok(ByteStream::new(response, self.facts)),
            Content::Whole(_) | Content::Upgraded(_) => Err(self.facts.bad_reply("no stream")),
        }
    }

    /// A connection.
    pub(crate) fn upgraded(self) -> Result<Upgraded, Error> {
        match self.content {
            Content::Upgraded(connection) => Ok(connection),
            Content::Whole(_) | Content::Open(_) => Err(self.facts.bad_reply("no connection")),
        }
    }

    fn whole(&self) -> &Bytes {
        static NONE: Bytes = Bytes::new();
        match &self.content {
            Content::Whole(body) => body,
            Content::Open(_) | Content::Upgraded(_) => &NONE,
        }
    }

    fn opened<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        let (body, member) = (self.whole(), self.facts.endpoint.envelope);
        match open(body, member) {
            Ok(Envelope { refusal: false, value }) => Ok(value),
            Ok(_) => Err(self.refused()),
            // In an error, the member may have another type.
            Err(_) if matches!(open::<IgnoredAny>(body, member), Ok(Envelope { refusal: true, .. })) => {
                Err(self.refused())
            }
            Err(e) => Err(self.facts.error(undecodable(body, &e))),
        }
    }

    fn refused(&self) -> Error {
        let status = self.facts.status.unwrap_or_default();
        self.facts.refused(&Answer { status, headers: &self.headers, body: self.whole() })
    }
}

/// A decoded envelope.
struct Envelope<T> {
    /// Whether its `type` is `error`. The HTTP status may still be good.
    refusal: bool,
    value: Option<T>,
}

fn open<T: DeserializeOwned>(body: &[u8], member: &str) -> serde_json::Result<Envelope<T>> {
    let mut from = serde_json::Deserializer::from_slice(body);
    let envelope = Open { member, of: PhantomData }.deserialize(&mut from)?;
    from.end()?;
    Ok(envelope)
}

struct Open<'a, T> {
    member: &'a str,
    of: PhantomData<T>,
}

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for Open<'_, T> {
    type Value = Envelope<T>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for Open<'_, T> {
    type Value = Envelope<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an envelope")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut envelope = Envelope { refusal: false, value: None };
        while let Some(key) = map.next_key_seed(Key(self.member))? {
            match key {
                Part::Member => envelope.value = map.next_value()?,
                Part::Type => envelope.refusal = map.next_value::<serde_json::Value>()? == "error",
                Part::Other => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(envelope)
    }
}

/// A key of an envelope, recognized without copying it.
struct Key<'a>(&'a str);

enum Part {
    Member,
    Type,
    Other,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Part;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Part, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Part;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Part, E> {
        Ok(match key {
            _ if key == self.0 => Part::Member,
            "type" => Part::Type,
            _ => Part::Other,
        })
    }
}
