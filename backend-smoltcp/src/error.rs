//! What can go wrong, by who can mend it: the program's sockets ([`Error`]) and its set-up
//! ([`ConfigError`]).

use core::fmt;

use embedded_nal::{TcpError, TcpErrorKind};

/// Why a socket call failed.
///
/// [`TcpError::kind`] is [`TcpErrorKind::PipeClosed`] for [`Closed`](Self::Closed) alone: a
/// connection that broke (reset, timed out) may have lost something, and is not told as closed.
///
/// ```
/// use cable_car_smoltcp::Error;
/// use embedded_nal::{TcpError, TcpErrorKind};
///
/// assert_eq!(Error::Closed.kind(), TcpErrorKind::PipeClosed);
/// assert_eq!(Error::Reset.kind(), TcpErrorKind::Other);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// Every TCP socket of the storage is in use.
    NoFreeTcpSocket,
    /// Every UDP socket of the storage is in use.
    NoFreeUdpSocket,
    /// [`MAX_LISTENERS`](crate::MAX_LISTENERS) ports are listened on already.
    NoFreeListener,
    /// Every ephemeral port is in use.
    NoFreePort,
    /// Another socket of this stack has the port.
    PortInUse,
    /// The socket was closed already, or belongs to another stack.
    UnknownSocket,
    /// The call does not fit what the socket is: a bound one bound again, a listener read from, a
    /// connected one connected elsewhere.
    WrongUse,
    /// The socket was never connected, or is not yet.
    NotConnected,
    /// The socket has no port yet.
    NotBound,
    /// The address is no single host's (or, for UDP, unspecified), or the port is 0.
    InvalidRemote,
    /// The address is IPv6, which this stack does not speak.
    Ipv6Unsupported,
    /// The stack has no address yet, or no longer.
    NoAddress,
    /// The host is on another network and there is no gateway, or it is this stack itself.
    Unreachable,
    /// The peer refused the connection: nothing listens there, or its backlog is full.
    Refused,
    /// The peer reset the connection.
    Reset,
    /// The peer did not answer in time.
    TimedOut,
    /// The stack's own address changed under the connection.
    AddressLost,
    /// The connection is closed.
    Closed,
    /// The datagram fits neither the network nor the socket's send buffer.
    DatagramTooLong,
}

impl TcpError for Error {
    fn kind(&self) -> TcpErrorKind {
        match self {
            Self::Closed => TcpErrorKind::PipeClosed,
            _ => TcpErrorKind::Other,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoFreeTcpSocket => {
                "no free TCP socket: close one, or raise `peers` in the storage"
            }
            Self::NoFreeUdpSocket => {
                "no free UDP socket: close one, or raise `udp_sockets` in the storage"
            }
            Self::NoFreeListener => "no free listener: close one first",
            Self::NoFreePort => "no free ephemeral port: close a socket, or bind to a port",
            Self::PortInUse => "port in use: close the socket that has it, or bind to port 0",
            Self::UnknownSocket => "unknown socket: it was closed, or another stack made it",
            Self::WrongUse => "wrong use of the socket: close it and open a new one",
            Self::NotConnected => "not connected: call connect until it succeeds",
            Self::NotBound => "not bound: bind the socket to a port first",
            Self::InvalidRemote => "invalid remote: name one host, and a port that is not 0",
            Self::Ipv6Unsupported => "IPv6 is not supported: use the peer's IPv4 address",
            Self::NoAddress => "no address yet: set one, or wait for DHCP",
            Self::Unreachable => "host unreachable: set a gateway, or check the address",
            Self::Refused => "connection refused: the peer does not listen or is full, try later",
            Self::Reset => "connection reset by the peer: close the socket",
            Self::TimedOut => "timed out: the peer does not answer, close the socket",
            Self::AddressLost => "own address changed: close the socket and connect anew",
            Self::Closed => "connection closed: close the socket",
            Self::DatagramTooLong => "datagram too long: shorten it, or raise `udp_tx_bytes`",
        })
    }
}

impl core::error::Error for Error {}

/// Why the stack can not be set up as asked.
///
/// ```
/// # use cable_car::Instant;
/// # use cable_car_smoltcp::{Config, ConfigError, Stack, Storage, storage, wire::Wire};
/// # type Memory<'a> = storage!('a, peers: 2);
/// # let (mut memory, wire): (Memory, Wire) = (Storage::new(), Wire::new());
/// # let now = Instant::default();
/// let config = Config::new([0xff; 6], 7);
/// let error = Stack::new(wire.ends().0, &mut memory, &config, now).err();
/// assert_eq!(error, Some(ConfigError::HardwareAddress));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ConfigError {
    /// The hardware address is a multicast, broadcast or all-zero one.
    HardwareAddress,
    /// The device's medium is not one that this stack speaks.
    Medium,
    /// The device's IP packets are shorter than [`MIN_IP_MTU`](crate::MIN_IP_MTU) bytes.
    Mtu,
    /// The IPv4 address is not one that a host can have in a subnet of that size.
    Address,
    /// The gateway is not another host of the subnet.
    Gateway,
    /// smoltcp was built with a route table of no entries.
    RouteTable,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HardwareAddress => "bad hardware address: give a unicast one",
            Self::Medium => "unsupported medium: use Ethernet, or enable the feature `medium-ip`",
            Self::Mtu => "device MTU too small: IP packets of 576 bytes must fit",
            Self::Address => "bad IPv4 address: give a host's address and a prefix of 1 to 32",
            Self::Gateway => "bad gateway: give another host of the same subnet",
            Self::RouteTable => "no room for a route: raise SMOLTCP_IFACE_MAX_ROUTE_COUNT",
        })
    }
}

impl core::error::Error for ConfigError {}
