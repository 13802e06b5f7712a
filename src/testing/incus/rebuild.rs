//! `POST /1.0/instances/{name}/rebuild`.

use std::sync::Arc;

use super::common::{body, not_implemented};
use super::envelope::{Answer, Failure, failure};
use super::publish;
use super::world::{Key, Tree, World, draft};
use crate::testing::server::request::Request;

pub(super) fn rebuild(world: &Arc<World>, request: &Request, key: &Key) -> Answer {
    if request.method != "POST" {
        return not_implemented();
    }
    let asked = body(request)?;
    if !world.exists(key) {
        return Err(failure(404, "Failed loading instance: Instance not found"));
    }
    if world.with(key, |instance| instance.is_up())? {
        return Err(failure(400, "Instance must be stopped to be rebuilt"));
    }
    let key = key.clone();
    Ok(world.launch(draft("Rebuilding instance", &key), |world, operation| async move {
        let image = world.source_image(&asked, &key.0).map_err(|e| for_rebuild(&e))?;
        if !world.with(&key, |instance| instance.snapshots.is_empty())? {
            let way = if image.is_some() { "instance from image" } else { "as an empty instance" };
            let text =
                format!("Failed rebuilding {way}: Cannot remove an instance volume that has snapshots");
            return Err(failure(500, text));
        }
        world.build(&operation, &key, image.is_some()).await?;
        let files = image.as_ref().and_then(publish::contents).unwrap_or_else(Tree::new);
        world.with(&key, |instance| instance.files = files)
    }))
}

fn for_rebuild(e: &Failure) -> Failure {
    failure(e.code, e.text.replace("instance creation", "instance rebuild"))
}
