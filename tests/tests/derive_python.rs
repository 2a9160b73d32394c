//! Derived messages and the classes of a Python peer that their documentation shows: the same bytes.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::{env, fs, path::PathBuf, process, process::Command};

use cable_car_std::{ByteMessage, DirectServer, JsonMessage, MessageSet, Messenger, Outgoing};
use cable_car_tests::{
    pair,
    process::{PATIENCE, Process},
    python,
    require::{Need, require},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

// The messages of the documentation.

#[derive(Debug, PartialEq, ByteMessage)]
#[message(code = 0x10)]
struct Position {
    x: i16,
    y: i16,
}

#[derive(Debug, PartialEq, ByteMessage)]
#[message(code = 0x11)]
struct Fire;

#[derive(Debug, PartialEq, ByteMessage)]
#[message(code = 0x12)]
struct Score<'a> {
    #[message(prefixed)]
    player: &'a str,
    points: u32,
    won: [bool; 3],
    remark: &'a str,
}

#[derive(Debug, PartialEq, ByteMessage)]
#[message(code = 0x13)]
struct Record<'a> {
    id: u128,
    key: [u8; 4],
    offset: i128,
    #[message(prefixed)]
    head: &'a [u8],
    grid: [[f32; 2]; 2],
    #[message(prefixed)]
    from: &'a str,
    rest: &'a [u8],
}

#[derive(Debug, PartialEq, MessageSet)]
#[messages(byte)]
enum Game<'a> {
    Position(Position),
    Fire(Fire),
    Score(Score<'a>),
    Record(Record<'a>),
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonMessage)]
#[message(name = "MsgChat")]
struct Chat<'a> {
    text: &'a str,
}

#[derive(Debug, PartialEq, MessageSet)]
#[messages(json)]
enum Talk<'a> {
    Chat(Chat<'a>),
}

/// The Python parts of a page of documentation, as one file.
fn classes(page: &str) -> PathBuf {
    let pieces = page.split("```python\n").skip(1);
    let pieces: Vec<_> = pieces.map(|piece| piece.split("```").next().unwrap()).collect();
    assert!(!pieces.is_empty(), "{page}");
    let mut path = env::temp_dir();
    path.push(format!("cable-car-{}-{}.py", process::id(), page.len()));
    fs::write(&path, pieces.join("\n\n")).expect("a place for a file");
    path
}

/// A Python peer that knows the classes of `page` and sends back what it gets, connected.
fn peer<S: MessageSet>(transport: &str, page: &str) -> (Messenger<S>, Process) {
    let mut server = DirectServer::bind("127.0.0.1:0").expect("an unused port");
    let port = server.local_address().expect("a bound port").port().to_string();
    let environment = python::environment().expect("it has been required");
    let mut command = Command::new(environment.python());
    command.arg("-B").arg(concat!(env!("CARGO_MANIFEST_DIR"), "/peers/derived.py"));
    command.args([transport, &port]).arg(classes(page));
    let process = Process::spawn(command);
    let connection = server.accept(Some(PATIENCE));
    let connection = connection.unwrap_or_else(|e| panic!("{e}: {}", process.transcript()));
    (connection.into(), process)
}

/// Sends a message, and expects that Python sees `attributes` in it.
fn told<S: MessageSet>(
    here: &mut Messenger<S>,
    there: &mut Process,
    message: &impl Outgoing<S::Transport>,
) -> Value {
    here.send(message).unwrap();
    here.xfer().unwrap();
    let line = there.next_line(PATIENCE).unwrap_or_else(|| panic!("{}", there.transcript()));
    serde_json::from_str(&line).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn byte_messages_are_those_of_the_classes_in_their_documentation() {
    if !require(Need::Peer) {
        return;
    }
    let page = include_str!("../../core/derive/docs/byte_message.md");
    let (mut here, mut there) = peer::<Game<'_>>("byte", page);

    let position = Position { x: 300, y: -2 };
    let seen = told(&mut here, &mut there, &position);
    assert_eq!(seen, json!(["Position", {"x": 300, "y": -2}]));
    assert_eq!(pair::next(&mut here), Game::Position(position));

    let seen = told(&mut here, &mut there, &Fire);
    assert_eq!(seen, json!(["Fire", {}]));
    assert_eq!(pair::next(&mut here), Game::Fire(Fire));

    for (player, remark) in [("ann", "first of all: é, 😀"), ("", ""), ("böb", "")] {
        let score = || Score { player, points: 4_000_000_000, won: [true, false, true], remark };
        let seen = told(&mut here, &mut there, &score());
        let attributes = json!({
            "player": player, "points": 4_000_000_000_u32, "won": [true, false, true], "remark": remark
        });
        assert_eq!(seen, json!(["Score", attributes]));
        assert_eq!(pair::next(&mut here), Game::Score(score()));
    }

    for (head, from, rest) in [(&[1, 2][..], "me", &[0xff, 0][..]), (&[], "", &[])] {
        let grid = [[1.5, -2.0], [0.0, 1024.25]];
        let record =
            || Record { id: 1 << 70, key: *b"\x00key", offset: -(1 << 70), head, grid, from, rest };
        let seen = told(&mut here, &mut there, &record());
        let attributes = json!({
            "id": "1180591620717411303424",
            "key": hex(b"\x00key"),
            "offset": "-1180591620717411303424",
            "head": hex(head),
            "grid": [1.5, -2.0, 0.0, 1024.25],
            "from_": from,
            "rest": hex(rest),
        });
        assert_eq!(seen, json!(["Record", attributes]));
        assert_eq!(pair::next(&mut here), Game::Record(record()));
    }
}

#[test]
fn json_messages_are_those_of_the_class_in_their_documentation() {
    if !require(Need::Peer) {
        return;
    }
    let page = include_str!("../../core/derive/docs/json_message.md");
    let (mut here, mut there) = peer::<Talk<'_>>("json", page);
    let chat = Chat { text: "hello, \"you\" 😀" };
    let seen = told(&mut here, &mut there, &chat);
    assert_eq!(seen, json!(["MsgChat", {"text": chat.text}]));
    assert_eq!(pair::next(&mut here), Talk::Chat(chat));
}
