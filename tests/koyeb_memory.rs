//! Koyeb: a long list is read in constant memory. Alone in its process, which is what is measured.
#![cfg(feature = "koyeb")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures_util::TryStreamExt;
use windlass::testing::FakeKoyeb;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const MIB: u64 = 1 << 20;

/// The most that this process ever had in memory.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Lists so many, after a tenth of them has shown what a list needs.
async fn list(instances: u64) -> Outcome {
    let fake = FakeKoyeb::start().await?;
    let koyeb = fake.client()?;
    let mut needed = 0;
    for number in [instances / 10, instances] {
        let there = fake.client()?.instances().page_size(1).list().try_next().await?.is_some();
        fake.add_crowd(if there { number - instances / 10 } else { number });
        needed = peak();
        let (mut seen, mut list) = (0, koyeb.instances().list());
        while let Some(instance) = list.try_next().await? {
            assert!(instance.id.starts_with("crowd-"));
            seen += 1;
        }
        assert_eq!(seen, number);
    }
    let more = peak().saturating_sub(needed);
    assert!(needed > 0 && more < 16 * MIB, "{} MiB more than for a tenth", more / MIB);
    Ok(())
}

#[tokio::test]
async fn a_long_list_in_constant_memory() -> Outcome {
    list(20_000).await
}

#[tokio::test]
#[ignore = "long: 100,000 instances; run by `cargo xtask live koyeb`"]
async fn a_long_list_in_constant_memory_full() -> Outcome {
    list(100_000).await
}
