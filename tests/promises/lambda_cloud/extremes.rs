//! Lambda Cloud: whatever stands in an answer or is given to a call, it ends, without a panic.

use std::time::Duration;

use windlass::lambda_cloud::types::NetworkProtocol;
use windlass::lambda_cloud::{Choice, FirewallRule};
use windlass::testing::FakeLambdaCloud;
use windlass::{Error, ErrorKind, Http, LambdaCloud, Pacing, Retry};

use crate::alone::{alone, memory};
use crate::hostile::{DURATIONS, Hostile, SIZES, assert_no_panic, ends, limits, names, watch_panics};

alone! {
    async fn any_value_of_any_answer() -> Outcome {
        watch_panics();
        let fake = FakeLambdaCloud::start().await?;
        let id = fake.add_instance();
        let hostile = Hostile::before(&fake.url()).await?;
        let connect = LambdaCloud::key(fake.key()).url(hostile.url()).pacing(Pacing::none());
        let lambda = connect.retry(Retry::never()).poll_interval(Duration::from_millis(1)).client()?;
        let instance = lambda.instance(&id);
        hostile.each_value("list", async || lambda.instances().await).await;
        hostile.each_value("get", async || instance.get().await).await;
        hostile.each_value("types", async || lambda.instance_types().await).await;
        hostile.each_value("images", async || lambda.images().await).await;
        hostile.each_value("file systems", async || lambda.file_systems().await).await;
        hostile.each_value("keys", async || lambda.ssh_keys().await).await;
        hostile.each_value("rulesets", async || lambda.firewall_rulesets().await).await;
        let launch = || lambda.launch("gpu_1x_a10").region("us-west-1").ssh_key("laptop").reconcile_window(Duration::ZERO);
        // A wait that is cut short is as good as one that ends.
        let launched = async || match launch().send().await?.timeout(Duration::from_millis(5)).await {
            Ok(instance) => Ok(Some(instance)),
            Err(e) => match Error::from(e) {
                e if e.kind() == ErrorKind::Timeout => Ok(None),
                e => Err(e),
            },
        };
        hostile.each_value_live("launch", launched).await;
        assert_no_panic();
        assert!(memory("VmHWM") < 256 << 20, "{} bytes", memory("VmHWM"));
        Ok(())
    }
}

alone! {
    async fn any_length_of_time_and_any_name() -> Outcome {
        watch_panics();
        let fake = FakeLambdaCloud::start().await?;
        for time in DURATIONS {
            let place = format!("{time:?}");
            let retry = Retry::default().total(time).attempt_timeout(time).backoff(time, time);
            let quick = fake.connect().retry(retry).poll_interval(time).client()?;
            ends(&place, quick.instance_types()).await;
            let lambda = fake.client()?;
            let launch = || lambda.launch("gpu_1x_a10").region("us-west-1").ssh_key("laptop");
            ends(&place, async { Ok::<_, Error>(launch().reconcile_window(time).send().await?.timeout(time).await?) }).await;
            let choice = Choice::of("gpu_1x_a10").in_region("us-west-1");
            let when = lambda.launch_when_available([choice]).launch(|launch| launch.ssh_key("laptop"));
            ends(&place, async { Ok::<_, Error>(when.search_timeout(time).send().await?.timeout(time).await?) }).await;
        }
        let lambda = fake.client()?;
        for name in names() {
            let place = name.chars().take(40).collect::<String>();
            ends(&place, lambda.instance(name.as_str()).get()).await;
            ends(&place, lambda.firewall_ruleset(&name).get()).await;
            ends(&place, lambda.file_system(&name).delete()).await;
            let launch = lambda.launch(name.as_str()).region(name.as_str()).ssh_key(name.as_str());
            ends(&place, launch.name(name.as_str()).hostname(name.as_str()).tag(name.as_str(), name.as_str()).send()).await;
            ends(&place, lambda.add_ssh_key(name.as_str()).public_key(name.as_str())).await;
        }
        assert_no_panic();
        Ok(())
    }
}

alone! {
    async fn any_limit_and_any_setting() -> Outcome {
        watch_panics();
        let fake = FakeLambdaCloud::start().await?;
        for (time, size) in DURATIONS.into_iter().flat_map(|time| SIZES.map(|size| (time, size))) {
            let place = format!("{time:?}, {size}");
            let lambda = fake.connect().retry(Retry::never()).http(Http::default().limits(limits(time, size))).client()?;
            ends(&place, lambda.instance_types()).await;
            ends(&place, lambda.instances().into_future()).await;
        }
        let lambda = fake.client()?;
        for name in names() {
            let (place, name) = (name.chars().take(40).collect::<String>(), name.as_str());
            let rule = || FirewallRule::new(NetworkProtocol::Tcp, name).port(0).description(name);
            ends(&place, lambda.create_firewall_ruleset(name).rules([rule()]).region(name)).await;
            ends(&place, lambda.replace_firewall_rules([rule()])).await;
            ends(&place, lambda.create_file_system(name).region(name)).await;
            ends(&place, lambda.instance(name).rename(name)).await;
            ends(&place, lambda.instances().cluster(name).label(name, name).into_future()).await;
            let launch = lambda.launch("gpu_1x_a10").region("us-west-1").ssh_key("laptop").image_family(name);
            ends(&place, launch.file_system(name).firewall_ruleset(name).user_data(name).send()).await;
        }
        assert_no_panic();
        Ok(())
    }
}
