//! Which traffic reaches instances: rules of the account, and rulesets for some instances.

use super::types::{self, FirewallRule, NetworkProtocol};
use super::{LambdaCloud, check};
use crate::error::Error;

/// A rule that lets traffic in from one network, as `0.0.0.0/0`.
///
/// ```
/// use windlass::lambda_cloud::{NetworkProtocol, rule};
///
/// let ssh = rule(NetworkProtocol::Tcp).from("203.0.113.0/24").port(22);
/// let ping = rule(NetworkProtocol::Icmp).from("0.0.0.0/0").described("ping");
/// assert_eq!(ssh.port_range, [22, 22]);
/// # let _ = ping;
/// ```
pub fn rule(protocol: NetworkProtocol) -> NewRule {
    NewRule(protocol)
}

/// A rule without its source; from [`rule`].
#[derive(Debug, Clone)]
#[must_use = "a rule needs a source: `.from(…)`"]
pub struct NewRule(NetworkProtocol);

impl NewRule {
    /// Lets in what comes from this network, or from this one address.
    pub fn from(self, network: impl Into<String>) -> FirewallRule {
        FirewallRule {
            protocol: self.0,
            source_network: network.into(),
            port_range: Vec::new(),
            description: String::new(),
            extra: Default::default(),
        }
    }
}

impl FirewallRule {
    /// Only to this port.
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
    pub fn described(mut self, words: impl Into<String>) -> Self {
        self.description = words.into();
        self
    }
}

/// What the vendor's rules refuse is refused before anything is sent.
fn checked(rules: impl IntoIterator<Item = FirewallRule>) -> Result<Vec<FirewallRule>, Error> {
    let rules: Vec<_> = rules.into_iter().collect();
    rules.iter().try_for_each(check_rule)?;
    Ok(rules)
}

fn check_rule(rule: &FirewallRule) -> Result<(), Error> {
    let FirewallRule { protocol, port_range, source_network, .. } = rule;
    let wrong =
        |what: &str| Err(Error::invalid("rules", format!("{protocol} from {source_network}: {what}")));
    if source_network.is_empty() {
        return wrong("the source is missing");
    }
    match (protocol, port_range.as_slice()) {
        (NetworkProtocol::Icmp, []) => Ok(()),
        (NetworkProtocol::Icmp, _) => wrong("icmp has no ports"),
        (NetworkProtocol::Tcp | NetworkProtocol::Udp, []) => wrong("the ports are missing"),
        (_, []) => Ok(()),
        (_, [first, last]) if (0..=65_535).contains(first) && first <= last && *last <= 65_535 => Ok(()),
        _ => wrong("the ports are no range"),
    }
}

/// What to change of a ruleset; what isn't said stays.
#[derive(Debug, Clone, Default)]
#[must_use = "a change does nothing until it is given to `update_firewall_ruleset`"]
pub struct RulesetChange {
    name: Option<String>,
    rules: Option<Vec<FirewallRule>>,
}

impl RulesetChange {
    /// Another name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Other rules, instead of all that it has.
    pub fn rules(mut self, rules: impl IntoIterator<Item = FirewallRule>) -> Self {
        self.rules = Some(rules.into_iter().collect());
        self
    }
}

/// Vendor's page: <https://docs.lambda.ai/public-cloud/firewalls/>
impl LambdaCloud {
    /// The account's firewall rules. They don't apply in `us-south-1`.
    pub async fn firewall_rules(&self) -> Result<Vec<FirewallRule>, Error> {
        self.raw().firewall_rules_list().send().await
    }

    /// Puts these in the place of all the account's firewall rules; an empty list lets nothing in.
    ///
    /// ```no_run
    /// # use windlass::lambda_cloud::{LambdaCloud, NetworkProtocol, rule};
    /// # async fn demo(lambda: LambdaCloud) -> windlass::Result<()> {
    /// let ssh = rule(NetworkProtocol::Tcp).from("203.0.113.0/24").port(22);
    /// lambda.replace_firewall_rules([ssh]).await?;
    /// # Ok(()) }
    /// ```
    pub async fn replace_firewall_rules(
        &self,
        rules: impl IntoIterator<Item = FirewallRule>,
    ) -> Result<Vec<FirewallRule>, Error> {
        let body = types::FirewallRulesPut { data: checked(rules)? };
        self.raw().firewall_rules_replace().body(body).send().await
    }

    /// The firewall rulesets.
    pub async fn firewall_rulesets(&self) -> Result<Vec<types::FirewallRuleset>, Error> {
        self.raw().firewall_rulesets_list().send().await
    }

    /// A firewall ruleset, by its id.
    pub async fn firewall_ruleset(&self, id: &str) -> Result<types::FirewallRuleset, Error> {
        self.raw().firewall_ruleset_get().id(id).send().await
    }

    /// Creates a firewall ruleset.
    ///
    /// ```no_run
    /// # use windlass::lambda_cloud::{LambdaCloud, NetworkProtocol, rule};
    /// # async fn demo(lambda: LambdaCloud) -> windlass::Result<()> {
    /// let web = rule(NetworkProtocol::Tcp).from("0.0.0.0/0").port(443);
    /// let ruleset = lambda.create_firewall_ruleset("web").rules([web]).in_region("us-west-1").await?;
    /// # let _ = ruleset; Ok(()) }
    /// ```
    pub fn create_firewall_ruleset(&self, name: impl Into<String>) -> NewRuleset {
        NewRuleset { lambda: self.clone(), name: name.into(), rules: Vec::new() }
    }

    /// Changes a firewall ruleset, by its id.
    pub async fn update_firewall_ruleset(
        &self,
        id: &str,
        change: RulesetChange,
    ) -> Result<types::FirewallRuleset, Error> {
        change.name.as_deref().map_or(Ok(()), |name| check::name("name", name))?;
        let rules = change.rules.map(checked).transpose()?;
        let body = types::FirewallRulesetPatch { name: change.name, rules };
        self.raw().firewall_ruleset_update().id(id).body(body).send().await
    }

    /// Deletes a firewall ruleset, by its id. One that an instance has is a [`ErrorKind::Conflict`](crate::ErrorKind::Conflict).
    pub async fn delete_firewall_ruleset(&self, id: &str) -> Result<(), Error> {
        self.raw().firewall_ruleset_delete().id(id).send().await.map(drop)
    }

    /// The rules for every instance of the account.
    pub async fn global_firewall_ruleset(&self) -> Result<types::GlobalFirewallRuleset, Error> {
        self.raw().firewall_ruleset_global_get().send().await
    }

    /// Puts these in the place of the rules for every instance of the account.
    pub async fn replace_global_firewall_ruleset(
        &self,
        rules: impl IntoIterator<Item = FirewallRule>,
    ) -> Result<types::GlobalFirewallRuleset, Error> {
        let body = types::GlobalFirewallRulesetPatch { rules: Some(checked(rules)?) };
        self.raw().firewall_ruleset_global_update().body(body).send().await
    }
}

/// A firewall ruleset to be created; from [`LambdaCloud::create_firewall_ruleset`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.in_region(…)` is awaited"]
pub struct NewRuleset {
    lambda: LambdaCloud,
    name: String,
    rules: Vec<FirewallRule>,
}

impl NewRuleset {
    /// With these rules.
    pub fn rules(mut self, rules: impl IntoIterator<Item = FirewallRule>) -> Self {
        self.rules.extend(rules);
        self
    }

    /// For instances of this region.
    pub async fn in_region(self, region: impl Into<String>) -> Result<types::FirewallRuleset, Error> {
        let region = region.into();
        check::name("name", &self.name)?;
        if region.is_empty() {
            return Err(Error::invalid("region", "is empty"));
        }
        let body = types::FirewallRulesetCreate { name: self.name, region, rules: checked(self.rules)? };
        self.lambda.raw().firewall_ruleset_create().body(body).send().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules() {
        let tcp = || rule(NetworkProtocol::Tcp).from("0.0.0.0/0");
        let good = [tcp().port(22), tcp().ports(0..=65_535), rule(NetworkProtocol::Icmp).from("::/0")];
        assert!(checked(good).is_ok());
        let odd = FirewallRule { port_range: vec![1], ..tcp() };
        #[allow(clippy::reversed_empty_ranges)]
        let backwards = tcp().ports(9..=1);
        let nowhere = rule(NetworkProtocol::All).from("");
        for bad in [tcp(), odd, backwards, nowhere, rule(NetworkProtocol::Icmp).from("::/0").port(1)] {
            let e = checked([bad]).map_err(|e| e.fields().to_vec());
            assert_eq!(e, Err(vec!["rules".to_owned()]));
        }
    }
}
