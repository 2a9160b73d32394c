//! The beacon port: hears what is sent there, beside the programs that take part.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Instant;

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Registry, Token, Waker};
use socket2::{Domain, Socket, Type};

use crate::failure::Failure;
use crate::ports::{self, Protocol};
use crate::stop::Stop;

/// The longest datagram that is looked at: a beacon has at most 64 bytes.
const LONGEST: usize = 128;

/// How many datagrams are taken in before the program looks after something else.
const BATCH: usize = 256;

const SOCKET: Token = Token(0);
const WOKEN: Token = Token(1);

/// What other sockets are watched as: this and the following numbers.
pub(crate) const OTHERS: usize = 2;

/// Why a port can not be listened on, and what to do about it.
#[derive(Debug)]
pub(crate) struct NoPort {
    pub(crate) words: String,
    pub(crate) todo: &'static str,
}

impl From<NoPort> for Failure {
    fn from(no_port: NoPort) -> Self {
        Self::Start(format!("{}: {}", no_port.words, no_port.todo))
    }
}

pub(crate) struct Ear {
    socket: UdpSocket,
    poll: Poll,
    events: Events,
    stop: Stop,
    /// Whether the last turn left datagrams behind.
    more: bool,
}

impl Ear {
    /// Listens with a socket that was [bound](bind).
    pub(crate) fn open(mut socket: UdpSocket) -> io::Result<Self> {
        let poll = Poll::new()?;
        poll.registry().register(&mut socket, SOCKET, Interest::READABLE)?;
        let waker = Arc::new(Waker::new(poll.registry(), WOKEN)?);
        // It fails only where the poll is gone, and then nobody waits.
        let stop = Stop::heed(move || drop(waker.wake()))?;
        Ok(Self { socket, poll, events: Events::with_capacity(64), stop, more: false })
    }

    /// Whether the program has been told to end.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.is_told()
    }

    /// Where to register other sockets, as [`OTHERS`] and on.
    pub(crate) fn registry(&self) -> &Registry {
        self.poll.registry()
    }

    /// Sends to a broadcast address or to one machine.
    pub(crate) fn send(&self, to: SocketAddrV4, datagram: &[u8]) -> io::Result<()> {
        self.socket.send_to(datagram, to.into()).map(drop)
    }

    /// Sleeps until a datagram comes, until another socket is ready, until the program is told to
    /// end, or until `deadline`. Gives the other sockets that are ready, by number.
    pub(crate) fn listen(
        &mut self,
        deadline: Instant,
        mut heard: impl FnMut(SocketAddrV4, &[u8]),
    ) -> io::Result<Vec<usize>> {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = if self.more { std::time::Duration::ZERO } else { left };
        match self.poll.poll(&mut self.events, Some(left)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            Err(_) => return Ok(Vec::new()),
            Ok(()) => {}
        }
        self.more = true;
        for _ in 0..BATCH {
            let mut datagram = [0; LONGEST];
            match self.socket.recv_from(&mut datagram) {
                Ok((len, SocketAddr::V4(from))) => {
                    heard(from, datagram.get(..len).unwrap_or_default());
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.more = false;
                    break;
                }
                // On Windows a datagram that is too long, or one that was sent and found no port.
                Err(_) => {}
            }
        }
        let others = self.events.iter().map(|event| event.token().0);
        Ok(others.filter_map(|token| token.checked_sub(OTHERS)).collect())
    }
}

/// A socket on a port, which programs of this project share.
pub(crate) fn bind(port: u16) -> Result<UdpSocket, NoPort> {
    try_bind(port).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            let holder = ports::holders(Protocol::Udp, port);
            let holder = holder.unwrap_or_else(|| "another program".to_owned());
            NoPort {
                words: format!("UDP port {port} is held by {holder}, which does not share it"),
                todo: "end that program, or choose another --udp-port for all peers. A Python program \
                       does not share the port: to talk with one on this machine, say `cable-car \
                       connect 127.0.0.1`, which needs no beacon",
            }
        }
        _ => NoPort {
            words: format!("UDP port {port} can not be listened on: {error}"),
            todo: "choose another --udp-port, above 1023, for all peers",
        },
    })
}

fn try_bind(port: u16) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(socket2::Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    socket.set_broadcast(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)).into())?;
    Ok(UdpSocket::from_std(socket.into()))
}
