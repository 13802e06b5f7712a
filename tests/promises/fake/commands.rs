//! Commands whose results a test plants, on the three fakes that run commands.

use windlass::shakenfist::Disk;
use windlass::testing::{CommandResult, FakeIncus, FakeKoyeb, FakeShakenFist};

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[tokio::test]
async fn incus_runs_them_as_planted_by_themselves_and_in_a_script() -> Outcome {
    let fake = FakeIncus::start().await?;
    let make = fake.command("make test").prints("1 failed\n").prints_error("broken\n").exits(2);
    let web = fake.client()?.launch("web").image("busybox").await?;
    for command in [vec!["make", "test"], vec!["sh", "-c", "make test"]] {
        let done = web.exec(command).output().await?;
        let told = (done.status.code(), done.stdout_text(), done.stderr_text());
        assert_eq!(told, (2, "1 failed\n".to_owned(), "broken\n".to_owned()));
    }
    let done = web.exec(["sh", "-c", "make test || echo again"]).output().await?;
    assert_eq!((done.status.code(), done.stdout_text().as_str()), (0, "1 failed\nagain\n"));
    assert_eq!(make.calls(), 3);
    // Other words are another command.
    assert!(web.exec(["make"]).output().await.is_err_and(|e| e.is_not_found()));
    assert_eq!(make.calls(), 3);
    Ok(())
}

#[tokio::test]
async fn the_later_of_two_counts() -> Outcome {
    let fake = FakeIncus::start().await?;
    let (first, second) = (fake.command("uname").prints("1"), fake.command("uname").prints("2"));
    let web = fake.client()?.launch("web").image("busybox").await?;
    assert_eq!(web.exec(["uname"]).output().await?.stdout_text(), "2");
    assert_eq!((first.calls(), second.calls()), (0, 1));
    Ok(())
}

#[tokio::test]
async fn koyeb_and_shaken_fist_run_them_too() -> Outcome {
    let fake = FakeKoyeb::start().await?;
    let make = fake.command("make").prints("done").exits(3);
    let id = fake.add_instance("HEALTHY");
    let done = fake.client()?.instance(id).exec(["make"]).output().await?;
    assert_eq!((done.status.code(), done.stdout_text().as_str(), make.calls()), (3, "done", 1));

    let fake = FakeShakenFist::start().await?;
    let make = fake.command("make").prints("done").exits(3);
    let web = fake.client()?.launch("web").disk(Disk::from_base("debian:12")).await?;
    web.until_agent_ready().await?;
    let done = web.exec("make").output().await?;
    assert_eq!((done.status.code(), done.stdout_text().as_str(), make.calls()), (3, "done", 1));
    Ok(())
}

/// What the planted `curl` says.
fn curl(arguments: &[String]) -> CommandResult {
    match arguments {
        [url] if url.ends_with("/health") => CommandResult::new().prints("fine\n"),
        _ => CommandResult::new().prints_error("not found\n").exits(22),
    }
}

#[tokio::test]
async fn a_function_answers_for_a_program_on_all_three() -> Outcome {
    let health = "curl http://web/health";
    let fake = FakeIncus::start().await?;
    let planted = fake.program("curl", curl);
    let web = fake.client()?.launch("web").image("busybox").await?;
    assert_eq!(web.exec(["sh", "-c", health]).output().await?.stdout_text(), "fine\n");
    let failed = web.exec(["curl", "-s", "http://web/"]).output().await?;
    assert_eq!((failed.status.code(), failed.stderr_text().as_str()), (22, "not found\n"));
    assert_eq!(planted.calls(), [vec!["http://web/health"], vec!["-s", "http://web/"]]);

    let fake = FakeKoyeb::start().await?;
    let planted = fake.program("curl", curl);
    let instance = fake.client()?.instance(fake.add_instance("HEALTHY"));
    assert_eq!(instance.exec(["curl", "/health"]).output().await?.stdout_text(), "fine\n");
    assert_eq!(planted.calls(), [["/health"]]);

    let fake = FakeShakenFist::start().await?;
    let planted = fake.program("curl", curl);
    let web = fake.client()?.launch("web").disk(Disk::from_base("debian:12")).await?;
    web.until_agent_ready().await?;
    assert_eq!(web.exec("curl x").output().await?.status.code(), 22);
    assert_eq!(planted.calls(), [["x"]]);
    Ok(())
}

#[tokio::test]
async fn the_later_of_a_program_and_a_command_counts() -> Outcome {
    let fake = FakeIncus::start().await?;
    let early = fake.command("curl a").exits(1);
    let program = fake.program("curl", |_| CommandResult::new().exits(2));
    let late = fake.command("curl b").exits(3);
    let web = fake.client()?.launch("web").image("busybox").await?;
    assert_eq!(web.exec(["curl", "a"]).output().await?.status.code(), 2);
    assert_eq!(web.exec(["curl", "b"]).output().await?.status.code(), 3);
    assert_eq!((early.calls(), program.calls().len(), late.calls()), (0, 1, 1));
    Ok(())
}
