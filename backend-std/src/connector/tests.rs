//! What is said where a program does not let go of links, or does not return from a callback. Bounds
//! are low in this test: see `MOST_LINKS` and `MOST_WAITING`.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use cable_car::discovery::Beacon;
use socket2::{Domain, Socket, Type};

use super::background::MOST_LINKS;
use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

/// A connector on loopback alone, and the TCP port that its beacons tell.
fn start(builder: Builder) -> (BroadcastConnector, u16) {
    let ear = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    ear.set_reuse_address(true).unwrap();
    ear.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into()).unwrap();
    let ear = UdpSocket::from(ear);
    ear.set_read_timeout(Some(PATIENCE)).unwrap();
    let udp_port = ear.local_addr().unwrap().port();
    let connector = builder.udp_port(udp_port).interfaces(["127.0.0.1"]).start().unwrap();
    let mut datagram = [0; 64];
    let (len, _) = ear.recv_from(&mut datagram).unwrap();
    match Beacon::read(&datagram[..len]) {
        Some(Beacon::Extended(said)) => (connector, said.tcp_port),
        other => panic!("{other:?}"),
    }
}

/// A legacy peer, which is known by its address, dials and says Join.
fn dial(number: u8, port: u16) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, number], 0)).into()).unwrap();
    socket.connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&[2, 2]).unwrap();
    stream
}

fn eventually(what: &str, connector: &BroadcastConnector, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}: {connector:?}, {:?}", connector.trouble());
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn links_that_are_not_let_go_of_are_told_when_peers_are_turned_away() {
    let (connector, port) = start(BroadcastConnector::builder());
    let waiting = || connector.shared.table().waiting.len();
    let _peers: Vec<_> = (0..MOST_LINKS).map(|peer| dial(10 + peer as u8, port)).collect();
    eventually("all are linked", &connector, || waiting() == MOST_LINKS);
    assert_eq!(connector.trouble(), None);

    let mut turned_away = dial(100, port);
    assert!(!matches!(turned_away.read(&mut [0]), Ok(1..)));
    let told = || connector.trouble().is_some_and(|it| it.contains("4 links are open"));
    eventually("it is told", &connector, told);

    drop(connector.take([127, 0, 0, 10].into()).unwrap());
    eventually("it is over", &connector, || connector.trouble().is_none());
    let _let_in = dial(101, port);
    eventually("the next is linked", &connector, || waiting() == MOST_LINKS);
}

#[test]
fn a_callback_that_does_not_return_is_told() {
    let (release, released) = mpsc::channel::<()>();
    let callback = move |_| {
        // Ends when the test lets go of the other end.
        let _ = released.recv();
    };
    let (connector, port) = start(BroadcastConnector::builder().on_connect(callback));
    // For each of them a connection and an event.
    let _peers: Vec<_> = (10..14).map(|peer| dial(peer, port)).collect();
    let told = || connector.trouble().is_some_and(|it| it.contains("calls waited for a callback"));
    eventually("it is told", &connector, told);
    drop(release);
    eventually("it is over", &connector, || connector.trouble().is_none());
}
