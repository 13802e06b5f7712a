//! `/1.0/projects`.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::common::{body, lacking, not_implemented, recursion};
use super::envelope::{self, Answer, Failure, failure};
use super::generation::Generation;
use super::world::{World, path};
use crate::testing::server::request::Request;
use crate::testing::server::tasks::lock;

/// Those that a new project has unless it says otherwise.
const FEATURES: [&str; 4] =
    ["features.images", "features.profiles", "features.storage.buckets", "features.storage.volumes"];
/// Those that the default project has besides.
const MORE_FEATURES: [&str; 2] = ["features.networks", "features.networks.zones"];

pub(super) fn projects(world: &Arc<World>, request: &Request, rest: &[&str]) -> Answer {
    match (request.method.as_str(), rest) {
        ("GET", []) => Ok(list(world, request)),
        ("POST", []) => create(world, request),
        ("GET", [name]) => Ok(envelope::sync(&find(world, name)?)),
        ("PUT" | "PATCH", [name]) => change(world, request, name),
        ("DELETE", [name]) => delete(world, request, name),
        ("POST", [_]) | ("GET", [_, "state" | "access"]) => lacking(request),
        (_, [] | [_]) => not_implemented(),
        _ => Err(failure(404, "not found")),
    }
}

fn list(world: &World, request: &Request) -> crate::testing::server::reply::Reply {
    let mut names: Vec<String> = lock(&world.projects).keys().cloned().collect();
    names.push("default".to_owned());
    names.sort();
    let shown: Vec<Value> = match recursion(request) {
        0 => names.iter().map(|name| format!("/1.0/projects/{name}").into()).collect(),
        _ => names.iter().filter_map(|name| find(world, name).ok()).collect(),
    };
    envelope::sync(&shown.into())
}

/// The document of a project.
fn find(world: &World, name: &str) -> Result<Value, Failure> {
    let (config, description) = match name {
        "default" => (features(FEATURES.iter().chain(&MORE_FEATURES)), json!("Default Incus project")),
        _ => {
            let projects = lock(&world.projects);
            let found = projects.get(name).ok_or_else(|| failure(404, "Project not found"))?;
            (found["config"].clone(), found["description"].clone())
        }
    };
    let used_by = used_by(world, name, &config);
    Ok(json!({"name": name, "description": description, "config": config, "used_by": used_by}))
}

fn features<'a>(names: impl Iterator<Item = &'a &'a str>) -> Value {
    names.map(|name| ((*name).to_owned(), Value::from("true"))).collect::<Map<_, _>>().into()
}

fn used_by(world: &World, project: &str, config: &Value) -> Vec<String> {
    let suffix = if project == "default" { String::new() } else { format!("?project={project}") };
    let instances = lock(&world.instances);
    let mine = instances.keys().filter(|key| key.0 == project).map(path);
    let images = lock(&world.images);
    let pictures = images.images.keys().filter(|key| key.0 == project);
    let pictures = pictures.map(|key| format!("/1.0/images/{}", key.1));
    let own_profiles = config["features.profiles"] == "true";
    let names = if own_profiles { lock(&world.profiles).names(project) } else { Default::default() };
    let profiles = names.into_iter().map(|name| format!("/1.0/profiles/{name}"));
    mine.chain(pictures).chain(profiles).map(|path| path + &suffix).collect()
}

fn create(world: &World, request: &Request) -> Answer {
    let asked = body(request)?;
    let name = asked["name"].as_str().unwrap_or_default();
    check_name(world.generation, name)?;
    let mut config = features(FEATURES.iter());
    for (key, value) in asked["config"].as_object().into_iter().flatten() {
        check_key(key)?;
        config[key] = value.clone();
    }
    let mut projects = lock(&world.projects);
    if name == "default" || projects.contains_key(name) {
        return Err(taken(world.generation, name));
    }
    let description = asked["description"].as_str().unwrap_or_default();
    projects.insert(name.to_owned(), json!({"description": description, "config": config}));
    drop(projects);
    world.events.lifecycle("project-created", &format!("/1.0/projects/{name}"), name, &Value::Null);
    Ok(envelope::created(&format!("/1.0/projects/{name}")))
}

fn taken(generation: Generation, name: &str) -> Failure {
    let (code, why) = match generation {
        Generation::V6_0 => {
            (500, "Failed to create \"projects\" entry: UNIQUE constraint failed: projects.name")
        }
        Generation::V7_0 => (409, "This \"Project\" entry already exists"),
    };
    failure(code, format!("Failed creating project \"{name}\": Failed adding database record: {why}"))
}

fn check_name(generation: Generation, name: &str) -> Result<(), Failure> {
    let odd = |c: char| c == '/' || c == '*';
    let why = match generation {
        Generation::V6_0 if name.is_empty() => "No name provided",
        Generation::V6_0 if name.contains(odd) => "Project names may not contain slashes",
        Generation::V6_0 if name.contains(' ') => "Project names may not contain spaces",
        Generation::V7_0 if name.is_empty() => {
            "Invalid project name: Names must start and end with an alphanumeric character"
        }
        Generation::V7_0 if name.contains(odd) => {
            "Invalid project name: Name contains invalid character \"/\""
        }
        Generation::V7_0 if name.contains(' ') => "Invalid project name: Name cannot contain white space",
        _ => return Ok(()),
    };
    Err(failure(400, why))
}

fn check_key(key: &str) -> Result<(), Failure> {
    let known = ["features.", "user.", "limits.", "restricted", "images.", "backups.", "network."];
    match known.iter().any(|known| key.starts_with(known)) {
        true => Ok(()),
        false => Err(failure(400, format!("Invalid project configuration key \"{key}\""))),
    }
}

fn change(world: &World, request: &Request, name: &str) -> Answer {
    find(world, name)?;
    if name == "default" {
        return lacking(request);
    }
    let asked = body(request)?;
    let given = asked["config"].as_object().cloned().unwrap_or_default();
    given.keys().try_for_each(|key| check_key(key))?;
    if let Some(project) = lock(&world.projects).get_mut(name) {
        let before = project["config"].as_object().cloned().unwrap_or_default();
        let kept = if request.method == "PUT" { Map::new() } else { before };
        let all = kept.into_iter().chain(given).filter(|(_, value)| *value != "");
        project["config"] = all.collect::<Map<_, _>>().into();
        if request.method == "PUT" || asked.get("description").is_some() {
            project["description"] = asked["description"].as_str().unwrap_or_default().into();
        }
    }
    Ok(envelope::done())
}

fn delete(world: &World, request: &Request, name: &str) -> Answer {
    if name == "default" {
        return Err(failure(403, "The 'default' project cannot be deleted"));
    }
    let document = find(world, name).map_err(|_| {
        let why = format!("Fetch project \"{name}\": Project not found");
        failure(404, why)
    })?;
    let users = document["used_by"].as_array().into_iter().flatten().filter_map(Value::as_str);
    if users.into_iter().any(|user| user.split('?').next() != Some("/1.0/profiles/default")) {
        if matches!(request.param("force").as_deref(), Some("1" | "true")) {
            return lacking(request);
        }
        return Err(failure(400, "Only empty projects can be removed."));
    }
    lock(&world.projects).remove(name);
    lock(&world.profiles).remove_project(name);
    world.events.lifecycle("project-deleted", &format!("/1.0/projects/{name}"), name, &Value::Null);
    Ok(envelope::done())
}

impl World {
    pub(super) fn check_project(&self, project: &str) -> Result<(), Failure> {
        match project == "default" || lock(&self.projects).contains_key(project) {
            true => Ok(()),
            false => Err(failure(404, "Project not found")),
        }
    }

    /// Where a project's images are: one without images of its own has those of the default project.
    pub(super) fn home_of_images(&self, project: String) -> String {
        let shares = lock(&self.projects)
            .get(&project)
            .is_some_and(|document| document["config"]["features.images"] != "true");
        if shares { "default".to_owned() } else { project }
    }
}
