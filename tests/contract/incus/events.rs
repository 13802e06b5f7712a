//! Events.

use std::time::Duration;

use windlass::ErrorKind;
use windlass::incus::{Event, Events, Incus, LifecycleAction, LogLevel, Status};

use super::{IMAGE, OTHER, Outcome, handle, launched, name, remove};

/// Reads on until an event is what is looked for.
async fn find<T>(
    events: &mut Events,
    mut wanted: impl FnMut(Event) -> Option<T>,
) -> Result<T, Box<dyn std::error::Error>> {
    let found = async {
        while let Some(event) = events.try_next().await? {
            if let Some(found) = wanted(event) {
                return Ok(found);
            }
        }
        Err("the events ended".into())
    };
    tokio::time::timeout(Duration::from_secs(30), found).await.map_err(|_| "no such event within 30 s")?
}

pub async fn lifecycle_events_tell_what_happened(incus: Incus) -> Outcome {
    let mut events = incus.watch().lifecycle().await?;
    let web = launched(&incus, "told").await?;
    remove(&handle(&incus, &web)).await?;
    let wanted = [
        LifecycleAction::InstanceCreated,
        LifecycleAction::InstanceStarted,
        LifecycleAction::InstanceStopped,
        LifecycleAction::InstanceDeleted,
    ];
    for action in wanted {
        let event = find(&mut events, |event| match event {
            Event::Lifecycle(event) if event.instance() == Some(web.name()) && event.action == action => {
                Some(event)
            }
            Event::Lifecycle(_) => None,
            other => panic!("not asked for: {other:?}"),
        })
        .await?;
        assert_eq!((event.name.as_str(), event.project.as_str()), (web.name(), "default"));
        assert_eq!(event.source, format!("/1.0/instances/{}", web.name()));
        assert!(event.timestamp.is_some() && !event.location.is_empty(), "{event:?}");
        assert!(event.requestor.as_ref().is_some_and(|by| !by.protocol.is_empty()), "{event:?}");
        if action == LifecycleAction::InstanceCreated {
            assert_eq!(event.context["type"], "container");
        }
    }
    Ok(())
}

pub async fn operations_are_events_too(incus: Incus) -> Outcome {
    let mut events = incus.watch().operations().await?;
    let operation = incus.create(name("seen")).image(IMAGE).send().await?;
    let id = operation.ticket().id().to_owned();
    let web = operation.await?;
    let (mut percents, end) = (std::cell::Cell::new(0), Status::Success);
    let last = find(&mut events, |event| match event {
        Event::Operation(event) if event.id == id => {
            let progress = event.metadata.as_ref().and_then(|metadata| metadata.get("progress"));
            percents.set(percents.get() + u32::from(progress.is_some()));
            (event.status == end).then_some(event)
        }
        Event::Operation(_) => None,
        other => panic!("not asked for: {other:?}"),
    })
    .await?;
    assert_eq!(last.into_data().description, "Creating instance");
    assert!(*percents.get_mut() > 0, "no progress");
    remove(&handle(&incus, &web)).await
}

pub async fn the_log_is_events_too(incus: Incus) -> Outcome {
    let mut events = incus.watch().logging().lifecycle().await?;
    // The log tells of the requests of all clients: this one is known by the name of what isn't there.
    let missing = name("logged");
    let e = incus.instance(&missing).get().await.expect_err("there is no such instance");
    assert_eq!(e.kind(), ErrorKind::NotFound);
    let path = format!("/1.0/instances/{missing}");
    let of_this = |url: &str| url.starts_with(&path);
    let entry = find(&mut events, |event| match event {
        Event::Logging(entry)
            if entry.message == "Handling API request"
                && entry.context["url"].as_str().is_some_and(of_this) =>
        {
            Some(entry)
        }
        Event::Logging(_) | Event::Lifecycle(_) => None,
        other => panic!("not asked for: {other:?}"),
    })
    .await?;
    assert_eq!((entry.level.as_ref(), entry.project.as_str()), (Some(&LogLevel::Debug), ""));
    assert_eq!(entry.context["method"], "GET");
    Ok(())
}

pub async fn events_of_all_projects(incus: Incus) -> Outcome {
    let (mut here, mut everywhere) =
        tokio::try_join!(incus.watch().lifecycle(), incus.watch().all_projects())?;
    let there = incus.project(OTHER).create(name("there")).image(IMAGE).await?;
    let own = incus.create(name("here")).image(IMAGE).await?;
    let created = |event| match event {
        Event::Lifecycle(event) if event.action == LifecycleAction::InstanceCreated => Some(event),
        _ => None,
    };
    let seen =
        find(&mut everywhere, |event| created(event).filter(|event| event.instance() == Some(there.name())))
            .await?;
    assert_eq!(seen.project, OTHER);
    // Only after the other one, of which nothing must be heard here.
    find(&mut here, |event| {
        let event = created(event)?;
        assert_ne!(event.instance(), Some(there.name()));
        (event.instance() == Some(own.name())).then_some(())
    })
    .await?;
    remove(&handle(&incus.project(OTHER), &there)).await?;
    remove(&handle(&incus, &own)).await
}

pub async fn an_unknown_type_of_events_is_refused(incus: Incus) -> Outcome {
    let e = incus.watch().lifecycle().of_type("gossip").await.expect_err("there is no such type");
    assert_eq!(
        (e.kind(), e.status(), e.operation()),
        (ErrorKind::InvalidInput, Some(400), "events"),
        "{e:?}"
    );
    Ok(())
}
