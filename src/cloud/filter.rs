//! Which instances a list asks for.

use super::{Instance, State};

/// Conditions in common terms; all of them must be met.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    pub(super) states: Vec<State>,
    pub(super) names: Vec<String>,
    pub(super) regions: Vec<String>,
    pub(super) labels: Vec<(String, Option<String>)>,
}

impl Filter {
    /// The labels whose value must be this: what servers can be asked for.
    pub(super) fn exact_labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.labels.iter().filter_map(|(key, value)| Some((key.as_str(), value.as_deref()?)))
    }

    pub(super) fn admits(&self, instance: &Instance) -> bool {
        let region = instance.region.as_ref();
        (self.states.is_empty() || self.states.contains(&instance.state))
            && (self.names.is_empty() || self.names.iter().any(|part| instance.name.contains(part)))
            && (self.regions.is_empty() || region.is_some_and(|region| self.regions.contains(region)))
            && self.labels.iter().all(|(key, value)| {
                let found = instance.labels.get(key);
                found.is_some_and(|found| value.as_ref().is_none_or(|value| value == found))
            })
    }
}

/// The setters, for every list that has such a filter.
macro_rules! filters {
    () => {
        /// Only instances in this state. Repeated calls are ORed.
        pub fn state(mut self, state: State) -> Self {
            self.filter.states.push(state);
            self
        }

        /// Only instances whose name contains this text. Repeated calls are ORed.
        pub fn name(mut self, part: impl Into<String>) -> Self {
            self.filter.names.push(part.into());
            self
        }

        /// Only instances in this region, cluster member or node. Repeated calls are ORed.
        pub fn region(mut self, region: impl Into<String>) -> Self {
            self.filter.regions.push(region.into());
            self
        }

        /// Only instances with this label. Repeated calls are ANDed.
        ///
        /// Incus is asked for these only; on the other platforms the answer is filtered here. Koyeb has no labels, so none
        /// of its instances has one.
        pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
            self.filter.labels.push((key.into(), Some(value.into())));
            self
        }

        /// Only instances that have a label with this key, whatever its value.
        pub fn has_label(mut self, key: impl Into<String>) -> Self {
            self.filter.labels.push((key.into(), None));
            self
        }
    };
}
pub(super) use filters;
