//! How a messenger begins, whom it is connected with, and how it ends.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use cable_car::{Link, LinkError, MessageSet};
use mio::{Registry, Token};

use super::Messenger;
use crate::buffer::{BufferSize, Growing};
use crate::connection::Connection;
use crate::socket::Socket;

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

    pub(super) fn status(&mut self) -> Result<(), LinkError> {
        let status = self.link.status();
        if let Err(reason) = status {
            if let Some(socket) = &mut self.socket {
                socket.set_reason(reason);
            }
            self.hang_up();
        }
        status
    }

    fn hang_up(&mut self) {
        if let Some(socket) = self.socket.take() {
            socket.hang_up();
        }
    }
}
