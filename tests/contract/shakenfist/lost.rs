//! Answers that are lost, or come from a gateway, or tell less than was done: the effect decides.

use std::time::Duration;

use windlass::ErrorKind;
use windlass::shakenfist::{InstanceState, PowerState, ShakenFist};

use super::meddler::{Meddler, Spoilt};
use super::support::{LONG, Outcome, Served, assert_kind, disk, gone, made, name, ready};

const GATEWAY: Spoilt = Spoilt::Instead(502, "<html>bad gateway</html>");
const WORDS: Spoilt =
    Spoilt::Instead(500, r#"{"error": "server error: EtcdException('boom')", "status": 500}"#);

async fn meddled<G>(served: &Served<G>) -> Result<Meddler, Box<dyn std::error::Error>> {
    Meddler::before(&served.url, "demo", "demokey").await
}

pub async fn a_launch_with_a_bad_answer_makes_one_instance<G>(served: Served<G>) -> Outcome {
    let meddler = meddled(&served).await?;
    for spoilt in [WORDS, GATEWAY, Spoilt::Dropped] {
        let own = name("lost");
        meddler.blind();
        meddler.spoil("POST /instances ", spoilt.clone());
        let web = meddler.sf.launch(&own).disk(disk()).timeout(LONG).await?;
        assert_eq!(web.state, InstanceState::Created, "{spoilt:?}");
        // A second one would make the name ambiguous.
        assert_eq!(served.sf.instance(&own).get().await?.uuid, web.uuid, "{spoilt:?}");
        gone(&web).await?;
    }
    Ok(())
}

pub async fn a_refused_launch_with_a_bad_answer_names_its_record<G>(served: Served<G>) -> Outcome {
    let meddler = meddled(&served).await?;
    meddler.spoil("POST /instances ", WORDS);
    let e = meddler.sf.launch(name("huge")).cpus(1000).disk(disk()).timeout(LONG).await;
    let e = e.expect_err("there is no room");
    // The record may fail before it is looked for, or after.
    assert!(matches!(e.kind(), ErrorKind::Server | ErrorKind::OperationFailed), "{e}");
    let mut left = served.sf.instances().with_deleted().await?;
    left.retain(|it| e.message().contains(&it.uuid));
    let [left] = left.as_slice() else { panic!("{e}: {left:?}") };
    assert!(left.state.as_str().ends_with("error"), "{}", left.state);
    gone(left).await?;
    Ok(())
}

pub async fn a_delete_with_a_bad_answer_is_seen_through<G>(served: Served<G>) -> Outcome {
    let meddler = meddled(&served).await?;
    for spoilt in [WORDS, GATEWAY, Spoilt::Dropped] {
        let web = made(&served.sf, "lost").await?;
        meddler.spoil("DELETE /instances/", spoilt);
        meddler.sf.instance(&web.name).delete().send().await?.timeout(LONG).await?;
        assert_eq!(web.get().await?.state, InstanceState::Deleted);
    }
    assert_eq!(meddler.hits(), 3);
    Ok(())
}

pub async fn a_power_change_with_a_bad_answer_is_seen<G>(served: Served<G>) -> Outcome {
    let (meddler, web) = (meddled(&served).await?, ready(&served.sf, "lost").await?);
    let own = meddler.sf.instance(&web.uuid);
    meddler.spoil("POST /instances/", GATEWAY);
    own.power_off().timeout(LONG).await?;
    assert_eq!(web.get().await?.power_state, Some(PowerState::Off));
    meddler.spoil("POST /instances/", Spoilt::Dropped);
    own.power_on().timeout(LONG).await?;
    assert_eq!(web.get().await?.power_state, Some(PowerState::On));
    let before = web.until_agent_ready().timeout(LONG).await?.agent_system_boot_time.ok_or("no boot time")?;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    meddler.spoil("POST /instances/", GATEWAY);
    own.reboot_hard().send().await?.timeout(LONG).await?;
    let after = web.get().await?;
    assert!(after.agent_system_boot_time.is_some_and(|now| (now - before).abs() >= 1.0));
    assert_eq!(meddler.hits(), 3);
    gone(&web).await?;
    Ok(())
}

pub async fn an_order_with_a_bad_answer_is_given_once<G>(served: Served<G>) -> Outcome {
    let (meddler, web) = (meddled(&served).await?, ready(&served.sf, "lost").await?);
    let own = meddler.sf.instance(&web.uuid);
    // The same was run before: its output isn't this one's.
    web.exec("echo fake").timeout(LONG).output().await?;
    for spoilt in [GATEWAY, WORDS, Spoilt::Dropped] {
        meddler.spoil("POST /instances/", spoilt);
        let done = own.exec("echo fake").timeout(LONG).output().await?.success()?;
        assert_eq!(done.stdout_text(), "fake\n");
    }
    assert_eq!((meddler.hits(), web.agent_operations().with_done().await?.len()), (3, 4));
    gone(&web).await?;
    Ok(())
}

/// No artifact of a push is there, now or soon.
async fn cleared(sf: &ShakenFist) -> Outcome {
    for _ in 0..200 {
        let all = sf.artifacts().await?;
        let left = all
            .iter()
            .filter(|it| it.source_url.as_deref().is_some_and(|url| url.contains("windlass-push-")));
        if left.count() == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err("the artifact of a push is left behind".into())
}

pub async fn a_push_leaves_nothing_behind<G>(served: Served<G>) -> Outcome {
    // In a namespace without other pushes.
    let other = ShakenFist::at(&served.url).namespace("system").key("secret").await?;
    let web = ready(&other, "push").await?;
    let meddler = Meddler::before(&served.url, "system", "secret").await?;
    let own = meddler.sf.instance(&web.uuid);
    meddler.sf.capabilities().await?;
    // The answer comes after the end of the push's time, and it isn't known which artifact it was.
    let late = || meddler.spoil("POST /artifacts/upload/", Spoilt::Late(Duration::from_secs(60)));
    let content: Vec<u8> = rand::random_iter().take(10_000).collect();
    for limit in [2, 8, 30] {
        late();
        let push = own.push(content.clone()).timeout(Duration::from_secs(limit));
        let e = assert_kind(push.to("/tmp/x").await, ErrorKind::Timeout);
        assert_eq!(e.suggestion(), None, "{e}");
        // On a busy machine the first one may not get that far.
        if meddler.hits() > 0 {
            break;
        }
    }
    let before = meddler.hits();
    assert!(before > 0);
    cleared(&other).await?;
    // Dropped at the same place.
    late();
    let pushing = tokio::spawn(async move { own.push(content).to("/tmp/x").await });
    while meddler.hits() == before {
        if pushing.is_finished() {
            pushing.await??;
            return Err("it didn't ask for an artifact".into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    pushing.abort();
    cleared(&other).await?;
    gone(&web).await?;
    Ok(())
}
