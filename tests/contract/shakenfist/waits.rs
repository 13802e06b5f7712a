//! Tickets.

use std::time::Duration;

use windlass::shakenfist::{Instance, InstanceState, Nic, ShakenFist};
use windlass::{ErrorKind, WaitEnd};

use super::support::{LONG, Outcome, Served, assert_kind, disk, gone, name, network};

pub async fn a_wait_out_of_time_gives_a_ticket<G>(served: Served<G>) -> Outcome {
    let sf = &served.sf;
    let net = network(sf, "slow").await?;
    // Nothing can make it created within no time.
    let operation = sf.launch(name("slow")).disk(disk()).nic(Nic::on(&net.uuid)).send().await?;
    let e = operation.timeout(Duration::ZERO).await.expect_err("no time");
    assert_eq!((e.end(), e.kind()), (WaitEnd::OutOfTime, ErrorKind::Timeout));
    let ticket = e.ticket().to_string().parse()?;
    let web = sf.resume::<Instance>(&ticket)?.timeout(LONG).await?;
    assert_eq!(web.uuid, ticket.id());
    gone(&web).await?;
    Ok(())
}

pub async fn a_ticket_resumes_in_a_fresh_client<G>(served: Served<G>) -> Outcome {
    let operation = served.sf.launch(name("later")).disk(disk()).send().await?;
    let ticket = operation.ticket().to_string();
    drop(operation);
    let other = ShakenFist::at(&served.url).namespace("demo").key("demokey").await?;
    assert_kind(other.resume::<()>(&ticket.parse()?), ErrorKind::InvalidInput);
    let web = other.resume::<Instance>(&ticket.parse()?)?.timeout(LONG).await?;
    assert_eq!(web.state, InstanceState::Created);
    let ticket = web.delete().send().await?.ticket();
    other.resume::<()>(&ticket)?.timeout(LONG).await?;
    other.resume::<()>(&ticket)?.timeout(LONG).await?;
    Ok(())
}
