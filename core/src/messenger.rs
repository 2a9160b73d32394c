//! Frames in, frames out: what a [`Messenger`](crate::nal::Messenger) is without its socket.

use crate::buffer::{Buffer, Storage};
use crate::codec::fields::EncodeError;
use crate::codec::{Outgoing, Rest, Split, Transport};
use crate::error::{BadMessage, LinkError, SendError};
use crate::set::{FrameOf, MessageSet};

/// One end of a connection as far as messages go: two buffers and what state they are in.
///
/// It owns no socket. Bytes that came are put in by [`receive`](Self::receive), messages are taken
/// out by [`get`](Self::get); messages are queued by [`send`](Self::send), and their bytes taken out
/// by [`transmit`](Self::transmit). The buffers are the caller's: see [`Storage`].
///
/// ```
/// use cable_car::{Identify, Join, Link, Moved, message_set};
///
/// message_set! { #[derive(Debug)] enum Set: Byte { Identify, Join } }
///
/// let mut here: Link<Set, _, _> = Link::new([0; 512], [0; 512]);
/// let mut there: Link<Set, _, _> = Link::new([0; 512], [0; 512]);
/// here.send(&Join)?;
/// here.transmit(|bytes| {
///     there.receive(|space| {
///         space[..bytes.len()].copy_from_slice(bytes);
///         Moved::All(bytes.len())
///     });
///     Moved::All(bytes.len())
/// });
/// assert!(matches!(there.get(), Some(Ok(Set::Join(Join)))));
/// assert!(there.get().is_none());
/// # Ok::<(), cable_car::SendError>(())
/// ```
#[derive(Debug)]
pub struct Link<S: MessageSet, RX, TX> {
    transport: S::Transport,
    rx: Buffer<RX>,
    tx: Buffer<TX>,
    skip: Option<Skip>,
    /// Whether bytes may still come: not so once the peer has closed or the stream is out of step.
    receiving: bool,
    end: Option<LinkError>,
}

/// A frame that is passed over.
#[derive(Clone, Copy, Debug)]
struct Skip {
    rest: Rest,
    /// How many bytes of it have come.
    came: usize,
}

/// What came of one attempt to move bytes between a link and a socket.
///
/// ```
/// use cable_car::Moved;
/// use std::io::{ErrorKind, Read};
///
/// /// What came of one read from a socket that does not block.
/// fn moved(read: std::io::Result<usize>) -> Moved {
///     match read {
///         Ok(0) => Moved::Closed,
///         Ok(len) => Moved::Some(len),
///         Err(error) if error.kind() == ErrorKind::WouldBlock => Moved::Idle,
///         Err(_) => Moved::Failed,
///     }
/// }
/// assert_eq!(moved((&b"ab"[..]).read(&mut [0; 8])), Moved::Some(2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// So many bytes, at least one; the socket may have, or take, more at once.
    Some(usize),
    /// So many bytes, and the socket is known to have, or take, no more now.
    All(usize),
    /// None now.
    Idle,
    /// The peer has closed the connection, and all that it sent was received before.
    Closed,
    /// The connection is broken.
    Failed,
}

impl<S: MessageSet, RX: Storage, TX: Storage> Link<S, RX, TX> {
    /// A link with nothing received and nothing queued.
    ///
    /// A byte link needs 255 bytes to receive any frame; with less, longer frames are reported as
    /// [`BadMessage::TooLong`]. A JSON link needs as much as its longest line.
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

    /// Puts in the first byte of the link, where it was received before the link was made.
    ///
    /// ```
    /// # use cable_car::{AnyByte, Join, Link, LinkError, Moved};
    /// # let mut link: Link<AnyByte, _, _> = Link::new([0; 256], [0; 256]);
    /// link.put_first(2); // the rest of a Join comes later
    /// assert!(!link.has_message());
    /// ```
    pub fn put_first(&mut self, byte: u8) {
        self.receive(|space| match space.first_mut() {
            Some(space) => {
                *space = byte;
                Moved::All(1)
            }
            None => Moved::Idle,
        });
    }

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

    /// The next message, or `None` until more bytes are received.
    ///
    /// A message that can not be understood is an item of its own; the link goes on behind it.
    ///
    /// ```
    /// # use cable_car::{AnyByte, Join, Link, LinkError, Moved};
    /// # let mut link: Link<AnyByte, _, _> = Link::new([0; 256], [0; 256]);
    /// link.receive(|space| {
    ///     space[..4].copy_from_slice(b"\x02\x02\x02\x04");
    ///     Moved::All(4)
    /// });
    /// let mut codes = Vec::new();
    /// while let Some(Ok(message)) = link.get() {
    ///     codes.push(message.code);
    /// }
    /// assert_eq!(codes, [2, 4]);
    /// ```
    #[inline(always)] // A message that is matched where it is got is never moved.
    pub fn get(&mut self) -> Option<Result<S::Message<'_>, BadMessage>> {
        self.get_or_end(|| ())
    }

    /// [`get`](Self::get), for who is to be told at once when it finds the stream out of step: no
    /// more will come by which that could be noticed.
    #[doc(hidden)]
    #[inline(always)]
    pub fn get_or_end(
        &mut self,
        ended: impl FnOnce(),
    ) -> Option<Result<S::Message<'_>, BadMessage>> {
        match self.transport.split(self.rx.unread()) {
            Split::Frame(len) => {
                let frame = self.rx.take(len);
                Some(S::Transport::frame(frame).and_then(S::decode))
            }
            Split::Part(rest) => self.pass_over(rest).map(Err),
            Split::Broken { length } => {
                self.out_of_step(length);
                ended();
                None
            }
        }
    }

    /// Gives up: where the next frame begins is not known.
    #[cold]
    fn out_of_step(&mut self, length: u8) {
        self.fail(LinkError::FrameLength { length });
        self.receiving = false;
    }

    /// Deals with a frame that is not complete: if it never can be a message, it is reported and
    /// dropped.
    #[cold]
    fn pass_over(&mut self, rest: Rest) -> Option<BadMessage> {
        let bad = self.hopeless()?;
        let len = self.rx.len();
        self.rx.take(len);
        self.transport = S::Transport::default();
        let rest = match rest {
            Rest::Length(length) => Rest::Length(length.saturating_sub(len)),
            Rest::UntilLineFeed => rest,
        };
        self.skip = Some(Skip { rest, came: len });
        Some(bad)
    }

    /// Why the frame that is not complete never can be a message, as far as is known.
    fn hopeless(&self) -> Option<BadMessage> {
        let unread = self.rx.unread();
        if self.skip.is_some() || unread.is_empty() {
            return None;
        }
        let too_long = || self.rx.is_full().then_some(BadMessage::TooLong { buffer: unread.len() });
        let knows = |frame: FrameOf<'_, S>| {
            !matches!(S::decode(frame), Err(BadMessage::UnknownCode { .. }))
        };
        S::Transport::foreign(unread, knows).or_else(too_long)
    }

    /// Fills the receive buffer: `read` writes to the start of the space that it is given, and is
    /// called until it has no more or the buffer is full of messages that wait to be got.
    ///
    /// ```
    /// # use cable_car::{AnyByte, Join, Link, LinkError, Moved};
    /// # let mut link: Link<AnyByte, _, _> = Link::new([0; 256], [0; 256]);
    /// use std::io::Read;
    ///
    /// let mut socket = &b"\x02\x02"[..];
    /// link.receive(|space| match socket.read(space) {
    ///     Ok(0) => Moved::Closed,
    ///     Ok(len) => Moved::Some(len),
    ///     Err(_) => Moved::Failed,
    /// });
    /// assert!(link.has_message());
    /// ```
    pub fn receive(&mut self, mut read: impl FnMut(&mut [u8]) -> Moved) {
        while self.receiving && self.make_receive_room() {
            let moved = read(self.rx.spare());
            match moved {
                Moved::Some(len) | Moved::All(len) => {
                    self.rx.commit(len);
                    self.skip_received();
                }
                Moved::Idle => {}
                Moved::Closed => self.end_of_stream(LinkError::ClosedByPeer),
                Moved::Failed => self.end_of_stream(LinkError::Broken),
            }
            if !matches!(moved, Moved::Some(_)) {
                if matches!(moved, Moved::All(_)) {
                    // Memory that can grow is not to be full when it is looked at.
                    self.make_receive_room();
                }
                return;
            }
        }
    }

    fn end_of_stream(&mut self, why: LinkError) {
        self.receiving = false;
        self.end = self.end.or(Some(why));
    }

    /// Whether there is room for at least one byte, made where it was needed and allowed.
    fn make_receive_room(&mut self) -> bool {
        self.rx.tidy();
        if !self.rx.spare().is_empty() {
            return true;
        }
        // Only a frame that is not complete may move what waits, or make the buffer grow.
        matches!(self.transport.split(self.rx.unread()), Split::Part(_)) && self.rx.make_room()
    }

    /// Drops what has come of a frame that was too long.
    fn skip_received(&mut self) {
        let Some(skip) = self.skip else {
            return;
        };
        let unread = self.rx.unread();
        let (count, rest) = match skip.rest {
            Rest::Length(left) if left > unread.len() => {
                (unread.len(), Some(Rest::Length(left - unread.len())))
            }
            Rest::Length(left) => (left, None),
            Rest::UntilLineFeed => match memchr::memchr(b'\n', unread) {
                Some(at) => (at + 1, None),
                None => (unread.len(), Some(Rest::UntilLineFeed)),
            },
        };
        self.rx.take(count);
        self.skip = rest.map(|rest| Skip { rest, came: skip.came.saturating_add(count) });
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

    /// Whether a message, good or bad, is there to be got without receiving more.
    ///
    /// ```
    /// # use cable_car::{AnyByte, Join, Link, LinkError, Moved};
    /// # let mut link: Link<AnyByte, _, _> = Link::new([0; 256], [0; 256]);
    /// assert!(!link.has_message());
    /// ```
    pub fn has_message(&mut self) -> bool {
        match self.transport.split(self.rx.unread()) {
            Split::Frame(_) => true,
            Split::Part(_) => self.hopeless().is_some(),
            Split::Broken { .. } => false,
        }
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

    /// Nothing can be sent any more. (After the peer's close it can: the peer may still read.)
    fn is_cut(&self) -> bool {
        !matches!(self.end, None | Some(LinkError::ClosedByPeer))
    }

    /// The first reason stands, but that the peer closed gives way to a worse one.
    fn fail(&mut self, why: LinkError) {
        if !self.is_cut() {
            self.end = Some(why);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::set::AnyByte;

    /// Bytes that are moved within the buffers.
    fn fill(link: &mut Link<AnyByte, [u8; 16], [u8; 16]>, bytes: &[u8]) {
        link.receive(|space| {
            space[..bytes.len()].copy_from_slice(bytes);
            Moved::All(bytes.len())
        });
    }

    #[test]
    fn whole_frames_that_wait_are_never_moved() {
        let mut link: Link<AnyByte, _, _> = Link::new([0; 16], [0; 16]);
        fill(&mut link, &[2, 9, 7, 1, 0, 0, 0, 0, 0, 7, 1, 0, 0, 0, 0, 0]);
        assert!(link.get().is_some());
        link.receive(|_| panic!("there is no room without moving 14 bytes to gain 2"));
        assert!(link.get().is_some());
        fill(&mut link, &[2, 8, 2]);
        assert_eq!(link.rx.unread(), [7, 1, 0, 0, 0, 0, 0, 2, 8, 2], "7 were consumed, 7 move");
    }

    #[test]
    fn a_frame_that_is_passed_over_takes_no_room() {
        let mut link: Link<AnyByte, _, _> = Link::new([0; 16], [0; 16]);
        fill(&mut link, &[200; 16]);
        assert_eq!(link.get().map(|got| got.is_err()), Some(true));
        for came in 2..=12 {
            fill(&mut link, &[0; 16]);
            assert!(link.rx.is_empty());
            assert!(matches!(link.skip, Some(Skip { came: count, .. }) if count == came * 16));
        }
        fill(&mut link, &[0, 0, 0, 0, 0, 0, 0, 0, 2, 5]);
        assert!(link.skip.is_none());
        assert!(matches!(link.get(), Some(Ok(frame)) if frame.code == 5));
    }
}
