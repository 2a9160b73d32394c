//! A stream of bytes that should be lines, into a link. However it is cut, the same comes out of it;
//! what `serde_json` reads is read alike, and so is what both take of a typed message that
//! `serde-json-core` takes.
//!
//! What this project takes and the others do not, `tests/tests/json_random.rs` names one by one.
#![no_main]

use cable_car::{JsonMessage, MessageSet, message_set};
use cable_car_fuzz::Cutting;
use cable_car_tests::json::{attributes, read_by_serde_json, read_line, same};
use cable_car_tests::stream::{Fixed, Growable, Reading, outcome};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt::Debug;

const SIZES: &[usize] = &[4096, 1, 16, 64, 200, 1000];

/// Of everything something that both this project and serde-json-core can read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Sample {
    text: heapless::String<32>,
    small: i8,
    large: u64,
    part: f64,
    yes: bool,
    maybe: Option<i32>,
    list: heapless::Vec<u16, 4>,
}

impl JsonMessage for Sample {
    const NAME: &'static str = "S";
}

#[derive(Debug, Serialize, Deserialize)]
struct Chat<'a> {
    text: &'a str,
}

impl JsonMessage for Chat<'_> {
    const NAME: &'static str = "MsgChat";
}

message_set! {
    #[derive(Debug)]
    enum Lines<'a>: Json {
        Identify(cable_car::Identify),
        Join(cable_car::Join),
        Chat(Chat<'a>),
        Sample(Sample),
    }
}

fuzz_target!(|input: &[u8]| {
    let Some(Cutting { size, stream, cuts }) = Cutting::new(input, SIZES) else {
        return;
    };
    cut::<Lines<'static>>(stream, &cuts, size);
    for line in stream.split_inclusive(|&byte| byte == b'\n') {
        if line.ends_with(b"\n") {
            compare(line);
            compare_typed(line);
        }
    }
});

/// However a stream is cut and whatever the memory, the same comes out of it.
fn cut<S: MessageSet<Transport = cable_car::Json>>(stream: &[u8], cuts: &[usize], size: usize)
where
    for<'a> S::Message<'a>: Debug,
{
    let whole = outcome::<S, _>(stream, &[], Fixed::new(stream.len() + 1), Reading::Eager);
    let grown = outcome::<S, _>(stream, cuts, Growable::new(stream.len() + 1), Reading::Eager);
    assert_eq!(grown, whole);
    let small = outcome::<S, _>(stream, cuts, Fixed::new(size), Reading::Eager);
    let late = outcome::<S, _>(stream, cuts, Fixed::new(size), Reading::Late);
    assert_eq!(late, small);
    // What fits is never lost to what does not.
    let fits = |line: &&[u8]| line.len() <= size && line.ends_with(b"\n");
    let lines = stream.split_inclusive(|&byte| byte == b'\n');
    let good = lines.filter(fits).count();
    let came = small.0.iter().filter(|item| !item.contains("TooLong")).count();
    // What is no text is told before its end, whether it would fit or not.
    assert!(came >= good);
}

fn compare(line: &[u8]) {
    let theirs = read_by_serde_json(line);
    let skipped = read_line(line, |frame| frame.attributes::<IgnoredAny>("Msg"));
    let ours = read_line(line, |frame| {
        let name = frame.name().to_owned();
        frame.attributes::<Value>("Msg").map(|value| (name, value))
    });
    match (ours, theirs) {
        (Ok((name, value)), theirs) => {
            assert!(skipped.is_ok(), "read in full, and not passed over");
            if let Some((their_name, their_value)) = theirs {
                assert_eq!(name, their_name);
                assert!(same(&value, &their_value), "{value} and {their_value}");
            }
            // What was understood can be sent on, and is understood again.
            let again: Value = serde_json::from_str(&attributes(&value)).expect("JSON");
            assert!(same(&value, &again), "{value} and {again}");
        }
        (Err(error), None) => assert!(!error.to_string().is_empty()),
        (Err(error), Some(_)) => panic!("{error}, and serde_json takes it"),
    }
}

fn compare_typed(line: &[u8]) {
    let ours = read_line(line, |frame| frame.decode::<Sample>()).ok();
    let by_serde_json = serde_json::from_slice::<(String, Sample)>(line).ok();
    if let Some((_, theirs)) = by_serde_json {
        let ours = ours.as_ref().expect("serde_json takes it");
        assert!(alike(ours, &theirs), "{ours:?} and {theirs:?}");
    }
    let mut scratch = [0; 4096];
    let by_core = serde_json_core::from_slice_escaped::<(&str, Sample)>(line, &mut scratch).ok();
    if let (Some(ours), Some(((_, theirs), _))) = (ours, by_core) {
        assert!(alike(&ours, &theirs), "{ours:?} and {theirs:?}");
    }
    let _ = read_line(line, |frame| frame.attributes::<AnyKind>("Msg").map(|_| ()));
}

/// Types whose reading takes other ways through the codec.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code)]
enum AnyKind {
    One,
    Two(i128),
    Three { a: u8, b: Option<char> },
    Four(std::collections::BTreeMap<i32, Vec<f32>>),
    Five((u8, u8), Box<AnyKind>),
}

/// Equal but for the last bits of fractions, which not every parser gets right.
fn alike(ours: &Sample, theirs: &Sample) -> bool {
    let close = (ours.part - theirs.part).abs() <= theirs.part.abs() * 1e-12
        || ours.part.to_bits() == theirs.part.to_bits()
        || (ours.part.is_nan() && theirs.part.is_nan());
    close && Sample { part: theirs.part, ..ours.clone() }.fields() == theirs.fields()
}

impl Sample {
    fn fields(&self) -> String {
        format!("{self:?}")
    }
}
