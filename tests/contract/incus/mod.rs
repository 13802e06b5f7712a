//! What every Incus server must do, real or fake, of either generation: one suite, run unchanged on all of them.

mod backups;
mod copy;
mod instances;
mod lab;
mod metadata;
mod snapshots;

pub use backups::*;
pub use copy::*;
pub use instances::*;
pub use lab::{Daemon, Lab, booted};
pub use metadata::*;
pub use snapshots::*;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use windlass::incus::{Incus, Instance, InstanceRef, Status};
use windlass::{Error, ErrorKind, WaitEnd};

mod console;
mod exec;

pub use console::*;
pub use exec::*;

mod events;
mod waits;

pub use events::*;
pub use waits::*;

mod files;
mod images;

pub use files::*;
pub use images::*;

pub type Caught = Box<dyn std::error::Error>;
pub type Outcome = Result<(), Caught>;

/// Far more than an answer takes.
const SOON: Duration = Duration::from_secs(20);

/// The servers have this image: a busybox with a shell.
pub const IMAGE: &str = "busybox";

/// Declares a `#[tokio::test]` for each item of the contract; `$server` connects to the server under test, and
/// gives the lab, too, for what needs more than calls (`@lab`).
macro_rules! incus_contract {
    ($(#[$attribute:meta])* $server:path) => {
        incus_tests! { [$(#[$attribute])*] $server;
            launch_and_delete
            force_deletes_what_runs
            labels_are_found_exactly
            a_launch_is_found_by_its_marker
            launch_reports_progress
            exec_has_separate_streams_and_the_true_status
            exec_streams_chunks
            the_connections_of_a_command_begin_with_a_ping
            exec_takes_stdin_and_environment
            a_command_ends_though_nobody_closes_its_input
            dropping_a_process_kills_the_command
            exec_of_what_cannot_be_run_fails
            a_command_that_wrote_something_has_run_whatever_its_status
            exec_on_a_stopped_instance_is_a_conflict
            exec_as_user_and_group
            exec_reads_from_a_writer
            exec_input_that_nobody_reads_holds_nothing_up
            exec_in_a_terminal
            exec_in_a_terminal_without_input_ends
            exec_signals_and_kill
            orders_to_a_command_that_has_ended_come_too_late
            a_detached_process_goes_on
            exec_without_output
            exec_with_recorded_output
            unattended_exec_of_what_cannot_be_run_fails
            until_a_command_succeeds
            console_reads_and_types
            console_for_one_at_a_time
            console_ends_with_the_instance
            console_log
            console_of_what_has_none_is_refused
            stop_start_restart_freeze
            starting_twice_is_a_conflict
            rename_and_patch_and_update
            a_patch_leaves_the_description_alone
            limits_are_refused_where_the_server_refuses_them
            update_starts_over_when_somebody_was_faster
            an_existing_name_is_already_exists
            an_unknown_image_fails_in_the_servers_words
            not_found_is_not_found
            deleting_a_running_instance_is_refused
            lists_and_filters
            create_without_start
            ephemeral_goes_away
            state_of_a_running_instance
            files_whole
            files_are_described
            files_keep_or_get_owner_and_mode
            files_are_appended_to
            links_and_directories
            deleting_files
            large_files_stream
            trees_there_and_back
            a_pulled_file_keeps_its_mode
            a_full_disk_is_told
            a_pipe_is_not_waited_for
            special_bits_of_trees
            logs
            images_and_aliases
            aliases_are_renamed_and_pointed_elsewhere
            images_are_imported_changed_and_exported
            split_images
            names_that_lead_elsewhere_are_refused
            unicode_arrives_intact
            raw_calls_work
            server_is_described
            bulk_state
            a_wait_out_of_time_gives_a_ticket @lab
            a_ticket_resumes_in_a_fresh_client
            a_ticket_of_a_forgotten_operation_says_so
            a_forgotten_start_is_proved_by_a_start_alone @lab
            a_failed_start_ends_no_better_when_it_is_forgotten @lab
            a_launch_can_be_awaited_after_its_operation_is_forgotten @lab
            cancelling_what_cannot_be_cancelled_is_a_conflict @lab
            many_waits_share_one_connection
            until_it_runs_and_is_ready
            until_it_has_an_address
            until_whatever_its_state_shows
            a_wait_for_what_is_not_there_ends_at_once
            operations_are_listed_and_awaited_by_id @lab
            lifecycle_events_tell_what_happened
            operations_are_events_too
            the_log_is_events_too
            events_of_all_projects
            an_unknown_type_of_events_is_refused
            snapshots_are_taken_listed_renamed_and_deleted
            a_snapshot_expires_when_it_is_told_to
            a_restored_instance_is_as_it_was
            snapshots_that_cannot_be
            a_snapshot_can_be_awaited_after_its_operation_is_forgotten @lab
            backups_are_made_listed_renamed_and_deleted
            a_taken_backup_name_harms_no_backup
            a_backup_becomes_an_instance
            what_is_no_backup_becomes_no_instance
            an_instance_is_copied
            a_snapshot_becomes_an_instance
            a_copy_goes_to_another_project
            copies_that_cannot_be
            a_copy_is_refreshed
            an_instance_moves_to_another_pool_and_project
            an_instance_is_rebuilt
            instances_from_every_source
            metadata_is_replaced_and_merged
            templates_are_written_read_and_deleted
            who_has_access_is_told
            a_server_alone_has_no_members
        }
    };
}

/// What can be counted only where nothing is encrypted.
#[allow(unused_macros)] // not every suite can
macro_rules! incus_contract_in_the_clear {
    ($(#[$attribute:meta])* $server:path) => {
        incus_tests! { [$(#[$attribute])*] $server;
            two_hundred_waits_use_four_connections
        }
    };
}

macro_rules! incus_tests {
    ($attributes:tt $server:path; $($name:ident $(@ $lab:ident)?)*) => {
        $(incus_test! { $attributes $server; $name $($lab)? })*
    };
}

macro_rules! incus_test {
    ([$(#[$attribute:meta])*] $server:path; $name:ident $($lab:ident)?) => {
        $(#[$attribute])*
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() -> crate::incus::Outcome {
            let (incus, _lab) = $server().await?;
            incus_test! { @call $name incus $(($lab) _lab)? }
        }
    };
    (@call $name:ident $incus:ident) => {
        crate::incus::$name($incus).await
    };
    (@call $name:ident $incus:ident (lab) $lab:ident) => {
        crate::incus::$name($incus, &$lab).await
    };
}

/// A name that no other test uses.
fn name(base: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{base}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

async fn launched(incus: &Incus, base: &str) -> Result<Instance, Error> {
    incus.launch(name(base)).image(IMAGE).await
}

async fn remove(instance: &InstanceRef) -> Outcome {
    if instance.get().await?.status != Status::Stopped {
        instance.stop().force().await?;
    }
    instance.delete().await?;
    Ok(())
}

fn handle(incus: &Incus, instance: &Instance) -> InstanceRef {
    incus.instance(instance.name())
}

pub async fn launch_and_delete(incus: Incus) -> Outcome {
    let web =
        incus.launch(name("web")).image(IMAGE).config("user.role", "shop").description("a shop").await?;
    assert_eq!(web.status, Status::Running);
    assert_eq!(web.config["user.role"], "shop");
    assert_eq!(web.description, "a shop");
    assert_eq!(web.profiles, ["default"]);
    assert_eq!(incus.instance(web.name()).get().await?.name, web.name);
    web.stop().force().await?;
    assert_eq!(web.get().await?.status, Status::Stopped);
    web.delete().await?;
    assert!(web.get().await.is_err_and(|e| e.is_not_found()));
    Ok(())
}

pub async fn launch_reports_progress(incus: Incus) -> Outcome {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let seen = lines.clone();
    let web = incus
        .launch(name("progress"))
        .image(IMAGE)
        .send()
        .await?
        .on_progress(move |progress| seen.lock().unwrap().push(progress.clone()))
        .timeout(Duration::from_secs(60))
        .await?;
    let lines = lines.lock().unwrap().clone();
    let last = lines.last().ok_or("no progress at all")?;
    assert_eq!(last.status, "Success", "{lines:?}");
    assert_eq!(last.message, "Creating instance");
    assert!(lines.iter().any(|line| line.percent.is_some()), "no percentage: {lines:?}");
    for pair in lines.windows(2).filter(|pair| pair[0].stage == pair[1].stage) {
        assert!(pair[0].percent <= pair[1].percent, "went back: {lines:?}");
    }
    remove(&handle(&incus, &web)).await
}

pub async fn stop_start_restart_freeze(incus: Incus) -> Outcome {
    let web = launched(&incus, "states").await?;
    web.stop().force().await?;
    assert_eq!(web.get().await?.status, Status::Stopped);
    web.start().await?;
    assert_eq!(web.get().await?.status, Status::Running);
    web.freeze().await?;
    assert_eq!(web.get().await?.status, Status::Frozen);
    web.unfreeze().await?;
    assert_eq!(web.get().await?.status, Status::Running);
    web.restart().force().await?;
    assert_eq!(web.get().await?.status, Status::Running);
    // Without force the guest shuts down by itself.
    booted(&web).await?;
    web.stop().grace(3 * SOON).await?;
    assert_eq!(web.get().await?.status, Status::Stopped);
    remove(&handle(&incus, &web)).await
}

pub async fn starting_twice_is_a_conflict(incus: Incus) -> Outcome {
    let web = launched(&incus, "twice").await?;
    let e = web.start().send().await?.await.expect_err("it runs already");
    assert_eq!((e.end(), e.kind()), (WaitEnd::Failed, ErrorKind::Conflict), "{e}");
    assert!(e.to_string().contains("already running"), "{e}");
    remove(&handle(&incus, &web)).await
}

pub async fn rename_and_patch_and_update(incus: Incus) -> Outcome {
    let old = incus.create(name("old")).image(IMAGE).config("user.a", "1").await?;
    let new = old.rename(name("new")).await?;
    assert!(old.get().await.is_err_and(|e| e.is_not_found()));
    new.patch().config("user.b", "2").remove_config("user.a").description("patched").await?;
    let patched = new.get().await?;
    assert_eq!(patched.config.get("user.b").map(String::as_str), Some("2"));
    assert!(!patched.config.contains_key("user.a"));
    assert_eq!(patched.description, "patched");
    new.update(|config| {
        config.config.remove("user.b");
        config.config.insert("user.c".into(), "3".into());
    })
    .await?;
    let updated = new.get().await?;
    assert!(!updated.config.contains_key("user.b"));
    assert_eq!(updated.config["user.c"], "3");
    assert_eq!(updated.description, "patched");
    remove(&handle(&incus, &new)).await
}

pub async fn a_patch_leaves_the_description_alone(incus: Incus) -> Outcome {
    let web = incus.create(name("said")).image(IMAGE).description("a shop").await?;
    web.patch().config("user.b", "2").await?;
    assert_eq!(web.get().await?.description, "a shop");
    // Each time anew.
    web.patch().description("a café").await?;
    web.patch().config("user.b", "3").await?;
    let now = web.get().await?;
    assert_eq!((now.description.as_str(), now.config["user.b"].as_str()), ("a café", "3"));
    web.patch().description("").await?;
    assert_eq!(web.get().await?.description, "");
    remove(&handle(&incus, &web)).await
}

/// Our check and the server's agree: what is refused here would be refused there, and nothing else.
pub async fn limits_are_refused_where_the_server_refuses_them(incus: Incus) -> Outcome {
    let web = incus.create(name("limits")).image(IMAGE).await?;
    let memory = [
        "2 gigs",
        "2G",
        "2gib",
        "2kiB",
        "1.5GiB",
        "+5MiB",
        "512MiB ",
        " 512MiB",
        "MiB",
        "0",
        "0GiB",
        "0%",
        "5 %",
        "%",
        "9EiB",
        "9223372036854775808",
        "5%",
        "101%",
        "1024",
        "7B",
        "7 bytes",
        "2kB",
        "512MiB",
        "3GB",
        "1TiB",
        "1PiB",
        "7EiB",
    ];
    let cpus = ["0", "2 cpus", "-1", "2,", "1.5", "two", "1", "2", "0-1", "0,1"];
    let all = memory.map(|text| ("limits.memory", text)).into_iter();
    for (key, text) in all.chain(cpus.map(|text| ("limits.cpu", text))) {
        let mut body = windlass::incus::types::InstancePatch::default();
        body.config = Some([(key.to_owned(), text.to_owned())].into());
        let server = incus.raw().instance_patch().name(web.name()).body(body).send().await;
        let ours = web.patch().config(key, text).await.map_err(|e| e.kind());
        assert_eq!(
            ours,
            if server.is_ok() { Ok(()) } else { Err(ErrorKind::InvalidInput) },
            "{key} {text:?}"
        );
    }
    remove(&handle(&incus, &web)).await
}

pub async fn update_starts_over_when_somebody_was_faster(incus: Incus) -> Outcome {
    let web = incus.create(name("race")).image(IMAGE).await?;
    let (other, runs) = (web.clone(), Arc::new(Mutex::new(0)));
    let (count, runtime) = (runs.clone(), tokio::runtime::Handle::current());
    web.update(move |config| {
        let mut runs = count.lock().unwrap();
        *runs += 1;
        if *runs == 1 {
            // Another client changes it between our reading and our writing.
            let other = other.clone();
            tokio::task::block_in_place(|| {
                runtime.block_on(async { other.patch().config("user.theirs", "1").await })
            })
            .unwrap();
        }
        config.config.insert("user.ours".into(), "1".into());
    })
    .await?;
    let both = web.get().await?;
    assert_eq!(*runs.lock().unwrap(), 2);
    assert!(both.config.contains_key("user.theirs") && both.config.contains_key("user.ours"));
    remove(&handle(&incus, &web)).await
}

pub async fn an_existing_name_is_already_exists(incus: Incus) -> Outcome {
    let web = incus.create(name("taken")).image(IMAGE).await?;
    let e = incus.create(web.name()).image(IMAGE).await.expect_err("the name is taken");
    assert_eq!(e.kind(), ErrorKind::AlreadyExists, "{e:?}");
    assert!(!e.message().is_empty());
    remove(&handle(&incus, &web)).await
}

pub async fn an_unknown_image_fails_in_the_servers_words(incus: Incus) -> Outcome {
    let name = name("noimage");
    let e = incus.launch(&name).image("no-such-image").await.expect_err("there is no such image");
    assert_eq!(e.kind(), ErrorKind::OperationFailed, "{e:?}");
    assert!(e.message().contains("Image not provided"), "{e}");
    assert!(e.suggestion().is_some_and(|says| says.contains("images:no-such-image")), "{e:?}");
    assert!(e.ticket().is_some());
    assert!(incus.instance(&name).get().await.is_err_and(|e| e.is_not_found()));
    Ok(())
}

pub async fn not_found_is_not_found(incus: Incus) -> Outcome {
    let e = incus.instance(name("nobody")).get().await.expect_err("there is no such instance");
    assert!(e.is_not_found());
    assert_eq!((e.status(), e.operation(), e.attempts()), (Some(404), "instance_get", 1));
    assert!(e.message().contains("not found"), "{e}");
    assert!(incus.instance(name("nobody")).start().await.is_err_and(|e| e.is_not_found()));
    Ok(())
}

pub async fn deleting_a_running_instance_is_refused(incus: Incus) -> Outcome {
    let web = launched(&incus, "running").await?;
    let e = web.delete().await.expect_err("it runs");
    assert_eq!((e.kind(), e.status()), (ErrorKind::Conflict, Some(400)), "{e:?}");
    remove(&handle(&incus, &web)).await
}

pub async fn lists_and_filters(incus: Incus) -> Outcome {
    let role = name("role");
    let (one, two) = tokio::try_join!(
        incus.launch(name("list")).image(IMAGE).config("user.role", &role),
        incus.create(name("list")).image(IMAGE).config("user.role", &role),
    )?;
    let mine = || incus.instances().filter(format!("config.user.role eq {role}"));
    let mut names: Vec<_> = mine().await?.into_iter().map(|found| found.name.clone()).collect();
    names.sort();
    // As text: 10 comes before 9.
    let mut expected = [one.name(), two.name()];
    expected.sort_unstable();
    assert_eq!(names, expected);
    let running = mine().status(Status::Running).await?;
    assert_eq!(running.iter().map(|found| found.name()).collect::<Vec<_>>(), [one.name()]);
    let full = mine().status(Status::Running).full().await?;
    assert_eq!(full[0].state.as_ref().map(|state| &state.status), Some(&Status::Running));
    let all = incus.instances().all_projects().names().await?;
    assert!(all.iter().any(|found| found.name() == two.name()));
    let machines = incus.instances().instance_type(windlass::incus::InstanceType::VirtualMachine);
    assert!(machines.await?.is_empty());
    let nowhere = incus.project("no-such-project").instances().await?;
    assert!(nowhere.is_empty());
    remove(&handle(&incus, &one)).await?;
    remove(&handle(&incus, &two)).await
}

pub async fn create_without_start(incus: Incus) -> Outcome {
    let web = incus.create(name("cold")).image(IMAGE).cpus(1).memory("64MiB").profiles(["default"]).await?;
    assert_eq!(web.status, Status::Stopped);
    assert_eq!(web.config["limits.memory"], "64MiB");
    remove(&handle(&incus, &web)).await
}

pub async fn ephemeral_goes_away(incus: Incus) -> Outcome {
    let web = incus.launch(name("short")).image(IMAGE).ephemeral().await?;
    assert!(web.ephemeral);
    web.stop().force().await?;
    for _ in 0..2_000 {
        if web.get().await.is_err_and(|e| e.is_not_found()) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err("an ephemeral instance outlived its stop".into())
}

pub async fn state_of_a_running_instance(incus: Incus) -> Outcome {
    let web = launched(&incus, "state").await?;
    let state = web.get_state().await?;
    assert_eq!(state.status, Status::Running);
    assert!(state.pid > 0 && state.memory.is_some());
    let full = web.get_full().await?;
    assert_eq!(full.state.as_ref().map(|state| state.pid), Some(state.pid));
    remove(&handle(&incus, &web)).await
}

pub async fn names_that_lead_elsewhere_are_refused(incus: Incus) -> Outcome {
    for bad in ["", ".", "..", "a/b", "a\\b"] {
        let web = incus.instance(bad);
        let calls = [
            web.get().await.err(),
            web.get_state().await.err(),
            web.delete().await.err(),
            web.stop().await.err(),
            web.patch().config("user.a", "1").await.err(),
            web.rename("fine").await.err(),
            incus.instance("fine").rename(bad).await.err(),
            web.exec(["true"]).output().await.err(),
            web.logs().await.err(),
            web.read_file("/etc/passwd").await.err(),
            web.write_file("/etc/motd", "x").await.err(),
            web.stat("/etc").await.err(),
            web.pull_tree("/etc").to("/nonexistent/x").await.err(),
            web.delete_file("/etc/motd").await.err(),
            web.log("lxc.log").read().await.err(),
            incus.instance("fine").log(bad).read().await.err(),
            incus.launch(bad).image(IMAGE).await.err(),
        ];
        for (number, e) in calls.into_iter().enumerate() {
            let e = e.ok_or_else(|| format!("call {number} took {bad:?}"))?;
            assert_eq!(
                (e.kind(), e.attempts()),
                (ErrorKind::InvalidInput, 0),
                "call {number}, {bad:?}: {e:?}"
            );
            assert_eq!(e.sent(), windlass::Sent::No);
        }
    }
    Ok(())
}

pub async fn unicode_arrives_intact(incus: Incus) -> Outcome {
    // No instance can have such a name, but the server's answer shows what arrived.
    let e = incus.instance("ä b%2f?#c").get().await.expect_err("no such name");
    assert!(e.is_not_found() || e.kind() == ErrorKind::InvalidInput, "{e:?}");
    let web =
        incus.create(name("uni")).image(IMAGE).config("user.ä b", "ü\n\"q\"").description("日本 🚀").await?;
    let back = web.get().await?;
    assert_eq!(back.config["user.ä b"], "ü\n\"q\"");
    assert_eq!(back.description, "日本 🚀");
    let found = incus.instances().filter(format!("name eq {}", web.name())).await?;
    assert_eq!(found.len(), 1);
    remove(&handle(&incus, &web)).await
}

pub async fn raw_calls_work(incus: Incus) -> Outcome {
    let server = incus.raw().server_get().send().await?;
    assert_eq!(server.api_version, "1.0");
    let e = incus.raw().instance_get().name("nobody-at-all").send().await.expect_err("no such instance");
    assert_eq!((e.kind(), e.status()), (ErrorKind::NotFound, Some(404)));
    Ok(())
}

pub async fn server_is_described(incus: Incus) -> Outcome {
    let server = incus.get_server().await?;
    assert!(server.has_extension("instances"), "{:?}", server.api_extensions);
    assert!(server.environment.is_some_and(|environment| environment.server == "incus"));
    Ok(())
}

/// The servers have two more projects, with the images and profiles of the default one: this one for the test that acts
/// on all that is in it, …
const BULK: &str = "bulk";
/// … and this one for all others.
const OTHER: &str = "other";

pub async fn bulk_state(incus: Incus) -> Outcome {
    let bulk = incus.project(BULK);
    let (one, two) =
        tokio::try_join!(bulk.create(name("bulk")).image(IMAGE), bulk.create(name("bulk")).image(IMAGE),)?;
    bulk.start_all().await?;
    for web in [&one, &two] {
        assert_eq!(web.get().await?.status, Status::Running);
    }
    let everywhere = incus.instances().all_projects().filter(format!("name eq {}", one.name())).await?;
    assert_eq!(everywhere.iter().map(|web| web.project.as_str()).collect::<Vec<_>>(), [BULK]);
    // The handle from the list knows its project.
    everywhere[0].patch().config("user.seen", "1").await?;
    bulk.stop_all().force().await?;
    for web in [&one, &two] {
        remove(&handle(&bulk, web)).await?;
    }
    Ok(())
}
