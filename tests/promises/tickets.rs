//! A ticket is good on its own server and in its own part of it, and nowhere else.

use windlass::{Error, ErrorKind, Operation, Ticket};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Refused at once, in words that say what the ticket belongs to.
fn assert_refused<T>(resumed: Result<Operation<T>, Error>, belongs_to: &str) {
    let e = resumed.map(drop).expect_err("it is of another");
    assert_eq!((e.kind(), e.fields()), (ErrorKind::InvalidInput, &["ticket".to_owned()][..]), "{e}");
    assert!(e.message().contains(belongs_to), "{e}");
}

#[cfg(feature = "incus")]
mod incus {
    use windlass::incus::{Incus, Instance};
    use windlass::testing::FakeIncus;
    use windlass::{ErrorKind, WaitEnd};

    use super::*;

    /// Stops and deletes an instance there, and gives the tickets as text.
    async fn tickets(incus: &Incus) -> Result<[String; 2], Box<dyn std::error::Error>> {
        let web = incus.launch("web").image("busybox").await?;
        let stop = web.stop().force().send().await?;
        let stopped = stop.ticket().to_string();
        stop.await?;
        let delete = web.delete().send().await?;
        let deleted = delete.ticket().to_string();
        delete.await?;
        Ok([stopped, deleted])
    }

    #[tokio::test]
    async fn another_server_is_no_proof_that_something_is_gone() -> Outcome {
        let (here, there) = (FakeIncus::start().await?, FakeIncus::start().await?);
        let socket = |fake: &FakeIncus| Incus::unix(fake.socket());
        // By address, and by certificate.
        for text in tickets(&socket(&here).client()?).await? {
            let ticket: Ticket = text.parse()?;
            assert!(ticket.server().starts_with("unix:/"), "{text}");
            assert_refused(
                socket(&there).client()?.resume::<()>(&ticket),
                &here.socket().display().to_string(),
            );
            assert_refused(socket(&there).await?.resume::<()>(&ticket), ticket.server());
            socket(&here).await?.resume::<()>(&ticket)?.await?;
        }
        for text in tickets(&socket(&here).await?).await? {
            let ticket: Ticket = text.parse()?;
            assert!(ticket.server().starts_with("sha256:"), "{text}");
            assert_refused(socket(&there).await?.resume::<()>(&ticket), ticket.server());
            socket(&here).client()?.resume::<()>(&ticket)?.await?;
        }
        Ok(())
    }

    #[tokio::test]
    async fn who_doesnt_know_the_certificate_asks_for_it_before_anything_else() -> Outcome {
        let (here, there) = (FakeIncus::start().await?, FakeIncus::start().await?);
        let ticket: Ticket = tickets(&Incus::unix(here.socket()).await?).await?[1].parse()?;
        // The same server at another address.
        let door = Incus::http(here.url()).client()?;
        let asked = here.requests("GET /1.0");
        door.resume::<()>(&ticket)?.await?;
        assert_eq!(here.requests("GET /1.0"), asked + 1);

        let other = Incus::http(there.url()).client()?;
        let e = other.resume::<()>(&ticket)?.await.expect_err("it is of another server");
        assert_eq!((e.end(), e.kind()), (WaitEnd::Failed, ErrorKind::InvalidInput));
        assert!(e.to_string().contains(ticket.server()), "{e}");
        assert_eq!(
            other.resume::<()>(&ticket)?.cancel().await.map_err(|e| e.kind()),
            Err(ErrorKind::InvalidInput)
        );
        assert_eq!(there.requests("GET /1.0/operations/{id}"), 0);
        assert_eq!(there.requests("DELETE /1.0/operations/{id}"), 0);
        Ok(())
    }

    #[tokio::test]
    async fn a_page_of_a_proxy_is_no_proof_that_something_is_gone() -> Outcome {
        let fake = FakeIncus::start().await?;
        let incus = fake.client()?;
        let web = incus.launch("web").image("busybox").await?;
        let stop = web.stop().force().send().await?;
        let ticket = stop.ticket();
        stop.await?;
        web.start().await?;
        fake.restart().await?;
        fake.on("GET /1.0/instances/{name}").always().reply(404, "<html>not here</html>");
        let e = incus.resume::<()>(&ticket)?.await.expect_err("it may still exist");
        assert_eq!((e.end(), e.kind()), (WaitEnd::LostContact, ErrorKind::BadReply));
        Ok(())
    }

    #[tokio::test]
    async fn a_pinned_server_is_named_by_its_certificate() -> Outcome {
        let sha256 = "ab".repeat(32);
        let ticket = |address: &str, pin: &str| -> Result<Ticket, Error> {
            Ok(Incus::https(address).fingerprint(pin).client()?.instance("web").until_running().ticket())
        };
        let here = ticket("10.0.0.2", &sha256)?;
        assert_eq!(here.server(), format!("sha256:{sha256}"));
        assert_eq!(here, ticket("incus.example:443", &sha256.to_uppercase())?);
        let other = Incus::https("10.0.0.2").fingerprint("cd".repeat(32)).client()?;
        assert_refused(other.resume::<Instance>(&here), &sha256);
        Ok(())
    }
}

#[cfg(feature = "lambda-cloud")]
#[tokio::test]
async fn another_key_of_lambda_cloud_is_another_account() -> Outcome {
    use windlass::testing::FakeLambdaCloud;
    let (here, there) = (FakeLambdaCloud::start().await?, FakeLambdaCloud::start().await?);
    let lambda = here.client()?;
    let id = here.add_instance();
    let ticket: Ticket = lambda.instance(&id).terminate().send().await?.ticket().to_string().parse()?;
    assert!(!ticket.to_string().contains(here.key()), "{ticket}");
    // The instance is not known there, which looks as if it were gone.
    assert_refused(there.client()?.resume::<()>(&ticket), &here.url());
    let other_key = windlass::LambdaCloud::key("another").url(here.url()).client()?;
    assert_refused(other_key.resume::<()>(&ticket), ticket.scope());
    here.advance(std::time::Duration::from_secs(3_600));
    here.client()?.resume::<()>(&ticket)?.await?;
    Ok(())
}

#[cfg(feature = "koyeb")]
#[tokio::test]
async fn an_organization_of_koyeb_is_named_by_its_id_or_the_token() -> Outcome {
    use windlass::testing::FakeKoyeb;
    use windlass::{Koyeb, koyeb};
    let (here, there) = (FakeKoyeb::start().await?, FakeKoyeb::start().await?);
    here.add_organization("o1");
    let shop = here.add_service("shop", 0);
    let of = |token: &str| Koyeb::token(token).url(here.url());
    let ticket = here.client()?.service(&shop).scale(0).send().await?.ticket();
    assert!(!ticket.to_string().contains(here.token()), "{ticket}");
    assert_refused(there.client()?.resume::<()>(&ticket), &here.url());
    assert_refused(of("another").client()?.resume::<()>(&ticket), "key:");
    here.client()?.resume::<()>(&ticket)?.await?;
    let ticket = of(here.token()).organization("o1").client()?.instance("i1").until_healthy().ticket();
    assert_eq!(ticket.scope(), "organization:o1");
    // A renewed token of the user is no reason to refuse it.
    let _ = of("another").organization("o1").client()?.resume::<koyeb::Instance>(&ticket)?;
    assert_refused(of("another").organization("o2").client()?.resume::<koyeb::Instance>(&ticket), "o1");
    Ok(())
}

#[cfg(feature = "shakenfist")]
#[tokio::test]
async fn another_namespace_of_shaken_fist_refuses_a_ticket() -> Outcome {
    use windlass::ShakenFist;
    use windlass::testing::FakeShakenFist;
    let (here, there) = (FakeShakenFist::start().await?, FakeShakenFist::start().await?);
    let web = here.client()?.launch("web").disk(windlass::shakenfist::Disk::blank(8)).await?;
    let ticket = web.delete().send().await?.ticket();
    assert_refused(there.client()?.resume::<()>(&ticket), &here.url());
    let other = ShakenFist::at(here.url()).namespace("other").key("demokey").client()?;
    assert_refused(other.resume::<()>(&ticket), "namespace:demo");
    // Keys are no part of it.
    let new_key = ShakenFist::at(format!("{}/", here.url())).namespace("demo").key("new").client()?;
    let _ = new_key.resume::<()>(&ticket)?;
    here.client()?.resume::<()>(&ticket)?.await?;
    Ok(())
}
