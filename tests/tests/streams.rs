//! However a stream is cut into pieces and whatever the buffer, the same comes out of it.

use std::fmt::Debug;

use cable_car::{
    ByteMessage, DecodeError, EncodeError, Identify, Join, JsonMessage, LinkError, MessageSet,
    Quit, Reader, Retry, Storage, Writer, message_set,
};
use cable_car_tests::stream::{Fixed, Growable, Reading, outcome};
use serde::{Deserialize, Serialize};

#[derive(Debug)]
struct Point {
    x: i16,
    y: i16,
}

impl ByteMessage<'_> for Point {
    const CODE: u8 = 0x10;

    fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
        payload.i16(self.x)?;
        payload.i16(self.y)
    }

    fn decode(payload: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { x: payload.i16()?, y: payload.i16()? })
    }
}

#[derive(Debug)]
struct Note<'a>(&'a [u8]);

impl<'a> ByteMessage<'a> for Note<'a> {
    const CODE: u8 = 0x11;

    fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
        payload.bytes(self.0)
    }

    fn decode(payload: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self(payload.rest()))
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Chat<'a> {
    text: &'a str,
    stars: u8,
}

impl JsonMessage for Chat<'_> {
    const NAME: &'static str = "MsgChat";
}

message_set! {
    #[derive(Debug)]
    enum Bytes<'a>: Byte { Identify, Join, Retry, Quit, Point, Note(Note<'a>) }
}

message_set! {
    #[derive(Debug)]
    enum Lines<'a>: Json { Identify, Join, Retry, Quit, Chat(Chat<'a>) }
}

/// Frames of bytes and how many messages are in them: each is one, good or bad.
fn byte_frames() -> Vec<Vec<u8>> {
    let note = |len: usize| [&[len as u8 + 2, 0x11][..], &vec![0x5a; len]].concat();
    vec![
        vec![8, 1, b'a', b'n', b'n', b'@', b'p', b'c'],
        vec![2, 2],
        vec![6, 0x10, 0, 3, 0xff, 0xfc],
        vec![3, 0x77, 1],                    // unknown code
        vec![5, 0x10, 0, 3, 0],              // short
        vec![7, 0x10, 0, 3, 0, 4, 9],        // long
        vec![4, 3, 1, 2],                    // data with a message that has none
        vec![5, 1, b'n', b'o', b'x'],        // no @
        vec![6, 1, b'@', 0xff, 0xfe, b'\n'], // not text
        note(0),
        vec![2, 4],
        note(13),
    ]
}

fn json_lines() -> Vec<&'static str> {
    vec![
        r#"["MsgIdentify",{"username":"ann","hostname":"pc"}]"#,
        r#"["MsgJoin",{}]"#,
        r#"["MsgChat",{"text":"\ud83d\ude00\n","stars":5}]"#,
        r#"["MsgNobody",{"a":1}]"#,
        "this is no JSON",
        "",
        r#"["MsgChat",{"text":"x","stars":256}]"#,
        r#"["MsgChat",{"text":"x"}]"#,
        r#"["MsgChat",null]"#,
        "\t[ \"MsgQuit\" , { } , 3 ] \r",
        r#"["MsgChat",{"text":"\x","stars":1}]"#,
        "[\"MsgRetry\",{}",
        r#"["MsgRetry",{}]"#,
    ]
}

fn joined(lines: &[&str]) -> Vec<u8> {
    lines.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect()
}

/// Every way to cut, every memory, every time to read: always `expected`.
fn check<S: MessageSet>(stream: &[u8], longest: usize, pairs: bool)
where
    for<'a> S::Message<'a>: Debug,
{
    let expected = outcome::<S, _>(stream, &[], Fixed::new(stream.len() + 1), Reading::Eager);
    let compare = |cuts: &[usize]| {
        for reading in [Reading::Eager, Reading::Late] {
            let check = |what: &str, got| {
                assert_eq!(expected, got, "{what} memory, cut at {cuts:?}, read {reading:?}");
            };
            for size in [longest, 255.max(longest), 512.max(longest)] {
                check("fixed", outcome::<S, _>(stream, cuts, Fixed::new(size), reading));
            }
            check("growing", outcome::<S, _>(stream, cuts, Growable::new(longest), reading));
        }
    };
    compare(&[]);
    let every: Vec<usize> = (0..stream.len()).collect();
    compare(&every);
    for first in 0..=stream.len() {
        compare(&[first]);
        if pairs {
            (first..=stream.len()).for_each(|second| compare(&[first, second]));
        }
    }
}

#[test]
fn byte_frames_come_out_the_same_however_they_are_cut() {
    let frames = byte_frames();
    let stream = frames.concat();
    let (log, end) = outcome::<Bytes, _>(&stream, &[], Fixed::new(512), Reading::Late);
    assert_eq!(log.len(), frames.len());
    assert_eq!(end, Err(LinkError::ClosedByPeer));
    assert_eq!(log.iter().filter(|item| item.starts_with("Err")).count(), 5);
    check::<Bytes>(&stream, 15, true);
}

#[test]
fn longest_byte_frames_come_out_the_same_however_they_are_cut() {
    let mut stream = Vec::new();
    for len in [255, 254, 2, 255, 3, 255] {
        stream.push(len);
        stream.extend([0x11].into_iter().chain((0..=255).cycle()).take(usize::from(len) - 1));
    }
    check::<Bytes>(&stream, 255, false);
}

#[test]
fn lines_come_out_the_same_however_they_are_cut() {
    let lines = json_lines();
    let stream = joined(&lines);
    let (log, end) = outcome::<Lines, _>(&stream, &[], Fixed::new(1024), Reading::Late);
    assert_eq!(log.len(), lines.len());
    assert_eq!(end, Err(LinkError::ClosedByPeer));
    let good = log.iter().filter(|item| item.starts_with("Ok")).count();
    assert_eq!(good, 5, "{log:#?}");
    check::<Lines>(&stream, lines.iter().map(|line| line.len() + 1).max().unwrap_or(0), false);
}

#[test]
fn short_lines_come_out_the_same_at_every_pair_of_cuts() {
    check::<Lines>(&joined(&["[\"MsgJoin\",{}]", "no", "", "[\"MsgQuit\",{}]\r"]), 16, true);
}

#[test]
fn a_frame_length_of_0_or_1_ends_the_link_after_all_before_it() {
    for length in [0, 1] {
        let good = byte_frames().concat();
        let expected = outcome::<Bytes, _>(&good, &[], Fixed::new(255), Reading::Late).0;
        let stream = [&good[..], &[length, 2, 2, 2, 2]].concat();
        check::<Bytes>(&stream, 15, false);
        let (log, end) = outcome::<Bytes, _>(&stream, &[], Fixed::new(255), Reading::Late);
        assert_eq!(log, expected);
        assert_eq!(end, Err(LinkError::FrameLength { length }));
        let first = outcome::<Bytes, _>(&[length], &[], Growable::new(16), Reading::Late);
        assert_eq!(first, (vec![], Err(LinkError::FrameLength { length })));
    }
}

/// What a stream with frames that do not fit gives, at every cut: each is told once, and every
/// frame that fits arrives.
fn check_too_long<S: MessageSet>(
    frames: &[Vec<u8>],
    size: usize,
    growing: impl Fn() -> Option<Growable>,
) where
    for<'a> S::Message<'a>: Debug,
{
    let stream = frames.concat();
    let fits = |frame: &&Vec<u8>| frame.len() <= size;
    let fitting: Vec<u8> = frames.iter().filter(fits).flatten().copied().collect();
    let mut good = outcome::<S, _>(&fitting, &[], Fixed::new(1 << 12), Reading::Late).0.into_iter();
    let too_long = format!("Err(TooLong {{ buffer: {size} }})");
    let expected: Vec<String> =
        frames
            .iter()
            .map(|frame| {
                if frame.len() <= size { good.next().unwrap_or_default() } else { too_long.clone() }
            })
            .collect();
    let compare = |cuts: &[usize], reading| {
        let got = match growing() {
            Some(memory) => outcome_of::<S, _>(&stream, cuts, memory, reading),
            None => outcome_of::<S, _>(&stream, cuts, Fixed::new(size), reading),
        };
        assert_eq!(got, expected, "{size} bytes, cut at {cuts:?}, {reading:?}");
    };
    for reading in [Reading::Eager, Reading::Late] {
        compare(&[], reading);
        compare(&(0..stream.len()).collect::<Vec<_>>(), reading);
        (0..stream.len()).for_each(|cut| compare(&[cut], reading));
    }
}

fn outcome_of<S: MessageSet, RX: Storage>(
    stream: &[u8],
    cuts: &[usize],
    memory: RX,
    reading: Reading,
) -> Vec<String>
where
    for<'a> S::Message<'a>: Debug,
{
    let (log, end) = outcome::<S, RX>(stream, cuts, memory, reading);
    assert_eq!(end, Err(LinkError::ClosedByPeer));
    log
}

#[test]
fn byte_frames_too_long_for_the_buffer_are_told_once_and_passed_over() {
    let mut frames = Vec::new();
    for len in [10, 40, 2, 3, 11, 9, 255, 10, 12, 12, 2] {
        frames.push([&[len as u8, 0x11][..], &vec![len as u8; len - 2]].concat());
    }
    for size in [1, 2, 3, 9, 10, 11, 39, 40, 254] {
        check_too_long::<Bytes>(&frames, size, || None);
    }
    check_too_long::<Bytes>(&frames, 11, || Some(Growable::new(11)));
}

#[test]
fn lines_too_long_for_the_buffer_are_told_once_and_passed_over() {
    let long = format!("[\"MsgChat\",{{\"text\":\"{}\",\"stars\":1}}]", "é".repeat(40));
    let lines = [
        "[\"MsgJoin\",{}]",
        &long,
        "[\"MsgQuit\",{}]",
        &long,
        &long,
        "nonsense",
        "[\"MsgRetry\",{}]",
    ];
    let frames: Vec<Vec<u8>> = lines.iter().map(|line| joined(&[line])).collect();
    for size in [17, 20, 64, 100, long.len()] {
        check_too_long::<Lines>(&frames, size, || None);
        check_too_long::<Lines>(&frames, size, || Some(Growable::new(size)));
    }
}
