//! What an error keeps of an answer that broke off, or that is another's.

use windlass::testing::FakeKoyeb;
use windlass::{ErrorKind, Retry, Sent};

use super::Outcome;

#[tokio::test]
async fn an_answer_that_breaks_off_was_an_answer() -> Outcome {
    let fake = FakeKoyeb::start().await?;
    let service = fake.add_service("shop", 1);
    let koyeb = fake.client()?.with(Retry::never());
    fake.on("GET /v1/services/{id}").truncate(10);
    let e = koyeb.service(&service).get().await.expect_err("a part of a body");
    assert_eq!((e.kind(), e.status(), e.sent()), (ErrorKind::Interrupted, Some(200), Sent::Yes), "{e:?}");
    fake.on("GET /v1/services/{id}").drop_after();
    let e = koyeb.service(&service).get().await.expect_err("nothing");
    assert_eq!((e.kind(), e.status(), e.sent()), (ErrorKind::Interrupted, None, Sent::Unknown), "{e:?}");
    Ok(())
}

#[tokio::test]
async fn an_answer_without_the_data_is_kept() -> Outcome {
    let fake = FakeKoyeb::start().await?;
    let service = fake.add_service("shop", 1);
    let stranger = r#"{"regions":[]}"#;
    fake.on("GET /v1/services/{id}").reply(200, stranger);
    let e = fake.client()?.service(&service).get().await.expect_err("another's answer");
    assert_eq!((e.kind(), e.status()), (ErrorKind::BadReply, Some(200)), "{e:?}");
    assert_eq!(String::from_utf8_lossy(e.body()), stranger);
    Ok(())
}
