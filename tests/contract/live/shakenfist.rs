//! The contract on a real Shaken Fist server: `cargo xtask live shakenfist` starts both releases and runs this.

use crate::shakenfist::Served;
use windlass::shakenfist::ShakenFist;

async fn server() -> Result<Served<()>, Box<dyn std::error::Error>> {
    let url = std::env::var("WINDLASS_LIVE_SHAKENFIST_URL")
        .map_err(|_| "WINDLASS_LIVE_SHAKENFIST_URL is not set: run `cargo xtask live shakenfist`")?;
    let sf = ShakenFist::at(&url).namespace("demo").key("demokey").await?;
    Ok(Served { sf, url, guard: () })
}

shakenfist_contract!(
    #[ignore = "needs a real Shaken Fist server: cargo xtask live shakenfist"]
    server
);
