//! A link over a socket, with buffers that grow and a wait that costs nothing.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cable_car::nal::Unsent;
use cable_car::{BadMessage, Link, LinkError, MessageSet, Outgoing, SendError};
use mio::{Registry, Token};

use crate::buffer::{BufferSize, Growing};
use crate::connection::Connection;
use crate::deadline::Deadline;
use crate::logging;
use crate::socket::Socket;

/// Passes messages over a connection.
///
/// [`send`](Self::send) queues, [`xfer`](Self::xfer) transfers, [`get`](Self::get) takes out what
/// has come; none of them ever waits. A program that has nothing else to do sleeps in
/// [`wait`](Self::wait) or [`recv`](Self::recv), or serves many messengers with one
/// [`Watch`](crate::Watch).
///
/// `S` is the program's [`message_set!`](crate::message_set).
///
/// ```
/// use cable_car_std::{Connection, Identify, Join, Messenger, message_set};
/// use std::net::{TcpListener, TcpStream};
/// use std::time::Duration;
///
/// message_set! { #[derive(Debug)] enum Game: Byte { Identify, Join } }
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let here = TcpStream::connect(listener.local_addr()?)?;
/// let mut here: Messenger<Game> = Connection::try_from(here)?.into();
/// let mut there: Messenger<Game> = Connection::try_from(listener.accept()?.0)?.into();
///
/// here.send(&Join)?;
/// here.xfer()?;
/// assert!(there.wait(Some(Duration::from_secs(5)))?);
/// assert!(matches!(there.get(), Some(Ok(Game::Join(_)))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Messenger<S: MessageSet> {
    link: Link<S, Growing, Growing>,
    socket: Option<Socket>,
    remote: SocketAddr,
    local: SocketAddr,
}

/// Why [`Messenger::recv`] gave no message.
///
/// ```
/// use cable_car_std::{LinkError, RecvError};
///
/// fn is_over(error: &RecvError) -> bool {
///     matches!(error, RecvError::Ended(_))
/// }
/// assert!(is_over(&RecvError::Ended(LinkError::ClosedByPeer)));
/// assert!(!is_over(&RecvError::TimedOut));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum RecvError {
    /// None came within the time.
    TimedOut,
    /// A message came that could not be understood; the link goes on.
    Bad(BadMessage),
    /// The link has ended.
    Ended(LinkError),
    /// The system could not wait.
    Wait(io::Error),
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("no message came within the time"),
            Self::Bad(bad) => bad.fmt(f),
            Self::Ended(end) => end.fmt(f),
            Self::Wait(error) => write!(f, "can not wait for messages: {error}"),
        }
    }
}

impl std::error::Error for RecvError {}

impl<S: MessageSet> Messenger<S> {
    /// Passes messages over `connection`, with buffers of the default size.
    ///
    /// ```
    /// use cable_car_std::{AnyByte, DirectServer, Messenger};
    /// # use cable_car_std::DirectClient;
    ///
    /// let mut server = DirectServer::bind("127.0.0.1:0")?;
    /// # let _client = DirectClient::new(server.local_address()?).connect()?;
    /// let peer = Messenger::<AnyByte>::new(server.accept(None)?);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new(connection: Connection) -> Self {
        Self::with_buffers(connection, BufferSize::default())
    }

    /// Passes messages over `connection`, each way with a buffer of `size`.
    ///
    /// ```
    /// use cable_car_std::{AnyJson, BufferSize, Connection, Messenger};
    ///
    /// fn from_a_stranger(connection: Connection) -> Messenger<AnyJson> {
    ///     let size = BufferSize { initial: 1024, limit: 64 << 10 };
    ///     Messenger::with_buffers(connection, size)
    /// }
    /// ```
    pub fn with_buffers(connection: Connection, size: BufferSize) -> Self {
        let Connection { stream, remote, local, first, lease } = connection;
        let socket = Socket::new(stream, lease);
        let mut link = Link::new(Growing::new(size), Growing::new(size));
        if let Some(first) = first {
            link.put_first(first);
        }
        Self { link, socket: Some(socket), remote, local }
    }

    /// Queues a message; the next [`xfer`](Self::xfer) or [`wait`](Self::wait) sends it.
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, Connection, Join, Messenger, SendError};
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let here = std::net::TcpStream::connect(listener.local_addr()?)?;
    /// # let mut peer: Messenger<AnyByte> = Connection::try_from(here)?.into();
    /// # let mut other: Messenger<AnyByte> = Connection::try_from(listener.accept()?.0)?.into();
    /// match peer.send(&Join) {
    ///     Err(SendError::WouldBlock) => {} // the peer reads too slowly: later, or drop it
    ///     sent => sent?,
    /// }
    /// peer.xfer()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Nothing is queued then: [`SendError::WouldBlock`] where the limit of the buffer is reached,
    /// [`SendError::TooLong`] and [`SendError::Invalid`] for a message that can never be sent,
    /// [`SendError::Ended`] once the link has ended.
    #[inline]
    pub fn send<M: Outgoing<S::Transport> + ?Sized>(
        &mut self,
        message: &M,
    ) -> Result<(), SendError> {
        self.link.send(message)
    }

    /// Queues a message of the JSON transport whose class is known only at run time.
    ///
    /// ```
    /// # use cable_car_std::{AnyJson, Messenger, SendError};
    /// # fn example(peer: &mut Messenger<AnyJson>) -> Result<(), SendError> {
    /// use std::collections::BTreeMap;
    ///
    /// peer.send_json("MsgReading", &BTreeMap::from([("celsius", 21.5)]))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_json<A>(&mut self, name: &str, attributes: &A) -> Result<(), SendError>
    where
        S: MessageSet<Transport = cable_car::Json>,
        A: serde::Serialize + ?Sized,
    {
        self.link.send_with(|space| cable_car::write_line(name, attributes, space))
    }

    /// Takes out the next message that has come, or `None` until more is transferred.
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, Connection, Join, Messenger};
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let here = std::net::TcpStream::connect(listener.local_addr()?)?;
    /// # let mut peer: Messenger<AnyByte> = Connection::try_from(here)?.into();
    /// # let mut other: Messenger<AnyByte> = Connection::try_from(listener.accept()?.0)?.into();
    /// # other.send(&Join)?;
    /// # other.xfer()?;
    /// # peer.wait(None)?;
    /// peer.xfer()?;
    /// while let Some(message) = peer.get() {
    ///     match message {
    ///         Ok(message) => println!("code {:#04x}", message.code),
    ///         Err(bad) => eprintln!("{bad}"),
    ///     }
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A message that could not be understood is an item of its own; the link goes on behind it.
    #[inline(always)] // A message that is matched where it is got is never moved.
    pub fn get(&mut self) -> Option<Result<S::Message<'_>, BadMessage>> {
        let Self { link, socket, .. } = self;
        let message = link.get_or_end(|| socket.iter_mut().for_each(Socket::rearm));
        if let Some(Err(bad)) = &message {
            logging::bad_message(bad);
        }
        message
    }

    /// Receives and sends all that the buffers and the socket can take now. Never waits.
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, Connection, Join, Messenger, LinkError};
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let here = std::net::TcpStream::connect(listener.local_addr()?)?;
    /// # let mut peer: Messenger<AnyByte> = Connection::try_from(here)?.into();
    /// # let mut other: Messenger<AnyByte> = Connection::try_from(listener.accept()?.0)?.into();
    /// drop(other);
    /// let end = loop {
    ///     peer.wait(None)?;
    ///     if let Err(end) = peer.xfer() {
    ///         break end;
    ///     }
    /// };
    /// assert_eq!(end, LinkError::ClosedByPeer);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`LinkError`] once the link has ended and all that came has been got.
    pub fn xfer(&mut self) -> Result<(), LinkError> {
        if let Some(socket) = &mut self.socket {
            // Right after a wait that was worth it, the system was asked and has no more.
            if !socket.take_fresh() || !self.link.has_message() {
                socket.receive(&mut self.link);
            }
            socket.transmit(&mut self.link);
        }
        self.status()
    }

    /// Sends what is queued, then sleeps until there is a message to [`get`](Self::get) or the link
    /// has ended, which the next [`xfer`](Self::xfer) tells. `false` where neither came within
    /// `timeout`; no timeout is no limit.
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, Connection, Join, Messenger};
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let here = std::net::TcpStream::connect(listener.local_addr()?)?;
    /// # let mut peer: Messenger<AnyByte> = Connection::try_from(here)?.into();
    /// # let mut other: Messenger<AnyByte> = Connection::try_from(listener.accept()?.0)?.into();
    /// use std::time::Duration;
    ///
    /// let nothing = !peer.wait(Some(Duration::from_millis(1)))?;
    /// assert!(nothing, "there is no message yet");
    /// other.send(&Join)?;
    /// other.xfer()?;
    /// assert!(peer.wait(None)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Where the system can not wait, or a [`Watch`](crate::Watch) waits for this messenger already.
    pub fn wait(&mut self, timeout: Option<Duration>) -> io::Result<bool> {
        let deadline = Deadline::after(timeout);
        loop {
            let Some(socket) = &mut self.socket else {
                return Ok(true);
            };
            socket.transmit(&mut self.link);
            socket.receive_if_readable(&mut self.link);
            if self.link.has_message() {
                return Ok(true);
            }
            if self.link.status().is_err() {
                return Ok(true);
            }
            let left = deadline.left();
            if !socket.sleep(left)? && left == Some(Duration::ZERO) {
                return Ok(false);
            }
        }
    }

    /// Waits for the next message, sending what is queued.
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, Connection, Join, Messenger, RecvError};
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let here = std::net::TcpStream::connect(listener.local_addr()?)?;
    /// # let mut peer: Messenger<AnyByte> = Connection::try_from(here)?.into();
    /// # let mut other: Messenger<AnyByte> = Connection::try_from(listener.accept()?.0)?.into();
    /// use std::time::Duration;
    ///
    /// # other.send(&Join)?;
    /// # other.xfer()?;
    /// match peer.recv(Some(Duration::from_secs(5))) {
    ///     Ok(message) => println!("code {:#04x}", message.code),
    ///     Err(RecvError::TimedOut) => println!("nothing for 5 s"),
    ///     Err(RecvError::Bad(bad)) => eprintln!("{bad}"), // the link goes on
    ///     Err(error) => return Err(error.into()),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`RecvError`]: among others for a message that could not be understood, after which the link
    /// goes on.
    pub fn recv(&mut self, timeout: Option<Duration>) -> Result<S::Message<'_>, RecvError> {
        if !self.wait(timeout).map_err(RecvError::Wait)? {
            return Err(RecvError::TimedOut);
        }
        if !self.link.has_message() {
            self.status().map_err(RecvError::Ended)?;
        }
        match self.link.get() {
            Some(message) => message.map_err(|bad| {
                logging::bad_message(&bad);
                RecvError::Bad(bad)
            }),
            None => Err(RecvError::Ended(LinkError::Broken)),
        }
    }

    /// Queues a message and waits until all that is queued has been handed to the system.
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, Connection, Join, Messenger};
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let here = std::net::TcpStream::connect(listener.local_addr()?)?;
    /// # let mut peer: Messenger<AnyByte> = Connection::try_from(here)?.into();
    /// # let mut other: Messenger<AnyByte> = Connection::try_from(listener.accept()?.0)?.into();
    /// use std::time::Duration;
    ///
    /// peer.send_wait(&Join, Some(Duration::from_secs(5)))?;
    /// assert_eq!(peer.queued(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`send`](Self::send); [`SendError::WouldBlock`] also where the peer does not take it
    /// within `timeout`: it stays queued then.
    pub fn send_wait<M>(&mut self, message: &M, timeout: Option<Duration>) -> Result<(), SendError>
    where
        M: Outgoing<S::Transport> + ?Sized,
    {
        self.send(message)?;
        match self.flush(Deadline::after(timeout)) {
            Ok(true) => Ok(()),
            Ok(false) => Err(SendError::WouldBlock),
            Err(_) => Err(SendError::Ended(self.link.status().err().unwrap_or(LinkError::Broken))),
        }
    }

    /// Ends the link at once. What is queued is dropped, and so is what has come.
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, Connection, Join, Messenger};
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let here = std::net::TcpStream::connect(listener.local_addr()?)?;
    /// # let mut peer: Messenger<AnyByte> = Connection::try_from(here)?.into();
    /// # let mut other: Messenger<AnyByte> = Connection::try_from(listener.accept()?.0)?.into();
    /// peer.close();
    /// assert!(peer.is_closed());
    /// assert!(other.recv(None).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close(&mut self) {
        self.link.close();
        self.hang_up();
    }

    /// Waits until all that is queued has been handed to the system, then ends the link.
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, Connection, Join, Messenger};
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let here = std::net::TcpStream::connect(listener.local_addr()?)?;
    /// # let mut peer: Messenger<AnyByte> = Connection::try_from(here)?.into();
    /// # let mut other: Messenger<AnyByte> = Connection::try_from(listener.accept()?.0)?.into();
    /// use std::time::Duration;
    ///
    /// peer.send(&Join)?;
    /// peer.shutdown(Duration::from_secs(5))?;
    /// assert_eq!(other.recv(None)?.code, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Unsent`] where that could not be done within `timeout`. The link has ended then as well.
    pub fn shutdown(&mut self, timeout: Duration) -> Result<(), Unsent> {
        // What could not be sent is told by what is left, whatever was the reason.
        let _ = self.flush(Deadline::after(Some(timeout)));
        let bytes = self.link.queued();
        self.close();
        if bytes == 0 { Ok(()) } else { Err(Unsent { bytes }) }
    }

    /// The address of the peer.
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, Connection, Join, Messenger};
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let here = std::net::TcpStream::connect(listener.local_addr()?)?;
    /// # let mut peer: Messenger<AnyByte> = Connection::try_from(here)?.into();
    /// # let mut other: Messenger<AnyByte> = Connection::try_from(listener.accept()?.0)?.into();
    /// assert_eq!(peer.remote_address(), other.local_address());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn remote_address(&self) -> SocketAddr {
        self.remote
    }

    /// The address of this end.
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, Connection, Join, Messenger};
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let here = std::net::TcpStream::connect(listener.local_addr()?)?;
    /// # let mut peer: Messenger<AnyByte> = Connection::try_from(here)?.into();
    /// # let mut other: Messenger<AnyByte> = Connection::try_from(listener.accept()?.0)?.into();
    /// assert_eq!(peer.local_address(), other.remote_address());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn local_address(&self) -> SocketAddr {
        self.local
    }

    /// Whether the link has ended: closed by this side, or its end told by [`xfer`](Self::xfer).
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, Connection, Join, Messenger};
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let here = std::net::TcpStream::connect(listener.local_addr()?)?;
    /// # let mut peer: Messenger<AnyByte> = Connection::try_from(here)?.into();
    /// # let mut other: Messenger<AnyByte> = Connection::try_from(listener.accept()?.0)?.into();
    /// assert!(!peer.is_closed());
    /// peer.close();
    /// assert!(peer.is_closed());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_closed(&self) -> bool {
        self.socket.is_none()
    }

    /// How many bytes are queued and not yet handed to the system.
    ///
    /// ```
    /// # use cable_car_std::{AnyByte, Connection, Join, Messenger};
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let here = std::net::TcpStream::connect(listener.local_addr()?)?;
    /// # let mut peer: Messenger<AnyByte> = Connection::try_from(here)?.into();
    /// # let mut other: Messenger<AnyByte> = Connection::try_from(listener.accept()?.0)?.into();
    /// // Where only the newest state counts, what would be late is left out.
    /// if peer.queued() == 0 {
    ///     peer.send(&Join)?;
    /// }
    /// assert_eq!(peer.queued(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn queued(&self) -> usize {
        self.link.queued()
    }

    /// Lets `registry` know when the socket becomes ready.
    pub(crate) fn watch(&mut self, registry: &Arc<Registry>, token: Token) -> io::Result<()> {
        let registry = Arc::clone(registry);
        match &mut self.socket {
            Some(socket) => socket.watch(registry, token),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Undoes [`watch`](Self::watch).
    pub(crate) fn unwatch(&mut self) -> io::Result<()> {
        match &mut self.socket {
            Some(socket) => socket.unwatch(),
            None => Ok(()),
        }
    }

    fn status(&mut self) -> Result<(), LinkError> {
        let status = self.link.status();
        if let Err(reason) = status {
            if let Some(socket) = &mut self.socket {
                socket.set_reason(reason);
            }
            self.hang_up();
        }
        status
    }

    /// Hands all that is queued to the system; `false` where that was not done by `deadline`.
    fn flush(&mut self, deadline: Deadline) -> io::Result<bool> {
        let Some(socket) = &mut self.socket else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        loop {
            socket.transmit(&mut self.link);
            if self.link.queued() == 0 {
                return Ok(true);
            }
            if !self.link.can_transmit() {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            let left = deadline.left();
            if !socket.sleep(left)? && left == Some(Duration::ZERO) {
                return Ok(false);
            }
        }
    }

    fn hang_up(&mut self) {
        if let Some(socket) = self.socket.take() {
            socket.hang_up();
        }
    }
}

impl<S: MessageSet> From<Connection> for Messenger<S> {
    fn from(connection: Connection) -> Self {
        Self::new(connection)
    }
}

impl<S: MessageSet> fmt::Debug for Messenger<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messenger")
            .field("remote", &self.remote)
            .field("local", &self.local)
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
