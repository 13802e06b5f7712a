//! What happens to one request.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::log::Told;
use super::{MOMENT, Shared};
use crate::answer::{Content, Injected};
use crate::api::Api;
use crate::fault::{End, Fault, Part};
use crate::origin::Duplex;
use crate::wire::{self, Message};

/// How the connection goes on.
pub(super) enum Then {
    Next,
    Close,
    Reset,
    /// With bytes in both directions.
    Join(Box<dyn Duplex>),
}

impl From<End> for Then {
    fn from(end: End) -> Self {
        match end {
            End::Reset => Self::Reset,
            End::Close => Self::Close,
        }
    }
}

pub(super) async fn play(
    shared: &Shared,
    number: usize,
    request: &Message,
    fault: &Fault,
    client: &mut TcpStream,
) -> Then {
    match fault {
        Fault::Silent => {
            // Until the client goes away.
            while matches!(client.read(&mut [0; 1_024]).await, Ok(1..)) {}
            return Then::Close;
        }
        Fault::ResetAfterRequest => return Then::Reset,
        Fault::Answered(answer) => return inject(shared, number, request, *answer, client).await,
        Fault::SlowRefusal => {
            let giving = Giving { shared, number, answer: &refusal(shared.api), client };
            return giving.slow(Part::Body).await.map_or(Then::Close, |()| Then::Next);
        }
        _ => {}
    }
    shared.deliver(number);
    let asked = match shared.origin.is_real {
        // It goes on when the client is gone, and what it does counts.
        true => ask(shared, request).await,
        false => tokio::select! {
            asked = ask(shared, request) => asked,
            () = gone(client) => return Then::Close,
        },
    };
    let Some((answer, server)) = asked else { return Then::Reset };
    let giving = Giving { shared, number, answer: &answer, client };
    match fault {
        Fault::Lost(end) => return (*end).into(),
        Fault::Cut(part, end) => return giving.cut(*part, *end).await,
        Fault::Slow(part) => {
            if giving.slow(*part).await.is_none() {
                return Then::Close;
            }
        }
        Fault::Twice => {
            if giving.twice().await.is_none() {
                return Then::Close;
            }
        }
        _ => {
            if giving.whole().await.is_none() {
                return Then::Close;
            }
        }
    }
    if answer.status() == 101 { Then::Join(server) } else { Then::Next }
}

/// The server's own answer.
async fn ask(shared: &Shared, request: &Message) -> Option<(Message, Box<dyn Duplex>)> {
    let _asking = Asking::new(shared);
    let _held = shared.origin.hold();
    let mut server = shared.origin.connect().await.ok()?;
    server.write_all(&request.bytes).await.ok()?;
    let line = request.first_line();
    let answer = wire::answer(&mut server, line.split(' ').next().unwrap_or_default()).await.ok()?;
    Some((answer, server))
}

/// Counts a request that the server hasn't answered.
struct Asking<'a>(&'a Shared);

impl<'a> Asking<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.lock().asking += 1;
        Self(shared)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.lock().asking -= 1;
    }
}

/// Until the client has closed the connection.
async fn gone(client: &TcpStream) {
    while matches!(client.peek(&mut [0]).await, Ok(1..)) {
        tokio::time::sleep(MOMENT).await;
    }
}

/// Gives an answer to the client, somehow.
struct Giving<'a> {
    shared: &'a Shared,
    number: usize,
    answer: &'a Message,
    client: &'a mut TcpStream,
}

impl Giving<'_> {
    async fn whole(mut self) -> Option<()> {
        self.give(self.answer.bytes.len(), 0).await
    }

    async fn twice(mut self) -> Option<()> {
        self.give(self.answer.bytes.len(), 0).await?;
        self.client.write_all(&self.answer.bytes).await.ok()
    }

    async fn cut(mut self, part: Part, end: End) -> Then {
        let (all, head) = (self.answer.bytes.len(), self.answer.head);
        let some = |of: usize| self.shared.lock().random.below(of);
        let length = match part {
            Part::Head => 1 + some(head - 1),
            Part::Body => head + some(all - head),
            Part::LastByte => all - 1,
        };
        let _ = self.give(length, 0).await;
        tokio::time::sleep(MOMENT).await;
        end.into()
    }

    async fn slow(mut self, part: Part) -> Option<()> {
        let (all, head) = (self.answer.bytes.len(), self.answer.head);
        let mut given = if part == Part::Head { 0 } else { head };
        self.give(given, 0).await?;
        while given < all {
            self.give(given + 1, given).await?;
            given += 1;
            if given < all && tokio::time::timeout(Duration::from_secs(1), gone(self.client)).await.is_ok() {
                return None;
            }
        }
        Some(())
    }

    /// The bytes up to `to`.
    async fn give(&mut self, to: usize, from: usize) -> Option<()> {
        let Message { bytes, head } = self.answer;
        self.client.write_all(&bytes[from..to]).await.ok()?;
        let status = self.answer.status();
        let told = match to {
            _ if to < *head => Told::Nothing,
            _ if to < bytes.len() => Told::Head(status),
            _ => Told::Whole(status, self.answer.body().map(<[u8]>::to_vec)),
        };
        self.shared.tell(self.number, told);
        Some(())
    }
}

/// The answer of a server that has no time.
fn refusal(api: Api) -> Message {
    let answer = Injected { status: 503, retry_after: None, body: Content::Own };
    let mut bytes = answer.head(api);
    let head = bytes.len();
    bytes.extend(answer.body.bytes(api, answer.status));
    Message { bytes, head }
}

async fn inject(
    shared: &Shared,
    number: usize,
    request: &Message,
    answer: Injected,
    client: &mut TcpStream,
) -> Then {
    let Injected { status, body, .. } = answer;
    let bare = request.first_line().starts_with("HEAD ");
    let bytes = if bare { Vec::new() } else { body.bytes(shared.api, status) };
    if client.write_all(&answer.head(shared.api)).await.is_err() {
        return Then::Close;
    }
    shared.tell(number, Told::Whole(status, Some(bytes.clone())));
    let times =
        if body == Content::Huge && !bare { body.length(shared.api, status) / bytes.len() } else { 1 };
    for _ in 0..times {
        if client.write_all(&bytes).await.is_err() {
            return Then::Close;
        }
    }
    if body == Content::Huge { Then::Close } else { Then::Next }
}
