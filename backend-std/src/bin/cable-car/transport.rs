//! What a message is in each transport: typed, sent, shown.

use cable_car_std::cable_car::EncodeError;
use cable_car_std::{
    AnyByte, AnyJson, BadMessage, Byte, ByteFrame, Identify, Join, JsonFrame, MessageSet,
    Messenger, Outgoing, Quit, Retry, SendError, Signal,
};

use crate::text::{hex, plain, printable};
use crate::value::{Numbers, Value};

mod input;

/// A transport, as far as this program has to do with it.
pub(crate) trait Talk: MessageSet + Sized {
    /// A message that somebody typed.
    type Typed;

    /// The option that chooses the other transport, for those who chose the wrong one.
    const OTHER: &'static str;

    /// Reads a line of the input.
    ///
    /// The error says what to write instead.
    fn read(line: &[u8]) -> Result<Self::Typed, String>;

    fn send(messenger: &mut Messenger<Self>, message: &Self::Typed) -> Result<(), SendError>;

    /// What a message is, for programs and for people.
    fn show(message: Self::Message<'_>) -> Result<Shown, BadMessage>;
}

/// A message that came, taken apart.
pub(crate) struct Shown {
    pub(crate) fields: [(&'static str, Value); 2],
    pub(crate) words: String,
    /// Whether it looks as if it were of the other transport.
    pub(crate) looks_foreign: bool,
}

/// A byte message whose code is known at run time alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    code: u8,
    payload: Vec<u8>,
}

impl Outgoing<Byte> for Frame {
    fn write_frame(&self, space: &mut [u8]) -> Result<usize, EncodeError> {
        let len = Byte::HEADER + self.payload.len();
        let length = u8::try_from(len).map_err(|_| EncodeError::Full)?;
        let Some([first, code, payload @ ..]) = space.get_mut(..len) else {
            return Err(EncodeError::Full);
        };
        (*first, *code) = (length, self.code);
        payload.copy_from_slice(&self.payload);
        Ok(len)
    }
}

impl Talk for AnyByte {
    type Typed = Frame;

    const OTHER: &'static str = "--transport json";

    fn read(line: &[u8]) -> Result<Frame, String> {
        input::frame(line)
    }

    fn send(messenger: &mut Messenger<Self>, message: &Frame) -> Result<(), SendError> {
        messenger.send(message)
    }

    fn show(frame: ByteFrame<'_>) -> Result<Shown, BadMessage> {
        let ByteFrame { code, payload } = frame;
        let mut words = format!("{code:#04x}");
        if !payload.is_empty() {
            words = format!("{words}  {}  {}", hex(payload, " "), printable(payload));
        }
        if let Some(name) = standard_name(frame) {
            words = format!("{words}  ({name})");
        }
        Ok(Shown {
            fields: [("code", u64::from(code).into()), ("payload", hex(payload, "").into())],
            words,
            // `["` as length and code, and a name.
            looks_foreign: code == b'"' && payload.len() + Byte::HEADER == usize::from(b'['),
        })
    }
}

/// What every peer calls this message, where it is one that every peer knows.
fn standard_name(frame: ByteFrame<'_>) -> Option<&'static str> {
    const IDENTIFY: u8 = <Identify as cable_car_std::ByteMessage<'_>>::CODE;
    match frame.code {
        IDENTIFY => frame.decode::<Identify>().is_ok().then_some("Identify"),
        <Join as Signal>::CODE => Some("Join"),
        <Retry as Signal>::CODE => Some("Retry"),
        <Quit as Signal>::CODE => Some("Quit"),
        _ => None,
    }
}

/// A JSON message whose class is known at run time alone.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    name: String,
    attributes: Value,
}

impl Talk for AnyJson {
    type Typed = Line;

    const OTHER: &'static str = "--transport byte";

    fn read(line: &[u8]) -> Result<Line, String> {
        input::line(line)
    }

    fn send(messenger: &mut Messenger<Self>, message: &Line) -> Result<(), SendError> {
        messenger.send_json(&message.name, &message.attributes)
    }

    fn show(frame: JsonFrame<'_>) -> Result<Shown, BadMessage> {
        let name = frame.name();
        let attributes: Value = frame.attributes("with these attributes")?;
        let mut words = format!("{} ", plain(name));
        attributes.write(Numbers::AsTheyCome, &mut words);
        let fields = [("name", name.into()), ("attributes", attributes)];
        Ok(Shown { fields, words, looks_foreign: false })
    }
}
