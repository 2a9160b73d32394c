//! How many instructions a message takes: this one is run, by `instructions`, on an emulator whose
//! clock goes by instructions.
#![no_std]
#![no_main]

use core::net::SocketAddr;

use cable_car::nal::{Connection, Messenger};
use cable_car::{
    ByteMessage, DecodeError, EncodeError, Identify, Join, JsonMessage, MessageSet, Outgoing, Quit,
    Reader, Writer, message_set,
};
use cortex_m::peripheral::SYST;
use cortex_m_semihosting::{debug, hprintln};
use embedded_nal::{TcpClientStack, nb};
use probes::{Failure, Socket};
use serde::{Deserialize, Serialize};

/// A segment of the network.
const SEGMENT: usize = 512;
/// Segments of each kind that are passed.
const SEGMENTS: u32 = 100;
/// The timer's ticks have 40 ns, and the emulator's instructions 2^7 ns.
const NANOS_A_TICK: u32 = 40;
const NANOS_AN_INSTRUCTION: u32 = 1 << 7;

/// 16 bytes of payload.
#[derive(PartialEq)]
struct Sample {
    number: u64,
    x: i32,
    y: i32,
}

impl ByteMessage<'_> for Sample {
    const CODE: u8 = 0x10;

    fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
        payload.u64(self.number)?;
        payload.i32(self.x)?;
        payload.i32(self.y)
    }

    fn decode(payload: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { number: payload.u64()?, x: payload.i32()?, y: payload.i32()? })
    }
}

/// A line of 64 bytes.
#[derive(PartialEq, Serialize, Deserialize)]
struct Line<'a> {
    number: u64,
    x: i32,
    label: &'a str,
}

impl JsonMessage for Line<'_> {
    const NAME: &'static str = "MsgSample";
}

message_set! { enum Bytes: Byte { Identify, Join, Quit, Sample } }
message_set! { enum Lines<'a>: Json { Identify, Join, Quit, Line(Line<'a>) } }

/// A stack that hands out what it was given.
struct Wire {
    bytes: [u8; SEGMENT],
    len: usize,
}

impl TcpClientStack for Wire {
    type TcpSocket = Socket;
    type Error = Failure;

    fn socket(&mut self) -> Result<Socket, Failure> {
        Ok(Socket(1))
    }

    fn connect(&mut self, _: &mut Socket, _: SocketAddr) -> nb::Result<(), Failure> {
        Ok(())
    }

    fn send(&mut self, _: &mut Socket, buffer: &[u8]) -> nb::Result<usize, Failure> {
        let space = self.bytes.get_mut(self.len..).unwrap_or_default();
        let len = buffer.len().min(space.len());
        space[..len].copy_from_slice(&buffer[..len]);
        self.len += len;
        if len == 0 { Err(nb::Error::WouldBlock) } else { Ok(len) }
    }

    fn receive(&mut self, _: &mut Socket, buffer: &mut [u8]) -> nb::Result<usize, Failure> {
        let bytes = self.bytes.get(..self.len).unwrap_or_default();
        let len = bytes.len().min(buffer.len());
        buffer[..len].copy_from_slice(&bytes[..len]);
        self.len = 0;
        if len == 0 { Err(nb::Error::WouldBlock) } else { Ok(len) }
    }

    fn close(&mut self, _: Socket) -> Result<(), Failure> {
        Ok(())
    }
}

/// Passes segments full of `message` from one end to the other.
fn measure<S: MessageSet, M: Outgoing<S::Transport>>(
    name: &str,
    message: &M,
    is_right: impl Fn(S::Message<'_>) -> bool,
) {
    let mut wire = Wire { bytes: [0; SEGMENT], len: 0 };
    let connection = || Connection::new(Socket(1), SocketAddr::from(([10, 0, 0, 2], 8223)));
    let mut here: Messenger<S, _, _, _> = Messenger::new(connection(), [0; SEGMENT], [0; SEGMENT]);
    let mut there: Messenger<S, _, _, _> = Messenger::new(connection(), [0; SEGMENT], [0; SEGMENT]);
    let (mut sending, mut receiving, mut messages) = (0, 0, 0);
    for _ in 0..SEGMENTS {
        let start = SYST::get_current();
        while here.send(message).is_ok() {
            messages += 1;
        }
        let linked = here.xfer(&mut wire).is_ok();
        let sent = SYST::get_current();
        let came = there.xfer(&mut wire).is_ok();
        while let Some(message) = there.get() {
            messages -= i32::from(message.is_ok_and(&is_right));
        }
        let got = SYST::get_current();
        if !linked || !came || messages != 0 {
            hprintln!("{}: {} messages are wrong", name, messages);
            debug::exit(debug::EXIT_FAILURE);
        }
        // The timer counts down, in 24 bits.
        sending += start.wrapping_sub(sent) & 0xff_ffff;
        receiving += sent.wrapping_sub(got) & 0xff_ffff;
    }
    let mut space = [0; SEGMENT];
    let frame = message.write_frame(&mut space).unwrap_or(SEGMENT);
    let passed = SEGMENTS * (SEGMENT / frame) as u32;
    let a_message = |ticks: u32| ticks / passed * NANOS_A_TICK / NANOS_AN_INSTRUCTION;
    hprintln!("{}: encode and send            {:6}", name, a_message(sending));
    hprintln!("{}: receive, decode and check  {:6}", name, a_message(receiving));
}

#[cortex_m_rt::entry]
fn main() -> ! {
    if let Some(peripherals) = cortex_m::Peripherals::take() {
        let mut timer = peripherals.SYST;
        timer.set_clock_source(cortex_m::peripheral::syst::SystClkSource::Core);
        timer.set_reload(0xff_ffff);
        timer.clear_current();
        timer.enable_counter();
        let sample = Sample { number: 123_456_789, x: -1234, y: 5678 };
        measure::<Bytes, _>("byte, 16 bytes of payload", &sample, |got| {
            matches!(got, Bytes::Sample(got) if got == Sample { number: 123_456_789, x: -1234, y: 5678 })
        });
        let line = Line { number: 123_456_789, x: -1234, label: "abcdefgh" };
        measure::<Lines<'static>, _>("JSON, a line of 64 bytes ", &line, |got| {
            matches!(got, Lines::Line(got) if got == Line { number: 123_456_789, x: -1234, label: "abcdefgh" })
        });
        debug::exit(debug::EXIT_SUCCESS);
    }
    loop {
        debug::exit(debug::EXIT_FAILURE);
    }
}
