//! Scaling a service by hand.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::client::Koyeb;
use super::service::{Service, ServiceRef};
use super::types::{self, InstanceStatus};
use super::waits::{Verdict, operation};
use crate::error::Error;
use crate::handle::Identified;
use crate::ticket::Ticket;
use crate::transport::checked;
use crate::wait::poll::{Goal, Seen};
use crate::wait::{BoxFuture, Operation, Progress, into_future};

/// How many instances, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Scaling {
    /// How many.
    pub instances: u32,
    /// Where, for example `region:fra`; everywhere if empty.
    pub scopes: Vec<String>,
}

/// Scales a service; from [`Service::scale`].
///
/// `.await` it to see it through, or [`send`](Self::send) it and keep the operation.
///
/// ```no_run
/// # async fn demo(shop: windlass::koyeb::Service) -> windlass::Result<()> {
/// shop.scale(3).await?;
/// shop.scale(2).region("fra").and(1).region("was").await?;
/// # Ok(()) }
/// ```
///
/// It replaces what was set before. It is done when no instance is starting, unhealthy or stopping any more and each
/// region has as many as requested (without a region: all regions together, or each). They are healthy or asleep: if the
/// service allows it, an instance that gets no requests for a while sleeps until one wakes it. The progress tells how many
/// sleep; [`Instances::status`](super::Instances::status) finds them.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await` or `.send().await`"]
pub struct Scale {
    service: ServiceRef,
    scalings: Vec<Scaling>,
}

impl<D: Identified> Service<D> {
    /// Sets how many instances it has, by hand.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such service,
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if several numbers have no region, those of
    /// [every request](Koyeb#errors), and those of the wait ([`WaitEnd`](crate::WaitEnd)).
    #[doc(alias = "launch")]
    pub fn scale(&self, instances: u32) -> Scale {
        Scale { service: self.reference(), scalings: vec![Scaling { instances, scopes: Vec::new() }] }
    }

    /// Reads the scaling that was set by hand; empty if there is none.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such service, and those of
    /// [every request](Koyeb#errors).
    pub async fn get_scaling(&self) -> Result<Vec<Scaling>, Error> {
        let scalings = self.koyeb.raw().get_service_scaling().id(self.id()).send().await?;
        let read = |came: types::ServiceScaling| Scaling {
            instances: came.instances.and_then(|number| number.try_into().ok()).unwrap_or(0),
            scopes: came.scopes,
        };
        Ok(scalings.into_iter().map(read).collect())
    }

    /// Removes the scaling that was set by hand: the service's definition decides again.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such service, and those of
    /// [every request](Koyeb#errors).
    pub async fn reset_scaling(&self) -> Result<(), Error> {
        self.koyeb.raw().delete_service_scaling().id(self.id()).send().await
    }
}

impl Scale {
    /// Only in this region, for example `fra`; repeated calls add regions.
    pub fn region(self, region: impl AsRef<str>) -> Self {
        self.scope(format!("{REGION}{}", region.as_ref()))
    }

    /// Only in this scope, in the service's own words, for example `region:fra`.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        if let Some(last) = self.scalings.last_mut() {
            last.scopes.push(scope.into());
        }
        self
    }

    /// And this many in the regions that follow.
    pub fn and(mut self, instances: u32) -> Self {
        self.scalings.push(Scaling { instances, scopes: Vec::new() });
        self
    }

    /// Sends the request; the service then scales by itself.
    ///
    /// # Errors
    ///
    /// Those of [`Service::scale`], without those of the wait.
    pub async fn send(self) -> Result<Operation<()>, Error> {
        let Self { service, scalings } = self;
        let id = checked("id", service.id())?;
        if scalings.iter().filter(|scaling| scaling.scopes.is_empty()).count() > 1 {
            return Err(Error::invalid("scale", "several numbers without a region to each"));
        }
        let wire = |scaling: &Scaling| types::ServiceScaling {
            instances: Some(scaling.instances.into()),
            scopes: scaling.scopes.clone(),
            extra: Default::default(),
        };
        let body = types::UpdateServiceScalingRequest { scalings: scalings.iter().map(wire).collect() };
        service.koyeb.raw().update_service_scaling().id(id).body(body).send().await?;
        Ok(operation(&service.koyeb.clone(), Scaled { service, scalings }))
    }
}

into_future!(Scale => (): send);

const REGION: &str = "region:";

/// The instances of one region that are up, of which some are asleep, and those that are on the way to something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Census {
    up: u32,
    asleep: u32,
    moving: u32,
}

impl Census {
    fn count(&mut self, status: &InstanceStatus) {
        match status {
            InstanceStatus::Healthy => self.up += 1,
            InstanceStatus::Sleeping => (self.up, self.asleep) = (self.up + 1, self.asleep + 1),
            InstanceStatus::Stopped | InstanceStatus::Error => {}
            _ => self.moving += 1,
        }
    }
}

impl fmt::Display for Census {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.up)?;
        if self.asleep > 0 {
            write!(f, ", {} of them asleep", self.asleep)?;
        }
        if self.moving > 0 {
            write!(f, " and {} on the way", self.moving)?;
        }
        Ok(())
    }
}

type Regions = BTreeMap<String, Census>;

/// Whether each region has what was asked for.
fn is_reached(scalings: &[Scaling], regions: &Regions) -> bool {
    let named = |region: &str| {
        scalings
            .iter()
            .any(|scaling| scaling.scopes.iter().any(|scope| scope.strip_prefix(REGION) == Some(region)))
    };
    let rest: Vec<u32> =
        regions.iter().filter(|(region, _)| !named(region)).map(|(_, census)| census.up).collect();
    let reached = |scaling: &Scaling| {
        let mut scopes = scaling.scopes.iter().filter_map(|scope| scope.strip_prefix(REGION));
        if scaling.scopes.is_empty() {
            let each = !rest.is_empty() && rest.iter().all(|up| *up == scaling.instances);
            return each || rest.iter().sum::<u32>() == scaling.instances;
        }
        scopes.all(|region| regions.get(region).copied().unwrap_or_default().up == scaling.instances)
    };
    regions.values().all(|census| census.moving == 0) && scalings.iter().all(reached)
}

/// As many instances as requested.
struct Scaled {
    service: ServiceRef,
    scalings: Vec<Scaling>,
}

impl Goal<Koyeb> for Scaled {
    type Output = ();

    fn ticket(&self) -> Ticket {
        let scalings = self.scalings.iter().map(|scaling| {
            let mut words = vec![scaling.instances.to_string()];
            words.extend(scaling.scopes.iter().cloned());
            words.join(" ")
        });
        Ticket::new("koyeb", "scale", self.service.id()).with("to", &scalings.collect::<Vec<_>>().join(","))
    }

    fn look<'a>(&'a mut self, koyeb: &'a Koyeb, _: bool) -> BoxFuture<'a, Result<Seen<()>, Error>> {
        Box::pin(async {
            let regions = census(koyeb, self.service.id()).await?;
            let verdict =
                if is_reached(&self.scalings, &regions) { Verdict::Reached } else { Verdict::Pending };
            let shown = regions.iter().filter(|(_, census)| **census != Census::default());
            let shown = shown.map(|(region, census)| format!("{region} {census}"));
            let progress = Progress {
                status: if verdict == Verdict::Reached { "SCALED" } else { "SCALING" }.to_owned(),
                message: format!("service {}: {}", self.service.id(), shown.collect::<Vec<_>>().join(", ")),
                ..Progress::default()
            };
            Ok(verdict.of(progress, ()))
        })
    }
}

/// Past instances are left to the service: there can be many.
async fn census(koyeb: &Koyeb, service: &str) -> Result<Regions, Error> {
    use InstanceStatus as S;
    let present = [S::Allocating, S::Starting, S::Healthy, S::Unhealthy, S::Stopping, S::Sleeping];
    let query = koyeb.instances().service(service);
    let mut list = present.into_iter().fold(query, |query, status| query.status(status)).stream();
    let mut regions = Regions::new();
    while let Some(instance) = list.try_next().await? {
        regions.entry(instance.region.clone()).or_default().count(&instance.status);
    }
    Ok(regions)
}

pub(super) fn resume(koyeb: &Koyeb, ticket: &Ticket) -> Option<Operation<()>> {
    let to = ticket.fact("to").filter(|_| ticket.kind == "scale")?;
    let scalings = to.split(',').map(|scaling| {
        let mut words = scaling.split(' ');
        let instances = words.next()?.parse().ok()?;
        Some(Scaling { instances, scopes: words.map(str::to_owned).collect() })
    });
    let scalings = scalings.collect::<Option<Vec<_>>>()?;
    Some(operation(koyeb, Scaled { service: koyeb.service(ticket.id()), scalings }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_a_scaling_is_reached() {
        let to = |instances, scopes: &[&str]| Scaling {
            instances,
            scopes: scopes.iter().map(|scope| format!("region:{scope}")).collect(),
        };
        let at = |regions: &[(&str, u32, u32)]| -> Regions {
            regions
                .iter()
                .map(|(region, up, moving)| {
                    ((*region).to_owned(), Census { up: *up, asleep: 0, moving: *moving })
                })
                .collect()
        };
        for (scalings, regions, reached) in [
            (vec![to(3, &[])], at(&[("fra", 3, 0)]), true),
            (vec![to(3, &[])], at(&[("fra", 3, 1)]), false),
            (vec![to(3, &[])], at(&[("fra", 2, 0)]), false),
            (vec![to(3, &[])], at(&[("fra", 2, 0), ("was", 1, 0)]), true),
            (vec![to(3, &[])], at(&[("fra", 3, 0), ("was", 3, 0)]), true),
            (vec![to(3, &[])], at(&[("fra", 3, 0), ("was", 1, 0)]), false),
            (vec![to(0, &[])], at(&[]), true),
            (vec![to(0, &[])], at(&[("fra", 0, 1)]), false),
            (vec![to(2, &["fra"])], at(&[("fra", 2, 0), ("was", 5, 0)]), true),
            (vec![to(2, &["fra", "was"])], at(&[("fra", 2, 0)]), false),
            (vec![to(2, &["fra"]), to(1, &[])], at(&[("fra", 2, 0), ("was", 1, 0)]), true),
            (vec![to(2, &["fra"]), to(1, &[])], at(&[("fra", 2, 0), ("was", 2, 0)]), false),
        ] {
            assert_eq!(is_reached(&scalings, &regions), reached, "{scalings:?} {regions:?}");
        }
    }
}
