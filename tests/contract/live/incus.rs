//! The contract on a real Incus daemon: `cargo xtask live incus` starts both generations and runs this.

use crate::incus::Daemon;
use windlass::incus::Incus;

async fn server() -> Result<(Incus, Daemon), Box<dyn std::error::Error>> {
    let socket = std::env::var("WINDLASS_LIVE_INCUS_SOCKET")
        .map_err(|_| "WINDLASS_LIVE_INCUS_SOCKET is not set: run `cargo xtask live incus`")?;
    Ok((Incus::unix(socket).await?, Daemon))
}

incus_contract!(
    #[ignore = "needs a real Incus: cargo xtask live incus"]
    server
);

incus_contract_in_the_clear!(
    #[ignore = "needs a real Incus: cargo xtask live incus"]
    server
);
