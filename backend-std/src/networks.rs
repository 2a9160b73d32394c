//! The networks that this machine is on.

use std::io;
use std::net::Ipv4Addr;

use if_addrs::{IfAddr, Ifv4Addr, Interface};

/// Broadcast address of everything on this machine, which needs no network.
pub(crate) const LOOPBACK: Ipv4Addr = Ipv4Addr::new(127, 255, 255, 255);

/// One IPv4 address of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// The interface's name.
    pub interface: String,
    /// This machine's address in it.
    pub address: Ipv4Addr,
    /// How many bits of an address say that it belongs here.
    pub prefix: u8,
    /// Where its broadcasts go; none where it carries none.
    pub broadcast: Option<Ipv4Addr>,
    /// Whether it is switched on and has a carrier.
    pub up: bool,
}

/// All of them, loopback included, in the order of the system.
pub fn all() -> io::Result<Vec<Network>> {
    let interfaces = if_addrs::get_if_addrs().map_err(|error| {
        let words = format!("the interfaces of this machine can not be listed: {error}");
        io::Error::new(error.kind(), words)
    })?;
    Ok(interfaces.into_iter().filter_map(Network::of).collect())
}

impl Network {
    fn of(interface: Interface) -> Option<Self> {
        let IfAddr::V4(v4) = &interface.addr else { return None };
        Some(Self {
            address: v4.ip,
            prefix: v4.prefixlen,
            broadcast: broadcast(v4, interface.is_p2p()),
            up: interface.is_oper_up(),
            interface: interface.name,
        })
    }

    /// Whether it goes by this name or this address.
    pub fn is_called(&self, name: &str) -> bool {
        self.interface == name || name.parse() == Ok(self.address)
    }

    /// Whether an address belongs to it.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
        (address.to_bits() ^ self.address.to_bits()) & mask == 0
    }
}

/// The directed broadcast address, also of an interface that was set up without one.
fn broadcast(v4: &Ifv4Addr, is_p2p: bool) -> Option<Ipv4Addr> {
    match () {
        () if v4.is_loopback() => Some(LOOPBACK),
        () if is_p2p || v4.prefixlen > 30 => v4.broadcast,
        () => Some(Ipv4Addr::from_bits(v4.ip.to_bits() | !v4.netmask.to_bits())),
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

    #[test]
    fn a_broadcast_address_is_found_where_the_system_names_none() {
        let v4 = |ip: [u8; 4], prefixlen: u8, broadcast: Option<[u8; 4]>| Ifv4Addr {
            ip: ip.into(),
            netmask: Ipv4Addr::from_bits(u32::MAX << (32 - prefixlen)),
            prefixlen,
            broadcast: broadcast.map(Ipv4Addr::from),
        };
        for (v4, is_p2p, wanted) in [
            (v4([10, 0, 1, 7], 24, None), false, Some([10, 0, 1, 255])),
            (v4([192, 168, 5, 66], 26, None), false, Some([192, 168, 5, 127])),
            // What was set wrong reaches nobody.
            (v4([10, 9, 9, 9], 16, Some([10, 255, 255, 255])), false, Some([10, 9, 255, 255])),
            (v4([127, 0, 0, 1], 8, None), false, Some([127, 255, 255, 255])),
            (v4([172, 16, 0, 1], 31, None), false, None),
            (v4([172, 16, 0, 1], 24, None), true, None),
            (v4([172, 16, 0, 1], 24, Some([172, 16, 0, 255])), true, Some([172, 16, 0, 255])),
        ] {
            assert_eq!(broadcast(&v4, is_p2p), wanted.map(Ipv4Addr::from), "{v4:?}");
        }
    }
}
