//! No peer has a thread of its own: this process is counted, and has one test alone.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]
#![cfg(target_os = "linux")]

use std::{
    fs,
    io::Write,
    net::{Ipv4Addr, SocketAddr, TcpStream},
};

use cable_car_std::Join;
use cable_car_tests::{
    netns::{Host, Lan},
    ours::{Set, eventually, options, peer, start},
    pair,
    require::{Need, require},
};
use socket2::{Domain, Socket, Type};

/// At most: that of the test, that of its harness, and that of the connector.
const THREADS: usize = 3;

/// A legacy peer on the same machine, which is known by its address.
fn dial(host: &Host, number: u8) -> TcpStream {
    host.enter(|| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 1, number], 0)).into()).unwrap();
        socket.connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, 8223)).into()).unwrap();
        socket.into()
    })
}

#[test]
fn fifty_peers_have_as_many_threads_as_two() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(1);
    let threads = || fs::read_dir("/proc/self/task").unwrap().count();
    let connector = start(lan.host(0), options().interfaces(["lo"]));
    let mut links = Vec::new();
    for number in 1..=50 {
        let mut socket = dial(lan.host(0), number);
        socket.write_all(&[2, 2]).unwrap();
        let mut messenger = peer(&connector);
        assert_eq!(pair::next(&mut messenger), Set::Join(Join));
        links.push((socket, messenger));
        if number == 2 {
            // A thread that is joined may take a moment to be gone.
            eventually("no more than there must be", || threads() <= THREADS);
        }
    }
    eventually("as many as with two", || threads() <= THREADS);
    for (socket, messenger) in &mut links {
        socket.write_all(&[2, 2]).unwrap();
        assert_eq!(pair::next(messenger), Set::Join(Join));
    }
}
