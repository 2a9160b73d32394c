//! `cable-car` as a shell and a terminal meet it: mistakes, pages, pipes, colours.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]
#![cfg(unix)]

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    process::{Command, Stdio},
    thread,
};

use cable_car_tests::{
    netns::Lan,
    process::run,
    program,
    require::{Need, require, require_all},
    tool,
};
use serde_json::Value;

#[test]
fn a_mistake_on_the_command_line_is_told_with_what_to_write() {
    for (arguments, words) in [
        (&[][..], "Usage: cable-car"),
        (&["scuot"], "a similar subcommand exists: 'scout'"),
        (&["join", "--transport", "bytes"], "[possible values: byte, json]"),
        (&["join", "--udp-port", "0"], "--udp-port <PORT>"),
        (&["join", "--tcp-port", "70000"], "70000 is not in 1..=65535"),
        (&["scout", "--for", "-1"], "give a number of seconds"),
        (&["scout", "--for", "soon"], "such as 3 or 0.5"),
        (&["scout", "--for", "1e300"], "up to a year's"),
        (&["join", "--service", "a name that is longer than 32 bytes"], "longer than 32 bytes"),
        (&["connect"], "<ADDRESS[:PORT]>"),
        (
            &["connect", "pc:x"],
            "\"pc:x\" has no port from 1 to 65535: give an address or a host name",
        ),
        (&["connect", ":1"], "has no host"),
        (&["scout", "--jsn"], "--json"),
        (&["completions", "tcsh"], "bash"),
        (&["man", "scuot"], "there are scout, join, connect, listen, doctor"),
    ] {
        let run = tool::run(tool::command(arguments));
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{arguments:?}: {run:?}");
        assert!(run.stderr.contains(words), "{arguments:?}: {words}: {}", run.stderr);
    }
}

#[test]
fn the_tool_explains_itself() {
    let help = tool::run(tool::command(&["--help"]));
    assert_eq!(help.code, Some(0));
    for words in ["scout", "doctor", "--udp-port", "Exit codes:", "Ctrl-C"] {
        assert!(help.stdout.contains(words), "{words}: {}", help.stdout);
    }
    for command in ["join", "connect", "listen"] {
        let help = tool::run(tool::command(&[command, "--help"]));
        for words in ["0x11 7b666f6f", "[\"MsgJoin\",{}]", "Ctrl-D", "[default: json]"] {
            assert!(help.stdout.contains(words), "{command}: {words}: {}", help.stdout);
        }
    }
    let version = tool::run(tool::command(&["--version"]));
    assert_eq!(version.stdout, concat!("cable-car ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn manual_pages_and_completions_come_from_the_tool() {
    let page = tool::run(tool::command(&["man"]));
    assert!(page.stdout.contains(".TH cable-car 1") && page.code == Some(0), "{page:?}");
    assert!(page.stdout.contains("Exit codes"), "{}", page.stdout);
    for command in ["scout", "join", "connect", "listen", "doctor", "completions", "man"] {
        let page = tool::run(tool::command(&["man", command])).stdout;
        assert!(page.contains(&format!(".TH cable-car-{command} 1")), "{page}");
        assert!(page.contains("udp\\-port"), "options of all: {page}");
    }
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = tool::run(tool::command(&["completions", shell])).stdout;
        assert!(script.contains("cable-car") && script.contains("scout"), "{shell}: {script}");
    }
    let script = tool::run(tool::command(&["completions", "bash"])).stdout;
    let mut bash = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
    bash.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(bash.wait().unwrap().success());
}

/// Whoever reads may stop to, as `head` does.
#[test]
fn a_pipe_that_is_closed_ends_it_without_a_word() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut command = tool::command(&["connect", &address]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut tool = command.spawn().unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    let mut line = String::new();
    BufReader::new(tool.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.ends_with("connected\n"), "{line}");
    // Until it has noticed; a test that goes on too long is ended by its harness's patience.
    thread::spawn(move || while peer.write_all(b"[\"MsgJoin\",{}]\n").is_ok() {});
    let output = tool.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(!stderr.contains("panicked") && !stderr.contains("roken pipe"), "{stderr}");

    let mut pages = tool::command(&["completions", "bash"]);
    let mut pages = pages.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(pages.stdout.take());
    let output = pages.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), vec![]));
}

/// What became of a run on a terminal of its own: see `peers/terminal.py`.
fn on_terminal(mut command: Command, text: &str, leave: &str, arguments: &[&str]) -> (i64, String) {
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/peers/terminal.py")).args([text, leave]);
    command.arg(program::tool()).args(arguments);
    let told: Value = serde_json::from_str(&run(&mut command).unwrap()).unwrap();
    assert_eq!((&told["seen"], &told["restored"]), (&true.into(), &true.into()), "{told}");
    (told["status"].as_i64().unwrap(), told["written"].as_str().unwrap().to_owned())
}

#[test]
fn a_terminal_gets_colours_a_live_table_and_ends_with_control_d() {
    if !require_all(&[Need::Namespaces, Need::Python]) {
        return;
    }
    let lan = Lan::new(2);
    let python = || lan.host(0).command("python3");
    let _connector = lan
        .host(1)
        .enter(|| cable_car_std::BroadcastConnector::builder().service("pong").start().unwrap());
    let ip = lan.host(1).ip().to_string();
    // The table is written over itself, and once more when the command ends.
    let (code, screen) = on_terminal(python(), &ip, "SIGINT", &["scout", "--for", "60"]);
    assert_eq!(code, 0, "{screen}");
    for words in ["ADDRESS", "INTERFACE", "\u{1b}[2m", "\u{1b}[2A", "pong", " s\u{1b}[K"] {
        assert!(screen.contains(words), "{words:?}: {screen:?}");
    }
    let mut plain = python();
    plain.env("NO_COLOR", "1");
    let (_, screen) = on_terminal(plain, &ip, "SIGINT", &["scout", "--for", "60"]);
    assert!(!screen.contains("\u{1b}[2m") && screen.contains("\u{1b}[2A"), "{screen:?}");

    // A person says with Ctrl-D that this is all.
    let join = ["join", "--service", "pong"];
    let (code, screen) = on_terminal(python(), "connected, instance", "\\x04", &join);
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("\u{1b}[32mconnected, instance "), "{screen:?}");
    assert!(screen.contains("closed: this side closed the link"), "{screen:?}");
    let (code, screen) = on_terminal(python(), "looking for", "\\x03", &["join"]);
    assert_eq!(code, 1, "{screen}");
    assert!(screen.contains("nobody was found"), "{screen:?}");
    let (code, screen) = on_terminal(python(), "sending beacons", "SIGHUP", &["doctor"]);
    assert_eq!(code, 1, "{screen}");
    assert!(screen.contains("\u{1b}[32mok   \u{1b}[0m  interface eth0"), "{screen:?}");
}

/// Whoever looks on sees that something goes on, on one line which is gone at the end; scripts do not.
#[test]
fn who_waits_at_a_terminal_sees_how_long() {
    if !require_all(&[Need::Namespaces, Need::Python]) {
        return;
    }
    let lan = Lan::new(2);
    let python = || lan.host(0).command("python3");
    let [a, b, c, _] = lan.host(0).ip().octets();
    let nobody = format!("{a}.{b}.{c}.200");
    let scout = ["scout", "--for", "60"];
    for (arguments, first, second) in [
        (&scout[..], "listening: 0 heard, 60 s left", "listening: 0 heard, 59 s left"),
        (&["doctor", "--for", "60"], "60 s left", "59 s left"),
        (&["connect", &nobody], "dialling for 0 s", "dialling for 1 s"),
    ] {
        let (_, screen) = on_terminal(python(), second, "SIGINT", arguments);
        let line = |words: &str| format!("{words}\u{1b}[K\r");
        assert!(screen.contains(&line(first)) && screen.contains(&line(second)), "{screen:?}");
        let (_, end) = screen.rsplit_once("\u{1b}[K\r").unwrap();
        assert!(end.starts_with("\u{1b}[K"), "{screen:?}");
    }
    // Below a table, which is written over itself.
    let _connector =
        lan.host(1).enter(|| cable_car_std::BroadcastConnector::builder().start().unwrap());
    let (_, screen) = on_terminal(python(), "1 heard, 58 s left", "SIGINT", &scout);
    assert!(screen.contains("\u{1b}[2A"), "{screen:?}");

    let run = tool::run(tool::command_on(lan.host(0), &["scout", "--for", "1.2"]));
    assert!(!run.stderr.contains("left") && !run.stderr.contains('\r'), "{run:?}");
}

/// Every call that the README shows is one that the tool takes.
#[test]
fn the_readme_is_right() {
    if !require(Need::Namespaces) {
        return;
    }
    let lan = Lan::new(1);
    let readme = include_str!("../../README.md");
    // Each second part is a block of code.
    let blocks = readme.split("\n```").skip(1).step_by(2).flat_map(str::lines);
    let calls = blocks.filter_map(|line| {
        line.strip_prefix("$ cable-car ").or_else(|| line.strip_prefix("cable-car "))
    });
    let mut commands = std::collections::BTreeSet::new();
    for call in calls {
        let mut arguments: Vec<&str> = call.split_whitespace().collect();
        commands.insert(arguments[0]);
        arguments.extend(["--for", "0.1"]);
        let run = tool::run(tool::command_on(lan.host(0), &arguments));
        assert_eq!(run.code, Some(1), "{call}: nobody is there: {run:?}");
    }
    assert_eq!(commands.into_iter().collect::<Vec<_>>(), ["doctor", "join", "scout"]);
}

/// Who writes a program of their own gets nothing of the tool.
#[test]
fn the_library_needs_nothing_of_the_tool() {
    if !require(Need::Program("cargo")) {
        return;
    }
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let tree = |features: &[&str]| {
        let mut cargo = Command::new("cargo");
        cargo.args(["tree", "--locked", "--offline", "--edges", "normal", "--prefix", "none"]);
        cargo.args(["--package", "cable-car-std", "--manifest-path", manifest]).args(features);
        run(&mut cargo).unwrap()
    };
    let tool_only = ["clap ", "clap_mangen", "ctrlc", "anstream", "procfs", "terminal_size"];
    let (library, tool) = (tree(&[]), tree(&["--features", "cli"]));
    for package in tool_only {
        assert!(!library.contains(package), "{package}: {library}");
        assert!(tool.contains(package), "{package}: {tool}");
    }
}
