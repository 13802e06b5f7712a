//! `/1.0/instances/{name}/state`, and the same for all of a project.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::common::{body, not_implemented, project};
use super::envelope::{self, Answer, Failure, failure};
use super::views;
use super::world::{Draft, Instance, Key, World, draft, path};
use crate::testing::server::request::Request;
use crate::testing::server::tasks::lock;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Action {
    Start,
    Stop,
    Restart,
    Freeze,
    Unfreeze,
}

/// A requested state change.
#[derive(Debug, Clone)]
struct Change {
    action: Action,
    /// How long the guest may take to shut down.
    limit: Option<Duration>,
}

impl Change {
    fn parse(asked: &Value) -> Result<Change, Failure> {
        let word = asked["action"].as_str().unwrap_or_default();
        let action = match word {
            "start" => Action::Start,
            "stop" => Action::Stop,
            "restart" => Action::Restart,
            "freeze" => Action::Freeze,
            "unfreeze" => Action::Unfreeze,
            _ => return Err(failure(400, format!("Unknown action: '{word}'"))),
        };
        let polite = matches!(action, Action::Stop | Action::Restart) && asked["force"] != true;
        let seconds = asked["timeout"].as_u64().filter(|seconds| polite && *seconds > 0);
        Ok(Change { action, limit: seconds.map(Duration::from_secs) })
    }

    fn description(&self) -> &'static str {
        match self.action {
            Action::Start => "Starting instance",
            Action::Stop => "Stopping instance",
            Action::Restart => "Restarting instance",
            Action::Freeze => "Freezing instance",
            Action::Unfreeze => "Unfreezing instance",
        }
    }

    fn event(&self) -> &'static str {
        match self.action {
            Action::Start => "instance-started",
            Action::Stop => "instance-stopped",
            Action::Restart => "instance-restarted",
            Action::Freeze => "instance-paused",
            Action::Unfreeze => "instance-resumed",
        }
    }

    /// Whether the change is allowed in this state.
    fn check(&self, status: &str) -> Result<(), Failure> {
        let (code, text) = match (self.action, status) {
            (Action::Stop | Action::Restart, "Stopped") => (400, "The instance is already stopped"),
            (Action::Start, up) if up != "Stopped" => (500, "The instance is already running"),
            (Action::Freeze, "Stopped") => (500, "The instance isn't running"),
            (Action::Freeze, "Frozen") => (500, "The container is already frozen"),
            (Action::Unfreeze, "Stopped") => (500, "The container isn't running"),
            (Action::Unfreeze, "Running") => (500, "The container is already running"),
            _ => return Ok(()),
        };
        Err(failure(code, text))
    }

    /// Whether the bulk call changes an instance in this state.
    fn applies(&self, status: &str) -> bool {
        match self.action {
            Action::Start => status == "Stopped",
            Action::Freeze => status == "Running",
            Action::Unfreeze => status == "Frozen",
            Action::Stop | Action::Restart => status != "Stopped",
        }
    }

    fn apply(&self, instance: &mut Instance) {
        match self.action {
            Action::Start => instance.boot(),
            Action::Stop => instance.halt(),
            Action::Restart => {
                instance.halt();
                instance.boot();
            }
            Action::Freeze => instance.set_status("Frozen", 110),
            Action::Unfreeze => instance.set_status("Running", 103),
        }
    }
}

pub(super) fn state(world: &Arc<World>, request: &Request, key: &Key) -> Answer {
    match request.method.as_str() {
        "GET" => {
            let state = world.with(key, |instance| views::state(instance, world.generation))?;
            Ok(envelope::sync(&state))
        }
        "PUT" => change_one(world, request, key),
        _ => not_implemented(),
    }
}

fn change_one(world: &Arc<World>, request: &Request, key: &Key) -> Answer {
    let change = Change::parse(&body(request)?)?;
    world.document(key)?;
    let key = key.clone();
    Ok(world.launch(draft(change.description(), &key), |world, _| async move {
        world.carry_out(&change, &key).await
    }))
}

pub(super) fn change_all(world: &Arc<World>, request: &Request) -> Answer {
    let change = Change::parse(&body(request)?["state"])?;
    let project = project(request);
    let keys: Vec<Key> = world.affected(&change, &project);
    let draft = Draft {
        description: change.description(),
        project,
        resources: json!({"instances": keys.iter().map(path).collect::<Vec<_>>()}),
        socket: None,
    };
    Ok(world.launch(draft, |world, _| async move {
        for key in keys {
            world.carry_out(&change, &key).await?;
        }
        Ok(())
    }))
}

impl World {
    fn affected(&self, change: &Change, project: &str) -> Vec<Key> {
        let instances = lock(&self.instances);
        let wanted =
            instances.iter().filter(|(key, instance)| key.0 == project && change.applies(instance.status()));
        wanted.map(|(key, _)| key.clone()).collect()
    }

    async fn carry_out(&self, change: &Change, key: &Key) -> Result<(), Failure> {
        self.with(key, |instance| change.check(instance.status()))??;
        if self.take_time(change.limit).await.is_none() {
            let text = "Failed shutting down instance, status is \"Running\": context deadline exceeded";
            return Err(failure(500, text));
        }
        if change.action == Action::Stop && !self.with(key, |instance| instance.is_up())? {
            // It has stopped by itself meanwhile.
            return Err(failure(500, format!("container is not running: {:?}", key.1)));
        }
        let ephemeral = self.with(key, |instance| {
            change.apply(instance);
            instance.document["ephemeral"] == true
        })?;
        self.tell(change.event(), key, &Value::Null);
        if ephemeral && change.action == Action::Stop {
            lock(&self.instances).remove(key);
            self.tell("instance-deleted", key, &Value::Null);
        }
        Ok(())
    }
}
