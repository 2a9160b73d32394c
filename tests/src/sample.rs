//! The messages that speed is measured with: numbered, so that a receiver can check each of them.

use cable_car_std::{
    BadMessage, ByteMessage, DecodeError, EncodeError, Identify, Join, JsonMessage, MessageSet,
    Outgoing, Quit, Reader, Retry, Writer, message_set,
};
use serde::{Deserialize, Serialize};

/// A byte message with 16 bytes of payload, 18 bytes on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Counts up from 0.
    pub number: u64,
    /// Follows from the number.
    pub x: i32,
    /// Follows from the number.
    pub y: i32,
}

impl Sample {
    /// The bytes of a frame.
    pub const FRAME: usize = 18;

    /// The message with a number.
    #[must_use]
    #[inline]
    pub fn numbered(number: u64) -> Self {
        let x = number as i32;
        Self { number, x, y: !x }
    }

    /// The payload, as any library would be given it.
    #[must_use]
    #[inline]
    pub fn payload(self) -> [u8; 16] {
        let mut payload = [0; 16];
        payload[..8].copy_from_slice(&self.number.to_be_bytes());
        payload[8..12].copy_from_slice(&self.x.to_be_bytes());
        payload[12..].copy_from_slice(&self.y.to_be_bytes());
        payload
    }

    /// What [`payload`](Self::payload) gave, where it is of that length.
    #[must_use]
    #[inline]
    pub fn from_payload(payload: &[u8]) -> Option<Self> {
        let payload: &[u8; 16] = payload.try_into().ok()?;
        let mut reader = Reader::new(payload);
        Self::decode(&mut reader).ok()
    }
}

impl ByteMessage<'_> for Sample {
    const CODE: u8 = 0x10;

    #[inline]
    fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
        payload.u64(self.number)?;
        payload.i32(self.x)?;
        payload.i32(self.y)
    }

    #[inline]
    fn decode(payload: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { number: payload.u64()?, x: payload.i32()?, y: payload.i32()? })
    }
}

/// A JSON message whose line has 64 bytes, the line feed included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line<'a> {
    /// Counts up from 100,000,000, and starts over before it has a digit more.
    pub number: u64,
    /// Follows from the number.
    pub x: i32,
    /// Always the same.
    pub label: &'a str,
}

impl Line<'_> {
    /// The bytes of a line.
    pub const FRAME: usize = 64;

    /// The message with a number.
    #[must_use]
    #[inline]
    pub fn numbered(number: u64) -> Line<'static> {
        let number = 100_000_000 + number % 900_000_000;
        Line { number, x: -1000 - (number % 8192) as i32, label: "abcdefgh" }
    }
}

impl JsonMessage for Line<'_> {
    const NAME: &'static str = "MsgSample";
}

message_set! {
    /// What the programs that are measured understand, in bytes.
    #[derive(Debug)]
    pub enum Samples: Byte { Identify, Join, Retry, Quit, Sample }
}

message_set! {
    /// What the programs that are measured understand, in JSON.
    #[derive(Debug)]
    pub enum Lines<'a>: Json { Identify, Join, Retry, Quit, Line(Line<'a>) }
}

/// A set whose numbered messages can be made and told.
pub trait Numbered: MessageSet {
    /// What is sent.
    type Sent: Outgoing<Self::Transport>;

    /// The message with a number.
    fn numbered(number: u64) -> Self::Sent;

    /// Whether what was got is the message with that number.
    fn is(got: &Result<Self::Message<'_>, BadMessage>, number: u64) -> bool;
}

impl Numbered for Samples {
    type Sent = Sample;

    #[inline]
    fn numbered(number: u64) -> Sample {
        Sample::numbered(number)
    }

    #[inline]
    fn is(got: &Result<Samples, BadMessage>, number: u64) -> bool {
        matches!(got, Ok(Samples::Sample(sample)) if *sample == Sample::numbered(number))
    }
}

impl Numbered for Lines<'static> {
    type Sent = Line<'static>;

    #[inline]
    fn numbered(number: u64) -> Line<'static> {
        Line::numbered(number)
    }

    #[inline]
    fn is(got: &Result<Lines<'_>, BadMessage>, number: u64) -> bool {
        matches!(got, Ok(Lines::Line(line)) if *line == Line::numbered(number))
    }
}
