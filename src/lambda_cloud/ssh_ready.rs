//! Waiting until an instance answers on its SSH port.

use std::time::Duration;

use tokio::time::Instant;

use super::client::LambdaCloud;
use super::instance::Instance;
use super::types;
use crate::error::{Error, ErrorKind, Sent};
use crate::handle::Identified;
use crate::ticket::Ticket;
use crate::wait::poll::{Goal, Interval, Polled, Seen};
use crate::wait::{BoxFuture, Progress, Until, ssh_banner};

impl<D: Identified> Instance<D> {
    /// Waits until its SSH server answers on port 22: an active instance is usable only some time later.
    ///
    /// ```no_run
    /// # async fn demo(lambda: windlass::LambdaCloud) -> windlass::Result<()> {
    /// let gpu = lambda.launch("gpu_1x_a10").region("us-west-1").ssh_key("laptop").await?;
    /// let gpu = gpu.until_ssh_ready().await?;
    /// println!("{}", gpu.ssh_command().unwrap_or_default());
    /// # Ok(()) }
    /// ```
    ///
    /// It connects from this machine and reads the greeting of the server; it doesn't log in. A firewall between the two
    /// lets the wait run out of time. Its ticket can't be resumed.
    ///
    /// # Errors
    ///
    /// [`OperationFailed`](ErrorKind::OperationFailed) if the instance is terminated, or preempted, and those of every
    /// wait ([`WaitEnd`](crate::WaitEnd)).
    pub fn until_ssh_ready(&self) -> Until<Instance> {
        self.until_ssh_ready_on(22)
    }

    /// The same for another port, for example that of a tunnel.
    ///
    /// # Errors
    ///
    /// Those of [`until_ssh_ready`](Self::until_ssh_ready).
    pub fn until_ssh_ready_on(&self, port: u16) -> Until<Instance> {
        let goal = SshReady { id: self.id().to_owned(), port, since: Instant::now() };
        let interval = Interval::Growing(LONGEST.min(self.lambda.0.interval));
        Until::new(Polled::new(self.lambda.clone(), goal, &interval))
    }
}

/// The longest pause between two looks. Only a look at the list costs a request, and all waits share that.
const LONGEST: Duration = Duration::from_secs(5);

struct SshReady {
    id: String,
    port: u16,
    since: Instant,
}

impl SshReady {
    async fn look_once(&self, lambda: &LambdaCloud) -> Result<Seen<Instance>, Error> {
        let Some(instance) = self.listed(lambda).await? else { return Ok(Seen::Gone) };
        if instance.is_leaving() {
            let message = format!("instance {} is {}", self.id, instance.status);
            let e = Error::new(ErrorKind::OperationFailed, message);
            return Ok(Seen::Failed(e.with(|e| e.sent = Sent::Yes)));
        }
        let Some(address) = instance.address() else { return Ok(Seen::Pending(progress("no address yet"))) };
        match ssh_banner::read(address, self.port).await {
            Ok(banner) => {
                let reached = Instance::new(lambda, instance.clone());
                Ok(Seen::Reached(progress(&banner), reached))
            }
            Err(why) => Ok(Seen::Pending(progress(&why))),
        }
    }

    async fn listed(&self, lambda: &LambdaCloud) -> Result<Option<types::Instance>, Error> {
        let all = lambda.listed(self.since).await?;
        match all.iter().find(|instance| instance.id == self.id) {
            Some(instance) => Ok(Some(instance.clone())),
            // Not listed, which alone proves nothing.
            None => lambda.found(&self.id).await,
        }
    }
}

fn progress(message: &str) -> Progress {
    Progress { status: "ssh".to_owned(), message: message.to_owned(), ..Progress::default() }
}

impl Goal<LambdaCloud> for SshReady {
    type Output = Instance;

    fn ticket(&self) -> Ticket {
        Ticket::new("lambda-cloud", "ssh-ready", &self.id)
    }

    fn look<'a>(
        &'a mut self,
        lambda: &'a LambdaCloud,
        _: bool,
    ) -> BoxFuture<'a, Result<Seen<Instance>, Error>> {
        Box::pin(self.look_once(lambda))
    }
}
