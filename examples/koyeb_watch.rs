//! Watches a service of Koyeb: its deployments and instances as their states change, and its log as it is written.
//!
//! ```sh
//! cargo run --example koyeb_watch            # a redeployment on a built-in fake service
//! cargo run --example koyeb_watch -- NAME    # a service of yours, until Ctrl-C
//! ```
//!
//! The log goes on when its connection breaks: what was written meanwhile is fetched. Where lines may be missing all the
//! same, a line says so.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use windlass::Koyeb;
use windlass::koyeb::{LogLine, ServiceRef, Tailed};
use windlass::testing::FakeKoyeb;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Outcome {
    let Some(name) = std::env::args().nth(1) else {
        return rehearse().await;
    };
    let koyeb = Koyeb::discover().await?;
    let found = koyeb.services().name(&name).await?;
    let service = koyeb.service(found.first().ok_or_else(|| format!("there is no service {name}"))?.id());
    tokio::select! {
        ended = watch(&service, Duration::from_secs(5), io::stdout()) => ended,
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}

/// Looks at the states this often, and writes down what is new until the log ends with an error.
pub async fn watch(service: &ServiceRef, every: Duration, mut out: impl Write) -> Outcome {
    let mut tail = service.logs().tail().await?;
    let mut looks = tokio::time::interval(every);
    let mut known = States::default();
    loop {
        tokio::select! {
            _ = looks.tick() => known.look(service, &mut out).await?,
            tailed = tail.try_next() => match tailed? {
                Some(Tailed::Line(line)) => writeln!(out, "{}", shown(&line))?,
                Some(_) => writeln!(out, "··· lines may be missing here")?,
                None => return Ok(()),
            },
        }
    }
}

/// The last known state of each deployment and instance.
#[derive(Default)]
struct States(BTreeMap<String, String>);

impl States {
    /// Writes down what has changed since the last look.
    async fn look(&mut self, service: &ServiceRef, out: &mut impl Write) -> Outcome {
        for deployment in service.deployments().await? {
            let why: String = deployment.messages.iter().map(|message| format!(": {message}")).collect();
            self.note(
                format!("deployment {:.8}", deployment.id),
                format!("{}{why}", deployment.status),
                out,
            )?;
        }
        for instance in service.instances().await? {
            let name = format!("instance {:.8} in {}", instance.id, instance.region);
            self.note(name, instance.status.to_string(), out)?;
        }
        Ok(())
    }

    fn note(&mut self, name: String, state: String, out: &mut impl Write) -> io::Result<()> {
        match self.0.insert(name.clone(), state.clone()) {
            Some(before) if before == state => Ok(()),
            Some(before) => writeln!(out, "{name}: {before} → {state}"),
            None => writeln!(out, "{name}: {state}"),
        }
    }
}

/// A line with its time, its instance, and whether it was written to standard error.
fn shown(line: &LogLine) -> String {
    let time = line.created_at.map(|time| time.format("%H:%M:%S%.3f").to_string()).unwrap_or_default();
    let instance = line.instance_id.as_deref().unwrap_or("-");
    format!("{time} {instance:.8} {:6} {}", line.stream, line.message)
}

/// A redeployment on a fake service, whose log loses its connection.
pub async fn rehearse() -> Outcome {
    let fake = FakeKoyeb::start().await?;
    fake.step(Duration::from_millis(300));
    let shop = fake.client()?.service(fake.add_service("shop", 2));
    let play = async {
        let writer = fake.instances(shop.id()).remove(0);
        fake.add_log(&writer, "stdout", "ready");
        shop.redeploy().await?;
        fake.close_tails();
        fake.add_log(&writer, "stderr", "bye");
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(())
    };
    tokio::select! {
        ended = watch(&shop, Duration::from_millis(100), io::stdout()) => ended,
        over = play => over,
    }
}
