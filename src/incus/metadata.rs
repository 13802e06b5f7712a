//! What an instance's image says of itself, its templates, and who may do what with the instance.

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::instance::Subject;
use super::reply::open;
use super::{Instance, InstanceRef, checked_name, scoped, types};
use crate::error::Error;
use crate::transfer::{Opened, Pull, Source, range};

impl<D: Subject> Instance<D> {
    /// Reads what the instance's image says of itself: architecture, dates, properties, templates.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// let mut metadata = web.metadata().await?;
    /// metadata.properties.insert("os".into(), "debian".into());
    /// web.set_metadata(metadata).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Vendor's page: <https://linuxcontainers.org/incus/docs/main/reference/image_format/>
    pub async fn metadata(&self) -> Result<types::InstanceMetadata, Error> {
        let name = checked_name("name", self.name())?;
        let call = self.incus.call();
        let request = call.instance_metadata_get().name(name);
        let result = scoped!(request, self.incus.own_project()).send().await;
        open(&call, result).await
    }

    /// Replaces the metadata, all of it. The server doesn't notice if somebody else changed it in between.
    pub async fn set_metadata(&self, metadata: types::InstanceMetadata) -> Result<(), Error> {
        let name = checked_name("name", self.name())?;
        let call = self.incus.call();
        let request = call.instance_metadata_put().name(name).body(metadata);
        let result = scoped!(request, self.incus.own_project()).send().await;
        open(&call, result).await
    }

    /// Sets one of the metadata's properties, and leaves the rest alone.
    pub async fn set_metadata_property(&self, key: &str, value: impl Into<String>) -> Result<(), Error> {
        let name = checked_name("name", self.name())?;
        let change = types::InstanceMetadataPatch {
            architecture: None,
            creation_date: None,
            expiry_date: None,
            properties: Some([(key.to_owned(), value.into())].into()),
            templates: None,
        };
        let call = self.incus.call();
        let request = call.instance_metadata_patch().name(name).body(change);
        let result = scoped!(request, self.incus.own_project()).send().await;
        open(&call, result).await
    }

    /// Names of the templates that files inside the instance are made from.
    pub async fn templates(&self) -> Result<Vec<String>, Error> {
        let name = checked_name("name", self.name())?;
        let call = self.incus.call();
        let request = call.instance_templates_list().name(name);
        let result = scoped!(request, self.incus.own_project()).send().await;
        open(&call, result).await
    }

    /// Pulls a template.
    pub fn template(&self, template: impl Into<String>) -> Pull {
        Pull::new(TemplateSource { instance: self.named(), template: template.into() }, self.incus.retry())
    }

    /// Reads a template into memory.
    pub async fn read_template(&self, template: &str) -> Result<Bytes, Error> {
        self.template(template).bytes().await
    }

    /// Writes a template, replacing what is there. The metadata say which file is made from it, and when.
    pub async fn write_template(&self, template: &str, content: impl Into<Bytes>) -> Result<(), Error> {
        let name = checked_name("name", self.name())?;
        checked_name("template", template)?;
        let call = self.incus.call();
        let request = call.instance_template_put().name(name).path(template);
        let request = request.body(reqwest::Body::from(content.into()));
        let result = scoped!(request, self.incus.own_project()).send().await;
        open(&call, result).await
    }

    /// Deletes a template. [`Error::is_not_found`] where there is none.
    pub async fn delete_template(&self, template: &str) -> Result<(), Error> {
        let name = checked_name("name", self.name())?;
        checked_name("template", template)?;
        let call = self.incus.call();
        let request = call.instance_template_delete().name(name).path(template);
        let result = scoped!(request, self.incus.own_project()).send().await;
        open(&call, result).await
    }

    /// Who may do what with the instance.
    ///
    /// Incus 7.0 lists the trusted certificates as well. Empty on 6.0 without fine-grained authorization, and for an
    /// instance that isn't there.
    pub async fn access(&self) -> Result<Vec<types::AccessEntry>, Error> {
        let name = checked_name("name", self.name())?;
        let call = self.incus.call();
        let request = call.instance_access().name(name);
        let result = scoped!(request, self.incus.own_project()).send().await;
        open(&call, result).await
    }
}

/// A template of an instance.
struct TemplateSource {
    instance: InstanceRef,
    template: String,
}

impl TemplateSource {
    async fn get(&self, from: u64) -> Result<Opened, Error> {
        let incus = &self.instance.incus;
        let name = checked_name("name", self.instance.name())?;
        checked_name("template", &self.template)?;
        let call = incus.call();
        let request = call.instance_template_get().name(name).path(self.template.as_str());
        let request = match range(from) {
            Some(range) => request.range(range),
            None => request,
        };
        let result = scoped!(request, incus.own_project()).send().await;
        let answer = call.done(result).await?;
        Opened::of(call, answer)
    }
}

impl Source for TemplateSource {
    fn api(&self) -> &'static str {
        "incus"
    }

    fn open(&self, from: u64) -> BoxFuture<'_, Result<Opened, Error>> {
        Box::pin(self.get(from))
    }
}
