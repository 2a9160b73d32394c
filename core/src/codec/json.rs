//! The JSON transport: one line a message, `["ClassName",{"attribute":value,...}]`.
//!
//! Lines are read in place: escapes are resolved within the receive buffer, where text only ever
//! gets shorter, so that any text can be borrowed from it and nothing is allocated.

mod access;
mod cursor;
mod de;
mod error;
mod escape;
mod number;
mod ser;
mod writer;

pub use error::{JsonError, JsonErrorKind};

use self::cursor::Cursor;
use self::error::Fault;
use super::fields::EncodeError;
use super::{Outgoing, Rest, Split, Transport, sealed};
use crate::error::BadMessage;
use crate::text::Snippet;

/// The JSON transport: a line a message, readable, of any size that the buffers allow.
///
/// ```
/// use cable_car::{Json, Outgoing, Quit};
///
/// let mut line = [0; 32];
/// let len = Outgoing::<Json>::write_frame(&Quit, &mut line)?;
/// assert_eq!(&line[..len], b"[\"MsgQuit\",{}]\n");
/// # Ok::<(), cable_car::EncodeError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Json {
    /// How much of the unread bytes is known to hold no line feed.
    searched: usize,
}

impl Json {
    /// How deep arrays and objects may be nested in a message.
    ///
    /// ```
    /// # use cable_car::Json;
    /// assert_eq!(Json::DEEPEST, 128); // levels
    /// ```
    pub const DEEPEST: u32 = 128;
}

/// A message of the JSON transport: any serde type, and the class name that it goes by.
///
/// There is nothing to write but the name. Where the attributes are to look different from the
/// fields, use serde's own means (`#[serde(rename)]`, `#[serde(with)]`, or an implementation of
/// `Serialize` and `Deserialize` by hand). Text may be borrowed as `&str`, whatever escapes it has.
///
/// ```
/// use cable_car::JsonMessage;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Chat<'a> { text: &'a str }
///
/// impl JsonMessage for Chat<'_> {
///     const NAME: &'static str = "MsgChat";
/// }
/// ```
///
/// `#[derive(JsonMessage)]` (feature `derive`) writes the same.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a JSON message",
    label = "not a JSON message",
    note = "a type becomes one by #[derive(JsonMessage, Serialize, Deserialize)]"
)]
pub trait JsonMessage {
    /// What tells this message from the others: the name of its class in a Python peer.
    ///
    /// ```
    /// # use cable_car::{JsonMessage, Quit};
    /// assert_eq!(Quit::NAME, "MsgQuit");
    /// ```
    const NAME: &'static str;
}

/// A line of the JSON transport whose class name has not been looked up.
///
/// ```
/// use cable_car::{AnyJson, Link, Moved};
///
/// let mut link: Link<AnyJson, _, _> = Link::new([0; 256], [0; 256]);
/// let line = b"[\"MsgIdentify\",{\"username\":\"ann\",\"hostname\":\"pc\"}]\n";
/// link.receive(|space| {
///     space[..line.len()].copy_from_slice(line);
///     Moved::All(line.len())
/// });
/// let frame = link.get().expect("a whole line")?;
/// assert_eq!(frame.name(), "MsgIdentify");
/// # Ok::<(), cable_car::BadMessage>(())
/// ```
pub struct JsonFrame<'a> {
    name: &'a str,
    rest: Cursor<'a>,
}

impl<'a> JsonFrame<'a> {
    /// The class name.
    ///
    /// ```
    /// # use cable_car::{AnyJson, Link, Moved};
    /// #
    /// # let mut link: Link<AnyJson, _, _> = Link::new([0; 256], [0; 256]);
    /// # let line = b"[\"MsgIdentify\",{\"username\":\"ann\",\"hostname\":\"pc\"}]\n";
    /// # link.receive(|space| {
    /// #     space[..line.len()].copy_from_slice(line);
    /// #     Moved::All(line.len())
    /// # });
    /// let frame = link.get().expect("a whole line")?;
    /// assert_eq!(frame.name(), "MsgIdentify");
    /// # Ok::<(), cable_car::BadMessage>(())
    /// ```
    #[inline]
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Reads the attributes as a message, whatever the frame's name.
    ///
    /// ```
    /// # use cable_car::{AnyJson, Link, Moved};
    /// #
    /// # let mut link: Link<AnyJson, _, _> = Link::new([0; 256], [0; 256]);
    /// # let line = b"[\"MsgIdentify\",{\"username\":\"ann\",\"hostname\":\"pc\"}]\n";
    /// # link.receive(|space| {
    /// #     space[..line.len()].copy_from_slice(line);
    /// #     Moved::All(line.len())
    /// # });
    /// use cable_car::Identify;
    ///
    /// let frame = link.get().expect("a whole line")?;
    /// let who: Identify = frame.decode()?;
    /// assert_eq!(who.username(), "ann");
    /// # Ok::<(), cable_car::BadMessage>(())
    /// ```
    ///
    /// # Errors
    /// [`BadMessage::Attributes`] where they do not fit the message, [`BadMessage::Line`] where what
    /// follows them is not the end of a message.
    #[inline(always)]
    pub fn decode<M: JsonMessage + serde::Deserialize<'a>>(self) -> Result<M, BadMessage> {
        self.attributes(M::NAME)
    }

    /// Reads the attributes as any type that can be deserialized; `name` is what errors call it.
    ///
    /// ```
    /// # use cable_car::{AnyJson, Link, Moved};
    /// #
    /// # let mut link: Link<AnyJson, _, _> = Link::new([0; 256], [0; 256]);
    /// # let line = b"[\"MsgIdentify\",{\"username\":\"ann\",\"hostname\":\"pc\"}]\n";
    /// # link.receive(|space| {
    /// #     space[..line.len()].copy_from_slice(line);
    /// #     Moved::All(line.len())
    /// # });
    /// #[derive(serde::Deserialize)]
    /// struct Host<'a> {
    ///     hostname: &'a str,
    /// }
    ///
    /// let frame = link.get().expect("a whole line")?;
    /// let host: Host = frame.attributes("any message")?; // what else there is is ignored
    /// assert_eq!(host.hostname, "pc");
    /// # Ok::<(), cable_car::BadMessage>(())
    /// ```
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    #[inline(always)]
    pub fn attributes<T>(mut self, name: &'static str) -> Result<T, BadMessage>
    where
        T: serde::Deserialize<'a>,
    {
        let attributes = match self.rest.peek() {
            Some(b'{') => de::read(&mut self.rest),
            Some(_) => Err(JsonErrorKind::AttributesNotObject.into()),
            None => Err(Fault::End.into()),
        };
        let attributes = attributes.map_err(|error: JsonError| BadMessage::Attributes {
            name,
            error: error.at(self.rest.position()),
        })?;
        match self.finish() {
            Ok(()) => Ok(attributes),
            Err(kind) => {
                Err(BadMessage::Line { error: JsonError::from(kind).at(self.rest.position()) })
            }
        }
    }

    /// What is reported for a name that the program does not know.
    ///
    /// ```
    /// # use cable_car::{AnyJson, Link, Moved};
    /// #
    /// # let mut link: Link<AnyJson, _, _> = Link::new([0; 256], [0; 256]);
    /// # let line = b"[\"MsgIdentify\",{\"username\":\"ann\",\"hostname\":\"pc\"}]\n";
    /// # link.receive(|space| {
    /// #     space[..line.len()].copy_from_slice(line);
    /// #     Moved::All(line.len())
    /// # });
    /// let bad = link.get().expect("a whole line")?.unknown();
    /// assert_eq!(bad.to_string(), "unknown message name \"MsgIdentify\"");
    /// # Ok::<(), cable_car::BadMessage>(())
    /// ```
    #[cold]
    pub fn unknown(self) -> BadMessage {
        BadMessage::UnknownName { name: Snippet::new(self.name) }
    }

    /// Elements after the attributes are ignored, as the Python peer ignores them.
    #[inline]
    fn finish(&mut self) -> Result<(), Fault> {
        if self.rest.ends_with(b"]\n") { Ok(()) } else { self.finish_oddly() }
    }

    fn finish_oddly(&mut self) -> Result<(), Fault> {
        while self.rest.next_is(b',') {
            self.rest.skip_value(Json::DEEPEST)?;
        }
        self.rest.expect(b']')?;
        match self.rest.peek() {
            None => Ok(()),
            Some(_) => Err(Fault::Syntax),
        }
    }
}

/// `["Name",` and no further: the attributes are read once it is known what they should be.
#[inline(always)]
fn head<'a>(line: &mut Cursor<'a>) -> Result<&'a str, Fault> {
    line.expect(b'[')?;
    let name = line.text()?;
    line.expect(b',')?;
    Ok(name)
}

impl sealed::Sealed for Json {}

impl Transport for Json {
    type Frame<'a> = JsonFrame<'a>;

    const LONGEST_SENT: usize = usize::MAX;

    #[inline]
    fn split(&mut self, unread: &[u8]) -> Split {
        let fresh = unread.get(self.searched..).unwrap_or_default();
        if let Some(at) = memchr::memchr(b'\n', fresh) {
            let len = self.searched + at + 1;
            self.searched = 0;
            return Split::Frame(len);
        }
        self.searched = unread.len();
        Split::Part(Rest::UntilLineFeed)
    }

    /// A line begins with white space or `[`, and has no control character behind it.
    #[inline]
    fn foreign(unread: &[u8], _: impl Fn(JsonFrame<'_>) -> bool) -> Option<BadMessage> {
        /// How much white space is passed over: a frame that begins with it is short.
        const INDENT: usize = 8;
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        let indent = unread.iter().take(INDENT).position(|byte| !is_space(byte))?;
        let is_control = |byte: &u8| *byte < b' ' && !is_space(byte);
        unread.iter().skip(indent).take(2).any(is_control).then_some(BadMessage::Binary)
    }

    #[inline(always)]
    fn frame(bytes: &mut [u8]) -> Result<JsonFrame<'_>, BadMessage> {
        if !bytes.starts_with(b"[\"")
            && let Some(bad) = Self::foreign(bytes, |_| true)
        {
            return Err(bad);
        }
        let bad = |fault: Fault, at| BadMessage::Line { error: JsonError::from(fault).at(at) };
        let resolved = escape::resolve(bytes).map_err(|(kind, at)| bad(kind, at))?;
        let mut rest = Cursor::new(bytes, resolved);
        match head(&mut rest) {
            Ok(name) => Ok(JsonFrame { name, rest }),
            Err(kind) => Err(bad(kind, rest.position())),
        }
    }
}

impl<M: JsonMessage + serde::Serialize> Outgoing<Json> for M {
    fn write_frame(&self, space: &mut [u8]) -> Result<usize, EncodeError> {
        write_line(M::NAME, self, space)
    }
}

/// Writes `["name",attributes]` and a line feed to the start of `space` and gives the length.
///
/// ```
/// #[derive(serde::Serialize)]
/// struct Reading {
///     celsius: f32,
/// }
///
/// let mut line = [0; 64];
/// let len = cable_car::write_line("MsgReading", &Reading { celsius: 21.5 }, &mut line)?;
/// assert_eq!(&line[..len], b"[\"MsgReading\",{\"celsius\":21.5}]\n");
/// # Ok::<(), cable_car::EncodeError>(())
/// ```
///
/// # Errors
/// [`EncodeError::Full`] where `space` is too short, [`EncodeError::Invalid`] where `attributes`
/// have a form that can not be sent.
pub fn write_line<T>(name: &str, attributes: &T, space: &mut [u8]) -> Result<usize, EncodeError>
where
    T: serde::Serialize + ?Sized,
{
    let mut line = writer::Writer::new(space);
    line.bytes(b"[")?;
    line.text(name)?;
    line.bytes(b",")?;
    let start = line.len();
    attributes.serialize(ser::Serializer::new(&mut line))?;
    if line.byte_at(start) != Some(b'{') {
        return Err(EncodeError::Invalid("the attributes of a JSON message are not an object"));
    }
    line.bytes(b"]\n")?;
    Ok(line.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_byte_is_searched_twice_for_the_end_of_a_line() {
        let mut json = Json::default();
        assert_eq!(json.split(b"[\"Msg"), Split::Part(Rest::UntilLineFeed));
        assert_eq!(json.searched, 5);
        // What was searched is taken as searched: a line feed put there is not found.
        assert_eq!(json.split(b"\n\n\n\n\nJoin"), Split::Part(Rest::UntilLineFeed));
        assert_eq!(json.split(b"[\"MsgJoin\",{}]\n[\"M"), Split::Frame(15));
        assert_eq!(json.searched, 0, "the next line is searched from its start");
        assert_eq!(json.split(b"\n"), Split::Frame(1));
    }
}
