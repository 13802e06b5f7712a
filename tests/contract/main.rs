//! One suite for every server of a platform, real or fake; and the vendors' own clients against the fakes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]
// A build with few features runs a part of it.
#![cfg_attr(
    not(all(feature = "incus", feature = "koyeb", feature = "lambda-cloud", feature = "shakenfist")),
    allow(dead_code, unused_imports, unused_macros)
)]

#[cfg(feature = "incus")]
#[path = "../support/fake_client.rs"]
#[allow(dead_code)] // each program uses a part of it
mod fake_client;
#[cfg(feature = "incus")]
#[path = "../support/oidc.rs"]
mod oidc;
#[cfg(feature = "incus")]
#[path = "../support/wire.rs"]
#[allow(dead_code)]
mod wire;

#[cfg(feature = "incus")]
#[macro_use]
mod incus;
#[cfg(feature = "shakenfist")]
#[macro_use]
mod shakenfist;

/// The suites on the fake servers.
mod fake {
    #[cfg(feature = "incus")]
    mod incus;
    #[cfg(feature = "shakenfist")]
    mod shakenfist;
}

/// What runs on real servers: `cargo xtask live` starts them and chooses among these modules by name.
mod live {
    #[cfg(feature = "incus")]
    mod incus;
    #[cfg(feature = "incus")]
    mod incus_cluster;
    #[cfg(feature = "incus")]
    mod incus_discover;
    #[cfg(feature = "incus")]
    mod incus_exec;
    #[cfg(feature = "incus")]
    mod incus_https;
    #[cfg(feature = "incus")]
    mod incus_images;
    #[cfg(feature = "incus")]
    mod incus_many;
    #[cfg(feature = "incus")]
    mod incus_oidc;
    #[cfg(feature = "incus")]
    mod incus_restart;
    #[cfg(feature = "incus")]
    mod incus_transfer;
    #[cfg(feature = "shakenfist")]
    mod shakenfist;
}

/// Clients that others wrote, against the fakes; run by `cargo xtask live`, too.
mod vendor {
    mod compare;
    #[cfg(feature = "incus")]
    mod incus;
    #[cfg(feature = "koyeb")]
    mod koyeb;
    #[cfg(feature = "lambda-cloud")]
    mod lambda_cloud;
    #[cfg(all(feature = "incus", feature = "koyeb", feature = "lambda-cloud", feature = "shakenfist"))]
    mod real_schemas;
    #[cfg(all(feature = "incus", feature = "koyeb", feature = "lambda-cloud", feature = "shakenfist"))]
    mod schemas;
    #[cfg(feature = "shakenfist")]
    mod shakenfist;
}
