//! Faults that a test plants on a route.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;

use super::route::Route;
use super::tasks::lock;

/// What happens to a request.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    Refuse,
    DropBefore,
    DropAfter,
    Truncate(usize),
    CloseSocket,
    Stall(usize),
    Hang,
    HangAfter,
    Pass,
    Reply(u16, Bytes),
    ReplyAfter(u16, Bytes),
    /// Accepted; the work that it starts fails for this reason.
    FailLater(String),
}

/// What a rule does to one request.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    pub(crate) wait: Duration,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) action: Action,
}

impl Default for Verdict {
    fn default() -> Verdict {
        Verdict { wait: Duration::ZERO, headers: Vec::new(), action: Action::Pass }
    }
}

impl Action {
    /// The verb that plants it.
    fn verb(&self) -> &'static str {
        match self {
            Action::Refuse => "refuse",
            Action::DropBefore => "drop_before",
            Action::DropAfter => "drop_after",
            Action::Truncate(_) => "truncate",
            Action::CloseSocket => "close_socket",
            Action::Stall(_) => "stall",
            Action::Hang => "hang",
            Action::HangAfter => "hang_after",
            Action::Pass => "pass",
            Action::Reply(..) => "reply",
            Action::ReplyAfter(..) => "reply_after",
            Action::FailLater(_) => "fail_operation",
        }
    }
}

#[derive(Debug)]
struct Planted {
    id: u64,
    pattern: String,
    route: Route,
    skip: usize,
    left: Option<usize>,
    hits: Arc<AtomicUsize>,
    /// How many requests it must apply to.
    expected: Option<usize>,
    verdict: Verdict,
}

impl Planted {
    /// What is wrong, if it didn't apply as often as it must.
    fn complaint(&self) -> Option<String> {
        let hits = self.hits.load(Ordering::SeqCst);
        let expected = self.expected.filter(|expected| *expected != hits)?;
        let verb = self.verdict.action.verb();
        Some(format!("`{}` {verb}: expected {expected}, applied to {hits}", self.pattern))
    }

    fn take(&mut self) -> Verdict {
        if self.skip > 0 {
            self.skip -= 1;
            return Verdict::default();
        }
        self.left = self.left.map(|left| left - 1);
        self.hits.fetch_add(1, Ordering::SeqCst);
        self.verdict.clone()
    }
}

/// The rules of one server, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Mutex<Vec<Planted>>,
    next: AtomicU64,
}

impl Faults {
    /// Applies the oldest rule for this route that isn't used up.
    pub(crate) fn take(&self, method: &str, path: &str) -> Verdict {
        let mut rules = lock(&self.rules);
        let rule = rules.iter_mut().find(|rule| rule.left != Some(0) && rule.route.matches(method, path));
        rule.map(Planted::take).unwrap_or_default()
    }

    /// Each rule that didn't apply as often as it must.
    pub(crate) fn complaints(&self) -> Vec<String> {
        lock(&self.rules).iter().filter_map(Planted::complaint).collect()
    }

    fn remove(&self, id: u64) {
        lock(&self.rules).retain(|rule| rule.id != id);
    }
}

/// A fault to be planted: first how often and when, last what.
///
/// Nothing happens until a last verb plants it: [`refuse`](Rule::refuse), [`drop_before`](Rule::drop_before),
/// [`drop_after`](Rule::drop_after), [`truncate`](Rule::truncate), [`stall`](Rule::stall),
/// [`close_socket`](Rule::close_socket), [`hang`](Rule::hang), [`hang_after`](Rule::hang_after),
/// [`delay`](Rule::delay), [`pass`](Rule::pass), [`reply`](Rule::reply), [`reply_after`](Rule::reply_after). It then
/// applies to one request, or to more with [`times`](Rule::times) or [`always`](Rule::always). With
/// [`expect`](Rule::expect) it must have applied. Several rules on one route apply one after the
/// other: the next starts when the one before is used up. After the last one the server answers as usual.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
/// let fake = windlass::testing::FakeIncus::start().await?;
/// fake.on("GET /1.0/instances").times(2).reply(503, "try again");
/// fake.on("GET /1.0/instances").header("Retry-After", "1").reply(429, "slow down");
/// fake.on("POST /1.0/instances").drop_after();
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "a rule does nothing until its last verb plants it"]
pub struct Rule {
    faults: Arc<Faults>,
    pattern: String,
    skip: usize,
    /// None if not set.
    times: Option<Times>,
    expected: Option<usize>,
    verdict: Verdict,
}

#[derive(Debug, Clone, Copy)]
enum Times {
    Exactly(usize),
    Always,
}

impl Rule {
    pub(crate) fn new(faults: Arc<Faults>, route: &str) -> Rule {
        let pattern = route.trim().to_owned();
        Rule { faults, pattern, skip: 0, times: None, expected: None, verdict: Verdict::default() }
    }

    /// Applies to `n` requests instead of one.
    pub fn times(mut self, n: usize) -> Rule {
        self.times = Some(Times::Exactly(n));
        self
    }

    /// Applies to every request from now on.
    pub fn always(mut self) -> Rule {
        self.times = Some(Times::Always);
        self
    }

    /// The test fails unless the rule has applied to exactly `n` requests when the last handle to the fake is dropped,
    /// or when `verify` of the fake is called. Without [`times`](Self::times) or [`always`](Self::always) it applies to
    /// `n` requests, and with 0 to every one.
    ///
    /// ```should_panic
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
    /// let fake = windlass::testing::FakeIncus::start().await?;
    /// fake.on("POST /1.0/instances").expect(1).drop_after(); // nothing is launched: panics at the end
    /// # Ok(()) }
    /// ```
    pub fn expect(mut self, n: usize) -> Rule {
        self.expected = Some(n);
        self
    }

    /// Lets `n` requests pass first.
    pub fn skip(mut self, n: usize) -> Rule {
        self.skip = n;
        self
    }

    /// Waits this long after the request was read, before the last verb acts. `refuse` never waits.
    pub fn after(mut self, wait: Duration) -> Rule {
        self.verdict.wait = wait;
        self
    }

    /// Adds a header to the answer, planted or real. It replaces one of the same name.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Rule {
        self.verdict.headers.push((name.into(), value.into()));
        self
    }

    /// Closes the connection as soon as the head of the request has arrived. No effect, no answer.
    pub fn refuse(self) -> Planting {
        self.plant(Action::Refuse)
    }

    /// Reads the whole request and closes the connection. No effect, no answer.
    pub fn drop_before(self) -> Planting {
        self.plant(Action::DropBefore)
    }

    /// The request takes effect, but the connection closes without an answer.
    pub fn drop_after(self) -> Planting {
        self.plant(Action::DropAfter)
    }

    /// Answers with the right headers, including the full `Content-Length`, and cuts the body after `bytes`. A
    /// websocket is cut after it has sent that many bytes.
    pub fn truncate(self, bytes: usize) -> Planting {
        self.plant(Action::Truncate(bytes))
    }

    /// Opens a websocket, and sends a proper Close frame instead of the first message.
    pub fn close_socket(self) -> Planting {
        self.plant(Action::CloseSocket)
    }

    /// Answers with the right headers and the first `bytes` of the body, and then sends nothing more. The connection
    /// stays open.
    pub fn stall(self, bytes: usize) -> Planting {
        self.plant(Action::Stall(bytes))
    }

    /// Never answers. The connection stays open. No effect.
    pub fn hang(self) -> Planting {
        self.plant(Action::Hang)
    }

    /// The request takes effect, but is never answered. The connection stays open.
    pub fn hang_after(self) -> Planting {
        self.plant(Action::HangAfter)
    }

    /// Answers as usual, but this much later.
    pub fn delay(self, wait: Duration) -> Planting {
        self.after(wait).plant(Action::Pass)
    }

    /// Answers as usual: to add a [`header`](Self::header), or to [`expect`](Self::expect) requests.
    pub fn pass(self) -> Planting {
        self.plant(Action::Pass)
    }

    /// Answers with this instead. No effect. A body that starts like JSON gets that content type.
    pub fn reply(self, status: u16, body: impl Into<Vec<u8>>) -> Planting {
        self.plant(Action::Reply(status, Bytes::from(body.into())))
    }

    /// The request takes effect, but the answer is this: of a gateway that gave up, or of a server that failed
    /// afterwards.
    pub fn reply_after(self, status: u16, body: impl Into<Vec<u8>>) -> Planting {
        self.plant(Action::ReplyAfter(status, Bytes::from(body.into())))
    }

    pub(crate) fn plant(mut self, action: Action) -> Planting {
        self.verdict.action = action;
        let id = self.faults.next.fetch_add(1, Ordering::SeqCst);
        let hits = Arc::new(AtomicUsize::new(0));
        let left = match (self.times, self.expected) {
            (Some(Times::Exactly(n)), _) => Some(n),
            (Some(Times::Always), _) | (None, Some(0)) => None,
            (None, Some(n)) => Some(n),
            (None, None) => Some(1),
        };
        lock(&self.faults.rules).push(Planted {
            id,
            route: Route::new(&self.pattern),
            pattern: self.pattern,
            skip: self.skip,
            left,
            expected: self.expected,
            hits: hits.clone(),
            verdict: self.verdict,
        });
        Planting { faults: self.faults, id, hits }
    }
}

/// A planted rule: counts how often it applied, and can be removed.
#[derive(Debug)]
pub struct Planting {
    faults: Arc<Faults>,
    id: u64,
    hits: Arc<AtomicUsize>,
}

impl Planting {
    /// How many requests it has applied to so far.
    pub fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }

    /// Removes the rule, and what it expects.
    pub fn remove(self) {
        self.faults.remove(self.id);
    }
}
