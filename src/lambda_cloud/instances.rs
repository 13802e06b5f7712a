//! Lists of instances.

use super::{Instance, InstanceStatus, LambdaCloud, types};
use crate::error::Error;
use crate::stream::list::{Cursor, List, Page};

/// Which instances; from [`LambdaCloud::instances`].
///
/// ```no_run
/// # use windlass::lambda_cloud::{InstanceStatus, LambdaCloud};
/// # async fn demo(lambda: LambdaCloud) -> windlass::Result<()> {
/// let mine = lambda.instances().tag("team", "vision").status(InstanceStatus::Active);
/// for gpu in mine.list().all().await? {
///     println!("{} {} {}", gpu.id, gpu.region.name, gpu.instance_type.price());
/// }
/// # Ok(()) }
/// ```
///
/// Vendor's page: <https://docs.lambda.ai/api/cloud>
#[derive(Debug, Clone)]
#[must_use = "nothing is fetched before the list is read"]
pub struct Instances {
    lambda: LambdaCloud,
    cluster: Option<String>,
    status: Option<InstanceStatus>,
    tags: Vec<(String, String)>,
}

impl LambdaCloud {
    /// The instances of the account, to be narrowed down and listed.
    ///
    /// Those that have ended stay listed for a while, as `terminated`.
    pub fn instances(&self) -> Instances {
        Instances { lambda: self.clone(), cluster: None, status: None, tags: Vec::new() }
    }
}

impl Instances {
    /// Only those of this cluster.
    pub fn cluster(mut self, id: impl Into<String>) -> Self {
        self.cluster = Some(id.into());
        self
    }

    /// Only those in this state. The service can't be asked: the answer is looked through here.
    pub fn status(mut self, status: InstanceStatus) -> Self {
        self.status = Some(status);
        self
    }

    /// Only those that have this tag; given several times, all of them. The answer is looked through here.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.push((key.into(), value.into()));
        self
    }

    /// The list as a stream. One request brings all; should the service begin to page, all pages are read.
    pub fn list(self) -> List<Instance> {
        let label = self.lambda.label("instances_list");
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
