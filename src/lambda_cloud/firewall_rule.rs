//! Rules that let traffic in, and those of the account.

use super::check;
use super::client::LambdaCloud;
use super::types::{self, FirewallRule};
use crate::error::Error;
use crate::stream::query::Query;

impl FirewallRule {
    /// Only to this port.
    ///
    /// ```
    /// use windlass::lambda_cloud::{FirewallRule, NetworkProtocol};
    ///
    /// let ssh = FirewallRule::new(NetworkProtocol::Tcp, "203.0.113.0/24").port(22);
    /// let ping = FirewallRule::new(NetworkProtocol::Icmp, "0.0.0.0/0").description("ping");
    /// assert_eq!(ssh.port_range, [22, 22]);
    /// # let _ = ping;
    /// ```
    #[must_use]
    pub fn port(self, port: u16) -> Self {
        self.ports(port..=port)
    }

    /// Only to these ports.
    #[must_use]
    pub fn ports(mut self, ports: std::ops::RangeInclusive<u16>) -> Self {
        self.port_range = vec![i64::from(*ports.start()), i64::from(*ports.end())];
        self
    }

    /// With a few words of explanation.
    #[must_use]
    pub fn description(mut self, words: impl Into<String>) -> Self {
        self.description = words.into();
        self
    }
}

/// Vendor's page: <https://docs.lambda.ai/public-cloud/firewalls/>
impl LambdaCloud {
    /// The account's firewall rules. They don't apply in `us-south-1`.
    ///
    /// Rules have no id: they are plain data, and are replaced together.
    pub fn firewall_rules(&self) -> Query<FirewallRule> {
        let lambda = self.clone();
        Query::one(async move { lambda.raw().firewall_rules_list().send().await })
    }

    /// Replaces all firewall rules of the account. An empty list lets nothing in.
    ///
    /// ```no_run
    /// # use windlass::lambda_cloud::{FirewallRule, LambdaCloud, NetworkProtocol};
    /// # async fn demo(lambda: LambdaCloud) -> windlass::Result<()> {
    /// let ssh = FirewallRule::new(NetworkProtocol::Tcp, "203.0.113.0/24").port(22);
    /// lambda.replace_firewall_rules([ssh]).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) before anything is sent if a rule can't be right, and those of
    /// [every request](LambdaCloud#errors).
    pub async fn replace_firewall_rules(
        &self,
        rules: impl IntoIterator<Item = FirewallRule>,
    ) -> Result<Vec<FirewallRule>, Error> {
        let body = types::FirewallRulesPut { data: check::rules(rules)? };
        self.raw().firewall_rules_replace().body(body).send().await
    }
}
