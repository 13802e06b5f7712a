//! The keys that instances are launched with.

use super::{LambdaCloud, check, types};
use crate::error::Error;

impl LambdaCloud {
    /// The SSH keys of the account.
    pub async fn ssh_keys(&self) -> Result<Vec<types::SshKey>, Error> {
        self.raw().ssh_keys_list().send().await
    }

    /// Adds an SSH key to the account.
    ///
    /// ```no_run
    /// # async fn demo(lambda: windlass::LambdaCloud) -> windlass::Result<()> {
    /// let key = lambda.add_ssh_key("laptop").public("ssh-ed25519 AAAA… me@laptop").await?;
    /// let pair = lambda.add_ssh_key("robot").generate().await?;
    /// let private = pair.private_key; // shown this once
    /// # let _ = (key, private); Ok(()) }
    /// ```
    ///
    /// A name that is taken is [`Error::is_already_exists`].
    pub fn add_ssh_key(&self, name: impl Into<String>) -> NewSshKey {
        NewSshKey { lambda: self.clone(), name: name.into() }
    }

    /// Deletes an SSH key, by its id. Instances that have it keep it.
    pub async fn delete_ssh_key(&self, id: &str) -> Result<(), Error> {
        self.raw().ssh_key_delete().id(id).send().await.map(drop)
    }
}

/// An SSH key to be added; from [`LambdaCloud::add_ssh_key`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.public(…)` or `.generate()` is awaited"]
pub struct NewSshKey {
    lambda: LambdaCloud,
    name: String,
}

impl NewSshKey {
    /// With this public half.
    pub async fn public(self, key: impl Into<String>) -> Result<types::SshKey, Error> {
        let key = key.into();
        if key.trim().is_empty() {
            return Err(Error::invalid("public_key", "is empty"));
        }
        if key.contains("PRIVATE KEY") {
            return Err(Error::invalid("public_key", "is a private key: that one must not leave its owner"));
        }
        self.add(Some(key)).await
    }

    /// Lets the service make a pair. The private half comes with the answer, and never again.
    pub async fn generate(self) -> Result<types::SshKey, Error> {
        self.add(None).await
    }

    async fn add(self, public_key: Option<String>) -> Result<types::SshKey, Error> {
        check::name("name", &self.name)?;
        let body = types::SshKeyAdd { name: self.name, public_key };
        self.lambda.raw().ssh_key_add().body(body).send().await
    }
}
