//! Metadata, templates, access, and the cluster that isn't one.

use windlass::ErrorKind;
use windlass::incus::{Incus, types};

use super::{IMAGE, Outcome, handle, name, remove};

pub async fn metadata_is_replaced_and_merged(incus: Incus) -> Outcome {
    let web = incus.create(name("meta")).image(IMAGE).await?;
    let mut metadata = web.metadata().await?;
    assert_eq!(metadata.properties["os"], "busybox");
    assert!(!metadata.architecture.is_empty() && metadata.creation_date > 0, "{metadata:?}");
    web.set_metadata_property("os", "mine").await?;
    let merged = web.metadata().await?;
    assert_eq!((merged.properties["os"].as_str(), merged.properties["release"].as_str()), ("mine", "test"));
    metadata.properties = [("a".to_owned(), "b".to_owned())].into();
    let template: types::InstanceTemplate =
        serde_json::from_str(r#"{"when": ["create", "copy"], "template": "hostname.tpl"}"#)?;
    metadata.templates.insert("/etc/hostname".to_owned(), template);
    web.set_metadata(metadata).await?;
    let replaced = web.metadata().await?;
    assert_eq!(replaced.properties.keys().collect::<Vec<_>>(), ["a"]);
    assert_eq!(replaced.templates["/etc/hostname"].when, ["create", "copy"]);
    assert!(incus.instance(name("nobody")).metadata().await.is_err_and(|e| e.is_not_found()));
    remove(&handle(&incus, &web)).await
}

pub async fn templates_are_written_read_and_deleted(incus: Incus) -> Outcome {
    let web = incus.create(name("templates")).image(IMAGE).await?;
    assert!(web.templates().await?.is_empty());
    web.write_template("hostname.tpl", "{{ instance.name }}\n").await?;
    web.write_template("empty.tpl", "").await?;
    let mut names = web.templates().await?;
    names.sort();
    assert_eq!(names, ["empty.tpl", "hostname.tpl"]);
    assert_eq!(web.read_template("hostname.tpl").await?, "{{ instance.name }}\n");
    assert!(web.read_template("empty.tpl").await?.is_empty());
    web.write_template("hostname.tpl", "new").await?;
    assert_eq!(web.read_template("hostname.tpl").await?, "new");
    web.delete_template("hostname.tpl").await?;
    let gone =
        [web.read_template("hostname.tpl").await.err(), web.delete_template("hostname.tpl").await.err()];
    for e in gone {
        assert!(e.is_some_and(|e| e.is_not_found()));
    }
    let e = web.read_template("../metadata.yaml").await.expect_err("it leads elsewhere");
    assert_eq!((e.kind(), e.attempts()), (ErrorKind::InvalidInput, 0), "{e:?}");
    remove(&handle(&incus, &web)).await
}

pub async fn who_has_access_is_told(incus: Incus) -> Outcome {
    let web = incus.create(name("access")).image(IMAGE).await?;
    // Nobody on a server without remote clients; newer ones list each trusted certificate.
    for entry in web.access().await? {
        assert!(!entry.identifier.is_empty() && !entry.role.is_empty(), "{entry:?}");
    }
    remove(&handle(&incus, &web)).await
}

pub async fn a_server_alone_has_no_members(incus: Incus) -> Outcome {
    let e = incus.cluster_members().all().await.expect_err("it isn't a cluster");
    assert_eq!((e.kind(), e.status()), (ErrorKind::Unsupported, Some(500)), "{e:?}");
    let e = incus.on("n1").create(name("x")).image(IMAGE).await.expect_err("it isn't a cluster");
    assert_eq!((e.kind(), e.status()), (ErrorKind::InvalidInput, Some(400)), "{e:?}");
    Ok(())
}
