//! Byte messages between this project and the real Python package, both ways.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use cable_car_std::{
    AnyByte, BadMessage, ByteMessage, DecodeError, EncodeError, Identify, Join, LinkError, Quit,
    Reader, Retry, SendError, Writer, message_set,
};
use cable_car_tests::{
    pair,
    require::{Need, require},
};
use serde_json::json;

/// Whatever bytes there are, borrowed from the receive buffer.
#[derive(Debug, PartialEq)]
struct Raw<'a>(&'a [u8]);

impl<'a> ByteMessage<'a> for Raw<'a> {
    const CODE: u8 = 0x11;

    fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
        payload.bytes(self.0)
    }

    fn decode(payload: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self(payload.rest()))
    }
}

/// Something with fields, owned.
#[derive(Debug, PartialEq)]
struct Position {
    x: i16,
    y: f32,
    name: String,
}

impl ByteMessage<'_> for Position {
    const CODE: u8 = 0x12;

    fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
        payload.i16(self.x)?;
        payload.f32(self.y)?;
        payload.text(&self.name)
    }

    fn decode(payload: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { x: payload.i16()?, y: payload.f32()?, name: payload.rest_text()?.to_owned() })
    }
}

message_set! {
    #[derive(Debug, PartialEq)]
    enum Game<'a>: Byte { Identify, Join, Retry, Quit, Raw(Raw<'a>), Position }
}

/// The longest payload that is sent, and the longest that is accepted.
const LONGEST_SENT: usize = 252;
const LONGEST_ACCEPTED: usize = 253;

/// Bytes that differ from each other and from those of any other length.
fn payload(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 + len) as u8).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn standard_messages_go_both_ways() {
    if !require(Need::Peer) {
        return;
    }
    let (mut here, mut there) = pair::byte::<Game<'_>>(&["--echo"]);
    let ann = Identify::new("ann", "pc").unwrap();
    here.send(&ann).unwrap();
    here.send(&Join).unwrap();
    here.send(&Retry).unwrap();
    here.send(&Quit).unwrap();
    // Back from Python's own encoder.
    assert_eq!(pair::next(&mut here), Game::Identify(ann));
    assert_eq!(pair::next(&mut here), Game::Join(Join));
    assert_eq!(pair::next(&mut here), Game::Retry(Retry));
    assert_eq!(pair::next(&mut here), Game::Quit(Quit));

    let identify = there.expect("message");
    assert_eq!(identify["attributes"], json!({"username": "ann", "hostname": "pc"}));
    assert_eq!(identify["payload"], "616e6e407063");
    for (code, name) in [(2, "MsgJoin"), (3, "MsgRetry"), (4, "MsgQuit")] {
        let message = there.expect("message");
        assert_eq!((&message["code"], &message["name"]), (&json!(code), &json!(name)));
        assert_eq!(message["payload"], "");
    }

    // What Python makes up by itself: its user and host name.
    there.send_name("MsgIdentify", json!({}));
    let Game::Identify(identify) = pair::next(&mut here) else {
        panic!("another message");
    };
    assert!(!identify.username().is_empty() && !identify.hostname().is_empty());
}

#[test]
fn every_payload_length_arrives() {
    if !require(Need::Peer) {
        return;
    }
    let (mut here, mut there) = pair::byte::<Game<'_>>(&[]);
    // The last one is a frame of 255 bytes, which Python sends over its documented limit.
    for len in 0..=LONGEST_ACCEPTED {
        there.send_code(Raw::CODE, &payload(len));
    }
    for len in 0..=LONGEST_ACCEPTED {
        assert_eq!(pair::next(&mut here), Game::Raw(Raw(&payload(len))), "length {len}");
    }

    for len in 0..=LONGEST_SENT {
        here.send(&Raw(&payload(len))).unwrap();
    }
    let too_long = SendError::TooLong { limit: 254 };
    assert_eq!(here.send(&Raw(&payload(LONGEST_SENT + 1))), Err(too_long));
    here.send(&Quit).unwrap();
    here.xfer().unwrap();
    for len in 0..=LONGEST_SENT {
        let message = there.expect("message");
        assert_eq!(message["code"], Raw::CODE);
        assert_eq!(message["payload"], hex(&payload(len)), "length {len}");
    }
    // What was too long has left no trace.
    assert_eq!(there.expect("message")["name"], "MsgQuit");
}

#[test]
fn fields_and_unicode_arrive() {
    if !require(Need::Peer) {
        return;
    }
    let (mut here, mut there) = pair::byte::<Game<'_>>(&["--echo"]);
    for name in ["", "ann", "é😀\u{2028}", "a\0b\u{7f}\n"] {
        let position = Position { x: -300, y: -0.5, name: name.to_owned() };
        here.send(&position).unwrap();
        assert_eq!(pair::next(&mut here), Game::Position(position));
        let expected = format!("fed4bf000000{}", hex(name.as_bytes()));
        assert_eq!(there.expect("message")["payload"], expected);
    }
}

#[test]
fn every_code_is_shown_to_a_program_that_knows_none() {
    if !require(Need::Peer) {
        return;
    }
    let (mut here, mut there) = pair::byte::<AnyByte>(&[]);
    // A message with a payload where its class has none is sent as any other.
    let codes = || 0..=u8::MAX;
    for code in codes() {
        there.send_code(code, &[code]);
    }
    for code in codes() {
        let frame = pair::next(&mut here);
        assert_eq!((frame.code, frame.payload), (code, &[code][..]));
    }
}

#[test]
fn a_bad_message_is_told_once_and_the_link_goes_on() {
    if !require(Need::Peer) {
        return;
    }
    let (mut here, mut there) = pair::byte::<Game<'_>>(&[]);
    let cases: [(u8, &[u8], BadMessage); 6] = [
        (0, b"", BadMessage::UnknownCode { code: 0, payload: 0 }),
        (200, b"{foo", BadMessage::UnknownCode { code: 200, payload: 4 }),
        (255, &[7; 253], BadMessage::UnknownCode { code: 255, payload: 253 }),
        (
            1,
            b"nobody",
            BadMessage::Payload { code: 1, error: DecodeError::Invalid("Identify has no @") },
        ),
        (
            0x12,
            &[0, 1, 2, 3, 4],
            BadMessage::Payload { code: 0x12, error: DecodeError::Short { missing: 1 } },
        ),
        (
            0x12,
            b"\0\x01\0\0\0\0\xff\xfe",
            BadMessage::Payload { code: 0x12, error: DecodeError::NotText },
        ),
    ];
    for (n, (code, payload, _)) in cases.iter().enumerate() {
        there.send_code(*code, payload);
        there.send_code(Raw::CODE, &[n as u8]);
    }
    for (n, (.., expected)) in cases.into_iter().enumerate() {
        assert_eq!(pair::next_bad(&mut here), expected);
        assert_eq!(pair::next(&mut here), Game::Raw(Raw(&[n as u8])));
    }
    assert!(here.get().is_none());
    here.send(&Join).unwrap();
    here.xfer().unwrap();
    assert_eq!(there.expect("message")["name"], "MsgJoin");

    // What has no data is taken with some, as Python takes it; a user's name may have an @, which
    // Python sends and can not read.
    there.send_code(2, &[1, 2, 3, 4]);
    assert_eq!(pair::next(&mut here), Game::Join(Join));
    there.send_name("MsgIdentify", json!({"username": "ann@work", "hostname": "pc"}));
    let Game::Identify(identify) = pair::next(&mut here) else {
        panic!("another message");
    };
    assert_eq!((identify.username(), identify.hostname()), ("ann@work", "pc"));
}

#[test]
fn what_python_can_not_read_is_not_sent() {
    if !require(Need::Peer) {
        return;
    }
    let (mut here, mut there) = pair::byte::<Game<'_>>(&[]);
    assert!(Identify::new("ann@work", "pc").is_err());
    let french = Identify::new("andré", "pc").unwrap();
    assert!(matches!(here.send(&french), Err(SendError::Invalid(_))));
    here.send(&Join).unwrap();
    here.xfer().unwrap();
    assert_eq!(there.expect("message")["name"], "MsgJoin");

    // Such a user logs in to Python, which finds the same.
    there.send_name("MsgIdentify", json!({"username": "andré", "hostname": "pc"}));
    assert!(there.expect("error")["text"].as_str().unwrap().contains("ascii"));
}

#[test]
fn a_length_that_no_frame_has_ends_the_link() {
    // From a bare socket: Python never sends one.
    for length in [0, 1] {
        let (mut here, mut there) = pair::raw::<Game<'_>>();
        pair::write(&mut there, &[2, 2, length, 2, 2, 3]);
        assert_eq!(pair::next(&mut here), Game::Join(Join));
        assert_eq!(pair::end(&mut here), LinkError::FrameLength { length });
        assert!(here.is_closed());
        assert_eq!(pair::rest_of(&mut there), b"");
    }
}
