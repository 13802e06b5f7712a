//! A network: what is known of it together with a handle on it.

use crate::error::{Error, ErrorKind, Sent};
use crate::handle::{Id, Identified, handle, identified};
use crate::shakenfist::client::ShakenFist;
use crate::shakenfist::types;
use crate::stream::query::Query;
use crate::transport::checked;

identified! { types::Network: uuid; }

handle! {
    /// A network: typed data together with a cheap handle.
    ///
    /// Vendor's page: <https://shakenfist.com/developer_guide/api_reference/networks/>
    Network<types::Network> of sf: ShakenFist;
    /// A handle on a network of which only the UUID or the name is known.
    NetworkRef
}

impl ShakenFist {
    /// The networks of the namespace.
    pub fn networks(&self) -> Query<Network> {
        let sf = self.clone();
        Query::one(async move {
            let items = sf.raw().networks_list().send().await?.0.into_iter();
            Ok(items.map(|data| Network::new(&sf, data)).collect())
        })
    }

    /// A handle on a network, by its UUID or name. Sends nothing.
    pub fn network(&self, reference: impl Into<String>) -> NetworkRef {
        Network::new(self, Id::new(reference))
    }
}

impl Network {
    /// The number of its VXLAN, whatever the server's version calls it.
    pub fn vxlan(&self) -> Option<i64> {
        self.vxlan_id.or(self.vxid)
    }

    /// How many addresses its block has, if that can be read.
    pub(in crate::shakenfist) fn capacity(&self) -> Option<u64> {
        let (_, bits) = self.netblock.as_deref()?.split_once('/')?;
        let bits: u32 = bits.parse().ok().filter(|bits| *bits <= 32)?;
        Some(1 << (32 - bits))
    }
}

impl<D: Identified> Network<D> {
    /// The UUID, or the name if that is all that is known.
    pub fn id(&self) -> &str {
        self.identity()
    }

    /// Reads the network.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if there is none, and those of [every request](crate::ShakenFist#errors).
    pub async fn get(&self) -> Result<Network, Error> {
        let reference = checked("network", self.id())?;
        let data = self.sf.raw().network_get().network_ref(reference).send().await?;
        Ok(Network::new(&self.sf, data))
    }
}

/// Why a network failed.
pub(super) fn failed(network: &types::Network) -> Error {
    Error::new(
        ErrorKind::OperationFailed,
        format!("network {} is in the state {}", network.uuid, network.state),
    )
    .with(|e| (e.sent, e.code) = (Sent::Yes, Some(network.state.to_string())))
}
