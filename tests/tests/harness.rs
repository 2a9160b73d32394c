//! The test support itself: Python against Python, with none of our protocol code in between.

use std::{
    iter,
    net::Ipv4Addr,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use cable_car_tests::{
    netns::{Host, Lan},
    process::{PATIENCE, Process, unused_tcp_port},
    python::{self, Peer},
    require::{Need, require, require_all},
};
use serde_json::{Value, json};

/// A Python server and a Python client, connected on 127.0.0.1.
fn connected(transport: &str, server_options: &[&str]) -> (Peer, Peer) {
    let port = unused_tcp_port().to_string();
    let mut server = vec!["server", &port, "--transport", transport];
    server.extend(server_options);
    let mut server = Peer::spawn(&server);
    server.expect("ready");
    let mut client = Peer::spawn(&["client", "127.0.0.1", &port, "--transport", transport]);
    server.expect("connected");
    let connected = client.expect("connected");
    assert_eq!(connected["remote"], format!("127.0.0.1:{port}"));
    (server, client)
}

/// Whether one host reaches another: a TCP port where nobody listens refuses.
fn reach(from: &Host, ip: Ipv4Addr) -> bool {
    let program = format!("exec 3<>/dev/tcp/{ip}/9");
    let output = from.command("timeout").args(["0.7", "bash", "-c", &program]).output();
    String::from_utf8_lossy(&output.expect("run bash").stderr).contains("refused")
}

/// Reached at last: a cable that was just plugged in, or a busy machine, may take its time.
fn reach_in_time(from: &Host, ip: Ipv4Addr) -> bool {
    let deadline = Instant::now() + PATIENCE;
    iter::repeat_with(|| reach(from, ip)).find(|&reached| reached || Instant::now() > deadline)
        == Some(true)
}

#[test]
fn bytes_go_there_and_back() {
    if !require(Need::Peer) {
        return;
    }
    let (mut server, mut client) = connected("byte", &["--echo"]);
    client.send_name("MsgIdentify", json!({"username": "ann", "hostname": "pc"}));
    client.send_code(0x11, b"{foo");
    client.send_code(0x12, &[0xff; 253]);
    for side in [&mut server, &mut client] {
        let identify = side.expect("message");
        assert_eq!(identify["code"], 1);
        assert_eq!(identify["payload"], "616e6e407063");
        assert_eq!(identify["attributes"], json!({"username": "ann", "hostname": "pc"}));
        let custom = side.expect("message");
        assert_eq!((&custom["code"], &custom["payload"]), (&json!(0x11), &json!("7b666f6f")));
        let longest = side.expect("message");
        assert_eq!(longest["payload"], Value::String("ff".repeat(253)));
    }

    client.send(&json!({"cmd": "close"}));
    client.expect("closed");
    server.expect("eof");
    assert_eq!(server.count(0), (3, 3));
}

#[test]
fn json_goes_there_and_back() {
    if !require(Need::Peer) {
        return;
    }
    let (mut server, mut client) = connected("json", &["--echo"]);
    let attributes = json!({"text": "é😀\n", "float": 1e22, "odd": {"$float": "nan"},
        "big": {"$int": "100000000000000000000"}, "lone": {"$utf16": "d83d"},
        "deep": [[{"none": null}], true]});
    client.send_name("Echo", attributes.clone());
    for side in [&mut server, &mut client] {
        let message = side.expect("message");
        assert_eq!(message["name"], "Echo");
        assert_eq!(message["attributes"], attributes);
    }

    client.send_name("MsgJoin", json!({}));
    assert_eq!(server.expect("message")["encoded"], r#"["MsgJoin",{}]"#);
    client.send_name("Unheard", json!({}));
    assert!(server.expect("error")["text"].as_str().is_some_and(|t| t.contains("Unheard")));
}

#[test]
fn a_bulk_arrives_whole() {
    if !require(Need::Peer) {
        return;
    }
    for transport in ["byte", "json"] {
        let (mut server, mut client) = connected(transport, &["--quiet"]);
        client.send(&json!({"cmd": "bulk", "count": 3000, "size": 20}));
        assert_eq!(client.expect("bulk_sent")["sent"], 3000);
        let deadline = Instant::now() + PATIENCE;
        while server.count(0).0 < 3000 {
            assert!(Instant::now() < deadline, "{}", server.process().transcript());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn a_peer_ends_with_its_input() {
    if !require(Need::Peer) {
        return;
    }
    let port = unused_tcp_port().to_string();
    let mut peer = Peer::spawn(&["server", &port]);
    peer.expect("ready");
    peer.process().close_stdin();
    assert!(peer.process().wait(PATIENCE).is_some_and(|status| status.success()));

    let mut peer = Peer::spawn(&["server", &port, "--for", "0.1"]);
    assert!(peer.process().wait(PATIENCE).is_some());
}

#[test]
fn the_example_program_is_there() {
    if !require(Need::Peer) {
        return;
    }
    let environment = python::environment().expect("it has just been required");
    let mut command = Command::new(environment.python());
    command.arg(environment.cpu_mon()).arg("--help");
    let mut help = Process::spawn(command);
    assert!(help.wait(PATIENCE).is_some_and(|status| status.success()), "{}", help.transcript());
}

#[test]
fn two_hosts_find_each_other() {
    if !require_all(&[Need::Peer, Need::Namespaces]) {
        return;
    }
    let lan = Lan::new(2);
    let options = ["broadcast", "--interval", "0.2", "--transport", "byte"];
    let mut one = Peer::spawn_on(lan.host(0), &options);
    let mut two = Peer::spawn_on(lan.host(1), &options);
    assert_eq!(one.expect("connected")["ip"], lan.host(1).ip().to_string());
    assert_eq!(two.expect("connected")["ip"], lan.host(0).ip().to_string());

    for peer in [&mut one, &mut two] {
        peer.send(&json!({"cmd": "stop"}));
        assert_eq!(peer.expect("stopped")["addresses"].as_array().map(Vec::len), Some(1));
    }
    one.send_code(0x20, &[0]);
    assert_eq!(two.expect("message")["code"], 0x20);

    let mut server = Peer::spawn_on(lan.host(0), &["server", "7000", "--bind", "0.0.0.0"]);
    server.expect("ready");
    let address = lan.host(0).ip().to_string();
    let mut client = Peer::spawn_on(lan.host(1), &["client", &address, "7000"]);
    client.expect("connected");
    assert_eq!(server.expect("connected")["ip"], lan.host(1).ip().to_string());
}

#[test]
fn links_and_routes_come_and_go() {
    if !require(Need::Namespaces) {
        return;
    }
    let mut lan = Lan::without_default_route(1);
    let added = lan.add_host();
    let (here, there) = (lan.host(0), lan.host(added));
    assert!(reach_in_time(here, there.ip()));
    there.set_cable(false);
    assert!(!reach(here, there.ip()));
    there.set_cable(true);
    assert!(reach_in_time(here, there.ip()));

    let route = |host: &Host| {
        let output = host.command("ip").args(["route", "show", "default"]).output();
        !output.expect("run ip").stdout.is_empty()
    };
    assert!(!route(here));
    here.add_default_route();
    assert!(route(here));

    let other = Lan::new(1);
    assert!(!reach(here, other.host(0).ip()));
    let second = other.join(here);
    assert_ne!(second, here.ip());
    assert!(reach_in_time(here, other.host(0).ip()));

    if require(Need::Tap) {
        let address = lan.tap("tap0");
        assert!(lan.hosts().iter().all(|host| host.ip() != address));
    }

    let [a, b, c, _] = lan.host(added).ip().octets();
    lan.host_mut(added).set_address(Ipv4Addr::new(a, b, c, 50));
    assert!(reach_in_time(lan.host(0), lan.host(added).ip()));
    lan.host(added).set_link(false);
    assert!(!reach(lan.host(0), lan.host(added).ip()));
}

#[test]
fn wires_have_faults() {
    if !require_all(&[Need::Namespaces, Need::Nft]) {
        return;
    }
    let lan = Lan::new(2);
    let (here, there) = (lan.host(0), lan.host(1));
    there.filter("tcp dport 9 drop");
    assert!(!reach(here, there.ip()));
    there.clear_faults();
    assert!(reach_in_time(here, there.ip()));
    there.lose(100);
    assert!(!reach(here, there.ip()));
    there.clear_faults();
    there.lose(1); // what is lost is up to chance: that the rule is taken is all
    there.clear_faults();
    there.clear_faults();

    here.slow(1000);
    assert!(reach_in_time(here, there.ip()));
    here.clear_slow();
    // Kernels differ: whether it is there is the answer.
    if here.netem("delay 5ms").is_ok() {
        assert!(reach_in_time(here, there.ip()));
    }
}

#[test]
fn a_lan_leaves_nothing_behind() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(1);
    let name = lan.host(0).namespace().to_owned();
    let mut sleeper = lan.host(0).command("sleep");
    sleeper.arg("60");
    let mut sleeper = Process::spawn(sleeper);
    let names = || {
        let output = Command::new("ip").args(["netns", "list"]).output().expect("run ip");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(names().contains(&name));
    drop(lan);
    assert!(!names().contains(&name));
    assert!(sleeper.wait(PATIENCE).is_some(), "what ran in the namespace has ended");
}
