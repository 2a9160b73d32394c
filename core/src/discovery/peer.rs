//! What is known of one peer.

use core::fmt;
use core::net::{Ipv4Addr, SocketAddrV4};

use super::wire::Instance;
use crate::time::Instant;

/// What a peer is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub(super) u32);

/// One dial, among all that there have been since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    pub(super) heard_at: Instant,
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
    Linked { link: LinkId, since: Instant },
    /// It could not be dialled or was lost: not dialled before this time, and only if heard.
    Resting { until: Instant },
}

impl Peer {
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

    /// Heard again after its rest, it is waited for and dialled as a new one.
    pub(super) fn end_rest(&mut self, now: Instant, stage: Stage) {
        if matches!(self.stage, Stage::Resting { until } if until <= now) {
            self.stage = stage;
        }
    }
}
