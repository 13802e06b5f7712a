//! Incus: whatever stands in an answer or is given to a call, it ends, without a panic.

use std::time::Duration;

use windlass::incus::Incus;
use windlass::testing::FakeIncus;
use windlass::{Error, Kind, Retry};

use crate::alone::{alone, memory};
use crate::hostile::{DURATIONS, Hostile, assert_no_panic, ends, names, watch_panics};

alone! {
    async fn any_value_of_any_answer() -> Outcome {
        watch_panics();
        let fake = FakeIncus::start().await?;
        fake.client()?.launch("web").image("busybox").await?;
        let hostile = Hostile::before(&fake.url()).await?;
        let incus = Incus::http(hostile.url()).retry(Retry::never()).client()?;
        let web = incus.instance("web");
        hostile.each_value("instances", async || incus.instances().list().all().await).await;
        hostile.each_value("instance", async || web.get().await).await;
        hostile.each_value("whole", async || web.get_full().await).await;
        hostile.each_value("state", async || web.state().await).await;
        hostile.each_value("operations", async || incus.operations().list().all().await).await;
        let wait = Duration::from_millis(5);
        let started = async || cut_short(web.restart().force().send().await?.timeout(wait).await.map_err(Error::from));
        hostile.each_value_live("restart", started).await;
        let launched = async || {
            let name = format!("n{:x}", rand::random::<u64>());
            let launching = incus.launch(name).image("busybox").settle_window(Duration::ZERO).send().await?;
            cut_short(launching.timeout(wait).await.map(drop).map_err(Error::from))
        };
        hostile.each_value_live("launch", launched).await;
        assert_no_panic();
        assert!(memory("VmHWM") < 256 << 20, "{} bytes", memory("VmHWM"));
        Ok(())
    }
}

/// A wait that was cut short is as good as one that ended.
fn cut_short(result: Result<(), Error>) -> Result<(), Error> {
    result.or_else(|e| if e.kind() == Kind::Timeout { Ok(()) } else { Err(e) })
}

alone! {
    async fn any_length_of_time_and_any_name() -> Outcome {
        watch_panics();
        let fake = FakeIncus::start().await?;
        fake.add_instance("web");
        let incus = fake.client()?;
        let web = incus.instance("web");
        for (number, time) in DURATIONS.into_iter().enumerate() {
            let place = format!("{time:?}");
            let retry = Retry::default().total(time).attempt_timeout(time).backoff(time, time);
            ends(&place, incus.with(retry).instance("web").get()).await;
            ends(&place, web.restart().timeout(time).send()).await;
            ends(&place, async { Ok::<_, Error>(web.restart().force().send().await?.timeout(time).await?) }).await;
            let launch = incus.launch(format!("n{number}")).image("busybox").settle_window(time);
            ends(&place, async { Ok::<_, Error>(launch.send().await?.timeout(time).await?) }).await;
            ends(&place, web.push("content").idle_timeout(time).to("/tmp/x")).await;
            ends(&place, web.pull("/tmp/x").idle_timeout(time).bytes()).await;
        }
        for name in names() {
            let place = name.chars().take(40).collect::<String>();
            ends(&place, incus.instance(name.as_str()).get()).await;
            ends(&place, incus.project(name.as_str()).instance("web").get()).await;
            ends(&place, web.snapshot(name.as_str()).get()).await;
            ends(&place, web.create_snapshot(name.as_str()).send()).await;
            ends(&place, web.backup(name.as_str()).get()).await;
            ends(&place, web.stat(&name)).await;
            ends(&place, web.rename(name.as_str()).into_future()).await;
            ends(&place, incus.instance("web").exec([name.as_str()]).current_dir(name.as_str()).output()).await;
            let launch = incus.launch(name.as_str()).image(name.as_str()).cpus(u32::MAX).memory(name.as_str());
            ends(&place, launch.config(name.as_str(), name.as_str()).settle_window(Duration::ZERO).send()).await;
        }
        assert_no_panic();
        Ok(())
    }
}
