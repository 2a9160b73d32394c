//! What beacons tell.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use super::peer::{Stage, Who};
use super::wire::{Announcement, Beacon};
use super::{Discovery, FIRST_USER_PORT, HIGHER_WAITS, LEGACY_WAITS, State};
use crate::time::Instant;

impl<const PEERS: usize> Discovery<PEERS> {
    /// A datagram came to a beacon socket.
    ///
    /// ```
    /// # use cable_car::Instant;
    /// # use cable_car::discovery::{Action, Config, Discovery, Instance, Who};
    /// # let now = Instant::default();
    /// # let mut discovery: Discovery<4> = Discovery::new(Config::new(Instance::new(7)), now);
    /// discovery.poll(now); // the own beacon
    /// let from = "10.0.0.2:50000".parse().unwrap();
    /// discovery.heard(now, from, b"BROADCAST"); // a legacy peer's
    /// assert!(matches!(discovery.poll(now), Some(Action::Answer(_))));
    /// ```
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
        peer.hear(now, self.config.interval);
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
            peer.regain();
            if peer.is_expendable() {
                self.peers.remove(who);
            }
        }
    }
}
