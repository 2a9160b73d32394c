//! Which connection becomes the link of a pair.

use core::net::{Ipv4Addr, SocketAddrV4};

use super::peer::{DialId, LinkId, Peer, Stage, Trust, Who};
use super::verdict::{Departure, Reached, Verdict};
use super::wire::{Hello, Instance};
use super::{Discovery, HELLO_WAITS, SHORTEST_REST_MICROS, State};
use crate::time::Instant;

impl<const PEERS: usize> Discovery<PEERS> {
    /// A connection came in from `address`: until when it may say hello. One that has not done so by
    /// then [`came_without_hello`](Self::came_without_hello).
    ///
    /// ```
    /// # use cable_car::{Instant, discovery::{Action, Config, Discovery, Instance, Verdict}};
    /// # let now = Instant::default();
    /// # let mut discovery: Discovery<4> = Discovery::new(Config::new(Instance::new(7)), now);
    /// use cable_car::discovery::HELLO_WAITS;
    ///
    /// let until = discovery.hello_until(now, [10, 0, 0, 2].into());
    /// assert_eq!(until, now + HELLO_WAITS, "nothing was heard of it");
    /// ```
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

    /// A connection that came in from `address` has said hello ([example](super)).
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

    /// The welcome that answers a hello ([example](super)).
    pub fn welcome(&self, hello: &Hello) -> Hello {
        self.hello(hello.from, true)
    }

    /// A connection that came in from `address` is a legacy peer's: it has said something else than
    /// hello, or nothing [until](Self::hello_until) it is too late.
    ///
    /// ```
    /// # use cable_car::{Instant, discovery::{Action, Config, Discovery, Instance, Verdict}};
    /// # let now = Instant::default();
    /// # let mut discovery: Discovery<4> = Discovery::new(Config::new(Instance::new(7)), now);
    /// let verdict = discovery.came_without_hello(now, [10, 0, 0, 2].into());
    /// assert!(matches!(verdict, Verdict::Link { replaces: None, .. }));
    /// let second = discovery.came_without_hello(now, [10, 0, 0, 2].into());
    /// assert_eq!(second, Verdict::Refuse);
    /// ```
    pub fn came_without_hello(&mut self, now: Instant, address: Ipv4Addr) -> Verdict {
        let who = Who::Legacy(address);
        let linked = self.peers.find(who).is_some_and(|peer| peer.link().is_some());
        if self.state != State::Looking || linked {
            return Verdict::Refuse;
        }
        self.take(now, who, address)
    }

    /// A dial got through ([example](super)).
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
    /// dial has failed. See the [example](super).
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
    ///
    /// ```
    /// # use cable_car::{Instant, discovery::{Action, Config, Discovery, Instance, Verdict}};
    /// # let now = Instant::default();
    /// # let mut discovery: Discovery<4> = Discovery::new(Config::new(Instance::new(7)), now);
    /// # discovery.heard(now, "10.0.0.2:50000".parse().unwrap(), b"BROADCAST");
    /// # let now = Instant::from_millis(2000);
    /// # let mut actions = std::iter::from_fn(|| discovery.poll(now));
    /// # let dialled = actions.find(|action| matches!(action, Action::Dial(..)));
    /// # let Some(Action::Dial(dial, _)) = dialled else { panic!() };
    /// assert!(discovery.wants(dial));
    /// discovery.dial_failed(now, dial); // it rests until it is heard again
    /// assert!(!discovery.wants(dial));
    /// ```
    pub fn dial_failed(&mut self, now: Instant, dial: DialId) {
        if let Some(peer) = self.peers.dialled(dial) {
            let (who, rest) = (peer.who, peer.fail());
            self.rest(now, who, rest);
        }
    }

    /// Whether a dial is still wanted: not so once the peer has come by itself.
    ///
    /// ```
    /// # use cable_car::{Instant, discovery::{Action, Config, Discovery, Instance, Verdict}};
    /// # let now = Instant::default();
    /// # let mut discovery: Discovery<4> = Discovery::new(Config::new(Instance::new(7)), now);
    /// # discovery.heard(now, "10.0.0.2:50000".parse().unwrap(), b"BROADCAST");
    /// # let now = Instant::from_millis(2000);
    /// # let mut actions = std::iter::from_fn(|| discovery.poll(now));
    /// # let dialled = actions.find(|action| matches!(action, Action::Dial(..)));
    /// # let Some(Action::Dial(dial, _)) = dialled else { panic!() };
    /// assert!(discovery.wants(dial));
    /// discovery.came_without_hello(now, [10, 0, 0, 2].into());
    /// assert!(!discovery.wants(dial)); // to be closed
    /// ```
    pub fn wants(&self, dial: DialId) -> bool {
        self.state == State::Looking && self.peers.iter().any(|peer| peer.dial() == Some(dial))
    }

    /// A link has ended ([example](super)). When its peer is heard again, it is linked again: soon if
    /// the link had lasted, otherwise after a rest as for a dial that failed.
    pub fn unlinked(&mut self, now: Instant, link: LinkId) -> Option<Departure> {
        let peer = self.peers.iter_mut().find(|peer| peer.link() == Some(link))?;
        let departure = Departure { who: peer.who, goodbye: peer.leaving };
        if departure.goodbye {
            self.peers.remove(departure.who);
        } else {
            let rest = if peer.makes_good(now) { SHORTEST_REST_MICROS / 2 } else { peer.fail() };
            self.rest(now, departure.who, rest);
        }
        Some(departure)
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
            // Of a link that this one replaces.
            peer.makes_good(now);
            peer.stage = Stage::Linked { link, since: now, trust: Trust::Good };
            peer.answer = None;
            peer.yields = true;
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
