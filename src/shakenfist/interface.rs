//! Network interfaces of instances.

use std::ops::Deref;

use super::{Instance, ShakenFist, Subject, lost, types};
use crate::error::Error;
use crate::transport::Call;
use crate::transport::checked;

/// A network interface: its data together with a cheap handle.
#[derive(Debug, Clone)]
pub struct Interface {
    sf: ShakenFist,
    data: types::Interface,
}

impl Deref for Interface {
    type Target = types::Interface;

    fn deref(&self) -> &types::Interface {
        &self.data
    }
}

impl ShakenFist {
    /// Reads a network interface.
    pub async fn interface(&self, uuid: &str) -> Result<Interface, Error> {
        let uuid = checked("interface", uuid)?;
        Ok(Interface::new(self, self.raw().interface_get().interface_uuid(uuid).send().await?))
    }
}

impl<D: Subject> Instance<D> {
    /// The instance's network interfaces, in the order in which the guest sees them.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::shakenfist::Instance) -> windlass::Result<()> {
    /// for interface in web.interfaces().await? {
    ///     println!("{:?} {:?}", interface.macaddr, interface.ipv4);
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn interfaces(&self) -> Result<Vec<Interface>, Error> {
        let all = self.sf.raw().instance_interfaces().instance_ref(self.segment()?).send().await?;
        Ok(all.0.into_iter().map(|data| Interface::new(&self.sf, data)).collect())
    }
}

impl Interface {
    pub(super) fn new(sf: &ShakenFist, data: types::Interface) -> Self {
        Self { sf: sf.clone(), data }
    }

    /// Reads it again.
    pub async fn get(&self) -> Result<Self, Error> {
        self.sf.interface(&self.uuid).await
    }

    /// Gives it a floating address, by which it can be reached from outside.
    /// [`ErrorKind::InsufficientCapacity`](crate::ErrorKind::InsufficientCapacity) where none is left; the instance runs on.
    pub async fn float(&self) -> Result<(), Error> {
        let uuid = checked("interface", &self.uuid)?;
        self.settle(self.sf.raw().interface_float().interface_uuid(uuid).send(), true).await
    }

    /// Takes its floating address away.
    pub async fn defloat(&self) -> Result<(), Error> {
        let uuid = checked("interface", &self.uuid)?;
        self.settle(self.sf.raw().interface_defloat().interface_uuid(uuid).send(), false).await
    }

    /// Where the answer is lost, the interface tells whether it floats.
    async fn settle(&self, call: Call<types::Nothing>, floats: bool) -> Result<(), Error> {
        let Err(e) = call.await else { return Ok(()) };
        if lost::is_open(&e) && self.get().await.is_ok_and(|now| now.floating.is_some() == floats) {
            return Ok(());
        }
        Err(e)
    }
}
