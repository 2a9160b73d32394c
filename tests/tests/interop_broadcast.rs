//! Broadcast discovery between this project and the real Python package, on networks of namespaces.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]
#![cfg(target_os = "linux")]

use std::{
    collections::BTreeSet,
    net::Ipv4Addr,
    thread,
    time::{Duration, Instant},
};

use cable_car_std::{
    BroadcastConnector, ByteFrame, ByteMessage, Connection, DecodeError, EncodeError, LinkError,
    Messenger, NoPeer, Reader, StartError, Writer, message_set,
};
use cable_car_tests::{
    netns::{Host, Lan},
    pair,
    process::PATIENCE,
    python::Peer,
    require::{Need, require_all},
};
use serde_json::json;

const NEEDS: [Need; 2] = [Need::Peer, Need::Namespaces];
/// Beacons are sent so often, to have no test wait long.
const INTERVAL: Duration = Duration::from_millis(250);
const PYTHON: [&str; 6] = ["broadcast", "--interval", "0.25", "--transport", "byte", "--echo"];
/// Several beacons of either side: who wants to dial once more has done so by then.
const SETTLED: Duration = Duration::from_millis(1200);

/// A number that says who has sent it, and the round that it belongs to.
#[derive(Debug, PartialEq)]
struct Mark(u32);

impl ByteMessage<'_> for Mark {
    const CODE: u8 = 0x11;

    fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
        payload.u32(self.0)
    }

    fn decode(payload: &mut Reader<'_>) -> Result<Self, DecodeError> {
        payload.u32().map(Self)
    }
}

message_set! { #[derive(Debug, PartialEq)] enum Marks: Byte { Mark } }

fn start(host: &Host) -> BroadcastConnector {
    let started = host.enter(|| BroadcastConnector::builder().interval(INTERVAL).start());
    started.unwrap_or_else(|error| panic!("start: {error}"))
}

fn peer(connector: &BroadcastConnector) -> Connection {
    connector.next_connection(PATIENCE).unwrap_or_else(|error| panic!("{error}"))
}

/// A message there, back from the Python side, and one that it sends by itself.
fn talk(messenger: &mut Messenger<Marks>, python: &mut Peer, mark: u32) {
    messenger.send(&Mark(mark)).unwrap();
    assert_eq!(pair::next(messenger), Marks::Mark(Mark(mark)));
    let message = python.expect("message");
    assert_eq!(message["payload"], format!("{mark:08x}"));
    let payload = format!("{:08x}", mark + 1);
    let conn = &message["conn"];
    python.send(&json!({"cmd": "send", "code": Mark::CODE, "payload": payload, "conn": conn}));
    assert_eq!(pair::next(messenger), Marks::Mark(Mark(mark + 1)));
}

/// Makes sure that neither side is told of another connection.
fn no_second_link(connector: &BroadcastConnector, python: &mut Peer, round: &str) {
    let second = connector.next_connection(SETTLED);
    assert_eq!(second.as_ref().err(), Some(&NoPeer::TimedOut), "{round}: {second:?}");
    let again = python.has("connected", Duration::ZERO);
    assert!(!again, "{round}: {}", python.process().transcript());
}

/// One link, whoever is first and by however little: the gap between the two starts is swept.
#[test]
fn a_pair_has_one_link_in_whatever_order_it_starts() {
    if !require_all(&NEEDS) {
        return;
    }
    let lan = Lan::new(2);
    // Python takes about a quarter of a second to open its ports: starts before, within and behind.
    let gaps = [None, Some(0), Some(120), Some(180), Some(220), Some(260), Some(300), Some(360)];
    for round in 0..2 * gaps.len() {
        // The lower and the higher address, in turn: who of the two dials depends on it.
        let (ours, its) = (lan.host(round % 2), lan.host(1 - round % 2));
        let gap = gaps[round / 2].map(Duration::from_millis);
        let name = format!("round {round}, ours started after {gap:?}");
        let mut python = Peer::spawn_on(its, &PYTHON);
        match gap {
            None => drop(python.expect("ready")),
            Some(gap) => thread::sleep(gap),
        }
        let connector = start(ours);
        let started = Instant::now();
        let connection = peer(&connector);
        let connected = python.expect("connected");
        println!("{name}: linked {:?} after ours was started", started.elapsed());
        assert_eq!(connection.remote_address().ip(), its.ip(), "{name}");
        assert_eq!(connection.local_address().ip(), ours.ip(), "{name}");
        assert_eq!(connected["ip"], ours.ip().to_string(), "{name}");
        assert_eq!(connected["remote"], connection.local_address().to_string(), "{name}");
        assert_eq!(connector.addresses(), [its.ip()], "{name}");

        let mut messenger = connection.into();
        let mark = 100 * round as u32;
        talk(&mut messenger, &mut python, mark);
        no_second_link(&connector, &mut python, &name);
        talk(&mut messenger, &mut python, mark + 10);
        assert_eq!(connector.addresses(), [its.ip()], "{name}");
        python.send(&json!({"cmd": "addresses"}));
        assert_eq!(python.expect("addresses")["addresses"], json!([ours.ip().to_string()]));
    }
}

/// How long a link takes with all options as they are by default: for the record, with a wide limit.
#[test]
fn the_default_options_find_a_python_program() {
    if !require_all(&NEEDS) {
        return;
    }
    let lan = Lan::new(2);
    let mut python = Peer::spawn_on(lan.host(1), &["broadcast", "--transport", "byte", "--echo"]);
    python.expect("ready");
    let started = Instant::now();
    let connector = lan.host(0).enter(|| BroadcastConnector::builder().start()).unwrap();
    let mut messenger = connector.next_peer(PATIENCE).unwrap();
    println!("Python first: linked in {:?}", started.elapsed());
    talk(&mut messenger, &mut python, 1);
}

#[test]
fn one_of_ours_and_two_of_python() {
    if !require_all(&NEEDS) {
        return;
    }
    let lan = Lan::new(3);
    let mut pythons: Vec<Peer> = Vec::new();
    pythons.push(Peer::spawn_on(lan.host(0), &PYTHON));
    let connector = start(lan.host(1));
    pythons.push(Peer::spawn_on(lan.host(2), &PYTHON));

    let connections = [peer(&connector), peer(&connector)];
    let addresses: BTreeSet<_> =
        connections.iter().map(Connection::remote_address).map(|a| a.ip()).collect();
    assert_eq!(addresses, [lan.host(0).ip().into(), lan.host(2).ip().into()].into());
    let mut known = connector.addresses();
    known.sort_unstable();
    assert_eq!(known, [lan.host(0).ip(), lan.host(2).ip()]);
    assert_eq!(connector.next_connection(SETTLED).unwrap_err(), NoPeer::TimedOut);

    for connection in connections {
        let index = usize::from(connection.remote_address().ip() == lan.host(2).ip());
        talk(&mut connection.into(), &mut pythons[index], 7);
    }
}

#[test]
fn two_of_ours_and_one_of_python() {
    if !require_all(&NEEDS) {
        return;
    }
    let lan = Lan::new(3);
    let one = start(lan.host(0));
    let mut python = Peer::spawn_on(lan.host(1), &PYTHON);
    let two = start(lan.host(2));
    // Each of ours has two links, and between them there is one.
    let (mut ends, mut to_python) = (Vec::new(), Vec::new());
    for (ours, other) in [(&one, lan.host(2).ip()), (&two, lan.host(0).ip())] {
        for connection in [peer(ours), peer(ours)] {
            if connection.remote_address().ip() == other {
                ends.push(connection);
            } else {
                assert_eq!(connection.remote_address().ip(), lan.host(1).ip());
                let mut messenger = connection.into();
                talk(&mut messenger, &mut python, 7);
                to_python.push(messenger);
            }
        }
    }
    for ours in [&one, &two] {
        assert_eq!(ours.next_connection(SETTLED).unwrap_err(), NoPeer::TimedOut);
    }
    let [here, there] = <[Connection; 2]>::try_from(ends).unwrap();
    assert_eq!(here.local_address(), there.remote_address());
    assert_eq!(here.remote_address(), there.local_address());
    let (mut here, mut there): (Messenger<Marks>, Messenger<Marks>) = (here.into(), there.into());
    here.send(&Mark(1)).unwrap();
    here.xfer().unwrap();
    assert_eq!(pair::next(&mut there), Marks::Mark(Mark(1)));
}

/// Python never dials an address a second time: a program of ours that starts anew has to.
#[test]
fn ours_starts_anew_while_python_stays() {
    if !require_all(&NEEDS) {
        return;
    }
    let lan = Lan::new(2);
    for (ours, its) in [(0, 1), (1, 0)] {
        let mut python = Peer::spawn_on(lan.host(its), &PYTHON);
        for round in 0..3 {
            let connector = start(lan.host(ours));
            let mut messenger = connector.next_peer(PATIENCE).unwrap();
            python.expect("connected");
            talk(&mut messenger, &mut python, round * 10);
            drop(connector);
            messenger.close();
            python.expect("eof");
        }
    }
}

/// One end of a link goes, the connectors stay: it is replaced.
#[test]
fn a_link_that_ended_is_replaced() {
    if !require_all(&NEEDS) {
        return;
    }
    let lan = Lan::new(2);
    let mut python = Peer::spawn_on(lan.host(1), &PYTHON);
    let connector = start(lan.host(0));
    for round in 0..3 {
        let mut messenger = connector.next_peer(PATIENCE).unwrap();
        python.expect("connected");
        talk(&mut messenger, &mut python, round * 10);
        assert_eq!(connector.addresses(), [lan.host(1).ip()]);
    }
}

#[test]
fn a_python_program_that_was_killed_is_linked_again() {
    if !require_all(&NEEDS) {
        return;
    }
    let lan = Lan::new(2);
    let connector = start(lan.host(0));
    for round in 0..3 {
        let mut python = Peer::spawn_on(lan.host(1), &PYTHON);
        let mut messenger: Messenger<Marks> = connector.next_peer(PATIENCE).unwrap();
        python.expect("connected");
        talk(&mut messenger, &mut python, round * 10);
        python.process().signal("KILL");
        python.process().wait(PATIENCE).unwrap();
        assert_eq!(pair::end(&mut messenger), LinkError::ClosedByPeer);
        wait_for_addresses(&connector, &[]);
    }
}

/// Waits until the background thread has heard of what the program's own thread did.
fn wait_for_addresses(connector: &BroadcastConnector, expected: &[Ipv4Addr]) {
    let deadline = Instant::now() + PATIENCE;
    while connector.addresses() != expected {
        assert!(Instant::now() < deadline, "{:?}", connector.addresses());
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_callback_is_given_python_programs() {
    if !require_all(&NEEDS) {
        return;
    }
    let lan = Lan::new(3);
    let (sender, receiver) = std::sync::mpsc::channel();
    let callback = move |connection: Connection| sender.send(connection).unwrap();
    let builder = BroadcastConnector::builder().interval(INTERVAL).on_connect(callback);
    let connector = lan.host(0).enter(|| builder.start()).unwrap();
    let mut pythons: Vec<Peer> =
        lan.hosts()[1..].iter().map(|host| Peer::spawn_on(host, &PYTHON)).collect();
    for _ in 0..2 {
        let connection = receiver.recv_timeout(PATIENCE).unwrap();
        let index = usize::from(connection.remote_address().ip() == lan.host(2).ip());
        talk(&mut connection.into(), &mut pythons[index], 7);
    }
    assert!(connector.next_connection(Duration::ZERO).is_err(), "nothing is in the table");
}

#[test]
fn once_is_enough() {
    if !require_all(&NEEDS) {
        return;
    }
    let lan = Lan::new(3);
    let mut first = Peer::spawn_on(lan.host(1), &PYTHON);
    let builder = BroadcastConnector::builder().interval(INTERVAL).once(true);
    let mut connector = lan.host(0).enter(|| builder.connect()).unwrap();
    assert!(connector.is_stopped());
    let mut messenger = connector.next_peer(Duration::ZERO).unwrap();
    let mut second = Peer::spawn_on(lan.host(2), &PYTHON);
    second.expect("connected"); // to the other Python program
    assert_eq!(connector.next_connection(SETTLED).unwrap_err(), NoPeer::Stopped);
    assert!(!second.has("connected", Duration::ZERO));
    // The link goes on without the connector.
    connector.stop();
    talk(&mut messenger, &mut first, 1);
    drop(connector);
    talk(&mut messenger, &mut first, 3);
}

/// Python binds the beacon port without sharing it.
#[test]
fn a_host_that_python_has_taken_is_told_at_once() {
    if !require_all(&NEEDS) {
        return;
    }
    let lan = Lan::new(1);
    let mut python = Peer::spawn_on(lan.host(0), &PYTHON);
    python.expect("ready");
    let started = Instant::now();
    let error = lan.host(0).enter(|| BroadcastConnector::builder().start()).unwrap_err();
    assert!(started.elapsed() < PATIENCE);
    assert!(matches!(error, StartError::BeaconPort(8222, _)), "{error}");
    let text = error.to_string();
    assert!(text.contains("8222") && text.contains("udp_port"), "{text}");

    // Another UDP port is free, and any TCP port will do.
    let builder = BroadcastConnector::builder().udp_port(8224);
    drop(lan.host(0).enter(|| builder.start()).unwrap());
}

/// The programs agree on other ports than the default ones.
#[test]
fn other_ports_are_kept_apart() {
    if !require_all(&NEEDS) {
        return;
    }
    let lan = Lan::new(2);
    let mut options = PYTHON.to_vec();
    options.extend(["--udp-port", "8226", "--tcp-port", "8227"]);
    let mut python = Peer::spawn_on(lan.host(1), &options);
    let other = start(lan.host(0));
    let builder = BroadcastConnector::builder().interval(INTERVAL).udp_port(8226).tcp_port(8227);
    let connector = lan.host(0).enter(|| builder.start()).unwrap();
    let mut messenger = connector.next_peer(PATIENCE).unwrap();
    talk(&mut messenger, &mut python, 1);
    assert_eq!(other.next_connection(SETTLED).unwrap_err(), NoPeer::TimedOut);
    assert!(other.addresses().is_empty());
}

/// A program that runs on a machine with two networks finds those of both.
#[test]
fn a_host_in_two_networks_finds_the_peers_of_both() {
    if !require_all(&NEEDS) {
        return;
    }
    let (one, two) = (Lan::new(2), Lan::new(1));
    two.join(one.host(0));
    let connector = start(one.host(0));
    let mut pythons = [Peer::spawn_on(one.host(1), &PYTHON), Peer::spawn_on(two.host(0), &PYTHON)];
    let mut found = BTreeSet::new();
    for _ in 0..2 {
        let connection = peer(&connector);
        let address = connection.remote_address().ip();
        let index = usize::from(address == two.host(0).ip());
        talk(&mut connection.into(), &mut pythons[index], 7);
        found.insert(address);
    }
    assert_eq!(found, [one.host(1).ip().into(), two.host(0).ip().into()].into());
}

/// Keeps the message honest: what Python sends back is what its code says.
#[test]
fn a_mark_is_a_frame() {
    let frame = ByteFrame { code: Mark::CODE, payload: &[0, 0, 1, 2] };
    assert_eq!(frame.decode::<Mark>(), Ok(Mark(258)));
}
