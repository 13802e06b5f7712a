//! A flood of output and a slow reader: nothing is lost, and nothing piles up in memory. Alone in its process, whose
//! memory it measures.

use std::time::Duration;

use windlass::testing::FakeIncus;
use windlass::{Chunk, Incus};

use crate::alone::{alone, memory};

const GIB: usize = 1 << 30;
const MIB: usize = 1 << 20;

fn resident() -> usize {
    usize::try_from(memory("VmRSS")).unwrap()
}

alone! {
async fn a_gibibyte_for_a_slow_reader() -> Outcome {
    let fake = FakeIncus::start().await?;
    let incus = Incus::unix(fake.socket()).client()?;
    let web = incus.launch("web").image("busybox").await?;
    // What is needed for any command is there before the measuring.
    web.exec(["head", "-c", "8M", "/dev/zero"]).output().await?.success()?;
    let (before, mut most) = (resident(), 0);
    let mut flood = web.exec(["sh", "-c", "head -c 1G /dev/zero; echo -n end"]).spawn().await?;
    // The server writes into every buffer there is before anybody reads: until nothing moves any more.
    let mut quiet = 0;
    while quiet < 4 {
        let now = resident();
        tokio::time::sleep(Duration::from_millis(100)).await;
        quiet = if resident() > now + MIB / 4 { 0 } else { quiet + 1 };
    }
    let zeros = vec![0; 16 * MIB];
    let (mut read, mut end, mut pauses) = (0, Vec::new(), 0);
    while let Some(Chunk::Stdout(bytes)) = flood.try_next().await? {
        let data = bytes.len().min(GIB - read);
        assert!(bytes[..data] == zeros[..data], "not what was sent, at {read}");
        end.extend_from_slice(&bytes[data..]);
        read += data;
        if read / (64 * MIB) > pauses {
            pauses += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
            most = most.max(resident());
        }
    }
    assert!(flood.wait().await?.is_success());
    assert_eq!((read, end.as_slice()), (GIB, b"end".as_slice()));
    let grown = most.saturating_sub(before);
    // The zeros to compare with, and the fake's own half of the connection, are in it.
    assert!(grown < 32 * MIB, "{} MiB more", grown / MIB);
    println!("{} MiB more at most", grown / MIB);
    Ok(())
}
}
