//! Failures that the client itself finds say where they arose, on Incus.

use std::path::Path;
use std::time::Duration;

use windlass::incus::{Incus, InstanceRef};
use windlass::testing::FakeIncus;
use windlass::{Content, Retry};

use super::*;

const FILES: &str = "/1.0/instances/{name}/files";
const SHORT: Duration = Duration::from_millis(50);

async fn served() -> Result<(FakeIncus, Incus, InstanceRef), Box<dyn std::error::Error>> {
    let fake = FakeIncus::start().await?;
    let incus = Incus::http(fake.url()).retry(Retry::never()).client()?;
    fake.add_instance("web");
    fake.add_file("web", "/top/a", vec![7; 200_000]);
    fake.add_file("web", "/top/b", "b");
    let web = incus.instance("web");
    Ok((fake, incus, web))
}

#[tokio::test]
async fn files_that_are_read() -> Outcome {
    let (fake, _, web) = served().await?;
    let nowhere = Path::new("/nowhere/at/all");
    let mut errors = vec![
        ("a relative path", failed(web.pull("top").bytes().await)),
        ("a directory", failed(web.pull("/top").bytes().await)),
        ("more than asked for", failed(web.pull("/top/a").max_size(10).bytes().await)),
        ("no place for it", failed(web.pull("/top/b").to(nowhere.join("b")).await)),
        ("no link", failed(web.read_link("/top/b").await)),
        ("no directory", failed(web.read_dir("/top/b").await)),
        ("too many names", failed(web.read_dir("/top").max_entries(1).await)),
        ("a relative path of stat", failed(web.stat("top").await)),
        ("no such tree", failed(web.pull_tree("/none").to(nowhere).await)),
        ("a tree of many", failed(web.pull_tree("/top").max_entries(1).to(nowhere).await)),
        ("no place for a tree", failed(web.pull_tree("/top").to("/proc/nowhere").await)),
    ];
    fake.on(&format!("GET {FILES}")).hang();
    errors.push(("no answer", failed(web.pull("/top/a").idle_timeout(SHORT).bytes().await)));
    fake.on(&format!("GET {FILES}")).stall(100_000);
    errors.push(("silence", failed(web.pull("/top/a").idle_timeout(SHORT).bytes().await)));
    assert_origins(&errors, "incus", &fake.url());
    for (what, e) in errors {
        assert!(e.object().is_some_and(|object| object.starts_with("web:")), "{what}: {e}");
    }
    Ok(())
}

#[tokio::test]
async fn files_that_are_written() -> Outcome {
    let (fake, _, web) = served().await?;
    let mut errors = vec![
        ("a relative path", failed(web.push(Content::file("b")).to("b").await)),
        ("no such file here", failed(web.push(Path::new("/nowhere/b")).to("/b").await)),
        ("special bits", failed(web.push(b"b".to_vec()).mode(0o4755).to("/b").await)),
        ("a file in the way", failed(web.make_dir("/top/b").await)),
        ("a link to nowhere", failed(web.symlink("").at("/l").await)),
        ("no such tree here", failed(web.push_tree("/nowhere/tree").to("/t").await)),
        ("a relative path of delete", failed(web.delete_file("top").await)),
    ];
    fake.on(&format!("POST {FILES}")).hang();
    errors.push(("silence", failed(web.push(b"b".to_vec()).idle_timeout(SHORT).to("/b").await)));
    let full = r#"{"type":"error","error":"directory not empty","error_code":500}"#;
    fake.on(&format!("DELETE {FILES}")).times(2).reply(500, full);
    fake.list_also("web", "../precious");
    errors.push(("a name that leads elsewhere", failed(web.delete_file("/top").recursive().await)));
    assert_origins(&errors, "incus", &fake.url());
    for (what, e) in errors {
        assert!(e.object().is_some_and(|object| object.starts_with("web:")), "{what}: {e}");
    }
    Ok(())
}

#[tokio::test]
async fn commands() -> Outcome {
    let (fake, incus, _) = served().await?;
    let web = incus.launch("run").image("busybox").await?;
    let mut cat = web.exec(["cat"]).pipe_stdin().spawn().await?;
    let mut errors = vec![
        ("no program", failed(web.exec([""]).output().await)),
        ("a terminal without room", failed(web.exec(["sh"]).terminal(0, 1).spawn().await)),
        ("too much", failed(web.exec(["echo", "hello"]).max_output(2).output().await)),
        ("no success", failed(web.exec(["false"]).until_success().timeout(SHORT).await)),
        ("a size without a terminal", failed(cat.resize(80, 24).await)),
        ("no size", failed(cat.resize(0, 24).await)),
        ("a console without room", failed(web.attach_console().size(0, 1).await)),
        ("input of a recorded command", failed(web.exec(["cat"]).stdin("a").record_output().await)),
    ];
    cat.take_stdin().ok_or("no writer")?.close();
    while cat.next().await.transpose()?.is_some() {}
    assert!(cat.wait().await?.is_success());
    let no_streams = r#"{"type":"async","operation":"/1.0/operations/1","status_code":100,
        "metadata":{"id":"1","class":"websocket","status":"Running","status_code":103,"metadata":{}}}"#;
    fake.on("POST /1.0/instances/{name}/exec").reply(202, no_streams);
    errors.push(("no streams", failed(web.exec(["true"]).spawn().await)));
    assert_origins(&errors, "incus", &fake.url());
    for (what, e) in errors {
        assert_eq!(e.object(), Some("run"), "{what}: {e}");
    }
    Ok(())
}

#[tokio::test]
async fn everything_else() -> Outcome {
    let (fake, incus, web) = served().await?;
    let web = web.get().await?;
    for name in ["one", "two"] {
        web.create_backup(name).await?;
    }
    let running = incus.launch("run").image("busybox").await?;
    let token = incus.create_trust_token("me").await?;
    incus.revoke_trust_token(&token).await?;
    let mut errors = vec![
        ("a backup of that name", failed(web.backup("one").rename("two").await)),
        ("an instance of that name", failed(incus.import_backup(b"a".to_vec()).name("web").await)),
        ("a file that isn't here", failed(incus.import_backup(Path::new("/nowhere/b")).await)),
        ("an image that isn't here", failed(incus.import_image(Path::new("/nowhere/i")).send().await)),
        ("a token used up", failed(incus.revoke_trust_token(&token).await)),
        ("a token for nobody", failed(incus.create_trust_token("").await)),
        ("it runs", failed(running.copy_to(&incus).await)),
        ("memory of nothing", failed(incus.launch("odd").image("busybox").memory("").await)),
        ("a move to nowhere", failed(web.relocate().await)),
        ("processors of nothing", failed(web.patch().config("limits.cpu", "none").await)),
        ("an alias that can't be", failed(incus.image_alias("a").rename("..").await)),
    ];
    let image = incus.import_image(b"\x1f\x8bimage".to_vec()).send().await?.await?;
    let route = "GET /1.0/images/{fingerprint}/export";
    let split = || fake.on(route).header("Content-Type", "multipart/form-data; boundary=b0");
    split().reply(200, "--b0--\r\n");
    errors.push(("two files", failed(image.export().bytes().await)));
    split().reply(200, "--b0");
    errors.push(("half a form", failed(image.export_files(".").await)));
    fake.on(route).header("Content-Disposition", "inline;filename=.bashrc").reply(200, "a");
    errors.push(("a name of its own", failed(image.export_files(".").await)));
    fake.on("GET /1.0").reply(200, r#"{"type":"sync","status_code":200,"metadata":{"auth":"untrusted"}}"#);
    let stranger = Incus::http(fake.url()).await;
    errors.push(("no trust", failed(stranger)));
    assert_origins(&errors, "incus", &fake.url());
    Ok(())
}

#[tokio::test]
async fn joining() -> Outcome {
    let fake = FakeIncus::start().await?;
    let other = FakeIncus::start().await?;
    let at = format!("https://{}", fake.https());
    let join = |token: String| Incus::https(fake.https()).fingerprint(fake.fingerprint()).join(token);
    let errors = [
        ("no token", failed(join("hunter2".to_owned()).await)),
        ("another server's", failed(join(other.token("me")).await)),
    ];
    assert_origins(&errors, "incus", &at);
    Ok(())
}
