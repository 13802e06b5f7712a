//! Metadata, templates, access, and the cluster that isn't one.

use windlass::ErrorKind;
use windlass::incus::{Incus, types};

use super::{IMAGE, Outcome, handle, name, remove};

pub async fn metadata_is_replaced_and_merged(incus: Incus) -> Outcome {
    let web = incus.create(name("meta")).image(IMAGE).await?;
    let mut metadata = web.get_metadata().await?;
    assert_eq!(metadata.properties["os"], "busybox");
    assert!(!metadata.architecture.is_empty() && metadata.creation_date > 0, "{metadata:?}");
    web.set_metadata_property("os", "mine").await?;
    let merged = web.get_metadata().await?;
    assert_eq!((merged.properties["os"].as_str(), merged.properties["release"].as_str()), ("mine", "test"));
    metadata.properties = [("a".to_owned(), "b".to_owned())].into();
    let template: types::InstanceTemplate =
        serde_json::from_str(r#"{"when": ["create", "copy"], "template": "hostname.tpl"}"#)?;
    metadata.templates.insert("/etc/hostname".to_owned(), template);
    web.set_metadata(metadata).await?;
    let replaced = web.get_metadata().await?;
    assert_eq!(replaced.properties.keys().collect::<Vec<_>>(), ["a"]);
    assert_eq!(replaced.templates["/etc/hostname"].when, ["create", "copy"]);
    assert!(incus.instance(name("nobody")).get_metadata().await.is_err_and(|e| e.is_not_found()));
    remove(&handle(&incus, &web)).await
}

pub async fn templates_are_written_read_and_deleted(incus: Incus) -> Outcome {
    let web = incus.create(name("templates")).image(IMAGE).await?;
    assert!(web.templates().await?.is_empty());
    web.template("hostname.tpl").write("{{ instance.name }}\n").await?;
    web.template("empty.tpl").write("").await?;
    let mut names: Vec<_> = web.templates().await?.iter().map(|found| found.name().to_owned()).collect();
    names.sort();
    assert_eq!(names, ["empty.tpl", "hostname.tpl"]);
    assert_eq!(web.template("hostname.tpl").read().await?, "{{ instance.name }}\n");
    assert!(web.template("empty.tpl").read().await?.is_empty());
    web.template("hostname.tpl").write("new").await?;
    assert_eq!(web.template("hostname.tpl").read().await?, "new");
    web.template("hostname.tpl").delete().await?;
    let gone =
        [web.template("hostname.tpl").read().await.err(), web.template("hostname.tpl").delete().await.err()];
    for e in gone {
        assert!(e.is_some_and(|e| e.is_not_found()));
    }
    let e = web.template("../metadata.yaml").read().await.expect_err("it leads elsewhere");
    assert_eq!((e.kind(), e.attempts()), (ErrorKind::InvalidInput, 0), "{e:?}");
    remove(&handle(&incus, &web)).await
}

pub async fn who_has_access_is_told(incus: Incus) -> Outcome {
    let web = incus.create(name("access")).image(IMAGE).await?;
    // Empty on a server without remote clients; newer ones list each trusted certificate.
    for entry in web.access().await? {
        assert!(!entry.identifier.is_empty() && !entry.role.is_empty(), "{entry:?}");
    }
    remove(&handle(&incus, &web)).await
}

pub async fn a_server_alone_has_no_members(incus: Incus) -> Outcome {
    let e = incus.cluster_members().await.expect_err("it isn't a cluster");
    assert_eq!((e.kind(), e.status()), (ErrorKind::Unsupported, Some(500)), "{e:?}");
    let e = incus.on("n1").create(name("x")).image(IMAGE).await.expect_err("it isn't a cluster");
    assert_eq!((e.kind(), e.status()), (ErrorKind::InvalidInput, Some(400)), "{e:?}");
    Ok(())
}
