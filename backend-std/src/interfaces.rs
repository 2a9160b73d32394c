//! Where the broadcasts of this machine go.

use std::net::Ipv4Addr;

use if_addrs::IfAddr;

/// Broadcast address of everything on this machine, which needs no network.
const LOOPBACK: Ipv4Addr = Ipv4Addr::new(127, 255, 255, 255);

/// Where beacons go.
#[derive(Debug)]
pub(crate) struct Broadcasts {
    pub(crate) addresses: Vec<Ipv4Addr>,
    /// Whether they reach more than this machine.
    pub(crate) network: bool,
}

/// The broadcast addresses of all interfaces, or of the one with the address `only`.
///
/// 255.255.255.255 leaves by the default route alone, where there is one; the directed broadcast
/// addresses reach every network that this machine is on, and that of loopback the other programs
/// of this machine when no network is up.
pub(crate) fn broadcasts(only: Option<Ipv4Addr>) -> Broadcasts {
    let mut addresses = Vec::new();
    // A machine whose interfaces can not be listed still has 255.255.255.255.
    for interface in if_addrs::get_if_addrs().unwrap_or_default() {
        let up = interface.is_oper_up();
        if let IfAddr::V4(v4) = interface.addr
            && only.is_none_or(|only| only == v4.ip)
            && !v4.ip.is_loopback()
            && up
        {
            addresses.extend(v4.broadcast);
        }
    }
    let network = !addresses.is_empty();
    if only.is_none() || !network {
        addresses.push(Ipv4Addr::BROADCAST);
    }
    addresses.push(LOOPBACK);
    Broadcasts { addresses, network }
}
