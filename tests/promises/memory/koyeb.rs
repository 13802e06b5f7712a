//! Koyeb: a long list is read in constant memory. Alone in its process, which is what is measured.

use windlass::testing::FakeKoyeb;

use crate::alone::{Outcome, alone, memory};

const MIB: u64 = 1 << 20;

fn peak() -> u64 {
    memory("VmHWM")
}

/// Lists so many, after a tenth of them has shown what a list needs.
async fn list(instances: u64) -> Outcome {
    let fake = FakeKoyeb::start().await?;
    let koyeb = fake.client()?;
    let mut needed = 0;
    for number in [instances / 10, instances] {
        let there = fake.client()?.instances().page_size(1).stream().try_next().await?.is_some();
        fake.add_crowd(if there { number - instances / 10 } else { number });
        needed = peak();
        let (mut seen, mut list) = (0, koyeb.instances().stream());
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

alone! {
async fn a_long_list_in_constant_memory() -> Outcome {
    list(20_000).await
}
}

alone! {
#[ignore = "long: 100,000 instances; run by `cargo xtask live koyeb`"]
async fn a_long_list_in_constant_memory_full() -> Outcome {
    list(100_000).await
}
}
