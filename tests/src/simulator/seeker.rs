//! A program of ours: it looks for peers and says one word over every link.

use std::collections::{BTreeMap, BTreeSet};

use cable_car::discovery::{Config, LinkId};
use cable_car::nal::{BroadcastConnector, Event, Messenger};
use cable_car::{AnyByte, Instant, Join};

use super::stack::{ConnectionId, Stack, TcpSocket};

/// How many peers it knows.
pub(super) const PEERS: usize = 64;

pub(super) struct Seeker {
    config: Config,
    pub(super) connector: Option<BroadcastConnector<Stack, PEERS>>,
    /// The links that were told and have not ended.
    pub(super) links: BTreeMap<LinkId, Link>,
    /// How many links were told in all.
    pub(super) joined: u64,
    /// How many links were doubted.
    pub(super) doubted: u64,
    seen: BTreeSet<ConnectionId>,
    /// What should not have been, a line each.
    pub(super) faults: Vec<String>,
}

pub(super) struct Link {
    pub(super) connection: ConnectionId,
    peer: Messenger<AnyByte, TcpSocket, [u8; 64], [u8; 64]>,
    /// Whether the word of the other end has come.
    pub(super) works: bool,
}

impl Seeker {
    pub(super) fn new(config: Config) -> Self {
        Self {
            config,
            connector: None,
            links: BTreeMap::new(),
            joined: 0,
            doubted: 0,
            seen: BTreeSet::new(),
            faults: Vec::new(),
        }
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn run(&mut self, stack: &mut Stack, now: Instant) -> Option<Instant> {
        let mut connector = match self.connector.take() {
            Some(connector) => connector,
            None => BroadcastConnector::new(self.config.clone(), now),
        };
        if stack.asked_to_end() {
            connector.stop(stack);
            for link in std::mem::take(&mut self.links).values_mut() {
                link.peer.close(stack);
            }
            return None;
        }
        if stack.interfaces_changed() {
            connector.set_destinations(stack.broadcast_addresses());
        }
        loop {
            while let Some(event) = connector.poll(stack, now).transpose() {
                match event {
                    Ok(event) => self.told(event, stack),
                    Err(error) => {
                        self.faults.push(error.to_string());
                        break;
                    }
                }
            }
            if !stack.something_came() || !self.talk(&mut connector, stack, now) {
                break;
            }
        }
        let next = connector.poll_at();
        self.connector = Some(connector);
        next
    }

    fn told(&mut self, event: Event<TcpSocket, super::Failure>, stack: &mut Stack) {
        match event {
            Event::Joined { connection, link, replaces, .. } => {
                let Some(id) = stack.connection(&connection.socket) else {
                    self.faults.push(format!("{link:?} has no connection"));
                    return;
                };
                if !self.seen.insert(id) {
                    self.faults.push(format!("{id:?} was told twice"));
                }
                let mut peer = Messenger::new(connection, [0; 64], [0; 64]);
                // There is room for the first message.
                let _ = peer.send(&Join);
                let _ = peer.xfer(stack);
                if let Some(mut old) = replaces.and_then(|old| self.links.remove(&old)) {
                    old.peer.close(stack);
                }
                self.joined += 1;
                self.links.insert(link, Link { connection: id, peer, works: false });
                stack.look_again();
            }
            Event::Doubted { .. } => self.doubted += 1,
            _ => {}
        }
    }

    /// Hears what has come over all links; whether one has ended.
    fn talk(
        &mut self,
        connector: &mut BroadcastConnector<Stack, PEERS>,
        stack: &mut Stack,
        now: Instant,
    ) -> bool {
        let before = self.links.len();
        self.links.retain(|&link, it| {
            let there = it.peer.xfer(stack).is_ok();
            it.works |= std::iter::from_fn(|| it.peer.get().map(|got| got.is_ok())).any(|ok| ok);
            if !there && connector.unlinked(now, link).is_none() {
                self.faults.push(format!("{link:?} has ended, and was not known"));
            }
            there
        });
        self.links.len() < before
    }
}
