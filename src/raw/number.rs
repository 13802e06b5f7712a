//! Whole numbers of answers that no range can break.

use std::fmt;

use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// Reads an integer. A number out of range becomes the nearest one in range, because servers have unsigned ones.
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
}
