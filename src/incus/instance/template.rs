//! Templates of an instance: files inside it are made from them.

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::error::Error;
use crate::handle::Identified;
use crate::incus::{Instance, InstanceRef};
use crate::stream::query::Query;
use crate::stream::transfer::{Opened, Pull, Source, ranged};
use crate::transport::{Label, checked};

/// A handle on a template of an instance; from [`Instance::template`] or [`Instance::templates`].
///
/// ```no_run
/// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
/// let hosts = web.template("hosts.tpl");
/// hosts.write("127.0.0.1 localhost {{ container.name }}\n").await?;
/// assert_eq!(web.templates().await?, [hosts]);
/// # Ok(()) }
/// ```
///
/// The API tells nothing of a template but its name and content, so there is no `get`. The instance's
/// [metadata](Instance::get_metadata) say which file is made from it, and when.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Template {
    instance: InstanceRef,
    name: String,
}

impl<D: Identified> Instance<D> {
    /// The instance's templates.
    pub fn templates(&self) -> Query<Template> {
        let instance = self.reference();
        Query::one(async move {
            let names = instance.incus.raw().instance_templates_list().name(instance.name()).send().await?;
            Ok(names.into_iter().map(|name| instance.template(name)).collect())
        })
    }

    /// A handle on a template, without a request.
    pub fn template(&self, name: impl Into<String>) -> Template {
        Template { instance: self.reference(), name: name.into() }
    }
}

impl Template {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The instance that it belongs to.
    pub fn instance(&self) -> &InstanceRef {
        &self.instance
    }

    /// Pulls it in constant memory.
    pub fn pull(&self) -> Pull {
        Pull::new(TemplateSource(self.clone()))
    }

    /// Reads it into memory, 64 MiB at most.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none.
    pub async fn read(&self) -> Result<Bytes, Error> {
        self.pull().bytes().await
    }

    /// Writes it, replacing what is there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such instance.
    pub async fn write(&self, content: impl Into<Bytes>) -> Result<(), Error> {
        let (instance, name) = (&self.instance, checked("template", &self.name)?);
        let request = instance.incus.raw().instance_template_put().name(instance.name()).path(name);
        request.body(content.into()).send().await
    }

    /// Deletes it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none.
    pub async fn delete(&self) -> Result<(), Error> {
        let (instance, name) = (&self.instance, checked("template", &self.name)?);
        instance.incus.raw().instance_template_delete().name(instance.name()).path(name).send().await
    }
}

struct TemplateSource(Template);

impl TemplateSource {
    async fn get(&self, from: u64) -> Result<Opened, Error> {
        let (instance, name) = (&self.0.instance, checked("template", &self.0.name)?);
        let request = instance.incus.raw().instance_template_get().name(instance.name()).path(name);
        let request = ranged(request, from, |request, range| request.range(range));
        Opened::of(request.send().with_head().await?)
    }
}

impl Source for TemplateSource {
    fn label(&self) -> Label {
        self.0.instance.label_part("instance_template_get", &self.0.name)
    }

    fn open(&self, from: u64) -> BoxFuture<'_, Result<Opened, Error>> {
        Box::pin(self.get(from))
    }
}
