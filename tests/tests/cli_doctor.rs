//! `cable-car doctor`: each thing that keeps a peer from being found is named, with what to do.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]
#![cfg(target_os = "linux")]

use std::{
    net::{SocketAddr, TcpListener, UdpSocket},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use cable_car_std::{BroadcastConnector, Event};
use cable_car_tests::{
    events::Events,
    netns::{Host, Lan},
    ours::{eventually, start_and_tell},
    process::run,
    program,
    python::Peer,
    require::{Need, require, require_all},
    tool::{self, exit_code},
};
use serde_json::Value;

/// Long enough to hear those who send a beacon each second.
const LISTEN: &str = "1.5";

fn start(host: &Host, service: &str) -> BroadcastConnector {
    host.enter(|| BroadcastConnector::builder().service(service).start()).unwrap()
}

/// All that it found on a host, and the exit code.
fn examine(host: &Host, arguments: &[&str]) -> (Vec<Value>, i32) {
    let arguments = [&["doctor", "--for", LISTEN], arguments].concat();
    let mut doctor: Events = tool::events_on(host, &arguments);
    let verdict = doctor.expect("verdict");
    let code = exit_code(doctor.process());
    let findings: Vec<Value> = std::iter::from_fn(|| doctor.next_event(Duration::ZERO)).collect();
    let faults = findings.iter().filter(|finding| finding["result"] == "fault").count();
    assert_eq!(verdict["faults"], faults, "{findings:?}");
    assert_eq!(code, i32::from(faults > 0), "{findings:?}");
    (findings, code)
}

/// The one finding of a check with that result.
fn finding<'a>(findings: &'a [Value], check: &str, result: &str) -> &'a Value {
    let wanted = |finding: &&Value| finding["check"] == check && finding["result"] == result;
    let mut found = findings.iter().filter(wanted);
    let one = found.next().unwrap_or_else(|| panic!("no {check} {result}: {findings:#?}"));
    assert!(found.next().is_none(), "several {check} {result}: {findings:#?}");
    one
}

/// Whether its words, or what is to be done, have this.
fn says(finding: &Value, words: &str) {
    let text = format!("{} {}", finding["text"], finding["todo"]);
    assert!(text.contains(words), "{words:?}: {finding}");
}

/// Sends a datagram from a host each 100 ms, while `work` is done.
fn sending<T>(lan: &Lan, host: &Host, datagram: &[u8], work: impl FnOnce() -> T) -> T {
    let socket = host.enter(|| UdpSocket::bind("0.0.0.0:0")).unwrap();
    socket.set_broadcast(true).unwrap();
    let to = SocketAddr::from((lan.broadcast(), 8222));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                socket.send_to(datagram, to).unwrap();
                thread::sleep(Duration::from_millis(100));
            }
        });
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        done.store(true, Ordering::Relaxed);
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[test]
fn where_all_is_well_it_says_so_and_disturbs_nobody() {
    if !require_all(&[Need::Namespaces, Need::Peer]) {
        return;
    }
    let lan = Lan::new(3);
    let (ours, told) = start_and_tell(lan.host(1), BroadcastConnector::builder());
    let mut python = Peer::spawn_on(lan.host(2), &["broadcast"]);
    python.expect("connected");
    let (findings, code) = examine(lan.host(0), &[]);
    assert_eq!(code, 0, "{findings:#?}");
    says(finding(&findings, "interface", "ok"), &format!("beacons go to {}", lan.broadcast()));
    says(finding(&findings, "own-beacon", "ok"), "heard back by eth0");
    finding(&findings, "tcp-port", "ok");
    finding(&findings, "udp-port", "ok");
    let peers: Vec<&Value> = findings.iter().filter(|f| f["check"] == "peer").collect();
    assert_eq!(peers.len(), 2, "{findings:#?}");
    for (peer, host, kind) in [(peers[0], 1, "extended"), (peers[1], 2, "legacy")] {
        let ip = lan.host(host).ip();
        assert_eq!((&peer["result"], &peer["peer"]), (&"ok".into(), &format!("{ip}:8223").into()));
        says(peer, kind);
    }
    // A program of ours takes the dial and the beacons for what they are.
    assert_eq!(ours.addresses(), [lan.host(2).ip()]);
    let told: Vec<Event> = told.try_iter().collect();
    assert!(matches!(told[..], [Event::Joined { .. }]), "{told:?}");

    let run = tool::run(tool::command_on(lan.host(0), &["doctor", "--for", LISTEN]));
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.ends_with("\nnothing is wrong\n"), "{}", run.stdout);
    assert!(run.stdout.lines().all(|l| l.starts_with("ok     ") || l == "nothing is wrong"));
}

#[test]
fn a_peer_that_is_heard_and_can_not_be_dialled() {
    if !require_all(&[Need::Namespaces, Need::Nft]) {
        return;
    }
    let lan = Lan::new(2);
    let peer = format!("{}:8223", lan.host(1).ip());
    // Refused: nothing listens there.
    let (findings, _) = sending(&lan, lan.host(1), b"BROADCAST", || examine(lan.host(0), &[]));
    let refused = finding(&findings, "peer", "fault");
    assert_eq!(refused["peer"], peer);
    says(refused, "is heard, but refuses TCP port 8223");
    says(refused, "--tcp-port");
    // The right port, and all is well.
    let listener = lan.host(1).enter(|| TcpListener::bind("0.0.0.0:9000")).unwrap();
    let (findings, code) =
        sending(&lan, lan.host(1), b"BROADCAST", || examine(lan.host(0), &["--tcp-port", "9000"]));
    assert_eq!(code, 0, "{findings:#?}");
    drop(listener);

    // Filtered there.
    let _connector = start(lan.host(1), "");
    lan.host(1).filter("tcp dport 8223 drop");
    let (findings, _) = examine(lan.host(0), &[]);
    let filtered = finding(&findings, "peer", "fault");
    assert_eq!(filtered["peer"], peer);
    says(filtered, "TCP port 8223 does not answer: filtered by a firewall, likely");
    says(filtered, "on that machine: let tcp port 8223 in");
}

#[test]
fn a_firewall_of_this_machine() {
    if !require_all(&[Need::Namespaces, Need::Nft]) {
        return;
    }
    let lan = Lan::new(2);
    let _connector = start(lan.host(1), "");
    lan.host(0).filter("udp dport 8222 drop");
    let (findings, _) = examine(lan.host(0), &[]);
    let deaf = finding(&findings, "own-beacon", "fault");
    says(deaf, "not heard back by eth0: a firewall of this machine, likely");
    says(deaf, "let udp port 8222 in: `ufw allow 8222/udp`");
    finding(&findings, "beacons", "fault");

    lan.host(0).clear_faults();
    let mute = "add table inet out; add chain inet out leaving { type filter hook output priority 0; }; \
        add rule inet out leaving udp dport 8222 drop";
    run(lan.host(0).command("nft").arg(mute)).unwrap();
    let (findings, _) = examine(lan.host(0), &[]);
    let mute = finding(&findings, "own-beacon", "fault");
    says(mute, "beacons do not leave by eth0: ");
    says(mute, "let UDP port 8222 out");
}

#[test]
fn one_interface_of_several() {
    if !require(Need::Namespaces) {
        return;
    }
    let (one, two) = (Lan::new(2), Lan::new(1));
    two.join(one.host(0));
    let _connector = start(one.host(1), "");
    let (findings, code) = examine(one.host(0), &["--interface", "eth0"]);
    assert_eq!(code, 0, "{findings:#?}");
    says(finding(&findings, "interface", "ok"), "eth0");
    finding(&findings, "peer", "ok");
    let (findings, _) = examine(one.host(0), &["--interface", "eth1"]);
    says(finding(&findings, "own-beacon", "ok"), "eth1");
    finding(&findings, "beacons", "fault");
    let (findings, _) = examine(one.host(0), &["--interface", "eth7"]);
    says(finding(&findings, "interface", "fault"), "no interface called eth7");
    let there = format!("there are eth0 ({}), eth1 (", one.host(0).ip());
    says(finding(&findings, "interface", "fault"), &there);
    // There is one, and it is not looked at.
    assert!(!findings.iter().any(|f| f["check"] == "network"), "{findings:#?}");
    let (findings, _) = examine(one.host(0), &["--interface", "192.0.2.1"]);
    says(finding(&findings, "interface", "fault"), "no interface has the address 192.0.2.1");
}

/// What it says of a machine is what a connector does there.
#[test]
fn an_address_too_many_and_networks_too_many() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(2);
    let host = lan.host(0);
    let shell = |script: &str| {
        run(host.command("sh").args(["-ec", script])).unwrap_or_else(|error| panic!("{error}"));
    };
    // A second address in the same network.
    let [a, b, c, _] = host.ip().octets();
    shell(&format!("ip address add {a}.{b}.{c}.99/24 dev eth0"));
    let _other = start(lan.host(1), "");
    let (findings, code) = examine(host, &[]);
    assert_eq!(code, 0, "{findings:#?}");
    says(finding(&findings, "own-beacon", "ok"), "heard back by eth0");

    // Bridges of containers: eth0 and 14 of them are sent to beside 255.255.255.255.
    shell(
        "for bridge in $(seq 16); do
             ip link add br$bridge type veth peer name container$bridge
             ip address add 10.80.$bridge.1/24 dev br$bridge
             ip link set br$bridge up
             ip link set container$bridge up
         done",
    );
    let (findings, code) = examine(host, &[]);
    assert_eq!(code, 0, "{findings:#?}");
    let interfaces = findings.iter().filter(|it| it["check"] == "interface");
    let left_out: Vec<_> = interfaces.filter(|it| it["result"] == "note").collect();
    assert_eq!(left_out.len(), 2, "{findings:#?}");
    for (finding, bridge) in left_out.iter().zip([15, 16]) {
        says(finding, &format!("interface br{bridge}, 10.80.{bridge}.1/24: no beacons go there"));
    }
    let connector = start(host, "");
    let trouble = connector.trouble().unwrap();
    assert!(trouble.contains("not out by br15, br16: choose"), "{trouble}");
}

#[test]
fn no_network_and_nobody_there() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(1);
    let (findings, _) = examine(lan.host(0), &[]);
    let nobody = finding(&findings, "beacons", "fault");
    says(nobody, "no beacon of anybody else was heard on UDP 8222");
    says(nobody, "same subnet");
    assert_eq!(findings.iter().filter(|f| f["result"] == "fault").count(), 1, "{findings:#?}");

    lan.host(0).set_cable(false);
    let state = || run(lan.host(0).command("cat").arg("/sys/class/net/eth0/operstate")).unwrap();
    eventually("the machine sees that", || state().trim() != "up");
    let (findings, _) = examine(lan.host(0), &[]);
    says(finding(&findings, "interface", "note"), "no carrier");
    finding(&findings, "network", "fault");

    lan.host(0).remove_network();
    let connector = start(lan.host(0), "");
    let (findings, _) = examine(lan.host(0), &[]);
    says(finding(&findings, "network", "fault"), "no network is up");
    says(finding(&findings, "own-beacon", "ok"), "by loopback");
    assert_eq!(finding(&findings, "peer", "ok")["peer"], "127.0.0.1:8223");
    // The port is taken by a peer, which is well.
    let taken = finding(&findings, "tcp-port", "note");
    says(taken, &format!("(process {})", std::process::id()));

    drop(connector);
    run(lan.host(0).command("ip").args(["link", "set", "lo", "down"])).unwrap();
    let (findings, _) = examine(lan.host(0), &[]);
    says(finding(&findings, "interface", "fault"), "the loopback interface is down");
    assert!(!findings.iter().any(|f| f["check"] == "own-beacon"), "that is why: {findings:#?}");
}

/// A system that refuses to list them is no machine without a network.
#[test]
fn interfaces_that_can_not_be_listed() {
    // One descriptor beside those for what it writes: for its loader, then for the file that stands
    // in for its input.
    let mut shell = Command::new("sh");
    let script = "exec <&-; ulimit -n 3; exec \"$0\" doctor --json --for 0.1";
    shell.args(["-c", script]).arg(program::tool());
    let output = shell.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let findings: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let words = "the interfaces of this machine can not be listed: Too many open files";
    says(finding(&findings, "interface", "fault"), words);
    assert!(findings.iter().all(|it| it["check"] != "network"), "{findings:#?}");
    assert_eq!(output.status.code(), Some(1), "{text}");
}

#[test]
fn a_python_program_that_holds_the_port() {
    if !require_all(&[Need::Namespaces, Need::Peer]) {
        return;
    }
    let lan = Lan::new(1);
    let mut python = Peer::spawn_on(lan.host(0), &["broadcast"]);
    python.expect("ready");
    let (findings, _) = examine(lan.host(0), &[]);
    let held = finding(&findings, "udp-port", "fault");
    says(held, &format!("(process {}), which does not share it", python.process().id()));
    says(held, "end that program, or choose another --udp-port");
    // The process's other port.
    says(finding(&findings, "tcp-port", "note"), "python");
}

#[test]
fn another_service_and_what_is_no_beacon() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(2);
    let _connector = start(lan.host(1), "pong");
    let (findings, _) = examine(lan.host(0), &["--service", "chess"]);
    let other = finding(&findings, "other-service", "note");
    assert_eq!(other["peer"], format!("{}:8223", lan.host(1).ip()));
    says(other, r#"is of service \"pong\": \"chess\" is looked for"#);
    says(other, "`cable-car join --service pong`");
    finding(&findings, "beacons", "fault");

    let (findings, code) = examine(lan.host(0), &["--service", "pong"]);
    assert_eq!(code, 0, "{findings:#?}");
    finding(&findings, "peer", "ok");

    // A beacon of a version that never was, and a terminal's commands.
    let (findings, code) = sending(&lan, lan.host(1), b"BROADCAST\0\x1b[2J", || {
        examine(lan.host(0), &["--service", "pong"])
    });
    assert_eq!(code, 0, "{findings:#?}");
    let odd = finding(&findings, "other-version", "note");
    says(odd, "42 52 4f 41 44 43 41 53 54 00 1b 5b");
    assert!(!odd["text"].as_str().unwrap().contains('\u{1b}'), "{odd}");
}
