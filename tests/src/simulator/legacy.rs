//! A legacy peer, by what the Python package was seen to do.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use cable_car::Instant;
use cable_car::discovery::{MARK, TCP_PORT, UDP_PORT};
use embedded_nal::{TcpClientStack, TcpFullStack, UdpClientStack, UdpFullStack, nb};

use super::stack::{ConnectionId, Failure, Stack, TcpSocket, UdpSocket};

const INTERVAL: Duration = Duration::from_secs(1);
/// How long a dial may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// The byte message Join.
const JOIN: [u8; 2] = [2, 2];

/// Beacons every second, dials whoever it hears and has never had a connection with, takes every
/// connection, closes none.
#[derive(Default)]
pub(super) struct Legacy {
    /// Whether it says something at once on a connection, or waits to be spoken to.
    pub(super) speaks: bool,
    sockets: Option<Sockets>,
    next_beacon: Instant,
    /// Whom it has had a connection with.
    known: BTreeSet<IpAddr>,
    open: Vec<TcpSocket>,
    /// Every connection it has been told of.
    pub(super) connections: Vec<ConnectionId>,
    dialling: Option<(SocketAddr, TcpSocket, Instant)>,
}

struct Sockets {
    beacons: UdpSocket,
    own: UdpSocket,
    listener: TcpSocket,
}

impl Legacy {
    pub(super) fn new(speaks: bool) -> Self {
        Self { speaks, ..Self::default() }
    }

    pub(super) fn run(&mut self, stack: &mut Stack, now: Instant) -> Option<Instant> {
        let mut sockets = match self.sockets.take() {
            Some(sockets) => sockets,
            None => {
                self.next_beacon = now;
                open(stack).expect("ports of a machine that it has for itself")
            }
        };
        if self.next_beacon <= now {
            self.next_beacon = now + INTERVAL;
            let everybody = SocketAddr::from((Ipv4Addr::BROADCAST, UDP_PORT));
            stack.send_to(&mut sockets.own, everybody, MARK).expect("a socket that is bound");
        }
        while let Ok((connection, remote)) = stack.accept(&mut sockets.listener) {
            self.connected(stack, connection, remote.ip());
        }
        self.go_on_dialling(stack, now);
        let mut datagram = [0; 128];
        // Its listener dials one at a time, and hears nothing meanwhile.
        while self.dialling.is_none()
            && let Ok((_, from)) =
                UdpClientStack::receive(stack, &mut sockets.beacons, &mut datagram)
        {
            self.hear(stack, from.ip(), now);
        }
        self.sockets = Some(sockets);
        let gives_up = self.dialling.as_ref().map(|&(_, _, until)| until);
        gives_up.into_iter().chain([self.next_beacon]).min()
    }

    fn hear(&mut self, stack: &mut Stack, from: IpAddr, now: Instant) {
        let myself = stack.addresses().iter().any(|&own| from == own);
        if !myself && !self.known.contains(&from) {
            let socket = TcpClientStack::socket(stack).expect("there are always sockets");
            self.dialling = Some((SocketAddr::new(from, TCP_PORT), socket, now + PATIENCE));
            self.go_on_dialling(stack, now);
        }
    }

    fn go_on_dialling(&mut self, stack: &mut Stack, now: Instant) {
        let Some((remote, mut socket, until)) = self.dialling.take() else { return };
        match TcpClientStack::connect(stack, &mut socket, remote) {
            Ok(()) => self.connected(stack, socket, remote.ip()),
            Err(nb::Error::WouldBlock) if now < until => {
                self.dialling = Some((remote, socket, until));
            }
            Err(_) => drop(TcpClientStack::close(stack, socket)),
        }
    }

    fn connected(&mut self, stack: &mut Stack, mut socket: TcpSocket, remote: IpAddr) {
        self.known.insert(remote);
        self.connections.extend(stack.connection(&socket));
        if self.speaks {
            // One that is at its end already takes nothing.
            let _ = TcpClientStack::send(stack, &mut socket, &JOIN);
        }
        self.open.push(socket);
    }
}

fn open(stack: &mut Stack) -> Result<Sockets, Failure> {
    let mut beacons = UdpClientStack::socket(stack)?;
    UdpFullStack::bind(stack, &mut beacons, UDP_PORT)?;
    let mut own = UdpClientStack::socket(stack)?;
    UdpFullStack::bind(stack, &mut own, 0)?;
    let mut listener = TcpClientStack::socket(stack)?;
    TcpFullStack::bind(stack, &mut listener, TCP_PORT)?;
    stack.listen(&mut listener)?;
    Ok(Sockets { beacons, own, listener })
}
