//! A link over a socket, with buffers that grow and a wait that costs nothing.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use cable_car::nal::Unsent;
use cable_car::{BadMessage, Link, LinkError, MessageSet, Outgoing, SendError};
use mio::{Registry, Token};

use crate::buffer::{BufferSize, Growing};
use crate::connection::Connection;
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
    pub fn new(connection: Connection) -> Self {
        Self::with_buffers(connection, BufferSize::default())
    }

    /// Passes messages over `connection`, each way with a buffer of `size`.
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
    /// # Errors
    /// A message that could not be understood is an item of its own; the link goes on behind it.
    #[inline(always)] // A message that is matched where it is got is never moved.
    pub fn get(&mut self) -> Option<Result<S::Message<'_>, BadMessage>> {
        self.link.get()
    }

    /// Receives and sends all that the buffers and the socket can take now. Never waits.
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
    /// # Errors
    /// Where the system can not wait, or a [`Watch`](crate::Watch) waits for this messenger already.
    pub fn wait(&mut self, timeout: Option<Duration>) -> io::Result<bool> {
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
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
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if !socket.sleep(left)? && left == Some(Duration::ZERO) {
                return Ok(false);
            }
        }
    }

    /// Waits for the next message, sending what is queued.
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
            Some(message) => message.map_err(RecvError::Bad),
            None => Err(RecvError::Ended(LinkError::Broken)),
        }
    }

    /// Queues a message and waits until all that is queued has been handed to the system.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`SendError::WouldBlock`] also where the peer does not take it
    /// within `timeout`: it stays queued then.
    pub fn send_wait<M>(&mut self, message: &M, timeout: Option<Duration>) -> Result<(), SendError>
    where
        M: Outgoing<S::Transport> + ?Sized,
    {
        self.send(message)?;
        match self.flush(timeout.map(|timeout| Instant::now() + timeout)) {
            Ok(true) => Ok(()),
            Ok(false) => Err(SendError::WouldBlock),
            Err(_) => Err(SendError::Ended(self.link.status().err().unwrap_or(LinkError::Broken))),
        }
    }

    /// Ends the link at once. What is queued is dropped, and so is what has come.
    pub fn close(&mut self) {
        self.link.close();
        self.hang_up();
    }

    /// Waits until all that is queued has been handed to the system, then ends the link.
    ///
    /// # Errors
    /// [`Unsent`] where that could not be done within `timeout`. The link has ended then as well.
    pub fn shutdown(&mut self, timeout: Duration) -> Result<(), Unsent> {
        // What could not be sent is told by what is left, whatever was the reason.
        let _ = self.flush(Some(Instant::now() + timeout));
        let bytes = self.link.queued();
        self.close();
        if bytes == 0 { Ok(()) } else { Err(Unsent { bytes }) }
    }

    /// The address of the peer.
    pub fn remote_address(&self) -> SocketAddr {
        self.remote
    }

    /// The address of this end.
    pub fn local_address(&self) -> SocketAddr {
        self.local
    }

    /// Whether the link has ended: closed by this side, or its end told by [`xfer`](Self::xfer).
    pub fn is_closed(&self) -> bool {
        self.socket.is_none()
    }

    /// How many bytes are queued and not yet handed to the system.
    pub fn queued(&self) -> usize {
        self.link.queued()
    }

    /// Lets `registry` know when the socket becomes ready.
    pub(crate) fn watch(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let registry = registry.try_clone()?;
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
    fn flush(&mut self, deadline: Option<Instant>) -> io::Result<bool> {
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
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
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
