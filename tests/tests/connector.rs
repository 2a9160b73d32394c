//! What a background connector promises on real networks, with programs of ours alone: errors at
//! the start, ports that are free again, callbacks that misbehave, networks of every kind.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]
#![cfg(target_os = "linux")]

use std::{
    io::{self, ErrorKind},
    net::{IpAddr, Ipv4Addr, TcpListener, TcpStream, UdpSocket},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use cable_car_std::{Builder, Connection, Join, LinkError, Messenger, NoPeer, StartError, Who};
use cable_car_tests::{
    netns::{Host, Lan},
    ours::{SETTLED, Set, eventually, options, peer, start, talk},
    pair,
    process::{PATIENCE, run},
    require::{Need, require},
};

fn fails(host: &Host, options: Builder) -> StartError {
    let started = Instant::now();
    let result = host.enter(|| options.start());
    assert!(started.elapsed() < PATIENCE, "an error at the start is told at once");
    result.expect_err("it can not start")
}

/// Takes a port that is free. While another test starts a program, that one has every socket of this
/// process for a moment, those that were just closed among them.
fn free<T>(mut bind: impl FnMut() -> io::Result<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match bind() {
            Ok(socket) => return socket,
            Err(error) if error.kind() == ErrorKind::AddrInUse && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(1));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// One link between two of ours, and messages over it.
fn a_pair_finds_each_other(lan: &Lan) {
    let one = start(lan.host(0), options());
    let two = start(lan.host(1), options());
    talk(&mut peer(&one), &mut peer(&two));
}

#[test]
fn two_programs_have_one_link() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(2);
    for gap in [0, 50, 190, 200, 210, 300] {
        let one = start(lan.host(0), options());
        thread::sleep(Duration::from_millis(gap));
        let two = start(lan.host(1), options());
        let (mut here, mut there) = (peer(&one), peer(&two));
        talk(&mut here, &mut there);
        assert_eq!(one.next_connection(SETTLED).unwrap_err(), NoPeer::TimedOut, "gap {gap}");
        assert_eq!(two.next_connection(Duration::ZERO).unwrap_err(), NoPeer::TimedOut);
        assert_eq!(one.addresses(), [lan.host(1).ip()]);
        assert_eq!(two.addresses(), [lan.host(0).ip()]);
        talk(&mut here, &mut there);
    }
}

/// A legacy peer, which dials whom it hears: it is answered, given the time to dial, and not dialled
/// as well, so that the pair has one link.
#[test]
fn a_peer_that_dials_is_not_dialled() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(2);
    // The lower and the higher address.
    for (ours, its) in [(0, 1), (1, 0)] {
        let (ours, its) = (lan.host(ours), lan.host(its));
        let (beacons, listener) = its.enter(|| {
            let beacons = free(|| UdpSocket::bind("0.0.0.0:8222"));
            (beacons, free(|| TcpListener::bind("0.0.0.0:8223")))
        });
        beacons.set_broadcast(true).unwrap();
        beacons.set_read_timeout(Some(PATIENCE)).unwrap();
        let connector = start(ours, options().interval(PATIENCE));
        let hear = || {
            let mut datagram = [0; 64];
            let (len, from) = beacons.recv_from(&mut datagram).unwrap();
            assert!(datagram[..len].starts_with(b"BROADCAST"));
            assert_eq!(from.ip(), ours.ip());
        };
        // Its first beacons, one by each broadcast address; then the answer to ours.
        hear();
        hear();
        beacons.send_to(b"BROADCAST", (Ipv4Addr::BROADCAST, 8222)).unwrap();
        while {
            let mut own = [0; 1];
            beacons.peek_from(&mut own).unwrap().1.ip() == its.ip()
        } {
            beacons.recv_from(&mut [0; 64]).unwrap();
        }
        hear();
        let dialled = its.enter(|| TcpStream::connect((ours.ip(), 8223))).unwrap();
        let connection = connector.next_connection(PATIENCE).unwrap();
        assert_eq!(connection.remote_address(), dialled.local_addr().unwrap());
        assert_eq!(connection.who(), Some(Who::Legacy(its.ip())));

        beacons.send_to(b"BROADCAST", (Ipv4Addr::BROADCAST, 8222)).unwrap();
        assert_eq!(connector.next_connection(SETTLED).unwrap_err(), NoPeer::TimedOut);
        listener.set_nonblocking(true).unwrap();
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    }
}

#[test]
fn no_default_route_is_needed() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::without_default_route(2);
    a_pair_finds_each_other(&lan);
    // One with, one without.
    lan.host(0).add_default_route();
    a_pair_finds_each_other(&lan);
}

#[test]
fn a_network_that_comes_later_is_used() {
    if !require(Need::Namespaces) {
        return;
    }
    let mut lan = Lan::new(2);
    let one = start(lan.host(0), options());
    lan.host(1).set_cable(false);
    let two = start(lan.host(1), options());
    assert_eq!(two.next_connection(SETTLED).unwrap_err(), NoPeer::TimedOut);
    lan.host(1).set_cable(true);
    talk(&mut peer(&one), &mut peer(&two));

    drop(two);

    // Another address, as a new lease gives it, while the program runs.
    lan.host(1).set_cable(false);
    let two = start(lan.host(1), options());
    let [a, b, c, _] = lan.host(1).ip().octets();
    lan.host_mut(1).set_address(Ipv4Addr::new(a, b, c, 77));
    lan.host(1).set_cable(true);
    let (mut here, mut there) = (peer(&one), peer(&two));
    assert_eq!(here.remote_address().ip(), lan.host(1).ip());
    talk(&mut here, &mut there);
}

#[test]
fn a_machine_without_a_network_is_told_so_at_once() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(2);
    // An interface that is down, and none at all.
    lan.host(0).set_link(false);
    lan.host(1).remove_network();
    for host in lan.hosts() {
        // Loopback is enough: programs of one machine find each other without a network.
        let (one, two) = (start(host, options()), start(host, options()));
        let (mut here, mut there) = (peer(&one), peer(&two));
        talk(&mut here, &mut there);
        assert_eq!(one.addresses(), [Ipv4Addr::LOCALHOST]);
        eventually("it says that there is no network", || {
            one.trouble().is_some_and(|trouble| trouble.contains("no network"))
        });
        drop((one, two));

        let address = ["127.0.0.1/8", "dev", "lo"];
        run(host.command("ip").args(["address", "del"]).args(address)).unwrap();
        let error = fails(host, options());
        let StartError::NoNetwork(cause) = &error else {
            panic!("{error}");
        };
        assert_eq!(cause.kind(), ErrorKind::NetworkUnreachable);
        assert!(error.to_string().contains("loopback"), "{error}");
        // Nothing was left open.
        run(host.command("ip").args(["address", "add"]).args(address)).unwrap();
        host.enter(|| {
            free(|| TcpListener::bind("0.0.0.0:8223"));
            free(|| UdpSocket::bind("0.0.0.0:8222"));
        });
    }
}

/// Many programs on one host, all of them with the same ports and without any set-up.
#[test]
fn programs_of_one_host_find_each_other_and_those_of_others() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(2);
    let programs: Vec<_> =
        [0, 0, 0, 1, 1].map(|host| start(lan.host(host), options())).into_iter().collect();
    for (index, program) in programs.iter().enumerate() {
        let mut peers: Vec<Messenger<Set>> = (1..programs.len()).map(|_| peer(program)).collect();
        assert_eq!(program.next_connection(Duration::ZERO).unwrap_err(), NoPeer::TimedOut);
        for peer in &mut peers {
            peer.send(&Join).unwrap();
            peer.xfer().unwrap();
        }
        // All that come are links that somebody else keeps as well.
        thread::sleep(SETTLED);
        for peer in &mut peers {
            assert_eq!(peer.xfer(), Ok(()), "program {index}");
        }
        // Others meet these programs still: the links are kept until the end.
        std::mem::forget(peers);
    }
}

#[test]
fn loopback_is_the_program_itself_where_it_is_allowed() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(1);
    let connector = start(lan.host(0), options());
    assert_eq!(connector.next_connection(SETTLED).unwrap_err(), NoPeer::TimedOut);
    drop(connector);

    // As in Python: both ends of one connection.
    let connector = start(lan.host(0), options().allow_loopback(true));
    let (mut here, mut there) = (peer(&connector), peer(&connector));
    let own = [lan.host(0).ip(), Ipv4Addr::LOCALHOST];
    assert!(own.map(IpAddr::from).contains(&here.remote_address().ip()));
    talk(&mut here, &mut there);
    assert!(matches!(connector.addresses()[..], [address] if own.contains(&address)));
    assert_eq!(connector.next_connection(SETTLED).unwrap_err(), NoPeer::TimedOut);
}

#[test]
fn a_port_in_use_is_told_at_once_and_by_name() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(1);
    let host = lan.host(0);
    let udp = host.enter(|| free(|| UdpSocket::bind("0.0.0.0:8222")));
    let error = fails(host, options());
    assert!(matches!(&error, StartError::BeaconPort(8222, e) if e.kind() == ErrorKind::AddrInUse));
    assert!(error.to_string().contains("8222") && error.to_string().contains("udp_port"));
    // As a `main` that returns it prints it.
    assert_eq!(format!("{error:?}"), error.to_string());
    drop(udp);

    // What failed has left nothing behind.
    drop(start(host, options()));
}

#[test]
fn an_option_that_can_not_be_is_told() {
    let zero = Duration::ZERO;
    for builder in [
        options().udp_port(0),
        options().tcp_port(0),
        options().interval(zero),
        options().connect_timeout(zero),
    ] {
        assert!(matches!(builder.start(), Err(StartError::Config(_))));
    }
    assert!(matches!(options().connect(), Err(StartError::Config(_))));
}

#[test]
fn stop_frees_the_ports_and_leaves_the_links() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(2);
    let other = start(lan.host(1), options());
    for _ in 0..3 {
        let mut connector = start(lan.host(0), options());
        let (mut here, mut there) = (peer(&connector), peer(&other));
        connector.stop();
        assert!(connector.is_stopped());
        assert_eq!(connector.next_connection(PATIENCE).unwrap_err(), NoPeer::Stopped);
        talk(&mut here, &mut there);
        lan.host(0).enter(|| {
            free(|| UdpSocket::bind("0.0.0.0:8222"));
            let refused = TcpStream::connect((lan.host(0).ip(), 8223)).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        });
        connector.stop();
        drop(connector);
        talk(&mut here, &mut there);
        here.close();
        assert_eq!(pair::end(&mut there), LinkError::ClosedByPeer);
        drop(there);
        eventually("the other side knows", || other.addresses().is_empty());
    }
}

#[test]
fn the_overall_timeout_ends_the_search() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(3);
    let timeout = Duration::from_millis(700);
    let started = Instant::now();
    let connector = lan.host(0).enter(|| options().timeout(timeout).connect()).unwrap();
    assert!((timeout..PATIENCE).contains(&started.elapsed()));
    assert!(connector.is_stopped());
    assert_eq!(connector.next_connection(PATIENCE).unwrap_err(), NoPeer::Stopped);

    // What was found until then is in the table, in the order in which it came.
    let others = [start(lan.host(1), options()), start(lan.host(2), options())];
    let connector = lan.host(0).enter(|| options().timeout(timeout).connect()).unwrap();
    let mut addresses = connector.addresses();
    addresses.sort_unstable();
    assert_eq!(addresses, [lan.host(1).ip(), lan.host(2).ip()]);
    for (other, host) in others.iter().zip(&lan.hosts()[1..]) {
        let mut here = Messenger::new(connector.take(host.ip()).unwrap());
        assert!(connector.take(host.ip()).is_none());
        let mut there = loop {
            // The other two are linked as well.
            let there = peer(other);
            if there.remote_address().ip() == lan.host(0).ip() {
                break there;
            }
        };
        talk(&mut here, &mut there);
    }
}

#[test]
fn a_callback_that_panics_or_blocks_does_not_stop_discovery() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(5);
    let (started, starts) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let mut calls = 0;
    let callback = move |connection: Connection| {
        calls += 1;
        let address = connection.remote_address().ip();
        started.send((calls, connection)).unwrap();
        match calls {
            1 => panic!("the program's own fault, for {address}"),
            2 => drop(released.recv()),
            _ => {}
        }
    };
    let connector = start(lan.host(0), options().on_connect(callback));
    // Dropped first where the test fails: a connector may wait for its callback.
    let release = release;
    let mut links = Vec::new();
    for call in 1..=2 {
        let other = start(lan.host(call), options());
        let (calls, connection) = starts.recv_timeout(PATIENCE).unwrap();
        assert_eq!(calls, call);
        assert_eq!(connection.remote_address().ip(), lan.host(call).ip());
        links.push((other, connection));
    }
    // The second call has not returned; others are linked all the same, and wait for their turn.
    let others = [3, 4].map(|host| {
        let other = start(lan.host(host), options());
        eventually("it is linked", || connector.addresses().contains(&lan.host(host).ip()));
        other
    });
    assert!(starts.try_recv().is_err());
    release.send(()).unwrap();
    for (other, call) in others.into_iter().zip([3, 4]) {
        let (calls, connection) = starts.recv_timeout(PATIENCE).unwrap();
        assert_eq!(calls, call);
        assert_eq!(connection.remote_address().ip(), lan.host(call).ip());
        links.push((other, connection));
    }

    // All connections are good, that of the panic too.
    for (other, connection) in links {
        let mut here = Messenger::new(connection);
        let mut there = loop {
            let there = peer(&other);
            if there.remote_address().ip() == lan.host(0).ip() {
                break there;
            }
        };
        talk(&mut here, &mut there);
    }
}

#[test]
fn addresses_are_those_of_links_that_stand() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(3);
    let connector = start(lan.host(0), options());
    assert!(connector.addresses().is_empty());
    let (one, two) = (lan.host(1).ip(), lan.host(2).ip());
    let mut others = vec![start(lan.host(1), options())];
    eventually("the first", || connector.addresses() == [one]);
    others.push(start(lan.host(2), options()));
    eventually("the second", || connector.addresses().len() == 2);

    // Taken or not, it stands until the program lets it go; then the peer is linked again.
    let messenger: Messenger<Set> = connector.take(one).unwrap().into();
    assert_eq!(connector.addresses().len(), 2);
    others.remove(0).stop();
    drop(messenger);
    eventually("the first is gone", || connector.addresses() == [two]);
    others.push(start(lan.host(1), options()));
    eventually("the first is back", || connector.addresses().contains(&one));
}
