//! Real servers: what operations need is made there, and what they did is looked up there, past the proxy and without
//! windlass.

mod direct;
mod incus;
mod shakenfist;

pub use incus::Lab as IncusLab;
pub use shakenfist::Lab as ShakenFistLab;

use crate::api::Api;
use crate::subject::{Real, Subject};

use super::{Failure, World};

/// The operations that are played on a real server, each with what it shall do if it can do several things.
pub fn rows(api: Api) -> &'static [(&'static str, &'static str)] {
    match api {
        Api::Incus => incus::ROWS,
        Api::ShakenFist => shakenfist::ROWS,
        Api::Koyeb | Api::LambdaCloud => &[],
    }
}

/// Makes what the operation needs.
pub(super) fn prepare(subject: &Subject, real: &Real) -> Result<World, Failure> {
    match subject.api {
        Api::Incus => incus::prepare(subject, real),
        Api::ShakenFist => shakenfist::prepare(subject, real),
        Api::Koyeb | Api::LambdaCloud => Err("nothing is played on real servers of this API".into()),
    }
}

/// Asks until it is so.
fn until(what: &str, mut is_so: impl FnMut() -> Result<bool, Failure>) -> Result<(), Failure> {
    let begun = std::time::Instant::now();
    while !is_so()? {
        if begun.elapsed() > std::time::Duration::from_secs(60) {
            return Err(format!("the server takes too long: {what}").into());
        }
        // A look costs the server as much as the work that it waits for.
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    Ok(())
}
