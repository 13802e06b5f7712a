//! The keys that instances are launched with.

use super::client::LambdaCloud;
use super::{check, listed, types};
use crate::Id;
use crate::error::Error;
use crate::handle::{Identified, handle, identified};
use crate::stream::query::Query;
use crate::wait::into_future;

identified! { types::SshKey: id; }

handle! {
    /// An SSH key of the account: typed data together with a cheap handle.
    SshKey<types::SshKey> of lambda: LambdaCloud;
    /// A handle on an SSH key of which only the id is known.
    SshKeyRef
}

impl LambdaCloud {
    /// A handle on an SSH key, by its id. Sends nothing.
    pub fn ssh_key(&self, id: impl Into<String>) -> SshKeyRef {
        SshKey::new(self, Id::new(id))
    }

    /// The SSH keys of the account.
    pub fn ssh_keys(&self) -> Query<SshKey> {
        let lambda = self.clone();
        Query::one(async move {
            let keys = lambda.raw().ssh_keys_list().send().await?;
            Ok(keys.into_iter().map(|key| SshKey::new(&lambda, key)).collect())
        })
    }

    /// Adds an SSH key to the account.
    ///
    /// ```no_run
    /// # async fn demo(lambda: windlass::LambdaCloud) -> windlass::Result<()> {
    /// let key = lambda.add_ssh_key("laptop").public_key("ssh-ed25519 AAAA… me@laptop").await?;
    /// let pair = lambda.add_ssh_key("robot").generate().await?;
    /// let private = &pair.private_key; // shown only this once
    /// # let _ = (key, private); Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the name is taken, or if a key is neither given nor to be
    /// generated, and those of [every request](LambdaCloud#errors).
    #[doc(alias = "generate_ssh_key")]
    pub fn add_ssh_key(&self, name: impl Into<String>) -> AddSshKey {
        AddSshKey { lambda: self.clone(), name: name.into(), key: None }
    }
}

impl<D: Identified> SshKey<D> {
    /// The id.
    pub fn id(&self) -> &str {
        self.data.identity()
    }

    /// Reads the key. The API can't be asked for one key: this looks in the list of all.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if it isn't in the list, and those of
    /// [every request](LambdaCloud#errors).
    pub async fn get(&self) -> Result<SshKey, Error> {
        let all = self.lambda.ssh_keys();
        listed::find(&self.lambda, "ssh_keys_list", all, self.id(), |key, id| key.id() == id).await
    }

    /// Deletes the key. Instances that have it keep it.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such key, and those of
    /// [every request](LambdaCloud#errors).
    pub async fn delete(&self) -> Result<(), Error> {
        self.lambda.raw().ssh_key_delete().id(self.id()).send().await.map(drop)
    }
}

/// Adds an SSH key; from [`LambdaCloud::add_ssh_key`]. `.await` it for the key.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await`"]
pub struct AddSshKey {
    lambda: LambdaCloud,
    name: String,
    key: Option<NewKey>,
}

#[derive(Debug, Clone)]
enum NewKey {
    Public(String),
    Generated,
}

impl AddSshKey {
    /// With this public key, for example `ssh-ed25519 AAAA… me@laptop`.
    pub fn public_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(NewKey::Public(key.into()));
        self
    }

    /// The service makes a pair of keys. The private key comes with the answer, and never again.
    pub fn generate(mut self) -> Self {
        self.key = Some(NewKey::Generated);
        self
    }

    async fn add(self) -> Result<SshKey, Error> {
        check::name("name", &self.name)?;
        let public_key = match self.key {
            Some(NewKey::Public(key)) => Some(checked_public(key)?),
            Some(NewKey::Generated) => None,
            None => {
                return Err(Error::invalid("public_key", "is missing: give one, or have a pair generated"));
            }
        };
        let body = types::SshKeyAdd { name: self.name, public_key };
        let key = self.lambda.raw().ssh_key_add().body(body).send().await?;
        Ok(SshKey::new(&self.lambda, key))
    }
}

into_future!(AddSshKey => SshKey: |this| this.add().await);

fn checked_public(key: String) -> Result<String, Error> {
    if key.trim().is_empty() {
        return Err(Error::invalid("public_key", "is empty"));
    }
    if key.contains("PRIVATE KEY") {
        return Err(Error::invalid("public_key", "is a private key, which must stay with its owner"));
    }
    Ok(key)
}
