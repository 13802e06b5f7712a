//! Sets of firewall rules: some for chosen instances, one for all.

use super::check;
use super::client::LambdaCloud;
use super::types::{self, FirewallRule};
use crate::Id;
use crate::error::Error;
use crate::handle::{Identified, handle, identified};
use crate::stream::query::Query;
use crate::wait::into_future;

identified! { types::FirewallRuleset: id; }

handle! {
    /// A firewall ruleset: typed data together with a cheap handle.
    ///
    /// Vendor's page: <https://docs.lambda.ai/public-cloud/firewalls/>
    FirewallRuleset<types::FirewallRuleset> of lambda: LambdaCloud;
    /// A handle on a firewall ruleset of which only the id is known.
    FirewallRulesetRef
}

impl LambdaCloud {
    /// A handle on a firewall ruleset, by its id. Sends nothing.
    pub fn firewall_ruleset(&self, id: impl Into<String>) -> FirewallRulesetRef {
        FirewallRuleset::new(self, Id::new(id))
    }

    /// The firewall rulesets.
    pub fn firewall_rulesets(&self) -> Query<FirewallRuleset> {
        let lambda = self.clone();
        Query::one(async move {
            let all = lambda.raw().firewall_rulesets_list().send().await?;
            Ok(all.into_iter().map(|ruleset| FirewallRuleset::new(&lambda, ruleset)).collect())
        })
    }

    /// Creates a firewall ruleset for instances of one region.
    ///
    /// ```no_run
    /// # use windlass::lambda_cloud::{FirewallRule, LambdaCloud, NetworkProtocol};
    /// # async fn demo(lambda: LambdaCloud) -> windlass::Result<()> {
    /// let https = FirewallRule::new(NetworkProtocol::Tcp, "0.0.0.0/0").port(443);
    /// let ruleset = lambda.create_firewall_ruleset("web").region("us-west-1").rules([https]).await?;
    /// # let _ = ruleset; Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) without a region or if a rule can't be right,
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if the name is taken, and those of
    /// [every request](LambdaCloud#errors).
    pub fn create_firewall_ruleset(&self, name: impl Into<String>) -> CreateFirewallRuleset {
        let (lambda, name) = (self.clone(), name.into());
        CreateFirewallRuleset { lambda, name, region: String::new(), rules: Vec::new() }
    }

    /// The rules for every instance of the account. Sends nothing.
    ///
    /// ```no_run
    /// # async fn demo(lambda: windlass::LambdaCloud) -> windlass::Result<()> {
    /// let rules = lambda.global_firewall_ruleset().get().await?.rules;
    /// # let _ = rules; Ok(()) }
    /// ```
    pub fn global_firewall_ruleset(&self) -> GlobalFirewallRuleset {
        GlobalFirewallRuleset { lambda: self.clone() }
    }
}

impl<D: Identified> FirewallRuleset<D> {
    /// The id.
    pub fn id(&self) -> &str {
        self.data.identity()
    }

    /// Reads the ruleset.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is none, and those of [every request](LambdaCloud#errors).
    pub async fn get(&self) -> Result<FirewallRuleset, Error> {
        let data = self.lambda.raw().firewall_ruleset_get().id(self.id()).send().await?;
        Ok(FirewallRuleset::new(&self.lambda, data))
    }

    /// Changes the ruleset.
    ///
    /// ```no_run
    /// # async fn demo(lambda: windlass::LambdaCloud) -> windlass::Result<()> {
    /// lambda.firewall_ruleset("c4d291f47f9d436fa39f58493ce3b50d").update().name("shop").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is none, [`InvalidInput`](crate::ErrorKind::InvalidInput) if
    /// the name or a rule can't be right, and those of [every request](LambdaCloud#errors).
    pub fn update(&self) -> UpdateFirewallRuleset {
        UpdateFirewallRuleset { ruleset: self.reference(), name: None, rules: None }
    }

    /// Deletes the ruleset.
    ///
    /// # Errors
    ///
    /// [`Conflict`](crate::ErrorKind::Conflict) if an instance has it, [`NotFound`](crate::ErrorKind::NotFound) if there
    /// is none, and those of [every request](LambdaCloud#errors).
    pub async fn delete(&self) -> Result<(), Error> {
        self.lambda.raw().firewall_ruleset_delete().id(self.id()).send().await.map(drop)
    }
}

/// Changes a firewall ruleset; from [`FirewallRuleset::update`]. `.await` it for the changed ruleset.
///
/// What isn't given stays as it is.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await`"]
pub struct UpdateFirewallRuleset {
    ruleset: FirewallRulesetRef,
    name: Option<String>,
    rules: Option<Vec<FirewallRule>>,
}

impl UpdateFirewallRuleset {
    /// Gives it another name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Replaces all of its rules.
    pub fn rules(mut self, rules: impl IntoIterator<Item = FirewallRule>) -> Self {
        self.rules = Some(rules.into_iter().collect());
        self
    }

    async fn update(self) -> Result<FirewallRuleset, Error> {
        let Self { ruleset, name, rules } = self;
        name.as_deref().map_or(Ok(()), |name| check::name("name", name))?;
        let rules = rules.map(check::rules).transpose()?;
        let body = types::FirewallRulesetPatch { name, rules };
        let lambda = &ruleset.lambda;
        let changed = lambda.raw().firewall_ruleset_update().id(ruleset.id()).body(body).send().await?;
        Ok(FirewallRuleset::new(lambda, changed))
    }
}

into_future!(UpdateFirewallRuleset => FirewallRuleset: |this| this.update().await);

/// Creates a firewall ruleset; from [`LambdaCloud::create_firewall_ruleset`]. `.await` it for the ruleset.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await`"]
pub struct CreateFirewallRuleset {
    lambda: LambdaCloud,
    name: String,
    region: String,
    rules: Vec<FirewallRule>,
}

impl CreateFirewallRuleset {
    /// For instances of this region, for example `us-west-1`.
    pub fn region(mut self, name: impl Into<String>) -> Self {
        self.region = name.into();
        self
    }

    /// With these rules, in addition to those given before.
    pub fn rules(mut self, rules: impl IntoIterator<Item = FirewallRule>) -> Self {
        self.rules.extend(rules);
        self
    }

    async fn create(self) -> Result<FirewallRuleset, Error> {
        let Self { lambda, name, region, rules } = self;
        check::name("name", &name)?;
        check::given("region", &region)?;
        let body = types::FirewallRulesetCreate { name, region, rules: check::rules(rules)? };
        let created = lambda.raw().firewall_ruleset_create().body(body).send().await?;
        Ok(FirewallRuleset::new(&lambda, created))
    }
}

into_future!(CreateFirewallRuleset => FirewallRuleset: |this| this.create().await);

/// The rules for every instance of the account; from [`LambdaCloud::global_firewall_ruleset`].
#[derive(Debug, Clone)]
pub struct GlobalFirewallRuleset {
    lambda: LambdaCloud,
}

impl GlobalFirewallRuleset {
    /// Reads the ruleset.
    ///
    /// # Errors
    ///
    /// Those of [every request](LambdaCloud#errors).
    pub async fn get(&self) -> Result<types::GlobalFirewallRuleset, Error> {
        self.lambda.raw().firewall_ruleset_global_get().send().await
    }

    /// Replaces all of its rules.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) before anything is sent if a rule can't be right, and those of
    /// [every request](LambdaCloud#errors).
    pub async fn replace_rules(
        &self,
        rules: impl IntoIterator<Item = FirewallRule>,
    ) -> Result<types::GlobalFirewallRuleset, Error> {
        let body = types::GlobalFirewallRulesetPatch { rules: Some(check::rules(rules)?) };
        self.lambda.raw().firewall_ruleset_global_update().body(body).send().await
    }
}
