//! The addresses of a network that are taken or reserved.

use http::header::DATE;

use super::handle::Network;
use crate::error::Error;
use crate::handle::Identified;
use crate::shakenfist::types;
use crate::stream::query::Query;
use crate::transport::checked;

impl<D: Identified> Network<D> {
    /// The addresses that are taken or reserved, including gateway and broadcast.
    ///
    /// ```no_run
    /// # async fn demo(front: windlass::shakenfist::Network) -> windlass::Result<()> {
    /// for taken in front.addresses().await? {
    ///     println!("{} {:?}", taken.address, taken.type_);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// The address of an instance stays reserved for 300 seconds after the instance is deleted (`deletion-halo`, since
    /// `when`). After that it is free, but servers list it until the next address is reserved.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) without the capability `list-addresses`, which servers have since
    /// 0.8, and those of [every request](crate::ShakenFist#errors).
    pub fn addresses(&self) -> Query<types::Address> {
        let network = self.reference();
        Query::one(async move { Ok(network.reservations().await?.all) })
    }

    pub(in crate::shakenfist) async fn reservations(&self) -> Result<Reservations, Error> {
        self.sf.require("network_addresses", "list-addresses", "list the addresses of a network").await?;
        let reference = checked("network", self.id())?;
        let call = self.sf.raw().network_addresses().network_ref(reference).send();
        let (all, head) = call.with_head().await?;
        let now = head.headers().get(DATE).and_then(|date| date.to_str().ok()).and_then(seconds);
        Ok(Reservations { all: all.0, now })
    }
}

/// What is reserved of a network, and the server's time.
pub(in crate::shakenfist) struct Reservations {
    all: Vec<types::Address>,
    /// Seconds since 1970.
    now: Option<f64>,
}

impl Reservations {
    /// Whether this address is taken.
    pub(in crate::shakenfist) fn holds(&self, address: &str) -> bool {
        self.all.iter().any(|it| it.address == address && !self.is_over(it))
    }

    /// How many there are. The server doesn't remove old halos from a full network before it chooses an address.
    pub(in crate::shakenfist) fn count(&self) -> u64 {
        self.all.len() as u64
    }

    /// Whether it is a halo that is over: it lasts 300 seconds, by the server's clock.
    fn is_over(&self, address: &types::Address) -> bool {
        const HALO: f64 = 300.0;
        let ago = self.now.zip(address.when).map(|(now, when)| now - when);
        // The date has no fraction of a second.
        address.type_.as_deref() == Some("deletion-halo") && ago.is_some_and(|ago| ago > HALO + 1.0)
    }
}

/// A date of HTTP, in seconds since 1970.
#[allow(clippy::cast_precision_loss)] // such numbers are exact
fn seconds(date: &str) -> Option<f64> {
    chrono::DateTime::parse_from_rfc2822(date).ok().map(|date| date.timestamp() as f64)
}
