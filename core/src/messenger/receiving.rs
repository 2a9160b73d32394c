//! Bytes that are put in, and the messages that are got out of them.

use super::{Link, Moved, Skip};
use crate::buffer::Storage;
use crate::codec::{Rest, Split, Transport};
use crate::error::{BadMessage, LinkError};
use crate::set::{FrameOf, MessageSet};

impl<S: MessageSet, RX: Storage, TX: Storage> Link<S, RX, TX> {
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

    /// Gives up: where the next frame begins is not known.
    #[cold]
    pub(super) fn out_of_step(&mut self, length: u8) {
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
