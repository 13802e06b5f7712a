//! Running commands in an instance by way of its agent.

use std::time::Duration;

use super::agent::order;
use super::agent_operation::{AgentWork, End, incomplete};
use super::blob::BlobSource;
use super::clock::Deadline;
use super::reply::open;
use super::{Instance, InstanceRef, ShakenFist, Subject, types};
use crate::error::Error;
use crate::process::{ExitStatus, Output};
use crate::ticket::Ticket;
use crate::wait::{BoxFuture, Operation};

/// A command to be run; from [`Instance::exec`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.output().await` or `.send().await`"]
pub struct Exec {
    instance: InstanceRef,
    command: String,
    limit: Duration,
}

impl<D: Subject> Instance<D> {
    /// Runs a command line in the guest's shell.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::shakenfist::Instance) -> windlass::Result<()> {
    /// let done = web.exec("cat /etc/os-release").output().await?.success()?;
    /// print!("{}", done.stdout_text());
    /// # Ok(()) }
    /// ```
    ///
    /// Waits for the agent first. The command has no input, and its output comes when it has ended. One that has been
    /// handed over is never handed over again: where the answer to that is lost, or a gateway's, the instance's events tell
    /// whether it arrived; else the error is of [`Kind::OutcomeUnknown`](crate::Kind::OutcomeUnknown).
    ///
    /// Vendor's page: <https://shakenfist.com/developer_guide/api_reference/instances/#executing-commands-within-an-instance>
    pub fn exec(&self, command_line: impl Into<String>) -> Exec {
        Exec { instance: self.named(), command: command_line.into(), limit: Operation::<Output>::LIMIT }
    }
}

impl Exec {
    /// How long all of it may take, waiting for the agent included; ten minutes if not said. The command goes on when it
    /// is over.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Hands the command over; the operation goes on by itself.
    pub async fn send(self) -> Result<Operation<Output>, Error> {
        self.send_within(Deadline::after(self.limit)).await
    }

    /// Everything at once: exit status, output, errors. Output of any size: what is long is fetched from its blob.
    pub async fn output(self) -> Result<Output, Error> {
        let deadline = Deadline::after(self.limit);
        let operation = self.send_within(deadline).await?;
        Ok(operation.await?)
    }

    async fn send_within(&self, deadline: Deadline) -> Result<Operation<Output>, Error> {
        let (instance, command) = (&self.instance, &self.command);
        if command.trim().is_empty() {
            return Err(Error::invalid("command_line", "is empty"));
        }
        let reference = &instance.segment()?;
        instance.sf.require("instance-execute", "run commands in instances").await?;
        let queued = order(instance, deadline, |id| async move {
            let call = instance.sf.call();
            call.request_id(&id);
            let request = types::AgentExecute { command_line: command.clone() };
            let result = call.agent_execute().instance_ref(reference.clone()).body(request).send().await;
            open(&call, result).await
        });
        let queued = queued.await?;
        Ok(deadline.limits(AgentWork::operation(&instance.sf, queued, Ran)))
    }
}

/// A command has ended.
struct Ran;

impl End for Ran {
    type Output = Output;
    const KIND: &'static str = "exec";

    fn result<'a>(
        &'a mut self,
        sf: &'a ShakenFist,
        done: types::AgentOperation,
    ) -> BoxFuture<'a, Result<Output, Error>> {
        Box::pin(async move {
            let result = done.results.get("0").ok_or_else(|| incomplete("the command's"))?;
            let code = result.return_code.and_then(|code| i32::try_from(code).ok());
            let status = ExitStatus::new(code.ok_or_else(|| incomplete("its exit status"))?);
            let stdout = text(sf, result.stdout.as_deref(), result.stdout_blob.as_deref()).await?;
            let stderr = text(sf, result.stderr.as_deref(), result.stderr_blob.as_deref()).await?;
            Ok(Output { status, stdout, stderr })
        })
    }
}

/// Output of more than 10 KiB is in a blob in place of the text.
async fn text(sf: &ShakenFist, text: Option<&str>, blob: Option<&str>) -> Result<Vec<u8>, Error> {
    match (blob, text) {
        (Some(blob), _) => {
            let all = BlobSource::whole(sf, blob.to_owned()).pull().max_size(u64::MAX).bytes();
            Ok(all.await?.into())
        }
        (None, text) => Ok(text.unwrap_or_default().as_bytes().to_vec()),
    }
}

pub(super) fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<Output>> {
    AgentWork::resume(sf, ticket, Ran)
}
