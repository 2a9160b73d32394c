//! Which interface leads to an address.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use cable_car_std::internal::{Network, networks};

use crate::output::remark;

/// How often the list is made anew.
const RENEWED: Duration = Duration::from_secs(1);

/// Finds the interface that leads to an address.
#[derive(Debug, Default)]
pub(crate) struct Interfaces {
    networks: Vec<Network>,
    looked_up: Option<Instant>,
    told_of_error: bool,
}

impl Interfaces {
    /// The interface whose network an address is in; the narrowest, where there are several.
    pub(crate) fn of(&mut self, address: Ipv4Addr) -> Option<String> {
        if self.looked_up.is_none_or(|then| then.elapsed() > RENEWED) {
            self.look_up();
        }
        let networks = self.networks.iter().filter(|network| network.contains(address));
        networks.max_by_key(|network| network.prefix).map(|network| network.interface.clone())
    }

    fn look_up(&mut self) {
        self.looked_up = Some(Instant::now());
        match networks() {
            Ok(networks) => self.networks = networks,
            Err(error) => {
                if !std::mem::replace(&mut self.told_of_error, true) {
                    remark(format_args!("{error}"));
                }
            }
        }
    }
}
