//! Labels, handles, and what can be stored.

use super::*;
use windlass::shakenfist::EventType;

#[tokio::test]
async fn a_label_finds_what_it_was_given_to() -> Outcome {
    let (fake, sf) = served().await?;
    let create = |name: &str| sf.launch(name).disk(Disk::blank(1));
    let web = create("web").label("role", "shop").label("rank", 1).await?;
    create("db").label("role", "shop").await?;
    create("bare").await?;
    assert_eq!(sf.instances().label("role", "shop").await?.len(), 2);
    let both = sf.instances().label("role", "shop").label("rank", 1).await?;
    assert_eq!(both.iter().map(|it| it.uuid.as_str()).collect::<Vec<_>>(), [web.uuid.as_str()]);
    assert!(sf.instances().label("role", "none").await?.is_empty());
    // What deletes all must not be taken for what deletes some.
    let e = assert_kind(sf.instances().label("role", "shop").delete_all().await, ErrorKind::InvalidInput);
    assert_eq!((e.fields(), fake.requests("DELETE /instances")), (&["label".to_owned()][..], 0));
    let e = assert_kind(create("odd").label("windlass-launch", "x").await, ErrorKind::InvalidInput);
    assert_eq!(e.sent(), Sent::No);
    Ok(())
}

#[tokio::test]
async fn a_handle_sends_nothing_until_it_is_used() -> Outcome {
    let (fake, sf) = served().await?;
    let handles = (sf.instance("a"), sf.network("a"), sf.artifact("a"), sf.blob("a"), sf.interface("a"));
    let operation = sf.agent_operation("a");
    assert_eq!(fake.log().len(), 0);
    assert_eq!((handles.0.id(), handles.1.id(), operation.id()), ("a", "a", "a"));
    assert_eq!(handles.0, sf.instance("a"));
    assert_ne!(handles.0, sf.instance("b"));
    let other = ShakenFist::at(fake.url()).namespace("other").key("otherkey").client()?;
    assert_ne!(handles.0, other.instance("a"));
    assert_kind(handles.1.get().await, ErrorKind::NotFound);
    assert_kind(handles.3.data().bytes().await, ErrorKind::NotFound);
    Ok(())
}

#[tokio::test]
async fn a_network_is_deleted_by_its_name() -> Outcome {
    let (fake, sf) = served().await?;
    sf.create_network("front").netblock("10.0.0.0/24").await?;
    // Behind a lost answer its name finds nothing any more.
    fake.on("DELETE /networks/{one}").drop_after();
    sf.network("front").delete().await?;
    assert!(sf.networks().await?.iter().all(|it| it.name != "front"));
    assert_eq!(fake.requests("DELETE /networks/{one}"), 1);
    assert_kind(sf.network("front").delete().await, ErrorKind::NotFound);
    Ok(())
}

#[tokio::test]
async fn lists_are_streams_too_and_events_can_be_stored() -> Outcome {
    let (_fake, sf) = served().await?;
    let web = ready(&sf).await?;
    let mut instances = sf.instances().stream();
    assert_eq!(instances.try_next().await?.map(|it| it.uuid.clone()), Some(web.uuid.clone()));
    assert!(instances.next().await.is_none());
    let mut events = web.events().kind(EventType::Audit).stream();
    let event = events.try_next().await?.ok_or("no event")?;
    assert_eq!(serde_json::to_value(&event)?["kind"], "audit");
    let words = serde_json::to_value(sf.capabilities().await?)?;
    assert!(words.as_array().is_some_and(|words| words.iter().any(|word| word == "instance-execute")));
    Ok(())
}

#[tokio::test]
async fn a_wait_for_the_agent_resumes_by_its_ticket() -> Outcome {
    let (_fake, sf) = served().await?;
    let web = sf.launch("web").disk(Disk::blank(1)).await?;
    let ticket = web.until_agent_ready().ticket().to_string();
    assert!(sf.resume::<Instance>(&ticket.parse()?)?.await?.is_agent_ready());
    let rebooting = web.until_agent_ready().await?.reboot_hard().send().await?;
    sf.resume::<()>(&rebooting.ticket())?.await?;
    Ok(())
}
