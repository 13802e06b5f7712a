//! Finding and deleting what an owner has, on each platform.

use std::time::Duration;

use super::cleanup_launch::OWNER;
use super::{Cloud, Instance, InstanceRef, State};
use crate::error::Error;
use crate::ticket::Ticket;

/// What has the label of this owner, and isn't being deleted.
pub(super) async fn list(cloud: &Cloud, owner: &str) -> Result<Vec<InstanceRef>, Error> {
    let labelled: Vec<Instance> = match cloud {
        #[cfg(feature = "koyeb")]
        Cloud::Koyeb(_) => {
            let e = Error::invalid("clouds", "instances of Koyeb have no labels");
            return Err(cloud.label(e, "reap"));
        }
        // The shorter list misses an instance that is changing its state.
        #[cfg(feature = "shakenfist")]
        Cloud::ShakenFist(sf) => {
            let all = sf.instances().with_deleted().label(OWNER, owner).await?;
            all.into_iter().map(|native| super::from_shakenfist::instance(cloud, native)).collect()
        }
        #[allow(unreachable_patterns)]
        other => other.instances().label(OWNER, owner).await?,
    };
    Ok(labelled.iter().filter(|it| stays(it)).map(Instance::reference).collect())
}

/// The instance of a launch that was accepted, which a list may not show yet. On Incus a name can be another's later:
/// there only the label tells.
pub(super) fn by_ticket(cloud: &Cloud, ticket: &Ticket) -> Option<InstanceRef> {
    match cloud {
        #[cfg(feature = "incus")]
        Cloud::Incus(_) => None,
        #[allow(unreachable_patterns)]
        _ => Some(cloud.instance(ticket.id())),
    }
}

/// What a look at an accepted instance shows.
pub(super) enum Sight {
    /// It is there, as far as is known.
    There,
    /// It is another owner's, found by the key of a launch; or it is on its way out.
    NotOurs,
    Absent,
}

pub(super) async fn sight(instance: &InstanceRef, owner: &str) -> Sight {
    match instance.get().await {
        Ok(found) if found.labels.get(OWNER).is_some_and(|label| label == owner) && stays(&found) => {
            Sight::There
        }
        Ok(_) => Sight::NotOurs,
        Err(e) if e.tells_absence() => Sight::Absent,
        Err(_) => Sight::There,
    }
}

/// How long an instance can be there without being shown.
pub(super) fn time_to_show(cloud: &Cloud) -> Duration {
    match cloud {
        #[cfg(feature = "lambda-cloud")]
        Cloud::LambdaCloud(_) => crate::lambda_cloud::TIME_TO_SHOW,
        #[allow(unreachable_patterns)]
        _ => Duration::ZERO,
    }
}

fn stays(instance: &Instance) -> bool {
    !matches!(instance.state, State::Gone | State::Stopping)
}

/// Waits for the end of a launch whose instance isn't labelled yet. Only Incus has such ones: it fetches the image first.
pub(super) async fn seen_through(cloud: Cloud, ticket: Ticket) {
    match cloud {
        #[cfg(feature = "incus")]
        Cloud::Incus(incus) => cancelled_or_ended(&incus, &ticket).await,
        #[allow(unreachable_patterns)]
        _ => drop(ticket),
    }
}

/// Cancels the launch if it can be cancelled, and waits for its end.
#[cfg(feature = "incus")]
async fn cancelled_or_ended(incus: &crate::incus::Incus, ticket: &Ticket) {
    if let Ok(making) = incus.resume::<crate::incus::Instance>(ticket)
        && let Err(e) = making.cancel().await
    {
        tracing::debug!(error = %e, "the launch can't be cancelled");
    }
    if let Ok(making) = incus.resume::<crate::incus::Instance>(ticket)
        && let Err(e) = making.await
    {
        tracing::debug!(error = %e, "the launch ended without an instance");
    }
}

/// Deletes it, running or not. One that is gone already is fine.
pub(super) async fn delete(instance: &InstanceRef) -> Result<(), Error> {
    let deleted = match instance.cloud() {
        #[cfg(feature = "incus")]
        Cloud::Incus(incus) => incus.instance(instance.id()).delete().force().await,
        #[cfg(feature = "lambda-cloud")]
        Cloud::LambdaCloud(lambda) => lambda.instance(instance.id()).terminate().await,
        #[cfg(feature = "shakenfist")]
        Cloud::ShakenFist(sf) => sf.instance(instance.id()).delete().await,
        #[cfg(feature = "koyeb")]
        Cloud::Koyeb(_) => Err(Error::invalid("clouds", "instances of Koyeb can't be deleted")),
    };
    match deleted {
        Err(e) if e.tells_absence() => Ok(()),
        other => other,
    }
}
