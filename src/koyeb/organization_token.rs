//! A user's token exchanged for one of an organization.

use tokio::time::Instant;

use super::{reply, subprotocol, types};
use crate::error::{Error, ErrorKind};
use crate::instant;
use crate::raw;
use crate::transport::credential::{Credential, Fetch, Token, bearer};
use crate::transport::limits::Limits;
use crate::transport::retry::Retry;
use crate::transport::{Handle, Shared};
use crate::wait::BoxFuture;

/// Fetches tokens of one organization.
pub(super) struct Switch {
    /// Of the user.
    raw: raw::koyeb::Client,
    id: String,
}

impl Switch {
    pub(super) fn new(
        http: &reqwest::Client,
        url: &str,
        user: Credential,
        id: String,
        limits: Limits,
    ) -> Self {
        let shared = Shared::new("koyeb", url, reply::explain, user, limits);
        let handle = Handle::new(http.clone(), url, shared, Retry::default());
        Self { raw: raw::koyeb::Client { handle }, id }
    }

    async fn exchange(&self) -> Result<Token, Error> {
        let request = self.raw.switch_organization().id(self.id.as_str());
        let call = request.body(types::EmptyRequest(Default::default())).send();
        let (token, head) = call.with_head().await?;
        let secret = token.id.as_ref().filter(|secret| subprotocol::can_carry(secret.expose()));
        let unusable = || head.facts().bad_reply("the reply holds no token that can be used");
        let secret = secret.ok_or_else(unusable)?;
        Ok(Token { value: bearer(secret)?, ends: token.expires_at.and_then(moment) })
    }
}

impl Fetch for Switch {
    fn fetch(&self) -> BoxFuture<'_, Result<Token, Error>> {
        Box::pin(async {
            self.exchange().await.map_err(|e| match e.kind() {
                ErrorKind::NotFound => e.with(|inner| {
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
    Some(instant::from_now(left))
}
