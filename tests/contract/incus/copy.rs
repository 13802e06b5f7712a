//! Copies, moves, and the other sources of instances.

use windlass::ErrorKind;
use windlass::incus::{ImageSource, Incus, Status};

use super::{IMAGE, OTHER, Outcome, handle, launched, name, remove};

/// The servers have a second storage pool of this name.
const POOL: &str = "second";

pub async fn an_instance_is_copied(incus: Incus) -> Outcome {
    let web = launched(&incus, "original").await?;
    web.patch().config("user.role", "shop").config("user.mine", "1").await?;
    web.write_file("/root/note", "hello").await?;
    web.create_snapshot("s").await?;
    let twin = web.copy(name("twin")).config("user.role", "twin").description("a copy").await?;
    assert_eq!((&twin.status, twin.description.as_str()), (&Status::Stopped, "a copy"));
    assert_eq!((twin.config["user.role"].as_str(), twin.config["user.mine"].as_str()), ("twin", "1"));
    assert_eq!(twin.read_file("/root/note").await?, "hello");
    assert_eq!(twin.snapshots().await?.len(), 1);
    assert_ne!(twin.config["volatile.uuid"], web.get().await?.config["volatile.uuid"]);
    let bare = web.copy(name("bare")).instance_only().start().await?;
    assert_eq!(bare.status, Status::Running);
    assert!(bare.snapshots().await?.is_empty());
    assert_eq!(bare.exec(["cat", "/root/note"]).output().await?.stdout_text(), "hello");
    for instance in [&web, &twin, &bare] {
        remove(&handle(&incus, instance)).await?;
    }
    Ok(())
}

pub async fn a_snapshot_becomes_an_instance(incus: Incus) -> Outcome {
    let web = incus.create(name("past")).image(IMAGE).await?;
    web.write_file("/root/note", "then").await?;
    let then = web.create_snapshot("then").await?;
    web.write_file("/root/note", "now").await?;
    let old = then.copy(name("old")).await?;
    assert_eq!(old.read_file("/root/note").await?, "then");
    assert!(old.snapshots().await?.is_empty());
    remove(&handle(&incus, &old)).await?;
    remove(&handle(&incus, &web)).await
}

pub async fn a_copy_goes_to_another_project(incus: Incus) -> Outcome {
    let web = incus.create(name("home")).image(IMAGE).config("user.a", "1").await?;
    let other = incus.project(OTHER);
    let guest = other.create(web.name()).copy_of(&web).await?;
    assert_eq!((guest.project.as_str(), guest.config["user.a"].as_str()), (OTHER, "1"));
    let back = incus.create(name("back")).copy_of(&guest).await?;
    assert_eq!(back.project, "default");
    remove(&handle(&other, &guest)).await?;
    remove(&handle(&incus, &back)).await?;
    remove(&handle(&incus, &web)).await
}

pub async fn copies_that_cannot_be(incus: Incus) -> Outcome {
    let web = incus.create(name("one")).image(IMAGE).await?;
    let e = web.copy(web.name()).await.expect_err("the name is taken");
    assert_eq!(e.kind(), ErrorKind::AlreadyExists, "{e:?}");
    let e = incus.instance(name("nobody")).copy(name("x")).await.expect_err("nothing to copy");
    assert_eq!((e.kind(), e.status()), (ErrorKind::NotFound, Some(404)), "{e:?}");
    let e = web.snapshot("none").copy(name("x")).await.expect_err("nothing to copy");
    assert_eq!((e.kind(), e.status()), (ErrorKind::NotFound, Some(404)), "{e:?}");
    for launch in [
        web.copy("..").start(),
        incus.instance("..").copy("fine"),
        web.copy("fine").image(IMAGE),
        incus.create("fine").image(IMAGE).instance_only(),
        incus.create("fine").empty().image(ImageSource::newest([("os", "busybox")])),
        incus.create("fine"),
    ] {
        let e = launch.await.expect_err("it makes no sense");
        assert_eq!((e.kind(), e.attempts()), (ErrorKind::InvalidInput, 0), "{e:?}");
    }
    remove(&handle(&incus, &web)).await
}

pub async fn a_copy_is_refreshed(incus: Incus) -> Outcome {
    let web = incus.create(name("fresh")).image(IMAGE).await?;
    let spare = web.copy(name("spare")).config("user.mine", "1").await?;
    web.write_file("/root/note", "news").await?;
    web.create_snapshot("s").await?;
    spare.refresh_from(&web).await?;
    assert_eq!(spare.read_file("/root/note").await?, "news");
    assert_eq!(spare.snapshots().await?.len(), 1);
    assert_eq!(spare.get().await?.config["user.mine"], "1");
    spare.start().await?;
    let e = spare.refresh_from(&web).await.expect_err("it runs");
    assert_eq!(e.kind(), ErrorKind::Conflict, "{e:?}");
    let e = incus.instance(name("nobody")).refresh_from(&web).await.expect_err("there is no copy");
    assert!(e.is_not_found() && e.operation() == "instance_get", "{e:?}");
    remove(&handle(&incus, &spare)).await?;
    remove(&handle(&incus, &web)).await
}

pub async fn an_instance_moves_to_another_pool_and_project(incus: Incus) -> Outcome {
    let web = incus.create(name("mover")).image(IMAGE).config("user.a", "1").await?;
    web.write_file("/root/note", "hello").await?;
    web.create_snapshot("s").await?;
    let web = web.relocate().pool(POOL).await?;
    assert_eq!(web.expanded_devices["root"]["pool"], POOL);
    let e = web.relocate().pool(POOL).await.expect_err("it is there already");
    assert_eq!(e.kind(), ErrorKind::OperationFailed, "{e:?}");
    let there = web.relocate().project(OTHER).await?;
    assert_eq!((there.project.as_str(), there.config["user.a"].as_str()), (OTHER, "1"));
    assert!(web.get().await.is_err_and(|e| e.is_not_found()));
    assert_eq!(there.read_file("/root/note").await?, "hello");
    assert_eq!(there.snapshots().await?.len(), 1);
    there.start().await?;
    let e = there.relocate().project("default").await.expect_err("it runs");
    assert_eq!(e.kind(), ErrorKind::Conflict, "{e:?}");
    let e = there.relocate().name("x").await.expect_err("that is a rename");
    assert_eq!((e.kind(), e.attempts()), (ErrorKind::InvalidInput, 0), "{e:?}");
    let e = incus.instance(name("nobody")).relocate().pool(POOL).await.expect_err("it doesn't exist");
    assert!(e.is_not_found(), "{e:?}");
    remove(&handle(&incus.project(OTHER), &there)).await
}

pub async fn an_instance_is_rebuilt(incus: Incus) -> Outcome {
    let web = incus.create(name("rebuilt")).image(IMAGE).config("user.a", "1").await?;
    web.write_file("/root/note", "hello").await?;
    web.rebuild(IMAGE).await?;
    assert!(web.read_file("/root/note").await.is_err_and(|e| e.is_not_found()));
    assert_eq!(web.get().await?.config["user.a"], "1");
    web.start().await?;
    assert!(web.rebuild(IMAGE).await.is_err());
    web.stop().force().await?;
    let e = web.rebuild("no-such-image").await.expect_err("there is no such image");
    assert!(e.kind() == ErrorKind::OperationFailed && e.message().contains("Image not provided"), "{e:?}");
    assert!(e.suggestion().is_some_and(|says| says.contains("images:no-such-image")), "{e:?}");
    let e = web.rebuild(ImageSource::default()).await.expect_err("no image is named");
    assert_eq!((e.kind(), e.attempts()), (ErrorKind::InvalidInput, 0), "{e:?}");
    web.rebuild_empty().await?;
    assert!(web.read_file("/bin/busybox").await.is_err_and(|e| e.is_not_found()));
    web.create_snapshot("s").await?;
    let e = web.rebuild(IMAGE).await.expect_err("it has a snapshot");
    assert!(e.message().contains("snapshots"), "{e:?}");
    remove(&handle(&incus, &web)).await
}

pub async fn instances_from_every_source(incus: Incus) -> Outcome {
    let image = incus.image_alias(IMAGE).image().await?;
    let by_image = incus.create(name("image")).image(&image).await?;
    assert_eq!(by_image.config["volatile.base_image"], image.fingerprint);
    let newest = ImageSource::newest([("os", "busybox"), ("release", "test")]);
    let by_properties = incus.create(name("newest")).image(newest).await?;
    assert_eq!(by_properties.config["image.os"], "busybox");
    let e =
        incus.create(name("odd")).image(ImageSource::newest([("os", "none")])).await.expect_err("no image");
    assert!(e.message().contains("No matching image"), "{e:?}");
    let empty = incus.create(name("empty")).empty().await?;
    assert!(!empty.config.contains_key("volatile.base_image"));
    // Nothing listens there: the server looks in vain.
    let remote = ImageSource::alias("x").server("https://127.0.0.1:9");
    let e = incus.create(name("remote")).image(remote).await.expect_err("no such server");
    assert_eq!(e.kind(), ErrorKind::OperationFailed, "{e:?}");
    assert!(e.message().contains("remote image"), "{e:?}");
    for instance in [&by_image, &by_properties, &empty] {
        remove(&handle(&incus, instance)).await?;
    }
    Ok(())
}
