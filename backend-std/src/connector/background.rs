//! The thread that a connector runs on: the core's connector, driven by readiness and deadlines.

use std::io;
use std::net::{IpAddr, Shutdown};
use std::sync::{Arc, Weak};
use std::time;

use cable_car::discovery::{Config, Departure, LinkId, Who};
use cable_car::{Instant, LinkError, nal};
use mio::net::TcpStream;
use mio::{Events, Poll};

use super::callbacks::{Call, Callbacks};
use super::{Event, Shared, StartError};
use crate::connection::Connection;
use crate::interfaces::{Choice, Plan};
use crate::logging;
use crate::networks;
use crate::stack::{StackError, StdStack, TcpSocket};
use crate::tune;

/// How many peers a connector knows at a time.
const PEERS: usize = 512;

/// How many links may be open that a connector has made: as many as it knows peers, and as many again
/// that were replaced and that the program has not let go of.
pub(super) const MOST_LINKS: usize = if cfg!(test) { 4 } else { 2 * PEERS };

/// How long to leave the system alone when it refused what a poll asked of it.
const TROUBLE_PAUSE: time::Duration = time::Duration::from_millis(100);

pub(super) struct Background {
    config: Config,
    started: time::Instant,
    poll: Poll,
    stack: StdStack,
    connector: Box<nal::BroadcastConnector<StdStack, PEERS>>,
    interfaces: Choice,
    interfaces_due: Instant,
    /// What keeps beacons from reaching what they should.
    no_network: Option<String>,
    /// Whether a link was closed for there being too many, and there still are.
    too_many_links: bool,
    shared: Arc<Shared>,
    callbacks: Option<Callbacks>,
}

impl Background {
    /// Opens the sockets and sends the first beacon.
    pub(super) fn open(
        config: Config,
        interfaces: Choice,
        poll: Poll,
        shared: Arc<Shared>,
        callbacks: Option<Callbacks>,
    ) -> Result<Self, StartError> {
        let registry = poll.registry().try_clone().map_err(StartError::System)?;
        let stack = StdStack::new().with_registry(registry);
        let now = Instant::default();
        let connector = Box::new(nal::BroadcastConnector::new(config.clone(), now));
        let mut background = Self {
            config,
            started: time::Instant::now(),
            poll,
            stack,
            connector,
            interfaces,
            interfaces_due: now,
            no_network: None,
            too_many_links: false,
            shared,
            callbacks,
        };
        // Until it is known what networks there are.
        background.follow(background.interfaces.plan(&[]));
        background.look_up_interfaces(now);
        match background.connector.poll(&mut background.stack, now) {
            Ok(event) => background.tell(event),
            Err(error) => return Err(StartError::of(&background.config, error)),
        }
        // Who asks right after the start is told.
        background.report(None);
        Ok(background)
    }

    /// Runs until the connector is told to stop or stops by itself.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(64);
        while !self.connector.is_stopped() {
            let (ended, stop) = self.take_orders();
            // Before ends are told: whoever said goodbye did so before its link ended.
            let trouble = self.poll_connector();
            self.end_links(ended);
            if stop || self.connector.is_stopped() {
                break;
            }
            let now = self.now();
            let due = self.connector.poll_at().map(|due| due - now);
            let timeout = match (due, trouble) {
                (Some(due), true) => Some(due.max(TROUBLE_PAUSE)),
                (due, _) => due,
            };
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    self.report(Some(format!("can not wait for the network: {error}")));
                    std::thread::sleep(TROUBLE_PAUSE);
                }
                _ => {}
            }
        }
        self.connector.stop(&mut self.stack);
        self.trust_all();
        self.deliver(Event::Stopped);
        self.shared.table().stopped = true;
        self.shared.notify();
    }

    /// Polls until there is nothing to tell; whether the system refused something.
    fn poll_connector(&mut self) -> bool {
        let now = self.now();
        if self.interfaces_due <= now {
            self.look_up_interfaces(now);
        }
        loop {
            match self.connector.poll(&mut self.stack, now) {
                Ok(None) => {
                    self.report(None);
                    return false;
                }
                Ok(event) => self.tell(event),
                Err(error) => {
                    self.report(Some(error.to_string()));
                    return true;
                }
            }
        }
    }

    /// What the program has told since the last time: links that have ended, and whether to stop.
    fn take_orders(&self) -> (Vec<(LinkId, LinkError)>, bool) {
        let mut table = self.shared.table();
        (std::mem::take(&mut table.ended), table.stop)
    }

    fn end_links(&mut self, ended: Vec<(LinkId, LinkError)>) {
        if ended.is_empty() {
            return;
        }
        let now = self.now();
        for (link, reason) in ended {
            if let Some(Departure { who, goodbye }) = self.connector.unlinked(now, link) {
                self.deliver(match goodbye || reason == LinkError::Closed {
                    true => Event::Left { who, reason },
                    false => Event::Lost { who, reason },
                });
            }
        }
        self.list_addresses();
    }

    fn tell(&mut self, event: Option<nal::Event<TcpSocket, StackError>>) {
        match event {
            Some(nal::Event::Joined { connection, who, link, replaces }) => {
                if let Some(old) = replaces {
                    self.deliver(Event::Replaced { who });
                    self.end_replaced(old, connection.remote.ip());
                }
                self.join(connection, who, link);
            }
            Some(nal::Event::Unreachable { remote, reason }) => {
                self.deliver(Event::Unreachable { address: remote, reason: reason.into() });
            }
            Some(nal::Event::Doubted { link }) => self.with_socket(link, tune::doubt),
            Some(nal::Event::Trusted { link }) => self.with_socket(link, tune::trust),
            _ => {}
        }
    }

    /// Changes the socket of a link, if that still stands.
    fn with_socket(&self, link: LinkId, change: fn(&TcpStream) -> io::Result<()>) {
        let table = self.shared.table();
        if let Some(socket) = table.sockets.get(&link).and_then(Weak::upgrade) {
            // One that can not be changed is at its end, which its messenger will tell.
            let _ = change(&socket);
        }
    }

    /// From now on nobody hears beacons, and no doubt could end.
    fn trust_all(&self) {
        let links: Vec<_> = self.shared.table().sockets.keys().copied().collect();
        for link in links {
            self.with_socket(link, tune::trust);
        }
    }

    /// A link that the same machine has replaced is over. Another machine may say that it is the same
    /// peer, but does not end a link by that.
    fn end_replaced(&self, link: LinkId, by: IpAddr) {
        let mut table = self.shared.table();
        let socket = table.sockets.get(&link).and_then(Weak::upgrade);
        let Some(socket) = socket.filter(|old| old.peer_addr().is_ok_and(|old| old.ip() == by))
        else {
            return;
        };
        // It may be at its end already.
        let _ = socket.shutdown(Shutdown::Both);
        let is_old = |waits: &Connection| Arc::ptr_eq(&waits.stream, &socket);
        let at = table.waiting.iter().position(is_old);
        let untaken = at.and_then(|at| table.waiting.remove(at));
        // What is dropped locks the table.
        drop(table);
        drop(untaken);
    }

    fn join(&mut self, connection: nal::Connection<TcpSocket>, who: Who, link: LinkId) {
        let IpAddr::V4(address) = connection.remote.ip() else { return };
        // A socket that broke at once never was a connection.
        let open = self.shared.table().sockets.len();
        let connection = match open {
            0..MOST_LINKS => self.connection(connection, who, link),
            _ => {
                self.too_many_links = true;
                Err(io::ErrorKind::QuotaExceeded.into())
            }
        };
        let Ok(connection) = connection else {
            let now = self.now();
            self.connector.unlinked(now, link);
            return;
        };
        self.list_addresses();
        self.deliver(Event::Joined { who, address });
        match &self.callbacks {
            Some(callbacks) if callbacks.take_connections => {
                callbacks.call(Call::Connected(connection));
            }
            _ => self.shared.table().waiting.push_back(connection),
        }
        self.shared.notify();
    }

    fn connection(
        &self,
        connection: nal::Connection<TcpSocket>,
        who: Who,
        link: LinkId,
    ) -> io::Result<Connection> {
        let stream = self.stack.release(connection.socket)?;
        let lease = Some(self.shared.lease(link));
        let (who, first) = (Some(who), connection.first);
        let connection = Connection { who, first, ..Connection::new(stream, lease)? };
        self.shared.table().sockets.insert(link, Arc::downgrade(&connection.stream));
        Ok(connection)
    }

    fn deliver(&self, event: Event) {
        logging::event(&event);
        if let Some(callbacks) = &self.callbacks {
            callbacks.call(Call::Event(event));
        }
    }

    fn list_addresses(&self) {
        let mut addresses: Vec<_> = self.connector.linked().map(|(_, address)| address).collect();
        addresses.sort_unstable();
        addresses.dedup();
        self.shared.table().addresses = addresses;
    }

    /// Says all that is wrong at present: what just failed, and what goes on being so.
    fn report(&mut self, failure: Option<String>) {
        self.too_many_links =
            self.too_many_links && self.shared.table().sockets.len() >= MOST_LINKS;
        let links = self.too_many_links.then(|| {
            format!(
                "{MOST_LINKS} links are open that the program has not let go of: peers that come are \
                 turned away until it drops messengers, those whose links have ended among them"
            )
        });
        let calls = self.callbacks.as_ref().and_then(Callbacks::trouble);
        let troubles: Vec<String> =
            [failure, self.no_network.clone(), links, calls].into_iter().flatten().collect();
        let trouble = (!troubles.is_empty()).then(|| troubles.join("; "));
        let mut table = self.shared.table();
        if table.trouble != trouble {
            logging::trouble(trouble.as_deref());
            table.trouble = trouble;
            drop(table);
            self.shared.notify();
        }
    }

    /// Follows interfaces that come, go or change their address.
    fn look_up_interfaces(&mut self, now: Instant) {
        self.interfaces_due = now + self.config.interval;
        match networks::all() {
            Ok(networks) => self.follow(self.interfaces.plan(&networks)),
            // What was planned last is as good as can be.
            Err(error) => self.no_network = Some(error.to_string()),
        }
    }

    fn follow(&mut self, plan: Plan) {
        self.connector.set_destinations(plan.broadcasts);
        self.stack.set_heard(plan.heard);
        self.no_network = plan.trouble;
    }

    fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX))
    }
}
