//! Power and reboots.

use super::*;

#[tokio::test]
async fn a_power_change_whose_answer_is_lost_is_seen_by_its_effect() -> Outcome {
    let (fake, sf) = served().await?;
    let web = ready(&sf).await?;
    fake.on("POST /instances/{one}/poweroff").drop_after();
    web.power_off().await?;
    assert_eq!(web.get().await?.power_state, Some(PowerState::Off));
    fake.on("POST /instances/{one}/poweron").drop_before();
    let e = web.power_on().timeout(Duration::from_secs(5)).await.expect_err("it never arrived");
    assert_eq!(e.sent(), Sent::Unknown);
    assert_eq!(fake.requests("POST /instances/{one}/poweron"), 1);
    Ok(())
}

#[tokio::test]
async fn a_soft_reboot_that_nobody_obeys_runs_out_of_time() -> Outcome {
    let (fake, sf) = served().await?;
    fake.deaf_guests();
    let web = ready(&sf).await?;
    let e = web.reboot_soft().send().await?.timeout(Duration::from_millis(600)).await.expect_err("deaf");
    assert_eq!(e.end(), WaitEnd::OutOfTime);
    web.reboot_hard().await?;
    let after = web.get().await?;
    assert_ne!(after.agent_system_boot_time, web.agent_system_boot_time);
    Ok(())
}

#[tokio::test]
async fn a_reboot_that_cannot_be_seen_is_no_success() -> Outcome {
    let (fake, sf) = served().await?;
    let web = sf.launch("web").disk(Disk::blank(1)).side_channels([""; 0]).await?;
    assert_kind(web.reboot_hard().await.map(drop), ErrorKind::Unsupported);
    assert_eq!(fake.requests("POST /instances/{one}/reboothard"), 1);
    Ok(())
}

#[tokio::test]
async fn a_power_change_answered_by_a_gateway_is_seen_by_its_effect() -> Outcome {
    let look = "GET /instances/{one}";
    for status in [500, 502, 503, 504] {
        let (fake, sf) = served().await?;
        let web = ready(&sf).await?;
        fake.on("POST /instances/{one}/poweroff").reply_after(status, "<html>");
        web.power_off().await?;
        assert_eq!(fake.requests("POST /instances/{one}/poweroff"), 1, "{status}");
        let never = fake.on("POST /instances/{one}/poweron").reply(status, "<html>");
        let before = fake.requests(look);
        let looked = || never.hits() > 0 && fake.requests(look) > before;
        let change = web.power_on().timeout(LIMIT);
        let e = over_once(looked, change.into_future()).await?.expect_err("it never arrived");
        assert_eq!(e.status(), Some(status));
    }
    Ok(())
}

#[tokio::test]
async fn a_reboot_whose_answer_is_lost_is_waited_for() -> Outcome {
    for status in [None, Some(502)] {
        let (fake, sf) = served().await?;
        let web = ready(&sf).await?;
        let rule = fake.on("POST /instances/{one}/reboothard");
        match status {
            None => rule.drop_after(),
            Some(status) => rule.reply_after(status, "<html>"),
        };
        web.reboot_hard().await?;
        let after = web.get().await?;
        assert_ne!(after.agent_system_boot_time, web.agent_system_boot_time);
        assert_eq!(fake.requests("POST /instances/{one}/reboothard"), 1);
    }
    Ok(())
}
