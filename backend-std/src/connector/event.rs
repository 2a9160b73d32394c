//! What happens to peers.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};

use cable_car::LinkError;
use cable_car::discovery::Who;

use super::DialError;

/// What a connector has to tell of its peers.
///
/// ```
/// use cable_car_std::Event;
///
/// fn show(event: &Event) {
///     match event {
///         Event::Joined { who, address } => println!("{who} at {address}: welcome"),
///         Event::Lost { who, .. } => println!("{who}: may come back"),
///         other => println!("{other}"),
///     }
/// }
/// show(&Event::Stopped);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A link stands.
    Joined {
        /// With whom.
        who: Who,
        /// Where they are.
        address: Ipv4Addr,
    },
    /// A link has ended, and its peer had said goodbye or this side closed it.
    Left {
        /// With whom it was.
        who: Who,
        /// Why it ended.
        reason: LinkError,
    },
    /// A link has ended without a goodbye; the peer is linked again when it is heard.
    Lost {
        /// With whom it was.
        who: Who,
        /// Why it ended.
        reason: LinkError,
    },
    /// A link has ended because the same peer opened a new one, which is told next.
    Replaced {
        /// With whom.
        who: Who,
    },
    /// A peer was heard and could not be dialled; it is dialled again when it is heard again.
    Unreachable {
        /// Where it was dialled.
        address: SocketAddrV4,
        /// Why the dial failed.
        reason: DialError,
    },
    /// The connector has stopped: its timeout is over, it has the one peer that was wanted, or the
    /// program stopped or dropped it.
    Stopped,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Joined { who, address } => write!(f, "{who} at {address} joined"),
            Self::Left { who, reason } => write!(f, "{who} left: {reason}"),
            Self::Lost { who, reason } => write!(f, "{who} was lost: {reason}"),
            Self::Replaced { who } => write!(f, "{who} opened a new link"),
            Self::Unreachable { address, reason } => {
                write!(f, "{address} can't be dialled: {reason}")
            }
            Self::Stopped => f.write_str("looking for peers has ended"),
        }
    }
}
