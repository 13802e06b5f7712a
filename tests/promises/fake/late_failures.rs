//! Work that is accepted, and fails afterwards.

use windlass::testing::{FakeIncus, Generation};
use windlass::{ErrorKind, Incus, WaitEnd};

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[tokio::test]
async fn an_operation_of_incus() -> Outcome {
    for generation in [Generation::V6_0, Generation::V7_0] {
        let fake = FakeIncus::builder().generation(generation).start().await?;
        let incus = Incus::unix(fake.socket()).client()?;
        let full = fake.fail_operation("POST /1.0/instances", "No space left on device");
        let failed = incus.launch("web").image("busybox").send().await?.await.expect_err("the disk is full");
        assert_eq!((failed.end(), full.hits()), (WaitEnd::Failed, 1));
        assert!(failed.to_string().contains("No space left on device"), "{failed}");
        assert!(fake.instances().is_empty());

        // Only the next one, and nothing has changed.
        let web = incus.launch("web").image("busybox").await?;
        let planted = fake.fail_operation("PUT /1.0/instances/{name}/state", "not today");
        let e = web.restart().await.expect_err("as planted");
        assert_eq!((e.kind(), planted.hits()), (ErrorKind::OperationFailed, 1), "{e}");
        assert!(e.message().contains("not today"), "{e}");
        assert_eq!(fake.instance("web").ok_or("it is gone")?["status"], "Running");
        fake.fail_operation("POST /1.0/instances/{name}/exec", "no more processes");
        let e = web.exec(["true"]).discard_output().await.expect_err("as planted");
        assert!(e.to_string().contains("no more processes"), "{e}");
        web.delete().force().await?;
    }
    Ok(())
}

#[tokio::test]
async fn only_the_request_that_was_meant_fails() -> Outcome {
    let fake = FakeIncus::start().await?;
    let incus = fake.client()?;
    fake.add_instance("old");
    let planted = fake.fail_operation("DELETE /1.0/instances/{name}", "not today");
    // A request on another route, and one that starts no operation, take nothing from it.
    incus.launch("web").image("busybox").await?;
    assert_eq!(planted.hits(), 0);
    let e = incus.instance("none").delete().await.expect_err("there is none");
    assert_eq!((e.kind(), planted.hits()), (ErrorKind::NotFound, 1));
    incus.instance("old").delete().await?;
    Ok(())
}
