//! Failures that the client itself finds say where they arose, on Koyeb.

use std::time::Duration;

use windlass::testing::FakeKoyeb;

use super::*;

#[tokio::test]
async fn commands() -> Outcome {
    let fake = FakeKoyeb::start().await?;
    let web = fake.client()?.instance(fake.add_instance("HEALTHY"));
    let mut errors = vec![
        ("no program", failed(web.exec([""]).output().await)),
        ("too much", failed(web.exec(["echo", "hello"]).max_output(2).output().await)),
    ];
    fake.stream_frame("<html>");
    errors.push(("no frame", failed(web.exec(["true"]).output().await)));
    fake.stream_frame(r#"{"result":{"stdout":{"data":"?"}}}"#);
    errors.push(("no base64", failed(web.exec(["true"]).output().await)));
    fake.stream_error(16, "unauthenticated");
    errors.push(("refused", failed(web.exec(["true"]).output().await)));
    fake.stream_cut();
    errors.push(("cut", failed(web.exec(["true"]).output().await)));
    let mut run = web.exec(["cat"]).pipe_stdin().spawn().await?;
    errors.push(("a size without a terminal", failed(run.resize(80, 24).await)));
    errors.push(("no signals", failed(run.signal(windlass::Signal::TERM).await)));
    run.kill().await?;
    errors.push(("killed", failed(run.wait().await)));
    assert_origins(&errors, "koyeb", &fake.url());
    for (what, e) in errors {
        assert_eq!(e.object(), Some(web.id()), "{what}: {e}");
    }
    Ok(())
}

#[tokio::test]
async fn logs_lists_and_waits() -> Outcome {
    let fake = FakeKoyeb::start().await?;
    let koyeb = fake.client()?;
    let shop = fake.add_service("shop", 1);
    let web = koyeb.instance(fake.add_instance("STOPPED"));
    let logs = || koyeb.service(&shop).logs();
    let mut errors = vec![
        ("no such limit", failed(logs().limit(0).await)),
        ("a tail with no such limit", failed(logs().limit(0).tail().await)),
        ("a page of nothing", failed(koyeb.instances().page_size(0).await)),
        ("it is stopped", failed(web.until_healthy().await)),
        ("it can't be cancelled", failed(koyeb.service(&shop).scale(1).send().await?.cancel().await)),
    ];
    fake.stream_frame("<html>");
    let mut tail = logs().tail().await?;
    let line = tokio::time::timeout(Duration::from_secs(20), tail.next()).await?.ok_or("no line")?;
    errors.push(("no frame", failed(line)));
    fake.stream_error(7, "permission_denied");
    let mut tail = logs().tail().await?;
    let line = tokio::time::timeout(Duration::from_secs(20), tail.next()).await?.ok_or("no line")?;
    errors.push(("refused", failed(line)));
    assert_origins(&errors, "koyeb", &fake.url());
    Ok(())
}
