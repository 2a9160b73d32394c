//! Direct connections between this project and the real Python package, in either direction.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use cable_car_std::{
    Connection, DirectClient, DirectServer, Join, LinkError, Messenger, Quit, message_set,
};
use cable_car_tests::{
    pair,
    process::{PATIENCE, unused_tcp_port},
    python::Peer,
    require::{Need, require},
};
use serde_json::json;

message_set! { #[derive(Debug, PartialEq)] enum Bytes: Byte { Join, Quit } }

/// Messages both ways over a connection, and its end.
fn talk(connection: Connection, python: &mut Peer) {
    let mut here: Messenger<Bytes> = connection.into();
    here.send(&Join).unwrap();
    here.xfer().unwrap();
    assert_eq!(python.expect("message")["name"], "MsgJoin");
    python.send_name("MsgQuit", json!({}));
    assert_eq!(pair::next(&mut here), Bytes::Quit(Quit));
    python.send(&json!({"cmd": "shutdown"}));
    assert_eq!(pair::end(&mut here), LinkError::ClosedByPeer);
}

#[test]
fn our_client_to_a_python_server() {
    if !require(Need::Peer) {
        return;
    }
    // By address, by host name, as a pair.
    let connect: [fn(u16) -> std::io::Result<Connection>; 3] = [
        |port| DirectClient::new((Ipv4Addr::LOCALHOST, port)).connect(),
        |port| DirectClient::new(format!("localhost:{port}")).connect(),
        |port| DirectClient::new(("127.0.0.1", port)).timeout(PATIENCE).connect(),
    ];
    for connect in connect {
        let port = unused_tcp_port();
        let mut python = Peer::spawn(&["server", &port.to_string(), "--transport", "byte"]);
        python.expect("ready");
        let connection = connect(port).unwrap();
        let connected = python.expect("connected");
        assert_eq!(connection.remote_address(), SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        assert_eq!(connected["remote"], connection.local_address().to_string());
        talk(connection, &mut python);
    }
}

#[test]
fn a_python_client_to_our_server() {
    if !require(Need::Peer) {
        return;
    }
    let mut server = DirectServer::bind("127.0.0.1:0").unwrap();
    let address = server.local_address().unwrap();
    let port = address.port().to_string();
    // One server serves many clients.
    for _ in 0..2 {
        let mut python = Peer::spawn(&["client", "127.0.0.1", &port, "--transport", "byte"]);
        let connection = server.accept(Some(PATIENCE)).unwrap();
        assert_eq!(connection.local_address(), address);
        assert_eq!(python.expect("connected")["local"], connection.remote_address().to_string());
        talk(connection, &mut python);
    }
}

#[test]
fn a_python_client_that_is_early_keeps_trying() {
    if !require(Need::Peer) {
        return;
    }
    let port = unused_tcp_port();
    let mut python =
        Peer::spawn(&["client", "127.0.0.1", &port.to_string(), "--transport", "byte"]);
    python.expect("ready");
    // Refused at first: nobody is there.
    assert!(!python.has("connected", Duration::from_millis(300)));
    let mut server = DirectServer::bind(("127.0.0.1", port)).unwrap();
    let connection = server.accept(Some(PATIENCE)).unwrap();
    python.expect("connected");
    talk(connection, &mut python);
}

#[test]
fn the_package_ends_its_server_after_one_connection_and_ours_goes_on() {
    if !require(Need::Peer) {
        return;
    }
    let port = unused_tcp_port();
    let mut python = Peer::spawn(&["server", &port.to_string()]);
    python.expect("ready");
    let client = DirectClient::new((Ipv4Addr::LOCALHOST, port));
    let first = client.connect().unwrap();
    python.expect("connected");
    let refused = client.connect().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    assert!(refused.to_string().contains(&port.to_string()), "{refused}");
    drop(first);
    python.expect("eof");

    let mut server = DirectServer::bind("127.0.0.1:0").unwrap();
    let client = DirectClient::new(server.local_address().unwrap());
    let ends: Vec<_> = (0..20)
        .map(|_| (client.connect().unwrap(), server.accept(Some(PATIENCE)).unwrap()))
        .collect();
    for (one, other) in &ends {
        assert_eq!(one.local_address(), other.remote_address());
    }
}

#[test]
fn nobody_there_is_told_at_once_or_in_time() {
    let started = Instant::now();
    let refused = DirectClient::new((Ipv4Addr::LOCALHOST, unused_tcp_port()))
        .timeout(Duration::from_secs(3600))
        .connect()
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    assert!(DirectClient::new("no.such.host.invalid:1").connect().is_err());
    assert!(DirectClient::new("no port").connect().is_err());

    let mut server = DirectServer::bind("127.0.0.1:0").unwrap();
    for timeout in [Duration::ZERO, Duration::from_millis(50)] {
        let told = server.accept(Some(timeout)).unwrap_err();
        assert_eq!(told.kind(), ErrorKind::TimedOut);
    }
    // The server is as good as before.
    let address = server.local_address().unwrap();
    let _client = DirectClient::new(address).connect().unwrap();
    server.accept(Some(PATIENCE)).unwrap();
    let in_use = DirectServer::bind(address).unwrap_err();
    assert_eq!(in_use.kind(), ErrorKind::AddrInUse);
    assert!(started.elapsed() < PATIENCE);
}

/// Between hosts, each of which is a network namespace.
#[cfg(target_os = "linux")]
mod hosts {
    use cable_car_std::AnyJson;
    use cable_car_tests::{netns::Lan, require::require_all};

    use super::*;

    #[test]
    fn a_host_that_does_not_answer_is_given_up_in_time() {
        if !require_all(&[Need::Namespaces, Need::Nft]) {
            return;
        }
        let lan = Lan::new(2);
        lan.host(1).filter("tcp dport 7000 drop");
        let address = SocketAddr::from((lan.host(1).ip(), 7000));
        let started = Instant::now();
        let told = lan.host(0).enter(|| {
            DirectClient::new(address).timeout(Duration::from_millis(300)).connect().unwrap_err()
        });
        assert_eq!(told.kind(), ErrorKind::TimedOut, "{told}");
        assert!(told.to_string().contains(&address.to_string()), "{told}");
        assert!((Duration::from_millis(300)..PATIENCE).contains(&started.elapsed()));
    }

    #[test]
    fn hosts_of_a_network_reach_each_other() {
        if !require_all(&[Need::Peer, Need::Namespaces]) {
            return;
        }
        let lan = Lan::new(2);
        let (here, there) = (lan.host(0), lan.host(1));
        let address = here.ip().to_string();

        let mut server = here.enter(|| DirectServer::bind("0.0.0.0:7000")).unwrap();
        let mut python =
            Peer::spawn_on(there, &["client", &address, "7000", "--transport", "byte"]);
        let connection = server.accept(Some(PATIENCE)).unwrap();
        assert_eq!(connection.remote_address().ip(), there.ip());
        assert_eq!(python.expect("connected")["ip"], address);
        talk(connection, &mut python);

        let mut python = Peer::spawn_on(
            there,
            &["server", "7001", "--bind", "0.0.0.0", "--transport", "json", "--echo"],
        );
        python.expect("ready");
        let client = DirectClient::new((there.ip(), 7001));
        let mut messenger: Messenger<AnyJson> = here.enter(|| client.connect()).unwrap().into();
        assert_eq!(python.expect("connected")["ip"], address);
        messenger.send_json("Echo", &json!({"from": address})).unwrap();
        assert_eq!(pair::next_json(&mut messenger).1, json!({"from": address}));
    }
}
