//! The hello that opens a link, and a link that opens without one.

use super::{Fields, Instance, LONGEST, Service, Space, VERSION};

/// The first bytes of a link between two extended peers, one each way before any message: the one
/// that dialled says hello, the other one answers.
///
/// ```text
/// 0       0, which neither a byte frame nor a JSON line begins with
/// 1       length of the whole, these two bytes included
/// 2       version: 1
/// 3       1 hello, 2 welcome
/// 4..12   instance that sends it, big-endian, not 0
/// 12..20  instance that it is for, big-endian, not 0
/// 20      length of the service name, 0..=32
/// 21..    service name, UTF-8
/// ```
///
/// What follows is ignored, and so is a version that is higher. A hello that is not answered by a
/// welcome is answered by the end of the connection.
///
/// ```
/// use cable_car::discovery::{Hello, HelloReader, Instance, LONGEST, Opening, Service};
///
/// let (from, to) = (Instance::new(3), Instance::new(7));
/// let hello = Hello { welcome: false, from, to, service: Service::NONE };
/// let mut space = [0; LONGEST];
/// let bytes = hello.write(&mut space);
/// assert_eq!(bytes[0], Hello::FIRST_BYTE);
/// assert_eq!(Hello::read(bytes), Some(hello.clone()));
///
/// let mut reader = HelloReader::default();
/// assert_eq!(reader.read(&bytes[..1]), Opening::Part);
/// assert_eq!(reader.read(&bytes[1..2]), Opening::Part);
/// assert_eq!(reader.wanted(), bytes.len() - 2);
/// assert_eq!(reader.read(&bytes[2..]), Opening::Hello(hello));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Whether it is the answer.
    pub welcome: bool,
    /// Who says it.
    pub from: Instance,
    /// To whom.
    pub to: Instance,
    /// For what.
    pub service: Service,
}

impl Hello {
    /// How a hello begins ([example](Hello)).
    pub const FIRST_BYTE: u8 = 0;

    /// Reads a whole hello ([example](Hello)); `None` for what is none.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let [first, length, version, kind] = fields.array()?;
        let from = Instance::read(fields.array()?)?;
        let to = Instance::read(fields.array()?)?;
        let service = fields.service()?;
        let known = first == Self::FIRST_BYTE
            && usize::from(length) == bytes.len()
            && version >= VERSION
            && matches!(kind, 1 | 2);
        known.then_some(Self { welcome: kind == 2, from, to, service })
    }

    /// Writes it and gives it ([example](Hello)).
    pub fn write<'a>(&self, space: &'a mut [u8; LONGEST]) -> &'a [u8] {
        let kind = if self.welcome { 2 } else { 1 };
        let length = 21 + self.service.as_str().len();
        let mut space = Space { bytes: space, len: 0 };
        space.put(&[Self::FIRST_BYTE, length as u8, VERSION, kind]);
        space.put(&self.from.get().to_be_bytes());
        space.put(&self.to.get().to_be_bytes());
        space.put_service(&self.service);
        space.written()
    }
}

/// A hello that is coming in, byte by byte: never a byte more than it has is asked for.
///
/// ```
/// use cable_car::discovery::{HelloReader, Opening};
///
/// let mut reader = HelloReader::default();
/// assert_eq!(reader.wanted(), 1);
/// assert_eq!(reader.read(b"["), Opening::Message(b'['), "a peer that says no hello");
/// ```
#[derive(Clone, Debug, Default)]
pub struct HelloReader {
    bytes: heapless::Vec<u8, LONGEST>,
}

/// What a [`HelloReader`] has found ([example](Hello)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Not all of it is there.
    Part,
    /// A hello.
    Hello(Hello),
    /// The link opens with this byte: what comes is messages of a peer that says no hello.
    Message(u8),
    /// It begins as a hello does, and is none.
    Nonsense,
}

impl HelloReader {
    /// How many bytes may be read from the connection for now ([example](Hello)).
    pub fn wanted(&self) -> usize {
        match self.bytes.get(1) {
            None => 1,
            Some(&length) => usize::from(length).saturating_sub(self.bytes.len()),
        }
    }

    /// Whether anything was read.
    pub(crate) fn has_begun(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// Takes bytes that were read, at most as many as were [`wanted`](Self::wanted)
    /// ([example](Hello)).
    pub fn read(&mut self, bytes: &[u8]) -> Opening {
        if self.bytes.extend_from_slice(bytes).is_err() {
            return Opening::Nonsense;
        }
        match self.bytes[..] {
            [Hello::FIRST_BYTE, length, ..] if usize::from(length) > LONGEST => Opening::Nonsense,
            [] | [Hello::FIRST_BYTE] => Opening::Part,
            [Hello::FIRST_BYTE, length, ..] if usize::from(length) > self.bytes.len() => {
                Opening::Part
            }
            [Hello::FIRST_BYTE, ..] => {
                Hello::read(&self.bytes).map_or(Opening::Nonsense, Opening::Hello)
            }
            [byte, ..] => Opening::Message(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_is_read_at_every_split_and_not_a_byte_further() {
        let hello = Hello {
            welcome: false,
            from: Instance::new(1),
            to: Instance::new(2),
            service: Service::new("pong").unwrap(),
        };
        let mut space = [0; LONGEST];
        let bytes = hello.write(&mut space);
        let stream = [bytes, b"\x02\x02"].concat();
        for step in 1..=bytes.len() {
            let mut reader = HelloReader::default();
            let mut at = 0;
            let opening = loop {
                let to = at + reader.wanted().min(step);
                let opening = reader.read(&stream[at..to]);
                at = to;
                if opening != Opening::Part {
                    break opening;
                }
            };
            assert_eq!(opening, Opening::Hello(hello.clone()));
            assert_eq!(at, bytes.len());
        }
    }

    #[test]
    fn a_legacy_link_opens_with_its_first_message() {
        assert_eq!(HelloReader::default().read(b"["), Opening::Message(b'['));
        assert_eq!(HelloReader::default().read(b"\x02"), Opening::Message(2));
        let mut reader = HelloReader::default();
        assert_eq!(reader.read(b"\0"), Opening::Part);
        assert_eq!(reader.read(b"\0"), Opening::Nonsense);
    }
}
