//! Discovery and its sockets: beacons out and in, dials, callers.

mod beacons;
mod callers;
mod dials;
mod error;
mod sockets;

pub use error::{ConnectorError, Event};

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use embedded_nal::{TcpClientStack, TcpFullStack, UdpFullStack};
use heapless::Vec;

use self::dials::unreachable;
use self::error::{ErrorOf, EventOf};
use self::sockets::Sockets;
use super::LocalAddress;
use super::direct::ConnectError;
use super::greeting::{Caller, Dial};
use crate::discovery::{Action, Config, Departure, Discovery, LinkId, Who};
use crate::time::Instant;

/// How many datagrams and how many callers one poll takes in at the most, so that a flood can not
/// hold the program up.
const BATCH: usize = 16;

/// To how many broadcast addresses beacons can go: what
/// [`set_destinations`](BroadcastConnector::set_destinations) is given beyond that is left out.
///
/// ```
/// use cable_car::nal::MAX_DESTINATIONS;
/// use core::net::Ipv4Addr;
///
/// /// The directed broadcast addresses of networks of 24 bits, and the one that reaches the default route.
/// fn destinations(networks: &[[u8; 3]]) -> impl Iterator<Item = Ipv4Addr> {
///     let directed = networks.iter().map(|&[a, b, c]| Ipv4Addr::new(a, b, c, 255));
///     [Ipv4Addr::BROADCAST].into_iter().chain(directed)
/// }
/// let networks = [[10, 0, 0], [192, 168, 1]];
/// assert!(destinations(&networks).count() <= MAX_DESTINATIONS);
/// ```
pub const MAX_DESTINATIONS: usize = 16;

/// Finds peers by broadcast: sends beacons, hears them, dials and is dialled.
///
/// Up to `PEERS` peers are known at a time. Where more are heard, a link is never given up for them:
/// of the others the one not heard for longest makes room, and of several at one address first, so that
/// nobody keeps others out by peers that it invents. `T` is the stack.
///
/// ```
/// use cable_car::Instant;
/// use cable_car::discovery::{Config, Instance};
/// use cable_car::nal::{BroadcastConnector, Connection, Event, LocalAddress};
/// use embedded_nal::{TcpFullStack, UdpFullStack};
///
/// fn first_peer<T: TcpFullStack + UdpFullStack + LocalAddress>(
///     stack: &mut T,
///     clock: impl Fn() -> Instant,
///     random: u64,
/// ) -> Option<Connection<T::TcpSocket>> {
///     let config = Config { once: true, ..Config::new(Instance::new(random)) };
///     let mut connector: BroadcastConnector<T, 4> = BroadcastConnector::new(config, clock());
///     while !connector.is_stopped() {
///         if let Ok(Some(Event::Joined { connection, .. })) = connector.poll(stack, clock()) {
///             return Some(connection);
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
    callers: Vec<Caller<T::TcpSocket>, PEERS>,
    destinations: Vec<Ipv4Addr, MAX_DESTINATIONS>,
    alone: bool,
    /// What is still to be told of what went wrong.
    failure: Option<ErrorOf<T>>,
    /// Whether the last poll took in all that it may, so that there may be more.
    more: bool,
}

impl<T, const PEERS: usize> BroadcastConnector<T, PEERS>
where
    T: TcpFullStack + UdpFullStack + LocalAddress,
{
    /// Looks for peers from now on ([example](Self)); sockets are opened by the first
    /// [`poll`](Self::poll).
    pub fn new(config: Config, now: Instant) -> Self {
        let mut connector = Self {
            discovery: Discovery::new(config, now),
            sockets: None,
            dials: Vec::new(),
            callers: Vec::new(),
            destinations: Vec::new(),
            alone: false,
            failure: None,
            more: false,
        };
        connector.set_destinations([Ipv4Addr::BROADCAST]);
        connector
    }

    /// For a program that is alone on its host, as firmware is: one UDP socket does for all beacons.
    ///
    /// ```
    /// # use cable_car::Instant;
    /// # use cable_car::discovery::{Config, Instance};
    /// # use cable_car::nal::{BroadcastConnector, LocalAddress};
    /// # use embedded_nal::{TcpFullStack, UdpFullStack};
    /// fn start<T: TcpFullStack + UdpFullStack + LocalAddress>(
    ///     random: u64,
    ///     now: Instant,
    /// ) -> BroadcastConnector<T, 4> {
    ///     BroadcastConnector::new(Config::new(Instance::new(random)), now).alone_on_host()
    /// }
    /// ```
    #[must_use]
    pub fn alone_on_host(mut self) -> Self {
        self.alone = true;
        self
    }

    /// Sends beacons to these addresses from now on, the first [`MAX_DESTINATIONS`] of them, rather
    /// than to 255.255.255.255 alone: for stacks that send that one by one interface only.
    ///
    /// ```
    /// # use cable_car::Instant;
    /// # use cable_car::discovery::{Config, Instance};
    /// # use cable_car::nal::{BroadcastConnector, Event, LocalAddress};
    /// # use embedded_nal::{TcpFullStack, UdpFullStack};
    /// # fn example<T: TcpFullStack + UdpFullStack + LocalAddress>(
    /// #     stack: &mut T, connector: &mut BroadcastConnector<T, 4>, now: Instant,
    /// # ) {
    /// // The broadcast addresses of two interfaces.
    /// connector.set_destinations([[10, 0, 0, 255].into(), [192, 168, 1, 255].into()]);
    /// # }
    /// ```
    pub fn set_destinations(&mut self, addresses: impl IntoIterator<Item = Ipv4Addr>) {
        self.destinations.clear();
        // What does not fit is one too many.
        let _ = addresses.into_iter().try_for_each(|address| self.destinations.push(address));
    }

    /// Does what can be done now, and tells at most one thing: call it until it has nothing to tell.
    ///
    /// ```
    /// # use cable_car::Instant;
    /// # use cable_car::discovery::{Config, Instance};
    /// # use cable_car::nal::{BroadcastConnector, Event, LocalAddress};
    /// # use embedded_nal::{TcpFullStack, UdpFullStack};
    /// # fn example<T: TcpFullStack + UdpFullStack + LocalAddress>(
    /// #     stack: &mut T, connector: &mut BroadcastConnector<T, 4>, now: Instant,
    /// # ) {
    /// loop {
    ///     match connector.poll(stack, now) {
    ///         Ok(None) => break,
    ///         Ok(Some(Event::Joined { connection, .. })) => { /* make a Messenger of it */ }
    ///         Ok(Some(_)) => {}
    ///         Err(_error) => break, // no network, perhaps: a later poll tries again
    ///     }
    /// }
    /// # }
    /// ```
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
            None => match self.open(stack) {
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
    ///
    /// ```
    /// # use cable_car::Instant;
    /// # use cable_car::discovery::{Config, Instance};
    /// # use cable_car::nal::{BroadcastConnector, Event, LocalAddress};
    /// # use embedded_nal::{TcpFullStack, UdpFullStack};
    /// # fn example<T: TcpFullStack + UdpFullStack + LocalAddress>(
    /// #     stack: &mut T, connector: &mut BroadcastConnector<T, 4>, now: Instant,
    /// # ) {
    /// match connector.poll_at() {
    ///     Some(due) if due > now => { /* sleep until then, or until something comes */ }
    ///     Some(_) => { /* poll at once */ }
    ///     None => { /* sleep until something comes */ }
    /// }
    /// # }
    /// ```
    pub fn poll_at(&self) -> Option<Instant> {
        if self.more {
            return Some(Instant::default());
        }
        let callers = self.callers.iter().map(|caller| caller.until);
        callers.chain(self.discovery.poll_at()).min()
    }

    /// A link has ended: when its peer is heard again, it is linked again. Gives whose it was, and
    /// whether that peer had said goodbye.
    ///
    /// ```
    /// use cable_car::Instant;
    /// use cable_car::discovery::LinkId;
    /// use cable_car::nal::{BroadcastConnector, LocalAddress};
    /// use embedded_nal::{TcpFullStack, UdpFullStack};
    ///
    /// /// Whether the peer went without a word.
    /// fn is_lost<T: TcpFullStack + UdpFullStack + LocalAddress>(
    ///     connector: &mut BroadcastConnector<T, 4>,
    ///     now: Instant,
    ///     link: LinkId,
    /// ) -> bool {
    ///     connector.unlinked(now, link).is_some_and(|departure| !departure.goodbye)
    /// }
    /// ```
    pub fn unlinked(&mut self, now: Instant, link: LinkId) -> Option<Departure> {
        self.discovery.unlinked(now, link)
    }

    /// The peers that links stand with, and where they are.
    ///
    /// ```
    /// # use cable_car::Instant;
    /// # use cable_car::discovery::{Config, Instance};
    /// # use cable_car::nal::{BroadcastConnector, Event, LocalAddress};
    /// # use embedded_nal::{TcpFullStack, UdpFullStack};
    /// # fn example<T: TcpFullStack + UdpFullStack + LocalAddress>(
    /// #     stack: &mut T, connector: &mut BroadcastConnector<T, 4>, now: Instant,
    /// # ) {
    /// for (who, address) in connector.linked() {
    ///     let _ = (who, address); // show them
    /// }
    /// # }
    /// ```
    pub fn linked(&self) -> impl Iterator<Item = (Who, Ipv4Addr)> + '_ {
        self.discovery.linked()
    }

    /// Whether nothing more is sought: stopped, timed out, or connected where one peer was wanted.
    ///
    /// ```
    /// # use cable_car::Instant;
    /// # use cable_car::discovery::{Config, Instance};
    /// # use cable_car::nal::{BroadcastConnector, Event, LocalAddress};
    /// # use embedded_nal::{TcpFullStack, UdpFullStack};
    /// # fn example<T: TcpFullStack + UdpFullStack + LocalAddress>(
    /// #     stack: &mut T, connector: &mut BroadcastConnector<T, 4>, now: Instant,
    /// # ) {
    /// while !connector.is_stopped() {
    ///     let _ = connector.poll(stack, now);
    ///     # break;
    /// }
    /// # }
    /// ```
    pub fn is_stopped(&self) -> bool {
        self.discovery.is_stopped()
    }

    /// Stops to look for peers, says goodbye, and closes all sockets; links go on.
    ///
    /// ```
    /// # use cable_car::Instant;
    /// # use cable_car::discovery::{Config, Instance};
    /// # use cable_car::nal::{BroadcastConnector, Event, LocalAddress};
    /// # use embedded_nal::{TcpFullStack, UdpFullStack};
    /// # fn example<T: TcpFullStack + UdpFullStack + LocalAddress>(
    /// #     stack: &mut T, connector: &mut BroadcastConnector<T, 4>, now: Instant,
    /// # ) {
    /// connector.stop(stack);
    /// assert!(connector.is_stopped());
    /// # }
    /// ```
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
        let heard = self.hear(stack, &mut sockets.shared, now);
        self.note(heard);
        if let Some(own) = &mut sockets.own {
            let heard = self.hear(stack, own, now);
            self.note(heard);
        }
        let accepted = self.accept(stack, sockets, now);
        self.note(accepted);
        self.act(stack, sockets, now)
            .or_else(|| self.meet_callers(stack, now))
            .or_else(|| self.go_on_dialling(stack, now))
    }

    /// Keeps the first failure, which is told once there is no event to tell.
    fn note(&mut self, result: Result<(), ErrorOf<T>>) {
        if let Err(error) = result {
            self.failure.get_or_insert(error);
        }
    }

    fn act(&mut self, stack: &mut T, sockets: &mut Sockets<T>, now: Instant) -> Option<EventOf<T>> {
        while let Some(action) = self.discovery.poll(now) {
            match action {
                Action::Broadcast => {
                    let sent = self.broadcast(stack, sockets);
                    self.note(sent);
                }
                Action::Answer(to) => {
                    let sent = self.beacon(stack, sockets, to, true);
                    self.note(sent);
                }
                Action::Dial(id, remote) => match TcpClientStack::socket(stack) {
                    Ok(socket) => {
                        // There are as many places as peers, but a dial that is not wanted any more
                        // may still hold one.
                        let dial = Dial { id, socket, remote, greeting: None };
                        if let Err(dial) = self.dials.push(dial) {
                            let _ = TcpClientStack::close(stack, dial.socket);
                            self.discovery.dial_failed(now, id);
                        }
                    }
                    Err(error) => {
                        self.discovery.dial_failed(now, id);
                        return Some(unreachable(remote, ConnectError::NoSocket(error)));
                    }
                },
                Action::GiveUp(id) => {
                    if let Some(remote) = self.hang_up(stack, id) {
                        return Some(unreachable(remote, ConnectError::TimedOut));
                    }
                }
                Action::Doubt(link) => return Some(Event::Doubted { link }),
                Action::Trust(link) => return Some(Event::Trusted { link }),
                Action::TimedOut => return Some(Event::TimedOut),
            }
        }
        None
    }

    /// Says goodbye and gives all sockets back. Whether either works out changes nothing any more.
    fn close(&mut self, stack: &mut T) {
        while let Some(dial) = self.dials.pop() {
            let _ = TcpClientStack::close(stack, dial.socket);
        }
        while let Some(caller) = self.callers.pop() {
            let _ = TcpClientStack::close(stack, caller.socket);
        }
        if let Some(mut sockets) = self.sockets.take() {
            let _ = self.broadcast(stack, &mut sockets);
            sockets.close(stack);
        }
    }

    fn open(&mut self, stack: &mut T) -> Result<Sockets<T>, ErrorOf<T>> {
        let sockets = Sockets::open(stack, self.discovery.config(), self.alone)?;
        if let Some(local) = stack.local_address(&sockets.listener) {
            self.discovery.set_tcp_port(local.port());
        }
        Ok(sockets)
    }
}

fn ipv4(address: SocketAddr) -> Option<Ipv4Addr> {
    match address.ip().to_canonical() {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    }
}
