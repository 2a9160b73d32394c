//! Who was heard, and when.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use cable_car_std::Instance;
use cable_car_std::cable_car::discovery::Beacon;

use crate::networks::Interfaces;

/// How many peers are kept: whoever floods the port is not to fill the memory.
const MOST: usize = 1024;

/// All that were heard, by address; the legacy peer of an address comes first.
pub(crate) struct Known {
    entries: BTreeMap<(Ipv4Addr, Option<Instance>), Entry>,
    interfaces: Interfaces,
    ignored: usize,
}

/// One peer, by what its last beacon said.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) address: Ipv4Addr,
    /// None for a legacy peer.
    pub(crate) instance: Option<Instance>,
    pub(crate) service: Option<String>,
    pub(crate) tcp_port: Option<u16>,
    pub(crate) interface: Option<String>,
    pub(crate) left: bool,
    heard_at: Instant,
}

/// What is new with one of them.
pub(crate) enum News {
    Found(Entry),
    Left(Entry),
}

impl Entry {
    pub(crate) fn kind(&self) -> &'static str {
        if self.instance.is_some() { "extended" } else { "legacy" }
    }

    /// Its address, with the port where it can be dialled if that is known.
    pub(crate) fn name(&self) -> String {
        match self.tcp_port {
            Some(port) => SocketAddrV4::new(self.address, port).to_string(),
            None => self.address.to_string(),
        }
    }

    /// How long ago it was heard.
    pub(crate) fn age(&self) -> Duration {
        self.heard_at.elapsed()
    }
}

impl Known {
    pub(crate) fn new() -> Self {
        Self { entries: BTreeMap::new(), interfaces: Interfaces::default(), ignored: 0 }
    }

    /// A datagram came; what is new by it.
    pub(crate) fn heard(&mut self, from: SocketAddrV4, datagram: &[u8]) -> Option<News> {
        let (instance, service, tcp_port, goodbye) = match Beacon::read(datagram)? {
            Beacon::Legacy => (None, None, None, false),
            Beacon::Extended(said) => {
                let service = said.service.as_str().to_owned();
                (Some(said.instance), Some(service), Some(said.tcp_port), said.goodbye)
            }
        };
        let address = *from.ip();
        let key = (address, instance);
        let full = self.entries.len() >= MOST;
        match self.entries.get_mut(&key) {
            Some(entry) => {
                let news = goodbye != entry.left;
                (entry.heard_at, entry.left) = (Instant::now(), goodbye);
                (entry.service, entry.tcp_port) = (service, tcp_port);
                let entry = news.then(|| entry.clone())?;
                Some(if goodbye { News::Left(entry) } else { News::Found(entry) })
            }
            // Of one that was never there there is nothing to tell.
            None if goodbye => None,
            None if full => {
                self.ignored = self.ignored.saturating_add(1);
                None
            }
            None => {
                let interface = self.interfaces.of(address);
                let heard_at = Instant::now();
                let entry = Entry {
                    address,
                    instance,
                    service,
                    tcp_port,
                    interface,
                    left: false,
                    heard_at,
                };
                self.entries.insert(key, entry.clone());
                Some(News::Found(entry))
            }
        }
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// How many beacons came of peers that there was no room for.
    pub(crate) fn ignored(&self) -> usize {
        self.ignored
    }
}

#[cfg(test)]
mod tests {
    use cable_car_std::cable_car::discovery::{Announcement, LONGEST, Service};

    use super::*;

    fn beacon(instance: u64, goodbye: bool) -> Vec<u8> {
        let announcement = Announcement {
            instance: Instance::new(instance),
            tcp_port: 8223,
            service: Service::new("pong").unwrap(),
            goodbye,
            answer: false,
        };
        announcement.write(&mut [0; LONGEST]).to_vec()
    }

    #[test]
    fn a_peer_is_news_when_it_comes_and_when_it_goes() {
        let from = "192.0.2.1:5000".parse().unwrap();
        let mut known = Known::new();
        assert!(known.heard(from, b"nonsense").is_none());
        assert!(known.heard(from, &beacon(1, true)).is_none());
        assert!(matches!(known.heard(from, b"BROADCAST"), Some(News::Found(_))));
        assert!(matches!(known.heard(from, &beacon(1, false)), Some(News::Found(_))));
        assert!(known.heard(from, &beacon(1, false)).is_none());
        assert!(matches!(known.heard(from, &beacon(1, true)), Some(News::Left(_))));
        assert!(known.heard(from, &beacon(1, true)).is_none());
        assert!(matches!(known.heard(from, &beacon(1, false)), Some(News::Found(_))));
        let kinds: Vec<_> = known.entries().map(Entry::kind).collect();
        assert_eq!(kinds, ["legacy", "extended"]);
    }

    #[test]
    fn a_flood_of_peers_is_kept_within_bounds() {
        let from = "192.0.2.1:5000".parse().unwrap();
        let mut known = Known::new();
        for instance in 1..=MOST as u64 + 10 {
            known.heard(from, &beacon(instance, false));
        }
        assert_eq!((known.entries().count(), known.ignored()), (MOST, 10));
    }
}
