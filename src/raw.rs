//! The generated clients: every operation of every API, without waiting or typed errors.
//!
//! Reach one through its typed client, for example `incus.raw()`. A raw call has the same retries, time limits and
//! spans as a typed one; its errors are progenitor's, and [`Error::from_raw`](crate::Error::from_raw) turns them into
//! ours.
//!
//! This module is the only door to the generated code.

use std::collections::BTreeMap;

use std::fmt;

use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// What a raw call fails with.
pub type Error = progenitor_client::Error<()>;

#[allow(unused_imports)] // without any API nothing calls it
pub(crate) use crate::body::decode;
pub use progenitor_client::{ByteStream, ResponseValue};

/// An operation of an API, as its spec describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoint {
    /// The operation's id.
    pub id: &'static str,
    /// The HTTP method.
    pub method: &'static str,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// Whether it may be sent again.
    pub retry: RetryClass,
    /// Statuses by which the service says that it did nothing.
    pub not_processed: &'static [u16],
    /// Every documented status.
    pub statuses: &'static [u16],
    /// What a good answer is.
    pub reply: Reply,
    /// Whether the usual time limit of one attempt applies; not so for long polls and streams.
    pub timeout: bool,
}

/// May this operation be sent again?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // the three answers there are; the verdict must treat each
pub enum RetryClass {
    /// After any transient failure.
    Safe,
    /// Only when it provably never reached the service.
    IfUnsent,
    /// Not even then.
    Never,
}

/// What a good answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)]
pub enum Reply {
    /// A JSON document, read whole before the call returns.
    Json,
    /// Nothing.
    Empty,
    /// Bytes as they come.
    Stream,
    /// A connection of its own.
    Upgrade,
}

/// A whole number of an answer. What is beyond its type becomes the nearest number that isn't: servers have unsigned ones.
#[allow(dead_code)] // not every API has one
pub(crate) fn number<'de, D: Deserializer<'de>, T: Whole>(deserializer: D) -> Result<T, D::Error> {
    T::read(deserializer)
}

/// The types of whole numbers in answers.
pub(crate) trait Whole: Sized {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

macro_rules! whole {
    ($($type:ty)*) => {$(
        impl Whole for $type {
            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Wide::deserialize(deserializer).map(|Wide(number)| {
                    let nearest = if number < 0 { Self::MIN } else { Self::MAX };
                    number.try_into().unwrap_or(nearest)
                })
            }
        }

        impl Whole for Option<$type> {
            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Read($type);

                impl<'de> Deserialize<'de> for Read {
                    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                        <$type>::read(deserializer).map(Self)
                    }
                }

                Ok(Option::<Read>::deserialize(deserializer)?.map(|Read(number)| number))
            }
        }
    )*};
}
whole! { i32 i64 }

/// Any whole number that JSON can hold; from far enough on, the reader has it as a float.
struct Wide(i128);

impl<'de> Deserialize<'de> for Wide {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Numbers;

        impl Visitor<'_> for Numbers {
            type Value = Wide;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Wide, E> {
                Ok(Wide(number.into()))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Wide, E> {
                Ok(Wide(number.into()))
            }

            #[allow(clippy::cast_possible_truncation)] // it is whole, and the cast ends at the type's own ends
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Wide, E> {
                match number.fract() == 0.0 {
                    true => Ok(Wide(number as i128)),
                    false => Err(E::invalid_type(Unexpected::Float(number), &self)),
                }
            }
        }

        deserializer.deserialize_any(Numbers)
    }
}

/// Servers written in Go send `null` for an empty list or map.
pub(crate) fn null_as_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The same in a map of lists, for the map and for each of the lists.
#[allow(dead_code)] // not every API has one
pub(crate) fn nulls_as_empty<'de, D, T>(deserializer: D) -> Result<BTreeMap<String, Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let lists: BTreeMap<String, Option<Vec<T>>> = null_as_empty(deserializer)?;
    Ok(lists.into_iter().map(|(key, list)| (key, list.unwrap_or_default())).collect())
}

/// Optional query parameters.
#[allow(dead_code)] // without any API nothing calls it
pub(crate) trait QueryIf {
    /// Adds the parameter, if there is one.
    fn query_if<T: Serialize>(self, name: &str, value: &Option<T>) -> Self;
}

impl QueryIf for reqwest::RequestBuilder {
    fn query_if<T: Serialize>(self, name: &str, value: &Option<T>) -> Self {
        match value {
            Some(value) => self.query(&progenitor_client::QueryParam::new(name, value)),
            None => self,
        }
    }
}

/// Options that travel in the body of a GET or DELETE.
#[allow(dead_code)] // as above
pub(crate) trait JsonIf {
    /// Adds the body, unless it says nothing.
    fn json_if_any<T: Serialize>(self, body: &T) -> Self;
}

impl JsonIf for reqwest::RequestBuilder {
    fn json_if_any<T: Serialize>(self, body: &T) -> Self {
        // What can't be serialized is reported by reqwest.
        match serde_json::to_vec(body) {
            Ok(bytes) if bytes == b"{}" => self,
            _ => self.json(body),
        }
    }
}

/// What `^(?!\.{1,2}$)[^/\\]+$` matches, without a regex engine.
#[allow(dead_code)] // as above
pub(crate) fn is_path_segment(text: &str) -> bool {
    is_relative_path(text) && !text.contains('/')
}

/// What `^(?!\.{1,2}$|/)[^\\]+$` matches.
#[allow(dead_code)] // as above
pub(crate) fn is_relative_path(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && !text.starts_with('/') && !text.contains('\\')
}

/// A generated client. Its code is as it is: no lint of ours applies.
macro_rules! client {
    ($(#[$doc:meta])* $feature:literal $name:ident $path:literal) => {
        $(#[$doc])*
        #[cfg(feature = $feature)]
        #[allow(
            clippy::all,
            clippy::unwrap_used,
            clippy::expect_used,
            clippy::panic,
            clippy::exhaustive_enums,
            missing_docs,
            missing_debug_implementations,
            unreachable_pub,
            unused_imports,
            unused_mut,
            rustdoc::broken_intra_doc_links,
            rustdoc::invalid_html_tags,
            rustdoc::bare_urls
        )]
        #[rustfmt::skip]
        pub mod $name {
            include!(env!($path));
        }
    };
}

client! {
    /// The raw client of [Incus](https://linuxcontainers.org/incus/docs/main/rest-api/).
    "incus" incus "WINDLASS_RAW_INCUS"
}

client! {
    /// The raw client of [Koyeb](https://www.koyeb.com/docs/reference/api).
    "koyeb" koyeb "WINDLASS_RAW_KOYEB"
}

client! {
    /// The raw client of [Lambda Cloud](https://docs.lambda.ai/api/cloud).
    "lambda-cloud" lambda_cloud "WINDLASS_RAW_LAMBDA_CLOUD"
}

client! {
    /// The raw client of [Shaken Fist](https://openapi.shakenfist.com/).
    "shakenfist" shakenfist "WINDLASS_RAW_SHAKENFIST"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_beyond_their_type_are_the_nearest() {
        #[derive(Deserialize, Debug, PartialEq)]
        struct Answer {
            #[serde(default, deserialize_with = "number")]
            plain: i64,
            #[serde(default, deserialize_with = "number")]
            small: Option<i32>,
        }
        let read = |text: &str| serde_json::from_str::<Answer>(text).map_err(|e| e.to_string());
        let answer = |plain, small| Ok(Answer { plain, small });
        assert_eq!(
            read(r#"{"plain": 18446744073709551615, "small": -5000000000}"#),
            answer(i64::MAX, Some(i32::MIN))
        );
        assert_eq!(read(r#"{"plain": 340282366920938463463374607431768211456}"#), answer(i64::MAX, None));
        assert_eq!(read(r#"{"plain": -99999999999999999999, "small": null}"#), answer(i64::MIN, None));
        assert_eq!(read(r#"{"plain": -9223372036854775808, "small": 7}"#), answer(i64::MIN, Some(7)));
        assert_eq!(read(r#"{"plain": 1e3}"#), answer(1_000, None));
        for bad in [r#"{"plain": 1.5}"#, r#"{"plain": "1"}"#, r#"{"plain": null}"#, r#"{"small": true}"#] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[cfg(feature = "incus")]
    #[test]
    fn words_are_equal_however_they_were_made() {
        use std::collections::HashSet;

        use super::incus::types::Status;
        let by_hand = Status::Unknown("Running".to_owned());
        assert_eq!(by_hand, Status::Running);
        assert_eq!(HashSet::from([by_hand.clone(), Status::Running]).len(), 1);
        assert_eq!(by_hand.cmp(&Status::Running), std::cmp::Ordering::Equal);
        assert_ne!(Status::from("Pondering"), Status::Running);
    }

    #[cfg(feature = "incus")]
    #[test]
    fn one_number_out_of_range_doesnt_cost_the_answer() {
        let text = r#"{"usage": 18446744073709551615, "usage_peak": 1}"#;
        let memory = serde_json::from_str::<super::incus::types::InstanceStateMemory>(text);
        assert_eq!(memory.map(|memory| (memory.usage, memory.usage_peak)).ok(), Some((i64::MAX, 1)));
    }

    #[test]
    fn the_checks_are_what_the_patterns_match() -> Result<(), regress::Error> {
        let texts = [
            "", ".", "..", "...", ".a", "a.", "..a", "/", "\\", "a/b", "a\\b", "/a", "a/", "web-1", " ",
            "./", "../", "a/..", "%2e", "\n", ".\n", "..\n", "\n.", "\n/", "\u{2028}", ".\r", "ü", "🦀",
            "\0", "a?b", "a#b",
        ];
        let segment = regress::Regex::new(r"^(?!\.{1,2}$)[^/\\]+$")?;
        let path = regress::Regex::new(r"^(?!\.{1,2}$|/)[^\\]+$")?;
        for text in texts {
            assert_eq!(is_path_segment(text), segment.find(text).is_some(), "{text:?}");
            assert_eq!(is_relative_path(text), path.find(text).is_some(), "{text:?}");
        }
        Ok(())
    }
}
