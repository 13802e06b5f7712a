//! Changing an instance's configuration.

use std::collections::BTreeMap;

use crate::error::{Error, ErrorKind};
use crate::handle::Identified;
use crate::incus::launch::devices::device;
use crate::incus::launch::sizes;
use crate::incus::operation::completion::Plain;
use crate::incus::operation::work::IncusWork;
use crate::incus::{Instance, InstanceRef, types};
use crate::transport::checked;
use crate::wait::{Action, Operation, into_future};

/// How often an update starts over because another client was faster.
const TRIES: u32 = 5;

impl<D: Identified> Instance<D> {
    /// Reads the configuration, changes it and writes it back, unless another client changed it in between: then
    /// it starts over with the new one, a few times.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// web.update(|config| {
    ///     config.description = "the shop".into();
    ///     config.config.insert("limits.cpu".into(), "4".into());
    ///     config.profiles.retain(|profile| profile != "slow");
    /// })
    /// .await?;
    /// # Ok(()) }
    /// ```
    ///
    /// The server's ETag, by which a change in between is noticed, doesn't cover the description: one that another
    /// client sets at that moment is lost.
    ///
    /// `change` can run more than once. It always sees the newest configuration, never that of this value.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::PreconditionFailed`] if others were faster every time, [`ErrorKind::NotFound`] if there is no such
    /// instance.
    pub fn update(&self, change: impl FnMut(&mut types::InstanceUpdate) + Send + 'static) -> Action<()> {
        let instance = self.reference();
        Action::new(instance.label("instance_put").watch(update(instance, change)))
    }

    /// Sets a few things and leaves the rest alone.
    ///
    /// Servers before 6.0.6, and from 6.1 to 6.16, would empty the description: for these it is read first and sent
    /// along. One that another client sets at that moment is lost.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// web.patch().config("user.role", "shop").remove_config("user.old").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is no such instance, [`ErrorKind::InvalidInput`] for impossible sizes.
    pub fn patch(&self) -> PatchInstance {
        PatchInstance { instance: self.reference(), change: types::InstancePatch::default() }
    }
}

/// A change of a few things; from [`Instance::patch`]. `.await` it: it is done when answered.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await`"]
pub struct PatchInstance {
    instance: InstanceRef,
    change: types::InstancePatch,
}

impl PatchInstance {
    /// Sets a configuration key.
    ///
    /// Vendor's list: <https://linuxcontainers.org/incus/docs/main/reference/instance_options/>
    pub fn config(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.change.config.get_or_insert_default().insert(key.into(), value.into());
        self
    }

    /// Removes a configuration key.
    pub fn remove_config(self, key: impl Into<String>) -> Self {
        // The server takes an empty value for that.
        self.config(key, "")
    }

    /// Sets the description.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.change.description = Some(text.into());
        self
    }

    /// Adds or replaces a device.
    ///
    /// Vendor's list: <https://linuxcontainers.org/incus/docs/main/reference/devices/>
    pub fn device<K: Into<String>, V: Into<String>>(
        mut self,
        name: impl Into<String>,
        options: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.change.devices.get_or_insert_default().insert(name.into(), device(options));
        self
    }

    /// Sets the profiles, all of them.
    pub fn profiles<P: Into<String>>(mut self, profiles: impl IntoIterator<Item = P>) -> Self {
        self.change.profiles = Some(profiles.into_iter().map(Into::into).collect());
        self
    }

    async fn send(self) -> Result<(), Error> {
        let Self { instance, mut change } = self;
        checked("name", instance.name())?;
        sizes::check(change.config.as_ref().unwrap_or(&BTreeMap::new()), change.devices.iter().flatten())?;
        if change.description.is_none() && !instance.incus.patches_well().await? {
            change.description = Some(instance.get().await?.into_data().description);
        }
        instance.incus.raw().instance_patch().name(instance.name()).body(change).send().await
    }
}

into_future!(PatchInstance => (): |it| it.instance.label("instance_patch").watch(it.send()).await);

async fn update(
    instance: InstanceRef,
    mut change: impl FnMut(&mut types::InstanceUpdate),
) -> Result<Operation<()>, Error> {
    let mut tries = 1;
    loop {
        let (now, etag) = instance.get_with_etag().await?;
        // Without it, a concurrent change would be overwritten.
        let etag =
            etag.ok_or_else(|| Error::new(ErrorKind::BadReply, "the server gave the instance no ETag"))?;
        let mut wanted = current(now.into_data());
        change(&mut wanted);
        match put(&instance, wanted, etag).await {
            Err(e) if e.kind() == ErrorKind::PreconditionFailed && tries < TRIES => tries += 1,
            other => return other,
        }
    }
}

fn current(instance: types::Instance) -> types::InstanceUpdate {
    types::InstanceUpdate {
        architecture: instance.architecture,
        config: instance.config,
        description: instance.description,
        devices: instance.devices,
        ephemeral: instance.ephemeral,
        profiles: instance.profiles,
        restore: None,
        stateful: instance.stateful,
    }
}

async fn put(
    instance: &InstanceRef,
    wanted: types::InstanceUpdate,
    etag: String,
) -> Result<Operation<()>, Error> {
    let incus = &instance.incus;
    let request = incus.raw().instance_put().name(instance.name()).if_match(etag).body(wanted);
    Ok(IncusWork::accepted(incus, request.send().await?, Plain))
}
