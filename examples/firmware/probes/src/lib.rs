//! What all probes share: a stack that does nothing, and messages.
//!
//! Each program in `src/bin` has a little more of cable-car than the one before; what they differ
//! by is what that part takes. None is meant to be run.
#![no_std]

pub mod uses;

use core::hint::black_box;
use core::net::SocketAddr;
use core::panic::PanicInfo;

use cable_car::nal::Connection;
use cable_car::nal::LocalAddress;
use cable_car::{
    ByteMessage, DecodeError, EncodeError, Identify, Instant, Join, JsonMessage, Quit, Reader,
    Writer, message_set,
};
use embedded_nal::{
    TcpClientStack, TcpError, TcpErrorKind, TcpFullStack, UdpClientStack, UdpFullStack, nb,
};
use serde::{Deserialize, Serialize};

/// A stack whose every answer the compiler must take as unknown.
#[derive(Debug)]
pub struct Stack;

/// A socket of it.
#[derive(Debug)]
pub struct Socket(pub u16);

/// An error of it.
#[derive(Debug)]
pub struct Failure;

impl TcpError for Failure {
    fn kind(&self) -> TcpErrorKind {
        TcpErrorKind::Other
    }
}

fn answer<T>(value: T) -> nb::Result<T, Failure> {
    match black_box(0_u8) {
        0 => Ok(value),
        1 => Err(nb::Error::WouldBlock),
        _ => Err(nb::Error::Other(Failure)),
    }
}

fn done<T>(value: T) -> Result<T, Failure> {
    if black_box(true) { Ok(value) } else { Err(Failure) }
}

impl TcpClientStack for Stack {
    type TcpSocket = Socket;
    type Error = Failure;

    #[inline(never)]
    fn socket(&mut self) -> Result<Socket, Failure> {
        done(Socket(black_box(1)))
    }

    #[inline(never)]
    fn connect(&mut self, socket: &mut Socket, remote: SocketAddr) -> nb::Result<(), Failure> {
        black_box((socket, remote));
        answer(())
    }

    #[inline(never)]
    fn send(&mut self, socket: &mut Socket, buffer: &[u8]) -> nb::Result<usize, Failure> {
        black_box((socket, buffer));
        answer(black_box(buffer.len()))
    }

    #[inline(never)]
    fn receive(&mut self, socket: &mut Socket, buffer: &mut [u8]) -> nb::Result<usize, Failure> {
        let len = buffer.len();
        black_box((socket, buffer));
        answer(black_box(len))
    }

    #[inline(never)]
    fn close(&mut self, socket: Socket) -> Result<(), Failure> {
        black_box(socket);
        done(())
    }
}

impl TcpFullStack for Stack {
    #[inline(never)]
    fn bind(&mut self, socket: &mut Socket, port: u16) -> Result<(), Failure> {
        black_box((socket, port));
        done(())
    }

    #[inline(never)]
    fn listen(&mut self, socket: &mut Socket) -> Result<(), Failure> {
        black_box(socket);
        done(())
    }

    #[inline(never)]
    fn accept(&mut self, socket: &mut Socket) -> nb::Result<(Socket, SocketAddr), Failure> {
        black_box(socket);
        answer((Socket(black_box(1)), remote()))
    }
}

impl UdpClientStack for Stack {
    type UdpSocket = Socket;
    type Error = Failure;

    #[inline(never)]
    fn socket(&mut self) -> Result<Socket, Failure> {
        done(Socket(black_box(1)))
    }

    fn connect(&mut self, _: &mut Socket, _: SocketAddr) -> Result<(), Failure> {
        done(())
    }

    fn send(&mut self, _: &mut Socket, _: &[u8]) -> nb::Result<(), Failure> {
        answer(())
    }

    #[inline(never)]
    fn receive(
        &mut self,
        socket: &mut Socket,
        buffer: &mut [u8],
    ) -> nb::Result<(usize, SocketAddr), Failure> {
        black_box((socket, buffer));
        answer((black_box(9), remote()))
    }

    #[inline(never)]
    fn close(&mut self, socket: Socket) -> Result<(), Failure> {
        black_box(socket);
        done(())
    }
}

impl UdpFullStack for Stack {
    #[inline(never)]
    fn bind(&mut self, socket: &mut Socket, port: u16) -> Result<(), Failure> {
        black_box((socket, port));
        done(())
    }

    #[inline(never)]
    fn send_to(
        &mut self,
        socket: &mut Socket,
        to: SocketAddr,
        buffer: &[u8],
    ) -> nb::Result<(), Failure> {
        black_box((socket, to, buffer));
        answer(())
    }
}

/// Any address.
pub fn remote() -> SocketAddr {
    black_box(SocketAddr::from(([10, 0, 0, 2], 8223)))
}

/// Any time.
pub fn now() -> Instant {
    black_box(Instant::from_millis(1))
}

/// Any connection.
pub fn connection() -> Connection<Socket> {
    Connection::new(Socket(black_box(1)), remote())
}

/// Two numbers.
#[derive(Debug, Serialize, Deserialize)]
pub struct Position {
    /// To the right.
    pub x: i16,
    /// Upwards.
    pub y: i16,
}

impl ByteMessage<'_> for Position {
    const CODE: u8 = 0x10;

    fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
        payload.i16(self.x)?;
        payload.i16(self.y)
    }

    fn decode(payload: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { x: payload.i16()?, y: payload.i16()? })
    }
}

impl JsonMessage for Position {
    const NAME: &'static str = "Position";
}

/// A text and a fraction.
#[derive(Debug, Serialize, Deserialize)]
pub struct Reading<'a> {
    /// What was measured.
    pub name: &'a str,
    /// The figure.
    pub value: f64,
}

impl JsonMessage for Reading<'_> {
    const NAME: &'static str = "Reading";
}

message_set! {
    /// A small program's messages in the byte transport.
    pub enum Bytes: Byte { Identify, Join, Quit, Position }
}

message_set! {
    /// The same in the JSON transport, without fractions.
    pub enum Lines: Json { Identify, Join, Quit, Position }
}

message_set! {
    /// With text and fractions.
    pub enum Fractions<'a>: Json { Identify, Join, Quit, Position, Reading(Reading<'a>) }
}

#[cfg(not(feature = "no-panic"))]
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        cortex_m::asm::nop();
    }
}

/// There is no such function, so that no program links which may panic.
#[cfg(feature = "no-panic")]
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        safe fn this_program_can_panic() -> !;
    }
    this_program_can_panic()
}

impl LocalAddress for Stack {
    fn local_address(&self, _: &Socket) -> Option<SocketAddr> {
        None
    }
}
