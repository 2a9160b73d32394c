//! Frames in, frames out: what a [`Messenger`](crate::nal::Messenger) is without its socket.

mod life;
mod receiving;
mod sending;

use crate::buffer::Buffer;
use crate::codec::Rest;
use crate::error::LinkError;
use crate::set::MessageSet;

/// One end of a connection as far as messages go: two buffers and what state they are in.
///
/// It owns no socket. Bytes that came are put in by [`receive`](Self::receive), messages are taken
/// out by [`get`](Self::get); messages are queued by [`send`](Self::send), and their bytes taken out
/// by [`transmit`](Self::transmit). The buffers are the caller's: see [`Storage`](crate::Storage).
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
