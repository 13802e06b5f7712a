//! Typed, safe control of instances on Incus, Koyeb, Lambda Cloud and Shaken Fist: waits that end, retries that never
//! launch twice, errors to match on, and fake servers to test against.
//!
//! | | launches | runs commands | moves files | snapshots | events |
//! | --- | --- | --- | --- | --- | --- |
//! | [`Incus`] | containers, virtual machines | yes, with input, signals, terminals | files and whole trees | yes | live |
//! | [`Koyeb`] | no: its services start instances (scale, redeploy) | yes, with input and terminals | | yes | past; live logs |
//! | [`LambdaCloud`] | machines with GPUs | | | | |
//! | [`ShakenFist`] | virtual machines | yes, through the agent | files | yes | past |
//!
//! Each platform has its own client, with the vendor's words. The grammar is the same on all four: lists, waits, retries,
//! errors, commands and transfers work alike. If you know one, you can guess the others.
//!
//! # Connect, launch, run, clean up
//!
//! This example runs as it is: [`testing::FakeIncus`] is a real server in this process. With
//! `Incus::discover().await?` instead, the rest does the same on the Incus of your machine.
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
//!     .image("busybox")                           // on a real server: "images:debian/13"
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
//! web.delete().force().await?;
//! # Ok(()) }
//! ```
//!
//! On the other platforms it looks the same: see [`koyeb`], [`lambda_cloud`], [`shakenfist`].
//!
//! # The grammar
//!
//! | to | write |
//! | --- | --- |
//! | connect | `X::discover().await`, or `Incus::https(address)`, `Koyeb::token(token)`, `LambdaCloud::key(key)`, `ShakenFist::at(url)`; `.client()` instead of `.await` sends nothing |
//! | name one thing | `incus.instance("web")`: a handle, without a request; `.get().await` reads it |
//! | launch | `incus.launch("web").await`; not on Koyeb |
//! | list | `incus.instances().await` for a `Vec`, `.stream()` for a [`List`]; `.label("role", "db")` filters, not on Koyeb |
//! | change something | `web.restart().await` waits for the end; `.send().await` gives the [`Operation`] |
//! | wait for a state | `web.until_ready().timeout(limit).await` |
//! | follow what happens | `incus.watch().await`, then `next()`; a hole in it is an item, `Gap` |
//! | read the past | `instance.events().await` |
//!
//! Verbs are the vendors' words:
//!
//! | | [`Incus`] | [`Koyeb`] | [`LambdaCloud`] | [`ShakenFist`] |
//! | --- | --- | --- | --- | --- |
//! | stop | `stop` | `pause` a service | | `power_off` |
//! | start | `start` | `resume` a service | | `power_on` |
//! | restart | `restart` | `redeploy` a service | `restart` | `reboot_soft`, `reboot_hard` |
//! | delete | `delete` | | `terminate` | `delete` |
//!
//! The guide has [all of it side by side](crate::guide::grammar).
//!
//! # What you can rely on
//!
//! * **A launch is never doubled.** A request that changes something is sent again only if it provably never reached the
//!   server. A launch whose answer is lost is looked for by its marker; see [`incus::Launch`], [`lambda_cloud::Launch`],
//!   [`shakenfist::Launch`]. If even that can't tell, the error is [`ErrorKind::OutcomeUnknown`].
//! * **A wait ends.** [`Operation`] has a limit, notices a dead server, and says which of four things happened
//!   ([`WaitEnd`]). With its [`Ticket`] another process can continue the wait. [`Until`] waits for a state in the same way.
//! * **A failure is an error**, even if its HTTP status is 200. [`Error`] keeps the status, the server's words, whether
//!   the request reached the server, and whether it may be repeated.
//! * **Nothing is silently incomplete.** A [`List`] ends with an error or with its last item, and so do the output of a
//!   [`Process`] and the bytes of a [`Pull`]. A pulled file is complete, or it isn't there.
//! * **New values are kept.** An unknown status becomes `Unknown("Hibernating")`, an unknown field is kept in `extra`.
//! * **Secrets don't print**: [`Secret`].
//!
//! # Where to find what
//!
//! | to | use |
//! | --- | --- |
//! | find a server and your credentials | [`Incus::discover`], [`Koyeb::discover`], [`LambdaCloud::discover`], [`ShakenFist::discover`] |
//! | wait, with progress and a limit | [`Operation`], [`Action`], [`Until`], [`Ticket`] |
//! | list | [`Query`], [`List`] |
//! | run a command | [`Process`], [`Output`], [`Signal`] |
//! | move bytes | [`Content`], [`Pull`], [`Transferred`] |
//! | follow what happens | [`incus::Events`], [`koyeb::Tail`] |
//! | set proxy, headers, certificate authorities | [`Http`] |
//! | set retries, pace and limits | [`Retry`], [`Pacing`], [`Limits`] |
//! | know what went wrong | [`Error`], [`ErrorKind`], [`Sent`], [`lambda_cloud::ErrorCode`] |
//! | see several clouds as one | [`cloud::Cloud`], [`cloud::Fleet`] |
//! | delete in the end what was launched | [`cloud::Cleanup`] |
//! | test your code | [`testing`] |
//! | call any operation of an API | [`raw`] |
//!
//! The [guide](crate::guide) has a page for each task and each platform, and one for people who know another client.
//!
//! # Features
//!
//! | feature | what for |
//! | --- | --- |
//! | `incus` (default) | [Incus](https://linuxcontainers.org/incus/): containers and virtual machines |
//! | `koyeb` (default) | [Koyeb](https://www.koyeb.com/): serverless instances |
//! | `lambda-cloud` (default) | [Lambda Cloud](https://lambda.ai/): machines with GPUs |
//! | `shakenfist` (default) | [Shaken Fist](https://shakenfist.com/): virtual machines on small clusters |
//! | `testing` | in-process fake servers of the chosen platforms |
//! | `schemars` | `JsonSchema` for the generated types (schemars 0.8) |
//! | `generate` | generate the raw clients at build time instead of using the committed ones |
//!
//! To compile only one platform: `default-features = false, features = ["koyeb"]`.
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
//! Where no real server was tried, spec and fake follow the vendor's documents and published sources. Requires Rust 1.88
//! and tokio, on Linux, macOS or Windows: [what differs](crate::guide::systems).

// Each API needs only a part of the core, and only Unix needs all of it.
#![cfg_attr(
    not(all(unix, feature = "incus", feature = "koyeb", feature = "lambda-cloud", feature = "shakenfist")),
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
mod error;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(any(doc, doctest))]
pub mod guide;
mod handle;
#[cfg(feature = "incus")]
pub mod incus;
mod instant;
#[cfg(feature = "koyeb")]
pub mod koyeb;
#[cfg(feature = "lambda-cloud")]
pub mod lambda_cloud;
mod launch_marker;
mod open_enum;
mod place;
mod price;
mod printable;
pub mod raw;
mod secret;
#[cfg(feature = "shakenfist")]
pub mod shakenfist;
mod stream;
mod system;
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
pub use transport::{Http, Limits, Pacing, Retry};
pub use wait::{Action, Operation, Progress, Until, WaitEnd, WaitError};
