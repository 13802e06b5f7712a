//! However much is asked for at once, so many requests are on their way.

use std::future::IntoFuture;
use std::time::Duration;

use futures_util::future::join_all;
use windlass::incus::{Incus, Instance};
use windlass::testing::{FakeIncus, FakeKoyeb};
use windlass::{ErrorKind, Http, Limits, Retry, Sent, Ticket};

use crate::alone::Outcome;

/// In the process that has few file descriptors: the server's socket, and a file with what is to be done.
const SOCKET: &str = "WINDLASS_TEST_SOCKET";
const TASK: &str = "WINDLASS_TEST_TASK";

/// Runs a test again, in a process that may open so many files. The server stays here, with its half of each connection.
async fn with_files(limit: u32, test: &str, fake: &FakeIncus, task: &str) -> Outcome {
    let mut command = tokio::process::Command::new("sh");
    command.args(["-c", "ulimit -n \"$1\"; shift; exec \"$@\"", "sh", &limit.to_string()]);
    command.arg(std::env::current_exe()?);
    command.args([&format!("limits::in_flight::{test}"), "--exact", "--include-ignored", "--nocapture"]);
    command.env(SOCKET, fake.socket()).env(TASK, task);
    let done = command.kill_on_drop(true).output().await?;
    let text = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && text.contains("1 passed"), "{text}");
    Ok(())
}

/// As many launches at once, and a wait for each.
async fn crowd(test: &str, size: usize) -> Outcome {
    if let Ok(socket) = std::env::var(SOCKET) {
        let incus = Incus::unix(socket).retry(Retry::default().total(Duration::MAX)).client()?;
        let launch = |number| {
            let launch = incus.launch(format!("web{number}")).image("busybox");
            tokio::spawn(async move {
                Ok::<_, windlass::Error>(launch.send().await?.timeout(Duration::MAX).await?)
            })
        };
        for launched in join_all((0..size).map(launch)).await {
            launched??;
        }
        return Ok(());
    }
    let fake = FakeIncus::start().await?;
    let hold = fake.hold_operations();
    let released = async {
        // All of them wait at the same time.
        while fake.requests("POST /1.0/instances") < size {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        drop(hold);
        std::future::pending::<()>().await
    };
    tokio::select! {
        done = with_files(256, test, &fake, "") => done?,
        () = released => {}
    }
    assert_eq!(fake.instances().len(), size);
    let peak = fake.connections_peak();
    println!("{size} waits: {peak} connections at most");
    // Plus those in the making, and those whose end the server hasn't seen yet.
    assert!(peak <= 2 * (64 + 4), "{peak} connections");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_waits() -> Outcome {
    crowd("a_thousand_waits", 1_000).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "long: 10,000 waits; run by `cargo xtask live incus`"]
async fn ten_thousand_waits() -> Outcome {
    crowd("ten_thousand_waits", 10_000).await
}

/// More waits than there are files for their connections: each look that finds none is one that failed, no more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_few_files_for_the_looks() -> Outcome {
    const SIZE: usize = 150;
    if let (Ok(socket), Ok(task)) = (std::env::var(SOCKET), std::env::var(TASK)) {
        let limits = Limits::default().in_flight(SIZE);
        let incus =
            Incus::unix(socket).retry(Retry::never()).http(Http::default().limits(limits)).client()?;
        let mut waits = Vec::new();
        for line in task.lines() {
            let ticket: Ticket = line.parse()?;
            waits.push(tokio::spawn(incus.resume::<Instance>(&ticket)?.into_future()));
        }
        assert_eq!(waits.len(), SIZE);
        // It does come to that.
        let many: Vec<_> = (0..SIZE).map(|_| std::fs::File::open("/dev/null")).collect();
        assert!(many.iter().any(Result::is_err));
        drop(many);
        for wait in waits {
            wait.await??;
        }
        return Ok(());
    }
    let fake = FakeIncus::start().await?;
    let incus = Incus::unix(fake.socket()).client()?;
    let hold = fake.hold_operations();
    let mut tickets = Vec::new();
    for number in 0..SIZE {
        let launch = incus.launch(format!("web{number}")).image("busybox").send().await?;
        tickets.push(launch.ticket().to_string());
    }
    // So that many looks are on their way at once.
    fake.on("GET /1.0/operations/{id}").times(SIZE).delay(Duration::from_millis(300));
    fake.on("GET /1.0/instances/{name}").times(SIZE).delay(Duration::from_millis(300));
    let released = async {
        while fake.requests("GET /1.0/operations/{id}") < SIZE {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        drop(hold);
        std::future::pending::<()>().await
    };
    let task = tickets.join("\n");
    tokio::select! {
        done = with_files(64, "too_few_files_for_the_looks", &fake, &task) => done,
        () = released => Ok(()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_wait_in_order_and_within_their_time() -> Outcome {
    let fake = FakeIncus::start().await?;
    let incus =
        Incus::unix(fake.socket()).http(Http::default().limits(Limits::default().in_flight(2))).client()?;
    let slow = fake.on("GET /1.0/instances/{name}").times(2).hang();
    let held: Vec<_> = (0..2)
        .map(|_| {
            let web = incus.instance("web");
            tokio::spawn(async move { web.get().await.map(drop) })
        })
        .collect();
    while slow.hits() < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let brief = incus.with(Retry::default().total(Duration::from_millis(200)));
    let e = brief.instance("web").get().await.expect_err("its turn doesn't come");
    assert_eq!((e.kind(), e.sent(), e.attempts()), (ErrorKind::Timeout, Sent::No, 0), "{e:?}");
    assert!(e.message().contains("2 requests are in flight (Limits::in_flight)"), "{e}");
    // A call that is given up leaves its place to the next one.
    held.iter().for_each(tokio::task::JoinHandle::abort);
    assert_eq!(incus.instance("web").get().await.map(drop).map_err(|e| e.kind()), Err(ErrorKind::NotFound));
    Ok(())
}

/// An open stream takes no turn, nor does a long poll.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stays_open_keeps_nobody_waiting() -> Outcome {
    let fake = FakeIncus::start().await?;
    let incus =
        Incus::unix(fake.socket()).http(Http::default().limits(Limits::default().in_flight(1))).client()?;
    let web = incus.launch("web").image("busybox").await?;
    let _events = incus.watch().await?;
    let _command = web.exec(["sleep", "60"]).spawn().await?;
    let _console = web.attach_console().await?;
    let hold = fake.hold_operations();
    let wait = tokio::spawn(web.stop().into_future());
    while fake.requests("GET /1.0/operations/{id}/wait") == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(incus.instance("web").get().await?.name, "web");
    drop(hold);
    wait.await??;

    let fake = FakeKoyeb::start().await?;
    let shop = fake.add_service("shop", 1);
    let koyeb = windlass::Koyeb::token(fake.token())
        .url(fake.url())
        .http(Http::default().limits(Limits::default().in_flight(1)));
    let koyeb = koyeb.client()?;
    let _tail = koyeb.service(&shop).logs().tail().await?;
    assert_eq!(koyeb.service(&shop).instances().await?.len(), 1);
    Ok(())
}
