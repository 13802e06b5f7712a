//! Incus.

mod commands;
mod feeds;
mod files;
mod real;
mod secure;
mod trees;
mod waits;

use std::net::SocketAddr;
use std::time::Duration;

pub(super) use commands::finished;
pub(super) use files::landed;
pub(super) use real::scenarios as on_real;

use windlass::testing::FakeIncus;
use windlass::{Error, Incus};

use super::scenario::{Outcome, Scenario, Start, Starting, Story};
use super::{LIMIT, findings::Findings};
use crate::api::Api;
use crate::world::{Failure, http, retry};

/// The scenarios.
pub(super) static ALL: &[Scenario] = &[
    of("exec", LIMIT, commands::output),
    of("exec with input", LIMIT, commands::input),
    of("exec in a terminal", LIMIT, commands::terminal),
    of("exec, output discarded", LIMIT, commands::discarded),
    of("exec, output recorded", LIMIT, commands::recorded),
    of("attach_console", LIMIT, commands::console),
    of("watch", feeds::LIMIT, feeds::watch),
    of("pull", LIMIT, files::pull),
    of("pull of a backup", LIMIT, files::backup),
    of("pull of a log", LIMIT, files::log),
    of("push", LIMIT, files::push),
    of("push of a file", LIMIT, files::push_file),
    of("push over SFTP", LIMIT, files::push_over_sftp),
    of("export_files", LIMIT, files::export),
    of("import_image", LIMIT, files::import),
    of("pull_tree", LIMIT, trees::pull),
    of("push_tree", LIMIT, trees::push),
    of("launch", LIMIT, waits::launch),
    of("stop", LIMIT, waits::stop),
    of("start that fails", LIMIT, waits::failing),
    of("delete", LIMIT, waits::delete),
    of("create_snapshot", LIMIT, waits::snapshot),
    of("until_running", LIMIT, waits::until_running),
    of("operation.wait", LIMIT, waits::operation),
    of("calls over TLS", LIMIT, secure::calls),
    of("stop over TLS", LIMIT, secure::stop),
    of("exec over TLS", LIMIT, secure::exec),
    of("pull over TLS", LIMIT, secure::pull),
    of("TLS, no length: read_file", LIMIT, secure::read_without_length),
    of("TLS, no length: get", LIMIT, secure::get_without_length),
];

const fn of(name: &'static str, limit: Duration, start: fn() -> Starting) -> Scenario {
    Scenario { api: Api::Incus, name, limit, start: Start::Fake(start) }
}

fn client(to: SocketAddr) -> windlass::Result<Incus> {
    Incus::http(format!("http://{to}")).retry(retry()).http(http()).client()
}

fn story<T: 'static>(
    incus: &Incus,
    act: impl Future<Output = Result<T, Error>> + 'static,
    check: impl FnOnce(Outcome<'_, T>, &mut Findings) + 'static,
) -> Story {
    let incus = incus.clone();
    let simple = move || {
        let incus = incus.clone();
        async move { incus.raw().server_get().send().await.map(drop) }
    };
    Story::new(simple, act, check)
}

/// A fake with the instance `web`, which runs.
async fn running() -> Result<FakeIncus, Failure> {
    let fake = FakeIncus::start().await?;
    fake.add_instance("web");
    set_status(&fake, "Running", 103);
    Ok(fake)
}

fn set_status(fake: &FakeIncus, status: &str, code: u32) {
    fake.edit_instance("web", |web| (web["status"], web["status_code"]) = (status.into(), code.into()));
}

fn status(fake: &FakeIncus, name: &str) -> Option<String> {
    Some(fake.instance(name)?["status"].as_str()?.to_owned())
}
