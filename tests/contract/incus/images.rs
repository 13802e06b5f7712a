//! Images and their aliases.

use std::sync::{Arc, Mutex};

use windlass::incus::Incus;
use windlass::{Content, ErrorKind, Transferred, WaitEnd};

use super::files::Directory;
use super::{IMAGE, Outcome, handle, name, remove};

pub async fn images_and_aliases(incus: Incus) -> Outcome {
    let image = incus.image_alias(IMAGE).image().await?;
    assert!(image.aliases.iter().any(|alias| alias.name == IMAGE));
    assert_eq!(incus.image(&image.fingerprint[..12]).get().await?.fingerprint, image.fingerprint);
    assert!(incus.images().await?.iter().any(|found| found.fingerprint == image.fingerprint));
    let alias = name("busy/box");
    image.add_alias(&alias).await?;
    assert!(image.add_alias(&alias).await.is_err_and(|e| e.is_already_exists()));
    assert!(incus.image_aliases().await?.iter().any(|found| found.name == alias));
    assert_eq!(incus.image_alias(&alias).get().await?.target, image.fingerprint);
    let web = incus.create(name("alias")).image(&alias).await?;
    incus.image_alias(&alias).delete().await?;
    assert!(incus.image_alias(&alias).get().await.is_err_and(|e| e.is_not_found()));
    let other = incus.create(name("print")).image_fingerprint(&image.fingerprint).await?;
    remove(&handle(&incus, &other)).await?;
    remove(&handle(&incus, &web)).await
}

pub async fn aliases_are_renamed_and_pointed_elsewhere(incus: Incus) -> Outcome {
    let image = incus.image_alias(IMAGE).image().await?;
    let (old, new, taken) = (name("old"), name("a/new"), name("taken"));
    image.add_alias(&old).await?;
    image.add_alias(&taken).await?;
    let e = incus.image_alias(&old).rename(&taken).await.expect_err("the name is taken");
    assert!(e.is_already_exists(), "{e:?}");
    let alias = incus.image_alias(&old).rename(&new).await?;
    assert!(incus.image_alias(&old).get().await.is_err_and(|e| e.is_not_found()));
    alias.describe("stable").await?;
    let other = incus.import_image(tarball("pointed")).send().await?.await?;
    alias.point_to(&other).await?;
    let now = alias.get().await?;
    assert_eq!((now.target.as_str(), now.description.as_str()), (other.fingerprint.as_str(), "stable"));
    other.delete().await?;
    assert!(alias.get().await.is_err_and(|e| e.is_not_found()));
    incus.image_alias(&taken).delete().await?;
    Ok(())
}

pub async fn images_are_imported_changed_and_exported(incus: Incus) -> Outcome {
    let (content, directory) = (tarball("unified"), Directory::new()?);
    let path = directory.0.join("image.tar");
    std::fs::write(&path, &content)?;
    let last = Arc::new(Mutex::new(Transferred::default()));
    let tell = last.clone();
    let import = incus.import_image(&path).file_name("own.tar").property("os", "x y&z").public();
    let image = import.on_progress(move |p| *tell.lock().unwrap() = p).send().await?.await?;
    assert_eq!(last.lock().unwrap().percent(), Some(100));
    assert_eq!((image.public, image.size), (true, i64::try_from(content.len())?));
    assert_eq!(image.properties.get("os").map(String::as_str), Some("x y&z"), "{:?}", image.properties);
    let again = incus.import_image(&path).send().await?.await.expect_err("it is there");
    assert_eq!((again.end(), again.kind()), (WaitEnd::Failed, ErrorKind::AlreadyExists), "{again:?}");
    image.patch().property("release", "13").public(false).await?;
    let now = incus.image(&image.fingerprint).get().await?;
    assert_eq!(
        (now.public, now.properties["release"].as_str(), now.properties["os"].as_str()),
        (false, "13", "x y&z")
    );
    let back = directory.0.join("back.tar");
    let done = image.export().to(&back).await?;
    assert_eq!(done.total, Some(content.len() as u64));
    assert!(std::fs::read(&back)? == content);
    let files = image.export_files(&directory.0).await?;
    assert!(files.rootfs.is_none() && std::fs::read(&files.metadata)? == content, "{files:?}");
    let e = image.refresh().await.expect_err("it came from nowhere");
    assert!(e.message().contains("Image source not found"), "{e:?}");
    image.delete().await?;
    assert!(image.export().bytes().await.is_err_and(|e| e.is_not_found()));
    let wrong = incus.import_image(content).fingerprint("0".repeat(64)).send().await?.await;
    assert_eq!(wrong.map_err(|e| e.end()).err(), Some(WaitEnd::Failed));
    Ok(())
}

pub async fn split_images(incus: Incus) -> Outcome {
    let directory = Directory::new()?;
    let (metadata, rootfs) = (metadata("split"), rootfs("split"));
    let path = directory.0.join("rootfs.tar");
    std::fs::write(&path, &rootfs)?;
    let image = incus.import_image(metadata.clone()).rootfs(&path).send().await?.await?;
    assert_eq!(image.size, i64::try_from(metadata.len() + rootfs.len())?);
    let e = image.export().bytes().await.expect_err("it is two files");
    assert_eq!(e.kind(), ErrorKind::Unsupported, "{e:?}");
    let files = image.export_files(&directory.0).await?;
    assert!(std::fs::read(&files.metadata)? == metadata);
    assert!(std::fs::read(files.rootfs.ok_or("no root file system")?)? == rootfs);
    image.delete().await?;
    // A stream of unknown length will do, too.
    let stream = Content::reader(std::io::Cursor::new(rootfs));
    let image = incus.import_image(metadata).rootfs(stream).send().await?.await?;
    image.delete().await?;
    Ok(())
}

/// A unified image that is new to every server.
fn tarball(what: &str) -> Vec<u8> {
    let mut all = entry("metadata.yaml", description(what).as_bytes());
    all.extend(entry("rootfs/motd", name(what).as_bytes()));
    ended(all)
}

fn metadata(what: &str) -> Vec<u8> {
    ended(entry("metadata.yaml", description(what).as_bytes()))
}

fn rootfs(what: &str) -> Vec<u8> {
    ended(entry("motd", format!("{}\n", name(what)).repeat(50_000).as_bytes()))
}

fn description(what: &str) -> String {
    let id = name(what);
    format!("architecture: x86_64\ncreation_date: 1700000000\nproperties:\n  description: {id}\n")
}

/// One file of a tar archive.
fn entry(path: &str, content: &[u8]) -> Vec<u8> {
    let mut head = [0; 512];
    let mut put = |at: usize, text: &str| head[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, path);
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{:011o}\0", content.len()));
    put(136, "14524774000\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut all = head.to_vec();
    all.extend_from_slice(content);
    all.resize(all.len().next_multiple_of(512), 0);
    all
}

fn ended(mut archive: Vec<u8>) -> Vec<u8> {
    archive.resize((archive.len() + 1_024).next_multiple_of(10_240), 0);
    archive
}
