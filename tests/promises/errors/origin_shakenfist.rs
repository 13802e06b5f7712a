//! Failures that the client itself finds say where they arose, on Shaken Fist.

use std::time::Duration;

use windlass::shakenfist::{Disk, Nic};
use windlass::testing::{FakeShakenFist, Release};

use super::*;

#[tokio::test]
async fn whatever_goes_wrong() -> Outcome {
    let fake = FakeShakenFist::start().await?;
    fake.pace(Duration::from_millis(5));
    let sf = fake.client()?;
    sf.create_network("back").netblock("10.0.0.0/29").await?;
    let web = sf.launch("web").disk(Disk::blank(1)).await?.until_agent_ready().await?;
    fake.add_file(&web.uuid, "/a", "hello");
    let blob = sf.blob(fake.add_blob(vec![7; 10_000])).get().await?;
    fake.damage_blob(&blob.uuid);
    let short = Duration::from_millis(20);
    let mut errors = vec![
        ("no command", failed(web.exec(" ").output().await)),
        ("too much", failed(web.exec("echo hello").max_output(2).output().await)),
        ("a relative path", failed(web.pull("a").bytes().await)),
        ("more than asked for", failed(web.pull("/a").max_size(2).bytes().await)),
        ("a relative path to push to", failed(web.push(b"a".to_vec()).to("a").await)),
        ("a blob to no path", failed(web.push_blob("b").to("a").await)),
        ("no such file here", failed(sf.upload(std::path::Path::new("/nowhere/a")).as_image("a").await)),
        ("a damaged blob", failed(blob.data().bytes().await)),
        ("no checksum", failed(sf.find_blob("abc").await)),
        ("no disk", failed(sf.launch("bare").await)),
        ("no netblock", failed(sf.create_network("odd").netblock("10.0.0").await)),
        ("no address", failed(web.hot_plug(Nic::on("back").address("here")).await)),
    ];
    {
        let _held = fake.hold_agents();
        errors.push(("the agent is busy", failed(web.exec("echo hi").timeout(short).output().await)));
    }
    web.hot_plug(Nic::on("back").address("10.0.0.2")).await?;
    let taken = Nic::on("back").address("10.0.0.2");
    errors.push(("the address is taken", failed(web.hot_plug(taken).await)));
    fake.on("POST /instances/{one}/poweroff").hang();
    fake.on("GET /instances/{one}").always().hang();
    errors.push(("no answer in time", failed(web.power_off().timeout(short).await)));
    assert_origins(&errors, "shakenfist", &fake.url());
    Ok(())
}

#[tokio::test]
async fn what_a_release_lacks() -> Outcome {
    let fake = FakeShakenFist::start_as(Release::V0_7).await?;
    let sf = fake.client()?;
    let web = sf.launch("web").disk(Disk::blank(1)).await?;
    let errors = [
        ("no hot plug", failed(web.hot_plug(Nic::on("back")).await)),
        ("no screenshot", failed(web.take_screenshot().await)),
    ];
    assert_origins(&errors, "shakenfist", &fake.url());
    Ok(())
}
