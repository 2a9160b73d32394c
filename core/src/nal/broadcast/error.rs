//! What a connector has to tell, good and bad.

use core::fmt;
use core::net::SocketAddrV4;

use embedded_nal::{TcpClientStack, UdpClientStack};

use crate::discovery::{LinkId, Who};
use crate::nal::{ConnectError, Connection};

/// What a connector has to tell.
///
/// ```
/// use cable_car::nal::Event;
///
/// fn name<Socket, E>(event: &Event<Socket, E>) -> &'static str {
///     match event {
///         Event::Joined { .. } => "joined",
///         Event::Unreachable { .. } => "unreachable",
///         _ => "something else",
///     }
/// }
/// assert_eq!(name::<(), ()>(&Event::TimedOut), "something else");
/// ```
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Event<Socket, E> {
    /// A link stands. When it ends, [`BroadcastConnector::unlinked`](super::BroadcastConnector)
    /// wants to know.
    Joined {
        /// Its connection.
        connection: Connection<Socket>,
        /// With whom.
        who: Who,
        /// Which link it is.
        link: LinkId,
        /// An earlier link with the same peer that is over by this one.
        replaces: Option<LinkId>,
    },
    /// A peer was heard and could not be dialled; it is dialled again when it is heard again.
    Unreachable {
        /// Where it was dialled.
        remote: SocketAddrV4,
        /// Why it failed: what the stack said, or the time was over.
        reason: ConnectError<E>,
    },
    /// The peer of a link has fallen silent: no beacon for two and a quarter of its intervals, and no
    /// goodbye. A stack that notices dead machines by itself, within that time, needs nothing from the
    /// program; with another one, this is the moment to have what is unacknowledged end the link.
    Doubted {
        /// Which link.
        link: LinkId,
    },
    /// The peer of a doubted link was heard again.
    Trusted {
        /// Which link.
        link: LinkId,
    },
    /// The time to look for peers is over.
    TimedOut,
}

/// Why a connector could not do its work now.
///
/// ```
/// use cable_car::nal::ConnectorError;
///
/// let error: ConnectorError<&str, &str> = ConnectorError::Beacon("no route");
/// assert_eq!(error.to_string(), "can not send a beacon: \"no route\"");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ConnectorError<T, U> {
    /// The UDP port for beacons could not be had.
    Udp(U),
    /// No TCP port could be listened on.
    Listen(ConnectError<T>),
    /// A beacon could not be sent to any address; it is tried again at the next interval.
    Beacon(U),
    /// Beacons can not be received now.
    Hear(U),
    /// A connection could not be accepted now.
    Accept(T),
}

impl<T: fmt::Debug, U: fmt::Debug> fmt::Display for ConnectorError<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp(error) => write!(f, "can not use the beacon port: {error:?}"),
            Self::Listen(error) => error.fmt(f),
            Self::Beacon(error) => write!(f, "can not send a beacon: {error:?}"),
            Self::Hear(error) => write!(f, "can not receive beacons: {error:?}"),
            Self::Accept(error) => write!(f, "can not accept a connection: {error:?}"),
        }
    }
}

impl<T: fmt::Debug, U: fmt::Debug> core::error::Error for ConnectorError<T, U> {}

pub(super) type EventOf<T> = Event<<T as TcpClientStack>::TcpSocket, <T as TcpClientStack>::Error>;
pub(super) type ErrorOf<T> =
    ConnectorError<<T as TcpClientStack>::Error, <T as UdpClientStack>::Error>;
