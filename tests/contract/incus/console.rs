//! The console: attached to, and its log.

use std::time::Duration;

use windlass::incus::{Console, Incus, Instance};
use windlass::{Error, ErrorKind};

use super::{IMAGE, Outcome, SOON, handle, launched, name, remove};

/// Reads until the words appear.
async fn read_until(console: &mut Console, words: &str) -> Outcome {
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(words) {
        let more = tokio::time::timeout(SOON, console.next()).await;
        let more = more.map_err(|_| format!("no {words:?} in {:?}", String::from_utf8_lossy(&seen)))?;
        seen.extend_from_slice(&more.ok_or("the console has ended")??);
    }
    Ok(())
}

/// Types until it shows: the server takes a moment to attach.
async fn type_until_seen(console: &mut Console, words: &str) -> Outcome {
    for _ in 0..60 {
        console.write_all(format!("{words}\r")).await?;
        let seen = tokio::time::timeout(Duration::from_millis(300), read_until(console, words)).await;
        if let Ok(seen) = seen {
            return seen;
        }
    }
    Err(format!("{words:?} never shows").into())
}

/// Attaches once the client before it is gone.
async fn attached(web: &Instance) -> Result<Console, Error> {
    let mut tries = 0;
    loop {
        match web.attach_console().size(80, 24).await {
            Err(e) if e.kind() == ErrorKind::Conflict && tries < 100 => tries += 1,
            other => return other,
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub async fn console_reads_and_types(incus: Incus) -> Outcome {
    let web = launched(&incus, "console").await?;
    let mut console = attached(&web).await?;
    type_until_seen(&mut console, "typed").await?;
    web.exec(["sh", "-c", "echo hello from inside >/dev/console"]).output().await?.success()?;
    read_until(&mut console, "hello from inside\r").await?;
    console.resize(100, 30).await?;
    let mut keyboard = console.take_keyboard().ok_or("no keyboard")?;
    keyboard.write_all("again\r").await?;
    read_until(&mut console, "again\r").await?;
    // Neither hands off the keyboard nor a client that goes away does anything to the instance.
    drop(keyboard);
    assert!(tokio::time::timeout(Duration::from_millis(200), console.next()).await.is_err());
    drop(console);
    drop(attached(&web).await?);
    remove(&handle(&incus, &web)).await
}

pub async fn console_for_one_at_a_time(incus: Incus) -> Outcome {
    let web = launched(&incus, "taken").await?;
    let mut first = attached(&web).await?;
    let e = web.attach_console().await.expect_err("another client is attached");
    assert_eq!(e.kind(), ErrorKind::Conflict, "{e:?}");
    let mut second = web.attach_console().force().await?;
    let put_out = tokio::time::timeout(SOON, first.next()).await.map_err(|_| "it isn't put out")?;
    assert!(put_out.is_none_or(|end| end.is_err_and(|e| e.kind() == ErrorKind::Interrupted)));
    type_until_seen(&mut second, "mine").await?;
    remove(&handle(&incus, &web)).await
}

pub async fn console_ends_with_the_instance(incus: Incus) -> Outcome {
    let web = launched(&incus, "stopping").await?;
    let mut console = attached(&web).await?;
    type_until_seen(&mut console, "typed").await?;
    web.stop().force().await?;
    let ended = tokio::time::timeout(SOON, async {
        while let Some(bytes) = console.next().await {
            bytes?;
        }
        Ok::<_, Error>(())
    });
    ended.await.map_err(|_| "it doesn't end")??;
    remove(&handle(&incus, &web)).await
}

pub async fn console_log(incus: Incus) -> Outcome {
    let web = launched(&incus, "conlog").await?;
    web.clear_console_log().await?;
    assert!(web.read_console_log().await?.is_empty());
    web.exec(["sh", "-c", "echo for the log >/dev/console"]).output().await?.success()?;
    let mut fresh = Vec::new();
    for _ in 0..2_000 {
        fresh.extend_from_slice(&web.read_console_log().await?);
        if String::from_utf8_lossy(&fresh).contains("for the log") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(String::from_utf8_lossy(&fresh).contains("for the log"));
    assert!(web.read_console_log().await?.is_empty(), "what is read is gone");
    web.stop().force().await?;
    assert!(String::from_utf8_lossy(&web.read_console_log().await?).contains("for the log"));
    web.clear_console_log().await?;
    assert!(web.read_console_log().await?.is_empty());
    let nobody = incus.instance(name("nobody"));
    assert!(nobody.read_console_log().await.is_err_and(|e| e.is_not_found()));
    remove(&handle(&incus, &web)).await
}

pub async fn console_of_what_has_none_is_refused(incus: Incus) -> Outcome {
    let web = incus.create(name("cold")).image(IMAGE).await?;
    let stopped = web.attach_console().await.map_err(|e| e.kind());
    assert_eq!(stopped.err(), Some(ErrorKind::Conflict));
    web.start().await?;
    let screen = web.attach_console().vga().await.map_err(|e| e.kind());
    assert_eq!(screen.err(), Some(ErrorKind::InvalidInput));
    let flat = web.attach_console().size(80, 0).await.map_err(|e| e.kind());
    assert_eq!(flat.err(), Some(ErrorKind::InvalidInput));
    remove(&handle(&incus, &web)).await
}
