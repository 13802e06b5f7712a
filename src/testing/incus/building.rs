//! Making an instance: its name, its record, its image.

use std::sync::Arc;

use serde_json::{Value, json};

use super::envelope::{Failure, failure};
use super::limits::complaint;
use super::publish;
use super::world::{Draft, Instance, Key, Operation, World, documents};
use crate::testing::server::reply::Reply;
use crate::testing::server::tasks::lock;

/// Starts an operation that creates something on a member of the cluster.
pub(super) fn launch_at<F>(
    world: &Arc<World>,
    place: &str,
    draft: Draft,
    work: impl FnOnce(Arc<World>, Arc<Operation>) -> F,
) -> Reply
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    world.launch(draft, |world, operation| {
        world.change(&operation, |document| document["location"] = place.into());
        work(world, operation)
    })
}

pub(super) fn check_name(name: &str) -> Result<(), Failure> {
    let odd = |c: char| !c.is_ascii_alphanumeric() && c != '-';
    let complaint = match name {
        _ if name.contains('/') => {
            return Err(failure(400, "The character \"/\" is reserved for snapshots"));
        }
        _ if name.is_empty() || name.len() > 63 => "must be 1-63 characters long",
        _ if name.starts_with('-') => "must not start with \"-\" character",
        _ if name.ends_with('-') => "must not end with \"-\" character",
        _ if name.contains(odd) => "can only contain alphanumeric and hyphen characters",
        _ => return Ok(()),
    };
    Err(failure(400, format!("Invalid instance name: Name {complaint}")))
}

impl World {
    pub(super) async fn build(&self, operation: &Operation, key: &Key, unpack: bool) -> Result<(), Failure> {
        match unpack {
            true => self.unpack(operation).await,
            false => drop(self.take_time(None).await),
        }
        // It may have been deleted in the meantime.
        self.document(key).map(drop)
    }

    pub(super) fn start_if(&self, start: bool, key: &Key) -> Result<(), Failure> {
        if start {
            self.with(key, Instance::boot)?;
            self.tell("instance-started", key, &Value::Null);
        }
        Ok(())
    }

    /// Properties that no image has are refused at once.
    pub(super) fn check_properties(&self, asked: &Value, project: &str) -> Result<(), Failure> {
        let wanted = asked["source"]["properties"].as_object().filter(|wanted| !wanted.is_empty());
        let found = wanted.is_none_or(|wanted| lock(&self.images).with_properties(project, wanted).is_some());
        if found { Ok(()) } else { Err(failure(500, "No matching image could be found")) }
    }

    pub(super) fn source_image(&self, asked: &Value, project: &str) -> Result<Option<Value>, Failure> {
        let source = &asked["source"];
        if source["type"] == "none" {
            return Ok(None);
        }
        if source["server"].as_str().is_some_and(|server| !server.is_empty()) {
            let fetched = lock(&self.remote_images).fetch(self.generation, source, project);
            let (image, files) = fetched?;
            lock(&self.images).add(project, image.clone(), files);
            return Ok(Some(image));
        }
        let mut images = lock(&self.images);
        if let Some(wanted) = source["properties"].as_object().filter(|wanted| !wanted.is_empty()) {
            return Ok(images.with_properties(project, wanted));
        }
        let look = |project: &str| match source["fingerprint"].as_str().filter(|given| !given.is_empty()) {
            Some(fingerprint) => images.find(project, fingerprint),
            None => images.aliased(project, source["alias"].as_str().unwrap_or_default()),
        };
        let found = look(&self.home_of_images(project.to_owned()));
        let found = found.ok_or_else(|| failure(500, "Image not provided for instance creation"));
        let image = found?;
        images.used(&image);
        Ok(Some(image))
    }

    /// Adds the record: the instance is visible with the answer to the request, before the operation ends.
    pub(super) fn record(
        &self,
        key: &Key,
        asked: &Value,
        image: Option<&Value>,
        place: &str,
    ) -> Result<(), Failure> {
        if let Some(complaint) = asked["config"].as_object().and_then(complaint) {
            return Err(not_recorded(&complaint));
        }
        if let Some(complaint) = self.device_complaint(&asked["devices"]) {
            return Err(not_recorded(&format!("Failed initializing instance: Invalid devices: {complaint}")));
        }
        let mut document = documents::instance(&key.1, &key.0, asked, image);
        document["location"] = place.into();
        let mut instance = Instance::new(document);
        if let Some(files) = image.and_then(publish::contents) {
            instance.files = files;
        }
        self.apply_profiles(&key.0, &mut instance);
        if !has_root(&instance.document["expanded_devices"]) {
            let why = "Failed initializing instance: Failed getting root disk: No root device could be found";
            return Err(not_recorded(why));
        }
        self.add_new(key, instance)
    }

    /// Adds an instance, if its name is free.
    pub(super) fn add_new(&self, key: &Key, instance: Instance) -> Result<(), Failure> {
        let taken = "Add instance info to the database: Failed to create \"instances\" entry: \
             UNIQUE constraint failed: instances.project_id, instances.name";
        let document = &instance.document;
        let context =
            json!({"location": document["location"], "storage-pool": "default", "type": document["type"]});
        let mut instances = lock(&self.instances);
        if instances.contains_key(key) {
            return Err(not_recorded(taken));
        }
        instances.insert(key.clone(), instance);
        drop(instances);
        self.tell("instance-created", key, &context);
        Ok(())
    }
}

fn has_root(devices: &Value) -> bool {
    let mut devices = devices.as_object().into_iter().flatten();
    devices.any(|(_, device)| device["type"] == "disk" && device["path"] == "/")
}

fn not_recorded(complaint: &str) -> Failure {
    failure(500, format!("Failed creating instance record: {complaint}"))
}
