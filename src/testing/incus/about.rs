//! `GET /1.0`, and documents that never change here.

use serde_json::{Value, json};

use super::generation::Generation;

/// Extensions that clients check, and that this server has.
const EXTENSIONS: &[&str] = &[
    "etag",
    "patch",
    "container_last_used_at",
    "container_exec_recording",
    "container_exec_signal_handling",
    "directory_manipulation",
    "file_append",
    "file_delete",
    "file_symlinks",
    "file_get_symlink",
    "image_create_aliases",
    "images_expiry",
    "image_types",
    "container_full",
    "certificate_project",
    "certificate_token",
    "event_lifecycle",
    "event_project",
    "event_location",
    "operation_description",
    "operation_wait",
    "projects",
    "container_exec_user_group_cwd",
    "console",
    "console_force",
    "instances",
    "instance_all_projects",
    "api_filtering",
    "instance_bulk_state_change",
    "instance_ready_state",
    "event_lifecycle_requestor_address",
    "instance_get_full",
    "operations_get_query_all_projects",
    "event_lifecycle_name_and_project",
    "instances_files_modify_permissions",
    "instance_create_start",
    "instance_state_started_at",
    "instances_state_os_info",
    "backup_compression",
    "image_force_refresh",
    "network",
    "network_state",
    "network_leases",
    "instance_nic_network",
    "storage",
    "warnings",
    "backup_compression_algorithm",
    "backup_override_name",
    "cluster_internal_copy",
    "clustering",
    "container_backup",
    "container_backup_override_pool",
    "container_copy_project",
    "container_edit_metadata",
    "container_incremental_copy",
    "container_local_cross_pool_handling",
    "container_only_migration",
    "container_stateless_copy",
    "instance_access",
    "instance_allow_inconsistent_copy",
    "instance_pool_move",
    "instance_project_move",
    "instances_rebuild",
    "snapshot_expiry",
    "snapshot_expiry_creation",
];

/// Extensions that came later.
const NEW_EXTENSIONS: &[&str] = &["backup_override_config"];

pub(super) fn server(generation: Generation) -> Value {
    let (version, new) = match generation {
        Generation::V6_0 => ("6.0.4", &[][..]),
        Generation::V7_0 => ("7.0.2", NEW_EXTENSIONS),
    };
    let extensions = [EXTENSIONS, new].concat();
    json!({
        "config": {}, "api_extensions": extensions, "api_status": "stable", "api_version": "1.0",
        "auth": "trusted", "public": false, "auth_methods": ["tls"],
        "auth_user_name": "root", "auth_user_method": "unix",
        "environment": {
            "addresses": [], "architectures": ["x86_64", "i686"], "certificate": "", "certificate_fingerprint": "",
            "driver": "lxc", "driver_version": "6.0.4", "firewall": "nftables", "kernel": "Linux",
            "kernel_architecture": "x86_64", "kernel_features": {}, "kernel_version": "6.12.0", "lxc_features": {},
            "os_name": "Debian GNU/Linux", "os_version": "13", "project": "default", "server": "incus",
            "server_clustered": false, "server_event_mode": "full-mesh", "server_name": "fake",
            "server_pid": std::process::id(), "server_version": version, "storage": "dir", "storage_version": "1",
            "storage_supported_drivers": [{"Name": "dir", "Version": "1", "Remote": false}],
        },
    })
}
