//! Network interfaces of instances.

use super::client::ShakenFist;
use super::instance::Instance;
use super::{reconcile, types};
use crate::error::Error;
use crate::handle::{Id, Identified, handle, identified};
use crate::stream::query::Query;
use crate::transport::{Call, checked};

identified! { types::Interface: uuid; }

handle! {
    /// A network interface: typed data together with a cheap handle.
    Interface<types::Interface> of sf: ShakenFist;
    /// A handle on a network interface of which only the UUID is known.
    InterfaceRef
}

impl ShakenFist {
    /// A handle on a network interface, by its UUID. Sends nothing.
    pub fn interface(&self, uuid: impl Into<String>) -> InterfaceRef {
        Interface::new(self, Id::new(uuid))
    }
}

impl<D: Identified> Instance<D> {
    /// The instance's network interfaces, in the order in which the guest sees them.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::shakenfist::Instance) -> windlass::Result<()> {
    /// for interface in web.interfaces().await? {
    ///     println!("{:?} {:?}", interface.macaddr, interface.ipv4);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn interfaces(&self) -> Query<Interface> {
        let instance = self.reference();
        Query::one(async move {
            let all =
                instance.sf.raw().instance_interfaces().instance_ref(instance.segment()?).send().await?;
            Ok(all.0.into_iter().map(|data| Interface::new(&instance.sf, data)).collect())
        })
    }
}

impl<D: Identified> Interface<D> {
    /// The UUID.
    pub fn id(&self) -> &str {
        self.identity()
    }

    /// Reads the interface.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is none, and those of [every
    /// request](crate::ShakenFist#errors).
    pub async fn get(&self) -> Result<Interface, Error> {
        let uuid = checked("interface", self.id())?;
        Ok(Interface::new(&self.sf, self.sf.raw().interface_get().interface_uuid(uuid).send().await?))
    }

    /// Gives it a floating address, by which it can be reached from outside.
    ///
    /// # Errors
    ///
    /// [`InsufficientCapacity`](crate::ErrorKind::InsufficientCapacity) if none is left (the instance runs on), and
    /// those of [every request](crate::ShakenFist#errors).
    pub async fn float(&self) -> Result<(), Error> {
        let uuid = checked("interface", self.id())?;
        self.reconciled(self.sf.raw().interface_float().interface_uuid(uuid).send(), true).await
    }

    /// Takes its floating address away.
    ///
    /// # Errors
    ///
    /// Those of [every request](crate::ShakenFist#errors).
    pub async fn defloat(&self) -> Result<(), Error> {
        let uuid = checked("interface", self.id())?;
        self.reconciled(self.sf.raw().interface_defloat().interface_uuid(uuid).send(), false).await
    }

    /// If the answer is lost, the interface shows whether it floats.
    async fn reconciled(&self, call: Call<types::Nothing>, floats: bool) -> Result<(), Error> {
        let Err(e) = call.await else { return Ok(()) };
        if reconcile::is_open(&e) && self.get().await.is_ok_and(|now| now.floating.is_some() == floats) {
            return Ok(());
        }
        Err(e)
    }
}
