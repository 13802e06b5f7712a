//! Koyeb: whatever stands in an answer or is given to a call, it ends, without a panic.

use std::time::Duration;

use windlass::koyeb::Koyeb;
use windlass::testing::FakeKoyeb;
use windlass::{Error, ErrorKind, Http, Retry};

use crate::alone::{alone, memory};
use crate::hostile::{DURATIONS, Hostile, SIZES, assert_no_panic, ends, limits, names, watch_panics};

alone! {
    async fn any_value_of_any_answer() -> Outcome {
        watch_panics();
        let fake = FakeKoyeb::start().await?;
        let shop = fake.add_service("shop", 1);
        let id = fake.instances(&shop).remove(0);
        fake.add_event(&id, "healthy");
        fake.add_log(&id, "stdout", "hello");
        let hostile = Hostile::before(&fake.url()).await?;
        let koyeb = Koyeb::token(fake.token()).url(hostile.url()).retry(Retry::never()).client()?;
        let service = koyeb.service(shop.as_str());
        hostile.each_value("instances", async || koyeb.instances().await).await;
        hostile.each_value("instance", async || koyeb.instance(id.as_str()).get().await).await;
        hostile.each_value("services", async || koyeb.services().await).await;
        hostile.each_value("service", async || service.get().await).await;
        hostile.each_value("deployments", async || koyeb.deployments().await).await;
        hostile.each_value("events", async || koyeb.instance_events().await).await;
        hostile.each_value("logs", async || koyeb.instance(id.as_str()).logs().await).await;
        hostile.each_value("scaling", async || service.get_scaling().await).await;
        let scaled = async || service.scale(1).send().await?.timeout(Duration::from_millis(50)).await.map_err(Error::from).or_else(late);
        hostile.each_value_live("scale", scaled).await;
        assert_no_panic();
        assert!(memory("VmHWM") < 256 << 20, "{} bytes", memory("VmHWM"));
        Ok(())
    }
}

/// A wait that was cut short is as good as one that ended.
fn late(e: Error) -> windlass::Result<()> {
    if e.kind() == ErrorKind::Timeout { Ok(()) } else { Err(e) }
}

alone! {
    async fn any_length_of_time_and_any_name() -> Outcome {
        watch_panics();
        let fake = FakeKoyeb::start().await?;
        let shop = fake.add_service("shop", 1);
        let id = fake.instances(&shop).remove(0);
        for time in DURATIONS {
            let place = format!("{time:?}");
            let retry = Retry::default().total(time).attempt_timeout(time).backoff(time, time);
            let koyeb = fake.client()?;
            ends(&place, koyeb.with(retry).instance(id.as_str()).get()).await;
            ends(&place, koyeb.instance(id.as_str()).until_healthy().timeout(time)).await;
            ends(&place, koyeb.instance(id.as_str()).exec(["echo", "x"]).keepalive(time).output()).await;
        }
        let koyeb = fake.client()?;
        for name in names() {
            let place = name.chars().take(40).collect::<String>();
            ends(&place, koyeb.instance(name.as_str()).get()).await;
            ends(&place, koyeb.instances().app(name.as_str()).page_size(0)).await;
            ends(&place, koyeb.services().name(name.as_str()).page_size(u32::MAX)).await;
            ends(&place, koyeb.service(name.as_str()).scale(u32::MAX).scope(name.as_str()).send()).await;
            ends(&place, koyeb.instance(name.as_str()).exec([name.as_str()]).output()).await;
            ends(&place, koyeb.instance(name.as_str()).logs().text(name.as_str()).limit(u32::MAX).into_future()).await;
        }
        assert_no_panic();
        Ok(())
    }
}

alone! {
    async fn any_limit_and_any_setting() -> Outcome {
        watch_panics();
        let fake = FakeKoyeb::start().await?;
        let shop = fake.add_service("shop", 1);
        let id = fake.instances(&shop).remove(0);
        for (time, size) in DURATIONS.into_iter().flat_map(|time| SIZES.map(|size| (time, size))) {
            let place = format!("{time:?}, {size}");
            let connect = Koyeb::token(fake.token()).url(fake.url()).retry(Retry::never());
            let koyeb = connect.http(Http::default().limits(limits(time, size))).client()?;
            ends(&place, koyeb.instance(id.as_str()).get()).await;
            ends(&place, koyeb.instances()).await;
            ends(&place, koyeb.instance(id.as_str()).exec(["echo", "x"]).output()).await;
        }
        let koyeb = fake.client()?;
        for size in SIZES {
            let place = size.to_string();
            let (number, short) = (u32::try_from(size).unwrap_or(u32::MAX), u16::try_from(size).unwrap_or(u16::MAX));
            let instance = koyeb.instance(id.as_str());
            ends(&place, instance.exec(["echo", "x"]).max_output(size).output()).await;
            ends(&place, instance.exec(["echo", "x"]).terminal(short, short).output()).await;
            ends(&place, instance.events().page_size(number)).await;
            ends(&place, koyeb.instances().replica(number).page_size(number)).await;
            ends(&place, koyeb.deployments().page_size(number)).await;
            ends(&place, koyeb.snapshots().page_size(number)).await;
            ends(&place, koyeb.service("nobody").scale(number).region("fra").and(number).send()).await;
        }
        for name in names() {
            let (place, name) = (name.chars().take(40).collect::<String>(), name.as_str());
            ends(&place, koyeb.deployments().app(name).service(name).id(name)).await;
            ends(&place, koyeb.snapshots().name(name).id(name)).await;
            ends(&place, koyeb.instance_events().instance(name).event_type(name)).await;
            ends(&place, koyeb.services().region(name).id(name)).await;
            ends(&place, koyeb.service(name).redeploy().sha(name).deployment_group(name).send()).await;
            ends(&place, koyeb.instance(name).create_snapshot().name(name).send()).await;
            ends(&place, koyeb.instance(name).logs().regex(name).region(name).into_future()).await;
        }
        assert_no_panic();
        Ok(())
    }
}
