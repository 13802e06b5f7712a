//! What every Shaken Fist server must do, real or fake, of every release: one suite, run unchanged on all of them.
//! What a release lacks is skipped by its capability, by name.

mod agent;
mod artifacts;
mod connect;
mod delete;
mod instance;
mod launch;
mod lost;
mod meddler;
mod networks;
mod power;
mod support;
mod waits;

pub use agent::*;
pub use artifacts::*;
pub use connect::*;
pub use delete::*;
pub use instance::*;
pub use launch::*;
pub use lost::*;
pub use networks::*;
pub use power::*;
pub use support::{Outcome, Served};
pub use waits::*;

/// Declares a `#[tokio::test]` for each item of the contract; `$server` connects to the server under test.
macro_rules! shakenfist_contract {
    ($(#[$attribute:meta])* $server:path) => {
        shakenfist_tests! { [$(#[$attribute])*] $server;
            a_wrong_key_is_not_authenticated
            an_unknown_namespace_is_not_authenticated
            launch_and_delete
            launch_reports_its_events
            what_was_asked_for_is_what_is_made
            a_failed_image_fetch_says_why
            launch_errors_by_status
            a_refused_launch_leaves_a_record_that_is_named
            a_refused_launch_can_be_cleaned_up
            not_found_is_not_found
            a_name_of_two_is_invalid
            names_that_lead_elsewhere_are_refused
            metadata_is_json
            events_newest_first
            power_off_and_on
            pause_and_unpause
            what_doesnt_fit_the_power_state_is_a_conflict
            an_instance_that_is_off_is_neither_rebooted_nor_paused
            power_before_created_waits
            a_reboot_is_seen
            exec_waits_for_the_agent
            agent_operations_are_listed_and_deleted
            push_and_pull
            the_same_bytes_are_not_sent_twice
            console_and_vdi_helper
            a_screenshot_is_a_blob
            uploads_become_artifacts
            blobs_in_ranges
            networks_and_addresses
            a_taken_address_is_a_conflict
            hot_plug
            hot_plug_of_a_taken_address_is_refused_before_it_is_sent
            a_wait_out_of_time_gives_a_ticket
            a_ticket_resumes_in_a_fresh_client
            delete_is_seen_through
            delete_all_is_seen_through
            raw_calls_work
            a_launch_with_a_bad_answer_makes_one_instance
            a_refused_launch_with_a_bad_answer_names_its_record
            a_delete_with_a_bad_answer_is_seen_through
            a_power_change_with_a_bad_answer_is_seen
            an_order_with_a_bad_answer_is_given_once
            a_push_leaves_nothing_behind
            a_blob_is_pushed_by_its_uuid
            metadata_takes_any_key
            delete_minds_the_namespace
            snapshots_of_disks
            a_network_may_do_without_dhcp
        }
    };
}

macro_rules! shakenfist_tests {
    ($attributes:tt $server:path; $($name:ident)*) => {
        $(shakenfist_test! { $attributes $server; $name })*
    };
}

macro_rules! shakenfist_test {
    ([$(#[$attribute:meta])*] $server:path; $name:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        $(#[$attribute])*
        async fn $name() -> crate::shakenfist::Outcome {
            let served = $server().await?;
            crate::shakenfist::$name(served).await
        }
    };
}
