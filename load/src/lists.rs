//! Lists of a hundred thousand.

use windlass::incus::Incus;
use windlass::testing::{FakeIncus, FakeKoyeb};
use windlass::{ErrorKind, Http, Koyeb, Limits};

use crate::talk::{Client, figure, hear, say};
use crate::{Outcome, meter};

const SIZE: usize = 100_000;

pub async fn lead() -> Outcome {
    let (incus, koyeb) = (FakeIncus::start().await?, FakeKoyeb::start().await?);
    (0..SIZE).for_each(|number| incus.add_instance(&name(number)));
    koyeb.add_crowd(SIZE as u64);
    let address = incus.socket().display().to_string();
    let mut client = Client::start("lists", &address, None)?;
    client.expect("koyeb").await?;
    client.tell(&koyeb.url()).await?;
    client.tell(koyeb.token()).await?;
    client.end().await
}

fn name(number: usize) -> String {
    format!("web{number}")
}

pub async fn client(socket: &str) -> Outcome {
    say("koyeb");
    let url = hear();
    pages(Koyeb::token(hear()).url(url).client()?).await?;
    let incus = Incus::unix(socket).client()?;
    let e = incus.instances().await.expect_err("it is larger than the limit");
    assert_eq!(e.kind(), ErrorKind::BadReply, "{e}");
    assert!(e.to_string().contains("json_body"), "{e}");
    figure("Incus, more than `Limits::json_body`", "an error that names the limit");
    let large = Http::default().limits(Limits::default().json_body(1 << 30));
    let incus = Incus::unix(socket).http(large).client()?;
    names(&incus).await?;
    documents(&incus).await
}

async fn pages(koyeb: Koyeb) -> Outcome {
    let (mut list, mut seen, mut first) = (koyeb.instances().stream(), 0, 0);
    while let Some(instance) = list.try_next().await? {
        assert!(instance.id.starts_with("crowd-"));
        seen += 1;
        if seen == 1_000 {
            first = meter::peak();
        }
    }
    assert_eq!(seen, SIZE);
    figure("Koyeb, instances in pages", seen);
    figure("memory at most, above that after the first thousand", meter::more(meter::peak(), first));
    Ok(())
}

async fn names(incus: &Incus) -> Outcome {
    let before = meter::resident();
    meter::forget_peak();
    let names = incus.instances().names().await?;
    let mut found: Vec<&str> = names.iter().map(|instance| instance.name()).collect();
    figure("Incus, names in one document", found.len());
    figure("memory at most, above that before", meter::more(meter::peak(), before));
    found.sort_unstable();
    let mut expected: Vec<String> = (0..SIZE).map(name).collect();
    expected.sort_unstable();
    assert!(found == expected, "other names");
    Ok(())
}

async fn documents(incus: &Incus) -> Outcome {
    let before = meter::resident();
    meter::forget_peak();
    let instances = incus.instances().await?;
    figure("Incus, instances in one document", instances.len());
    figure("memory at most, above that before", meter::more(meter::peak(), before));
    let mut found: Vec<&str> = instances.iter().map(|instance| instance.name.as_str()).collect();
    found.sort_unstable();
    found.dedup();
    assert_eq!(found.len(), SIZE, "each once");
    Ok(())
}
