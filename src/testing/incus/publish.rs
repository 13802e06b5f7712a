//! Images made of instances and snapshots.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::common::{body, expiry, lacking, project};
use super::envelope::{Answer, Failure, failure};
use super::snapshots;
use super::world::{Draft, Images, Key, NEVER, Tree, World, image_document, unified};
use crate::testing::server::request::Request;
use crate::testing::server::tasks::lock;

/// What an image is made of.
struct Source {
    /// The instance, and its snapshot.
    key: Key,
    snapshot: Option<String>,
}

impl Source {
    fn parse(asked: &Value, project: String) -> Result<Source, Failure> {
        let text = |key: &str| asked["source"][key].as_str().unwrap_or_default();
        let (kind, name) = (text("type"), text("name"));
        if name.is_empty() {
            return Err(failure(500, "No source provided"));
        }
        match (kind, name.split_once('/')) {
            ("snapshot", None) => Err(failure(500, "Not a snapshot")),
            ("snapshot", Some((name, snapshot))) => {
                Ok(Source { key: (project, name.to_owned()), snapshot: Some(snapshot.to_owned()) })
            }
            (_, Some(_)) => Err(failure(500, "This is a snapshot")),
            (_, None) => Ok(Source { key: (project, name.to_owned()), snapshot: None }),
        }
    }

    /// The document, the files, and what the image of the instance said of itself.
    fn read(&self, world: &World) -> Result<(Value, Tree, Value), Failure> {
        world.with(&self.key, |instance| {
            let said = instance.about.metadata["properties"].clone();
            match &self.snapshot {
                None if instance.is_up() => Err(failure(500, "Cannot export a running instance as an image")),
                None => Ok((instance.document.clone(), instance.files.copy(), said)),
                Some(name) => match instance.snapshot(name) {
                    Some(found) => Ok((found.document.clone(), found.files.copy(), said)),
                    None => Err(snapshots::missing(&self.key, name)),
                },
            }
        })?
    }
}

/// `POST /1.0/images` with a document.
pub(super) fn publish(world: &Arc<World>, request: &Request) -> Answer {
    let asked = body(request)?;
    match asked["source"]["type"].as_str().unwrap_or_default() {
        "instance" | "container" | "virtual-machine" | "snapshot" => {}
        // Copied from a server, or fetched from an address.
        "image" | "url" | "" => return lacking(request),
        _ => return Err(failure(500, "Invalid images JSON")),
    }
    let own = project(request);
    let home = world.home_of_images(own.clone());
    let draft =
        Draft { description: "Downloading image", project: home.clone(), resources: json!({}), socket: None };
    Ok(world.launch(draft, |world, operation| async move {
        world.take_time(None).await;
        let (document, files, said) = Source::parse(&asked, own)?.read(&world)?;
        let data = archive(&document);
        let mut image = image(&world, &asked, &document, &data)?;
        if image["properties"].as_object().is_none_or(Map::is_empty) {
            image["properties"] = said;
        }
        let (fingerprint, size) = (image["fingerprint"].clone(), image["size"].to_string());
        let name = fingerprint.as_str().unwrap_or_default().to_owned();
        lock(&CONTENTS).insert(name.clone(), files);
        store(&mut lock(&world.images), &asked, &home, image, data)?;
        world.set_metadata(&operation, "fingerprint", fingerprint);
        world.set_metadata(&operation, "size", size.into());
        let kind = json!({"type": document["type"].as_str().unwrap_or("container")});
        world.events.lifecycle("image-created", &format!("/1.0/images/{name}"), &home, &kind);
        Ok(())
    }))
}

/// A file for the image, which only the fakes of this process can read.
fn archive(document: &Value) -> Bytes {
    let unique = json!([document, rand::random::<u64>()]);
    [b"\x1f\x8b".as_slice(), unique.to_string().as_bytes()].concat().into()
}

fn image(world: &World, asked: &Value, document: &Value, data: &[u8]) -> Result<Value, Failure> {
    let mut image = image_document(world.generation, data, "");
    let fingerprint = image["fingerprint"].as_str().unwrap_or_default().to_owned();
    image["filename"] = format!("{fingerprint}.tar.gz").into();
    image["type"] = document["type"].as_str().unwrap_or("container").into();
    image["architecture"] = document["architecture"].clone();
    image["created_at"] = image["uploaded_at"].clone();
    image["expires_at"] = expiry(asked, NEVER)?.into();
    image["public"] = (asked["public"] == true).into();
    image["properties"] = match &asked["properties"] {
        Value::Object(given) => given.clone().into(),
        _ => json!({}),
    };
    if let Some(profiles) = asked["profiles"].as_array() {
        image["profiles"] = profiles.clone().into();
    }
    Ok(image)
}

/// Adds the image with its names.
fn store(images: &mut Images, asked: &Value, home: &str, image: Value, data: Bytes) -> Result<(), Failure> {
    let fingerprint = image["fingerprint"].as_str().unwrap_or_default().to_owned();
    images.add(home, image, unified(data));
    for alias in asked["aliases"].as_array().into_iter().flatten() {
        let text = |key: &str| alias[key].as_str().unwrap_or_default();
        if images.aliases.contains_key(&(home.to_owned(), text("name").to_owned())) {
            return Err(failure(500, format!("Alias already exists: {}", text("name"))));
        }
        images.add_alias(home, text("name"), &fingerprint, text("description"));
    }
    Ok(())
}

/// What is in the images that were made by the fakes of this process, by fingerprint. Files of images can be exported from
/// one fake and imported into another.
static CONTENTS: Mutex<BTreeMap<String, Tree>> = Mutex::new(BTreeMap::new());

/// The files of an instance that is made of an image. Those of other images are always the same few.
pub(super) fn contents(image: &Value) -> Option<Tree> {
    let fingerprint = image["fingerprint"].as_str()?;
    lock(&CONTENTS).get(fingerprint).map(Tree::copy)
}
