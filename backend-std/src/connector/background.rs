//! The thread that a connector runs on: the core's connector, driven by readiness and deadlines.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time;

use cable_car::Instant;
use cable_car::discovery::Config;
use cable_car::nal::{self, Event};
use mio::{Events, Poll};

use super::Shared;
use super::builder::{StartError, start_error};
use crate::connection::Connection;
use crate::interfaces::Interfaces;
use crate::stack::{StackError, StdStack, TcpSocket};

/// How many peers a connector knows at a time.
const PEERS: usize = 1024;

/// How long to leave the system alone when it refused what a poll asked of it.
const TROUBLE_PAUSE: time::Duration = time::Duration::from_millis(100);

pub(super) struct Background {
    config: Config,
    started: time::Instant,
    poll: Poll,
    stack: StdStack,
    connector: Box<nal::BroadcastConnector<StdStack, PEERS>>,
    interfaces: Interfaces,
    interfaces_due: Instant,
    shared: Arc<Shared>,
    /// Where connections go instead of the table.
    deliver: Option<Sender<Connection>>,
}

impl Background {
    /// Opens the sockets and sends the first beacon.
    pub(super) fn open(
        config: Config,
        poll: Poll,
        shared: Arc<Shared>,
        deliver: Option<Sender<Connection>>,
    ) -> Result<Self, StartError> {
        let registry = poll.registry().try_clone().map_err(StartError::System)?;
        let mut stack = StdStack::new().with_registry(registry);
        if let Some(address) = config.local_address {
            stack = stack.with_local_address(address);
        }
        let now = Instant::default();
        let mut background = Self {
            config,
            started: time::Instant::now(),
            poll,
            stack,
            connector: Box::new(nal::BroadcastConnector::new(config, now)),
            interfaces: Interfaces::default(),
            interfaces_due: now,
            shared,
            deliver,
        };
        background.look_up_interfaces(now);
        match background.connector.poll(&mut background.stack, now) {
            Ok(event) => background.tell(event),
            Err(error) => return Err(start_error(&config, error)),
        }
        Ok(background)
    }

    /// Runs until the connector is told to stop or stops by itself.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(64);
        while !self.connector.is_stopped() {
            let trouble = self.poll_connector();
            let now = self.now();
            let due = self.connector.poll_at().map(|due| due - now);
            let timeout = match (due, trouble) {
                (Some(due), true) => Some(due.max(TROUBLE_PAUSE)),
                (due, _) => due,
            };
            if self.connector.is_stopped() {
                break;
            }
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    self.trouble(Some(format!("can not wait for the network: {error}")));
                    std::thread::sleep(TROUBLE_PAUSE);
                }
                _ => {}
            }
            if self.take_orders() {
                break;
            }
        }
        self.connector.stop(&mut self.stack);
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
                    self.trouble(None);
                    return false;
                }
                Ok(event) => self.tell(event),
                Err(error) => {
                    self.trouble(Some(error.to_string()));
                    return true;
                }
            }
        }
    }

    /// What the program has told since the last time; whether that is to stop.
    fn take_orders(&mut self) -> bool {
        let mut table = self.shared.table();
        let ended = std::mem::take(&mut table.ended);
        let stop = table.stop;
        drop(table);
        for address in &ended {
            self.connector.unlinked(*address);
        }
        if !ended.is_empty() {
            self.list_addresses();
        }
        stop
    }

    fn tell(&mut self, event: Option<Event<TcpSocket, StackError>>) {
        match event {
            Some(Event::Connected(nal::Connection { socket, remote })) => {
                let IpAddr::V4(address) = remote.ip() else { return };
                // A socket that broke at once never was a connection.
                match self.connection(socket, address) {
                    Ok(connection) => self.hand_over(connection),
                    Err(_) => self.connector.unlinked(address),
                }
            }
            Some(Event::Unreachable { address, reason }) => {
                self.trouble(Some(format!("{address}: {reason}")));
            }
            _ => {}
        }
    }

    fn connection(&self, socket: TcpSocket, address: Ipv4Addr) -> io::Result<Connection> {
        let stream = self.stack.release(socket)?;
        Connection::new(stream, Some(self.shared.lease(address)))
    }

    fn hand_over(&self, connection: Connection) {
        self.list_addresses();
        match &self.deliver {
            // The other end is there as long as this one is.
            Some(deliver) => drop(deliver.send(connection)),
            None => self.shared.table().waiting.push_back(connection),
        }
        self.shared.notify();
    }

    fn list_addresses(&self) {
        self.shared.table().addresses = self.connector.addresses().collect();
    }

    fn trouble(&self, trouble: Option<String>) {
        let mut table = self.shared.table();
        if table.trouble != trouble {
            table.trouble = trouble;
            drop(table);
            self.shared.notify();
        }
    }

    /// Follows interfaces that come, go or change their address.
    fn look_up_interfaces(&mut self, now: Instant) {
        self.interfaces_due = now + self.config.interval;
        let found = Interfaces::look_up(self.config.local_address, self.config.allow_loopback);
        if found != self.interfaces {
            self.connector.set_destinations(found.destinations.iter().copied());
            self.connector.set_own_addresses(found.own.iter().copied());
            self.interfaces = found;
        }
    }

    fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX))
    }
}
