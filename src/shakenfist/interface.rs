//! Network interfaces of instances.

use super::{Instance, ShakenFist, lost_answer, types};
use crate::Id;
use crate::Identified;
use crate::error::Error;
use crate::handle::{handle, identified};
use crate::stream::Query;
use crate::transport::{Call, checked};

identified! { types::Interface: uuid; }

handle! {
    /// A network interface: its data together with a cheap handle.
    Interface<types::Interface> of sf: ShakenFist;
    /// A handle on a network interface of which only the UUID is known.
    InterfaceRef
}

impl ShakenFist {
    /// A handle on a network interface by its UUID, without a request.
    pub fn interface(&self, uuid: impl Into<String>) -> InterfaceRef {
        Interface::new(self, Id::new(uuid))
    }
}

impl<D: Identified> Instance<D> {
    /// The instance's network interfaces, in the order in which the guest sees them: a query.
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
        Query::one(async move || {
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

    /// Fetches it.
    pub async fn get(&self) -> Result<Interface, Error> {
        let uuid = checked("interface", self.id())?;
        Ok(Interface::new(&self.sf, self.sf.raw().interface_get().interface_uuid(uuid).send().await?))
    }

    /// Gives it a floating address, by which it can be reached from outside.
    /// [`ErrorKind::InsufficientCapacity`](crate::ErrorKind::InsufficientCapacity) where none is left; the instance runs on.
    pub async fn float(&self) -> Result<(), Error> {
        let uuid = checked("interface", self.id())?;
        self.seen_through(self.sf.raw().interface_float().interface_uuid(uuid).send(), true).await
    }

    /// Takes its floating address away.
    pub async fn defloat(&self) -> Result<(), Error> {
        let uuid = checked("interface", self.id())?;
        self.seen_through(self.sf.raw().interface_defloat().interface_uuid(uuid).send(), false).await
    }

    /// Where the answer is lost, the interface tells whether it floats.
    async fn seen_through(&self, call: Call<types::Nothing>, floats: bool) -> Result<(), Error> {
        let Err(e) = call.await else { return Ok(()) };
        if lost_answer::is_open(&e) && self.get().await.is_ok_and(|now| now.floating.is_some() == floats) {
            return Ok(());
        }
        Err(e)
    }
}
