//! Values of paths, queries and headers.

use crate::secret::Secret;

/// The value of a parameter, as text.
pub(crate) trait Param {
    /// Calls `f` with each text of the value: one, or the items of a list.
    fn each(&self, give: &mut dyn FnMut(&str));
}

impl Param for String {
    fn each(&self, give: &mut dyn FnMut(&str)) {
        give(self);
    }
}

impl Param for Secret {
    fn each(&self, give: &mut dyn FnMut(&str)) {
        give(self.expose());
    }
}

impl<T: Param> Param for Vec<T> {
    fn each(&self, give: &mut dyn FnMut(&str)) {
        self.iter().for_each(|one| one.each(give));
    }
}

macro_rules! displayed {
    ($($type:ty)*) => {$(
        impl Param for $type {
            fn each(&self, give: &mut dyn FnMut(&str)) {
                give(&self.to_string());
            }
        }
    )*};
}
displayed! { bool i32 i64 }

impl Param for chrono::DateTime<chrono::Utc> {
    fn each(&self, give: &mut dyn FnMut(&str)) {
        give(&self.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true));
    }
}
