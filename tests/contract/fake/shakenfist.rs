//! The contract on the fake server, of every release.

use crate::shakenfist::Served;
use windlass::shakenfist::ShakenFist;
use windlass::testing::{FakeShakenFist, Release};

type Serving = Result<Served<FakeShakenFist>, Box<dyn std::error::Error>>;

async fn serve(release: Release) -> Serving {
    let guard = FakeShakenFist::start_as(release).await?;
    let url = guard.url();
    let sf = ShakenFist::at(&url).namespace("demo").key("demokey").await?;
    Ok(Served { sf, url, guard })
}

mod release_0_7 {
    async fn server() -> super::Serving {
        super::serve(super::Release::V0_7).await
    }

    shakenfist_contract!(server);
}

mod release_0_8 {
    async fn server() -> super::Serving {
        super::serve(super::Release::V0_8).await
    }

    shakenfist_contract!(server);
}

mod development {
    async fn server() -> super::Serving {
        super::serve(super::Release::Develop).await
    }

    shakenfist_contract!(server);
}

mod answers_202 {
    async fn server() -> super::Serving {
        let served = super::serve(super::Release::Develop).await?;
        served.guard.answer_accepted();
        Ok(served)
    }

    shakenfist_contract!(server);
}
