//! What is known of a thing together with a handle on it: the same for instances, services, deployments, snapshots.

/// Only the id is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Id(pub(super) String);

/// What a thing can be known by.
pub trait Subject: sealed::Sealed {
    /// Its id.
    fn id(&self) -> &str;
}

mod sealed {
    use crate::koyeb::data;

    pub trait Sealed {}
    impl Sealed for super::Id {}
    impl Sealed for data::InstanceInfo {}
    impl Sealed for data::ServiceInfo {}
    impl Sealed for data::DeploymentInfo {}
    impl Sealed for data::SnapshotInfo {}
}

impl Subject for Id {
    fn id(&self) -> &str {
        &self.0
    }
}

/// A type that is data and handle in one.
macro_rules! handle {
    ($(#[$doc:meta])* $name:ident, $data:ty, $(#[$ref_doc:meta])* $reference:ident, $(#[$get_doc:meta])* $getter:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name<D = $data> {
            pub(super) koyeb: $crate::koyeb::Koyeb,
            data: D,
        }

        $(#[$ref_doc])*
        pub type $reference = $name<$crate::koyeb::Id>;

        impl $crate::koyeb::Subject for $data {
            fn id(&self) -> &str {
                &self.id
            }
        }

        impl<D> std::ops::Deref for $name<D> {
            type Target = D;

            fn deref(&self) -> &D {
                &self.data
            }
        }

        impl<D> $name<D> {
            pub(super) fn new(koyeb: &$crate::koyeb::Koyeb, data: D) -> Self {
                Self { koyeb: koyeb.clone(), data }
            }

            /// The data alone.
            pub fn into_data(self) -> D {
                self.data
            }
        }

        impl<D: $crate::koyeb::Subject> $name<D> {
            /// Its id.
            pub fn id(&self) -> &str {
                self.data.id()
            }

            /// A handle that owns nothing but the id.
            #[allow(dead_code)] // not every kind has a use for it
            pub(super) fn by_id(&self) -> $reference {
                self.koyeb.$getter(self.id())
            }
        }

        impl $crate::koyeb::Koyeb {
            $(#[$get_doc])*
            pub fn $getter(&self, id: impl Into<String>) -> $reference {
                $name::new(self, $crate::koyeb::Id(id.into()))
            }
        }
    };
}
pub(super) use handle;
