//! What goes over the network to find peers: beacons, and the hello that opens a link.

use core::fmt;

use heapless::String;

/// What every beacon begins with, and all that the beacon of a legacy peer is.
///
/// ```
/// use cable_car::discovery::{Beacon, MARK};
///
/// assert_eq!(Beacon::read(MARK), Some(Beacon::Legacy));
/// ```
pub const MARK: &[u8; 9] = b"BROADCAST";

/// The longest beacon that is sent and the longest hello that is understood, in bytes.
///
/// ```
/// let space = [0; cable_car::discovery::LONGEST]; // for `write` of an Announcement or a Hello
/// ```
pub const LONGEST: usize = 64;

const VERSION: u8 = 1;
const GOODBYE: u8 = 0b01;
const ANSWER: u8 = 0b10;

/// The name of one running program, chosen at random at its start; never 0.
///
/// The lower of two decides which link the pair keeps.
///
/// ```
/// use cable_car::discovery::Instance;
///
/// let random = 0x1dea_5eed; // another one at each start
/// assert_eq!(Instance::new(random).to_string(), "000000001dea5eed");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instance(u64);

impl Instance {
    /// An instance named by `random`, which should differ from program to program and from start to
    /// start.
    ///
    /// ```
    /// # use cable_car::discovery::Instance;
    /// assert_ne!(Instance::new(0).get(), 0);
    /// ```
    pub const fn new(random: u64) -> Self {
        Self(if random == 0 { 1 } else { random })
    }

    /// The number.
    ///
    /// ```
    /// # use cable_car::discovery::Instance;
    /// assert_eq!(Instance::new(7).get(), 7);
    /// ```
    pub const fn get(self) -> u64 {
        self.0
    }

    fn read(bytes: [u8; 8]) -> Option<Self> {
        match u64::from_be_bytes(bytes) {
            0 => None,
            number => Some(Self(number)),
        }
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Instance {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=u64:016x}", self.0);
    }
}

/// What a program is for: only programs of one service find each other. Empty where the ports alone
/// tell, as for the Python peer.
///
/// ```
/// use cable_car::discovery::{Config, Instance, Service};
///
/// let service = Service::new("pong")?;
/// let config = Config { service, ..Config::new(Instance::new(7)) };
/// # Ok::<(), cable_car::discovery::ServiceTooLong>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Service(String<{ Service::LONGEST }>);

/// A service name is longer than [`Service::LONGEST`] bytes.
///
/// ```
/// use cable_car::discovery::{Service, ServiceTooLong};
///
/// assert_eq!(Service::new(&"x".repeat(33)), Err(ServiceTooLong));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ServiceTooLong;

impl fmt::Display for ServiceTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the service name is longer than {} bytes", Service::LONGEST)
    }
}

impl core::error::Error for ServiceTooLong {}

impl Service {
    /// The longest name, in bytes.
    ///
    /// ```
    /// # use cable_car::discovery::Service;
    /// assert!(Service::new(&"x".repeat(Service::LONGEST)).is_ok());
    /// ```
    pub const LONGEST: usize = 32;

    /// No name.
    ///
    /// ```
    /// # use cable_car::discovery::{Config, Instance, Service};
    /// assert_eq!(Config::new(Instance::new(7)).service, Service::NONE);
    /// ```
    pub const NONE: Self = Self(String::new());

    /// The service of this name.
    ///
    /// ```
    /// # use cable_car::discovery::Service;
    /// assert_eq!(Service::new("pong")?.as_str(), "pong");
    /// # Ok::<(), cable_car::discovery::ServiceTooLong>(())
    /// ```
    ///
    /// # Errors
    /// [`ServiceTooLong`].
    pub fn new(name: &str) -> Result<Self, ServiceTooLong> {
        String::try_from(name).map(Self).map_err(|_| ServiceTooLong)
    }

    /// Its name.
    ///
    /// ```
    /// # use cable_car::discovery::Service;
    /// assert_eq!(Service::NONE.as_str(), "");
    /// ```
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a datagram on the beacon port says of its sender.
///
/// ```text
/// 0..9    BROADCAST
/// 9       version: 1
/// 10      flags: bit 0 goodbye, bit 1 answer
/// 11..19  instance, big-endian, not 0
/// 19..21  TCP port, big-endian, not 0
/// 21      length of the service name, 0..=32
/// 22..    service name, UTF-8
/// ```
///
/// What follows is ignored, and so is a version that is higher: fields are only ever added.
///
/// ```
/// use cable_car::discovery::Beacon;
///
/// let beacon = Beacon::read(b"BROADCAST\x01\0\0\0\0\0\0\0\0\x07\x20\x1f\0");
/// let Some(Beacon::Extended(said)) = beacon else { panic!("a peer that says who it is") };
/// assert_eq!(said.tcp_port, 8223);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beacon {
    /// A legacy peer: somebody is here, and no more.
    Legacy,
    /// A peer that says who it is.
    Extended(Announcement),
}

/// What an extended beacon says.
///
/// ```
/// use cable_car::discovery::{Announcement, Beacon, Instance, LONGEST, Service};
///
/// let announcement = Announcement {
///     instance: Instance::new(7),
///     tcp_port: 8223,
///     service: Service::NONE,
///     goodbye: false,
///     answer: false,
/// };
/// let mut space = [0; LONGEST];
/// let beacon = announcement.write(&mut space);
/// assert_eq!(beacon, b"BROADCAST\x01\0\0\0\0\0\0\0\0\x07\x20\x1f\0");
/// assert_eq!(Beacon::read(beacon), Some(Beacon::Extended(announcement)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Announcement {
    /// Who.
    pub instance: Instance,
    /// Where it can be dialled.
    pub tcp_port: u16,
    /// For what.
    pub service: Service,
    /// It leaves.
    pub goodbye: bool,
    /// It answers a beacon, and wants no answer.
    pub answer: bool,
}

impl Beacon {
    /// Reads a datagram; `None` for what is no beacon.
    ///
    /// ```
    /// # use cable_car::discovery::Beacon;
    /// assert_eq!(Beacon::read(b"BROADCAST"), Some(Beacon::Legacy));
    /// assert_eq!(Beacon::read(b"anything else"), None);
    /// ```
    pub fn read(datagram: &[u8]) -> Option<Self> {
        let rest = datagram.strip_prefix(MARK)?;
        if rest.is_empty() {
            return Some(Self::Legacy);
        }
        let mut fields = Fields(rest);
        let [version, flags] = fields.array()?;
        let instance = Instance::read(fields.array()?)?;
        let tcp_port = u16::from_be_bytes(fields.array()?);
        let service = fields.service()?;
        (version >= VERSION && tcp_port != 0).then_some(Self::Extended(Announcement {
            instance,
            tcp_port,
            service,
            goodbye: flags & GOODBYE != 0,
            answer: flags & ANSWER != 0,
        }))
    }
}

impl Announcement {
    /// Writes the beacon and gives it ([example](Announcement)).
    pub fn write<'a>(&self, space: &'a mut [u8; LONGEST]) -> &'a [u8] {
        let flags = (u8::from(self.goodbye) * GOODBYE) | (u8::from(self.answer) * ANSWER);
        let mut space = Space { bytes: space, len: 0 };
        space.put(MARK);
        space.put(&[VERSION, flags]);
        space.put(&self.instance.0.to_be_bytes());
        space.put(&self.tcp_port.to_be_bytes());
        space.put_service(&self.service);
        space.written()
    }
}

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
        let length = 21 + self.service.0.len();
        let mut space = Space { bytes: space, len: 0 };
        space.put(&[Self::FIRST_BYTE, length as u8, VERSION, kind]);
        space.put(&self.from.0.to_be_bytes());
        space.put(&self.to.0.to_be_bytes());
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

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn service(&mut self) -> Option<Service> {
        let [length] = self.array()?;
        let name = self.0.get(..usize::from(length))?;
        Service::new(core::str::from_utf8(name).ok()?).ok()
    }
}

/// Space that is large enough for all that is put there, by [`LONGEST`].
struct Space<'a> {
    bytes: &'a mut [u8; LONGEST],
    len: usize,
}

impl<'a> Space<'a> {
    fn put(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        if let Some(space) = self.bytes.get_mut(self.len..end) {
            space.copy_from_slice(bytes);
            self.len = end;
        }
    }

    fn put_service(&mut self, service: &Service) {
        self.put(&[service.0.len() as u8]);
        self.put(service.0.as_bytes());
    }

    fn written(self) -> &'a [u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announcement() -> Announcement {
        Announcement {
            instance: Instance::new(0x0102_0304_0506_0708),
            tcp_port: 8223,
            service: Service::new("pong").unwrap(),
            goodbye: false,
            answer: true,
        }
    }

    #[test]
    fn a_beacon_is_laid_out_as_specified() {
        let mut space = [0; LONGEST];
        let beacon = announcement().write(&mut space);
        assert_eq!(beacon, b"BROADCAST\x01\x02\x01\x02\x03\x04\x05\x06\x07\x08\x20\x1f\x04pong");
        assert_eq!(Beacon::read(beacon), Some(Beacon::Extended(announcement())));
    }

    #[test]
    fn what_is_cut_or_odd_is_no_beacon_and_what_is_added_is_ignored() {
        let mut space = [0; LONGEST];
        let beacon = announcement().write(&mut space);
        assert_eq!(Beacon::read(&beacon[..9]), Some(Beacon::Legacy));
        for len in (0..9).chain(10..beacon.len()) {
            assert_eq!(Beacon::read(&beacon[..len]), None, "{len} bytes");
        }
        let longer = [beacon, b"more"].concat();
        assert_eq!(Beacon::read(&longer), Some(Beacon::Extended(announcement())));
        for (at, byte) in [(0, b'b'), (9, 0), (21, 33), (22, 0xff)] {
            let mut odd = longer.clone();
            odd[at] = byte;
            assert_eq!(Beacon::read(&odd), None, "byte {at} is {byte}");
        }
    }

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
