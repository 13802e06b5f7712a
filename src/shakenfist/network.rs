//! Virtual networks.

use std::future::IntoFuture;
use std::net::Ipv4Addr;
use std::ops::Deref;
use std::time::Duration;

use http::header::DATE;

use super::clock::Deadline;
use super::work::{Goal, Polled, Seen, progress};
use super::{ObjectState, ShakenFist, lost, types};
use crate::error::{Error, ErrorKind, Sent};
use crate::stream::list::{List, Page};
use crate::ticket::Ticket;
use crate::transport::checked;
use crate::wait::{Action, BoxFuture, Operation};

/// A network: its data together with a cheap handle.
///
/// Vendor's page: <https://shakenfist.com/developer_guide/api_reference/networks/>
#[derive(Debug, Clone)]
pub struct Network {
    sf: ShakenFist,
    data: types::Network,
}

impl Deref for Network {
    type Target = types::Network;

    fn deref(&self) -> &types::Network {
        &self.data
    }
}

impl ShakenFist {
    /// The networks of the namespace.
    pub fn networks(&self) -> List<Network> {
        let sf = self.clone();
        List::new(move |_| {
            let sf = sf.clone();
            Box::pin(async move {
                let items = sf.raw().networks_list().send().await?.0.into_iter();
                Ok(Page::only(items.map(|data| Network { sf: sf.clone(), data }).collect()))
            })
        })
    }

    /// Reads a network, by its UUID or name.
    pub async fn network(&self, reference: &str) -> Result<Network, Error> {
        let reference = checked("network", reference)?;
        let data = self.raw().network_get().network_ref(reference).send().await?;
        Ok(Network { sf: self.clone(), data })
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
    pub fn create_network(&self, name: impl Into<String>) -> NetworkCreate {
        let create = types::NetworkCreate {
            provide_dhcp: Some(true),
            provide_nat: Some(true),
            ..types::NetworkCreate::new(name, "")
        };
        NetworkCreate { sf: self.clone(), create, limit: Duration::from_secs(120) }
    }
}

impl Network {
    /// The number of its VXLAN, whichever name the server's version has for it.
    pub fn vxlan(&self) -> Option<i64> {
        self.data.vxlan_id.or(self.data.vxid)
    }

    /// The addresses that are taken or reserved, gateway and broadcast included. Those of instances deleted less than 300
    /// seconds ago are still reserved (`deletion-halo`, since `when`); older ones are free, though the server lists them until
    /// the next address is reserved.
    ///
    /// Needs a server that has the capability `list-addresses`: 0.8 or later.
    pub async fn addresses(&self) -> Result<Vec<types::Address>, Error> {
        Ok(self.reservations().await?.all)
    }

    pub(super) async fn reservations(&self) -> Result<Reservations, Error> {
        self.sf.require("network_addresses", "list-addresses", "list the addresses of a network").await?;
        let reference = checked("network", &self.uuid)?;
        let call = self.sf.raw().network_addresses().network_ref(reference).send();
        let (all, head) = call.with_head().await?;
        let now = head.headers().get(DATE).and_then(|date| date.to_str().ok()).and_then(seconds);
        Ok(Reservations { all: all.0, now })
    }

    /// Deletes it; done when it is gone. Servers do that also while instances use it: look first.
    pub fn delete(&self) -> Action<()> {
        let network = self.clone();
        Action::new(async move {
            let (sf, uuid) = (&network.sf, network.uuid.clone());
            let reference = checked("network", &uuid)?;
            let request = types::NetworkDelete { namespace: None };
            match sf.raw().network_delete().network_ref(reference).body(request).send().await {
                Ok(_) => {}
                Err(e) if lost::is_open(&e) => begun(sf, &uuid, e).await?,
                Err(e) => return Err(e),
            }
            Ok(Polled::operation(sf, NetworkGone { uuid }))
        })
    }

    /// How many addresses it has for interfaces, if its block can be read.
    pub(super) fn capacity(&self) -> Option<u64> {
        let (_, bits) = self.data.netblock.as_deref()?.split_once('/')?;
        let bits: u32 = bits.parse().ok().filter(|bits| *bits <= 32)?;
        Some(1 << (32 - bits))
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
pub struct NetworkCreate {
    sf: ShakenFist,
    create: types::NetworkCreate,
    limit: Duration,
}

impl NetworkCreate {
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
            Err(e) if lost::is_open(&e) => {
                let name = &self.create.name;
                let message = format!("a network {name:?} may or may not come into being: {}", e.message());
                return Err(Error::uncertain(message, e));
            }
            made => made?,
        };
        Ok(deadline.limits(Polled::operation(&self.sf, NetworkCreated { uuid: made.uuid })))
    }
}

impl IntoFuture for NetworkCreate {
    type Output = Result<Network, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { Ok(self.send().await?.await?) })
    }
}

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

impl Goal for NetworkCreated {
    type Output = Network;

    fn ticket(&self) -> Ticket {
        Ticket::new("shakenfist", "network-create", &self.uuid)
    }

    fn look<'a>(&'a mut self, sf: &'a ShakenFist, _: bool) -> BoxFuture<'a, Result<Seen<Network>, Error>> {
        Box::pin(async move {
            let now = match sf.network(&self.uuid).await {
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
                _ => Seen::Going(seen),
            })
        })
    }
}

/// The answer to a delete is lost: is the network on its way down?
async fn begun(sf: &ShakenFist, uuid: &str, lost: Error) -> Result<(), Error> {
    const WINDOW: Duration = Duration::from_secs(10);
    let going = lost::search(WINDOW, || async {
        match sf.network(uuid).await {
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

impl Goal for NetworkGone {
    type Output = ();

    fn ticket(&self) -> Ticket {
        Ticket::new("shakenfist", "network-delete", &self.uuid)
    }

    fn look<'a>(&'a mut self, sf: &'a ShakenFist, _: bool) -> BoxFuture<'a, Result<Seen<()>, Error>> {
        Box::pin(async move {
            let now = match sf.network(&self.uuid).await {
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
                _ => Seen::Going(seen),
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
    (ticket.kind == "network-create").then(|| Polled::operation(sf, NetworkCreated { uuid }))
}

pub(super) fn resume_gone(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<()>> {
    let uuid = ticket.id.clone();
    (ticket.kind == "network-delete").then(|| Polled::operation(sf, NetworkGone { uuid }))
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
