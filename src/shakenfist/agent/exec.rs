//! Running commands in an instance, through its agent.

use std::time::Duration;

use bytes::Bytes;

use super::operation_goal::{OperationEnded, Purpose, incomplete};
use super::order::order;
use crate::error::Error;
use crate::handle::Identified;
use crate::shakenfist::blob::BlobSource;
use crate::shakenfist::client::ShakenFist;
use crate::shakenfist::deadline::Deadline;
use crate::shakenfist::instance::{Instance, InstanceRef};
use crate::shakenfist::types;
use crate::stream::process::{Collected, ExitStatus, Output, Piece};
use crate::ticket::Ticket;
use crate::wait::{BoxFuture, Operation, into_future};

/// A command to be run; from [`Instance::exec`]. Take its [`output`](Self::output), or [`send`](Self::send) it and keep
/// the operation.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.output().await` or `.send().await`"]
pub struct Exec {
    instance: InstanceRef,
    command: String,
    limit: Duration,
    max_output: u64,
}

impl<D: Identified> Instance<D> {
    /// Runs a command line in the guest's shell.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::shakenfist::Instance) -> windlass::Result<()> {
    /// let done = web.exec("cat /etc/os-release").output().await?.success()?;
    /// print!("{}", done.stdout_text());
    /// # Ok(()) }
    /// ```
    ///
    /// Waits for the agent first. The command has no input, and its output comes when it has ended. A command that the
    /// server has accepted is never sent again. If the answer is lost, or comes from a gateway, the instance's events
    /// show whether the command arrived.
    ///
    /// Vendor's page:
    /// <https://shakenfist.com/developer_guide/api_reference/instances/#executing-commands-within-an-instance>
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) if there is no agent,
    /// [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the answer is lost and no event shows the command,
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for an empty command,
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded) for too much output, those of
    /// [every request](crate::ShakenFist#errors), and those of the wait ([`WaitEnd`](crate::WaitEnd)).
    pub fn exec(&self, command_line: impl Into<String>) -> Exec {
        let (instance, command) = (self.reference(), command_line.into());
        let max_output = instance.sf.raw().handle.limits().output;
        Exec { instance, command, limit: Operation::<Output>::LIMIT, max_output }
    }
}

impl Exec {
    /// How long all of it may take, including the wait for the agent (default: ten minutes). After that, the command
    /// keeps running.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// How much output to collect at most, in bytes, standard output and standard error together. The default is
    /// [`Limits::output`](crate::Limits::output), 64 MiB.
    ///
    /// More is an error of [`LimitExceeded`](crate::ErrorKind::LimitExceeded) that has the output up to the limit. A
    /// wait that is resumed has the client's limit.
    pub fn max_output(mut self, bytes: u64) -> Self {
        self.max_output = bytes;
        self
    }

    /// Sends the command. It then runs in the background.
    ///
    /// # Errors
    ///
    /// Those of [`Instance::exec`], without those of the wait.
    pub async fn send(self) -> Result<Operation<Output>, Error> {
        self.send_within(Deadline::after(self.limit)).await
    }

    /// Runs the command, and collects exit status, output and errors. Long output is fetched from its blob, up to
    /// [`max_output`](Self::max_output).
    ///
    /// # Errors
    ///
    /// Those of [`Instance::exec`].
    pub async fn output(self) -> Result<Output, Error> {
        let deadline = Deadline::after(self.limit);
        let operation = self.send_within(deadline).await?;
        Ok(operation.await?)
    }

    async fn send_within(&self, deadline: Deadline) -> Result<Operation<Output>, Error> {
        self.instance.label("agent_execute").watch(self.sent(deadline)).await
    }

    async fn sent(&self, deadline: Deadline) -> Result<Operation<Output>, Error> {
        let (instance, command) = (&self.instance, &self.command);
        if command.trim().is_empty() {
            return Err(Error::invalid("command_line", "is empty"));
        }
        let reference = instance.segment()?;
        instance.sf.require("agent_execute", "instance-execute", "run commands in instances").await?;
        let request = types::AgentExecute::new(command);
        let call = || instance.sf.raw().agent_execute().instance_ref(reference).body(request.clone()).send();
        let queued = order(instance, deadline, call).await?;
        let ran = Ran { max_output: self.max_output };
        Ok(deadline.limits(OperationEnded::operation(&instance.sf, queued, ran)))
    }
}

into_future!(Exec => Output: |exec| exec.output().await);

/// A command has ended.
struct Ran {
    max_output: u64,
}

impl Purpose for Ran {
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
            let collected = Collected::up_to(self.max_output);
            let both = async {
                let (text, blob) = (result.stdout.as_deref(), result.stdout_blob.as_deref());
                collect(sf, text, blob, Piece::Stdout, &collected).await?;
                let (text, blob) = (result.stderr.as_deref(), result.stderr_blob.as_deref());
                collect(sf, text, blob, Piece::Stderr, &collected).await
            };
            match both.await {
                Ok(()) => Ok(collected.end(status)),
                Err(e) => Err(collected.fail(e)),
            }
        })
    }
}

/// Output of more than 10 KiB is in a blob instead of the text.
async fn collect(
    sf: &ShakenFist,
    text: Option<&str>,
    blob: Option<&str>,
    kind: fn(Bytes) -> Piece,
    collected: &Collected,
) -> Result<(), Error> {
    let Some(blob) = blob else {
        return collected.add(&kind(Bytes::copy_from_slice(text.unwrap_or_default().as_bytes())));
    };
    let mut pieces = BlobSource::whole(sf, blob.to_owned()).pull().stream().await?;
    while let Some(piece) = pieces.try_next().await? {
        collected.add(&kind(piece))?;
    }
    Ok(())
}

pub(in crate::shakenfist) fn resume(sf: &ShakenFist, ticket: &Ticket) -> Option<Operation<Output>> {
    OperationEnded::resume(sf, ticket, Ran { max_output: sf.raw().handle.limits().output })
}
