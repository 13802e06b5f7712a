//! Compares what the client said with what the proxy saw.

use std::error::Error as _;
use std::time::Duration;

use windlass::raw::{Reply, RetryClass};
use windlass::{Error, ErrorKind, Sent};

use crate::answer::{Content, Injected, WORDS};
use crate::api::Api;
use crate::call::PATIENCE;
use crate::cell::{Cell, Ending, Seen};
use crate::fault::Fault;
use crate::proxy::{Exchange, Told};
use crate::trace;
use crate::world::{ATTEMPTS, TOTAL};

/// What can be wrong with a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// A request that changes something was sent again after it had arrived.
    Doubled,
    /// The call didn't end within its limits.
    Hung,
    /// What the call claims isn't so.
    Lied,
    /// The status, the words or the body are missing in the error.
    LostStatus,
    /// A connection, a task, a file descriptor or a permit wasn't given back.
    Leaked,
    /// A secret was printed, in an error or a log.
    Printed,
    /// Something is missing in a stream, and nothing tells.
    SilentGap,
    /// A part of a file has the name of the whole, or a temporary file is still there.
    LeftBehind,
}

impl Wrong {
    /// All of them, in the order of the totals.
    pub const ALL: [Self; 8] = [
        Self::Doubled,
        Self::Hung,
        Self::Lied,
        Self::LostStatus,
        Self::Leaked,
        Self::Printed,
        Self::SilentGap,
        Self::LeftBehind,
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Doubled => "doubled",
            Self::Hung => "hung",
            Self::Lied => "lied",
            Self::LostStatus => "lost status",
            Self::Leaked => "leaked",
            Self::Printed => "printed",
            Self::SilentGap => "silent gap",
            Self::LeftBehind => "left behind",
        }
    }
}

/// Everything that is wrong with a cell.
pub fn judge(cell: &Cell, seen: &Seen) -> Vec<(Wrong, String)> {
    let mut judge = Judge { cell, seen, found: Vec::new() };
    judge.doubled();
    judge.hung();
    judge.leaked();
    judge.logged();
    judge.played();
    match &seen.ending {
        Ending::Result(Ok(())) => judge.success(),
        Ending::Result(Err(e)) => {
            judge.sent(e);
            judge.attempts(e);
            judge.repeatable(e);
            judge.denied(e);
            judge.agrees(e);
            judge.status(e);
            judge.printed(e);
        }
        Ending::Dropped | Ending::Never => {}
    }
    judge.found
}

struct Judge<'a> {
    cell: &'a Cell,
    seen: &'a Seen,
    found: Vec<(Wrong, String)>,
}

impl Judge<'_> {
    fn check(&mut self, wrong: Wrong, holds: bool, why: impl FnOnce() -> String) {
        if !holds {
            self.found.push((wrong, why()));
        }
    }

    fn is_safe(&self) -> bool {
        self.cell.subject.endpoint.retry == RetryClass::Safe
    }

    fn last(&self) -> Option<&Exchange> {
        self.seen.exchanges.last()
    }

    fn injected(&self) -> Option<Injected> {
        match self.cell.fault {
            Fault::Answered(answer) => Some(answer),
            _ => None,
        }
    }

    /// Whether a request with this answer may have taken effect.
    fn may_count(&self, exchange: &Exchange) -> bool {
        let refused = |status| self.cell.subject.endpoint.not_processed.contains(&status);
        exchange.arrived && !exchange.told.status().is_some_and(refused)
    }

    /// What is refused on a real server without a fault isn't tried with one.
    fn played(&mut self) {
        let is_tried = self.cell.subject.real.is_none() || self.cell.fault != Fault::None;
        let good = matches!(self.seen.ending, Ending::Result(Ok(())));
        self.check(Wrong::Lied, is_tried || good, || {
            format!("it fails without a fault: {:?}", self.seen.ending)
        });
    }

    fn doubled(&mut self) {
        let counted = self.seen.exchanges.iter().filter(|exchange| self.may_count(exchange)).count();
        let effects = self.seen.effects;
        self.check(Wrong::Doubled, self.is_safe() || (counted <= 1 && effects <= 1), || {
            format!("{counted} requests arrived, {effects} at the server")
        });
    }

    fn hung(&mut self) {
        let took = self.seen.took;
        let endpoint = self.cell.subject.endpoint;
        let refused = self.last().and_then(|last| last.told.status()).is_some_and(|status| status >= 400);
        let more = match endpoint.reply {
            Reply::Stream if !refused => PATIENCE,
            // An upload is limited by silence alone.
            Reply::Json | Reply::Empty if !endpoint.timeout => TOTAL,
            _ => Duration::ZERO,
        };
        let within = TOTAL + more + Duration::from_millis(100);
        let ended = !matches!(self.seen.ending, Ending::Never);
        self.check(Wrong::Hung, ended && took <= within, || {
            format!("it took {took:?} instead of {within:?}")
        });
    }

    fn leaked(&mut self) {
        for leak in &self.seen.leaks {
            self.found.push((Wrong::Leaked, leak.clone()));
        }
        if let Err(why) = &self.seen.next {
            self.found.push((Wrong::Leaked, format!("the next call of the client failed: {why}")));
        }
    }

    fn success(&mut self) {
        let told = self.last().map(|exchange| exchange.told.clone());
        let good = |status: u16| status == 101 || (200..300).contains(&status);
        let whole = match &told {
            Some(Told::Whole(status, _)) => good(*status),
            // What follows is another protocol.
            Some(Told::Head(101)) => self.cell.subject.endpoint.reply == Reply::Upgrade,
            // It may still be coming.
            Some(Told::Head(status)) => {
                good(*status)
                    && self.cell.subject.endpoint.reply == Reply::Stream
                    && matches!(self.cell.fault, Fault::Slow(_))
            }
            _ => false,
        };
        self.check(Wrong::Lied, whole, || format!("success, but the answer was {told:?}"));
        let effects = self.seen.effects;
        let foreign = self.injected().is_some_and(|answer| answer.body == Content::Foreign);
        self.check(Wrong::Lied, foreign || effects >= 1, || "success, but the server got nothing".to_owned());
    }

    fn sent(&mut self, e: &Error) {
        let arrived = self.seen.exchanges.iter().any(|exchange| exchange.arrived);
        let answered = self.seen.exchanges.iter().any(|exchange| exchange.told.status().is_some());
        let last = self.last().and_then(|exchange| exchange.told.status());
        let truth = match e.sent() {
            Sent::No => !arrived,
            Sent::Yes => answered,
            Sent::Unknown => last.is_none(),
        };
        self.check(Wrong::Lied, truth, || {
            format!("sent is {:?}, arrived {arrived}, answered {answered}, at last {last:?}: {e:?}", e.sent())
        });
    }

    fn attempts(&mut self, e: &Error) {
        let (attempts, begun) = (e.attempts() as usize, self.seen.exchanges.len());
        let again = self.cell.subject.endpoint.retry != RetryClass::Never;
        let truth = match &self.cell.fault {
            // What is written to a closed connection isn't seen. A connection that is never made can't be seen.
            fault if fault.needs_idle_connection() => attempts >= begun,
            fault if fault.is_before_connection() && self.cell.once => attempts >= begun,
            // It has no token yet, so nothing was tried.
            Fault::NoAddress if self.cell.subject.api == Api::ShakenFist && attempts == 0 => true,
            fault if fault.is_before_connection() => attempts == if again { ATTEMPTS as usize } else { 1 },
            _ => attempts == begun,
        };
        self.check(Wrong::Lied, truth && attempts <= ATTEMPTS as usize, || {
            format!("{attempts} attempts, {begun} seen: {e:?}")
        });
    }

    fn repeatable(&mut self, e: &Error) {
        let counted = self.seen.exchanges.iter().any(|exchange| self.may_count(exchange));
        let says = e.is_repeatable();
        let may = self.is_safe() || !counted;
        let must = self.is_safe() || (self.cell.fault.is_before_connection() && !self.cell.once);
        self.check(Wrong::Lied, (may || !says) && (says || !must), || {
            format!("is_repeatable is {says}, may be {may}, must be {must}: {e:?}")
        });
    }

    /// An error that denies that anything was done.
    fn denied(&mut self, e: &Error) {
        let denies = e.sent() == Sent::No || (e.is_repeatable() && !self.is_safe());
        let effects = self.seen.effects;
        self.check(Wrong::Lied, !denies || effects == 0, || {
            format!("the server did it {effects} times, but sent is {:?}: {e:?}", e.sent())
        });
    }

    /// Whether the error agrees with the answer.
    fn agrees(&mut self, e: &Error) {
        let told = self.last().map_or(Told::Nothing, |exchange| exchange.told.clone());
        let (kind, injected) = (e.kind(), self.injected().is_some());
        let truth = match &told {
            Told::Nothing => {
                matches!(kind, ErrorKind::Connect | ErrorKind::Interrupted | ErrorKind::Timeout)
            }
            Told::Whole(status, _) if !injected => *status >= 300 && *status != 101,
            Told::Whole(..) | Told::Head(_) => true,
        };
        self.check(Wrong::Lied, truth, || format!("the answer was {told:?}, the error is {e:?}"));
        let asked = self.injected().and_then(|answer| answer.retry_after).map(Duration::from_secs);
        if let (Some(asked), Told::Whole(..)) = (asked, &told) {
            self.check(Wrong::Lied, e.retry_after() == Some(asked) || self.cell.once, || {
                format!("retry_after is {:?}: {e:?}", e.retry_after())
            });
        }
    }

    fn status(&mut self, e: &Error) {
        let Some(told) = self.last().map(|exchange| exchange.told.clone()) else { return };
        let told_status = told.status();
        self.check(Wrong::LostStatus, e.status() == told_status || told_status.is_none(), || {
            format!("the status was {told_status:?}: {e:?}")
        });
        let Told::Whole(_, Some(body)) = told else { return };
        let kept = body.len().min(2_048);
        self.check(Wrong::LostStatus, e.body() == &body[..kept], || {
            format!("the body was {:?}, the excerpt is {:?}", text(&body[..kept]), text(e.body()))
        });
        let words = body.windows(WORDS.len()).any(|window| window == WORDS.as_bytes());
        self.check(Wrong::LostStatus, !words || e.message().contains(WORDS), || {
            format!("the server's words are missing: {e:?}")
        });
    }

    fn printed(&mut self, e: &Error) {
        let text = printed(e);
        let found = trace::secrets_in(&text, &self.seen.secrets);
        self.check(Wrong::Printed, found.is_empty(), || format!("{found:?} is in {text}"));
    }

    fn logged(&mut self) {
        let log = &self.seen.log;
        let found = trace::secrets_in(log, &self.seen.secrets);
        self.check(Wrong::Printed, found.is_empty(), || format!("{found:?} is in the log: {log}"));
    }
}

/// Everything that an error can print.
pub fn printed(e: &Error) -> String {
    let mut text = format!("{e} {e:?} {e:#?}");
    let mut cause = e.source();
    while let Some(inner) = cause {
        text += &format!(" {inner} {inner:?}");
        cause = inner.source();
    }
    text
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned()
}
