//! The sockets of one program, as an embedded-nal stack.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::rc::Rc;

use cable_car::nal::LocalAddress;
use embedded_nal::{
    TcpClientStack, TcpError, TcpErrorKind, TcpFullStack, UdpClientStack, UdpFullStack, nb,
};

use super::connections::{Ending, State, Tcp};
use super::datagrams::Udp;
use super::world::{What, World};

/// Ports that are given to those who want any.
const FIRST_FREE_PORT: u16 = 49_152;

/// The sockets of one program of a simulated machine.
///
/// It meets the [socket contract](cable_car::nal); it never blocks, and nothing that it is asked for
/// fails but for the reasons of [`Failure`].
#[derive(Clone, Debug)]
pub struct Stack {
    pub(super) world: Rc<RefCell<World>>,
    pub(super) program: usize,
}

/// A TCP socket of a [`Stack`].
#[derive(Debug)]
pub struct TcpSocket(usize);

/// A UDP socket of a [`Stack`].
#[derive(Debug)]
pub struct UdpSocket(usize);

/// Why something could not be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nobody listens there, or a firewall says so.
    Refused,
    /// No interface leads there.
    Unreachable,
    /// The port is taken.
    InUse,
    /// The machine at the other end is gone.
    Broken,
    /// The connection is closed.
    Closed,
    /// The call makes no sense now.
    Misused,
}

impl TcpError for Failure {
    fn kind(&self) -> TcpErrorKind {
        match self {
            Self::Closed => TcpErrorKind::PipeClosed,
            _ => TcpErrorKind::Other,
        }
    }
}

/// A connection, the same at both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionId(pub(super) usize);

impl Stack {
    /// The addresses of the machine, one for each interface.
    pub fn addresses(&self) -> Vec<Ipv4Addr> {
        let world = self.world.borrow();
        world.machines[world.programs[self.program].machine].addresses.clone()
    }

    /// Where broadcasts go that are to reach every network of the machine.
    pub fn broadcast_addresses(&self) -> Vec<Ipv4Addr> {
        let directed = |address: Ipv4Addr| {
            let [a, b, c, _] = address.octets();
            Ipv4Addr::new(a, b, c, 255)
        };
        let mut all: Vec<_> = self.addresses().into_iter().map(directed).collect();
        all.push(Ipv4Addr::BROADCAST);
        all
    }

    /// Which connection a socket is an end of.
    pub fn connection(&self, socket: &TcpSocket) -> Option<ConnectionId> {
        match self.world.borrow().tcp[socket.0].state {
            State::Connected { wire, .. } => Some(ConnectionId(wire)),
            _ => None,
        }
    }

    /// Whether something has come over connections since this was last asked.
    pub fn something_came(&self) -> bool {
        std::mem::take(&mut self.world.borrow_mut().programs[self.program].news)
    }

    /// Has [`something_came`](Self::something_came) say so next time: a connection that was just
    /// taken may hold bytes.
    pub fn look_again(&self) {
        self.world.borrow_mut().programs[self.program].news = true;
    }

    /// Whether the machine has other addresses since this was last asked; so it has at the start.
    pub fn interfaces_changed(&self) -> bool {
        std::mem::take(&mut self.world.borrow_mut().programs[self.program].moved)
    }

    /// Whether this is the last run of the program, which was [asked to
    /// end](super::Network::ask_to_end).
    pub fn asked_to_end(&self) -> bool {
        self.world.borrow().programs[self.program].asked_to_end
    }

    fn open(&self, state: State) -> TcpSocket {
        let mut world = self.world.borrow_mut();
        world.tcp.push(Tcp { program: self.program, state });
        TcpSocket(world.tcp.len() - 1)
    }
}

impl TcpClientStack for Stack {
    type TcpSocket = TcpSocket;
    type Error = Failure;

    fn socket(&mut self) -> Result<TcpSocket, Failure> {
        Ok(self.open(State::New))
    }

    fn connect(&mut self, socket: &mut TcpSocket, remote: SocketAddr) -> nb::Result<(), Failure> {
        let mut world = self.world.borrow_mut();
        match world.tcp[socket.0].state {
            State::New | State::Bound(_) => {
                let SocketAddr::V4(remote) = remote else {
                    return Err(nb::Error::Other(Failure::Unreachable));
                };
                let wire = world.dial(self.program, remote).ok_or(Failure::Unreachable)?;
                world.tcp[socket.0].state = State::Dialling { wire };
                Err(nb::Error::WouldBlock)
            }
            State::Dialling { wire } => match world.wires[wire].accepted {
                None => Err(nb::Error::WouldBlock),
                Some(true) => {
                    world.tcp[socket.0].state = State::Connected { wire, end: 0 };
                    Ok(())
                }
                Some(false) => {
                    world.tcp[socket.0].state = State::New;
                    Err(nb::Error::Other(Failure::Refused))
                }
            },
            State::Connected { .. } => Ok(()),
            _ => Err(nb::Error::Other(Failure::Misused)),
        }
    }

    fn send(&mut self, socket: &mut TcpSocket, buffer: &[u8]) -> nb::Result<usize, Failure> {
        let mut world = self.world.borrow_mut();
        let State::Connected { wire, end } = world.tcp[socket.0].state else {
            return Err(nb::Error::Other(Failure::Misused));
        };
        if world.wires[wire].end_known[end] == Some(Ending::Broken) {
            return Err(nb::Error::Other(Failure::Broken));
        }
        // Where the other end is closed already, it is lost on its way.
        world.carry(wire, 1 - end, What::Bytes(wire, 1 - end, buffer.to_vec()));
        Ok(buffer.len())
    }

    fn receive(&mut self, socket: &mut TcpSocket, buffer: &mut [u8]) -> nb::Result<usize, Failure> {
        let mut world = self.world.borrow_mut();
        let State::Connected { wire, end } = world.tcp[socket.0].state else {
            return Err(nb::Error::Other(Failure::Misused));
        };
        let wire = &mut world.wires[wire];
        let inbox = &mut wire.inbox[end];
        let len = inbox.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(inbox.drain(..len)) {
            *to = from;
        }
        match wire.end_known[end] {
            _ if len > 0 => Ok(len),
            None => Err(nb::Error::WouldBlock),
            Some(Ending::Closed) => Ok(0),
            Some(Ending::Broken) => Err(nb::Error::Other(Failure::Broken)),
        }
    }

    fn close(&mut self, socket: TcpSocket) -> Result<(), Failure> {
        let mut world = self.world.borrow_mut();
        match std::mem::replace(&mut world.tcp[socket.0].state, State::Closed) {
            State::Dialling { wire } => world.close(wire, 0),
            State::Connected { wire, end } => world.close(wire, end),
            State::Listening { backlog, .. } => {
                for wire in backlog {
                    world.close(wire, 1);
                }
            }
            State::New | State::Bound(_) | State::Closed => {}
        }
        Ok(())
    }
}

impl TcpFullStack for Stack {
    fn bind(&mut self, socket: &mut TcpSocket, local_port: u16) -> Result<(), Failure> {
        let mut world = self.world.borrow_mut();
        let machine = world.programs[self.program].machine;
        let taken = |port: u16| {
            world.tcp.iter().any(|tcp| {
                let here = world.programs[tcp.program].machine == machine;
                let at = match tcp.state {
                    State::Bound(at) | State::Listening { port: at, .. } => Some(at),
                    _ => None,
                };
                here && at == Some(port)
            })
        };
        let port = match local_port {
            0 => (FIRST_FREE_PORT..).find(|&port| !taken(port)).ok_or(Failure::InUse)?,
            port if taken(port) => return Err(Failure::InUse),
            port => port,
        };
        world.tcp[socket.0].state = State::Bound(port);
        Ok(())
    }

    fn listen(&mut self, socket: &mut TcpSocket) -> Result<(), Failure> {
        let mut world = self.world.borrow_mut();
        let State::Bound(port) = world.tcp[socket.0].state else {
            return Err(Failure::Misused);
        };
        world.tcp[socket.0].state = State::Listening { port, backlog: VecDeque::new() };
        Ok(())
    }

    fn accept(&mut self, socket: &mut TcpSocket) -> nb::Result<(TcpSocket, SocketAddr), Failure> {
        let mut world = self.world.borrow_mut();
        let State::Listening { backlog, .. } = &mut world.tcp[socket.0].state else {
            return Err(nb::Error::Other(Failure::Misused));
        };
        let wire = backlog.pop_front().ok_or(nb::Error::WouldBlock)?;
        let remote = world.wires[wire].addresses[0];
        drop(world);
        Ok((self.open(State::Connected { wire, end: 1 }), remote.into()))
    }
}

impl LocalAddress for Stack {
    fn local_address(&self, socket: &TcpSocket) -> Option<SocketAddr> {
        let world = self.world.borrow();
        match world.tcp[socket.0].state {
            State::Connected { wire, end } => Some(world.wires[wire].addresses[end].into()),
            State::Bound(port) | State::Listening { port, .. } => {
                Some(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))
            }
            _ => None,
        }
    }
}

impl UdpClientStack for Stack {
    type UdpSocket = UdpSocket;
    type Error = Failure;

    fn socket(&mut self) -> Result<UdpSocket, Failure> {
        let mut world = self.world.borrow_mut();
        world.udp.push(Udp { program: self.program, port: None, inbox: VecDeque::new() });
        Ok(UdpSocket(world.udp.len() - 1))
    }

    fn connect(&mut self, _: &mut UdpSocket, _: SocketAddr) -> Result<(), Failure> {
        Err(Failure::Misused)
    }

    fn send(&mut self, _: &mut UdpSocket, _: &[u8]) -> nb::Result<(), Failure> {
        Err(nb::Error::Other(Failure::Misused))
    }

    fn receive(
        &mut self,
        socket: &mut UdpSocket,
        buffer: &mut [u8],
    ) -> nb::Result<(usize, SocketAddr), Failure> {
        let mut world = self.world.borrow_mut();
        let (from, bytes) = world.udp[socket.0].inbox.pop_front().ok_or(nb::Error::WouldBlock)?;
        let len = bytes.len().min(buffer.len());
        buffer[..len].copy_from_slice(&bytes[..len]);
        Ok((len, from.into()))
    }

    fn close(&mut self, socket: UdpSocket) -> Result<(), Failure> {
        self.world.borrow_mut().udp[socket.0].port = None;
        Ok(())
    }
}

impl UdpFullStack for Stack {
    fn bind(&mut self, socket: &mut UdpSocket, local_port: u16) -> Result<(), Failure> {
        let port = match local_port {
            0 => FIRST_FREE_PORT + (socket.0 % 16_000) as u16,
            port => port,
        };
        self.world.borrow_mut().udp[socket.0].port = Some(port);
        Ok(())
    }

    fn send_to(
        &mut self,
        socket: &mut UdpSocket,
        remote: SocketAddr,
        buffer: &[u8],
    ) -> nb::Result<(), Failure> {
        let IpAddr::V4(address) = remote.ip() else {
            return Err(nb::Error::Other(Failure::Unreachable));
        };
        let mut world = self.world.borrow_mut();
        let port = world.udp[socket.0].port.ok_or(Failure::Misused)?;
        let now = world.now;
        world.programs[self.program].record.sent(now, address);
        world.send(self.program, port, SocketAddrV4::new(address, remote.port()), buffer);
        Ok(())
    }
}
