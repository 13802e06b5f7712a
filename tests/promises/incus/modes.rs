//! Permissions of what is pulled: right from the first byte, whatever the umask.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex};

use windlass::testing::FakeIncus;
use windlass::{Content, ErrorKind};

use super::transfer::{Directory, FILES, Outcome, served};
use crate::alone::alone;

fn mode(path: impl AsRef<Path>) -> u32 {
    std::fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

/// Everything below a directory, with its mode.
fn modes(top: &Path) -> Vec<(String, u32)> {
    glance(top).into_iter().map(|(name, mode, _)| (name, mode)).collect()
}

/// … and with its size at that moment.
fn glance(top: &Path) -> Vec<(String, u32, u64)> {
    let (mut all, mut left) = (Vec::new(), vec![top.to_owned()]);
    while let Some(directory) = left.pop() {
        // What a pull is about to give its name may be gone.
        for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
            let Ok(found) = entry.metadata() else { continue };
            if found.is_dir() {
                left.push(entry.path());
            }
            let name = entry.path().strip_prefix(top).unwrap().display().to_string();
            all.push((name, found.mode() & 0o7777, found.len()));
        }
    }
    all.sort();
    all
}

/// A single pull has the mode of the file in the instance, and until then other users can't read what came.
async fn a_single_pull() -> Outcome {
    let (fake, web, _) = served().await?;
    let directory = Directory::new()?;
    for remote in [0o600, 0o644, 0o400, 0o666] {
        web.push(vec![1; 2_000_000]).mode(remote).to("/file").await?;
        let (seen, top) = (Arc::new(Mutex::new(Vec::new())), directory.0.clone());
        let tell = seen.clone();
        let pull = web.pull("/file").on_progress(move |_| tell.lock().unwrap().extend(modes(&top)));
        pull.to(directory.0.join("file")).await?;
        assert_eq!(modes(&directory.0), [("file".to_owned(), remote)]);
        let seen = seen.lock().unwrap();
        let drafts: Vec<_> = seen.iter().filter(|(name, _)| name.ends_with(".part")).collect();
        assert!(!drafts.is_empty() && drafts.iter().all(|(_, mode)| *mode == 0o600), "{drafts:?}");
        std::fs::remove_file(directory.0.join("file"))?;
    }
    // What was there before doesn't matter, and what is asked for does.
    std::fs::write(directory.0.join("file"), "old")?;
    web.push(vec![1; 10]).mode(0o600).to("/file").await?;
    web.pull("/file").to(directory.0.join("file")).await?;
    assert_eq!(mode(directory.0.join("file")), 0o600);
    web.pull("/file").mode(0o640).to(directory.0.join("file")).await?;
    assert_eq!(mode(directory.0.join("file")), 0o640);
    let requests = fake.requests(&format!("GET {FILES}"));
    let e = web.pull("/file").mode(0o10_000).to(directory.0.join("file")).await.expect_err("that is no mode");
    assert_eq!((e.kind(), fake.requests(&format!("GET {FILES}"))), (ErrorKind::InvalidInput, requests));
    Ok(())
}

/// What has no mode in the instance gets what any new file gets, or that of what it replaces.
async fn without_a_mode(ordinary: u32) -> Outcome {
    let fake = FakeIncus::start().await?;
    let directory = Directory::new()?;
    let incus = fake.client()?;
    let image = incus.import_image(b"\x1f\x8bimage".to_vec()).send().await?.await?;
    let path = directory.0.join("image");
    image.export().to(&path).await?;
    assert_eq!(mode(&path), ordinary);
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o604))?;
    image.export().to(&path).await?;
    assert_eq!(mode(&path), 0o604);
    image.export().mode(0o600).to(&path).await?;
    assert_eq!((mode(&path), directory.names()), (0o600, vec!["image".to_owned()]));
    Ok(())
}

/// Larger than what goes over SFTP.
const LARGE: u64 = 600_000;

/// Other users can't look into a tree before it is whole, or at all if it has parts that are private.
async fn a_tree() -> Outcome {
    let (fake, web, _) = served().await?;
    let directory = Directory::new()?;
    web.make_dir("/top").mode(0o750).await?;
    web.make_dir("/top/private").mode(0o700).await?;
    web.make_dir("/top/closed").mode(0o500).await?;
    web.make_dir("/top/open").mode(0o755).await?;
    for place in ["private", "closed", "open"] {
        web.push(vec![1; 10]).mode(0o600).to(&format!("/top/{place}/secret")).await?;
        web.push(Content::bytes(vec![1; LARGE as usize]))
            .mode(0o640)
            .to(&format!("/top/{place}/large"))
            .await?;
    }
    // One that was there already, and others may read.
    std::fs::create_dir_all(directory.0.join("copy/private"))?;
    std::fs::set_permissions(directory.0.join("copy/private"), PermissionsExt::from_mode(0o755))?;
    let (seen, top) = (Arc::new(Mutex::new(Vec::new())), directory.0.join("copy"));
    let tell = seen.clone();
    let pull = web.pull_tree("/top").on_progress(move |_| tell.lock().unwrap().push(glance(&top)));
    pull.to(directory.0.join("copy")).await?;
    let large = |place: &str| (format!("{place}/large"), 0o640);
    let secret = |place: &str| (format!("{place}/secret"), 0o600);
    let mut expected =
        vec![("closed".to_owned(), 0o500), ("open".to_owned(), 0o755), ("private".to_owned(), 0o700)];
    expected.extend(["closed", "open", "private"].iter().flat_map(|place| [large(place), secret(place)]));
    expected.sort();
    assert_eq!(modes(&directory.0.join("copy")), expected);
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    assert!(seen.len() > 6);
    for (name, mode, size) in seen.iter().flatten() {
        let private = match name.as_str() {
            // One that is whole gets its mode, and then its name.
            name if name.ends_with(".part") && *size == LARGE && *mode != 0o600 => 0o640,
            name if name.ends_with(".part") => 0o600,
            "closed" | "open" | "private" => 0o700,
            name if name.ends_with("/secret") => 0o600,
            _ => 0o640,
        };
        assert_eq!(*mode, private, "{name}");
    }
    // A tree whose top is made has the top's own mode.
    web.pull_tree("/top").to(directory.0.join("deep/new")).await?;
    assert_eq!(mode(directory.0.join("deep/new")), 0o750);
    // One that fails in the middle has tight directories, too.
    std::fs::remove_dir_all(directory.0.join("deep"))?;
    fake.on(&format!("GET {FILES}")).always().reply(500, "no");
    web.pull_tree("/top").to(directory.0.join("deep/new")).await.expect_err("large files can't be had");
    assert_eq!(mode(directory.0.join("deep/new")), 0o750);
    assert_eq!(mode(directory.0.join("deep/new/private")), 0o700);
    assert_eq!(mode(directory.0.join("deep/new/closed")), 0o500);
    Ok(())
}

alone! {
umask "000";
async fn modes_under_an_open_umask() -> Outcome {
    a_single_pull().await?;
    without_a_mode(0o666).await?;
    a_tree().await
}
}

alone! {
umask "022";
async fn modes_under_the_usual_umask() -> Outcome {
    a_single_pull().await?;
    without_a_mode(0o644).await?;
    a_tree().await
}
}

alone! {
umask "077";
async fn modes_under_a_tight_umask() -> Outcome {
    a_single_pull().await?;
    without_a_mode(0o600).await?;
    a_tree().await
}
}

#[tokio::test]
async fn a_dropped_tree_has_tight_directories() -> Outcome {
    let (fake, web, content) = served().await?;
    let directory = Directory::new()?;
    web.make_dir("/top").await?;
    web.make_dir("/top/closed").mode(0o510).await?;
    web.write_file("/top/closed/large", content).await?;
    let held = fake.on(&format!("GET {FILES}")).hang();
    let pull = tokio::spawn(web.pull_tree("/top").to(directory.0.join("copy")));
    while held.hits() == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(mode(directory.0.join("copy/closed")), 0o700);
    pull.abort();
    assert!(pull.await.is_err_and(|e| e.is_cancelled()));
    assert_eq!(modes(&directory.0.join("copy")), [("closed".to_owned(), 0o510)]);
    Ok(())
}

#[tokio::test]
async fn special_bits_are_kept_on_request_and_told_otherwise() -> Outcome {
    let (_fake, web, _) = served().await?;
    let directory = Directory::new()?;
    let there = directory.0.join("there");
    std::fs::create_dir_all(there.join("sticky"))?;
    std::fs::write(there.join("su"), "su")?;
    std::fs::write(there.join("plain"), "plain")?;
    std::fs::set_permissions(there.join("sticky"), PermissionsExt::from_mode(0o1777))?;
    std::fs::set_permissions(there.join("su"), PermissionsExt::from_mode(0o4755))?;
    let copied = web.push_tree(&there).to("/srv").await?;
    assert_eq!((sorted(copied.stripped), web.stat("/srv/su").await?.mode), (two(), 0o755));
    let copied = web.push_tree(&there).special_bits().to("/srv").await?;
    assert_eq!((copied.stripped, web.stat("/srv/su").await?.mode), (Vec::new(), 0o4755));
    let copied = web.pull_tree("/srv").to(directory.0.join("back")).await?;
    assert_eq!((sorted(copied.stripped), copied.skipped), (two(), Vec::<String>::new()));
    assert_eq!((mode(directory.0.join("back/su")), mode(directory.0.join("back/sticky"))), (0o755, 0o777));
    let copied = web.pull_tree("/srv").special_bits().to(directory.0.join("back")).await?;
    assert_eq!(copied.stripped, Vec::<String>::new());
    assert_eq!((mode(directory.0.join("back/su")), mode(directory.0.join("back/sticky"))), (0o4755, 0o1777));
    Ok(())
}

fn two() -> Vec<String> {
    vec!["/sticky".to_owned(), "/su".to_owned()]
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}
