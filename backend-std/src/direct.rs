//! Connections to and from an address that is known.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::time::Duration;

use mio::{Events, Interest, Poll, Token, net};

use crate::connection::Connection;
use crate::deadline::Deadline;
use crate::tune::tune;

/// Dials a host name or an address.
///
/// ```no_run
/// use cable_car_std::{AnyJson, DirectClient, Messenger};
/// use std::time::Duration;
///
/// let peer = DirectClient::new("raspberry.local:8223").timeout(Duration::from_secs(5)).connect()?;
/// let mut peer: Messenger<AnyJson> = peer.into();
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DirectClient<A> {
    address: A,
    timeout: Duration,
}

impl<A: ToSocketAddrs> DirectClient<A> {
    /// Will dial `address`: `"host:port"`, `(host, port)`, or a [`SocketAddr`].
    ///
    /// ```
    /// use cable_car_std::DirectClient;
    ///
    /// let by_name = DirectClient::new("raspberry.local:8223");
    /// let by_address = DirectClient::new(("192.168.1.7", 8223));
    /// ```
    pub fn new(address: A) -> Self {
        Self { address, timeout: Duration::from_secs(2) }
    }

    /// How long a dial may take, for each address that a host name has. Default 2 s.
    ///
    /// ```
    /// use cable_car_std::DirectClient;
    /// use std::time::Duration;
    ///
    /// let client = DirectClient::new("10.0.0.2:8223").timeout(Duration::from_millis(500));
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Dials and waits for the connection. The addresses of a host name are tried in turn.
    ///
    /// ```
    /// use cable_car_std::{DirectClient, DirectServer};
    ///
    /// let server = DirectServer::bind("127.0.0.1:0")?;
    /// let connection = DirectClient::new(server.local_address()?).connect()?;
    /// assert_eq!(connection.remote_address(), server.local_address()?);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// What the last dial failed with, or that the name has no address.
    pub fn connect(&self) -> io::Result<Connection> {
        let dial = |address: &_| TcpStream::connect_timeout(address, self.timeout);
        Connection::try_from(first(&self.address, dial)?)
    }
}

/// Waits on a port for peers that dial.
///
/// ```
/// use cable_car_std::{DirectClient, DirectServer};
/// use std::time::Duration;
///
/// let mut server = DirectServer::bind("127.0.0.1:0")?;
/// let here = DirectClient::new(server.local_address()?).connect()?;
/// let there = server.accept(Some(Duration::from_secs(5)))?;
/// assert_eq!(there.remote_address(), here.local_address());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct DirectServer {
    listener: net::TcpListener,
    poll: Poll,
    events: Events,
}

impl DirectServer {
    /// Listens on `address`, such as `"0.0.0.0:8223"`.
    ///
    /// ```
    /// use cable_car_std::DirectServer;
    ///
    /// let server = DirectServer::bind("127.0.0.1:0")?; // 0: any free port
    /// assert_ne!(server.local_address()?.port(), 0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where the port is in use, or the address is not one of this machine; the text names it.
    pub fn bind(address: impl ToSocketAddrs) -> io::Result<Self> {
        let listener = first(&address, |&address| TcpListener::bind(address))?;
        listener.set_nonblocking(true)?;
        let mut listener = net::TcpListener::from_std(listener);
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, Token(0), Interest::READABLE)?;
        Ok(Self { listener, poll, events: Events::with_capacity(4) })
    }

    /// Waits for a peer; no timeout is no limit.
    ///
    /// ```
    /// use cable_car_std::DirectServer;
    /// use std::{io::ErrorKind, time::Duration};
    ///
    /// let mut server = DirectServer::bind("127.0.0.1:0")?;
    /// let nobody = server.accept(Some(Duration::from_millis(1)));
    /// assert_eq!(nobody.err().map(|error| error.kind()), Some(ErrorKind::TimedOut));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] where none came within `timeout`, or what the system said.
    pub fn accept(&mut self, timeout: Option<Duration>) -> io::Result<Connection> {
        let deadline = Deadline::after(timeout);
        loop {
            let left = deadline.left();
            match self.listener.accept() {
                Ok((stream, _)) => {
                    // One that broke before it was accepted never was a connection.
                    if let Ok(connection) =
                        tune(&stream).and_then(|()| Connection::new(stream, None))
                    {
                        return Ok(connection);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if left != Some(Duration::ZERO) {
                        self.sleep(left)?;
                        continue;
                    }
                }
                Err(error) => return Err(error),
            }
            if left == Some(Duration::ZERO) {
                let message = "no peer came within the time";
                return Err(io::Error::new(io::ErrorKind::TimedOut, message));
            }
        }
    }

    /// Sleeps until somebody dials or `timeout` is over.
    fn sleep(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    /// The address that is listened on.
    ///
    /// ```
    /// use cable_car_std::DirectServer;
    ///
    /// let server = DirectServer::bind("127.0.0.1:0")?;
    /// println!("dial {}", server.local_address()?);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// What the system said.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// What the first of the addresses gives that gives anything, or why the last one does not.
fn first<T>(
    addresses: &impl ToSocketAddrs,
    open: impl Fn(&SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    let told = |error: &io::Error, words: String| io::Error::new(error.kind(), words);
    let addresses = addresses.to_socket_addrs().map_err(|error| match error.kind() {
        // The system's text says no more.
        io::ErrorKind::InvalidInput => {
            let advice = "give a host and a port, such as 192.168.1.7:8223";
            told(&error, format!("{error}: {advice}"))
        }
        _ => error,
    })?;
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host name has no address");
    for address in addresses {
        match open(&address) {
            Ok(opened) => return Ok(opened),
            Err(error) => failure = told(&error, format!("{address}: {error}")),
        }
    }
    Err(failure)
}
