//! `cable-car join`, `connect` and `listen`: what comes is shown, what is typed is sent.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]
#![cfg(target_os = "linux")]

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use cable_car_tests::{
    events::Events,
    netns::Lan,
    process::{PATIENCE, Process, run, unused_tcp_port, unused_udp_port},
    python::Peer,
    require::{Need, require, require_all},
    tool::{self, exit_code, expect_text},
};
use serde_json::{Value, json};

/// `connect` with these arguments to a socket of the test.
fn connected(arguments: &[&str]) -> (Process, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let arguments = [&["connect", &address], arguments].concat();
    let tool = Process::spawn(tool::command(&arguments));
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    (tool, stream)
}

/// The next so many bytes from the tool.
fn bytes(stream: &mut TcpStream, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

#[test]
fn json_messages_pass_both_ways_with_a_python_program() {
    if !require_all(&[Need::Namespaces, Need::Peer]) {
        return;
    }
    let lan = Lan::new(2);
    let mut python = Peer::spawn_on(lan.host(1), &["broadcast", "--transport", "json"]);
    python.expect("ready");
    let mut join = tool::events_on(lan.host(0), &["join"]);
    let connected = join.expect("connected");
    assert_eq!(connected["kind"], "legacy");
    assert!(connected["peer"].as_str().unwrap().starts_with(&lan.host(1).ip().to_string()));
    python.expect("connected");

    join.process().send_line(r#"["Echo", {"text": "é\u001b", "numbers": [1, -2.5, null, true]}]"#);
    let message = python.expect("message");
    let attributes = json!({"text": "é\u{1b}", "numbers": [1, -2.5, null, true]});
    assert_eq!((&message["name"], &message["attributes"]), (&"Echo".into(), &attributes));

    let sent = json!({
        "host": "vm", "load": [3.2, 1e22], "nothing": {"$float": "nan"},
        "big": {"$int": "1267650600228229401496703205376"}, "evil": "\u{1b}[2J\u{9b}",
    });
    python.send_name("MsgStats", sent);
    let message = join.expect("message");
    assert_eq!(message["peer"], connected["peer"]);
    assert_eq!(message["name"], "MsgStats");
    let attributes = &message["attributes"];
    assert_eq!((&attributes["host"], &attributes["load"]), (&"vm".into(), &json!([3.2, 1e22])));
    assert_eq!(
        (&attributes["nothing"], &attributes["evil"]),
        (&"NaN".into(), &"\u{1b}[2J\u{9b}".into())
    );
    let transcript = join.process().transcript();
    assert!(transcript.contains("1267650600228229401496703205376"), "{transcript}");
    assert!(!transcript.contains(['\u{1b}', '\u{9b}']), "{transcript:?}");

    python.send(&json!({"cmd": "quit"}));
    let closed = join.expect("closed");
    assert_eq!(closed["reason"], "the peer closed the link");
    join.process().signal("INT");
    assert_eq!(exit_code(join.process()), 0);
}

#[test]
fn byte_messages_pass_both_ways_with_a_python_program() {
    if !require_all(&[Need::Namespaces, Need::Peer]) {
        return;
    }
    let lan = Lan::new(2);
    let mut python = Peer::spawn_on(lan.host(1), &["broadcast", "--transport", "byte"]);
    python.expect("ready");
    let arguments = ["join", "--transport", "byte", "--once"];
    let mut events = tool::events_on(lan.host(0), &arguments);
    events.expect("connected");
    python.expect("connected");
    events.process().send_line("0x11 7b 666f 0x6f");
    let message = python.expect("message");
    assert_eq!((&message["code"], &message["payload"]), (&0x11.into(), &"7b666f6f".into()));
    python.send_code(0x7f, &[0x1b, b'[', 0, 0xff]);
    let message = events.expect("message");
    assert_eq!((&message["code"], &message["payload"]), (&0x7f.into(), &"1b5b00ff".into()));
    python.send_name("MsgJoin", json!({}));
    let message = events.expect("message");
    assert_eq!((&message["code"], &message["payload"]), (&2.into(), &"".into()));
    // Ctrl-C is a goodbye: the peer sees the end of the link.
    events.process().signal("INT");
    python.expect("eof");
    assert_eq!(events.expect("closed")["reason"], "this side closed the link");
    assert_eq!(exit_code(events.process()), 0);

    // The same for people; Python had a connection with this address, and is dialled.
    let mut lines = Process::spawn(tool::command_on(lan.host(0), &arguments));
    let line = lines.expect_line(PATIENCE, |line| line.contains("connected"));
    assert!(line.ends_with(":8223  connected, a legacy peer"), "{line:?}");
    python.expect("connected");
    python.send(&json!({"cmd": "send", "conn": 1, "code": 0x7f, "payload": "1b5b00ff41"}));
    let line = lines.next_line(PATIENCE).unwrap();
    assert!(line.ends_with("  0x7f  1b 5b 00 ff 41  .[..A"), "{line:?}");
    let identify = json!({"username": "ann", "hostname": "pc"});
    let identify = json!({"cmd": "send", "conn": 1, "name": "MsgIdentify", "attributes": identify});
    python.send(&identify);
    let line = lines.next_line(PATIENCE).unwrap();
    assert!(line.ends_with("  0x01  61 6e 6e 40 70 63  ann@pc  (Identify)"), "{line:?}");
    // With --once, all is over when the link is.
    python.send(&json!({"cmd": "quit"}));
    assert_eq!(exit_code(&mut lines), 0);
}

/// It shares its beacon port with nobody, and can be dialled all the same.
#[test]
fn a_python_program_of_the_same_machine_is_dialled() {
    if !require_all(&[Need::Namespaces, Need::Peer]) {
        return;
    }
    let lan = Lan::new(1);
    let mut python = Peer::spawn_on(lan.host(0), &["broadcast", "--transport", "json"]);
    python.expect("ready");
    let mut tool = tool::events_on(lan.host(0), &["connect", "127.0.0.1"]);
    tool.expect("connected");
    python.expect("connected");
    tool.process().send_line(r#"["MsgJoin",{}]"#);
    assert_eq!(python.expect("message")["name"], "MsgJoin");
    python.send_name("MsgRetry", json!({}));
    assert_eq!(tool.expect("message")["name"], "MsgRetry");
}

#[test]
fn several_of_ours_join_and_what_one_says_goes_to_all() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(2);
    let mut all: Vec<Events> = [0, 0, 1]
        .map(|host| tool::events_on(lan.host(host), &["join", "--service", "pong"]))
        .into();
    let mut stranger = tool::events_on(lan.host(1), &["join", "--service", "chess", "--for", "60"]);
    for tool in &mut all {
        for _ in 0..2 {
            let connected = tool.expect("connected");
            assert_eq!(connected["kind"], "extended");
        }
    }
    all[0].process().send_line(r#"["MsgJoin",{}]"#);
    for tool in &mut all[1..] {
        assert_eq!(tool.expect("message")["name"], "MsgJoin");
    }
    stranger.process().signal("TERM");
    assert_eq!(exit_code(stranger.process()), 1);
    assert!(!stranger.has("connected", Duration::ZERO));
    let transcript = stranger.process().transcript();
    assert!(transcript.contains("nobody was found; `cable-car scout`"), "{transcript}");
}

#[test]
fn one_interface_of_several_may_be_chosen() {
    if !require(Need::Namespaces) {
        return;
    }
    let (one, two) = (Lan::new(2), Lan::new(1));
    two.join(one.host(0));
    let _others = [(&one, 1), (&two, 0)]
        .map(|(lan, host)| tool::events_on(lan.host(host), &["join", "--for", "60"]));
    let mut tool = tool::events_on(one.host(0), &["join", "--interface", "eth1"]);
    let connected = tool.expect("connected");
    let ip = two.host(0).ip().to_string();
    assert!(connected["peer"].as_str().unwrap().starts_with(&ip), "{connected}");
    // The other one has been heard by now, if it is heard at all.
    tool.process().signal("INT");
    assert_eq!(exit_code(tool.process()), 0);
    assert!(!tool.has("connected", Duration::ZERO));

    let tool = Process::spawn(tool::command_on(one.host(0), &["join", "--interface", "eth7"]));
    expect_text(&tool, "no interface called eth7 has an IPv4 address; there are");
}

#[test]
fn one_may_be_a_peer_of_oneself() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(1);
    let mut tool = tool::events_on(lan.host(0), &["join", "--loopback"]);
    tool.expect("connected");
    tool.expect("connected");
    tool.process().send_line(r#"["MsgJoin",{"n":1}]"#);
    tool.process().close_stdin();
    // By each end of the link.
    for _ in 0..2 {
        assert_eq!(tool.expect("message")["attributes"], json!({"n": 1}));
    }
}

#[test]
fn a_listener_and_a_dialler_meet_and_files_are_sent_to_the_end() {
    let port = unused_tcp_port().to_string();
    let mut listen = tool::command(&["listen", "--tcp-port", &port, "--once", "--json"]);
    listen.stdin(Stdio::null());
    let mut listen = Events::spawn(listen);
    expect_text(listen.process(), &format!("listening on TCP port {port}"));
    let mut connect = Process::spawn(tool::command(&["connect", "127.0.0.1", "--tcp-port", &port]));
    for n in 0..3 {
        connect.send_line(&format!(r#"["Line",{{"n":{n}}}]"#));
    }
    // The end of a pipe ends nothing.
    connect.close_stdin();
    for n in 0..3 {
        assert_eq!(listen.expect("message")["attributes"]["n"], n);
    }
    listen.process().send_line(r#"["Answer",{}]"#);
    connect.expect_line(PATIENCE, |line| line.ends_with("  Answer {}"));
    connect.signal("INT");
    assert_eq!(exit_code(&mut connect), 0);
    assert_eq!(listen.expect("closed")["reason"], "the peer closed the link");
    assert_eq!(exit_code(listen.process()), 0);
}

#[test]
fn lines_that_are_no_messages_are_told_and_the_others_are_sent() {
    let (mut tool, mut peer) = connected(&["--transport", "byte", "--for", "60"]);
    for line in ["11 00", "MsgJoin", "11 0", "", "12"] {
        tool.send_line(line);
    }
    assert_eq!(bytes(&mut peer, 5), [3, 0x11, 0, 2, 0x12]);
    for words in [
        "line 2 is not sent: \"MsgJoin\" is no code",
        "line 3 is not sent: \"0\" has half a byte",
        "line 4 is not sent: an empty line",
    ] {
        expect_text(&tool, words);
    }
    drop(peer);
    assert_eq!(exit_code(&mut tool), 1);

    let (mut tool, mut peer) = connected(&[]);
    tool.send_line("[\"MsgJoin\"]");
    tool.send_line("\u{1b}[31m");
    tool.send_line("[\"MsgJoin\",{}]");
    let expected = b"[\"MsgJoin\",{}]\n";
    assert_eq!(bytes(&mut peer, expected.len()), expected);
    expect_text(&tool, "line 1 is not sent: not JSON of the form");
    expect_text(&tool, r#"write ["Name",{"attribute":value}], such as ["MsgJoin",{}]"#);
}

#[test]
fn a_line_that_is_no_message_keeps_no_other_back() {
    let (mut tool, mut peer) = connected(&[]);
    let expected = b"[\"MsgJoin\",{}]\n";
    // Both lines come at once, and nothing else until the first is there.
    for _ in 0..10 {
        tool.send_line("[\"MsgJoin\",{}]\nno message");
        assert_eq!(bytes(&mut peer, expected.len()), expected);
    }
    expect_text(&tool, "line 20 is not sent");
}

#[test]
fn what_is_typed_before_there_is_a_peer_waits_for_one() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(1);
    let mut tool = tool::events_on(lan.host(0), &["join"]);
    tool.process().send_line(r#"["First",{}]"#);
    tool.process().send_line(r#"["Second",{}]"#);
    expect_text(tool.process(), "nobody is connected: what is typed waits for a peer");
    let mut other = tool::events_on(lan.host(0), &["join"]);
    assert_eq!(other.expect("message")["name"], "First");
    assert_eq!(other.expect("message")["name"], "Second");

    // Nobody comes.
    let mut tool = tool::events_on(lan.host(0), &["join", "--service", "alone", "--for", "1"]);
    tool.process().send_line(r#"["Never",{}]"#);
    assert_eq!(exit_code(tool.process()), 1);
    expect_text(tool.process(), "not all of the input was sent");
    expect_text(tool.process(), "nobody was found; `cable-car scout`");
}

/// More than all buffers on the way hold: the input waits for the peer, and nothing is lost.
#[test]
fn a_large_file_goes_at_the_pace_of_the_peer() {
    const LINES: usize = 120_000;
    /// How many are written at once.
    const AT_ONCE: usize = 100;
    let (mut tool, mut peer) = connected(&["--transport", "byte"]);
    let payload = "ab".repeat(250);
    let memory = |id: u32| {
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
    };
    let at_start = memory(tool.id());
    let written = AtomicUsize::new(0);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for first in (0..LINES).step_by(AT_ONCE) {
                let lines: Vec<String> = (first..first + AT_ONCE)
                    .map(|n| format!("{:02x} {payload}", n % 256))
                    .collect();
                tool.send_line(&lines.join("\n"));
                written.store(first + AT_ONCE, Ordering::Relaxed);
            }
            tool
        });
        // The peer reads nothing until no more can be written, or, where the machine is slow, until
        // it would soon be taken for dead.
        let mut before = 0;
        for _ in 0..20 {
            thread::sleep(Duration::from_millis(250));
            let now = written.load(Ordering::Relaxed);
            if now > 0 && now == before {
                break;
            }
            before = now;
        }
        assert!(before < LINES, "all of it has gone somewhere");
        let mut total = 0;
        for n in 0..LINES {
            let frame = bytes(&mut peer, 252);
            assert_eq!((frame[0], frame[1]), (252, (n % 256) as u8), "frame {n}");
            total += frame.len();
        }
        let mut tool = writer.join().unwrap();
        // Of what it passed on, it never had more than a part.
        let grown = memory(tool.id()) - at_start;
        assert!(grown < total / 4, "{grown} of {total}");
        drop(peer);
        assert_eq!(exit_code(&mut tool), 0);
    });
}

#[test]
fn what_a_peer_does_wrong_is_told_and_the_exit_code_says_how_it_ended() {
    // A bad line costs the message alone.
    let (mut tool, mut peer) = connected(&["--json"]);
    peer.write_all(b"nonsense\n[\"Good\",{}]\n[\"Half").unwrap();
    let events = |tool: &mut Process| -> Value {
        serde_json::from_str(&tool.next_line(PATIENCE).unwrap()).unwrap()
    };
    assert_eq!(events(&mut tool)["event"], "connected");
    let error = events(&mut tool);
    assert_eq!(error["event"], "error");
    assert!(error["error"].as_str().unwrap().contains("line is not a message"), "{error}");
    assert_eq!(events(&mut tool)["name"], "Good");
    expect_text(&tool, "talk the other transport? Then say --transport byte");
    drop(peer);
    let closed = events(&mut tool);
    assert_eq!(closed["reason"], "the peer closed the link after 6 bytes of a frame");
    assert_eq!(exit_code(&mut tool), 1);

    // A length that no frame has costs the link.
    let (mut tool, mut peer) = connected(&["--transport", "byte"]);
    peer.write_all(&[2, 2, 0]).unwrap();
    tool.expect_line(PATIENCE, |line| line.ends_with("0x02  (Join)"));
    tool.expect_line(PATIENCE, |line| line.contains("closed: the peer sent frame length 0"));
    assert_eq!(exit_code(&mut tool), 1);
    expect_text(&tool, "Then say --transport json");

    // Each transport is known by its beginning.
    let (tool, mut peer) = connected(&[]);
    peer.write_all(&[2, 2]).unwrap();
    expect_text(&tool, "bytes came on a JSON link");
    expect_text(&tool, "Then say --transport byte");
    let (tool, mut peer) = connected(&["--transport", "byte"]);
    peer.write_all(&b"[\"MsgStats\",{\"host\":\"vm\"}]\n".repeat(4)).unwrap();
    expect_text(&tool, "Then say --transport json");
}

#[test]
fn a_peer_that_is_not_there_is_told_with_what_to_do() {
    let port = unused_tcp_port();
    let address = format!("127.0.0.1:{port}");
    let run = tool::run(tool::command(&["connect", &address]));
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    assert!(
        run.stderr.contains(&address) && run.stderr.contains("no program listens on that port")
    );

    let run = tool::run(tool::command(&["connect", "no.such.host.invalid", "--json"]));
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr.contains("the name \"no.such.host.invalid\" is not known"),
        "{}",
        run.stderr
    );
    let event: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(event["event"], "error");

    let listener = TcpListener::bind(("0.0.0.0", port)).unwrap();
    let run = tool::run(tool::command(&["listen", "--tcp-port", &port.to_string()]));
    assert_eq!((run.code, run.stdout.as_str()), (Some(3), ""));
    for words in
        ["can not be listened on", &format!("(process {})", std::process::id()), "--tcp-port"]
    {
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
    }
    drop(listener);
}

/// Leaves a process no descriptor beside those that it has.
fn without_more_descriptors(process: &Process) {
    let pid = process.id().to_string();
    let open: BTreeSet<u32> = fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap())
        .collect();
    let free = (0..).find(|number| !open.contains(number)).unwrap();
    run(Command::new("prlimit").args(["--pid", &pid, &format!("--nofile={free}:")])).unwrap();
}

/// What the system refuses while all goes on is told to people and to programs.
#[test]
fn what_the_system_refuses_meanwhile_is_told() {
    let port = unused_udp_port().to_string();
    let arguments = ["join", "--interface", "lo", "--udp-port", &port, "--json"];
    let mut tool = Events::spawn(tool::command(&arguments));
    expect_text(tool.process(), "looking for peers");
    without_more_descriptors(tool.process());
    let refused = "the interfaces of this machine can not be listed: Too many open files";
    let error = tool.expect("error");
    assert!(error["error"].as_str().unwrap().contains(refused), "{error}");
    expect_text(tool.process(), refused);

    let port = unused_tcp_port();
    let mut tool =
        Events::spawn(tool::command(&["listen", "--tcp-port", &port.to_string(), "--json"]));
    expect_text(tool.process(), "listening on TCP port");
    without_more_descriptors(tool.process());
    let _peer = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let refused = "a peer could not be let in: Too many open files";
    let error = tool.expect("error");
    assert!(error["error"].as_str().unwrap().contains(refused), "{error}");
    expect_text(tool.process(), refused);
}

/// A person who waits is told, once, what may be wrong.
#[test]
fn silence_is_explained() {
    let (tool, peer) = connected(&["--transport", "json"]);
    expect_text(
        &tool,
        "no message yet; a peer that talks the other transport is understood with --transport byte",
    );
    drop(peer);
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(1);
    lan.host(0).remove_network();
    let tool = Process::spawn(tool::command_on(lan.host(0), &["join"]));
    expect_text(&tool, "no network is up");
    expect_text(&tool, "nobody yet; `cable-car scout` shows who is there");
    let before = tool.cpu_time().unwrap();
    thread::sleep(Duration::from_secs(2));
    let busy = tool.cpu_time().unwrap() - before;
    assert!(busy < Duration::from_millis(400), "{busy:?} of two seconds");
}
