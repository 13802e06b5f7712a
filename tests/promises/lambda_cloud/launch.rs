//! A launch on Lambda Cloud is never doubled and never lost: counted on the service's side.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use windlass::lambda_cloud::{ErrorCode, Instance, InstanceStatus, Launch};
use windlass::testing::FakeLambdaCloud;
use windlass::{Error, ErrorKind, LambdaCloud, Retry, Sent};

use super::{Outcome, fake};

const LAUNCH: &str = "POST /api/v1/instance-operations/launch";
const LIST: &str = "GET /api/v1/instances";
const GET: &str = "GET /api/v1/instances/{id}";
const TAG: &str = "windlass-launch";

/// Gives up an attempt soon, so that what hangs needn't be waited for.
fn hasty() -> Retry {
    let pause = Duration::from_millis(1);
    Retry::default().attempts(3).backoff(pause, pause).attempt_timeout(Duration::from_millis(80))
}

/// A time limit that only a fault that hangs reaches, however busy the machine is.
fn patient_unless_it_hangs(fault: &str) -> Retry {
    let limit =
        if fault.starts_with("timeout") { Duration::from_millis(300) } else { Duration::from_secs(60) };
    hasty().attempt_timeout(limit)
}

fn a10(lambda: &LambdaCloud) -> Launch {
    let launch = lambda.launch("gpu_1x_a10").region("us-west-1").ssh_key("laptop");
    launch.reconcile_window(Duration::from_millis(60))
}

/// Everything that can go wrong with one request.
const FAULTS: [&str; 11] = [
    "refused",
    "reset before",
    "reset after",
    "429",
    "500",
    "502",
    "503",
    "timeout",
    "timeout after",
    "truncated",
    "no answer of this API",
];

fn plant(fake: &FakeLambdaCloud, route: &str, fault: &str, times: usize) {
    let rule = fake.on(route).times(times);
    match fault {
        "refused" => rule.refuse(),
        "reset before" => rule.drop_before(),
        "reset after" => rule.drop_after(),
        "429" => rule.reply(429, "<html>error code: 1015</html>"),
        "500" => rule.reply(500, r#"{"error":{"code":"global/internal-error","message":"oops"}}"#),
        "502" => rule.reply(502, "<html>bad gateway</html>"),
        "503" => rule.reply(503, ""),
        "timeout" => rule.hang(),
        "timeout after" => rule.hang_after(),
        "truncated" => rule.truncate(20),
        _ => rule.reply(200, "<html>welcome</html>"),
    };
}

/// At most one instance, and the caller holds it or an error that says whether one may exist.
fn is_honest(fake: &FakeLambdaCloud, result: &Result<Instance, Error>, what: &str) {
    let there = fake.launches();
    assert!(there <= 1, "{what}: {there} instances");
    match result {
        Ok(instance) => assert_eq!(fake.instances(), [instance.id.as_str()], "{what}"),
        Err(e) if e.is_outcome_unknown() => {
            let marker = e.marker().expect("the marker");
            let ours = |doc: &serde_json::Value| doc["tags"].to_string().contains(marker);
            assert!(fake.all_instances().iter().all(ours), "{what}: {e}");
            assert!(e.ticket().is_some(), "{what}: {e}");
        }
        // The launch was accepted, and the wait for it ended: the ticket names the instance.
        Err(e) if e.ticket().is_some() => assert_eq!(there, 1, "{what}: {e}"),
        Err(e) => assert_eq!(there, 0, "{what}: nothing tells of the instance: {e:?}"),
    }
}

#[tokio::test]
async fn every_fault_at_the_launch_itself() -> Outcome {
    for fault in FAULTS {
        for times in [1, 50] {
            let (fake, lambda) = fake().await?;
            plant(&fake, LAUNCH, fault, times);
            let result = a10(&lambda.with(patient_unless_it_hangs(fault))).await;
            is_honest(&fake, &result, &format!("{fault}, {times} times"));
            let sent = fake.requests(LAUNCH);
            match (fault, times) {
                // Nothing was done: sent again, and it works.
                ("429", 1) => assert_eq!((result.is_ok(), sent), (true, 2)),
                ("429", _) => {
                    let e = result.expect_err("always refused");
                    assert_eq!((e.kind(), e.sent(), sent), (ErrorKind::RateLimited, Sent::Yes, 3));
                    assert_eq!(fake.requests(LIST), 0, "there is nothing to look for");
                }
                // It worked, and is found.
                ("reset after" | "timeout after" | "truncated", _) => {
                    assert_eq!((result.is_ok(), sent), (true, 1), "{fault}: {result:?}");
                }
                // It didn't, but who knows.
                _ => {
                    let e = result.expect_err("it never took effect");
                    assert_eq!((e.kind(), sent), (ErrorKind::OutcomeUnknown, 1), "{fault}: {e:?}");
                }
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn every_fault_while_the_lost_launch_is_looked_for() -> Outcome {
    for fault in FAULTS {
        let (fake, lambda) = fake().await?;
        fake.on(LAUNCH).drop_after();
        plant(&fake, LIST, fault, 2);
        let launch =
            a10(&lambda.with(patient_unless_it_hangs(fault))).reconcile_window(Duration::from_secs(20));
        let result = launch.await;
        is_honest(&fake, &result, fault);
        assert!(result.is_ok(), "{fault}: {result:?}");
        assert_eq!(fake.requests(LAUNCH), 1);
    }
    Ok(())
}

#[tokio::test]
async fn every_fault_while_the_instance_boots() -> Outcome {
    for fault in FAULTS {
        let (fake, lambda) = fake().await?;
        plant(&fake, LIST, fault, 2);
        plant(&fake, GET, fault, 2);
        let result = a10(&lambda.with(patient_unless_it_hangs(fault))).await;
        is_honest(&fake, &result, fault);
        assert!(result.is_ok(), "{fault}: {result:?}");
        assert_eq!(fake.requests(LAUNCH), 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_service_that_stays_out_of_reach_leaves_an_error_that_names_the_marker() -> Outcome {
    let (fake, lambda) = fake().await?;
    fake.on(LAUNCH).drop_after();
    fake.on(LIST).always().reply(502, "<html></html>");
    let launch = a10(&lambda.with(hasty()));
    let marker = launch.marker().to_owned();
    let e = launch.await.expect_err("there is no answer");
    assert_eq!(
        (e.kind(), e.marker(), fake.launches()),
        (ErrorKind::OutcomeUnknown, Some(marker.as_str()), 1)
    );
    assert_eq!((e.api(), e.operation(), e.sent()), ("lambda-cloud", "instance_launch", Sent::Unknown));
    Ok(())
}

#[tokio::test]
async fn what_is_looked_for_may_show_late() -> Outcome {
    let (fake, lambda) = fake().await?;
    fake.visibility_delay(Duration::from_secs(30));
    fake.on(LAUNCH).drop_after();
    let gpu = a10(&lambda).reconcile_window(Duration::from_secs(60)).await?;
    assert_eq!(gpu.status, InstanceStatus::Active);
    // A second for each look.
    assert!(fake.requests(LIST) >= 30, "{}", fake.requests(LIST));
    assert_eq!((fake.requests(LAUNCH), fake.launches()), (1, 1));
    Ok(())
}

#[tokio::test]
async fn an_unknown_outcome_can_be_looked_at_again_elsewhere() -> Outcome {
    let (fake, lambda) = fake().await?;
    fake.visibility_delay(Duration::from_secs(1_000));
    fake.on(LAUNCH).drop_after();
    let e = a10(&lambda).await.expect_err("it can't be seen yet");
    let (ticket, marker) = (e.ticket().expect("a ticket"), e.marker().expect("a marker"));
    assert!(lambda.launched(marker).await?.is_none());
    fake.advance(Duration::from_secs(1_000));
    let gpu = fake.client()?.resume::<Instance>(&ticket.parse()?)?.await?;
    assert_eq!(fake.instances(), [gpu.id.as_str()]);
    assert_eq!(lambda.launched(marker).await?.map(|found| found.id.clone()), Some(gpu.id.clone()));
    Ok(())
}

#[tokio::test]
async fn somebody_elses_instance_is_not_adopted() -> Outcome {
    let (fake, lambda) = fake().await?;
    fake.add_instance();
    fake.on(LAUNCH).drop_before();
    let e = a10(&lambda).name("somebody's").await.expect_err("none of ours");
    assert!(e.is_outcome_unknown());
    Ok(())
}

#[tokio::test]
async fn a_refusal_is_believed_and_nothing_is_looked_for() -> Outcome {
    for (status, code) in [
        (400, "instance-operations/launch/insufficient-capacity"),
        (400, "global/quota-exceeded"),
        (404, "global/object-does-not-exist"),
        (400, "global/something-new"),
        (403, "global/account-inactive"),
    ] {
        let (fake, lambda) = fake().await?;
        fake.on(LAUNCH).reply(status, format!(r#"{{"error":{{"code":"{code}","message":"no"}}}}"#));
        let e = a10(&lambda).await.expect_err("refused");
        assert_eq!((e.code(), e.sent(), e.marker()), (Some(code), Sent::Yes, None));
        assert_eq!((fake.requests(LAUNCH), fake.requests(LIST)), (1, 0), "{code}");
    }
    Ok(())
}

#[tokio::test]
async fn anything_but_one_id_is_an_error_that_names_them_all() -> Outcome {
    for (ids, kind) in [
        (r#"[]"#, ErrorKind::OutcomeUnknown),
        (r#"[""]"#, ErrorKind::OutcomeUnknown),
        (r#"["aaa","bbb"]"#, ErrorKind::BadReply),
    ] {
        let (fake, lambda) = fake().await?;
        fake.on(LAUNCH).reply(200, format!(r#"{{"data":{{"instance_ids":{ids}}}}}"#));
        let e = a10(&lambda).await.expect_err("not one");
        assert_eq!(e.kind(), kind, "{ids}");
        assert!(e.marker().is_some() && e.sent() == Sent::Yes);
        assert!(
            kind != ErrorKind::BadReply || (e.message().contains("aaa") && e.message().contains("bbb")),
            "{e}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn two_instances_of_one_launch_are_both_named() -> Outcome {
    let (fake, lambda) = fake().await?;
    let launch = a10(&lambda);
    let ids = [fake.add_instance(), fake.add_instance()];
    for id in &ids {
        let tag = serde_json::json!([{"key": TAG, "value": launch.marker()}]);
        fake.edit_instance(id, |document| document["tags"] = tag);
    }
    fake.on(LAUNCH).drop_before();
    let e = lambda.launched(launch.marker()).await.expect_err("two of them");
    assert!(ids.iter().all(|id| e.message().contains(id)), "{e}");
    let e = launch.await.expect_err("two of them");
    assert_eq!(e.kind(), ErrorKind::BadReply);
    assert!(ids.iter().all(|id| e.message().contains(id)), "{e}");
    Ok(())
}

#[tokio::test]
async fn a_launch_that_never_left_is_sent_again() -> Outcome {
    let (fake, lambda) = fake().await?;
    fake.stop().await;
    let e = a10(&lambda.with(hasty())).await.expect_err("the server is gone");
    assert_eq!((e.kind(), e.sent(), e.attempts()), (ErrorKind::Connect, Sent::No, 3));
    assert!(e.is_repeatable() && e.marker().is_none());
    fake.restart().await?;
    a10(&lambda).await?;
    assert_eq!(fake.requests(LAUNCH), 1);
    Ok(())
}

#[tokio::test]
async fn each_launch_has_a_tag_of_its_own_beside_the_callers() -> Outcome {
    let (fake, lambda) = fake().await?;
    let launch = a10(&lambda).label("team", "vision").name("trainer").hostname("trainer-1");
    let marker = launch.marker().to_owned();
    let gpu = launch.await?;
    assert_eq!((gpu.tag("team"), gpu.tag(TAG)), (Some("vision"), Some(marker.as_str())));
    assert_eq!(gpu.name.as_deref(), Some("trainer"));
    let other = a10(&lambda).await?;
    assert_ne!(other.tag(TAG), Some(marker.as_str()));
    let mine = lambda.instances().label("team", "vision").await?;
    assert_eq!(mine.len(), 1);
    assert_eq!(fake.launches(), 2);
    Ok(())
}

/// A small generator with a seed, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// What the callers of one fake were told.
#[derive(Default)]
struct Told {
    held: BTreeSet<String>,
    unknown: BTreeSet<String>,
    refused: usize,
}

async fn storm(seed: u64, launches: usize) -> (FakeLambdaCloud, Told) {
    let (mut dice, mut told) = (Dice(seed), Told::default());
    let fake = FakeLambdaCloud::start().await.unwrap();
    let lambda = fake.client().unwrap().with(hasty().attempt_timeout(Duration::from_millis(40)));
    for _ in 0..launches {
        if dice.roll(2) == 0 {
            let fault = FAULTS[dice.roll(FAULTS.len())];
            // Only what is repeated meets a fault more than once.
            plant(&fake, LAUNCH, fault, if fault == "429" { 1 + dice.roll(4) } else { 1 });
        }
        if dice.roll(6) == 0 {
            plant(&fake, LIST, FAULTS[dice.roll(FAULTS.len())], 1 + dice.roll(3));
        }
        fake.visibility_delay(Duration::from_secs(dice.roll(6) as u64));
        let launch = a10(&lambda).reconcile_window(Duration::from_millis(15));
        let marker = launch.marker().to_owned();
        match launch.send().await {
            Ok(operation) => assert!(told.held.insert(operation.ticket().id().to_owned())),
            Err(e) if e.is_outcome_unknown() => {
                assert_eq!(e.marker(), Some(marker.as_str()));
                told.unknown.insert(marker);
            }
            Err(e) => {
                assert!(e.sent() == Sent::No || e.status().is_some_and(|status| status < 500), "{e:?}");
                told.refused += 1;
            }
        }
    }
    (fake, told)
}

#[tokio::test]
async fn a_thousand_launches_under_random_faults_double_none_and_orphan_none() {
    let (mut there, mut held, mut unknown, mut refused) = (0, 0, 0, 0);
    for seed in 0..25 {
        let (fake, told) = storm(seed, 40).await;
        let mut by_tag: BTreeMap<String, usize> = BTreeMap::new();
        for instance in fake.all_instances() {
            let id = instance["id"].as_str().unwrap();
            let tags = instance["tags"].as_array().unwrap();
            let tag =
                tags.iter().find(|tag| tag["key"] == TAG).unwrap()["value"].as_str().unwrap().to_owned();
            let reported = told.held.contains(id) || told.unknown.contains(&tag);
            assert!(reported, "seed {seed}: nobody was told of {id}");
            *by_tag.entry(tag).or_default() += 1;
        }
        assert!(by_tag.values().all(|count| *count == 1), "seed {seed}: a double");
        assert_eq!(by_tag.len(), fake.launches(), "seed {seed}");
        let real: BTreeSet<String> = fake.instances().into_iter().collect();
        assert!(told.held.is_subset(&real), "seed {seed}: somebody holds what doesn't exist");
        there += fake.launches();
        held += told.held.len();
        unknown += told.unknown.len();
        refused += told.refused;
    }
    assert_eq!(held + unknown + refused, 1_000);
    // The storm is one: a good part works, and of each other kind there are some.
    assert!(there > held && held > 500 && unknown > 100 && refused > 5, "{there} {held} {unknown} {refused}");
}

#[tokio::test]
async fn documented_refusals_have_their_codes() -> Outcome {
    let (fake, lambda) = fake().await?;
    let code = |result: Result<Instance, Error>| {
        let e = result.expect_err("refused");
        (ErrorCode::of(&e).expect("a code"), e.kind())
    };
    let here = |name: &str| lambda.launch(name).region("us-west-1").ssh_key("laptop");
    assert_eq!(code(here("gpu_9x_z").await), (ErrorCode::ObjectDoesNotExist, ErrorKind::NotFound));
    let unknown_key = lambda.launch("gpu_1x_a10").region("us-west-1").ssh_key("nobody's");
    assert_eq!(code(unknown_key.await), (ErrorCode::ObjectDoesNotExist, ErrorKind::NotFound));
    let storage = lambda.create_file_system("models").region("us-east-1").await?;
    let wrong = here("gpu_1x_a10").mount("/data/models").of_file_system(storage.id());
    assert_eq!(code(wrong.await), (ErrorCode::FileSystemInWrongRegion, ErrorKind::InvalidInput));
    assert_eq!(
        code(here("gpu_1x_a10").firewall_ruleset("nope").await),
        (ErrorCode::ObjectDoesNotExist, ErrorKind::NotFound)
    );
    fake.no_capacity();
    let e = here("gpu_1x_a10").await.expect_err("nothing left");
    assert!(e.code_is(ErrorCode::InsufficientCapacity));
    assert!(
        e.suggestion().is_some() && e.kind() == ErrorKind::InsufficientCapacity && e.status() == Some(400)
    );
    fake.quota(0);
    assert_eq!(code(here("gpu_1x_a10").await), (ErrorCode::QuotaExceeded, ErrorKind::QuotaExceeded));
    fake.invalidate_address();
    assert_eq!(code(here("gpu_1x_a10").await), (ErrorCode::InvalidAddress, ErrorKind::PermissionDenied));
    fake.deactivate_account();
    assert_eq!(code(here("gpu_1x_a10").await), (ErrorCode::AccountInactive, ErrorKind::PermissionDenied));
    let wrong_key = LambdaCloud::key("wrong").url(fake.url()).client()?;
    let refused = wrong_key.launch("gpu_1x_a10").region("us-west-1").ssh_key("laptop").await;
    assert_eq!(code(refused), (ErrorCode::InvalidApiKey, ErrorKind::Unauthenticated));
    assert_eq!(fake.launches(), 0);
    Ok(())
}
