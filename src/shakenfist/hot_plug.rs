//! Plugging a network interface into a running instance: a call that can destroy the instance.

use super::devices::Nic;
use super::instance::{Instance, InstanceRef};
use super::interface::Interface;
use super::types;
use crate::error::{Error, ErrorKind};
use crate::handle::Identified;
use crate::wait::into_future;

/// An interface to be plugged in; from [`Instance::hot_plug`]. `.await` it for the interface.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await`"]
pub struct HotPlug {
    instance: InstanceRef,
    nic: Nic,
    checked: bool,
}

impl<D: Identified> Instance<D> {
    /// Plugs a network interface into the running instance.
    ///
    /// ```no_run
    /// # use windlass::shakenfist::{Instance, Nic};
    /// # async fn demo(web: Instance) -> windlass::Result<()> {
    /// let nic = web.hot_plug(Nic::on("back").address("10.0.0.5")).await?;
    /// println!("{:?}", nic.macaddr);
    /// # Ok(()) }
    /// ```
    ///
    /// **An address that is taken destroys the running instance**, and so does a network without a free one: the server
    /// answers 409 or 507, and tears the instance down. So this looks at the addresses of the network first, and
    /// refuses what would conflict. Between that and the call, another client can still take the address. After an
    /// instance is deleted, its address stays taken for 300 seconds.
    ///
    /// A [`floating`](Nic::floating) address that can't be had would destroy the instance as well, and there is no way
    /// to look at those. So the interface is plugged in without one, and then given one. If that fails, the instance
    /// runs on with the new interface, and the error names it.
    ///
    /// The request is never sent twice. After an error whose [`sent`](Error::sent) isn't `No`, look at
    /// [`interfaces`](Self::interfaces). A plugged interface stays in the state `initial`.
    ///
    /// Vendor's page:
    /// <https://shakenfist.com/developer_guide/api_reference/instances/#adding-network-interfaces-after-instance-creation>
    ///
    /// # Errors
    ///
    /// [`Conflict`](ErrorKind::Conflict) if the address is taken or none is free,
    /// [`Unsupported`](ErrorKind::Unsupported) without the capability `hot-plug-interface`,
    /// [`InsufficientCapacity`](ErrorKind::InsufficientCapacity) if there is no floating address, and those of [every
    /// request](crate::ShakenFist#errors).
    pub fn hot_plug(&self, nic: Nic) -> HotPlug {
        HotPlug { instance: self.reference(), nic, checked: true }
    }
}

impl HotPlug {
    /// Sends it at once, without a look at the addresses of the network, and with the floating address in the same
    /// call. **If the server can't get one of the addresses, it destroys the instance.**
    pub fn unchecked(mut self) -> Self {
        self.checked = false;
        self
    }

    async fn run(mut self) -> Result<Interface, Error> {
        self.nic.check()?;
        self.instance.segment()?;
        let sf = &self.instance.sf;
        sf.require("instance_interface_add", "hot-plug-interface", "plug interfaces into running instances")
            .await?;
        if !self.checked {
            return self.plug().await;
        }
        self.check().await?;
        let floating = self.nic.0.float.take() == Some(true);
        let plugged = self.plug().await?;
        if !floating {
            return Ok(plugged);
        }
        match plugged.float().await {
            Ok(()) => Ok(plugged.get().await.unwrap_or(plugged)),
            Err(e) => Err(not_floating(e, &plugged)),
        }
    }

    async fn plug(&self) -> Result<Interface, Error> {
        let instance = &self.instance;
        let request = types::InterfaceAdd::new(self.nic.0.clone());
        let call = instance.sf.raw().instance_interface_add().instance_ref(instance.segment()?).body(request);
        match call.send().await {
            Ok(data) => Ok(Interface::new(&instance.sf, data)),
            Err(e) if matches!(e.status(), Some(409 | 507)) => Err(torn_down(e, instance.id())),
            Err(e) => Err(e),
        }
    }

    /// Fails if the address is taken, or if none is free.
    async fn check(&self) -> Result<(), Error> {
        let network = self.instance.sf.network(&self.nic.0.network_uuid).get().await?;
        if self.nic.0.address.is_some() && self.nic.wanted().is_none() {
            return Ok(());
        }
        let taken = network.reservations().await?;
        match self.nic.wanted() {
            Some(wanted) if taken.holds(wanted) => {
                Err(refused(format!("{wanted} is taken on the network {}", network.uuid)))
            }
            None if network.capacity().is_some_and(|most| taken.count() >= most) => {
                Err(refused(format!("no address is free on the network {}", network.uuid)))
            }
            _ => Ok(()),
        }
    }
}

/// The server tears down an instance if it can't get an address for it.
fn torn_down(e: Error, instance: &str) -> Error {
    e.with(|e| {
        e.message = format!("{}; because of this the server tears down the instance {instance:?}", e.message);
        e.suggestion = Some("launch the instance again".to_owned());
    })
}

/// The interface is plugged in, but it got no floating address.
fn not_floating(e: Error, plugged: &Interface) -> Error {
    e.with(|e| {
        let uuid = &plugged.uuid;
        let so =
            format!("the interface {uuid} is plugged in, without a floating address; the instance runs on");
        e.message = if e.message.is_empty() { so } else { format!("{}; {so}", e.message) };
        e.suggestion = Some(format!("float the interface {uuid} later"));
    })
}

fn refused(why: String) -> Error {
    let message = format!("address: {why}; asking for it would destroy the instance");
    Error::new(ErrorKind::Conflict, message).with(|e| {
        e.fields.push("address".to_owned());
    })
}

into_future!(HotPlug => Interface: |plug| plug.instance.label("instance_interface_add").watch(plug.run()).await);
