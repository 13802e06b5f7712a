//! The data of the server, and how they change. The routes are above this.

mod about_instance;
mod backup;
mod console;
pub(super) mod documents;
mod doom;
mod events;
mod images;
mod instance;
mod line;
mod members;
mod operations;
mod profiles;
mod profiles_of;
mod remote_images;
mod server;
mod sessions;
mod snapshot;
mod targets;
mod tree;
mod trust;
mod work;

pub(super) use backup::Backup;
pub(super) use console::{Console, Inside, Seat};
pub(super) use doom::Doom;
pub(super) use events::{now, relay};
pub(super) use images::{Images, Part, document as image_document, unified};
pub(super) use instance::{Instance, Key};
pub(super) use line::{Incoming, Line, Outgoing};
pub(super) use members::check as check_member;
pub(super) use operations::{CONSOLE, Draft, Operation};
pub(super) use server::World;
pub(super) use sessions::Session;
pub(super) use snapshot::{NEVER, Snapshot};
pub(super) use targets::{draft, in_project, path, url};
pub(super) use tree::{Node, NodeKind, Tree, absolute, append_to, is_full, write_at};
pub(super) use trust::Token;
