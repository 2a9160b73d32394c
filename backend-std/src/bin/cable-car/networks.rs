//! The networks that this machine is on.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use if_addrs::{IfAddr, Ifv4Addr, Interface};

/// One IPv4 address of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    pub(crate) interface: String,
    pub(crate) address: Ipv4Addr,
    pub(crate) prefix: u8,
    /// Where its broadcasts go; none where it carries none.
    pub(crate) broadcast: Option<Ipv4Addr>,
    pub(crate) up: bool,
}

impl Network {
    /// Whether beacons go out to it.
    pub(crate) fn is_usable(&self) -> bool {
        self.up && self.broadcast.is_some()
    }

    /// Whether it goes by this name or this address.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.interface == name || name.parse() == Ok(self.address)
    }

    /// Whether an address belongs to it.
    pub(crate) fn contains(&self, address: Ipv4Addr) -> bool {
        let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
        u32::from(address) & mask == u32::from(self.address) & mask
    }
}

/// All of them, loopback included.
pub(crate) fn all() -> Vec<Network> {
    // A machine whose interfaces can not be listed is shown to have none.
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let network = |interface: Interface| match interface.addr.clone() {
        IfAddr::V4(v4) => Some(Network {
            address: v4.ip,
            prefix: v4.prefixlen,
            broadcast: broadcast(&interface, &v4),
            up: interface.is_oper_up(),
            interface: interface.name,
        }),
        IfAddr::V6(_) => None,
    };
    interfaces.into_iter().filter_map(network).collect()
}

/// Where a connector sends beacons by an interface, also by one that was set up without a broadcast
/// address; none for loopback, which is not a network.
fn broadcast(interface: &Interface, v4: &Ifv4Addr) -> Option<Ipv4Addr> {
    match () {
        () if v4.is_loopback() => None,
        () if interface.is_p2p() || v4.prefixlen > 30 => v4.broadcast,
        () => Some(Ipv4Addr::from_bits(v4.ip.to_bits() | !v4.netmask.to_bits())),
    }
}

/// Finds the interface that leads to an address, in a list that is renewed now and then.
#[derive(Debug)]
pub(crate) struct Interfaces {
    networks: Vec<Network>,
    looked_up: Instant,
}

impl Interfaces {
    pub(crate) fn new() -> Self {
        Self { networks: all(), looked_up: Instant::now() }
    }

    /// The interface whose network an address is in; the narrowest, where there are several.
    pub(crate) fn of(&mut self, address: Ipv4Addr) -> Option<String> {
        if self.looked_up.elapsed() > Duration::from_secs(1) {
            *self = Self::new();
        }
        let networks = self.networks.iter().filter(|network| network.contains(address));
        networks.max_by_key(|network| network.prefix).map(|network| network.interface.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_a_network_or_not() {
        let network = |prefix| Network {
            interface: "eth0".to_owned(),
            address: Ipv4Addr::new(10, 77, 1, 1),
            prefix,
            broadcast: None,
            up: true,
        };
        assert!(network(24).contains(Ipv4Addr::new(10, 77, 1, 200)));
        assert!(!network(24).contains(Ipv4Addr::new(10, 77, 2, 1)));
        assert!(network(0).contains(Ipv4Addr::new(192, 0, 2, 1)));
        assert!(!network(32).contains(Ipv4Addr::new(10, 77, 1, 2)));
    }
}
