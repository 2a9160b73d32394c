//! One machine of the network: a program that looks for peers, and its connections.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use cable_car::Instant;
use cable_car::discovery::{Config, DialId, Discovery, Hello, Instance, LinkId};

use super::legacy::Legacy;
use super::network::ConnectionId;
use crate::random::Random;

/// How many peers a program knows.
pub(super) const PEERS: usize = 64;

#[derive(Debug)]
pub(super) struct Node {
    pub(super) address: Ipv4Addr,
    pub(super) program: Program,
    /// How often it was started; what belongs to an earlier run is void.
    pub(super) run: u32,
    /// What its clock shows at time 0, and how fast it runs, in millionths.
    pub(super) clock: (u64, u64),
    pub(super) datagrams: u64,
    /// When it was started last.
    pub(super) started: u64,
}

#[derive(Debug)]
pub(super) enum Program {
    Off,
    Extended(Box<Extended>),
    Legacy(Legacy),
}

/// The real state machine and what a driver keeps beside it.
#[derive(Debug)]
pub(super) struct Extended {
    pub(super) discovery: Discovery<PEERS>,
    pub(super) dials: BTreeMap<DialId, ConnectionId>,
    pub(super) callers: Vec<Caller>,
    /// The links that were told and have not ended.
    pub(super) links: BTreeMap<LinkId, ConnectionId>,
    /// How many links were told in all.
    pub(super) joined: u64,
}

#[derive(Debug)]
pub(super) struct Caller {
    pub(super) connection: ConnectionId,
    pub(super) address: Ipv4Addr,
    pub(super) until: Instant,
    pub(super) hello: Option<Hello>,
    pub(super) closed: bool,
}

impl Node {
    pub(super) fn new(address: Ipv4Addr, chance: &mut Random) -> Self {
        let clock = (chance.time(1 << 40), 999_000 + chance.time(2000));
        Self { address, program: Program::Off, run: 0, clock, datagrams: 0, started: 0 }
    }

    /// Its own time at the network's time `now`, in microseconds.
    pub(super) fn local(&self, now: u64) -> Instant {
        Instant::from_micros(self.clock.0 + now * self.clock.1 / 1_000_000)
    }

    /// The network's time at its own time `at`, never early.
    pub(super) fn global(&self, at: Instant) -> u64 {
        at.as_micros().saturating_sub(self.clock.0) * 1_000_000 / self.clock.1 + 1
    }

    pub(super) fn start(&mut self, now: u64, legacy: bool, instance: u64) {
        self.run += 1;
        self.started = now;
        let local = self.local(now);
        self.program = match legacy {
            true => Program::Legacy(Legacy { next_beacon: now, ..Legacy::default() }),
            false => Program::Extended(Box::new(Extended {
                discovery: Discovery::new(Config::new(Instance::new(instance)), local),
                dials: BTreeMap::new(),
                callers: Vec::new(),
                links: BTreeMap::new(),
                joined: 0,
            })),
        };
    }
}
