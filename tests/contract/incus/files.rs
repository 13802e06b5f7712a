//! Files and logs.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use windlass::incus::{FileType, Incus};
use windlass::{Content, ErrorKind, Transferred};

use super::{IMAGE, Outcome, handle, launched, name, remove};

/// A directory of this machine, gone afterwards.
pub struct Directory(pub PathBuf);

impl Directory {
    pub fn new() -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(name("windlass-contract"));
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub async fn files_whole(incus: Incus) -> Outcome {
    let web = launched(&incus, "files").await?;
    let content = b"a\0b\xffc".repeat(10_000);
    web.write_file("/root/with space & ümlaut?#%.bin", content.clone()).await?;
    let back = web.read_file("/root/with space & ümlaut?#%.bin").await?;
    assert!(back == content, "{} of {} bytes came back", back.len(), content.len());
    web.write_file("/root/empty", "").await?;
    assert!(web.read_file("/root/empty").await?.is_empty());
    let e = web.read_file("/no/such/file").await.expect_err("there is no such file");
    assert_eq!((e.kind(), e.status()), (ErrorKind::NotFound, Some(404)));
    let e = web.write_file("/no/such/file", "x").await.expect_err("there is no such directory");
    assert_eq!((e.kind(), e.status()), (ErrorKind::NotFound, Some(404)));
    let e = web.write_file("/root", "x").await.expect_err("it is a directory");
    assert_eq!(e.kind(), ErrorKind::Conflict, "{e:?}");
    assert!(web.read_file("/root").await.is_err_and(|e| e.kind() == ErrorKind::InvalidInput));
    assert!(
        web.read_file("root").await.is_err_and(|e| e.kind() == ErrorKind::InvalidInput && e.attempts() == 0)
    );
    // Stopped instances have files, too.
    web.stop().force().await?;
    assert!(web.read_file("/root/with space & ümlaut?#%.bin").await? == content);
    remove(&handle(&incus, &web)).await
}

pub async fn files_are_described(incus: Incus) -> Outcome {
    let web = incus.create(name("stat")).image(IMAGE).await?;
    web.push(b"hello".to_vec()).uid(7).gid(8).mode(0o640).to("/root/a").await?;
    let file = web.stat("/root/a").await?;
    assert_eq!((file.file_type.clone(), file.size, file.mode), (FileType::File, Some(5), 0o640));
    assert_eq!((file.uid, file.gid), (7, 8));
    let modified = file.modified.ok_or("no time")?;
    assert!((chrono::Utc::now() - modified).num_seconds().abs() < 60, "{modified}");
    let directory = web.stat("/root").await?;
    assert!(directory.is_directory() && directory.size.is_none(), "{directory:?}");
    assert!(web.stat("/root/none").await.is_err_and(|e| e.is_not_found()));
    assert!(web.stat("root").await.is_err_and(|e| e.kind() == ErrorKind::InvalidInput));
    remove(&handle(&incus, &web)).await
}

pub async fn files_keep_or_get_owner_and_mode(incus: Incus) -> Outcome {
    let web = incus.create(name("owner")).image(IMAGE).await?;
    let is = async |path: &str| {
        let found = web.stat(path).await?;
        Ok::<_, windlass::Error>((found.uid, found.gid, found.mode))
    };
    web.write_file("/root/a", "1").await?;
    assert_eq!(is("/root/a").await?, (0, 0, 0o644));
    web.push(b"2".to_vec()).mode(0o600).to("/root/a").await?;
    assert_eq!(is("/root/a").await?, (0, 0, 0o600));
    web.push(b"3".to_vec()).gid(9).to("/root/a").await?;
    assert_eq!(is("/root/a").await?, (0, 9, 0o600));
    web.push(b"4".to_vec()).uid(5).to("/root/a").await?;
    web.write_file("/root/a", "5").await?;
    assert_eq!(is("/root/a").await?, (5, 9, 0o600));
    assert_eq!(web.read_file("/root/a").await?, "5");
    // What is written through a link is what is changed.
    web.symlink("a").at("/root/l").await?;
    web.push(b"6".to_vec()).mode(0o755).to("/root/l").await?;
    assert_eq!(is("/root/a").await?, (5, 9, 0o755));
    let e = web.push(b"7".to_vec()).mode(0o4755).to("/root/a").await.expect_err("it would be dropped");
    assert_eq!((e.kind(), e.attempts()), (ErrorKind::InvalidInput, 0));
    assert_eq!(web.read_file("/root/a").await?, "6");
    remove(&handle(&incus, &web)).await
}

pub async fn files_are_appended_to(incus: Incus) -> Outcome {
    let web = incus.create(name("append")).image(IMAGE).await?;
    let e = web.push(b"x".to_vec()).append().to("/root/log").await.expect_err("there is nothing yet");
    assert_eq!(e.kind(), ErrorKind::NotFound, "{e:?}");
    web.write_file("/root/log", "one\n").await?;
    web.push(b"two\n".to_vec()).append().to("/root/log").await?;
    web.push(Content::reader(std::io::Cursor::new("three\n"))).append().to("/root/log").await?;
    assert_eq!(web.read_file("/root/log").await?, "one\ntwo\nthree\n");
    remove(&handle(&incus, &web)).await
}

pub async fn links_and_directories(incus: Incus) -> Outcome {
    let web = incus.create(name("links")).image(IMAGE).await?;
    web.make_dir("/root/d").mode(0o750).uid(3).await?;
    let directory = web.stat("/root/d").await?;
    assert_eq!((directory.mode, directory.uid, directory.is_directory()), (0o750, 3, true));
    web.make_dir("/root/d").mode(0o700).await?;
    assert_eq!(web.stat("/root/d").await?.mode, 0o750);
    web.write_file("/root/d/a", "content").await?;
    let e = web.make_dir("/root/d/a").await.expect_err("a file is no directory");
    assert_eq!(e.kind(), ErrorKind::AlreadyExists, "{e:?}");
    web.symlink("d/a").at("/root/l").await?;
    assert!(web.stat("/root/l").await?.is_symlink());
    assert_eq!(web.read_link("/root/l").await?, "/root/d/a");
    assert_eq!(web.read_file("/root/l").await?, "content");
    let e = web.symlink("x").at("/root/l").await.expect_err("it is there");
    assert_eq!(e.kind(), ErrorKind::AlreadyExists, "{e:?}");
    web.symlink("loop").at("/root/loop").await?;
    let e = web.read_file("/root/loop").await.expect_err("it leads nowhere");
    assert!(matches!(e.kind(), ErrorKind::InvalidInput | ErrorKind::Server), "{e:?}");
    let mut names = web.read_dir("/root").await?;
    names.sort();
    assert_eq!(names, ["d", "l", "loop"]);
    assert!(web.read_dir("/root/l").await.is_err_and(|e| e.kind() == ErrorKind::InvalidInput));
    assert!(web.read_link("/root/d").await.is_err_and(|e| e.kind() == ErrorKind::InvalidInput));
    remove(&handle(&incus, &web)).await
}

pub async fn deleting_files(incus: Incus) -> Outcome {
    let web = incus.create(name("delete")).image(IMAGE).await?;
    web.make_dir("/root/d").await?;
    web.make_dir("/root/d/e").await?;
    web.write_file("/root/d/e/f", "x").await?;
    web.write_file("/root/kept", "x").await?;
    web.symlink("/root").at("/root/d/e/up").await?;
    let e = web.delete_file("/root/d").await.expect_err("it isn't empty");
    assert_eq!(e.kind(), ErrorKind::Conflict, "{e:?}");
    web.delete_file("/root/d").recursive().await?;
    assert!(web.stat("/root/d").await.is_err_and(|e| e.is_not_found()));
    assert_eq!(web.read_file("/root/kept").await?, "x");
    web.delete_file("/root/kept").await?;
    assert!(web.delete_file("/root/kept").await.is_err_and(|e| e.is_not_found()));
    assert!(web.delete_file("/root/kept").recursive().await.is_err_and(|e| e.is_not_found()));
    remove(&handle(&incus, &web)).await
}

pub async fn large_files_stream(incus: Incus) -> Outcome {
    let (web, directory) = (incus.create(name("large")).image(IMAGE).await?, Directory::new()?);
    let content: Vec<u8> = (0..5_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let (there, back) = (directory.0.join("there"), directory.0.join("back"));
    std::fs::write(&there, &content)?;
    let seen = Arc::new(Mutex::new(Vec::<Transferred>::new()));
    let tell = seen.clone();
    web.push(&there).on_progress(move |p| tell.lock().unwrap().push(p)).to("/root/large").await?;
    assert_eq!(seen.lock().unwrap().last().and_then(Transferred::percent), Some(100));
    assert!(seen.lock().unwrap().len() > 10);
    seen.lock().unwrap().clear();
    let tell = seen.clone();
    let done = web.pull("/root/large").on_progress(move |p| tell.lock().unwrap().push(p)).to(&back).await?;
    assert_eq!((done.bytes, done.total), (20_000_000, Some(20_000_000)));
    assert_eq!(seen.lock().unwrap().last(), Some(&done));
    assert!(std::fs::read(&back)? == content);
    let mut stream = web.pull("/root/large").stream().await?;
    let mut at = 0;
    while let Some(piece) = stream.try_next().await? {
        assert!(content[at..].starts_with(&piece), "at {at}");
        at += piece.len();
    }
    assert_eq!(at, content.len());
    remove(&handle(&incus, &web)).await
}

pub async fn trees_there_and_back(incus: Incus) -> Outcome {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let (web, directory) = (incus.create(name("tree")).image(IMAGE).await?, Directory::new()?);
    let (there, back) = (directory.0.join("there"), directory.0.join("back"));
    let mode = |path: PathBuf, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode));
    std::fs::create_dir_all(there.join("a/b c/ünï"))?;
    std::fs::create_dir(there.join("empty"))?;
    let large: Vec<u8> = (0..500_000_u32).flat_map(u32::to_le_bytes).collect();
    std::fs::write(there.join("a/large"), &large)?;
    std::fs::write(there.join("a/b c/ünï/ \"q\" \\ *?#%\n"), "odd name")?;
    std::fs::write(there.join("a/none"), "")?;
    for number in 0..40 {
        std::fs::write(there.join(format!("a/{number}")), format!("{number}").repeat(number))?;
    }
    std::fs::write(there.join("run"), "#!/bin/sh\n")?;
    symlink("a/none", there.join("relative"))?;
    symlink("../../../etc/passwd", there.join("outside"))?;
    symlink("/nowhere", there.join("dangling"))?;
    mode(there.join("run"), 0o750)?;
    mode(there.join("a/large"), 0o600)?;
    mode(there.join("empty"), 0o700)?;
    let copied = web.push_tree(&there).to("/root/tree").await?;
    assert_eq!((copied.files, copied.directories, copied.symlinks), (44, 4, 3), "{copied:?}");
    assert_eq!(web.read_link("/root/tree/relative").await?, "/root/tree/a/none");
    assert_eq!(web.stat("/root/tree/run").await?.mode, 0o750);
    assert_eq!(web.stat("/root/tree/a/large").await?.mode, 0o600);
    // Once more: what is there is replaced.
    std::fs::remove_file(there.join("dangling"))?;
    symlink("elsewhere", there.join("dangling"))?;
    std::fs::write(there.join("run"), "#!/bin/true\n")?;
    let copied = web.push_tree(&there).to("/root/tree").await?;
    assert_eq!(web.pull_tree("/root/tree").to(&back).await?, copied);
    assert_eq!(picture(&there), picture(&back));
    // And into what is there already.
    assert_eq!(web.pull_tree("/root/tree").to(&back).await?, copied);
    assert_eq!(picture(&there), picture(&back));
    assert!(web.pull_tree("/root/none").to(&back).await.is_err_and(|e| e.is_not_found()));
    remove(&handle(&incus, &web)).await
}

/// Everything in a directory: paths, modes, and contents or targets.
fn picture(top: &std::path::Path) -> Vec<(PathBuf, u32, Vec<u8>)> {
    use std::os::unix::ffi::OsStringExt;
    use std::os::unix::fs::PermissionsExt;
    let (mut all, mut left) = (Vec::new(), vec![top.to_owned()]);
    while let Some(directory) = left.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let found = std::fs::symlink_metadata(&path).unwrap();
            let content = match found.file_type() {
                kind if kind.is_symlink() => std::fs::read_link(&path).unwrap().into_os_string().into_vec(),
                kind if kind.is_dir() => {
                    left.push(path.clone());
                    Vec::new()
                }
                _ => std::fs::read(&path).unwrap(),
            };
            all.push((path.strip_prefix(top).unwrap().to_owned(), found.permissions().mode(), content));
        }
    }
    all.sort();
    all
}

pub async fn logs(incus: Incus) -> Outcome {
    let web = launched(&incus, "logs").await?;
    let logs = web.logs().await?;
    assert!(logs.iter().any(|log| log.name() == "lxc.log"), "{logs:?}");
    let whole = web.log("lxc.log").read().await?;
    let directory = Directory::new()?;
    web.log("lxc.log").pull().to(directory.0.join("lxc.log")).await?;
    assert!(std::fs::read(directory.0.join("lxc.log"))?.starts_with(&whole));
    assert!(web.log("no-such.log").read().await.is_err());
    let e = web.log("lxc.log").delete().await.expect_err("it is in use");
    assert_eq!((e.kind(), e.status()), (ErrorKind::InvalidInput, Some(400)), "{e:?}");
    remove(&handle(&incus, &web)).await
}

pub async fn a_pulled_file_keeps_its_mode(incus: Incus) -> Outcome {
    use std::os::unix::fs::PermissionsExt;
    let (web, directory) = (incus.create(name("mode")).image(IMAGE).await?, Directory::new()?);
    let path = directory.0.join("file");
    let mode = || std::fs::metadata(&path).map(|found| found.permissions().mode() & 0o7777);
    for remote in [0o600, 0o644, 0o755] {
        web.push(b"x".to_vec()).mode(remote).to("/root/file").await?;
        web.pull("/root/file").to(&path).await?;
        assert_eq!(mode()?, remote);
    }
    web.pull("/root/file").mode(0o400).to(&path).await?;
    assert_eq!(mode()?, 0o400);
    remove(&handle(&incus, &web)).await
}

pub async fn a_full_disk_is_told(incus: Incus) -> Outcome {
    let (web, directory) = (launched(&incus, "full").await?, Directory::new()?);
    web.make_dir("/full").await?;
    web.exec(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", "/full"]).output().await?.success()?;
    web.write_file("/full/fits", vec![1; 8_192]).await?;
    let refused = |e: windlass::Error, path: &str| {
        assert_eq!(e.kind(), ErrorKind::Server, "{e:?}");
        assert!(e.message().contains(path), "{e}");
    };
    // Servers say of what is small that all is well. What is large goes over SFTP.
    for size in [1, 100, 5_000, 100_000, 1_000_000] {
        let e = web.write_file("/full/new", vec![2; size]).await.expect_err("nothing fits");
        refused(e, "/full/new");
        web.delete_file("/full/new").await?;
    }
    let unknown = Content::reader(std::io::Cursor::new(vec![2; 100]));
    refused(web.push(unknown).to("/full/new").await.expect_err("nothing fits"), "/full/new");
    let e = web.push(vec![2; 100]).append().to("/full/fits").await.expect_err("no more fits");
    refused(e, "/full/fits");
    let e = web.write_file("/full/fits", vec![2; 9_000]).await.expect_err("not all of it fits");
    refused(e, "/full/fits");
    web.symlink("/full/fits").at("/root/link").await?;
    let e = web.write_file("/root/link", vec![2; 9_000]).await.expect_err("not all of it fits");
    refused(e, "/root/link");
    // Trees go another way.
    for size in [9_000, 400_000] {
        std::fs::write(directory.0.join("file"), vec![2; size])?;
        let e = web.push_tree(&directory.0).to("/full").await.expect_err("not all of it fits");
        refused(e, "/full/file");
        web.delete_file("/full/file").await?;
    }
    web.write_file("/root/link", vec![3; 8_192]).await?;
    web.push(vec![4; 0]).append().to("/root/link").await?;
    assert!(web.read_file("/full/fits").await? == vec![3; 8_192]);
    remove(&handle(&incus, &web)).await
}

pub async fn a_pipe_is_not_waited_for(incus: Incus) -> Outcome {
    let (web, directory) = (launched(&incus, "pipe").await?, Directory::new()?);
    web.make_dir("/root/d").await?;
    web.exec(["mkfifo", "/root/d/pipe"]).output().await?.success()?;
    web.write_file("/root/d/file", "x").await?;
    web.symlink("d/pipe").at("/root/link").await?;
    for path in ["/root/d/pipe", "/root/link"] {
        let e = web.pull(path).to(directory.0.join("pipe")).await.expect_err("a pipe has no writer");
        assert_eq!(e.kind(), ErrorKind::InvalidInput, "{e:?}");
    }
    assert_eq!(std::fs::read_dir(&directory.0)?.count(), 0);
    let copied = web.pull_tree("/root/d").to(directory.0.join("copy")).await?;
    assert_eq!((copied.files, copied.skipped), (1, vec!["/pipe".to_owned()]));
    remove(&handle(&incus, &web)).await
}

pub async fn special_bits_of_trees(incus: Incus) -> Outcome {
    use std::os::unix::fs::PermissionsExt;
    let (web, directory) = (incus.create(name("bits")).image(IMAGE).await?, Directory::new()?);
    let (there, back) = (directory.0.join("there"), directory.0.join("back"));
    std::fs::create_dir_all(there.join("sticky"))?;
    std::fs::write(there.join("su"), "su")?;
    std::fs::write(there.join("large"), vec![1; 300_000])?;
    for (name, mode) in [("sticky", 0o1777), ("su", 0o4755), ("large", 0o2750)] {
        std::fs::set_permissions(there.join(name), PermissionsExt::from_mode(mode))?;
    }
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let all = ["/large", "/sticky", "/su"];
    let copied = web.push_tree(&there).to("/root/plain").await?;
    assert_eq!(sorted(copied.stripped), all);
    // What the server kept is kept on the way back; what it didn't is told.
    let copied = web.push_tree(&there).special_bits().to("/root/special").await?;
    let lost = sorted(copied.stripped);
    let copied = web.pull_tree("/root/special").special_bits().to(&back).await?;
    assert!(copied.stripped.is_empty(), "{copied:?}");
    for (path, _, _) in picture(&there) {
        let is = |top: &PathBuf| {
            std::fs::metadata(top.join(&path)).map(|found| found.permissions().mode() & 0o7777)
        };
        let name = format!("/{}", path.display());
        assert_eq!(is(&there)? != is(&back)?, lost.contains(&name), "{name} {lost:?}");
    }
    println!("lost on the way: {lost:?}");
    remove(&handle(&incus, &web)).await
}
