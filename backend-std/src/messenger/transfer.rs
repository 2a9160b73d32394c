//! What never waits: messages are queued, transferred, taken out.

use cable_car::{BadMessage, LinkError, MessageSet, Outgoing, SendError};

use super::Messenger;
use crate::logging;
use crate::socket::Socket;

impl<S: MessageSet> Messenger<S> {
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
}
