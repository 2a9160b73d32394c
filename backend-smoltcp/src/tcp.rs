//! embedded-nal's TCP traits.

mod slot;
mod table;

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use cable_car::nal::LocalAddress;
use embedded_nal::{TcpClientStack, TcpFullStack};
use smoltcp::phy::Device;
use smoltcp::socket::tcp::{self, RecvError, State};
use smoltcp::wire::{IpAddress, IpEndpoint};

use crate::address::{is_host, own_cidr};
use crate::error::Error;
use crate::stack::Stack;
pub(crate) use slot::{Role, TcpSlot};
pub use table::MAX_LISTENERS;
pub(crate) use table::{Limits, TcpTable};

/// A TCP socket of a [`Stack`]: a connection or a listener.
///
/// It is only a number: one that is dropped without `close` keeps its slot for good.
///
/// ```
/// # use cable_car::Instant;
/// # use cable_car_smoltcp::{Config, ConfigError, Stack, Storage, storage, wire::Wire};
/// # type Memory<'a> = storage!('a, peers: 2);
/// # let (mut memory, wire): (Memory, Wire) = (Storage::new(), Wire::new());
/// # let config = Config::new([2, 0, 0, 0, 0, 1], 7);
/// # let now = Instant::default();
/// # use embedded_nal::{TcpClientStack, TcpFullStack, UdpClientStack, UdpFullStack, nb};
/// # let mut stack = Stack::new(wire.ends().0, &mut memory, &config, now)?;
/// let socket = TcpClientStack::socket(&mut stack)?;
/// TcpClientStack::close(&mut stack, socket)?; // it has its slot until then
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use = "a socket keeps its slot until it is closed"]
pub struct TcpSocket {
    pub(crate) place: Place,
    pub(crate) generation: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) enum Place {
    Slot(u8),
    Listener(u8),
}

/// See the [crate's page](crate) for what each call promises.
impl<D: Device> TcpClientStack for Stack<'_, D> {
    type TcpSocket = TcpSocket;
    type Error = Error;

    fn socket(&mut self) -> Result<TcpSocket, Error> {
        let index = self.tcp.take_free(&mut self.sockets).ok_or(Error::NoFreeTcpSocket)?;
        self.tcp.slots[index].enter(Role::Reserved { port: 0 }, self.now);
        Ok(self.tcp.handle(index))
    }

    fn connect(&mut self, socket: &mut TcpSocket, remote: SocketAddr) -> nb::Result<(), Error> {
        let index = self.tcp.index(socket)?;
        let role = self.tcp.slots[index].role;
        match role {
            Role::Connecting { remote: asked } if SocketAddr::V4(asked) == remote => {
                Err(nb::Error::WouldBlock)
            }
            Role::Connected { remote: asked } if SocketAddr::V4(asked) == remote => {
                self.tcp.slots[index].cause.map_or(Ok(()), |cause| Err(cause.into()))
            }
            Role::Failed(error) => Err(error.into()),
            Role::Reserved { port } => match self.dial(index, port, remote) {
                Ok(()) => Err(nb::Error::WouldBlock),
                Err(error) => {
                    self.tcp.slots[index].enter(Role::Failed(error), self.now);
                    Err(error.into())
                }
            },
            _ => Err(Error::WrongUse.into()),
        }
    }

    fn send(&mut self, socket: &mut TcpSocket, buffer: &[u8]) -> nb::Result<usize, Error> {
        let index = self.tcp.connected(socket)?;
        if buffer.is_empty() {
            return Ok(0);
        }
        let slot = &self.tcp.slots[index];
        match slot.socket(&mut self.sockets).send_slice(buffer) {
            Ok(0) => Err(nb::Error::WouldBlock),
            Ok(count) => {
                self.queued = true;
                Ok(count)
            }
            Err(tcp::SendError::InvalidState) => Err(slot.cause.unwrap_or(Error::Closed).into()),
        }
    }

    fn receive(&mut self, socket: &mut TcpSocket, buffer: &mut [u8]) -> nb::Result<usize, Error> {
        let index = self.tcp.connected(socket)?;
        if buffer.is_empty() {
            return Ok(0);
        }
        let slot = &self.tcp.slots[index];
        match slot.socket(&mut self.sockets).recv_slice(buffer) {
            Ok(0) => Err(nb::Error::WouldBlock),
            Ok(count) => {
                // The window that this opens may have to be told.
                self.queued = true;
                Ok(count)
            }
            Err(RecvError::Finished) => Ok(0),
            Err(RecvError::InvalidState) => Err(slot.cause.unwrap_or(Error::Closed).into()),
        }
    }

    fn close(&mut self, socket: TcpSocket) -> Result<(), Error> {
        self.queued = true;
        match socket.place {
            Place::Slot(_) => {
                let index = self.tcp.index(&socket)?;
                self.tcp.close(&mut self.sockets, index, self.now);
            }
            Place::Listener(_) => {
                let index = self.tcp.listener(&socket)?;
                self.tcp.close_listener(&mut self.sockets, index, self.now);
            }
        }
        Ok(())
    }
}

/// See the [crate's page](crate) for what each call promises.
impl<D: Device> TcpFullStack for Stack<'_, D> {
    fn bind(&mut self, socket: &mut TcpSocket, local_port: u16) -> Result<(), Error> {
        let index = self.tcp.index(socket)?;
        if self.tcp.slots[index].role != (Role::Reserved { port: 0 }) {
            return Err(Error::WrongUse);
        }
        let port = match local_port {
            0 => self.ports.take(|port| self.tcp.port_in_use(port)).ok_or(Error::NoFreePort)?,
            port if self.tcp.port_in_use(port) => return Err(Error::PortInUse),
            port => port,
        };
        self.tcp.slots[index].role = Role::Reserved { port };
        Ok(())
    }

    fn listen(&mut self, socket: &mut TcpSocket) -> Result<(), Error> {
        let index = self.tcp.index(socket)?;
        match self.tcp.slots[index].role {
            Role::Reserved { port: 0 } => Err(Error::NotBound),
            Role::Reserved { port } => {
                *socket = self.tcp.listen(&mut self.sockets, index, port, self.now)?;
                Ok(())
            }
            _ => Err(Error::WrongUse),
        }
    }

    fn accept(&mut self, socket: &mut TcpSocket) -> nb::Result<(TcpSocket, SocketAddr), Error> {
        let listener = self.tcp.listener(socket)?;
        match self.tcp.accept(&mut self.sockets, listener, self.now) {
            Some((connection, remote)) => Ok((connection, SocketAddr::V4(remote))),
            None => Err(nb::Error::WouldBlock),
        }
    }
}

impl<D: Device> Stack<'_, D> {
    /// The address and port of a socket on this side: of a connection the address it goes by, of a
    /// bound or listening socket the stack's own, or 0.0.0.0 before there is one. `None` without a
    /// port, and for a socket that was closed.
    ///
    /// ```
    /// # use cable_car::Instant;
    /// # use cable_car_smoltcp::{Config, ConfigError, Stack, Storage, storage, wire::Wire};
    /// # type Memory<'a> = storage!('a, peers: 2);
    /// # let (mut memory, wire): (Memory, Wire) = (Storage::new(), Wire::new());
    /// # let config = Config::new([2, 0, 0, 0, 0, 1], 7);
    /// # let now = Instant::default();
    /// # use embedded_nal::{TcpClientStack, TcpFullStack, UdpClientStack, UdpFullStack, nb};
    /// # let mut stack = Stack::new(wire.ends().0, &mut memory, &config, now)?;
    /// let mut listener = TcpClientStack::socket(&mut stack)?;
    /// TcpFullStack::bind(&mut stack, &mut listener, 8223)?;
    /// assert_eq!(stack.local_addr(&listener), Some(([0, 0, 0, 0], 8223).into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn local_addr(&self, socket: &TcpSocket) -> Option<SocketAddr> {
        let own = own_cidr(&self.iface).map_or(Ipv4Addr::UNSPECIFIED, |cidr| cidr.address());
        let port = match socket.place {
            Place::Listener(_) => {
                let listener = self.tcp.listener(socket).ok()?;
                self.tcp.listeners[listener].port
            }
            Place::Slot(_) => {
                let slot = &self.tcp.slots[self.tcp.index(socket).ok()?];
                if let Some(local) = slot.socket_ref(&self.sockets).local_endpoint() {
                    return Some(SocketAddr::V4(from_endpoint(local)?));
                }
                match slot.role {
                    Role::Reserved { port } if port != 0 => port,
                    _ => return None,
                }
            }
        };
        Some(SocketAddr::V4(SocketAddrV4::new(own, port)))
    }

    /// The address and port of the peer that a socket is, or was, connected with.
    ///
    /// ```
    /// # use cable_car::Instant;
    /// # use cable_car_smoltcp::{Config, ConfigError, Stack, Storage, storage, wire::Wire};
    /// # type Memory<'a> = storage!('a, peers: 2);
    /// # let (mut memory, wire): (Memory, Wire) = (Storage::new(), Wire::new());
    /// # let config = Config::new([2, 0, 0, 0, 0, 1], 7);
    /// # let now = Instant::default();
    /// # use embedded_nal::{TcpClientStack, TcpFullStack, UdpClientStack, UdpFullStack, nb};
    /// # let mut stack = Stack::new(wire.ends().0, &mut memory, &config, now)?;
    /// stack.set_address([10, 0, 0, 1].into(), 24, None)?;
    /// let mut socket = TcpClientStack::socket(&mut stack)?;
    /// assert_eq!(stack.remote_addr(&socket), None);
    /// let remote = ([10, 0, 0, 2], 8223).into();
    /// assert_eq!(TcpClientStack::connect(&mut stack, &mut socket, remote), Err(nb::Error::WouldBlock));
    /// assert_eq!(stack.remote_addr(&socket), Some(remote));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn remote_addr(&self, socket: &TcpSocket) -> Option<SocketAddr> {
        match self.tcp.slots[self.tcp.index(socket).ok()?].role {
            Role::Connecting { remote } | Role::Connected { remote } => {
                Some(SocketAddr::V4(remote))
            }
            _ => None,
        }
    }

    fn dial(&mut self, index: usize, port: u16, remote: SocketAddr) -> Result<(), Error> {
        let SocketAddr::V4(remote) = remote else { return Err(Error::Ipv6Unsupported) };
        if remote.port() == 0 || !is_host(*remote.ip()) {
            return Err(Error::InvalidRemote);
        }
        self.check_reachable(*remote.ip())?;
        let in_use =
            |port| self.tcp.port_in_use(port) || self.tcp.port_connected(&self.sockets, port);
        let port = match port {
            0 => self.ports.take(in_use).ok_or(Error::NoFreePort)?,
            port => port,
        };
        let slot = &mut self.tcp.slots[index];
        let socket = slot.socket(&mut self.sockets);
        socket.connect(self.iface.context(), to_endpoint(remote), port).map_err(
            |error| match error {
                tcp::ConnectError::InvalidState => Error::WrongUse,
                tcp::ConnectError::Unaddressable => Error::InvalidRemote,
            },
        )?;
        slot.enter(Role::Connecting { remote }, self.now);
        self.queued = true;
        Ok(())
    }

    /// Whether one host can be sent to: smoltcp would try for ever.
    pub(crate) fn check_reachable(&self, host: Ipv4Addr) -> Result<(), Error> {
        let cidr = own_cidr(&self.iface).ok_or(Error::NoAddress)?;
        if cidr.broadcast() == Some(host) {
            return Err(Error::InvalidRemote);
        }
        // smoltcp has no loopback: a packet to this host itself would never arrive.
        let on_link = cidr.contains_addr(&host) && host != cidr.address();
        let routed = self.gateway().is_some() && !cidr.contains_addr(&host) && !host.is_loopback();
        match on_link || routed {
            true => Ok(()),
            false => Err(Error::Unreachable),
        }
    }
}

pub(crate) fn to_endpoint(address: SocketAddrV4) -> IpEndpoint {
    IpEndpoint::new(IpAddress::Ipv4(*address.ip()), address.port())
}

pub(crate) fn from_endpoint(endpoint: IpEndpoint) -> Option<SocketAddrV4> {
    match endpoint.addr {
        IpAddress::Ipv4(ip) => Some(SocketAddrV4::new(ip, endpoint.port)),
        #[allow(unreachable_patterns)] // IPv6 exists only with a feature of smoltcp
        _ => None,
    }
}

/// Whether both sides are joined, or were and the peer has closed its side.
pub(crate) fn is_joined(state: State) -> bool {
    matches!(state, State::Established | State::CloseWait)
}

impl<D: Device> LocalAddress for Stack<'_, D> {
    fn local_address(&self, socket: &TcpSocket) -> Option<SocketAddr> {
        self.local_addr(socket)
    }
}
