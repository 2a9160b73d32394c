//! Discovery and its sockets: beacons out and in, dials, accepts.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};

use embedded_nal::{TcpClientStack, TcpFullStack, UdpClientStack, UdpFullStack, nb};
use heapless::Vec;

use super::Connection;
use super::direct::{ConnectError, listen};
use crate::discovery::{Action, BEACON, Config, Discovery};
use crate::time::Instant;

/// How many datagrams and how many connections one poll takes in at the most, so that a flood can
/// not hold the program up.
const BATCH: usize = 16;

/// Finds peers by broadcast: sends beacons, hears them, dials and is dialled.
///
/// Up to `PEERS` peers are known at a time. `T` is the stack.
///
/// ```
/// use cable_car::Instant;
/// use cable_car::discovery::Config;
/// use cable_car::nal::{BroadcastConnector, Connection, Event};
/// use embedded_nal::{TcpFullStack, UdpFullStack};
///
/// fn first_peer<T: TcpFullStack + UdpFullStack>(
///     stack: &mut T,
///     clock: impl Fn() -> Instant,
/// ) -> Option<Connection<T::TcpSocket>> {
///     let config = Config { once: true, ..Config::default() };
///     let mut connector: BroadcastConnector<T, 4> = BroadcastConnector::new(config, clock());
///     while !connector.is_stopped() {
///         if let Ok(Some(Event::Connected(peer))) = connector.poll(stack, clock()) {
///             return Some(peer);
///         }
///         // Here a program sleeps until connector.poll_at() or until the network wakes it.
///     }
///     None
/// }
/// ```
pub struct BroadcastConnector<T: TcpFullStack + UdpFullStack, const PEERS: usize> {
    discovery: Discovery<PEERS>,
    sockets: Option<Sockets<T>>,
    dials: Vec<Dial<T::TcpSocket>, PEERS>,
    destinations: Vec<Ipv4Addr, MAX_DESTINATIONS>,
    /// What is still to be told of what went wrong.
    failure: Option<ErrorOf<T>>,
    /// Whether the last poll took in all that it may, so that there may be more.
    more: bool,
}

/// To how many broadcast addresses beacons can go.
pub const MAX_DESTINATIONS: usize = 16;

struct Sockets<T: TcpFullStack + UdpFullStack> {
    udp: T::UdpSocket,
    listener: T::TcpSocket,
}

struct Dial<Socket> {
    socket: Socket,
    address: Ipv4Addr,
}

/// What a connector has to tell.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<Socket, E> {
    /// A connection stands. When it ends, [`BroadcastConnector::unlinked`] wants to know.
    Connected(Connection<Socket>),
    /// A peer was heard and could not be dialled; it is dialled again when it is heard again.
    Unreachable {
        /// Its address.
        address: Ipv4Addr,
        /// Why: what the stack said, or the time was over.
        reason: ConnectError<E>,
    },
    /// The time to look for peers is over.
    TimedOut,
}

/// Why a connector could not do its work now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectorError<T, U> {
    /// The UDP port for beacons could not be had.
    Udp(U),
    /// The TCP port could not be listened on.
    Listen(ConnectError<T>),
    /// A beacon could not be sent to any address; it is tried again at the next interval.
    Beacon(U),
    /// Beacons can not be received now.
    Hear(U),
    /// A connection could not be accepted now.
    Accept(T),
}

impl<T: fmt::Debug, U: fmt::Debug> fmt::Display for ConnectorError<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp(error) => write!(f, "can not use the beacon port: {error:?}"),
            Self::Listen(error) => error.fmt(f),
            Self::Beacon(error) => write!(f, "can not send a beacon: {error:?}"),
            Self::Hear(error) => write!(f, "can not receive beacons: {error:?}"),
            Self::Accept(error) => write!(f, "can not accept a connection: {error:?}"),
        }
    }
}

impl<T: fmt::Debug, U: fmt::Debug> core::error::Error for ConnectorError<T, U> {}

type EventOf<T> = Event<<T as TcpClientStack>::TcpSocket, <T as TcpClientStack>::Error>;
type ErrorOf<T> = ConnectorError<<T as TcpClientStack>::Error, <T as UdpClientStack>::Error>;

impl<T: TcpFullStack + UdpFullStack, const PEERS: usize> BroadcastConnector<T, PEERS> {
    /// Looks for peers from now on; sockets are opened by the first [`poll`](Self::poll).
    pub fn new(config: Config, now: Instant) -> Self {
        let mut connector = Self {
            discovery: Discovery::new(config, now),
            sockets: None,
            dials: Vec::new(),
            destinations: Vec::new(),
            failure: None,
            more: false,
        };
        connector.set_destinations([Ipv4Addr::BROADCAST]);
        connector
    }

    /// Sends beacons to these addresses from now on, the first [`MAX_DESTINATIONS`] of them, rather
    /// than to 255.255.255.255 alone: for stacks that send that one by one interface only.
    pub fn set_destinations(&mut self, addresses: impl IntoIterator<Item = Ipv4Addr>) {
        self.destinations = addresses.into_iter().take(MAX_DESTINATIONS).collect();
    }

    /// Tells the addresses of this machine: beacons from them are one's own.
    pub fn set_own_addresses(&mut self, addresses: impl IntoIterator<Item = Ipv4Addr>) {
        self.discovery.set_own_addresses(addresses);
    }

    /// Does what can be done now, and tells at most one thing: call it until it has nothing to tell.
    ///
    /// # Errors
    /// [`ConnectorError`]; the connector goes on, and a later poll tries again.
    pub fn poll(&mut self, stack: &mut T, now: Instant) -> Result<Option<EventOf<T>>, ErrorOf<T>> {
        if self.discovery.is_stopped() {
            self.close(stack);
            return Ok(None);
        }
        let mut sockets = match self.sockets.take() {
            Some(sockets) => sockets,
            None => match open(stack, self.discovery.config()) {
                Ok(sockets) => sockets,
                Err(error) => return self.poll_without_sockets(now, error),
            },
        };
        self.more = false;
        let told = self.poll_sockets(stack, &mut sockets, now);
        self.sockets = Some(sockets);
        if self.discovery.is_stopped() {
            self.close(stack);
        }
        match (told, self.failure.take()) {
            (None, Some(failure)) => Err(failure),
            (told, failure) => {
                self.failure = failure;
                Ok(told)
            }
        }
    }

    /// When a poll is due though nothing came.
    pub fn poll_at(&self) -> Option<Instant> {
        if self.more { Some(Instant::default()) } else { self.discovery.poll_at() }
    }

    /// A connection to `address` has ended: when that peer is heard again, it is dialled again.
    pub fn unlinked(&mut self, address: Ipv4Addr) {
        self.discovery.unlinked(address);
    }

    /// The addresses of the peers that connections stand with.
    pub fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> + '_ {
        self.discovery.addresses()
    }

    /// Whether nothing more is sought: stopped, timed out, or connected where one peer was wanted.
    pub fn is_stopped(&self) -> bool {
        self.discovery.is_stopped()
    }

    /// Stops to look for peers and closes all sockets; connections go on.
    pub fn stop(&mut self, stack: &mut T) {
        self.discovery.stop();
        self.close(stack);
    }

    /// With no sockets time passes all the same. They are tried for again at the next interval.
    fn poll_without_sockets(
        &mut self,
        now: Instant,
        error: ErrorOf<T>,
    ) -> Result<Option<EventOf<T>>, ErrorOf<T>> {
        while let Some(action) = self.discovery.poll(now) {
            if action == Action::TimedOut {
                return Ok(Some(Event::TimedOut));
            }
        }
        Err(error)
    }

    /// Does everything that can be done: what fails must not keep the rest from being done.
    fn poll_sockets(
        &mut self,
        stack: &mut T,
        sockets: &mut Sockets<T>,
        now: Instant,
    ) -> Option<EventOf<T>> {
        let heard = self.hear(stack, sockets, now);
        self.note(heard.map(|()| None))
            .or_else(|| {
                let accepted = self.accept(stack, sockets);
                self.note(accepted)
            })
            .or_else(|| {
                let acted = self.act(stack, sockets, now);
                self.note(acted)
            })
            .or_else(|| self.go_on_dialling(stack, now))
    }

    /// Keeps the first failure, which is told once there is no event to tell.
    fn note(&mut self, told: Result<Option<EventOf<T>>, ErrorOf<T>>) -> Option<EventOf<T>> {
        told.unwrap_or_else(|error| {
            self.failure.get_or_insert(error);
            None
        })
    }

    fn hear(
        &mut self,
        stack: &mut T,
        sockets: &mut Sockets<T>,
        now: Instant,
    ) -> Result<(), ErrorOf<T>> {
        for _ in 0..BATCH {
            // Any datagram on the port is a beacon, whatever it says.
            let mut datagram = [0; 64];
            match UdpClientStack::receive(stack, &mut sockets.udp, &mut datagram) {
                Ok((_, from)) => {
                    if let Some(from) = ipv4(from) {
                        self.discovery.heard(now, from);
                    }
                }
                Err(nb::Error::WouldBlock) => return Ok(()),
                Err(nb::Error::Other(error)) => return Err(ConnectorError::Hear(error)),
            }
        }
        self.more = true;
        Ok(())
    }

    fn accept(
        &mut self,
        stack: &mut T,
        sockets: &mut Sockets<T>,
    ) -> Result<Option<EventOf<T>>, ErrorOf<T>> {
        for _ in 0..BATCH {
            let (socket, remote) = match stack.accept(&mut sockets.listener) {
                Ok(accepted) => accepted,
                Err(nb::Error::WouldBlock) => return Ok(None),
                Err(nb::Error::Other(error)) => return Err(ConnectorError::Accept(error)),
            };
            if let Some(address) = ipv4(remote) {
                self.discovery.linked(address);
                let remote = SocketAddr::new(address.into(), remote.port());
                return Ok(Some(Event::Connected(Connection { socket, remote })));
            }
            // Discovery is IPv4 alone; there is nobody to tell about a stray connection.
            let _ = TcpClientStack::close(stack, socket);
        }
        self.more = true;
        Ok(None)
    }

    fn act(
        &mut self,
        stack: &mut T,
        sockets: &mut Sockets<T>,
        now: Instant,
    ) -> Result<Option<EventOf<T>>, ErrorOf<T>> {
        while let Some(action) = self.discovery.poll(now) {
            match action {
                Action::Broadcast => self.broadcast(stack, sockets)?,
                Action::Answer(address) => self.beacon(stack, sockets, address)?,
                Action::Dial(address) => match TcpClientStack::socket(stack) {
                    Ok(socket) => {
                        // There are as many places as peers, but a dial that is not wanted any more
                        // may still hold one.
                        if let Err(dial) = self.dials.push(Dial { socket, address }) {
                            let _ = TcpClientStack::close(stack, dial.socket);
                            self.discovery.dial_failed(now, address);
                        }
                    }
                    Err(error) => {
                        self.discovery.dial_failed(now, address);
                        let reason = ConnectError::NoSocket(error);
                        return Ok(Some(Event::Unreachable { address, reason }));
                    }
                },
                Action::GiveUp(address) => {
                    self.hang_up(stack, address);
                    let reason = ConnectError::TimedOut;
                    return Ok(Some(Event::Unreachable { address, reason }));
                }
                Action::TimedOut => return Ok(Some(Event::TimedOut)),
            }
        }
        Ok(None)
    }

    /// Sends a beacon to every destination; fails only where none of them can be reached.
    fn broadcast(&mut self, stack: &mut T, sockets: &mut Sockets<T>) -> Result<(), ErrorOf<T>> {
        let mut failure = None;
        let mut sent = false;
        for index in 0..self.destinations.len() {
            let Some(&address) = self.destinations.get(index) else { break };
            match self.beacon(stack, sockets, address) {
                Ok(()) => sent = true,
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            Some(error) if !sent => Err(error),
            _ => Ok(()),
        }
    }

    fn beacon(
        &self,
        stack: &mut T,
        sockets: &mut Sockets<T>,
        address: Ipv4Addr,
    ) -> Result<(), ErrorOf<T>> {
        let to = SocketAddrV4::new(address, self.discovery.config().udp_port);
        match stack.send_to(&mut sockets.udp, to.into(), BEACON) {
            // With no room for it now, the beacon is lost as any may be; the next one is due soon.
            Ok(()) | Err(nb::Error::WouldBlock) => Ok(()),
            Err(nb::Error::Other(error)) => Err(ConnectorError::Beacon(error)),
        }
    }

    fn go_on_dialling(&mut self, stack: &mut T, now: Instant) -> Option<EventOf<T>> {
        let mut index = 0;
        while index < self.dials.len() {
            let mut dial = self.dials.swap_remove(index);
            let address = dial.address;
            if !self.discovery.wants_dial(address) {
                // The peer was faster.
                let _ = TcpClientStack::close(stack, dial.socket);
                continue;
            }
            let remote = SocketAddrV4::new(address, self.discovery.config().tcp_port).into();
            match TcpClientStack::connect(stack, &mut dial.socket, remote) {
                Ok(()) => {
                    self.discovery.linked(address);
                    let socket = dial.socket;
                    return Some(Event::Connected(Connection { socket, remote }));
                }
                Err(nb::Error::WouldBlock) => {
                    // Back to its place, from which it was just taken.
                    let last = self.dials.len();
                    drop(self.dials.push(dial));
                    self.dials.swap(index, last);
                    index += 1;
                }
                Err(nb::Error::Other(error)) => {
                    let _ = TcpClientStack::close(stack, dial.socket);
                    self.discovery.dial_failed(now, address);
                    let reason = ConnectError::Connect(error);
                    return Some(Event::Unreachable { address, reason });
                }
            }
        }
        None
    }

    fn hang_up(&mut self, stack: &mut T, address: Ipv4Addr) {
        if let Some(index) = self.dials.iter().position(|dial| dial.address == address) {
            let dial = self.dials.swap_remove(index);
            let _ = TcpClientStack::close(stack, dial.socket);
        }
    }

    fn close(&mut self, stack: &mut T) {
        while let Some(dial) = self.dials.pop() {
            let _ = TcpClientStack::close(stack, dial.socket);
        }
        if let Some(Sockets { udp, listener }) = self.sockets.take() {
            let _ = UdpClientStack::close(stack, udp);
            let _ = TcpClientStack::close(stack, listener);
        }
    }
}

fn open<T>(stack: &mut T, config: &Config) -> Result<Sockets<T>, ErrorOf<T>>
where
    T: TcpFullStack + UdpFullStack,
{
    let mut udp = UdpClientStack::socket(stack).map_err(ConnectorError::Udp)?;
    if let Err(error) = UdpFullStack::bind(stack, &mut udp, config.udp_port) {
        let _ = UdpClientStack::close(stack, udp);
        return Err(ConnectorError::Udp(error));
    }
    match listen(stack, config.tcp_port) {
        Ok(listener) => Ok(Sockets { udp, listener }),
        Err(error) => {
            let _ = UdpClientStack::close(stack, udp);
            Err(ConnectorError::Listen(error))
        }
    }
}

fn ipv4(address: SocketAddr) -> Option<Ipv4Addr> {
    match address.ip().to_canonical() {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    }
}
