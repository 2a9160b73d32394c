//! Who is on the network, whom to dial, and which link to keep: without a socket.
//!
//! A peer that knows this protocol has a random [`Instance`] number, which its beacons tell. Of two
//! such peers the lower one decides: it dials as soon as it hears the other. The higher one dials
//! after [`HIGHER_WAITS`], in case only that direction is open. Whoever dials says hello, and the
//! link stands once it is answered by a welcome:
//!
//! - a hello from the lower one is always welcome, and replaces whatever the higher one has;
//! - a hello from the higher one is refused while the lower one's own hello is under way or its link
//!   is fresh, and welcome otherwise.
//!
//! So both ends always keep the same link.
//!
//! A legacy peer, such as a Python program, dials whomever it hears and would keep the connection
//! that was completed first, which need not be the one kept here. It is therefore made to dial, by a
//! beacon sent to it alone, and is dialled only if it has not done so after [`LEGACY_WAITS`].
//!
//! A linked instance whose beacons fall silent is doubted until it is heard again: TCP alone can not
//! tell a machine that is gone from a program that is busy.
//!
//! Two programs on one network, from the first beacon to the link, with nothing between them but the
//! bytes that one hands to the other:
//!
//! ```
//! use cable_car::Instant;
//! use cable_car::discovery::{Action, Config, Discovery, Hello, Instance, LONGEST, Reached, Verdict};
//! use core::net::{Ipv4Addr, SocketAddrV4};
//!
//! let now = Instant::default();
//! let mut ann: Discovery<4> = Discovery::new(Config::new(Instance::new(3)), now);
//! let mut bob: Discovery<4> = Discovery::new(Config::new(Instance::new(7)), now);
//! let (address_of_ann, address_of_bob) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
//!
//! // Bob sends a beacon to everybody, which ann hears.
//! assert_eq!(bob.poll(now), Some(Action::Broadcast));
//! let mut space = [0; LONGEST];
//! let beacon = bob.announcement().write(&mut space);
//! let from = SocketAddrV4::new(address_of_bob, 50_000);
//! ann.heard(now, from, beacon);
//!
//! // Ann answers, and since hers is the lower instance she dials.
//! assert_eq!(ann.poll(now), Some(Action::Broadcast));
//! assert_eq!(ann.poll(now), Some(Action::Answer(from)));
//! let Some(Action::Dial(dial, to)) = ann.poll(now) else { panic!("ann does not dial") };
//! assert_eq!(to, SocketAddrV4::new(address_of_bob, 8223));
//!
//! // The connection stands: ann says hello, bob welcomes her, and both have the link.
//! let Reached::Greet(hello) = ann.reached(now, dial) else { panic!("bob is no legacy peer") };
//! let hello = Hello::read(hello.write(&mut space)).expect("what is written can be read");
//! let Verdict::Link { link: link_of_bob, .. } = bob.came(now, address_of_ann, &hello) else {
//!     panic!("bob refuses")
//! };
//! let link_of_ann = ann.welcomed(now, dial, &bob.welcome(&hello)).expect("the welcome of bob");
//! assert_eq!(ann.who(link_of_ann).to_string(), "instance 0000000000000007");
//!
//! // The link is over: when one hears the other again, it begins anew.
//! let departure = ann.unlinked(now, link_of_ann).expect("the link stood");
//! assert!(!departure.goodbye);
//! # assert!(bob.unlinked(now, link_of_bob).is_some());
//! ```

mod arbiter;
mod config;
mod heard;
mod pace;
mod peer;
mod table;
mod verdict;
mod wire;

pub use config::{Config, TCP_PORT, UDP_PORT};
pub use peer::{DialId, LinkId, Who};
pub use verdict::{Action, Departure, Reached, Verdict};
pub use wire::{
    Announcement, Beacon, Hello, HelloReader, Instance, LONGEST, MARK, Opening, Service,
    ServiceTooLong,
};

use core::net::Ipv4Addr;
use core::time::Duration;

use self::pace::{Jitter, Pace};
use self::peer::{Peer, Stage, Trust};
use self::table::Table;
use crate::time::Instant;

/// How long the higher of two instances waits for the lower one to dial.
///
/// ```
/// # use cable_car::discovery::{HELLO_WAITS, HIGHER_WAITS, LEGACY_WAITS};
/// assert!(HELLO_WAITS < HIGHER_WAITS && HIGHER_WAITS < LEGACY_WAITS);
/// ```
pub const HIGHER_WAITS: Duration = Duration::from_millis(300);

/// How long a legacy peer has to dial before it is dialled ([example](HIGHER_WAITS)).
pub const LEGACY_WAITS: Duration = Duration::from_secs(2);

/// How long a connection from an address that nothing was heard of has to say hello, before it is
/// taken for a legacy peer's ([example](HIGHER_WAITS)).
pub const HELLO_WAITS: Duration = Duration::from_millis(250);

/// The shortest time between two beacons: a shorter [`interval`](Config::interval) counts as this.
///
/// ```
/// assert_eq!(cable_car::discovery::SHORTEST_INTERVAL.as_millis(), 10);
/// ```
pub const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);

/// How many dials may be under way at a time.
///
/// ```
/// assert_eq!(cable_car::discovery::MOST_DIALS.min(4), 4); // sockets to dial 4 peers
/// ```
pub const MOST_DIALS: usize = 8;

/// How long a peer rests after a dial failed; doubled with each failure in a row. After a link that had
/// lasted it rests half of it.
const SHORTEST_REST_MICROS: u32 = 250_000;

/// How long a peer rests at the most.
const LONGEST_REST_MICROS: u32 = 30_000_000;

/// How long a link must have lasted to make good for the failures before it: one that ends sooner is
/// another failure, as a dial that gets nowhere is.
const LASTING_LINK_MICROS: u64 = 2_000_000;

/// Dials and answers in a row, and how soon the next one may follow, whatever is heard.
const BURST: u32 = 32;
const PERIOD_MICROS: u64 = 50_000;

/// Ports below are those of the system's services: no beacon makes us dial one.
const FIRST_USER_PORT: u16 = 1024;

/// The state of discovery, for up to `PEERS` peers.
///
/// What happens goes in with the time at which it happened; [`poll`](Self::poll) gives what is to be
/// done, [`poll_at`](Self::poll_at) when there is something to be done next.
///
/// ```
/// use cable_car::Instant;
/// use cable_car::discovery::{Action, Config, Discovery, Instance};
///
/// let now = Instant::from_millis(0);
/// let mut discovery: Discovery<8> = Discovery::new(Config::new(Instance::new(1)), now);
/// assert_eq!(discovery.poll(now), Some(Action::Broadcast));
///
/// let legacy_peer = "10.0.0.2:50000".parse().unwrap();
/// discovery.heard(now, legacy_peer, b"BROADCAST");
/// let answer = "10.0.0.2:8222".parse().unwrap();
/// assert_eq!(discovery.poll(now), Some(Action::Answer(answer)));
/// ```
#[derive(Debug)]
pub struct Discovery<const PEERS: usize> {
    config: Config,
    /// The TCP port of this program.
    dialled_at: u16,
    state: State,
    next_beacon: Instant,
    stop_at: Option<Instant>,
    peers: Table<PEERS>,
    serial: u32,
    answers: Pace,
    dials: Pace,
    jitter: Jitter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Looking,
    /// The time is over, and that is still to be told.
    TimedOut,
    Stopped,
}

impl<const PEERS: usize> Discovery<PEERS> {
    /// Starts to look for peers.
    ///
    /// ```
    /// use cable_car::Instant;
    /// use cable_car::discovery::{Config, Discovery, Instance};
    ///
    /// let random = 0x1dea_5eed; // another one at each start
    /// let config = Config::new(Instance::new(random));
    /// let discovery: Discovery<8> = Discovery::new(config, Instant::default());
    /// ```
    pub fn new(config: Config, now: Instant) -> Self {
        Self {
            state: State::Looking,
            next_beacon: now,
            stop_at: config.timeout.map(|timeout| now + timeout),
            peers: Table::new(),
            serial: 0,
            answers: Pace::new(BURST, PERIOD_MICROS, now),
            dials: Pace::new(BURST, PERIOD_MICROS, now),
            jitter: Jitter::new(config.instance.get()),
            dialled_at: config.tcp_port,
            config,
        }
    }

    /// How this program takes part.
    ///
    /// ```
    /// # use cable_car::{Instant, discovery::{Action, Config, Discovery, Instance}};
    /// # let mut discovery = Discovery::<4>::new(Config::new(Instance::new(7)), Instant::default());
    /// assert_eq!(discovery.config().udp_port, 8222);
    /// ```
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Tells where this program can be dialled, where that is not the configured port.
    ///
    /// ```
    /// # use cable_car::{Instant, discovery::{Action, Config, Discovery, Instance}};
    /// # let mut discovery = Discovery::<4>::new(Config::new(Instance::new(7)), Instant::default());
    /// discovery.set_tcp_port(50_123); // 8223 was taken
    /// assert_eq!(discovery.announcement().tcp_port, 50_123);
    /// ```
    pub fn set_tcp_port(&mut self, port: u16) {
        self.dialled_at = port;
    }

    /// What this program's beacons say.
    ///
    /// ```
    /// # use cable_car::{Instant, discovery::{Action, Config, Discovery, Instance}};
    /// # let mut discovery = Discovery::<4>::new(Config::new(Instance::new(7)), Instant::default());
    /// assert_eq!(discovery.announcement().instance, Instance::new(7));
    /// discovery.stop();
    /// assert!(discovery.announcement().goodbye);
    /// ```
    pub fn announcement(&self) -> Announcement {
        Announcement {
            instance: self.config.instance,
            tcp_port: self.dialled_at,
            service: self.config.service.clone(),
            goodbye: self.state == State::Stopped,
            answer: false,
        }
    }

    /// What is to be done now; to be called until there is nothing.
    ///
    /// ```
    /// # use cable_car::{Instant, discovery::{Action, Config, Discovery, Instance}};
    /// # let now = Instant::default();
    /// # let mut discovery: Discovery<4> = Discovery::new(Config::new(Instance::new(7)), now);
    /// while let Some(action) = discovery.poll(now) {
    ///     match action {
    ///         Action::Broadcast => { /* send the announcement to everybody */ }
    ///         Action::Answer(address) => { /* send it, marked as an answer, to this address */ }
    ///         Action::Dial(dial, address) => { /* connect; then tell `reached` or `dial_failed` */ }
    ///         Action::GiveUp(dial) => { /* close what was dialled */ }
    ///         _ => {}
    ///     }
    /// }
    /// ```
    pub fn poll(&mut self, now: Instant) -> Option<Action> {
        if self.state == State::Looking && self.stop_at.is_some_and(|at| at <= now) {
            self.state = State::TimedOut;
        }
        match self.state {
            State::Looking => {}
            State::TimedOut => {
                self.stop();
                return Some(Action::TimedOut);
            }
            State::Stopped => return None,
        }
        if self.next_beacon <= now {
            self.next_beacon = now + self.config.interval.max(SHORTEST_INTERVAL);
            return Some(Action::Broadcast);
        }
        let action = self.give_up(now).or_else(|| self.answer(now)).or_else(|| self.dial(now));
        action.or_else(|| self.doubt(now))
    }

    fn give_up(&mut self, now: Instant) -> Option<Action> {
        let dial = self.peers.iter().find_map(|peer| match peer.stage {
            Stage::Connecting { dial, until } | Stage::Greeting { dial, until } if until <= now => {
                Some(dial)
            }
            _ => None,
        })?;
        self.dial_failed(now, dial);
        Some(Action::GiveUp(dial))
    }

    fn answer(&mut self, now: Instant) -> Option<Action> {
        let peer = self.peers.iter_mut().find(|peer| peer.answer.is_some())?;
        self.answers.allows(now).then(|| peer.answer.take().map(Action::Answer))?
    }

    fn dial(&mut self, now: Instant) -> Option<Action> {
        if self.peers.dials_under_way() >= MOST_DIALS {
            return None;
        }
        let until = now + self.config.connect_timeout;
        let serial = self.serial.wrapping_add(1);
        // Whoever waits longest, and those who are alone at their address before all crowds.
        let due = self.peers.iter_mut().filter_map(|peer| match peer.stage {
            Stage::Waiting { dial_at } if dial_at <= now => {
                Some((Peer::turn(peer.yields, dial_at), peer))
            }
            _ => None,
        });
        let (_, peer) = due.min_by_key(|(turn, _)| *turn)?;
        if !self.dials.allows(now) {
            return None;
        }
        self.serial = serial;
        let dial = DialId(serial);
        peer.stage = Stage::Connecting { dial, until };
        Some(Action::Dial(dial, peer.at))
    }

    fn doubt(&mut self, now: Instant) -> Option<Action> {
        self.peers.iter_mut().find_map(|peer| {
            let silent_at = peer.silent_at();
            let Stage::Linked { link, trust, .. } = &mut peer.stage else { return None };
            match trust {
                Trust::Good if silent_at.is_some_and(|at| at <= now) => {
                    *trust = Trust::Doubted;
                    Some(Action::Doubt(*link))
                }
                Trust::Regained => {
                    *trust = Trust::Good;
                    Some(Action::Trust(*link))
                }
                _ => None,
            }
        })
    }

    /// When there is something to be done next; `None` where only an event can change anything.
    ///
    /// ```
    /// # use cable_car::{Instant, discovery::{Action, Config, Discovery, Instance}};
    /// # let now = Instant::default();
    /// # let mut discovery: Discovery<4> = Discovery::new(Config::new(Instance::new(7)), now);
    /// discovery.poll(now); // the first beacon
    /// assert_eq!(discovery.poll_at(), Some(Instant::from_millis(1000)));
    /// ```
    pub fn poll_at(&self) -> Option<Instant> {
        if self.state != State::Looking {
            return None;
        }
        let mut soonest = self.next_beacon;
        let mut by = |due: Option<Instant>| soonest = due.map_or(soonest, |due| soonest.min(due));
        by(self.stop_at);
        let may_dial = self.peers.dials_under_way() < MOST_DIALS;
        for peer in self.peers.iter() {
            by(peer.answer.map(|_| self.answers.allows_at()));
            by(match peer.stage {
                Stage::Waiting { dial_at } => may_dial.then(|| dial_at.max(self.dials.allows_at())),
                Stage::Connecting { until, .. } | Stage::Greeting { until, .. } => Some(until),
                Stage::Linked { trust: Trust::Good, .. } => peer.silent_at(),
                Stage::Linked { trust: Trust::Regained, .. } => Some(Instant::default()),
                Stage::Linked { trust: Trust::Doubted, .. } | Stage::Resting { .. } => None,
            });
        }
        Some(soonest)
    }

    /// Whether nothing more is sought: stopped, timed out, or linked where one link was wanted
    /// ([example](Self::stop)).
    pub fn is_stopped(&self) -> bool {
        self.state == State::Stopped
    }

    /// Stops to look for peers. From now on the [`announcement`](Self::announcement) is a goodbye.
    ///
    /// ```
    /// # use cable_car::{Instant, discovery::{Action, Config, Discovery, Instance}};
    /// # let now = Instant::default();
    /// # let mut discovery: Discovery<4> = Discovery::new(Config::new(Instance::new(7)), now);
    /// assert!(!discovery.is_stopped());
    /// discovery.stop();
    /// assert!(discovery.is_stopped());
    /// assert_eq!(discovery.poll(now), None);
    /// ```
    pub fn stop(&mut self) {
        self.state = State::Stopped;
    }

    /// With whom a link stands ([example](self)); with oneself, for a link that no peer is known by.
    pub fn who(&self, link: LinkId) -> Who {
        let peer = self.peers.iter().find(|peer| peer.link() == Some(link));
        peer.map_or(Who::Instance(self.config.instance), |peer| peer.who)
    }

    /// The peers that links stand with, and where they are.
    ///
    /// ```
    /// # use cable_car::{Instant, discovery::{Action, Config, Discovery, Instance}};
    /// # let mut discovery = Discovery::<4>::new(Config::new(Instance::new(7)), Instant::default());
    /// assert_eq!(discovery.linked().count(), 0);
    /// ```
    pub fn linked(&self) -> impl Iterator<Item = (Who, Ipv4Addr)> + '_ {
        let linked = self.peers.iter().filter(|peer| peer.link().is_some());
        linked.map(|peer| (peer.who, *peer.at.ip()))
    }
}

#[cfg(test)]
mod tests;
