//! Messages that tests pass about: figures of machines, and numbered ones.

use cable_car_std::{
    ByteMessage, DecodeError, EncodeError, Identify, Join, JsonMessage, Quit, Reader, Retry,
    Writer, message_set,
};
use serde::{Deserialize, Serialize};

use crate::firmware;

/// The message of the `cpu_mon` programs, as Python sends it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MsgStats {
    /// The name of the machine.
    pub host: String,
    /// How busy its processors are.
    pub cpu_percent: f64,
    /// Over 1, 5 and 15 minutes.
    pub load_avg: [f64; 3],
    /// How much of its memory is in use.
    pub memory_percent: f64,
    /// In bytes.
    pub memory_total: u64,
    /// How much of its swap space is in use.
    pub swap_percent: f64,
    /// In bytes.
    pub swap_total: u64,
}

impl MsgStats {
    /// The figures of a machine that does nothing.
    #[must_use]
    pub fn idle(host: &str) -> Self {
        Self {
            host: host.to_owned(),
            cpu_percent: 0.5,
            load_avg: [0.0; 3],
            memory_percent: 12.5,
            memory_total: 1 << 34,
            swap_percent: 0.0,
            swap_total: 0,
        }
    }
}

impl JsonMessage for MsgStats {
    const NAME: &'static str = "MsgStats";
}

message_set! {
    /// What a monitor of machines understands.
    #[derive(Debug)]
    pub enum Monitor: Json { Identify, Join, Retry, Quit, MsgStats }
}

/// A numbered message of 16 bytes, which the firmware echoes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbered(pub u32);

impl Numbered {
    /// The bytes after the number, which follow from it: one that is out of place shows.
    fn pad(self) -> [u8; 12] {
        std::array::from_fn(|at| self.0.wrapping_mul(31).wrapping_add(at as u32 * 7) as u8)
    }
}

impl ByteMessage<'_> for Numbered {
    const CODE: u8 = firmware::ECHO;

    fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
        payload.u32(self.0)?;
        payload.bytes(&self.pad())
    }

    fn decode(payload: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let message = Self(payload.u32()?);
        if payload.rest() != message.pad() {
            return Err(DecodeError::Invalid("damaged on its way"));
        }
        Ok(message)
    }
}

message_set! {
    /// What a client of the firmware understands.
    #[derive(Debug)]
    pub enum Client: Byte { Identify, Join, Retry, Quit, Numbered }
}

/// The numbered messages of a [Python program](crate::python::Peer)'s bulk, in both transports.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Bulk {
    /// Which one it is, from 0.
    pub n: u32,
    /// What gives it its size; the zeros of a byte message as so many letters.
    pub pad: String,
}

impl JsonMessage for Bulk {
    const NAME: &'static str = "Bulk";
}

impl ByteMessage<'_> for Bulk {
    const CODE: u8 = 17;

    fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
        payload.u32(self.n)?;
        payload.text(&self.pad)
    }

    fn decode(payload: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { n: payload.u32()?, pad: payload.rest_text()?.replace('\0', "x") })
    }
}
