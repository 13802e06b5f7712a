//! Creating a network, until it is `created`.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::handle::{Network, failed};
use crate::error::Error;
use crate::shakenfist::client::ShakenFist;
use crate::shakenfist::deadline::Deadline;
use crate::shakenfist::poll::{self, progress};
use crate::shakenfist::reconcile;
use crate::shakenfist::types::{self, ObjectState};
use crate::ticket::Ticket;
use crate::wait::poll::{Goal, Seen};
use crate::wait::{BoxFuture, Operation, into_future};

impl ShakenFist {
    /// Creates a network. Done when it is `created`.
    ///
    /// ```no_run
    /// # async fn demo(sf: windlass::shakenfist::ShakenFist) -> windlass::Result<()> {
    /// let front = sf.create_network("front").netblock("10.0.0.0/24").await?;
    /// # let _ = front; Ok(()) }
    /// ```
    ///
    /// Names aren't unique, and networks have no place for a marker. So if the answer is lost, the error is of
    /// [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown), and [`networks`](Self::networks) shows whether there is
    /// one more of that name.
    ///
    /// # Errors
    ///
    /// [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the answer is lost,
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) without a name or a block of addresses, those of
    /// [every request](crate::ShakenFist#errors), and those of the wait ([`WaitEnd`](crate::WaitEnd)).
    pub fn create_network(&self, name: impl Into<String>) -> CreateNetwork {
        let request = types::NetworkCreate {
            provide_dhcp: Some(true),
            provide_nat: Some(true),
            ..types::NetworkCreate::new(name, "")
        };
        CreateNetwork { sf: self.clone(), request, limit: Duration::from_secs(120) }
    }
}

/// A network to be created; from [`ShakenFist::create_network`]. `.await` it for the network, or [`send`](Self::send)
/// it and keep the operation.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct CreateNetwork {
    sf: ShakenFist,
    request: types::NetworkCreate,
    limit: Duration,
}

impl CreateNetwork {
    /// Its addresses, for example `10.0.0.0/24`: a /29 or larger.
    pub fn netblock(mut self, block: impl Into<String>) -> Self {
        self.request.netblock = block.into();
        self
    }

    /// Whether it gives out addresses by DHCP (default: yes). 0.7.2 and 0.8.0.0rc4 respect a no; the development
    /// version of October 2024 takes it for a yes.
    pub fn dhcp(mut self, yes: bool) -> Self {
        self.request.provide_dhcp = Some(yes);
        self
    }

    /// Whether it reaches the outside by NAT (default: yes). As with [`dhcp`](Self::dhcp), some servers take a no for a
    /// yes.
    pub fn nat(mut self, yes: bool) -> Self {
        self.request.provide_nat = Some(yes);
        self
    }

    /// Whether it resolves the names of its instances. [`Unsupported`](crate::ErrorKind::Unsupported) on servers up to
    /// 0.8.0.0rc4.
    pub fn dns(mut self, yes: bool) -> Self {
        self.request.provide_dns = Some(yes);
        self
    }

    /// In another namespace. Only the namespace `system` may do that.
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.request.namespace = Some(name.into());
        self
    }

    /// How long all of it may take (default: two minutes).
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Sends the request. The network is then created in the background.
    ///
    /// # Errors
    ///
    /// Those of [`ShakenFist::create_network`], without those of the wait.
    pub async fn send(self) -> Result<Operation<Network>, Error> {
        self.sf.label("network_create", &self.request.name).watch(self.sent()).await
    }

    async fn sent(&self) -> Result<Operation<Network>, Error> {
        if self.request.name.is_empty() {
            return Err(Error::invalid("name", "is empty"));
        }
        check_netblock(&self.request.netblock)?;
        let deadline = Deadline::after(self.limit);
        let call = self.sf.raw().network_create().body(self.request.clone()).send();
        let made = match deadline.bound(call).await {
            // Names aren't unique, and networks have no place for a marker.
            Err(e) if reconcile::is_open(&e) => {
                let name = &self.request.name;
                let message = format!("a network {name:?} may or may not be created: {}", e.message());
                return Err(Error::uncertain(message, e));
            }
            made => made?,
        };
        Ok(deadline.limits(poll::operation(&self.sf, NetworkCreated { uuid: made.uuid })))
    }
}

into_future!(CreateNetwork => Network: send);

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

pub(in crate::shakenfist) fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<Network>> {
    let uuid = ticket.id.clone();
    (ticket.kind == "network-create").then(|| poll::operation(sf, NetworkCreated { uuid }))
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
