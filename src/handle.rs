//! Handles with data, and handles that hold only an id.

use std::fmt;

use serde::Serialize;

/// The id of a thing about which nothing else is known.
///
/// Handles such as `incus.instance("web")` hold one. Making them sends no request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Id(String);

impl Id {
    pub(crate) fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The name or id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What a handle can hold: an [`Id`], or a document with an id.
pub trait Identified: sealed::Sealed {
    /// The name or id.
    fn identity(&self) -> &str;
}

impl Identified for Id {
    fn identity(&self) -> &str {
        &self.0
    }
}

pub(crate) mod sealed {
    pub trait Sealed {}

    impl Sealed for super::Id {}
}

/// Names the field of a document that holds the id.
macro_rules! identified {
    ($($data:ty: $field:ident;)*) => {$(
        impl $crate::handle::sealed::Sealed for $data {}

        impl $crate::Identified for $data {
            fn identity(&self) -> &str {
                &self.$field
            }
        }
    )*};
}
pub(crate) use identified;

/// Defines a handle type with data, and its alias for a handle that holds only an id.
///
/// `$owner` is the client, or the handle that the thing belongs to.
macro_rules! handle {
    (
        $(#[$doc:meta])* $name:ident<$data:ty> of $owner:ident: $owner_type:ty;
        $(#[$reference_doc:meta])* $reference:ident
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name<D = $data> {
            pub(crate) $owner: $owner_type,
            data: D,
        }

        $(#[$reference_doc])*
        pub type $reference = $name<$crate::Id>;

        impl<D> std::ops::Deref for $name<D> {
            type Target = D;

            fn deref(&self) -> &D {
                &self.data
            }
        }

        impl<D> $name<D> {
            pub(crate) fn new($owner: &$owner_type, data: D) -> Self {
                Self { $owner: $owner.clone(), data }
            }

            /// Returns the data.
            pub fn into_data(self) -> D {
                self.data
            }
        }

        impl<D: $crate::Identified> $name<D> {
            /// A handle that holds only the id.
            #[allow(dead_code)] // not every type has a use for it
            pub(crate) fn reference(&self) -> $reference {
                $name::new(&self.$owner, $crate::Id::new(self.data.identity()))
            }
        }

        /// The data alone.
        impl<D: serde::Serialize> serde::Serialize for $name<D> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.data.serialize(serializer)
            }
        }

        /// Two handles are equal if they name the same thing on the same server.
        impl PartialEq for $reference {
            fn eq(&self, other: &Self) -> bool {
                self.data == other.data && $crate::handle::Owner::is_same(&self.$owner, &other.$owner)
            }
        }

        impl Eq for $reference {}

        impl std::hash::Hash for $reference {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.data.hash(state);
            }
        }

        impl $crate::handle::Owner for $reference {
            fn is_same(&self, other: &Self) -> bool {
                self == other
            }
        }
    };
}
pub(crate) use handle;

/// What a handle belongs to: a client or another handle.
pub(crate) trait Owner {
    /// Whether both lead to the same place.
    fn is_same(&self, other: &Self) -> bool;
}

impl<C: crate::client::Client> Owner for C {
    fn is_same(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}
