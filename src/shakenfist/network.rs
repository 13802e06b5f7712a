//! Virtual networks.

use std::net::Ipv4Addr;
use std::time::Duration;

use http::header::DATE;

use super::deadline::Deadline;
use super::instance::is_uuid;
use super::poll::{self, progress};
use super::{ObjectState, ShakenFist, lost_answer, types};
use crate::error::{Error, ErrorKind, Sent};
use crate::handle::{handle, identified};
use crate::stream::Query;
use crate::ticket::Ticket;
use crate::transport::checked;
use crate::wait::poll::{Goal, Seen};
use crate::wait::{Action, BoxFuture, Operation, into_future};
use crate::{Id, Identified};

identified! { types::Network: uuid; }

handle! {
    /// A network: its data together with a cheap handle.
    ///
    /// Vendor's page: <https://shakenfist.com/developer_guide/api_reference/networks/>
    Network<types::Network> of sf: ShakenFist;
    /// A handle on a network of which only the UUID or the name is known.
    NetworkRef
}

impl ShakenFist {
    /// The networks of the namespace: a query.
    pub fn networks(&self) -> Query<Network> {
        let sf = self.clone();
        Query::one(async move || {
            let items = sf.raw().networks_list().send().await?.0.into_iter();
            Ok(items.map(|data| Network::new(&sf, data)).collect())
        })
    }

    /// A handle on a network by its UUID or name, without a request.
    pub fn network(&self, reference: impl Into<String>) -> NetworkRef {
        Network::new(self, Id::new(reference))
    }

    /// Makes a network; done when it is `created`.
    ///
    /// ```no_run
    /// # async fn demo(sf: windlass::shakenfist::ShakenFist) -> windlass::Result<()> {
    /// let front = sf.create_network("front").netblock("10.0.0.0/24").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Names aren't unique: where the answer is lost, the error is of [`ErrorKind::OutcomeUnknown`], and [`networks`](Self::networks)
    /// shows whether there is one more of that name.
    pub fn create_network(&self, name: impl Into<String>) -> CreateNetwork {
        let create = types::NetworkCreate {
            provide_dhcp: Some(true),
            provide_nat: Some(true),
            ..types::NetworkCreate::new(name, "")
        };
        CreateNetwork { sf: self.clone(), create, limit: Duration::from_secs(120) }
    }
}

impl Network {
    /// The number of its VXLAN, whichever name the server's version has for it.
    pub fn vxlan(&self) -> Option<i64> {
        self.vxlan_id.or(self.vxid)
    }

    /// How many addresses it has for interfaces, if its block can be read.
    pub(super) fn capacity(&self) -> Option<u64> {
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

    /// Fetches it.
    pub async fn get(&self) -> Result<Network, Error> {
        let reference = checked("network", self.id())?;
        let data = self.sf.raw().network_get().network_ref(reference).send().await?;
        Ok(Network::new(&self.sf, data))
    }

    /// The addresses that are taken or reserved, gateway and broadcast included: a query. Those of instances deleted less
    /// than 300 seconds ago are still reserved (`deletion-halo`, since `when`); older ones are free, though the server
    /// lists them until the next address is reserved.
    ///
    /// Needs a server that has the capability `list-addresses`: 0.8 or later.
    pub fn addresses(&self) -> Query<types::Address> {
        let network = self.reference();
        Query::one(async move || Ok(network.reservations().await?.all))
    }

    pub(super) async fn reservations(&self) -> Result<Reservations, Error> {
        self.sf.require("network_addresses", "list-addresses", "list the addresses of a network").await?;
        let reference = checked("network", self.id())?;
        let call = self.sf.raw().network_addresses().network_ref(reference).send();
        let (all, head) = call.with_head().await?;
        let now = head.headers().get(DATE).and_then(|date| date.to_str().ok()).and_then(seconds);
        Ok(Reservations { all: all.0, now })
    }

    /// Deletes it; done when it is gone. Servers do that also while instances use it: look first.
    pub fn delete(&self) -> Action<()> {
        let network = self.reference();
        Action::new(async move {
            let sf = &network.sf;
            // By name a deleted one isn't found.
            let uuid = match is_uuid(network.id()) {
                true => network.id().to_owned(),
                false => network.get().await?.uuid.clone(),
            };
            let reference = checked("network", &uuid)?;
            let request = types::NetworkDelete { namespace: None };
            match sf.raw().network_delete().network_ref(reference).body(request).send().await {
                Ok(_) => {}
                Err(e) if lost_answer::is_open(&e) => begun(sf, &uuid, e).await?,
                Err(e) => return Err(e),
            }
            Ok(poll::operation(sf, NetworkGone { uuid }))
        })
    }
}

/// What is reserved of a network, and the server's own time.
pub(super) struct Reservations {
    all: Vec<types::Address>,
    /// Seconds since 1970.
    now: Option<f64>,
}

impl Reservations {
    /// Whether asking for this address would be in vain.
    pub(super) fn holds(&self, address: &str) -> bool {
        self.all.iter().any(|it| it.address == address && !self.is_over(it))
    }

    /// How many there are. A full network isn't cleared of old halos before an address is drawn.
    pub(super) fn count(&self) -> u64 {
        self.all.len() as u64
    }

    /// Halos last 300 seconds, by the server's clock.
    fn is_over(&self, address: &types::Address) -> bool {
        const HALO: f64 = 300.0;
        let ago = self.now.zip(address.when).map(|(now, when)| now - when);
        // Dates have no fractions.
        address.type_.as_deref() == Some("deletion-halo") && ago.is_some_and(|ago| ago > HALO + 1.0)
    }
}

/// A date of HTTP in seconds since 1970.
#[allow(clippy::cast_precision_loss)] // seconds of our age fit
fn seconds(date: &str) -> Option<f64> {
    chrono::DateTime::parse_from_rfc2822(date).ok().map(|date| date.timestamp() as f64)
}

/// A network to be made; from [`ShakenFist::create_network`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await`"]
pub struct CreateNetwork {
    sf: ShakenFist,
    create: types::NetworkCreate,
    limit: Duration,
}

impl CreateNetwork {
    /// Its addresses, as `10.0.0.0/24`; a /29 or larger.
    pub fn netblock(mut self, block: impl Into<String>) -> Self {
        self.create.netblock = block.into();
        self
    }

    /// Whether it hands out addresses by DHCP (default: yes). 0.7.2 and 0.8.0.0rc4 keep a no; the development version of
    /// October 2024 takes it for yes.
    pub fn dhcp(mut self, yes: bool) -> Self {
        self.create.provide_dhcp = Some(yes);
        self
    }

    /// Whether it leads outside by NAT (default: yes). As with [`dhcp`](Self::dhcp), some servers take no for yes.
    pub fn nat(mut self, yes: bool) -> Self {
        self.create.provide_nat = Some(yes);
        self
    }

    /// Whether it resolves the names of its instances. Servers up to 0.8.0.0rc4 don't know the question:
    /// [`ErrorKind::Unsupported`].
    pub fn dns(mut self, yes: bool) -> Self {
        self.create.provide_dns = Some(yes);
        self
    }

    /// In another namespace; only the namespace `system` may.
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.create.namespace = Some(name.into());
        self
    }

    /// How long all of it may take; two minutes if not said.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Sends the request; the rest goes on by itself.
    pub async fn send(self) -> Result<Operation<Network>, Error> {
        self.sf.label("network_create", &self.create.name).watch(self.sent()).await
    }

    async fn sent(&self) -> Result<Operation<Network>, Error> {
        if self.create.name.is_empty() {
            return Err(Error::invalid("name", "is empty"));
        }
        check_netblock(&self.create.netblock)?;
        let deadline = Deadline::after(self.limit);
        let call = self.sf.raw().network_create().body(self.create.clone()).send();
        let made = match deadline.bound(call).await {
            // Names aren't unique, and networks bear no marker.
            Err(e) if lost_answer::is_open(&e) => {
                let name = &self.create.name;
                let message = format!("a network {name:?} may or may not come into being: {}", e.message());
                return Err(Error::uncertain(message, e));
            }
            made => made?,
        };
        Ok(deadline.limits(poll::operation(&self.sf, NetworkCreated { uuid: made.uuid })))
    }
}

into_future!(CreateNetwork => Network: |create| Ok(create.send().await?.await?));

fn check_netblock(block: &str) -> Result<(), Error> {
    let parts = block.split_once('/');
    let fits = parts.is_some_and(|(address, bits)| {
        address.parse::<Ipv4Addr>().is_ok() && bits.parse().is_ok_and(|bits: u8| (1..=29).contains(&bits))
    });
    if fits {
        return Ok(());
    }
    Err(Error::invalid("netblock", format!("{block:?} is no block such as 10.0.0.0/24, a /29 or larger")))
}

/// A network is `created`.
struct NetworkCreated {
    uuid: String,
}

impl Goal<ShakenFist> for NetworkCreated {
    type Output = Network;

    fn ticket(&self) -> Ticket {
        Ticket::new("shakenfist", "network-create", &self.uuid)
    }

    fn look<'a>(&'a mut self, sf: &'a ShakenFist, _: bool) -> BoxFuture<'a, Result<Seen<Network>, Error>> {
        Box::pin(async move {
            let now = match sf.network(&self.uuid).get().await {
                Ok(now) => now,
                Err(e) if e.is_not_found() => return Ok(Seen::Gone),
                Err(e) => return Err(e),
            };
            let seen = progress(&now.state, "create network");
            Ok(match &now.state {
                ObjectState::Created => Seen::Reached(seen, now),
                ObjectState::Error | ObjectState::Deleted | ObjectState::DeleteWait => {
                    Seen::Failed(failed(&now))
                }
                _ => Seen::Pending(seen),
            })
        })
    }
}

/// The answer to a delete is lost: is the network on its way down?
async fn begun(sf: &ShakenFist, uuid: &str, lost: Error) -> Result<(), Error> {
    const WINDOW: Duration = Duration::from_secs(10);
    let going = lost_answer::search(WINDOW, || async {
        match sf.network(uuid).get().await {
            Ok(now) => matches!(now.state, ObjectState::DeleteWait | ObjectState::Deleted).then_some(()),
            Err(e) => e.is_not_found().then_some(()),
        }
    });
    going.await.ok_or(lost)
}

/// A network is gone.
struct NetworkGone {
    uuid: String,
}

impl Goal<ShakenFist> for NetworkGone {
    type Output = ();

    fn ticket(&self) -> Ticket {
        Ticket::new("shakenfist", "network-delete", &self.uuid)
    }

    fn look<'a>(&'a mut self, sf: &'a ShakenFist, _: bool) -> BoxFuture<'a, Result<Seen<()>, Error>> {
        Box::pin(async move {
            let now = match sf.network(&self.uuid).get().await {
                Ok(now) => now,
                Err(e) if e.is_not_found() => {
                    return Ok(Seen::Reached(progress("deleted", "delete network"), ()));
                }
                Err(e) => return Err(e),
            };
            let seen = progress(&now.state, "delete network");
            Ok(match &now.state {
                ObjectState::Deleted => Seen::Reached(seen, ()),
                ObjectState::Error => Seen::Failed(failed(&now)),
                _ => Seen::Pending(seen),
            })
        })
    }
}

fn failed(network: &types::Network) -> Error {
    Error::new(
        ErrorKind::OperationFailed,
        format!("network {} is in the state {}", network.uuid, network.state),
    )
    .with(|e| (e.sent, e.code) = (Sent::Yes, Some(network.state.to_string())))
}

pub(super) fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<Network>> {
    let uuid = ticket.id.clone();
    (ticket.kind == "network-create").then(|| poll::operation(sf, NetworkCreated { uuid }))
}

pub(super) fn resume_gone(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<()>> {
    let uuid = ticket.id.clone();
    (ticket.kind == "network-delete").then(|| poll::operation(sf, NetworkGone { uuid }))
}

#[cfg(test)]
mod tests {
    use super::check_netblock;

    #[test]
    fn blocks() {
        for good in ["10.0.0.0/24", "192.168.0.0/29", "10.0.0.0/8"] {
            assert!(check_netblock(good).is_ok(), "{good}");
        }
        for bad in ["", "10.0.0.0", "10.0.0/24", "10.0.0.0/30", "10.0.0.0/x", "fd00::/64"] {
            assert!(check_netblock(bad).is_err(), "{bad}");
        }
    }
}
