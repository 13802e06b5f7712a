//! Lists of instances.

use chrono::{DateTime, Utc};

use super::client::Koyeb;
use super::deployment::Deployment;
use super::instance::Instance;
use super::offset_pages::{self, Came, Item, Spot};
use super::parameters::{given, push};
use super::service::Service;
use super::types::{InstanceStatus, Order};
use crate::error::Error;
use crate::handle::Identified;
use crate::stream::list::List;
use crate::wait::into_future;

/// A query for instances; from [`Koyeb::instances`]. `.await` it for a `Vec`, or read it item by item with
/// [`stream`](Self::stream).
///
/// ```no_run
/// # use windlass::koyeb::{InstanceStatus, Koyeb};
/// # async fn demo(koyeb: Koyeb) -> windlass::Result<()> {
/// let awake = koyeb.instances().service("8a41").status(InstanceStatus::Healthy).status(InstanceStatus::Starting);
/// for instance in awake.await? {
///     println!("{} {} {}", instance.id, instance.status, instance.region);
/// }
/// # Ok(()) }
/// ```
///
/// Repeated states or ids are ORed; all other filters are ANDed. Koyeb has no labels.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.stream()`"]
pub struct Instances {
    koyeb: Koyeb,
    app: Option<String>,
    service: Option<String>,
    deployment: Option<String>,
    regional_deployment: Option<String>,
    allocation: Option<String>,
    replica: Option<String>,
    statuses: Option<Vec<InstanceStatus>>,
    ids: Option<Vec<String>>,
    ran_after: Option<DateTime<Utc>>,
    ran_before: Option<DateTime<Utc>>,
    order: Option<Order>,
    page_size: Option<u32>,
}

impl Koyeb {
    /// The instances of the organization.
    ///
    /// # Errors
    ///
    /// Those of [every request](Koyeb#errors); [`InvalidInput`](crate::ErrorKind::InvalidInput) if the page size can't be
    /// right.
    pub fn instances(&self) -> Instances {
        Instances {
            koyeb: self.clone(),
            app: None,
            service: None,
            deployment: None,
            regional_deployment: None,
            allocation: None,
            replica: None,
            statuses: None,
            ids: None,
            ran_after: None,
            ran_before: None,
            order: None,
            page_size: None,
        }
    }
}

impl<D: Identified> Service<D> {
    /// Its instances, including past ones.
    pub fn instances(&self) -> Instances {
        self.koyeb.instances().service(self.id())
    }
}

impl<D: Identified> Deployment<D> {
    /// Its instances, including past ones.
    pub fn instances(&self) -> Instances {
        self.koyeb.instances().deployment(self.id())
    }
}

impl Instances {
    /// Only those of this app, by its id.
    pub fn app(mut self, id: impl Into<String>) -> Self {
        self.app = Some(id.into());
        self
    }

    /// Only those of this service, by its id.
    pub fn service(mut self, id: impl Into<String>) -> Self {
        self.service = Some(id.into());
        self
    }

    /// Only those of this deployment, by its id.
    pub fn deployment(mut self, id: impl Into<String>) -> Self {
        self.deployment = Some(id.into());
        self
    }

    /// Only those of this regional deployment, by its id.
    pub fn regional_deployment(mut self, id: impl Into<String>) -> Self {
        self.regional_deployment = Some(id.into());
        self
    }

    /// Only those of this allocation, by its id.
    pub fn allocation(mut self, id: impl Into<String>) -> Self {
        self.allocation = Some(id.into());
        self
    }

    /// Only the replicas of this number, from 0.
    pub fn replica(mut self, index: u32) -> Self {
        self.replica = Some(index.to_string());
        self
    }

    /// Only those in this state, or in one of several: repeated calls are ORed.
    pub fn status(mut self, status: InstanceStatus) -> Self {
        push(&mut self.statuses, status);
        self
    }

    /// Only the one of this id, or several: repeated calls are ORed. The service knows this filter since August 2026.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        push(&mut self.ids, id.into());
        self
    }

    /// Only those that ran after this moment: a `SystemTime` or a time of `chrono`.
    pub fn ran_after(mut self, time: impl Into<DateTime<Utc>>) -> Self {
        self.ran_after = Some(time.into());
        self
    }

    /// Only those that ran before this moment.
    pub fn ran_before(mut self, time: impl Into<DateTime<Utc>>) -> Self {
        self.ran_before = Some(time.into());
        self
    }

    /// Which come first; the service decides if not set.
    pub fn order(mut self, order: Order) -> Self {
        self.order = Some(order);
        self
    }

    /// How many are asked for at a time: 1 to 100, and 100 if not set. The API calls it `limit`.
    pub fn page_size(mut self, items: u32) -> Self {
        self.page_size = Some(items);
        self
    }

    /// The list as a stream over all pages. The next page is fetched while one is read.
    pub fn stream(self) -> List<Instance> {
        let label = self.koyeb.label("list_instances", "");
        offset_pages::list(self.page_size, move |spot| {
            let query = self.clone();
            Box::pin(async move { query.page(spot).await })
        })
        .by(label)
    }

    async fn page(self, spot: Spot) -> Result<Came<Instance>, Error> {
        let request = given!(self.koyeb.raw().list_instances().limit(spot.limit).offset(spot.offset);
            app_id = self.app,
            service_id = self.service,
            deployment_id = self.deployment,
            regional_deployment_id = self.regional_deployment,
            allocation_id = self.allocation,
            replica_index = self.replica,
            statuses = self.statuses,
            ids = self.ids.clone(),
            starting_time = self.ran_after,
            ending_time = self.ran_before,
            order = self.order,
        );
        let reply = request.send().await?;
        let items = reply.instances.into_iter();
        let items = items.map(|came| Instance::new(&self.koyeb, came)).collect();
        Ok(Came { items, count: reply.count, has_next: None, ids: self.ids })
    }
}

into_future!(Instances => Vec<Instance>: |query| query.stream().all().await);

impl Item for Instance {
    fn id(&self) -> &str {
        &self.id
    }
}
