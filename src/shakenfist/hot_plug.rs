//! Plugging a network interface into a running instance: a call that can destroy it.

use std::future::IntoFuture;

use super::reply::open;
use super::{Instance, InstanceRef, Interface, Nic, Subject, types};
use crate::error::{Error, Kind};
use crate::wait::BoxFuture;

/// An interface to be plugged in; from [`Instance::hot_plug`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await`"]
pub struct HotPlug {
    instance: InstanceRef,
    nic: Nic,
    checked: bool,
}

impl<D: Subject> Instance<D> {
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
    /// answers 409 or 507, and tears the instance down. So the addresses of the network are looked at first, and
    /// what would conflict is refused here. Somebody else can still be quicker between the look and the call. An address
    /// is taken for 300 seconds after the instance that had it was deleted.
    ///
    /// The request is never sent twice. After an error whose [`sent`](Error::sent) isn't `No`, look at
    /// [`interfaces`](Self::interfaces). The interface stays in the state `initial` after all went well.
    ///
    /// Needs a server that has the capability `hot-plug-interface`; else [`Kind::Unsupported`], before anything is sent.
    /// Vendor's page:
    /// <https://shakenfist.com/developer_guide/api_reference/instances/#adding-network-interfaces-after-instance-creation>
    pub fn hot_plug(&self, nic: Nic) -> HotPlug {
        HotPlug { instance: self.named(), nic, checked: true }
    }
}

impl HotPlug {
    /// Doesn't look at the addresses of the network first. Only for who knows that the address is free.
    pub fn unchecked(mut self) -> Self {
        self.checked = false;
        self
    }

    async fn run(self) -> Result<Interface, Error> {
        self.nic.check()?;
        let reference = self.instance.segment()?;
        let sf = &self.instance.sf;
        sf.require("hot-plug-interface", "plug interfaces into running instances").await?;
        if self.checked {
            self.check().await?;
        }
        let call = sf.call();
        let request = types::InterfaceAdd { network: self.nic.0.clone() };
        let result = call.instance_interface_add().instance_ref(reference).body(request).send().await;
        Ok(Interface::new(sf, open(&call, result).await?))
    }

    /// Whether the address, or any, is free.
    async fn check(&self) -> Result<(), Error> {
        let network = self.instance.sf.network(&self.nic.0.network_uuid).await?;
        if self.nic.0.address.is_some() && self.nic.wanted().is_none() {
            return Ok(());
        }
        let taken = network.addresses().await?;
        match self.nic.wanted() {
            Some(wanted) if taken.iter().any(|address| address.address == wanted) => {
                Err(refused(format!("{wanted} is taken on the network {}", network.uuid)))
            }
            None if network.capacity().is_some_and(|most| taken.len() as u64 >= most) => {
                Err(refused(format!("no address is free on the network {}", network.uuid)))
            }
            _ => Ok(()),
        }
    }
}

fn refused(why: String) -> Error {
    let message = format!("address: {why}; asking for it would destroy the instance");
    Error::new(Kind::Conflict, message).with(|e| {
        e.api = "shakenfist";
        e.fields.push("address".to_owned());
    })
}

impl IntoFuture for HotPlug {
    type Output = Result<Interface, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
