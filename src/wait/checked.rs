//! Work that is used only after a check.

use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::ticket::Ticket;
use crate::wait::{BoxFuture, Look, Work};

/// Checks that the work is the expected one. Fails with [`ErrorKind::InvalidInput`] if it isn't.
pub(crate) type Check = Box<dyn Fn() -> BoxFuture<'static, Result<(), Error>> + Send>;

/// Work with a check, which runs before anything else.
pub(crate) struct Checked<T> {
    check: Option<Check>,
    work: Box<dyn Work<Output = T>>,
}

impl<T> Checked<T> {
    pub(crate) fn new(work: Box<dyn Work<Output = T>>, check: Check) -> Self {
        Self { check: Some(check), work }
    }

    async fn pass(&mut self) -> Result<(), Error> {
        if let Some(check) = &self.check {
            let checking = check();
            checking.await?;
            self.check = None;
        }
        Ok(())
    }
}

impl<T: Send> Work for Checked<T> {
    type Output = T;

    fn ticket(&self) -> Ticket {
        self.work.ticket()
    }

    fn server(&self) -> &str {
        self.work.server()
    }

    fn watch_closely(&mut self) {
        self.work.watch_closely();
    }

    fn silence(&self) -> Duration {
        self.work.silence()
    }

    fn look(&mut self, patience: Duration) -> BoxFuture<'_, Result<Look, Error>> {
        Box::pin(async move {
            match self.pass().await {
                Ok(()) => self.work.look(patience).await,
                Err(e) if e.kind() == ErrorKind::InvalidInput => Ok(Look::Failed(e)),
                Err(e) => Err(e),
            }
        })
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<T, Error>> {
        self.work.finish()
    }

    fn reconcile(&mut self) -> BoxFuture<'_, Result<Option<T>, Error>> {
        self.work.reconcile()
    }

    fn cancel(&mut self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async {
            self.pass().await?;
            self.work.cancel().await
        })
    }
}
