//! `/1.0/images` and `/1.0/images/aliases`.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::common::{body, digest, not_implemented, project, project_filter, recursion, secret};
use super::envelope::{self, Answer, Failure, failure};
use super::generation::Generation;
use super::publish;
use super::world::{Draft, Part, World, image_document, unified};
use crate::testing::server::reply::Reply;
use crate::testing::server::request::Request;
use crate::testing::server::tasks::lock;

/// The project whose images a request is about.
fn home(world: &World, request: &Request) -> String {
    world.home_of_images(project(request))
}

pub(super) fn collection(world: &Arc<World>, request: &Request) -> Answer {
    match request.method.as_str() {
        "GET" => list(world, request),
        "POST" if is_json(request) => publish::publish(world, request),
        "POST" => import(world, request),
        _ => not_implemented(),
    }
}

fn is_json(request: &Request) -> bool {
    request.body.first() == Some(&b'{')
}

fn list(world: &World, request: &Request) -> Answer {
    let wanted = project_filter(request)?.map(|project| world.home_of_images(project));
    let images = lock(&world.images);
    let mine = images.images.keys().filter(|key| wanted.as_ref().is_none_or(|p| *p == key.0));
    let shown: Vec<Value> = match recursion(request) {
        0 => mine.map(|key| format!("/1.0/images/{}", key.1).into()).collect(),
        _ => mine.filter_map(|key| images.find(&key.0, &key.1)).collect(),
    };
    Ok(envelope::sync(&shown.into()))
}

fn import(world: &Arc<World>, request: &Request) -> Answer {
    let project = home(world, request);
    let image = uploaded(world, request);
    let draft = Draft {
        description: "Downloading image",
        project: project.clone(),
        resources: json!({}),
        socket: None,
    };
    Ok(world.launch(draft, |world, operation| async move {
        world.take_time(None).await;
        let (image, files) = image?;
        let fingerprint = image["fingerprint"].as_str().unwrap_or_default().to_owned();
        world.set_metadata(&operation, "fingerprint", image["fingerprint"].clone());
        world.set_metadata(&operation, "size", image["size"].to_string().into());
        if lock(&world.images).find(&project, &fingerprint).is_some() {
            return Err(failure(500, "Image with same fingerprint already exists"));
        }
        lock(&world.images).add(&project, image, files);
        let path = format!("/1.0/images/{fingerprint}");
        world.events.lifecycle("image-created", &path, &project, &json!({"type": "container"}));
        Ok(())
    }))
}

/// Accepts anything that starts like a known archive.
fn is_archive(data: &[u8]) -> bool {
    let kinds: [&[u8]; 5] = [b"\x1f\x8b", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"BZh", b"hsqs"];
    kinds.iter().any(|kind| data.starts_with(kind)) || data.get(257..262) == Some(b"ustar")
}

/// The files of a form, or the body itself.
fn parts(request: &Request) -> Vec<Part> {
    let kind = request.header("content-type").unwrap_or_default();
    let Some(boundary) = kind.strip_prefix("multipart/form-data; boundary=") else {
        return unified(request.body.clone());
    };
    // The first mark has no line before it.
    let body = [b"\r\n", request.body.as_ref()].concat();
    let mark = format!("\r\n--{boundary}");
    split(&body, mark.as_bytes()).into_iter().skip(1).filter_map(part).collect()
}

fn part(text: &[u8]) -> Option<Part> {
    let mut halves = split(text, b"\r\n\r\n").into_iter();
    let head = String::from_utf8_lossy(halves.next()?).into_owned();
    let (_, name) = head.split_once("; name=\"")?;
    let data = text.get(head.len() + 4..)?;
    Some(Part { name: name.split('"').next()?.to_owned(), data: Bytes::copy_from_slice(data) })
}

fn split<'a>(text: &'a [u8], mark: &[u8]) -> Vec<&'a [u8]> {
    let (mut pieces, mut from, mut at) = (Vec::new(), 0, 0);
    while at + mark.len() <= text.len() {
        if text[at..].starts_with(mark) {
            pieces.push(&text[from..at]);
            (from, at) = (at + mark.len(), at + mark.len());
        } else {
            at += 1;
        }
    }
    pieces.push(&text[from..]);
    pieces
}

fn uploaded(world: &World, request: &Request) -> Result<(Value, Vec<Part>), Failure> {
    let files = parts(request);
    if files.is_empty() || !files.iter().all(|file| is_archive(&file.data)) {
        return Err(failure(500, "Unsupported compression"));
    }
    let all = files.iter().map(|file| file.data.as_ref()).collect::<Vec<_>>().concat();
    let filename = request.header("x-incus-filename").unwrap_or_default();
    let mut image = image_document(world.generation, &all, filename);
    let fingerprint = image["fingerprint"].as_str().unwrap_or_default();
    if let Some(expected) = request.header("x-incus-fingerprint").filter(|expected| *expected != fingerprint)
    {
        return Err(failure(500, format!("fingerprints don't match, got {fingerprint} expected {expected}")));
    }
    image["public"] = matches!(request.header("x-incus-public"), Some("1" | "true")).into();
    image["project"] = home(world, request).into();
    let properties = request.header("x-incus-properties").unwrap_or_default();
    for (key, value) in properties.split('&').filter_map(|pair| pair.split_once('=')) {
        image["properties"][decode(key)] = decode(value).into();
    }
    Ok((image, files))
}

fn decode(text: &str) -> String {
    let request = Request { query: format!("x={text}"), ..Request::default() };
    request.param("x").unwrap_or_default()
}

pub(super) fn one(world: &Arc<World>, request: &Request, fingerprint: &str) -> Answer {
    let project = home(world, request);
    let found = lock(&world.images).find(&project, fingerprint);
    match request.method.as_str() {
        "GET" => {
            let image = found.ok_or_else(|| failure(404, format!("Image \"{fingerprint}\" not found")))?;
            Ok(envelope::sync(&image).header("Etag", quoted(&image)))
        }
        "DELETE" => {
            let image = found.ok_or_else(|| failure(404, "Image not found"))?;
            Ok(delete(world, project, &image))
        }
        "PUT" | "PATCH" => {
            let image = found.ok_or_else(|| failure(404, "Image not found"))?;
            change(world, request, &project, &image)
        }
        _ => not_implemented(),
    }
}

/// A PUT empties what isn't in it.
fn change(world: &World, request: &Request, project: &str, image: &Value) -> Answer {
    let asked = body(request)?;
    let etag = quoted(image);
    let etag = etag.trim_matches('"');
    if let Some(given) =
        request.header("if-match").map(|given| given.trim_matches('"')).filter(|g| *g != etag)
    {
        return Err(failure(412, format!("ETag doesn't match: {etag} vs {given}")));
    }
    let replace = request.method == "PUT";
    let empty = [
        ("auto_update", json!(false)),
        ("public", json!(false)),
        ("properties", json!({})),
        ("profiles", json!([])),
        ("expires_at", json!("0001-01-01T00:00:00Z")),
    ];
    let mut image = image.clone();
    for (key, empty) in empty {
        let before = if replace { empty } else { image[key].clone() };
        image[key] = match (before, asked.get(key).filter(|given| !given.is_null())) {
            (Value::Object(before), Some(Value::Object(given))) => {
                Value::Object(before.into_iter().chain(given.clone()).collect())
            }
            (_, Some(given)) => given.clone(),
            (before, None) => before,
        };
    }
    let key = (project.to_owned(), image["fingerprint"].as_str().unwrap_or_default().to_owned());
    lock(&world.images).images.insert(key, image);
    Ok(envelope::done())
}

pub(super) fn export(world: &World, request: &Request, fingerprint: &str) -> Answer {
    if request.method != "GET" {
        return not_implemented();
    }
    let project = home(world, request);
    let images = lock(&world.images);
    let missing = || failure(404, format!("Image \"{fingerprint}\" not found"));
    let image = images.find(&project, fingerprint).ok_or_else(missing)?;
    let fingerprint = image["fingerprint"].as_str().unwrap_or_default();
    let files = images.files.get(&(project, fingerprint.to_owned())).cloned().unwrap_or_default();
    let long_ago = chrono::Utc::now() - chrono::TimeDelta::hours(1);
    Ok(match files.as_slice() {
        [one] => super::files::raw(request, &format!("{fingerprint}.tar.gz"), one.data.clone(), long_ago),
        files => form(fingerprint, files),
    })
}

/// It is sent without a length, and without ranges.
fn form(fingerprint: &str, files: &[Part]) -> Reply {
    let boundary = secret();
    let mut body = Vec::new();
    for (number, Part { name, data }) in files.iter().enumerate() {
        let file = if name == "metadata" {
            format!("meta-{fingerprint}.tar")
        } else {
            format!("{fingerprint}.squashfs")
        };
        let line = if number == 0 { "" } else { "\r\n" };
        let head = format!(
            "{line}--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(data);
    }
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    Reply::later(Box::pin(std::future::ready(body.into())))
        .header("Content-Type", format!("multipart/form-data; boundary={boundary}"))
}

/// Images here have no source to refresh from.
pub(super) fn refresh(world: &Arc<World>, request: &Request, fingerprint: &str) -> Answer {
    if request.method != "POST" {
        return not_implemented();
    }
    let project = home(world, request);
    let found = lock(&world.images).find(&project, fingerprint);
    let image = found.ok_or_else(|| failure(404, "Image not found"))?;
    let draft = Draft {
        description: "Refreshing image",
        project: project.clone(),
        resources: json!({}),
        socket: None,
    };
    let fingerprint = image["fingerprint"].as_str().unwrap_or_default().to_owned();
    Ok(world.launch(draft, |world, _| async move {
        world.take_time(None).await;
        let text = format!(
            "Failed to update image \"{fingerprint}\" in project \"{project}\": Image source not found"
        );
        Err(failure(404, text))
    }))
}

fn quoted(document: &Value) -> String {
    let mut document = document.clone();
    // Using an image doesn't change it.
    document.as_object_mut().map(|members| members.remove("last_used_at"));
    format!("\"{}\"", digest(document.to_string().as_bytes()))
}

fn delete(world: &Arc<World>, project: String, image: &Value) -> Reply {
    let fingerprint = image["fingerprint"].as_str().unwrap_or_default().to_owned();
    let path = format!("/1.0/images/{fingerprint}");
    let draft = Draft {
        description: "Deleting image",
        project: project.clone(),
        resources: json!({"images": [path]}),
        socket: None,
    };
    world.launch(draft, |world, _| async move {
        world.take_time(None).await;
        let mut images = lock(&world.images);
        images.aliases.retain(|_, alias| alias["target"] != fingerprint);
        let key = (project.clone(), fingerprint);
        images.images.remove(&key);
        images.files.remove(&key);
        drop(images);
        world.events.lifecycle("image-deleted", &path, &project, &Value::Null);
        Ok(())
    })
}

pub(super) fn aliases(world: &World, request: &Request) -> Answer {
    let project = home(world, request);
    match request.method.as_str() {
        "GET" => {
            let images = lock(&world.images);
            let mine = images.aliases.iter().filter(|(key, _)| key.0 == project);
            let shown: Vec<Value> = match recursion(request) {
                0 => mine.map(|(key, _)| format!("/1.0/images/aliases/{}", key.1).into()).collect(),
                _ => mine.map(|(_, alias)| alias.clone()).collect(),
            };
            Ok(envelope::sync(&shown.into()))
        }
        "POST" => add_alias(world, &body(request)?, &project),
        _ => not_implemented(),
    }
}

fn add_alias(world: &World, asked: &Value, project: &str) -> Answer {
    let text = |key: &str| asked[key].as_str().unwrap_or_default();
    let (name, target) = (text("name"), text("target"));
    if name.is_empty() || target.is_empty() {
        let text = match world.generation {
            Generation::V6_0 => "name and target are required",
            Generation::V7_0 => "Alias name and target are required",
        };
        return Err(failure(400, text));
    }
    let mut images = lock(&world.images);
    if images.aliases.contains_key(&(project.to_owned(), name.to_owned())) {
        return Err(failure(409, format!("Alias \"{name}\" already exists")));
    }
    let image = images.find(project, target).ok_or_else(|| failure(404, "Image not found"))?;
    let target = image["fingerprint"].as_str().unwrap_or_default();
    images.add_alias(project, name, target, text("description"));
    Ok(envelope::created(&format!("/1.0/images/aliases/{name}")))
}

pub(super) fn alias(world: &World, request: &Request, name: &str) -> Answer {
    let key = (home(world, request), name.to_owned());
    let mut images = lock(&world.images);
    let alias = images.aliases.get(&key).cloned();
    let alias = alias.ok_or_else(|| failure(404, "Image alias not found"))?;
    match request.method.as_str() {
        "GET" => Ok(envelope::sync(&alias).header("Etag", quoted(&alias))),
        "DELETE" => {
            images.aliases.remove(&key);
            Ok(envelope::done())
        }
        "POST" => {
            let asked = body(request)?;
            let name = asked["name"].as_str().unwrap_or_default().to_owned();
            let new = (key.0.clone(), name.clone());
            if images.aliases.contains_key(&new) {
                return Err(failure(409, format!("Alias \"{name}\" already exists")));
            }
            images.aliases.remove(&key);
            images.add_alias(
                &key.0,
                &name,
                alias["target"].as_str().unwrap_or_default(),
                alias["description"].as_str().unwrap_or_default(),
            );
            Ok(envelope::created(&format!("/1.0/images/aliases/{name}")))
        }
        "PUT" | "PATCH" => {
            let asked = body(request)?;
            if asked["target"].as_str().is_some_and(|target| images.find(&key.0, target).is_none()) {
                return Err(failure(404, "Image not found"));
            }
            let given = asked.as_object().cloned().unwrap_or_default();
            let merged = alias.as_object().cloned().unwrap_or_default().into_iter().chain(given);
            images.aliases.insert(key, merged.collect::<Map<_, _>>().into());
            Ok(envelope::done())
        }
        _ => not_implemented(),
    }
}
