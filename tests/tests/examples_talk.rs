//! The examples that people talk and play with: `chat`, `ball`, `game_loop`, and `plot` with its
//! sensors; by twos, against the Python package, and as their user meets them.

use std::{net::UdpSocket, process::Command, thread, time::Duration};

use cable_car_tests::{
    firmware::Firmware,
    netns::{Host, Lan},
    process::{PATIENCE, Process, run, unused_tcp_port, unused_udp_port},
    program::program,
    python::Peer,
    require::{Need, require, require_all},
};
use serde_json::{Value, json};

const PROGRAMS: [&str; 4] = ["chat", "ball", "game_loop", "plot"];

fn start_on(host: &Host, name: &str, arguments: &[&str]) -> Process {
    let mut command = host.command(program(name));
    command.args(arguments);
    Process::spawn(command)
}

/// A chat of two who have met.
fn chat(ann: &Host, bob: &Host) -> (Process, Process) {
    let ann = start_on(ann, "chat", &["--name", "ann"]);
    let bob = start_on(bob, "chat", &["--name", "bob"]);
    ann.expect_text("bob is here, at ");
    bob.expect_text("ann is here, at ");
    (ann, bob)
}

#[test]
fn what_is_typed_in_one_chat_is_read_in_the_other() {
    if !require(Need::Namespaces) {
        return;
    }
    // On two machines, and on one.
    for hosts in [2, 1] {
        let lan = Lan::new(hosts);
        let (mut ann, mut bob) = chat(lan.host(0), lan.host(hosts - 1));
        ann.send_line("hello, \"bob\" 😀");
        ann.send_line("   ");
        bob.send_line("one\u{1b}[2Jtwo");
        for (process, line) in [(&mut bob, "ann: hello, \"bob\" 😀"), (&mut ann, "bob: one[2Jtwo")]
        {
            process.expect_line(PATIENCE, |other| other == line);
        }
        bob.send_line("/quit");
        ann.expect_text("bob has left");
        bob.expect_success();

        let mut carl = start_on(lan.host(hosts - 1), "chat", &["--name", "carl"]);
        ann.expect_text("carl is here, at ");
        ann.signal("TERM");
        carl.expect_text("ann has left");
        ann.expect_success();
        assert_eq!(carl.next_line(Duration::ZERO), None, "{}", carl.transcript());
    }
}

#[test]
fn a_python_program_takes_part_in_a_chat() {
    if !require_all(&[Need::Namespaces, Need::Peer]) {
        return;
    }
    let lan = Lan::new(2);
    let mut python = Peer::spawn_on(lan.host(1), &["broadcast", "--transport", "json"]);
    python.expect("ready");
    python.send(&json!({"cmd": "register", "name": "MsgChat"}));
    let mut ann = start_on(lan.host(0), "chat", &["--name", "ann"]);
    python.expect("connected");
    let identify = python.expect("message");
    assert_eq!(
        (&identify["name"], &identify["attributes"]["username"]),
        (&"MsgIdentify".into(), &"ann".into())
    );
    python.send_name("MsgIdentify", json!({"username": "guido", "hostname": "snake"}));
    ann.expect_text("guido is here, at snake");
    ann.send_line("hello, 😀");
    let message = python.expect("message");
    assert_eq!(message["name"], "MsgChat");
    assert_eq!(message["attributes"], json!({"text": "hello, 😀"}));
    python.send_name("MsgChat", json!({"text": "é"}));
    ann.expect_line(PATIENCE, |line| line == "guido: é");
    python.send_name("MsgJoin", json!({}));
    ann.expect_text("guido sent what is no chat: unknown message name \"MsgJoin\"");
    python.send_name("MsgQuit", json!({}));
    ann.expect_text("guido has left");
}

/// The number at the end of a line.
fn number(line: &str) -> i32 {
    let number = line.rsplit(' ').next().and_then(|number| number.parse().ok());
    number.unwrap_or_else(|| panic!("{line}"))
}

#[test]
fn a_ball_leaves_one_screen_and_enters_the_other_turned_around() {
    if !require(Need::Namespaces) {
        return;
    }
    for hosts in [2, 1] {
        let lan = Lan::new(hosts);
        let arguments = ["--auto", "--plain"];
        let mut ann = start_on(lan.host(0), "ball", &arguments);
        let mut bob = start_on(lan.host(hosts - 1), "ball", &arguments);
        let left = ann.expect_line(PATIENCE, |line| line.starts_with("the ball leaves at "));
        let came = bob.expect_line(PATIENCE, |line| line.starts_with("a ball comes at "));
        assert_eq!(number(&left) + number(&came), 1000, "{left}, {came}");
        ann.expect_line(PATIENCE, |line| line.starts_with("a ball comes at "));
        bob.signal("INT");
        bob.expect_success();
        ann.expect_text("the other player has left");
        let _bob = start_on(lan.host(hosts - 1), "ball", &arguments);
        ann.expect_line(PATIENCE, |line| line.ends_with(" is here"));
        ann.expect_line(PATIENCE, |line| line.starts_with("a ball comes at "));
    }
}

#[test]
fn a_python_program_plays_ball() {
    if !require_all(&[Need::Namespaces, Need::Peer]) {
        return;
    }
    let lan = Lan::new(2);
    let mut ann = start_on(lan.host(0), "ball", &["--auto", "--plain"]);
    let mut python = Peer::spawn_on(lan.host(1), &["broadcast", "--transport", "byte"]);
    python.expect("connected");
    for name in ["MsgIdentify", "MsgJoin"] {
        assert_eq!(python.expect("message")["name"], name);
    }
    python.send_name("MsgIdentify", json!({"username": "guido", "hostname": "snake"}));
    python.send_name("MsgJoin", json!({}));
    ann.expect_line(PATIENCE, |line| line == "guido is here");
    let ball = loop {
        let message = python.expect("message");
        match message["code"].as_u64() {
            Some(0x10) => break message["payload"].as_str().expect("hex").to_owned(),
            other => assert_eq!(other, Some(0x11), "{message}"),
        }
    };
    // >hhhh: x, y, and the speeds.
    let fields: Vec<u16> =
        (0..4).map(|at| u16::from_str_radix(&ball[at * 4..at * 4 + 4], 16).expect("hex")).collect();
    assert_eq!(ball.len(), 16);
    assert!((1000..1100).contains(&fields[0]) && fields[1] <= 1000, "{fields:?}");
    // x 1010, y 250, speeds 500 and 0, as its sender sees it.
    python.send_code(0x10, &[0x03, 0xf2, 0x00, 0xfa, 0x01, 0xf4, 0x00, 0x00]);
    ann.expect_line(PATIENCE, |line| line == "a ball comes at 750");
    python.send_code(0x12, &[]);
    ann.expect_line(PATIENCE, |line| line == "a point");
}

#[test]
fn everyone_walks_on_one_track() {
    if !require(Need::Namespaces) {
        return;
    }
    for hosts in [2, 1] {
        let lan = Lan::new(hosts);
        let mut walkers = [0, hosts - 1].map(|host| start_on(lan.host(host), "game_loop", &[]));
        for walker in &mut walkers {
            walker.expect_line(PATIENCE, |line| {
                let track = line.strip_suffix("] 1 others");
                track.is_some_and(|track| track.contains('o') && track.contains('@'))
            });
        }
        let [mut one, other] = walkers;
        other.signal("INT");
        other.expect_success();
        one.expect_line(PATIENCE, |line| line.ends_with("] 0 others"));
        one.send_line("q");
        one.expect_success();
    }
}

#[test]
fn readings_of_the_firmware_are_plotted() {
    if !require_all(&[Need::Namespaces, Need::Tap, Need::Firmware]) {
        return;
    }
    let lan = Lan::new(1);
    let mut plot = start_on(lan.host(0), "plot", &["--pace", "50"]);
    let ip = lan.tap("tap0");
    let mut board = Firmware::on_tap(&lan, "tap0", ip, &["--sensor", "--name", "tank"]);
    board.says(&format!("plot {}:", lan.host(0).ip()));
    board.process().expect_line(PATIENCE, |line| line.ends_with("wants a reading every 50 ms"));
    // It gets hot, and then its heater goes off.
    plot.expect_line(PATIENCE, |line| {
        line.starts_with("tank at ") && line.ends_with(" °C, heating")
    });
    plot.expect_line(2 * PATIENCE, |line| line.starts_with("tank at ") && line.ends_with(" °C"));
    plot.signal("TERM");
    plot.expect_success();
    board.process().expect_line(PATIENCE, |line| line.ends_with(" has left"));

    // It is found again by the next one.
    let mut plot = start_on(lan.host(0), "plot", &[]);
    plot.expect_line(PATIENCE, |line| line.starts_with("tank at "));
}

#[test]
fn each_can_be_tried_alone() {
    let cases: [(&str, &[&str], &str); 4] = [
        ("chat", &["--name", "ann"], "ann: hello"),
        ("ball", &["--auto", "--plain"], "a ball comes at "),
        ("game_loop", &[], "] 2 others"),
        ("plot", &["--plain"], "stand-in at "),
    ];
    for (name, arguments, words) in cases {
        let (udp, tcp) = (unused_udp_port().to_string(), unused_tcp_port().to_string());
        let mut command = Command::new(program(name));
        command.args(arguments).args(["--loopback", "--udp-port", &udp, "--tcp-port", &tcp]);
        let mut process = Process::spawn(command);
        if name == "chat" {
            process.expect_text("ann is here");
            process.send_line("hello");
            process.expect_line(PATIENCE, |line| line == words);
        }
        process.expect_line(PATIENCE, |line| line.contains(words));
        process.signal("INT");
        process.expect_success();
    }
}

#[test]
fn whoever_is_alone_is_told_so_and_why() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(1);
    lan.host(0).remove_network();
    for (name, words) in [
        ("chat", "chat: nobody else is here yet"),
        ("ball", "ball: looking for another player"),
        ("plot", "plot: no sensor is here yet"),
    ] {
        let process = start_on(lan.host(0), name, &["--plain"]);
        process.expect_text(words);
        process.expect_text(&format!("{name}: no network is up: only programs of this machine"));
        process.signal("INT");
        process.expect_success();
    }
}

#[test]
fn while_nobody_says_anything_they_sleep() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(2);
    let (ann, bob) = chat(lan.host(0), lan.host(1));
    let plot = start_on(lan.host(0), "plot", &["--plain"]);
    // Their starts are over.
    thread::sleep(Duration::from_millis(500));
    let processes = [ann, bob, plot];
    let used = |process: &Process| process.cpu_time().expect("Linux has namespaces");
    let before = processes.each_ref().map(used);
    thread::sleep(Duration::from_secs(2));
    for (process, before) in processes.iter().zip(before) {
        let used = used(process) - before;
        assert!(used <= Duration::from_millis(20), "{used:?} in 2 s: {}", process.transcript());
    }
}

#[test]
fn a_user_is_told_what_is_wrong() {
    let fails = |name: &str, arguments: &[&str], code: i32, words: &str| {
        let output = Command::new(program(name)).args(arguments).output().expect("it was built");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{name} {arguments:?}: {stderr}");
        assert!(stderr.contains(words) && !stderr.contains("panicked"), "{arguments:?}: {stderr}");
    };
    // They are held until the end of this test.
    let held = UdpSocket::bind("0.0.0.0:0").expect("an unused port");
    let udp = held.local_addr().expect("its address").port().to_string();
    let tcp = unused_tcp_port().to_string();
    for name in PROGRAMS {
        let plain: &[&str] = if name == "game_loop" { &[] } else { &["--plain"] };
        let ports = ["--loopback", "--for", "5", "--udp-port", &udp, "--tcp-port", &tcp];
        fails(name, &[plain, &ports].concat(), 1, &format!("UDP port {udp} "));
        fails(name, &["--for", "soon"], 2, "such as 3 or 0.5");
        fails(name, &["--tcp-port", "0"], 2, "1..=65535");
        fails(name, &["--unheard-of"], 2, "--help");
        let help = Command::new(program(name)).arg("--help").output().expect("it was built");
        let help = String::from_utf8_lossy(&help.stdout).into_owned();
        assert!(help.contains("--loopback") && help.contains("to leave"), "{help}");
    }
    let chat = Command::new(program("chat")).arg("--help").output().expect("it was built");
    assert!(
        String::from_utf8_lossy(&chat.stdout).contains("With --loopback a line is there twice")
    );
    fails("chat", &["--name", "a@b"], 1, "--name: username or hostname has an @");
    fails("chat", &["--name", " "], 1, "--name: give a name, such as ann");
    fails("ball", &["--loopback"], 1, "it needs a terminal to draw on; --plain");
    fails("plot", &["--pace", "5"], 2, "10..=10000");
}

#[test]
fn the_terminal_is_left_as_it_was() {
    if !require_all(&[Need::Namespaces, Need::Program("python3")]) {
        return;
    }
    let lan = Lan::new(1);
    for (name, words, leaves) in [
        ("chat", "nobody", &[r"hello\r/quit\r", r"\x1b", r"\x03", "SIGTERM"][..]),
        ("ball", "looking", &["q", r"\x03", "SIGHUP"]),
        ("plot", "beacon", &["q", r"\x1b", "SIGINT"]),
    ] {
        for leave in leaves {
            let mut command = lan.host(0).command("python3");
            command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/peers/terminal.py"));
            command.args([words, leave]).arg(program(name));
            let told = run(&mut command).expect("python3 is there");
            let told: Value = serde_json::from_str(&told).expect("it tells in JSON");
            assert_eq!(told["status"], 0, "{name} {leave}: {told}");
            for what in ["seen", "raw", "restored", "cursor"] {
                assert_eq!(told[what], true, "{what} of {name} by {leave}: {told}");
            }
            let screens = (&told["entered"], &told["left"]);
            assert_eq!(screens, (&1.into(), &1.into()), "{name} {leave}: {told}");
        }
    }
}
