//! Why a connector did not start.

use std::{fmt, io};

use cable_car::discovery::Config;
use cable_car::nal::{ConnectError, ConnectorError};

use crate::stack::StackError;

/// Why a connector did not start.
///
/// ```
/// use cable_car_std::{BroadcastConnector, StartError};
///
/// match BroadcastConnector::builder().interfaces(["127.0.0.1"]).start() {
///     Ok(connector) => drop(connector),
///     Err(StartError::BeaconPort(port, _)) => eprintln!("who else uses UDP port {port}?"),
///     Err(error) => eprintln!("{error}"),
/// }
/// ```
#[non_exhaustive]
pub enum StartError {
    /// An option can not be as it is; the text says what it should be.
    Config(&'static str),
    /// The UDP port for beacons can not be had.
    BeaconPort(u16, io::Error),
    /// Neither this TCP port nor any other can be had.
    TcpPort(u16, io::Error),
    /// No beacon can be sent: no network is up.
    NoNetwork(io::Error),
    /// The system did not give what a background thread needs.
    System(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(what) => f.write_str(what),
            Self::BeaconPort(port, error) => write!(
                f,
                "UDP port {port} for beacons can not be used: {error}; choose another udp_port on \
                 all peers"
            ),
            Self::TcpPort(port, error) => {
                write!(f, "neither TCP port {port} nor any other can be listened on: {error}")
            }
            Self::NoNetwork(error) => write!(
                f,
                "no beacon can be sent: {error}; bring a network up, or the loopback interface to find \
                 peers on this machine"
            ),
            Self::System(error) => write!(f, "the connector can not run: {error}"),
        }
    }
}

/// In the same words: a `main` that returns the error prints it by `Debug`, and what to do stands in them.
impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Config(_) => None,
            Self::BeaconPort(_, error)
            | Self::TcpPort(_, error)
            | Self::NoNetwork(error)
            | Self::System(error) => Some(error),
        }
    }
}

impl StartError {
    /// What the first poll failed with, as the caller should read it.
    pub(super) fn of(config: &Config, error: ConnectorError<StackError, StackError>) -> Self {
        match error {
            ConnectorError::Udp(error) => Self::BeaconPort(config.udp_port, error.into_inner()),
            ConnectorError::Listen(ConnectError::Listen(error) | ConnectError::NoSocket(error)) => {
                Self::TcpPort(config.tcp_port, error.into_inner())
            }
            ConnectorError::Beacon(error) => Self::NoNetwork(error.into_inner()),
            other => Self::System(io::Error::other(other.to_string())),
        }
    }
}
