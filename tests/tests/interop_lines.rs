//! JSON lines that a Python program takes though it never sends them, and those that no program
//! should send: from a bare socket, to us and to the real Python package.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::net::TcpStream;

use cable_car_std::{
    AnyJson, BadMessage, BufferSize, DirectServer, Join, JsonErrorKind, JsonMessage, LinkError,
    Messenger, message_set,
};
use cable_car_tests::{
    pair,
    process::{PATIENCE, unused_tcp_port},
    python::Peer,
    require::{Need, require},
};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Default, PartialEq, Deserialize, serde::Serialize)]
#[serde(default)]
struct Echo<'a> {
    number: f64,
    count: i64,
    text: Option<&'a str>,
    list: Vec<f64>,
}

impl JsonMessage for Echo<'_> {
    const NAME: &'static str = "Echo";
}

message_set! {
    #[derive(Debug, PartialEq)]
    enum Talk<'a>: Json { Join, Echo(Echo<'a>) }
}

/// Lines that are messages: as they stand on the wire, what Python reads, what we read.
fn good() -> Vec<(&'static str, Value, Echo<'static>)> {
    let inf = json!({"$float": "inf"});
    vec![
        ("[\"Echo\",{}]\n", json!({}), Echo::default()),
        (
            " \t[ \"Echo\" , { \"count\" : 1 , \"list\" : [ 1 , 2 ] } ] \t\n",
            json!({"count": 1, "list": [1, 2]}),
            Echo { count: 1, list: vec![1.0, 2.0], ..Echo::default() },
        ),
        (
            "[\"Echo\",{\"count\":-7}]\r\n",
            json!({"count": -7}),
            Echo { count: -7, ..Echo::default() },
        ),
        (
            "[\"Echo\",{\"text\":\"raw é😀\u{7f}\"}]\n",
            json!({"text": "raw é😀\u{7f}"}),
            Echo { text: Some("raw é😀\u{7f}"), ..Echo::default() },
        ),
        (
            "[\"Echo\",{\"te\\u0078t\":\"\\u00E9\\uD83D\\uDE00\\/\\\"\\\\\\b\"}]\n",
            json!({"text": "é😀/\"\\\u{8}"}),
            Echo { text: Some("é😀/\"\\\u{8}"), ..Echo::default() },
        ),
        (
            "[\"Ec\\u0068o\",{\"count\":3}]\n",
            json!({"count": 3}),
            Echo { count: 3, ..Echo::default() },
        ),
        (
            "[\"Echo\",{\"count\":4},{\"third\":[{}]},5,null]\n",
            json!({"count": 4}),
            Echo { count: 4, ..Echo::default() },
        ),
        (
            "[\"Echo\",{\"count\":\"no\",\"text\":[],\"text\":\"a\",\"count\":1,\"count\":5}]\n",
            json!({"count": 5, "text": "a"}),
            Echo { count: 5, text: Some("a"), ..Echo::default() },
        ),
        (
            "[\"Echo\",{\"unknown\":{\"a\":[null,true,{\"b\":\"]}\"}]},\"count\":6,\"\":0}]\n",
            json!({"unknown": {"a": [null, true, {"b": "]}"}]}, "count": 6, "": 0}),
            Echo { count: 6, ..Echo::default() },
        ),
        (
            "[\"Echo\",{\"number\":Infinity,\"list\":[1e400,-Infinity,1E+2,-0,10E-1]}]\n",
            json!({"number": inf, "list": [inf, {"$float": "-inf"}, 100.0, 0, 1.0]}),
            Echo {
                number: f64::INFINITY,
                list: vec![f64::INFINITY, f64::NEG_INFINITY, 100.0, 0.0, 1.0],
                ..Echo::default()
            },
        ),
        (
            "[\"Echo\",{\"text\":null,\"odd\":NaN,\"half\":\"\\ud83d\"}]\n",
            json!({"text": null, "odd": {"$float": "nan"}, "half": {"$utf16": "d83d"}}),
            Echo::default(),
        ),
    ]
}

#[test]
fn what_python_takes_is_taken() {
    if !require(Need::Peer) {
        return;
    }
    let port = unused_tcp_port();
    let mut python = Peer::spawn(&["server", &port.to_string()]);
    python.expect("ready");
    let mut to_python = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let (mut typed, mut to_typed) = pair::raw::<Talk<'_>>();
    let (mut dynamic, mut to_dynamic) = pair::raw::<AnyJson>();

    for (line, seen_by_python, seen_by_us) in good() {
        pair::write(&mut to_python, line.as_bytes());
        let message = python.expect("message");
        assert_eq!(message["name"], "Echo", "{line}");
        assert_eq!(message["attributes"], seen_by_python, "{line}");

        pair::write(&mut to_typed, line.as_bytes());
        match typed.recv(Some(PATIENCE)) {
            Ok(Talk::Echo(echo)) => assert_eq!(echo, seen_by_us, "{line}"),
            other => panic!("{line}: {other:?}"),
        }

        // Values of serde_json have no NaN, no infinity and no half of a surrogate pair.
        if !seen_by_python.to_string().contains('$') {
            pair::write(&mut to_dynamic, line.as_bytes());
            let (name, attributes) = pair::next_json(&mut dynamic);
            assert_eq!((name.as_str(), &attributes), ("Echo", &seen_by_python), "{line}");
        }
    }
}

#[test]
fn what_is_no_message_is_told_once_and_the_link_goes_on() {
    let deep = "[\"Echo\",{\"x\":".to_owned() + &"[".repeat(100_000) + "\n";
    let deep_objects = "[\"Echo\",{\"list\":".to_owned() + &"{\"a\":".repeat(100_000) + "\n";
    let lines: &[&[u8]] = &[
        b"\n",
        b"\r\n",
        b"hello\n",
        b"[\n",
        b"[\"Echo\"]\n",
        b"[\"Echo\",null]\n",
        b"[\"Echo\",[]]\n",
        b"[\"Echo\",5]\n",
        b"[7,{}]\n",
        b"[null,{}]\n",
        b"{\"Echo\":1}\n",
        b"[]\n",
        b"null\n",
        b"[\"Echo\",{}\n",
        b"[\"Echo\",{\"count\":1]\n",
        b"[\"Echo\",{\"count\":1}}\n",
        b"[\"Echo\",{\"count\":}]\n",
        b"[\"Echo\",{\"count\" 1}]\n",
        b"[\"Echo\",{\"count\":1,}]\n",
        b"[\"Echo\",{\"count\":01}]\n",
        b"[\"Echo\",{\"count\":+1}]\n",
        b"[\"Echo\",{\"unknown\":nul}]\n",
        b"[\"Echo\",{count:1}]\n",
        b"[\"Echo\",{'count':1}]\n",
        b"[\"Echo\",{\"text\":\"\\x\"}]\n",
        b"[\"Echo\",{\"text\":\"\\u12\"}]\n",
        b"[\"Echo\",{\"text\":\"no end}]\n",
        b"[\"Echo\",{\"text\":\"\xff\xfe\"}]\n",
        b"\xef\xbb\xbf[\"Echo\",{}]\n",
        b"[\"Echo\",{}][\"Echo\",{}]\n",
        b"[\"Echo\",{\"count\":\"1\"}]\n",
        b"[\"Nobody\",{}]\n",
        b"[\"\",{}]\n",
        b"\0\0\0\n",
        deep.as_bytes(),
        deep_objects.as_bytes(),
    ];
    let (mut here, mut there) = pair::raw::<Talk<'_>>();
    for line in lines {
        let text = String::from_utf8_lossy(&line[..line.len().min(60)]).into_owned();
        pair::write(&mut there, line);
        pair::write(&mut there, b"[\"MsgJoin\",{}]\n");
        let bad = here.recv(Some(PATIENCE));
        assert!(matches!(bad, Err(cable_car_std::RecvError::Bad(_))), "{text}: {bad:?}");
        assert_eq!(pair::next(&mut here), Talk::Join(Join), "{text}");
        assert!(here.get().is_none());
    }
}

#[test]
fn a_line_that_is_too_long_is_told_and_passed_over() {
    let mut server = DirectServer::bind("127.0.0.1:0").unwrap();
    let mut there = TcpStream::connect(server.local_address().unwrap()).unwrap();
    let size = BufferSize { initial: 64, limit: 1000 };
    let connection = server.accept(Some(PATIENCE)).unwrap();
    let mut here: Messenger<Talk<'_>> = Messenger::with_buffers(connection, size);

    let line = |len: usize| {
        let frame = "[\"Echo\",{\"text\":\"\"}]\n".len();
        format!("[\"Echo\",{{\"text\":\"{}\"}}]\n", "x".repeat(len - frame))
    };
    for len in [999, 1000, 1001, 5000, 1_000_000] {
        pair::write(&mut there, line(len).as_bytes());
        pair::write(&mut there, b"[\"MsgJoin\",{}]\n");
        if len <= 1000 {
            assert!(matches!(pair::next(&mut here), Talk::Echo(_)), "{len}");
        } else {
            assert_eq!(pair::next_bad(&mut here), BadMessage::TooLong { buffer: 1000 }, "{len}");
        }
        assert_eq!(pair::next(&mut here), Talk::Join(Join), "{len}");
    }
}

#[test]
fn a_link_that_ends_within_a_line_says_so() {
    let (mut here, mut there) = pair::raw::<Talk<'_>>();
    pair::write(&mut there, b"[\"MsgJoin\",{}]\n[\"MsgJoin\"");
    drop(there);
    assert_eq!(pair::next(&mut here), Talk::Join(Join));
    assert_eq!(pair::end(&mut here), LinkError::ClosedWithinFrame { bytes: 10 });
}

#[test]
fn what_is_wrong_with_a_line_is_told() {
    let (mut here, mut there) = pair::raw::<Talk<'_>>();
    pair::write(&mut there, b"[\"Echo\",{\"count\":\"many\"}]\n{}\n");
    let BadMessage::Attributes { name, error } = pair::next_bad(&mut here) else {
        panic!("another error");
    };
    assert_eq!(name, "Echo");
    let JsonErrorKind::Mismatch { attribute, .. } = error.kind() else {
        panic!("{error}");
    };
    assert_eq!(attribute, Some("count"));
    let BadMessage::Line { error } = pair::next_bad(&mut here) else {
        panic!("another error");
    };
    assert_eq!((error.kind(), error.position()), (JsonErrorKind::Syntax, 0));
}
