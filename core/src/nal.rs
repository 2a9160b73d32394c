//! The rim of the core: connectors and messengers over any embedded-nal stack.
//!
//! Everything here is polled: each call does what can be done at once and returns. The stack and
//! the time are passed in, and `poll_at` says when a call is due though nothing came.
//!
//! # The socket contract
//!
//! embedded-nal leaves open what `receive` gives at the end of a stream. What is expected here, for
//! a buffer that is not empty: `WouldBlock` for nothing yet, `Ok(0)` once the peer has closed the
//! connection and all its bytes were received. Accepted sockets, `connect` and `accept` must not
//! block, and UDP sockets must be able to broadcast.

mod broadcast;
mod direct;
mod greeting;
mod messenger;

pub use broadcast::{BroadcastConnector, ConnectorError, Event, MAX_DESTINATIONS};
pub use direct::{ConnectError, DirectClient, DirectServer};
pub use messenger::{Messenger, Unsent};

use core::net::SocketAddr;

use embedded_nal::{TcpClientStack, TcpError, TcpErrorKind, nb};

use crate::messenger::Moved;

/// A connection that stands: the socket of a stack, and who is at the other end.
///
/// ```
/// use cable_car::AnyByte;
/// use cable_car::nal::{Connection, Messenger};
///
/// fn talk<Socket>(connection: Connection<Socket>) -> Messenger<AnyByte, Socket, [u8; 256], [u8; 256]> {
///     Messenger::new(connection, [0; 256], [0; 256])
/// }
/// ```
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Connection<Socket> {
    /// The connected socket.
    pub socket: Socket,
    /// The address of the peer.
    pub remote: SocketAddr,
    /// The first byte that came, where it had to be read to see what it is.
    pub first: Option<u8>,
}

impl<Socket> Connection<Socket> {
    /// A connection that nothing was received from yet.
    ///
    /// ```
    /// use cable_car::nal::Connection;
    ///
    /// /// A connection that the program has made by means of its own.
    /// fn wrap<Socket>(socket: Socket) -> Connection<Socket> {
    ///     Connection::new(socket, ([10, 0, 0, 2], 8223).into())
    /// }
    /// ```
    pub const fn new(socket: Socket, remote: SocketAddr) -> Self {
        Self { socket, remote, first: None }
    }
}

/// A stack that can tell the local address of a socket, which embedded-nal does not ask for.
///
/// ```
/// use cable_car::nal::LocalAddress;
///
/// fn port<T: LocalAddress>(stack: &T, listener: &T::TcpSocket) -> Option<u16> {
///     Some(stack.local_address(listener)?.port())
/// }
/// ```
pub trait LocalAddress: TcpClientStack {
    /// The address of this end of a connection, or that is listened on; `None` where there is none:
    /// see the example of the trait.
    fn local_address(&self, socket: &Self::TcpSocket) -> Option<SocketAddr>;
}

/// What a stack's `receive` into a buffer that is not empty amounts to.
///
/// ```
/// use cable_car::Moved;
/// use cable_car::nal::received;
/// # use embedded_nal::{TcpError, TcpErrorKind, nb};
/// # #[derive(Debug)]
/// # struct Error;
/// # impl TcpError for Error { fn kind(&self) -> TcpErrorKind { TcpErrorKind::Other } }
///
/// assert_eq!(received::<Error>(Ok(3)), Moved::Some(3));
/// assert_eq!(received::<Error>(Ok(0)), Moved::Closed);
/// assert_eq!(received::<Error>(Err(nb::Error::WouldBlock)), Moved::Idle);
/// assert_eq!(received(Err(nb::Error::Other(Error))), Moved::Failed);
/// ```
pub fn received<E: TcpError>(result: nb::Result<usize, E>) -> Moved {
    match result {
        Ok(0) => Moved::Closed,
        Ok(len) => Moved::Some(len),
        Err(nb::Error::WouldBlock) => Moved::Idle,
        Err(nb::Error::Other(error)) if error.kind() == TcpErrorKind::PipeClosed => Moved::Closed,
        Err(nb::Error::Other(_)) => Moved::Failed,
    }
}

/// What a stack's `send` of at least one byte amounts to.
///
/// ```
/// use cable_car::Moved;
/// use cable_car::nal::sent;
/// # use embedded_nal::{TcpError, TcpErrorKind, nb};
/// # #[derive(Debug)]
/// # struct Error;
/// # impl TcpError for Error { fn kind(&self) -> TcpErrorKind { TcpErrorKind::Other } }
///
/// assert_eq!(sent::<Error>(Ok(3)), Moved::Some(3));
/// assert_eq!(sent::<Error>(Ok(0)), Moved::Idle);
/// ```
#[expect(clippy::needless_pass_by_value, reason = "takes what the stack's call returns")]
pub fn sent<E: TcpError>(result: nb::Result<usize, E>) -> Moved {
    match result {
        Ok(0) | Err(nb::Error::WouldBlock) => Moved::Idle,
        Ok(len) => Moved::Some(len),
        Err(nb::Error::Other(_)) => Moved::Failed,
    }
}
