//! Which clients may connect, and what a reference may be.

use windlass::ErrorKind;
use windlass::shakenfist::ShakenFist;

use super::support::{LONG, Outcome, Served, assert_kind, disk, gone, name};

pub async fn a_wrong_key_is_not_authenticated<G>(served: Served<G>) -> Outcome {
    let sf = ShakenFist::at(&served.url).namespace("demo").key("wrong").client()?;
    let e = assert_kind(sf.instances().await, ErrorKind::Unauthenticated);
    assert_eq!(e.status(), Some(401));
    assert!(e.message().contains("key") && !e.to_string().contains("wrong"), "{e}");
    assert_kind(ShakenFist::at(&served.url).namespace("demo").key("wrong").await, ErrorKind::Unauthenticated);
    Ok(())
}

pub async fn an_unknown_namespace_is_not_authenticated<G>(served: Served<G>) -> Outcome {
    let sf = ShakenFist::at(&served.url).namespace("nobody").key("demokey").client()?;
    let e = assert_kind(sf.instances().await, ErrorKind::Unauthenticated);
    assert!(e.message().contains("nobody"), "{e}");
    Ok(())
}

pub async fn not_found_is_not_found<G>(served: Served<G>) -> Outcome {
    let sf = &served.sf;
    let nobody = "6f1c5a0e-1111-4222-8333-444455556666";
    assert_kind(sf.instance("nosuch").get().await, ErrorKind::NotFound);
    assert_kind(sf.instance(nobody).get().await, ErrorKind::NotFound);
    assert_kind(sf.instance(nobody).delete().await, ErrorKind::NotFound);
    assert_kind(sf.instance(nobody).metadata().await, ErrorKind::NotFound);
    assert_kind(sf.instance(nobody).events().await, ErrorKind::NotFound);
    assert_kind(sf.instance(nobody).power_on().await, ErrorKind::NotFound);
    assert_kind(sf.instance(nobody).exec("true").output().await, ErrorKind::NotFound);
    assert_kind(sf.network("nosuch").get().await, ErrorKind::NotFound);
    assert_kind(sf.blob(nobody).get().await, ErrorKind::NotFound);
    assert_kind(sf.artifact(nobody).get().await, ErrorKind::NotFound);
    assert_kind(sf.interface(nobody).get().await, ErrorKind::NotFound);
    assert_kind(sf.agent_operation(nobody).get().await, ErrorKind::NotFound);
    assert!(sf.find_blob(&"0".repeat(128)).await?.is_none());
    Ok(())
}

pub async fn a_name_of_two_is_invalid<G>(served: Served<G>) -> Outcome {
    let sf = &served.sf;
    let own = name("twin");
    let first = sf.launch(&own).disk(disk()).timeout(LONG).await?;
    let second = sf.launch(&own).disk(disk()).timeout(LONG).await?;
    assert_ne!(first.uuid, second.uuid);
    let e = assert_kind(sf.instance(&own).get().await, ErrorKind::InvalidInput);
    assert!(e.message().contains("multiple"), "{e}");
    gone(&first).await?;
    assert_eq!(sf.instance(&own).get().await?.uuid, second.uuid);
    gone(&second).await?;
    Ok(())
}

pub async fn names_that_lead_elsewhere_are_refused<G>(served: Served<G>) -> Outcome {
    let sf = &served.sf;
    for bad in ["", ".", "..", "a/b", "a\\b"] {
        let e = assert_kind(sf.instance(bad).get().await, ErrorKind::InvalidInput);
        assert_eq!((e.status(), e.fields()), (None, &["instance".to_owned()][..]));
        assert_kind(sf.instance(bad).delete().await, ErrorKind::InvalidInput);
        assert_kind(sf.network(bad).get().await, ErrorKind::InvalidInput);
        assert_kind(sf.blob(bad).get().await, ErrorKind::InvalidInput);
        assert_kind(sf.artifact(bad).get().await, ErrorKind::InvalidInput);
        assert_kind(sf.instance("a").remove_metadata(bad).await, ErrorKind::InvalidInput);
    }
    Ok(())
}

pub async fn raw_calls_work<G>(served: Served<G>) -> Outcome {
    served.sf.raw().instances_list().send().await?;
    let missing = served.sf.raw().instance_get().instance_ref("nosuch").send().await;
    assert_eq!(missing.map_err(|e| e.kind()), Err(ErrorKind::NotFound));
    Ok(())
}
