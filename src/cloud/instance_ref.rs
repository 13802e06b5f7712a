//! A handle on an instance of any platform.

#[cfg(feature = "incus")]
use super::from_incus;
#[cfg(feature = "koyeb")]
use super::from_koyeb;
#[cfg(feature = "lambda-cloud")]
use super::from_lambda_cloud;
#[cfg(feature = "shakenfist")]
use super::from_shakenfist;
use super::{Cloud, Instance};
use crate::error::Error;

/// A handle on an instance of which only the id is known; from [`Cloud::instance`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InstanceRef {
    cloud: Cloud,
    id: String,
}

impl Cloud {
    /// A handle on an instance, without a request. The id is [`Instance::id`]: the name on Incus, the id elsewhere.
    pub fn instance(&self, id: impl Into<String>) -> InstanceRef {
        InstanceRef { cloud: self.clone(), id: id.into() }
    }
}

impl InstanceRef {
    /// The id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The cloud that the instance is on.
    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// Reads the instance.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none.
    pub async fn get(&self) -> Result<Instance, Error> {
        self.get_named(None).await
    }

    /// The same, where the name is known already: on Koyeb it costs a request.
    pub(super) async fn get_named(
        &self,
        #[cfg_attr(not(feature = "koyeb"), allow(unused_variables))] known: Option<&str>,
    ) -> Result<Instance, Error> {
        let (cloud, id) = (&self.cloud, self.id.as_str());
        match cloud {
            #[cfg(feature = "incus")]
            Cloud::Incus(incus) => from_incus::get(cloud, incus, id).await,
            #[cfg(feature = "lambda-cloud")]
            Cloud::LambdaCloud(lambda) => from_lambda_cloud::get(cloud, lambda, id).await,
            #[cfg(feature = "koyeb")]
            Cloud::Koyeb(koyeb) => from_koyeb::get(cloud, koyeb, id, known).await,
            #[cfg(feature = "shakenfist")]
            Cloud::ShakenFist(sf) => from_shakenfist::get(cloud, sf, id).await,
        }
    }
}

impl Instance {
    /// A handle on it, without its data.
    pub fn reference(&self) -> InstanceRef {
        self.cloud.instance(&self.id)
    }

    /// Reads it again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if it is gone.
    pub async fn get(&self) -> Result<Self, Error> {
        self.reference().get().await
    }
}
