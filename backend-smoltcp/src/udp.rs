//! embedded-nal's UDP traits.
//!
//! smoltcp sends a socket's datagrams strictly one after the other, and waits without end for the
//! hardware address of a host that is gone. So that one such host does not silence the broadcasts,
//! a UDP socket is made of two of smoltcp's: one that receives and sends to everybody, which never
//! waits, and a lane to single hosts, which is emptied when it is stuck.

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use embedded_nal::{UdpClientStack, UdpFullStack};
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::phy::Device;
use smoltcp::socket::udp::{SendError, Socket, UdpMetadata};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::IpAddress;

use crate::address::own_cidr;
use crate::error::Error;
use crate::stack::Stack;
use crate::tcp::{from_endpoint, to_endpoint};

/// How long a datagram to one host waits for that host's hardware address: three requests.
const LANE_PATIENCE: Duration = Duration::from_secs(3);

/// Bytes of the headers in front of a datagram.
const HEADERS: usize = 28;

/// A UDP socket of a [`Stack`].
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
/// let mut socket = UdpClientStack::socket(&mut stack)?;
/// UdpFullStack::bind(&mut stack, &mut socket, 8222)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use = "a socket keeps its slot until it is closed"]
pub struct UdpSocket {
    index: u8,
    generation: u16,
}

pub(crate) struct UdpSlot {
    /// Receives, and sends to everybody. Filled when the stack is made.
    pub(crate) shared: Option<SocketHandle>,
    /// Sends to single hosts. Filled when the stack is made.
    pub(crate) lane: Option<SocketHandle>,
    generation: u16,
    in_use: bool,
    /// 0 is none yet.
    port: u16,
    /// Whom `send` sends to.
    remote: Option<SocketAddrV4>,
    /// Only the remote is heard.
    connected: bool,
    /// Bytes that the lane held when it last moved, and when that was.
    lane_state: Option<(usize, Instant)>,
    /// The lane was given a datagram of no bytes, which its byte count does not show.
    lane_has_empty: bool,
}

impl UdpSlot {
    pub(crate) const EMPTY: Self = Self {
        shared: None,
        lane: None,
        generation: 0,
        in_use: false,
        port: 0,
        remote: None,
        connected: false,
        lane_state: None,
        lane_has_empty: false,
    };

    fn shared<'s, 'a>(&self, sockets: &'s mut SocketSet<'a>) -> &'s mut Socket<'a> {
        sockets.get_mut(self.shared.unwrap_or_default())
    }

    fn lane<'s, 'a>(&self, sockets: &'s mut SocketSet<'a>) -> &'s mut Socket<'a> {
        sockets.get_mut(self.lane.unwrap_or_default())
    }

    fn empty_lane(&mut self, sockets: &mut SocketSet<'_>) {
        self.lane(sockets).close();
        // The set remembers what the lane waited for; the place that is free now is taken again.
        if let Some(handle) = self.lane
            && let smoltcp::socket::Socket::Udp(socket) = sockets.remove(handle)
        {
            self.lane = Some(sockets.add(socket));
        }
        self.lane_state = None;
        self.lane_has_empty = false;
    }

    fn bind(&mut self, sockets: &mut SocketSet<'_>, port: u16) {
        self.port = port;
        // A socket of a free slot is closed, and the port is not 0: there is nothing to refuse.
        let _ = self.shared(sockets).bind(port);
        let _ = self.lane(sockets).bind(port);
    }

    fn lane_deadline(&self) -> Option<Instant> {
        self.lane_state.map(|(_, moved_at)| moved_at + LANE_PATIENCE)
    }
}

pub(crate) struct UdpTable<'a> {
    slots: &'a mut [UdpSlot],
    broadcast_without_address: bool,
    longest: usize,
}

impl<'a> UdpTable<'a> {
    pub(crate) fn new(
        slots: &'a mut [UdpSlot],
        broadcast_without_address: bool,
        ip_mtu: usize,
    ) -> Self {
        Self { slots, broadcast_without_address, longest: ip_mtu.saturating_sub(HEADERS) }
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.slots.iter().filter_map(UdpSlot::lane_deadline).min()
    }

    pub(crate) fn enforce_deadlines(&mut self, sockets: &mut SocketSet<'_>, now: Instant) {
        for slot in self.slots.iter_mut() {
            if slot.lane_deadline().is_some_and(|deadline| now >= deadline) {
                slot.empty_lane(sockets);
                let _ = slot.lane(sockets).bind(slot.port);
            }
        }
    }

    pub(crate) fn watch_lanes(&mut self, sockets: &mut SocketSet<'_>, now: Instant) {
        for slot in self.slots.iter_mut().filter(|slot| slot.in_use) {
            let held = slot.lane(sockets).send_queue() + usize::from(slot.lane_has_empty);
            slot.lane_state = match slot.lane_state {
                _ if held == 0 => None,
                Some((before, moved_at)) if held >= before => Some((before, moved_at)),
                _ => Some((held, now)),
            };
        }
    }

    fn index(&self, socket: &UdpSocket) -> Result<usize, Error> {
        let index = usize::from(socket.index);
        match self.slots.get(index) {
            Some(slot) if slot.in_use && slot.generation == socket.generation => Ok(index),
            _ => Err(Error::UnknownSocket),
        }
    }

    fn port_in_use(&self, port: u16) -> bool {
        self.slots.iter().any(|slot| slot.in_use && slot.port == port)
    }
}

/// See the [crate's page](crate) for what each call promises.
impl<D: Device> UdpClientStack for Stack<'_, D> {
    type UdpSocket = UdpSocket;
    type Error = Error;

    fn socket(&mut self) -> Result<UdpSocket, Error> {
        let index =
            self.udp.slots.iter().position(|slot| !slot.in_use).ok_or(Error::NoFreeUdpSocket)?;
        let slot = &mut self.udp.slots[index];
        slot.in_use = true;
        // The storage holds no more than 250.
        Ok(UdpSocket { index: index as u8, generation: slot.generation })
    }

    fn connect(&mut self, socket: &mut UdpSocket, remote: SocketAddr) -> Result<(), Error> {
        let index = self.udp.index(socket)?;
        let remote = checked_remote(remote)?;
        self.bind_if_needed(index)?;
        let slot = &mut self.udp.slots[index];
        slot.remote = Some(remote);
        slot.connected = true;
        Ok(())
    }

    fn send(&mut self, socket: &mut UdpSocket, buffer: &[u8]) -> nb::Result<(), Error> {
        let index = self.udp.index(socket)?;
        let remote = self.udp.slots[index].remote.ok_or(Error::NotConnected)?;
        self.send_from(index, remote, buffer)
    }

    fn receive(
        &mut self,
        socket: &mut UdpSocket,
        buffer: &mut [u8],
    ) -> nb::Result<(usize, SocketAddr), Error> {
        let slot = &self.udp.slots[self.udp.index(socket)?];
        if slot.port == 0 {
            return Err(Error::NotBound.into());
        }
        while let Ok((data, metadata)) = slot.shared(&mut self.sockets).recv() {
            let Some(from) = from_endpoint(metadata.endpoint) else { continue };
            if slot.connected && slot.remote != Some(from) {
                continue;
            }
            let count = data.len().min(buffer.len());
            buffer[..count].copy_from_slice(&data[..count]);
            return Ok((count, SocketAddr::V4(from)));
        }
        Err(nb::Error::WouldBlock)
    }

    fn close(&mut self, socket: UdpSocket) -> Result<(), Error> {
        let slot = &mut self.udp.slots[self.udp.index(&socket)?];
        slot.shared(&mut self.sockets).close();
        slot.empty_lane(&mut self.sockets);
        *slot = UdpSlot {
            shared: slot.shared,
            lane: slot.lane,
            generation: slot.generation.wrapping_add(1),
            ..UdpSlot::EMPTY
        };
        Ok(())
    }
}

/// See the [crate's page](crate) for what each call promises.
impl<D: Device> UdpFullStack for Stack<'_, D> {
    fn bind(&mut self, socket: &mut UdpSocket, local_port: u16) -> Result<(), Error> {
        let index = self.udp.index(socket)?;
        if self.udp.slots[index].port != 0 {
            return Err(Error::WrongUse);
        }
        if local_port == 0 {
            return self.bind_if_needed(index);
        }
        if self.udp.port_in_use(local_port) {
            return Err(Error::PortInUse);
        }
        self.udp.slots[index].bind(&mut self.sockets, local_port);
        Ok(())
    }

    fn send_to(
        &mut self,
        socket: &mut UdpSocket,
        remote: SocketAddr,
        buffer: &[u8],
    ) -> nb::Result<(), Error> {
        let index = self.udp.index(socket)?;
        let remote = checked_remote(remote)?;
        self.bind_if_needed(index)?;
        if !self.udp.slots[index].connected {
            self.udp.slots[index].remote = Some(remote);
        }
        self.send_from(index, remote, buffer)
    }
}

impl<D: Device> Stack<'_, D> {
    /// The address and port of a UDP socket on this side; 0.0.0.0 before the stack has an address.
    /// `None` for a socket without a port, and for one that was closed.
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
    /// let mut socket = UdpClientStack::socket(&mut stack)?;
    /// assert_eq!(stack.udp_local_addr(&socket), None);
    /// UdpFullStack::bind(&mut stack, &mut socket, 8222)?;
    /// assert_eq!(stack.udp_local_addr(&socket), Some(([0, 0, 0, 0], 8222).into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn udp_local_addr(&self, socket: &UdpSocket) -> Option<SocketAddr> {
        let slot = &self.udp.slots[self.udp.index(socket).ok()?];
        let own = own_cidr(&self.iface).map_or(Ipv4Addr::UNSPECIFIED, |cidr| cidr.address());
        (slot.port != 0).then(|| SocketAddr::V4(SocketAddrV4::new(own, slot.port)))
    }

    fn bind_if_needed(&mut self, index: usize) -> Result<(), Error> {
        if self.udp.slots[index].port == 0 {
            let port =
                self.ports.take(|port| self.udp.port_in_use(port)).ok_or(Error::NoFreePort)?;
            self.udp.slots[index].bind(&mut self.sockets, port);
        }
        Ok(())
    }

    fn send_from(&mut self, index: usize, to: SocketAddrV4, data: &[u8]) -> nb::Result<(), Error> {
        let own = own_cidr(&self.iface);
        let to_all = to.ip().is_broadcast()
            || to.ip().is_multicast()
            || own.and_then(|cidr| cidr.broadcast()) == Some(*to.ip());
        let mut metadata = UdpMetadata::from(to_endpoint(to));
        if own.is_none() {
            if !(to.ip().is_broadcast() && self.udp.broadcast_without_address) {
                return Err(Error::NoAddress.into());
            }
            metadata.local_address = Some(IpAddress::Ipv4(Ipv4Addr::UNSPECIFIED));
        } else if !to_all {
            self.check_reachable(*to.ip())?;
        }

        let slot = &mut self.udp.slots[index];
        let socket = match to_all {
            true => slot.shared(&mut self.sockets),
            false => slot.lane(&mut self.sockets),
        };
        if data.len() > self.udp.longest.min(socket.payload_send_capacity()) {
            return Err(Error::DatagramTooLong.into());
        }
        match socket.send_slice(data, metadata) {
            Ok(()) => {
                slot.lane_has_empty |= !to_all && data.is_empty();
                self.queued = true;
                Ok(())
            }
            Err(SendError::BufferFull) => Err(nb::Error::WouldBlock),
            Err(SendError::Unaddressable) => Err(Error::InvalidRemote.into()),
        }
    }
}

fn checked_remote(remote: SocketAddr) -> Result<SocketAddrV4, Error> {
    match remote {
        SocketAddr::V4(remote) if remote.port() != 0 && !remote.ip().is_unspecified() => Ok(remote),
        SocketAddr::V4(_) => Err(Error::InvalidRemote),
        SocketAddr::V6(_) => Err(Error::Ipv6Unsupported),
    }
}
