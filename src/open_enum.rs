//! Enums that keep unknown words.

/// Compares, orders and hashes by the word, so that a known word in the variant for unknown ones is equal to its own
/// variant.
#[allow(unused_macros)] // not every API has one by hand
macro_rules! equal_by_word {
    ($name:ty: $word:ident) => {
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.$word() == other.$word()
            }
        }

        impl Eq for $name {}

        impl std::hash::Hash for $name {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.$word().hash(state);
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.$word().cmp(other.$word())
            }
        }
    };
}
#[allow(unused_imports)] // as above
pub(crate) use equal_by_word;
