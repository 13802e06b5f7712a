//! Prices.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The price of an instance per hour. `Display` gives `$1.29/h`; serde uses the number of US cents.
///
/// ```
/// let price = windlass::Price::from_cents_per_hour(129);
/// assert_eq!(price.to_string(), "$1.29/h");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Price(i64);

impl Price {
    /// A price from US cents per hour.
    pub const fn from_cents_per_hour(cents: i64) -> Self {
        Self(cents)
    }

    /// The sum of both prices.
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
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
}
