//! The addresses of this machine, and where its broadcasts go.

use std::net::Ipv4Addr;

use if_addrs::IfAddr;

/// Broadcast address of everything on this machine, which needs no network.
const LOOPBACK_BROADCAST: Ipv4Addr = Ipv4Addr::new(127, 255, 255, 255);

/// The addresses that this machine has now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Interfaces {
    /// Addresses by which this machine is on a network.
    pub(crate) own: Vec<Ipv4Addr>,
    /// Where beacons go.
    pub(crate) destinations: Vec<Ipv4Addr>,
}

impl Interfaces {
    /// Looks up the interfaces: all of them, or the one with the address `only`.
    ///
    /// 255.255.255.255 leaves by the default route alone, where there is one; the directed
    /// broadcast addresses reach every network that this machine is on.
    pub(crate) fn look_up(only: Option<Ipv4Addr>, allow_loopback: bool) -> Self {
        let mut found = Self::default();
        // A machine whose interfaces can not be listed still has 255.255.255.255.
        for interface in if_addrs::get_if_addrs().unwrap_or_default() {
            let IfAddr::V4(v4) = interface.addr else {
                continue;
            };
            if only.is_some_and(|only| only != v4.ip) || v4.ip.is_loopback() {
                continue;
            }
            found.own.push(v4.ip);
            found.destinations.extend(v4.broadcast);
        }
        if only.is_none() || found.destinations.is_empty() {
            found.destinations.push(Ipv4Addr::BROADCAST);
        }
        // Otherwise a machine's broadcasts come back to itself.
        if allow_loopback && found.own.is_empty() {
            found.destinations.push(LOOPBACK_BROADCAST);
        }
        found.own.sort_unstable();
        found.own.dedup();
        found
    }
}
