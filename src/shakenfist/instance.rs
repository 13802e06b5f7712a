//! An instance: what is known of it together with a handle on it.

use super::{InstanceState, ShakenFist, types};
use crate::error::{Error, ErrorKind, Sent};
use crate::handle::{handle, identified};
use crate::transport::{Label, checked};
use crate::{Id, Identified};

identified! { types::Instance: uuid; }

handle! {
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
    /// `D` says how much is known: [`types::Instance`] by default, or only the UUID or the name ([`InstanceRef`]). Both
    /// have the same verbs. The data show the moment at which they were read.
    ///
    /// Vendor's page: <https://shakenfist.com/developer_guide/api_reference/instances/>
    Instance<types::Instance> of sf: ShakenFist;
    /// A handle on an instance of which only the UUID or the name is known.
    InstanceRef
}

impl ShakenFist {
    /// A handle on an instance by its UUID or its name, without asking the server.
    ///
    /// Names are not unique: where several instances have it, calls fail with [`ErrorKind::InvalidInput`]. What can't be a
    /// reference is an error of the first call, before anything is sent.
    pub fn instance(&self, reference: impl Into<String>) -> InstanceRef {
        Instance::new(self, Id::new(reference))
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

impl<D: Identified> Instance<D> {
    /// The UUID, or the name if that is all that is known.
    pub fn id(&self) -> &str {
        self.identity()
    }

    pub(super) fn segment(&self) -> Result<&str, Error> {
        checked("instance", self.id())
    }

    /// Reads the instance. [`Error::is_not_found`] where there is none.
    ///
    /// By UUID a deleted one is found for about an hour, in the state `deleted`.
    pub async fn get(&self) -> Result<Instance, Error> {
        let data = self.sf.raw().instance_get().instance_ref(self.segment()?).send().await?;
        Ok(Instance::new(&self.sf, data))
    }

    /// For errors that no answer is behind.
    pub(super) fn label(&self, operation: &'static str) -> Label {
        self.sf.label(operation, self.id())
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

/// Whether it is a UUID, and no name.
pub(super) fn is_uuid(reference: &str) -> bool {
    reference.len() == 36 && reference.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}
