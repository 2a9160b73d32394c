//! What goes over the network to find peers: beacons, and the hello that opens a link.

mod beacon;
mod hello;
mod identity;

pub use beacon::{Announcement, Beacon, MARK};
pub use hello::{Hello, HelloReader, Opening};
pub use identity::{Instance, Service, ServiceTooLong};

/// The longest beacon that is sent and the longest hello that is understood, in bytes.
///
/// ```
/// let space = [0; cable_car::discovery::LONGEST]; // for `write` of an Announcement or a Hello
/// ```
pub const LONGEST: usize = 64;

/// Of beacons and hellos: a higher one only has more fields at its end.
const VERSION: u8 = 1;

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
        self.put(&[service.as_str().len() as u8]);
        self.put(service.as_str().as_bytes());
    }

    fn written(self) -> &'a [u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}
