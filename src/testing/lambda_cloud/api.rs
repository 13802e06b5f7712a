//! The routes, and their keys.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::envelope::{self, Answer, body, failure, nowhere};
use super::state::{Account, State};
use super::{companions, firewalls, instances, launch};
use crate::testing::server::front::Service;
use crate::testing::server::known::Known;
use crate::testing::server::reply::Reply;
use crate::testing::server::request::Request;
use crate::testing::server::tasks::lock;

pub(super) const KNOWN: Known = Known { table: crate::raw::lambda_cloud::ENDPOINTS, beyond: &[] };

#[derive(Debug)]
pub(super) struct Api {
    pub(super) state: Arc<Mutex<State>>,
    pub(super) key: String,
}

impl Service for Api {
    fn call(&self, request: &Request) -> Reply {
        let mut state = lock(&self.state);
        let tick = state.tick;
        state.advance(tick);
        if is_too_fast(&mut state, request) {
            return envelope::throttled();
        }
        let answer = self.admit(&state, request).and_then(|()| route(&mut state, request));
        envelope::render(answer)
    }
}

/// One request a second, one launch in twelve; what was refused doesn't count.
fn is_too_fast(state: &mut State, request: &Request) -> bool {
    if !state.limits {
        return false;
    }
    let (now, launch) = (state.now, request.path.ends_with("/launch"));
    let within =
        |last: Option<Duration>, seconds| last.is_some_and(|last| now - last < Duration::from_secs(seconds));
    if within(state.last_request, 1) || (launch && within(state.last_launch, 12)) {
        return true;
    }
    state.last_request = Some(now);
    if launch {
        state.last_launch = Some(now);
    }
    false
}

impl Api {
    fn admit(&self, state: &State, request: &Request) -> Result<(), envelope::Failure> {
        let given = request.header("authorization").unwrap_or_default();
        if given != format!("Bearer {}", self.key)
            && given != format!("Basic {}", STANDARD.encode(format!("{}:", self.key)))
        {
            let refused = failure(401, "global/invalid-api-key", "API key was invalid, expired, or deleted.");
            return Err(refused.suggest("Check your API key or create a new one, then try again."));
        }
        match state.account {
            Account::Active => Ok(()),
            Account::Inactive => {
                let refused = failure(403, "global/account-inactive", "Your account is inactive.");
                Err(refused.suggest("Make sure you have verified your email address."))
            }
            Account::NoAddress if request.path.ends_with("/launch") => {
                Err(failure(403, "global/invalid-address", "Your billing address is invalid."))
            }
            Account::NoAddress => Ok(()),
        }
    }
}

fn route(state: &mut State, request: &Request) -> Answer {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let ["api", "v1", rest @ ..] = segments.as_slice() else { return nowhere() };
    match (request.method.as_str(), rest) {
        ("GET", ["instances"]) => Ok(instances::list(state)),
        ("GET", ["instances", id]) => instances::get(state, id),
        ("POST", ["instances", id]) => instances::rename(state, id, &body(request)?),
        ("GET", ["instance-types"]) => Ok(instances::types(state)),
        ("POST", ["instance-operations", "launch"]) => launch::launch(state, &body(request)?),
        ("POST", ["instance-operations", "restart"]) => instances::restart(state, &body(request)?),
        ("POST", ["instance-operations", "terminate"]) => instances::terminate(state, &body(request)?),
        (_, ["ssh-keys" | "file-systems" | "filesystems" | "images" | "regions", ..]) => {
            companions::route(state, request, rest)
        }
        (_, ["firewall-rules" | "firewall-rulesets", ..]) => firewalls::route(state, request, rest),
        _ => nowhere(),
    }
}
