//! JSON messages between this project and the real Python package, both ways.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use cable_car_std::{
    AnyJson, BadMessage, Identify, Join, JsonErrorKind, JsonMessage, Messenger, Quit, Retry,
    SendError, message_set,
};
use cable_car_tests::{
    pair,
    python::Peer,
    require::{Need, require},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The class that Python knows as `Echo`, here with text borrowed from the receive buffer.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Borrowed<'a> {
    text: &'a str,
    #[serde(borrow)]
    more: Vec<&'a str>,
}

impl JsonMessage for Borrowed<'_> {
    const NAME: &'static str = "Echo";
}

/// The same class with numbers and what it owns.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Owned {
    floats: Vec<f64>,
    small: f32,
    signed: i64,
    unsigned: u64,
    wide: u128,
    wide_signed: i128,
    byte: u8,
    flag: bool,
    none: Option<String>,
    text: String,
    map: std::collections::BTreeMap<String, Inner>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Inner {
    points: Vec<(i32, i32)>,
    kind: Kind,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
enum Kind {
    #[default]
    Plain,
    Named(String),
    Sized {
        width: u16,
    },
}

impl JsonMessage for Owned {
    const NAME: &'static str = "Echo";
}

/// What `cpu_mon` sends.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Stats {
    host: String,
    cpu_percent: f64,
    load_avg: [f64; 3],
    memory_total: u64,
    temp: Option<f64>,
}

impl JsonMessage for Stats {
    const NAME: &'static str = "MsgStats";
}

message_set! {
    #[derive(Debug, PartialEq)]
    enum Talk<'a>: Json { Identify, Join, Retry, Quit, Borrowed(Borrowed<'a>), Stats }
}

message_set! {
    #[derive(Debug, PartialEq)]
    enum Own: Json { Join, Owned }
}

/// Sends attributes that go to Python and back, and says what Python saw.
fn echoed(here: &mut Messenger<AnyJson>, there: &mut Peer, attributes: &Value) -> Value {
    here.send_json("Echo", attributes).unwrap();
    let (name, back) = pair::next_json(here);
    assert_eq!(name, "Echo");
    assert_eq!(&back, attributes);
    there.expect("message")
}

#[test]
fn standard_messages_go_both_ways() {
    if !require(Need::Peer) {
        return;
    }
    let (mut here, mut there) = pair::json::<Talk<'_>>(&["--echo"]);
    for (user, host) in [("ann", "pc"), ("andré 😀", "a\"b\\c"), ("", "")] {
        let identify = Identify::new(user, host).unwrap();
        here.send(&identify).unwrap();
        assert_eq!(pair::next(&mut here), Talk::Identify(identify));
        let message = there.expect("message");
        assert_eq!(message["name"], "MsgIdentify");
        assert_eq!(message["attributes"], json!({"username": user, "hostname": host}));
    }
    here.send(&Join).unwrap();
    here.send(&Retry).unwrap();
    here.send(&Quit).unwrap();
    assert_eq!(pair::next(&mut here), Talk::Join(Join));
    assert_eq!(pair::next(&mut here), Talk::Retry(Retry));
    assert_eq!(pair::next(&mut here), Talk::Quit(Quit));
    for name in ["MsgJoin", "MsgRetry", "MsgQuit"] {
        let message = there.expect("message");
        assert_eq!((&message["name"], &message["attributes"]), (&json!(name), &json!({})));
    }

    there.send_name("MsgJoin", json!({"extra": [1, {"deep": null}]}));
    assert_eq!(pair::next(&mut here), Talk::Join(Join));
    there.send_name("MsgIdentify", json!({}));
    assert!(matches!(pair::next(&mut here), Talk::Identify(_)));
}

#[test]
fn any_attributes_come_back_as_they_were() {
    if !require(Need::Peer) {
        return;
    }
    let (mut here, mut there) = pair::json::<AnyJson>(&["--echo"]);
    let all_ascii: String = (0..=0x7f_u8).map(char::from).collect();
    let cases = [
        json!({}),
        json!({"none": null, "yes": true, "no": false}),
        json!({"empty": [{}, [], ""], "deep": {"a": [1, {"b": [null, {"c": {"d": []}}]}]}}),
        json!({"ascii": all_ascii, "next": "\u{80}\u{ff}\u{100}\u{7ff}\u{800}\u{ffff}"}),
        json!({"emoji": "😀👨‍👩‍👧‍👦 \u{10ffff}", "lines": "\r\n\t\u{8}\u{c}\u{2028}\u{2029}\u{feff}"}),
        json!({"quotes": "\"\\/\\u0041\\\"", "nul": "\0", "del": "\u{7f}"}),
        json!({"ключ 😀": 1, "": 2, "with \"quotes\"\n": 3}),
        json!({"limits": [i64::MIN, i64::MAX, u64::MAX, 0, -1]}),
        json!({"floats": [1e22, 1e-7, 1.0, 0.1, 1e16, 1e15, 5e-324, f64::MAX, f64::MIN, -0.5]}),
        json!({"name": "Echo", "self_": 1, "cls": 2, "type": 3, "NaN": 4}),
    ];
    for attributes in &cases {
        assert_eq!(&echoed(&mut here, &mut there, attributes)["attributes"], attributes);
    }
    // What Python makes of our line, in its own letters.
    let attributes = json!({"a": "é😀\u{7f}\"\\/\0\n", "b": [1e22, 1.0, -0.0], "c": {}, "d": []});
    let message = echoed(&mut here, &mut there, &attributes);
    let line = r#"["Echo",{"a":"\u00e9\ud83d\ude00\u007f\"\\/\u0000\n","b":[1e+22,1.0,-0.0],"c":{},"d":[]}]"#;
    assert_eq!(message["encoded"], line);
    // Equal to 0.0 as JSON values go; the sign is seen in the text.
    here.send_json("Echo", &json!({"zero": -0.0})).unwrap();
    here.xfer().unwrap();
    assert_eq!(there.expect("message")["encoded"], r#"["Echo",{"zero":-0.0}]"#);
    let (_, back) = pair::next_json(&mut here);
    assert!(back["zero"].as_f64().is_some_and(f64::is_sign_negative));

    // Any name goes, also one that Python escapes.
    for name in ["Größe", "a\"b", "", "😀"] {
        there.send(&json!({"cmd": "register", "name": name}));
        there.send_name(name, json!({"n": 1}));
        assert_eq!(pair::next_json(&mut here), (name.to_owned(), json!({"n": 1})));
        here.send_json(name, &json!({"n": 2})).unwrap();
        assert_eq!(pair::next_json(&mut here), (name.to_owned(), json!({"n": 2})));
    }
}

#[test]
fn typed_messages_borrow_text() {
    if !require(Need::Peer) {
        return;
    }
    let (mut here, mut there) = pair::json::<Talk<'_>>(&["--echo"]);
    for text in ["", "plain", "é😀\u{10ffff}", "\0\u{1}\u{1f}\u{7f}\"\\/\n\r\t\u{8}\u{c}"] {
        let sent = Borrowed { text, more: vec![text, "x", text] };
        here.send(&sent).unwrap();
        let Talk::Borrowed(got) = pair::next(&mut here) else {
            panic!("another message");
        };
        assert_eq!(got, sent);
        let message = there.expect("message");
        assert_eq!(message["attributes"], json!({"text": text, "more": [text, "x", text]}));
    }

    // What Python keeps as attributes, a message without a place for them ignores.
    there.send_name("Echo", json!({"z": [{"a": {}}], "more": [], "text": "é", "_": "\u{0}"}));
    assert_eq!(pair::next(&mut here), Talk::Borrowed(Borrowed { text: "é", more: vec![] }));

    let stats = Stats {
        host: "vm".to_owned(),
        cpu_percent: 50.0,
        load_avg: [3.2, 2.9, 2.1],
        memory_total: 25_276_514_304,
        temp: None,
    };
    let attributes = json!({"host": "vm", "cpu_percent": 50.0, "load_avg": [3.2, 2.9, 2.1],
        "memory_total": 25_276_514_304_u64, "swap_total": 0});
    there.send_name("MsgStats", attributes);
    assert_eq!(pair::next(&mut here), Talk::Stats(stats));
}

#[test]
fn typed_messages_own_numbers() {
    if !require(Need::Peer) {
        return;
    }
    let (mut here, mut there) = pair::json::<Own>(&["--echo"]);
    let sized = Inner { points: vec![(1, -2), (0, 3)], kind: Kind::Sized { width: 9 } };
    let named = Inner { points: vec![], kind: Kind::Named("é".to_owned()) };
    let sent = Owned {
        floats: vec![1e22, 1e-7, -0.0, 1.0, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE],
        small: 0.1,
        signed: i64::MIN,
        unsigned: u64::MAX,
        wide: u128::MAX,
        wide_signed: i128::MIN,
        byte: 255,
        flag: true,
        none: None,
        text: "\u{0}é😀".to_owned(),
        map: [("a".to_owned(), sized), ("b".to_owned(), named)].into(),
    };
    here.send(&sent).unwrap();
    let Own::Owned(got) = pair::next(&mut here) else {
        panic!("another message");
    };
    assert_eq!(got, sent);
    assert!(got.floats[2].is_sign_negative());
    let attributes = &there.expect("message")["attributes"];
    assert_eq!(attributes["floats"][0], 1e22);
    assert_eq!(attributes["floats"][4], json!({"$float": "inf"}));
    assert_eq!(attributes["wide"], json!({"$int": u128::MAX.to_string()}));
    assert_eq!(attributes["wide_signed"], json!({"$int": i128::MIN.to_string()}));
    assert_eq!(attributes["signed"], i64::MIN);
    assert_eq!(attributes["none"], Value::Null);
    assert_eq!(attributes["map"]["a"]["points"], json!([[1, -2], [0, 3]]));
    assert_eq!(attributes["map"]["b"]["kind"], json!({"Named": "é"}));

    here.send(&Owned { floats: vec![f64::NAN], ..Owned::default() }).unwrap();
    let Own::Owned(got) = pair::next(&mut here) else {
        panic!("another message");
    };
    assert!(got.floats[0].is_nan());
    assert_eq!(there.expect("message")["attributes"]["floats"], json!([{"$float": "nan"}]));
}

#[test]
fn numbers_that_python_sends_fit_or_are_told() {
    if !require(Need::Peer) {
        return;
    }
    let (mut here, mut there) = pair::json::<Own>(&[]);
    let int = |text: &str| json!({"$int": text});
    let float = |text: &str| json!({"$float": text});
    // An integer is a float where one is wanted, of any size.
    let huge = "1".to_owned() + &"0".repeat(400);
    let floats = json!([1, -7, int("100000000000000000000000"), int(&huge), float("-inf"), 1e-7]);
    there.send_name("Echo", json!({"floats": floats}));
    let Own::Owned(got) = pair::next(&mut here) else {
        panic!("another message");
    };
    assert_eq!(got.floats, [1.0, -7.0, 1e23, f64::INFINITY, f64::NEG_INFINITY, 1e-7]);

    let wide = json!({"wide": int("1000000000000000000000000000000"),
        "wide_signed": int("-18446744073709551616"), "unsigned": u64::MAX, "signed": i64::MIN});
    there.send_name("Echo", wide);
    let Own::Owned(got) = pair::next(&mut here) else {
        panic!("another message");
    };
    assert_eq!((got.wide, got.wide_signed), (10_u128.pow(30), -(1_i128 << 64)));
    assert_eq!((got.unsigned, got.signed), (u64::MAX, i64::MIN));

    // What does not fit is told with the attribute's name, and the link goes on.
    let cases = [
        ("unsigned", int("18446744073709551616")),
        ("unsigned", json!(-1)),
        ("signed", int("-9223372036854775809")),
        ("byte", json!(256)),
        ("byte", json!(1.0)),
        ("flag", json!(1)),
        ("text", json!(null)),
    ];
    for (attribute, value) in &cases {
        there.send_name("Echo", json!({*attribute: value}));
        let bad = pair::next_bad(&mut here);
        let BadMessage::Attributes { name: "Echo", error } = bad else {
            panic!("{bad:?}");
        };
        let JsonErrorKind::Mismatch { attribute: told, .. } = error.kind() else {
            panic!("{error:?}");
        };
        assert_eq!(told, Some(*attribute), "{value}");
    }
    let beyond = "1".to_owned() + &"0".repeat(39);
    for attribute in ["wide", "wide_signed"] {
        there.send_name("Echo", json!({attribute: int(&beyond)}));
        assert!(matches!(pair::next_bad(&mut here), BadMessage::Attributes { name: "Echo", .. }));
    }
    there.send_name("MsgJoin", json!({}));
    assert_eq!(pair::next(&mut here), Own::Join(Join));
}

#[test]
fn numbers_of_a_program_that_knows_no_types() {
    if !require(Need::Peer) {
        return;
    }
    let (mut here, mut there) = pair::json::<AnyJson>(&[]);
    let attributes = json!({"n": [i64::MIN, u64::MAX, {"$int": "18446744073709551616"},
        {"$int": "-9223372036854775809"}, 1e22, {"$float": "nan"}, {"$float": "inf"}]});
    there.send_name("Echo", attributes);
    let (_, got) = pair::next_json(&mut here);
    // serde_json's values hold 64 bits and finite floats: beyond that they are near, or null.
    let expected =
        json!([i64::MIN, u64::MAX, 18446744073709551616.0, -9223372036854775809.0, 1e22]);
    assert_eq!(got["n"].as_array().unwrap()[..5], expected.as_array().unwrap()[..]);
    assert_eq!(got["n"].as_array().unwrap()[5..], [Value::Null, Value::Null]);
}

#[test]
fn a_bad_message_is_told_once_and_the_link_goes_on() {
    if !require(Need::Peer) {
        return;
    }
    let (mut here, mut there) = pair::json::<Talk<'_>>(&[]);
    there.send_name("Nobody 😀", json!({"a": 1}));
    there.send_name("Echo", json!({"text": "a"}));
    there.send_name("Echo", json!({"text": {"$utf16": "d83d"}, "more": []}));
    there.send_name("Echo", json!({"text": "a", "more": [1]}));
    there.send_name("Echo", json!({"text": "a", "more": ["b"]}));

    let bad = pair::next_bad(&mut here);
    assert!(matches!(&bad, BadMessage::UnknownName { name } if name.as_str() == "Nobody 😀"));
    assert!(bad.to_string().contains("Nobody"));
    let kind = |bad: BadMessage| match bad {
        BadMessage::Attributes { name: "Echo", error } => error.kind(),
        bad => panic!("{bad:?}"),
    };
    assert_eq!(kind(pair::next_bad(&mut here)), JsonErrorKind::Missing("more"));
    // Half a surrogate pair, which Python text can hold and Rust text can not.
    let replaced = Borrowed { text: "\u{fffd}", more: vec![] };
    assert_eq!(pair::next(&mut here), Talk::Borrowed(replaced));
    assert!(matches!(
        kind(pair::next_bad(&mut here)),
        JsonErrorKind::Mismatch { attribute: Some("more"), .. }
    ));
    let good = Borrowed { text: "a", more: vec!["b"] };
    assert_eq!(pair::next(&mut here), Talk::Borrowed(good));
    assert!(here.get().is_none());
}

#[test]
fn what_python_can_not_read_is_not_sent() {
    if !require(Need::Peer) {
        return;
    }
    let (mut here, mut there) = pair::json::<AnyJson>(&[]);
    for attributes in [json!(null), json!([1]), json!("text"), json!(7)] {
        assert!(matches!(here.send_json("Echo", &attributes), Err(SendError::Invalid(_))));
    }
    assert_eq!(here.queued(), 0);
    here.send_json("Echo", &json!({"n": 1})).unwrap();
    here.xfer().unwrap();
    assert_eq!(there.expect("message")["attributes"], json!({"n": 1}));
}

#[test]
fn lines_of_a_megabyte_go_both_ways() {
    if !require(Need::Peer) {
        return;
    }
    // As text that is sent as it is, and as text that is six or twelve times as long on the wire.
    for (unit, count) in [("abcdefgh", 131_072), ("é", 175_000), ("😀", 87_500)] {
        let text = unit.repeat(count);
        let (mut here, mut there) = pair::json::<Talk<'_>>(&["--echo", "--quiet"]);
        let sent = Borrowed { text: &text, more: vec![unit] };
        here.send(&sent).unwrap();
        assert!(here.queued() > 1_000_000);
        here.send(&Quit).unwrap();
        assert_eq!(pair::next(&mut here), Talk::Borrowed(sent));
        assert_eq!(pair::next(&mut here), Talk::Quit(Quit));
        assert_eq!(there.count(0), (2, 2));
    }

    let (mut here, _there) = pair::json::<Own>(&["--echo", "--quiet"]);
    let sent =
        Owned { floats: (0..100_000).map(|n| f64::from(n) + 0.25).collect(), ..Owned::default() };
    here.send(&sent).unwrap();
    assert_eq!(pair::next(&mut here), Own::Owned(sent));

    let (mut here, _there) = pair::json::<AnyJson>(&["--echo", "--quiet"]);
    let rows: Vec<Value> = (0..30_000).map(|n| json!({"n": n, "text": "é😀"})).collect();
    let sent = json!({"rows": rows});
    here.send_json("Echo", &sent).unwrap();
    assert_eq!(pair::next_json(&mut here).1, sent);
}
