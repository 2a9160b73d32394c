//! A legacy peer, by what the Python package was seen to do.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::network::ConnectionId;

/// Beacons every second, dials whoever it hears and has never had a connection with, takes every
/// connection, closes none, and keeps the first with an address for good.
#[derive(Debug, Default)]
pub(super) struct Legacy {
    pub(super) next_beacon: u64,
    /// The first connection with each address.
    pub(super) sockets: BTreeMap<Ipv4Addr, ConnectionId>,
    /// Every connection it has been told of.
    pub(super) connections: Vec<ConnectionId>,
    pub(super) dialling: Option<(Ipv4Addr, ConnectionId)>,
}

impl Legacy {
    pub(super) const INTERVAL: u64 = 1_000_000;

    pub(super) fn connected(&mut self, address: Ipv4Addr, connection: ConnectionId) {
        self.sockets.entry(address).or_insert(connection);
        self.connections.push(connection);
    }

    /// Whom to dial on hearing a datagram; its listener dials one at a time.
    pub(super) fn hears(&self, from: Ipv4Addr) -> bool {
        !self.sockets.contains_key(&from) && self.dialling.is_none()
    }
}
