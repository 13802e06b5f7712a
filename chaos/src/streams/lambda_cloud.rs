//! Lambda Cloud.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use windlass::lambda_cloud::Choice;
use windlass::testing::FakeLambdaCloud;
use windlass::{Error, LambdaCloud, Pacing};

use super::findings::Findings;
use super::scenario::{Outcome, Scenario, Stage, Start, Starting, Story};
use super::{LIMIT, WAIT};
use crate::api::Api;
use crate::judge::Wrong;
use crate::world::{address, http, retry};

/// The scenarios.
pub(super) static ALL: &[Scenario] = &[
    of("launch", launch),
    of("launch_when_available", launch_when_available),
    of("until_active", until_active),
    of("until_ssh_ready", until_ssh_ready),
    of("restart", restart),
    of("terminate", terminate),
];

const fn of(name: &'static str, start: fn() -> Starting) -> Scenario {
    Scenario { api: Api::LambdaCloud, name, limit: LIMIT, start: Start::Fake(start) }
}

fn client(fake: &FakeLambdaCloud, to: SocketAddr) -> windlass::Result<LambdaCloud> {
    let connect = LambdaCloud::key(fake.key()).url(format!("http://{to}"));
    connect.retry(retry()).http(http()).pacing(Pacing::none()).client()
}

fn story<T: 'static>(
    lambda: &LambdaCloud,
    act: impl Future<Output = Result<T, Error>> + 'static,
    check: impl FnOnce(Outcome<'_, T>, &mut Findings) + 'static,
) -> Story {
    let lambda = lambda.clone();
    let simple = move || {
        let lambda = lambda.clone();
        async move { lambda.raw().regions_list().send().await.map(drop) }
    };
    Story::new(simple, act, check)
}

fn status(fake: &FakeLambdaCloud, id: &str) -> String {
    let document = fake.instance(id).unwrap_or_default();
    document["status"].as_str().unwrap_or_default().to_owned()
}

fn is_active(fake: &FakeLambdaCloud, id: &str, findings: &mut Findings) {
    let now = status(fake, id);
    findings.check(Wrong::Lied, now == "active", || format!("it is {now}"));
}

fn launch() -> Starting {
    Box::pin(async {
        let fake = FakeLambdaCloud::start().await?;
        Stage::new(address(&fake.url())?, move |to| {
            let (lambda, fake) = (client(&fake, to)?, fake.clone());
            let launch = lambda.launch("gpu_1x_a10").region("us-west-1").ssh_key("laptop");
            let launch = launch.reconcile_window(WAIT);
            let act = async move { Ok(launch.send().await?.timeout(WAIT).await?) };
            Ok(story(&lambda, act, move |outcome, findings| {
                outcome.agrees_with(fake.launches(), findings);
                if let Outcome::Done(gpu) = outcome {
                    is_active(&fake, &gpu.id, findings);
                }
            }))
        })
    })
}

fn launch_when_available() -> Starting {
    Box::pin(async {
        let fake = FakeLambdaCloud::start().await?;
        Stage::new(address(&fake.url())?, move |to| {
            let (lambda, fake) = (client(&fake, to)?, fake.clone());
            fake.no_capacity();
            let choices = ["gpu_1x_h100_pcie", "gpu_1x_a10"].map(|kind| Choice::of(kind).anywhere());
            let search = lambda.launch_when_available(choices).search_timeout(WAIT);
            let search = search.launch(|launch| launch.ssh_key("laptop").reconcile_window(WAIT));
            let other = fake.clone();
            let act = async move {
                let later = async {
                    tokio::time::sleep(Duration::from_secs(20)).await;
                    other.capacity("gpu_1x_a10").in_region("us-west-1").is(1);
                    std::future::pending::<()>().await;
                };
                tokio::select! {
                    found = async { Ok(search.send().await?.timeout(WAIT).await?) } => found,
                    () = later => unreachable!(),
                }
            };
            Ok(story(&lambda, act, move |outcome, findings| {
                outcome.agrees_with(fake.launches(), findings);
                if let Outcome::Done(gpu) = outcome {
                    is_active(&fake, &gpu.id, findings);
                }
            }))
        })
    })
}

fn until_active() -> Starting {
    Box::pin(async {
        let fake = FakeLambdaCloud::start().await?;
        Stage::new(address(&fake.url())?, move |to| {
            let (lambda, fake) = (client(&fake, to)?, fake.clone());
            let id = fake.add_instance();
            fake.edit_instance(&id, |gpu| gpu["status"] = "booting".into());
            let (until, other) = (lambda.instance(&id).until_active().timeout(WAIT), fake.clone());
            let booting = id.clone();
            let act = async move {
                let later = async {
                    tokio::time::sleep(Duration::from_secs(3)).await;
                    other.edit_instance(&booting, |gpu| gpu["status"] = "active".into());
                    std::future::pending::<()>().await;
                };
                tokio::select! {
                    waited = async { Ok(until.await?) } => waited,
                    () = later => unreachable!(),
                }
            };
            Ok(story(&lambda, act, move |outcome, findings| {
                if let Outcome::Done(_) = outcome {
                    is_active(&fake, &id, findings);
                }
            }))
        })
    })
}

/// The SSH server is reached without the cable.
fn until_ssh_ready() -> Starting {
    Box::pin(async {
        let fake = FakeLambdaCloud::start().await?;
        Stage::new(address(&fake.url())?, move |to| {
            let (lambda, fake) = (client(&fake, to)?, fake.clone());
            let id = fake.add_instance();
            fake.edit_instance(&id, |gpu| gpu["ip"] = "127.0.0.1".into());
            let (gpu, own) = (lambda.instance(&id), id.clone());
            let act = async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                let port = listener.local_addr().expect("an address").port();
                let until = gpu.until_ssh_ready_on(port).timeout(WAIT);
                tokio::select! {
                    waited = async { Ok(until.await?) } => waited,
                    () = greet(&listener) => unreachable!(),
                }
            };
            Ok(story(&lambda, act, move |outcome, findings| {
                if let Outcome::Done(gpu) = outcome {
                    findings.check(Wrong::Lied, gpu.id == own, || format!("another instance: {}", gpu.id));
                    is_active(&fake, &own, findings);
                }
            }))
        })
    })
}

/// Greets all callers as an SSH server does.
async fn greet(listener: &TcpListener) {
    loop {
        if let Ok((mut caller, _)) = listener.accept().await {
            let _ = caller.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await;
        }
    }
}

fn restart() -> Starting {
    Box::pin(async {
        let fake = FakeLambdaCloud::start().await?;
        Stage::new(address(&fake.url())?, move |to| {
            let (lambda, fake) = (client(&fake, to)?, fake.clone());
            let id = fake.add_instance();
            let restart = lambda.instance(&id).restart();
            let act = async move { Ok(restart.send().await?.timeout(WAIT).await?) };
            Ok(story(&lambda, act, move |outcome, findings| {
                outcome.agrees_with(fake.requests("POST /api/v1/instance-operations/restart"), findings);
                if let Outcome::Done(()) = outcome {
                    is_active(&fake, &id, findings);
                }
            }))
        })
    })
}

fn terminate() -> Starting {
    Box::pin(async {
        let fake = FakeLambdaCloud::start().await?;
        Stage::new(address(&fake.url())?, move |to| {
            let (lambda, fake) = (client(&fake, to)?, fake.clone());
            let id = fake.add_instance();
            let terminate = lambda.instance(&id).terminate();
            let act = async move { Ok(terminate.send().await?.timeout(WAIT).await?) };
            Ok(story(&lambda, act, move |outcome, findings| {
                let gone = !fake.instances().contains(&id);
                if let Outcome::Done(()) = outcome {
                    findings.check(Wrong::Lied, gone, || "it still costs money".to_owned());
                }
            }))
        })
    })
}
