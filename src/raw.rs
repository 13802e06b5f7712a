//! The generated clients: every operation of every API, one request each.
//!
//! Reach one through its typed client, for example `incus.raw()`. A raw call has the same retries, time limits, spans and
//! errors as a typed one. What it lacks is what takes more than one request: waiting, pages, finding a lost launch.
//!
//! This module is the only door to the generated code.

use std::collections::BTreeMap;

use std::fmt;

use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

pub use crate::transport::{Body, ByteStream, Call, Head, Upgraded, WithHead};

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
    /// The member of a good answer that calls give back; empty where that is the whole answer.
    pub envelope: &'static str,
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
}
