//! Who is on the network and whom to dial: beacons, dials, links and deadlines, without a socket.

use core::net::Ipv4Addr;
use core::time::Duration;

use heapless::Vec;

use crate::time::Instant;

/// What a beacon says: that somebody is here.
pub const BEACON: &[u8] = b"BROADCAST";

/// The UDP port that beacons go to unless told otherwise.
pub const UDP_PORT: u16 = 8222;

/// The TCP port that peers are dialled at unless told otherwise.
pub const TCP_PORT: u16 = 8223;

/// How a program takes part in discovery.
///
/// ```
/// use cable_car::discovery::Config;
/// use core::time::Duration;
///
/// let config = Config { interval: Duration::from_secs(3), once: true, ..Config::default() };
/// assert_eq!(config.udp_port, 8222);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where beacons are sent and heard. Default 8222.
    pub udp_port: u16,
    /// Where this program is dialled and dials others. Default 8223.
    pub tcp_port: u16,
    /// How often a beacon is sent. Default 1 s.
    pub interval: Duration,
    /// Whether a program on this very machine is a peer too, itself included. Default no.
    pub allow_loopback: bool,
    /// The address by which this machine takes part, where it has several or its stack does not
    /// tell. A beacon from it is one's own. Default: whatever the stack uses.
    pub local_address: Option<Ipv4Addr>,
    /// How long a dial may take. Default 2 s.
    pub connect_timeout: Duration,
    /// When to stop looking for peers. Default never.
    pub timeout: Option<Duration>,
    /// Whether to stop looking once there is one link. Default no.
    pub once: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            udp_port: UDP_PORT,
            tcp_port: TCP_PORT,
            interval: Duration::from_secs(1),
            allow_loopback: false,
            local_address: None,
            connect_timeout: Duration::from_secs(2),
            timeout: None,
            once: false,
        }
    }
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Send a beacon to everybody.
    Broadcast,
    /// Send a beacon to this address: it is new here and need not wait for the next broadcast.
    Answer(Ipv4Addr),
    /// Dial this address.
    Dial(Ipv4Addr),
    /// Give up the dial to this address: it took too long.
    GiveUp(Ipv4Addr),
    /// Stop: the time to look for peers is over.
    TimedOut,
}

/// The state of discovery: up to `PEERS` peers, known by address.
///
/// Events go in with the time at which they happened; [`poll`](Self::poll) gives what is to be
/// done, [`poll_at`](Self::poll_at) when there is something to be done next.
///
/// A legacy peer dials whom it hears, at once. So that a pair does not end up with two connections,
/// a peer that is heard is answered at once, and dialled a little later if it has not dialled: after
/// [`DIAL_DELAY`] by the lower address, after three times that by the higher.
///
/// ```
/// use cable_car::Instant;
/// use cable_car::discovery::{Action, Config, Discovery};
///
/// let peer = "10.0.0.2".parse().unwrap();
/// let now = Instant::from_millis(0);
/// let mut discovery: Discovery<8> = Discovery::new(Config::default(), now);
/// assert_eq!(discovery.poll(now), Some(Action::Broadcast));
/// discovery.heard(now, peer);
/// assert_eq!(discovery.poll(now), Some(Action::Answer(peer)));
/// let later = discovery.poll_at().unwrap();
/// assert_eq!(discovery.poll(later), Some(Action::Dial(peer)));
/// ```
#[derive(Debug)]
pub struct Discovery<const PEERS: usize> {
    config: Config,
    state: State,
    next_beacon: Instant,
    stop_at: Option<Instant>,
    own: Vec<Ipv4Addr, MAX_OWN_ADDRESSES>,
    peers: Vec<Peer, PEERS>,
}

/// How many addresses of its own a program can tell.
pub const MAX_OWN_ADDRESSES: usize = 16;

/// How long a peer that was heard has to dial before it is dialled.
pub const DIAL_DELAY: Duration = Duration::from_millis(150);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Looking,
    /// The time is over, and that is still to be told.
    TimedOut,
    Stopped,
}

#[derive(Clone, Copy, Debug)]
struct Peer {
    address: Ipv4Addr,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Heard for the first time, and not answered yet.
    New {
        dial_at: Instant,
    },
    /// Answered; it may dial.
    Waiting {
        dial_at: Instant,
    },
    Dialing {
        until: Instant,
    },
    /// Connected by so many links.
    Linked {
        links: u8,
    },
    /// Could not be dialled; not tried again before this time.
    Resting {
        until: Instant,
    },
}

impl<const PEERS: usize> Discovery<PEERS> {
    /// Starts to look for peers.
    pub fn new(config: Config, now: Instant) -> Self {
        Self {
            config,
            state: State::Looking,
            next_beacon: now,
            stop_at: config.timeout.map(|timeout| now + timeout),
            own: config.local_address.into_iter().collect(),
            peers: Vec::new(),
        }
    }

    /// Tells the addresses of this machine, the first [`MAX_OWN_ADDRESSES`] of them: beacons from
    /// them are one's own. To begin with, [`Config::local_address`] is the only one.
    pub fn set_own_addresses(&mut self, addresses: impl IntoIterator<Item = Ipv4Addr>) {
        self.own = addresses.into_iter().take(MAX_OWN_ADDRESSES).collect();
    }

    /// How this program takes part.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// A datagram came to the beacon port: whatever its bytes, it is a beacon of its sender.
    pub fn heard(&mut self, now: Instant, from: Ipv4Addr) {
        let own = from.is_loopback() || self.own.contains(&from);
        if self.state != State::Looking || own && !self.config.allow_loopback {
            return;
        }
        self.forget_rested(now);
        if self.peer(from).is_some() {
            return;
        }
        let dial_at = match self.own[..] {
            _ if own => now,
            [local] if local > from => now + 3 * DIAL_DELAY,
            _ => now + DIAL_DELAY,
        };
        // Where the table is full, the peer is heard again in an interval's time.
        let _ = self.peers.push(Peer { address: from, stage: Stage::New { dial_at } });
    }

    /// A connection to `address` stands, whoever dialled.
    pub fn linked(&mut self, address: Ipv4Addr) {
        let links = match self.peer(address).map(|peer| peer.stage) {
            Some(Stage::Linked { links }) => links.saturating_add(1),
            _ => 1,
        };
        let stage = Stage::Linked { links };
        match self.peer(address) {
            Some(peer) => peer.stage = stage,
            // Where the table is full, the peer is linked all the same, and may be dialled again.
            None => drop(self.peers.push(Peer { address, stage })),
        }
        if self.config.once {
            self.stop();
        }
    }

    /// A connection to `address` is no more; when the peer is heard again, it is dialled again.
    pub fn unlinked(&mut self, address: Ipv4Addr) {
        if let Some(peer) = self.peer(address)
            && let Stage::Linked { links } = &mut peer.stage
        {
            *links = links.saturating_sub(1);
            if *links == 0 {
                self.remove(address);
            }
        }
    }

    /// A dial failed. The peer rests for an interval.
    pub fn dial_failed(&mut self, now: Instant, address: Ipv4Addr) {
        let until = now + self.config.interval;
        if let Some(peer) = self.peer(address)
            && matches!(peer.stage, Stage::Dialing { .. })
        {
            peer.stage = Stage::Resting { until };
        }
    }

    /// Whether a dial to `address` is still wanted: not once the peer has dialled.
    pub fn wants_dial(&mut self, address: Ipv4Addr) -> bool {
        self.state == State::Looking
            && self.peer(address).is_some_and(|peer| matches!(peer.stage, Stage::Dialing { .. }))
    }

    /// What is to be done now; to be called until there is nothing.
    pub fn poll(&mut self, now: Instant) -> Option<Action> {
        if self.state == State::Looking && self.stop_at.is_some_and(|at| at <= now) {
            self.state = State::TimedOut;
        }
        match self.state {
            State::Looking => {}
            State::TimedOut => {
                self.state = State::Stopped;
                return Some(Action::TimedOut);
            }
            State::Stopped => return None,
        }
        if self.next_beacon <= now {
            self.next_beacon = now + self.config.interval;
            return Some(Action::Broadcast);
        }
        let dial_until = now + self.config.connect_timeout;
        let rest_until = now + self.config.interval;
        self.peers.iter_mut().find_map(|peer| peer.poll(now, dial_until, rest_until))
    }

    /// When there is something to be done next; `None` where only an event can change anything.
    pub fn poll_at(&self) -> Option<Instant> {
        if self.state != State::Looking {
            return None;
        }
        let peers = self.peers.iter().filter_map(Peer::poll_at);
        peers.chain(self.stop_at).chain([self.next_beacon]).min()
    }

    /// Whether nothing more is sought: stopped, timed out, or linked where one link was wanted.
    pub fn is_stopped(&self) -> bool {
        self.state == State::Stopped
    }

    /// Stops to look for peers.
    pub fn stop(&mut self) {
        self.state = State::Stopped;
    }

    /// The addresses that links stand with.
    pub fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> + '_ {
        let linked = self.peers.iter().filter(|peer| matches!(peer.stage, Stage::Linked { .. }));
        linked.map(|peer| peer.address)
    }

    fn peer(&mut self, address: Ipv4Addr) -> Option<&mut Peer> {
        self.peers.iter_mut().find(|peer| peer.address == address)
    }

    fn remove(&mut self, address: Ipv4Addr) {
        self.peers.retain(|peer| peer.address != address);
    }

    fn forget_rested(&mut self, now: Instant) {
        self.peers.retain(|peer| !matches!(peer.stage, Stage::Resting { until } if until <= now));
    }
}

impl Peer {
    fn poll(&mut self, now: Instant, dial_until: Instant, rest_until: Instant) -> Option<Action> {
        match self.stage {
            Stage::New { dial_at } => {
                self.stage = Stage::Waiting { dial_at };
                Some(Action::Answer(self.address))
            }
            Stage::Waiting { dial_at } if dial_at <= now => {
                self.stage = Stage::Dialing { until: dial_until };
                Some(Action::Dial(self.address))
            }
            Stage::Dialing { until } if until <= now => {
                self.stage = Stage::Resting { until: rest_until };
                Some(Action::GiveUp(self.address))
            }
            _ => None,
        }
    }

    fn poll_at(&self) -> Option<Instant> {
        match self.stage {
            Stage::New { .. } => Some(Instant::default()),
            Stage::Waiting { dial_at } => Some(dial_at),
            Stage::Dialing { until } => Some(until),
            Stage::Linked { .. } | Stage::Resting { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn started(config: Config) -> Discovery<2> {
        let mut discovery = Discovery::new(config, at(0));
        assert_eq!(discovery.poll(at(0)), Some(Action::Broadcast));
        assert_eq!(discovery.poll(at(0)), None);
        discovery
    }

    fn heard(discovery: &mut Discovery<2>, now: Instant, peer: Ipv4Addr) {
        discovery.heard(now, peer);
        assert_eq!(discovery.poll(now), Some(Action::Answer(peer)));
        assert_eq!(discovery.poll(now), None);
    }

    #[test]
    fn beacons_keep_the_interval() {
        let mut discovery = started(Config::default());
        assert_eq!(discovery.poll_at(), Some(at(1000)));
        assert_eq!(discovery.poll(at(999)), None);
        assert_eq!(discovery.poll(at(1000)), Some(Action::Broadcast));
        assert_eq!(discovery.poll_at(), Some(at(2000)));
    }

    #[test]
    fn a_peer_that_does_not_dial_is_dialled_once() {
        let mut discovery = started(Config::default());
        heard(&mut discovery, at(10), PEER);
        discovery.heard(at(20), PEER);
        assert_eq!(discovery.poll_at(), Some(at(160)));
        assert_eq!(discovery.poll(at(160)), Some(Action::Dial(PEER)));
        assert!(discovery.wants_dial(PEER));
        discovery.linked(PEER);
        discovery.heard(at(170), PEER);
        assert_eq!(discovery.poll(at(900)), None);
        assert!(discovery.addresses().eq([PEER]));
    }

    #[test]
    fn a_peer_that_dials_is_not_dialled() {
        let mut discovery = started(Config::default());
        heard(&mut discovery, at(10), PEER);
        discovery.linked(PEER);
        assert_eq!(discovery.poll(at(900)), None);
        assert!(!discovery.wants_dial(PEER));
    }

    #[test]
    fn the_lower_address_dials_first() {
        for (local, dial_at) in [([10, 0, 0, 1], 150), ([10, 0, 0, 3], 450)] {
            let config = Config { local_address: Some(local.into()), ..Config::default() };
            let mut discovery = started(config);
            heard(&mut discovery, at(0), PEER);
            assert_eq!(discovery.poll_at(), Some(at(dial_at)));
        }
    }

    #[test]
    fn a_dial_that_takes_too_long_is_given_up_and_tried_again() {
        let mut discovery =
            started(Config { interval: Duration::from_secs(60), ..Config::default() });
        heard(&mut discovery, at(0), PEER);
        assert_eq!(discovery.poll(at(150)), Some(Action::Dial(PEER)));
        assert_eq!(discovery.poll(at(2149)), None);
        assert_eq!(discovery.poll(at(2150)), Some(Action::GiveUp(PEER)));
        assert!(!discovery.wants_dial(PEER));
        discovery.heard(at(3000), PEER);
        assert_eq!(discovery.poll(at(3000)), None, "it rests");
        assert_eq!(discovery.poll(at(62_150)), Some(Action::Broadcast));
        heard(&mut discovery, at(62_150), PEER);
    }

    #[test]
    fn a_lost_peer_is_linked_again() {
        let mut discovery = started(Config::default());
        discovery.linked(PEER);
        discovery.linked(PEER);
        discovery.unlinked(PEER);
        assert!(discovery.addresses().eq([PEER]), "one of two links is left");
        discovery.unlinked(PEER);
        assert_eq!(discovery.addresses().count(), 0);
        heard(&mut discovery, at(10), PEER);
    }

    #[test]
    fn a_flood_of_senders_takes_no_more_than_the_table() {
        let mut discovery = started(Config::default());
        discovery.linked(PEER);
        for last in 3..=255 {
            discovery.heard(at(10), Ipv4Addr::new(10, 0, 0, last));
        }
        let mut answers = 0;
        while let Some(action) = discovery.poll(at(10)) {
            assert!(matches!(action, Action::Answer(_)));
            answers += 1;
        }
        assert_eq!(answers, 1);
        assert!(discovery.addresses().eq([PEER]), "a linked peer keeps its place");
    }

    #[test]
    fn ones_own_beacon_counts_only_if_loopback_is_allowed() {
        let local_address = Some(PEER);
        let mut discovery = started(Config { local_address, ..Config::default() });
        discovery.heard(at(1), PEER);
        discovery.heard(at(1), Ipv4Addr::LOCALHOST);
        assert_eq!(discovery.poll(at(500)), None);
        let mut discovery =
            started(Config { local_address, allow_loopback: true, ..Config::default() });
        heard_and_dialled(&mut discovery, PEER);
    }

    fn heard_and_dialled(discovery: &mut Discovery<2>, peer: Ipv4Addr) {
        discovery.heard(at(1), peer);
        assert_eq!(discovery.poll(at(1)), Some(Action::Answer(peer)));
        assert_eq!(discovery.poll(at(1)), Some(Action::Dial(peer)));
    }

    #[test]
    fn it_ends_at_its_time_or_with_the_one_link_wanted() {
        let mut discovery =
            started(Config { timeout: Some(Duration::from_millis(500)), ..Config::default() });
        assert_eq!(discovery.poll_at(), Some(at(500)));
        assert_eq!(discovery.poll(at(500)), Some(Action::TimedOut));
        assert_eq!(discovery.poll(at(5000)), None);
        assert!(discovery.is_stopped());

        let mut discovery = started(Config { once: true, ..Config::default() });
        discovery.linked(PEER);
        assert!(discovery.is_stopped());
        assert_eq!(discovery.poll(at(5000)), None);
        assert_eq!(discovery.poll_at(), None);
    }
}
