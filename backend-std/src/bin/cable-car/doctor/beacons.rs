//! Beacons out and in: does one hear oneself, and whom else?

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use cable_car_std::Instance;
use cable_car_std::cable_car::discovery::{Announcement, Beacon, LONGEST, Service};
use cable_car_std::internal::{Network, random_instance};

use crate::ear::Ear;
use crate::output::Progress;
use crate::text::{hex, printable};

const INTERVAL: Duration = Duration::from_secs(1);

/// How many peers, and how many senders of something else, are looked at.
const MOST: usize = 64;

/// How much of what is no beacon is shown.
const SHOWN: usize = 12;

pub(super) struct Beacons {
    /// Says goodbye: programs of this project pass over the goodbye of one that was never there.
    own: Announcement,
    udp_port: u16,
    /// The addresses that beacons go to, and the address of this machine that each leaves from.
    ways: Vec<(Ipv4Addr, Ipv4Addr)>,
    /// Addresses of this machine that a beacon came back from.
    came_back: BTreeSet<Ipv4Addr>,
    /// Those that none could be sent from, and why.
    refused: BTreeMap<Ipv4Addr, io::Error>,
    heard: BTreeMap<(Ipv4Addr, Option<Instance>), Heard>,
    odd: BTreeMap<Ipv4Addr, String>,
}

/// A peer whose beacon came.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    address: Ipv4Addr,
    /// None for a legacy peer, which has none.
    pub(super) service: Option<String>,
    tcp_port: Option<u16>,
}

impl Heard {
    /// Where it is dialled; a legacy peer does not say.
    pub(super) fn dialled_at(&self, default_port: u16) -> SocketAddrV4 {
        SocketAddrV4::new(self.address, self.tcp_port.unwrap_or(default_port))
    }

    pub(super) fn name(&self) -> String {
        match self.tcp_port {
            Some(port) => SocketAddrV4::new(self.address, port).to_string(),
            None => self.address.to_string(),
        }
    }
}

impl Beacons {
    pub(super) fn new(
        udp_port: u16,
        tcp_port: u16,
        service: &Service,
        networks: &[Network],
    ) -> Self {
        let ways = networks.iter().filter_map(|it| Some((it.broadcast?, it.address))).collect();
        let (instance, service) = (random_instance(), service.clone());
        Self {
            own: Announcement { instance, tcp_port, service, goodbye: true, answer: false },
            udp_port,
            ways,
            came_back: BTreeSet::new(),
            refused: BTreeMap::new(),
            heard: BTreeMap::new(),
            odd: BTreeMap::new(),
        }
    }

    /// Sends and listens until `end`, or until the program is told to end.
    pub(super) fn exchange(
        &mut self,
        ear: &mut Ear,
        end: Instant,
        progress: &mut Progress,
    ) -> io::Result<()> {
        let mut next = Instant::now();
        while Instant::now() < end && !ear.is_stopped() {
            if next <= Instant::now() {
                next = Instant::now() + INTERVAL;
                self.send(ear);
            }
            progress.show_listening(self.heard.len(), end);
            let turn = [Some(next), progress.due()].into_iter().flatten().fold(end, Instant::min);
            ear.listen(turn, |from, datagram| self.hear(from, datagram))?;
        }
        progress.end();
        Ok(())
    }

    fn send(&mut self, ear: &Ear) {
        for &(broadcast, from) in &self.ways {
            let to = SocketAddrV4::new(broadcast, self.udp_port);
            match ear.send(to, self.own.write(&mut [0; LONGEST])) {
                Ok(()) => drop(self.refused.remove(&from)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => drop(self.refused.insert(from, error)),
            }
        }
    }

    fn hear(&mut self, from: SocketAddrV4, datagram: &[u8]) {
        let address = *from.ip();
        let heard = match Beacon::read(datagram) {
            Some(Beacon::Legacy) => Heard { address, service: None, tcp_port: None },
            Some(Beacon::Extended(said)) if said.instance == self.own.instance => {
                self.came_back.insert(address);
                return;
            }
            Some(Beacon::Extended(said)) if said.goodbye => {
                self.heard.remove(&(address, Some(said.instance)));
                return;
            }
            Some(Beacon::Extended(said)) => {
                let service = Some(said.service.as_str().to_owned());
                let heard = Heard { address, service, tcp_port: Some(said.tcp_port) };
                self.insert((address, Some(said.instance)), heard);
                return;
            }
            None => {
                if self.odd.len() < MOST {
                    let start = datagram.get(..SHOWN).unwrap_or(datagram);
                    let shown = format!("{} {:?}", hex(start, " "), printable(start));
                    self.odd.entry(address).or_insert(shown);
                }
                return;
            }
        };
        self.insert((address, None), heard);
    }

    fn insert(&mut self, key: (Ipv4Addr, Option<Instance>), heard: Heard) {
        if self.heard.len() < MOST || self.heard.contains_key(&key) {
            self.heard.insert(key, heard);
        }
    }

    /// Forgets what came from elsewhere.
    pub(super) fn retain(&mut self, is_near: impl Fn(Ipv4Addr) -> bool) {
        self.heard.retain(|(address, _), _| is_near(*address));
        self.odd.retain(|address, _| is_near(*address));
    }

    /// Whether a beacon that left by this network was heard. Which of several addresses there it
    /// leaves from is up to the system.
    pub(super) fn came_back(&self, network: &Network) -> bool {
        self.came_back.iter().any(|&address| network.contains(address))
    }

    /// Why none left from this address.
    pub(super) fn refused(&self, address: Ipv4Addr) -> Option<&io::Error> {
        self.refused.get(&address)
    }

    pub(super) fn heard(&self) -> impl Iterator<Item = &Heard> {
        self.heard.values()
    }

    /// Who sent what is no beacon, and how it began.
    pub(super) fn odd(&self) -> impl Iterator<Item = (Ipv4Addr, &str)> {
        self.odd.iter().map(|(address, shown)| (*address, shown.as_str()))
    }
}
