//! Incus over TLS. The cable ends its connections without a close_notify, at any byte: in the handshake, in a head, in a
//! body, between requests. Nothing that is replaced on the way gets through.

use std::net::SocketAddr;

use windlass::Incus;
use windlass::incus::{BearerToken, Connect};
use windlass::testing::FakeIncus;

use super::super::findings::Findings;
use super::super::folder::Folder;
use super::super::scenario::{Outcome, Stage, Starting, Story};
use super::super::tls_front::TlsFront;
use super::super::{IDLE, WAIT, text};
use super::commands::finished_or_killed;
use super::files::landed;
use super::{running, status, story};
use crate::judge::Wrong;
use crate::world::{http, retry};

const SIZE: usize = 4_000;
const TOKEN: &str = "token-of-this-client";

fn connect(to: SocketAddr) -> Connect {
    let login = || async { Ok::<_, std::io::Error>(BearerToken::new(TOKEN)) };
    Incus::https(to.to_string()).bearer(login).retry(retry()).http(http())
}

fn client(fake: &FakeIncus, to: SocketAddr) -> windlass::Result<Incus> {
    connect(to).fingerprint(fake.fingerprint()).client()
}

/// The server's port for TLS.
fn port(fake: &FakeIncus) -> Result<SocketAddr, std::net::AddrParseError> {
    fake.accept_bearer(TOKEN);
    fake.https().parse()
}

/// TLS notices every byte that was replaced.
fn over_tls<T: 'static>(
    incus: &Incus,
    act: impl Future<Output = windlass::Result<T>> + 'static,
    check: impl FnOnce(Outcome<'_, T>, &mut Findings) + 'static,
) -> Story {
    story(incus, act, move |outcome, findings| {
        findings.is_garbled = false;
        check(outcome, findings);
    })
}

/// One after the other, with a pause in which an idle connection can end.
pub(super) fn calls() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        Stage::new(port(&fake)?, move |to| {
            let incus = client(&fake, to)?;
            let web = incus.instance("web");
            let act = async move {
                let mut names = Vec::new();
                for _ in 0..3 {
                    names.push(web.get().await?.name.clone());
                    tokio::time::sleep(IDLE).await;
                }
                Ok(names)
            };
            Ok(over_tls(&incus, act, |outcome, findings| {
                if let Outcome::Done(names) = outcome {
                    findings.check(Wrong::Lied, names == ["web"; 3], || format!("{names:?}"));
                }
            }))
        })
    })
}

pub(super) fn stop() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        Stage::new(port(&fake)?, move |to| {
            let (incus, fake) = (client(&fake, to)?, fake.clone());
            let stop = incus.instance("web").stop().force();
            let act = async move { Ok(stop.send().await?.timeout(WAIT).await?) };
            Ok(over_tls(&incus, act, move |outcome, findings| {
                let requests = fake.requests("PUT /1.0/instances/{name}/state");
                findings.check(Wrong::Doubled, requests <= 1, || format!("asked {requests} times"));
                let stopped = status(&fake, "web").as_deref() == Some("Stopped");
                outcome.agrees_with(usize::from(stopped), findings);
            }))
        })
    })
}

pub(super) fn exec() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        let work = fake.command("work").prints(text(3_000)).prints_error(text(300)).exits(3);
        Stage::new(port(&fake)?, move |to| {
            let (incus, work) = (client(&fake, to)?, work.clone());
            let act = incus.instance("web").exec(["work"]).output();
            Ok(over_tls(&incus, act, move |outcome, findings| {
                finished_or_killed(&outcome, work.calls(), findings);
            }))
        })
    })
}

pub(super) fn pull() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        fake.add_file("web", "/data", text(SIZE));
        fake.touch_file("web", "/data", WAIT);
        Stage::new(port(&fake)?, move |to| {
            let (incus, folder) = (client(&fake, to)?, Folder::new().unwrap());
            let act = incus.instance("web").pull("/data").idle_timeout(IDLE).to(folder.at("data"));
            Ok(over_tls(&incus, act, move |outcome, findings| {
                landed(&outcome, &folder, "data", &text(SIZE), findings);
            }))
        })
    })
}

/// The end of the connection is the end of the body: only a close_notify tells that it is whole.
pub(super) fn read_without_length() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        fake.add_file("web", "/data", text(SIZE));
        let front = TlsFront::before(&fake.url()).await?;
        Stage::new(front.address, move |to| {
            let incus = connect(to).server_certificate(&front.pem).client()?;
            let web = incus.instance("web");
            let act = async move { web.read_file("/data").await };
            let _lives = &fake;
            Ok(over_tls(&incus, act, |outcome, findings| {
                if let Outcome::Done(bytes) = outcome {
                    findings.same("the file", &bytes, &text(SIZE));
                }
            }))
        })
    })
}

pub(super) fn get_without_length() -> Starting {
    Box::pin(async {
        let fake = running().await?;
        let front = TlsFront::before(&fake.url()).await?;
        Stage::new(front.address, move |to| {
            let incus = connect(to).server_certificate(&front.pem).client()?;
            let web = incus.instance("web");
            let act = async move { web.get().await };
            let _lives = &fake;
            Ok(over_tls(&incus, act, |outcome, findings| {
                if let Outcome::Done(web) = outcome {
                    findings.check(Wrong::Lied, web.name == "web", || format!("{web:?}"));
                }
            }))
        })
    })
}
