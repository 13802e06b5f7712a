//! The contract on a real Incus daemon over HTTPS, by a client that joined with a token: run by `cargo xtask live
//! incus`, which has the daemon listen.

use crate::incus::Daemon;
use tokio::sync::OnceCell;
use windlass::incus::{Connect, Identity, Incus, TrustToken};
use windlass::{ErrorKind, Sent};

type Caught = Box<dyn std::error::Error>;

fn variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|_| format!("{name} is not set: run `cargo xtask live incus`"))
}

/// A client on the machine itself.
fn admin() -> Result<Incus, Caught> {
    Ok(Incus::unix(variable("WINDLASS_LIVE_INCUS_SOCKET")?).client()?)
}

fn remote() -> Result<Connect, Caught> {
    Ok(Incus::https(variable("WINDLASS_LIVE_INCUS_HTTPS")?))
}

/// Joined once for all tests. Each has a runtime of its own, and with it a client of its own.
async fn server() -> Result<(Incus, Daemon), Caught> {
    static JOINED: OnceCell<(Identity, String)> = OnceCell::const_new();
    let join = || async {
        let token = admin()?.create_trust_token("contract").await?;
        let incus = Incus::joining(token.clone()).await?;
        let me = incus.identity().cloned().ok_or("it joined as nobody")?;
        Ok::<_, Caught>((me, token.fingerprint().to_owned()))
    };
    let (me, pin) = JOINED.get_or_try_init(join).await?;
    Ok((remote()?.fingerprint(pin).identity(me.clone()).await?, Daemon))
}

incus_contract!(
    #[ignore = "needs a real Incus: cargo xtask live incus"]
    server
);

/// Tokens: a good one, a used one, a revoked one, one of another server.
#[tokio::test]
#[ignore = "needs a real Incus: cargo xtask live incus"]
async fn tokens_let_one_client_in_each() -> crate::incus::Outcome {
    let admin = admin()?;
    let token = admin.create_trust_token("one").restrict_to(["default"]).await?;
    assert!(token.addresses().contains(&variable("WINDLASS_LIVE_INCUS_HTTPS")?), "{token:?}");
    let me = Identity::generate("one")?;
    let joined = remote()?.identity(me.clone()).join(token.clone()).await?;
    assert_eq!(joined.get_server().await?.auth_user_name, me.fingerprint());
    let found = admin.certificate(me.fingerprint()).get().await?;
    assert_eq!((found.name.as_str(), found.restricted), ("one", true));
    assert_eq!(found.certificate, me.certificate_pem());
    let elsewhere = joined.project("bulk");
    let e = elsewhere.instance("web").get().await.expect_err("it is restricted");
    assert_eq!(e.kind(), ErrorKind::PermissionDenied, "{e:?}");
    let listed = elsewhere.instances().await;
    assert!(listed.map_or_else(|e| e.kind() == ErrorKind::PermissionDenied, |none| none.is_empty()));
    let e = joined.create_trust_token("friend").await.expect_err("it is restricted");
    assert_eq!(e.kind(), ErrorKind::PermissionDenied, "{e:?}");
    // Again, by the same one: nothing happens. By another: nothing comes of it.
    remote()?.identity(me.clone()).join(token.clone()).await?;
    let e = remote()?.join(token.clone()).await.expect_err("it is used");
    assert_eq!((e.kind(), e.status()), (ErrorKind::Unauthenticated, Some(403)), "{e:?}");
    let revoked = admin.create_trust_token("two").await?;
    admin.revoke_trust_token(&revoked).await?;
    let e = remote()?.join(revoked).await.expect_err("it is revoked");
    assert_eq!(e.kind(), ErrorKind::Unauthenticated, "{e:?}");

    admin.certificate(me.fingerprint()).delete().await?;
    assert!(admin.certificate(me.fingerprint()).get().await.is_err_and(|e| e.is_not_found()));
    let e = remote()?.fingerprint(token.fingerprint()).identity(me.clone()).await;
    let e = e.expect_err("it is not trusted any more");
    assert_eq!((e.kind(), e.sent()), (ErrorKind::PermissionDenied, Sent::Yes), "{e:?}");

    admin.add_certificate(me.certificate_pem()).name("again").restrict_to(["default"]).await?;
    assert!(admin.add_certificate(me.certificate_pem()).await.is_err_and(|e| e.is_already_exists()));
    assert!(admin.certificates().await?.iter().any(|client| client.name == "again"));
    remote()?.fingerprint(token.fingerprint()).identity(me.clone()).await?;
    admin.certificate(me.fingerprint()).delete().await?;
    Ok(())
}

#[tokio::test]
#[ignore = "needs a real Incus: cargo xtask live incus"]
async fn another_server_is_not_worked_with() -> crate::incus::Outcome {
    let token = admin()?.create_trust_token("pin").await?;
    admin()?.revoke_trust_token(&token).await?;
    let own = admin()?.get_server().await?.environment.ok_or("no environment")?;
    assert_eq!(own.certificate_fingerprint, token.fingerprint());
    // Signed by itself: no authority vouches for it.
    let e = remote()?.await.expect_err("its certificate isn't trusted");
    assert_eq!((e.kind(), e.sent()), (ErrorKind::UntrustedServer, Sent::No), "{e:?}");
    let e = remote()?.fingerprint("ab".repeat(32)).await.expect_err("it isn't the pinned one");
    assert_eq!((e.kind(), e.sent()), (ErrorKind::UntrustedServer, Sent::No), "{e:?}");
    let e = remote()?.server_certificate(own.certificate).await.expect_err("we are nobody");
    assert_eq!((e.kind(), e.sent()), (ErrorKind::PermissionDenied, Sent::Yes), "{e:?}");
    let again: TrustToken = token.text().expose().parse()?;
    assert_eq!(again.text(), token.text());
    Ok(())
}

/// The vendor's own command reads our tokens, and we read its remotes.
#[tokio::test]
#[ignore = "needs a real Incus: cargo xtask live incus"]
async fn the_vendors_command_shares_its_remotes() -> crate::incus::Outcome {
    let directory = std::env::temp_dir().join(format!("windlass-remotes-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    let token = admin()?.create_trust_token("cli").await?;
    let outcome = tokio::process::Command::new("incus")
        .args(["remote", "add", "lab", token.text().expose(), "--quiet"])
        .env("INCUS_CONF", &directory)
        .env("NO_PROXY", "*")
        .stdin(std::process::Stdio::null())
        .output()
        .await?;
    assert!(outcome.status.success(), "{}", String::from_utf8_lossy(&outcome.stderr));
    // A process of its own, as the variables are the process's.
    let me = Identity::load(&directory)?;
    let pinned = std::fs::read_to_string(directory.join("servercerts/lab.crt"))?;
    let incus = remote()?.server_certificate(pinned).identity(me.clone()).await?;
    assert_eq!(incus.get_server().await?.auth_user_name, me.fingerprint());
    admin()?.certificate(me.fingerprint()).delete().await?;
    std::fs::remove_dir_all(&directory)?;
    Ok(())
}
