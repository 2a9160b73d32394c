//! Where the broadcasts of this machine go.

use std::net::Ipv4Addr;

use if_addrs::IfAddr;

/// Broadcast address of everything on this machine, which needs no network.
const LOOPBACK: Ipv4Addr = Ipv4Addr::new(127, 255, 255, 255);

/// The broadcast addresses of all interfaces, or of the one with the address `only`.
///
/// 255.255.255.255 leaves by the default route alone, where there is one; the directed broadcast
/// addresses reach every network that this machine is on. Other programs on this machine hear
/// those of its networks; without a network, that of loopback.
pub(crate) fn broadcast_addresses(only: Option<Ipv4Addr>) -> Vec<Ipv4Addr> {
    let mut found = Vec::new();
    // A machine whose interfaces can not be listed still has 255.255.255.255.
    for interface in if_addrs::get_if_addrs().unwrap_or_default() {
        if let IfAddr::V4(v4) = interface.addr
            && only.is_none_or(|only| only == v4.ip)
            && !v4.ip.is_loopback()
        {
            found.extend(v4.broadcast);
        }
    }
    let alone = found.is_empty();
    if only.is_none() || alone {
        found.push(Ipv4Addr::BROADCAST);
    }
    if alone {
        found.push(LOOPBACK);
    }
    found
}
