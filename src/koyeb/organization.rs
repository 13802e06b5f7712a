//! A user's token exchanged for one of an organization.

use tokio::time::Instant;

use super::{rebuild, reply, types};
use crate::call::Call;
use crate::clock;
use crate::credential::{Credential, Fetch, Token, bearer};
use crate::error::{Error, Kind};
use crate::limits::Limits;
use crate::raw;
use crate::retry::Retry;
use crate::transport::{Inner, Shared};
use crate::wait::BoxFuture;

/// Fetches tokens of one organization.
pub(super) struct Switch {
    /// Of the user.
    raw: raw::koyeb::Client,
    id: types::PathSegment,
}

impl Switch {
    pub(super) fn new(
        http: &reqwest::Client,
        url: &str,
        user: Credential,
        id: types::PathSegment,
        limits: Limits,
    ) -> Self {
        let shared = Shared::new("koyeb", raw::koyeb::ENDPOINTS, reply::explain, user, limits).at(url);
        let inner = Inner::new(shared, Retry::default());
        Self { raw: raw::koyeb::Client::new_with_client(url, http.clone(), inner), id }
    }

    async fn exchange(&self) -> Result<Token, Error> {
        use progenitor_client::ClientInfo;
        let call = Call::new(self.raw.inner(), |inner| rebuild(&self.raw, inner));
        let request = call.switch_organization().id(self.id.clone());
        let result = request.body(types::EmptyRequest(Default::default())).send().await;
        let token = call.done(result).await?.into_inner().token;
        let token = token.ok_or_else(|| call.bad_reply("the reply has no token"))?;
        let secret = token.id.as_ref().filter(|secret| super::subprotocol::can_carry(secret.expose()));
        let secret = secret.ok_or_else(|| call.bad_reply("the reply holds no token that can be used"))?;
        Ok(Token { value: bearer(secret)?, ends: token.expires_at.and_then(moment) })
    }
}

impl Fetch for Switch {
    fn fetch(&self) -> BoxFuture<'_, Result<Token, Error>> {
        Box::pin(async {
            self.exchange().await.map_err(|e| match e.kind() {
                Kind::NotFound => e.with(|inner| {
                    inner.suggestion = Some("check the organization's id".to_owned());
                }),
                _ => e,
            })
        })
    }
}

/// A time of day as this process's clock has it.
fn moment(time: chrono::DateTime<chrono::Utc>) -> Option<Instant> {
    let left = (time - chrono::Utc::now()).to_std().unwrap_or_default();
    Some(clock::from_now(left))
}
