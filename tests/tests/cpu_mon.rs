//! The example `cpu_mon`: against itself, against the Python program, and as its user meets it.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpStream, UdpSocket},
    process::{Command, Output},
    thread,
    time::{Duration, Instant},
};

use cable_car_tests::{
    netns::{Host, Lan},
    process::{PATIENCE, Process, run, unused_tcp_port, unused_udp_port},
    program::program,
    python,
    require::{Need, require, require_all},
};
use serde_json::Value;

/// Runs it to its end.
fn cpu_mon(arguments: &[&str]) -> Output {
    let output = Command::new(program("cpu_mon")).args(arguments).output();
    output.expect("it has just been built")
}

fn start(mut command: Command, arguments: &[&str]) -> Process {
    command.args(arguments);
    Process::spawn(command)
}

fn start_on(host: &Host, arguments: &[&str]) -> Process {
    start(host.command(program("cpu_mon")), arguments)
}

fn start_python_on(host: &Host) -> Process {
    let environment = python::environment().expect("it has been required");
    let mut command = host.command(environment.python());
    command.arg("-u").arg(environment.cpu_mon());
    Process::spawn(command)
}

/// The lines of a report of the Python program, or of ours behind its address.
const FIGURES: [&str; 6] = [
    "    CPU percent: ",
    "   Load average: ",
    " Memory percent: ",
    "   Memory total: ",
    "   Swap percent: ",
    "     Swap total: ",
];

/// Waits for a report of ours about the machine at `address`.
fn expect_report(process: &mut Process, address: &str) {
    let wanted = format!("        Address: {address}");
    process.expect_line(PATIENCE, |line| line == wanted);
    expect_figures(process);
}

fn expect_figures(process: &mut Process) {
    for figure in FIGURES {
        let line = process.next_line(PATIENCE).unwrap_or_default();
        assert!(line.starts_with(figure), "{figure}: {line}\n{}", process.transcript());
    }
}

#[test]
fn it_sees_itself() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(1);
    let ports = ["--udp-port", "9126", "--tcp-port", "9127"];
    let mut process = start_on(lan.host(0), &["--loopback", "--plain", "--for", "3"]);
    let mut other_ports = start_on(lan.host(0), &[&["-l", "--for", "3"], &ports[..]].concat());
    let address = lan.host(0).ip().to_string();
    for process in [&mut process, &mut other_ports] {
        expect_report(process, &address);
        let status = process.wait(PATIENCE).expect("it ends");
        assert!(status.success(), "{status}: {}", process.transcript());
    }
}

#[test]
fn two_of_ours_see_each_other() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(2);
    let mut one = start_on(lan.host(0), &["--plain", "-v", "--interval", "0.5"]);
    let mut other = start_on(lan.host(1), &["--plain", "-v", "--interval", "0.5"]);
    for _ in 0..3 {
        expect_report(&mut one, &lan.host(1).ip().to_string());
        expect_report(&mut other, &lan.host(0).ip().to_string());
    }

    other.signal("TERM");
    assert!(other.wait(PATIENCE).is_some_and(|status| status.success()), "{}", other.transcript());
    one.expect_text("lost: the peer closed the link");
    one.expect_text("no other machine any more: beacon sent to UDP 8226 every 0.5 s");
    let _other = start_on(lan.host(1), &["--plain", "--interval", "0.5"]);
    while one.next_line(Duration::ZERO).is_some() {}
    expect_report(&mut one, &lan.host(1).ip().to_string());
}

#[test]
fn ours_and_the_python_program_see_each_other() {
    if !require_all(&[Need::Namespaces, Need::Peer]) {
        return;
    }
    for ours_first in [true, false] {
        let lan = Lan::new(2);
        let start_ours = || start_on(lan.host(0), &["--plain", "-v"]);
        let (mut ours, mut theirs);
        if ours_first {
            ours = start_ours();
            ours.expect_text("no other machine yet");
            theirs = start_python_on(lan.host(1));
        } else {
            theirs = start_python_on(lan.host(1));
            // It says nothing until somebody is there.
            thread::sleep(Duration::from_millis(500));
            ours = start_ours();
        }
        // More than once: that both go on is the point.
        for _ in 0..2 {
            expect_report(&mut ours, &lan.host(1).ip().to_string());
            theirs.expect_line(PATIENCE, |line| line.starts_with("           Host: "));
            expect_figures(&mut theirs);
        }
        let transcript = ours.transcript();
        assert!(!transcript.contains("no report") && !transcript.contains("lost"), "{transcript}");
        let transcript = theirs.transcript();
        assert!(!transcript.contains("Error"), "{transcript}");
    }
}

#[test]
fn a_stranger_gets_the_line_and_may_send_what_it_likes() {
    let (udp, tcp) = (unused_udp_port().to_string(), unused_tcp_port());
    let ports = ["--udp-port", &udp, "--tcp-port", &tcp.to_string()];
    // By loopback, because a machine without a network could not start otherwise.
    let arguments = [&["--plain", "-v", "-l", "--interval", "60"], &ports[..]].concat();
    let mut process = start(Command::new(program("cpu_mon")), &arguments);
    process.expect_text("no other machine yet");
    let mut stream = TcpStream::connect(("127.0.0.1", tcp)).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket has a timeout");

    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line).expect("a report comes at once");
    let start = r#"["MsgStats",{"host":""#;
    assert!(line.starts_with(start) && line.ends_with("}]\n") && !line.contains(' '), "{line}");
    let message: Value = serde_json::from_str(&line).expect("it is JSON");
    let attributes = message[1].as_object().expect("attributes");
    for name in ["cpu_percent", "memory_percent", "swap_percent"] {
        let percent = attributes[name].as_f64().expect("a number");
        assert!((0.0..=100.0).contains(&percent), "{line}");
    }
    assert_eq!(attributes["load_avg"].as_array().map(Vec::len), Some(3), "{line}");
    assert!(attributes["memory_total"].as_u64() > Some(0), "{line}");
    assert!(attributes["swap_total"].is_u64(), "{line}");

    let lines = [
        r#"["MsgOther",{}]"#,
        "this is no message",
        r#"["MsgStats",{"host":5}]"#,
        r#"["MsgStats",{"temp":45.25,"host":"odd\u001b[2J\n","colour":"red"}]"#,
    ];
    stream.write_all((lines.join("\n") + "\n").as_bytes()).expect("it reads");
    drop(stream);
    process.expect_line(PATIENCE, |line| line == "           Host: odd[2J");
    process.expect_line(PATIENCE, |line| line == "        Address: 127.0.0.1");
    process.expect_line(PATIENCE, |line| line == "    Temperature: 45.2 °C");
    process.expect_text("lost: the peer closed the link");
    let transcript = process.transcript();
    assert_eq!(transcript.matches("sent what is no report").count(), 3, "{transcript}");
}

#[test]
fn alone_it_says_what_it_waits_for() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(1);
    let started = Instant::now();
    let mut process = start_on(lan.host(0), &["--for", "0.5"]);
    let status = process.wait(PATIENCE).expect("it ends");
    assert!(status.success(), "{status}: {}", process.transcript());
    assert!(started.elapsed() >= Duration::from_millis(500));
    process.expect_text("no other machine yet: beacon sent to UDP 8226 every 3 s");
    assert!(process.next_line(PATIENCE).is_none(), "{}", process.transcript());
}

#[test]
fn without_a_network_it_says_so() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(1);
    lan.host(0).set_link(false);
    let mut process = start_on(lan.host(0), &["--plain", "--for", "1"]);
    let status = process.wait(PATIENCE).expect("it ends");
    assert_eq!(status.code(), Some(0));
    process.expect_text("no network is up");
}

#[test]
fn wrong_options_are_refused_with_advice() {
    for (arguments, advice) in [
        (&["--interval", "soon"][..], "such as 3 or 0.5"),
        (&["--interval", "-1"], "such as 3 or 0.5"),
        (&["--interval", "0.001"], "at least 0.05"),
        (&["--for", "1e99"], "such as 3 or 0.5"),
        (&["--udp-port", "0"], "1..=65535"),
        (&["--tcp-port", "65536"], "1..=65535"),
        (&["--unheard-of"], "--help"),
        (&["file"], "--help"),
    ] {
        let output = cpu_mon(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(advice), "{arguments:?}: {stderr}");
        assert!(output.stdout.is_empty());
    }
    let output = cpu_mon(&["--version"]);
    assert!(output.status.success() && output.stdout.starts_with(b"cpu_mon "));
    let output = cpu_mon(&["--help"]);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("[default: 8226]"));
}

#[test]
fn a_port_in_use_is_named() {
    // It is held until the end of this test.
    let held = UdpSocket::bind("0.0.0.0:0").expect("an unused port");
    let udp = held.local_addr().expect("its address").port().to_string();
    let tcp = unused_tcp_port().to_string();
    let output = cpu_mon(&["-l", "--for", "5", "--udp-port", &udp, "--tcp-port", &tcp]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    let named = format!("UDP port {udp} ");
    assert!(stderr.contains(&named) && stderr.contains("choose another"), "{stderr}");
}

#[test]
fn between_reports_it_sleeps() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(2);
    let mut processes = [0, 1].map(|host| start_on(lan.host(host), &["--interval", "60"]));
    // They have met, told each other, and have nothing to do but beacons for a minute.
    for (process, other) in processes.iter_mut().zip([1, 0]) {
        expect_report(process, &lan.host(other).ip().to_string());
    }
    let used = |process: &Process| process.cpu_time().expect("Linux has namespaces");
    let before = processes.each_ref().map(used);
    thread::sleep(Duration::from_secs(2));
    for (process, before) in processes.iter().zip(before) {
        let used = used(process) - before;
        assert!(used <= Duration::from_millis(20), "{used:?} in 2 s");
    }
}

#[test]
fn it_leaves_the_terminal_as_it_was() {
    if !require_all(&[Need::Namespaces, Need::Program("python3")]) {
        return;
    }
    let lan = Lan::new(1);
    // A table with a machine in it, one of those keys or signals, and the exit code.
    for leave in ["q", r"\x03", r"\x1b", "SIGTERM", "SIGINT"] {
        let mut command = lan.host(0).command("python3");
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/peers/terminal.py"));
        command.args([&lan.host(0).ip().to_string(), leave]);
        command.arg(program("cpu_mon")).arg("--loopback");
        let told = run(&mut command).expect("python3 is there");
        let told: Value = serde_json::from_str(&told).expect("it tells in JSON");
        assert_eq!(told["status"], 0, "{leave}: {told}");
        for what in ["seen", "raw", "restored", "cursor"] {
            assert_eq!(told[what], true, "{what} by {leave}: {told}");
        }
        assert_eq!((&told["entered"], &told["left"]), (&1.into(), &1.into()), "{leave}: {told}");
    }
}
