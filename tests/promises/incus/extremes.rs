//! Incus: whatever stands in an answer or is given to a call, it ends, without a panic.

use std::time::Duration;

use windlass::incus::{BearerToken, Incus};
use windlass::testing::FakeIncus;
use windlass::{Content, Error, ErrorKind, Http, Retry};

use super::transfer::Directory;
use crate::alone::{alone, memory};
use crate::hostile::{DURATIONS, Hostile, SIZES, assert_no_panic, ends, limits, names, watch_panics};

alone! {
    async fn any_value_of_any_answer() -> Outcome {
        watch_panics();
        let fake = FakeIncus::start().await?;
        fake.client()?.launch("web").image("busybox").await?;
        let hostile = Hostile::before(&fake.url()).await?;
        let incus = Incus::http(hostile.url()).retry(Retry::never()).client()?;
        let web = incus.instance("web");
        hostile.each_value("instances", async || incus.instances().await).await;
        hostile.each_value("instance", async || web.get().await).await;
        hostile.each_value("whole", async || web.get_full().await).await;
        hostile.each_value("state", async || web.get_state().await).await;
        hostile.each_value("operations", async || incus.operations().await).await;
        let wait = Duration::from_millis(5);
        let started = async || cut_short(web.restart().force().send().await?.timeout(wait).await.map_err(Error::from));
        hostile.each_value_live("restart", started).await;
        let launched = async || {
            let name = format!("n{:x}", rand::random::<u64>());
            let launching = incus.launch(name).image("busybox").reconcile_window(Duration::ZERO).send().await?;
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
    result.or_else(|e| if e.kind() == ErrorKind::Timeout { Ok(()) } else { Err(e) })
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
            ends(&place, web.restart().grace(time).send()).await;
            ends(&place, async { Ok::<_, Error>(web.restart().force().send().await?.timeout(time).await?) }).await;
            let launch = incus.launch(format!("n{number}")).image("busybox").reconcile_window(time);
            ends(&place, async { Ok::<_, Error>(launch.send().await?.timeout(time).await?) }).await;
            ends(&place, web.push(Content::file("content")).idle_timeout(time).to("/tmp/x")).await;
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
            ends(&place, launch.config(name.as_str(), name.as_str()).reconcile_window(Duration::ZERO).send()).await;
        }
        assert_no_panic();
        Ok(())
    }
}

alone! {
    async fn any_limit_and_any_time() -> Outcome {
        watch_panics();
        let fake = FakeIncus::start().await?;
        let web = fake.client()?.launch("web").image("busybox").await?;
        fake.add_file("web", "/tree/file", vec![1; 300_000]);
        fake.accept_bearer("good");
        let directory = Directory::new()?;
        for time in DURATIONS {
            let place = format!("{time:?}");
            for size in SIZES {
                let place = format!("{time:?}, {size}");
                let incus = Incus::unix(fake.socket()).http(Http::default().limits(limits(time, size))).retry(Retry::never()).client()?;
                let web = incus.instance("web");
                ends(&place, web.get()).await;
                ends(&place, web.exec(["echo", "out"]).output()).await;
                ends(&place, web.exec(["echo", "out"]).record_output().into_future()).await;
                ends(&place, web.read_dir("/tree").into_future()).await;
                ends(&place, web.read_file("/tree/file")).await;
                ends(&place, web.read_console_log()).await;
                ends(&place, incus.watch()).await;
            }
            let remote = Incus::https(fake.https()).fingerprint(fake.fingerprint());
            let remote = remote.bearer(move || async move { Ok::<_, Error>(BearerToken::new("good").expires_in(time)) });
            ends(&place, remote.client()?.get_server()).await;
            ends(&place, web.exec(["true"]).until_success().timeout(time).every(time).into_future()).await;
            ends(&place, web.exec(["false"]).until_success().timeout(time.min(SHORT)).every(time).into_future()).await;
            ends(&place, web.pull_tree("/tree").idle_timeout(time).to(directory.0.join("pulled"))).await;
            ends(&place, web.push_tree(&directory.0).idle_timeout(time).to("/pushed")).await;
            let import = fake.client()?.import_image(b"\x1f\x8bimage".to_vec()).idle_timeout(time);
            let image = ends(&place, async { Ok::<_, Error>(import.send().await?.timeout(time).await?) }).await;
            if let Some(image) = image {
                ends(&place, image.export().idle_timeout(time).bytes()).await;
                ends(&place, image.export_files(&directory.0).idle_timeout(time).into_future()).await;
                ends(&place, image.delete().into_future()).await;
            }
            ends(&place, web.until_running().timeout(time).into_future()).await;
        }
        assert_no_panic();
        Ok(())
    }
}

/// For what is waited out.
const SHORT: Duration = Duration::from_millis(20);

alone! {
    async fn any_size_and_any_name_elsewhere() -> Outcome {
        watch_panics();
        let fake = FakeIncus::start().await?;
        let incus = fake.client()?;
        let web = incus.launch("web").image("busybox").await?;
        fake.add_file("web", "/tree/file", vec![1; 300_000]);
        let directory = Directory::new()?;
        for size in SIZES {
            let (place, count) = (size.to_string(), usize::try_from(size)?);
            let (number, short) = (u32::try_from(size).unwrap_or(u32::MAX), u16::try_from(size).unwrap_or(u16::MAX));
            ends(&place, web.exec(["echo", "out"]).max_output(size).uid(number).gid(number).output()).await;
            ends(&place, web.exec(["echo", "out"]).terminal(short, short).output()).await;
            ends(&place, web.exec(["echo", "out"]).max_output(size).record_output().into_future()).await;
            ends(&place, web.attach_console().size(short, short)).await;
            ends(&place, web.pull("/tree/file").max_size(size).mode(number).bytes()).await;
            ends(&place, web.pull("/tree/file").max_size(size).mode(number).to(directory.0.join("file"))).await;
            ends(&place, web.pull_tree("/tree").max_entries(count).to(directory.0.join("tree"))).await;
            ends(&place, web.read_dir("/tree").max_entries(count).into_future()).await;
            ends(&place, web.push(Content::file("content")).uid(number).gid(number).mode(number).to("/pushed")).await;
            ends(&place, web.make_dir("/made").uid(number).gid(number).mode(number).into_future()).await;
        }
        let image = incus.import_image(b"\x1f\x8bimage".to_vec()).send().await?.await?;
        for name in names() {
            let (place, name) = (name.chars().take(40).collect::<String>(), name.as_str());
            ends(&place, web.exec(["true"]).env(name, name).output()).await;
            ends(&place, web.pull_tree(name).to(directory.0.join("other"))).await;
            ends(&place, web.push_tree(directory.0.join(name)).to(name)).await;
            ends(&place, web.read_dir(name).into_future()).await;
            ends(&place, web.make_dir(name).into_future()).await;
            ends(&place, web.symlink(name).at(name)).await;
            ends(&place, web.delete_file(name).into_future()).await;
            ends(&place, web.create_backup(name).compression(name).send()).await;
            ends(&place, web.patch().config(name, name).description(name).into_future()).await;
            ends(&place, web.relocate().pool(name).project(name).name(name).send()).await;
            ends(&place, incus.watch().of_type(name)).await;
            ends(&place, incus.instances().filter(name)).await;
            ends(&place, incus.image(name).get()).await;
            ends(&place, incus.image_alias(name).get()).await;
            ends(&place, image.add_alias(name)).await;
            ends(&place, image.patch().property(name, name).into_future()).await;
            let import = incus.import_image(b"\x1f\x8bimage".to_vec()).file_name(name).fingerprint(name);
            ends(&place, import.property(name, name).send()).await;
            let launch = incus.launch("another").image("busybox").target(name).description(name);
            ends(&place, launch.reconcile_window(Duration::ZERO).send()).await;
        }
        assert_no_panic();
        Ok(())
    }
}
