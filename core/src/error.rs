//! What can go wrong on a link, by culprit: a message that came, a message to send, the link.

use core::fmt;

use crate::codec::fields::DecodeError;
use crate::codec::json::JsonError;
use crate::text::Snippet;

/// A message that came and could not be understood.
///
/// It is an item among the messages: the link goes on, and the next message is read.
///
/// ```
/// use cable_car::BadMessage;
///
/// fn is_newer_peer(bad: &BadMessage) -> bool {
///     matches!(bad, BadMessage::UnknownCode { .. } | BadMessage::UnknownName { .. })
/// }
/// let bad = BadMessage::UnknownCode { code: 0x77, payload: 3 };
/// assert!(is_newer_peer(&bad));
/// assert_eq!(bad.to_string(), "unknown message code 0x77 with 3 bytes of payload");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum BadMessage {
    /// A byte message whose code the program's message set does not have.
    UnknownCode {
        /// The code.
        code: u8,
        /// How many bytes of payload came with it.
        payload: usize,
    },
    /// A byte message whose payload is not what its code says.
    Payload {
        /// The code.
        code: u8,
        /// What is wrong with the payload.
        error: DecodeError,
    },
    /// A JSON message whose class name the program's message set does not have.
    UnknownName {
        /// The name, or its beginning.
        name: Snippet,
    },
    /// A JSON message whose attributes are not those of its class.
    Attributes {
        /// The class name.
        name: &'static str,
        /// What is wrong with the attributes.
        error: JsonError,
    },
    /// A line that is not `["ClassName",{...}]`.
    Line {
        /// What is wrong with the line.
        error: JsonError,
    },
    /// What came on a JSON link are bytes rather than text, such as a frame of the byte transport.
    /// They are passed over up to the next line feed.
    Binary,
    /// What came on a byte link is a line of the JSON transport, and no message that the program
    /// knows. As many bytes are passed over as the frame would have, for which it can be taken too.
    JsonText,
    /// A frame that is longer than the receive buffer can become; it is passed over.
    TooLong {
        /// The size of the receive buffer in bytes.
        buffer: usize,
    },
}

/// Why a message was not taken to be sent. Nothing of it was queued.
///
/// ```
/// use cable_car::{AnyByte, Join, Link, SendError};
///
/// let mut link: Link<AnyByte, _, _> = Link::new([0; 256], [0; 2]);
/// link.send(&Join)?;
/// assert_eq!(link.send(&Join), Err(SendError::WouldBlock));
/// # Ok::<(), SendError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SendError {
    /// The send buffer has no room now: let the link transfer, then send again.
    WouldBlock,
    /// The message is longer than a frame may be or than the send buffer can become.
    TooLong {
        /// The longest frame that can be sent, in bytes.
        limit: usize,
    },
    /// The message has a value that can not be sent; the text says which.
    Invalid(&'static str),
    /// The link has ended.
    Ended(LinkError),
}

/// Why a link has ended.
///
/// ```
/// use cable_car::{AnyByte, Link, LinkError, Moved};
///
/// let mut link: Link<AnyByte, _, _> = Link::new([0; 256], [0; 256]);
/// link.receive(|space| {
///     space[..2].copy_from_slice(b"\x01\x02");
///     Moved::All(2)
/// });
/// assert_eq!(link.status(), Err(LinkError::FrameLength { length: 1 }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum LinkError {
    /// The peer closed the link, and all that it sent has been read.
    ClosedByPeer,
    /// The peer closed the link in the middle of a frame.
    ClosedWithinFrame {
        /// How many bytes of that frame had come.
        bytes: usize,
    },
    /// The peer sent a frame length that no frame can have, so that the stream is out of step.
    FrameLength {
        /// The length that came: 0 or 1.
        length: u8,
    },
    /// The connection broke: reset by the peer, timed out, or the network failed.
    Broken,
    /// This side has closed the link.
    Closed,
}

impl fmt::Display for BadMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCode { code, payload } => {
                write!(f, "unknown message code {code:#04x} with {payload} bytes of payload")
            }
            Self::Payload { code, error } => write!(f, "message with code {code:#04x}: {error}"),
            Self::UnknownName { name } => write!(f, "unknown message name {name:?}"),
            Self::Attributes { name, error } => write!(f, "message {name}: {error}"),
            Self::Line { error } => write!(f, "line is not a message: {error}"),
            Self::Binary => f.write_str(
                "bytes came on a JSON link: does the peer use the byte transport? Both must use the same",
            ),
            Self::JsonText => f.write_str(
                "a JSON line came on a byte link: does the peer use the JSON transport? Both must use \
                 the same",
            ),
            Self::TooLong { buffer } => {
                write!(f, "frame is longer than the receive buffer of {buffer} bytes")
            }
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WouldBlock => f.write_str("the send buffer is full: transfer, then send again"),
            Self::TooLong { limit } => {
                write!(f, "message does not fit into the longest frame, which has {limit} bytes")
            }
            Self::Invalid(what) => write!(f, "message can not be sent: {what}"),
            Self::Ended(why) => write!(f, "the link has ended: {why}"),
        }
    }
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClosedByPeer => f.write_str("the peer closed the link"),
            Self::ClosedWithinFrame { bytes } => {
                write!(f, "the peer closed the link after {bytes} bytes of a frame")
            }
            Self::FrameLength { length } => write!(
                f,
                "the peer sent frame length {length}, which no frame can have: does it use another \
                 transport, or none?"
            ),
            Self::Broken => f.write_str("the connection broke"),
            Self::Closed => f.write_str("this side closed the link"),
        }
    }
}

impl core::error::Error for BadMessage {}
impl core::error::Error for LinkError {}

impl core::error::Error for SendError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Ended(why) => Some(why),
            _ => None,
        }
    }
}
