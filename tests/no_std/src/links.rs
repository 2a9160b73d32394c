//! Links in both transports, without sockets.

use core::fmt::Write;

use cable_car::{
    AnyJson, BadMessage, ByteMessage, DecodeError, EncodeError, Identify, Join, JsonMessage, Link,
    LinkError, MessageSet, Moved, Quit, Reader, Retry, SendError, Signal, Snippet, Storage, Writer,
    message_set,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Position<'a> {
    x: i16,
    y: f32,
    name: &'a str,
}

impl<'a> ByteMessage<'a> for Position<'a> {
    const CODE: u8 = 0x10;

    fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
        payload.i16(self.x)?;
        payload.f32(self.y)?;
        payload.text(self.name)
    }

    fn decode(payload: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self { x: payload.i16()?, y: payload.f32()?, name: payload.rest_text()? })
    }
}

impl JsonMessage for Position<'_> {
    const NAME: &'static str = "MsgPosition";
}

#[derive(Debug, Default)]
pub struct Fire;

impl Signal for Fire {
    const CODE: u8 = 0x20;
}

message_set! {
    #[derive(Debug)]
    pub enum Bytes<'a>: Byte { Identify, Join, Retry, Quit, Fire, Position(Position<'a>) }
}

message_set! {
    #[derive(Debug)]
    pub enum Lines<'a>: Json { Identify, Join, Retry, Quit, Position(Position<'a>) }
}

fn carry<S, T, A, B, C, D>(from: &mut Link<S, A, B>, to: &mut Link<T, C, D>)
where
    S: MessageSet,
    T: MessageSet,
    A: Storage,
    B: Storage,
    C: Storage,
    D: Storage,
{
    from.transmit(|bytes| {
        let mut count = 0;
        to.receive(|space| {
            count = space.len().min(bytes.len());
            space[..count].copy_from_slice(&bytes[..count]);
            Moved::All(count)
        });
        Moved::All(count)
    });
}

pub fn byte() {
    let mut memory = [0; 64];
    let mut here: Link<Bytes<'_>, _, _> = Link::new([0; 255], [0; 255]);
    let mut there: Link<Bytes<'_>, &mut [u8], _> = Link::new(&mut memory[..], [0; 255]);
    let ann = Identify::new("ann", "pc").unwrap_or_else(|_| panic!());
    assert!(here.send(&ann).is_ok() && here.send(&Join).is_ok() && here.send(&Retry).is_ok());
    assert!(here.send(&Fire).is_ok());
    assert!(here.send(&Position { x: -3, y: 0.5, name: "ship" }).is_ok());
    carry(&mut here, &mut there);
    assert!(matches!(there.get(), Some(Ok(Bytes::Identify(got))) if got == ann));
    assert!(matches!(there.get(), Some(Ok(Bytes::Join(_)))));
    assert!(matches!(there.get(), Some(Ok(Bytes::Retry(_)))));
    assert!(matches!(there.get(), Some(Ok(Bytes::Fire(_)))));
    let expected = Position { x: -3, y: 0.5, name: "ship" };
    assert!(matches!(there.get(), Some(Ok(Bytes::Position(got))) if got == expected));
    assert!(there.get().is_none());
    there.receive(|_| Moved::Closed);
    assert!(there.status() == Err(LinkError::ClosedByPeer));
}

pub fn json() {
    let mut here: Link<Lines<'_>, _, _> = Link::new([0; 256], [0; 256]);
    let mut there: Link<Lines<'_>, _, _> = Link::new([0; 256], [0; 256]);
    let expected = Position { x: -3, y: 1e-7, name: "é\n😀" };
    assert!(here.send(&expected).is_ok() && here.send(&Quit).is_ok());
    carry(&mut here, &mut there);
    assert!(matches!(there.get(), Some(Ok(Lines::Position(got))) if got == expected));
    assert!(matches!(there.get(), Some(Ok(Lines::Quit(_)))));

    let mut any: Link<AnyJson, _, _> = Link::new([0; 256], [0; 0]);
    let ann = Identify::new("ann", "pc").unwrap_or_else(|_| panic!());
    assert!(here.send_with(|space| cable_car::write_line("MsgOther", &ann, space)).is_ok());
    carry(&mut here, &mut any);
    let Some(Ok(frame)) = any.get() else { panic!() };
    assert!(frame.name() == "MsgOther");
    assert!(frame.attributes::<Identify>("MsgOther").is_ok_and(|got| got == ann));
}

/// Text in place, so that errors are shown by the same code as on a machine with a log.
struct Text {
    bytes: [u8; 200],
    len: usize,
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let space = self.bytes.get_mut(self.len..self.len + text.len()).ok_or(core::fmt::Error)?;
        space.copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}

pub fn errors() {
    let mut link: Link<Lines<'_>, _, _> = Link::new([0; 64], [0; 8]);
    assert!(matches!(link.send(&Join), Err(SendError::TooLong { limit: 8 })));
    let line = b"[\"MsgPosition\",{\"x\":1,\"y\":true,\"name\":\"\"}]\n";
    link.receive(|space| {
        space[..line.len()].copy_from_slice(line);
        Moved::All(line.len())
    });
    let Some(Err(bad @ BadMessage::Attributes { .. })) = link.get() else { panic!() };
    let mut text = Text { bytes: [0; 200], len: 0 };
    assert!(write!(text, "{bad}").is_ok());
    let expected = b"message MsgPosition: attribute \"y\" is not f32";
    assert!(text.bytes.starts_with(expected));
    assert!(Snippet::new("abc").as_str() == "abc");
    link.close();
    assert!(link.status() == Err(LinkError::Closed));
}
