//! An instance: what is known of it together with a handle on it.

use super::client::ShakenFist;
use super::types::{self, InstanceState};
use crate::error::{Error, ErrorKind, Sent};
use crate::handle::{Id, Identified, handle, identified};
use crate::transport::{Label, checked};

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
    /// `D` is what is known: [`types::Instance`] by default, or only the UUID or the name ([`InstanceRef`]). Both have
    /// the same verbs. The data show the moment at which they were read.
    ///
    /// Vendor's page: <https://shakenfist.com/developer_guide/api_reference/instances/>
    Instance<types::Instance> of sf: ShakenFist;
    /// A handle on an instance of which only the UUID or the name is known.
    InstanceRef
}

impl ShakenFist {
    /// A handle on an instance, by its UUID or its name. Sends nothing.
    ///
    /// Names are not unique: if several instances have the name, requests fail with
    /// [`InvalidInput`](ErrorKind::InvalidInput). So does the first request with a name that can't be one.
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

    /// The id as a part of a path.
    pub(super) fn segment(&self) -> Result<&str, Error> {
        checked("instance", self.id())
    }

    /// Reads the instance. A deleted one is found by its UUID for about an hour, in the state `deleted`.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if there is none, and those of [every request](crate::ShakenFist#errors).
    pub async fn get(&self) -> Result<Instance, Error> {
        let data = self.sf.raw().instance_get().instance_ref(self.segment()?).send().await?;
        Ok(Instance::new(&self.sf, data))
    }

    /// For errors without an answer.
    pub(super) fn label(&self, operation: &'static str) -> Label {
        self.sf.label(operation, self.id())
    }
}

/// Whether the instance failed: `error`, or `…-error`.
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

/// Whether it is a UUID and not a name.
pub(super) fn is_uuid(reference: &str) -> bool {
    reference.len() == 36 && reference.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}
