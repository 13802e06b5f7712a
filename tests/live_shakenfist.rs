//! The contract on a real Shaken Fist server: `cargo xtask live shakenfist` starts both releases and runs this.
#![cfg(feature = "shakenfist")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[macro_use]
mod contract_shakenfist;

use contract_shakenfist::Served;
use windlass::shakenfist::ShakenFist;

async fn server() -> Result<Served<()>, Box<dyn std::error::Error>> {
    let url = std::env::var("WINDLASS_LIVE_SHAKENFIST_URL")
        .map_err(|_| "WINDLASS_LIVE_SHAKENFIST_URL is not set: run `cargo xtask live shakenfist`")?;
    let sf = ShakenFist::at(&url).namespace("demo").key("demokey").connect().await?;
    Ok(Served { sf, url, guard: () })
}

contract!(
    #[ignore = "needs a real Shaken Fist server: cargo xtask live shakenfist"]
    server
);
