//! A limit on requests in a span of time.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::testing::server::reply::Reply;
use crate::testing::server::tasks::lock;

#[derive(Debug)]
pub(super) struct Limit(Mutex<Window>);

#[derive(Debug)]
struct Window {
    requests: u32,
    span: Duration,
    enforced: bool,
    began: Instant,
    used: u32,
}

impl Default for Limit {
    fn default() -> Limit {
        let (requests, span) = (400, Duration::from_secs(60));
        Limit(Mutex::new(Window { requests, span, enforced: false, began: Instant::now(), used: 0 }))
    }
}

impl Limit {
    pub(super) fn set(&self, requests: u32, span: Duration) {
        *lock(&self.0) = Window { requests, span, enforced: true, began: Instant::now(), used: 0 };
    }

    /// Counts a request; true if it is one too many.
    pub(super) fn take(&self) -> bool {
        let mut window = lock(&self.0);
        if window.began.elapsed() >= window.span {
            (window.began, window.used) = (Instant::now(), 0);
        }
        let over = window.enforced && window.used >= window.requests;
        window.used += u32::from(!over);
        over
    }

    /// The headers that every answer has; the reset in whole seconds from now, rounded up.
    pub(super) fn label(&self, reply: Reply) -> Reply {
        let window = lock(&self.0);
        let (requests, span) = (window.requests, window.span.as_secs().max(1));
        let left = window.span.saturating_sub(window.began.elapsed());
        let reset = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        reply
            .header("x-ratelimit-limit", format!("{requests}, {requests};w={span}"))
            .header("x-ratelimit-remaining", requests.saturating_sub(window.used).to_string())
            .header("x-ratelimit-reset", reset.to_string())
    }
}
