//! How much of the call stack the parts of cable-car take at their deepest, with what strangers may
//! send: this one is run, by `footprint`, on an emulator.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::net::SocketAddr;

use cable_car::discovery::{Announcement, Config, Hello, Instance, LONGEST, Service};
use cable_car::nal::{BroadcastConnector, Connection, Event, LocalAddress, Messenger};
use cable_car::{Identify, Instant, MessageSet, Outgoing};
use cortex_m::register::msp;
use cortex_m_semihosting::{debug, hprintln};
use embedded_nal::{TcpClientStack, TcpFullStack, UdpClientStack, UdpFullStack, nb};
use probes::uses::BUFFER;
use probes::{Bytes, Failure, Fractions, Lines, Position, Reading, Socket, remote};

/// What the stack holds where nothing has been.
const PAINT: u32 = 0x7065_6570;

unsafe extern "C" {
    /// The far end of the stack: the linker's, of which only the address means anything.
    static mut _stack_end: u32;
}

/// How deep the stack is within `work`, beyond where it was before, in bytes.
#[inline(never)]
fn depth(mut work: impl FnMut()) -> usize {
    let end = &raw mut _stack_end;
    let here = msp::read() as usize;
    let words = (here - end.addr()) / size_of::<u32>();
    // SAFETY: what lies between the end of the stack and its pointer belongs to nobody; no interrupt is
    // enabled, and nothing is called in between.
    (0..words).for_each(|at| unsafe { end.add(at).write_volatile(PAINT) });
    work();
    // SAFETY: as above; all of it was written.
    let untouched = (0..words).take_while(|&at| unsafe { end.add(at).read_volatile() } == PAINT);
    (words - untouched.count()) * size_of::<u32>()
}

/// A stack without a network: it hands out what it was given.
#[derive(Default)]
struct Wire {
    stream: &'static [u8],
    /// What comes before that on a connection.
    opening: Piece,
    datagram: Piece,
    callers: usize,
}

/// A few bytes, handed out from the start.
struct Piece {
    bytes: [u8; LONGEST],
    at: usize,
    end: usize,
}

impl Default for Piece {
    fn default() -> Self {
        Self { bytes: [0; LONGEST], at: 0, end: 0 }
    }
}

impl Piece {
    fn put(&mut self, bytes: &[u8]) {
        self.bytes[..bytes.len()].copy_from_slice(bytes);
        (self.at, self.end) = (0, bytes.len());
    }

    fn take(&mut self, space: &mut [u8]) -> usize {
        let bytes = &self.bytes[self.at..self.end];
        let len = bytes.len().min(space.len());
        space[..len].copy_from_slice(&bytes[..len]);
        self.at += len;
        len
    }
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

    fn send(&mut self, _: &mut Socket, bytes: &[u8]) -> nb::Result<usize, Failure> {
        Ok(black_box(bytes).len())
    }

    fn receive(&mut self, _: &mut Socket, space: &mut [u8]) -> nb::Result<usize, Failure> {
        let opening = self.opening.take(space);
        let space = &mut space[opening..];
        let len = self.stream.len().min(space.len());
        let (now, later) = self.stream.split_at(len);
        space[..len].copy_from_slice(now);
        self.stream = later;
        if opening + len == 0 { Err(nb::Error::WouldBlock) } else { Ok(opening + len) }
    }

    fn close(&mut self, _: Socket) -> Result<(), Failure> {
        Ok(())
    }
}

impl TcpFullStack for Wire {
    fn bind(&mut self, _: &mut Socket, _: u16) -> Result<(), Failure> {
        Ok(())
    }

    fn listen(&mut self, _: &mut Socket) -> Result<(), Failure> {
        Ok(())
    }

    fn accept(&mut self, _: &mut Socket) -> nb::Result<(Socket, SocketAddr), Failure> {
        self.callers = self.callers.checked_sub(1).ok_or(nb::Error::WouldBlock)?;
        Ok((Socket(1), remote()))
    }
}

impl UdpClientStack for Wire {
    type UdpSocket = Socket;
    type Error = Failure;

    fn socket(&mut self) -> Result<Socket, Failure> {
        Ok(Socket(1))
    }

    fn connect(&mut self, _: &mut Socket, _: SocketAddr) -> Result<(), Failure> {
        Ok(())
    }

    fn send(&mut self, _: &mut Socket, _: &[u8]) -> nb::Result<(), Failure> {
        Ok(())
    }

    fn receive(
        &mut self,
        _: &mut Socket,
        space: &mut [u8],
    ) -> nb::Result<(usize, SocketAddr), Failure> {
        match self.datagram.take(space) {
            0 => Err(nb::Error::WouldBlock),
            len => Ok((len, remote())),
        }
    }

    fn close(&mut self, _: Socket) -> Result<(), Failure> {
        Ok(())
    }
}

impl UdpFullStack for Wire {
    fn bind(&mut self, _: &mut Socket, _: u16) -> Result<(), Failure> {
        Ok(())
    }

    fn send_to(&mut self, _: &mut Socket, _: SocketAddr, _: &[u8]) -> nb::Result<(), Failure> {
        Ok(())
    }
}

impl LocalAddress for Wire {
    fn local_address(&self, _: &Socket) -> Option<SocketAddr> {
        None
    }
}

/// Messages as they should be, too long, too short, of unknown kinds, and no messages at all.
const FRAMES: &[u8] = b"\x02\x02\x08\x01ann@pc\x06\x10\0\x01\0\x02\x03\x10\0\x03\x77a\x05\x01@\xff\xfe\
    \x02\x04[\"MsgJoin\",{}]\n                                                                            \
    \x02\x04\xff\x10";

const LINES: &[u8] = br#"["MsgJoin",{}]
["MsgIdentify",{"username":"\ud83d\ude00 ann","hostname":"pc","hostname":"pc"}]
["Position",{"x":1,"y":-2,"z":[{"a":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]},"\u00e9"]}]
["Position",{"x":1,"y":-2,"z":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
["Position",{"x":12345678901234567890123456789012345678901234567890,"y":1}]
["Position",{"x":[[1]],"y":"1"}]
["Position",{"x":1}]
["Reading",{"name":"a","value":1.25,"value":123456789012345678901234567890.12345678901234567890e-20}]
["Reading",{"name":"\u00e9","value":1e400}]
["Reading",{"name":"a","value":NaN,"value":"x"}]
["A name that is longer than what is told of it, and then some",{}]
hello

["Reading",{"name":"
"#;

/// A messenger that is sent such a stream, twice as much as it has room for at a time, and sends.
fn messenger<S: MessageSet, M: Outgoing<S::Transport>>(
    stream: &'static [u8],
    message: &M,
    expected: (u32, u32),
) -> usize
where
    Identify: Outgoing<S::Transport>,
{
    let connection = Connection::new(Socket(1), remote());
    let mut peer: Messenger<S, _, _, _> = Messenger::new(connection, [0; BUFFER], [0; BUFFER]);
    let me = Identify::new("ann", "pc").ok();
    let mut wire = Wire { stream, ..Wire::default() };
    let (mut good, mut bad) = (0, 0);
    let deepest = depth(|| {
        while !wire.stream.is_empty() && peer.xfer(&mut wire).is_ok() {
            while let Some(message) = peer.get() {
                match message {
                    Ok(_) => good += 1,
                    Err(_) => bad += 1,
                }
            }
            while peer.send(message).is_ok() {}
            black_box(me.as_ref().is_some_and(|me| peer.send(me).is_ok()));
        }
        black_box(peer.xfer(&mut wire).is_ok());
    });
    expect("messages, good and bad", (good, bad), expected);
    deepest
}

/// A connector that hears, dials, is dialled and refuses, for more peers than it has room for.
fn connector() -> usize {
    let me = Instance::new(500);
    let service = || Service::new("service").unwrap_or_default();
    let start = Instant::from_millis(1);
    let config = Config { service: service(), ..Config::new(me) };
    let mut connector: BroadcastConnector<Wire, 4> =
        BroadcastConnector::new(config, start).alone_on_host();
    let mut wire = Wire::default();
    let mut links = 0;
    let deepest = depth(|| {
        for step in 0..1000_u64 {
            let now = Instant::from_millis(1 + 50 * step);
            let from = Instance::new(1 + step * 7 % 1000);
            let said = Announcement {
                instance: from,
                tcp_port: 8223,
                service: service(),
                goodbye: step % 9 == 0,
                answer: step % 4 == 0,
            };
            let hello = Hello { welcome: step % 2 == 0, from, to: me, service: service() };
            let mut space = [0; LONGEST];
            wire.datagram.put(match step % 5 {
                0 => b"BROADCAST",
                1 => &[0xff; LONGEST],
                _ => said.write(&mut space),
            });
            wire.opening.put(match step % 7 {
                0 => &[2, 2],
                1 => &[0, 64, 1, 1, 0xff],
                _ => hello.write(&mut space),
            });
            wire.callers = 1;
            while let Ok(Some(event)) = connector.poll(&mut wire, now) {
                if let Event::Joined { link, .. } = event {
                    links += 1;
                    black_box(connector.unlinked(now, link));
                }
            }
            black_box(connector.poll_at());
        }
    });
    expect("links", links > 100, true);
    deepest
}

/// Ends the program where what it was sent has not come to what it should.
fn expect<T: PartialEq + core::fmt::Debug>(what: &str, got: T, expected: T) {
    if got != expected {
        hprintln!("{}: {:?} rather than {:?}", what, got, expected);
        debug::exit(debug::EXIT_FAILURE);
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let position = Position { x: 1, y: 2 };
    let reading = Reading { name: "\u{e9}", value: -1.1e-7 };
    hprintln!("byte {}", messenger::<Bytes, _>(FRAMES, &position, (5, 4)));
    hprintln!("json {}", messenger::<Lines, _>(LINES, &position, (3, 11)));
    hprintln!("fractions {}", messenger::<Fractions<'static>, _>(LINES, &reading, (5, 9)));
    hprintln!("discovery {}", connector());
    loop {
        debug::exit(debug::EXIT_SUCCESS);
    }
}
