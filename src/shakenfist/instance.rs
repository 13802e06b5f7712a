//! An instance: what is known of it together with a handle on it.

use std::ops::Deref;

use super::{InstanceState, ShakenFist, types};
use crate::error::{Error, ErrorKind, Sent};
use crate::transport::{Label, checked};

/// An instance: typed data together with a cheap handle.
///
/// The data are fields, reached directly; the verbs are methods:
///
/// ```no_run
/// # async fn demo(sf: windlass::shakenfist::ShakenFist) -> windlass::Result<()> {
/// let web = sf.instance("web").get().await?;
/// println!("{} is {} on {:?}", web.name, web.state, web.node);
/// web.power_off().await?;
/// # Ok(()) }
/// ```
///
/// `D` says how much is known: [`types::Instance`] by default, or only a [`Named`] thing. Both have the same verbs. The
/// data are a picture of the moment at which they were read.
///
/// Vendor's page: <https://shakenfist.com/developer_guide/api_reference/instances/>
#[derive(Debug, Clone)]
pub struct Instance<D = types::Instance> {
    pub(super) sf: ShakenFist,
    data: D,
}

/// A handle on an instance of which only the UUID or the name is known.
pub type InstanceRef = Instance<Named>;

/// Only the UUID or the name is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Named(String);

/// What an instance can be known by.
pub trait Subject: sealed::Sealed {
    /// What the server is asked for: the UUID where it is known.
    fn reference(&self) -> &str;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Named {}
    impl Sealed for super::types::Instance {}
}

impl Subject for Named {
    fn reference(&self) -> &str {
        &self.0
    }
}

impl Subject for types::Instance {
    fn reference(&self) -> &str {
        &self.uuid
    }
}

impl<D> Deref for Instance<D> {
    type Target = D;

    fn deref(&self) -> &D {
        &self.data
    }
}

impl<D> Instance<D> {
    pub(super) fn new(sf: &ShakenFist, data: D) -> Self {
        Self { sf: sf.clone(), data }
    }

    /// The data alone.
    pub fn into_data(self) -> D {
        self.data
    }
}

impl ShakenFist {
    /// A handle on an instance by its UUID or its name, without asking the server.
    ///
    /// Names are not unique: where several instances have it, calls fail with [`ErrorKind::InvalidInput`]. What can't be a
    /// reference is an error of the first call, before anything is sent.
    pub fn instance(&self, reference: impl Into<String>) -> InstanceRef {
        Instance::new(self, Named(reference.into()))
    }
}

impl Instance {
    /// Whether the agent in the guest takes orders.
    pub fn is_agent_ready(&self) -> bool {
        is_agent_ready(self)
    }
}

/// `ready` and `ready (degraded)`.
pub(super) fn is_agent_ready(instance: &types::Instance) -> bool {
    instance.agent_state.as_deref().is_some_and(|state| state.starts_with("ready"))
}

impl<D: Subject> Instance<D> {
    /// The UUID, or the name where that is all that is known.
    pub fn reference(&self) -> &str {
        self.data.reference()
    }

    pub(super) fn segment(&self) -> Result<&str, Error> {
        checked("instance", self.reference())
    }

    /// Reads the instance. [`Error::is_not_found`] where there is none.
    ///
    /// By UUID a deleted one is found for about an hour, in the state `deleted`.
    pub async fn get(&self) -> Result<Instance, Error> {
        let data = self.sf.raw().instance_get().instance_ref(self.segment()?).send().await?;
        Ok(Instance::new(&self.sf, data))
    }

    /// A handle that owns nothing but the reference.
    /// For errors that no answer is behind.
    pub(super) fn label(&self, operation: &'static str) -> Label {
        self.sf.label(operation, self.reference())
    }

    pub(super) fn named(&self) -> InstanceRef {
        self.sf.instance(self.reference())
    }
}

/// Whether a state is the way down: `…-error`, `error`, `delete-wait`, `deleted`.
pub(super) fn is_failed(state: &InstanceState) -> bool {
    let word = state.as_str();
    word == "error" || word.ends_with("-error")
}

/// Why an instance failed, in the server's words.
pub(super) fn failure(instance: &types::Instance) -> Error {
    let said = instance.error_message.as_deref().filter(|said| !said.is_empty());
    let message = match said {
        Some(said) => format!("{} is in the state {}: {said}", instance.uuid, instance.state),
        None => format!("{} is in the state {}; the server doesn't say why", instance.uuid, instance.state),
    };
    Error::new(ErrorKind::OperationFailed, message).with(|e| {
        e.sent = Sent::Yes;
        e.code = Some(instance.state.to_string());
    })
}
