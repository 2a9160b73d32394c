//! Messages that are queued, and their bytes that are taken out.

use super::{Link, Moved};
use crate::buffer::Storage;
use crate::codec::fields::EncodeError;
use crate::codec::{Outgoing, Transport};
use crate::error::{LinkError, SendError};
use crate::set::MessageSet;

impl<S: MessageSet, RX: Storage, TX: Storage> Link<S, RX, TX> {
    /// Queues a message.
    ///
    /// ```
    /// # use cable_car::{AnyByte, Join, Link, LinkError, Moved};
    /// # let mut link: Link<AnyByte, _, _> = Link::new([0; 256], [0; 256]);
    /// link.send(&Join)?;
    /// assert_eq!(link.queued(), 2);
    /// # Ok::<(), cable_car::SendError>(())
    /// ```
    ///
    /// # Errors
    /// Nothing is queued or changed then: [`SendError::WouldBlock`] where the buffer has no room
    /// now, [`SendError::TooLong`] and [`SendError::Invalid`] for a message that can never be sent,
    /// [`SendError::Ended`] once the link has ended.
    #[inline]
    pub fn send<M: Outgoing<S::Transport> + ?Sized>(
        &mut self,
        message: &M,
    ) -> Result<(), SendError> {
        self.send_with(|space| message.write_frame(space))
    }

    /// Queues one frame that `write` writes to the start of the space it is given, as
    /// [`Outgoing::write_frame`] does.
    ///
    /// ```
    /// # use cable_car::{AnyByte, Join, Link, LinkError, Moved};
    /// # let mut link: Link<AnyByte, _, _> = Link::new([0; 256], [0; 256]);
    /// link.send_with(|space| match space.first_chunk_mut() {
    ///     Some(space) => {
    ///         *space = [3, 0x30, 7];
    ///         Ok(3)
    ///     }
    ///     None => Err(cable_car::EncodeError::Full),
    /// })?;
    /// assert_eq!(link.queued(), 3);
    /// # Ok::<(), cable_car::SendError>(())
    /// ```
    ///
    /// # Errors
    /// As [`send`](Self::send).
    #[inline]
    pub fn send_with(
        &mut self,
        write: impl Fn(&mut [u8]) -> Result<usize, EncodeError>,
    ) -> Result<(), SendError> {
        if let Some(end) = self.end {
            return Err(SendError::Ended(end));
        }
        loop {
            match self.tx.append(&write) {
                Ok(()) => return Ok(()),
                Err(EncodeError::Invalid(what)) => return Err(SendError::Invalid(what)),
                Err(EncodeError::Full) => self.make_send_room()?,
            }
        }
    }

    /// Makes more room for a frame that did not fit.
    #[cold]
    fn make_send_room(&mut self) -> Result<(), SendError> {
        let longest = <S::Transport as Transport>::LONGEST_SENT;
        let room = self.tx.spare().len();
        if room >= longest {
            return Err(SendError::TooLong { limit: longest });
        }
        if self.tx.tidied() || self.tx.grow() {
            return Ok(());
        }
        if self.tx.is_empty() {
            return Err(SendError::TooLong { limit: room });
        }
        Err(SendError::WouldBlock)
    }

    /// Empties the send buffer: `write` takes bytes from the start of what it is given, and is
    /// called until it takes no more or nothing is left.
    ///
    /// ```
    /// # use cable_car::{AnyByte, Join, Link, LinkError, Moved};
    /// # let mut link: Link<AnyByte, _, _> = Link::new([0; 256], [0; 256]);
    /// use std::io::Write;
    ///
    /// link.send(&Join)?;
    /// let mut socket = Vec::new();
    /// link.transmit(|bytes| match socket.write(bytes) {
    ///     Ok(len) => Moved::Some(len),
    ///     Err(_) => Moved::Failed,
    /// });
    /// assert_eq!(socket, [2, 2]);
    /// # Ok::<(), cable_car::SendError>(())
    /// ```
    pub fn transmit(&mut self, mut write: impl FnMut(&[u8]) -> Moved) {
        while !self.tx.is_empty() && !self.is_cut() {
            let moved = write(self.tx.unread());
            match moved {
                Moved::Some(len) | Moved::All(len) => {
                    self.tx.take(len);
                    self.tx.tidy();
                }
                Moved::Idle => {}
                Moved::Closed | Moved::Failed => self.fail(LinkError::Broken),
            }
            if !matches!(moved, Moved::Some(_)) {
                return;
            }
        }
    }

    /// How many bytes are queued and not yet transmitted.
    ///
    /// ```
    /// # use cable_car::{AnyByte, Join, Link, LinkError, Moved};
    /// # let mut link: Link<AnyByte, _, _> = Link::new([0; 256], [0; 256]);
    /// link.send(&Join)?;
    /// assert_eq!(link.queued(), 2);
    /// # Ok::<(), cable_car::SendError>(())
    /// ```
    pub fn queued(&self) -> usize {
        self.tx.len()
    }

    /// Whether bytes may still be transmitted: also after the peer's close, since it may yet read.
    ///
    /// ```
    /// # use cable_car::{AnyByte, Join, Link, LinkError, Moved};
    /// # let mut link: Link<AnyByte, _, _> = Link::new([0; 256], [0; 256]);
    /// link.receive(|_| Moved::Closed);
    /// assert!(link.can_transmit(), "the peer may still read");
    /// ```
    pub fn can_transmit(&self) -> bool {
        !self.is_cut()
    }
}
