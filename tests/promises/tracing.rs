//! What a subscriber sees at `windlass=debug`: an event for each request and for each step of a wait.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Mutex;
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};
use windlass::cloud::Cleanup;
use windlass::shakenfist::Disk;
use windlass::testing::{FakeIncus, FakeKoyeb, FakeLambdaCloud, FakeShakenFist};
use windlass::{Http, Incus, Koyeb, Retry};

use crate::alone::alone;

/// The fields of the events, with their target as `target`.
static EVENTS: Mutex<Vec<BTreeMap<String, String>>> = Mutex::new(Vec::new());

struct Collect;

#[derive(Default)]
struct Fields(BTreeMap<String, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl Subscriber for Collect {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("windlass") && *metadata.level() <= Level::DEBUG
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        fields.0.insert("target".to_owned(), event.metadata().target().to_owned());
        EVENTS.lock().unwrap().push(fields.0);
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// The events of this target since the last call: api, operation, object, status or error, attempt. Each has a duration.
fn events(target: &str) -> Vec<String> {
    let all = std::mem::take(&mut *EVENTS.lock().unwrap());
    let line = |event: &BTreeMap<String, String>| {
        assert!(event.contains_key("duration"), "{event:?}");
        let fields = ["api", "operation", "object", "status", "error", "attempt"];
        let shown = fields.iter().filter_map(|field| event.get(*field).map(String::as_str));
        shown.collect::<Vec<_>>().join(" ")
    };
    all.iter().filter(|event| event["target"] == target).map(line).collect()
}

const REQUEST: &str = "windlass::request";
const WAIT: &str = "windlass::wait";

/// Without pauses.
fn at_once() -> Retry {
    Retry::default().backoff(Duration::ZERO, Duration::ZERO)
}

alone! {
    async fn each_request_is_an_event() -> Outcome {
        tracing::subscriber::set_global_default(Collect)?;
        let fake = FakeIncus::start().await?;
        fake.add_instance("web");
        let incus = Incus::unix(fake.socket()).retry(at_once()).client()?;
        fake.on("GET /1.0/instances/{name}").reply(503, "");
        fake.on("GET /1.0/instances/{name}").drop_before();
        incus.instance("web").get().await?;
        assert_eq!(
            events(REQUEST),
            [
                "incus instance_get web 503 1",
                "incus instance_get web connection 2",
                "incus instance_get web 200 3",
            ]
        );
        incus.instance("we\u{1b}b").get().await.expect_err("there is none");
        assert_eq!(events(REQUEST), ["incus instance_get we\\u{1b}b 404 1"]);

        let fake = FakeKoyeb::start().await?;
        let id = fake.add_instance("HEALTHY");
        let koyeb = fake.client()?;
        koyeb.instance(&id).exec(["true"]).output().await?.success()?;
        koyeb.instance(&id).get().await?;
        assert_eq!(events(REQUEST), ["koyeb exec_command 101 1".to_owned(), format!("koyeb get_instance {id} 200 1")]);

        let fake = FakeLambdaCloud::start().await?;
        fake.client()?.instances().await?;
        assert_eq!(events(REQUEST), ["lambda-cloud instances_list 200 1"]);

        let fake = FakeShakenFist::start().await?;
        fake.client()?.instances().await?;
        assert_eq!(events(REQUEST), ["shakenfist auth 200 1", "shakenfist instances_list 200 1"]);
        Ok(())
    }
}

alone! {
    async fn each_step_of_a_wait_is_an_event() -> Outcome {
        tracing::subscriber::set_global_default(Collect)?;
        let fake = FakeIncus::start().await?;
        let incus = Incus::unix(fake.socket()).retry(Retry::never()).client()?;
        fake.on("GET /1.0/operations/{id}/wait").reply(503, "");
        incus.launch("web").image("busybox").await?;
        let seen = events(WAIT);
        let (last, others) = seen.split_last().ok_or("no event")?;
        assert!(seen[0].starts_with("incus launch web unknown ") && seen[0].ends_with(" 1"), "{seen:?}");
        assert!(seen[0].contains("503"), "{seen:?}");
        assert_eq!(*last, format!("incus launch web succeeded {}", seen.len()));
        assert!(others[1..].iter().all(|line| line.starts_with("incus launch web running ")), "{seen:?}");

        let fake = FakeShakenFist::start().await?;
        fake.client()?.launch("web").disk(Disk::blank(8)).await?;
        let seen = events(WAIT);
        let last = seen.last().ok_or("no event")?;
        assert!(last.starts_with("shakenfist launch ") && last.contains(" succeeded "), "{seen:?}");
        Ok(())
    }
}

alone! {
    async fn a_cleanup_that_may_leave_instances_warns_when_dropped() -> Outcome {
        tracing::subscriber::set_global_default(Collect)?;
        let fake = FakeIncus::start().await?;
        let incus = fake.client()?;
        let warnings = |owner: &str| {
            let all = EVENTS.lock().unwrap();
            all.iter().filter(|event| event.get("owner").is_some_and(|o| o.contains(owner))).count()
        };
        let (finished, left) = (Cleanup::new("finished"), Cleanup::new("left"));
        for (cleanup, name) in [(&finished, "web"), (&left, "db")] {
            cleanup.launch(incus.launch(name).image("busybox")).await?;
        }
        assert!(finished.finish().await.is_success());
        drop((finished, left));
        // The task of the launch may hold it for a moment.
        let warned = async {
            while warnings("left") == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), warned).await.map_err(|_| "no warning")?;
        assert_eq!((warnings("left"), warnings("finished")), (1, 0));
        Ok(())
    }
}

alone! {
    async fn no_event_shows_a_secret() -> Outcome {
        tracing::subscriber::set_global_default(Collect)?;
        let fake = FakeKoyeb::start().await?;
        let id = fake.add_instance("HEALTHY");
        let http = Http::default().header("x-secret", "hunter2");
        let koyeb = Koyeb::token(fake.token()).url(fake.url()).http(http).client()?;
        koyeb.instance(&id).exec(["echo", "hunter2"]).output().await?;
        let (lambda, sf) = (FakeLambdaCloud::start().await?, FakeShakenFist::start().await?);
        lambda.client()?.instances().await?;
        sf.client()?.instances().await?;
        let incus = FakeIncus::start().await?;
        let web = incus.client()?.launch("web").image("busybox").config("user.password", "hunter2").await?;
        web.exec(["echo", "hunter2"]).output().await?;

        let printed = format!("{:?}", EVENTS.lock().unwrap());
        let sockets = incus.log();
        let sockets = sockets.iter().filter_map(|request| request.param("secret"));
        let secrets = [fake.token(), lambda.key(), "demokey", "hunter2"].map(str::to_owned);
        for secret in secrets.into_iter().chain(sockets) {
            assert!(!printed.contains(&secret), "{secret} in {printed}");
        }
        assert!(printed.contains("instance_exec"), "{printed}");
        Ok(())
    }
}
