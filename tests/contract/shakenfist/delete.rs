//! Deleting, until the instances are gone.

use windlass::ErrorKind;
use windlass::shakenfist::{InstanceState, ShakenFist};

use super::meddler::{Meddler, Spoilt};
use super::support::{LONG, Outcome, Served, assert_kind, gone, made};

pub async fn delete_is_seen_through<G>(served: Served<G>) -> Outcome {
    let web = made(&served.sf, "gone").await?;
    let named = served.sf.instance(&web.name);
    named.delete().send().await?.timeout(LONG).await?;
    assert_eq!(web.get().await?.state, InstanceState::Deleted);
    Ok(())
}

pub async fn delete_all_is_seen_through<G>(served: Served<G>) -> Outcome {
    // Of a namespace that no other test uses.
    let other = ShakenFist::at(&served.url).namespace("other").key("otherkey").await?;
    let (a, b) = (made(&other, "a").await?, made(&other, "b").await?);
    assert_kind(served.sf.instance(&a.uuid).get().await, ErrorKind::NotFound);
    let e = served.sf.instances().namespace("other").delete_all().await;
    assert_kind(e, ErrorKind::PermissionDenied);
    // Those that were there, and not what was deleted before.
    let old = made(&other, "old").await?;
    gone(&old).await?;
    let all = other.instances().delete_all().send().await?.timeout(LONG).await?;
    assert!(all.contains(&a.uuid) && all.contains(&b.uuid) && !all.contains(&old.uuid), "{all:?}");
    // Behind a gateway, and with lists that miss all.
    let meddler = Meddler::before(&served.url, "other", "otherkey").await?;
    let c = made(&other, "c").await?;
    meddler.blind();
    meddler.spoil("DELETE /instances ", Spoilt::Instead(504, "<html>"));
    let all = meddler.sf.instances().delete_all().send().await?.timeout(LONG).await?;
    assert_eq!(all, std::slice::from_ref(&c.uuid));
    assert_eq!(c.get().await?.state, InstanceState::Deleted);
    // The list may lag a little behind.
    let left = other.instances().await?;
    assert!(left.iter().all(|it| it.state == InstanceState::Deleted), "{left:?}");
    Ok(())
}

pub async fn delete_minds_the_namespace<G>(served: Served<G>) -> Outcome {
    let web = made(&served.sf, "where").await?;
    let e = assert_kind(web.delete_in("other").await, ErrorKind::NotFound);
    assert!(e.message().contains("namespace"), "{e}");
    assert_eq!(web.get().await?.state, InstanceState::Created);
    web.delete_in("demo").send().await?.timeout(LONG).await?;
    Ok(())
}
