//! A connection that stands, before it becomes a messenger.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream};

use cable_car::MessageSet;
use mio::net;

use crate::messenger::Messenger;
use crate::stack::tune;

/// A connected TCP socket and who is at the other end.
///
/// Comes from a connector, or from a [`TcpStream`] of one's own; becomes a [`Messenger`], or a
/// [`TcpStream`] again.
///
/// ```
/// use cable_car_std::{AnyByte, Connection, Messenger};
/// use std::net::{TcpListener, TcpStream};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let connection = Connection::try_from(TcpStream::connect(listener.local_addr()?)?)?;
/// assert_eq!(connection.remote_address(), listener.local_addr()?);
/// let messenger: Messenger<AnyByte> = connection.into();
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Connection {
    pub(crate) stream: net::TcpStream,
    pub(crate) remote: SocketAddr,
    pub(crate) local: SocketAddr,
    pub(crate) lease: Option<Lease>,
}

/// Tells a connector, when it is dropped, that a connection is no more.
pub(crate) struct Lease(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Lease {
    pub(crate) fn new(ended: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(ended)))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(ended) = self.0.take() {
            ended();
        }
    }
}

impl Connection {
    pub(crate) fn new(stream: net::TcpStream, lease: Option<Lease>) -> io::Result<Self> {
        let remote = stream.peer_addr()?;
        let local = stream.local_addr()?;
        Ok(Self { stream, remote, local, lease })
    }

    /// The address of the peer.
    pub fn remote_address(&self) -> SocketAddr {
        self.remote
    }

    /// The address of this end.
    pub fn local_address(&self) -> SocketAddr {
        self.local
    }

    /// Passes messages over this connection.
    pub fn into_messenger<S: MessageSet>(self) -> Messenger<S> {
        Messenger::new(self)
    }

    /// The socket itself, blocking as the standard library's sockets are.
    ///
    /// The connector that made the connection takes it for ended then, and dials the peer again
    /// when it is heard.
    ///
    /// # Errors
    /// Where the system can not make the socket blocking.
    pub fn into_stream(self) -> io::Result<TcpStream> {
        let stream = TcpStream::from(self.stream);
        stream.set_nonblocking(false)?;
        Ok(stream)
    }
}

impl TryFrom<TcpStream> for Connection {
    type Error = io::Error;

    /// Makes the stream non-blocking, switches its delay off and its keep-alive on.
    fn try_from(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let stream = net::TcpStream::from_std(stream);
        tune(&stream)?;
        Self::new(stream, None)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("remote", &self.remote)
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}
