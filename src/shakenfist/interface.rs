//! Network interfaces of instances.

use std::ops::Deref;

use super::reply::open;
use super::{Instance, ShakenFist, Subject, checked, lost, types};
use crate::error::Error;

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
        let call = self.call();
        let result = call.interface_get().interface_uuid(uuid).send().await;
        Ok(Interface::new(self, open(&call, result).await?))
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
        let reference = self.segment()?;
        let call = self.sf.call();
        let result = call.instance_interfaces().instance_ref(reference).send().await;
        let items = open(&call, result).await?.0.into_iter();
        Ok(items.map(|data| Interface::new(&self.sf, data)).collect())
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
    /// [`Kind::InsufficientCapacity`](crate::Kind::InsufficientCapacity) where none is left; the instance runs on.
    pub async fn float(&self) -> Result<(), Error> {
        let call = self.sf.call();
        let uuid = checked("interface", &self.uuid)?;
        let result = call.interface_float().interface_uuid(uuid).send().await;
        self.settle(open(&call, result).await.map(drop), true).await
    }

    /// Takes its floating address away.
    pub async fn defloat(&self) -> Result<(), Error> {
        let call = self.sf.call();
        let uuid = checked("interface", &self.uuid)?;
        let result = call.interface_defloat().interface_uuid(uuid).send().await;
        self.settle(open(&call, result).await.map(drop), false).await
    }

    /// Where the answer is lost, the interface tells whether it floats.
    async fn settle(&self, result: Result<(), Error>, floats: bool) -> Result<(), Error> {
        let Err(e) = result else { return Ok(()) };
        if lost::is_open(&e) && self.get().await.is_ok_and(|now| now.floating.is_some() == floats) {
            return Ok(());
        }
        Err(e)
    }
}
