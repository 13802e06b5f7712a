//! [Lambda Cloud](https://lambda.ai/): machines with GPUs.

mod burst;
mod capacity_search;
mod check;
mod choice;
mod client;
mod connect;
mod discover;
mod error_code;
mod file_system;
mod firewall_rule;
mod firewall_ruleset;
mod image;
mod instance;
mod instance_goal;
mod instance_type;
mod instances;
mod launch;
mod launch_when_available;
mod launched;
mod listed;
mod reconcile;
mod reply;
mod restart;
mod resume;
mod shared_list;
mod ssh_key;
mod ssh_ready;
mod terminate;

pub use crate::raw::lambda_cloud::types;
pub use crate::raw::lambda_cloud::types::{FirewallRule, InstanceStatus, NetworkProtocol};
pub use burst::{Burst, BurstReport, BurstWait};
pub use choice::Choice;
pub use client::LambdaCloud;
pub use connect::Connect;
pub use error_code::ErrorCode;
pub use file_system::{CreateFileSystem, FileSystem, FileSystemRef};
pub use firewall_ruleset::{
    CreateFirewallRuleset, FirewallRuleset, FirewallRulesetRef, GlobalFirewallRuleset, UpdateFirewallRuleset,
};
pub use image::{Image, ImageRef};
pub use instance::{Instance, InstanceRef};
pub use instances::Instances;
pub use launch::{Launch, Mount};
pub use launch_when_available::LaunchWhenAvailable;
pub(crate) use reconcile::{MARKER, WINDOW as TIME_TO_SHOW};
pub use resume::Resume;
pub use ssh_key::{AddSshKey, SshKey, SshKeyRef};
