//! Commands without streams: they run on the server and go on when this program ends.

use bytes::Bytes;
use serde_json::Value;

use super::status::{Exited, exit_status, in_words, no_such_command};
use super::streams::Turn;
use super::{Exec, start};
use crate::error::{Error, ErrorKind};
use crate::incus::operation;
use crate::incus::operation::completion::Completion;
use crate::incus::operation::failure;
use crate::incus::operation::work::IncusWork;
use crate::incus::{Incus, InstanceRef, types};
use crate::stream::process::{Collected, ExitStatus, Output, Piece};
use crate::stream::transfer::{Opened, Pull, Source, ranged};
use crate::ticket::Ticket;
use crate::transport::Call;
use crate::transport::Label;
use crate::wait::{Action, BoxFuture, Operation};

impl Exec {
    /// Runs it without any streams; what it writes is lost.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// let upgrade = web.exec(["apk", "upgrade"]).discard_output().send().await?;
    /// let ticket = upgrade.ticket().to_string();      // any process can wait for it
    /// upgrade.await?.success()?;
    /// # Ok(()) }
    /// ```
    ///
    /// The command needs no connection and goes on when this program ends; dropping the operation doesn't kill it. An
    /// exit status other than 0 is not an error here: see [`ExitStatus::success`]. The server forgets the status five
    /// seconds after the end: a wait that is resumed later ends with [`WaitEnd::Gone`](crate::WaitEnd::Gone).
    ///
    /// Statuses 127 and 126 are errors here, as the server tells the same of a command that couldn't be run; the
    /// error's [`code`](crate::Error::code) is the status.
    ///
    /// Input or a terminal is an error of [`ErrorKind::InvalidInput`].
    ///
    /// # Errors
    ///
    /// Those of [`output`](Self::output), and [`ErrorKind::InvalidInput`] with input or a terminal.
    pub fn discard_output(self) -> Action<ExitStatus> {
        Action::new(async move {
            self.check_unattended()?;
            accepted(&self.instance, self.exec, Exited).await
        })
    }

    /// Runs it without any streams and lets the server keep what it writes in files, which are read and deleted at its
    /// end.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::incus::Instance) -> windlass::Result<()> {
    /// let list = web.exec(["ls", "/etc"]).record_output().await?.success()?;
    /// println!("{}", list.stdout_text());
    /// # Ok(()) }
    /// ```
    ///
    /// Statuses 127 and 126 are told as with [`output`](Self::output). The files are deleted however the command ended.
    ///
    /// As with [`discard_output`](Self::discard_output) the command goes on when this program ends. Unless something
    /// waits for its end, the files stay on the server. Virtual machines can't record: use [`output`](Self::output)
    /// there.
    ///
    /// More output than [`max_output`](Self::max_output) is an error of [`ErrorKind::LimitExceeded`] that has what came
    /// before. The files are deleted then, too. A wait that is resumed has the client's limit.
    ///
    /// # Errors
    ///
    /// Those of [`output`](Self::output), and [`ErrorKind::InvalidInput`] with input or a terminal.
    pub fn record_output(self) -> Action<Output> {
        Action::new(self.label().watch(async move {
            self.check_unattended()?;
            let Self { instance, mut exec, max_output, .. } = self;
            exec.record_output = true;
            let recorded = Recorded { instance: instance.name().to_owned(), max_output };
            accepted(&instance, exec, recorded).await
        }))
    }

    fn check_unattended(&self) -> Result<(), Error> {
        self.check()?;
        if self.stdin.is_some() {
            return Err(Error::invalid("stdin", "a command without streams reads nothing"));
        }
        if self.exec.interactive {
            return Err(Error::invalid("terminal", "a command without streams has none"));
        }
        Ok(())
    }
}

/// Starts it, in turn with the others.
async fn accepted<E: Completion>(
    instance: &InstanceRef,
    exec: Box<types::InstanceExec>,
    ending: E,
) -> Result<Operation<E::Output>, Error> {
    let incus = &instance.incus;
    let turn = Turn::of(incus).await?;
    let started = start(instance, *exec).await.map_err(no_such_command)?;
    if let Some(heard) = turn.listen(incus, &started.id).await
        // It may have ended before the subscription: look once, without queueing.
        && let Ok(now) = operation::get(incus, &started.id).await
    {
        heard.tell(now);
        return Ok(IncusWork::heard(incus, &started.id, heard, ending));
    }
    Ok(IncusWork::accepted(incus, started, ending))
}

/// An operation whose result is the recorded output.
pub(super) struct Recorded {
    instance: String,
    max_output: u64,
}

impl Recorded {
    const KIND: &str = "exec-output";

    pub(super) fn of(incus: &Incus, ticket: &Ticket) -> Option<Self> {
        let max_output = incus.raw().handle.limits().output;
        (ticket.kind == Self::KIND)
            .then(|| Some(Self { instance: ticket.fact("name")?.to_owned(), max_output }))?
    }

    async fn read(&self, incus: &Incus, operation: &types::Operation) -> Result<Output, Error> {
        let status = exit_status(operation)?;
        let (out, err) = (file(operation, "1")?, file(operation, "2")?);
        let collected = Collected::up_to(self.max_output);
        let out = self.collect(incus, &out, Piece::Stdout, &collected);
        let err = self.collect(incus, &err, Piece::Stderr, &collected);
        match tokio::try_join!(out, err) {
            Ok(_) => {
                self.clear_away(incus, operation).await;
                Ok(collected.end(status))
            }
            Err(e) => {
                // The limit would be hit again; after other failures another try may succeed.
                if e.kind() == ErrorKind::LimitExceeded {
                    self.clear_away(incus, operation).await;
                }
                Err(collected.fail(e))
            }
        }
    }

    /// Whether the command has written anything; true if a file can't be read.
    async fn wrote(&self, incus: &Incus, operation: &types::Operation) -> bool {
        for stream in ["1", "2"] {
            let Ok(file) = file(operation, stream) else { continue };
            if self.pull(incus, &file).max_size(0).bytes().await.is_err() {
                return true;
            }
        }
        false
    }

    /// Deletes the files. A failure here doesn't replace the command's result.
    async fn clear_away(&self, incus: &Incus, operation: &types::Operation) {
        for (stream, name) in [("1", "stdout"), ("2", "stderr")] {
            // Their names if the operation failed before it listed them.
            let file = file(operation, stream).unwrap_or_else(|_| format!("exec_{}.{name}", operation.id));
            match self.delete(incus, &file).await {
                Err(e) if !e.is_not_found() => {
                    tracing::warn!(error = %e, file, "recorded output stays on the server");
                }
                _ => {}
            }
        }
    }

    async fn collect(
        &self,
        incus: &Incus,
        file: &str,
        kind: fn(Bytes) -> Piece,
        collected: &Collected,
    ) -> Result<(), Error> {
        let mut pieces = self.pull(incus, file).stream().await?;
        while let Some(piece) = pieces.try_next().await? {
            collected.add(&kind(piece))?;
        }
        Ok(())
    }

    fn pull(&self, incus: &Incus, file: &str) -> Pull {
        let (instance, file) = (incus.instance(&self.instance), file.to_owned());
        Pull::new(OutputSource { instance, file })
    }

    fn delete(&self, incus: &Incus, file: &str) -> Call<()> {
        incus.raw().instance_exec_output_delete().name(&self.instance).file(file).send()
    }
}

/// The name of a recorded file, from its URL in the operation.
fn file(operation: &types::Operation, stream: &str) -> Result<String, Error> {
    let files = operation.metadata.as_ref().and_then(|metadata| metadata.get("output"));
    let url = files.and_then(|files| files.get(stream)).and_then(Value::as_str);
    let name = url.and_then(|url| url.split('?').next()?.rsplit('/').next());
    match name {
        Some(name) => Ok(name.to_owned()),
        None => Err(Error::new(ErrorKind::BadReply, "the operation doesn't tell where the output is")),
    }
}

impl Completion for Recorded {
    type Output = Output;

    fn ticket(&self, id: &str) -> Ticket {
        Ticket::new("incus", Self::KIND, id).with("name", &self.instance)
    }

    fn finish<'a>(
        &'a self,
        incus: &'a Incus,
        operation: &'a types::Operation,
    ) -> BoxFuture<'a, Result<Output, Error>> {
        Box::pin(self.read(incus, operation))
    }

    fn reconcile<'a>(&'a self, _: &'a Incus) -> BoxFuture<'a, Result<Option<Output>, Error>> {
        Box::pin(async { Ok(None) })
    }

    fn judge<'a>(
        &'a self,
        incus: &'a Incus,
        operation: &'a types::Operation,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async {
            let failure = failure(operation);
            // It has written something, so it ran: the message means its exit status.
            if in_words(&failure).is_some() && self.wrote(incus, operation).await {
                return Ok(());
            }
            self.clear_away(incus, operation).await;
            Err(no_such_command(failure))
        })
    }

    fn confirm<'a>(&'a self, _: &'a Incus, e: Error) -> BoxFuture<'a, Error> {
        Box::pin(async { no_such_command(e) })
    }
}

/// A file with recorded output.
struct OutputSource {
    instance: InstanceRef,
    file: String,
}

impl OutputSource {
    async fn get(&self, from: u64) -> Result<Opened, Error> {
        let Self { instance, file } = self;
        let request = instance.incus.raw().instance_exec_output_get().name(instance.name()).file(file);
        let request = ranged(request, from, |request, range| request.range(range));
        Opened::of(request.send().with_head().await?)
    }
}

impl Source for OutputSource {
    fn label(&self) -> Label {
        self.instance.label_part("instance_exec_output_get", &self.file)
    }

    fn open(&self, from: u64) -> BoxFuture<'_, Result<Opened, Error>> {
        Box::pin(self.get(from))
    }
}

pub(in crate::incus) fn resume_recorded(incus: &Incus, ticket: &Ticket) -> Option<Operation<Output>> {
    let recorded = Recorded::of(incus, ticket)?;
    Some(IncusWork::resumed(incus, ticket.id(), recorded))
}
