//! The system's sockets as an embedded-nal stack, none of which ever blocks.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr};

use cable_car::nal::LocalAddress;
use embedded_nal::{
    TcpClientStack, TcpError, TcpErrorKind, TcpFullStack, UdpClientStack, UdpFullStack, nb,
};
use mio::event::Source;
use mio::{Interest, Registry, Token, net};
use socket2::{Domain, Protocol, Socket, Type};

use crate::networks::Network;
use crate::tune::tune;

/// How many connections may wait to be accepted: those of a flood, and those of peers among them.
const BACKLOG: i32 = 1024;

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

/// A TCP socket of [`StdStack`].
///
/// ```
/// use cable_car_std::{StdStack, TcpSocket};
/// use embedded_nal::{TcpClientStack, TcpFullStack};
///
/// let mut stack = StdStack::new();
/// let mut listener: TcpSocket = stack.socket()?;
/// stack.bind(&mut listener, 0)?; // any free port
/// stack.listen(&mut listener)?;
/// # Ok::<(), cable_car_std::StackError>(())
/// ```
#[derive(Debug)]
pub struct TcpSocket(Tcp);

#[derive(Debug)]
enum Tcp {
    New,
    Bound(Socket),
    Connecting(net::TcpStream),
    Connected(net::TcpStream),
    Listening(net::TcpListener),
}

/// A UDP socket of [`StdStack`].
///
/// ```
/// use cable_car_std::{StdStack, UdpSocket};
/// use embedded_nal::{UdpClientStack, UdpFullStack, nb};
///
/// let mut stack = StdStack::new();
/// let mut socket: UdpSocket = stack.socket()?;
/// stack.bind(&mut socket, 0)?; // any free port
/// let nothing = stack.receive(&mut socket, &mut [0; 64]);
/// assert!(matches!(nothing, Err(nb::Error::WouldBlock)));
/// # Ok::<(), cable_car_std::StackError>(())
/// ```
#[derive(Debug)]
pub struct UdpSocket(Option<net::UdpSocket>);

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

    /// Takes a connected socket out of the stack's hands.
    pub(crate) fn release(&self, mut socket: TcpSocket) -> io::Result<net::TcpStream> {
        self.unwatch(&mut socket)?;
        match socket.0 {
            Tcp::Connected(stream) => Ok(stream),
            _ => Err(io::ErrorKind::NotConnected.into()),
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

    fn unwatch(&self, socket: &mut TcpSocket) -> io::Result<()> {
        let Some(registry) = &self.registry else {
            return Ok(());
        };
        match &mut socket.0 {
            Tcp::Connecting(stream) | Tcp::Connected(stream) => registry.deregister(stream),
            Tcp::Listening(listener) => registry.deregister(listener),
            Tcp::New | Tcp::Bound(_) => Ok(()),
        }
    }

    /// A socket of this machine's address and `port`.
    fn bound(&self, port: u16) -> io::Result<Socket> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        // Elsewhere it means that a port can be had in spite of connections that just ended; on
        // Windows it would mean that it can be taken from another program.
        #[cfg(not(windows))]
        socket.set_reuse_address(true)?;
        let address = self.local_address.unwrap_or(Ipv4Addr::UNSPECIFIED);
        socket.bind(&SocketAddr::from((address, port)).into())?;
        Ok(socket)
    }

    fn dial(&self, bound: Option<Socket>, remote: SocketAddr) -> io::Result<net::TcpStream> {
        let bound = match bound {
            None if self.local_address.is_some() => Some(self.bound(0)?),
            bound => bound,
        };
        let mut stream = match bound {
            None => net::TcpStream::connect(remote)?,
            Some(socket) => match socket.connect(&remote.into()) {
                Err(error) if !is_in_progress(&error) => return Err(error),
                _ => net::TcpStream::from_std(socket.into()),
            },
        };
        self.watch(&mut stream)?;
        Ok(stream)
    }
}

fn is_in_progress(error: &io::Error) -> bool {
    // Windows says that it would block.
    #[cfg(unix)]
    let is_in_progress = error.raw_os_error() == Some(libc::EINPROGRESS);
    #[cfg(not(unix))]
    let is_in_progress = false;
    is_in_progress || error.kind() == io::ErrorKind::WouldBlock
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
fn nb<T>(result: io::Result<T>) -> nb::Result<T, StackError> {
    result.map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => nb::Error::WouldBlock,
        _ => nb::Error::Other(StackError(error)),
    })
}

impl TcpClientStack for StdStack {
    type TcpSocket = TcpSocket;
    type Error = StackError;

    fn socket(&mut self) -> Result<TcpSocket, StackError> {
        Ok(TcpSocket(Tcp::New))
    }

    fn connect(
        &mut self,
        socket: &mut TcpSocket,
        remote: SocketAddr,
    ) -> nb::Result<(), StackError> {
        if matches!(socket.0, Tcp::New | Tcp::Bound(_)) {
            let bound = match std::mem::replace(&mut socket.0, Tcp::New) {
                Tcp::Bound(bound) => Some(bound),
                _ => None,
            };
            socket.0 = Tcp::Connecting(nb(self.dial(bound, remote))?);
        }
        let Tcp::Connecting(stream) = &socket.0 else {
            return match socket.0 {
                Tcp::Connected(_) => Ok(()),
                _ => Err(nb::Error::Other(io::ErrorKind::InvalidInput.into())),
            };
        };
        let outcome = match stream.take_error() {
            Ok(Some(error)) | Err(error) => Err(error),
            Ok(None) => stream.peer_addr().map(|_| ()),
        };
        match outcome {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                return Err(nb::Error::WouldBlock);
            }
            Err(error) => {
                // The system tells why only once; a socket that failed dials anew when asked to.
                socket.0 = Tcp::New;
                return Err(nb::Error::Other(StackError(error)));
            }
        }
        nb(tune(stream))?;
        if let Tcp::Connecting(stream) = std::mem::replace(&mut socket.0, Tcp::New) {
            socket.0 = Tcp::Connected(stream);
        }
        Ok(())
    }

    fn send(&mut self, socket: &mut TcpSocket, buffer: &[u8]) -> nb::Result<usize, StackError> {
        match &mut socket.0 {
            Tcp::Connected(stream) => nb(stream.write(buffer)),
            _ => Err(nb::Error::Other(io::ErrorKind::NotConnected.into())),
        }
    }

    fn receive(
        &mut self,
        socket: &mut TcpSocket,
        buffer: &mut [u8],
    ) -> nb::Result<usize, StackError> {
        match &mut socket.0 {
            Tcp::Connected(stream) => nb(stream.read(buffer)),
            _ => Err(nb::Error::Other(io::ErrorKind::NotConnected.into())),
        }
    }

    fn close(&mut self, mut socket: TcpSocket) -> Result<(), StackError> {
        Ok(self.unwatch(&mut socket)?)
    }
}

impl TcpFullStack for StdStack {
    fn bind(&mut self, socket: &mut TcpSocket, local_port: u16) -> Result<(), StackError> {
        let Tcp::New = socket.0 else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        socket.0 = Tcp::Bound(self.bound(local_port)?);
        Ok(())
    }

    fn listen(&mut self, socket: &mut TcpSocket) -> Result<(), StackError> {
        let Tcp::Bound(bound) = std::mem::replace(&mut socket.0, Tcp::New) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        bound.listen(BACKLOG)?;
        let mut listener = net::TcpListener::from_std(bound.into());
        self.watch(&mut listener)?;
        socket.0 = Tcp::Listening(listener);
        Ok(())
    }

    fn accept(
        &mut self,
        socket: &mut TcpSocket,
    ) -> nb::Result<(TcpSocket, SocketAddr), StackError> {
        let Tcp::Listening(listener) = &socket.0 else {
            return Err(nb::Error::Other(io::ErrorKind::InvalidInput.into()));
        };
        let (mut stream, remote) = nb(listener.accept())?;
        if !self.hears(remote) {
            // Handed on all the same, as one that is at its end: nobody's flood is dealt with here.
            let _ = stream.shutdown(Shutdown::Both);
        }
        nb(tune(&stream))?;
        nb(self.watch(&mut stream))?;
        Ok((TcpSocket(Tcp::Connected(stream)), remote))
    }
}

impl LocalAddress for StdStack {
    fn local_address(&self, socket: &TcpSocket) -> Option<SocketAddr> {
        match &socket.0 {
            Tcp::Connected(stream) => stream.local_addr().ok(),
            Tcp::Listening(listener) => listener.local_addr().ok(),
            _ => None,
        }
    }
}

impl UdpClientStack for StdStack {
    type UdpSocket = UdpSocket;
    type Error = StackError;

    fn socket(&mut self) -> Result<UdpSocket, StackError> {
        Ok(UdpSocket(None))
    }

    fn connect(&mut self, socket: &mut UdpSocket, remote: SocketAddr) -> Result<(), StackError> {
        if socket.0.is_none() {
            UdpFullStack::bind(self, socket, 0)?;
        }
        Ok(socket.bound()?.connect(remote)?)
    }

    fn send(&mut self, socket: &mut UdpSocket, buffer: &[u8]) -> nb::Result<(), StackError> {
        nb(socket.bound()?.send(buffer).map(|_| ()))
    }

    fn receive(
        &mut self,
        socket: &mut UdpSocket,
        buffer: &mut [u8],
    ) -> nb::Result<(usize, SocketAddr), StackError> {
        let (len, from) = nb(socket.bound()?.recv_from(buffer))?;
        // Handed on empty, so that whoever receives goes on counting.
        Ok((if self.hears(from) { len } else { 0 }, from))
    }

    fn close(&mut self, socket: UdpSocket) -> Result<(), StackError> {
        match (&self.registry, socket.0) {
            (Some(registry), Some(mut socket)) => Ok(registry.deregister(&mut socket)?),
            _ => Ok(()),
        }
    }
}

impl UdpFullStack for StdStack {
    fn bind(&mut self, socket: &mut UdpSocket, local_port: u16) -> Result<(), StackError> {
        let bound = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        bound.set_nonblocking(true)?;
        bound.set_reuse_address(true)?;
        bound.set_broadcast(true)?;
        // Not to the local address: a socket bound to one hears no broadcast.
        bound.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, local_port)).into())?;
        let mut bound = net::UdpSocket::from_std(bound.into());
        self.watch(&mut bound)?;
        socket.0 = Some(bound);
        Ok(())
    }

    fn send_to(
        &mut self,
        socket: &mut UdpSocket,
        remote: SocketAddr,
        buffer: &[u8],
    ) -> nb::Result<(), StackError> {
        nb(socket.bound()?.send_to(buffer, remote).map(|_| ()))
    }
}

impl UdpSocket {
    fn bound(&self) -> Result<&net::UdpSocket, StackError> {
        self.0.as_ref().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}
