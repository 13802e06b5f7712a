//! What an instance's image says of itself, its templates, and who may do what with the instance.

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::instance::Subject;
use super::{Instance, InstanceRef, types};
use crate::error::Error;
use crate::stream::transfer::{Opened, Pull, Source, ranged};
use crate::transport::{Label, checked};

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
        self.incus.raw().instance_metadata_get().name(self.name()).send().await
    }

    /// Replaces the metadata, all of it. The server doesn't notice if somebody else changed it in between.
    pub async fn set_metadata(&self, metadata: types::InstanceMetadata) -> Result<(), Error> {
        self.incus.raw().instance_metadata_put().name(self.name()).body(metadata).send().await
    }

    /// Sets one of the metadata's properties, and leaves the rest alone.
    pub async fn set_metadata_property(&self, key: &str, value: impl Into<String>) -> Result<(), Error> {
        let change = types::InstanceMetadataPatch {
            properties: Some([(key.to_owned(), value.into())].into()),
            ..Default::default()
        };
        self.incus.raw().instance_metadata_patch().name(self.name()).body(change).send().await
    }

    /// Names of the templates that files inside the instance are made from.
    pub async fn templates(&self) -> Result<Vec<String>, Error> {
        self.incus.raw().instance_templates_list().name(self.name()).send().await
    }

    /// Pulls a template.
    pub fn template(&self, template: impl Into<String>) -> Pull {
        Pull::new(TemplateSource { instance: self.named(), template: template.into() })
    }

    /// Reads a template into memory.
    pub async fn read_template(&self, template: &str) -> Result<Bytes, Error> {
        self.template(template).bytes().await
    }

    /// Writes a template, replacing what is there. The metadata say which file is made from it, and when.
    pub async fn write_template(&self, template: &str, content: impl Into<Bytes>) -> Result<(), Error> {
        let template = checked("template", template)?;
        let request = self.incus.raw().instance_template_put().name(self.name()).path(template);
        request.body(content.into()).send().await
    }

    /// Deletes a template. [`Error::is_not_found`] where there is none.
    pub async fn delete_template(&self, template: &str) -> Result<(), Error> {
        let template = checked("template", template)?;
        self.incus.raw().instance_template_delete().name(self.name()).path(template).send().await
    }

    /// Who may do what with the instance.
    ///
    /// Incus 7.0 lists the trusted certificates as well. Empty on 6.0 without fine-grained authorization, and for an
    /// instance that isn't there.
    pub async fn access(&self) -> Result<Vec<types::AccessEntry>, Error> {
        self.incus.raw().instance_access().name(self.name()).send().await
    }
}

/// A template of an instance.
struct TemplateSource {
    instance: InstanceRef,
    template: String,
}

impl TemplateSource {
    async fn get(&self, from: u64) -> Result<Opened, Error> {
        let (instance, template) = (&self.instance, checked("template", &self.template)?);
        let request = instance.incus.raw().instance_template_get().name(instance.name()).path(template);
        let request = ranged(request, from, |request, range| request.range(range));
        Opened::of(request.send().with_head().await?)
    }
}

impl Source for TemplateSource {
    fn label(&self) -> Label {
        self.instance.label_part("instance_template_get", &self.template)
    }

    fn open(&self, from: u64) -> BoxFuture<'_, Result<Opened, Error>> {
        Box::pin(self.get(from))
    }
}
