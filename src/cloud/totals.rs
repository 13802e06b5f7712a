//! Sums over instances.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Instance, State};
use crate::price::Price;

/// What some instances amount to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Totals {
    /// How many there are in each state.
    pub by_state: BTreeMap<State, usize>,
    /// How many there are on each platform.
    pub by_cloud: BTreeMap<&'static str, usize>,
    /// What they cost together, as far as their platforms tell. Instances that are gone cost nothing.
    pub price: Price,
    /// How many others have no known price.
    pub without_price: usize,
}

impl Totals {
    /// The sums over these.
    pub fn of<'a>(instances: impl IntoIterator<Item = &'a Instance>) -> Self {
        let mut totals = Self::default();
        for instance in instances {
            *totals.by_state.entry(instance.state.clone()).or_default() += 1;
            *totals.by_cloud.entry(instance.cloud.name()).or_default() += 1;
            match instance.price {
                _ if instance.state == State::Gone => {}
                Some(price) => {
                    totals.price = totals.price + price;
                }
                None => totals.without_price += 1,
            }
        }
        totals
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.by_state.values().sum()
    }
}
