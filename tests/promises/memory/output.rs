//! A command that writes without end: what is collected of it has a limit. Alone in its process, whose memory it measures.

use windlass::ErrorKind;

use crate::alone::{alone, memory};

const MIB: u64 = 1 << 20;

/// What collecting needs beside the 64 MiB: the fake's half of the connection, and buffers on both sides.
const BESIDE: u64 = 48 * MIB;

#[cfg(feature = "incus")]
alone! {
async fn yes_on_incus() -> Outcome {
    let fake = windlass::testing::FakeIncus::start().await?;
    let web = windlass::Incus::unix(fake.socket()).client()?.launch("web").image("busybox").await?;
    let before = memory("VmRSS");
    let e = web.exec(["yes"]).output().await.expect_err("it never ends");
    assert_eq!((e.kind(), e.stdout().map(<[u8]>::len)), (ErrorKind::LimitExceeded, Some(64 << 20)));
    let grown = memory("VmHWM").saturating_sub(before);
    assert!(grown < 64 * MIB + BESIDE, "{} MiB more", grown / MIB);
    println!("{} MiB more at most", grown / MIB);
    Ok(())
}
}

#[cfg(feature = "koyeb")]
alone! {
async fn yes_on_koyeb() -> Outcome {
    let fake = windlass::testing::FakeKoyeb::start().await?;
    let id = fake.add_instance("HEALTHY");
    let before = memory("VmRSS");
    let e = fake.client()?.instance(&id).exec(["yes"]).max_output(8 * MIB).output().await;
    let e = e.expect_err("it never ends");
    assert_eq!((e.kind(), e.stdout().map(<[u8]>::len)), (ErrorKind::LimitExceeded, Some(8 << 20)));
    let grown = memory("VmHWM").saturating_sub(before);
    assert!(grown < 8 * MIB + BESIDE, "{} MiB more", grown / MIB);
    println!("{} MiB more at most", grown / MIB);
    Ok(())
}
}
