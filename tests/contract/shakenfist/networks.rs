//! Networks, addresses, interfaces.

use windlass::ErrorKind;
use windlass::shakenfist::{InstanceState, Nic, ObjectState};

use super::support::{LONG, Outcome, Served, assert_kind, can, disk, gone, made, name, network, until};

pub async fn networks_and_addresses<G>(served: Served<G>) -> Outcome {
    let sf = &served.sf;
    let net = network(sf, "net").await?;
    assert_eq!(net.state, ObjectState::Created);
    assert!(net.vxlan().is_some());
    until(async || Ok(sf.networks().await?.iter().any(|it| it.uuid == net.uuid))).await?;
    let web = sf
        .launch(name("wired"))
        .disk(disk())
        .nic(Nic::on(&net.uuid).address("10.0.0.9"))
        .timeout(LONG)
        .await?;
    let own = web.interfaces().await?;
    assert_eq!(own.iter().map(|it| it.ipv4.as_deref()).collect::<Vec<_>>(), [Some("10.0.0.9")]);
    assert_eq!(sf.interface(&own[0].uuid).get().await?.macaddr, own[0].macaddr);
    if can(sf, "list-addresses").await? {
        assert!(net.addresses().await?.iter().any(|it| it.address == "10.0.0.9"));
    } else {
        assert_kind(net.addresses().await, ErrorKind::Unsupported);
    }
    gone(&web).await?;
    for bad in ["", "10.0.0.0", "10.0.0.0/30"] {
        let e = assert_kind(sf.create_network("x").netblock(bad).await, ErrorKind::InvalidInput);
        assert_eq!((e.status(), e.fields()), (None, &["netblock".to_owned()][..]));
    }
    net.delete().send().await?.timeout(LONG).await?;
    Ok(())
}

pub async fn a_taken_address_is_a_conflict<G>(served: Served<G>) -> Outcome {
    let sf = &served.sf;
    let net = network(sf, "taken").await?;
    let nic = || Nic::on(&net.uuid).address("10.0.0.9");
    let first = sf.launch(name("first")).disk(disk()).nic(nic()).timeout(LONG).await?;
    let second = sf.launch(name("second")).disk(disk()).nic(nic()).remove_refused().await;
    let e = assert_kind(second, ErrorKind::Conflict);
    assert_eq!((e.status(), e.attempts()), (Some(409), 1), "{e}");
    gone(&first).await?;
    Ok(())
}

pub async fn hot_plug<G>(served: Served<G>) -> Outcome {
    let sf = &served.sf;
    let web = made(sf, "plug").await?;
    if can(sf, "hot-plug-interface").await? {
        let net = network(sf, "plug").await?;
        let nic = web.hot_plug(Nic::on(&net.uuid).address("10.0.0.5").mac("02:00:00:ea:3a:28")).await?;
        assert_eq!(nic.ipv4.as_deref(), Some("10.0.0.5"));
        assert_eq!(web.interfaces().await?.len(), 1);
    } else {
        let e = assert_kind(web.hot_plug(Nic::on("any")).await, ErrorKind::Unsupported);
        assert_eq!(e.sent(), windlass::Sent::No);
    }
    gone(&web).await?;
    Ok(())
}

pub async fn hot_plug_of_a_taken_address_is_refused_before_it_is_sent<G>(served: Served<G>) -> Outcome {
    let sf = &served.sf;
    if !can(sf, "hot-plug-interface").await? {
        return Ok(());
    }
    let net = network(sf, "plug").await?;
    let web = made(sf, "plug").await?;
    web.hot_plug(Nic::on(&net.uuid).address("10.0.0.5")).await?;
    let e = assert_kind(web.hot_plug(Nic::on(&net.uuid).address("10.0.0.5")).await, ErrorKind::Conflict);
    assert_eq!((e.status(), e.sent(), e.fields()), (None, windlass::Sent::No, &["address".to_owned()][..]));
    assert_eq!(web.get().await?.state, InstanceState::Created);
    gone(&web).await?;
    Ok(())
}

pub async fn a_network_may_do_without_dhcp<G>(served: Served<G>) -> Outcome {
    let sf = &served.sf;
    let net = sf.create_network(name("still")).netblock("10.0.0.0/24").dhcp(false).timeout(LONG).await?;
    // The one that can plug takes no for yes.
    let heard = !can(sf, "hot-plug-interface").await?;
    assert_eq!((net.provide_dhcp, net.provide_nat), (Some(!heard), Some(true)));
    net.delete().send().await?.timeout(LONG).await?;
    Ok(())
}
