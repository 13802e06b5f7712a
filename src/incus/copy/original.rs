//! What can be copied.

use std::fmt;

use crate::handle::Identified;
use crate::incus::{Instance, Snapshot};

/// What can be copied: an [`Instance`] or a [`Snapshot`] of one.
pub trait Original: sealed::Sealed {
    #[doc(hidden)]
    fn project(&self) -> Option<&str>;
    #[doc(hidden)]
    fn write(&self, to: &mut dyn fmt::Write) -> fmt::Result;
}

mod sealed {
    pub trait Sealed {}
    impl<D> Sealed for super::Instance<D> {}
    impl<D> Sealed for super::Snapshot<D> {}
}

impl<D: Identified> Original for Instance<D> {
    fn project(&self) -> Option<&str> {
        self.incus.own_project()
    }

    fn write(&self, to: &mut dyn fmt::Write) -> fmt::Result {
        to.write_str(self.name())
    }
}

impl<D: Identified> Original for Snapshot<D> {
    fn project(&self) -> Option<&str> {
        self.instance().incus.own_project()
    }

    fn write(&self, to: &mut dyn fmt::Write) -> fmt::Result {
        write!(to, "{}/{}", self.instance().name(), self.name())
    }
}
