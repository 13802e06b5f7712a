//! What windlass promises, each by a test that fails without it; and tests of the fakes without our client.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]
// A test's future lives on the heap of its own runtime.
#![allow(clippy::large_futures)]
// A build with few features runs a part of it.
#![cfg_attr(
    not(all(feature = "incus", feature = "koyeb", feature = "lambda-cloud", feature = "shakenfist")),
    allow(dead_code, unused_imports, unused_macros)
)]

mod alone;
mod clock;
#[cfg(feature = "incus")]
#[path = "../support/fake_client.rs"]
#[allow(dead_code)] // each program uses a part of it
mod fake_client;
mod hostile;
#[cfg(feature = "incus")]
#[path = "../support/wire.rs"]
#[allow(dead_code)]
mod wire;

#[cfg(all(feature = "incus", feature = "koyeb", feature = "lambda-cloud", feature = "shakenfist"))]
mod cleanup;
#[cfg(all(feature = "incus", feature = "koyeb", feature = "lambda-cloud", feature = "shakenfist"))]
mod cloud;
mod errors;
mod output;
#[cfg(all(feature = "incus", feature = "lambda-cloud"))]
mod preview_service;
#[cfg(feature = "shakenfist")]
mod shakenfist;
mod tickets;
#[cfg(feature = "koyeb")]
mod tls_front;
#[cfg(all(feature = "incus", feature = "koyeb", feature = "lambda-cloud", feature = "shakenfist"))]
mod tracing;

#[cfg(feature = "incus")]
mod incus {
    mod copy;
    mod errors;
    mod events;
    mod exec;
    mod exec_input;
    mod extremes;
    mod files;
    mod image_remotes;
    mod launch_key;
    mod many_waits;
    mod modes;
    mod raw;
    mod remote;
    mod retry;
    mod sftp;
    mod transfer;
    mod wait;
}

#[cfg(feature = "koyeb")]
mod koyeb {
    mod connect;
    mod exec;
    mod extremes;
    mod lists;
    mod logs;
    mod tail_cut;
    mod tls;
    mod waits;
}

#[cfg(feature = "lambda-cloud")]
mod lambda_cloud;

#[cfg(all(feature = "incus", feature = "koyeb", feature = "lambda-cloud", feature = "shakenfist"))]
mod http {
    mod proxy;
    mod settings;
}

/// Servers that never end, or never begin.
#[cfg(all(feature = "incus", feature = "koyeb", feature = "lambda-cloud", feature = "shakenfist"))]
mod limits {
    mod bodies;
    mod extremes;
    mod heads;
    mod hostile;
    mod in_flight;
}

/// The programs in `examples/`, on the fakes.
#[cfg(all(feature = "incus", feature = "koyeb", feature = "lambda-cloud", feature = "shakenfist"))]
mod examples {
    mod ci_runner;
    mod fleet;
    mod gpu_burst;
    mod koyeb_watch;
    mod sandbox_service;
    mod screen;
    mod vm_lab;
}

/// Memory is measured in a process of its own.
mod memory {
    #[cfg(feature = "incus")]
    mod exec;
    #[cfg(feature = "koyeb")]
    mod koyeb;
    mod output;
    #[cfg(feature = "koyeb")]
    mod tail;
}

/// The fakes, driven without our client.
mod fake {
    #[cfg(all(feature = "incus", feature = "koyeb", feature = "shakenfist"))]
    mod commands;
    #[cfg(feature = "incus")]
    mod exec;
    #[cfg(feature = "incus")]
    mod faults;
    #[cfg(feature = "incus")]
    mod incus_places;
    #[cfg(feature = "incus")]
    mod incus_profiles;
    #[cfg(feature = "incus")]
    mod incus_publish;
    #[cfg(feature = "incus")]
    mod incus_wire;
    #[cfg(feature = "koyeb")]
    mod koyeb;
    #[cfg(feature = "lambda-cloud")]
    mod lambda_cloud;
    #[cfg(feature = "incus")]
    mod late_failures;
    #[cfg(feature = "shakenfist")]
    mod shakenfist;
    #[cfg(all(feature = "incus", feature = "koyeb", feature = "shakenfist"))]
    mod shell;
}
