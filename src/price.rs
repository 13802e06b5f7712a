//! Prices.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The price of an instance per hour. `Display` gives `$1.29/h`; serde uses the number of US cents.
///
/// ```
/// use windlass::Price;
///
/// let price = Price::from_cents_per_hour(129);
/// assert_eq!(price.to_string(), "$1.29/h");
/// let limit: Price = "$4.02/h".parse()?; // or "4.02"
/// assert!([price; 3].into_iter().sum::<Price>() < limit);
/// # Ok::<(), windlass::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Price(i64);

impl Price {
    /// A price from US cents per hour.
    pub const fn from_cents_per_hour(cents: i64) -> Self {
        Self(cents)
    }

    /// US cents per hour, for the whole instance.
    pub const fn cents_per_hour(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("${}.{:02}/h", self.0 / 100, (self.0 % 100).abs()))
    }
}

/// Stops at the largest price that there is.
impl Add for Price {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Price {
    fn sum<I: Iterator<Item = Self>>(prices: I) -> Self {
        prices.fold(Self::default(), Self::add)
    }
}

/// Reads dollars per hour, with up to two decimals: `4`, `4.02`, or `$4.02/h`.
impl FromStr for Price {
    type Err = Error;

    /// Fails with [`InvalidInput`](crate::ErrorKind::InvalidInput) if the text is anything else.
    fn from_str(text: &str) -> Result<Self, Error> {
        let number = text.strip_prefix('$').unwrap_or(text);
        let cents = cents(number.strip_suffix("/h").unwrap_or(number));
        cents.map(Self).ok_or_else(|| Error::invalid("price", format!("{text:?} isn't like $4.02/h")))
    }
}

/// Reads dollars as whole cents: 4.02 times 100 is less than 402.
fn cents(dollars: &str) -> Option<i64> {
    let (whole, part) = dollars.split_once('.').unwrap_or((dollars, "00"));
    let tens = if part.len() == 1 { 10 } else { 1 };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(part) || part.len() > 2 {
        return None;
    }
    let (whole, part): (i64, i64) = (whole.parse().ok()?, part.parse().ok()?);
    whole.checked_mul(100)?.checked_add(part * tens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_for_people() {
        let shown = |cents| Price::from_cents_per_hour(cents).to_string();
        assert_eq!(shown(129), "$1.29/h");
        assert_eq!(shown(2_392), "$23.92/h");
        assert_eq!(shown(5), "$0.05/h");
    }

    #[test]
    fn prices_are_read_to_the_cent() {
        let read = |text: &str| text.parse().ok().map(Price::cents_per_hour);
        for (text, cents) in [("6", 600), ("0.29", 29), ("2.3", 230), ("4.02", 402), ("$1.29/h", 129)] {
            assert_eq!(read(text), Some(cents), "{text}");
        }
        assert_eq!(read(&Price(i64::MAX).to_string()), Some(i64::MAX));
        for text in [
            "",
            ".",
            "4.",
            ".5",
            "four",
            "-1",
            "1e3",
            "1.234",
            "$",
            "/h",
            "$ 1",
            "1,50",
            "٣",
            "92233720368547758.08",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_sum_ends_at_the_largest_price() {
        let sum = |cents: [i64; 2]| cents.map(Price).into_iter().sum::<Price>();
        assert_eq!((sum([129, 5]), sum([i64::MAX, 1])), (Price(134), Price(i64::MAX)));
    }
}
