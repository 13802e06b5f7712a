//! Lists of deployments.

use super::client::Koyeb;
use super::deployment::Deployment;
use super::offset_pages::{self, Came, Item, Spot};
use super::parameters::{given, push};
use super::service::Service;
use super::types::DeploymentStatus;
use crate::error::Error;
use crate::handle::Identified;
use crate::stream::list::List;
use crate::wait::into_future;

/// A query for deployments; from [`Koyeb::deployments`]. `.await` it for a `Vec`, or read it item by item with
/// [`stream`](Self::stream).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.stream()`"]
pub struct Deployments {
    koyeb: Koyeb,
    app: Option<String>,
    service: Option<String>,
    statuses: Option<Vec<DeploymentStatus>>,
    ids: Option<Vec<String>>,
    page_size: Option<u32>,
}

impl Koyeb {
    /// The deployments of the organization.
    ///
    /// # Errors
    ///
    /// Those of [every request](Koyeb#errors); [`InvalidInput`](crate::ErrorKind::InvalidInput) if the page size can't be
    /// right.
    pub fn deployments(&self) -> Deployments {
        let koyeb = self.clone();
        Deployments { koyeb, app: None, service: None, statuses: None, ids: None, page_size: None }
    }
}

impl<D: Identified> Service<D> {
    /// Its deployments, including past ones.
    pub fn deployments(&self) -> Deployments {
        self.koyeb.deployments().service(self.id())
    }
}

impl Deployments {
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

    /// Only those in this state, or in one of several: repeated calls are ORed.
    pub fn status(mut self, status: DeploymentStatus) -> Self {
        push(&mut self.statuses, status);
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
    pub fn stream(self) -> List<Deployment> {
        let label = self.koyeb.label("list_deployments", "");
        offset_pages::list(self.page_size, move |spot| {
            let query = self.clone();
            Box::pin(async move { query.page(spot).await })
        })
        .by(label)
    }

    async fn page(self, spot: Spot) -> Result<Came<Deployment>, Error> {
        let request = given!(self.koyeb.raw().list_deployments().limit(spot.limit).offset(spot.offset);
            app_id = self.app,
            service_id = self.service,
            statuses = self.statuses,
            ids = self.ids.clone(),
        );
        let reply = request.send().await?;
        let items = reply.deployments.into_iter();
        let items = items.map(|came| Deployment::new(&self.koyeb, came)).collect();
        Ok(Came { items, count: reply.count, has_next: reply.has_next, ids: self.ids })
    }
}

into_future!(Deployments => Vec<Deployment>: |query| query.stream().all().await);

impl Item for Deployment {
    fn id(&self) -> &str {
        &self.id
    }
}
