//! Koyeb: commands and logs over TLS, with a certificate of a private authority. Their websockets are made with the same
//! settings as any request.

use windlass::koyeb::{Connect, Koyeb, Tail, Tailed};
use windlass::testing::FakeKoyeb;
use windlass::{ErrorKind, Http, Retry, Sent};

use crate::alone::Outcome;
use crate::tls_front::{with_tls, with_tls_for};

/// A fake, and how to reach it over TLS alone.
async fn served() -> Result<(FakeKoyeb, Connect), Box<dyn std::error::Error>> {
    let fake = FakeKoyeb::start().await?;
    let (authority, url) = with_tls(&fake.url()).await?;
    let connect = Koyeb::token(fake.token()).url(url).http(Http::default().extra_authority(authority));
    Ok((fake, connect))
}

async fn fake() -> Result<(FakeKoyeb, Koyeb), Box<dyn std::error::Error>> {
    let (fake, connect) = served().await?;
    Ok((fake, connect.client()?))
}

fn noise(size: usize) -> Vec<u8> {
    (0..size as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

#[tokio::test]
async fn every_byte_of_a_command_in_both_directions() -> Outcome {
    let (fake, koyeb) = fake().await?;
    let instance = koyeb.instance(fake.add_instance("HEALTHY"));
    let input = noise(5 << 20);
    let run = instance.exec(["sh", "-c", "cat; echo late >&2; exit 7"]).stdin(input.clone());
    let output = run.output().await?;
    assert_eq!((output.status.code(), output.stderr_text().as_str()), (7, "late\n"));
    assert!(output.stdout == input, "{} other bytes", output.stdout.len());
    Ok(())
}

#[tokio::test]
async fn a_command_with_a_terminal_and_one_of_an_organization() -> Outcome {
    let (fake, connect) = served().await?;
    let id = fake.add_instance("HEALTHY");
    let instance = connect.clone().client()?.instance(&id);
    let mut shell = instance.exec(["sh"]).terminal(80, 24).pipe_stdin().spawn().await?;
    let mut stdin = shell.take_stdin().ok_or("no stdin")?;
    stdin.write_all("stty size; exit 3\n").await?;
    let shown = shell.output().await?;
    assert_eq!((shown.status.code(), shown.stdout_text().as_str()), (3, "24 80\r\n"));
    // From now on websockets need another token, which is fetched over TLS as well.
    fake.add_organization("blue");
    let instance = connect.organization("blue").client()?.instance(&id);
    assert!(instance.exec(["true"]).output().await?.status.is_success());
    Ok(())
}

async fn next(tail: &mut Tail) -> Result<String, Box<dyn std::error::Error>> {
    Ok(match tail.try_next().await?.ok_or("it ended")? {
        Tailed::Line(line) => line.message,
        other => format!("{other:?}"),
    })
}

#[tokio::test]
async fn a_tail_goes_on_after_cuts_without_a_gap() -> Outcome {
    let (fake, koyeb) = fake().await?;
    let shop = fake.add_service("shop", 1);
    let own = fake.instances(&shop);
    let mut tail = koyeb.service(&shop).logs().tail().await?;
    for line in 0..30 {
        fake.add_log(&own[0], "stdout", &format!("line {line}"));
        match line % 10 {
            3 => fake.close_tails(),
            // TLS ends without its farewell.
            7 => fake.cut_connections().await,
            _ => {}
        }
        assert_eq!(next(&mut tail).await?, format!("line {line}"));
    }
    assert_eq!(koyeb.service(&shop).logs().await?.len(), 30, "a search");
    Ok(())
}

#[tokio::test]
async fn without_the_authority_nothing_is_sent() -> Outcome {
    let fake = FakeKoyeb::start().await?;
    let (id, shop) = (fake.add_instance("HEALTHY"), fake.add_service("shop", 1));
    let (_, url) = with_tls(&fake.url()).await?;
    let (authority, other_host) = with_tls_for("10.0.0.1", &fake.url()).await?;
    for (url, http) in [(url, Http::default()), (other_host, Http::default().extra_authority(authority))] {
        let koyeb = Koyeb::token(fake.token()).url(url).http(http).retry(Retry::never()).client()?;
        let refused = [
            koyeb.instance(&id).exec(["true"]).output().await.map(drop),
            koyeb.service(&shop).logs().tail().await.map(drop),
            koyeb.service(&shop).logs().await.map(drop),
        ];
        for refused in refused {
            let e = refused.expect_err("a stranger");
            assert_eq!((e.kind(), e.sent()), (ErrorKind::UntrustedServer, Sent::No), "{e:?}");
        }
    }
    assert!(fake.log().is_empty(), "{:?}", fake.log());
    Ok(())
}
