//! All TCP sockets of the storage: who has which, who waits, and whose time is over.

use core::net::SocketAddrV4;

use smoltcp::iface::SocketSet;
use smoltcp::socket::tcp::State;
use smoltcp::time::{Duration, Instant};

use super::slot::{Role, TcpSlot};
use super::{Place, TcpSocket, from_endpoint, is_joined};
use crate::Config;
use crate::error::Error;
use crate::tap::Heard;

/// The most ports that one stack listens on at a time.
///
/// ```
/// use cable_car_smoltcp::{MAX_LISTENERS, storage};
///
/// type Memory<'a> = storage!('a, peers: 2, listeners: MAX_LISTENERS);
/// assert_eq!(MAX_LISTENERS, 4); // ports
/// ```
pub const MAX_LISTENERS: usize = 4;

pub(crate) struct Limits {
    dead_peer: Option<Duration>,
    connect: Duration,
    half_open: Duration,
    close: Duration,
}

impl From<&Config> for Limits {
    fn from(config: &Config) -> Self {
        Self {
            dead_peer: config.dead_peer_timeout.map(Into::into),
            connect: config.connect_timeout.into(),
            half_open: config.half_open_timeout.into(),
            close: config.close_timeout.into(),
        }
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Listener {
    /// 0 is a free place.
    pub(crate) port: u16,
    generation: u16,
}

pub(crate) struct TcpTable<'a> {
    pub(crate) slots: &'a mut [TcpSlot],
    pub(crate) listeners: [Listener; MAX_LISTENERS],
    backlog: usize,
    limits: Limits,
    next_order: u32,
}

impl<'a> TcpTable<'a> {
    pub(crate) fn new(slots: &'a mut [TcpSlot], backlog: usize, limits: Limits) -> Self {
        let listeners = [Listener { port: 0, generation: 0 }; MAX_LISTENERS];
        Self { slots, listeners, backlog: backlog.max(1), limits, next_order: 0 }
    }

    pub(crate) fn handle(&self, index: usize) -> TcpSocket {
        // The storage holds no more than 250.
        TcpSocket { place: Place::Slot(index as u8), generation: self.slots[index].generation }
    }

    pub(crate) fn index(&self, socket: &TcpSocket) -> Result<usize, Error> {
        let Place::Slot(index) = socket.place else { return Err(Error::WrongUse) };
        let index = usize::from(index);
        match self.slots.get(index) {
            Some(slot) if slot.generation == socket.generation => Ok(index),
            _ => Err(Error::UnknownSocket),
        }
    }

    /// The index of a socket that was connected once.
    pub(crate) fn connected(&self, socket: &TcpSocket) -> Result<usize, Error> {
        let index = self.index(socket)?;
        match self.slots[index].role {
            Role::Connected { .. } => Ok(index),
            Role::Failed(error) => Err(error),
            _ => Err(Error::NotConnected),
        }
    }

    pub(crate) fn listener(&self, socket: &TcpSocket) -> Result<usize, Error> {
        let Place::Listener(index) = socket.place else { return Err(Error::WrongUse) };
        let index = usize::from(index);
        match self.listeners.get(index) {
            Some(listener) if listener.port != 0 && listener.generation == socket.generation => {
                Ok(index)
            }
            _ => Err(Error::UnknownSocket),
        }
    }

    pub(crate) fn port_in_use(&self, port: u16) -> bool {
        self.listeners.iter().any(|listener| listener.port == port)
            || self.slots.iter().any(|slot| slot.role == Role::Reserved { port })
    }

    pub(crate) fn port_connected(&self, sockets: &SocketSet<'_>, port: u16) -> bool {
        let local = |slot: &TcpSlot| slot.socket_ref(sockets).local_endpoint();
        self.slots.iter().filter_map(local).any(|local| local.port == port)
    }

    /// A slot that is free, or one whose peer has everything: it only waits for the peer to close,
    /// or for what may still be under way.
    pub(crate) fn take_free(&mut self, sockets: &mut SocketSet<'_>) -> Option<usize> {
        if let Some(index) = self.slots.iter().position(|slot| slot.role == Role::Free) {
            return Some(index);
        }
        let oldest_in = |state| {
            let slots = self.slots.iter().enumerate().filter(|(_, slot)| {
                slot.role == Role::Closing && slot.socket_ref(sockets).state() == state
            });
            slots.min_by_key(|(_, slot)| slot.since).map(|(index, _)| index)
        };
        let index = oldest_in(State::TimeWait).or_else(|| oldest_in(State::FinWait2))?;
        self.slots[index].free(sockets);
        Some(index)
    }

    pub(crate) fn listen(
        &mut self,
        sockets: &mut SocketSet<'_>,
        first: usize,
        port: u16,
        now: Instant,
    ) -> Result<TcpSocket, Error> {
        let free = self.listeners.iter().position(|listener| listener.port == 0);
        let index = free.ok_or(Error::NoFreeListener)?;
        let listener = &mut self.listeners[index];
        listener.port = port;
        let place = Place::Listener(index as u8); // fewer than MAX_LISTENERS
        let socket = TcpSocket { place, generation: listener.generation };
        // The socket that listens is a name from here on, its slot the first of the backlog.
        self.slots[first].free(sockets);
        self.fill_backlog(sockets, index, now);
        Ok(socket)
    }

    /// The connection that has waited longest.
    pub(crate) fn accept(
        &mut self,
        sockets: &mut SocketSet<'_>,
        listener: usize,
        now: Instant,
    ) -> Option<(TcpSocket, SocketAddrV4)> {
        let waiting = |slot: &TcpSlot| match slot.role {
            Role::Waiting { listener: of, order } if usize::from(of) == listener => Some(order),
            _ => None,
        };
        loop {
            let slots = self.slots.iter().enumerate();
            let (_, index) =
                slots.filter_map(|(index, slot)| Some((waiting(slot)?, index))).min()?;
            let slot = &mut self.slots[index];
            let Some(remote) = slot.socket(sockets).remote_endpoint().and_then(from_endpoint)
            else {
                self.listen_again(sockets, index, now);
                continue;
            };
            // When it was heard of stays: it may be silent since.
            slot.role = Role::Connected { remote };
            slot.generation = slot.generation.wrapping_add(1);
            self.fill_backlog(sockets, listener, now);
            return Some((self.handle(index), remote));
        }
    }

    pub(crate) fn close(&mut self, sockets: &mut SocketSet<'_>, index: usize, now: Instant) {
        let slot = &mut self.slots[index];
        slot.socket(sockets).close();
        slot.generation = slot.generation.wrapping_add(1);
        slot.enter(Role::Closing, now);
        let socket = slot.socket(sockets);
        // Nobody is left to be told about it.
        if socket.state() == State::Closed && socket.remote_endpoint().is_none() {
            slot.free(sockets);
        }
    }

    pub(crate) fn close_listener(
        &mut self,
        sockets: &mut SocketSet<'_>,
        index: usize,
        now: Instant,
    ) {
        let listener = &mut self.listeners[index];
        listener.port = 0;
        listener.generation = listener.generation.wrapping_add(1);
        for slot in self.slots.iter_mut() {
            if slot.role.listener().map(usize::from) != Some(index) {
                continue;
            }
            match slot.role {
                // The client believes that it is connected: the reset tells it otherwise.
                Role::Waiting { .. } => {
                    slot.socket(sockets).abort();
                    slot.enter(Role::Closing, now);
                }
                _ => slot.free(sockets),
            }
        }
    }

    pub(crate) fn heard(&mut self, sockets: &SocketSet<'_>, heard: Heard, now: Instant) {
        for slot in self.slots.iter_mut() {
            let socket = slot.socket_ref(sockets);
            let remote = socket.remote_endpoint().and_then(from_endpoint);
            if remote.is_some_and(|remote| (*remote.ip(), remote.port()) == heard.from)
                && socket.local_endpoint().is_some_and(|local| local.port == heard.to_port)
            {
                slot.hear(heard.zero_window, now);
            }
        }
    }

    /// Follows smoltcp's states. A connection that is gone since the last look has ended because of
    /// `cause`.
    pub(crate) fn observe(&mut self, sockets: &mut SocketSet<'_>, cause: Error, now: Instant) {
        for slot in self.slots.iter_mut() {
            let state = slot.socket(sockets).state();
            match slot.role {
                Role::Listening { listener } if state == State::SynReceived => {
                    slot.enter(Role::HalfOpen { listener }, now);
                }
                Role::HalfOpen { listener } if is_joined(state) => {
                    slot.enter(Role::Waiting { listener, order: self.next_order }, now);
                    self.next_order = self.next_order.wrapping_add(1);
                }
                Role::HalfOpen { listener } if state == State::Listen => {
                    slot.enter(Role::Listening { listener }, now);
                }
                Role::Connecting { remote } if is_joined(state) => {
                    slot.enter(Role::Connected { remote }, now);
                }
                Role::Connecting { .. } if state == State::Closed => {
                    let cause = if cause == Error::Reset { Error::Refused } else { cause };
                    slot.enter(Role::Failed(cause), now);
                }
                Role::Connected { .. } if state == State::Closed => {
                    slot.cause.get_or_insert(cause);
                }
                _ => {}
            }
        }
    }

    /// How late a poll may be before it matters to the peers.
    pub(crate) fn tolerated_delay(&self) -> Option<Duration> {
        self.limits.dead_peer.map(|timeout| timeout / 2)
    }

    /// Gives every peer the time to show a sign of life from now on.
    pub(crate) fn forgive_silence(&mut self, now: Instant) {
        let Some(time) = self.tolerated_delay() else { return };
        for slot in self.slots.iter_mut() {
            slot.heard_at = slot.heard_at.max(now - time);
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.slots.iter().filter_map(|slot| self.deadline(slot)).min()
    }

    pub(crate) fn enforce_deadlines(&mut self, sockets: &mut SocketSet<'_>, now: Instant) {
        for index in 0..self.slots.len() {
            if self.deadline(&self.slots[index]).is_none_or(|deadline| now < deadline) {
                continue;
            }
            let slot = &mut self.slots[index];
            match slot.role {
                Role::Connecting { .. } => {
                    slot.socket(sockets).abort();
                    slot.enter(Role::Failed(Error::TimedOut), now);
                }
                Role::Connected { .. } => {
                    slot.socket(sockets).abort();
                    slot.cause = Some(Error::TimedOut);
                }
                Role::HalfOpen { .. } | Role::Waiting { .. } => {
                    self.listen_again(sockets, index, now);
                }
                Role::Closing => match slot.socket(sockets).state() {
                    // The peer has everything: there is nothing to tell it.
                    State::FinWait2 | State::TimeWait => slot.free(sockets),
                    _ => slot.socket(sockets).abort(),
                },
                _ => {}
            }
        }
    }

    /// Takes back what is done with, and has every listener listen as much as it can.
    pub(crate) fn settle(&mut self, sockets: &mut SocketSet<'_>, now: Instant) {
        for index in 0..self.slots.len() {
            let slot = &mut self.slots[index];
            let socket = slot.socket(sockets);
            match slot.role {
                Role::Closing if socket.state() == State::Closed => slot.free(sockets),
                // Nobody reads it any more; unread it would keep the peer's last word out.
                Role::Closing => {
                    let _ = socket.recv(|data| (data.len(), ()));
                }
                role if role.listener().is_some() && socket.state() == State::Closed => {
                    self.listen_again(sockets, index, now);
                }
                _ => {}
            }
        }
        for listener in 0..MAX_LISTENERS {
            if self.listeners[listener].port != 0 {
                self.fill_backlog(sockets, listener, now);
            }
        }
    }

    fn deadline(&self, slot: &TcpSlot) -> Option<Instant> {
        let limits = &self.limits;
        match slot.role {
            Role::Connecting { .. } => Some(slot.since + limits.connect),
            Role::HalfOpen { .. } => Some(slot.since + limits.half_open),
            Role::Closing => Some(slot.since + limits.close),
            Role::Connected { .. } if slot.cause.is_none() => Some(slot.dead_at(limits.dead_peer?)),
            Role::Waiting { .. } => Some(slot.dead_at(limits.dead_peer?)),
            _ => None,
        }
    }

    fn fill_backlog(&mut self, sockets: &mut SocketSet<'_>, listener: usize, now: Instant) {
        let of_listener = |slot: &&TcpSlot| slot.role.listener().map(usize::from) == Some(listener);
        let missing = self.backlog.saturating_sub(self.slots.iter().filter(of_listener).count());
        for _ in 0..missing {
            let Some(index) = self.take_free(sockets) else { return };
            self.slots[index].role = Role::Listening { listener: listener as u8 };
            self.listen_again(sockets, index, now);
        }
    }

    fn listen_again(&mut self, sockets: &mut SocketSet<'_>, index: usize, now: Instant) {
        let slot = &mut self.slots[index];
        let Some(listener) = slot.role.listener() else { return };
        slot.wipe(sockets);
        // A wiped socket is closed, and a listener's port is not 0: there is nothing to refuse.
        let _ = slot.socket(sockets).listen(self.listeners[usize::from(listener)].port);
        slot.enter(Role::Listening { listener }, now);
    }
}
