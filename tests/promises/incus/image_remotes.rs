//! `remote:alias` names an image as in the `incus` command. A test has a process to itself, whose configuration of that
//! command is its own.

use std::path::PathBuf;

use windlass::ErrorKind;
use windlass::incus::{ImageProtocol, ImageSource};
use windlass::testing::{FakeIncus, Generation};

use crate::alone::{self, Outcome};

const IMAGES: &str = "https://images.linuxcontainers.org";
const SITE: &str = "https://images.example.org:8443";

/// A directory of the command, with a remote of each kind.
const CONFIG: &str = "default-remote: site
remotes:
  local: {addr: 'unix://', protocol: incus}
  site: {addr: 'https://images.example.org:8443', protocol: incus, public: true}
  streams: {addr: 'https://streams.example.org', protocol: simplestreams, public: true}
";

/// Runs `test` where `INCUS_CONF` leads to a directory that holds this configuration, or none.
fn run<F: Future<Output = Outcome>>(name: &str, config: Option<&str>, test: impl FnOnce() -> F) -> Outcome {
    let short = name.rsplit("::").next().unwrap_or(name);
    let directory: PathBuf =
        std::env::temp_dir().join(format!("windlass-images-{short}-{}", std::process::id()));
    let nowhere = directory.join("nowhere");
    std::fs::create_dir_all(directory.join("servercerts"))?;
    if let Some(config) = config {
        std::fs::write(directory.join("config.yml"), config)?;
        std::fs::write(directory.join("servercerts/site.crt"), "PINNED SITE")?;
    }
    let variables = [("INCUS_CONF", directory.as_path()), ("INCUS_GLOBAL_CONF", &nowhere)];
    let outcome = alone::run_with("022", &variables, name, test);
    std::fs::remove_dir_all(&directory)?;
    outcome
}

macro_rules! configured {
    ($config:expr; async fn $name:ident() -> Outcome $body:block) => {
        #[test]
        fn $name() -> Outcome {
            async fn test() -> Outcome $body
            run(concat!(module_path!(), "::", stringify!($name)), $config, test)
        }
    };
}

/// The source of the last request that made or rebuilt an instance.
fn source(fake: &FakeIncus) -> serde_json::Value {
    let sources = fake.log().into_iter().filter_map(|asked| Some(asked.json()?.get("source")?.clone()));
    sources.last().unwrap_or_default()
}

configured! { None; async fn the_commands_own_remotes_need_no_configuration() -> Outcome {
    for generation in [Generation::V6_0, Generation::V7_0] {
        let fake = FakeIncus::builder().generation(generation).without_image().start().await?;
        let incus = fake.client()?;
        fake.add_remote_image(IMAGES, "simplestreams", "debian/13");
        let web = incus.launch("web").image("images:debian/13").await?;
        let sent = source(&fake);
        assert_eq!((&sent["server"], &sent["protocol"]), (&IMAGES.into(), &"simplestreams".into()), "{sent}");
        assert_eq!((&sent["mode"], &sent["alias"]), (&"pull".into(), &"debian/13".into()), "{sent}");
        let image = incus.image(&web.config["volatile.base_image"]).get().await?;
        assert!(image.cached && image.aliases.is_empty(), "{image:?}");
        let e = incus.launch("no").image("images:debian/99").await.expect_err("the alias doesn't exist");
        assert_eq!(e.kind(), ErrorKind::OperationFailed, "{e:?}");
        assert!(e.message().contains("The requested image couldn't be found"), "{e}");
        let e = incus.launch("no").image("nowhere:debian/13").await.expect_err("no such remote");
        assert_eq!((e.kind(), e.attempts()), (ErrorKind::InvalidInput, 0), "{e:?}");
        assert!(e.message().contains("\"nowhere\"") && e.message().contains("images, local"), "{e}");
        fake.add_image("debian/13");
        let here = incus.create("here").image("local:debian/13").await?;
        assert_ne!(here.config["volatile.base_image"], web.config["volatile.base_image"]);
    }
    Ok(())
}}

configured! { Some(CONFIG); async fn the_users_remotes_are_those_of_the_command() -> Outcome {
    let fake = FakeIncus::start().await?;
    let incus = fake.client()?;
    fake.add_remote_image(SITE, "incus", "shop/edge");
    fake.add_remote_image("https://streams.example.org", "simplestreams", "debian/13");
    let web = incus.create("web").image("site:shop/edge").await?;
    let sent = source(&fake);
    assert_eq!((&sent["server"], &sent["protocol"]), (&SITE.into(), &"incus".into()), "{sent}");
    assert_eq!((&sent["certificate"], &sent["mode"]), (&"PINNED SITE".into(), &"pull".into()), "{sent}");
    web.rebuild("streams:debian/13").await?;
    assert_eq!(source(&fake)["server"], "https://streams.example.org");
    let e = incus.create("no").image("images:debian/13").await.expect_err("the user has removed it");
    assert!(e.kind() == ErrorKind::InvalidInput && e.message().contains("local, site, streams"), "{e}");
    assert!(web.rebuild("nowhere:debian/13").await.is_err_and(|e| e.kind() == ErrorKind::InvalidInput));
    let e = incus.create("no").image("site:nothing").await.expect_err("the alias doesn't exist");
    assert!(e.message().contains("Image \"nothing\" not found"), "{e}");
    Ok(())
}}

configured! { Some("remotes: ["); async fn the_configuration_is_read_only_for_a_remote() -> Outcome {
    let fake = FakeIncus::start().await?;
    let incus = fake.client()?;
    incus.create("a").image("busybox").await?;
    for alias in ["team=a:b", "a:b"] {
        fake.add_image(alias);
        incus.create(format!("x{}", alias.len())).image(ImageSource::alias(alias)).await?;
    }
    incus.create("b").image("team=a:b").await?;
    fake.add_remote_image(SITE, "incus", "x:y");
    let explicit = ImageSource::from("x:y").server(SITE).protocol(ImageProtocol::Incus);
    incus.create("c").image(explicit).await?;
    assert_eq!(source(&fake)["alias"], "x:y");
    let e = incus.create("d").image("images:debian/13").await.expect_err("it can't be understood");
    assert!(e.kind() == ErrorKind::Configuration && e.message().contains("config.yml"), "{e}");
    Ok(())
}}

configured! { None; async fn an_alias_may_hold_a_colon_after_a_slash() -> Outcome {
    let fake = FakeIncus::start().await?;
    fake.add_image("a/b:c");
    fake.client()?.create("a").image("a/b:c").await?;
    fake.add_remote_image(IMAGES, "simplestreams", "a:b");
    fake.client()?.create("b").image("images:a:b").await?;
    assert_eq!(source(&fake)["alias"], "a:b");
    Ok(())
}}

#[tokio::test]
async fn an_unknown_alias_comes_with_the_way_to_fetch_it() -> Outcome {
    for generation in [Generation::V6_0, Generation::V7_0] {
        let fake = FakeIncus::builder().generation(generation).start().await?;
        let incus = fake.client()?;
        let web = incus.create("web").image("busybox").await?;
        let launched = incus.launch("x").image("debian/13").await.expect_err("a fresh server has none");
        let rebuilt = web.rebuild("debian/13").await.expect_err("a fresh server has none");
        for e in [launched, rebuilt] {
            assert_eq!(e.kind(), ErrorKind::OperationFailed, "{e:?}");
            assert!(e.message().contains("Image not provided for instance"), "{e}");
            let says = "no local image has the alias \"debian/13\"; to fetch one, write `image(\"images:debian/13\")`";
            assert_eq!(e.suggestion(), Some(says));
            assert!(format!("{e:?}").contains("images:debian/13"), "{e:?}");
        }
        let e = incus.launch("x").image_fingerprint("abcdef").await.expect_err("there is none");
        assert_eq!(e.suggestion(), None);
    }
    Ok(())
}

#[tokio::test]
async fn what_the_server_cant_fetch_it_says() -> Outcome {
    for (generation, protocol, says) in [
        (Generation::V6_0, ImageProtocol::Incus, "Failed to connect to the server"),
        (Generation::V7_0, ImageProtocol::Incus, "/1.0/images/debian%2F13"),
        (Generation::V6_0, ImageProtocol::Simplestreams, "Failed parsing stream"),
        (Generation::V7_0, ImageProtocol::Simplestreams, "/streams/v1/index.json"),
        (Generation::V6_0, ImageProtocol::Oci, "Unsupported protocol: oci"),
        (Generation::V7_0, ImageProtocol::Oci, "skopeo"),
    ] {
        let fake = FakeIncus::builder().generation(generation).start().await?;
        // Of another protocol: no help.
        fake.add_remote_image(SITE, "gopher", "debian/13");
        let image = ImageSource::alias("debian/13").server(SITE).protocol(protocol);
        let e = fake.client()?.create("x").image(image).await.expect_err("it can't be fetched");
        assert!(e.message().contains(says), "{e}");
        assert_eq!(e.suggestion(), None);
    }
    Ok(())
}
