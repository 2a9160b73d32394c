//! A link over a socket, with buffers that grow and a wait that costs nothing.

mod life;
mod transfer;
mod waiting;

pub use waiting::RecvError;

use std::fmt;
use std::net::SocketAddr;

use cable_car::{Link, MessageSet};

use crate::buffer::Growing;
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
