//! Connections to and from an address that is known.

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use embedded_nal::{TcpClientStack, TcpFullStack, nb};

use super::Connection;
use crate::time::Instant;

/// Why a direct connection did not come about.
///
/// ```
/// use cable_car::nal::ConnectError;
///
/// let error: ConnectError<&str> = ConnectError::Connect("refused");
/// assert_eq!(error.to_string(), "can not connect: \"refused\"");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ConnectError<E> {
    /// The stack has no socket to give.
    NoSocket(E),
    /// The port to listen on could not be had; another program may hold it.
    Listen(E),
    /// The peer can not be reached, or nothing listens there.
    Connect(E),
    /// The peer was reached and does not want the link.
    Refused,
    /// The time for it is over.
    TimedOut,
}

impl<E: fmt::Debug> fmt::Display for ConnectError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSocket(error) => write!(f, "no socket is free: {error:?}"),
            Self::Listen(error) => write!(f, "can not listen on the port: {error:?}"),
            Self::Connect(error) => write!(f, "can not connect: {error:?}"),
            Self::Refused => f.write_str("the peer does not want the link"),
            Self::TimedOut => f.write_str("no connection within the time"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for ConnectError<E> {}

/// Dials an address that is known, once.
///
/// ```
/// use cable_car::Instant;
/// use cable_car::nal::{Connection, DirectClient};
/// use embedded_nal::{TcpClientStack, nb};
///
/// fn dial<T: TcpClientStack>(stack: &mut T, clock: impl Fn() -> Instant) -> Option<Connection<T::TcpSocket>> {
///     let remote = "10.0.0.2:8223".parse().unwrap();
///     let mut client = DirectClient::new(remote, clock() + DirectClient::<()>::TIMEOUT);
///     nb::block!(client.poll(stack, clock())).ok()
/// }
/// ```
#[derive(Debug)]
pub struct DirectClient<Socket> {
    remote: SocketAddr,
    deadline: Instant,
    socket: Option<Socket>,
}

impl<Socket> DirectClient<Socket> {
    /// How long a dial usually may take: 2 s ([example](DirectClient)).
    pub const TIMEOUT: Duration = Duration::from_secs(2);

    /// Dials `remote` until `deadline`.
    ///
    /// ```
    /// use cable_car::Instant;
    /// use cable_car::nal::DirectClient;
    ///
    /// let now = Instant::default();
    /// let remote = "10.0.0.2:8223".parse().unwrap();
    /// let client: DirectClient<()> = DirectClient::new(remote, now + DirectClient::<()>::TIMEOUT);
    /// ```
    pub fn new(remote: SocketAddr, deadline: Instant) -> Self {
        Self { remote, deadline, socket: None }
    }

    /// Goes on dialling ([example](DirectClient)).
    ///
    /// # Errors
    /// `WouldBlock` while the connection is on its way, [`ConnectError`] when it failed; the next
    /// call dials anew.
    pub fn poll<T: TcpClientStack<TcpSocket = Socket>>(
        &mut self,
        stack: &mut T,
        now: Instant,
    ) -> nb::Result<Connection<Socket>, ConnectError<T::Error>> {
        let mut socket = match self.socket.take() {
            Some(socket) => socket,
            None => stack.socket().map_err(ConnectError::NoSocket)?,
        };
        let error = match stack.connect(&mut socket, self.remote) {
            Ok(()) => return Ok(Connection::new(socket, self.remote)),
            Err(nb::Error::WouldBlock) if now < self.deadline => {
                self.socket = Some(socket);
                return Err(nb::Error::WouldBlock);
            }
            Err(nb::Error::WouldBlock) => ConnectError::TimedOut,
            Err(nb::Error::Other(error)) => ConnectError::Connect(error),
        };
        // Why there is no connection is known, and says more than a failure to close would.
        let _ = stack.close(socket);
        Err(nb::Error::Other(error))
    }

    /// When a call is due though nothing came.
    ///
    /// ```
    /// # use cable_car::Instant;
    /// # use cable_car::nal::DirectClient;
    /// let deadline = Instant::from_millis(2000);
    /// let client: DirectClient<()> = DirectClient::new("10.0.0.2:8223".parse().unwrap(), deadline);
    /// assert_eq!(client.poll_at(), deadline);
    /// ```
    pub fn poll_at(&self) -> Instant {
        self.deadline
    }

    /// Gives up, and gives the socket back to the stack.
    ///
    /// ```
    /// use cable_car::nal::DirectClient;
    /// use embedded_nal::TcpClientStack;
    ///
    /// fn never_mind<T: TcpClientStack>(stack: &mut T, client: DirectClient<T::TcpSocket>) {
    ///     client.close(stack);
    /// }
    /// ```
    pub fn close<T: TcpClientStack<TcpSocket = Socket>>(self, stack: &mut T) {
        if let Some(socket) = self.socket {
            let _ = stack.close(socket);
        }
    }
}

/// Waits on a port for peers that dial.
///
/// ```
/// use cable_car::Instant;
/// use cable_car::nal::{Connection, DirectServer};
/// use embedded_nal::{TcpFullStack, nb};
///
/// fn serve<T: TcpFullStack>(stack: &mut T, now: Instant) -> Option<Connection<T::TcpSocket>> {
///     let mut server = DirectServer::new(8223, None);
///     nb::block!(server.poll(stack, now)).ok()
/// }
/// ```
#[derive(Debug)]
pub struct DirectServer<Socket> {
    port: u16,
    deadline: Option<Instant>,
    listener: Option<Socket>,
}

impl<Socket> DirectServer<Socket> {
    /// Waits on TCP port `port`, until `deadline` where there is one.
    ///
    /// ```
    /// use cable_car::nal::DirectServer;
    ///
    /// let server: DirectServer<()> = DirectServer::new(8223, None);
    /// assert_eq!(server.poll_at(), None);
    /// ```
    pub fn new(port: u16, deadline: Option<Instant>) -> Self {
        Self { port, deadline, listener: None }
    }

    /// Takes a peer that has dialled ([example](DirectServer)); may be called again for the next one.
    ///
    /// # Errors
    /// `WouldBlock` while there is none, [`ConnectError`] when it failed or the time is over.
    pub fn poll<T: TcpFullStack<TcpSocket = Socket>>(
        &mut self,
        stack: &mut T,
        now: Instant,
    ) -> nb::Result<Connection<Socket>, ConnectError<T::Error>> {
        if self.listener.is_none() {
            self.listener = Some(listen(stack, self.port)?);
        }
        let Some(listener) = &mut self.listener else {
            return Err(nb::Error::WouldBlock);
        };
        match stack.accept(listener) {
            Ok((socket, remote)) => Ok(Connection::new(socket, remote)),
            Err(nb::Error::WouldBlock) if self.deadline.is_some_and(|deadline| deadline <= now) => {
                Err(nb::Error::Other(ConnectError::TimedOut))
            }
            Err(error) => Err(error.map(ConnectError::Connect)),
        }
    }

    /// When a call is due though nothing came; `None` where there is no deadline.
    ///
    /// ```
    /// use cable_car::Instant;
    /// use cable_car::nal::DirectServer;
    ///
    /// fn is_due<Socket>(server: &DirectServer<Socket>, now: Instant) -> bool {
    ///     server.poll_at().is_some_and(|at| at <= now)
    /// }
    /// ```
    pub fn poll_at(&self) -> Option<Instant> {
        self.deadline
    }

    /// Stops listening. Connections that were taken go on.
    ///
    /// ```
    /// use cable_car::nal::DirectServer;
    /// use embedded_nal::TcpFullStack;
    ///
    /// fn closing_time<T: TcpFullStack>(stack: &mut T, server: DirectServer<T::TcpSocket>) {
    ///     server.close(stack);
    /// }
    /// ```
    pub fn close<T: TcpFullStack<TcpSocket = Socket>>(self, stack: &mut T) {
        if let Some(listener) = self.listener {
            let _ = stack.close(listener);
        }
    }
}

/// A socket that listens on `port`.
pub(super) fn listen<T: TcpFullStack>(
    stack: &mut T,
    port: u16,
) -> Result<T::TcpSocket, ConnectError<T::Error>> {
    let mut socket = stack.socket().map_err(ConnectError::NoSocket)?;
    match stack.bind(&mut socket, port).and_then(|()| stack.listen(&mut socket)) {
        Ok(()) => Ok(socket),
        Err(error) => {
            let _ = stack.close(socket);
            Err(ConnectError::Listen(error))
        }
    }
}
