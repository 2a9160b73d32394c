//! Firmware on an emulated board, on one LAN with desktops: the std backend, the Python package, and
//! its `cpu_mon.py`, each on a host of its own.
#![cfg(target_os = "linux")]

use std::{
    net::Ipv4Addr,
    thread,
    time::{Duration, Instant},
};

use cable_car_std::{BroadcastConnector, DirectClient, Messenger, RecvError, SendError};
use cable_car_tests::{
    firmware::{BEACON_PORT, CLIENT_PORT, Firmware, STATS_PORT},
    messages::{Client, Monitor, MsgStats, Numbered},
    netns::{Host, Lan},
    pair,
    process::{PATIENCE, Process},
    program::program,
    python::{self, Peer},
    require::{Need, require_all},
};
use serde_json::json;

/// Messages each way.
const MANY: u32 = 10_000;

fn ready() -> bool {
    require_all(&[Need::Namespaces, Need::Tap, Need::Firmware])
}

fn board(lan: &Lan, options: &[&str]) -> (Firmware, Ipv4Addr) {
    let ip = lan.tap("tap0");
    (Firmware::on_tap(lan, "tap0", ip, options), ip)
}

/// A desktop that looks for machines as a `cpu_mon` does.
fn connector() -> BroadcastConnector {
    let builder = BroadcastConnector::builder().udp_port(BEACON_PORT).tcp_port(STATS_PORT);
    builder.interval(Duration::from_secs(1)).start().expect("free ports and a network")
}

/// The next machine, which must have this address.
fn find(connector: &BroadcastConnector, ip: Ipv4Addr) -> Messenger<Monitor> {
    let peer = connector.next_peer(PATIENCE).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(peer.remote_address().ip(), ip);
    peer
}

/// The figures that come next.
fn stats(peer: &mut Messenger<Monitor>) -> MsgStats {
    match pair::next(peer) {
        Monitor::MsgStats(stats) => stats,
        other => panic!("{other:?}"),
    }
}

fn dial(ip: Ipv4Addr) -> Messenger<Client> {
    let client = DirectClient::new((ip, CLIENT_PORT)).timeout(PATIENCE);
    client.connect().unwrap_or_else(|error| panic!("{ip}: {error}")).into()
}

/// Sends numbered messages and gets all of them back, in order.
fn echo(peer: &mut Messenger<Client>, count: u32) {
    let (mut sent, mut received) = (0, 0);
    pair::pump(peer, 4 * PATIENCE, |peer| {
        while sent < count {
            match peer.send(&Numbered(sent)) {
                Ok(()) => sent += 1,
                Err(SendError::WouldBlock) => break,
                Err(error) => panic!("{error}"),
            }
        }
        while let Some(message) = peer.get() {
            match message {
                Ok(Client::Numbered(Numbered(n))) if n == received => received += 1,
                other => panic!("{other:?} after {received}"),
            }
        }
        received == count
    });
}

#[test]
fn ten_thousand_messages_pass_between_a_desktop_and_the_board() {
    if !ready() {
        return;
    }
    let lan = Lan::new(1);
    let (mut board, ip) = board(&lan, &[]);
    lan.host(0).enter(|| echo(&mut dial(ip), MANY));
    board.process().expect_line(PATIENCE, |line| line.contains("(echoed 10000, bad 0)"));
}

#[test]
fn ten_thousand_messages_pass_between_python_and_the_board() {
    if !ready() || !require_all(&[Need::Peer]) {
        return;
    }
    let lan = Lan::new(1);
    let (mut board, ip) = board(&lan, &["--name", "tank"]);
    let (ip, port) = (ip.to_string(), CLIENT_PORT.to_string());
    let args = ["client", &ip, &port, "--transport", "byte", "--for", "120"];
    let mut python = Peer::spawn_on(lan.host(0), &args);
    python.expect("connected");
    python.send_name("MsgIdentify", json!({"username": "ann", "hostname": "pc"}));
    let who = python.expect("message");
    assert_eq!(who["attributes"], json!({"username": "firmware", "hostname": "tank"}));
    python.send_name("MsgJoin", json!({}));
    assert_eq!(python.expect("message")["name"], "MsgJoin");

    python.send(&json!({"cmd": "bulk", "count": MANY, "size": 16, "code": 0x20}));
    for number in 0..MANY {
        let message = python.expect_within("message", 4 * PATIENCE);
        assert_eq!(message["code"], 0x20);
        assert_eq!(message["payload"], format!("{number:08x}{}", "00".repeat(12)));
    }
    python.send(&json!({"cmd": "close"}));
    board.process().expect_line(PATIENCE, |line| line.contains("(echoed 10000, bad 0)"));
}

#[test]
fn python_finds_the_board_and_reads_its_figures() {
    if !ready() || !require_all(&[Need::Peer]) {
        return;
    }
    let lan = Lan::new(1);
    let (mut board, ip) = board(&lan, &["--name", "tank"]);
    let (udp, tcp) = (BEACON_PORT.to_string(), STATS_PORT.to_string());
    let args = ["broadcast", "--transport", "json", "--udp-port", &udp, "--tcp-port", &tcp];
    let mut python = Peer::spawn_on(lan.host(0), &args);
    let connected = python.expect("connected");
    assert_eq!(connected["ip"], ip.to_string());
    let figures = python.expect("message");
    assert_eq!(
        (&figures["name"], &figures["attributes"]["host"]),
        (&json!("MsgStats"), &json!("tank"))
    );
    python
        .send_name("MsgStats", serde_json::to_value(MsgStats::idle("snake")).expect("plain data"));
    let heard = board.says("stats from");
    assert!(heard.contains("snake cpu 0.5 %"), "{heard}");
    python.send_name("MsgIdentify", json!({"username": "ann", "hostname": "pc"}));
    let who = python.expect("message");
    assert_eq!(who["attributes"], json!({"username": "firmware", "hostname": "tank"}));
}

/// Our own `cpu_mon` on a host.
fn rust_monitor(host: &Host) -> Process {
    let mut command = host.command(program("cpu_mon"));
    command.arg("--plain");
    Process::spawn(command)
}

/// The package's own `cpu_mon.py` on a host.
fn python_monitor(host: &Host) -> Process {
    let environment = python::environment().expect("asked for before");
    let mut command = host.command(environment.python());
    command.arg("-u").arg(environment.cpu_mon());
    Process::spawn(command)
}

#[test]
fn a_board_a_desktop_and_python_list_one_another() {
    if !ready() || !require_all(&[Need::Peer]) {
        return;
    }
    let lan = Lan::new(2);
    let (mut board, _) = board(&lan, &["--name", "tank"]);
    let mut desktop = rust_monitor(lan.host(0));
    let mut python = python_monitor(lan.host(1));

    // Both desktops go by the name of this machine.
    let own = std::fs::read_to_string("/proc/sys/kernel/hostname").expect("a host name");
    for monitor in [&mut desktop, &mut python] {
        for name in ["tank", own.trim()] {
            let told = |line: &str| {
                line.trim_start().strip_prefix("Host: ").is_some_and(|host| host.trim() == name)
            };
            if !monitor
                .transcript()
                .lines()
                .any(|line| line.contains("Host: ") && line.ends_with(name))
            {
                monitor.expect_line(2 * PATIENCE, told);
            }
        }
    }
    for host in lan.hosts() {
        let ip = host.ip();
        board
            .process()
            .expect_line(2 * PATIENCE, |line| line.starts_with(&format!("stats from {ip}:")));
    }
}

#[test]
fn a_restarted_board_is_linked_within_seconds() {
    if !ready() {
        return;
    }
    let lan = Lan::new(1);
    let ip = lan.tap("tap0");
    let first = Firmware::on_tap(&lan, "tap0", ip, &["--seed", "1", "--name", "one"]);
    let connector = lan.host(0).enter(connector);
    let mut peer = find(&connector, ip);
    assert_eq!(stats(&mut peer).host, "one");
    drop(first);

    let _second = Firmware::on_tap(&lan, "tap0", ip, &["--seed", "2", "--name", "two"]);
    let started = Instant::now();
    // The old link ends, which the connector must be told by its being dropped.
    loop {
        match peer.recv(Some(PATIENCE)) {
            Ok(_) | Err(RecvError::Bad(_)) => {}
            Err(RecvError::Ended(_)) => break,
            Err(error) => panic!("{error}"),
        }
    }
    drop(peer);
    assert_eq!(stats(&mut find(&connector, ip)).host, "two");
    let took = started.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn a_desktop_that_leaves_and_returns_is_linked_again() {
    if !ready() {
        return;
    }
    let lan = Lan::new(1);
    let (mut board, ip) = board(&lan, &[]);
    for _ in 0..3 {
        let connector = lan.host(0).enter(connector);
        let mut peer = find(&connector, ip);
        stats(&mut peer);
        drop((peer, connector));
        board.process().expect_line(PATIENCE, |line| {
            line.starts_with("machine") && line.contains("gone: the peer closed the link")
        });
    }
}

#[test]
fn a_pulled_cable_is_survived() {
    if !ready() {
        return;
    }
    let lan = Lan::new(1);
    let (mut board, ip) = board(&lan, &[]);
    let connector = lan.host(0).enter(connector);
    let mut peer = find(&connector, ip);
    stats(&mut peer);

    // A short break costs nothing.
    board.set_cable(false);
    board.says("link down");
    thread::sleep(Duration::from_secs(1));
    board.set_cable(true);
    board.says("link up");
    for _ in 0..2 {
        stats(&mut peer);
    }

    // A long one ends the link on both sides, and both find each other again.
    board.set_cable(false);
    board.process().expect_line(PATIENCE, |line| line.contains("gone: the connection broke"));
    while !matches!(peer.recv(Some(PATIENCE)), Err(RecvError::Ended(_))) {}
    drop(peer);
    board.set_cable(true);
    stats(&mut find(&connector, ip));
}

#[test]
fn an_idle_board_sleeps() {
    if !ready() {
        return;
    }
    let lan = Lan::new(1);
    let (board, ip) = board(&lan, &[]);
    let connector = lan.host(0).enter(connector);
    let mut peer = find(&connector, ip);
    stats(&mut peer);
    let load = board.load_over(Duration::from_secs(5));
    assert!(load < 0.1, "{load} of a processor");
    // Its own account of it agrees.
    let own = stats(&mut peer).cpu_percent;
    assert!(own < 10.0, "{own} %");
}
