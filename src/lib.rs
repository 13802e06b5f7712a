//! Typed, safe control of instances on Incus, Koyeb, Lambda Cloud and Shaken Fist: waits that end, retries that never
//! launch twice, errors to match on, and fake servers to test against.
//!
//! | | launches | runs commands | moves files | tells what happens |
//! | --- | --- | --- | --- | --- |
//! | [`Incus`] | containers, virtual machines | yes, with input, signals, terminals | files and whole trees | events |
//! | [`Koyeb`] | by way of services: scale, redeploy | yes, with input and terminals | | logs, as they are written |
//! | [`LambdaCloud`] | machines with GPUs | | | |
//! | [`ShakenFist`] | virtual machines | yes, by the agent | files | events, to be read afterwards |
//!
//! Each has a client of its own with the vendor's words. Waiting, repeating, errors, lists, commands and transfers are
//! the same for all of them.
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
//! On the other platforms it reads alike: see [`koyeb`], [`lambda_cloud`], [`shakenfist`].
//!
//! # What to rely on
//!
//! * **A launch is never doubled.** What changes something is sent again only when it provably never reached the
//!   server. A launch whose answer is lost is looked for by a marker; see [`incus::Launch`], [`lambda_cloud::Launch`],
//!   [`shakenfist::Launch`]. Where even that can't tell, the error is of [`ErrorKind::OutcomeUnknown`].
//! * **A wait ends.** [`Operation`] has a limit, notices a dead server, and says which of four things happened
//!   ([`WaitEnd`]). Its [`Ticket`] lets another process go on waiting. [`Until`] waits for a state in the same way.
//! * **A failure is an error**, also when it hides in a good HTTP status. [`Error`] keeps the status, the server's own
//!   words, whether the request reached the server, and whether it may be repeated.
//! * **Nothing is silently short.** A [`List`] ends with an error or with its last item; the output of a [`Process`] and
//!   the bytes of a [`Pull`] too. A pulled file is whole, or isn't there.
//! * **What is new is kept.** An unknown status becomes `Unknown("Hibernating")`, an unknown field lands in `extra`.
//! * **Secrets don't print**: [`Secret`].
//!
//! # Where to find what
//!
//! | to | use |
//! | --- | --- |
//! | find a server and who you are | [`Incus::discover`], [`Koyeb::discover`], [`LambdaCloud::discover`], [`ShakenFist::discover`] |
//! | wait, with progress and a limit | [`Operation`], [`Action`], [`Until`], [`Ticket`] |
//! | list, page by page | [`List`] |
//! | run a command | [`Process`], [`Output`], [`Signal`] |
//! | move bytes | [`Content`], [`Pull`], [`Transferred`] |
//! | hear what happens | [`incus::Events`], [`koyeb::Tail`] |
//! | say what may be repeated, how fast, and how much at most | [`Retry`], [`Pacing`], [`Limits`] |
//! | know what went wrong | [`Error`], [`ErrorKind`], [`Sent`], [`lambda_cloud::ErrorCode`] |
//! | see several clouds as one | [`cloud::Cloud`], [`cloud::Fleet`] |
//! | test your code | [`testing`] |
//! | call what has no typed method | [`raw`] |
//!
//! The [guide](crate::guide) has a page for each, and one for people who know another client.
//!
//! # Features
//!
//! | feature | what for |
//! | --- | --- |
//! | `incus` (default) | [Incus](https://linuxcontainers.org/incus/): containers and virtual machines |
//! | `koyeb` (default) | [Koyeb](https://www.koyeb.com/): serverless instances |
//! | `lambda-cloud` (default) | [Lambda Cloud](https://lambda.ai/): machines with GPUs |
//! | `shakenfist` (default) | [Shaken Fist](https://shakenfist.com/): virtual machines on small clusters |
//! | `testing` | in-process fake servers of the platforms that are chosen |
//! | `schemars` | `JsonSchema` for the generated types (schemars 0.8) |
//! | `generate` | generate the raw clients at build time instead of using the committed ones |
//!
//! Who needs one platform compiles only that one: `default-features = false, features = ["koyeb"]`.
//!
//! # Support
//!
//! | platform | versions | tried on real servers | another client, tried on the fake |
//! | --- | --- | --- | --- |
//! | Incus | 6.0 LTS, 7.0 LTS | private daemons of both: unix socket, HTTPS, a cluster | the vendor's `incus` command |
//! | Koyeb | the API of 2026 | **no** | the vendor's Python SDK 1.5.5 |
//! | Lambda Cloud | API 1.10.0 | **no** | a Python client from PyPI |
//! | Shaken Fist | 0.7.2, 0.8.0.0rc4 | the API servers of both; libvirt, the network node and the guest's agent are stand-ins | the vendor's Python client |
//!
//! Where no real server was tried, spec and fake follow the vendor's documents and published sources. Rust 1.88 or later,
//! Linux, tokio.

// Each API needs only a part of the core.
#![cfg_attr(
    not(all(feature = "incus", feature = "koyeb", feature = "lambda-cloud", feature = "shakenfist")),
    allow(dead_code, unreachable_pub, unused_imports, unused_macros)
)]

/// The README's examples are tests, too.
#[cfg(all(doctest, feature = "incus", feature = "testing"))]
#[doc = include_str!("../README.md")]
struct Readme;

mod client;
#[cfg(any(feature = "incus", feature = "koyeb", feature = "lambda-cloud", feature = "shakenfist"))]
pub mod cloud;
mod config;
mod deadline;
mod error;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(any(doc, doctest))]
pub mod guide;
mod handle;
#[cfg(feature = "incus")]
pub mod incus;
#[cfg(feature = "koyeb")]
pub mod koyeb;
#[cfg(feature = "lambda-cloud")]
pub mod lambda_cloud;
mod open_enum;
mod place;
mod price;
mod printable;
pub mod raw;
mod secret;
#[cfg(feature = "shakenfist")]
pub mod shakenfist;
mod stream;
#[cfg(feature = "testing")]
pub mod testing;
mod ticket;
mod transport;
mod wait;

pub use error::{Error, ErrorKind, Result, Sent};
pub use handle::{Id, Identified};
#[cfg(feature = "incus")]
pub use incus::Incus;
#[cfg(feature = "koyeb")]
pub use koyeb::Koyeb;
#[cfg(feature = "lambda-cloud")]
pub use lambda_cloud::LambdaCloud;
pub use price::Price;
pub use secret::{Secret, SecretMap};
#[cfg(feature = "shakenfist")]
pub use shakenfist::ShakenFist;
pub use stream::{
    Chunk, Content, Cursor, Download, ExitStatus, List, Output, Page, Process, Pull, Query, Signal, Stdin,
    Transferred,
};
pub use ticket::Ticket;
pub use transport::{Limits, Pacing, Retry};
pub use wait::{Action, Operation, Progress, Until, WaitEnd, WaitError};
