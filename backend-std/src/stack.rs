//! The system's sockets as an embedded-nal stack, none of which ever blocks.

mod tcp;
mod udp;

pub use tcp::TcpSocket;
pub use udp::UdpSocket;

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use embedded_nal::{TcpError, TcpErrorKind, nb};
use mio::event::Source;
use mio::{Interest, Registry, Token};

use crate::networks::Network;

/// The system's TCP and UDP sockets under the [socket contract](cable_car::nal): the same code that
/// runs on a microcontroller runs on it unchanged.
///
/// Sockets are non-blocking, bound to IPv4, with `SO_BROADCAST` and address reuse for UDP, with
/// `TCP_NODELAY` and keep-alive for TCP.
///
/// ```
/// use cable_car_std::StdStack;
/// use embedded_nal::{TcpClientStack, nb};
///
/// let mut stack = StdStack::new();
/// let mut socket = stack.socket()?;
/// let nobody = "127.0.0.1:9".parse().unwrap();
/// assert!(nb::block!(stack.connect(&mut socket, nobody)).is_err());
/// # Ok::<(), cable_car_std::StackError>(())
/// ```
#[derive(Debug, Default)]
pub struct StdStack {
    /// Who wants to know when a socket becomes ready.
    registry: Option<Registry>,
    local_address: Option<Ipv4Addr>,
    /// Who is heard and who may dial; everybody where there is no list.
    heard: Option<Vec<Network>>,
}

/// What the system said.
///
/// ```
/// use cable_car_std::StdStack;
/// use embedded_nal::UdpFullStack;
/// use embedded_nal::UdpClientStack;
///
/// let mut stack = StdStack::new();
/// let mut socket = UdpClientStack::socket(&mut stack)?;
/// UdpFullStack::bind(&mut stack, &mut socket, 0)?;
/// # Ok::<(), cable_car_std::StackError>(())
/// ```
pub struct StackError(io::Error);

impl StdStack {
    /// A stack on all interfaces.
    ///
    /// ```
    /// use cable_car_std::StdStack;
    ///
    /// let stack = StdStack::new();
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Listens and dials by this address of the machine alone.
    ///
    /// ```
    /// use cable_car_std::StdStack;
    ///
    /// let stack = StdStack::new().with_local_address([127, 0, 0, 1].into());
    /// ```
    pub fn with_local_address(mut self, address: Ipv4Addr) -> Self {
        self.local_address = Some(address);
        self
    }

    /// Makes `registry` know of every socket from now on.
    pub(crate) fn with_registry(mut self, registry: Registry) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Hears datagrams and takes connections from these networks alone from now on.
    pub(crate) fn set_heard(&mut self, networks: Option<Vec<Network>>) {
        self.heard = networks;
    }

    fn hears(&self, from: SocketAddr) -> bool {
        match (&self.heard, from.ip()) {
            (None, _) => true,
            (Some(networks), IpAddr::V4(from)) => networks.iter().any(|it| it.contains(from)),
            (Some(_), IpAddr::V6(_)) => false,
        }
    }

    fn watch<S: Source>(&self, source: &mut S) -> io::Result<()> {
        match &self.registry {
            Some(registry) => {
                registry.register(source, Token(0), Interest::READABLE | Interest::WRITABLE)
            }
            None => Ok(()),
        }
    }
}

impl StackError {
    /// What the system said.
    ///
    /// ```
    /// use cable_car_std::StdStack;
    /// use embedded_nal::{TcpClientStack, nb};
    ///
    /// let mut stack = StdStack::new();
    /// let mut socket = stack.socket()?;
    /// let nobody = "127.0.0.1:9".parse().unwrap();
    /// if let Err(error) = nb::block!(stack.connect(&mut socket, nobody)) {
    ///     assert_eq!(error.into_inner().kind(), std::io::ErrorKind::ConnectionRefused);
    /// }
    /// # Ok::<(), cable_car_std::StackError>(())
    /// ```
    pub fn into_inner(self) -> io::Error {
        self.0
    }
}

impl From<io::Error> for StackError {
    fn from(error: io::Error) -> Self {
        Self(error)
    }
}

impl From<io::ErrorKind> for StackError {
    fn from(kind: io::ErrorKind) -> Self {
        Self(kind.into())
    }
}

/// As it displays: embedded-nal shows errors by `Debug` alone, and users read them.
impl fmt::Debug for StackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for StackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for StackError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl TcpError for StackError {
    fn kind(&self) -> TcpErrorKind {
        match self.0.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::NotConnected => TcpErrorKind::PipeClosed,
            _ => TcpErrorKind::Other,
        }
    }
}

/// Nothing now is no error in embedded-nal.
fn into_nb<T>(result: io::Result<T>) -> nb::Result<T, StackError> {
    result.map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => nb::Error::WouldBlock,
        _ => nb::Error::Other(StackError(error)),
    })
}
