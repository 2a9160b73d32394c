//! What discovery has to say: what is to be done, and what to do with a connection.

use core::net::SocketAddrV4;

use super::peer::{DialId, LinkId, Who};
use super::wire::Hello;

/// What is to be done now.
///
/// ```
/// use cable_car::Instant;
/// use cable_car::discovery::{Action, Config, Discovery, Instance};
/// use core::time::Duration;
///
/// let config = Config { timeout: Some(Duration::from_secs(5)), ..Config::new(Instance::new(7)) };
/// let mut discovery: Discovery<4> = Discovery::new(config, Instant::default());
/// assert_eq!(discovery.poll(Instant::default()), Some(Action::Broadcast));
/// assert_eq!(discovery.poll(Instant::from_millis(5000)), Some(Action::TimedOut));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Send a beacon to everybody.
    Broadcast,
    /// Send a beacon that answers one to this address.
    Answer(SocketAddrV4),
    /// Dial this address.
    Dial(DialId, SocketAddrV4),
    /// Give up a dial: it took too long.
    GiveUp(DialId),
    /// The peer of this link, an instance, has sent no beacon for two and a quarter of its intervals,
    /// and no goodbye: its machine may be gone. What it was sent and does not acknowledge is to end
    /// the link soon, which a program that is merely busy would have longer for: a live one beacons on.
    Doubt(LinkId),
    /// The peer of a doubted link was heard again, or said goodbye: all is as before the doubt.
    Trust(LinkId),
    /// Stop: the time to look for peers is over.
    TimedOut,
}

/// What to do with a connection that has come in.
///
/// ```
/// use cable_car::discovery::{LinkId, Verdict};
///
/// /// The link that is to be closed.
/// fn over(verdict: Verdict) -> Option<LinkId> {
///     match verdict {
///         Verdict::Link { replaces, .. } => replaces,
///         Verdict::Refuse => None,
///     }
/// }
/// assert_eq!(over(Verdict::Refuse), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is a link. A hello is to be answered by a welcome.
    Link {
        /// The new link.
        link: LinkId,
        /// The link with the same peer that is over by this one.
        replaces: Option<LinkId>,
    },
    /// Close it: there is a link with this peer, or it is not for us.
    Refuse,
}

/// What to do with a dial that got through.
///
/// ```
/// use cable_car::discovery::{LONGEST, Reached};
/// use std::io::{Result, Write};
///
/// /// Does what is to be done with a connection that was dialled.
/// fn go_on(reached: &Reached, connection: &mut impl Write) -> Result<()> {
///     match reached {
///         Reached::Greet(hello) => connection.write_all(hello.write(&mut [0; LONGEST])),
///         Reached::Link(_) | Reached::NotWanted => Ok(()),
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reached {
    /// Say this hello, and wait for the welcome.
    Greet(Hello),
    /// It is a link: legacy peers are not greeted.
    Link(LinkId),
    /// Close it: the peer was faster.
    NotWanted,
}

/// A link that is over.
///
/// ```
/// use cable_car::discovery::{Departure, Who};
///
/// let departure = Departure { who: Who::Legacy([10, 0, 0, 2].into()), goodbye: false };
/// let how = if departure.goodbye { "has left" } else { "is lost" };
/// assert_eq!(format!("{} {how}", departure.who), "legacy peer 10.0.0.2 is lost");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Departure {
    /// Whose it was.
    pub who: Who,
    /// Whether the peer had said goodbye; otherwise it is lost, and linked again when it is heard.
    pub goodbye: bool,
}
