//! The byte transport: one byte of length, one byte of code, a payload.

use super::fields::{DecodeError, EncodeError, Reader, Writer};
use super::{Outgoing, Rest, Split, Transport, sealed};
use crate::error::BadMessage;

/// The byte transport: compact frames of at most 254 bytes (255 are accepted).
///
/// ```text
/// byte 0      length of the whole frame, these two bytes included: 2..=255
/// byte 1      message code
/// byte 2..    payload
/// ```
///
/// ```
/// use cable_car::{Byte, Identify, Outgoing};
///
/// let mut frame = [0; Byte::LONGEST_SENT];
/// let len = Outgoing::<Byte>::write_frame(&Identify::new("ann", "pc")?, &mut frame)?;
/// assert_eq!(&frame[..len], b"\x08\x01ann@pc");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Byte;

impl Byte {
    /// Length and code: what stands before each payload, in bytes.
    ///
    /// ```
    /// # use cable_car::Byte;
    /// assert_eq!(b"\x08\x01ann@pc"[Byte::HEADER..], *b"ann@pc");
    /// ```
    pub const HEADER: usize = 2;
    /// The longest frame that is sent, in bytes: the documented limit of the wire.
    ///
    /// ```
    /// # use cable_car::Byte;
    /// assert_eq!(Byte::LONGEST_SENT - Byte::HEADER, 252); // the longest payload
    /// ```
    pub const LONGEST_SENT: usize = 254;
    /// The longest frame that is accepted, in bytes: the peer sends one byte over its own limit.
    ///
    /// ```
    /// use cable_car::{AnyByte, Byte, Link};
    ///
    /// // Room to receive any frame.
    /// let link: Link<AnyByte, _, _> = Link::new([0; Byte::LONGEST_ACCEPTED], [0; 64]);
    /// ```
    pub const LONGEST_ACCEPTED: usize = 255;
}

/// A message of the byte transport.
///
/// A type with a one-byte code; how its data becomes bytes is up to it. A message with no data is a
/// [`Signal`] instead, and needs neither `encode` nor `decode`. `'a` is the receive buffer, from
/// which a message may borrow text and bytes.
///
/// ```
/// use cable_car::{ByteMessage, DecodeError, EncodeError, Reader, Writer};
///
/// #[derive(Debug, PartialEq)]
/// struct Position { x: i16, y: i16 }
///
/// impl ByteMessage<'_> for Position {
///     const CODE: u8 = 0x10;
///
///     fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
///         payload.i16(self.x)?;
///         payload.i16(self.y)
///     }
///
///     fn decode(payload: &mut Reader<'_>) -> Result<Self, DecodeError> {
///         Ok(Self { x: payload.i16()?, y: payload.i16()? })
///     }
/// }
/// ```
///
/// `#[derive(ByteMessage)]` (feature `derive`) writes the same.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a byte message",
    label = "not a byte message",
    note = "a struct becomes one by #[derive(ByteMessage)] and #[message(code = 0x10)]"
)]
pub trait ByteMessage<'a>: Sized {
    /// What tells this message from the others.
    ///
    /// ```
    /// # use cable_car::{ByteMessage, Quit};
    /// assert_eq!(<Quit as ByteMessage>::CODE, 4);
    /// ```
    const CODE: u8;

    /// Writes the payload, at most 252 bytes.
    ///
    /// ```
    /// # use cable_car::{ByteMessage, Identify, Writer};
    /// let mut space = [0; 252];
    /// let mut payload = Writer::new(&mut space);
    /// Identify::new("ann", "pc")?.encode(&mut payload)?;
    /// assert_eq!(payload.written(), b"ann@pc");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`EncodeError::Invalid`] for a value that can not be sent; the rest comes from [`Writer`].
    fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError>;

    /// Reads the payload. What it leaves over is an error.
    ///
    /// ```
    /// # use cable_car::{ByteMessage, Identify, Reader};
    /// let identify = Identify::decode(&mut Reader::new(b"ann@pc"))?;
    /// assert_eq!(identify.hostname(), "pc");
    /// # Ok::<(), cable_car::DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// [`DecodeError::Invalid`] for a value that is not allowed; the rest comes from [`Reader`].
    fn decode(payload: &mut Reader<'a>) -> Result<Self, DecodeError>;
}

/// A byte message without data: that it comes is all it says. Data that come with it are ignored, as
/// the Python peer ignores them.
///
/// ```
/// use cable_car::{ByteMessage, Signal};
///
/// #[derive(Default)]
/// struct Fire;
///
/// impl Signal for Fire {
///     const CODE: u8 = 0x20;
/// }
/// assert_eq!(<Fire as ByteMessage<'_>>::CODE, 0x20);
/// ```
pub trait Signal: Default {
    /// What tells this message from the others.
    ///
    /// ```
    /// # use cable_car::{Quit, Signal};
    /// assert_eq!(<Quit as Signal>::CODE, 4);
    /// ```
    const CODE: u8;
}

impl<S: Signal> ByteMessage<'_> for S {
    const CODE: u8 = S::CODE;

    #[inline]
    fn encode(&self, _: &mut Writer<'_>) -> Result<(), EncodeError> {
        Ok(())
    }

    #[inline]
    fn decode(payload: &mut Reader<'_>) -> Result<Self, DecodeError> {
        payload.rest();
        Ok(S::default())
    }
}

/// A frame of the byte transport whose code has not been looked up.
///
/// ```
/// use cable_car::{ByteFrame, Identify};
///
/// let frame = ByteFrame { code: 1, payload: b"ann@pc" };
/// assert_eq!(frame.decode::<Identify>()?.username(), "ann");
/// # Ok::<(), cable_car::BadMessage>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ByteFrame<'a> {
    /// Which message it is.
    pub code: u8,
    /// The message's data, 0 to 253 bytes.
    pub payload: &'a [u8],
}

impl<'a> ByteFrame<'a> {
    /// Reads the whole payload as a message, whatever the frame's code.
    ///
    /// ```
    /// use cable_car::{BadMessage, ByteFrame, DecodeError, Identify};
    ///
    /// let frame = ByteFrame { code: 1, payload: b"no at sign" };
    /// assert!(matches!(frame.decode::<Identify>(), Err(BadMessage::Payload { code: 1, .. })));
    /// ```
    ///
    /// # Errors
    /// [`BadMessage::Payload`] where the payload is not such a message to the last byte.
    #[inline]
    pub fn decode<M: ByteMessage<'a>>(self) -> Result<M, BadMessage> {
        let mut reader = Reader::new(self.payload);
        let error = match M::decode(&mut reader) {
            Ok(message) if reader.remaining() == 0 => return Ok(message),
            Ok(_) => DecodeError::Long { extra: reader.remaining() },
            Err(error) => error,
        };
        Err(BadMessage::Payload { code: self.code, error })
    }

    /// What is reported for a code that the program does not know.
    ///
    /// ```
    /// use cable_car::ByteFrame;
    ///
    /// let bad = ByteFrame { code: 0x77, payload: b"abc" }.unknown();
    /// assert_eq!(bad.to_string(), "unknown message code 0x77 with 3 bytes of payload");
    /// ```
    #[cold]
    pub fn unknown(self) -> BadMessage {
        let payload = self.payload.len();
        match self.code {
            b'"' if payload + Byte::HEADER == usize::from(b'[') && is_json(self.payload) => {
                BadMessage::JsonText
            }
            code => BadMessage::UnknownCode { code, payload },
        }
    }
}

/// Whether what follows `["` goes on as a line of the JSON transport does: `ClassName",{`.
fn is_json(text: &[u8]) -> bool {
    let is_part_of_name = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
    let name = text.iter().take_while(is_part_of_name).count();
    let mut rest = text.iter().skip(name).filter(|byte| **byte != b' ');
    name > 0 && [b'"', b',', b'{'].iter().all(|byte| rest.next() == Some(byte))
}

impl sealed::Sealed for Byte {}

impl Transport for Byte {
    type Frame<'a> = ByteFrame<'a>;

    const LONGEST_SENT: usize = Self::LONGEST_SENT;

    #[inline]
    fn split(&mut self, unread: &[u8]) -> Split {
        match unread.first() {
            None => Split::Part(Rest::Length(Self::HEADER)),
            Some(&length) if usize::from(length) < Self::HEADER => Split::Broken { length },
            Some(&length) if usize::from(length) <= unread.len() => Split::Frame(length.into()),
            Some(&length) => Split::Part(Rest::Length(length.into())),
        }
    }

    fn foreign(unread: &[u8], knows: impl Fn(ByteFrame<'_>) -> bool) -> Option<BadMessage> {
        match unread {
            // Also the beginning of a frame of 91 bytes, but then of one that nobody knows.
            [b'[', code @ b'"', text @ ..]
                if is_json(text) && !knows(ByteFrame { code: *code, payload: &[] }) =>
            {
                Some(BadMessage::JsonText)
            }
            _ => None,
        }
    }

    #[inline]
    fn frame(bytes: &mut [u8]) -> Result<ByteFrame<'_>, BadMessage> {
        match bytes {
            [_, code, payload @ ..] => Ok(ByteFrame { code: *code, payload }),
            _ => Ok(ByteFrame { code: 0, payload: &[] }),
        }
    }
}

impl<'a, M: ByteMessage<'a>> Outgoing<Byte> for M {
    #[inline]
    fn write_frame(&self, space: &mut [u8]) -> Result<usize, EncodeError> {
        let longest = space.len().min(Byte::LONGEST_SENT);
        let [length, code, payload @ ..] = space.get_mut(..longest).unwrap_or_default() else {
            return Err(EncodeError::Full);
        };
        let mut writer = Writer::new(payload);
        self.encode(&mut writer)?;
        let len = Byte::HEADER + writer.len();
        *code = M::CODE;
        *length = u8::try_from(len).map_err(|_| EncodeError::Full)?;
        Ok(len)
    }
}
