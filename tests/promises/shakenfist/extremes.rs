//! Shaken Fist: whatever stands in an answer or is given to a call, it ends, without a panic.

use windlass::Http;

use super::*;
use crate::alone::{alone, memory};
use crate::hostile::{DURATIONS, Hostile, SIZES, assert_no_panic, ends, limits, names, watch_panics};

alone! {
    async fn any_value_of_any_answer() -> Outcome {
        watch_panics();
        let (fake, sf) = served().await?;
        let web = ready(&sf).await?;
        let net = sf.create_network("net").netblock("10.0.0.0/24").await?;
        let blob = fake.add_blob("content");
        let hostile = Hostile::before(&fake.url()).await?;
        let connect = ShakenFist::at(hostile.url()).namespace("demo").key("demokey");
        let sf = connect.retry(Retry::never()).client()?;
        // With a token in hand, the answers of the calls alone are varied.
        sf.instances().await?;
        let instance = sf.instance(web.id());
        hostile.each_value("instances", async || sf.instances().await).await;
        hostile.each_value("instance", async || instance.get().await).await;
        hostile.each_value("events", async || instance.events().await).await;
        hostile.each_value("networks", async || sf.networks().await).await;
        hostile.each_value("network", async || sf.network(&net.uuid).get().await).await;
        hostile.each_value("blob", async || sf.blob(&blob).get().await).await;
        let wait = Duration::from_millis(5);
        let create = || sf.launch("db").disk(Disk::blank(1)).reconcile_window(wait);
        // The request has all the time that it needs, the wait has little: one that is cut short is as good as one that ends.
        let created = async || match create().send().await?.timeout(wait).await.map_err(Error::from) {
            Err(e) if e.kind() == ErrorKind::Timeout => Ok(None),
            other => other.map(Some),
        };
        hostile.each_value_live("create", created).await;
        assert_no_panic();
        assert!(memory("VmHWM") < 256 << 20, "{} bytes", memory("VmHWM"));
        Ok(())
    }
}

alone! {
    async fn any_length_of_time_and_any_name() -> Outcome {
        watch_panics();
        let (_fake, sf) = served().await?;
        let web = ready(&sf).await?;
        for time in DURATIONS {
            let place = format!("{time:?}");
            let retry = Retry::default().total(time).attempt_timeout(time).backoff(time, time);
            ends(&place, sf.with(retry).instance(web.id()).get()).await;
            ends(&place, web.exec("true").timeout(time).output()).await;
            ends(&place, web.push(windlass::Content::file("content")).timeout(time).to("/tmp/x")).await;
            ends(&place, web.pull("/tmp/x").timeout(time).idle_timeout(time).max_size(u64::MAX).bytes()).await;
            ends(&place, sf.launch("db").disk(Disk::blank(1)).reconcile_window(time).timeout(time).into_future()).await;
        }
        for name in names() {
            let place = name.chars().take(40).collect::<String>();
            ends(&place, sf.instance(name.as_str()).get()).await;
            ends(&place, sf.network(&name).get()).await;
            ends(&place, sf.blob(&name).get()).await;
            ends(&place, sf.artifact(&name).get()).await;
            ends(&place, web.pull(name.as_str()).bytes()).await;
            ends(&place, web.push(windlass::Content::file("content")).mode(u32::MAX).to(&name)).await;
            ends(&place, sf.launch(name.as_str()).namespace(name.as_str()).cpus(u32::MAX).memory_mib(u32::MAX).send()).await;
            ends(&place, sf.create_network(name.as_str()).netblock(name.as_str()).send()).await;
        }
        assert_no_panic();
        Ok(())
    }
}

alone! {
    async fn any_limit_and_any_setting() -> Outcome {
        watch_panics();
        let (fake, sf) = served().await?;
        let web = ready(&sf).await?;
        let blob = fake.add_blob("content");
        for time in DURATIONS {
            for size in SIZES {
                let place = format!("{time:?}, {size}");
                let connect = ShakenFist::at(fake.url()).namespace("demo").key("demokey").retry(Retry::never());
                let sf = connect.http(Http::default().limits(limits(time, size))).client()?;
                ends(&place, sf.instances()).await;
                ends(&place, sf.instance(web.id()).get()).await;
            }
            let place = format!("{time:?}");
            ends(&place, web.create_snapshot().timeout(time).send()).await;
            ends(&place, sf.upload(windlass::Content::file("content")).timeout(time).as_other("file")).await;
            ends(&place, web.power_off().timeout(time).into_future()).await;
            ends(&place, web.power_on().timeout(time).into_future()).await;
        }
        for size in SIZES {
            let (place, number) = (size.to_string(), u32::try_from(size).unwrap_or(u32::MAX));
            ends(&place, web.exec("true").max_output(size).output()).await;
            ends(&place, web.console_log().last(number).into_future()).await;
            ends(&place, web.events().limit(number)).await;
            ends(&place, web.create_snapshot().max_versions(number).send()).await;
            ends(&place, web.pull("/tmp/x").mode(number).max_size(size).bytes()).await;
            if let Some(blob) = ends(&place, sf.blob(&blob).get()).await {
                ends(&place, blob.data().offset(size).limit(size).bytes()).await;
            }
            let create = sf.launch("big").cpus(number).memory_mib(number).disk(Disk::blank(number).size_gb(number));
            ends(&place, create.attempts_when_full(number).reconcile_window(Duration::ZERO).timeout(Duration::ZERO).send()).await;
        }
        assert_no_panic();
        Ok(())
    }
}

alone! {
    async fn any_word_of_any_setting() -> Outcome {
        watch_panics();
        let (_fake, sf) = served().await?;
        let web = ready(&sf).await?;
        for name in names() {
            let (place, name) = (name.chars().take(40).collect::<String>(), name.as_str());
            ends(&place, web.create_snapshot().device(name).send()).await;
            ends(&place, web.set_metadata(name, name)).await;
            ends(&place, web.remove_metadata(name)).await;
            ends(&place, sf.upload(windlass::Content::file("content")).as_image(name)).await;
            ends(&place, sf.find_blob(name)).await;
            ends(&place, sf.instances().namespace(name)).await;
            let create = sf.launch("odd").disk(Disk::from_base(name)).nic(Nic::on(name).address(name).mac(name));
            ends(&place, create.ssh_key(name).placed_on(name).metadata(name, name).reconcile_window(Duration::ZERO).send()).await;
        }
        assert_no_panic();
        Ok(())
    }
}
