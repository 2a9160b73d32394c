//! Derived byte messages and sets: to the byte, at every cut, and with values by chance.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use cable_car_std::{
    BadMessage, Byte, ByteField, ByteFrame, ByteMessage, DecodeError, EncodeError, Identify, Join,
    JsonMessage, MessageSet, Outgoing, Reader, Writer, message_set,
};
use cable_car_tests::{json::read_line, random::Random};
use serde::{Deserialize, Serialize};

const EVERYTHING: u8 = 0x21;

#[derive(Clone, Debug, PartialEq, ByteMessage)]
#[message(code = EVERYTHING)]
struct Everything<'a> {
    small: bool,
    u8: u8,
    i8: i8,
    u16: u16,
    i16: i16,
    u32: u32,
    i32: i32,
    u64: u64,
    i64: i64,
    u128: u128,
    i128: i128,
    f32: f32,
    f64: f64,
    bytes: [u8; 5],
    grid: [[i16; 2]; 3],
    flags: [bool; 3],
    side: Side,
    sides: [Side; 2],
    #[message(prefixed)]
    text: &'a str,
    named: [Named; 2],
    #[message(prefixed)]
    data: Vec<u8>,
    #[message(prefixed)]
    part: Open<'a>,
    rest: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, ByteField)]
#[repr(u8)]
enum Side {
    Left,
    Right = 7,
    Up,
}

/// It ends by itself: another field may follow.
#[derive(Clone, Debug, PartialEq, ByteField)]
struct Named {
    at: Point,
    #[message(prefixed)]
    name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, ByteField)]
struct Point(i16, i16);

/// It takes all that is left.
#[derive(Clone, Copy, Debug, PartialEq, ByteField)]
struct Open<'a> {
    number: u16,
    text: &'a str,
}

fn everything<'a>(random: &mut Random, memory: &'a [String; 2], rest: &'a [u8]) -> Everything<'a> {
    let mut float = || f64::from_bits(random.number() & !(0x7ff << 52) | (1000 << 52));
    let (f32, f64) = (float() as f32, float());
    let number = random.number();
    let named = |random: &mut Random| Named {
        at: Point(random.number() as i16, random.number() as i16),
        name: text(random, 10),
    };
    Everything {
        small: random.once_in(2),
        u8: number as u8,
        i8: number as i8,
        u16: number as u16,
        i16: number as i16,
        u32: number as u32,
        i32: number as i32,
        u64: number,
        i64: number as i64,
        u128: u128::from(number) << 64 | u128::from(random.number()),
        i128: (u128::from(random.number()) << 64 | u128::from(number)) as i128,
        f32,
        f64,
        bytes: [random.number() as u8; 5],
        grid: [[random.number() as i16, 1], [2, random.number() as i16], [-1, -2]],
        flags: [random.once_in(2), random.once_in(2), random.once_in(2)],
        side: *random.pick(&[Side::Left, Side::Right, Side::Up]),
        sides: [*random.pick(&[Side::Left, Side::Right, Side::Up]), Side::Up],
        text: &memory[0],
        named: [named(random), named(random)],
        data: {
            let len = random.below(12);
            random.bytes(len)
        },
        part: Open { number: random.number() as u16, text: &memory[1] },
        rest,
    }
}

fn text(random: &mut Random, longest: usize) -> String {
    (0..random.below(longest + 1)).map(|_| *random.pick(&['a', 'Z', '\0', '7'])).collect()
}

fn payload(message: &impl Outgoing<Byte>) -> Vec<u8> {
    let mut space = [0xee; 300];
    let len = message.write_frame(&mut space).unwrap();
    space[2..len].to_vec()
}

#[test]
fn values_by_chance_come_back_and_no_cut_is_taken_for_a_message() {
    let mut random = Random::from_seed_or_time();
    for _ in 0..2_000 {
        let memory = [text(&mut random, 20), text(&mut random, 20)];
        let len = random.below(10);
        let rest = random.bytes(len);
        let message = everything(&mut random, &memory, &rest);
        let payload = payload(&message);
        let frame = |payload| ByteFrame { code: EVERYTHING, payload };
        assert_eq!(frame(&payload).decode::<Everything<'_>>().as_ref(), Ok(&message));
        // What is last takes any number of bytes; before it, each is needed.
        let shortest = payload.len() - message.rest.len();
        for cut in 0..shortest {
            let got = frame(&payload[..cut]).decode::<Everything<'_>>();
            let Err(BadMessage::Payload { code: EVERYTHING, error }) = got else {
                panic!("{cut} of {payload:?}: {got:?}");
            };
            assert!(matches!(error, DecodeError::Short { missing: 1.. }), "{cut}: {error:?}");
        }
    }
}

#[test]
fn bytes_by_chance_are_a_message_that_writes_the_same_bytes_or_an_error() {
    let mut random = Random::from_seed_or_time();
    let mut good = 0;
    for _ in 0..20_000 {
        let memory = [text(&mut random, 5), text(&mut random, 5)];
        let mut bytes = payload(&everything(&mut random, &memory, b"rest"));
        for _ in 0..random.below(4) {
            let at = random.below(bytes.len());
            bytes[at] = random.number() as u8;
        }
        let frame = ByteFrame { code: EVERYTHING, payload: &bytes };
        if let Ok(message) = frame.decode::<Everything<'_>>() {
            assert_eq!(payload(&message), bytes);
            good += 1;
        }
    }
    assert!(good > 1_000, "{good}");
}

/// What the derive is to write, by hand.
#[derive(Debug, PartialEq)]
struct ByHand<'a> {
    x: i16,
    name: &'a str,
    side: u8,
    rest: &'a str,
}

impl<'a> ByteMessage<'a> for ByHand<'a> {
    const CODE: u8 = 0x30;

    fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
        payload.i16(self.x)?;
        payload.u8(self.name.len() as u8)?;
        payload.text(self.name)?;
        payload.u8(self.side)?;
        payload.text(self.rest)
    }

    fn decode(payload: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let x = payload.i16()?;
        let len = payload.u8()?;
        let name = payload.text(len.into())?;
        Ok(Self { x, name, side: payload.u8()?, rest: payload.rest_text()? })
    }
}

#[derive(Debug, PartialEq, ByteMessage)]
#[message(code = 0x30)]
struct Derived<'a, 'b> {
    x: i16,
    #[message(prefixed)]
    name: &'a str,
    side: Side,
    rest: &'b str,
}

#[test]
fn what_is_derived_is_what_would_be_written_by_hand() {
    let derived = Derived { x: -2, name: "ann", side: Side::Right, rest: "é" };
    let by_hand = ByHand { x: -2, name: "ann", side: 7, rest: "é" };
    let bytes = [0xff, 0xfe, 3, b'a', b'n', b'n', 7, 0xc3, 0xa9];
    assert_eq!((payload(&derived), payload(&by_hand)), (bytes.to_vec(), bytes.to_vec()));
    let frame = ByteFrame { code: 0x30, payload: &bytes };
    assert_eq!(frame.decode::<Derived<'_, '_>>(), Ok(derived));
    assert_eq!(frame.decode::<ByHand<'_>>(), Ok(by_hand));
}

#[test]
fn odd_bytes_are_refused_for_what_they_are() {
    let decode = |payload| ByteFrame { code: 0x30, payload }.decode::<Derived<'_, '_>>();
    let error = |payload| match decode(payload) {
        Err(BadMessage::Payload { code: 0x30, error }) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(error(&[0, 0, 0, 1]), DecodeError::Invalid("there is no such Side"));
    assert_eq!(error(&[0, 0, 1, 0xff, 0]), DecodeError::NotText);
    assert_eq!(error(&[0, 0, 5, b'a']), DecodeError::Short { missing: 4 });
    assert_eq!(error(&[0, 0, 0, 0, 0xff]), DecodeError::NotText);
    let long = ByteFrame { code: 0x31, payload: &[1, 2, 3] }.decode::<Pair<u8, 1>>();
    let extra = DecodeError::Long { extra: 1 };
    assert_eq!(long, Err(BadMessage::Payload { code: 0x31, error: extra }));
}

#[test]
fn text_that_does_not_fit_is_refused_when_it_is_sent() {
    let mut space = [0; 300];
    let long = "x".repeat(253);
    let mut write =
        |name, rest| Derived { x: 0, name, side: Side::Left, rest }.write_frame(&mut space);
    assert_eq!(write("", &long[..248]), Ok(254));
    assert_eq!(write("", &long[..249]), Err(EncodeError::Full));
    assert_eq!(write(&long[..248], ""), Ok(254));
    assert_eq!(write(&long[..249], ""), Err(EncodeError::Full));
}

#[derive(Debug, PartialEq, ByteMessage)]
#[message(code = 0x31)]
struct Pair<T, const N: usize>(T, [u8; N])
where
    T: Copy;

#[derive(Debug, Default, PartialEq, ByteMessage)]
#[message(code = 0x32)]
struct Fire;

#[derive(Debug, PartialEq, ByteMessage)]
#[message(code = 0x33)]
struct Empty {}

#[derive(Debug, PartialEq, MessageSet)]
#[messages(byte)]
#[expect(clippy::large_enum_variant, reason = "a message is looked at once, where it comes")]
enum Game<'a> {
    Join(Join),
    Identify(Identify),
    Derived(Derived<'a, 'a>),
    Pair(Pair<u16, 2>),
    Fire(Fire),
    Empty(Empty),
}

message_set! {
    #[derive(Debug, PartialEq)]
    enum ByMacro<'a>: Byte { Join, Identify, Derived(Derived<'a, 'a>), Pair(Pair<u16, 2>), Fire, Empty }
}

#[test]
fn a_derived_set_takes_what_a_set_by_macro_takes() {
    let frames = [
        (2, &b""[..]),
        (1, b"ann@pc"),
        (0x30, &[0, 1, 1, b'x', 8, b'y']),
        (0x30, &[0, 1]),
        (0x31, &[1, 2, 3, 4]),
        (0x32, b"ignored"),
        (0x33, b""),
        (0x40, b"???"),
    ];
    for (code, payload) in frames {
        let frame = ByteFrame { code, payload };
        let (one, other) = (Game::decode(frame), ByMacro::decode(frame));
        assert_eq!(format!("{one:?}"), format!("{other:?}"));
    }
    let fire = ByteFrame { code: 0x32, payload: b"ignored" };
    assert_eq!(Game::decode(fire), Ok(Game::Fire(Fire)));
    let unknown = ByteFrame { code: 0x40, payload: b"???" };
    assert_eq!(Game::decode(unknown), Err(BadMessage::UnknownCode { code: 0x40, payload: 3 }));
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonMessage)]
#[message(name = "MsgChat")]
struct Chat<'a> {
    text: &'a str,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonMessage)]
struct MsgState<T> {
    state: T,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonMessage)]
enum MsgMove {
    To { x: i32, y: i32 },
    By(i32),
}

#[derive(Debug, PartialEq, MessageSet)]
#[messages(json)]
enum Talk<'a> {
    Chat(Chat<'a>),
    State(MsgState<u8>),
    Move(MsgMove),
}

#[test]
fn a_json_message_goes_by_its_name() {
    assert_eq!((Chat::NAME, MsgState::<u8>::NAME), ("MsgChat", "MsgState"));
    let read = |line: &str, wanted: Result<Talk<'_>, &str>| {
        read_line(format!("{line}\n").as_bytes(), |frame| {
            let got = Talk::decode(frame).map_err(|bad| bad.to_string());
            assert_eq!(got, wanted.map_err(str::to_owned));
            Ok(())
        })
        .unwrap();
    };
    read(r#"["MsgChat",{"text":"hi"}]"#, Ok(Talk::Chat(Chat { text: "hi" })));
    read(r#"["MsgState",{"state":3}]"#, Ok(Talk::State(MsgState { state: 3 })));
    read(r#"["MsgMove",{"To":{"x":1,"y":2}}]"#, Ok(Talk::Move(MsgMove::To { x: 1, y: 2 })));
    read(r#"["MsgMove",{"By":-1}]"#, Ok(Talk::Move(MsgMove::By(-1))));
    read(r#"["Chat",{"text":"hi"}]"#, Err(r#"unknown message name "Chat""#));
}

/// A program that has `cable_car` by another name.
mod renamed {
    use cable_car_std as cc;
    use cc::{ByteField, ByteMessage, JsonMessage, MessageSet};

    #[derive(Debug, ByteField)]
    #[message(crate = cc::cable_car)]
    struct Inner(u8);

    #[derive(Debug, ByteMessage)]
    #[message(code = 0x50, crate = cc::cable_car)]
    struct Outer(Inner);

    #[derive(Debug, serde::Serialize, serde::Deserialize, JsonMessage)]
    #[message(crate = cc::cable_car)]
    struct Named {}

    #[derive(Debug, MessageSet)]
    #[messages(byte, crate = cc::cable_car)]
    enum Bytes {
        Outer(Outer),
    }

    #[derive(Debug, MessageSet)]
    #[messages(json, crate = cc::cable_car)]
    enum Lines {
        Named(Named),
    }

    #[test]
    fn it_may_go_by_another_name() {
        let frame = cc::ByteFrame { code: 0x50, payload: &[9] };
        assert!(matches!(Bytes::decode(frame), Ok(Bytes::Outer(Outer(Inner(9))))));
        assert_eq!(<Named as JsonMessage>::NAME, "Named");
        let _ = Lines::decode;
    }
}

/// Types that come out of a macro, as programs with many alike make them.
macro_rules! point {
    ($name:ident, $code:literal, $ty:ty) => {
        #[derive(Debug, PartialEq, ByteMessage)]
        #[message(code = $code)]
        struct $name {
            x: $ty,
            y: $ty,
        }
    };
}

point!(Fine, 0x60, f64);
point!(Coarse, 0x61, i8);

#[test]
fn types_may_come_out_of_a_macro() {
    assert_eq!(payload(&Fine { x: 1.0, y: 0.0 }).len(), 16);
    assert_eq!(payload(&Coarse { x: 1, y: -1 }), [1, 0xff]);
}
