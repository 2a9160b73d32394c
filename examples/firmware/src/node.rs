//! The node: finds machines by broadcast and tells them how busy it is, dials one that it was told
//! of, and answers clients.
//!
//! It knows a stack and a time, and no board. Nothing in here waits: [`Node::poll`] does what can
//! be done and says when it next has something to do.

mod console;
mod dial;
mod links;
mod part;
mod standard;
mod stats;
mod text;

use core::fmt;
use core::net::Ipv4Addr;
use core::time::Duration;

use cable_car::discovery::{Config, Instance};
use cable_car::nal::{BroadcastConnector, Connection, DirectServer, Event, LocalAddress};
use cable_car::{BadMessage, Instant, SendError};
use embedded_nal::{TcpClientStack, TcpFullStack, UdpFullStack, nb};

pub use self::links::{Buffers, RX_BYTES, TX_BYTES};
pub use self::stats::Vitals;

use self::console::Order;
use self::dial::Dial;
use self::links::{Ending, Links, Origin, Peer};
use self::part::Part;
use self::stats::{Figures, Report};
use self::text::{Plain, Tenths};
use crate::options::{Options, Wire};

/// Machines that the node passes figures to at a time.
pub const MACHINES: usize = 6;
/// Clients that it serves at a time.
pub const CLIENTS: usize = 4;

/// The ports of the `cpu_mon` programs.
const BEACON_PORT: u16 = 8226;
const STATS_PORT: u16 = 8227;
/// Where clients of the byte transport are answered.
const CLIENT_PORT: u16 = 8223;

/// When the first figures are taken: right at the start the processor was never asleep.
const FIRST_FIGURES: Duration = Duration::from_millis(500);
/// How often figures and beacons are sent.
const INTERVAL: Duration = Duration::from_secs(3);
/// Events of one kind that are dealt with before anything else gets its turn.
const EVENTS_A_TURN: usize = 4;
/// Bad messages of one link that are told one by one; further ones are counted.
const BAD_TOLD: u32 = 8;

/// What takes the node's account of what happens, a line an event.
pub type Say = fn(fmt::Arguments<'_>);

/// The memory of all links. All zero, so that a `static` takes RAM only.
#[derive(Debug, Default)]
pub struct Memory {
    machines: Buffers<MACHINES>,
    clients: Buffers<CLIENTS>,
}

impl Memory {
    /// Memory that no node uses yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { machines: Buffers::new(), clients: Buffers::new() }
    }
}

/// The node, over the stack `T`.
pub struct Node<'s, T: TcpFullStack + UdpFullStack> {
    name: &'s str,
    say: Say,
    address: Option<Ipv4Addr>,
    connector: Option<Part<BroadcastConnector<T, MACHINES>>>,
    server: Part<DirectServer<T::TcpSocket>>,
    dial: Option<Dial<T::TcpSocket>>,
    dial_wire: Wire,
    machines: Links<'s, Report<'static>, T::TcpSocket, MACHINES>,
    clients: Links<'s, Order, T::TcpSocket, CLIENTS>,
    figures: Figures,
    report_at: Instant,
}

impl<'s, T: TcpFullStack + UdpFullStack + LocalAddress> Node<'s, T> {
    /// A node that begins with its first poll. `random` tells it from others, and from itself
    /// before a restart.
    // Never inlined: what it needs of the call stack is given back before the program's loop.
    #[inline(never)]
    pub fn new(
        options: &Options<'s>,
        memory: &'s mut Memory,
        say: Say,
        random: u64,
        now: Instant,
    ) -> Self {
        let config = Config {
            udp_port: BEACON_PORT,
            tcp_port: STATS_PORT,
            interval: INTERVAL,
            ..Config::new(Instance::new(random))
        };
        let connector =
            options.broadcast.then(|| BroadcastConnector::new(config, now).alone_on_host());
        Self {
            name: options.name,
            say,
            address: None,
            connector: connector.map(|connector| Part::new(connector, now)),
            server: Part::new(DirectServer::new(CLIENT_PORT, None), now),
            dial: options.connect.map(|remote| Dial::new(remote, now)),
            dial_wire: options.transport,
            machines: Links::new(&mut memory.machines),
            clients: Links::new(&mut memory.clients),
            figures: Figures::new(),
            report_at: now + FIRST_FIGURES,
        }
    }

    /// Does what can be done now, and says when to call again though nothing came.
    ///
    /// `address` is the stack's own at the moment. `vitals` is asked for the board's figures when
    /// they are due.
    pub fn poll(
        &mut self,
        stack: &mut T,
        address: Option<Ipv4Addr>,
        now: Instant,
        vitals: impl FnOnce() -> Vitals,
    ) -> Option<Instant> {
        self.readdress(address);
        if self.report_at <= now {
            self.report_at = now + INTERVAL;
            self.figures.take(vitals(), now.as_micros());
            self.report();
        }
        let wakes = [
            Some(self.report_at),
            self.find(stack, now),
            self.accept(stack, now),
            self.dial(stack, now),
            self.serve_machines(stack, now),
            self.serve_clients(stack, now),
            // The end of a link may have been a reason to dial.
            self.dial.as_ref().filter(|_| address.is_some()).and_then(Dial::poll_at),
        ];
        wakes.into_iter().flatten().min()
    }

    fn readdress(&mut self, address: Option<Ipv4Addr>) {
        if address == self.address {
            return;
        }
        self.address = address;
        match address {
            Some(address) => (self.say)(format_args!("address {address}")),
            None => (self.say)(format_args!("no address")),
        }
    }

    /// Sends the figures to every machine. One that has not taken the last ones yet gets none.
    fn report(&mut self) {
        let Some(message) = self.figures.message(self.name) else { return };
        for peer in self.machines.iter_mut() {
            if peer.has_room() {
                // It has room, or has ended, which is told when it is served.
                let _ = peer.messenger.send(&message);
            }
        }
    }

    /// Beacons, and machines that were found.
    fn find(&mut self, stack: &mut T, now: Instant) -> Option<Instant> {
        // Without an address no beacon can be sent, nor any machine dialled.
        self.address?;
        let say = self.say;
        for _ in 0..EVENTS_A_TURN {
            let part = self.connector.as_mut()?;
            if now < part.resume_at {
                return Some(part.resume_at);
            }
            match part.part.poll(stack, now) {
                Ok(Some(Event::Joined { connection, link, .. })) => {
                    if !self.add_machine(stack, connection, Origin::Found(link))
                        && let Some(part) = &mut self.connector
                    {
                        part.part.unlinked(now, link);
                    }
                }
                Ok(Some(Event::Unreachable { remote, reason })) => {
                    say(format_args!("{remote} was heard: {reason}"));
                }
                Ok(Some(_)) => {}
                Ok(None) => {
                    part.failing = false;
                    return part.part.poll_at();
                }
                Err(error) => {
                    if part.failed(now) {
                        say(format_args!("broadcast: {error}"));
                    }
                }
            }
        }
        Some(now)
    }

    /// Clients that have dialled.
    fn accept(&mut self, stack: &mut T, now: Instant) -> Option<Instant> {
        for _ in 0..EVENTS_A_TURN {
            if now < self.server.resume_at {
                return Some(self.server.resume_at);
            }
            match self.server.part.poll(stack, now) {
                Ok(connection) => self.add_client(stack, connection, Origin::Accepted),
                Err(nb::Error::WouldBlock) => {
                    self.server.failing = false;
                    return None;
                }
                Err(nb::Error::Other(error)) => {
                    if self.server.failed(now) {
                        (self.say)(format_args!("clients: {error}"));
                    }
                    true
                }
            };
        }
        Some(now)
    }

    /// The address that is to be dialled.
    fn dial(&mut self, stack: &mut T, now: Instant) -> Option<Instant> {
        self.address?;
        let dial = self.dial.as_mut()?;
        let kept = match dial.poll(stack, now)? {
            Ok(connection) => match self.dial_wire {
                Wire::Json => self.add_machine(stack, connection, Origin::Dialled),
                Wire::Byte => self.add_client(stack, connection, Origin::Dialled),
            },
            Err(error) => {
                (self.say)(format_args!("dialling {}: {error}", dial.remote()));
                return None;
            }
        };
        if !kept && let Some(dial) = &mut self.dial {
            dial.ended(now);
        }
        None
    }

    fn add_machine(
        &mut self,
        stack: &mut T,
        connection: Connection<T::TcpSocket>,
        origin: Origin,
    ) -> bool {
        match self.machines.add(connection, origin) {
            Ok(peer) => {
                (self.say)(format_args!("machine {} linked", peer.address()));
                if let Some(message) = self.figures.message(self.name) {
                    // The buffer is empty, and takes the longest name.
                    let _ = peer.messenger.send(&message);
                }
                true
            }
            Err(connection) => self.refuse(stack, connection),
        }
    }

    fn add_client(
        &mut self,
        stack: &mut T,
        connection: Connection<T::TcpSocket>,
        origin: Origin,
    ) -> bool {
        match self.clients.add(connection, origin) {
            Ok(peer) => {
                (self.say)(format_args!("client {} linked", peer.address()));
                if origin == Origin::Dialled
                    && let Some(me) = standard::identity(self.name)
                {
                    // The buffer is empty, and takes the longest name.
                    let _ = peer.messenger.send(&me);
                }
                true
            }
            Err(connection) => self.refuse(stack, connection),
        }
    }

    fn refuse(&mut self, stack: &mut T, connection: Connection<T::TcpSocket>) -> bool {
        (self.say)(format_args!("no room for {}", connection.remote));
        // The socket is given back either way.
        let _ = TcpClientStack::close(stack, connection.socket);
        false
    }

    fn serve_machines(&mut self, stack: &mut T, now: Instant) -> Option<Instant> {
        let Self { name, say, machines, connector, dial, .. } = self;
        let take = |peer: &mut Peer<'s, Report<'static>, T::TcpSocket>| {
            let from = peer.address();
            let request = match peer.messenger.get() {
                None => return false,
                Some(Ok(Report::Stats(stats))) => {
                    say(format_args!(
                        "stats from {from}: {} cpu {} %, memory {} % of {} bytes",
                        Plain(stats.host),
                        Tenths(stats.cpu_percent),
                        Tenths(stats.memory_percent),
                        stats.memory_total
                    ));
                    return true;
                }
                Some(Ok(Report::Identify(who))) => standard::Request::Identify(who),
                Some(Ok(Report::Join(_))) => standard::Request::Join,
                Some(Ok(Report::Retry(_))) => standard::Request::Retry,
                Some(Ok(Report::Quit(_))) => standard::Request::Quit,
                Some(Err(bad)) => {
                    complain(*say, peer, bad);
                    return true;
                }
            };
            standard::answer(peer, &request, name, *say, now);
            true
        };
        machines.serve(stack, now, take, |peer, ending| {
            farewell(*say, "machine", peer, &ending);
            match (peer.origin, &mut *connector) {
                (Origin::Dialled, _) => dial.iter_mut().for_each(|dial| dial.ended(now)),
                (Origin::Found(link), Some(connector)) => {
                    connector.part.unlinked(now, link);
                }
                _ => {}
            }
        })
    }

    fn serve_clients(&mut self, stack: &mut T, now: Instant) -> Option<Instant> {
        let Self { name, say, clients, dial, .. } = self;
        let take = |peer: &mut Peer<'s, Order, T::TcpSocket>| {
            let request = match peer.messenger.get() {
                None => return false,
                Some(Ok(Order::Echo(_))) if peer.origin == Origin::Dialled => return true,
                Some(Ok(Order::Echo(echo))) => {
                    match peer.messenger.send(&echo) {
                        Ok(()) => peer.tally.echoed = peer.tally.echoed.saturating_add(1),
                        // The link has ended, which is told when it is served.
                        Err(SendError::Ended(_)) => {}
                        Err(error) => {
                            say(format_args!("echo to {}: {error}", peer.address()));
                        }
                    }
                    return true;
                }
                Some(Ok(Order::Identify(who))) => standard::Request::Identify(who),
                Some(Ok(Order::Join(_))) => standard::Request::Join,
                Some(Ok(Order::Retry(_))) => standard::Request::Retry,
                Some(Ok(Order::Quit(_))) => standard::Request::Quit,
                Some(Err(bad)) => {
                    complain(*say, peer, bad);
                    return true;
                }
            };
            standard::answer(peer, &request, name, *say, now);
            true
        };
        clients.serve(stack, now, take, |peer, ending| {
            farewell(*say, "client", peer, &ending);
            if peer.origin == Origin::Dialled {
                dial.iter_mut().for_each(|dial| dial.ended(now));
            }
        })
    }
}

/// One bad message never costs a link, but a flood of them would drown everything else.
fn complain<S: cable_car::MessageSet, Socket>(
    say: Say,
    peer: &mut Peer<'_, S, Socket>,
    bad: BadMessage,
) {
    peer.tally.bad = peer.tally.bad.saturating_add(1);
    if peer.tally.bad <= BAD_TOLD {
        say(format_args!("bad message from {}: {bad}", peer.address()));
    }
}

fn farewell<S: cable_car::MessageSet, Socket>(
    say: Say,
    kind: &str,
    peer: &Peer<'_, S, Socket>,
    ending: &Ending,
) {
    let (address, tally) = (peer.address(), peer.tally);
    say(format_args!(
        "{kind} {address} gone: {ending} (echoed {}, bad {})",
        tally.echoed, tally.bad
    ));
}
