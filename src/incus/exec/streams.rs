//! The connections of a command or a console.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;

use crate::error::{Error, ErrorKind};
use crate::incus::events::subscriptions::{Feed, Heard, Subscription};
use crate::incus::{Incus, types};
use crate::secret::Secret;
use crate::stream::websocket::Socket;

/// Twice what the server itself waits for them.
const DIAL: Duration = Duration::from_secs(10);
/// How often the controls are tried, and the pause between.
const CONTROL_TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(100);
/// What a command waits for events before its streams connect: little of what the server gives it for them.
const MOMENT: Duration = Duration::from_secs(1);
/// After so long a silence the other side is asked whether it is there. The server itself says so every ten seconds.
const QUIET: Duration = Duration::from_secs(30);
/// How long it may take to answer.
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

/// The right to start a command: the server begins to count at the request, so few at a time make it in time.
pub(in crate::incus) struct Turn {
    place: OwnedSemaphorePermit,
    /// If the command had to queue: where so many start, a look at the end of one may come after the server has
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
        // Nobody ever closes it.
        let place = place.map_err(|_| Error::new(ErrorKind::Interrupted, "no command starts any more"))?;
        Ok(Self { place, feed: Some(feed) })
    }

    /// Listens to a command that has yet to start, if many do.
    pub(super) async fn listen(&self, incus: &Incus, id: &str) -> Option<Subscription<Heard>> {
        let feed = match &self.feed {
            Some(feed) => feed.clone(),
            // Others came after it. They have the feed by now, or will in a moment.
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
    /// The controls first: the server starts the command once the others are there, and one that ends before its
    /// controls connect may keep a 7.0 server waiting for their end without limit. The others all at once: it gives up
    /// after five seconds, which is little for one after the other.
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
            let (stdout, stderr) = (stdout.watched(QUIET, LIMIT), stderr.watched(QUIET, LIMIT));
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
            // Not watched: an answer could wait behind what is being typed. `control` tells for both.
            Ok(Self { both, control })
        })
        .await
    }
}

/// Connects in a task of its own. Without its controls a command can't be killed: dropping the future while it
/// connects must not leave it with half of its streams.
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

/// The controls, with more than one try: nothing runs yet that a second one could do harm to.
async fn control(incus: &Incus, operation: &types::Operation) -> Result<Socket, Error> {
    let mut tries = 1;
    loop {
        match dial(incus, operation, "control").await {
            Ok(control) => return Ok(control.watched(QUIET, LIMIT)),
            Err(e) if tries == CONTROL_TRIES || is_over(&e) => return Err(e),
            Err(_) => tries += 1,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The server knows the secrets, or the operation, only while it has something to do with them.
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
