//! Storage that outlives instances.

use super::client::LambdaCloud;
use super::{check, listed, types};
use crate::Id;
use crate::error::Error;
use crate::handle::{Identified, handle, identified};
use crate::stream::query::Query;
use crate::wait::into_future;

identified! { types::FileSystem: id; }

handle! {
    /// A file system: typed data together with a cheap handle.
    ///
    /// Vendor's page: <https://docs.lambda.ai/public-cloud/filesystems/>
    FileSystem<types::FileSystem> of lambda: LambdaCloud;
    /// A handle on a file system of which only the id is known.
    FileSystemRef
}

impl LambdaCloud {
    /// A handle on a file system, by its id. Sends nothing.
    pub fn file_system(&self, id: impl Into<String>) -> FileSystemRef {
        FileSystem::new(self, Id::new(id))
    }

    /// The file systems of the account.
    pub fn file_systems(&self) -> Query<FileSystem> {
        let lambda = self.clone();
        Query::one(async move {
            let all = lambda.raw().file_systems_list().send().await?;
            Ok(all.into_iter().map(|found| FileSystem::new(&lambda, found)).collect())
        })
    }

    /// Creates a file system in a region. Instances of other regions can't mount it.
    ///
    /// ```no_run
    /// # async fn demo(lambda: windlass::LambdaCloud) -> windlass::Result<()> {
    /// let models = lambda.create_file_system("models").region("us-west-1").await?;
    /// println!("{} is mounted at {}", models.name, models.mount_point);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if the name is taken,
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) without a region, and those of
    /// [every request](LambdaCloud#errors).
    pub fn create_file_system(&self, name: impl Into<String>) -> CreateFileSystem {
        CreateFileSystem { lambda: self.clone(), name: name.into(), region: String::new() }
    }
}

impl<D: Identified> FileSystem<D> {
    /// The id.
    pub fn id(&self) -> &str {
        self.data.identity()
    }

    /// Reads the file system. The API can't be asked for one: this looks in the list of all.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if it isn't in the list, and those of
    /// [every request](LambdaCloud#errors).
    pub async fn get(&self) -> Result<FileSystem, Error> {
        let all = self.lambda.file_systems();
        listed::find(&self.lambda, "file_systems_list", all, self.id(), |found, id| found.id() == id).await
    }

    /// Deletes the file system and everything on it.
    ///
    /// # Errors
    ///
    /// [`Conflict`](crate::ErrorKind::Conflict) if an instance has it mounted,
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is none, and those of [every request](LambdaCloud#errors).
    pub async fn delete(&self) -> Result<(), Error> {
        self.lambda.raw().file_system_delete().id(self.id()).send().await.map(drop)
    }
}

/// Creates a file system; from [`LambdaCloud::create_file_system`]. `.await` it for the file system.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await`"]
pub struct CreateFileSystem {
    lambda: LambdaCloud,
    name: String,
    region: String,
}

impl CreateFileSystem {
    /// In this region, for example `us-west-1`.
    pub fn region(mut self, name: impl Into<String>) -> Self {
        self.region = name.into();
        self
    }

    async fn create(self) -> Result<FileSystem, Error> {
        check::name("name", &self.name)?;
        check::given("region", &self.region)?;
        let body = types::FileSystemCreate { name: self.name, region: self.region };
        let created = self.lambda.raw().file_system_create().body(body).send().await?;
        Ok(FileSystem::new(&self.lambda, created))
    }
}

into_future!(CreateFileSystem => FileSystem: |this| this.create().await);
