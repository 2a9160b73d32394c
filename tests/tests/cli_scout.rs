//! `cable-car scout`: who is on the network, without a word to them.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]
#![cfg(target_os = "linux")]

use std::{
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

use cable_car_std::{
    BroadcastConnector, Instance,
    cable_car::discovery::{Announcement, LONGEST, Service},
};
use cable_car_tests::{
    netns::{Host, Lan},
    process::{PATIENCE, Process},
    python::Peer,
    require::{Need, require, require_all},
    tool::{self, exit_code, expect_text},
};
use serde_json::Value;

fn start(host: &Host, service: &str) -> BroadcastConnector {
    host.enter(|| BroadcastConnector::builder().service(service).start()).unwrap()
}

fn beacon(instance: u64, service: &str) -> Vec<u8> {
    let announcement = Announcement {
        instance: Instance::new(instance),
        tcp_port: 8223,
        service: Service::new(service).unwrap(),
        goodbye: false,
        answer: false,
    };
    announcement.write(&mut [0; LONGEST]).to_vec()
}

/// Sends one datagram from a host to the beacon port of its network.
fn broadcast(lan: &Lan, host: &Host, datagram: &[u8]) {
    let socket = host.enter(|| UdpSocket::bind("0.0.0.0:0")).unwrap();
    socket.set_broadcast(true).unwrap();
    socket.send_to(datagram, SocketAddr::from((lan.broadcast(), 8222))).unwrap();
}

#[test]
fn our_programs_and_python_programs_are_seen_and_not_disturbed() {
    if !require_all(&[Need::Namespaces, Need::Peer]) {
        return;
    }
    let lan = Lan::new(3);
    let mut connector = start(lan.host(1), "pong");
    let mut python = Peer::spawn_on(lan.host(2), &["broadcast"]);
    python.expect("connected");
    let mut scout = tool::events_on(lan.host(0), &["scout", "--for", "60"]);

    let extended = scout.expect_where(|event| event["kind"] == "extended");
    assert_eq!(extended["event"], "found");
    assert_eq!(extended["peer"], format!("{}:8223", lan.host(1).ip()));
    assert_eq!((&extended["service"], &extended["tcp_port"]), (&"pong".into(), &8223.into()));
    assert_eq!(extended["interface"], "eth0");
    assert_eq!(extended["instance"].as_str().map(str::len), Some(16));
    assert!(extended["t"].is_f64());
    let legacy = scout.expect_where(|event| event["kind"] == "legacy");
    assert_eq!(
        (&legacy["event"], &legacy["peer"]),
        (&"found".into(), &lan.host(2).ip().to_string().into())
    );
    assert_eq!((&legacy["service"], &legacy["tcp_port"]), (&Value::Null, &Value::Null));

    // Neither has taken the listener for a peer.
    assert_eq!(connector.addresses(), [lan.host(2).ip()]);
    assert!(!python.has("connected", Duration::ZERO));

    connector.stop();
    let left = scout.expect("left");
    assert_eq!(left["instance"], extended["instance"]);
    scout.process().signal("INT");
    assert_eq!(exit_code(scout.process()), 0);
    for kind in ["legacy", "extended"] {
        let peer = scout.expect_where(|event| event["event"] == "peer" && event["kind"] == kind);
        assert!(peer["age"].as_f64().unwrap() < 60.0, "{peer}");
    }
}

#[test]
fn lines_are_for_scripts_and_hostile_names_are_made_plain() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(2);
    let evil = "\u{1b}[2J\u{9b}1m\u{202e}pöng";
    let mut lines = Process::spawn(tool::command_on(lan.host(0), &["scout", "--for", "60"]));
    let mut json = tool::events_on(lan.host(0), &["scout", "--for", "60"]);
    expect_text(&lines, "listening to beacons on UDP 8222 for 60 s");
    expect_text(json.process(), "listening");
    for junk in [&b"BROADCAS"[..], b"", b"BROADCAST\x00\x01\x02\x03", &[0xff; 300]] {
        broadcast(&lan, lan.host(1), junk);
    }
    broadcast(&lan, lan.host(1), &beacon(0x1dea, evil));
    let line = lines.next_line(PATIENCE).unwrap();
    let ip = lan.host(1).ip();
    let expected = format!(
        r"  {ip}:8223  found  extended  \u{{1b}}[2J\u{{9b}}1m\u{{202e}}pöng  0000000000001dea  8223  eth0"
    );
    assert!(line.ends_with(&expected), "{line:?}");
    let found = json.expect("found");
    assert_eq!(found["service"], evil);
    let transcript = json.process().transcript();
    assert!(!transcript.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{transcript:?}");
    lines.signal("TERM");
    assert_eq!(exit_code(&mut lines), 0);
}

#[test]
fn nobody_there_and_a_port_that_is_taken_are_told_with_what_to_do() {
    if !require_all(&[Need::Namespaces, Need::Peer]) {
        return;
    }
    let lan = Lan::new(1);
    let run = tool::run(tool::command_on(lan.host(0), &["scout", "--for", "0.2"]));
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    assert!(run.stderr.contains("no beacon was heard; `cable-car doctor`"), "{}", run.stderr);

    // Python does not share the port.
    let mut python = Peer::spawn_on(lan.host(0), &["broadcast"]);
    python.expect("ready");
    let id = python.process().id();
    for command in ["scout", "join"] {
        let run = tool::run(tool::command_on(lan.host(0), &[command]));
        assert_eq!((run.code, run.stdout.as_str()), (Some(3), ""), "{command}");
        let words = ["UDP port 8222", &format!("(process {id})"), "udp", "connect 127.0.0.1"];
        for words in words {
            assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
        }
    }
    let mut scout = tool::events_on(lan.host(0), &["scout"]);
    let error = scout.expect("error");
    assert!(error["error"].as_str().unwrap().contains("--udp-port"), "{error}");
}

/// The tool shares a machine with the programs that it looks at, network or not.
#[test]
fn programs_of_the_same_machine_are_seen() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(1);
    lan.host(0).remove_network();
    let _connector = start(lan.host(0), "");
    let mut scout = tool::events_on(lan.host(0), &["scout", "--for", "60"]);
    let found = scout.expect("found");
    assert_eq!((&found["peer"], &found["interface"]), (&"127.0.0.1:8223".into(), &"lo".into()));
}
