//! Beacons: what a datagram says of the program that sends it.

use super::{Fields, Instance, LONGEST, Service, Space, VERSION};

/// What every beacon begins with, and all that the beacon of a legacy peer is.
///
/// ```
/// use cable_car::discovery::{Beacon, MARK};
///
/// assert_eq!(Beacon::read(MARK), Some(Beacon::Legacy));
/// ```
pub const MARK: &[u8; 9] = b"BROADCAST";

const GOODBYE: u8 = 0b01;
const ANSWER: u8 = 0b10;

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
        space.put(&self.instance.get().to_be_bytes());
        space.put(&self.tcp_port.to_be_bytes());
        space.put_service(&self.service);
        space.written()
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
}
