//! Lists of instances.

use std::sync::Arc;

use tokio::time::Instant;

use super::client::LambdaCloud;
use super::instance::Instance;
use super::types::{self, InstanceStatus};
use crate::error::{Error, ErrorKind};
use crate::stream::list::{Cursor, List, Page};
use crate::wait::into_future;

/// A query for instances; from [`LambdaCloud::instances`]. `.await` it for a `Vec`, or read it item by item with
/// [`stream`](Self::stream).
///
/// ```no_run
/// # use windlass::lambda_cloud::{InstanceStatus, LambdaCloud};
/// # async fn demo(lambda: LambdaCloud) -> windlass::Result<()> {
/// for gpu in lambda.instances().label("team", "vision").status(InstanceStatus::Active).await? {
///     println!("{} {} {}", gpu.id, gpu.region.name, gpu.instance_type.price());
/// }
/// # Ok(()) }
/// ```
///
/// Vendor's page: <https://docs.lambda.ai/api/cloud>
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.stream()`"]
pub struct Instances {
    lambda: LambdaCloud,
    cluster: Option<String>,
    status: Option<InstanceStatus>,
    tags: Vec<(String, String)>,
}

impl LambdaCloud {
    /// The instances of the account.
    ///
    /// Those that have ended stay in the list for a while, as `terminated`.
    ///
    /// # Errors
    ///
    /// Those of [every request](LambdaCloud#errors).
    pub fn instances(&self) -> Instances {
        Instances { lambda: self.clone(), cluster: None, status: None, tags: Vec::new() }
    }

    /// All instances, by a list that was asked for at `since` or later and less than an interval ago.
    pub(super) async fn listed(&self, since: Instant) -> Result<Arc<Vec<types::Instance>>, Error> {
        let all = async {
            let all = self.instances().await.map_err(not_of_an_instance)?;
            Ok(all.into_iter().map(Instance::into_data).collect())
        };
        self.0.shared_list.get(since, self.0.interval, all).await
    }

    /// The instance with this id, which a list may not show; `None` if the service knows none.
    pub(super) async fn found(&self, id: &str) -> Result<Option<types::Instance>, Error> {
        match self.instance(id).get().await {
            Ok(instance) => Ok(Some(instance.into_data())),
            Err(e) => e.absence().map(|()| None),
        }
    }
}

/// An account always has a list: "not found" says nothing of any instance.
fn not_of_an_instance(e: Error) -> Error {
    e.with(|e| {
        if e.kind == ErrorKind::NotFound {
            e.kind = ErrorKind::BadReply;
        }
    })
}

impl Instances {
    /// Only those of this cluster.
    pub fn cluster(mut self, id: impl Into<String>) -> Self {
        self.cluster = Some(id.into());
        self
    }

    /// Only those in this state. The service has no such filter: it is applied here.
    pub fn status(mut self, status: InstanceStatus) -> Self {
        self.status = Some(status);
        self
    }

    /// Only those with this label, which the service calls a tag. Repeated calls are ANDed. The service has no such
    /// filter: it is applied here.
    #[doc(alias = "tag")]
    pub fn label(self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tag(key, value)
    }

    /// Only those with this tag; the same as [`label`](Self::label).
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.push((key.into(), value.into()));
        self
    }

    /// The list as a stream. One request brings all; should the service begin to page, all pages are read.
    pub fn stream(self) -> List<Instance> {
        let label = self.lambda.label("instances_list", "");
        List::new(move |cursor| {
            let query = self.clone();
            Box::pin(async move { query.page(cursor).await })
        })
        .by(label)
    }

    async fn page(self, cursor: Option<Cursor>) -> Result<Page<Instance>, Error> {
        let request = self.lambda.raw().instances_list();
        let request = match &self.cluster {
            Some(cluster) => request.cluster_id(cluster),
            None => request,
        };
        let request = match cursor {
            Some(Cursor(token)) => request.page_token(token),
            None => request,
        };
        let reply = request.send().await?;
        let wanted = reply.data.into_iter().filter(|instance| self.wants(instance));
        Ok(Page {
            items: wanted.map(|instance| Instance::new(&self.lambda, instance)).collect(),
            next: reply.page_token.filter(|token| !token.is_empty()).map(Cursor),
        })
    }

    fn wants(&self, instance: &types::Instance) -> bool {
        self.status.as_ref().is_none_or(|status| *status == instance.status)
            && self.tags.iter().all(|(key, value)| instance.tag(key) == Some(value))
    }
}

into_future!(Instances => Vec<Instance>: |query| query.stream().all().await);
