//! The contract on the fake server: both generations, over a unix socket, over TCP and over TLS.

use windlass::incus::Incus;
use windlass::testing::{FakeIncus, Generation};

type Served = Result<(Incus, FakeIncus), Box<dyn std::error::Error>>;

/// A server with the projects that the real one of the lab has.
async fn start(generation: Generation) -> std::io::Result<FakeIncus> {
    let fake = FakeIncus::builder().generation(generation).start().await?;
    fake.add_project("bulk");
    fake.add_project("other");
    // What the init of the lab's image starts.
    fake.command("pidof sleep");
    Ok(fake)
}

mod generation_6_0_over_a_unix_socket {
    async fn server() -> super::Served {
        let fake = super::start(super::Generation::V6_0).await?;
        Ok((super::Incus::unix(fake.socket()).await?, fake))
    }

    incus_contract!(server);
    incus_contract_in_the_clear!(server);
}

mod generation_7_0_over_tcp {
    async fn server() -> super::Served {
        let fake = super::start(super::Generation::V7_0).await?;
        Ok((super::Incus::http(fake.url()).await?, fake))
    }

    incus_contract!(server);
    incus_contract_in_the_clear!(server);
}

mod generation_6_0_over_tls {
    async fn server() -> super::Served {
        let fake = super::start(super::Generation::V6_0).await?;
        Ok((super::Incus::https(fake.https()).join(fake.token("me")).await?, fake))
    }

    incus_contract!(server);
}

mod generation_7_0_over_tls {
    async fn server() -> super::Served {
        let fake = super::start(super::Generation::V7_0).await?;
        Ok((super::Incus::joining(fake.token("me")).await?, fake))
    }

    incus_contract!(server);
}
