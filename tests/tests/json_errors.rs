//! Lines that are wrong: what is told of them, and that no line costs more than its length.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use cable_car::{BadMessage, Json, JsonErrorKind, Snippet};
use cable_car_tests::json::{error_of, parse, read_line};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

#[derive(Debug, PartialEq, Deserialize)]
struct Thing {
    #[serde(default)]
    small: u8,
    #[serde(default)]
    text: String,
    #[serde(default)]
    pair: (i8, i8),
    #[serde(default)]
    wide: u128,
    #[serde(default)]
    inner: Option<Box<Thing>>,
    #[serde(default)]
    map: BTreeMap<u8, u8>,
    #[serde(default)]
    truth: bool,
    #[serde(default)]
    letter: char,
}

fn line_error(line: &str) -> JsonErrorKind {
    match read_line(format!("{line}\n").as_bytes(), |frame| frame.attributes::<IgnoredAny>("M")) {
        Err(BadMessage::Line { error } | BadMessage::Attributes { error, .. }) => error.kind(),
        other => panic!("{line} gives {other:?}"),
    }
}

#[test]
fn what_is_no_message_is_told() {
    for line in [
        "",
        " ",
        "\r",
        "[",
        "[\"M\"",
        "[\"M\",",
        "[\"M",
        "[\"M\",{}",
        "[\"M\",{\"a\"",
        "[\"M\",{\"a\":[",
        "[\"M\",{},",
    ] {
        assert_eq!(line_error(line), JsonErrorKind::End, "{line}");
    }
    for line in [
        "x",
        "{}",
        "[]",
        "[1,{}]",
        "[\"M\"]",
        "[\"M\" {}]",
        "[\"M\",{}]]",
        "[\"M\",{}]x",
        "[\"M\",{},]",
        "[\"M\",{\"a\"}]",
        "[\"M\",{\"a\" 1}]",
        "[\"M\",{\"a\":1,}]",
        "[\"M\",{,}]",
        "[\"M\",{\"a\":[1,]}]",
        "[\"M\",{\"a\":[1 2]}]",
        "[\"M\",{\"a\":tru}]",
        "[\"M\",{\"a\":}]",
        "[\"M\",{a:1}]",
        "[\"M\",{'a':1}]",
        "[\"M\",{\"a\":1]]",
        "[\"M\",{\"a\":[}]}]",
    ] {
        assert_eq!(line_error(line), JsonErrorKind::Syntax, "{line}");
    }
    for line in ["[\"M\",null]", "[\"M\",[]]", "[\"M\",\"{}\"]", "[\"M\",3]"] {
        assert_eq!(line_error(line), JsonErrorKind::AttributesNotObject, "{line}");
    }
    let not_text = read_line(b"[\"\xff\",{}]\n", |frame| frame.attributes::<IgnoredAny>("M"));
    assert!(matches!(not_text, Err(BadMessage::Line { error })
        if error.kind() == JsonErrorKind::NotText));
    let unknown = read_line(b"[\"M\\u00e9\",{}]\n", |frame| Err::<(), _>(frame.unknown()));
    assert_eq!(unknown, Err(BadMessage::UnknownName { name: Snippet::new("M\u{e9}") }));
}

#[test]
fn a_mismatch_names_the_attribute() {
    for (json, attribute) in [
        ("{\"small\":256}", "small"),
        ("{\"small\":-1}", "small"),
        ("{\"small\":1.0}", "small"),
        ("{\"small\":\"1\"}", "small"),
        ("{\"small\":null}", "small"),
        ("{\"small\":[]}", "small"),
        ("{\"small\":{}}", "small"),
        ("{\"text\":1}", "text"),
        ("{\"text\":NaN}", "text"),
        ("{\"pair\":[1]}", "pair"),
        ("{\"pair\":[1,\"x\"]}", "pair"),
        ("{\"pair\":{}}", "pair"),
        ("{\"inner\":{\"text\":2}}", "text"),
        ("{\"inner\":{\"inner\":{\"truth\":0}}}", "truth"),
        ("{\"inner\":3}", "inner"),
        ("{\"map\":{\"1\":\"x\"}}", "map"),
        ("{\"map\":{\"x\":1}}", "map"),
        ("{\"letter\":\"ab\"}", "letter"),
        ("{\"sm\\u0061ll\":256}", "small"),
    ] {
        names(json, attribute);
    }
}

#[test]
fn a_mismatch_of_a_wide_integer_or_a_length_names_the_attribute() {
    names("{\"wide\":\"1\"}", "wide");
    names("{\"wide\":-1}", "wide");
    names("{\"wide\":1.5}", "wide");
    names("{\"wide\":null}", "wide");
    names("{\"wide\":[1]}", "wide");
    names("{\"pair\":[1,2,3]}", "pair");
}

#[track_caller]
fn names(json: &str, expected: &str) {
    match error_of::<Thing>(json) {
        JsonErrorKind::Mismatch { attribute, .. } => {
            assert_eq!(attribute, Some(expected), "{json}");
        }
        other => panic!("{json} gives {other:?}"),
    }
}

#[test]
fn what_is_missing_is_named() {
    #[derive(Debug, Deserialize)]
    struct Needs {
        #[serde(rename = "a")]
        _a: u8,
    }
    assert_eq!(error_of::<Needs>("{\"b\":1}"), JsonErrorKind::Missing("a"));
    let error = parse::<Needs>("{}").expect_err("a is missing");
    assert_eq!(error.to_string(), "message Msg: attribute \"a\" is missing (at byte 8)");
}

#[test]
fn of_duplicates_the_last_one_counts() {
    let small = |json: &str| parse::<Thing>(json).map(|thing| (thing.small, thing.text));
    let is = |small: u8, text: &str| Ok((small, text.to_owned()));
    assert_eq!(small("{\"small\":1,\"small\":2}"), is(2, ""));
    assert_eq!(
        small("{\"small\":1,\"text\":\"a\",\"small\":2,\"text\":\"b\",\"small\":3}"),
        is(3, "b")
    );
    assert_eq!(small("{\"sm\\u0061ll\":1,\"small\":2}"), is(2, ""));
    assert_eq!(small("{\"small\":1,\"\\u0073mall\":2}"), is(2, ""));
    assert_eq!(small("{\"small\":1,\"x\":[{\"small\":9}],\"small\":2}"), is(2, ""));
    assert_eq!(
        small("{\"small\":\"wrong\",\"small\":2}"),
        is(2, ""),
        "the others are not looked at"
    );
    assert!(small("{\"small\":1,\"small\":\"wrong\"}").is_err());
    assert!(small("{\"small\":1,\"small\":2").is_err());
    let nested = parse::<Thing>(
        "{\"inner\":{\"small\":1,\"small\":2,\"inner\":{\"text\":\"a\",\"text\":\"b\"}},\"small\":3,\"small\":4}",
    )
    .expect("good");
    let inner = nested.inner.expect("there");
    assert_eq!((nested.small, inner.small), (4, 2));
    assert_eq!(inner.inner.expect("there").text, "b");
    let value: Value = parse("{\"a\":1,\"a\":2}").expect("good");
    assert_eq!(value["a"], 2);
}

macro_rules! many_fields {
    ($($name:ident)*) => {
        #[derive(Debug, Deserialize)]
        #[serde(default)]
        struct Many { $($name: u16),* }

        impl Default for Many {
            fn default() -> Self { Self { $($name: 0),* } }
        }

        impl Many {
            fn values(&self) -> Vec<(&'static str, u16)> {
                vec![$((stringify!($name), self.$name)),*]
            }
        }
    };
}

many_fields! {
    a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 c0 c1 c2 c3 c4 c5 c6 c7 c8 c9
    d0 d1 d2 d3 d4 d5 d6 d7 d8 d9 e0 e1 e2 e3 e4 e5 e6 e7 e8 e9 f0 f1 f2 f3 f4 f5 f6 f7 f8 f9
    g0 g1 g2 g3 g4 g5 g6 g7 g8 g9 h0 h1 h2 h3 h4 h5 h6 h7 h8 h9 i0 i1 i2 i3 i4 i5 i6 i7 i8 i9
    j0 j1 j2 j3 j4 j5 j6 j7 j8 j9 k0 k1 k2 k3 k4 k5 k6 k7 k8 k9 l0 l1 l2 l3 l4 l5 l6 l7 l8 l9
    m0 m1 m2 m3 m4 m5 m6 m7 m8 m9 n0 n1 n2 n3 n4 n5 n6 n7 n8 n9
}

#[test]
fn duplicates_are_found_among_more_than_128_fields() {
    let names: Vec<&str> = Many::default().values().iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), 140);
    for twice in [0, 63, 64, 126, 127, 128, 129, 139] {
        let mut entries: Vec<String> =
            names.iter().enumerate().map(|(i, name)| format!("\"{name}\":{i}")).collect();
        entries.push(format!("\"{}\":999", names[twice]));
        let many: Many = parse(&format!("{{{}}}", entries.join(","))).expect("good");
        for (i, (name, value)) in many.values().into_iter().enumerate() {
            assert_eq!(usize::from(value), if i == twice { 999 } else { i }, "{name}");
        }
    }
}

/// `deep` brackets of a kind within each other.
fn nested(open: &str, close: &str, deep: usize) -> String {
    [&open.repeat(deep), "0", &close.repeat(deep)].concat()
}

#[derive(Debug, Deserialize)]
struct Known {
    #[serde(default)]
    _known: Option<Tree>,
}

/// Arrays within arrays, or objects within objects.
#[derive(Debug)]
struct Tree;

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|_| Self)
    }
}

#[test]
fn nesting_is_bounded_and_costs_no_stack() {
    let deepest = Json::DEEPEST as usize;
    let depths = [1, 2, 100, 126, 127, 128, 129, 1000, 100_000, 1_000_000];
    let check = move || {
        for deep in depths {
            for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
                let brackets = deep * (1 + usize::from(open.len() == 6));
                let json = nested(open, close, deep);
                for attribute in ["_known", "unknown"] {
                    let result = parse::<Known>(&format!("{{\"{attribute}\":{json}}}"));
                    // The attributes themselves are one level.
                    if brackets < deepest {
                        assert!(result.is_ok(), "{deep} of {open} in {attribute}: {result:?}");
                    } else {
                        let Err(BadMessage::Attributes { error, .. }) = result else {
                            panic!("{deep} of {open} in {attribute}: {result:?}");
                        };
                        assert_eq!(error.kind(), JsonErrorKind::TooDeep);
                    }
                    // Without an end it is no better.
                    let open = format!("{{\"{attribute}\":{}", open.repeat(deep));
                    assert!(parse::<Known>(&open).is_err());
                }
                let third = format!("[\"M\",{{}},{json}]\n");
                let result =
                    read_line(third.as_bytes(), |frame| frame.attributes::<IgnoredAny>("M"));
                assert_eq!(result.is_ok(), brackets <= deepest);
            }
        }
    };
    // Less than a hundred bytes of stack a level would take for the deepest.
    let small = thread::Builder::new().stack_size(1 << 20).spawn(check).expect("a thread");
    small.join().expect("no overflow");
}

#[test]
fn no_line_costs_more_than_its_length() {
    let start = Instant::now();
    let mut hostile = vec!["{\"small\":1,".to_owned()];
    hostile.extend((0..40_000).map(|i| format!("\"x{i}\":1,")));
    hostile.push("\"small\":2}".to_owned());
    assert_eq!(parse::<Thing>(&hostile.concat()).map(|thing| thing.small), Ok(2));
    let pairs = "\"small\":1,\"text\":\"\",".repeat(20_000);
    assert_eq!(parse::<Thing>(&format!("{{{pairs}\"small\":2}}")).map(|thing| thing.small), Ok(2));
    assert!(start.elapsed() < Duration::from_secs(10), "took {:?}", start.elapsed());
}
