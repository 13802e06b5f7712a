//! What happened to instances and their snapshots.

use super::client::Koyeb;
use super::instance::Instance;
use super::offset_pages::{self, Came, Item, Spot};
use super::parameters::{given, push};
use super::snapshot::Snapshot;
use super::types::{self, Order};
use crate::error::Error;
use crate::handle::Identified;
use crate::stream::list::List;
use crate::wait::into_future;

/// A query for events of instances; from [`Koyeb::instance_events`]. `.await` it for a `Vec`, or read it item by item
/// with [`stream`](Self::stream).
///
/// ```no_run
/// # use windlass::koyeb::{Koyeb, Order};
/// # async fn demo(koyeb: Koyeb) -> windlass::Result<()> {
/// for event in koyeb.instance("2f1c").events().order(Order::Asc).await? {
///     println!("{:?} {}: {}", event.when, event.type_, event.message);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.stream()`"]
pub struct InstanceEvents {
    koyeb: Koyeb,
    instances: Option<Vec<String>>,
    types: Option<Vec<String>>,
    order: Option<Order>,
    page_size: Option<u32>,
}

/// A query for events of snapshots; from [`Koyeb::snapshot_events`]. `.await` it for a `Vec`, or read it item by item
/// with [`stream`](Self::stream).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.stream()`"]
pub struct SnapshotEvents {
    koyeb: Koyeb,
    snapshot: Option<String>,
    types: Option<Vec<String>>,
    order: Option<Order>,
    page_size: Option<u32>,
}

impl Koyeb {
    /// What happened to instances: a query into the past.
    ///
    /// # Errors
    ///
    /// Those of [every request](Koyeb#errors); [`InvalidInput`](crate::ErrorKind::InvalidInput) if the page size can't be
    /// right.
    pub fn instance_events(&self) -> InstanceEvents {
        let koyeb = self.clone();
        InstanceEvents { koyeb, instances: None, types: None, order: None, page_size: None }
    }

    /// What happened to snapshots of instances: a query into the past.
    ///
    /// # Errors
    ///
    /// Those of [every request](Koyeb#errors); [`InvalidInput`](crate::ErrorKind::InvalidInput) if the page size can't be
    /// right.
    pub fn snapshot_events(&self) -> SnapshotEvents {
        let koyeb = self.clone();
        SnapshotEvents { koyeb, snapshot: None, types: None, order: None, page_size: None }
    }
}

impl<D: Identified> Instance<D> {
    /// What happened to it: a query into the past.
    pub fn events(&self) -> InstanceEvents {
        self.koyeb.instance_events().instance(self.id())
    }
}

impl<D: Identified> Snapshot<D> {
    /// What happened to it: a query into the past.
    pub fn events(&self) -> SnapshotEvents {
        self.koyeb.snapshot_events().snapshot(self.id())
    }
}

impl InstanceEvents {
    /// Only those of this instance, by its id; repeated calls are ORed.
    pub fn instance(mut self, id: impl Into<String>) -> Self {
        push(&mut self.instances, id.into());
        self
    }
}

impl SnapshotEvents {
    /// Only those of this snapshot, by its id.
    pub fn snapshot(mut self, id: impl Into<String>) -> Self {
        self.snapshot = Some(id.into());
        self
    }
}

macro_rules! events {
    ($name:ident of $item:ident, $operation:ident, $filter:ident = $own:ident) => {
        impl $name {
            /// Only those of this type, or of several: repeated calls are ORed. The service publishes no list of types.
            pub fn event_type(mut self, event_type: impl Into<String>) -> Self {
                push(&mut self.types, event_type.into());
                self
            }

            /// Which come first; the service decides if not set.
            pub fn order(mut self, order: Order) -> Self {
                self.order = Some(order);
                self
            }

            /// How many are asked for at a time: 1 to 100, and 100 if not set.
            pub fn page_size(mut self, items: u32) -> Self {
                self.page_size = Some(items);
                self
            }

            /// The list as a stream over all pages. The next page is fetched while one is read.
            pub fn stream(self) -> List<types::$item> {
                let label = self.koyeb.label(stringify!($operation), "");
                offset_pages::list(self.page_size, move |spot| {
                    let query = self.clone();
                    Box::pin(async move { query.page(spot).await })
                })
                .by(label)
            }

            async fn page(self, spot: Spot) -> Result<Came<types::$item>, Error> {
                let request = given!(self.koyeb.raw().$operation().limit(spot.limit).offset(spot.offset);
                    $filter = self.$own,
                    types = self.types,
                    order = self.order,
                );
                let reply = request.send().await?;
                let items = reply.events;
                Ok(Came { items, count: None, has_next: reply.has_next, ids: None })
            }
        }

        impl Item for types::$item {
            fn id(&self) -> &str {
                &self.id
            }
        }

        into_future!($name => Vec<types::$item>: |query| query.stream().all().await);
    };
}
events!(InstanceEvents of InstanceEvent, list_instance_events, instance_ids = instances);
events!(SnapshotEvents of InstanceSnapshotEvent, list_instance_snapshot_events, instance_snapshot_id = snapshot);
