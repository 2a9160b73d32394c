//! How a link begins, and how it ends.

use super::Link;
use crate::buffer::{Buffer, Storage};
use crate::codec::{Split, Transport};
use crate::error::LinkError;
use crate::set::MessageSet;

impl<S: MessageSet, RX: Storage, TX: Storage> Link<S, RX, TX> {
    /// A link with nothing received and nothing queued.
    ///
    /// A byte link needs 255 bytes to receive any frame; with less, longer frames are reported as
    /// [`BadMessage::TooLong`](crate::BadMessage::TooLong). A JSON link needs as much as its longest
    /// line.
    ///
    /// ```
    /// use cable_car::{AnyByte, Link};
    ///
    /// let mut memory = [0; 768];
    /// let (rx, tx) = memory.split_at_mut(256);
    /// let link: Link<AnyByte, _, _> = Link::new(rx, tx);
    /// ```
    pub fn new(rx: RX, tx: TX) -> Self {
        Self {
            transport: S::Transport::default(),
            rx: Buffer::new(rx),
            tx: Buffer::new(tx),
            skip: None,
            receiving: true,
            end: None,
        }
    }

    /// Whether the link still stands: an error once it has ended and no message is left to get.
    ///
    /// ```
    /// # use cable_car::{AnyByte, Join, Link, LinkError, Moved};
    /// # let mut link: Link<AnyByte, _, _> = Link::new([0; 256], [0; 256]);
    /// link.receive(|_| Moved::Closed);
    /// assert_eq!(link.status(), Err(LinkError::ClosedByPeer));
    /// ```
    ///
    /// # Errors
    /// [`LinkError`] says why it has ended.
    pub fn status(&mut self) -> Result<(), LinkError> {
        // Noticed here as well as by `get`, which a program that waits has no reason to call.
        if let Split::Broken { length } = self.transport.split(self.rx.unread()) {
            self.out_of_step(length);
        }
        let Some(end) = self.end else {
            return Ok(());
        };
        if self.has_message() {
            return Ok(());
        }
        let skipped = self.skip.map_or(0, |skip| skip.came);
        match end {
            LinkError::ClosedByPeer if skipped > 0 || !self.rx.is_empty() => {
                Err(LinkError::ClosedWithinFrame { bytes: skipped.saturating_add(self.rx.len()) })
            }
            _ => Err(end),
        }
    }

    /// Ends the link from this side: nothing more is sent, received or got.
    ///
    /// ```
    /// # use cable_car::{AnyByte, Join, Link, LinkError, Moved};
    /// # let mut link: Link<AnyByte, _, _> = Link::new([0; 256], [0; 256]);
    /// link.close();
    /// assert_eq!(link.status(), Err(LinkError::Closed));
    /// ```
    pub fn close(&mut self) {
        self.fail(LinkError::Closed);
        self.receiving = false;
        let len = self.rx.len();
        self.rx.take(len);
        let len = self.tx.len();
        self.tx.take(len);
    }

    /// Gives the memory of the two buffers back, for the next link to use.
    ///
    /// ```
    /// # use cable_car::{AnyByte, Join, Link, LinkError, Moved};
    /// # let mut link: Link<AnyByte, _, _> = Link::new([0; 256], [0; 256]);
    /// let (rx, tx) = link.into_buffers();
    /// let next_one: Link<AnyByte, _, _> = Link::new(rx, tx);
    /// ```
    pub fn into_buffers(self) -> (RX, TX) {
        (self.rx.into_storage(), self.tx.into_storage())
    }

    /// Nothing can be sent any more. (After the peer's close it can: the peer may still read.)
    pub(super) fn is_cut(&self) -> bool {
        !matches!(self.end, None | Some(LinkError::ClosedByPeer))
    }

    /// The first reason stands, but that the peer closed gives way to a worse one.
    pub(super) fn fail(&mut self, why: LinkError) {
        if !self.is_cut() {
            self.end = Some(why);
        }
    }
}
