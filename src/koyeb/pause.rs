//! Pausing a service, and resuming it.

use super::parameters::given;
use super::service::{Service, ServiceRef};
use super::service_wait::{pausing, resuming};
use crate::error::Error;
use crate::handle::Identified;
use crate::transport::checked;
use crate::wait::{Action, Operation, into_future};

impl<D: Identified> Service<D> {
    /// Pauses it: its instances stop. It is paused when `.await` returns.
    ///
    /// ```no_run
    /// # async fn demo(koyeb: windlass::Koyeb) -> windlass::Result<()> {
    /// koyeb.service("8a41").pause().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Conflict`](crate::ErrorKind::Conflict) if it is paused already, [`NotFound`](crate::ErrorKind::NotFound) if there
    /// is none, those of [every request](super::Koyeb#errors), and those of the wait ([`WaitEnd`](crate::WaitEnd)).
    pub fn pause(&self) -> Action<()> {
        let service = self.reference();
        Action::new(async move {
            service.koyeb.raw().pause_service().id(checked("id", service.id())?).send().await?;
            Ok(pausing(service))
        })
    }

    /// Resumes it after a pause: a new deployment starts. It is healthy when `.await` returns.
    ///
    /// # Errors
    ///
    /// [`OperationFailed`](crate::ErrorKind::OperationFailed) as soon as the new deployment fails,
    /// [`Conflict`](crate::ErrorKind::Conflict) if it isn't paused, [`NotFound`](crate::ErrorKind::NotFound) if there is
    /// none, those of [every request](super::Koyeb#errors), and those of the wait ([`WaitEnd`](crate::WaitEnd)).
    pub fn resume(&self) -> ResumeService {
        ResumeService { service: self.reference(), skip_build: None, use_cache: None }
    }
}

/// Resumes a service; from [`Service::resume`].
///
/// `.await` it to see it through, or [`send`](Self::send) it and keep the operation.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct ResumeService {
    service: ServiceRef,
    skip_build: Option<bool>,
    use_cache: Option<bool>,
}

impl ResumeService {
    /// Uses the image of the last build that worked.
    pub fn skip_build(mut self) -> Self {
        self.skip_build = Some(true);
        self
    }

    /// Builds with the cache of the last build.
    pub fn use_cache(mut self) -> Self {
        self.use_cache = Some(true);
        self
    }

    /// Sends the request; the service then resumes by itself.
    ///
    /// # Errors
    ///
    /// Those of [`Service::resume`], without those of the wait.
    pub async fn send(self) -> Result<Operation<()>, Error> {
        let Self { service, skip_build, use_cache } = self;
        let id = checked("id", service.id())?;
        // Only a deployment that isn't there yet tells how this ends.
        let before = service.get().await?.latest_deployment_id.clone();
        let request = service.koyeb.raw().resume_service().id(id);
        given!(request; skip_build = skip_build, use_cache = use_cache).send().await?;
        Ok(resuming(service, before.unwrap_or_default()))
    }
}

into_future!(ResumeService => (): send);
