//! Which interface leads to an address.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use cable_car_std::internal::{Network, networks};

/// Finds the interface that leads to an address, in a list that is renewed now and then.
#[derive(Debug)]
pub(crate) struct Interfaces {
    networks: Vec<Network>,
    looked_up: Instant,
}

impl Interfaces {
    pub(crate) fn new() -> Self {
        // A machine whose interfaces can not be listed is shown to have none.
        Self { networks: networks().unwrap_or_default(), looked_up: Instant::now() }
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
