//! What the bytes on a link mean: where a frame ends, which message it carries.

pub(crate) mod byte;
pub(crate) mod byte_field;
pub(crate) mod fields;
pub(crate) mod json;

use crate::error::BadMessage;

/// How messages are laid out on a link: [`Byte`](crate::Byte) or [`Json`](crate::Json).
///
/// Both ends must agree beforehand; nothing on the wire says which it is.
///
/// ```
/// use cable_car::{Byte, Json, Transport};
///
/// assert_eq!(Byte::LONGEST_SENT, 254);
/// assert_eq!(Json::LONGEST_SENT, usize::MAX);
/// ```
pub trait Transport: Default + core::fmt::Debug + sealed::Sealed {
    /// One frame, cut out of the stream.
    ///
    /// ```
    /// use cable_car::{Byte, ByteFrame, Transport};
    ///
    /// /// Knows nothing of message sets.
    /// fn is_quit(frame: <Byte as Transport>::Frame<'_>) -> bool {
    ///     frame.code == 4
    /// }
    /// assert!(is_quit(ByteFrame { code: 4, payload: b"" }));
    /// ```
    type Frame<'a>;

    /// The longest frame that is ever sent, in bytes.
    #[doc(hidden)]
    const LONGEST_SENT: usize;

    /// Finds the end of the frame that `unread` begins with. May remember how far it looked, and is
    /// called with the same bytes and more until it finds the end.
    #[doc(hidden)]
    fn split(&mut self, unread: &[u8]) -> Split;

    /// What is wrong with the frame that `unread` begins with, where a part of it shows that it is
    /// of the other transport; only ever said of what is no message that the program `knows`.
    #[doc(hidden)]
    fn foreign(unread: &[u8], knows: impl Fn(Self::Frame<'_>) -> bool) -> Option<BadMessage>;

    /// Takes a whole frame apart.
    #[doc(hidden)]
    fn frame(bytes: &mut [u8]) -> Result<Self::Frame<'_>, BadMessage>;
}

/// A message that can be sent over transport `T`.
///
/// Comes by itself for every [`ByteMessage`](crate::ByteMessage) over [`Byte`](crate::Byte), and for
/// every serializable [`JsonMessage`](crate::JsonMessage) over [`Json`](crate::Json).
///
/// ```
/// use cable_car::{AnyJson, Json, Link, Outgoing, Quit};
///
/// /// Queues whatever a JSON link can carry.
/// fn tell(link: &mut Link<AnyJson, [u8; 64], [u8; 64]>, what: &impl Outgoing<Json>) -> bool {
///     link.send(what).is_ok()
/// }
/// assert!(tell(&mut Link::new([0; 64], [0; 64]), &Quit));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can not be sent over a link of the transport `{T}`",
    label = "not a message of this transport",
    note = "over Byte go types with #[derive(ByteMessage)], over Json those with \
            #[derive(JsonMessage, Serialize)]; the set of messages of the link says which it is"
)]
pub trait Outgoing<T: Transport> {
    /// Writes the whole frame to the start of `space` and gives its length.
    ///
    /// ```
    /// use cable_car::{Byte, Json, Outgoing, Quit};
    ///
    /// let mut space = [0; 32];
    /// let len = Outgoing::<Byte>::write_frame(&Quit, &mut space)?;
    /// assert_eq!(space[..len], [2, 4]);
    /// let len = Outgoing::<Json>::write_frame(&Quit, &mut space)?;
    /// assert_eq!(&space[..len], b"[\"MsgQuit\",{}]\n");
    /// # Ok::<(), cable_car::EncodeError>(())
    /// ```
    ///
    /// # Errors
    /// [`EncodeError::Full`](crate::EncodeError::Full) where `space` is too short for it,
    /// [`EncodeError::Invalid`](crate::EncodeError::Invalid) where the wire does not allow the
    /// message.
    fn write_frame(&self, space: &mut [u8]) -> Result<usize, crate::EncodeError>;
}

/// What a stream begins with.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// A whole frame of so many bytes.
    Frame(usize),
    /// A part of a frame; `rest` says how the remainder is recognised.
    Part(Rest),
    /// A length that no frame can have: where the next frame begins is not known.
    Broken {
        /// The length that it claims.
        length: u8,
    },
}

/// How to find the end of a frame that does not fit the buffer.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// The frame has so many bytes in all.
    Length(usize),
    /// It ends with the next line feed.
    UntilLineFeed,
}

pub(crate) mod sealed {
    pub trait Sealed {}
}
