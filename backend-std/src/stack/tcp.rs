//! The TCP sockets of the stack.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};

use cable_car::nal::LocalAddress;
use embedded_nal::{TcpClientStack, TcpFullStack, nb};
use mio::net;
use socket2::{Domain, Protocol, Socket, Type};

use super::{StackError, StdStack, into_nb};
use crate::tune::tune;

/// How many connections may wait to be accepted: those of a flood, and those of peers among them.
const BACKLOG: i32 = 1024;

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
            socket.0 = Tcp::Connecting(into_nb(self.dial(bound, remote))?);
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
        into_nb(tune(stream))?;
        if let Tcp::Connecting(stream) = std::mem::replace(&mut socket.0, Tcp::New) {
            socket.0 = Tcp::Connected(stream);
        }
        Ok(())
    }

    fn send(&mut self, socket: &mut TcpSocket, buffer: &[u8]) -> nb::Result<usize, StackError> {
        match &mut socket.0 {
            Tcp::Connected(stream) => into_nb(stream.write(buffer)),
            _ => Err(nb::Error::Other(io::ErrorKind::NotConnected.into())),
        }
    }

    fn receive(
        &mut self,
        socket: &mut TcpSocket,
        buffer: &mut [u8],
    ) -> nb::Result<usize, StackError> {
        match &mut socket.0 {
            Tcp::Connected(stream) => into_nb(stream.read(buffer)),
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
        let (mut stream, remote) = into_nb(listener.accept())?;
        if !self.hears(remote) {
            // Handed on all the same, as one that is at its end: nobody's flood is dealt with here.
            let _ = stream.shutdown(Shutdown::Both);
        }
        into_nb(tune(&stream))?;
        into_nb(self.watch(&mut stream))?;
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

impl StdStack {
    /// Takes a connected socket out of the stack's hands.
    pub(crate) fn release(&self, mut socket: TcpSocket) -> io::Result<net::TcpStream> {
        self.unwatch(&mut socket)?;
        match socket.0 {
            Tcp::Connected(stream) => Ok(stream),
            _ => Err(io::ErrorKind::NotConnected.into()),
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
