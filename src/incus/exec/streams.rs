//! The connections of a command or a console.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;

use crate::error::{Error, ErrorKind, Sent};
use crate::incus::events::Known;
use crate::incus::events::subscriptions::{Feed, Subscription};
use crate::incus::{Incus, types};
use crate::secret::Secret;
use crate::stream::websocket::Socket;

/// Twice the time that the server waits for them.
const DIAL: Duration = Duration::from_secs(10);
/// How often the controls are tried, and the pause between.
const CONTROL_TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(100);
/// How long a command waits for the events connection: a small part of the server's limit for connecting streams.
const MOMENT: Duration = Duration::from_secs(1);
/// After this silence the server is pinged. The server itself pings every ten seconds.
const QUIET: Duration = Duration::from_secs(30);
/// Time limit for the answer to a ping.
const LIMIT: Duration = Duration::from_secs(15);

/// A command without a terminal. Closing `control` kills it.
pub(super) struct Pipes {
    pub(super) stdin: Socket,
    pub(super) stdout: Socket,
    pub(super) stderr: Socket,
    pub(super) control: Socket,
}

/// A terminal, both ways. Closing `control` ends what runs in it.
pub(in crate::incus) struct Terminal {
    pub(in crate::incus) both: Socket,
    pub(in crate::incus) control: Socket,
}

/// The permit to start a command. The server's limit for connecting starts at the request, so only a few start at once.
pub(in crate::incus) struct Turn {
    place: OwnedSemaphorePermit,
    /// Set if the command had to queue: with so many commands, a request for the status may come after the server has
    /// forgotten it.
    feed: Option<Arc<Feed>>,
}

impl Turn {
    /// Waits until it is this command's turn.
    pub(in crate::incus) async fn of(incus: &Incus) -> Result<Self, Error> {
        let places = incus.0.starting.clone();
        if let Ok(place) = places.clone().try_acquire_owned() {
            return Ok(Self { place, feed: None });
        }
        let (place, feed) = tokio::join!(places.acquire_owned(), incus.feed());
        // It is never closed.
        let place = place.map_err(|_| Error::new(ErrorKind::Interrupted, "no command starts any more"))?;
        Ok(Self { place, feed: Some(feed) })
    }

    /// Subscribes to the events of a command before it starts, if many do.
    pub(super) async fn listen(&self, incus: &Incus, id: &str) -> Option<Subscription<Known>> {
        let feed = match &self.feed {
            Some(feed) => feed.clone(),
            // Later commands have subscribed, or are about to.
            None if incus.0.starting.available_permits() == 0 => {
                tokio::time::timeout(MOMENT, incus.feed()).await.ok()?
            }
            None => return None,
        };
        let subscription = feed.operation(id);
        subscription.is_up().then_some(subscription)
    }

    fn end(self) {
        drop(self.place);
    }
}

impl Pipes {
    /// Controls first: the server starts the command once the data streams are connected, and a 7.0 server may wait
    /// forever for the controls of a command that ended before they connected. The data streams then connect at once,
    /// because the server gives up after five seconds.
    pub(super) async fn connect(
        incus: &Incus,
        operation: types::Operation,
        turn: Turn,
    ) -> Result<Self, Error> {
        let incus = incus.clone();
        to_the_end(async move {
            let control = control(&incus, &operation).await?;
            let (stdin, stdout, stderr) = tokio::try_join!(
                dial(&incus, &operation, "0"),
                dial(&incus, &operation, "1"),
                dial(&incus, &operation, "2"),
            )?;
            turn.end();
            let [stdin, stdout, stderr] = [stdin, stdout, stderr].map(|socket| socket.watched(QUIET, LIMIT));
            Ok(Self { stdin, stdout, stderr, control })
        })
        .await
    }
}

impl Terminal {
    pub(in crate::incus) async fn connect(
        incus: &Incus,
        operation: types::Operation,
        turn: Turn,
    ) -> Result<Self, Error> {
        let incus = incus.clone();
        to_the_end(async move {
            // As above.
            let control = control(&incus, &operation).await?;
            let both = dial(&incus, &operation, "0").await?;
            turn.end();
            let both = both.watched(QUIET, LIMIT);
            Ok(Self { both, control })
        })
        .await
    }
}

/// Connects in a separate task: if the future is dropped meanwhile, the command must not be left with half of its
/// streams, because without its controls it can't be killed.
async fn to_the_end<T: Send + 'static>(
    all: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    match tokio::spawn(tokio::time::timeout(DIAL, all)).await {
        Ok(Ok(connected)) => connected,
        Ok(Err(_)) => Err(Error::new(ErrorKind::Timeout, "the streams don't connect")),
        Err(e) => {
            Err(Error::new(ErrorKind::Interrupted, format!("the task that connects the streams ended: {e}")))
        }
    }
}

/// Connects the controls. Tried again if the server refuses for a moment, because the command hasn't started yet; not after
/// a lost answer: the server keeps the first connection, and kills the command because that has ended.
async fn control(incus: &Incus, operation: &types::Operation) -> Result<Socket, Error> {
    let mut tries = 1;
    loop {
        match dial(incus, operation, "control").await {
            Ok(control) => return Ok(control.watched(QUIET, LIMIT)),
            Err(e) if tries == CONTROL_TRIES || is_over(&e) || !is_refused(&e) => return Err(e),
            Err(_) => tries += 1,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// No connection was made.
fn is_refused(e: &Error) -> bool {
    e.sent() == Sent::No || e.status().is_some_and(|status| status >= 400)
}

/// The server knows the secrets, or the operation, only while it needs them.
fn is_over(e: &Error) -> bool {
    match e.kind() {
        ErrorKind::PermissionDenied | ErrorKind::NotFound => true,
        _ => e.status() == Some(500) && e.message().contains("Only running operations"),
    }
}

async fn dial(incus: &Incus, operation: &types::Operation, name: &str) -> Result<Socket, Error> {
    let fds = operation.metadata.as_ref().and_then(|metadata| metadata.get("fds"));
    let secret = fds.and_then(|fds| fds.get(name)).and_then(Value::as_str);
    let secret = secret
        .ok_or_else(|| Error::new(ErrorKind::BadReply, format!("the operation has no stream {name}")))?;
    // Four of these at once would make every caller's future large.
    Box::pin(connect(incus, &operation.id, secret.into())).await
}

async fn connect(incus: &Incus, id: &str, secret: Secret) -> Result<Socket, Error> {
    let connection = incus.raw().operation_websocket().id(id).secret(secret).send().await?;
    Ok(Socket::open(connection).await)
}
