//! Live events of the server.

mod event;
mod heard;
mod latest;
mod link;
mod listen;
pub(super) mod subscriptions;

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::{Stream, StreamExt, TryStreamExt, stream};

use crate::error::Error;
use crate::incus::Incus;
use crate::wait::into_future;

#[cfg(fuzzing)]
pub(super) use event::decode;
pub(super) use event::instance_of;
pub use event::{Event, Stamped};
pub(super) use heard::{Heard, Known};
pub(super) use link::{Link, News, Wanted};

/// Which events to listen to; from [`Incus::watch`]. `.await` it for the stream of [`Events`].
#[derive(Debug, Clone)]
#[must_use = "nothing is connected before `.await`"]
pub struct Watch {
    incus: Incus,
    types: Vec<String>,
    all_projects: bool,
}

impl Incus {
    /// Listens to what happens on the server: all of it, unless types are chosen.
    ///
    /// ```no_run
    /// use windlass::incus::{Event, Incus};
    /// # async fn demo(incus: Incus) -> windlass::Result<()> {
    /// let mut events = incus.watch().lifecycle().await?;
    /// while let Some(event) = events.try_next().await? {
    ///     match event {
    ///         Event::Lifecycle(e) => println!("{} {}", e.action, e.name),
    ///         Event::Gap => println!("something may have been missed"),
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// Vendor's page: <https://linuxcontainers.org/incus/docs/main/events/>
    ///
    /// # Errors
    ///
    /// [`ErrorKind::PermissionDenied`](crate::ErrorKind::PermissionDenied) if the server doesn't let this client
    /// listen, [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an unknown type.
    pub fn watch(&self) -> Watch {
        Watch { incus: self.clone(), types: Vec::new(), all_projects: false }
    }
}

impl Watch {
    /// What comes, goes or changes: instances, images, profiles and so on.
    pub fn lifecycle(self) -> Self {
        self.of_type("lifecycle")
    }

    /// Background operations and their progress.
    pub fn operations(self) -> Self {
        self.of_type("operation")
    }

    /// The server's log, down to its smallest entries. Servers tell it only to clients that may see everything.
    pub fn logging(self) -> Self {
        self.of_type("logging")
    }

    /// A type by the server's own word for it. One that the server doesn't know is an error of
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when connecting.
    pub fn of_type(mut self, word: impl Into<String>) -> Self {
        self.types.push(word.into());
        self
    }

    /// Events of every project, not only of this client's.
    pub fn all_projects(mut self) -> Self {
        self.all_projects = true;
        self
    }

    async fn connect(self) -> Result<Events, Error> {
        let wanted = Wanted { types: self.types.join(","), all_projects: self.all_projects };
        let mut link = Link::new(&self.incus, wanted);
        link.connect().await?;
        Ok(Events(Box::pin(events(link))))
    }
}

into_future!(Watch => Events: |watch| watch.connect().await);

/// Events as they happen: a [`Stream`] that goes on for as long as it is read.
///
/// A connection that breaks, or on which not even a ping arrived for 30 seconds, is made again; [`Event::Gap`] tells
/// so. After an error the stream ends: the server refuses the connection, for example because it no longer trusts this
/// client.
///
/// The connection is read only while the stream is: a server drops listeners that lag far behind, and what they missed
/// shows as a gap. Dropping it closes the connection.
#[must_use = "nothing is read from it by itself"]
pub struct Events(Pin<Box<dyn Stream<Item = Result<Event, Error>> + Send>>);

impl Events {
    /// The next event; none after an error. Cancel-safe: none is lost if `tokio::select!` drops it.
    pub async fn next(&mut self) -> Option<Result<Event, Error>> {
        self.0.next().await
    }

    /// The same, for use with `?`.
    ///
    /// # Errors
    ///
    /// The server refuses the connection; the stream has ended then.
    pub async fn try_next(&mut self) -> Result<Option<Event>, Error> {
        self.0.try_next().await
    }
}

impl Stream for Events {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

fn events(link: Link) -> impl Stream<Item = Result<Event, Error>> + Send {
    stream::unfold(Some(link), |link| async move {
        let mut link = link?;
        loop {
            match link.next().await {
                Ok(News::Frame(frame)) => return Some((Ok(event::decode(&frame)), Some(link))),
                #[cfg(windlass_planted)]
                Ok(News::Up) if crate::transport::planted::has("silent-cut") => {}
                Ok(News::Up) => return Some((Ok(Event::Gap), Some(link))),
                Ok(News::Down) => {}
                Err(e) => return Some((Err(e), None)),
            }
        }
    })
}
