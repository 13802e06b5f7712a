//! An instance: what is known of it together with a handle on it.

use super::client::Koyeb;
use super::types;
use crate::Id;
use crate::error::Error;
use crate::handle::{Identified, handle, identified};
use crate::transport::checked;

identified! { types::Instance: id; }

handle! {
    /// An instance: typed data together with a cheap handle.
    ///
    /// The data are fields, reached directly; the verbs are methods:
    ///
    /// ```no_run
    /// # async fn demo(koyeb: windlass::Koyeb) -> windlass::Result<()> {
    /// let web = koyeb.instance("2f1c").get().await?;
    /// println!("{} in {} is {}", web.id, web.region, web.status);
    /// let web = web.until_healthy().await?;
    /// let done = web.exec(["uptime"]).output().await?.success()?;
    /// # Ok(()) }
    /// ```
    ///
    /// Only services start and stop instances, so there are no such verbs here.
    ///
    /// Vendor's page: <https://www.koyeb.com/docs/reference/instances>
    Instance<types::Instance> of koyeb: Koyeb;
    /// A handle on an instance of which only the id is known.
    InstanceRef
}

impl Koyeb {
    /// A handle on an instance, by its id. Sends nothing.
    pub fn instance(&self, id: impl Into<String>) -> InstanceRef {
        Instance::new(self, Id::new(id))
    }
}

impl<D: Identified> Instance<D> {
    /// The id.
    pub fn id(&self) -> &str {
        self.data.identity()
    }

    /// Reads the instance.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is none, and those of [every request](Koyeb#errors).
    pub async fn get(&self) -> Result<Instance, Error> {
        self.get_by(&self.koyeb).await
    }

    /// The same with another way of repeating the request; the result has this handle's own.
    pub(super) async fn get_by(&self, koyeb: &Koyeb) -> Result<Instance, Error> {
        let id = checked("id", self.id())?;
        let came = koyeb.raw().get_instance().id(id).send().await?;
        Ok(Instance::new(&self.koyeb, came))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(json: &str) -> types::Instance {
        serde_json::from_str(json).unwrap_or_else(|e| unreachable!("{e}"))
    }

    #[test]
    fn no_field_is_required() {
        let nothing = instance("{}");
        assert_eq!((nothing.id.as_str(), nothing.status.as_str(), &nothing.service_id), ("", "", &None));
        let nulls = r#"{"id":null,"status":null,"messages":null,"service_id":null,"replica_index":null,"started_at":null}"#;
        assert_eq!(instance(nulls), nothing);
    }

    #[test]
    fn an_id_that_is_empty_is_absent() {
        let odd = instance(r#"{"id":"1","service_id":"","app_id":"a","region":""}"#);
        assert_eq!((odd.service_id, odd.app_id.as_deref(), odd.region.as_str()), (None, Some("a"), ""));
    }

    #[test]
    fn what_is_new_is_kept() {
        let new = instance(r#"{"id":"1","status":"HIBERNATING","warp":9}"#);
        assert_eq!(new.status, types::InstanceStatus::Unknown("HIBERNATING".into()));
        assert_eq!(new.extra.get("warp").and_then(serde_json::Value::as_i64), Some(9));
    }

    #[test]
    fn a_definition_does_not_print() {
        let json = r#"{"id":"1","definition":{"env":[{"key":"PASS","value":"hunter2"}]}}"#;
        let deployment: Option<types::Deployment> = serde_json::from_str(json).ok();
        let shown = format!("{deployment:?}");
        assert!(shown.contains("env") && !shown.contains("hunter2"), "{shown}");
    }
}
