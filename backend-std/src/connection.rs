//! A connection that stands, before it becomes a messenger.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use cable_car::discovery::Who;
use cable_car::{LinkError, MessageSet};
use mio::net;

use crate::messenger::Messenger;
use crate::tune::tune;

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
    /// A connector knows it as well, but only for a moment at a time.
    pub(crate) stream: Arc<net::TcpStream>,
    pub(crate) remote: SocketAddr,
    pub(crate) local: SocketAddr,
    /// With whom, where a connector found out.
    pub(crate) who: Option<Who>,
    /// The first byte that came, where it had to be read to see what it is.
    pub(crate) first: Option<u8>,
    pub(crate) lease: Option<Lease>,
}

/// Tells a connector, when it is dropped, that a link is no more, and why.
pub(crate) struct Lease {
    ended: Option<Box<dyn FnOnce(LinkError) + Send + Sync>>,
    reason: LinkError,
}

impl Lease {
    pub(crate) fn new(ended: impl FnOnce(LinkError) + Send + Sync + 'static) -> Self {
        Self { ended: Some(Box::new(ended)), reason: LinkError::Closed }
    }

    /// Why the link ends; without it, this side gave it up.
    pub(crate) fn set_reason(&mut self, reason: LinkError) {
        self.reason = reason;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(ended) = self.ended.take() {
            ended(self.reason);
        }
    }
}

impl Connection {
    pub(crate) fn new(stream: net::TcpStream, lease: Option<Lease>) -> io::Result<Self> {
        let remote = stream.peer_addr()?;
        let local = stream.local_addr()?;
        Ok(Self { stream: Arc::new(stream), remote, local, who: None, first: None, lease })
    }

    /// The address of the peer.
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, Connection, Messenger};
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let stream = std::net::TcpStream::connect(listener.local_addr()?)?;
    /// let connection = Connection::try_from(stream)?;
    /// assert_eq!(connection.remote_address(), listener.local_addr()?);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn remote_address(&self) -> SocketAddr {
        self.remote
    }

    /// The address of this end.
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, Connection, Messenger};
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let stream = std::net::TcpStream::connect(listener.local_addr()?)?;
    /// let connection = Connection::try_from(stream)?;
    /// assert_eq!(connection.local_address(), listener.accept()?.0.peer_addr()?);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn local_address(&self) -> SocketAddr {
        self.local
    }

    /// With whom the connection is, as the [events](crate::Event) of its connector call them: several
    /// programs of one machine share its address, but not this. `None` for a connection that no
    /// connector made, where nobody has said who they are.
    ///
    /// ```
    /// use cable_car_std::{BroadcastConnector, Who};
    ///
    /// let builder = BroadcastConnector::builder().on_connect(|connection| match connection.who() {
    ///     Some(Who::Instance(instance)) => println!("{instance} is here"),
    ///     Some(Who::Legacy(address)) => println!("a program that does not say who it is, at {address}"),
    ///     None => unreachable!("a connector knows"),
    /// });
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let direct = std::net::TcpStream::connect(listener.local_addr()?)?;
    /// # assert_eq!(cable_car_std::Connection::try_from(direct)?.who(), None);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn who(&self) -> Option<Who> {
        self.who
    }

    /// Passes messages over this connection.
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, Connection, Messenger};
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let stream = std::net::TcpStream::connect(listener.local_addr()?)?;
    /// let connection = Connection::try_from(stream)?;
    /// let messenger = connection.into_messenger::<AnyByte>();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn into_messenger<S: MessageSet>(self) -> Messenger<S> {
        Messenger::new(self)
    }

    /// The socket itself, blocking as the standard library's sockets are, and the first byte that
    /// came where a connector had to read it to see what the connection is.
    ///
    /// The connector that made the connection takes it for ended then, and dials the peer again
    /// when it is heard.
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, Connection, Messenger};
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let stream = std::net::TcpStream::connect(listener.local_addr()?)?;
    /// let connection = Connection::try_from(stream)?;
    /// let (stream, first) = connection.into_stream()?;
    /// assert_eq!(first, None); // only a connector may have had to read a byte
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where the system can not make the socket blocking.
    pub fn into_stream(self) -> io::Result<(TcpStream, Option<u8>)> {
        // With the lease gone the connector knows the socket no more.
        drop(self.lease);
        let stream = Arc::into_inner(self.stream).ok_or(io::ErrorKind::ResourceBusy)?;
        let stream = TcpStream::from(stream);
        stream.set_nonblocking(false)?;
        Ok((stream, self.first))
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
            .field("who", &self.who)
            .finish_non_exhaustive()
    }
}
