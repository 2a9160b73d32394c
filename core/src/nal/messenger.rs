//! A link and its socket.

use core::fmt;
use core::net::SocketAddr;

use embedded_nal::{TcpClientStack, nb};

use super::{Connection, LocalAddress, received, sent};
use crate::buffer::Storage;
use crate::codec::Outgoing;
use crate::error::{BadMessage, LinkError, SendError};
use crate::messenger::Link;
use crate::set::MessageSet;
use crate::time::Instant;

/// Passes messages over a connection: [`send`](Self::send) queues, [`xfer`](Self::xfer) transfers,
/// [`get`](Self::get) takes out what has come.
///
/// `S` is the program's [`message_set!`](crate::message_set), `Socket` the stack's TCP socket, `RX`
/// and `TX` the memory of the two buffers.
///
/// ```
/// use cable_car::nal::{Connection, Messenger};
/// use cable_car::{BadMessage, Identify, Join, Quit, message_set};
/// use embedded_nal::TcpClientStack;
///
/// message_set! { enum Game: Byte { Identify, Join, Quit } }
///
/// fn play<T: TcpClientStack>(stack: &mut T, connection: Connection<T::TcpSocket>) {
///     let mut peer: Messenger<Game, _, _, _> = Messenger::new(connection, [0; 512], [0; 512]);
///     peer.send(&Join).ok();
///     while peer.xfer(stack).is_ok() {
///         while let Some(message) = peer.get() {
///             match message {
///                 Ok(Game::Quit(_)) => peer.close(stack),
///                 Ok(_) => {}
///                 Err(bad) => report(bad),
///             }
///         }
///     }
/// }
/// # fn report(_: BadMessage) {}
/// ```
#[derive(Debug)]
pub struct Messenger<S: MessageSet, Socket, RX, TX> {
    link: Link<S, RX, TX>,
    socket: Option<Socket>,
    remote: SocketAddr,
}

/// What [`shutdown`](Messenger::shutdown) could not send.
///
/// ```
/// use cable_car::nal::Unsent;
///
/// assert_eq!(Unsent { bytes: 7 }.to_string(), "7 bytes of queued messages could not be sent");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Unsent {
    /// How many bytes of queued messages were given up.
    pub bytes: usize,
}

impl fmt::Display for Unsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of queued messages could not be sent", self.bytes)
    }
}

impl core::error::Error for Unsent {}

impl<S: MessageSet, Socket, RX: Storage, TX: Storage> Messenger<S, Socket, RX, TX> {
    /// Passes messages over `connection` ([example](Messenger)); what the buffers should hold,
    /// [`Link::new`] says.
    pub fn new(connection: Connection<Socket>, rx: RX, tx: TX) -> Self {
        let mut link = Link::new(rx, tx);
        if let Some(first) = connection.first {
            link.put_first(first);
        }
        Self { link, socket: Some(connection.socket), remote: connection.remote }
    }

    /// Queues a message; the next [`xfer`](Self::xfer) sends it.
    ///
    /// ```
    /// # use cable_car::nal::{LocalAddress, Messenger};
    /// # use cable_car::{AnyByte, Instant, Join, LinkError, SendError};
    /// # use embedded_nal::{TcpClientStack, nb};
    /// # fn example<T: TcpClientStack + LocalAddress>(
    /// #     stack: &mut T, peer: &mut Messenger<AnyByte, T::TcpSocket, [u8; 256], [u8; 256]>, now: Instant,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// peer.send(&Join)?;
    /// peer.xfer(stack)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Nothing is queued then; see [`Link::send`].
    pub fn send<M: Outgoing<S::Transport> + ?Sized>(
        &mut self,
        message: &M,
    ) -> Result<(), SendError> {
        self.link.send(message)
    }

    /// Takes out the next message that has come, or `None` until more is transferred.
    ///
    /// ```
    /// # use cable_car::nal::{LocalAddress, Messenger};
    /// # use cable_car::{AnyByte, Instant, Join, LinkError, SendError};
    /// # use embedded_nal::{TcpClientStack, nb};
    /// # fn example<T: TcpClientStack + LocalAddress>(
    /// #     stack: &mut T, peer: &mut Messenger<AnyByte, T::TcpSocket, [u8; 256], [u8; 256]>, now: Instant,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// peer.xfer(stack)?;
    /// while let Some(message) = peer.get() {
    ///     match message {
    ///         Ok(message) => { /* see what it is */ }
    ///         Err(_bad) => { /* an item as any other */ }
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// A message that could not be understood is an item of its own; the link goes on behind it.
    pub fn get(&mut self) -> Option<Result<S::Message<'_>, BadMessage>> {
        self.link.get()
    }

    /// Receives and sends all that the buffers and the socket can take now. Never blocks.
    ///
    /// ```
    /// # use cable_car::nal::{LocalAddress, Messenger};
    /// # use cable_car::{AnyByte, Instant, Join, LinkError, SendError};
    /// # use embedded_nal::{TcpClientStack, nb};
    /// # fn example<T: TcpClientStack + LocalAddress>(
    /// #     stack: &mut T, peer: &mut Messenger<AnyByte, T::TcpSocket, [u8; 256], [u8; 256]>, now: Instant,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// match peer.xfer(stack) {
    ///     Ok(()) => {}
    ///     Err(LinkError::ClosedByPeer) => { /* it has gone home */ }
    ///     Err(end) => return Err(end.into()),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`LinkError`] once the link has ended and all that came has been got. The socket has been
    /// given back to the stack then.
    pub fn xfer<T: TcpClientStack<TcpSocket = Socket>>(
        &mut self,
        stack: &mut T,
    ) -> Result<(), LinkError> {
        if let Some(socket) = &mut self.socket {
            self.link.receive(|space| received(stack.receive(socket, space)));
            self.link.transmit(|bytes| sent(stack.send(socket, bytes)));
        }
        let status = self.link.status();
        if status.is_err() {
            self.give_back(stack);
        }
        status
    }

    /// Ends the link at once. What is queued is dropped, and so is what has come.
    ///
    /// ```
    /// # use cable_car::nal::{LocalAddress, Messenger};
    /// # use cable_car::{AnyByte, Instant, Join, LinkError, SendError};
    /// # use embedded_nal::{TcpClientStack, nb};
    /// # fn example<T: TcpClientStack + LocalAddress>(
    /// #     stack: &mut T, peer: &mut Messenger<AnyByte, T::TcpSocket, [u8; 256], [u8; 256]>, now: Instant,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// peer.close(stack);
    /// assert!(peer.is_closed());
    /// # Ok(())
    /// # }
    /// ```
    pub fn close<T: TcpClientStack<TcpSocket = Socket>>(&mut self, stack: &mut T) {
        self.link.close();
        self.give_back(stack);
    }

    /// Sends what is queued, then ends the link; to be called until it does not say `WouldBlock`.
    ///
    /// ```
    /// # use cable_car::nal::{LocalAddress, Messenger};
    /// # use cable_car::{AnyByte, Instant, Join, LinkError, SendError};
    /// # use embedded_nal::{TcpClientStack, nb};
    /// # fn example<T: TcpClientStack + LocalAddress>(
    /// #     stack: &mut T, peer: &mut Messenger<AnyByte, T::TcpSocket, [u8; 256], [u8; 256]>, now: Instant,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// use core::time::Duration;
    ///
    /// let deadline = now + Duration::from_secs(5);
    /// match peer.shutdown(stack, now, deadline) {
    ///     Ok(()) => {}
    ///     Err(nb::Error::WouldBlock) => { /* poll the stack, and call again */ }
    ///     Err(nb::Error::Other(unsent)) => return Err(unsent.into()),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `WouldBlock` while there is more to send, [`Unsent`] where `deadline` came or the link broke
    /// before all was sent. The link has ended then.
    pub fn shutdown<T: TcpClientStack<TcpSocket = Socket>>(
        &mut self,
        stack: &mut T,
        now: Instant,
        deadline: Instant,
    ) -> nb::Result<(), Unsent> {
        if let Some(socket) = &mut self.socket {
            self.link.transmit(|bytes| sent(stack.send(socket, bytes)));
        }
        let bytes = self.link.queued();
        if bytes > 0 && now < deadline && self.link.can_transmit() {
            return Err(nb::Error::WouldBlock);
        }
        self.close(stack);
        if bytes > 0 { Err(nb::Error::Other(Unsent { bytes })) } else { Ok(()) }
    }

    /// The address of the peer.
    ///
    /// ```
    /// # use cable_car::nal::{LocalAddress, Messenger};
    /// # use cable_car::{AnyByte, Instant, Join, LinkError, SendError};
    /// # use embedded_nal::{TcpClientStack, nb};
    /// # fn example<T: TcpClientStack + LocalAddress>(
    /// #     stack: &mut T, peer: &mut Messenger<AnyByte, T::TcpSocket, [u8; 256], [u8; 256]>, now: Instant,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// println!("{}", peer.remote_address());
    /// # Ok(())
    /// # }
    /// ```
    pub fn remote_address(&self) -> SocketAddr {
        self.remote
    }

    /// The address of this end, where the stack can tell and the link stands.
    ///
    /// ```
    /// # use cable_car::nal::{LocalAddress, Messenger};
    /// # use cable_car::{AnyByte, Instant, Join, LinkError, SendError};
    /// # use embedded_nal::{TcpClientStack, nb};
    /// # fn example<T: TcpClientStack + LocalAddress>(
    /// #     stack: &mut T, peer: &mut Messenger<AnyByte, T::TcpSocket, [u8; 256], [u8; 256]>, now: Instant,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// if let Some(address) = peer.local_address(stack) {
    ///     println!("{address}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn local_address<T>(&self, stack: &T) -> Option<SocketAddr>
    where
        T: LocalAddress<TcpSocket = Socket>,
    {
        self.socket.as_ref().and_then(|socket| stack.local_address(socket))
    }

    /// Whether the link has ended and its socket is given back.
    ///
    /// ```
    /// # use cable_car::nal::{LocalAddress, Messenger};
    /// # use cable_car::{AnyByte, Instant, Join, LinkError, SendError};
    /// # use embedded_nal::{TcpClientStack, nb};
    /// # fn example<T: TcpClientStack + LocalAddress>(
    /// #     stack: &mut T, peer: &mut Messenger<AnyByte, T::TcpSocket, [u8; 256], [u8; 256]>, now: Instant,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// if !peer.is_closed() {
    ///     peer.xfer(stack)?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_closed(&self) -> bool {
        self.socket.is_none()
    }

    /// How many bytes are queued and not yet handed to the stack.
    ///
    /// ```
    /// # use cable_car::nal::{LocalAddress, Messenger};
    /// # use cable_car::{AnyByte, Instant, Join, LinkError, SendError};
    /// # use embedded_nal::{TcpClientStack, nb};
    /// # fn example<T: TcpClientStack + LocalAddress>(
    /// #     stack: &mut T, peer: &mut Messenger<AnyByte, T::TcpSocket, [u8; 256], [u8; 256]>, now: Instant,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// if peer.queued() == 0 {
    ///     peer.send(&Join)?; // only the newest state counts
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn queued(&self) -> usize {
        self.link.queued()
    }

    /// Ends the link as [`close`](Self::close) does, and gives the memory of its buffers back, for
    /// the next link to use.
    ///
    /// ```
    /// use cable_car::AnyByte;
    /// use cable_car::nal::Messenger;
    /// use embedded_nal::TcpClientStack;
    ///
    /// type Peer<Socket> = Messenger<AnyByte, Socket, &'static mut [u8], &'static mut [u8]>;
    ///
    /// fn end<T: TcpClientStack>(stack: &mut T, peer: Peer<T::TcpSocket>) -> &'static mut [u8] {
    ///     let (rx, _tx) = peer.into_buffers(stack);
    ///     rx
    /// }
    /// ```
    pub fn into_buffers<T: TcpClientStack<TcpSocket = Socket>>(
        mut self,
        stack: &mut T,
    ) -> (RX, TX) {
        self.close(stack);
        self.link.into_buffers()
    }

    fn give_back<T: TcpClientStack<TcpSocket = Socket>>(&mut self, stack: &mut T) {
        if let Some(socket) = self.socket.take() {
            // The socket is gone either way, and the link's own end says more than this would.
            let _ = stack.close(socket);
        }
    }
}
