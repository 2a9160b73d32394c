//! Values by chance, written and read by serde_json and by this project, which must agree.
//!
//! Deliberate differences, each tested by name below: `NaN` and `Infinity` are words (as in Python),
//! `1e400` is infinite, `-0` is an integer (as in Python), control characters may stand in texts,
//! half of a surrogate pair is U+FFFD, texts of attributes that nobody reads are not looked at, and
//! floats are exact to the last bit where serde_json's fast parser is not.

use cable_car::BadMessage;
use cable_car_tests::json::{attributes, parse, read_by_serde_json, read_line, same};
use cable_car_tests::random::Random;
use serde::de::IgnoredAny;
use serde_json::{Map, Number, Value, json};

fn text(random: &mut Random) -> String {
    let alphabet =
        ['a', 'Z', ' ', '"', '\\', '/', '\n', '\t', '\0', '\u{7f}', 'é', '€', '😀', '\u{10ffff}'];
    (0..random.below(8)).map(|_| *random.pick(&alphabet)).collect()
}

fn number(random: &mut Random) -> Number {
    let shift = random.below(64);
    match random.below(5) {
        0 => Number::from(random.number() >> shift),
        1 => Number::from((random.number() >> shift) as i64),
        2 => Number::from(-((random.number() >> shift >> 1) as i64)),
        3 => Number::from_f64(random.below(1000) as f64 / 8.0).unwrap_or(0.into()),
        _ => Number::from_f64(f64::from_bits(random.number())).unwrap_or(1.into()),
    }
}

fn value(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 4 } else { 6 }) {
        0 => Value::Null,
        1 => Value::Bool(random.once_in(2)),
        2 => Value::Number(number(random)),
        3 => Value::String(text(random)),
        4 => (0..random.below(5)).map(|_| value(random, depth - 1)).collect(),
        _ => Value::Object(object(random, depth - 1)),
    }
}

fn object(random: &mut Random, depth: usize) -> Map<String, Value> {
    (0..random.below(5)).map(|_| (text(random), value(random, depth))).collect()
}

#[test]
fn what_either_writes_both_read_alike() {
    let mut random = Random::from_seed_or_time();
    for _ in 0..20_000 {
        let value = Value::Object(object(&mut random, 4));
        let ours = attributes(&value);
        assert!(ours.is_ascii());
        let theirs = value.to_string();
        // What was written can be read to the last bit, by either way of writing.
        assert_eq!(parse::<Value>(&ours).as_ref(), Ok(&value), "{ours}");
        assert_eq!(parse::<Value>(&theirs).as_ref(), Ok(&value), "{theirs}");
        let read: Value = serde_json::from_str(&ours).expect(&ours);
        assert!(same(&value, &read), "{ours} is {read} to serde_json");
    }
}

#[test]
fn floats_are_read_as_the_language_reads_them() {
    let mut random = Random::from_seed_or_time();
    for _ in 0..50_000 {
        let digits: String =
            (0..1 + random.below(25)).map(|_| *random.pick(&['0', '1', '5', '9'])).collect();
        let token = match random.below(4) {
            0 => format!("{}", f64::from_bits(random.number())),
            1 => format!("{:e}", f64::from_bits(random.number())),
            2 => format!("-1.{digits}e-{}", random.below(330)),
            _ => format!("7{digits}.5E+{}", random.below(330)),
        };
        let Ok(expected) = token.parse::<f64>() else { continue };
        if !expected.is_nan() && !token.contains("inf") {
            let got =
                parse::<std::collections::BTreeMap<String, f64>>(&format!("{{\"f\":{token}}}"));
            assert_eq!(got.map(|map| map["f"].to_bits()), Ok(expected.to_bits()), "{token}");
        }
    }
}

/// Changes a line as a bad wire or a bad peer might.
fn mutate(random: &mut Random, line: &mut Vec<u8>) {
    const BITS: &[&[u8]] = &[
        b"\"", b"\\", b"[", b"]", b"{", b"}", b",", b":", b"0", b"-", b".", b"e", b"null", b"true",
        b"NaN", b"\\u", b"\\ud83d", b"\\ude00", b" ", b"\t", b"\xff", b"\xc3", b"\"\":", b"{}",
        b"1e400",
    ];
    for _ in 0..1 + random.below(3) {
        let at = random.below(line.len() + 1);
        let end = (at + random.below(4)).min(line.len());
        match random.below(4) {
            0 => drop(line.drain(at..end)),
            1 => drop(line.splice(at..end, random.pick(BITS).iter().copied())),
            2 => drop(line.splice(at..at, random.pick(BITS).iter().copied())),
            _ => {
                if let Some(byte) = line.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
        }
    }
    line.retain(|&byte| byte != b'\n');
}

#[test]
fn damaged_lines_do_no_harm_and_are_read_as_serde_json_reads_them() {
    let mut random = Random::from_seed_or_time();
    let (mut good, mut bad, mut lenient) = (0, 0, 0);
    for _ in 0..150_000 {
        let attributes = attributes(&object(&mut random, 3));
        let mut line = format!("[\"Msg\",{attributes}]").into_bytes();
        mutate(&mut random, &mut line);
        let theirs = read_by_serde_json(&line);
        let shown = String::from_utf8_lossy(&line).into_owned();
        line.push(b'\n');
        let skipped = read_line(&line, |frame| frame.attributes::<IgnoredAny>("Msg"));
        let ours = read_line(&line, |frame| {
            let name = frame.name().to_owned();
            frame.attributes::<Value>("Msg").map(|value| (name, value))
        });
        match (ours, theirs) {
            (Ok((name, value)), Some((their_name, their_value))) => {
                assert_eq!(name, their_name, "{shown}");
                assert!(same(&value, &their_value), "{shown} is {value} and {their_value}");
                assert!(skipped.is_ok());
                good += 1;
            }
            (Ok(_), None) => {
                assert!(skipped.is_ok(), "{shown}: read in full, and not passed over");
                lenient += 1;
            }
            (Err(error), Some(_)) => panic!("{shown}: {error}, and serde_json takes it"),
            (Err(error), None) => {
                assert!(!error.to_string().is_empty());
                bad += 1;
            }
        }
    }
    println!("{good} read alike, {bad} refused alike, {lenient} taken here alone");
    assert!(good > 1000 && bad > 1000);
}

fn both(attributes: &str) -> (Result<Value, BadMessage>, Option<Value>) {
    (parse(attributes), serde_json::from_str(attributes).ok())
}

#[test]
fn words_that_python_sends_for_numbers_are_taken_here_alone() {
    for word in ["NaN", "Infinity", "-Infinity", "1e400"] {
        let (ours, theirs) = both(&format!("{{\"a\":{word}}}"));
        // serde_json's values can not hold them.
        assert_eq!((ours, theirs), (Ok(json!({"a": null})), None), "{word}");
    }
}

#[test]
fn minus_zero_is_an_integer_here() {
    let (ours, theirs) = both("{\"a\":-0}");
    assert_eq!(ours, Ok(json!({"a": 0})));
    assert_eq!(theirs, Some(json!({"a": -0.0})));
}

#[test]
fn control_characters_in_texts_are_taken_here_alone() {
    let (ours, theirs) = both("{\"a\":\"\t\u{1}\"}");
    assert_eq!((ours, theirs), (Ok(json!({"a": "\t\u{1}"})), None));
}

#[test]
fn half_of_a_surrogate_pair_is_no_error_here() {
    let (ours, theirs) = both(r#"{"a":"\ud83d"}"#);
    assert_eq!((ours, theirs), (Ok(json!({"a": "\u{fffd}"})), None));
}

#[test]
fn texts_that_nobody_reads_are_not_looked_at() {
    let line = b"[\"Msg\",{\"a\":\" \xff\"}]\n";
    assert!(read_line(line, |frame| frame.attributes::<IgnoredAny>("Msg")).is_ok());
    assert!(read_line(line, |frame| frame.attributes::<Value>("Msg")).is_err());
}
