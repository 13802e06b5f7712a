//! Typed, safe control of instances: waits that end, retries that never launch twice, errors to match on, and fake
//! servers to test against.
//!
//! Incus is the first of four platforms; Lambda Cloud, Koyeb and Shaken Fist follow.
//!
//! # Connect, launch, run, clean up
//!
//! This example runs as it stands: [`testing::FakeIncus`] is a real server on a socket of its own, in this process.
//! With `Incus::discover().await?` instead, it does the same on the Incus of this machine.
//!
#![cfg_attr(all(feature = "incus", feature = "testing"), doc = "```")]
#![cfg_attr(not(all(feature = "incus", feature = "testing")), doc = "```ignore")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! let fake = windlass::testing::FakeIncus::start().await?;
//! let incus = fake.client()?;
//!
//! let web = incus
//!     .launch("web")
//!     .image("busybox")
//!     .memory("256MiB")
//!     .send()
//!     .await?                                     // accepted
//!     .on_progress(|p| eprintln!("{p}"))
//!     .timeout(Duration::from_secs(60))
//!     .await?;                                    // running
//!
//! let done = web.exec(["sh", "-c", "echo hello; exit 3"]).output().await?;
//! assert_eq!((done.stdout_text().as_str(), done.status.code()), ("hello\n", 3));
//!
//! match incus.launch("web").image("busybox").await {
//!     Err(e) if e.is_already_exists() => {}       // one of its many kinds
//!     other => panic!("{other:?}"),
//! }
//!
//! web.stop().force().await?;
//! web.delete().await?;
//! # Ok(()) }
//! ```
//!
//! # What to rely on
//!
//! * **A launch is never doubled.** What changes something is sent again only when it provably never reached the
//!   server. A launch whose answer is lost is looked for by a marker; see [`incus::Launch`].
//! * **A wait ends.** [`Operation`] has a limit, notices a dead server, and says which of four things happened
//!   ([`WaitEnd`]). Its [`Ticket`] lets another process go on waiting.
//! * **A failure is an error**, also when it hides in a good HTTP status. [`Error`] keeps the status, the server's own
//!   words, whether the request reached the server, and whether it may be repeated.
//! * **What is new is kept.** An unknown status becomes `Unknown("Hibernating")`, an unknown field lands in `extra`.
//! * **Secrets don't print**: [`Secret`].
//!
//! # Features
//!
//! | feature | what for |
//! | --- | --- |
//! | `incus` (default) | [Incus](https://linuxcontainers.org/incus/): containers and virtual machines |
//! | `koyeb` (default) | [Koyeb](https://www.koyeb.com/): serverless instances |
//! | `lambda-cloud` (default) | [Lambda Cloud](https://lambda.ai/): machines with GPUs |
//! | `shakenfist` (default) | [Shaken Fist](https://shakenfist.com/): virtual machines on small clusters |
//! | `testing` | in-process fake servers |
//! | `schemars` | `JsonSchema` for the generated types (schemars 0.8) |
//! | `generate` | generate the raw clients at build time instead of using the committed ones |
//!
//! # Support
//!
//! | platform | versions tested | over |
//! | --- | --- | --- |
//! | Incus | 6.0 LTS and 7.0 LTS, real daemons | unix socket (Linux) |
//! | Koyeb | the vendor's Python SDK against the fake server | TLS |
//! | Lambda Cloud | API 1.10.0, the fake and a Python client; not the service itself | TLS |
//!
//! Everything is reachable raw as well: [`raw`].

// Each API needs only a part of the core.
#![cfg_attr(
    not(all(feature = "incus", feature = "koyeb", feature = "lambda-cloud", feature = "shakenfist")),
    allow(dead_code, unreachable_pub, unused_imports, unused_macros)
)]

/// The README's examples are tests, too.
#[cfg(all(doctest, feature = "incus", feature = "testing"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// So are the guide's.
#[cfg(all(doctest, feature = "incus", feature = "testing"))]
mod guide {
    #[doc = include_str!("../docs/guide/connect.md")]
    struct Connect;
    #[doc = include_str!("../docs/guide/launch.md")]
    struct Launch;
    #[doc = include_str!("../docs/guide/errors.md")]
    struct Errors;
    #[doc = include_str!("../docs/guide/retries.md")]
    struct Retries;
    #[doc = include_str!("../docs/guide/testing.md")]
    struct Testing;
    #[doc = include_str!("../docs/guide/raw.md")]
    struct Raw;
}

mod call;
#[cfg(any(feature = "incus", feature = "koyeb", feature = "lambda-cloud", feature = "shakenfist"))]
pub mod cloud;
mod config;
mod credential;
mod error;
mod http;
#[cfg(feature = "incus")]
pub mod incus;
#[cfg(feature = "koyeb")]
pub mod koyeb;
#[cfg(feature = "lambda-cloud")]
pub mod lambda_cloud;
mod pace;
mod page;
mod process;
pub mod raw;
mod retry;
mod secret;
#[cfg(feature = "shakenfist")]
pub mod shakenfist;
mod socket;
#[cfg(feature = "testing")]
pub mod testing;
mod ticket;
mod tls;
mod transfer;
mod transport;
mod until;
mod wait;

pub use error::{Error, Kind, Result, Sent};
#[cfg(feature = "incus")]
pub use incus::Incus;
#[cfg(feature = "koyeb")]
pub use koyeb::Koyeb;
#[cfg(feature = "lambda-cloud")]
pub use lambda_cloud::LambdaCloud;
pub use pace::Pacing;
pub use page::{Cursor, List, Page};
pub use process::{Chunk, ExitStatus, Output, Process, Signal, Stdin};
pub use retry::Retry;
pub use secret::{Secret, SecretMap};
#[cfg(feature = "shakenfist")]
pub use shakenfist::ShakenFist;
pub use ticket::Ticket;
pub use transfer::{Content, Download, Pull, Transferred};
pub use until::Until;
pub use wait::{Action, Operation, Progress, WaitEnd, WaitError};
