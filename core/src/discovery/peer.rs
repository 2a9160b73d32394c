//! What is known of one peer.

use core::fmt;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use super::wire::Instance;
use super::{LASTING_LINK_MICROS, LONGEST_REST_MICROS, SHORTEST_REST_MICROS};
use crate::time::{Instant, micros};

/// What a peer is known by.
///
/// ```
/// use cable_car::discovery::{Instance, Who};
///
/// assert_eq!(Who::Instance(Instance::new(7)).to_string(), "instance 0000000000000007");
/// assert_eq!(Who::Legacy([10, 0, 0, 2].into()).to_string(), "legacy peer 10.0.0.2");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Who {
    /// A peer that says who it is.
    Instance(Instance),
    /// A legacy peer, known by its address.
    Legacy(Ipv4Addr),
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance(instance) => write!(f, "instance {instance}"),
            Self::Legacy(address) => write!(f, "legacy peer {address}"),
        }
    }
}

/// One link, among all that there have been since the start.
///
/// ```
/// use cable_car::discovery::{LinkId, Who};
/// use std::collections::HashMap;
///
/// /// What a program keeps of each link.
/// type Players = HashMap<LinkId, Who>;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LinkId(pub(super) u32);

/// One dial, among all that there have been since the start.
///
/// ```
/// use cable_car::discovery::DialId;
/// use std::{collections::HashMap, net::TcpStream};
///
/// /// The connections under way, to be found again when discovery gives one up.
/// type Dials = HashMap<DialId, TcpStream>;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DialId(pub(super) u32);

#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) who: Who,
    /// Where it can be dialled.
    pub(super) at: SocketAddrV4,
    /// Where a beacon that answers its own is still to be sent.
    pub(super) answer: Option<SocketAddrV4>,
    pub(super) stage: Stage,
    /// How many dials have failed in a row.
    pub(super) failures: u8,
    /// It has said goodbye.
    pub(super) leaving: bool,
    /// It makes room for those that do not, and waits for them: when it came, others of its address were
    /// there already, or it has had its link.
    pub(super) yields: bool,
    pub(super) heard_at: Instant,
    /// How long it was last silent between two beacons, in microseconds, its interval as a rule; 0
    /// where only one was heard.
    pub(super) rhythm: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It may dial; if it has not by then, it is dialled.
    Waiting { dial_at: Instant },
    /// It is being dialled.
    Connecting { dial: DialId, until: Instant },
    /// It was reached, and has been told hello.
    Greeting { dial: DialId, until: Instant },
    /// It is connected.
    Linked { link: LinkId, since: Instant, trust: Trust },
    /// It could not be dialled or was lost: not dialled before this time, and only if heard.
    Resting { until: Instant },
}

/// Whether a linked peer is taken to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    Good,
    /// It has fallen silent, which was told.
    Doubted,
    /// It was heard again, which is still to be told.
    Regained,
}

impl Peer {
    pub(super) fn new(who: Who, at: SocketAddrV4, stage: Stage, now: Instant) -> Self {
        let (answer, failures, rhythm) = (None, 0, 0);
        let (leaving, yields) = (false, false);
        Self { who, at, answer, stage, failures, leaving, yields, heard_at: now, rhythm }
    }

    /// A beacon of its has come. One that comes by several ways counts once.
    pub(super) fn hear(&mut self, now: Instant, interval: Duration) {
        // In microseconds, which small processors need not divide.
        let silence = now.as_micros().saturating_sub(self.heard_at.as_micros());
        let interval = micros(interval);
        if silence >= interval / 4 {
            self.rhythm = u32::try_from(silence.max(interval)).unwrap_or(u32::MAX);
            self.heard_at = now;
        }
        self.regain();
    }

    /// Ends a doubt.
    pub(super) fn regain(&mut self) {
        if let Stage::Linked { trust: trust @ Trust::Doubted, .. } = &mut self.stage {
            *trust = Trust::Regained;
        }
    }

    /// When it has been silent for two and a quarter of its intervals, so that one beacon may be lost
    /// and the next one late by a quarter. `None` where its beacons say nothing about it: it has no
    /// rhythm, or has said goodbye.
    pub(super) fn silent_at(&self) -> Option<Instant> {
        let rhythm = u64::from(self.rhythm);
        (rhythm > 0 && !self.leaving).then(|| self.heard_at.after_micros(rhythm * 9 / 4))
    }

    /// One more failure: how long it is left alone for it, in microseconds.
    pub(super) fn fail(&mut self) -> u32 {
        let rest = (SHORTEST_REST_MICROS << self.failures.min(10)).min(LONGEST_REST_MICROS);
        self.failures = self.failures.saturating_add(1);
        rest
    }

    /// Whether its link has lasted, which ends the row of failures.
    pub(super) fn makes_good(&mut self, now: Instant) -> bool {
        let Stage::Linked { since, .. } = self.stage else { return false };
        let lasted = since.after_micros(LASTING_LINK_MICROS) <= now;
        if lasted {
            self.failures = 0;
        }
        lasted
    }

    pub(super) fn link(&self) -> Option<LinkId> {
        match self.stage {
            Stage::Linked { link, .. } => Some(link),
            _ => None,
        }
    }

    pub(super) fn dial(&self) -> Option<DialId> {
        match self.stage {
            Stage::Connecting { dial, .. } | Stage::Greeting { dial, .. } => Some(dial),
            _ => None,
        }
    }

    /// Whether it may make room for another one.
    pub(super) fn is_expendable(&self) -> bool {
        matches!(self.stage, Stage::Waiting { .. } | Stage::Resting { .. })
    }

    /// Whose turn it is, by the lowest number: those that do not yield, and then by the time.
    pub(super) fn turn(yields: bool, time: Instant) -> u64 {
        time.as_micros() | u64::from(yields) << 63
    }

    /// Heard again after its rest, it is waited for and dialled as a new one.
    pub(super) fn end_rest(&mut self, now: Instant, stage: Stage) {
        if matches!(self.stage, Stage::Resting { until } if until <= now) {
            self.stage = stage;
        }
    }
}
