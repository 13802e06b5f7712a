//! Storage that outlives instances.

use super::{LambdaCloud, check, types};
use crate::error::Error;

impl LambdaCloud {
    /// The file systems of the account.
    ///
    /// Vendor's page: <https://docs.lambda.ai/public-cloud/filesystems/>
    pub async fn file_systems(&self) -> Result<Vec<types::FileSystem>, Error> {
        self.raw().file_systems_list().send().await
    }

    /// Creates a file system.
    ///
    /// ```no_run
    /// # async fn demo(lambda: windlass::LambdaCloud) -> windlass::Result<()> {
    /// let models = lambda.create_file_system("models").in_region("us-west-1").await?;
    /// println!("{} is mounted at {}", models.name, models.mount_point);
    /// # Ok(()) }
    /// ```
    ///
    /// Instances of other regions can't mount it. A name that is taken is [`Error::is_already_exists`].
    pub fn create_file_system(&self, name: impl Into<String>) -> NewFileSystem {
        NewFileSystem { lambda: self.clone(), name: name.into() }
    }

    /// Deletes a file system and all that is on it, by its id. One that an instance has mounted is a
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict).
    pub async fn delete_file_system(&self, id: &str) -> Result<(), Error> {
        self.raw().file_system_delete().id(id).send().await.map(drop)
    }
}

/// A file system to be created; from [`LambdaCloud::create_file_system`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.in_region(…)` is awaited"]
pub struct NewFileSystem {
    lambda: LambdaCloud,
    name: String,
}

impl NewFileSystem {
    /// In this region, as `us-west-1`.
    pub async fn in_region(self, region: impl Into<String>) -> Result<types::FileSystem, Error> {
        let region = region.into();
        check::name("name", &self.name)?;
        if region.is_empty() {
            return Err(Error::invalid("region", "is empty"));
        }
        let body = types::FileSystemCreate { name: self.name, region };
        self.lambda.raw().file_system_create().body(body).send().await
    }
}
