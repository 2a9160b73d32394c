//! Who is on the network, whom to dial, and which link to keep: without a socket.
//!
//! A peer that knows this protocol has a random [`Instance`] number, which its beacons tell. Of two
//! such peers the lower one decides: it dials as soon as it hears the other. The higher one dials
//! after [`HIGHER_WAITS`], in case only that direction is open. Whoever dials says hello, and the
//! link stands once it is answered by a welcome:
//!
//! - a hello from the lower one is always welcome, and replaces whatever the higher one has;
//! - a hello from the higher one is refused while the lower one's own hello is under way or its link
//!   is fresh, and welcome otherwise.
//!
//! So both ends always keep the same link.
//!
//! A legacy peer, such as a Python program, dials whomever it hears and would keep the connection
//! that was completed first, which need not be the one kept here. It is therefore made to dial, by a
//! beacon sent to it alone, and is dialled only if it has not done so after [`LEGACY_WAITS`].

mod config;
mod pace;
mod peer;
mod table;
mod verdict;
mod wire;

pub use config::{Config, TCP_PORT, UDP_PORT};
pub use peer::{DialId, LinkId, Who};
pub use verdict::{Action, Departure, Reached, Verdict};
pub use wire::{
    Announcement, Beacon, Hello, HelloReader, Instance, LONGEST, MARK, Opening, Service,
    ServiceTooLong,
};

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use self::pace::{Jitter, Pace};
use self::peer::{Peer, Stage};
use self::table::Table;
use crate::time::Instant;

/// How long the higher of two instances waits for the lower one to dial.
pub const HIGHER_WAITS: Duration = Duration::from_millis(300);

/// How long a legacy peer has to dial before it is dialled.
pub const LEGACY_WAITS: Duration = Duration::from_secs(2);

/// How long a connection from an address that nothing was heard of has to say hello, before it is
/// taken for a legacy peer's.
pub const HELLO_WAITS: Duration = Duration::from_millis(250);

/// The shortest time between two beacons: a shorter [`interval`](Config::interval) counts as this.
pub const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);

/// How many dials may be under way at a time.
pub const MOST_DIALS: usize = 8;

/// How long a peer rests after a dial failed; doubled with each failure in a row.
const SHORTEST_REST_MICROS: u32 = 250_000;

/// How long a peer rests at the most.
const LONGEST_REST_MICROS: u32 = 30_000_000;

/// Dials and answers in a row, and how soon the next one may follow, whatever is heard.
const BURST: u32 = 32;
const PERIOD_MICROS: u64 = 50_000;

/// Ports below are those of the system's services: no beacon makes us dial one.
const FIRST_USER_PORT: u16 = 1024;

/// The state of discovery, for up to `PEERS` peers.
///
/// What happens goes in with the time at which it happened; [`poll`](Self::poll) gives what is to be
/// done, [`poll_at`](Self::poll_at) when there is something to be done next.
///
/// ```
/// use cable_car::Instant;
/// use cable_car::discovery::{Action, Config, Discovery, Instance};
///
/// let now = Instant::from_millis(0);
/// let mut discovery: Discovery<8> = Discovery::new(Config::new(Instance::new(1)), now);
/// assert_eq!(discovery.poll(now), Some(Action::Broadcast));
///
/// let legacy_peer = "10.0.0.2:50000".parse().unwrap();
/// discovery.heard(now, legacy_peer, b"BROADCAST");
/// let answer = "10.0.0.2:8222".parse().unwrap();
/// assert_eq!(discovery.poll(now), Some(Action::Answer(answer)));
/// ```
#[derive(Debug)]
pub struct Discovery<const PEERS: usize> {
    config: Config,
    /// The TCP port of this program.
    dialled_at: u16,
    state: State,
    next_beacon: Instant,
    stop_at: Option<Instant>,
    peers: Table<PEERS>,
    serial: u32,
    answers: Pace,
    dials: Pace,
    jitter: Jitter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Looking,
    /// The time is over, and that is still to be told.
    TimedOut,
    Stopped,
}

impl<const PEERS: usize> Discovery<PEERS> {
    /// Starts to look for peers.
    pub fn new(config: Config, now: Instant) -> Self {
        Self {
            state: State::Looking,
            next_beacon: now,
            stop_at: config.timeout.map(|timeout| now + timeout),
            peers: Table::new(),
            serial: 0,
            answers: Pace::new(BURST, PERIOD_MICROS, now),
            dials: Pace::new(BURST, PERIOD_MICROS, now),
            jitter: Jitter::new(config.instance.get()),
            dialled_at: config.tcp_port,
            config,
        }
    }

    /// How this program takes part.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Tells where this program can be dialled, where that is not the configured port.
    pub fn set_tcp_port(&mut self, port: u16) {
        self.dialled_at = port;
    }

    /// What this program's beacons say.
    pub fn announcement(&self) -> Announcement {
        Announcement {
            instance: self.config.instance,
            tcp_port: self.dialled_at,
            service: self.config.service.clone(),
            goodbye: self.state == State::Stopped,
            answer: false,
        }
    }

    /// A datagram came to a beacon socket.
    pub fn heard(&mut self, now: Instant, from: SocketAddrV4, datagram: &[u8]) {
        if self.state != State::Looking {
            return;
        }
        match Beacon::read(datagram) {
            Some(Beacon::Legacy) => self.heard_legacy(now, *from.ip()),
            Some(Beacon::Extended(said)) if said.service == self.config.service => {
                self.heard_extended(now, from, &said);
            }
            _ => {}
        }
    }

    fn heard_legacy(&mut self, now: Instant, address: Ipv4Addr) {
        let who = Who::Legacy(address);
        let answer = Some(SocketAddrV4::new(address, self.config.udp_port));
        let at = SocketAddrV4::new(address, self.config.tcp_port);
        let stage = Stage::Waiting { dial_at: now + LEGACY_WAITS };
        match self.peers.find(who) {
            Some(peer) => {
                peer.heard_at = now;
                if peer.is_expendable() {
                    peer.answer = answer;
                }
                peer.end_rest(now, stage);
            }
            None => drop(self.peers.insert(now, who, at, stage).map(|peer| peer.answer = answer)),
        }
    }

    fn heard_extended(&mut self, now: Instant, from: SocketAddrV4, said: &Announcement) {
        let myself = said.instance == self.config.instance;
        let odd_port = said.tcp_port < FIRST_USER_PORT && said.tcp_port != self.config.tcp_port;
        if myself && !self.config.allow_loopback || odd_port {
            return;
        }
        let who = Who::Instance(said.instance);
        if said.goodbye {
            self.heard_goodbye(who, *from.ip());
            return;
        }
        let at = SocketAddrV4::new(*from.ip(), said.tcp_port);
        let waits =
            if self.config.instance > said.instance { HIGHER_WAITS } else { Duration::ZERO };
        let stage = Stage::Waiting { dial_at: now + waits };
        let Some(peer) = self.peers.find(who) else {
            if let Some(peer) = self.peers.insert(now, who, at, stage) {
                peer.answer = (!said.answer && !myself).then_some(from);
            }
            return;
        };
        peer.heard_at = now;
        peer.leaving = false;
        if peer.is_expendable() {
            peer.at = at;
        }
        peer.end_rest(now, stage);
    }

    /// A goodbye ends no link, since anybody can forge one: the link itself will end.
    fn heard_goodbye(&mut self, who: Who, from: Ipv4Addr) {
        if let Some(peer) = self.peers.find(who)
            && *peer.at.ip() == from
        {
            peer.leaving = true;
            if peer.is_expendable() {
                self.peers.remove(who);
            }
        }
    }

    /// A connection came in from `address`: until when it may say hello. One that has not done so by
    /// then [`came_without_hello`](Self::came_without_hello).
    pub fn hello_until(&self, now: Instant, address: Ipv4Addr) -> Instant {
        let is_there = |who: fn(&Who) -> bool| {
            self.peers.iter().any(|peer| *peer.at.ip() == address && who(&peer.who))
        };
        if is_there(|who| matches!(who, Who::Instance(_))) {
            now + self.config.connect_timeout
        } else if is_there(|who| matches!(who, Who::Legacy(_))) {
            now
        } else {
            now + HELLO_WAITS
        }
    }

    /// A connection that came in from `address` has said hello.
    pub fn came(&mut self, now: Instant, address: Ipv4Addr, hello: &Hello) -> Verdict {
        let for_us = hello.to == self.config.instance && hello.service == self.config.service;
        if self.state != State::Looking || !for_us || hello.welcome {
            return Verdict::Refuse;
        }
        if hello.from == self.config.instance {
            // The other end of a link with oneself, which is known by the end that dialled.
            return match self.config.allow_loopback {
                true => Verdict::Link { link: LinkId(self.next_serial()), replaces: None },
                false => Verdict::Refuse,
            };
        }
        let we_decide = self.config.instance < hello.from;
        let fresh = self.config.connect_timeout;
        let who = Who::Instance(hello.from);
        match self.peers.find(who).map(|peer| peer.stage) {
            Some(Stage::Greeting { .. }) if we_decide => return Verdict::Refuse,
            Some(Stage::Linked { since, .. }) if we_decide && now < since + fresh => {
                return Verdict::Refuse;
            }
            _ => {}
        }
        self.take(now, who, address)
    }

    /// The welcome that answers a hello.
    pub fn welcome(&self, hello: &Hello) -> Hello {
        self.hello(hello.from, true)
    }

    /// A connection that came in from `address` is a legacy peer's: it has said something else than
    /// hello, or nothing [until](Self::hello_until) it is too late.
    pub fn came_without_hello(&mut self, now: Instant, address: Ipv4Addr) -> Verdict {
        let who = Who::Legacy(address);
        let linked = self.peers.find(who).is_some_and(|peer| peer.link().is_some());
        if self.state != State::Looking || linked {
            return Verdict::Refuse;
        }
        self.take(now, who, address)
    }

    /// A dial got through.
    pub fn reached(&mut self, now: Instant, dial: DialId) -> Reached {
        let until = now + self.config.connect_timeout;
        match self.peers.dialled(dial) {
            None => Reached::NotWanted,
            Some(Peer { who: who @ Who::Legacy(_), .. }) => {
                let who = *who;
                Reached::Link(self.link(now, who))
            }
            Some(Peer { who: Who::Instance(to), stage, .. }) => {
                *stage = Stage::Greeting { dial, until };
                let to = *to;
                Reached::Greet(self.hello(to, false))
            }
        }
    }

    /// A dial that was greeted has said this. `None`: it is not the welcome of that peer, and the
    /// dial has failed.
    pub fn welcomed(&mut self, now: Instant, dial: DialId, hello: &Hello) -> Option<LinkId> {
        let myself = self.config.instance;
        let who = self.peers.dialled(dial)?.who;
        if hello.welcome && hello.to == myself && who == Who::Instance(hello.from) {
            return Some(self.link(now, who));
        }
        self.dial_failed(now, dial);
        None
    }

    /// A dial failed: refused, unreachable, or closed before the welcome.
    pub fn dial_failed(&mut self, now: Instant, dial: DialId) {
        let Some(peer) = self.peers.dialled(dial) else {
            return;
        };
        let rest = (SHORTEST_REST_MICROS << peer.failures.min(10)).min(LONGEST_REST_MICROS);
        peer.failures = peer.failures.saturating_add(1);
        let who = peer.who;
        self.rest(now, who, rest);
    }

    /// Whether a dial is still wanted: not so once the peer has come by itself.
    pub fn wants(&self, dial: DialId) -> bool {
        self.state == State::Looking && self.peers.iter().any(|peer| peer.dial() == Some(dial))
    }

    /// A link has ended. When its peer is heard again, it is linked again.
    pub fn unlinked(&mut self, now: Instant, link: LinkId) -> Option<Departure> {
        let peer = self.peers.iter().find(|peer| peer.link() == Some(link))?;
        let departure = Departure { who: peer.who, goodbye: peer.leaving };
        if departure.goodbye {
            self.peers.remove(departure.who);
        } else {
            self.rest(now, departure.who, SHORTEST_REST_MICROS / 2);
        }
        Some(departure)
    }

    /// What is to be done now; to be called until there is nothing.
    pub fn poll(&mut self, now: Instant) -> Option<Action> {
        if self.state == State::Looking && self.stop_at.is_some_and(|at| at <= now) {
            self.state = State::TimedOut;
        }
        match self.state {
            State::Looking => {}
            State::TimedOut => {
                self.stop();
                return Some(Action::TimedOut);
            }
            State::Stopped => return None,
        }
        if self.next_beacon <= now {
            self.next_beacon = now + self.config.interval.max(SHORTEST_INTERVAL);
            return Some(Action::Broadcast);
        }
        self.give_up(now).or_else(|| self.answer(now)).or_else(|| self.dial(now))
    }

    fn give_up(&mut self, now: Instant) -> Option<Action> {
        let dial = self.peers.iter().find_map(|peer| match peer.stage {
            Stage::Connecting { dial, until } | Stage::Greeting { dial, until } if until <= now => {
                Some(dial)
            }
            _ => None,
        })?;
        self.dial_failed(now, dial);
        Some(Action::GiveUp(dial))
    }

    fn answer(&mut self, now: Instant) -> Option<Action> {
        let peer = self.peers.iter_mut().find(|peer| peer.answer.is_some())?;
        self.answers.allows(now).then(|| peer.answer.take().map(Action::Answer))?
    }

    fn dial(&mut self, now: Instant) -> Option<Action> {
        if self.peers.dials_under_way() >= MOST_DIALS {
            return None;
        }
        let until = now + self.config.connect_timeout;
        let serial = self.serial.wrapping_add(1);
        let peer = self
            .peers
            .iter_mut()
            .find(|peer| matches!(peer.stage, Stage::Waiting { dial_at } if dial_at <= now))?;
        if !self.dials.allows(now) {
            return None;
        }
        self.serial = serial;
        let dial = DialId(serial);
        peer.stage = Stage::Connecting { dial, until };
        Some(Action::Dial(dial, peer.at))
    }

    /// When there is something to be done next; `None` where only an event can change anything.
    pub fn poll_at(&self) -> Option<Instant> {
        if self.state != State::Looking {
            return None;
        }
        let may_dial = self.peers.dials_under_way() < MOST_DIALS;
        let peers = self.peers.iter().flat_map(|peer| {
            let answer = peer.answer.map(|_| self.answers.allows_at());
            let stage = match peer.stage {
                Stage::Waiting { dial_at } => {
                    may_dial.then_some(dial_at.max(self.dials.allows_at()))
                }
                Stage::Connecting { until, .. } | Stage::Greeting { until, .. } => Some(until),
                Stage::Linked { .. } | Stage::Resting { .. } => None,
            };
            [answer, stage]
        });
        peers.chain([self.stop_at, Some(self.next_beacon)]).flatten().min()
    }

    /// Whether nothing more is sought: stopped, timed out, or linked where one link was wanted.
    pub fn is_stopped(&self) -> bool {
        self.state == State::Stopped
    }

    /// Stops to look for peers. From now on the [`announcement`](Self::announcement) is a goodbye.
    pub fn stop(&mut self) {
        self.state = State::Stopped;
    }

    /// With whom a link stands; with oneself, for a link that no peer is known by.
    pub fn who(&self, link: LinkId) -> Who {
        let peer = self.peers.iter().find(|peer| peer.link() == Some(link));
        peer.map_or(Who::Instance(self.config.instance), |peer| peer.who)
    }

    /// The peers that links stand with, and where they are.
    pub fn linked(&self) -> impl Iterator<Item = (Who, Ipv4Addr)> + '_ {
        let linked = self.peers.iter().filter(|peer| peer.link().is_some());
        linked.map(|peer| (peer.who, *peer.at.ip()))
    }

    /// Makes a connection from `address` the link with `who`, whatever there was before.
    fn take(&mut self, now: Instant, who: Who, address: Ipv4Addr) -> Verdict {
        let replaces = match self.peers.find(who) {
            Some(peer) => peer.link(),
            None => {
                let at = SocketAddrV4::new(address, self.config.tcp_port);
                let stage = Stage::Resting { until: now };
                if self.peers.insert(now, who, at, stage).is_none() {
                    return Verdict::Refuse;
                }
                None
            }
        };
        Verdict::Link { link: self.link(now, who), replaces }
    }

    fn hello(&self, to: Instance, welcome: bool) -> Hello {
        let service = self.config.service.clone();
        Hello { welcome, from: self.config.instance, to, service }
    }

    fn link(&mut self, now: Instant, who: Who) -> LinkId {
        let link = LinkId(self.next_serial());
        if let Some(peer) = self.peers.find(who) {
            peer.stage = Stage::Linked { link, since: now };
            peer.failures = 0;
            peer.answer = None;
        }
        if self.config.once {
            self.stop();
        }
        link
    }

    fn rest(&mut self, now: Instant, who: Who, micros: u32) {
        let until = now.after_micros(self.jitter.around(micros));
        if let Some(peer) = self.peers.find(who) {
            peer.stage = Stage::Resting { until };
        }
    }

    fn next_serial(&mut self) -> u32 {
        self.serial = self.serial.wrapping_add(1);
        self.serial
    }
}

#[cfg(test)]
mod tests;
