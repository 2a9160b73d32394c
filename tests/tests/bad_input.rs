//! What comes of bad input: the whole list, one row each, between good messages that must arrive.
//!
//! Each row is cut at every byte and handed over byte by byte, and comes out the same. What is told is
//! what a user reads. (Of lines that are nested deep: `nesting.rs`.)

use std::fmt::Debug;

use cable_car::{
    ByteMessage, DecodeError, EncodeError, Identify, Join, JsonMessage, Link, MessageSet, Moved,
    Quit, Reader, Signal, Writer, message_set,
};
use cable_car_tests::stream::{Fixed, Growable};
use serde::Deserialize;

#[derive(Debug)]
struct Point {
    _x: i16,
    _on: bool,
}

impl ByteMessage<'_> for Point {
    const CODE: u8 = 0x10;

    fn encode(&self, _: &mut Writer<'_>) -> Result<(), EncodeError> {
        Err(EncodeError::Invalid("is only read"))
    }

    fn decode(payload: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { _x: payload.i16()?, _on: payload.bool()? })
    }
}

#[derive(Debug)]
struct Bulk {
    _len: usize,
}

impl ByteMessage<'_> for Bulk {
    const CODE: u8 = 0x11;

    fn encode(&self, _: &mut Writer<'_>) -> Result<(), EncodeError> {
        Err(EncodeError::Invalid("is only read"))
    }

    fn decode(payload: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { _len: payload.rest().len() })
    }
}

message_set! {
    #[derive(Debug)]
    enum Bytes: Byte { Identify, Join, Quit, Point, Bulk }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    #[serde(default, rename = "small")]
    _small: u8,
    #[serde(default, rename = "text")]
    _text: String,
    #[serde(default, rename = "part")]
    _part: f32,
}

impl JsonMessage for Known {
    const NAME: &'static str = "Known";
}

/// Takes attributes that it does not know, as messages do unless they say otherwise.
#[derive(Debug, Deserialize)]
struct Stats {
    #[serde(default, rename = "n")]
    _n: i32,
}

impl JsonMessage for Stats {
    const NAME: &'static str = "Stats";
}

message_set! {
    #[derive(Debug)]
    enum Lines: Json { Identify, Join, Quit, Known, Stats }
}

/// All that comes out of a stream in these pieces, as a user reads it, and how the link ended.
fn read<S: MessageSet>(stream: &[u8], cuts: &[usize]) -> (Vec<String>, String)
where
    for<'a> S::Message<'a>: Debug,
{
    let mut link: Link<S, _, _> = Link::new(Growable::new(4096), []);
    let mut told = Vec::new();
    let mut from = 0;
    for &cut in cuts.iter().chain([&stream.len()]) {
        let mut piece = &stream[from..cut];
        while !piece.is_empty() {
            let mut came = 0;
            link.receive(|space| {
                came = space.len().min(piece.len());
                space[..came].copy_from_slice(&piece[..came]);
                Moved::All(came)
            });
            piece = &piece[came..];
            tell(&mut link, &mut told);
            if came == 0 {
                break;
            }
        }
        from = cut;
    }
    link.receive(|_| Moved::Closed);
    tell(&mut link, &mut told);
    (told, link.status().expect_err("the peer has closed").to_string())
}

fn tell<S: MessageSet>(link: &mut Link<S, Growable, [u8; 0]>, told: &mut Vec<String>)
where
    for<'a> S::Message<'a>: Debug,
{
    while let Some(got) = link.get() {
        told.push(match got {
            Ok(message) => format!("{message:?}"),
            Err(bad) => bad.to_string(),
        });
    }
}

/// Checks one row, whole, byte by byte, and cut at every byte.
#[track_caller]
fn check<S: MessageSet>(what: &str, stream: &[u8], told: &[&str], end: &str)
where
    for<'a> S::Message<'a>: Debug,
{
    let bytewise: Vec<usize> = (1..stream.len()).collect();
    let halves = (1..stream.len()).map(|cut| vec![cut]);
    for cuts in halves.chain([vec![], bytewise]) {
        let (got, ended) = read::<S>(stream, &cuts);
        assert_eq!(got, told, "{what}, cut at {cuts:?}");
        assert_eq!(ended, end, "{what}, cut at {cuts:?}");
    }
}

const CLOSED: &str = "the peer closed the link";

/// Frames after which the stream is in step, and what is told of them.
#[rustfmt::skip]
const FRAMES: &[(&str, &[u8], &[&str])] = &[
    ("length 2 is the shortest", b"\x02\x11", &["Bulk(Bulk { _len: 0 })"]),
    ("an unknown code", b"\x03\x77a", &["unknown message code 0x77 with 1 bytes of payload"]),
    ("an unknown code and no payload", b"\x02\x00", &["unknown message code 0x00 with 0 bytes of payload"]),
    ("a payload that is short", b"\x04\x10\x00\x01", &["message with code 0x10: payload ends 1 bytes too early"]),
    ("a payload that is not there", b"\x02\x10", &["message with code 0x10: payload ends 2 bytes too early"]),
    ("a payload that is long", b"\x06\x10\x00\x01\x01\x09", &["message with code 0x10: payload has 1 bytes too many"]),
    ("a value of the wrong type", b"\x05\x10\x00\x01\x02", &["message with code 0x10: a bool is neither 0 nor 1"]),
    ("text that is none", b"\x05\x01@\xff\xfe", &["message with code 0x01: text is not UTF-8"]),
    ("a name without an @", b"\x05\x01ann", &["message with code 0x01: Identify has no @"]),
    ("data with a message that has none", b"\x04\x02\x01\x02", &["Join(Join)"]),
    ("garbage that is frames", b"\x04zzz\x03yy\x02x", &[
        "unknown message code 0x7a with 2 bytes of payload",
        "unknown message code 0x79 with 1 bytes of payload",
        "unknown message code 0x78 with 0 bytes of payload",
    ]),
];

/// Lines, and what is told of them.
#[rustfmt::skip]
const LINES: &[(&str, &[u8], &[&str])] = &[
    ("not JSON", b"hello", &["line is not a message: not JSON of the form [\"Name\",{...}] (at byte 0)"]),
    ("an empty line", b"", &["line is not a message: the line ends too early (at byte 1)"]),
    ("white space", b" \t ", &["line is not a message: the line ends too early (at byte 4)"]),
    ("\\r\\n", b"[\"MsgJoin\",{}]\r", &["Join(Join)"]),
    ("spaces, and a third element", b"\t[ \"MsgJoin\" , { } , 3 ] ", &["Join(Join)"]),
    ("a byte order mark", b"\xef\xbb\xbf[\"MsgJoin\",{}]", &["line is not a message: not JSON of the form [\"Name\",{...}] (at byte 0)"]),
    ("not UTF-8", b"[\"Known\",{\"text\":\"\xc3\x28\"}]", &["message Known: text is not UTF-8 (at byte 21)"]),
    ("a name that is not UTF-8", b"[\"\xff\",{}]", &["line is not a message: text is not UTF-8 (at byte 4)"]),
    ("not UTF-8 where nobody looks", b"[\"Stats\",{\"x\":\"\xff\"}]", &["Stats(Stats { _n: 0 })"]),
    ("no array", b"{\"MsgJoin\":{}}", &["line is not a message: not JSON of the form [\"Name\",{...}] (at byte 0)"]),
    ("an empty array", b"[]", &["line is not a message: not JSON of the form [\"Name\",{...}] (at byte 1)"]),
    ("one element", b"[\"MsgJoin\"]", &["line is not a message: not JSON of the form [\"Name\",{...}] (at byte 10)"]),
    ("a name that is a number", b"[1,{}]", &["line is not a message: not JSON of the form [\"Name\",{...}] (at byte 1)"]),
    ("attributes that are null", b"[\"MsgJoin\",null]", &["message MsgJoin: attributes are not an object (at byte 11)"]),
    ("attributes that are a list", b"[\"Known\",[]]", &["message Known: attributes are not an object (at byte 9)"]),
    ("an unknown name", b"[\"MsgNobody\",{\"a\":1}]", &["unknown message name \"MsgNobody\""]),
    ("an unknown attribute", b"[\"Stats\",{\"a\":{\"b\":[1]},\"n\":7}]", &["Stats(Stats { _n: 7 })"]),
    ("an attribute twice", b"[\"Stats\",{\"n\":1,\"n\":2}]", &["Stats(Stats { _n: 2 })"]),
    ("an attribute of the wrong type", b"[\"Known\",{\"text\":5}]", &["message Known: attribute \"text\" is not a string (at byte 18)"]),
    ("an attribute that is not there", b"[\"MsgIdentify\",{\"username\":\"a\"}]", &["message MsgIdentify: attribute \"hostname\" is missing (at byte 30)"]),
    ("an integer that is too large", b"[\"Known\",{\"small\":256}]", &["message Known: attribute \"small\" is not u8 (at byte 21)"]),
    ("an integer below zero", b"[\"Known\",{\"small\":-1}]", &["message Known: attribute \"small\" is not u8 (at byte 20)"]),
    ("an integer of a hundred digits", b"[\"Known\",{\"small\":1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000}]", &["message Known: attribute \"small\" is not u8 (at byte 118)"]),
    ("NaN for an integer", b"[\"Known\",{\"small\":NaN}]", &["message Known: attribute \"small\" is not u8 (at byte 21)"]),
    ("NaN", b"[\"Known\",{\"part\":NaN}]", &["Known(Known { _small: 0, _text: \"\", _part: NaN })"]),
    ("minus infinity", b"[\"Known\",{\"part\":-Infinity}]", &["Known(Known { _small: 0, _text: \"\", _part: -inf })"]),
    ("beyond every float", b"[\"Known\",{\"part\":1e400}]", &["Known(Known { _small: 0, _text: \"\", _part: inf })"]),
    ("no number", b"[\"Known\",{\"part\":1.}]", &["message Known: not a number (at byte 19)"]),
    ("half of a surrogate pair", br#"["Known",{"text":"\ud83d!"}]"#, &["Known(Known { _small: 0, _text: \"\u{fffd}!\", _part: 0.0 })"]),
    ("surrogates the wrong way round", br#"["Known",{"text":"\ude00\ud83d"}]"#, &["Known(Known { _small: 0, _text: \"\u{fffd}\u{fffd}\", _part: 0.0 })"]),
    ("an escape that there is not", br#"["Known",{"text":"\x41"}]"#, &["line is not a message: a text has an escape that is not allowed (at byte 17)"]),
    ("a line that ends too early", b"[\"Stats\",{\"n\":", &["message Stats: the line ends too early (at byte 15)"]),
    ("a text that does not end", b"[\"Stats\",{\"n", &["message Stats: the line ends too early (at byte 10)"]),
    ("something behind the message", b"[\"MsgJoin\",{}] x", &["line is not a message: not JSON of the form [\"Name\",{...}] (at byte 15)"]),
];

#[test]
fn of_bad_frames_the_link_goes_on_and_what_is_wrong_is_told() {
    for (what, bytes, told) in FRAMES {
        let stream = [b"\x02\x02", *bytes, b"\x02\x04"].concat();
        let told = [&["Join(Join)"], *told, &["Quit(Quit)"]].concat();
        check::<Bytes>(what, &stream, &told, CLOSED);
    }
}

#[test]
fn frames_of_255_bytes_are_the_longest() {
    let longest = [&[255, 0x11][..], &[0; 253]].concat();
    let stream = [b"\x02\x02", &longest[..], b"\x02\x04"].concat();
    check::<Bytes>(
        "length 255",
        &stream,
        &["Join(Join)", "Bulk(Bulk { _len: 253 })", "Quit(Quit)"],
        CLOSED,
    );
}

#[test]
fn a_length_that_can_not_be_ends_the_link_behind_what_was_good() {
    for length in [0, 1] {
        let stream = [2, 2, 3, 0x77, 0, length, 2, 2, 4];
        let told = ["Join(Join)", "unknown message code 0x77 with 1 bytes of payload"];
        let end = format!(
            "the peer sent frame length {length}, which no frame can have: does it use another \
             transport, or none?"
        );
        check::<Bytes>("lengths 0 and 1", &stream, &told, &end);
    }
}

#[test]
fn of_bad_lines_the_link_goes_on_and_what_is_wrong_is_told() {
    for (what, line, told) in LINES {
        let stream = [b"[\"MsgJoin\",{}]\n", *line, b"\n[\"MsgQuit\",{}]\n"].concat();
        let told = [&["Join(Join)"], *told, &["Quit(Quit)"]].concat();
        check::<Lines>(what, &stream, &told, CLOSED);
    }
}

#[test]
fn half_a_message_and_the_end_is_told_by_the_bytes_that_came() {
    let told = ["Join(Join)"];
    let end = "the peer closed the link after 3 bytes of a frame";
    check::<Bytes>("half a frame", b"\x02\x02\x08\x01a", &told, end);
    check::<Lines>("half a line", b"[\"MsgJoin\",{}]\n[\"M", &told, end);
}

#[test]
fn half_a_message_and_silence_is_waited_for() {
    fn halves<S: MessageSet>(first: &[u8], second: &[u8])
    where
        for<'a> S::Message<'a>: Debug,
    {
        let mut link: Link<S, _, _> = Link::new(Fixed::new(64), []);
        for half in [first, second] {
            link.receive(|space| {
                space[..half.len()].copy_from_slice(half);
                Moved::All(half.len())
            });
            // However often it is looked for.
            for _ in 0..1000 * usize::from(half == first) {
                assert!(!link.has_message() && link.get().is_none());
                link.receive(|_| Moved::Idle);
                assert_eq!(link.status(), Ok(()));
            }
        }
        assert!(matches!(link.get(), Some(Ok(_))));
    }
    halves::<Bytes>(b"\x08\x01an", b"n@pc");
    halves::<Lines>(b"[\"MsgJoin\"", b",{}]\n");
}

#[test]
fn what_does_not_fit_the_buffer_is_told_once_and_what_follows_arrives() {
    fn in_little_memory<S: MessageSet>(stream: &[u8]) -> Vec<String>
    where
        for<'a> S::Message<'a>: Debug,
    {
        let memory = Fixed::new(40);
        let (log, _) = cable_car_tests::stream::outcome::<S, _>(
            stream,
            &[],
            memory,
            cable_car_tests::stream::Reading::Eager,
        );
        log
    }
    let long = format!("[\"Known\",{{\"text\":\"{}\"}}]\n[\"MsgQuit\",{{}}]\n", "x".repeat(5000));
    let told = ["Err(TooLong { buffer: 40 })", "Ok(Quit(Quit))"];
    assert_eq!(in_little_memory::<Lines>(long.as_bytes()), told);
    let long = [&[255, 0x11][..], &[2; 253], &[2, 4]].concat();
    assert_eq!(in_little_memory::<Bytes>(&long), told);
}

const JSON_ON_BYTES: &str = "a JSON line came on a byte link: does the peer use the JSON \
                             transport? Both must use the same";
const BYTES_ON_JSON: &str = "bytes came on a JSON link: does the peer use the byte transport? Both \
                             must use the same";

#[test]
fn json_on_a_byte_link_is_told_before_a_frame_is_complete() {
    let line = b"[\"MsgJoin\",{}]\n";
    check::<Bytes>(
        "one line",
        line,
        &[JSON_ON_BYTES],
        "the peer closed the link after 15 bytes of a frame",
    );
    let identify = b"[\"MsgIdentify\", {\"username\": \"ann\", \"hostname\": \"pc\"}]\n";
    let (told, _) = read::<Bytes>(&[&identify[..], line, line, line, line].concat(), &[]);
    assert_eq!(told[0], JSON_ON_BYTES);
}

#[test]
fn bytes_on_a_json_link_are_told_before_a_line_feed() {
    for frame in [
        &b"\x02\x02"[..],
        b"\x08\x01ann@pc",
        b"\x20\x01a very long name@a longer mac",
        b"\x41\x01xyz",
        b"\x0a\x01ann@hal9",
        b"[\x01ann@hal",
        b"\xff\x11\xff",
    ] {
        let (told, end) = read::<Lines>(frame, &[]);
        // A length that is a line feed is an empty line first.
        assert_eq!(told.last().map(String::as_str), Some(BYTES_ON_JSON), "{frame:?}");
        assert!(end.starts_with("the peer closed the link after"), "{end}");
        // What follows the next line feed is found.
        let stream = [frame, b"\n[\"MsgJoin\",{}]\n"].concat();
        let (told, _) = read::<Lines>(&stream, &[]);
        assert_eq!(told.last().map(String::as_str), Some("Join(Join)"), "{frame:?}");
    }
    check::<Lines>("frames", b"\x02\x02\x02\x04\n", &[BYTES_ON_JSON], CLOSED);
}

#[test]
fn a_legal_frame_is_never_taken_for_json() {
    /// Whose frame may look like JSON to the last byte.
    #[derive(Debug, Default)]
    struct Quote;

    impl Signal for Quote {
        const CODE: u8 = b'"';
    }

    message_set! { #[derive(Debug)] enum Quotes: Byte { Quote, Quit } }

    let mut stream = b"[\"MsgJoin\",{}]\n".to_vec();
    stream.resize(91, b' ');
    stream.extend(b"\x02\x04");
    check::<Quotes>("a frame that is known", &stream, &["Quote(Quote)", "Quit(Quit)"], CLOSED);
    // One that is not known is one message, and the stream stays in step.
    check::<Bytes>("a frame that is not", &stream, &[JSON_ON_BYTES, "Quit(Quit)"], CLOSED);
    stream[2] = b'\0';
    let unknown = "unknown message code 0x22 with 89 bytes of payload";
    check::<Bytes>("another", &stream, &[unknown, "Quit(Quit)"], CLOSED);
}
