//! The network stack: what memory it gets, and where its address comes from.

use cable_car::Instant;
use cable_car_smoltcp::{Config, ConfigError, Stack};
use firmware_base::node::{CLIENTS, MACHINES};
use firmware_base::options::{Address, Options};

use crate::lan9118::Lan9118;

/// Listeners for machines and for clients, a socket for beacons, and a connection for each link.
pub(crate) type Memory<'s> = cable_car_smoltcp::storage!(
    's,
    peers: MACHINES + CLIENTS,
    listeners: 2,
    backlog: 2,
    udp_sockets: 1,
    udp_packets: 16,
);

pub(crate) fn start<'s>(
    device: Lan9118<'s>,
    memory: &'s mut Memory<'s>,
    options: &Options<'_>,
    mac: [u8; 6],
    random: u64,
    now: Instant,
) -> Result<Stack<'s, Lan9118<'s>>, ConfigError> {
    let mut stack = Stack::new(device, memory, &Config::new(mac, random), now)?;
    match options.address {
        Address::Dhcp => stack.start_dhcp()?,
        Address::Static { ip, prefix, gateway } => stack.set_address(ip, prefix, gateway)?,
    }
    Ok(stack)
}

/// A number that differs from board to board and from start to start: the one that was given, or
/// else the best there is on a board without a source of randomness.
pub(crate) fn random(options: &Options<'_>, mac: [u8; 6], now: Instant) -> u64 {
    let seed = options.seed.unwrap_or(now.as_micros());
    // Near seeds give numbers that are far apart.
    mac.iter().fold(seed, |mixed, &byte| {
        (mixed.rotate_left(8) ^ u64::from(byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    })
}
