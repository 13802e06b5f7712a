//! Lists of services.

use super::client::Koyeb;
use super::offset_pages::{self, Came, Item, Spot};
use super::parameters::{given, push};
use super::service::Service;
use super::types::{ServiceStatus, ServiceType};
use crate::error::Error;
use crate::stream::list::List;
use crate::wait::into_future;

/// A query for services; from [`Koyeb::services`]. `.await` it for a `Vec`, or read it item by item with
/// [`stream`](Self::stream).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.stream()`"]
pub struct Services {
    koyeb: Koyeb,
    app: Option<String>,
    name: Option<String>,
    types: Option<Vec<ServiceType>>,
    statuses: Option<Vec<ServiceStatus>>,
    regions: Option<Vec<String>>,
    ids: Option<Vec<String>>,
    page_size: Option<u32>,
}

impl Koyeb {
    /// The services of the organization.
    ///
    /// ```no_run
    /// # async fn demo(koyeb: windlass::Koyeb) -> windlass::Result<()> {
    /// let shops = koyeb.services().name("shop").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [every request](Koyeb#errors); [`InvalidInput`](crate::ErrorKind::InvalidInput) if the page size can't be
    /// right.
    pub fn services(&self) -> Services {
        Services {
            koyeb: self.clone(),
            app: None,
            name: None,
            types: None,
            statuses: None,
            regions: None,
            ids: None,
            page_size: None,
        }
    }
}

impl Services {
    /// Only those of this app, by its id.
    pub fn app(mut self, id: impl Into<String>) -> Self {
        self.app = Some(id.into());
        self
    }

    /// Only those of this name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Only those of this type, or of several: repeated calls are ORed.
    pub fn service_type(mut self, service_type: ServiceType) -> Self {
        push(&mut self.types, service_type);
        self
    }

    /// Only those in this state, or in one of several: repeated calls are ORed.
    pub fn status(mut self, status: ServiceStatus) -> Self {
        push(&mut self.statuses, status);
        self
    }

    /// Only those in this region, or in several: repeated calls are ORed.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        push(&mut self.regions, region.into());
        self
    }

    /// Only the one of this id, or several: repeated calls are ORed.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        push(&mut self.ids, id.into());
        self
    }

    /// How many are asked for at a time: 1 to 100, and 100 if not set.
    pub fn page_size(mut self, items: u32) -> Self {
        self.page_size = Some(items);
        self
    }

    /// The list as a stream over all pages. The next page is fetched while one is read.
    pub fn stream(self) -> List<Service> {
        let label = self.koyeb.label("list_services", "");
        offset_pages::list(self.page_size, move |spot| {
            let query = self.clone();
            Box::pin(async move { query.page(spot).await })
        })
        .by(label)
    }

    async fn page(self, spot: Spot) -> Result<Came<Service>, Error> {
        let request = given!(self.koyeb.raw().list_services().limit(spot.limit).offset(spot.offset);
            app_id = self.app,
            name = self.name,
            types = self.types,
            statuses = self.statuses,
            regions = self.regions,
            ids = self.ids.clone(),
        );
        let reply = request.send().await?;
        let items = reply.services.into_iter();
        let items = items.map(|came| Service::new(&self.koyeb, came)).collect();
        Ok(Came { items, count: reply.count, has_next: reply.has_next, ids: self.ids })
    }
}

into_future!(Services => Vec<Service>: |query| query.stream().all().await);

impl Item for Service {
    fn id(&self) -> &str {
        &self.id
    }
}
